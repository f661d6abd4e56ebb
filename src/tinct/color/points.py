"""Points of colors as K-means sees them: their squared distances say how different colors look.

With alpha points have a fourth coordinate, chosen so that the distance stays Euclidean:

A color (L, A, B) with opacity a is seen over black as a·(L, A, B) and over white as a·(L, A, B) +
(1 - a)·(1, 0, 0), since black is the origin of Oklab and white is (1, 0, 0). Two colors that differ
by x in a·L, by y in a and by c in a·(A, B) are apart by x² + c² over black and by (x - y)² + c²
over white. The mean of the two is x² - xy + y²/2 + c² = (x - y/2)² + (y/2)² + c²: the squared
distance between the points

    p = (a·L - a/2, a·A, a·B, a/2).

In plain sRGB (`space="srgb"`, codes divided by 255) each of the three channels behaves as L does:
p = (a·r - a/2, a·g - a/2, a·b - a/2, √3·a/2).

Among opaque colors p differs from (L, A, B) by a constant, so their distances are the same as
without alpha; and every fully transparent color is the origin, whatever color hides in it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tinct import _kernels
from tinct.color.oklab import as_coordinates, as_table

__all__ = ["SPACES", "check_space", "from_points", "to_points"]

SPACES = ("oklab", "srgb")


def to_points(colors: NDArray[np.uint8], space: str = "oklab") -> NDArray[np.float32]:
    """Points whose squared distances say how different colors look, over black and over white.

    `colors` are (n, 3) or (n, 4) uint8, alpha straight (not premultiplied). The points are float32
    of that shape: Oklab, or (a·L - a/2, a·A, a·B, a/2) with a = alpha / 255, see the top of this
    module; `space` "srgb" measures between codes, as textbooks do. TypeError or ValueError for
    other arguments.

    >>> import numpy as np
    >>> to_points(np.array([[9, 9, 9, 0], [255, 255, 255, 255]], dtype=np.uint8)).round(3).tolist()
    [[0.0, 0.0, 0.0, 0.0], [0.5, 0.0, 0.0, 0.5]]
    """
    check_space(space)
    return _kernels.to_points(as_table(colors, channels=(3, 4)), space == "oklab")


def check_space(space: Any) -> None:
    """Refuse, by name, what is no color space of ours."""
    if not isinstance(space, str):
        raise TypeError(f"space must be {' or '.join(SPACES)}, not {type(space).__name__}")
    if space not in SPACES:
        raise ValueError(f"space must be {' or '.join(SPACES)}, not {space}")


def from_points(points: ArrayLike, space: str = "oklab") -> NDArray[np.uint8]:
    """Colors, uint8, of points or their means: the way back from `to_points`, clipped and rounded.

    (0, 0, 0, 0) where the opacity rounds to 0. TypeError or ValueError for anything but a table of
    finite numbers, 3 or 4 to the row, or another space.

    >>> from_points([[0.5, 0.0, 0.0, 0.5], [0.1, 0.0, 0.0, 0.0]]).tolist()
    [[255, 255, 255, 255], [0, 0, 0, 0]]
    """
    check_space(space)
    table = as_coordinates("points", points, channels=(3, 4))
    return _kernels.from_points(table, space == "oklab")
