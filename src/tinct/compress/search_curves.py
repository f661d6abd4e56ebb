"""What curves promise to be best, drawn, and the curves shifted to what it gave, a few times.

Small pictures are their own sample: the best of all that was drawn for the curves, and of what lies
between it and the next. There no goal is answered by more bytes than a stricter one, and no budget
by a lower score than a smaller one.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np

from tinct.compress.curves import (
    AIM,
    LEVELS,
    TOP,
    Curves,
    Floats,
    Setting,
    Slack,
    Way,
    of,
    stands,
)
from tinct.compress.encoder import Encoder, Trial

__all__ = ["Search"]

POINTS = 26.0  # by how much SSIMULACRA2 falls while bytes fall to 1/e
CLOSE = 0.4  # points left over that are close enough
GAIN, LEAP = 0.2, 0.8  # and those that are worth no drawing, and where so few are left
MOST, MOST_IF_FAR, LAST = 5, 8, 9  # drawings while one fits, or leaves far more, and until one fits
FAR = 1.2  # points left over that are far more
LITTLE = 1.0  # points that less loss was expected to gain: where hardly any came, no more will
STRANGE = 0.5  # how much dithered ways say of the others
# Of the logarithm of bytes: by how much a way that was not drawn yet may come out better. 112
# searches of graphics take 0.3 % fewer bytes by it, for a tenth more drawings; at 0.1 no fewer.
UNSEEN = 0.05
HALVINGS = 3  # of what lies between two drawings of a small picture


class Search:
    """Drawings of a picture, and the curves of its sample."""

    def __init__(self, encoder: Encoder, colors: int) -> None:
        self.encoder, sample = encoder, encoder.sample()
        self.curves = Curves(sample, colors)
        self.known = sample is encoder
        # At ten megapixels a search that looked there took twice as long, for 2 % more bytes.
        self.sees = not (encoder.flat or encoder.large)
        self.nears = encoder.flat
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
            (trial for trial in self.trials.values() if of(trial, slack) >= 0),
            key=lambda trial: of(trial, cost),
            default=None,
        )
        if self.nears:
            self.curves.near(slack)
            self.nears = False
        if self.sees and (self.curves.filtered or self._aim(slack, cost)[0][2] < TOP):
            self.curves.see()
            self.sees = False
        for drawings in range(LAST):
            setting, aim = self._aim(slack, cost)
            if setting in self.trials:
                break
            if found is not None:
                left, gain = of(found, slack), of(found, cost) - aim
                if gain < (LEAP if left <= CLOSE else GAIN):
                    break
                if drawings >= (MOST if left <= FAR else MOST_IF_FAR):
                    break
            trial = self._trial(setting)
            if of(trial, slack) >= 0 and (found is None or of(trial, cost) < of(found, cost)):
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
                reached = np.isfinite(curves.sizes[at]) & ((curves.losses[at] > 0) == (lossy > 0))
                away = np.where(reached, np.abs(curves.losses[at] - lossy), math.inf)
                level = int(away.argmin())
                if away[level] < 1 / 64:
                    missed = trial.log_bytes - curves.sizes[at, level]
                    off.setdefault(at, []).append((lossy, trial.score - LEVELS[level], missed))
        # Near no loss, a way misses what it misses without, which is a way of its own.
        plain = {curves.ways[at]: [min(points)] for at, points in off.items() if not min(points)[0]}
        for at, points in off.items():
            losses, points = curves.losses[at], sorted({*points, *plain.get(curves.ways[at], ())})
            lossy, missed, more = np.array(points).T
            expected = np.interp(lossy, losses, LEVELS)
            # Without loss half as much where it isn't known, or little would not be tried.
            none = lossy[:0] if lossy[0] == 0 else np.zeros(1)
            none_misses = none + missed[0] / 2
            score[at] += np.interp(losses, np.append(none, lossy), np.append(none_misses, missed))
            size[at] += np.interp(losses, lossy, more)
            if stands((expected + missed).tolist(), expected.tolist(), LITTLE):
                less = losses < lossy[0]
                score[at, less] = np.minimum(score[at, less], expected[0] + missed[0])
        for at in off.keys() ^ range(len(curves.ways)) if off else ():
            missed, more = self._believed(curves.ways[at], off)
            score[at] += missed
            size[at] += more
        return score, size

    def _believed(
        self, way: Way, off: dict[int, list[tuple[float, float, float]]]
    ) -> tuple[float, float]:
        """What a way is expected to miss, told by others: half as much for each doubling between
        their colors, and where one dithers and the other doesn't. Of bytes all of it, for those of
        the tiles are off; and less, for one of such ways may take fewer than it seems.
        """
        few, dither = way
        others = [self.curves.ways[at] for at in off]
        near = np.exp2(-np.abs(np.log2([colors / few for colors, _ in others])))
        near *= [1 if (other is None) == (dither is None) else STRANGE for _, other in others]
        means = np.array([np.mean(points, axis=0) for points in off.values()])
        _, missed, more = near @ means / near.sum()
        return float(missed * min(near.sum(), 1)), float(more) - UNSEEN

    def _trial(self, setting: Setting) -> Trial:
        if setting not in self.trials:
            self.trials[setting] = self.encoder.trial(*setting)
            self.encoder.tell(self.trials[setting].drawn)
        return self.trials[setting]

    def _between(self, slack: Slack, cost: Slack) -> Trial | None:
        """What halving the stretch between two drawings finds, of which neither beats the other.

        Which halves are drawn depends on the two alone, and what falls outside of their scores and
        bytes ends it: so the answers to two goals are in order.
        """
        front: list[Trial] = []
        for trial in sorted(self.trials.values(), key=lambda t: (t.bytes, -t.score)):
            if not front or trial.score > front[-1].score:
                front.append(trial)
        front.sort(key=lambda trial: of(trial, cost))
        at = next((i for i, trial in enumerate(front) if of(trial, slack) >= 0), None)
        if not at:
            return None if at is None else front[at]
        near, beyond = front[at], front[at - 1]
        for _ in range(HALVINGS):
            if of(near, slack) <= CLOSE:
                break
            low, high = sorted((near, beyond), key=lambda trial: trial.bytes)
            level = int(np.abs(LEVELS - (low.score + high.score) / 2).argmin())
            way = int(self.curves.sizes[:, level].argmin())
            trial = self.encoder.trial(*self.curves.setting(way, level))
            self.encoder.tell(trial.drawn)
            within = (
                low.score <= trial.score <= high.score and low.bytes <= trial.bytes <= high.bytes
            )
            if not within:
                break
            if of(trial, slack) >= 0:
                near = trial
            else:
                beyond = trial
        return near
