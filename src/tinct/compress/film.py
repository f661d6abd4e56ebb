"""Animations: one palette over all frames, each drawn over what stands there already.

A pixel whose source stays keeps its index, so dithering never moves where the original doesn't.
Frames are decoded one after the other, in every pass anew: memory is for a few, and for the file.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinct import _kernels
from tinct.codecs.codec import Codec
from tinct.codecs.films import WRITERS, Piece, Writer
from tinct.codecs.gif import HALF
from tinct.codecs.registry import codec_of
from tinct.color.points import to_points
from tinct.compress.bases import Bases
from tinct.compress.drawn import Drawn, Moment
from tinct.compress.encoder import Clock, Options
from tinct.compress.standing import Standing, Tally
from tinct.defaults import MAX_COLORS
from tinct.errors import PaletteError
from tinct.mapping.lossy import lossy_options
from tinct.mapping.remap import remap
from tinct.palette.choice import palette
from tinct.palette.histogram import Histogram
from tinct.picture.film import Film, Frame
from tinct.scoring.psnr import psnr
from tinct.scoring.ssimulacra2 import Reference

__all__ = ["FilmEncoder"]

Colors = NDArray[np.uint8]
Indices = NDArray[np.uint8]

# An LZW knows no copies from above, so dots are dear where loss is high: at this share of `dither`
# a fade takes 8 % less bytes at the same score, a pan 2, a drawing 2; at 0 the pan 1 more again.
# From a loss of 0.1 down a plot and a diagram take 1 to 3 % more without dots.
CALM = 0.4
FAINT = 1e-6  # a loss that decides nothing but between equal errors
# Palettes are searched with one step of effort more than a picture's, up to this: 128 colors of
# pixel art then score 0.9 higher for 0.6 % more bytes. Two steps more gain nothing.
MOST_EFFORT = 10
# What stays is written again where that makes a frame smaller. (For an LZW short gaps filled save
# nothing of a recorded terminal.)
FEWER = 1.3  # how much smaller that may make a frame
SLIGHT = 0.98  # a frame with loss is to be smaller than that share of the one without
MOMENTS = 24  # of an animation, at most, that are scored
SLOWED = Fraction(2, 100)  # seconds: browsers show frames of less for a tenth of a second


class FilmEncoder:
    """An animation drawn again and again, with more or less loss."""

    def __init__(
        self,
        film: Film,
        colors: int,
        options: Options,
        clock: Clock,
        watch: Callable[[int], None] | None = None,
    ) -> None:
        self.film, self.options, self.clock, self.watch = film, options, clock, watch
        self.codec = codec_of(options.format)
        self.codec.check_sides(film.height, film.width, film.name)
        self.cut = self.flat = False
        self.standing = Standing()
        with clock("palette"):
            self._counted, self.frames = self._histogram()
        self.clear = bool(self._counted.hidden.any())
        self.choose(colors)

    def choose(self, colors: int) -> None:
        """Draw with so many colors from now on, transparency among them."""
        self.number = colors
        most = max(colors - (not self.clear), 2)
        self.exact = not self.options.pinned and len(self._counted.colors) <= most
        with self.clock("palette"):
            chosen = self._chosen(most)
        self.palette = np.vstack([np.zeros((1, 4), np.uint8), chosen[chosen[:, 3] > 0]])
        self._place = {tuple(color): at for at, color in enumerate(self.palette.tolist())}

    def _chosen(self, most: int) -> Colors:
        """The colors that were given, or K-means' beside those reserved."""
        options, counted = self.options, self._counted
        given = np.unique(options.pinned.table, axis=0)
        given = given[given[:, 3] > 0]
        if options.pinned.whole:
            if len(given) == MAX_COLORS:
                raise PaletteError(
                    f"palette must leave one of {MAX_COLORS} colors to what stays in an animation"
                )
            return given
        how: dict[str, Any] = {"effort": min(options.effort + 1, MOST_EFFORT), "seed": options.seed}
        if len(given):
            others = ~np.isin(_codes(counted.colors), _codes(given))
            counted = Histogram(
                counted.colors[others],
                counted.weights[others],
                counted.points[others],
                counted.space,
            )
            most -= len(given)
            if most < 2 or not len(counted.colors):
                return given
        chosen = palette(counted, most, threads=options.threads, **how)
        # What most frames draw comes first: those of few colors then need fewer bits.
        served = remap(self._counted.colors[None], chosen.colors, dither=0).ravel()
        uses = np.bincount(served, weights=self._draws, minlength=len(chosen.colors))
        return np.vstack([given, chosen.colors[np.argsort(-uses, kind="stable")]])

    def draw(self, lossy: float, *, scored: bool = False) -> Drawn:
        """Draw all frames with so much loss, and see how some moments look; score them if asked."""
        film = self.film
        writer = WRITERS[self.options.format](
            film.width, film.height, self.palette, film.plays, self.options.effort
        )
        if film.poster is not None:
            writer.poster = self._mapped(_fit(self.codec, film.poster), lossy)
        easel = _Easel(self, writer, lossy)
        moments, every = [], max(-(-self.frames // MOMENTS), 1)
        for at, frame in enumerate(self._fitted()):
            easel.show(frame)
            if at % every == 0:
                with self.clock("quality"):
                    moments.append(self._moment(frame.pixels, self.palette[easel.shown], scored))
        drawn = Drawn(easel.finish(), self.palette, easel.shares, writer.frames, lossy, moments)
        if self.watch is not None:
            self.watch(drawn.size)
        return drawn

    def _fitted(self) -> Iterator[Frame]:
        """The frames as the format can hold them, in full transparency without a color."""
        frames = self.film.frames()
        while True:
            with self.clock("read"):
                frame = next(frames, None)
            if frame is None:
                return
            pixels = _fit(self.codec, frame.pixels)
            self.cut |= bool((pixels[:, :, 3] != frame.pixels[:, :, 3]).any())
            yield Frame(pixels, frame.seconds)

    def _histogram(self) -> tuple[Histogram, int]:
        """All colors, weighted by how many pixels show them and for how long, and the frames."""
        tally, bases, frames = Tally(), Bases(), 0
        before: NDArray[np.uint32] | None = None
        for frame in self._fitted():
            frames += 1
            now = _codes(frame.pixels)
            if WRITERS[self.options.format].restores:
                bases.add(now)
            if before is None:
                self.flat = _kernels.Quantizer(frame.pixels).flat
                tally.add(now.ravel(), now[:0])
            else:
                changed = now != before
                self.standing.add(changed)
                tally.add(now[changed], before[changed])
            before = now
        self.restored = bases.restored()
        colors = tally.codes.view(np.uint8).reshape(-1, 4)
        space = self.options.space
        self._draws = tally.draws
        return Histogram(colors, tally.seen, to_points(colors, space), space), frames

    def _mapped(
        self,
        pixels: Colors,
        lossy: float,
        held: Indices | None = None,
        must: Indices | None = None,
        worth: NDArray[np.float32] | None = None,
    ) -> Indices:
        free = np.zeros(pixels.shape[:2], np.uint8)
        held = free if held is None else np.ascontiguousarray(held)
        must = free if must is None else np.ascontiguousarray(must)
        worth = None if worth is None else np.ascontiguousarray(worth)
        options = self.options
        source, pixels = pixels, options.pinned.fit(pixels) if options.pinned else pixels
        finely = options.pinned.finer(options.dither)
        if not lossy:
            cut = np.where(((must > 0) & (held == must))[:, :, None], np.uint8(0), pixels)
            dither = 0.0 if self.flat else finely
            with self.clock("remap"):
                indices = remap(cut, self.palette, dither=dither, threads=options.threads)
            return self._exactly(source, np.where((must > 0) & (held != must), must, indices), held)
        coder, bits = self.codec.bit_model(len(self.palette), False)
        if coder == "lzw":
            finely *= max(1 - 2 * lossy, CALM)
        how = lossy_options(lossy, finely, options.effort, options.threads or 0)
        how |= {"coder": coder, "bits": bits, "space": options.space}
        with self.clock("remap"):
            drawing = _kernels.Quantizer(np.ascontiguousarray(pixels)).draw_lossy(
                self.palette.tobytes(), held=held, must=must, worth=worth, moves=False, **how
            )
        # A drawing has none but the entries that it uses.
        order = np.array([self._place[color] for color in drawing.entries], np.uint8)
        return self._exactly(source, order[drawing.indices], held)

    def _exactly(self, pixels: Colors, indices: Indices, held: Indices) -> Indices:
        """Pixels of the colors that were given, drawn in them."""
        if not self.options.pinned:
            return indices
        codes = _codes(self.palette)
        order = np.argsort(codes)
        now = _codes(pixels)
        found = order[np.searchsorted(codes, now, sorter=order).clip(max=len(codes) - 1)]
        given = np.isin(codes, _codes(self.options.pinned.table))
        wrong = given[found] & (codes[found] == now) & (now > 0)
        wrong &= np.where(indices == 0, held, indices) != found
        return np.where(wrong, found, indices).astype(np.uint8)

    def _moment(self, original: Colors, shown: Colors, scored: bool) -> Moment:
        if (original[:, :, 3] == 255).all():
            original, shown = original[:, :, :3], shown[:, :, :3]
        original, shown = np.ascontiguousarray(original), np.ascontiguousarray(shown)
        reference = Reference(original, threads=self.options.threads) if scored else None
        score = reference.score(shown) if reference is not None else math.nan
        return Moment(score, psnr(original, shown))


class _Easel:
    """What stands there, and the frame that is about to be written."""

    def __init__(self, encoder: FilmEncoder, writer: Writer, lossy: float) -> None:
        self.encoder, self.writer, self.lossy = encoder, writer, lossy
        self.shown = np.zeros((writer.height, writer.width), np.uint8)
        self.source: NDArray[np.uint32] | None = None
        self.below = self.shown  # what stood before the frame that waits, and its source
        self.before: NDArray[np.uint32] | None = None
        self.waiting: Piece | None = None
        self.counts = np.zeros(len(encoder.palette))
        self.at = -1  # the number of the frame

    @property
    def shares(self) -> NDArray[np.float64]:
        """Of the pixels drawn in a color, how many are in which entry."""
        return np.asarray(self.counts / max(self.counts.sum(), 1))

    def show(self, frame: Frame) -> None:
        """Draw the next frame over what stands there; one that changes nothing only takes time."""
        now = _codes(frame.pixels)
        self.at += 1
        if self.waiting is None or self.source is None:
            must = np.zeros_like(self.shown)
            area = 0, 0, *self.shown.shape[::-1]
            piece = self._drawn(frame, self.shown, must, area) or _nothing(frame.seconds)
        else:
            same = now == self.source
            drawn = None if same.all() else self._over(frame, now, same)
            if drawn is None and not (self.waiting.clears or self.waiting.restores):
                self.source = now
                self._wait(frame.seconds)
                return
            self._write(self.waiting)
            piece = drawn or _nothing(frame.seconds)
        self.source, self.waiting = now, piece

    def finish(self) -> bytes:
        """The file."""
        if self.waiting is not None:
            self._write(self.waiting)
        return self.writer.finish()

    def _wait(self, seconds: Fraction) -> None:
        assert self.waiting is not None
        if min(seconds, self.waiting.seconds) >= SLOWED:
            self.waiting.seconds += seconds
        else:
            self._write(self.waiting)
            self.waiting = _nothing(seconds)
            self.below, self.before = self.shown, self.source

    def _write(self, piece: Piece) -> None:
        with self.encoder.clock("encode"):
            self.writer.add(piece)

    def _over(self, frame: Frame, now: NDArray[np.uint32], same: NDArray[np.bool_]) -> Piece | None:
        """A frame after others; None if it changes nothing that is seen."""
        waiting = self.waiting
        assert waiting is not None
        hidden = frame.pixels[:, :, 3] == 0
        must = np.where(same, self.shown, 0).astype(np.uint8)
        if self.before is not None and self.at in self.encoder.restored:
            waiting.restores = not (hidden & (self.below > 0)).any()
        if waiting.restores:
            self.shown = self.below
            must = np.where(~same & (now == self.before), self.below, must)
        else:
            self.before = self.source
        held, vanish = self.shown, hidden & (self.shown > 0)
        soft = ~same & ~hidden & (frame.pixels[:, :, 3] < 255)
        over = True
        if self.writer.replaces:
            over = not (vanish.any() or soft.any())
        elif vanish.any():
            held = self.shown = self._cleared(waiting, vanish)
        self.below = held
        stays = np.where(must > 0, held == must, hidden & (held == 0))
        left, top, right, bottom = _bounds(~stays, self.writer.even)
        if right <= left:
            return None
        area = left, top, right, bottom
        if not over:
            held = held.copy()
            held[top:bottom, left:right] = 0
        return self._drawn(frame, held, must, area, over)

    def _cleared(self, waiting: Piece, vanish: NDArray[np.bool_]) -> Indices:
        """What stands there once the waiting frame's rectangle, made large enough, is cleared."""
        written = np.zeros_like(self.shown)
        height, width = waiting.indices.shape
        place = slice(waiting.top, waiting.top + height), slice(waiting.left, waiting.left + width)
        written[place] = waiting.indices
        left, top, right, bottom = _bounds(vanish | (written > 0), self.writer.even)
        waiting.indices = np.ascontiguousarray(written[top:bottom, left:right])
        waiting.left, waiting.top, waiting.clears, waiting.image = left, top, True, b""
        held = self.shown.copy()
        held[top:bottom, left:right] = 0
        return held

    def _drawn(
        self, frame: Frame, held: Indices, must: Indices, area: tuple[int, ...], over: bool = True
    ) -> Piece | None:
        left, top, right, bottom = area
        part = slice(top, bottom), slice(left, right)
        losses = [0.0]
        if self.lossy or (self.encoder.exact and self.encoder.codec.coder == "lzw"):
            losses.insert(0, self.lossy or FAINT)
        standing = self.encoder.standing
        worth = standing.worth(self.at, must == 0)[part] if self.lossy else None
        best, size = None, math.inf
        for loss in losses:
            indices = self.encoder._mapped(frame.pixels[part], loss, held[part], must[part], worth)
            piece = Piece(indices, left, top, frame.seconds, over)
            if over and self.waiting is not None and not indices.any():
                return None
            # Of pixel art the drawing without loss can be the smaller one, too.
            way, weight = self._smallest(piece, held, size * FEWER)
            if weight < size / (1 if loss else SLIGHT):
                best, size, drawn = way, weight, indices
        self.counts += np.bincount(drawn.ravel(), minlength=len(self.counts))
        self.counts[0] = 0
        self.shown = held.copy()
        self.shown[part] = np.where(drawn == 0, held[part], drawn)
        return best

    def _smallest(self, piece: Piece, held: Indices, limit: float) -> tuple[Piece, float]:
        """What shows the same in a smaller rectangle, or with all that stays if near `limit`."""
        if self.waiting is None or not piece.over:
            return piece, self.writer.weight(piece)
        best = piece.part(*_bounds(piece.indices > 0, self.writer.even))
        size, other = self.writer.weight(best), None
        if self.encoder.codec.coder == "lzw":
            # An LZW's phrases run across rows: those that the mapping chose fit its own width.
            other = piece if best.indices.shape != piece.indices.shape else None
        elif size < limit:
            shown = np.where(self.encoder.palette[held, 3] == 255, held, 0).astype(np.uint8)
            other = best.filled(shown)
        if other is not None and (weight := self.writer.weight(other)) < size:
            best, size = other, weight
        return best, size


def _codes(colors: Colors) -> NDArray[np.uint32]:
    """Each color (..., 4) as one number."""
    return np.ascontiguousarray(colors).view(np.uint32)[..., 0]


def _nothing(seconds: Fraction) -> Piece:
    """A frame that changes nothing: files know none without a pixel."""
    return Piece(np.zeros((1, 1), np.uint8), 0, 0, seconds)


def _fit(codec: Codec, pixels: Colors) -> Colors:
    """Pixels as the format can hold them, those that nobody sees all the same."""
    alpha = pixels[:, :, 3]
    if alpha.min() == 255:
        return pixels
    pixels = pixels.copy()
    if not codec.partial_alpha:
        pixels[:, :, 3] = np.where(alpha < HALF, 0, 255)
    pixels[pixels[:, :, 3] == 0] = 0
    return pixels


def _bounds(mask: NDArray[np.bool_], even: bool) -> tuple[int, int, int, int]:
    """The rectangle around what is set: left, top, right, bottom; empty if nothing is."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not len(rows):
        return 0, 0, 0, 0
    step = 2 if even else 1
    left, top = int(columns[0]) // step * step, int(rows[0]) // step * step
    return left, top, int(columns[-1]) + 1, int(rows[-1]) + 1
