"""The least bytes that still score so much."""

from __future__ import annotations

from tinct.compress.encoder import Encoded, Encoder
from tinct.compress.search_curves import Search
from tinct.errors import TargetError

__all__ = ["least_bytes"]


def least_bytes(encoder: Encoder, colors: int, goal: float, least: float | None = None) -> Encoded:
    """Search the smallest file that still scores `goal` on SSIMULACRA2.

    Where that is out of reach, a best drawing that scores `least` will do; else TargetError.
    """
    search = Search(encoder, colors)
    if (found := search.fewest_bytes(goal)) is not None:
        return found.drawn
    tried = search.draw(search.curves.highest())
    if reach := [trial for trial in tried if trial.score >= goal]:
        return min(reach, key=lambda trial: trial.bytes).drawn
    best = max(tried, key=lambda trial: trial.score)
    if best.score < (goal := goal if least is None else least):
        raise TargetError(f"a SSIMULACRA2 score of {goal:g} is out of reach: {best.score:.1f}")
    return best.drawn
