"""K-means: assign points to their nearest center, move centers to the mean of their points, repeat.

The loop is Lloyd's (1957, published in IEEE Trans. Inf. Theory 28, 1982). Points are cut into
blocks, the kernels add up what each block contributes, and the sums are merged in block order in
float64: the number of threads changes no bit. Nothing here knows of colour.
"""

from __future__ import annotations

import math
import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tinct import _kernels

__all__ = ["Iteration", "KMeansResult", "assign", "kmeans", "update"]

Floats = NDArray[np.floating[Any]]
R = TypeVar("R")
if TYPE_CHECKING:  # numpy.random and concurrent.futures load only where they are used
    from concurrent.futures import ThreadPoolExecutor

    Init = str | ArrayLike | Callable[[Floats, int, np.random.Generator], ArrayLike]

BOXED = 5  # dimensions up to which the kernels leave out most centers by boxes
INITS = ("divisive", "k-means++", "random")


@dataclass(frozen=True, slots=True, eq=False)
class Iteration:
    """One iteration as data: the assignment to ``centers``, before they move.

    Attributes
    ----------
    centers : (k, d) float
        Where the centers stood when the points were assigned.
    labels : (n,) int32
        The nearest center of every point.
    inertia : float
        Weighted sum of squared distances to those centers.
    empty : tuple of int
        Clusters no point was assigned to.
    filled : tuple of int
        The points that the empty clusters took as their new centers, in the order of ``empty``.
        Shorter than ``empty`` when no point was left that a center did not already serve exactly.
    swapped : tuple of (int, int)
        Moves of the search over the points that helped, just before this iteration: (center
        removed, cluster split in its favour). A search over the summary leaves no trace here.
    """

    centers: Floats
    labels: NDArray[np.int32]
    inertia: float
    empty: tuple[int, ...] = ()
    filled: tuple[int, ...] = ()
    swapped: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class KMeansResult:
    """What a run of K-means found.

    Attributes
    ----------
    centers : (k, d) float
        The centroids, in the dtype of the points.
    labels : (n,) int32
        Each point's nearest center, counted from 0.
    inertia : float
        Weighted sum of squared distances from the points to their centers.
    n_iter : int
        Iterations over the points, those of the search left out.
    converged : bool
        Whether the run stopped by itself rather than at ``max_iter``.
    history : tuple of Iteration
        Every iteration, when ``record`` asked for it.
    """

    centers: Floats = field(repr=False)
    labels: NDArray[np.int32] = field(repr=False)
    inertia: float
    n_iter: int
    converged: bool
    history: tuple[Iteration, ...] = field(default=(), repr=False)


