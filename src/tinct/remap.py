"""Remapping: draw a picture with the colors of a palette.

Without dithering every color goes to its nearest entry in Oklab, found once for each distinct
color. With dithering the error of each pixel is passed on to its neighbours (Floyd and Steinberg
1976), also in Oklab.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinct import _kernels
from tinct.color import to_points
from tinct.kmeans import assign, cores
from tinct.palette import MAX_COLORS, Histogram, as_pixels, histogram, is_hidden

__all__ = ["remap"]

Colors = NDArray[np.uint8]
Indices = NDArray[np.uint8]

# Errors are cut to this multiple of the palette's own error (root mean square, without dithering).
# Where a color lies outside of what the palette can mix, errors would pile up and break out beside
# it as specks of foreign colors: visible at full strength from 5 on. Below 2.5 smooth areas band:
# at 16 colors and strength 0.75, SSIMULACRA2 loses 9 points at 1, 5 at 1.5, and gains 2 beyond 5.
LIMIT = 3.5
# A color this near to its entry (in Oklab, where a step of one code is about 0.003) takes it and
# passes nothing on: flat areas stay flat, whatever happens beside them. At 0.006 photographs with
# 256 colors begin to band.
FLAT = 0.002

# Error is diffused in bands of so many rows: threads can share a tall picture and still give the
# same bits. Each band starts some rows early to let the error build up, which leaves no seam.
BAND, WARM = 256, 16


def remap(
    pixels: Colors,
    palette: Colors,
    *,
    dither: float = 0.0,
    serpentine: bool = True,
    counted: Histogram | None = None,
    threads: int | None = None,
) -> Indices:
    """Map every pixel to a palette entry.

    Fully transparent pixels go to the palette's fully transparent entry where it has one; other
    pixels never do, so nothing visible vanishes. Ties go to the lowest index.

    Parameters
    ----------
    pixels : (h, w, c) uint8
        RGB or RGBA.
    palette : (k, c) uint8
        1...256 colors with as many channels.
    dither : float
        The share of each pixel's error that its neighbours receive: 0 none, 1 all of it.
    serpentine : bool
        Whether rows run left to right and back in turn, which hides the grain of the diffusion, or
        always left to right.
    counted : Histogram, optional
        The pixels' histogram, if it is known already. Without dithering its space is where
        distances are measured; error is always diffused in Oklab.
    threads : int, optional
        Threads to dither with; by default one per core. The result does not depend on it.

    Returns
    -------
    (h, w) uint8
        Indices into `palette`.

    Raises
    ------
    TypeError
        If `pixels` or `palette` is not uint8.
    ValueError
        If a shape is wrong, `dither` is outside 0...1, or a visible pixel meets a palette without a
        visible entry.

    Examples
    --------
    >>> import numpy as np
    >>> ramp = np.repeat(np.arange(0, 250, 50, dtype=np.uint8), 3).reshape(1, 5, 3)
    >>> remap(ramp, np.array([[0, 0, 0], [200, 200, 200]], dtype=np.uint8)).tolist()
    [[0, 0, 1, 1, 1]]
    """
    pixels = as_pixels(pixels)
    palette = _as_palette(palette, pixels)
    check_dither(dither)
    counted = histogram(pixels) if counted is None else counted
    visible = np.flatnonzero(~is_hidden(palette)).astype(np.uint8)
    if not len(visible):
        if not counted.hidden.all():
            raise ValueError("palette must hold a visible color for visible pixels")
        return np.zeros(pixels.shape[:2], dtype=np.uint8)
    if dither and counted.space != "oklab":
        counted = Histogram(counted.colors, counted.weights, to_points(counted.colors))
    entries = to_points(palette[visible], counted.space)
    indices = _map_visible(pixels, entries, counted, dither, serpentine, threads)
    if len(visible) == len(palette):
        return indices
    hidden = np.uint8(is_hidden(palette).argmax())
    return np.where(pixels[:, :, 3] == 0, hidden, visible[indices])


def check_dither(dither: Any) -> None:
    """Refuse anything but a number of 0...1, by name."""
    if isinstance(dither, bool) or not isinstance(dither, (int, float, np.number)):
        raise TypeError(f"dither must be a number, not {type(dither).__name__}")
    if not 0 <= dither <= 1:
        raise ValueError(f"dither must be 0..1, not {dither}")


def _map_visible(
    pixels: Colors,
    entries: NDArray[np.float32],
    counted: Histogram,
    dither: float,
    serpentine: bool,
    threads: int | None,
) -> Indices:
    labels, distances = assign(counted.points, entries)
    flat = pixels.reshape(-1, pixels.shape[2])
    nearest = _kernels.map_pixels(flat, counted.colors, labels.astype(np.uint8))
    nearest = nearest.reshape(pixels.shape[:2])
    if dither == 0:
        return nearest
    limit = LIMIT * _mean_error(distances, counted)

    def band(first: int) -> Indices:
        rows = slice(max(first - WARM, 0), first + BAND)
        done = _kernels.diffuse(
            pixels[rows], entries, nearest[rows], dither, limit, FLAT, serpentine
        )
        return done[first - rows.start :]

    starts = range(0, len(pixels), BAND)
    if len(starts) == 1 or threads == 1:
        return np.concatenate([band(first) for first in starts])
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(threads or cores(), "tinct") as pool:
        return np.concatenate(list(pool.map(band, starts)))


def _mean_error(distances: NDArray[Any], counted: Histogram) -> float:
    """Root mean square error of the visible colors without dithering."""
    shown = counted.weights * ~counted.hidden
    # Added one after the other: numpy's own sums may group terms by the CPU's vectors, and this
    # number decides which entry a pixel takes.
    total, weight = (np.cumsum(terms)[-1] for terms in (shown * distances, shown))
    return float(np.sqrt(total / weight)) if weight else 0.0


def _as_palette(palette: Any, pixels: Colors) -> Colors:
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
