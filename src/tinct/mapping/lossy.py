"""Lossy mapping: visible error weighed against the bits that a file will spend on it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinct import _kernels
from tinct.checks import cores, number, threads_taken
from tinct.codecs.deflate import index_bits
from tinct.color.points import to_points
from tinct.defaults import MAX_COLORS
from tinct.mapping.remap import as_palette, check_dither, remap
from tinct.palette.histogram import Histogram, as_pixels, is_hidden, visibility

__all__ = ["FORMATS", "check_format", "check_lossy", "code_size", "price", "remap_lossy"]

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
    palette = as_palette(palette, pixels)
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
