"""The least bytes that still score so much.

Every figure that is compared is that of a real file; pictures too large for that are searched on
tiles first, and the last steps and the final figures are the whole's.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from tinct.compress.encoder import SMALL, Encoded, Encoder, Trial
from tinct.compress.regula_falsi import LOG_BYTES, STEP, farthest, on_grid
from tinct.errors import TargetError

__all__ = ["least_bytes"]

SCORES = 60.0  # by how much SSIMULACRA2 falls from no loss to the most
CLOSE = 0.5  # points of SSIMULACRA2 above the goal that are close enough
SPARE = 1.5  # and those that are worth more attempts, which give up so much of them (SPENT)
SPENT = (2.0, 1.0, 0.5, 0.25, 1.0, 0.5)
HASTE = 1.06  # by how much a finished drawing may be smaller
LIGHT_LOSS, LIGHT_TRIALS = 0.15, 3  # the loss to begin with, and how many are tried
# Few colors with little loss beat many colors with much where a picture is flat, and never in
# photographs (128 colors cost those 15 % more bytes at the same score). The number is halved until
# twice in a row files were so much larger; a walk in small steps gets lost, since scores jump.
HALVED, LARGER, PATIENCE = (128, 64, 32, 16, 8, 4), 1.05, 2
BESIDE = (1.4, 0.7, 1.2, 0.85)
# A screenshot of 5 megapixels scored 82.2 or 77.7 with 32 colors; 19 came within half a point of 80
# and were 8 % smaller.
AROUND = (0.85, 0.7, 0.6, 1.2)
UNDITHERED = (*range(4, 17), 18, 20, 24, 28, 34, 40, 56, 80, 128)

Way = tuple[int, float | None]  # colors, and dithering: None as the options say


def least_bytes(encoder: Encoder, colors: int, goal: float, least: float | None = None) -> Encoded:
    """Search the smallest file that still scores `goal` on SSIMULACRA2.

    Where that is out of reach, a best drawing that scores `least` will do; else TargetError.
    """
    search = _Search(encoder, goal)
    if encoder.thorough or encoder.small:
        search.undithered(colors)
    guess = min(max((92 - goal) / SCORES, STEP), 1.0)
    sample = encoder.sample()
    first = search if sample is encoder else _Search(sample, goal)
    first.everywhere(colors, guess)
    if encoder.thorough or (encoder.small and sample is encoder):
        first.without_dithering()
    if sample is not encoder:
        close = CLOSE if first.best is None else 3 * CLOSE
        for way, lossy, final in first.ways() or [((colors, None), guess, True)]:
            # What reaches the goal on tiles may miss it on the whole: then the next has its turn.
            if final or search.found is None:
                search.turn(way, lossy, close)
    search.spend()
    search.closer(colors)
    for dither in (None, 0.0):
        if search.found is None:
            search.measure((colors, dither), 0.0)
    if (best := search.outcome()) is not None:
        return search.lightened(best)
    if least is not None and search.highest is not None and search.highest.score >= least:
        return encoder.finish(search.highest.drawn)
    reached = -math.inf if search.highest is None else search.highest.score
    raise TargetError(
        f"a SSIMULACRA2 score of {goal if least is None else least:g} is out of reach: "
        f"{reached:.1f}"
    )


class _Search:
    """The smallest drawing so far that reaches a score."""

    def __init__(self, encoder: Encoder, goal: float) -> None:
        self.encoder, self.goal = encoder, goal
        self.best: Trial | None = None
        self.highest: Trial | None = None  # of all, the one that scores highest
        self.plain: Trial | None = None  # without loss or dithering, finished
        # The least bytes that reach the goal and their loss.
        self.reached: dict[Way, tuple[int, float]] = {}
        self.seen: dict[tuple[Way, float], float] = {}  # scores

    @property
    def found(self) -> Trial | None:
        """Something that reaches the goal, if there is."""
        return self.best or self.plain

    def measure(self, way: Way, lossy: float) -> float | None:
        """Score such a drawing; None if no more loss is worth trying.

        That is: if a larger file than the best looks worse than the goal. However much loss the
        goal still allows, it halves a file at most so often.
        """
        if (seen := self.seen.get((way, lossy))) is not None:
            return seen
        colors, dither = way
        drawn = self.encoder.draw(colors, lossy, hasty=True, dither=dither)
        trial = Trial(colors, dither, lossy, drawn, self.encoder.score(drawn))
        size = math.inf if self.best is None else self.best.bytes
        score = self.seen[way, lossy] = trial.score
        if self.highest is None or score > self.highest.score:
            self.highest = trial
        if score >= self.goal:
            mine = (trial.bytes, lossy)
            self.reached[way] = min(self.reached.get(way, mine), mine)
            if trial.bytes < size:
                self.best = trial
        spare = min(max((score - self.goal) / SCORES, 0.0), 1 - lossy)
        return None if trial.bytes * math.exp(-2 * LOG_BYTES * spare) > size else score

    def turn(self, way: Way, guess: float, close: float = CLOSE) -> float | None:
        """Go for the loss that meets the goal this way."""

        def slack(lossy: float) -> float | None:
            score = self.measure(way, max(lossy, STEP))
            return None if score is None else score - self.goal

        return farthest(slack, tolerance=close, guess=guess, slope=SCORES)

    def hopeless(self, gain: float = 0.9) -> bool:
        """Whether the plain one is smaller than the best would be with so much less to its name."""
        if self.best is None or self.plain is None or self.encoder.size <= SMALL:
            return False
        return gain * self.best.bytes > HASTE * self.plain.bytes

    def outcome(self) -> Encoded | None:
        """The smaller of what was found."""
        ends = [] if self.best is None else [self.encoder.finish(self.best.drawn)]
        ends += [] if self.plain is None else [self.plain.drawn]
        return min(ends, key=lambda drawn: drawn.size, default=None)

    def undithered(self, colors: int) -> None:
        """Without loss or dithering, in the fewest colors that do.

        On a wide chart this saves 10 %: its letters repeat exactly, and loss makes them differ.
        """
        for fewer in (2, 3, *UNDITHERED) if self.encoder.small else UNDITHERED:
            if fewer > colors:
                return
            if fewer < min(self.encoder.fewest, colors):
                continue
            drawn, score = self.encoder.undithered(fewer)
            if score >= self.goal:
                self.plain = Trial(fewer, 0.0, 0.0, self.encoder.finish(drawn), score)
                return

    def lightened(self, best: Encoded) -> Encoded:
        """The plain one, where it is the best and has points to give up for loss; else the best.

        Without dithering few colors take a little loss well: a wide chart's letters then cost 4 %
        less. (Drawn hastily, bytes rose where in the end they fall.)
        """
        plain = self.plain
        if plain is None or best is not plain.drawn or plain.score - self.goal <= SPARE:
            return best
        colors, found = plain.colors, [best]

        def slack(lossy: float) -> float:
            drawn = self.encoder.draw(colors, max(lossy, STEP), dither=0.0)
            left = self.encoder.score(drawn) - self.goal
            if left >= 0:
                found.append(drawn)
            return left

        farthest(slack, tolerance=CLOSE, guess=LIGHT_LOSS, slope=SCORES, most=LIGHT_TRIALS)
        return min(found, key=lambda drawn: drawn.size)

    def everywhere(self, colors: int, guess: float) -> None:
        """With these colors and, where the picture is flat, with fewer; then around the best."""
        found = self.turn((colors, None), guess)
        if not self.encoder.flat:
            return
        worse, most = 0, min(colors, self.encoder.colors)
        for fewer in HALVED:
            if self.encoder.fewest <= fewer < most and worse < PATIENCE:
                guess = guess if found is None else max(found - 0.05, STEP)
                found = self.turn((fewer, None), guess)
                worse = worse + 1 if self._is_worse((fewer, None)) else 0
                if worse and self.hopeless():
                    return
        ratios = BESIDE if self.encoder.size <= SMALL else BESIDE[:2]
        if self.best is not None:
            self._beside(ratios, most - 1, None, max(self.best.lossy - 0.02, STEP))

    def without_dithering(self) -> None:
        """With the colors of the best again, and all pixels of a color drawn alike."""
        if self.best is not None and not self.hopeless():
            self.turn((self.best.colors, 0.0), max(self.best.lossy - 0.1, STEP))

    def spend(self) -> None:
        """Give up points above the goal: scores of small pictures jump from loss to loss."""
        if self.best is None or self.hopeless():
            return
        for part in SPENT:
            best = self.best
            if best.score - self.goal <= SPARE or best.lossy >= 1:
                return
            lossy = on_grid(best.lossy + part * (best.score - self.goal) / SCORES)
            self.measure((best.colors, best.dither), lossy)

    def closer(self, colors: int) -> None:
        """With other numbers of colors, where the score of a flat picture jumped past the goal.

        A large area then changes its color as a whole; with other colors it does so elsewhere.
        """
        if self.best is not None and self.encoder.flat and not self.hopeless():
            self._beside(AROUND, colors, self.best.dither, self.best.lossy, SPARE)

    def ways(self) -> list[tuple[Way, float, bool]]:
        """Ways that reach the goal, the least bytes first, with their loss.

        And whether they are finalists: the best two, if they are close.
        """
        order = sorted(self.reached.items(), key=lambda item: item[1][0])
        return [
            (way, lossy, rank < 2 and size <= LARGER * order[0][1][0])
            for rank, (way, (size, lossy)) in enumerate(order)
        ]

    def _beside(
        self,
        ratios: Sequence[float],
        most: int,
        dither: float | None,
        guess: float,
        spare: float = -1.0,
    ) -> None:
        """With numbers of colors around the best's, until it has no more points to spare."""
        assert self.best is not None
        for fewer in [round(self.best.colors * ratio) for ratio in ratios]:
            if self.best.score - self.goal <= spare:
                return
            if max(4, self.encoder.fewest) <= fewer <= most and (fewer, dither) not in self.reached:
                self.turn((fewer, dither), guess)

    def _is_worse(self, way: Way) -> bool:
        size = self.reached.get(way, (math.inf, 0.0))[0]
        return self.best is not None and size > LARGER * self.best.bytes