def kmeans(
    points: ArrayLike,
    k: int,
    *,
    weights: ArrayLike | None = None,
    init: Init = "divisive",
    seed: int = 0,
    max_iter: int = 300,
    tol: float = 1e-4,
    effort: int | None = None,
    record: bool = False,
    threads: int | None = None,
    callback: Callable[[Iteration], object] | None = None,
) -> KMeansResult:
    """Cluster points around k centers so that the sum of squared distances is small.

    Parameters
    ----------
    points : (n, d) array of float32 or float64
        Other numbers are taken as float64. NaN and infinity are refused.
    k : int
        Number of clusters, 1 to n.
    weights : (n,) array, optional
        How much each point counts, none negative. A weight of 3 equals three copies of the point.
    init : {"divisive", "k-means++", "random"}, (k, d) array or callable
        Where the centers start. ``"divisive"`` draws nothing at random: it splits the cluster that
        gains most, along its longest axis, until there are k (Linde, Buzo, Gray 1980).
        ``"k-means++"`` is the greedy form of Arthur and Vassilvitskii 2007 with 2 + ln k
        candidates. ``"random"`` takes k different training examples; there must be more than k. A
        callable is called as ``init(points, k, rng)``.
    seed : int
        Every random draw comes from ``numpy.random.default_rng(seed)``.
    max_iter : int
        Most iterations of assignment and move, 1 or more.
    tol : float
        Stop when the squared moves of the centers add up to less than ``tol`` times the mean
        variance of a dimension. With 0 the run goes on until no point changes its cluster.
    effort : int, optional
        0 is Lloyd's loop and nothing else. From 1 to 10 a search is added: centers that serve
        little are moved to split the clusters where that gains most, and the change is kept if the
        inertia falls (after Fritzke, arXiv 2006.15666). 1 searches over a summary of the points, 2
        and more over the points themselves, each step longer. By default 1 with the divisive start
        and 0 with any other.
    record : bool
        Keep every iteration in ``history``.
    threads : int, optional
        Threads to use; by default as many as the machine has and the work is worth. The result does
        not depend on it.
    callback : callable, optional
        Called with each `Iteration`; the run stops when it returns ``True``.

    Returns
    -------
    KMeansResult

    Raises
    ------
    ValueError
        For anything out of range, with the name, the value and what is allowed.

    Examples
    --------
    >>> points = [[1.0, 1.0], [1.2, 0.8], [8.0, 8.0], [8.2, 7.9]]
    >>> run = kmeans(points, 2)
    >>> run.labels[0] == run.labels[1] != run.labels[2]
    np.True_
    >>> run.centers[run.labels[0]]
    array([1.1, 0.9])
    """
    x = _points(points)
    w = _weights(weights, len(x))
    _whole("k", k, 1, len(x), "the number of points")
    _whole("max_iter", max_iter, 1)
    if effort is not None:
        _whole("effort", effort, 0, 10)
    if threads is not None:
        _whole("threads", threads, 1)
    if not tol >= 0:
        raise ValueError(f"tol must be 0 or more, not {tol}")
    seed = _whole("seed", seed, 0)
    with _engine(x, w, threads, work=len(x) * k * x.shape[1]) as engine:
        watch = _Watch(engine, record, callback)
        run = _Run(engine, watch, max_iter, tol * engine.points.variance())
        if effort is None:
            effort = int(isinstance(init, str) and init == "divisive")
        centers = _improve(run, k, init, seed, effort)
        engine.assign(centers)
        return KMeansResult(
            centers,
            engine.points.labels(),
            engine.inertia(centers),
            run.n_iter,
            run.converged,
            tuple(watch.history),
        )


def assign(
    points: ArrayLike, centers: ArrayLike, *, threads: int | None = None
) -> tuple[NDArray[np.int32], Floats]:
    """Cluster assignment: the nearest center of every point.

    Parameters
    ----------
    points : (n, d) array
    centers : (k, d) array
    threads : int, optional
        As in `kmeans`.

    Returns
    -------
    labels : (n,) int32
        Counted from 0; of equally near centers the one with the lowest index.
    squared_distances : (n,) float
        In the dtype of the points.

    Examples
    --------
    >>> assign([[0.0, 0.0], [3.0, 4.0]], [[0.0, 0.0], [9.0, 9.0]])
    (array([0, 0], dtype=int32), array([ 0., 25.]))
    """
    x = _points(points)
    c = _centers(centers, x)
    if threads is not None:
        _whole("threads", threads, 1)
    with _engine(x, None, threads, work=c.size * len(x)) as engine:
        return engine.nearest(c)


def update(
    points: ArrayLike, labels: ArrayLike, k: int, *, weights: ArrayLike | None = None
) -> Floats:
    """Move centroid: the weighted mean of each cluster's points.

    Parameters
    ----------
    points : (n, d) array
    labels : (n,) array of int
        From 0 to k - 1.
    k : int
    weights : (n,) array, optional

    Returns
    -------
    centers : (k, d) float
        In the dtype of the points; a row of NaN for a cluster without points.

    Examples
    --------
    >>> update([[0.0], [2.0], [9.0]], [0, 0, 1], 2)
    array([[1.],
           [9.]])
    """
    x = _points(points)
    w = _weights(weights, len(x))
    _whole("k", k, 1)
    labels = np.asarray(labels)
    if labels.shape != (len(x),) or labels.dtype.kind not in "iu":
        raise ValueError(f"labels must be {len(x)} whole numbers, one per point")
    if labels.min() < 0 or labels.max() >= k:
        raise ValueError(f"labels must be 0..{k - 1}, not {labels.min()}..{labels.max()}")
    with _engine(x, w, 1, work=0) as engine:
        sums = engine.recount(labels.astype(np.int32), k)
    d = x.shape[1]
    means = np.full((k, d), np.nan)
    np.divide(sums[:, :d], sums[:, d : d + 1], out=means, where=sums[:, d : d + 1] > 0)
    return means.astype(x.dtype)


