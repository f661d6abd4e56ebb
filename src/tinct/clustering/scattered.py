"""K-means over points that no memory need hold, in parts here or on the workers of Dask.

What is asked of a part depends on the part and the question alone: sums are taken anew in each
step. So parts may be kept or loaded again for each step, move to another worker or be lost and
made again, and the bits stay.
"""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial, reduce
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tinct import _kernels
from tinct.checks import cores, whole
from tinct.clustering.arguments import Floats, centers_taken, points_taken, weights_taken
from tinct.clustering.frame import Extent, Frame
from tinct.clustering.kmeans import Iteration, KMeansResult, assign, kmeans, settings_taken
from tinct.clustering.memory import memory
from tinct.clustering.partitions import Served, served_merged, share, spreads_merged
from tinct.clustering.sources import Source
from tinct.clustering.starts import STARTS

__all__ = ["WIDE", "folded", "kmeans_scattered"]

Doubles = NDArray[np.float64]
WIDE = 16  # answers that are merged at once, into one for the next level


class Held:
    """The points of a part, and the kernels' partition of them, made when it is first asked."""

    def __init__(self, x: Any, w: Any = None) -> None:
        self.x, self.w, self.k = np.asarray(x), w, 0
        self.partition: Any = None

    def __reduce__(self) -> tuple[Any, ...]:
        return Held, (self.x, self.w)

    def __sizeof__(self) -> int:  # what Dask believes; the partition has a copy, labels and bounds
        return held_bytes(*self.x.shape, self.x.itemsize)

    def extent(self) -> Extent | None:
        """What these points span, once they are found to be points; None if there are none."""
        if len(self.x) == 0:
            return None
        x, _ = points_taken(self.x)
        w = None if self.w is None else np.asarray(self.w, np.float64)
        if w is not None and w.any():  # a part may weigh nothing, as long as another does
            w, _ = weights_taken(w, len(x))
        return Extent.of(x, w)

    def framed(self, frame: Frame, dtype: str) -> Any:
        """The kernels' partition of them, in the frame of all."""
        if self.partition is None:
            x = frame.into(np.ascontiguousarray(self.x, dtype))
            w = None if self.w is None else frame.weights_into(np.asarray(self.w, np.float64))
            self.partition = _kernels.Partition(x, w, 1)
        return self.partition

    def stepped(self, seen: tuple[Frame, str], centers: Floats, kept: bool) -> list[Any]:
        """Sums around these centers, whatever came before; and inertia, if it can't wait."""
        partition = self._at(seen, centers)
        partition.recount()
        return [partition.sums(), np.float64(0 if kept else partition.inertia())]

    def inertia(self, seen: tuple[Frame, str], centers: Floats) -> list[Any]:
        """Around these centers."""
        return [np.float64(self._at(seen, centers).inertia())]

    def residuals(self, seen: tuple[Frame, str], at: Floats, centers: Floats) -> list[Any]:
        """As `Partition` has it, of the labels that centers `at` give."""
        return [self._at(seen, at).residuals(centers)]

    def worst_served(self, seen: tuple[Frame, str], at: Floats, count: int, first: int) -> Served:
        """As `Partition` has it, counted among all points."""
        x, index, *rest = self._at(seen, at).worst_served(count)
        return x, index + first, *rest

    def drawn(self, dtype: str, k: int, seed: int, part: int) -> list[Any]:
        """The first k + 1 different rows by a weighted draw, and when they arrive."""
        arrival = np.random.default_rng([seed, part]).standard_exponential(len(self.x))
        if self.w is not None:
            far = np.full(len(self.x), np.inf)
            arrival = np.divide(arrival, self.w, out=far, where=np.asarray(self.w) > 0)
        order = np.argsort(arrival, kind="stable")
        order = order[np.isfinite(arrival[order])]
        return _earliest([[np.ascontiguousarray(self.x[order], dtype), arrival[order]]], k)

    def _at(self, seen: tuple[Frame, str], centers: Floats) -> Any:
        partition = self.framed(*seen)
        if self.k != len(centers):
            partition.start(len(centers))
            self.k = len(centers)
        partition.step(centers)
        return partition

    def spread(self, seen: tuple[Frame, str]) -> Doubles:
        """As `Partition` has it."""
        return self.framed(*seen).spread()  # type: ignore[no-any-return]

    def summary(self, seen: tuple[Frame, str], most: int) -> list[Any]:
        """As `Partition` has it."""
        return list(self.framed(*seen).summary(most))


