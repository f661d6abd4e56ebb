"""Targets: the least bytes that still look so good, the best look in so many bytes.

Searches around the pipeline. Every figure they compare is that of a real file; pictures too large
for that are searched on tiles first, and the last steps and the final figures are the whole's.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from contextlib import suppress

from tinct.compress.encoder import SMALL, Drawing, Studio
from tinct.compress.regula_falsi import STEP, farthest, on_grid
from tinct.errors import TargetError

__all__ = ["fewest_colors", "least_bytes", "within_bytes"]

# By how much SSIMULACRA2 falls from no loss to the most, and the logarithm of bytes.
SCORES, LOG_BYTES = 60.0, 2.3
CLOSE = 0.5  # points of SSIMULACRA2 above the goal that are close enough
SPARE = 1.5  # and those that are worth more attempts, which give up so much of them (SPENT)
HASTE = 1.06  # by how much a finished drawing may be smaller
LIGHT, LIGHTER = 0.15, 3  # the loss to begin with, and how many are tried
SPENT = (2.0, 1.0, 0.5, 0.25, 1.0, 0.5)
FULL = math.log(1 / 0.975)  # a budget filled to 97.5 % is filled
# Few colors with little loss beat many colors with much where a picture is flat, and never in
# photographs (128 colors cost those 15 % more bytes at the same score). The number is halved until
# twice in a row files were so much larger; a walk in small steps gets lost, since scores jump.
HALVES, MUCH, PATIENCE = (128, 64, 32, 16, 8, 4), 1.05, 2
BESIDE = (1.4, 0.7, 1.2, 0.85)
# A screenshot of 5 megapixels scored 82.2 or 77.7 with 32 colors; 19 came within half a point of 80
# and were 8 % smaller.
AROUND = (0.85, 0.7, 0.6, 1.2)
# A budget is filled with fewer and fewer until one looks worse. (Halving was slower, no better.)
FEWER = (128, 80, 56, 40, 28, 20, 16, 14, 12, 10, 8, 7, 6, 5, 4)
PLAIN = (*range(4, 17), 18, 20, 24, 28, 34, 40, 56, 80, 128)
ENOUGH = (128, 64, 32, 16, 8, 4, 2)
# Numbers of colors that are tried without dithering, until so many in a row of a small picture,
# whose bytes and scores jump (16 colors in 358 bytes: 38 points; 11 to 15: 26 to 32), are in vain.
LADDER = (2, 3, 4, 5, 6, 7, 8, 10, 12, 14, 16, 20, 28, 40, 56, 80, 128, 256)
IN_VAIN = 4
UNSEEN = 2.0  # points of SSIMULACRA2 that fewer colors may cost when their number is chosen


def least_bytes(studio: Studio, colors: int, goal: float, least: float | None = None) -> Drawing:
    """Search the smallest file that still scores `goal` on SSIMULACRA2.

    Parameters
    ----------
    studio : Studio
        The picture.
    colors : int
        How many colors at most.
    goal : float
        The score that the decoded file must reach.
    least : float, optional
        Where the goal is out of reach, a best drawing that scores this much will do.

    Returns
    -------
    Drawing
        The smallest found.

    Raises
    ------
    TargetError
        If no drawing reaches it.

    Examples
    --------
    >>> import numpy as np
    >>> from tinct.compress.encoder import Clock, Options
    >>> ramp = np.arange(64 * 64 * 3, dtype=np.uint16).reshape(64, 64, 3) // 48
    >>> studio = Studio(ramp.astype(np.uint8), Options(dither=0.75), Clock())
    >>> studio.score(least_bytes(studio, 256, 70)) >= 70
    True
    """
    hunt = _Hunt(studio, goal)
    if studio.thorough or studio.small:
        hunt.plainly(colors)
    where = min(max((92 - goal) / SCORES, STEP), 1.0)
    sample = studio.sample()
    if sample is not studio:
        tried = _Hunt(sample, goal)
        tried.everywhere(colors, where)
        if studio.thorough:
            tried.without_dithering()
        close = CLOSE if tried.best is None else 3 * CLOSE
        for (number, hunt.dither), lossy, final in tried.ways() or [((colors, None), where, True)]:
            # What reaches the goal on tiles may miss it on the whole: then the next has its turn.
            if final or (hunt.best is None and hunt.rival is None):
                hunt.turn(number, lossy, close)
    else:
        hunt.everywhere(colors, where)
        if studio.thorough or studio.small:
            hunt.without_dithering()
    hunt.spend()
    hunt.closer(colors)
    for hunt.dither in (None, 0.0):
        if hunt.best is None and hunt.rival is None:
            hunt.measure(colors, 0.0)
    if (best := hunt.outcome()) is not None:
        return hunt.lightened(best)
    if least is not None and hunt.closest is not None and hunt.highest >= least:
        return studio.finish(hunt.closest)
    raise TargetError(
        f"a SSIMULACRA2 score of {goal if least is None else least:g} is out of reach: "
        f"{hunt.highest:.1f}"
    )


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
        The one with the least loss; with fewer colors where they look better in as many bytes, or
        loss alone isn't enough.

    Raises
    ------
    TargetError
        If nothing takes so few: no number of colors, with all loss or none, dithered or not.

    Examples
    --------
    >>> import numpy as np
    >>> from tinct.compress.encoder import Clock, Options
    >>> ramp = np.arange(64 * 64 * 3, dtype=np.uint16).reshape(64, 64, 3) // 48
    >>> studio = Studio(ramp.astype(np.uint8), Options(dither=0.75), Clock())
    >>> len(within_bytes(studio, 256, 700).data) <= 700
    True
    """
    plain = studio.draw(colors)
    if len(plain.data) <= budget:
        return plain
    errand = _Errand(studio, colors, budget)
    colors, loss = errand.dithered(len(plain.data))
    if studio.small or studio.flat or errand.best is None:
        errand.undithered(colors, loss)
    if errand.best is None:
        errand.smallest()
    if errand.best is None:
        raise TargetError(f"{budget} bytes are out of reach: {errand.least}")
    return errand.best