# ---- the door ------------------------------------------------------------------------------------


def _points(points: ArrayLike) -> Floats:
    x = np.asarray(points)
    if x.ndim != 2 or 0 in x.shape:
        raise ValueError(f"points must be a table of shape (n, d), not of shape {x.shape}")
    if x.dtype.kind not in "fiub":
        raise ValueError(f"points must be numbers, not {x.dtype}")
    x = np.ascontiguousarray(x, dtype=np.float32 if x.dtype == np.float32 else np.float64)
    largest = max(-float(x.min()), float(x.max()))
    if not np.isfinite(largest):
        row, column = np.argwhere(~np.isfinite(x))[0]
        raise ValueError(f"points must be finite: row {row}, column {column} is {x[row, column]}")
    limit = 1e15 if x.dtype == np.float32 else 1e120  # squares of differences must not overflow
    if largest > limit:
        raise ValueError(f"points must lie within ±{limit:g} for {x.dtype}, not reach {largest:g}")
    return x


def _weights(weights: ArrayLike | None, n: int) -> NDArray[np.float64] | None:
    if weights is None:
        return None
    w = np.ascontiguousarray(weights, dtype=np.float64)
    if w.shape != (n,):
        raise ValueError(f"weights must be {n} numbers, one per point, not of shape {w.shape}")
    if not np.isfinite(w).all() or w.min() < 0:
        row = int(np.flatnonzero(~(np.isfinite(w) & (w >= 0)))[0])
        raise ValueError(f"weights must be finite and not negative: weight {row} is {w[row]}")
    if not w.any():
        raise ValueError("weights must not all be 0")
    return w


def _centers(centers: ArrayLike, x: Floats) -> Floats:
    c = np.asarray(centers)
    if c.ndim != 2 or len(c) == 0 or c.shape[1] != x.shape[1]:
        raise ValueError(f"centers must have shape (k, {x.shape[1]}), not {c.shape}")
    c = np.ascontiguousarray(c, dtype=x.dtype)
    if not np.isfinite(c).all():
        raise ValueError("centers must be finite")
    return c


def _whole(name: str, value: int, low: int, high: int | None = None, what: str = "") -> int:
    allowed = (
        f"{low} or more" if high is None else f"{low}..{high}" + (f" ({what})" if what else "")
    )
    if isinstance(value, bool) or not isinstance(value, int | np.integer):
        raise ValueError(f"{name} must be a whole number, {allowed}, not {value!r}")
    if value < low or (high is not None and value > high):
        raise ValueError(f"{name} must be {allowed}, not {value}")
    return int(value)


# ---- the points in the kernels' hands ------------------------------------------------------------


