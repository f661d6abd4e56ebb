"""Peak signal-to-noise ratio."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from tinct import _kernels
from tinct.scoring.summary import decibels

__all__ = ["check_pair", "mse", "psnr", "psnr_by_rows"]

Pixels = NDArray[np.uint8]

AT_ONCE = 1 << 16  # samples per step: the temporaries stay in the cache


def mse(original: Pixels, compressed: Pixels) -> float:
    """Mean squared difference per sRGB channel; with alpha the most over black, white and grey.

    Parameters
    ----------
    original, compressed : (h, w, 3) or (h, w, 4) uint8
        The pictures; one may have alpha and the other not.

    Returns
    -------
    float
        0...65025: exact, so the same on every machine.

    Raises
    ------
    ValueError
        If the sizes differ, or the arrays aren't such pictures.

    Examples
    --------
    >>> import numpy as np
    >>> mse(np.zeros((2, 2, 3), np.uint8), np.full((2, 2, 3), 3, np.uint8))
    9.0
    """
    check_pair(original, compressed)
    return _mse(original, lambda rows: compressed[rows])


def _mse(original: Pixels, compressed: Callable[[slice], Pixels]) -> float:
    """`mse` where only a band of the compressed picture is there at a time."""
    totals = [0, 0, 0]
    for rows in _bands(original):
        pair = (np.ascontiguousarray(pixels) for pixels in (original[rows], compressed(rows)))
        found = _kernels.squared_differences(*pair)
        totals = [total + part for total, part in zip(totals, found, strict=True)]
    height, width = original.shape[:2]
    return float(max(totals) / (height * width * 3))


def psnr(original: Pixels, compressed: Pixels) -> float:
    """Peak signal-to-noise ratio in dB over the three color channels; see `mse`.

    Parameters
    ----------
    original, compressed : (h, w, 3) or (h, w, 4) uint8
        The pictures.

    Returns
    -------
    float
        ``10 log10(255**2 / mse)``; inf where they look equal.

    Raises
    ------
    ValueError
        If the sizes differ, or the arrays aren't such pictures.

    Examples
    --------
    >>> import numpy as np
    >>> round(psnr(np.zeros((2, 2, 3), np.uint8), np.full((2, 2, 3), 3, np.uint8)), 2)
    38.59
    """
    return decibels(mse(original, compressed))


def psnr_by_rows(original: Pixels, compressed: Callable[[slice], Pixels]) -> float:
    """`psnr` of a picture that is painted a few rows at a time: 10 megapixels are 30 MB.

    Parameters
    ----------
    original : (h, w, 3) or (h, w, 4) uint8
        The original.
    compressed : callable
        Gives the rows of a slice, as (rows, w, 3) or (rows, w, 4) uint8.

    Returns
    -------
    float
        As `psnr`.

    Examples
    --------
    >>> import numpy as np
    >>> other = np.full((2, 2, 3), 3, np.uint8)
    >>> round(psnr_by_rows(np.zeros((2, 2, 3), np.uint8), lambda rows: other[rows]), 2)
    38.59
    """
    return decibels(_mse(original, compressed))


def _bands(pixels: Pixels) -> Iterator[slice]:
    step = max(1, AT_ONCE // (3 * pixels.shape[1]))
    return (slice(row, row + step) for row in range(0, len(pixels), step))


def check_pair(original: Pixels, compressed: Pixels) -> None:
    """Refuse, by name, what are no two pictures of one size."""
    for name, pixels in (("original", original), ("compressed", compressed)):
        if not isinstance(pixels, np.ndarray):
            raise TypeError(f"{name} must be a uint8 array, not {type(pixels).__name__}")
        if pixels.dtype != np.uint8 or pixels.ndim != 3 or pixels.shape[2] not in (3, 4):
            raise ValueError(
                f"{name} must be uint8 (h, w, 3 or 4), not {pixels.dtype} {pixels.shape}"
            )
    if original.shape[:2] != compressed.shape[:2] or not original.size:
        sizes = " and ".join(f"{p.shape[1]}x{p.shape[0]}" for p in (original, compressed))
        raise ValueError(f"pictures must have the same size and a pixel, not {sizes}")
