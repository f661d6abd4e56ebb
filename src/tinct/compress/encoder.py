"""Drawing one picture again and again: with more or fewer colors, with more or less loss."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinct import _kernels
from tinct.codecs import deflate, formats
from tinct.color.points import to_points
from tinct.defaults import MAX_COLORS
from tinct.mapping.lossy import remap_lossy
from tinct.mapping.remap import remap
from tinct.palette.choice import Palette, palette
from tinct.palette.histogram import Histogram, histogram, visibility, weighted
from tinct.scoring.ssimulacra2 import Judge

__all__ = ["SMALL", "Clock", "Drawing", "Options", "Studio", "painted"]

Colors = NDArray[np.uint8]
Watch = Callable[[int], None]

SMALL = 1 << 17  # pixels: their files are never encoded in haste, which costs up to 6 %
TINY = 1 << 14  # pixels: an icon, whose drawings take milliseconds
THOROUGH = 5  # the effort from which flat pictures are tried in more ways
# So few colors are chosen in several ways, of which the best by far varies: on 10 flat graphics
# with 12 and 8 colors distances in sRGB scored from 28 points less than in Oklab to 34 more.
AUDITION = 40
PACKED = 16  # colors or fewer: a PNG packs two indices or more into a byte
# A picture beyond so many pixels (with effort, the second number) is tried out on tiles of it: a
# grid of 5 x 5, if they fit.
WHOLE, ALL_OF_IT, TILE, TILES = 1 << 20, 1 << 23, 160, 5


@dataclass(frozen=True, slots=True, eq=False)
class Drawing:
    """A picture drawn with few colors.

    Attributes
    ----------
    palette : (k, c) uint8
        The colors, each used by some pixel.
    indices : (h, w) uint8
        Each pixel's entry.
    data : bytes
        The file.
    exact : (h, w, c) uint8, optional
        The picture itself, where the file holds that because it took fewer bytes.
    smooth : bool
        Whether filters may help the file: not where the indices were chosen for its coder.
    wide : bool
        Whether a PNG spends a byte on each pixel though less would do.
    original : bool
        Whether the file may hold the picture itself.
    all_colors : bool
        Whether all 256 were allowed.
    """

    palette: Colors
    indices: NDArray[np.uint8]
    data: bytes
    exact: Colors | None = None
    smooth: bool = True
    wide: bool = False
    original: bool = False
    all_colors: bool = False

    @property
    def image(self) -> Colors:
        """The pixels as a viewer of the file sees them: (h, w, c) uint8."""
        return self.rows(slice(None))

    def rows(self, part: slice) -> Colors:
        """Some rows of the image."""
        if self.exact is None:
            return painted(self.indices[part], self.palette)
        return self.exact[part]


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What stays the same from drawing to drawing; see `tinct.compress`."""

    dither: float
    space: str = "oklab"
    seed: int = 0
    effort: int = 1
    format: str = "png"
    level: int | None = None
    threads: int | None = None


@dataclass(slots=True)
class Clock:
    """Seconds per stage."""

    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def __call__(self, stage: str) -> Iterator[None]:
        """Count the time of a block under its stage."""
        start = time.perf_counter()
        try:
            yield
        finally:
            spent = time.perf_counter() - start
            self.seconds[stage] = self.seconds.get(stage, 0.0) + spent


