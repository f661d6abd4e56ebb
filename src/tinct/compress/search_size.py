"""The best look in so many bytes."""

from __future__ import annotations

from tinct.compress.encoder import Encoded, Encoder
from tinct.compress.search_curves import Search
from tinct.errors import TargetError

__all__ = ["within_bytes"]


def within_bytes(encoder: Encoder, colors: int, budget: int) -> Encoded:
    """Search the best drawing whose file has at most `budget` bytes.

    TargetError if no number of colors takes so few, with all loss or none, dithered or not.
    """
    if not encoder.small:
        plain = encoder.draw(colors)
        if plain.size <= budget:
            return plain
    search = Search(encoder, colors)
    found = search.highest_score(budget)
    if found is None and not search.known:
        search.curves.add_least()
        found = search.highest_score(budget)
    if found is not None:
        return encoder.repacked(found.drawn)
    tried = search.draw(search.curves.smallest())
    if fits := [trial for trial in tried if trial.bytes <= budget]:
        return max(fits, key=lambda trial: trial.score).drawn
    least = min(trial.bytes for trial in tried)
    raise TargetError(f"{budget} bytes are out of reach: {least}")
