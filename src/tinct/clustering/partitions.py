"""K-means over points that lie in several partitions, here or on other machines.

The loop is the kernels' own (kmeans.hpp): it asks one partition, and `Joined` is one made of many.
A partition on another machine or on a GPU is an object with the methods of `Partition`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import reduce
from operator import add
from typing import Any, Protocol, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tinct import _kernels
from tinct.checks import cores, whole
from tinct.clustering.arguments import Floats, centers_taken, points_taken, reach, weights_taken
from tinct.clustering.frame import Frame, framed, level_of
from tinct.clustering.kmeans import Iteration, settings_taken

__all__ = ["Joined", "Partition", "PartitionedResult", "kmeans_over", "kmeans_partitioned"]

Doubles = NDArray[np.float64]
Served = tuple[Floats, NDArray[np.int64], NDArray[np.int32], Doubles, Doubles]


class Partition(Protocol):
    """What the loop asks of whoever holds points; sums of one partition are its own to order.

    ``n`` points of ``d`` numbers of ``dtype`` ("float32" or "float64"), as all centers are, (k, d).
    """

    n: int
    d: int
    dtype: str

    def start(self, k: int) -> None:
        """Make ready for steps with k centers; no point has a label."""

    def step(self, centers: Floats) -> int:
        """Give each point its nearest center; how many of weight > 0 changed theirs."""

    def sums(self) -> Doubles:
        """Of each cluster the weighted sum of its points, their weight, their number: (k, d + 2).

        (No inertia: a weight may cancel to 0, and that takes a look at every point.)
        """

    def recount(self) -> None:
        """Take the sums anew from the labels: differences added up leave rounding behind."""

    def labels(self) -> NDArray[np.int32]:
        """Each point's cluster."""

    def inertia(self) -> float:
        """Weighted sum of squared distances to the centers of the last step."""

    def residuals(self, centers: Floats) -> Doubles:
        """Of each cluster the weighted sum of point - center, and the weight: (k, d + 1)."""

    def spread(self) -> Doubles:
        """Of each dimension the mean, then the weighted squares around it, then the weight."""

    def worst_served(self, count: int) -> Served:
        """The points farthest from their centers, equal ones once, ties in lexicographic order.

        None that lies on its center. Coordinates, places, labels, squared distances, joint weights.
        """

    def summary(self, most: int) -> tuple[Floats, Doubles]:
        """At most so many weighted points in the place of all; all as they are if so few."""


class Joined:
    """Many partitions in the place of one: asked side by side, their answers merged in order.

    ``run`` is called as ``run(function, parts)`` and gives the results in order, as `map` does.
    """

    def __init__(self, parts: Sequence[Partition], run: Callable[..., Iterable[Any]] = map) -> None:
        self.parts, self.run = parts, run
        self.n, self.d, self.dtype = sum(part.n for part in parts), parts[0].d, parts[0].dtype

    def _ask(self, method: str, *given: Any) -> list[Any]:
        return list(self.run(lambda part: getattr(part, method)(*given), self.parts))

    def start(self, k: int) -> None:  # noqa: D102  # as in Partition, each of them
        self._ask("start", k)

    def step(self, centers: Floats) -> int:  # noqa: D102
        return sum(self._ask("step", centers))

    def sums(self) -> Doubles:  # noqa: D102
        return reduce(np.add, self._ask("sums"))

    def recount(self) -> None:  # noqa: D102
        self._ask("recount")

    def labels(self) -> NDArray[np.int32]:  # noqa: D102
        return np.concatenate(self._ask("labels"))

    def inertia(self) -> float:  # noqa: D102
        return float(reduce(add, self._ask("inertia")))

    def residuals(self, centers: Floats) -> Doubles:  # noqa: D102
        return reduce(np.add, self._ask("residuals", centers))

    def spread(self) -> Doubles:  # noqa: D102
        return spreads_merged(self._ask("spread"))

    def worst_served(self, count: int) -> Served:  # noqa: D102
        first = np.cumsum([0, *(part.n for part in self.parts[:-1])])
        answers = zip(self._ask("worst_served", count), first, strict=True)
        return served_merged([(x, at + i, *rest) for (x, at, *rest), i in answers], count)

    def summary(self, most: int) -> tuple[Floats, Doubles]:
        """Of each partition as its number of points has a share in all."""
        shares = [share(part.n, most, self.n) for part in self.parts]
        made = list(
            self.run(lambda one: one[0].summary(one[1]), list(zip(self.parts, shares, strict=True)))
        )
        return np.concatenate([one[0] for one in made]), np.concatenate([one[1] for one in made])


