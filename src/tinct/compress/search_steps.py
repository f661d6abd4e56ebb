"""Walking along a ladder as far as a goal allows, in a few drawings of the whole picture.

The ladder is halved at fixed steps, so what one goal decides at a step another decides at the same
drawing: a stricter goal never ends beyond a milder one. A step whose outcome is foreseen clearly is
not drawn. Small pictures are their own sample: of them all is known but what lies between.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable

import numpy as np

from tinct.compress.encoder import Encoder, Trial
from tinct.compress.ladder import Ladder, Setting, Step

__all__ = ["POINTS", "Search", "Slack"]

# What is left of a goal, in points of SSIMULACRA2, by score and logarithm of the bytes per pixel.
Slack = Callable[[float, float], float]

POINTS = 26.0  # by how much SSIMULACRA2 falls while bytes fall to 1/e
CLOSE = 0.3  # points left over that are close enough
# How far a sample's points are from the whole picture's (of 20 pictures ...), how far
# once one step was drawn, and how much farther for each point of distance from that.
FAR, NEAR, DRIFT = 4.0, 0.35, 0.15
HALVINGS = 4  # of the last stretch of a small picture


class Search:
    """Drawings of a picture, and the ladder of its sample."""

    def __init__(self, encoder: Encoder, colors: int) -> None:
        self.encoder, sample = encoder, encoder.sample()
        self.ladder = Ladder(sample, colors)
        self.known = sample is encoder
        self.trials = self.ladder.trials if self.known else {}

    def draw(self, settings: Iterable[Setting]) -> list[Trial]:
        """All drawings of a small picture; of a larger one these, each made once."""
        if self.known:
            return list(self.trials.values())
        return [self._trial(setting) for setting in settings]

    def farthest(self, steps: list[Step], slack: Slack) -> Trial | None:
        """The last of the steps whose slack isn't negative; None if the first one's is.

        Slack falls along the steps, be it from the best look or from the fewest bytes.
        """
        if self.known:
            return self._within(steps, slack)
        walk = _Walk(steps, slack)
        found = None
        while (at := walk.next()) is not None:
            trial = self._trial(steps[at].setting)
            left = self._left(trial, slack)
            walk.learn(at, left)
            if left >= 0:
                found = trial
                if left <= CLOSE:
                    break
        return found

    def _trial(self, setting: Setting) -> Trial:
        if setting not in self.trials:
            self.trials[setting] = self.encoder.trial(*setting)
        return self.trials[setting]

    def _left(self, trial: Trial, slack: Slack) -> float:
        return slack(trial.score, math.log(trial.bytes / self.encoder.size))

    def _within(self, steps: list[Step], slack: Slack) -> Trial | None:
        """Between two known drawings, neither of which beats the other: whatever is as good."""
        front: list[Trial] = []
        for trial in sorted(self.trials.values(), key=lambda t: (t.bytes, -t.score)):
            if not front or trial.score > front[-1].score:
                front.append(trial)
        if len(steps) > 1 and steps[0].score > steps[-1].score:
            front.reverse()
        good = [trial for trial in front if self._left(trial, slack) >= 0]
        if not good or len(good) == len(front):
            return good[-1] if good else None
        near, beyond = good[-1], front[len(good)]
        for _ in range(HALVINGS):
            low, high = sorted((near.score, beyond.score))
            inner = [i for i, step in enumerate(steps) if low < step.score < high]
            if not inner or self._left(near, slack) <= CLOSE:
                break
            step = steps[_coarsest(inner[0] - 1, inner[-1] + 1)]
            trial = self.encoder.trial(*step.setting)
            size = sorted((near.bytes, beyond.bytes))
            if not (low <= trial.score <= high and size[0] <= trial.bytes <= size[1]):
                break
            if self._left(trial, slack) >= 0:
                near = trial
            else:
                beyond = trial
        return near


class _Walk:
    """Which step to draw next."""

    def __init__(self, steps: list[Step], slack: Slack) -> None:
        self.told = np.array([slack(step.score, step.bytes) for step in steps])
        self.low, self.high = -1, len(steps)
        self.off: dict[int, float] = {}  # by how much what was drawn differs from what was told

    def learn(self, at: int, left: float) -> None:
        """What is left at a step, drawn."""
        self.off[at] = left - float(self.told[at])
        self.low, self.high = (at, self.high) if left >= 0 else (self.low, at)

    def next(self) -> int | None:
        """The next one, None at the end."""
        left, right = self._open()
        if right - left > 1:
            return _coarsest(left, right)
        if left > self.low:
            return left
        return 0 if self.low < 0 and 0 not in self.off and self.high > 0 else None

    def _open(self) -> tuple[int, int]:
        """The steps between which the last good one is expected."""
        expected, margin = self.told, np.full(len(self.told), FAR)
        if self.off:
            drawn = sorted(self.off)
            off = np.array([self.off[at] for at in drawn])
            expected = expected + np.interp(np.arange(len(expected)), drawn, off)
            away = np.abs(self.told[:, None] - self.told[drawn]).min(axis=1)
            margin = NEAR + DRIFT * away
        good, bad = expected >= margin, expected < -margin
        left = len(good) if good.all() else int(good.argmin())
        right = int(bad.argmax()) if bad.any() else len(bad)
        left = min(max(left - 1, self.low), self.high - 1)
        return left, max(min(right, self.high), left + 1)


def _coarsest(low: int, high: int) -> int:
    """The number between two that is a multiple of the highest power of two."""
    step = 1 << max(high, 1).bit_length()
    while (at := (low // step + 1) * step) >= high:
        step //= 2
    return at
