"""Remapping: draw a picture with the colors of a palette.

Without dithering every color goes to its nearest entry in Oklab, found once for each distinct
color. With dithering the error of each pixel is passed on to its neighbours (Floyd and Steinberg
1976): where the palette's steps are far apart as an error of linear light, which is how dots mix
in the eye, else in Oklab, which is as good there. A lossy mapping weighs error against the bits
that a file will spend on it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinct.checks import flag, number, threads_taken
from tinct.color.points import to_points
from tinct.defaults import MAX_COLORS
from tinct.palette.histogram import Histogram, as_pixels, histogram, is_hidden

__all__ = ["as_palette", "check_dither", "check_lossy", "counted_for", "painted", "remap"]

Colors = NDArray[np.uint8]
Indices = NDArray[np.uint8]


def remap(
    pixels: Colors,
    palette: Colors,
    *,
    dither: float = 0.0,
    serpentine: bool = True,
    sharp: NDArray[np.bool_] | None = None,
    counted: Histogram | None = None,
    threads: int | None = None,
) -> Indices:
    """Map pixels, (h, w, c) uint8, to entries of a palette, (k, c) uint8 of 1...256: (h, w) uint8.

    Fully transparent pixels go to the palette's fully transparent entry where it has one; visible
    pixels never do, unless the palette holds nothing else but one opaque color: then translucent
    pixels take the nearer. Opaque pixels go to opaque entries where it has any. Ties go to the
    lowest index.

    `dither` is the share of each pixel's error that its neighbours receive, 0...1; where steps are
    far apart most of the rest is passed on, too, lest mixtures be too dark or bright. Rows run left
    to right and back in turn, which hides the grain of the diffusion, or without `serpentine`
    always left to right. `sharp`, (h, w) bool, names pixels that take their nearest entry whatever
    error they receive. `counted` is the pixels' histogram, if it is known already: without
    dithering its space is where distances are measured; error is diffused as above in any space.
    `threads`, by default one per core, change no result.

    TypeError if `pixels` or `palette` is not uint8; ValueError if a shape is wrong, `dither` is out
    of its range, or a visible pixel meets a palette without a visible entry.

    >>> import numpy as np
    >>> ramp = np.repeat(np.arange(0, 250, 50, dtype=np.uint8), 3).reshape(1, 5, 3)
    >>> remap(ramp, np.array([[0, 0, 0], [200, 200, 200]], dtype=np.uint8)).tolist()
    [[0, 0, 1, 1, 1]]
    """
    pixels = as_pixels(pixels)
    palette = as_palette(palette, pixels)
    dither = check_dither(dither)
    serpentine = flag("serpentine", serpentine)
    threads = threads_taken(threads)
    counted = counted_for(pixels, palette, counted)
    if sharp is not None and not isinstance(sharp, np.ndarray):
        raise TypeError(f"sharp must be a bool array, not {type(sharp).__name__}")
    if sharp is not None and (sharp.shape != pixels.shape[:2] or sharp.dtype != np.bool_):
        raise ValueError(f"sharp must be bool {pixels.shape[:2]}, not {sharp.dtype} {sharp.shape}")
    if dither and counted.space != "oklab":
        counted = Histogram(counted.colors, counted.weights, to_points(counted.colors))
    return counted.kernel.remap(pixels, palette, dither, serpentine, sharp, threads)


def check_dither(dither: Any) -> float:
    """Refuse anything but a number of 0...1, by name."""
    return number("dither", dither, 0, 1)


def check_lossy(lossy: Any) -> Any:
    """Refuse anything but "auto" and numbers of 0...1, by name."""
    auto = isinstance(lossy, str) and lossy == "auto"
    return lossy if auto else number("lossy", lossy, 0, 1)


def as_palette(palette: Any, pixels: Colors) -> Colors:
    """Refuse, by name, what is no palette for the pixels; return it contiguous."""
    if pixels.ndim != 3:
        raise ValueError(f"pixels must be (h, w, c), not {pixels.shape}")
    if not isinstance(palette, np.ndarray) or palette.dtype != np.uint8:
        kind = getattr(palette, "dtype", type(palette).__name__)
        raise TypeError(f"palette must be a uint8 array, not {kind}")
    if palette.ndim != 2 or palette.shape[1] != pixels.shape[2]:
        raise ValueError(f"palette must be (k, {pixels.shape[2]}), not {palette.shape}")
    if not 1 <= len(palette) <= MAX_COLORS:
        raise ValueError(f"palette must hold 1..{MAX_COLORS} colors, not {len(palette)}")
    return np.ascontiguousarray(palette)


def counted_for(pixels: Colors, palette: Colors, counted: Histogram | None) -> Histogram:
    """The pixels' histogram; refuse, by name, one that can't be theirs, and a palette unseen."""
    counted = histogram(pixels) if counted is None else counted
    if not isinstance(counted, Histogram):
        raise TypeError(f"counted must be a Histogram, not {type(counted).__name__}")
    if counted.colors.shape[1] != pixels.shape[2]:
        channels, its = pixels.shape[2], counted.colors.shape[1]
        raise ValueError(f"counted must have the pixels' {channels} channels, not {its}")
    if is_hidden(palette).all() and not counted.hidden.all():
        raise ValueError("palette must hold a visible color for visible pixels")
    return counted


def painted(indices: Indices, colors: Colors) -> Colors:
    """Every pixel in its color: (h, w, c).

    In bands, because take() widens its indices eightfold; colors[indices] takes twice as long.
    """
    image = np.empty((*indices.shape, colors.shape[1]), np.uint8)
    for row in range(0, len(indices), 64):
        colors.take(indices[row : row + 64], axis=0, out=image[row : row + 64], mode="clip")
    return image