class _Engine:
    """The kernels over all chunks of a set of points, in order, on a pool of threads or on none."""

    def __init__(
        self, x: Floats, w: NDArray[np.float64] | None, pool: ThreadPoolExecutor | None
    ) -> None:
        kind = _kernels.PointsF32 if x.dtype == np.float32 else _kernels.PointsF64
        self.x, self.w = x, w
        self.d = x.shape[1]
        self.points = kind(x, w)
        self.pool, self.threads = pool, 1

    def each(self, work: Callable[[int], R]) -> list[R]:
        """What `work` says of each chunk, in their order; this thread works too.

        One future for each other thread, which takes chunks as long as there are any: a future for
        each chunk cost more than the chunk.
        """
        chunks = range(self.points.chunks)
        if self.pool is None:
            return [work(c) for c in chunks]
        left, done = deque(chunks), dict[int, R]()
        share = partial(_share, work, left, done)
        others = [self.pool.submit(share) for _ in range(self.threads - 1)]
        try:
            share()
        finally:
            left.clear()
            for other in others:
                if not other.cancel():
                    other.result()
        return [done[c] for c in chunks]

    def start(self, k: int) -> None:
        self.points.start(k)

    def step(self, centers: Floats) -> int:
        """Assign, accumulate; how many points changed their cluster."""
        self.points.move_centers(centers)
        return sum(self.each(self.points.step))

    def nearest(self, centers: Floats) -> tuple[NDArray[np.int32], Floats]:
        self.assign(centers)
        return self.points.labels(), self.points.best()

    def two_nearest(self, centers: Floats) -> tuple[NDArray[np.int32], Floats, Floats]:
        self.assign(centers, True)
        return self.points.labels(), self.points.best(), self.points.second()

    def assign(self, centers: Floats, second: bool = False) -> None:
        self.points.make_room(second)
        self.points.move_centers(centers)
        self.each(partial(self.points.nearest, second=second))

    def inertia(self, centers: Floats) -> float:
        """Of the labels as they stand, in float64."""
        return math.fsum(self.each(partial(self.points.inertia, centers)))

    def settled(self, centers: Floats) -> float:
        """Inertia of the centers, after assigning the points to them."""
        self.assign(centers)
        return self.inertia(centers)

    def recount(self, labels: NDArray[np.int32] | None = None, k: int = 0) -> NDArray[np.float64]:
        """Sums of the clusters anew, from the labels as they stand or from those given."""
        if labels is not None:
            self.points.start(k)
            self.points.set_labels(labels)
        self.each(self.points.recount)
        return self.points.totals()


def _share(work: Callable[[int], R], left: deque[int], done: dict[int, R]) -> None:
    while left:
        try:
            chunk = left.popleft()
        except IndexError:  # another thread was faster
            break
        done[chunk] = work(chunk)


