"""One picture drawn again and again: with more or fewer colors, with more or less loss."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from threading import Lock
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tinct import _kernels
from tinct.codecs.deflate import LARGE
from tinct.codecs.registry import codec_of
from tinct.compress.abreast import abreast
from tinct.compress.pinned import FREE, Pinned
from tinct.defaults import MAX_COLORS
from tinct.mapping.lossy import is_icon, lossy_options, palette_options, settled
from tinct.mapping.remap import painted
from tinct.scoring.bands import bands_word
from tinct.scoring.psnr import psnr
from tinct.scoring.ssimulacra2 import Reference
from tinct.scoring.summary import decibels

if TYPE_CHECKING:
    from tinct.mapping.lossy import Loss

__all__ = ["Clock", "Encoded", "Encoder", "Options", "Trial"]

Colors = NDArray[np.uint8]
Watch = Callable[[int], None]

TINY = 1 << 14  # pixels: an icon, whose drawings take milliseconds
THOROUGH = 5  # the effort from which flat pictures are tried in more ways
# So few colors are chosen in several ways, of which the best by far varies: on 10 flat graphics
# with 12 and 8 colors distances in sRGB scored from 28 points less than in Oklab to 34 more.
AUDITION = 40
# Up to such losses a palette that a drawing moved serves another as well: 1 to 4 % fewer bytes at
# the same score, with more of it up to 4 % more.
MODEST = 0.4
PACKED = 16  # colors or fewer: a PNG packs two indices or more into a byte
# Any larger picture is tried out on a sample of it first: an eighth, in tiles of such sides, a grid
# of 5 x 5. SSIMULACRA2 of sides below 225 is another measure.
SHARE, TILE, TILES = 8, (48, 80), 5


@dataclass(frozen=True, slots=True, eq=False)
class Encoded:
    """A picture drawn with at most so many colors, as a file.

    `exact`: the file holds the picture itself because that took fewer bytes. `lossy`: how much loss
    it was drawn with. `wide`: a PNG spends a byte on each pixel though less would do.
    """

    drawing: _kernels.Drawing
    colors: int
    data: bytes = b""
    exact: bool = False
    lossy: Loss = 0.0
    wide: bool = False

    @property
    def size(self) -> int:
        """Bytes of the file."""
        return len(self.data)


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What stays the same from drawing to drawing; see `tinct.compress`."""

    dither: float
    space: str = "oklab"
    seed: int = 0
    effort: int = 1
    format: str = "png"
    level: int | None = None
    original: bool = True
    threads: int | None = None
    pinned: Pinned = FREE


@dataclass(slots=True)
class Clock:
    """Seconds per stage."""

    seconds: dict[str, float] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock, repr=False)

    @contextmanager
    def __call__(self, stage: str) -> Iterator[None]:
        """Count the time of a block under its stage."""
        start = time.perf_counter()
        try:
            yield
        finally:
            spent = time.perf_counter() - start
            with self._lock:
                self.seconds[stage] = self.seconds.get(stage, 0.0) + spent

    @contextmanager
    def abreast(self) -> Iterator[None]:
        """Of stages that run side by side in a block count their shares of its time."""
        before, start = dict(self.seconds), time.perf_counter()
        try:
            yield
        finally:
            spent = time.perf_counter() - start
            added = {stage: s - before.get(stage, 0.0) for stage, s in self.seconds.items()}
            share = min(spent / max(sum(added.values()), 1e-9), 1.0)
            for stage, seconds in added.items():
                self.seconds[stage] = before.get(stage, 0.0) + share * seconds


@dataclass(frozen=True, slots=True, eq=False)
class Trial:
    """A drawing, how it was made, its SSIMULACRA2 score; `dither` None: as the options say."""

    colors: int
    dither: float | None
    lossy: float
    drawn: Encoded
    score: float
    part: float = 1.0  # of the picture that was drawn

    @property
    def bytes(self) -> int:
        """The size of its file."""
        return self.drawn.size

    @property
    def log_bytes(self) -> float:
        """The logarithm of the bytes per pixel; a palette's are shared by all of the picture."""
        drawing = self.drawn.drawing
        palette = min(3 * len(drawing.entries), self.bytes / 2)
        bytes_of_part = self.bytes - (1 - self.part) * palette
        return math.log(bytes_of_part / (drawing.height * drawing.width))


