"""One-dimensional search: as far along a dial as a goal allows. Knows nothing of pictures."""

from __future__ import annotations

from collections.abc import Callable

__all__ = ["LOG_BYTES", "STEP", "Point", "farthest", "on_grid"]

# Dials are set to multiples of this: the last bit of a measurement then decides nothing.
STEP = 1 / 512
NEAR = 0.02  # the least step away from what was measured
Point = tuple[float, float]  # a position, and the slack there
LOG_BYTES = 2.3  # by how much the logarithm of bytes falls from no loss to the most


def farthest(
    slack: Callable[[float], float | None],
    *,
    tolerance: float,
    guess: float,
    slope: float,
    most: int = 9,
    good: Point | None = None,
    bad: Point | None = None,
) -> float | None:
    """Find how far a dial of 0...1 can be turned before a falling slack becomes negative.

    Regula falsi aimed at the middle of the tolerance: measuring is dear, and what is measured here
    (scores, logarithms of sizes) is nearly a straight line. `slack` says what is left at a
    position, None to give up; it begins at `guess` and falls by about `slope` over the whole dial.
    A slack of 0...`tolerance` is good enough, `most` measurements are made. `good` and `bad` are
    what is known already, a position and its slack each, if anything is. None if all were negative.

    >>> farthest(lambda x: 60 - 80 * x, tolerance=0.5, guess=0.5, slope=60)
    0.74609375
    >>> farthest(lambda x: 1 / 0, tolerance=0.5, guess=0, slope=60, good=(0.7, 0.4))
    0.7
    """
    before: Point | None = None
    for _ in range(most):
        if good is not None and (good[1] <= tolerance or good[0] == 1):
            break
        if good is None and bad is not None and bad[0] == 0:
            break
        at = _next(good, bad, tolerance / 2, slope) if good or bad else on_grid(guess)
        if good is not None and bad is not None and not good[0] < at < bad[0]:
            break
        left = slack(at)
        if left is None:
            return None
        if left >= 0:
            good = (at, left)
        else:
            bad = (at, left)
        if before is not None and at != before[0]:  # where it falls slowly, steps are longer
            slope = min(slope, max((before[1] - left) / (at - before[0]), slope / 4))
        before = at, left
    return good[0] if good else None


def _next(good: Point | None, bad: Point | None, aim: float, slope: float) -> float:
    if good is not None and bad is not None:
        share = (good[1] - aim) / (good[1] - bad[1])
        share = min(max(share, 0.1), 0.9)  # an end that never moves would make steps tiny
        between = on_grid(good[0] + share * (bad[0] - good[0]))
        return min(max(between, good[0] + STEP), bad[0] - STEP)
    at, left = good or bad or (0.0, 0.0)
    step = (left - aim) / slope
    return on_grid(at + (max(step, NEAR) if good else min(step, -NEAR)))


def on_grid(at: float) -> float:
    """The nearest position of the dial."""
    return min(max(round(at / STEP) * STEP, 0.0), 1.0)