def cores() -> int:
    """How many threads are worth starting: the processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@contextmanager
def _engine(
    x: Floats, w: NDArray[np.float64] | None, threads: int | None, work: int
) -> Iterator[_Engine]:
    engine = _Engine(x, w, None)
    # Waking a thread costs some 50 µs, an iteration over 100,000 colors no more than 400: below
    # some million numbers or distances one thread is faster.
    worth = x.size > 3_000_000 if x.shape[1] <= BOXED else work > 100_000_000
    threads = cores() if threads is None and worth else threads or 1
    engine.threads = threads = min(threads, engine.points.chunks)
    if threads > 1:
        from concurrent.futures import ThreadPoolExecutor

        with ThreadPoolExecutor(threads - 1, "tinct") as engine.pool:
            yield engine
    else:
        yield engine


class _Watch:
    """Tells history and callback what each iteration did; costs nothing when nobody asks."""

    def __init__(
        self, engine: _Engine, record: bool, callback: Callable[[Iteration], object] | None
    ) -> None:
        self.engine, self.record, self.callback = engine, record, callback
        self.history: list[Iteration] = []
        self.swapped: tuple[tuple[int, int], ...] = ()

    def __call__(self, centers: Floats, empty: Sequence[int], filled: Sequence[int]) -> bool:
        if not self.record and self.callback is None:
            return False
        labels, inertia = self.engine.points.labels(), self.engine.inertia(centers)
        seen = Iteration(centers.copy(), labels, inertia, tuple(empty), tuple(filled), self.swapped)
        self.swapped = ()
        if self.record:
            self.history.append(seen)
        return self.callback is not None and self.callback(seen) is True


# ---- the loop ------------------------------------------------------------------------------------


class _Run:
    """Lloyd's loop over one set of points, and what it has used up so far."""

    def __init__(self, engine: _Engine, watch: _Watch, max_iter: int, tol: float) -> None:
        self.engine, self.watch, self.max_iter, self.tol = engine, watch, max_iter, tol
        self.n_iter = 0
        self.converged = self.stopped = False

    def lloyd(self, centers: Floats) -> Floats:
        """Assign and move until the centers rest or max_iter iterations are used up."""
        engine, self.converged = self.engine, False
        engine.start(len(centers))
        while self.n_iter < self.max_iter:
            moved = engine.step(centers)
            self.n_iter += 1
            target, empty, filled = self._means(centers)
            rest = _kernels.shift(target, centers) <= self.tol and not filled
            if rest or not moved:
                # `step` adds up differences; sums anew are free of what rounding they left behind.
                engine.recount()
                target, empty, filled = self._means(centers)
            self.stopped = self.watch(centers, empty, filled)
            self.converged = rest or _kernels.shift(target, centers) == 0
            centers = target
            if self.converged or self.stopped:
                break
        return centers

    def quietly(self, centers: Floats, most: int) -> Floats:
        """A few iterations that nobody watches and that count for nothing: a trial."""
        silent = _Watch(self.engine, False, None)
        return _Run(self.engine, silent, most, self.tol).lloyd(centers)

    def _means(self, centers: Floats) -> tuple[Floats, Sequence[int], Sequence[int]]:
        """The mean of each cluster; which are empty, and the points they take instead."""
        means, count = self.engine.points.means(centers)
        if not count:
            return means, (), ()
        x, d, sums = self.engine.x, self.engine.d, self.engine.points.totals()
        empty = np.flatnonzero(sums[:, -1] == 0)
        filled, taken = self._worst_served(count)
        labels = self.engine.points.labels()
        for point, mass in zip(filled, taken, strict=True):
            row = sums[labels[point]]
            if row[d] > mass * (1 + 1e-9):  # the point no longer counts in the cluster it leaves
                row[:d] -= mass * x[point].astype(np.float64)
                row[d] -= mass
                means[labels[point]] = row[:d] / row[d]
        means[empty[: len(filled)]] = x[filled]
        return means, empty.tolist(), filled

    def _worst_served(self, count: int) -> tuple[list[int], list[float]]:
        """The points farthest from their centers: what empty clusters take, in the order of their
        index.

        Points of equal value count once; of points equally badly served the first in lexicographic
        order comes first, so the order of the points plays no part. A point exactly on its center
        is never taken: with fewer distinct points than centers some clusters stay empty. Copies of
        a point are one point of their joint weight, which is returned too.
        """
        x, w = self.engine.x, self.engine.w
        labels, centers = self.engine.points.labels(), self.engine.points.centers()
        distance = _squares((x - centers[labels]).astype(np.float64))
        if w is not None:
            distance[w == 0] = 0
        for most in (4 * count + 64, len(x)):  # a few are enough unless many are equal
            limit = np.partition(distance, -most)[-most] if most < len(x) else 0
            worst = np.flatnonzero((distance >= limit) & (distance > 0))
            worst = worst[np.lexsort((*x[worst].T[::-1], -distance[worst]))]
            values = x[worst]
            new = np.append(True, (values[1:] != values[:-1]).any(axis=1))[: len(worst)]
            mass = np.bincount(np.cumsum(new) - 1, None if w is None else w[worst])
            worst = worst[new]
            if len(worst) >= count:
                break
        return worst[:count].tolist(), mass[:count].tolist()


# ---- where the centers start ---------------------------------------------------------------------


def _improve(run: _Run, k: int, init: Init, seed: int, effort: int) -> Floats:
    """Lloyd's loop from the start asked for, with a search before or after it for some effort."""
    engine = run.engine
    divisive = isinstance(init, str) and init == "divisive"
    coarse = _coarse(engine, k) if effort or divisive else engine
    centers = _divisive(coarse, k) if divisive else _start(engine, k, init, seed)
    quick = effort > 0 and coarse is not engine
    if quick:
        # The summary costs a fraction: settle and search there, then let all points have their say.
        summary = _Run(coarse, _Watch(coarse, False, None), run.max_iter, run.tol)
        centers = _search(summary, summary.lloyd(centers), QUICK, seed)
    centers = run.lloyd(centers)
    rounds = QUICK * (effort - 1) ** 2 if effort > 1 or quick else QUICK
    if not effort or run.stopped or run.n_iter == run.max_iter:  # nothing is left to settle with
        return centers
    found = _search(run, centers, rounds, seed)
    return centers if found is centers else run.lloyd(found)


