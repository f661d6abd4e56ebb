"""K-means: assign points to their nearest center, move centers to the mean of their points, repeat.

The loop, the search above it and most starts are C++, in kernels/clustering: here is what they are
asked for and what comes out. Nothing here knows of color.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tinct import _kernels
from tinct.checks import as_kernels_take, flag, function, number, numbers, threads_taken, whole
from tinct.clustering.arguments import Floats, centers_taken, points_taken, weights_taken
from tinct.clustering.frame import framed, level_of
from tinct.clustering.memory import refuse_without_room
from tinct.clustering.sources import source_of
from tinct.clustering.starts import STARTS

__all__ = ["INITS", "Iteration", "KMeansResult", "assign", "kmeans", "update"]

if TYPE_CHECKING:  # numpy.random loads only where it is used
    Init = str | ArrayLike | Callable[[Floats, int, np.random.Generator], ArrayLike]

INITS = tuple(STARTS)


@dataclass(frozen=True, slots=True, eq=False)
class Iteration:
    """One iteration as data: the assignment to ``centers`` (k, d), before they move.

    ``labels`` (n,) int32 and ``inertia``, the weighted sum of squared distances, are to those
    centers. ``empty`` are the clusters no point was assigned to, ``filled`` the points that these
    took as their new centers, in the order of ``empty``: fewer when no point was left that a center
    did not already serve exactly. ``swapped`` are moves of the search over the points that helped,
    just before this iteration: (center removed, cluster split in its favour). A search over the
    summary leaves no trace.
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

    ``centers`` (k, d) are in the dtype of the points, ``labels`` (n,) int32 each point's nearest
    center, counted from 0. ``inertia`` is the weighted sum of squared distances from the points to
    their centers. ``n_iter`` counts iterations over the points, those of the search left out;
    ``converged``: the run stopped by itself rather than at ``max_iter``. ``history`` holds every
    iteration when ``record`` asked for it.
    """

    centers: Floats = field(repr=False)
    labels: NDArray[np.int32] = field(repr=False)
    inertia: float
    n_iter: int
    converged: bool
    history: tuple[Iteration, ...] = field(default=(), repr=False)


def kmeans(
    points: ArrayLike | Any,
    k: int,
    *,
    weights: ArrayLike | Any = None,
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

    ValueError for anything out of range, with the name, the value and what is allowed. Points must
    lie within ±1e120 (float32: ±1e15), and weights be so small that the inertia is a number.

    Parameters
    ----------
    points : (n, d) array of float32 or float64
        Other numbers are taken as float64. NaN and infinity are refused. Or data in parts that need
        not fit memory: a Dask array or DataFrame; the path or URL of Parquet files, or of an NPY
        file; a large ``numpy.memmap``; batches, as a list of tables or a function that returns an
        iterator. See the notes.
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
        inertia falls (after Fritzke, arXiv 2006.15666). 1 searches mostly on a summary of the
        points, 2 and more on the points themselves, each longer. Where there are up to 256 points
        for each center single ones are moved, too (Hartigan 1975). From the same start more effort
        never ends higher. By default 1 with the divisive start and 0 with any other.
    record : bool
        Keep every iteration in ``history``.
    threads : int, optional
        By default as many as the machine has and the work is worth. They change no result.
    callback : callable, optional
        Called with each `Iteration`; the run stops when it returns ``True``.

    Notes
    -----
    Data in parts are looked at part by part, on Dask's workers or by ``threads`` here; they are
    kept if they fit, and loaded again for each step if not. The start and the search run on
    summaries of the parts, joined, and so does ``"k-means++"``; then all parts iterate. The same
    parts in the same order give the same bits on any number of workers, kept or not. ``weights``
    come in the same parts, of Parquet as the name of a column. ``labels`` are a Dask array for
    Dask's data, an array for a mapped file, else an iterable that computes an array for each part;
    an `Iteration` has none.

    Examples
    --------
    >>> points = [[1.0, 1.0], [1.2, 0.8], [8.0, 8.0], [8.2, 7.9]]
    >>> run = kmeans(points, 2)
    >>> run.centers[run.labels[0]]
    array([1.1, 0.9])
    """
    source = source_of(points, weights)
    if source is not None:
        if flag("record", record):
            raise ValueError("record must be False for data in parts: it keeps all labels")
        from tinct.clustering.scattered import kmeans_scattered

        how: dict[str, Any] = {"init": init, "seed": seed, "max_iter": max_iter, "tol": tol}
        how |= {"effort": effort, "threads": threads, "callback": callback}
        return kmeans_scattered(source, k, **how)
    x, largest = points_taken(points)
    w, low = weights_taken(weights, len(x))
    k = whole("k", k, 1, len(x), "the number of points")
    settings = settings_taken(init, seed, max_iter, tol, effort, threads, callback)
    record = flag("record", record)
    start, draws = _start(x, w, k, init, seed)
    ws = None if w is None else [w]
    (x,), frame = framed([x], largest, ws, low, start, level_of(ws, low, x.shape[1], largest))
    history: list[Iteration] = []

    def watch(*seen: Any) -> bool:
        iteration = Iteration(*frame.restored(*seen))
        if record:
            history.append(iteration)
        return callback is not None and callback(iteration) is True

    found = _kernels.kmeans(
        x,
        None if w is None else frame.weights_into(w),
        k,
        None if start is None else frame.into(start),
        draws,
        frame.seen_offset(),
        *settings,
        watch if record or callback is not None else None,
    )
    return KMeansResult(*frame.restored(*found, tuple(history)))


