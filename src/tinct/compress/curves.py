"""What settings of a picture give, told from a sample: score and bytes by colors and loss.

The sample's drawings depend on the picture and the options alone. What is asked for decides only
whether those of `see` are among them, never for small pictures.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from tinct.compress.encoder import Encoder, Trial

__all__ = ["LEVELS", "TOP", "Curves", "Setting"]

LEVELS = np.arange(100, -200, -0.25)  # of SSIMULACRA2
GRID = 1 / 512  # losses are multiples of it: the last bit of a measurement then decides nothing
LOSSES = (1 / 32, 1 / 8, 1 / 4, 3 / 8, 1 / 2, 3 / 4, 1.0)  # with all colors; then with fewer
SOME, SOME_IF_SMALL = (1 / 8, 3 / 8, 3 / 4), (1 / 4, 1 / 2, 1.0)
# Fewer colors with less loss beat many colors with much where a picture is flat, and never in
# photographs (128 colors cost those 15 % more bytes at the same score). They are halved until twice
# in a row no score took so much fewer bytes.
FEWER, GAIN, PATIENCE = (128, 64, 32, 16, 8, 4, 2), 0.01, 2
FEWER_IF_SMALL = (64, 16, 4, 2)
# Without loss or dithering a drawing takes next to no time, and graphics score in leaps.
UNDITHERED = (2, 3, 4, 6, 8, 12, 16, 24, 40, 80)
# Without loss K-means sees as the eye does, which is worth 2 to 5 points: near the top so many
# colors take 3 to 12 % less than more with little loss. Fewer do where PNG's filters serve better
# than copies, or where the fewest save a tenth: down to 40 % less, of cloth and of paper.
SEEN, SEEN_IF_FILTERED, TOP, MUCH = (96, 128, 192), (64, 48, 32, 24), 1 / 16, 0.1

Way = tuple[int, float | None]  # colors, and dithering: None as the options say
Setting = tuple[int, float | None, float]  # and the loss
Floats = NDArray[np.float64]


class Curves:
    """A curve for each way to draw: at each of LEVELS the loss, and the bytes that it takes.

    `losses` and `sizes`, logarithms of the bytes per pixel and infinite where a way doesn't reach
    the level, are (ways, levels).
    """

    def __init__(self, encoder: Encoder, colors: int) -> None:
        self.encoder, self.colors = encoder, colors
        self.trials: dict[Setting, Trial] = {}
        self.ways: list[Way] = []
        self.losses, self.sizes = np.empty((2, 0, len(LEVELS)))
        most = max(min(colors, encoder.colors), encoder.fewest)
        small, fewest = encoder.small, encoder.fewest
        numbers = FEWER_IF_SMALL if small else FEWER
        self._possible = range(fewest, most)
        self._fewer = [few for few in numbers if few in self._possible]
        self._add((colors, None), [0.0])
        self._add((colors, None), SOME_IF_SMALL if small else LOSSES)
        if small:
            for few in self._fewer:
                self._add((few, None), [0.0])
            for few in (*(few for few in UNDITHERED if few in self._possible), colors):
                self._add((few, 0.0), [0.0])
        if encoder.flat or small:
            self._halve(None, self._fewer)
            self._halve(0.0, [colors, *self._fewer])

    @property
    def filtered(self) -> bool:
        """Whether filters serve a photograph that well that they do even at some loss."""
        return self.encoder.predicts(self.trials[self.colors, None, LOSSES[2]].drawn)

    def see(self) -> None:
        """Take in what may be best near the top: fewer colors without loss."""
        gains = [self._add((few, None), [0.0]) for few in SEEN if few in self._possible]
        if len(gains) < len(SEEN) or gains[0] < (GAIN if self.filtered else MUCH):
            return
        more = [few for few in SEEN_IF_FILTERED if few in self._possible]
        for few in more:
            self._add((few, None), [0.0])
        for few in SEEN:
            self._add((few, 0.0), [0.0, SOME[1]])

    def add_least(self) -> None:
        """Take in what is left where no loss suffices: few colors, undithered."""
        for few in self._fewer:
            self._add((few, 0.0), [*SOME, 1.0])

    def setting(self, way: int, level: int) -> Setting:
        """What a point of a curve stands for."""
        return (*self.ways[way], round(float(self.losses[way, level]) / GRID) * GRID)

    def highest(self) -> list[Setting]:
        """What may score highest."""
        best = sorted(self.trials, key=lambda setting: -self.trials[setting].score)
        return [(self.colors, None, 0.0), (self.colors, 0.0, 0.0), *best[:3]]

    def smallest(self) -> list[Setting]:
        """What may take the fewest bytes."""
        fewest = min(self.encoder.fewest, self.colors)
        few = sorted({fewest, min(fewest + 1, self.colors), min(4, self.colors)})
        return [(number, 0.0, lossy) for number in few for lossy in (0.0, 1.0)]

    def _halve(self, dither: float | None, numbers: Iterable[int]) -> None:
        vain, small = 0, self.encoder.small
        for few in numbers:
            gain = self._add((few, dither), SOME_IF_SMALL if small else SOME)
            vain = 0 if gain > GAIN or small else vain + 1
            if vain == PATIENCE:
                return

    def _add(self, way: Way, losses: Iterable[float]) -> float:
        """Draw a way with some losses; how much less than all others it takes at best."""
        for lossy in losses:
            if (*way, lossy) not in self.trials:
                self.trials[*way, lossy] = self.encoder.trial(*way, lossy)
        trials = [self.trials[*way, lossy] for lossy in losses]
        scores = np.minimum.accumulate([trial.score for trial in trials])[::-1]
        sizes = np.minimum.accumulate([math.log(trial.bytes) for trial in trials])[::-1]
        size = np.interp(LEVELS, scores, sizes) - math.log(self.encoder.size)
        size[scores[-1] < LEVELS] = math.inf
        reached = np.isfinite(size)
        least = self.sizes.min(axis=0, initial=math.inf)
        gain = float((least[reached] - size[reached]).max(initial=-math.inf))
        self.ways.append(way)
        self.sizes = np.vstack([self.sizes, size])
        loss = np.interp(LEVELS, scores, [trial.lossy for trial in trials][::-1])
        self.losses = np.vstack([self.losses, loss])
        return gain
