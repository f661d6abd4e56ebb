"""Compression: from a picture to a small indexed file, one call per stage."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from os import PathLike
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from tinct.atomic_write import write
from tinct.checks import as_kernels_take, flag, function, number, whole, word
from tinct.codecs.along import embed, packed
from tinct.codecs.arrays import encode_truecolor
from tinct.codecs.deflate import check_level
from tinct.codecs.registry import check_format, codec_of
from tinct.color.points import check_space
from tinct.compress.animation import CompressedFilm, compress_film
from tinct.compress.encoder import Clock, Encoded, Encoder, Options
from tinct.compress.pinned import pinned
from tinct.compress.prepared import Prepared
from tinct.compress.search_colors import fewest_colors
from tinct.compress.search_quality import least_bytes
from tinct.compress.search_size import within_bytes
from tinct.defaults import DITHER, MAX_COLORS
from tinct.errors import PaletteError, PictureError
from tinct.mapping.remap import check_dither, check_lossy, painted
from tinct.palette.choice import check_colors
from tinct.picture.film import Film, film_of
from tinct.picture.read import Picture, read
from tinct.picture.reasons import printable
from tinct.scoring.report import Report

if TYPE_CHECKING:
    from tinct.mapping.lossy import Loss

__all__ = ["Compressed", "compress"]

Colors = NDArray[np.uint8]
METADATA = ("density", "all", "none")


@dataclass(frozen=True, slots=True, eq=False)
class Compressed:
    """A picture drawn with few colors, as a file and as arrays. Shows itself in a notebook.

    `original` is the Picture compressed. `palette` (k, c) uint8: the colors, each used by some
    pixel or reserved, the most transparent first, then from dark to light; or as given. `indices`
    (h, w) uint8: each pixel's entry. `data` are the file's bytes, `format` "png", "webp" or "gif".
    `exact`, (h, w, c) uint8, are the original's pixels where the file holds those because that took
    fewer bytes than the drawing; else None. `report` has bytes, colors, quality, and seconds per
    stage.
    """

    original: Picture = field(repr=False)
    palette: Colors = field(repr=False)
    indices: NDArray[np.uint8] = field(repr=False)
    data: bytes = field(repr=False)
    report: Report
    format: str = "png"
    exact: Colors | None = field(default=None, repr=False)

    @property
    def image(self) -> Colors:
        """The pixels as a viewer of the file sees them: (h, w, c) uint8."""
        return painted(self.indices, self.palette) if self.exact is None else self.exact

    @property
    def cut(self) -> bool:
        """Whether partial transparency was lost: a GIF's pixels are there or not."""
        pixels = self.original.pixels
        if codec_of(self.format).partial_alpha or pixels.shape[2] == 3:
            return False
        return bool(((pixels[:, :, 3] > 0) & (pixels[:, :, 3] < 255)).any())

    @property
    def shares(self) -> NDArray[np.float64]:
        """The share of the pixels that each palette entry draws: (k,) float64, summing to 1."""
        counts = np.bincount(self.indices.ravel(), minlength=len(self.palette))
        return np.asarray(counts / self.indices.size)

    def save(self, path: str | PathLike[str], *, overwrite: bool = False) -> None:
        """Write the file, whole or not at all; OSError if it can't be.

        FileExistsError if it is already there, without `overwrite`.
        """
        if not isinstance(path, str | PathLike):
            raise TypeError(f"path must be a path, not {type(path).__name__}")
        write(path, self.data, overwrite=flag("overwrite", overwrite))

    def _repr_png_(self) -> bytes:
        """Show the same pixels in a notebook; not all of them know WebP and GIF."""
        return self.data if self.data[1:4] == b"PNG" else encode_truecolor(self.image)