def _start(engine: _Engine, k: int, init: Init, seed: int) -> Floats:
    x, rng = engine.x, np.random.default_rng(seed)
    if isinstance(init, str):
        if init == "k-means++":
            return _plus_plus(engine, k, rng)
        if init == "random":
            return _random(x, engine.w, k, rng)
        raise ValueError(
            f"init must be one of {', '.join(INITS)}, an array or a callable, not {init!r}"
        )
    centers = _centers(init(x, k, rng) if callable(init) else init, x)
    if len(centers) != k:
        raise ValueError(f"init must hold {k} centers, not {len(centers)}")
    return centers.copy()


def _random(x: Floats, w: NDArray[np.float64] | None, k: int, rng: np.random.Generator) -> Floats:
    """K different training examples, a point of weight 3 as likely as three copies of it."""
    chosen: dict[bytes, int] = {}
    # Exponential arrival times: the k earliest are a weighted draw without replacement.
    arrival = rng.standard_exponential(len(x))
    if w is not None:
        arrival = np.divide(arrival, w, out=np.full(len(x), np.inf), where=w > 0)
    for i in np.argsort(arrival, kind="stable"):
        if np.isfinite(arrival[i]):
            chosen.setdefault(x[i].tobytes(), int(i))
        if len(chosen) > k:
            return x[list(chosen.values())[:k]]
    raise ValueError(
        f"k must be below the number of different points, {len(chosen)}, "
        f"to draw k of them at random, not {k}"
    )


def _plus_plus(engine: _Engine, k: int, rng: np.random.Generator) -> Floats:
    """Greedy k-means++: of 2 + ln k points drawn by squared distance, take the most useful one."""
    x, points = engine.x, engine.points
    cumulative = np.cumsum(np.ones(len(x)) if engine.w is None else engine.w)
    first = int(np.searchsorted(cumulative, rng.random() * cumulative[-1], side="right"))
    chosen = [min(first, len(x) - 1)]
    points.start_seeding()
    engine.each(partial(points.take, x[chosen[0]]))
    while len(chosen) < k:
        total = points.potential()
        candidates = [points.pick(r * total) for r in rng.random(2 + int(np.log(k)))]
        if min(candidates) < 0:  # every point is a center already: the rest can only repeat
            chosen += chosen[:1] * (k - len(chosen))
            break
        left = [math.fsum(engine.each(partial(points.trial, x[c]))) for c in candidates]
        chosen.append(candidates[int(np.argmin(left))])
        engine.each(partial(points.take, x[chosen[-1]]))
    return x[chosen]


