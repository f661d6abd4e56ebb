"""A picture's settings from the best look to the fewest bytes: what every search walks along.

Some settings are drawn on a sample of the picture; between those of one number of colors the loss
is interpolated. Of settings that score alike the one of fewest bytes makes a step. So the ladder
depends on the picture and the options alone, not on what is asked for: two goals that are looked up
in it can't be answered in the wrong order.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from tinct.compress.encoder import Encoder, Trial

__all__ = ["Ladder", "Setting", "Step"]

LEVELS = np.arange(100, -200, -0.25)  # of SSIMULACRA2: those of steps
GRID = 1 / 512  # losses are multiples of it: the last bit of a measurement then decides nothing
LOSSES = (1 / 32, 1 / 8, 1 / 4, 3 / 8, 1 / 2, 3 / 4, 1.0)  # with all colors
SOME = (1 / 8, 3 / 8, 3 / 4)  # with fewer
# Fewer colors with less loss beat many colors with much where a picture is flat, and never in
# photographs (128 colors cost those 15 % more bytes at the same score). They are halved until twice
# in a row no score took so much fewer bytes.
FEWER, GAIN, PATIENCE = (128, 64, 32, 16, 8, 4, 2), 0.01, 2
# Without loss or dithering a drawing takes next to no time, and graphics score in leaps.
UNDITHERED = (*range(2, 17), 18, 20, 24, 28, 34, 40, 56, 80, 128)

Way = tuple[int, float | None]  # colors, and dithering: None as the options say
Setting = tuple[int, float | None, float]  # and the loss


@dataclass(frozen=True, slots=True)
class Step:
    """A setting, and what it gives on the sample: SSIMULACRA2, logarithm of the bytes per pixel."""

    setting: Setting
    score: float
    bytes: float


class Ladder:
    """Steps whose scores and bytes fall, and the trials that they were worked out from."""

    def __init__(self, encoder: Encoder, colors: int) -> None:
        self.encoder, self.colors = encoder, colors
        self.trials: dict[Setting, Trial] = {}
        most = max(min(colors, encoder.colors), encoder.fewest)
        self._fewer = [few for few in FEWER if encoder.fewest <= few < most]
        curves = _Curves()
        curves.add(self._draw((colors, None), [0.0]))
        curves.add(self._draw((colors, None), LOSSES))
        if encoder.flat or encoder.small:
            for few in (colors, *(few for few in UNDITHERED if encoder.fewest <= few < most)):
                curves.add(self._draw((few, 0.0), [0.0]))
            self._halve(curves, None, self._fewer)
            self._halve(curves, 0.0, [colors, *self._fewer])
        self.steps = curves.steps(encoder.size)

    @cached_property
    def below(self) -> list[Step]:
        """Steps below the last one, of few colors without dithering."""
        last, curves = self.steps[-1], _Curves()
        for few in self._fewer:
            curves.add(self._draw((few, 0.0), [*SOME, 1.0]))
        steps = curves.steps(self.encoder.size)
        return [step for step in steps if step.score < last.score and step.bytes < last.bytes]

    def highest(self) -> list[Setting]:
        """What may score highest."""
        best = sorted(self.trials, key=lambda setting: -self.trials[setting].score)
        return [(self.colors, None, 0.0), (self.colors, 0.0, 0.0), *best[:3]]

    def smallest(self) -> list[Setting]:
        """What may take the fewest bytes."""
        fewest = min(self.encoder.fewest, self.colors)
        few = sorted({fewest, min(fewest + 1, self.colors), min(4, self.colors)})
        last = (self.steps + self.below)[-1]
        return [last.setting, *((number, 0.0, lossy) for number in few for lossy in (0.0, 1.0))]

    def _draw(self, way: Way, losses: Iterable[float]) -> list[Trial]:
        settings: list[Setting] = [(*way, lossy) for lossy in losses]
        for setting in settings:
            if setting not in self.trials:
                self.trials[setting] = self.encoder.trial(*setting)
        return [self.trials[setting] for setting in settings]

    def _halve(self, curves: _Curves, dither: float | None, numbers: Iterable[int]) -> None:
        vain = 0
        for few in numbers:
            losses = SOME if not self.encoder.small else (*SOME, 1.0)
            better = curves.add(self._draw((few, dither), losses))
            vain = 0 if better or self.encoder.small else vain + 1
            if vain == PATIENCE:
                return


class _Curves:
    """Trials by loss, of several ways: which of them takes the fewest bytes at each level."""

    def __init__(self) -> None:
        self.least = np.full(len(LEVELS), math.inf)
        self.best: list[Setting | None] = [None] * len(LEVELS)

    def add(self, trials: list[Trial]) -> bool:
        """Take in one way's, in the order of loss; say whether it gains something somewhere."""
        scores = np.minimum.accumulate([trial.score for trial in trials])[::-1]
        sizes = np.minimum.accumulate([math.log(trial.bytes) for trial in trials])[::-1]
        losses = np.interp(LEVELS, scores, [trial.lossy for trial in trials][::-1])
        size = np.interp(LEVELS, scores, sizes)
        size[scores[-1] < LEVELS] = math.inf
        gains = bool((size < self.least - GAIN).any())
        for i in np.flatnonzero(size < self.least):
            lossy = round(float(losses[i]) / GRID) * GRID
            self.best[i] = trials[0].colors, trials[0].dither, lossy
        self.least = np.minimum(self.least, size)
        return gains

    def steps(self, pixels: int) -> list[Step]:
        """Each setting once, at the highest level that it reaches."""
        steps: list[Step] = []
        for level, size, setting in zip(LEVELS, self.least, self.best, strict=True):
            if setting is not None and not (steps and setting == steps[-1].setting):
                steps.append(Step(setting, float(level), float(size) - math.log(pixels)))
        return steps
