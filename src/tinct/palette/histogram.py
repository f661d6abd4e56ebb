"""The distinct colors of a picture, and what an error in each of them costs."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinct import _kernels
from tinct.color.points import to_points

__all__ = ["Histogram", "as_pixels", "histogram", "is_hidden"]

Colors = NDArray[np.uint8]


@dataclass(frozen=True, slots=True, eq=False)
class Histogram:
    """The distinct colors of a picture.

    `colors` (u, c) uint8: each once, near colors near each other (Morton order); fully transparent
    ones count as one, (0, 0, 0, 0), whatever color hides in them. `weights` (u,) float64: what an
    error in each costs, the number of its pixels unless told otherwise. `points` (u, c) float32:
    the colors in `space`, as `tinct.color.points.to_points` sees them.
    """

    colors: Colors
    weights: NDArray[np.float64]
    points: NDArray[np.float32]
    space: str = "oklab"
    _kernel: _kernels.Histogram | None = field(default=None, init=False, repr=False)

    @property
    def kernel(self) -> _kernels.Histogram:
        """The colors in the kernels' hands: laid out once for all palettes and mappings."""
        if self._kernel is None:
            oklab = self.space == "oklab"
            made = _kernels.Histogram(self.colors, self.weights, self.points, oklab)
            object.__setattr__(self, "_kernel", made)
            return made
        return self._kernel

    def __reduce__(self) -> tuple[Any, ...]:
        return Histogram, (self.colors, self.weights, self.points, self.space)

    @property
    def hidden(self) -> NDArray[np.bool_]:
        """Which colors (at most one) are fully transparent: (u,) bool."""
        return is_hidden(self.colors)


def histogram(pixels: Colors, space: str = "oklab") -> Histogram:
    """Count the distinct colors of a picture, (..., 3) or (..., 4) uint8 of at least one pixel.

    `space` is where distances are to be measured, "oklab" or "srgb". TypeError if `pixels` is not
    uint8, ValueError for another shape or space.

    >>> import numpy as np
    >>> found = histogram(np.array([[[9, 9, 9], [7, 8, 9], [9, 9, 9]]], dtype=np.uint8))
    >>> found.colors.tolist(), found.weights.tolist()
    ([[7, 8, 9], [9, 9, 9]], [1.0, 2.0])
    """
    flat = as_pixels(pixels).reshape(-1, pixels.shape[-1])
    colors, counts = _kernels.count_colors(flat)
    return Histogram(colors, counts, to_points(colors, space), space)


def as_pixels(pixels: Any) -> Colors:
    """Refuse, by name, what is no array of RGB or RGBA pixels; return it contiguous."""
    if not isinstance(pixels, np.ndarray) or pixels.dtype != np.uint8:
        kind = getattr(pixels, "dtype", type(pixels).__name__)
        raise TypeError(f"pixels must be a uint8 array, not {kind}")
    if pixels.ndim < 2 or pixels.shape[-1] not in (3, 4):
        raise ValueError(f"pixels must be (..., 3) or (..., 4), not {pixels.shape}")
    if pixels.size == 0:
        raise ValueError(f"pixels must hold at least one pixel, not {pixels.shape}")
    return np.ascontiguousarray(pixels)


def is_hidden(colors: Colors) -> NDArray[np.bool_]:
    """Which of the colors (n, c) are fully transparent: (n,) bool."""
    if colors.shape[1] == 3:
        return np.zeros(len(colors), dtype=np.bool_)
    return np.asarray(colors[:, 3] == 0)
