"""Remapping: draw a picture with the colors of a palette.

Without dithering every color goes to its nearest entry in Oklab, found once for each distinct
color. With dithering the error of each pixel is passed on to its neighbours (Floyd and Steinberg
1976), also in Oklab. A lossy mapping weighs error against the bits that a file will spend on it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinct import _kernels
from tinct.color import to_points
from tinct.deflate import index_bits
from tinct.kmeans import cores, threads_taken
from tinct.options import flag, number
from tinct.palette import (
    Histogram,
    as_pixels,
    histogram,
    is_hidden,
    visibility,
)
from tinct.rules import MAX_COLORS

__all__ = ["FORMATS", "check_format", "remap", "remap_lossy"]

Colors = NDArray[np.uint8]
Indices = NDArray[np.uint8]

# A lossy mapping passes on four fifths of what `dither` says, 0.6 of the error by default. On
# photographs 0.4 costs 5 % more bytes at the same score, and at 1 diffusion fights the copies.
DAMPED = 0.8
# Files that hold indices. A lossy mapping reckons with the bits of the one that will hold its own.
FORMATS = ("png", "webp", "gif")
# It is made in bands of so many pixels, at least. A band knows its own indices only, so copies of
# those above end there: at a megapixel a band's first rows are a few percent of it.
LOSSY_BAND = 1 << 20

# A band starts some rows early to let the error build up, which leaves no seam.
WARM = 16


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
    """Map every pixel to a palette entry.

    Fully transparent pixels go to the palette's fully transparent entry where it has one; visible
    pixels never do, unless the palette holds nothing else but one opaque color: then translucent
    pixels take the nearer. Opaque pixels go to opaque entries where it has any. Ties go to the
    lowest index.

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
    sharp : (h, w) bool, optional
        Pixels that take their nearest entry whatever error they receive.
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
    dither = check_dither(dither)
    serpentine = flag("serpentine", serpentine)
    threads = threads_taken(threads)
    counted = histogram(pixels) if counted is None else counted
    if not isinstance(counted, Histogram):
        raise TypeError(f"counted must be a Histogram, not {type(counted).__name__}")
    if counted.colors.shape[1] != pixels.shape[2]:
        channels, its = pixels.shape[2], counted.colors.shape[1]
        raise ValueError(f"counted must have the pixels' {channels} channels, not {its}")
    if is_hidden(palette).all() and not counted.hidden.all():
        raise ValueError("palette must hold a visible color for visible pixels")
    if sharp is not None and not isinstance(sharp, np.ndarray):
        raise TypeError(f"sharp must be a bool array, not {type(sharp).__name__}")
    if sharp is not None and (sharp.shape != pixels.shape[:2] or sharp.dtype != np.bool_):
        raise ValueError(f"sharp must be bool {pixels.shape[:2]}, not {sharp.dtype} {sharp.shape}")
    if dither and counted.space != "oklab":
        counted = Histogram(counted.colors, counted.weights, to_points(counted.colors))
    return counted.kernel.remap(pixels, palette, dither, serpentine, sharp, threads)