def _divisive(engine: _Engine, k: int) -> Floats:
    """Split the clusters that gain most, let the centers settle a little, until there are k."""
    engine.start(1)
    start = engine.x[:1].copy()
    engine.step(start)
    centers, _ = engine.points.means(start)
    while len(centers) < k:
        engine.start(len(centers))
        engine.step(centers)
        gain, lower, upper = _splits(engine, centers, engine.points.totals())
        order = np.argsort(-gain, kind="stable")
        # Half of the clusters at a time: those that gain less may gain nothing once their
        # neighbours split.
        order = order[: min(k - len(centers), (len(centers) + 1) // 2)]
        order = order[gain[order] > 0]
        if len(order) == 0:
            break
        centers[order] = lower[order]
        centers = np.concatenate([centers, upper[order]])
    repeat = np.repeat(centers[:1], k - len(centers), axis=0)  # fewer distinct points than k
    return np.concatenate([centers, repeat])


SQUARE, POWER, UPPER = range(3)  # the kernels' Moment


def _squares(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """Squared length of each row, added up in the order of the dimensions on every machine."""
    total = rows[:, 0] ** 2
    for column in rows.T[1:]:
        total += column**2
    return total


def _splits(
    engine: _Engine, centers: Floats, sums: NDArray[np.float64]
) -> tuple[NDArray[np.float64], Floats, Floats]:
    """What splitting each cluster at its mean, across its longest axis, would gain, and the two
    halves.

    The axis is found by the power method, from the dimension of largest variance. Halves at
    distance D with weights a and b lower the cluster's inertia by a b / (a + b) D².
    """
    k, d = centers.shape
    moments = partial(engine.points.moments, centers)
    axis = np.zeros((k, d))
    # In few dimensions one reading of the points gives all products; else each step reads them.
    scatter = engine.points.scatter(centers) if d <= BOXED else None
    diagonal = moments(axis, SQUARE) if scatter is None else np.einsum("kjj->kj", scatter)
    axis[np.arange(k), diagonal[:, :d].argmax(axis=1)] = 1
    for _ in range(2 if d > 1 else 0):
        if scatter is None:
            axis = moments(axis, POWER)[:, :d]
        else:
            products = scatter * axis[:, None]
            axis = sum((products[:, :, j] for j in range(1, d)), products[:, :, 0])
        length = np.sqrt(_squares(axis))[:, None]
        axis = np.divide(axis, length, out=np.zeros_like(axis), where=length > 0)
    above = moments(axis, UPPER)
    mass = sums[:, d : d + 1]
    below = np.concatenate([sums[:, :d] - mass * centers, mass], axis=1) - above
    a, b = above[:, d:], below[:, d:]
    possible = (a > 0) & (b > 1e-9 * mass)
    high = np.divide(above[:, :d], a, out=np.zeros((k, d)), where=possible)
    low = np.divide(below[:, :d], b, out=np.zeros((k, d)), where=possible)
    weight = np.divide(a * b, a + b, out=np.zeros((k, 1)), where=possible)[:, 0]
    gain = weight * _squares(high - low)
    return gain, (centers + low).astype(centers.dtype), (centers + high).astype(centers.dtype)


# ---- the search above Lloyd's loop ---------------------------------------------------------------
#
# Lloyd's loop only walks downhill: a center in the wrong part of space stays there. The search
# takes the centers that serve least, puts each beside the center of a cluster worth splitting, lets
# Lloyd's loop settle for a few iterations and keeps what came out if it is better. Many centers are
# moved at once, fewer when that fails: Fritzke's breathing K-means (arXiv 2006.15666) in one step
# instead of two.

SETTLE = 5  # iterations after a move of centers; 10 and 20 gained nothing at equal time
QUICK = 10  # rounds of the quick search
PATIENCE = 4  # single moves in vain before the centers are shaken; 8 and k left more excess
SHORTLIST = 64  # centers considered for a single move


CELLS, PER_CENTER = 1024, 64  # points in the summary: at least so many, and so many for each center
FEWEST = 2048  # below that the summary is too coarse, or saves too little


def _coarse(engine: _Engine, k: int) -> _Engine:
    """A summary of the points for the same search: the means and weights of grid cells.

    On 12 Kodak pictures, K = 16 to 256, the search over cells leaves a mean excess of 0.8 % over
    the best known error; with half as many cells for each center 0.9 %; without a search 1.7 %.
    """
    third = len(engine.x) // 3
    if third < max(FEWEST, 8 * k):
        return engine
    most = min(max(CELLS, PER_CENTER * k), third)
    means, weights = engine.points.coarsen(most)
    return _Engine(means, weights, None) if len(means) >= k else engine


def _search(run: _Run, centers: Floats, rounds: int, seed: int) -> Floats:
    """Better centers, or those given; at most ``rounds`` moves are tried.

    When single moves no longer help, up to half of the best centers are drawn anew and the moves
    begin again: iterated local search. A swap can't leave some solutions, of 3 centers as of 256.
    """
    if len(centers) < 2 or rounds < 1:
        return centers
    best, centers, left, swaps = _descend(run, centers, rounds)
    run.watch.swapped += swaps
    if left == 0 or best == 0:
        return centers
    rng = np.random.default_rng((seed, 1))  # not the draws that chose the start
    while left > 0 and best > 0:
        other = run.quietly(_shaken(run.engine, centers, rng), 2 * SETTLE)
        inertia, other, left, _ = _descend(run, other, left - 1)
        if inertia < best:
            best, centers = inertia, other
    return centers


def _descend(
    run: _Run, centers: Floats, rounds: int
) -> tuple[float, Floats, int, tuple[tuple[int, int], ...]]:
    """Move useless centers while that helps: inertia, centers, rounds left, moves that helped."""
    engine, done = run.engine, tuple[tuple[int, int], ...]()
    best = engine.settled(centers)
    many, failed, tried = max(1, len(centers) // 4), 0, set[tuple[int, int]]()
    while rounds > 0 and failed < PATIENCE:
        swaps, moved = _move_useless(engine, centers, many, tried)
        if not swaps:
            break
        rounds -= 1
        moved = run.quietly(moved, SETTLE)
        inertia = engine.settled(moved)
        if inertia < best:
            best, centers, done, failed = inertia, moved, done + swaps, 0
            tried.clear()
        elif many > 1:
            many //= 2
        else:
            tried.update(swaps)
            failed += 1
    return best, centers, rounds, done


def _shaken(engine: _Engine, centers: Floats, rng: np.random.Generator) -> Floats:
    """Up to half of the centers moved to points drawn by their squared distance to the others."""
    k, points, shaken = len(centers), engine.points, centers.copy()
    gone = rng.permutation(k)[: rng.integers(1, k // 2, endpoint=True)]
    points.start_seeding()
    for center in np.delete(centers, gone, axis=0):
        engine.each(partial(points.take, center))
    for i in gone:
        point = points.pick(rng.random() * points.potential())
        if point < 0:  # every point is a center already
            break
        shaken[i] = engine.x[point]
        engine.each(partial(points.take, shaken[i]))
    return shaken


def _move_useless(
    engine: _Engine, centers: Floats, many: int, tried: set[tuple[int, int]]
) -> tuple[tuple[tuple[int, int], ...], Floats]:
    """Move up to ``many`` centers that serve least to where a second center would gain most."""
    labels, near, second = engine.two_nearest(centers)
    loss = second.astype(np.float64) - near
    lost = np.bincount(labels, loss if engine.w is None else loss * engine.w, len(centers))
    cost = lost.astype(np.float64)  # bincount's own type is wider on paper
    gain, lower, upper = _splits(engine, centers, engine.recount())
    swaps = _swaps(centers, cost, gain, many) if many > 1 else _best_swap(cost, gain, tried)
    moved = centers.copy()
    for useless, worth in swaps:
        moved[worth], moved[useless] = lower[worth], upper[worth]
    return swaps, moved


def _best_swap(
    cost: NDArray[np.float64], gain: NDArray[np.float64], tried: set[tuple[int, int]]
) -> tuple[tuple[int, int], ...]:
    """The one swap that promises most, of those not tried."""
    useless = np.argsort(cost, kind="stable")[:SHORTLIST]
    worth = np.argsort(-gain, kind="stable")[:SHORTLIST]
    promise = np.where(gain[worth] > 0, gain[worth] - cost[useless, None], -np.inf)
    promise[useless[:, None] == worth] = -np.inf
    for i in np.argsort(-promise, axis=None, kind="stable"):
        a, b = divmod(int(i), len(worth))
        if promise[a, b] == -np.inf:
            break
        if (swap := (int(useless[a]), int(worth[b]))) not in tried:
            return (swap,)
    return ()


def _swaps(
    centers: Floats, cost: NDArray[np.float64], gain: NDArray[np.float64], many: int
) -> tuple[tuple[int, int], ...]:
    """Up to ``many`` swaps that leave each other alone: the least useful to the most worth it."""
    swaps: list[tuple[int, int]] = []
    splittable = [c for c in np.argsort(-gain, kind="stable")[::-1].tolist() if gain[c] > 0]
    # Neither removed nor split nor left to take over a removed neighbour's points.
    kept = [True] * len(centers)
    for useless in np.argsort(cost, kind="stable").tolist():
        if len(swaps) == many:
            break
        while splittable and not kept[splittable[-1]]:
            splittable.pop()
        worth = next((c for c in reversed(splittable) if kept[c] and c != useless), None)
        if kept[useless] and worth is not None:
            swaps.append((useless, worth))
            for c in (useless, worth, _kernels.neighbor(centers, useless)):
                kept[c] = False
    return tuple(swaps)