def assign(
    points: ArrayLike, centers: ArrayLike, *, threads: int | None = None
) -> tuple[NDArray[np.int32], Floats]:
    """Cluster assignment: the nearest of (k, d) centers to every one of (n, d) points.

    Labels, (n,) int32 counted from 0, of equally near centers the lowest; and squared distances in
    the dtype of the points. `threads` as in `kmeans`, and so are errors.

    >>> assign([[0.0, 0.0], [3.0, 4.0]], [[0.0, 0.0], [9.0, 9.0]])
    (array([0, 0], dtype=int32), array([ 0., 25.]))
    """
    x, largest = points_taken(points)
    c = centers_taken(centers, x)
    (x,), frame = framed([x], largest, None, 1, c)
    labels, squared = _kernels.assign(x, frame.into(c), threads_taken(threads))
    return labels, np.ldexp(squared, 2 * frame.exponent) if frame.exponent else squared


def update(
    points: ArrayLike, labels: ArrayLike, k: int, *, weights: ArrayLike | None = None
) -> Floats:
    """Move centroid: the weighted mean of each cluster's points, labelled 0 to k - 1.

    (k, d) in the dtype of the points; a row of NaN for a cluster without points. Errors as in
    `kmeans`.

    >>> update([[0.0], [2.0], [9.0]], [0, 0, 1], 2).tolist()
    [[1.0], [9.0]]
    """
    x, largest = points_taken(points)
    w, low = weights_taken(weights, len(x))
    k = whole("k", k, 1, 2**31 - 1)
    labels = numbers("labels", labels)
    if labels.shape != (len(x),) or labels.dtype.kind not in "iu":
        raise ValueError(f"labels must be {len(x)} whole numbers, one per point")
    if labels.min() < 0 or labels.max() >= k:
        raise ValueError(f"labels must be 0..{k - 1}, not {labels.min()}..{labels.max()}")
    refuse_without_room(32 * 8 * k * (x.shape[1] + 2), k, x.shape[1])  # a sum for each of 32 chunks
    (x,), frame = framed([x], largest, None if w is None else [w], low, None)
    if w is not None:
        frame.level = math.frexp(float(w.max()))[1]
        w = frame.weights_into(w)
    return frame.back(_kernels.update(x, w, labels.astype(np.int32), k))


def settings_taken(
    init: Init,
    seed: int,
    max_iter: int,
    tol: float,
    effort: int | None,
    threads: int | None,
    callback: object,
) -> tuple[int, float, int, int, int]:
    """The numbers of a run as the kernels take them, or refused by name."""
    if effort is None:
        effort = int(isinstance(init, str) and init == "divisive")
    function("callback", callback)
    most = min(whole("max_iter", max_iter, 1), 2**31 - 1)
    return most, float(number("tol", tol, 0)), *as_kernels_take(effort, seed, threads)


def _start(
    x: Floats, w: NDArray[np.float64] | None, k: int, init: Init, seed: int
) -> tuple[Floats | None, NDArray[np.float64] | None]:
    """Centers to start from, or the draws of k-means++, or neither for the divisive start."""
    if isinstance(init, str):
        if init not in STARTS:
            raise ValueError(
                f"init must be one of {', '.join(INITS)}, an array or a callable, not {init!r}"
            )
        chosen, draws = STARTS[init](x, w, k, seed)
        return None if chosen is None else x[chosen], draws
    given = init(x, k, np.random.default_rng(seed)) if callable(init) else init
    centers = centers_taken(given, x, "init")
    if len(centers) != k:
        raise ValueError(f"init must hold {k} centers, not {len(centers)}")
    return centers, None
