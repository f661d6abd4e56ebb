"""K-means: assign points to their nearest center, move centers to the mean of their points, repeat.

The loop, the search above it and most starts are C++, in kmeans.hpp: here is what they are asked
for and what comes out. Nothing here knows of color.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tinct import _kernels
from tinct.checks import as_kernels_take, flag, function, number, numbers, threads_taken, whole

__all__ = ["Iteration", "KMeansResult", "assign", "kmeans", "update"]

Floats = NDArray[np.floating[Any]]
if TYPE_CHECKING:  # numpy.random loads only where it is used
    Init = str | ArrayLike | Callable[[Floats, int, np.random.Generator], ArrayLike]

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
        How much each point counts, none negative. A weight of 3 equals three copies of the point;
        one below 1e-120 of the largest counts as that.
    init : {"divisive", "k-means++", "random"}, (k, d) array or callable
        Where the centers start. ``"divisive"`` draws nothing at random: it splits the cluster that
        gains most, along its longest axis, until there are k (Linde, Buzo, Gray 1980).
        ``"k-means++"`` is the greedy form of Arthur and Vassilvitskii 2007 with 2 + ln k
        candidates. ``"random"`` takes k different training examples; there must be more than k. A
        callable is called as ``init(points, k, rng)``.
    seed : int
        The draws of a start come from ``numpy.random.default_rng(seed)``, those of the search from
        a generator of its own, seeded with it.
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
        For anything out of range, with the name, the value and what is allowed. Points must lie
        within ±1e120 (float32: ±1e15), and weights be so small that the inertia is a number.

    Examples
    --------
    >>> points = [[1.0, 1.0], [1.2, 0.8], [8.0, 8.0], [8.2, 7.9]]
    >>> run = kmeans(points, 2)
    >>> run.labels[0] == run.labels[1] != run.labels[2]
    np.True_
    >>> run.centers[run.labels[0]]
    array([1.1, 0.9])
    """
    x, largest = _points(points)
    w, low = _weights(weights, len(x))
    level = _level(w, low, x.shape[1], largest)
    k = whole("k", k, 1, len(x), "the number of points")
    max_iter = whole("max_iter", max_iter, 1)
    if effort is None:
        effort = int(isinstance(init, str) and init == "divisive")
    how = as_kernels_take(effort, seed, threads)
    tol, record = number("tol", tol, 0, math.inf), flag("record", record)
    callback = function("callback", callback)
    start, draws = _start(x, w, k, init, seed)
    x, frame = _framed(x, largest, None if low > 0 else w, start)
    history: list[Iteration] = []

    def watch(*seen: Any) -> bool:
        iteration = frame.undone(Iteration(*seen), level)
        if record:
            history.append(iteration)
        return callback is not None and callback(iteration) is True

    found = _kernels.kmeans(
        x,
        None if w is None else _leveled(w, level),
        k,
        None if start is None else frame.into(start),
        draws,
        frame.seen_offset(),
        min(max_iter, 2**31 - 1),
        float(tol),
        *how,
        watch if record or callback is not None else None,
    )
    return frame.undone(KMeansResult(*found, tuple(history)), level)


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
    x, largest = _points(points)
    c = _centers(centers, x)
    x, frame = _framed(x, largest, None, c)
    labels, squared = _kernels.assign(x, frame.into(c), threads_taken(threads))
    return labels, np.ldexp(squared, 2 * frame.exponent) if frame.exponent else squared


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
    x, largest = _points(points)
    w, low = _weights(weights, len(x))
    k = whole("k", k, 1, 2**31 - 1)
    labels = numbers("labels", labels)
    if labels.shape != (len(x),) or labels.dtype.kind not in "iu":
        raise ValueError(f"labels must be {len(x)} whole numbers, one per point")
    if labels.min() < 0 or labels.max() >= k:
        raise ValueError(f"labels must be 0..{k - 1}, not {labels.min()}..{labels.max()}")
    x, frame = _framed(x, largest, None if low > 0 else w, None)
    w = None if w is None else _leveled(w, math.frexp(float(w.max()))[1])
    return frame.back(_kernels.update(x, w, labels.astype(np.int32), k))


# ---- the door ------------------------------------------------------------------------------------


def _points(points: ArrayLike) -> tuple[Floats, float]:
    """The points as the kernels take them, and how far the farthest number is from 0."""
    x = numbers("points", points)
    if x.ndim != 2 or 0 in x.shape:
        raise ValueError(f"points must be a table of shape (n, d), not of shape {x.shape}")
    x = np.ascontiguousarray(x, dtype=np.float32 if x.dtype == np.float32 else np.float64)
    largest = _reach(x)
    if not np.isfinite(largest):
        row, column = np.argwhere(~np.isfinite(x))[0]
        raise ValueError(f"points must be finite: row {row}, column {column} is {x[row, column]}")
    check_reach("points", x, largest)
    return x, largest


def _reach(x: Floats) -> float:
    return max(-float(x.min()), float(x.max()))


def check_reach(name: str, x: Floats, largest: float) -> None:
    """Refuse numbers beyond those whose distances can be squared and added up."""
    limit = 1e15 if x.dtype == np.float32 else 1e120  # squares of differences must not overflow
    if largest > limit:
        raise ValueError(f"{name} must lie within ±{limit:g} for {x.dtype}, not reach {largest:g}")


def _weights(
    weights: ArrayLike | None, n: int
) -> tuple[NDArray[np.float64], float] | tuple[None, float]:
    """The weights as the kernels take them, and the least of them."""
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


