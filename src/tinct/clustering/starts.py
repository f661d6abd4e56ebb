"""Where the centers start, each way by its name; what is drawn at random NumPy draws.

A start is asked as ``start(rows, weights, k, seed)``, with rows that their bytes tell apart (the
points, or numbers of sparse rows), and answers with what the kernels begin with: the k rows chosen,
or the draws by which they choose them, or neither for the start that draws nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["STARTS", "Start"]

Weights = NDArray[np.float64] | None
Chosen = NDArray[np.int64] | None
Draws = NDArray[np.float64] | None
Start = Callable[[NDArray[Any], Weights, int, int], tuple[Chosen, Draws]]


def _divisive(rows: NDArray[Any], weights: Weights, k: int, seed: int) -> tuple[Chosen, Draws]:
    return None, None


def _plus_plus(rows: NDArray[Any], weights: Weights, k: int, seed: int) -> tuple[Chosen, Draws]:
    """One draw for the first center, 2 + ln k for each other."""
    return None, np.random.default_rng(seed).random(1 + (k - 1) * (2 + int(np.log(k))))


def _random(rows: NDArray[Any], weights: Weights, k: int, seed: int) -> tuple[Chosen, Draws]:
    """K different rows, one of weight 3 as likely as three copies of it."""
    chosen: dict[bytes, int] = {}
    # Exponential arrival times: the k earliest are a weighted draw without replacement.
    arrival = np.random.default_rng(seed).standard_exponential(len(rows))
    if weights is not None:
        far = np.full(len(rows), np.inf)
        arrival = np.divide(arrival, weights, out=far, where=weights > 0)
    for i in np.argsort(arrival, kind="stable"):
        if np.isfinite(arrival[i]):
            chosen.setdefault(rows[i].tobytes(), int(i))
        if len(chosen) > k:
            return np.array(list(chosen.values())[:k]), None
    raise ValueError(
        f"k must be below the number of different points, {len(chosen)}, "
        f"to draw k of them at random, not {k}"
    )


STARTS: dict[str, Start] = {"divisive": _divisive, "k-means++": _plus_plus, "random": _random}
