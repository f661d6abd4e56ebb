"""Targets: the least bytes that still look so good, the best look in so many bytes.

Searches around the pipeline. Every figure they compare is that of a real file; pictures beyond a
megapixel are searched on tiles first, and the last steps and the final figures are the whole's.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from tinct.draw import Drawing, Studio
from tinct.quality import MIN_SIDE
from tinct.search import STEP, farthest

__all__ = ["TargetError", "least_bytes", "within_bytes"]

# By how much SSIMULACRA2 falls from no loss to the most, and the logarithm of bytes.
SCORES, LOG_BYTES = 60.0, 2.3
CLOSE = 0.5  # points of SSIMULACRA2 above the goal that are close enough
FULL = math.log(1 / 0.975)  # a budget filled to 97.5 % is filled
# Few colors with little loss beat many colors with much where most of a picture is flat, and never
# in photographs (128 colors cost those 15 % more bytes at the same score). Such pictures have few
# distinct colors for their size.
FEWER, FLAT = (96, 64, 40, 24, 16, 12), 0.1


class TargetError(ValueError):
    """A target that this picture can't meet. The message says what was reached."""


def least_bytes(studio: Studio, colors: int, goal: float) -> Drawing:
    """Search the smallest file that still scores `goal` on SSIMULACRA2.

    Parameters
    ----------
    studio : Studio
        The picture.
    colors : int
        How many colors at most.
    goal : float
        The score that the decoded file must reach.

    Returns
    -------
    Drawing
        The smallest found.

    Raises
    ------
    TargetError
        If no drawing reaches it, or the picture is too small for the measure.

    Examples
    --------
    >>> import numpy as np
    >>> from tinct.draw import Clock, Options
    >>> ramp = np.arange(64 * 64 * 3, dtype=np.uint16).reshape(64, 64, 3) // 48
    >>> studio = Studio(ramp.astype(np.uint8), Options(dither=0.75), Clock())
    >>> studio.score(least_bytes(studio, 256, 70)) >= 70
    True
    """
    height, width = studio.pixels.shape[:2]
    if min(height, width) < MIN_SIDE:
        raise TargetError(f"SSIMULACRA2 needs at least 8x8 pixels, not {width}x{height}")
    hunt = _Hunt(studio, goal)
    hunt.consider(colors, 0.0)
    sample = studio.sample()
    where = min(max((92 - goal) / SCORES, STEP), 1.0)
    if sample is not studio:
        where = _Hunt(sample, goal).turn(colors, where, CLOSE) or STEP
    hunt.turn(colors, where, CLOSE if sample is studio else 3 * CLOSE)
    if _is_flat(studio):
        for fewer, lossy in _rough(colors):
            hunt.consider(fewer, lossy)
        hunt.refine()
    if hunt.best is None:
        raise TargetError(f"a SSIMULACRA2 score of {goal:g} is out of reach: {hunt.highest:.1f}")
    return hunt.best


def within_bytes(studio: Studio, colors: int, budget: int) -> Drawing:
    """Search the best drawing whose file has at most so many bytes.

    Parameters
    ----------
    studio : Studio
        The picture.
    colors : int
        How many colors at most.
    budget : int
        Bytes that the file may have.

    Returns
    -------
    Drawing
        The one with the least loss; with fewer colors only where loss alone isn't enough.

    Raises
    ------
    TargetError
        If even two colors take more.

    Examples
    --------
    >>> import numpy as np
    >>> from tinct.draw import Clock, Options
    >>> ramp = np.arange(64 * 64 * 3, dtype=np.uint16).reshape(64, 64, 3) // 48
    >>> studio = Studio(ramp.astype(np.uint8), Options(dither=0.75), Clock())
    >>> len(within_bytes(studio, 256, 700).data) <= 700
    True
    """
    plain = studio.draw(colors)
    if len(plain.data) <= budget:
        return plain
    sample, least = studio.sample(), len(plain.data)
    guess = math.log(least / budget) / LOG_BYTES
    if sample is not studio:
        part = sample.pixels.size / studio.pixels.size
        guess = _loss_for(sample, colors, max(int(budget * part), 1), guess)[1]
    while True:
        best, _, size = _loss_for(studio, colors, budget, guess)
        if best is not None:
            return best
        least = min(least, size)
        if colors == 2:
            raise TargetError(f"{budget} bytes are out of reach: {least}")
        colors, guess = max(colors // 2, 2), 1.0


def _loss_for(
    studio: Studio, colors: int, budget: int, guess: float
) -> tuple[Drawing | None, float, int]:
    """The least loss whose file fits: the drawing, the loss, the bytes of the smallest tried."""
    tried: dict[float, Drawing] = {}

    def slack(kept: float) -> float:
        drawing = tried[kept] = studio.draw(colors, max(1 - kept, STEP))
        return math.log(budget / len(drawing.data))

    start = min(max(1 - guess, 0.0), 1.0)
    kept = farthest(slack, tolerance=FULL, guess=start, slope=LOG_BYTES)
    least = min(len(drawing.data) for drawing in tried.values())
    fits = [d for d in tried.values() if len(d.data) <= budget]
    # Bytes fall with loss but for a little noise: the fullest file is the one with the least loss.
    best = max(fits, key=lambda drawing: len(drawing.data)) if fits else None
    return best, 1.0 if kept is None else 1 - kept, least


class _Hunt:
    """The smallest drawing so far that reaches a score."""

    def __init__(self, studio: Studio, goal: float) -> None:
        self.studio, self.goal = studio, goal
        self.best: Drawing | None = None
        self.at = (0, 0.0)  # its colors and loss
        self.highest = -math.inf

    def measure(self, colors: int, lossy: float) -> float:
        drawing = self.studio.draw(colors, lossy)
        score = self.studio.score(drawing)
        self.highest = max(self.highest, score)
        if score >= self.goal and (self.best is None or len(drawing.data) < len(self.best.data)):
            self.best, self.at = drawing, (colors, lossy)
        return score

    def consider(self, colors: int, lossy: float) -> None:
        """As `measure`, but a file that is larger than the best needs no score."""
        if self.best is not None:
            drawing = self.studio.draw(colors, lossy)
            if len(drawing.data) >= len(self.best.data):
                return
        self.measure(colors, lossy)

    def turn(self, colors: int, guess: float, close: float) -> float | None:
        """Go for the loss that meets the goal with these colors."""
        return farthest(
            lambda lossy: self.measure(colors, max(lossy, STEP)) - self.goal,
            tolerance=close,
            guess=guess,
            slope=SCORES,
        )

    def refine(self) -> None:
        colors, lossy = self.at
        if self.best is not None and lossy:
            self.turn(colors, min(lossy + 4 * STEP, 1.0), CLOSE)


def _rough(colors: int) -> Iterator[tuple[int, float]]:
    for fewer in FEWER:
        if fewer < colors:
            yield fewer, STEP
            yield fewer, 0.3


def _is_flat(studio: Studio) -> bool:
    height, width = studio.pixels.shape[:2]
    return bool(len(studio.counted.colors) < FLAT * height * width)