def remap_lossy(
    pixels: Colors,
    palette: Colors,
    lossy: float,
    *,
    dither: float = 0.75,
    weights: NDArray[np.float32] | None = None,
    counted: Histogram | None = None,
    effort: int = 1,
    format: str = "png",
    wide: bool = False,
    threads: int | None = None,
) -> Indices:
    """Map pixels to palette entries so that the file becomes small where that shows least.

    Along each row the indices are those of the least visible error + price * bits, as the file's
    coder will spend them: entropy-constrained quantization (Chou, Lookabaugh and Gray 1989).
    Opaque, transparent and other pixels keep to their entries, as in `remap`.

    Parameters
    ----------
    pixels : (h, w, c) uint8
        RGB or RGBA.
    palette : (k, c) uint8
        1...256 colors with as many channels.
    lossy : float
        How dear a bit is, 0...1, on a logarithmic scale: see `price`.
    dither : float
        The share of the error that is passed on, damped a little.
    weights : (h, w) float32, optional
        How visible errors are; by default `tinct.palette.visibility` of the pixels.
    counted : Histogram, optional
        The pixels' histogram, if it is known already.
    effort : int
        How many ways to go on are kept at each pixel: 8 at 0, 32 from 1 on, 48 from 5 on.
    format : {"png", "webp", "gif"}
        Whose bits are counted: DEFLATE's, lossless WebP's, LZW's.
    wide : bool
        Whether a PNG will spend a byte on each index even where two or more would fit in one.
    threads : int, optional
        Threads to work with; by default one per core. The result does not depend on it.

    Returns
    -------
    (h, w) uint8
        Indices into `palette`.

    Raises
    ------
    TypeError, ValueError
        As `remap` does, and if `lossy` is outside 0...1 or `format` another.

    Examples
    --------
    >>> import numpy as np
    >>> ramp = np.arange(0, 240, 6, dtype=np.uint8)[:, None].repeat(3, axis=1)
    >>> rows = np.tile(ramp, (20, 1, 1))
    >>> changes = [(np.diff(remap_lossy(rows, ramp, f).astype(int)) != 0).sum() for f in (0.1, 1)]
    >>> changes[1] < changes[0] / 2
    np.True_
    """
    pixels = as_pixels(pixels)
    palette = _as_palette(palette, pixels)
    dither, lossy = check_dither(dither), check_lossy(lossy)
    check_format(format)
    nearest = remap(pixels, palette, counted=counted)
    clear = is_hidden(palette)
    shown = np.flatnonzero(~clear)
    if not len(shown):
        return nearest
    weights = visibility(pixels, threads=threads) if weights is None else weights
    order = np.append(shown, clear.argmax()) if clear.any() else shown
    place = np.zeros(MAX_COLORS, np.uint8)
    place[order] = np.arange(len(order))
    hidden = len(shown) if clear.any() else -1
    entries = to_points(palette[order])

    search = 0 if effort == 0 else 1 if effort < 5 else 2

    def part(band: NDArray[np.int64]) -> Indices:
        first, kept, last = band
        rows = slice(first, last)
        common = (
            *(pixels[rows], weights[rows], place[nearest[rows]], entries, hidden),
            *(DAMPED * dither, price(lossy), search),
        )
        if format == "gif":
            indices = _kernels.remap_for_lzw(*common, code_size(len(palette)))
        else:
            bits = 8 if wide and format == "png" else index_bits(len(palette))
            indices = _kernels.remap_for_rate(*common, bits, format == "webp")
        return indices[kept - first :]

    bands = _bands(len(pixels), max(-(-LOSSY_BAND // pixels.shape[1]), WARM))
    crew = threads_taken(threads) or cores()
    return order.astype(np.uint8)[_in_parts(part, list(bands), crew)]


def price(lossy: float) -> float:
    """What a bit costs in weighted squared error: from 1e-5 on, doubled seven times up to 1.

    From 0.1 to 0.8 photographs lose 90 to 50 on SSIMULACRA2. Below 1/16 the price falls to nothing,
    so that any size can be had. Straight lines between the powers of two stand for the exponential,
    which no two libms agree about.

    Examples
    --------
    >>> [f"{price(x):.3g}" for x in (0, 0.25, 0.5, 1)]
    ['0', '3.5e-05', '0.00012', '0.00128']
    """
    doublings = 7 * lossy
    whole = min(int(doublings), 6)
    return 1e-5 * min(16 * lossy, 1.0) * (1 + (doublings - whole)) * float(1 << whole)


def code_size(colors: int) -> int:
    """Bits of an index in a GIF's LZW code: at least 2.

    Examples
    --------
    >>> [code_size(k) for k in (1, 4, 5, 256)]
    [2, 2, 3, 8]
    """
    return max(2, (colors - 1).bit_length())


def check_format(format: Any) -> None:
    """Refuse anything but a format that holds indices, by name."""
    if not isinstance(format, str):
        raise TypeError(f"format must be png, webp or gif, not {type(format).__name__}")
    if format not in FORMATS:
        raise ValueError(f"format must be png, webp or gif, not {format}")


def check_lossy(lossy: Any) -> float:
    """Refuse anything but a number of 0...1, by name."""
    return number("lossy", lossy, 0, 1)


def check_dither(dither: Any) -> float:
    """Refuse anything but a number of 0...1, by name."""
    return number("dither", dither, 0, 1)


def _bands(rows: int, band: int) -> NDArray[np.int64]:
    """The first row, the first row to keep and the end of every band: (n, 3)."""
    kept = np.arange(0, rows, band)
    return np.stack([np.maximum(kept - WARM, 0), kept, np.minimum(kept + band, rows)], axis=1)


def _in_parts(work: Callable[[Any], Indices], parts: Sequence[Any], threads: int) -> Indices:
    """Rows of indices, part by part, on several threads if there are several parts."""
    if len(parts) == 1 or threads == 1:
        return np.concatenate([work(part) for part in parts])
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(threads, "tinct") as pool:
        return np.concatenate(list(pool.map(work, parts)))


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
