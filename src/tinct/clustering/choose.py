"""How many clusters? The inertia and the silhouette of K-means over a range of K, as numbers.

The silhouette (Rousseeuw, J. Comput. Appl. Math. 20, 1987) of a point compares a, its mean distance
to the other points of its cluster, with b, the least mean distance to the points of another one:
(b - a) / max(a, b). It is near 1 where clusters are compact and apart, near 0 between two of them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tinct.checks import function, listed, numbers, whole
from tinct.clustering.kmeans import KMeansResult, kmeans
from tinct.clustering.scattered import sample_of_parts
from tinct.clustering.sources import source_of

__all__ = ["Choice", "choose_k", "silhouette"]

SAMPLE = 4000  # points whose mutual distances are taken: 16 million, about a second
ROWS_DRAWN = 1 << 16  # of data in parts
ROWS = 256  # of the distances at a time


@dataclass(frozen=True, slots=True, eq=False)
class Choice:
    """What each number of clusters in `ks`, rising, gives.

    `inertia` and the mean `silhouette` (-1 to 1) at each K; the elbow is where inertia stops
    falling fast. `suggested` is the K of the highest silhouette, the smallest of equals; `sampled`
    how many points the silhouettes were measured on.
    """

    ks: tuple[int, ...]
    inertia: tuple[float, ...]
    silhouette: tuple[float, ...]
    suggested: int
    sampled: int


def choose_k(
    points: Any,
    ks: Sequence[int] = range(2, 11),
    *,
    seed: int = 0,
    threads: int | None = None,
    callback: Callable[[KMeansResult], object] | None = None,
) -> Choice:
    """Cluster the points for each K of 2 to n - 1 and say which K separates them best.

    Points, `seed` and `threads` are as in `tinct.kmeans`; the seed also draws the points whose
    silhouette is measured, where there are more than 4000. `callback` is called with the result of
    each K. ValueError if a K is out of range, or none is as small as the number of different
    points. Of data in parts (see `tinct.kmeans`) 65,536 rows, drawn by the seed, stand for all.

    >>> rng = np.random.default_rng(0)
    >>> corners = np.repeat([[0.0, 0.0], [9.0, 0.0], [0.0, 9.0]], 50, axis=0)
    >>> choose_k(corners + rng.normal(size=corners.shape), range(2, 6)).suggested
    3
    """
    source = source_of(points)
    seed = whole("seed", seed, 0)
    x = _table(points if source is None else sample_of_parts(source, ROWS_DRAWN, seed))
    ks = _rising(ks)
    if len(x) < 3:
        raise ValueError(f"points must be 3 or more to choose K from, not {len(x)}")
    if not ks or ks[0] < 2 or ks[-1] >= len(x):
        raise ValueError(f"ks must be 2..{len(x) - 1} (one less than the points), not {_span(ks)}")
    drawn = _draw(len(x), seed)
    inertia, labels, callback = [], [], function("callback", callback)
    for k in ks:
        run = kmeans(x, k, seed=seed, threads=threads)
        if k == ks[0] and len(np.unique(run.labels)) < k:
            different = len(np.unique(x, axis=0))
            if different < k:
                raise ValueError(
                    f"ks must begin with no more than the number of different points, {different}, "
                    f"not with {k}"
                )
        inertia.append(run.inertia)
        labels.append(run.labels[drawn])
        if callback is not None:
            callback(run)
    scores = silhouette(x[drawn], labels)
    rounded = [round(s, 9) for s in scores]  # a tie must not hang on the last bit
    best = ks[rounded.index(max(rounded))]
    return Choice(tuple(ks), tuple(inertia), tuple(scores), best, len(drawn))


def silhouette(points: ArrayLike, labels: Sequence[ArrayLike]) -> list[float]:
    """The mean silhouette of each of several clusterings of points, their distances taken once.

    Labels count from 0. A point alone in its cluster counts as 0; with one cluster all do.
    """
    x = _sized(_table(points).astype(np.float64))
    x = _sized(x - x.mean(axis=0))  # so that |p|² + |q|² - 2 p·q loses little
    members = [_membership(one, len(x)) for one in listed("labels", labels)]
    totals: list[list[float]] = [[] for _ in members]
    squares = np.einsum("ij,ij->i", x, x)
    for row in range(0, len(x), ROWS):
        rows = slice(row, row + ROWS)
        apart = squares[rows, None] + squares - 2 * (x[rows] @ x.T)
        distances = np.sqrt(np.maximum(apart, 0))
        distances[np.arange(len(distances)), np.arange(row, row + len(distances))] = 0
        for total, member in zip(totals, members, strict=True):
            total.append(float(_widths(distances, member, rows).sum()))
    return [math.fsum(total) / len(x) for total in totals]


def _sized(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Times a power of 2, to a size whose squares are numbers; no silhouette depends on it."""
    return np.ldexp(x, -math.frexp(float(np.abs(x).max()))[1])


def _table(points: ArrayLike) -> NDArray[Any]:
    x = numbers("points", points)
    if x.ndim != 2 or 0 in x.shape:
        raise ValueError(f"points must be a table of shape (n, d), not of shape {x.shape}")
    return x


def _rising(ks: Sequence[int]) -> list[int]:
    return sorted({whole("each of ks", k, 1) for k in listed("ks", ks)})


def _membership(one: ArrayLike, n: int) -> NDArray[np.float64]:
    """Which point is in which cluster: (n, k) of 0 and 1, clusters without a point left out."""
    labels = numbers("labels", one)
    if labels.shape != (n,):
        raise ValueError(f"labels must be {n} numbers, one per point, not of shape {labels.shape}")
    _, own = np.unique(labels, return_inverse=True)
    return np.eye(own.max() + 1)[own]


def _widths(
    distances: NDArray[np.float64], member: NDArray[np.float64], rows: slice
) -> NDArray[np.float64]:
    """The silhouettes of those rows of the points, from their distances to all points."""
    sizes, own = member.sum(axis=0), member[rows].argmax(axis=1)
    if len(sizes) == 1:
        return np.zeros(len(distances))
    sums = distances @ member
    here = np.arange(len(own))
    inside = sums[here, own] / np.maximum(sizes[own] - 1, 1)
    means = sums / sizes
    means[here, own] = np.inf
    outside = means.min(axis=1)
    larger = np.maximum(inside, outside)
    widths = np.divide(outside - inside, larger, out=np.zeros(len(own)), where=larger > 0)
    return np.where(sizes[own] > 1, widths, 0.0)


def _draw(n: int, seed: int) -> NDArray[np.intp]:
    if n <= SAMPLE:
        return np.arange(n)
    return np.sort(np.random.default_rng(seed).choice(n, SAMPLE, replace=False))


def _span(ks: Sequence[int]) -> str:
    return f"{ks[0]}..{ks[-1]}" if ks else "none"