class Studio:
    """A picture, and what drawings of it can share: histogram, visibility, palettes.

    Parameters
    ----------
    pixels : (h, w, c) uint8
        The picture.
    options : Options
        How to draw.
    clock : Clock
        Where to count the time.
    original : (h, w, c) uint8, optional
        What drawings are judged against, if the pixels had to be fitted for the format.
    watch : callable, optional
        Called after each drawing with its bytes: searches make many.

    Examples
    --------
    >>> ramp = np.arange(64 * 64 * 3, dtype=np.uint16).reshape(64, 64, 3) // 48
    >>> studio = Studio(ramp.astype(np.uint8), Options(dither=0.75), Clock())
    >>> exact, rough = studio.draw(64), studio.draw(64, lossy=0.9)
    >>> len(rough.data) < len(exact.data)
    True
    """

    def __init__(
        self,
        pixels: Colors,
        options: Options,
        clock: Clock,
        original: Colors | None = None,
        watch: Watch | None = None,
    ) -> None:
        self.pixels, self.options, self.clock, self.watch = pixels, options, clock, watch
        self.original = pixels if original is None else original
        self._palettes: dict[tuple[int, bool], Palette] = {}
        self._plain: dict[int, tuple[Drawing, float]] = {}

    @cached_property
    def counted(self) -> Histogram:
        """The distinct colors and their pixels."""
        with self.clock("histogram"):
            return histogram(self.pixels, self.options.space)

    @cached_property
    def weights(self) -> NDArray[np.float32]:
        """How much an error shows, per pixel."""
        with self.clock("histogram"):
            return visibility(self.pixels, threads=self.options.threads)

    @cached_property
    def flat(self) -> bool:
        """Whether much of the picture is of one color beside the other: a graphic."""
        return _kernels.is_flat(self.pixels)

    @cached_property
    def fewest(self) -> int:
        """How few colors leave every visible pixel visible: 2, or 3 with soft edges.

        Of a transparent entry and an opaque one alone, those take the nearer.
        """
        alphas = self.counted.colors[:, 3:]
        soft = ((alphas > 0) & (alphas < 255)).any() and (alphas == 255).any()
        return 3 if soft and (alphas == 0).any() else 2

    @cached_property
    def edges(self) -> NDArray[np.bool_]:
        """Pixels of letters and lines: the error of these is noise beside them."""
        return _kernels.find_edges(self.weights)

    @property
    def small(self) -> bool:
        """Whether drawings cost so little that more ways are tried, and their scores jump."""
        return self.pixels[:, :, 0].size <= TINY

    @property
    def thorough(self) -> bool:
        """Whether the picture is one of those that are worth trying in more ways, and may be."""
        return self.options.effort >= THOROUGH and self.flat

    @cached_property
    def judge(self) -> Judge:
        """Who scores drawings of the picture."""
        return Judge(self.original, threads=self.options.threads)

    def draw(
        self,
        colors: int,
        lossy: float = 0.0,
        *,
        hasty: bool = False,
        dither: float | None = None,
    ) -> Drawing:
        """Draw the picture with at most so many colors, at so much loss.

        A hasty drawing is encoded with little effort, which is enough to compare large ones; see
        `finish`. Where no dithering is asked for here, few colors are those of `plain`.
        """
        chosen = (
            self.plain(colors)[0].palette
            if dither == 0 and colors <= AUDITION and self.thorough
            else self._palette(colors, lossy > 0).colors
        )
        drawing = self._draw(
            chosen,
            lossy,
            hasty,
            self.options.dither if dither is None else dither,
            colors,
        )
        if self.watch is not None:
            self.watch(len(drawing.data))
        return drawing

    def draw_best(self, colors: int, lossy: float) -> Drawing:
        """Draw as `draw` does, or as a lower effort would where that is smaller and looks better.

        K-means measures neither: of 190 cases over 70 were. From effort 2 on all lower
        ones that differ have their turn, which takes 1.1 to 2.9 times as long; 10 are left, where
        effort 0 beats 1, which draws once.
        """
        best = self.draw(colors, lossy)
        effort = self.options.effort
        if effort < 2 or (not lossy and colors >= len(self.counted.colors)):
            return best
        seen, look = {self._kind(colors, lossy)}, None
        for less in reversed(range(effort)):
            lower = self._with(replace(self.options, effort=less))
            if (kind := lower._kind(colors, lossy)) in seen:
                continue
            seen.add(kind)
            drawing = lower.draw(colors, lossy)
            if len(drawing.data) > len(best.data):
                continue
            look, other = self.score(best) if look is None else look, self.score(drawing)
            if other >= look and (other > look or len(drawing.data) < len(best.data)):
                best, look = drawing, other
        return best

    def _kind(self, colors: int, lossy: float) -> tuple[bytes, int]:
        """What decides which pixels a drawing shows: its palette, and the search for few bits."""
        search = min(self.options.effort, 1) + (self.options.effort >= THOROUGH)
        return self._palette(colors, lossy > 0).colors.tobytes(), search if lossy else 0

    def _with(self, options: Options) -> Studio:
        """The same picture drawn otherwise."""
        other = Studio(self.pixels, options, self.clock, self.original, self.watch)
        other.counted, other.flat = self.counted, self.flat
        if "weights" in self.__dict__:
            other.weights = self.weights
        return other

    def _allowed(self, drawing: Drawing, colors: int) -> Drawing:
        """Note whether the picture itself would do: it has no more colors, or all are allowed."""
        every = colors == MAX_COLORS
        keeps = every or colors >= len(self.counted.colors)
        return replace(drawing, original=keeps, all_colors=every)

    def _draw(
        self, chosen: Colors, lossy: float, hasty: bool, dither: float, colors: int
    ) -> Drawing:
        hasty = hasty and self.pixels[:, :, 0].size > SMALL
        effort = min(self.options.effort, 1) if hasty else None
        # DEFLATE looks for bytes. Two pixels or more in one hide what they repeat, and copies are
        # worth more where each has its own, or not: a tenth either way.
        packs = lossy > 0 and len(chosen) <= PACKED and self.options.format == "png"
        ways = [self._mapped(chosen, lossy, wide, dither) for wide in (False, True)[: packs + 1]]
        ways = [self._allowed(way, colors) for way in ways]
        return min((self._encoded(way, effort) for way in ways), key=lambda d: len(d.data))

    def _mapped(self, chosen: Colors, lossy: float, wide: bool, dither: float) -> Drawing:
        options = self.options
        common: dict[str, Any] = {"dither": dither, "threads": options.threads}
        common["counted"] = self.counted
        if lossy:
            common |= {name: getattr(options, name) for name in ("effort", "format")}
            common |= {"weights": self.weights, "wide": wide}
        with self.clock("remap"):
            if lossy:
                indices = remap_lossy(self.pixels, chosen, lossy, **common)
            else:
                sharp = self.edges if dither and self.flat else None
                indices = remap(self.pixels, chosen, sharp=sharp, **common)
            indices, used = _without_unused(indices, chosen)
        return Drawing(used, indices, b"", smooth=not lossy, wide=wide)

    def plain(self, colors: int) -> tuple[Drawing, float]:
        """Few colors chosen in several ways: those whose undithered drawing scores highest.

        That is not encoded yet. (With loss and dithering the same colors are worse than the usual
        ones: 8 to 14 % more bytes on two charts.)
        """
        if colors not in self._plain:
            palettes = [self._chosen(self.counted, colors, True)]
            if colors <= AUDITION:
                palettes += [self._chosen(self._coded, colors, True)]
                palettes += [self._chosen(c, colors, False) for c in (self.counted, self._coded)]
            drawn = [self._mapped(p.colors, 0.0, False, 0.0) for p in palettes]
            drawn = [self._allowed(drawing, colors) for drawing in drawn]
            self._plain[colors] = max(((d, self.score(d)) for d in drawn), key=lambda d: d[1])
        return self._plain[colors]

    def finish(self, drawing: Drawing) -> Drawing:
        """Encode a drawing, hasty or not encoded, with all effort."""
        again = self._encoded(replace(drawing, exact=None), None)
        return min(drawing, again, key=lambda d: len(d.data) or math.inf)

    def _encoded(self, drawing: Drawing, effort: int | None) -> Drawing:
        options = self.options
        how: dict[str, Any] = {"format": options.format}
        how["effort"] = options.effort if effort is None else effort
        with self.clock("encode"):
            data = formats.encode(
                drawing.indices,
                drawing.palette,
                smooth=drawing.smooth,
                wide=drawing.wide,
                flat=self.flat,
                level=options.level,
                **how,
            )
            # Fewer colors are asked for because fewer are wanted.
            if drawing.original:
                return self._kept(replace(drawing, data=data), how)
            if drawing.smooth and options.format == "png":
                entries = formats.entries_of(drawing.palette)
                if deflate.worth_filters(entries, drawing.indices.size):
                    data = formats.original(drawing.image, len(data), **how) or data
            return replace(drawing, data=data)

    def _kept(self, drawing: Drawing, how: dict[str, Any]) -> Drawing:
        """The picture itself, where that takes fewer bytes than the drawing."""
        pixels, colors = self.pixels, self.counted.colors
        if pixels.shape[2] == 4:
            pixels = pixels * (pixels[:, :, 3:] > 0)
        few = colors if len(colors) <= MAX_COLORS else None
        tried = few is not None and drawing.smooth and self.options.level is None
        how = how | {"colors": few, "tried": tried, "likely": not drawing.all_colors}
        kept = formats.original(pixels, len(drawing.data), **how)
        return drawing if kept is None else replace(drawing, data=kept, exact=pixels)

    def score(self, drawing: Drawing) -> float:
        """SSIMULACRA2 of a drawing: the least of `scores`."""
        return min(self.scores(drawing).values())

    def scores(self, drawing: Drawing) -> dict[str, float]:
        """SSIMULACRA2 of a drawing, by what it is seen over."""
        with self.clock("quality"):
            return self.judge.scores(drawing.image)

    def sample(self) -> Studio:
        """Tiles from all over a large picture, to be drawn with its palettes; itself if small."""
        height, width = self.pixels.shape[:2]
        if height * width <= (WHOLE if self.options.effort < 5 or self.flat else ALL_OF_IT):
            return self
        # Of flat pictures many drawings are made, whose sizes then differ as those of great effort.
        options = replace(self.options, effort=min(self.options.effort, 1 if self.flat else 10))
        part = Studio(_tiles(self.pixels), options, self.clock, _tiles(self.original), self.watch)
        part.counted = self.counted
        part.weights = _tiles(self.weights)
        part._palettes = self._palettes
        part._palette = self._palette  # type: ignore[method-assign]
        return part

    def _palette(self, colors: int, visible: bool) -> Palette:
        key = (colors, visible)
        if key not in self._palettes:
            self._palettes[key] = self._chosen(self.counted, colors, visible)
        return self._palettes[key]

    def _chosen(self, counted: Histogram, colors: int, visible: bool) -> Palette:
        if visible:
            with self.clock("histogram"):
                counted = weighted(counted, self.pixels, self.weights)
        with self.clock("palette"):
            how = {name: getattr(self.options, name) for name in ("seed", "effort", "threads")}
            return palette(counted, colors, **how)

    @cached_property
    def _coded(self) -> Histogram:
        counted = self.counted
        return Histogram(counted.colors, counted.weights, to_points(counted.colors, "srgb"), "srgb")


