"""The best look in so many bytes.

Every figure that is compared is that of a real file; pictures too large for that are searched on
tiles first, and the last steps and the final figures are the whole's.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from tinct.compress.encoder import Encoded, Encoder, Trial
from tinct.compress.regula_falsi import LOG_BYTES, STEP, farthest
from tinct.errors import TargetError

__all__ = ["within_bytes"]

FULL = math.log(1 / 0.975)  # a budget filled to 97.5 % is filled
# A budget is filled with fewer and fewer colors until one looks worse. (Halving was slower, no
# better.) Without dithering they are halved.
FEWER = (128, 80, 56, 40, 28, 20, 16, 14, 12, 10, 8, 7, 6, 5, 4)
HALVED = (128, 64, 32, 16, 8, 4)
# Numbers of colors that are tried without dithering, until so many in a row of a small picture,
# whose bytes and scores jump (16 colors in 358 bytes: 38 points; 11 to 15: 26 to 32), are in vain.
LADDER = (2, 3, 4, 5, 6, 7, 8, 10, 12, 14, 16, 20, 28, 40, 56, 80, 128, 256)
PATIENCE, PATIENCE_IF_SMALL, PATIENCE_FOR_LEAST = 1, 4, 2


def within_bytes(encoder: Encoder, colors: int, budget: int) -> Encoded:
    """Search the best drawing whose file has at most `budget` bytes.

    The one with the least loss; with fewer colors where they look better in as many bytes, or loss
    alone isn't enough. TargetError if no number of colors takes so few, with all loss or none,
    dithered or not.
    """
    plain = encoder.draw(colors)
    if plain.size <= budget:
        return plain
    search = _Search(encoder, colors, budget)
    colors, loss = search.dithered(plain.size)
    if encoder.small or encoder.flat or search.best is None:
        search.undithered(colors, loss)
    if search.best is None:
        search.smallest()
    if search.best is None:
        raise TargetError(f"{budget} bytes are out of reach: {search.least}")
    return search.best.drawn


class _Search:
    """The best drawing so far that a budget pays for."""

    def __init__(self, encoder: Encoder, colors: int, budget: int) -> None:
        self.encoder, self.colors, self.budget = encoder, colors, budget
        self.fewest = min(encoder.fewest, colors)
        # More than the picture has are no more.
        self.most = max(min(colors, encoder.colors), self.fewest)
        self.best: Trial | None = None  # its score is NaN until it has to be known
        self.least = math.inf  # bytes of the smallest file seen
        self.patience = PATIENCE_IF_SMALL if encoder.small else PATIENCE
        self.sizes: dict[tuple[int, float, float | None], int] = {}  # by colors, loss, dithering

    def dithered(self, size: int) -> tuple[int, float]:
        """As the options dither: the colors and the loss that fit, with all colors if any do.

        Fewer are tried for small pictures alone: larger ones look better undithered then. (A map of
        187 kB in 18.7: 2 colors dithered at -62 points, 16 undithered at -1.)
        """
        encoder, budget = self.encoder, self.budget
        self.least, sample = size, encoder.sample()
        guess = math.log(size / budget) / LOG_BYTES
        if sample is not encoder:
            part = max(int(budget * (sample.pixels.size / encoder.pixels.size)), 1)
            guess = _loss_for(sample, self.colors, part, guess)[1]
        return self._halving(guess, None, self.fewest if encoder.small else self.colors)

    def undithered(self, colors: int, loss: float) -> None:
        """Without dithering too, and on from there where that looks better.

        Where a picture is flat or small, or few bytes are left, the spots that dithering scatters
        cost more than they are worth. Drawing without loss takes a fifth of the time: by that the
        number of colors is found which fits.
        """
        found = self.best
        if found is not None and self.encoder.flat:
            self._fewer(found.drawn, colors, loss, None, FEWER)
        elif found is None and not self.encoder.small:
            colors, loss = self._halving(1.0, 0.0, self.fewest)
            if self.best is not None:
                self._fewer(self.best.drawn, colors, loss, 0.0, HALVED)
        before = self.best
        fits = self._most_that_fit()
        if self.encoder.small or (found is not None and self.best is not before):
            self._more_with_loss(fits)

    def smallest(self) -> None:
        """The least there is: few colors, with all loss or none."""
        small, vain = self.encoder.small, 0
        for few in (few for few in LADDER if few >= self.fewest):
            least = self.least
            if few > self.most or vain == PATIENCE_FOR_LEAST:
                return
            for dither in (0.0, None)[: 1 + small]:
                for lossy in (0.0, 1.0, 0.5)[: 2 + small]:
                    self._try(few, lossy, dither)
            vain = 0 if self.least < least else vain + 1

    def _offer(self, drawn: Encoded, colors: int, lossy: float, dither: float | None) -> bool:
        """Keep a drawing if it is the best that fits; say whether it is."""
        self.least = min(self.least, drawn.size)
        if drawn.size > self.budget:
            return False
        score = math.nan
        if self.best is not None:
            if math.isnan(self.best.score):
                self.best = replace(self.best, score=self.encoder.score(self.best.drawn))
            score = self.encoder.score(drawn)
            if score <= self.best.score:
                return False
        self.best = Trial(colors, dither, lossy, drawn, score)
        return True

    def _fit(self, colors: int, guess: float, dither: float | None) -> tuple[Encoded | None, float]:
        drawn, loss, size = _loss_for(self.encoder, colors, self.budget, guess, dither)
        self.least = min(self.least, size)
        return drawn, loss

    def _halving(self, guess: float, dither: float | None, fewest: int) -> tuple[int, float]:
        """Half the colors until some loss fits: the colors and the loss."""
        colors = self.colors
        while True:
            drawn, loss = self._fit(colors, guess, dither)
            if drawn is not None:
                self._offer(drawn, colors, loss, dither)
            if drawn is not None or colors <= fewest:
                return colors, loss
            colors, guess = max(colors // 2, self.fewest), 1.0

    def _fewer(
        self, drawn: Encoded, colors: int, loss: float, dither: float | None, numbers: Sequence[int]
    ) -> None:
        """Follow the number of colors down while drawings that fill the budget look better."""
        score, number = self.encoder.score(drawn), colors
        for fewer in numbers:
            if not self.fewest <= fewer < min(colors, len(drawn.drawing.entries)):
                continue
            found, at = self._fit(fewer, max(loss - 0.1, STEP), dither)
            if found is None or found.size < 0.97 * self.budget:
                break
            if (reached := self.encoder.score(found)) <= score:
                break
            drawn, loss, score, number = found, at, reached, fewer
        self._offer(drawn, number, loss, dither)

    def _try(self, colors: int, lossy: float = 0.0, dither: float | None = 0.0) -> int:
        """Offer such a drawing, once; its bytes."""
        way = colors, lossy, dither
        if way not in self.sizes:
            drawn = self.encoder.draw(colors, lossy, dither=dither)
            self.sizes[way] = drawn.size
            self._offer(drawn, colors, lossy, dither)
        return self.sizes[way]

    def _most_that_fit(self) -> int:
        """The most colors that fit without dithering or loss; below the fewest if none do."""
        low, high = self.fewest - 1, self.most + 1
        while high - low > 1:
            middle = min(max(math.isqrt(low * high), low + 1), high - 1)
            low, high = (middle, high) if self._try(middle) <= self.budget else (low, middle)
        for fewer in range(max(low - 2, self.fewest), low) if self.encoder.small else ():
            self._try(fewer)  # scores of small pictures jump
        return low

    def _more_with_loss(self, fits: int) -> None:
        """More colors than fit without loss, until those look worse."""
        vain = 0
        for more in sorted({*LADDER, fits, self.most}):
            if (
                max(fits - self.encoder.small, self.fewest) <= more <= self.most
                and vain < self.patience
            ):
                vain = 0 if self._with_loss(more) or more < fits else vain + 1

    def _with_loss(self, colors: int) -> bool:
        """Whether some loss makes the best drawing of so many colors."""
        if not self.encoder.small:
            guess = max(math.log(self._try(colors) / self.budget) / LOG_BYTES, STEP)
            drawn, loss = self._fit(colors, guess, 0.0)
            return drawn is not None and self._offer(drawn, colors, loss, 0.0)
        # Bytes of small pictures jump, so the loss is halved: by slopes it isn't found.
        before, loss = self.best, 1.0
        for step in (0.5, 0.25, 0.125):
            fits = self._try(colors, loss) <= self.budget
            if loss == 1 and not fits and self._try(colors) > self.budget:
                break
            loss += -step if fits or loss == 1 else step
        return self.best is not before


def _loss_for(
    encoder: Encoder, colors: int, budget: int, guess: float, dither: float | None = None
) -> tuple[Encoded | None, float, int]:
    """The least loss whose file fits: the drawing, the loss, the bytes of the smallest tried."""
    tried: dict[float, Encoded] = {}

    def slack(kept: float) -> float:
        drawn = tried[kept] = encoder.draw(colors, max(1 - kept, STEP), dither=dither)
        return math.log(budget / drawn.size)

    start = min(max(1 - guess, 0.0), 1.0)
    kept = farthest(slack, tolerance=FULL, guess=start, slope=LOG_BYTES)
    least = min(drawn.size for drawn in tried.values())
    fits = [drawn for drawn in tried.values() if drawn.size <= budget]
    # Bytes fall with loss but for a little noise: the fullest file is the one with the least loss.
    best = max(fits, key=lambda drawn: drawn.size, default=None)
    return best, 1.0 if kept is None else 1 - kept, least
