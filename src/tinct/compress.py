"""Compression: from a picture to a small indexed PNG, one call per stage."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from os import PathLike
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinct import files, quality
from tinct.color import check_space
from tinct.palette import check_colors, histogram, palette, visibility, weighted
from tinct.remap import check_dither, check_lossy, remap, remap_lossy

__all__ = ["DITHER", "Compressed", "compress"]

Colors = NDArray[np.uint8]

# The knee, measured on 8 photographs and 8 graphics: from no dithering to 0.75, SSIMULACRA2 gains
# 23, 9 and 3.3 points on photographs at 16, 64 and 256 colors, for 42, 22 and 12 % more bytes; from
# 0.75 to 1 it gains 1.7, 0.3 and -0.1 for another 7, 6 and 4 %. Graphics at 256: 0.8 for 7 %.
DITHER = 0.75


@dataclass(frozen=True, slots=True, eq=False)
class Compressed:
    """A picture drawn with few colors, as a file and as arrays. Shows itself in a notebook.

    Attributes
    ----------
    original : Picture
        What was compressed.
    palette : (k, c) uint8
        The colors, each used by some pixel; the most transparent first, then from dark to light.
    indices : (h, w) uint8
        Each pixel's entry.
    data : bytes
        The PNG file.
    report : Report
        Bytes, colors, quality, and seconds per stage.
    """

    original: files.Picture = field(repr=False)
    palette: Colors = field(repr=False)
    indices: NDArray[np.uint8] = field(repr=False)
    data: bytes = field(repr=False)
    report: quality.Report

    @property
    def image(self) -> Colors:
        """The pixels as a viewer of the file sees them: (h, w, c) uint8."""
        return self.palette[self.indices]

    @property
    def shares(self) -> NDArray[np.float64]:
        """The share of the pixels that each palette entry draws: (k,) float64, summing to 1."""
        counts = np.bincount(self.indices.ravel(), minlength=len(self.palette))
        return np.asarray(counts / self.indices.size)

    def save(self, path: str | PathLike[str], *, overwrite: bool = False) -> None:
        """Write the file, whole or not at all.

        Parameters
        ----------
        path : path-like
            Where to.
        overwrite : bool
            Whether a file that is already there may be replaced.

        Raises
        ------
        FileExistsError
            If it is there and may not be.
        OSError
            If it can't be written.
        """
        files.write(path, self.data, overwrite=overwrite)

    def _repr_png_(self) -> bytes:
        return self.data


def compress(
    source: Any,
    colors: int = 256,
    *,
    dither: float = DITHER,
    lossy: float = 0.0,
    space: str = "oklab",
    seed: int = 0,
    effort: int = 1,
    level: int | None = None,
    threads: int | None = None,
    ssimulacra2: bool = False,
) -> Compressed:
    """Compress a picture to a palette of few colors, chosen by K-means.

    A picture that already has no more than `colors` colors keeps every pixel as it is. The same
    arguments give the same bytes on every machine and with any number of threads.

    Parameters
    ----------
    source : path, bytes, array, Pillow image or Picture
        Whatever `tinct.files.read` takes.
    colors : int
        How many colors at most, 2...256; one of them is spent on full transparency where the
        picture has it.
    dither : float
        The share of each pixel's error that is passed on to its neighbours, 0...1.
    lossy : float
        How much error a smaller file is worth, 0...1: 0 is off; from 0.2 to 0.9 photographs go from
        90 to 50 on SSIMULACRA2. Errors are then put where they show least.
    space : {"oklab", "srgb"}
        Where K-means measures distances: as the eye does, or between sRGB codes as textbooks do,
        which without dithering gives the highest PSNR and looks worse.
    seed, effort, threads
        As in `tinct.kmeans`.
    level : int, optional
        How hard the encoder tries, as in `tinct.files.encode`.
    ssimulacra2 : bool
        Whether to measure SSIMULACRA2 as well (needs the ``metrics`` extra, and time).

    Returns
    -------
    Compressed
        The file, the arrays, the report.

    Raises
    ------
    TypeError, ValueError
        If an argument is out of its range.
    PictureError
        If the source is no picture.
    OSError
        If it can't be read.

    Examples
    --------
    >>> import numpy as np
    >>> ramp = np.arange(64 * 64 * 3, dtype=np.uint16).reshape(64, 64, 3) // 48
    >>> small = compress(ramp.astype(np.uint8), colors=8)
    >>> small.image.shape, small.palette.shape, small.data[1:4]
    ((64, 64, 3), (8, 3), b'PNG')
    """
    check_colors(colors)
    check_dither(dither)
    check_lossy(lossy)
    check_space(space)
    clock = _Clock()
    with clock("read"):
        picture = files.read(source)
    with clock("histogram"):
        counted = histogram(picture.pixels, space)
        weights = visibility(picture.pixels) if lossy else None
        if weights is not None:
            counted = weighted(counted, picture.pixels, weights)
    with clock("palette"):
        chosen = palette(counted, colors, seed=seed, effort=effort, threads=threads)
    with clock("remap"):
        drawing: dict[str, Any] = {"dither": dither, "counted": counted, "threads": threads}
        if lossy:
            drawing |= {"weights": weights, "effort": effort}
            indices = remap_lossy(picture.pixels, chosen.colors, lossy, **drawing)
        else:
            indices = remap(picture.pixels, chosen.colors, **drawing)
        indices, used = _without_unused(indices, chosen.colors)
    with clock("encode"):
        data = files.encode(indices, used, level=level)
    with clock("quality"):
        scores = _scores(picture.pixels, used[indices], ssimulacra2)
    report = _report(picture, len(used), len(data), scores, clock.seconds)
    return Compressed(picture, used, indices, data, report)


class _Clock:
    """Seconds per stage."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def __call__(self, stage: str) -> Iterator[None]:
        start = time.perf_counter()
        yield
        self.seconds[stage] = time.perf_counter() - start


def _without_unused(indices: NDArray[np.uint8], colors: Colors) -> tuple[NDArray[np.uint8], Colors]:
    """Drop entries that no pixel took: they would only make the file larger."""
    used = np.bincount(indices.ravel(), minlength=len(colors)) > 0
    if used.all():
        return indices, colors
    fresh = (np.cumsum(used) - 1).astype(np.uint8)
    return fresh[indices], colors[used]


def _scores(original: Colors, image: Colors, ssimulacra2: bool) -> tuple[float, float | None]:
    psnr = quality.psnr(original, image)
    return psnr, quality.ssimulacra2(original, image) if ssimulacra2 else None


def _report(
    picture: files.Picture,
    colors: int,
    bytes_out: int,
    scores: tuple[float, float | None],
    seconds: dict[str, float],
) -> quality.Report:
    height, width = picture.pixels.shape[:2]
    return quality.Report(
        name=picture.name,
        width=width,
        height=height,
        bytes_in=picture.bytes_in,
        bytes_out=bytes_out,
        colors=colors,
        psnr=scores[0],
        ssimulacra2=scores[1],
        seconds=seconds,
    )
