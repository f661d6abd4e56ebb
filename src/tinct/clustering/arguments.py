"""Points, weights and centers at the door: as the kernels take them, or refused by name."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tinct.checks import numbers

Floats = NDArray[np.floating[Any]]


def points_taken(points: ArrayLike) -> tuple[Floats, float]:
    """The points, and how far the farthest number is from 0."""
    x = numbers("points", points)
    if x.ndim != 2 or 0 in x.shape:
        raise ValueError(f"points must be a table of shape (n, d), not of shape {x.shape}")
    x = np.ascontiguousarray(x, dtype=np.float32 if x.dtype == np.float32 else np.float64)
    largest = reach(x)
    if not np.isfinite(largest):
        row, column = np.argwhere(~np.isfinite(x))[0]
        raise ValueError(f"points must be finite: row {row}, column {column} is {x[row, column]}")
    check_reach("points", x, largest)
    return x, largest


def reach(x: Floats) -> float:
    """How far the farthest number is from 0."""
    return max(-float(x.min()), float(x.max()))


def check_reach(name: str, x: Floats, largest: float) -> None:
    """Refuse numbers beyond those whose distances can be squared and added up."""
    limit = 1e15 if x.dtype == np.float32 else 1e120  # squares of differences must not overflow
    if largest > limit:
        raise ValueError(f"{name} must lie within ±{limit:g} for {x.dtype}, not reach {largest:g}")


def weights_taken(
    weights: ArrayLike | None, n: int
) -> tuple[NDArray[np.float64], float] | tuple[None, float]:
    """The weights, and the least of them."""
    if weights is None:
        return None, 1.0
    w = np.ascontiguousarray(numbers("weights", weights), dtype=np.float64)
    if w.shape != (n,):
        raise ValueError(f"weights must be {n} numbers, one per point, not of shape {w.shape}")
    low, high = w.min(), w.max()  # NaN if there is one
    if not (low >= 0 and high < np.inf):
        row = int(np.flatnonzero(~(np.isfinite(w) & (w >= 0)))[0])
        raise ValueError(f"weights must be finite and not negative: weight {row} is {w[row]}")
    if high == 0:
        raise ValueError("weights must not all be 0")
    return w, float(low)


def centers_taken(centers: ArrayLike, x: Floats, name: str = "centers") -> Floats:
    """The centers, in the dtype of the points."""
    c = numbers(name, centers)
    if c.ndim != 2 or len(c) == 0 or c.shape[1] != x.shape[1]:
        raise ValueError(f"{name} must have shape (k, {x.shape[1]}), not {c.shape}")
    c = np.ascontiguousarray(c, dtype=x.dtype)
    if not np.isfinite(c).all():
        raise ValueError(f"{name} must be finite")
    check_reach(name, c, reach(c))
    return c