def compress(
    source: Any,
    colors: int | Literal["auto"] | None = None,
    *,
    dither: float = DITHER,
    lossy: float | Literal["auto"] = "auto",
    quality: float | tuple[float, float] | None = None,
    max_bytes: int | None = None,
    space: str = "oklab",
    seed: int = 0,
    effort: int = 1,
    format: str | None = None,
    level: int | None = None,
    metadata: Literal["density", "all", "none"] = "density",
    palette: Any = None,
    reserve: Any = None,
    keep_order: bool = False,
    threads: int | None = None,
    ssimulacra2: bool = False,
    watch: Callable[[int], None] | None = None,
) -> Compressed | CompressedFilm:
    """Compress a picture to a palette of few colors, chosen by K-means.

    A picture that already has no more than `colors` colors keeps every pixel as it is. So does any
    whose lossless file is smaller than the drawing, but not where a number of colors was asked for:
    that is never exceeded. Of an animation (a GIF, APNG, WebP or AVIF) all frames are drawn with
    one palette, and a pixel stays where its original stays. The same arguments give the same bytes
    on every machine and with any number of threads. TypeError or ValueError if an argument is out
    of its range, PictureError if the source is no picture, OSError if it can't be read, TargetError
    if `quality` or `max_bytes` is out of reach.

    Parameters
    ----------
    source : path, bytes, array, Pillow image, Picture, Prepared or Slides
        Whatever `tinct.read` takes, or what was kept of it, or pictures to make an animation of.
    colors : int or "auto", optional
        How many colors at most, 2...256; one of them is spent on full transparency where the
        picture has it. By default 256, or all of the original's where that is smaller. "auto": as
        few as score within 2 points of SSIMULACRA2 of 256 in fewer bytes; with `quality` or
        `max_bytes`, as many as serve those best, which is also what the default means there.
    dither : float
        How finely colors are mixed in dots, 0...1; 0 gives each pixel its nearest color. In flat
        pictures it is the share of each pixel's error that is passed on to its neighbours.
    lossy : float or "auto"
        How much error a smaller file is worth, 0...1: 0 is off; from 0.1 to 0.8 photographs go from
        90 to 50 on SSIMULACRA2. Errors are then put where they show least. "auto": as much as can't
        be seen at 100 %, by what the palette itself costs; none with 64 colors or fewer, without
        dithering, in sRGB, or where a picture has no more than `colors`.
    quality : float or (least, most), optional
        The SSIMULACRA2 score that the file must reach, 1...100, with as few bytes as possible: 90
        can't be told from the original, 70 is good. Sides below 8 pixels are mirrored to be judged.
        Takes several times as long. Of a pair the second is aimed at, and the best there is will do
        if it reaches the first.
    max_bytes : int, optional
        How large the file may be; it then looks as good as that allows. Flat pictures, those of no
        more than 128x128 pixels and those that else don't fit are drawn without dithering where
        they look better so.
    space : {"oklab", "srgb"}
        Where K-means measures distances: as the eye does, or between sRGB codes as textbooks do,
        which without dithering gives the highest PSNR and looks worse.
    seed, effort, threads
        As in `tinct.kmeans`.
    format : {"png", "webp", "gif"}, optional
        What file to make, by default PNG, or an animation's own kind (of AVIF WebP); all three hold
        palettes and change no pixel. WebP is the smallest. GIF has no partial transparency: pixels
        less than half opaque become transparent, the others opaque.
    level : int, optional
        How hard a PNG's encoder tries, as in `tinct.codecs.arrays.encode`; otherwise `effort` says.
    metadata : {"density", "all", "none"}
        What comes along into the file: pixels per meter; EXIF, XMP, texts and times as well, as far
        as the format holds them; nothing. An orientation is reset, as the pixels are upright. A
        profile that `tinct.read` was asked to keep always comes along; PictureError for a GIF.
    palette : Palette, array, list or string, optional
        The colors to draw with, instead of choosing: a `tinct.Palette`, (k, 3 or 4) uint8, hex
        colors in a list or a string ("#ff8800,#000"), the path of a palette file or a picture, or
        one of "bw", "gray4", "eink7", "gameboy", "terminal16" and "web216". 1...256 of them; full
        transparency is added where the picture has it. Searches then vary the loss alone.
    reserve : like `palette`, optional
        Colors that must be among the K, in the file even if no pixel is nearest (but in WebP).
        Pixels of just these colors, or of those of a `palette`, are drawn in them.
    keep_order : bool
        Whether the file holds the whole `palette` in its order, as sprites need it; not in WebP,
        nor in animations.
    ssimulacra2 : bool
        Whether to measure SSIMULACRA2 as well.
    watch : callable, optional
        Called with the bytes of each drawing that a search makes.

    Examples
    --------
    >>> import numpy as np
    >>> ramp = np.arange(64 * 64 * 3, dtype=np.uint16).reshape(64, 64, 3) // 48
    >>> small = compress(ramp.astype(np.uint8), colors=8)
    >>> small.image.shape, small.palette.shape, small.data[1:4]
    ((64, 64, 3), (8, 3), b'PNG')
    """
    auto = isinstance(colors, str) and colors == "auto"
    most = MAX_COLORS if auto or colors is None else check_colors(colors)
    dither, lossy = check_dither(dither), check_lossy(lossy)
    check_space(space)
    if format is not None:
        check_format(format)
    goal, max_bytes = _target(lossy, quality, max_bytes)
    effort, seed, crew = as_kernels_take(effort, seed, threads)
    kept = word("metadata", metadata, *METADATA)
    aims: dict[str, Any] = {"lossy": lossy, "goal": goal, "budget": max_bytes}
    aims["scored"] = flag("ssimulacra2", ssimulacra2) or goal is not None
    watch, clock = function("watch", watch), Clock()
    with clock("read"):
        opened = _opened(source)
    film = opened if isinstance(opened, Film) else None
    if film is not None and keep_order:
        raise PaletteError("keep_order is for pictures: an animation's first entry is what stays")
    format = format or ("png" if film is None else film.kind)
    held = pinned(palette, reserve, keep_order, colors, format)
    options = Options(
        dither=dither,
        space=space,
        seed=seed,
        effort=effort,
        format=format,
        level=None if level is None else check_level(level),
        original=auto or colors is None,
        threads=crew or None,
        pinned=held,
    )
    if isinstance(opened, Film):
        return compress_film(opened, most, options, **aims, clock=clock, watch=watch)
    if opened.picture.along.profile and format == "gif":
        label = printable(opened.picture.name or "the picture")
        raise PictureError(f"{label}: a GIF can't hold its color profile, a PNG or WebP can")
    extra = packed(opened.picture.along.kept(kept), format)
    most = max(len(held.table), 2) if held.whole else most
    encoder, once = opened.encoder(options, clock, watch), opened is not source
    return _compressed(encoder, opened.picture, most, auto, extra, once=once, **aims)