def held_bytes(n: int, d: int, itemsize: int) -> int:
    """About as many as `Held` takes."""
    return n * (3 * d * itemsize + 28)


Merge = Callable[[Sequence[Any]], Any]


def folded(answers: Sequence[Any], merge: Merge) -> Any:
    """Merge in a tree whose shape the number of answers alone decides."""
    while len(answers) > 1:
        answers = [merge(answers[i : i + WIDE]) for i in range(0, len(answers), WIDE)]
    return answers[0]


def _added(answers: Sequence[list[Any]]) -> list[Any]:
    return [reduce(np.add, column) for column in zip(*answers, strict=True)]


def _concatenated(answers: Sequence[list[Any]]) -> list[Any]:
    return [np.concatenate(column) for column in zip(*answers, strict=True)]


def _earliest(answers: Sequence[list[Any]], k: int) -> list[Any]:
    rows, arrival = _concatenated(answers)
    order = np.argsort(arrival, kind="stable")
    chosen: dict[bytes, int] = {}
    for i in order:
        chosen.setdefault(rows[i].tobytes(), int(i))
        if len(chosen) > k:
            break
    kept = list(chosen.values())
    return [rows[kept], arrival[kept]]


class Here:
    """Parts of this process, a few of them in memory at a time or all."""

    def __init__(self, source: Source, threads: int) -> None:
        self.loads: Callable[[], Iterable[Any]] = source.loads
        self.pool, self.threads = ThreadPoolExecutor(threads), threads
        self.empty: frozenset[int] = frozenset()
        self.kept = False

    def leave_out(self, empty: frozenset[int]) -> None:
        """Never ask these parts again."""
        self.empty = empty

    def keep(self, size: int) -> None:
        """Load all parts for good, if so many bytes fit."""
        if size < memory() // 2:
            kept = [Held(*load()) for load in self.loads()]
            self.loads, self.kept = lambda: kept, True

    def ask(self, method: str, *given: Any, each: Iterable[tuple[Any, ...]] | None = None) -> Any:
        """The answers of all parts, in their order."""
        return list(self._asked(method, given, each))

    def merged(self, merge: Merge, method: str, *given: Any, each: Any = None) -> Any:
        """The answers of all parts, merged."""
        return folded(self.ask(method, *given, each=each), merge)

    def _asked(self, method: str, given: tuple[Any, ...], each: Any) -> Iterator[Any]:
        waiting: deque[Future[Any]] = deque()
        more = None if each is None else iter(each)
        try:
            for i, load in enumerate(self.loads()):
                if i in self.empty:
                    continue
                own = () if more is None else next(more)
                waiting.append(self.pool.submit(_answer, load, method, given, own))
                if len(waiting) > self.threads:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()

    def close(self) -> None:
        """Let the threads go."""
        self.pool.shutdown()


def _answer(part: Any, method: str, given: tuple[Any, ...], own: tuple[Any, ...] = ()) -> Any:
    held = part if isinstance(part, Held) else Held(*part())
    return getattr(held, method)(*given, *own)


