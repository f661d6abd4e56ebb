"""What curves promise to be best, drawn, and the curves shifted to what it gave, a few times.

Small pictures are their own sample: the best of all that was drawn for the curves, and of what lies
between it and the next. There no goal is answered by more bytes than a stricter one, and no budget
by a lower score than a smaller one.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable

import numpy as np
from numpy.typing import NDArray

from tinct.compress.curves import LEVELS, TOP, Curves, Setting
from tinct.compress.encoder import Encoder, Trial

__all__ = ["Search"]

Floats = NDArray[np.float64]
# Of scores and logarithms of the bytes per pixel: what is left of a goal, in points of SSIMULACRA2.
Slack = Callable[[Floats, Floats], Floats]

POINTS = 26.0  # by how much SSIMULACRA2 falls while bytes fall to 1/e
AIM, CLOSE = 0.2, 0.4  # points left over that are aimed at, and those that are close enough
GAIN = 0.2  # and those that are worth no drawing
MOST, LAST = 4, 9  # drawings while one fits, and until one does
HALVINGS = 3  # of what lies between two drawings of a small picture


class Search:
    """Drawings of a picture, and the curves of its sample."""

    def __init__(self, encoder: Encoder, colors: int) -> None:
        self.encoder, sample = encoder, encoder.sample()
        self.curves = Curves(sample, colors)
        self.known = sample is encoder
        # At ten megapixels a search that looked there took twice as long, for 2 % more bytes.
        self.sees = not (encoder.flat or encoder.large)
        self.trials = dict(self.curves.trials) if self.known else {}

    def draw(self, settings: Iterable[Setting]) -> list[Trial]:
        """All drawings of a small picture; of a larger one these, each made once."""
        if self.known:
            return list(self.trials.values())
        return [self._trial(setting) for setting in settings]

    def fewest_bytes(self, goal: float) -> Trial | None:
        """Of what scores so much."""
        return self._find(lambda score, size: score - goal, lambda score, size: POINTS * size)

    def highest_score(self, budget: int) -> Trial | None:
        """Of what takes no more bytes."""
        most = math.log(budget / self.encoder.size)
        return self._find(lambda score, size: POINTS * (most - size), lambda score, size: -score)

    def _find(self, slack: Slack, cost: Slack) -> Trial | None:
        if self.known:
            return self._between(slack, cost)
        found = min(
            (trial for trial in self.trials.values() if self._of(trial, slack) >= 0),
            key=lambda trial: self._of(trial, cost),
            default=None,
        )
        if self.sees and (self.curves.filtered or self._aim(slack, cost)[0][2] < TOP):
            self.curves.see()
            self.sees = False
        for drawings in range(LAST):
            if found is not None and (drawings >= MOST or self._of(found, slack) <= CLOSE):
                break
            setting, aim = self._aim(slack, cost)
            if setting in self.trials:
                break
            if found is not None and self._of(found, cost) - aim < GAIN:
                break
            trial = self._trial(setting)
            if self._of(trial, slack) >= 0 and (
                found is None or self._of(trial, cost) < self._of(found, cost)
            ):
                found = trial
        return found

    def _aim(self, slack: Slack, cost: Slack) -> tuple[Setting, float]:
        """What is expected to cost least of all that fits, or to miss by least, and by how much."""
        score, size = self._expected()
        left, costs = slack(score, size), cost(score, size)
        left[~np.isfinite(size)] = -math.inf
        fits = left >= AIM
        aim = np.where(fits, costs, math.inf) if fits.any() else -left
        at = divmod(int(aim.argmin()), len(LEVELS))
        return self.curves.setting(*at), float(aim[at])

    def _expected(self) -> tuple[Floats, Floats]:
        """Scores and sizes of all points of the curves, after what was drawn of the whole."""
        curves = self.curves
        score, size = np.broadcast_to(LEVELS, curves.sizes.shape).copy(), curves.sizes.copy()
        off: dict[int, list[tuple[float, float, float]]] = {}  # by way: losses, and what was missed
        for (*way, lossy), trial in self.trials.items():
            for at in (i for i, other in enumerate(curves.ways) if other == tuple(way)):
                reached = np.isfinite(curves.sizes[at])
                away = np.where(reached, np.abs(curves.losses[at] - lossy), math.inf)
                level = int(away.argmin())
                missed = math.log(trial.bytes / self.encoder.size) - curves.sizes[at, level]
                if abs(curves.losses[at, level] - lossy) < 1 / 64 and math.isfinite(missed):
                    off.setdefault(at, []).append((lossy, trial.score - LEVELS[level], missed))
        if not off:
            return score, size
        drawn = np.log2([curves.ways[at][0] for at in off])
        means = np.array([np.mean(points, axis=0) for points in off.values()])
        for at, (few, _) in enumerate(curves.ways):
            # Of another way half as much is believed for each doubling between their colors.
            near = np.exp2(-np.abs(drawn - math.log2(few)))
            near /= max(near.sum(), 1)
            for which, plane in ((1, score), (2, size)):
                if at in off:
                    points = np.array(sorted(off[at]))
                    plane[at] += np.interp(curves.losses[at], points[:, 0], points[:, which])
                else:
                    plane[at] += near @ means[:, which]
        return score, size

    def _trial(self, setting: Setting) -> Trial:
        if setting not in self.trials:
            self.trials[setting] = self.encoder.trial(*setting)
        return self.trials[setting]

    def _of(self, trial: Trial, measure: Slack) -> float:
        size = math.log(trial.bytes / self.encoder.size)
        return float(measure(np.float64(trial.score), np.float64(size)))  # type: ignore[arg-type]

    def _between(self, slack: Slack, cost: Slack) -> Trial | None:
        """What halving the stretch between two drawings finds, of which neither beats the other.

        Which halves are drawn depends on the two alone, and what falls outside of their scores and
        bytes ends it: so the answers to two goals are in order.
        """
        front: list[Trial] = []
        for trial in sorted(self.trials.values(), key=lambda t: (t.bytes, -t.score)):
            if not front or trial.score > front[-1].score:
                front.append(trial)
        front.sort(key=lambda trial: self._of(trial, cost))
        at = next((i for i, trial in enumerate(front) if self._of(trial, slack) >= 0), None)
        if not at:
            return None if at is None else front[at]
        near, beyond = front[at], front[at - 1]
        for _ in range(HALVINGS):
            if self._of(near, slack) <= CLOSE:
                break
            low, high = sorted((near, beyond), key=lambda trial: trial.bytes)
            level = int(np.abs(LEVELS - (low.score + high.score) / 2).argmin())
            way = int(self.curves.sizes[:, level].argmin())
            trial = self.encoder.trial(*self.curves.setting(way, level))
            within = (
                low.score <= trial.score <= high.score and low.bytes <= trial.bytes <= high.bytes
            )
            if not within:
                break
            if self._of(trial, slack) >= 0:
                near = trial
            else:
                beyond = trial
        return near