class Encoder:
    """A picture, and what drawings of it share: histograms, palettes, what they are scored against.

    `pixels` are as the format can hold them, `original` what drawings are scored against where that
    differs. `watch` is called after each drawing with its bytes: searches make many. `picture` are
    the pixels in the kernels' hands, if they are already.
    """

    def __init__(
        self,
        pixels: Colors,
        options: Options,
        clock: Clock,
        original: Colors | None = None,
        watch: Watch | None = None,
        picture: _kernels.Quantizer | None = None,
    ) -> None:
        self.pixels, self.options, self.clock, self.watch = pixels, options, clock, watch
        self.original = pixels if original is None else original
        self.picture = _kernels.Quantizer(pixels) if picture is None else picture
        self.codec = codec_of(options.format)
        self.flat: bool = self.picture.flat
        self.hasty = False  # whether drawings are but samples, to be made quickly
        self.part = 1.0  # of a picture, of which this is a sample
        self._threads = options.threads or 0
        self._pinned = options.pinned.entries(pixels)
        self._undithered: dict[int, tuple[Encoded, float]] = {}
        self._moved: dict[int, bytes] = {}  # palettes that drawings of a search ended with
        self._wide: dict[int, bool] = {}  # and whether each index has a byte of its own there

    @cached_property
    def colors(self) -> int:
        """How many distinct colors the picture has."""
        with self.clock("histogram"):
            return self.picture.colors

    @cached_property
    def fewest(self) -> int:
        """How few colors leave every visible pixel visible: 2, or 3 with soft edges.

        And hold all that are reserved; all of a palette that was given.
        """
        reserved = len(self._pinned) // self.picture.channels
        return MAX_COLORS if self.options.pinned.whole else max(self.picture.fewest, reserved)

    @property
    def size(self) -> int:
        """Pixels."""
        return self.picture.height * self.picture.width

    @property
    def small(self) -> bool:
        """Whether drawings cost so little that more ways are tried, and their scores jump."""
        return self.size <= TINY

    @property
    def large(self) -> bool:
        """Whether drawings are encoded in haste."""
        return self.size > LARGE and not self.flat

    @property
    def thorough(self) -> bool:
        """Whether the picture is one of those that are worth trying in more ways, and may be."""
        return self.options.effort >= THOROUGH and self.flat

    @cached_property
    def reference(self) -> Reference:
        """What scores drawings of the picture."""
        return Reference(self.original, threads=self.options.threads)

    def draw(
        self,
        colors: int,
        lossy: Loss = 0.0,
        *,
        dither: float | None = None,
        last: bool = False,
        searched: bool = False,
    ) -> Encoded:
        """Draw the picture with at most so many colors, at so much loss, and tell who watches.

        Where no dithering is asked for here, few colors are those of `undithered`. `last`: memory
        that another drawing would need need not be kept. `searched`: it may take the palette with
        which the last one at some loss ended, or a quick one does, for 2 % fewer bytes.
        """
        drawn = self._made(colors, lossy, dither, last, searched)
        self.tell(drawn)
        return drawn

    def tell(self, drawn: Encoded) -> None:
        """Tell who watches of a drawing."""
        if self.watch is not None:
            self.watch(drawn.size)

    def _made(
        self, colors: int, lossy: Loss, dither: float | None, last: bool, searched: bool
    ) -> Encoded:
        asked = self.options.dither if dither is None else dither
        lossy = self._settled(lossy, colors, asked)
        if dither == 0 and colors <= AUDITION and self.thorough:
            chosen = self.undithered(colors)[0].drawing.palette.tobytes()
        else:
            chosen = self._chosen(colors, lossy)
        moves = searched and 0 < float(lossy) <= MODEST and not (self.small or self.options.pinned)
        if moves:
            if colors not in self._moved:
                first = self._drawn(chosen, colors, lossy, False, asked, hasty=True)
                self._moved[colors] = first.drawing.full_palette
            chosen = self._moved[colors]
        # DEFLATE looks for bytes. Two pixels or more in one hide what they repeat, and copies are
        # worth more where each has its own, or not: a tenth either way. A search asks once.
        count = len(chosen) // self.picture.channels
        packs = lossy != 0 and count <= PACKED and self.codec.packs
        known = searched and colors in self._wide
        widths = (self._wide[colors],) if known else (False, True)[: packs + 1]
        last = last and len(widths) == 1
        ways = [partial(self._filed, chosen, colors, lossy, wide, asked, last) for wide in widths]
        # Trials of samples and of small pictures are side by side already; large ones take memory.
        alone = self.hasty or self.small or self.size > LARGE
        threads = 1 if alone else self._threads
        drawn = min(abreast(ways, threads, self.clock), key=lambda way: way.size)
        if moves:
            self._moved[colors] = drawn.drawing.full_palette
        if packs and searched and not self.small:
            self._wide[colors] = drawn.wide
        return drawn

    def draw_best(self, colors: int, lossy: Loss, *, last: bool = False) -> Encoded:
        """Draw as `draw` does, or as a lower effort would where that is smaller and looks better.

        K-means measures neither: of 190 cases over 70 were. From effort 2 on all lower
        ones that differ have their turn, which takes 1.1 to 2.9 times as long; 10 are left, where
        effort 0 beats 1, which draws once.
        """
        effort = self.options.effort
        if last and effort < 2 and not self.small:
            return self.draw(colors, lossy, last=True)
        lossy = self._settled(lossy, colors, self.options.dither)
        best = self._no_larger(colors, lossy)
        if effort < 2 or (not lossy and colors >= self.colors):
            return best
        seen, look = {self._kind(colors, lossy)}, None
        for less in reversed(range(effort)):
            lower = self._with(replace(self.options, effort=less))
            if (kind := lower._kind(colors, lossy)) in seen:
                continue
            seen.add(kind)
            drawn = lower._no_larger(colors, lossy)
            if drawn.size > best.size:
                continue
            look, other = self.score(best) if look is None else look, self.score(drawn)
            if other >= look and (other > look or drawn.size < best.size):
                best, look = drawn, other
        return best

    def _no_larger(self, colors: int, lossy: Loss) -> Encoded:
        """Draw so, or with less loss where that takes no more bytes: those of small pictures jump.

        (Of 9,984 pairs of losses 100 else take over 2 % more with more of it.)
        """
        most = lossy if self.small and lossy != "auto" else 0.0
        losses: list[Loss] = [tenth / 10 for tenth in range(1, 10) if tenth / 10 < most]
        return min((self.draw(colors, less) for less in (*losses, lossy)), key=lambda d: d.size)

    def undithered(self, colors: int) -> tuple[Encoded, float]:
        """Few colors chosen in several ways: those whose undithered drawing scores highest.

        That is not encoded yet. (With loss and dithering the same colors are worse than the usual
        ones: 8 to 14 % more bytes on two charts.)
        """
        if colors not in self._undithered:
            palettes = [self._palette(colors, visible=True)]
            if colors <= AUDITION:
                palettes.append(self._palette(colors, visible=True, space="srgb"))
                palettes += [self._palette(colors, space=s) for s in (self.options.space, "srgb")]
            drawn = [self._drawn(chosen, colors, 0.0, False, 0.0) for chosen in palettes]
            self._undithered[colors] = max(((d, self.score(d)) for d in drawn), key=lambda d: d[1])
        return self._undithered[colors]

    def trial(self, colors: int, dither: float | None, lossy: float) -> Trial:
        """Draw and score such a setting: few colors, undithered and without loss, at their best.

        Who asks tells who watches.
        """
        if lossy or dither is None:
            drawn = self._made(colors, lossy, dither, False, not self.hasty)
            return Trial(colors, dither, lossy, drawn, self.score(drawn), self.part)
        drawn, score = self.undithered(colors)
        drawn = self._encoded(drawn)
        return Trial(colors, dither, lossy, drawn, score, self.part)

    def repacked(self, drawn: Encoded) -> Encoded:
        """What a search found, packed with more care.

        Small pictures are left alone: of two answers the smaller might become the larger.
        """
        options = self.options
        if self.small or self.large or options.level is not None or not options.effort:
            return drawn
        with self.clock("encode"):
            return replace(drawn, data=self.codec.repack(drawn.data, self._threads))

    def predicts(self, drawn: Encoded) -> bool:
        """Whether filters serve a drawing as well as copies: fewer colors then save more."""
        return self.codec.predicts(drawn.drawing, drawn.size)

    def score(self, drawn: Encoded) -> float:
        """SSIMULACRA2 of a drawing: the least of `scores`."""
        return min(self.scores(drawn).values())

    def bands(self, drawn: Encoded) -> str:
        """Whether a drawing has bands that the original has not: none, slight or visible."""
        with self.clock("quality"):
            return bands_word(self.reference.original, self.image(drawn))

    def scores(self, drawn: Encoded) -> dict[str, float]:
        """SSIMULACRA2 of a drawing, by what it is seen over."""
        with self.clock("quality"):
            return self.reference.scores(self.image(drawn))

    def image(self, drawn: Encoded) -> Colors:
        """The pixels as a viewer of the file sees them: (h, w, c) uint8."""
        return self.exact if drawn.exact else painted(drawn.drawing.indices, drawn.drawing.palette)

    def decibels(self, drawn: Encoded) -> float:
        """PSNR of a drawing."""
        with self.clock("quality"):
            if drawn.exact or self.original is not self.pixels:
                return psnr(self.original, self.image(drawn))
            return decibels(self.picture.squared_error(drawn.drawing) / (3 * self.size))

    @cached_property
    def exact(self) -> Colors:
        """The picture's pixels, without what full transparency hides."""
        return np.frombuffer(self.picture.samples(0), np.uint8).reshape(self.pixels.shape)

    def sample(self) -> Encoder:
        """Tiles from all over the picture, to be drawn with its palettes; itself if it is small."""
        if self.small:
            return self
        side = math.isqrt(self.size // SHARE) // TILES
        side = min(max(side, TILE[0]), TILE[1])
        rows, columns = (_starts(length, side) for length in self.pixels.shape[:2])
        tiles = np.ix_(rows, columns)
        part = _kernels.Quantizer(self.picture, rows, columns, self._threads)
        tiled = [np.ascontiguousarray(plane[tiles]) for plane in (self.pixels, self.original)]
        options = replace(self.options, effort=min(self.options.effort, 1))
        sample = Encoder(tiled[0], options, self.clock, tiled[1], None, part)
        sample.hasty, sample.flat, sample.part = True, self.flat, sample.size / self.size
        return sample

    def _with(self, options: Options) -> Encoder:
        """The same picture drawn otherwise."""
        return Encoder(self.pixels, options, self.clock, self.original, self.watch, self.picture)

    def _kind(self, colors: int, lossy: Loss) -> tuple[bytes, int]:
        """What decides which pixels a drawing shows: its palette, and the search for few bits."""
        effort, icon = self.options.effort, is_icon(self.picture)
        search = lossy_options(lossy, 0.0, effort, 0, icon=icon)["search"] if lossy else 0
        return self._chosen(colors, lossy), search

    def _settled(self, lossy: Loss, colors: int, dither: float) -> Loss:
        """The loss; "auto" is none with a given palette that errs by much already."""
        lossy = settled(lossy, self.picture, colors, dither, self.options.space)
        fits = lossy != "auto" or not self.options.pinned.whole or self._fits
        return lossy if fits else 0.0

    @cached_property
    def _fits(self) -> bool:
        return self.picture.fits(self._pinned, threads=self._threads)

    def _chosen(self, colors: int, lossy: Loss) -> bytes:
        """The palette that a drawing at so much loss begins with."""
        effort = self.options.effort
        how = palette_options(lossy, self.flat, self.picture, colors, effort)
        return self._palette(colors, how["visible"], how["rough"])

    def _palette(
        self, colors: int, visible: bool = False, rough: bool = False, space: str | None = None
    ) -> bytes:
        options, _ = self.options, self.colors  # which are counted, and timed as that
        how: dict[str, Any] = {"effort": options.effort, "seed": options.seed}
        how |= {"space": space or options.space, "threads": self._threads}
        if options.pinned.whole:
            return self._pinned
        with self.clock("palette"):
            return self.picture.palette(
                colors, visible=visible, rough=rough, reserved=self._pinned, **how
            )

    def _drawn(
        self,
        chosen: bytes,
        colors: int,
        lossy: Loss,
        wide: bool,
        dither: float,
        last: bool = False,
        hasty: bool = False,
    ) -> Encoded:
        options = self.options
        effort = 0 if self.hasty or hasty else options.effort
        how: dict[str, Any] = {"space": options.space, "last": last}
        how |= options.pinned.drawn(self._pinned)
        with self.clock("remap"):
            if lossy:
                count = len(chosen) // self.picture.channels
                how["coder"], how["bits"] = self.codec.bit_model(count, wide)
                icon = is_icon(self.picture)
                how |= lossy_options(lossy, dither, effort, self._threads, colors, icon)
                drawing = self.picture.draw_lossy(chosen, moves=not self.hasty, **how)
            else:
                how |= {"effort": options.effort, "threads": self._threads}
                dither = options.pinned.finer(dither)
                drawing = self.picture.draw(chosen, dither=dither, **how)
        return Encoded(drawing, colors, lossy=lossy, wide=wide)

    def _filed(self, *how: Any) -> Encoded:
        return self._encoded(self._drawn(*how))

    def _encoded(self, drawn: Encoded) -> Encoded:
        options, pinned = self.options, self.options.pinned
        with self.clock("encode"):
            data, exact = self.codec.smallest(
                self.picture,
                drawn.drawing,
                colors=0 if pinned else drawn.colors,
                original=options.original and not pinned,
                listed=pinned.listed,
                effort=options.effort,
                level=options.level,
                lossy=drawn.lossy,
                wide=drawn.wide,
                threads=self._threads,
            )
        return replace(drawn, data=data, exact=exact)


def _starts(length: int, side: int) -> NDArray[np.int64]:
    if length < 2 * TILES * side:
        return np.arange(min(length, TILES * side)) + max(length - TILES * side, 0) // 2
    first = (2 * np.arange(TILES) + 1) * length // (2 * TILES) - side // 2  # margins are no rule
    return np.asarray((first[:, None] + np.arange(side)).ravel(), dtype=np.int64)