def _centers(centers: ArrayLike, x: Floats, name: str = "centers") -> Floats:
    c = numbers(name, centers)
    if c.ndim != 2 or len(c) == 0 or c.shape[1] != x.shape[1]:
        raise ValueError(f"{name} must have shape (k, {x.shape[1]}), not {c.shape}")
    c = np.ascontiguousarray(c, dtype=x.dtype)
    if not np.isfinite(c).all():
        raise ValueError(f"{name} must be finite")
    check_reach(name, c, _reach(c))
    return c


# ---- near the origin, and of a size whose squares can be told apart ------------------------------

FAR = 64  # ranges of a column from the origin: from there on it is moved
PLAIN = {"f": (2.0**-24, 2.0**50, 50), "d": (2.0**-128, 2.0**128, 400)}  # sizes left as they are


Seen = TypeVar("Seen", Iteration, KMeansResult)


class _Frame:
    """How the engine sees points: less ``offset``, times 2 to the power of ``-exponent``.

    Far from the origin, compared with their spread, sums and dot products lose the digits that
    tell points apart; squares of very small or large numbers leave the range of floating point.
    Both ways out are exact, so distances, and with them labels, keep every bit.
    """

    def __init__(self, offset: Floats | None, exponent: int) -> None:
        self.offset, self.exponent = offset, exponent

    def into(self, x: Floats) -> Floats:
        x = x if self.offset is None else x - self.offset
        return np.ldexp(x, -self.exponent) if self.exponent else x

    def back(self, centers: Floats) -> Floats:
        centers = np.ldexp(centers, self.exponent) if self.exponent else centers
        return centers if self.offset is None else centers + self.offset

    def seen_offset(self) -> Floats | None:
        """The offset in the engine's size; 0 where only one of a constant column can overflow."""
        if self.offset is None:
            return None
        with np.errstate(over="ignore"):
            seen = np.ldexp(self.offset, -self.exponent)
        return np.where(np.isfinite(seen), seen, 0).astype(seen.dtype)

    def undone(self, seen: Seen, level: int) -> Seen:
        """What was seen in this frame, with weights 2**level times as small."""
        if self.offset is None and not self.exponent and not level:
            return seen
        inertia = math.ldexp(seen.inertia, 2 * self.exponent + level)
        return replace(seen, centers=self.back(seen.centers), inertia=inertia)


def _framed(
    x: Floats, largest: float, w: NDArray[np.float64] | None, centers: Floats | None
) -> tuple[Floats, _Frame]:
    """The points in the frame that suits them, and the centers beside them.

    w are weights of which some are 0: what has none may lie anywhere.
    """
    offset = _offset(x, centers)
    if offset is not None:
        x = x - offset
        largest = _reach(x)
        centers = None if centers is None else centers - offset
    size = largest if w is None else _reach(x[w > 0])
    low, high, most = PLAIN[x.dtype.char]
    exponent = 0
    if size > 0 and not low <= size <= high:
        widest = max(largest, 0 if centers is None else _reach(centers))
        exponent = max(math.frexp(size)[1], math.frexp(widest)[1] - most)
    return _Frame(None, exponent).into(x), _Frame(offset, exponent)


def _offset(x: Floats, centers: Floats | None) -> Floats | None:
    """A number of each column to take away, 0 where it does not lie far from the origin.

    Within a factor of 2 of all numbers of the column: no difference is rounded (Sterbenz).
    """
    # A column that lies far off does so in any two of its rows, and in the first 64.
    apart = np.abs(x[0] - x[len(x) // 2])
    suspects = np.flatnonzero(np.abs(x[0]) > FAR * apart)
    offset = np.zeros(x.shape[1] if len(suspects) else 0, x.dtype)
    for j in suspects:
        for column in (x[:64, j], x[:, j]):
            low, high = column.min(), column.max()
            if not min(abs(low), abs(high)) > FAR * (high - low):
                break
        else:
            middle = low + (high - low) / 2
            given = middle if centers is None else centers[:, j]
            if np.all((given - middle) + middle == given):  # else a start would not be as given
                offset[j] = middle
    return offset if offset.any() else None


def _level(w: NDArray[np.float64] | None, low: float, d: int, largest: float) -> int:
    """The power of 2 that weights are divided by, having seen that no inertia can overflow."""
    if w is None:
        return 0
    with np.errstate(over="ignore"):
        total = float(w.sum())
    most = sys.float_info.max / max(1.0, 4 * d * largest * largest)
    if not total < most:
        raise ValueError(
            f"weights must add up to less than {most:.3g} where points reach {largest:g}, "
            f"not to {total:.3g}: the inertia would overflow"
        )
    low, high = low or float(w[w > 0].min()), float(w.max())
    return 0 if low >= 2.0**-64 and high <= 2.0**64 else math.frexp(high)[1]


def _leveled(w: NDArray[np.float64], level: int) -> NDArray[np.float64]:
    if not level:
        return w
    return np.where(w > 0, np.maximum(np.ldexp(w, -level), 2.0**-400), 0.0)


# ---- where the centers start ---------------------------------------------------------------------


def _start(
    x: Floats, w: NDArray[np.float64] | None, k: int, init: Init, seed: int
) -> tuple[Floats | None, NDArray[np.float64] | None]:
    """Centers to start from, or the draws of k-means++, or neither for the divisive start."""
    if isinstance(init, str) and init == "divisive":
        return None, None
    rng = np.random.default_rng(seed)
    if isinstance(init, str):
        if init == "k-means++":
            # One draw for the first center, 2 + ln k for each other.
            return None, rng.random(1 + (k - 1) * (2 + int(np.log(k))))
        if init == "random":
            return _random(x, w, k, rng), None
        raise ValueError(
            f"init must be one of {', '.join(INITS)}, an array or a callable, not {init!r}"
        )
    centers = _centers(init(x, k, rng) if callable(init) else init, x, "init")
    if len(centers) != k:
        raise ValueError(f"init must hold {k} centers, not {len(centers)}")
    return centers, None


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
