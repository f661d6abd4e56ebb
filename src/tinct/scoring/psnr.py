"""Peak signal-to-noise ratio."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tinct import _kernels
from tinct.scoring.summary import decibels

__all__ = ["check_pair", "mse", "psnr"]

Pixels = NDArray[np.uint8]


def mse(original: Pixels, compressed: Pixels) -> float:
    """Mean squared difference per sRGB channel; with alpha the most over black, white and grey.

    The pictures are (h, w, 3) or (h, w, 4) uint8 of one size; one may have alpha and the other not.
    ValueError for others. 0...65025: exact, so the same on every machine.

    >>> import numpy as np
    >>> mse(np.zeros((2, 2, 3), np.uint8), np.full((2, 2, 3), 3, np.uint8))
    9.0
    """
    check_pair(original, compressed)
    pair = (np.ascontiguousarray(pixels) for pixels in (original, compressed))
    height, width = original.shape[:2]
    return float(max(_kernels.squared_differences(*pair)) / (height * width * 3))


def psnr(original: Pixels, compressed: Pixels) -> float:
    """Peak signal-to-noise ratio in dB, ``10 log10(255**2 / mse)``; inf where pictures look equal.

    Over the three color channels, of pictures as `mse` takes them.

    >>> import numpy as np
    >>> round(psnr(np.zeros((2, 2, 3), np.uint8), np.full((2, 2, 3), 3, np.uint8)), 2)
    38.59
    """
    return decibels(mse(original, compressed))


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