def painted(indices: NDArray[np.uint8], colors: Colors) -> Colors:
    """Every pixel in its color: (h, w, c).

    In bands, because take() widens its indices eightfold; colors[indices] takes twice as long.
    """
    image = np.empty((*indices.shape, colors.shape[1]), np.uint8)
    for row in range(0, len(indices), 64):
        colors.take(indices[row : row + 64], axis=0, out=image[row : row + 64], mode="clip")
    return image


def _tiles(plane: NDArray[Any]) -> NDArray[Any]:
    """Evenly spaced tiles, side by side."""
    rows, columns = (_starts(side) for side in plane.shape[:2])
    return np.ascontiguousarray(plane[rows[:, None], columns[None, :]])


def _starts(side: int) -> NDArray[np.int64]:
    count = min(TILES, side // TILE)
    if count < 1:
        return np.arange(side)
    first = np.arange(count) * (side - TILE) // max(count - 1, 1)
    return np.asarray((first[:, None] + np.arange(TILE)).ravel(), dtype=np.int64)


def _without_unused(indices: NDArray[np.uint8], colors: Colors) -> tuple[NDArray[np.uint8], Colors]:
    """Drop entries that no pixel took: they would only make the file larger."""
    used = _kernels.count_indices(indices)[: len(colors)] > 0
    if used.all():
        return indices, colors
    fresh = (np.cumsum(used) - 1).astype(np.uint8)
    return fresh[indices], colors[used]