class OnDask:
    """Parts that lie where Dask has them; answers are merged there, and one comes back."""

    def __init__(self, source: Source) -> None:
        from dask import delayed

        self.delayed: Any = delayed
        if source.lazy is None:
            made = [self.delayed(_held, pure=False)(load) for load in source.loads()]
        else:
            chunks = source.lazy.to_delayed().ravel()
            ws = repeat_none(len(chunks)) if source.weights is None else source.weights.to_delayed()
            pairs = zip(chunks, ws, strict=True)
            made = [self.delayed(Held, pure=False)(x, w) for x, w in pairs]
        self.parts: Any = made
        self.kept = False

    def leave_out(self, empty: frozenset[int]) -> None:
        """Never ask these parts again."""
        self.parts = [part for i, part in enumerate(self.parts) if i not in empty]

    def keep(self, size: int) -> None:
        """Keep all parts where they are, if so many bytes fit the workers or this process."""
        from dask import persist

        client = default_client()
        room = memory()
        if client is not None:
            workers = client.scheduler_info(n_workers=-1)["workers"].values()
            room = sum(one["memory_limit"] or room for one in workers)
        if size < room // 2:
            self.parts, self.kept = persist(*self.parts), True

    def ask(self, method: str, *given: Any, each: Any = None) -> Any:
        """The answers of all parts, in their order."""
        from dask import compute

        return compute(*self._asked(method, given, each))

    def merged(self, merge: Merge, method: str, *given: Any, each: Any = None) -> Any:
        """The answers of all parts, merged where they are."""
        return folded(self._asked(method, given, each), self.delayed(merge, pure=False)).compute()

    def _asked(self, method: str, given: tuple[Any, ...], each: Any) -> list[Any]:
        ask, shared = self.delayed(_answer, pure=False), self.delayed(given, traverse=False)
        owns = repeat_none(len(self.parts)) if each is None else each
        pairs = zip(self.parts, owns, strict=True)
        return [ask(part, method, shared, own or ()) for part, own in pairs]

    def close(self) -> None:
        """Let the parts go."""
        self.parts = ()


def _held(load: Any) -> Held:
    return Held(*load())


def repeat_none(count: int) -> list[None]:
    """So many times nothing."""
    return [None] * count


def default_client() -> Any:
    """The client of Dask that is at work, if there is one."""
    distributed = sys.modules.get("distributed")
    if distributed is None:
        return None
    try:
        return distributed.default_client()
    except ValueError:
        return None


class Scattered:
    """All parts in the place of one partition, as `kmeans_over` of the kernels asks it."""

    def __init__(self, where: Any, sizes: list[int], extent: Extent, frame: Frame) -> None:
        self.where, self.sizes, self.frame = where, sizes, frame
        self.n, self.d, self.dtype = extent.n, len(extent.low), str(extent.low.dtype)
        self.seen = (frame, self.dtype)
        self.at: Any = None

    def start(self, k: int) -> None:
        """Nothing to make ready."""

    def step(self, centers: Floats) -> int:
        """Take sums and inertia anew; as if labels always changed: sums that stay say when not."""
        self.at = np.array(centers)
        given = self.seen, self.at, self.where.kept
        self._sums, self._inertia = self.where.merged(_added, "stepped", *given)
        return 1

    def sums(self) -> Doubles:  # noqa: D102
        return self._sums  # type: ignore[no-any-return]

    def recount(self) -> None:
        """They are never but anew."""

    def labels(self) -> NDArray[np.int32]:
        """None on the way: they are made when they are asked for."""
        return np.empty(0, np.int32)

    def inertia(self) -> float:  # noqa: D102
        if self.where.kept:
            return float(self.where.merged(_added, "inertia", self.seen, self.at)[0])
        return float(self._inertia)

    def residuals(self, centers: Floats) -> Doubles:  # noqa: D102
        given = self.seen, self.at, np.array(centers)
        return self.where.merged(_added, "residuals", *given)[0]  # type: ignore[no-any-return]

    def spread(self) -> Doubles:  # noqa: D102
        return self.where.merged(spreads_merged, "spread", self.seen)  # type: ignore[no-any-return]

    def worst_served(self, count: int) -> Served:  # noqa: D102
        each = [(int(first),) for first in np.cumsum([0, *self.sizes[:-1]])]
        given = self.seen, self.at, count
        merge = partial(served_merged, count=count)
        return self.where.merged(merge, "worst_served", *given, each=each)  # type: ignore[no-any-return]

    def summary(self, most: int) -> tuple[Floats, Doubles]:  # noqa: D102
        each = [(share(n, most, self.n),) for n in self.sizes]
        points, weights = self.where.merged(_concatenated, "summary", self.seen, each=each)
        return points, weights