def spreads_merged(spreads: Sequence[Doubles]) -> Doubles:
    """After Chan, Golub and LeVeque, "Updating formulae", 1979."""

    def merged(a: Doubles, b: Doubles) -> Doubles:
        d, mass = len(a) // 2, a[-1] + b[-1]
        apart = b[:d] - a[:d]
        squares = a[d:-1] + b[d:-1] + apart**2 * (a[-1] / mass * b[-1])
        return np.concatenate([a[:d] + apart * (b[-1] / mass), squares, [mass]])

    weighing = [one for one in spreads if one[-1] > 0]
    return reduce(merged, weighing) if weighing else spreads[0]


def served_merged(answers: Sequence[Served], count: int) -> Served:
    """The worst of all partitions, as each says its own; places are those among all points."""
    points, index, labels, squares, masses = map(np.concatenate, zip(*answers, strict=True))
    order = np.lexsort([index, *points.T[::-1], -squares])
    apart = (points[order[1:]] != points[order[:-1]]).any(axis=1)
    new = np.flatnonzero(np.append(True, apart)[: len(order)])
    masses = np.add.reduceat(masses[order], new) if len(new) else masses
    kept = order[new[:count]]
    return points[kept], index[kept], labels[kept], squares[kept], masses[:count]


def share(n: int, most: int, of: int) -> int:
    """How many of a summary's `most` points are due to a partition of n of the points."""
    return n if most >= of else max(1, most * n // of)


@dataclass(frozen=True, slots=True, eq=False)
class PartitionedResult:
    """As `KMeansResult`, with a tuple of the labels of each partition."""

    centers: Floats = field(repr=False)
    labels: tuple[NDArray[np.int32], ...] = field(repr=False)
    inertia: float
    n_iter: int
    converged: bool


def kmeans_partitioned(
    parts: Sequence[ArrayLike],
    k: int,
    *,
    weights: Sequence[ArrayLike] | None = None,
    init: str | ArrayLike = "divisive",
    seed: int = 0,
    max_iter: int = 300,
    tol: float = 1e-4,
    effort: int | None = None,
    threads: int | None = None,
    callback: Callable[[Iteration], object] | None = None,
) -> PartitionedResult:
    """Cluster points that lie in several partitions, as `kmeans` does those of one.

    The start and the search run on summaries of the partitions, joined: the means of cells, beyond
    16 dimensions a sample, and all points where there are few. Then all partitions iterate.

    The same partitions in the same order give the same bits, on any number of threads or machines.
    One partition gives the very bits of `kmeans`: from given centers with effort 0, and up to
    effort 1 wherever `kmeans` searches on a summary alone, which is from 2,048 points on with more
    than 256 for each cluster, in up to 5 dimensions. Other partitionings of the same points differ
    by the order of sums, whole numbers by nothing from the same start. Where a search is made it
    sees another summary, too, and may end in another optimum (``bench/partitions.py``).

    Arguments and errors are those of `kmeans`, but for these: `parts` and `weights` have an array
    for each partition, which may be empty, and all are float64 if not all are float32; `init` is
    "divisive" or (k, d) centers; from effort 2 on the longer search, too, runs on the summary;
    `threads` partitions are asked at the same time, a single one uses so many itself; labels of an
    `Iteration` are those of all partitions, one after the other.

    >>> run = kmeans_partitioned([[[1.0, 1.0], [8.0, 8.0]], [[1.2, 0.8]], [[8.2, 7.9]]], 2)
    >>> [labels.tolist() for labels in run.labels]
    [[0, 1], [0], [1]]
    """
    tables, ws, low = _taken(parts, weights)
    start = _start(init, tables[0], k)
    most, d = max(map(reach, tables)), tables[0].shape[1]
    tables, frame = framed(tables, most, ws, low, start, level_of(ws, low, d, most))
    settings = settings_taken(init, seed, max_iter, tol, effort, threads, callback)
    wide = settings[-1] or cores()
    each: Sequence[Doubles | None] = [None] * len(tables) if ws is None else ws
    held = [
        _kernels.Partition(
            x, None if w is None else frame.weights_into(w), max(1, wide // len(tables))
        )
        for x, w in zip(tables, each, strict=True)
    ]
    with ThreadPoolExecutor(min(wide, len(held))) as pool:
        run = _run(held, k, start, frame, settings, callback, pool.map)
    labels = iter(run.labels)
    empty = np.empty(0, np.int32)
    return replace(run, labels=tuple(next(labels) if np.shape(p)[0] else empty for p in parts))


def kmeans_over(
    parts: Sequence[Partition],
    k: int,
    *,
    init: str | ArrayLike = "divisive",
    seed: int = 0,
    max_iter: int = 300,
    tol: float = 1e-4,
    effort: int | None = None,
    callback: Callable[[Iteration], object] | None = None,
    run: Callable[..., Iterable[Any]] = map,
) -> PartitionedResult:
    """`kmeans_partitioned` over partitions that anyone may hold, as they are.

    Points far from the origin, very large or very small are for who holds them to move: see
    `tinct.clustering.frame`. ``run`` asks them, as in `Joined`.

    >>> halves = [_kernels.Partition(np.array([[x], [x + 9]]), None, 1) for x in (0.0, 1.0)]
    >>> kmeans_over(halves, 2).centers.tolist()
    [[0.5], [9.5]]
    """
    start = _start(init, np.empty((0, parts[0].d), parts[0].dtype), k)
    settings = settings_taken(init, seed, max_iter, tol, effort, None, callback)
    return _run(parts, k, start, Frame(None, 0), settings, callback, run)


def _run(
    parts: Sequence[Partition],
    k: int,
    start: Floats | None,
    frame: Frame,
    settings: tuple[int, float, int, int, int],
    callback: Callable[[Iteration], object] | None,
    run: Callable[..., Iterable[Any]],
) -> PartitionedResult:
    whole("k", k, 1, sum(part.n for part in parts), "the number of points")

    def watch(*seen: Any) -> bool:
        return callback is not None and callback(Iteration(*frame.restored(*seen))) is True

    offset = frame.seen_offset()
    centers, *found = _kernels.kmeans_over(
        parts[0] if len(parts) == 1 else Joined(parts, run),
        int(k),
        None if start is None else frame.into(start),
        np.empty(0, parts[0].dtype) if offset is None else offset,
        *settings[:-1],
        None if callback is None else watch,
    )
    labels = tuple(part.labels() for part in parts)
    return PartitionedResult(*frame.restored(centers, labels, *found))


def _start(init: str | ArrayLike, x: Floats, k: int) -> Floats | None:
    if isinstance(init, str):
        if init != "divisive":
            raise ValueError(f"init must be divisive or an array, not {init!r}")
        return None
    start = centers_taken(init, x, "init")
    if len(start) != k:
        raise ValueError(f"init must hold {k} centers, not {len(start)}")
    return start


def _taken(
    parts: Sequence[ArrayLike], weights: Sequence[ArrayLike] | None
) -> tuple[list[Floats], list[Doubles] | None, float]:
    """The tables that hold points and their weights, of one dtype, and the least weight."""
    shapes = [np.shape(part) for part in parts]
    tables = [
        points_taken(part)[0]
        for part, shape in zip(parts, shapes, strict=True)
        if shape[:1] != (0,)
    ]
    if not tables:
        raise ValueError("parts must hold points: all are empty")
    widths = sorted({x.shape[1] for x in tables})
    if len(widths) > 1:
        raise ValueError(f"parts must have the same number of columns, not {widths}")
    if not all(x.dtype == np.float32 for x in tables):
        tables = [x.astype(np.float64, copy=False) for x in tables]
    if weights is None:
        return tables, None, 1.0
    if [np.shape(w) for w in weights] != [shape[:1] for shape in shapes]:
        raise ValueError("weights must be arrays, one per partition, of a number per point")
    joined = np.concatenate([np.asarray(w) for w in weights])
    w, low = weights_taken(joined, sum(map(len, tables)))
    return tables, np.split(cast(Doubles, w), np.cumsum([len(x) for x in tables])[:-1]), low
