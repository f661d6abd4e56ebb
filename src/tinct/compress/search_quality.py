"""The least bytes that still score so much."""

from __future__ import annotations

from tinct.compress.encoder import Encoded, Encoder, Trial
from tinct.compress.search_curves import Search
from tinct.errors import TargetError

__all__ = ["least_bytes"]

UNDITHERED = (*range(2, 17), 18, 20, 24, 28, 34, 40, 56, 80, 128)


def least_bytes(encoder: Encoder, colors: int, goal: float, least: float | None = None) -> Encoded:
    """Search the smallest file that still scores `goal` on SSIMULACRA2.

    Where that is out of reach, a best drawing that scores `least` will do; else TargetError.
    """
    search = Search(encoder, colors)
    found = search.fewest_bytes(goal)
    if (
        encoder.thorough
        and not search.known
        and (plain := _undithered(encoder, colors, goal)) is not None
    ):
        found = plain if found is None else min(plain, found, key=lambda trial: trial.bytes)
    if found is not None:
        return encoder.repacked(found.drawn)
    tried = search.draw(search.curves.highest())
    if reach := [trial for trial in tried if trial.score >= goal]:
        return min(reach, key=lambda trial: trial.bytes).drawn
    best = max(tried, key=lambda trial: trial.score)
    if best.score < (goal := goal if least is None else least):
        raise TargetError(f"a SSIMULACRA2 score of {goal:g} is out of reach: {best.score:.1f}")
    return best.drawn


def _undithered(encoder: Encoder, colors: int, goal: float) -> Trial | None:
    """Without loss or dithering, in the fewest colors that do.

    On a wide chart this saves 10 %: its letters repeat exactly, and loss makes them differ.
    """
    for few in UNDITHERED:
        if encoder.fewest <= few <= colors and encoder.undithered(few)[1] >= goal:
            trial = encoder.trial(few, 0.0, 0.0)
            encoder.tell(trial.drawn)
            return trial
    return None
