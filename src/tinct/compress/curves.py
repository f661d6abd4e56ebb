"""What settings of a picture give, told from a sample: score and bytes by colors and loss.

Of small pictures the drawings depend on the picture and the options alone. Of others what is asked
for decides whether those of `see` are among them, and which of `near`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from tinct.compress.abreast import abreast
from tinct.compress.encoder import Encoder, Trial

__all__ = ["AIM", "LEVELS", "TOP", "Curves", "Setting", "Slack", "Way", "of", "stands"]

LEVELS = np.arange(100, -200, -0.25)  # of SSIMULACRA2
GRID = 1 / 512  # losses are multiples of it: the last bit of a measurement then decides nothing
DIAL = np.arange(0, 1 + GRID, GRID)
# With all colors; then with fewer. (Without the least, goals near the top were answered without
# loss, in up to twice the bytes.)
LOSSES = (1 / 128, 1 / 32, 1 / 8, 1 / 4, 3 / 8, 1 / 2, 3 / 4, 1.0)
SOME, SOME_IF_SMALL = (1 / 8, 3 / 8, 3 / 4), (1 / 4, 1 / 2, 1.0)
# Fewer colors with less loss beat many colors with much where a picture is flat, and never in
# photographs (128 colors cost those 15 % more bytes at the same score). They become fewer until
# they fall that many points short of what was asked. (To stop where they take no fewer bytes for it
# missed 12 % of a chart that has four. Halved at each step, 13 graphics took 0.6 % more bytes,
# single ones 8 %, in a tenth less time.)
FEWER, SHORT = (128, 64, 48, 32, 24, 16, 12, 8, 6, 4, 2), 10
FEWER_IF_SMALL = (64, 16, 4, 2)
# A way is drawn so often until it is so near to what was asked, in points, in steps of so much.
TRIES, NEAR, NO_STEP = 3, 2.0, 1 / 128
# Where less loss gained less than that share of what was expected, of so many points or more, still
# less is to gain nothing.
HARDLY, STEP = 0.5, 1.5
# Without loss or dithering a drawing takes next to no time, and graphics score in leaps.
UNDITHERED = (2, 3, 4, 6, 8, 12, 16, 24, 40, 80)
# Without loss K-means sees as the eye does, which is worth 2 to 5 points: near the top so many
# colors take 3 to 12 % less than more with little loss. Fewer do where PNG's filters serve better
# than copies, or where the fewest save a tenth: down to 40 % less, of cloth and of paper.
SEEN, SEEN_IF_FILTERED, TOP, MUCH = (96, 128, 192), (64, 48, 32, 24), 1 / 16, 0.1
GAIN = 0.01  # of the logarithm of bytes, that makes a way worth it
AIM = 0.2  # points left over that are aimed at

Way = tuple[int, float | None]  # colors, and dithering: None as the options say
Setting = tuple[int, float | None, float]  # and the loss
Plan = tuple[Way, Sequence[float]]  # and losses
T = TypeVar("T")
Floats = NDArray[np.float64]
# Of scores and logarithms of the bytes per pixel: what is left of a goal, in points of SSIMULACRA2;
# and what they cost.
Slack = Callable[[Floats, Floats], Floats]


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
        losses = SOME_IF_SMALL if small else LOSSES
        plans: list[Plan] = [((colors, None), [0.0]), ((colors, None), losses)]
        if small:
            plans += [((few, None), [0.0]) for few in self._fewer]
            undithered = (*(few for few in UNDITHERED if few in self._possible), colors)
            plans += [((few, 0.0), [0.0]) for few in undithered]
            plans += [((few, None), losses) for few in self._fewer]
            plans += [((few, 0.0), losses) for few in (colors, *self._fewer)]
        self._add(plans)

    @property
    def filtered(self) -> bool:
        """Whether filters serve a photograph that well that they do even at some loss."""
        return self.encoder.predicts(self.trials[self.colors, None, LOSSES[3]].drawn)

    def see(self) -> None:
        """Take in what may be best near the top: fewer colors without loss."""
        gains = self._add([((few, None), [0.0]) for few in SEEN if few in self._possible])
        if len(gains) < len(SEEN) or gains[0] < (GAIN if self.filtered else MUCH):
            return
        plans: list[Plan] = [
            ((few, None), [0.0]) for few in SEEN_IF_FILTERED if few in self._possible
        ]
        self._add([*plans, *(((few, 0.0), [0.0, SOME[1]]) for few in SEEN)])

    def near(self, slack: Slack) -> None:
        """Take in fewer colors, dithered or not, at such losses that they just do: of graphics."""
        chains = ((None, self._fewer), (0.0, [self.colors, *self._fewer]))
        works = [partial(self._chain, dither, few, slack) for dither, few in chains]
        for found in self._abreast(works):
            for way, trials in found:
                self.trials |= {(*way, trial.lossy): trial for trial in trials}
                score, size = (np.minimum.accumulate(plane) for plane in self._beside(trials))
                self._take(way, DIAL, score, size)

    def add_least(self) -> None:
        """Take in what is left where no loss suffices: few colors, undithered."""
        self._add([((few, 0.0), [*SOME, 1.0]) for few in self._fewer])

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

    def _abreast(self, works: Sequence[Callable[[], T]]) -> list[T]:
        _ = self.encoder.reference  # once, not by each who comes first
        return abreast(works, self.encoder.options.threads or 0, self.encoder.clock)

    def _chain(
        self, dither: float | None, numbers: Sequence[int], slack: Slack
    ) -> list[tuple[Way, list[Trial]]]:
        """Ways of fewer and fewer colors, each drawn where it just does, until they fall short."""
        chain: list[tuple[Way, list[Trial]]] = []
        before: list[Trial] = []
        for few in numbers:
            trials = self._tries((few, dither), before, slack)
            chain.append(((few, dither), trials))
            if max(of(trial, slack) for trial in trials) < -SHORT:
                break
            before = trials
        return chain

    def _tries(self, way: Way, before: Sequence[Trial], slack: Slack) -> list[Trial]:
        """A way drawn where it should do, by the one before, and again where that was far off."""
        trials: list[Trial] = []
        while len(trials) < TRIES:
            score, size = self._beside(trials or before)
            loss = GRID * int(np.abs(slack(score, size) - AIM).argmin())
            if trials:
                last, left = trials[-1].lossy, of(trials[-1], slack)
                loss = max(min(loss, 2 * last), last / 2)  # shapes differ, and there are cliffs
                idle = len(trials) > 1 and abs(left - of(trials[-2], slack)) < NEAR
                if abs(left) <= NEAR or abs(loss - last) < NO_STEP or (idle and left < -SHORT):
                    break
            trials.append(self.encoder.trial(*way, round(loss / GRID) * GRID))
        return trials

    def _beside(self, trials: Sequence[Trial]) -> tuple[Floats, Floats]:
        """Score and size of a way at all losses: those of all colors, and its trials' distance."""
        base = [self.trials[self.colors, None, lossy] for lossy in LOSSES]
        score, size = (np.interp(DIAL, LOSSES, values) for values in self._falling(base))
        if trials := sorted(trials, key=lambda trial: trial.lossy):
            at = [trial.lossy for trial in trials]
            scores, sizes = [t.score for t in trials], [t.log_bytes for t in trials]
            hardly = stands(scores, np.interp(at, DIAL, score).tolist())
            score += np.interp(DIAL, at, scores - np.interp(at, DIAL, score))
            size += np.interp(DIAL, at, sizes - np.interp(at, DIAL, size))
            if hardly:
                score[at[0] > DIAL] = np.minimum(score[at[0] > DIAL], scores[0])
        return score, size

    def _falling(self, trials: Sequence[Trial]) -> tuple[Floats, Floats]:
        """Scores and sizes of trials with more and more loss, which raises neither."""
        scores = np.minimum.accumulate([trial.score for trial in trials])
        return scores, np.minimum.accumulate([trial.log_bytes for trial in trials])

    def _add(self, plans: Sequence[Plan]) -> list[float]:
        """Draw ways with some losses; how much less than all before each takes at best."""
        missing = {(*way, lossy): None for way, losses in plans for lossy in losses}
        settings = [setting for setting in missing if setting not in self.trials]
        drawn = self._abreast([partial(self.encoder.trial, *s) for s in settings])
        for trial, setting in zip(drawn, settings, strict=True):
            self.encoder.tell(trial.drawn)
            self.trials[setting] = trial
        gains = []
        for way, losses in plans:
            trials = [self.trials[*way, lossy] for lossy in losses]
            gains.append(self._take(way, np.array(losses), *self._falling(trials)))
        return gains

    def _take(self, way: Way, losses: Floats, scores: Floats, sizes: Floats) -> float:
        """Take in a curve that falls; by how much it is below all before, at best."""
        scores, sizes, losses = scores[::-1], sizes[::-1], losses[::-1]
        size = np.interp(LEVELS, scores, sizes)
        size[scores[-1] < LEVELS] = math.inf
        reached = np.isfinite(size)
        least = self.sizes.min(axis=0, initial=math.inf)
        gain = float((least[reached] - size[reached]).max(initial=-math.inf))
        self.ways.append(way)
        self.sizes = np.vstack([self.sizes, size])
        self.losses = np.vstack([self.losses, np.interp(LEVELS, scores, losses)])
        return gain


def of(trial: Trial, measure: Slack) -> float:
    """What a trial leaves of a goal, or costs."""
    return float(measure(np.float64(trial.score), np.float64(trial.log_bytes)))  # type: ignore[arg-type]


def stands(scores: Sequence[float], expected: Sequence[float], least: float = STEP) -> bool:
    """Whether with less and less loss, in the end, hardly anything came of what was expected, if
    that was `least` points or more.
    """
    for score, told in zip(scores, expected, strict=True):
        if (step := expected[0] - told) >= least:
            return scores[0] - score < HARDLY * step
    return False
