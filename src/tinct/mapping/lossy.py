"""Lossy mapping: visible error weighed against the bits that a file will spend on it."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinct import _kernels
from tinct.checks import number, threads_taken
from tinct.mapping.remap import as_palette, check_dither, counted_for
from tinct.palette.histogram import Histogram, as_pixels, visibility

__all__ = ["CODERS", "check_lossy", "lossy_options", "price", "remap_lossy"]

Colors = NDArray[np.uint8]
Indices = NDArray[np.uint8]

CODERS = ("deflate", "webp", "lzw")
# A lossy mapping passes on four fifths of what `dither` says, 0.6 of the error by default. On
# photographs 0.4 costs 5 % more bytes at the same score, and at 1 diffusion fights the copies.
DAMPED = 0.8


def remap_lossy(
    pixels: Colors,
    palette: Colors,
    lossy: float,
    *,
    dither: float = 0.75,
    weights: NDArray[np.float32] | None = None,
    counted: Histogram | None = None,
    effort: int = 1,
    bit_model: tuple[str, int] = ("deflate", 8),
    band: int = _kernels.LOSSY_BAND,
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
    bit_model : (str, int)
        Whose bits are counted ("deflate", "webp", "lzw"), and how many an index has before it is
        coded: 1, 2, 4 or 8, of LZW 2...8.
    band : int
        Pixels of a band, which knows its own indices only, at least: threads share bands.
    threads : int, optional
        Threads to work with; by default one per core. The result does not depend on it.

    Returns
    -------
    (h, w) uint8
        Indices into `palette`.

    Raises
    ------
    TypeError, ValueError
        As `remap` does, and if `lossy` is outside 0...1 or a coder another.

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
    coder, bits = bit_model
    if coder not in CODERS:
        raise ValueError(f"bit_model must name {', '.join(CODERS)}, not {coder}")
    counted = counted_for(pixels, palette, counted)
    weights = visibility(pixels, threads=threads) if weights is None else weights
    options = lossy_options(lossy, dither, effort, threads_taken(threads))
    return _kernels.remap_lossy(
        pixels, weights, palette, counted.kernel, coder=coder, bits=bits, band=band, **options
    )


def lossy_options(lossy: float, dither: float, effort: int, threads: int) -> dict[str, Any]:
    """What the kernels are told of these options."""
    search = 0 if effort == 0 else 1 if effort < 5 else 2
    return {
        "spread": DAMPED * dither,
        "price": price(lossy),
        "search": search,
        "threads": threads,
    }


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


def check_lossy(lossy: Any) -> float:
    """Refuse anything but a number of 0...1, by name."""
    return number("lossy", lossy, 0, 1)