def fewest_colors(studio: Studio, lossy: float) -> Drawing:
    """Draw with as few colors as look the same as 256, or within two points of SSIMULACRA2.

    Parameters
    ----------
    studio : Studio
        The picture.
    lossy : float
        The loss to draw with.

    Returns
    -------
    Drawing
        The smallest of those files.

    Examples
    --------
    >>> import numpy as np
    >>> from tinct.compress.encoder import Clock, Options
    >>> two = np.zeros((16, 16, 3), np.uint8)
    >>> two[:, 8:] = 255
    >>> len(fewest_colors(Studio(two, Options(dither=0.75), Clock()), 0.0).palette)
    2
    """
    best = studio.draw(256, lossy)
    most = studio.score(best)
    for fewer in ENOUGH:
        if not studio.fewest <= fewer < len(best.palette):
            continue
        drawing = studio.draw(fewer, lossy)
        if studio.score(drawing) < most - UNSEEN:
            break
        best = min(best, drawing, key=lambda d: len(d.data))
    return best


class _Errand:
    """The best drawing so far that a budget pays for."""

    def __init__(self, studio: Studio, colors: int, budget: int) -> None:
        self.studio, self.colors, self.budget = studio, colors, budget
        self.fewest = min(studio.fewest, colors)
        # More than the picture has are no more.
        self.most = max(min(colors, len(studio.counted.colors)), self.fewest)
        self.best: Drawing | None = None
        self.score: float | None = None  # of the best, once it had to be known
        self.least = math.inf  # bytes of the smallest file seen
        self.patience = IN_VAIN if studio.small else 1
        self.sizes: dict[tuple[int, float, float | None], int] = {}  # by colors, loss, dithering

    def dithered(self, size: int) -> tuple[int, float]:
        """As the studio dithers: the colors and the loss that fit, with all colors if any do.

        Fewer are tried for small pictures alone: larger ones look better undithered then. (A map of
        187 kB in 18.7: 2 colors dithered at -62 points, 16 undithered at -1.)
        """
        studio, budget = self.studio, self.budget
        self.least, sample = size, studio.sample()
        guess = math.log(size / budget) / LOG_BYTES
        if sample is not studio:
            part = sample.pixels.size / studio.pixels.size
            guess = _loss_for(sample, self.colors, max(int(budget * part), 1), guess)[1]
        return self._halving(guess, None, self.fewest if studio.small else self.colors)

    def undithered(self, colors: int, loss: float) -> None:
        """Without dithering too, and on from there where that looks better.

        Where a picture is flat or small, or few bytes are left, the spots that dithering scatters
        cost more than they are worth. Drawing without loss takes a fifth of the time: by that the
        number of colors is found which fits.
        """
        found = self.best
        if found is not None and self.studio.flat:
            self._fewer(found, colors, loss, None, FEWER)
        elif found is None and not self.studio.small:
            colors, loss = self._halving(1.0, 0.0, self.fewest)
            if self.best is not None:
                self._fewer(self.best, colors, loss, 0.0, HALVES)
        before = self.best
        fits = self._most_that_fit()
        if self.studio.small or (found is not None and self.best is not before):
            self._more_with_loss(fits)

    def smallest(self) -> None:
        """The least there is: few colors, with all loss or none."""
        small, vain = self.studio.small, 0
        for few in (few for few in LADDER if few >= self.fewest):
            least = self.least
            if few > self.most or vain == PATIENCE:
                return
            for dither in (0.0, None)[: 1 + small]:
                for lossy in (0.0, 1.0, 0.5)[: 2 + small]:
                    self._try(few, lossy, dither)
            vain = 0 if self.least < least else vain + 1

    def _offer(self, drawing: Drawing) -> bool:
        """Keep a drawing if it is the best that fits; say whether it is."""
        self.least = min(self.least, len(drawing.data))
        if len(drawing.data) > self.budget:
            return False
        score = None
        if self.best is not None:
            self.score = self.studio.score(self.best) if self.score is None else self.score
            score = self.studio.score(drawing)
            if score <= self.score:
                return False
        self.best, self.score = drawing, score
        return True

    def _fit(self, colors: int, guess: float, dither: float | None) -> tuple[Drawing | None, float]:
        drawing, loss, size = _loss_for(self.studio, colors, self.budget, guess, dither)
        self.least = min(self.least, size)
        return drawing, loss

    def _halving(self, guess: float, dither: float | None, fewest: int) -> tuple[int, float]:
        """Half the colors until some loss fits: the colors and the loss."""
        colors = self.colors
        while True:
            drawing, loss = self._fit(colors, guess, dither)
            if drawing is not None:
                self._offer(drawing)
            if drawing is not None or colors <= fewest:
                return colors, loss
            colors, guess = max(colors // 2, self.fewest), 1.0

    def _fewer(
        self,
        drawing: Drawing,
        colors: int,
        loss: float,
        dither: float | None,
        numbers: Sequence[int],
    ) -> None:
        """Follow the number of colors down while drawings that fill the budget look better."""
        score = self.studio.score(drawing)
        for fewer in numbers:
            if fewer >= min(colors, len(drawing.palette)):
                continue
            found, at = self._fit(fewer, max(loss - 0.1, STEP), dither)
            if found is None or len(found.data) < 0.97 * self.budget:
                break
            if (reached := self.studio.score(found)) <= score:
                break
            drawing, loss, score = found, at, reached
        self._offer(drawing)

    def _try(self, colors: int, lossy: float = 0.0, dither: float | None = 0.0) -> int:
        """Offer such a drawing, once; its bytes."""
        way = colors, lossy, dither
        if way not in self.sizes:
            drawing = self.studio.draw(colors, lossy, dither=dither)
            self.sizes[way] = len(drawing.data)
            self._offer(drawing)
        return self.sizes[way]

    def _most_that_fit(self) -> int:
        """The most colors that fit without dithering or loss; below the fewest if none do."""
        low, high = self.fewest - 1, self.most + 1
        while high - low > 1:
            middle = min(max(math.isqrt(low * high), low + 1), high - 1)
            low, high = (middle, high) if self._try(middle) <= self.budget else (low, middle)
        for fewer in range(max(low - 2, self.fewest), low) if self.studio.small else ():
            self._try(fewer)  # scores of small pictures jump
        return low

    def _more_with_loss(self, fits: int) -> None:
        """More colors than fit without loss, until those look worse."""
        vain = 0
        for more in sorted({*LADDER, fits, self.most}):
            if (
                max(fits - self.studio.small, self.fewest) <= more <= self.most
                and vain < self.patience
            ):
                vain = 0 if self._with_loss(more) or more < fits else vain + 1

    def _with_loss(self, colors: int) -> bool:
        """Whether some loss makes the best drawing of so many colors."""
        if not self.studio.small:
            guess = max(math.log(self._try(colors) / self.budget) / LOG_BYTES, STEP)
            drawing, _ = self._fit(colors, guess, 0.0)
            return drawing is not None and self._offer(drawing)
        # Bytes of small pictures jump, so the loss is halved: by slopes it isn't found.
        before, loss = self.best, 1.0
        for step in (0.5, 0.25, 0.125):
            fits = self._try(colors, loss) <= self.budget
            if loss == 1 and not fits and self._try(colors) > self.budget:
                break
            loss += -step if fits or loss == 1 else step
        return self.best is not before


def _loss_for(
    studio: Studio, colors: int, budget: int, guess: float, dither: float | None = None
) -> tuple[Drawing | None, float, int]:
    """The least loss whose file fits: the drawing, the loss, the bytes of the smallest tried."""
    tried: dict[float, Drawing] = {}

    def slack(kept: float) -> float:
        drawing = tried[kept] = studio.draw(colors, max(1 - kept, STEP), dither=dither)
        return math.log(budget / len(drawing.data))

    start = min(max(1 - guess, 0.0), 1.0)
    kept = farthest(slack, tolerance=FULL, guess=start, slope=LOG_BYTES)
    least = min(len(drawing.data) for drawing in tried.values())
    fits = [d for d in tried.values() if len(d.data) <= budget]
    # Bytes fall with loss but for a little noise: the fullest file is the one with the least loss.
    best = max(fits, key=lambda drawing: len(drawing.data)) if fits else None
    return best, 1.0 if kept is None else 1 - kept, least


class _Beaten(Exception):
    """No more loss is worth trying: a larger file than the best looks worse than the goal."""


class _Hunt:
    """The smallest drawing so far that reaches a score."""

    def __init__(self, studio: Studio, goal: float) -> None:
        self.studio, self.goal = studio, goal
        self.best: Drawing | None = None
        self.at = (0, 0.0, 0.0)  # its colors, loss and score
        # The least bytes that reach the goal and their loss, by colors and dithering.
        self.reached: dict[tuple[int, float | None], tuple[int, float]] = {}
        self.seen: dict[tuple[int, float, float | None], float] = {}  # scores
        self.closest: Drawing | None = None  # of all, the one that scores highest
        self.highest = -math.inf
        self.rival: Drawing | None = None  # another kind of drawing that does
        self.spare = (0, 0.0)  # its colors, and points above the goal
        # As the studio does it; that of the best.
        self.dither: float | None = None
        self.best_dither: float | None = None

    def measure(self, colors: int, lossy: float) -> float:
        if (seen := self.seen.get((colors, lossy, self.dither))) is not None:
            return seen
        drawing = self.studio.draw(colors, lossy, hasty=True, dither=self.dither)
        size = math.inf if self.best is None else len(self.best.data)
        score = self.seen[colors, lossy, self.dither] = self.studio.score(drawing)
        if score > self.highest:
            self.closest, self.highest = drawing, score
        if score >= self.goal:
            way, mine = (colors, self.dither), (len(drawing.data), lossy)
            self.reached[way] = min(self.reached.get(way, mine), mine)
        if score >= self.goal and len(drawing.data) < size:
            self.best, self.at = drawing, (colors, lossy, score)
            self.best_dither = self.dither
        # However much loss the goal still allows, it halves a file at most so often.
        spare = min(max((score - self.goal) / SCORES, 0.0), 1 - lossy)
        if len(drawing.data) * math.exp(-2 * LOG_BYTES * spare) > size:
            raise _Beaten
        return score

    def _limit(self) -> float:
        """Bytes beyond which no drawing of a large picture can beat the rival when finished."""
        small = self.studio.pixels[:, :, 0].size <= SMALL
        return math.inf if small or self.rival is None else HASTE * len(self.rival.data)

    def hopeless(self, gain: float = 0.9) -> bool:
        """Whether the rival is smaller than the best would be with so much less to its name."""
        return self.best is not None and gain * len(self.best.data) > self._limit()

    def outcome(self) -> Drawing | None:
        """The smaller of what was found."""
        ends = [] if self.best is None else [self.studio.finish(self.best)]
        ends += [] if self.rival is None else [self.rival]
        return min(ends, key=lambda drawing: len(drawing.data), default=None)

    def turn(self, colors: int, guess: float, close: float) -> float | None:
        """Go for the loss that meets the goal with these colors."""
        try:
            return farthest(
                lambda lossy: self.measure(colors, max(lossy, STEP)) - self.goal,
                tolerance=close,
                guess=guess,
                slope=SCORES,
            )
        except _Beaten:
            return None

    def spend(self) -> None:
        """Give up points above the goal: scores of small pictures jump from loss to loss."""
        colors, lossy, score = self.at
        self.dither = self.best_dither
        for part in SPENT if self.best is not None and not self.hopeless() else ():
            if score - self.goal <= SPARE or lossy >= 1:
                break
            with suppress(_Beaten):
                self.measure(colors, on_grid(lossy + part * (score - self.goal) / SCORES))
            colors, lossy, score = self.at

    def without_dithering(self) -> None:
        """With the colors of the best again, and all pixels of a color drawn alike."""
        colors, lossy, _ = self.at
        if self.best is not None and not self.hopeless():
            self.dither = 0.0
            self.turn(colors, max(lossy - 0.1, STEP), CLOSE)

    def plainly(self, colors: int) -> None:
        """Without loss or dithering, in the fewest colors that do.

        On a wide chart this saves 10 %: its letters repeat exactly, and loss makes them differ.
        """
        for fewer in (2, 3, *PLAIN) if self.studio.small else PLAIN:
            if fewer > colors:
                return
            if fewer < min(self.studio.fewest, colors):
                continue
            drawing, score = self.studio.plain(fewer)
            if score >= self.goal:
                self.rival = self.studio.finish(drawing)
                self.spare = (fewer, score - self.goal)
                return

    def lightened(self, best: Drawing) -> Drawing:
        """The rival, where it is the best and has points to give up for loss; else what it was.

        Without dithering few colors take a little loss well: a wide chart's letters then cost 4 %
        less. (Drawn hastily, bytes rose where in the end they fall.)
        """
        colors, spare = self.spare
        if best is not self.rival or spare <= SPARE:
            return best
        found = [best]

        def slack(lossy: float) -> float:
            drawing = self.studio.draw(colors, max(lossy, STEP), dither=0.0)
            left = self.studio.score(drawing) - self.goal
            if left >= 0:
                found.append(drawing)
            return left

        farthest(slack, tolerance=CLOSE, guess=LIGHT, slope=SCORES, most=LIGHTER)
        return min(found, key=lambda drawing: len(drawing.data))

    def everywhere(self, colors: int, guess: float) -> None:
        """With these colors and, where the picture is flat, with fewer; then around the best."""
        found = self.turn(colors, guess, CLOSE)
        if not self.studio.flat:
            return
        worse, most = 0, min(colors, len(self.studio.counted.colors))
        for fewer in HALVES:
            if fewer < most and worse < PATIENCE:
                guess = guess if found is None else max(found - 0.05, STEP)
                found = self.turn(fewer, guess, CLOSE)
                worse = worse + 1 if self._is_worse(fewer) else 0
                if worse and self.hopeless():
                    return
        ratios = BESIDE if self.studio.pixels[:, :, 0].size <= SMALL else BESIDE[:2]
        if self.best is not None:
            self.beside(ratios, most - 1, max(self.at[1] - 0.02, STEP))

    def beside(self, ratios: Sequence[float], most: int, guess: float, spare: float = -1.0) -> None:
        """With numbers of colors around the best's, until it has no more points to spare."""
        for fewer in [round(self.at[0] * ratio) for ratio in ratios]:
            if self.at[2] - self.goal <= spare:
                return
            if 4 <= fewer <= most and (fewer, self.dither) not in self.reached:
                self.turn(fewer, guess, CLOSE)

    def closer(self, colors: int) -> None:
        """With other numbers of colors, where the score of a flat picture jumped past the goal.

        A large area then changes its color as a whole; with other colors it does so elsewhere.
        """
        if self.best is not None and self.studio.flat and not self.hopeless():
            self.beside(AROUND, colors, self.at[1], SPARE)

    def _is_worse(self, colors: int) -> bool:
        size = self.reached.get((colors, self.dither), (math.inf, 0.0))[0]
        return self.best is not None and size > MUCH * len(self.best.data)

    def ways(self) -> list[tuple[tuple[int, float | None], float, bool]]:
        """Ways (colors and dithering) that reach the goal, the least bytes first, with their loss;
        and whether they are finalists: the best two, if they are close.
        """
        order = sorted(self.reached.items(), key=lambda item: item[1][0])
        return [
            (way, lossy, rank < 2 and size <= MUCH * order[0][1][0])
            for rank, (way, (size, lossy)) in enumerate(order)
        ]