def kmeans_scattered(
    source: Source,
    k: int,
    *,
    init: Any,
    seed: int,
    max_iter: int,
    tol: float,
    effort: int | None,
    threads: int | None,
    callback: Callable[[Iteration], object] | None,
) -> KMeansResult:
    """`kmeans` over the parts of a source; what it says of them is said there."""
    settings = settings_taken(init, seed, max_iter, tol, effort, threads, callback)
    there = source.lazy is not None or (source.spread and default_client() is not None)
    where: Any = OnDask(source) if there else Here(source, settings[-1] or cores())
    try:
        points, start = _begin(where, k, init, seed, settings[2])

        def watch(*seen: Any) -> bool:
            return (
                callback is not None and callback(Iteration(*points.frame.restored(*seen))) is True
            )

        offset = points.frame.seen_offset()
        centers, *found = _kernels.kmeans_over(
            points,
            k,
            None if start is None else points.frame.into(start),
            np.empty(0, points.dtype) if offset is None else offset,
            *settings[:-1],
            None if callback is None else watch,
        )
    finally:
        where.close()
    centers, _, *found = points.frame.restored(centers, None, *found)
    labels = source.mapped(partial(labels_of, centers=centers), np.int32)
    return KMeansResult(centers, labels, *found)


def labels_of(x: Any, centers: Floats) -> NDArray[np.int32]:
    """The nearest center of each row, of which there may be none."""
    return assign(_rows(x, centers), centers, threads=1)[0] if len(x) else np.empty(0, np.int32)


def _rows(x: Any, centers: Floats) -> NDArray[Any]:
    """In the dtype of all points: one part of float64 among others of float32 makes all so."""
    return np.asarray(x, None if centers.dtype == np.float32 else np.float64)


def _begin(
    where: Any, k: int, init: Any, seed: int, effort: int
) -> tuple[Scattered, Floats | None]:
    """The points in their frame, and where their centers start."""
    if isinstance(init, str) and init not in STARTS:
        raise ValueError(f"init must be one of {', '.join(STARTS)} or an array, not {init!r}")
    extents = where.ask("extent")
    some = [one for one in extents if one is not None]
    if not some:
        raise ValueError("points must have rows: all parts are empty")
    widths = sorted({len(one.low) for one in some})
    if len(widths) > 1:
        raise ValueError(f"points must have the same number of columns in all parts, not {widths}")
    where.leave_out(frozenset(i for i, one in enumerate(extents) if one is None))
    extent = Extent.merged(some)
    if extent.weights[2] == 0:
        raise ValueError("weights must not all be 0")
    k = whole("k", k, 1, extent.n, "the number of points")
    dtype = extent.low.dtype
    where.keep(held_bytes(extent.n, widths[0], dtype.itemsize))
    sizes = [one.n for one in some]
    start = None if isinstance(init, str) else centers_taken(init, extent.low[None], "init")
    if start is not None and len(start) != k:
        raise ValueError(f"init must hold {k} centers, not {len(start)}")
    if isinstance(init, str) and init == "random":
        each = [(i,) for i in range(len(sizes))]
        start = where.merged(partial(_earliest, k=k), "drawn", str(dtype), k, seed, each=each)[0]
        if len(start) <= k:
            raise ValueError(
                f"k must be below the number of different points, {len(start)}, "
                f"to draw k of them at random, not {k}"
            )
        start = start[:k]
    points = Scattered(where, sizes, extent, extent.frame(start))
    if isinstance(init, str) and init == "k-means++":
        few, masses = points.summary(max(1024, 64 * k) * 8)
        how = {"init": init, "seed": seed, "effort": effort}
        start = points.frame.back(kmeans(few, k, weights=masses, **how).centers)
    return points, start