def _opened(source: Any) -> Prepared | Film:
    """A picture ready to be drawn, or an animation."""
    if isinstance(source, Prepared | Film):
        return source
    picture = read(source)
    film = film_of(picture)
    return Prepared(picture) if film is None else film


def _compressed(
    encoder: Encoder,
    picture: Picture,
    most: int,
    auto: bool,
    extra: bytes,
    *,
    lossy: Loss,
    goal: tuple[float, ...] | None,
    budget: int | None,
    scored: bool,
    once: bool,
) -> Compressed:
    """The picture drawn as asked, and its file with what comes along.

    `once`: nobody will draw it again.
    """
    if goal is not None:
        drawn = least_bytes(encoder, most, *goal)
    elif budget is not None:
        drawn = within_bytes(encoder, most, max(1, budget - len(extra)))
    elif auto:
        drawn = fewest_colors(encoder, lossy)
    else:
        drawn = encoder.draw_best(most, lossy, last=once)
    exact = encoder.exact if drawn.exact else None
    data = embed(drawn.data, extra)
    report = replace(_report(encoder, picture, drawn, scored), bytes_out=len(data))
    palette, indices = drawn.drawing.palette, drawn.drawing.indices
    return Compressed(picture, palette, indices, data, report, encoder.options.format, exact)


def _target(
    lossy: float | str, goal: Any, budget: Any
) -> tuple[tuple[float, ...] | None, int | None]:
    """The score aimed at and, if given, the least that will do; the bytes; at most one of them."""
    ways = {"lossy": None if lossy in (0, "auto") else lossy, "quality": goal, "max_bytes": budget}
    given = [name for name, value in ways.items() if value is not None]
    if len(given) > 1:
        raise ValueError(f"{' and '.join(given)} exclude each other")
    if isinstance(goal, tuple):
        goal = tuple(number("quality", score, 1, 100) for score in goal)
        if len(goal) != 2 or goal[0] > goal[1]:
            raise ValueError(f"quality must be (least, most), not {goal}")
        goal = goal[::-1]
    elif goal is not None:
        goal = (number("quality", goal, 1, 100),)
    return goal, None if budget is None else whole("max_bytes", budget, 1)


def _report(encoder: Encoder, picture: Picture, drawn: Encoded, scored: bool) -> Report:
    height, width = picture.pixels.shape[:2]
    scores = encoder.scores(drawn) if scored else {}
    return Report(
        name=picture.name,
        width=width,
        height=height,
        bytes_in=picture.bytes_in,
        bytes_out=drawn.size,
        colors=encoder.colors if drawn.exact else len(drawn.drawing.entries),
        psnr=encoder.decibels(drawn),
        ssimulacra2=min(scores.values(), default=None),
        ground=min(scores, key=scores.__getitem__) if len(scores) > 1 else None,
        bands=encoder.bands(drawn) if scored else None,
        seconds=encoder.clock.seconds,
    )
