"""Points of a part, what is asked of them, and where parts lie: here, or on the workers of Dask.

What is asked of a part depends on the part and the question alone: sums are taken anew in each
step. So parts may be kept or loaded again for each step, move to another worker or be lost and
made again, and the bits stay.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import reduce
from itertools import repeat
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinct import _kernels
from tinct.clustering.arguments import Floats, points_taken, weights_taken
from tinct.clustering.frame import Extent, Frame
from tinct.clustering.kmeans import assign
from tinct.clustering.memory import memory
from tinct.clustering.partitions import Served, share
from tinct.clustering.sources import Source, default_client, windowed

__all__ = [
    "Held",
    "Here",
    "OnDask",
    "added",
    "coarsened",
    "concatenated",
    "default_client",
    "earliest",
    "folded",
]

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
        return held_bytes(len(self.x), self.x.shape[1], self.x.itemsize)

    def extent(self, part: int) -> Extent | None:
        """What these points span, once they are found to be points; None if there are none."""
        if len(self.x) == 0:
            return None
        w = None if self.w is None else np.asarray(self.w, np.float64)
        try:
            x, _ = points_taken(self.x)
            if w is not None and (w.any() or w.shape != x.shape[:1]):
                weights_taken(w, len(x))  # a part may weigh nothing, as long as another does
        except ValueError as error:
            raise ValueError(f"part {part}: {error}") from None
        return Extent.of(x, w)

    def moments(self, part: int) -> tuple[Extent, Doubles] | None:
        """Their extent; and of each column the mean, the squares around it, then their number."""
        extent = self.extent(part)
        if extent is None:
            return None
        columns = [np.asarray(column, np.float64) for column in self.x.T]
        means = [column.mean() for column in columns]
        squares = [float(((c - mean) ** 2).sum()) for c, mean in zip(columns, means, strict=True)]
        return extent, np.array([*means, *squares, len(self.x)])

    def sampled(self, most: int, rows: int, seed: int, part: int) -> NDArray[Any]:
        """Of so many rows of all parts at most so many, drawn: this part's share, as they lie."""
        if rows <= most or len(self.x) == 0:
            return np.asarray(self.x)
        n = share(len(self.x), most, rows)
        drawn = np.random.default_rng([seed, part]).choice(len(self.x), n, replace=False)
        return np.asarray(self.x[np.sort(drawn)])

    def served(self, centers: Floats) -> float:
        """Their inertia around centers that nobody moves."""
        if len(self.x) == 0:
            return 0.0
        squared = assign(rows_for(self.x, centers), centers, threads=1)[1].astype(np.float64)
        return float(squared.sum() if self.w is None else squared @ np.asarray(self.w, np.float64))

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
        return earliest([[np.ascontiguousarray(self.x[order], dtype), arrival[order]]], k)

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


def added(answers: Sequence[list[Any]]) -> list[Any]:
    """Answers that are merged by sums."""
    return [reduce(np.add, column) for column in zip(*answers, strict=True)]


def concatenated(answers: Sequence[list[Any]]) -> list[Any]:
    """Answers that are kept, one after the other."""
    return [np.concatenate(column) for column in zip(*answers, strict=True)]


def coarsened(answers: Sequence[list[Any]], most: int) -> list[Any]:
    """Summaries in cells as one of at most so many."""
    points, weights = concatenated(answers)
    return list(_kernels.Partition(points, weights, 1).summary(most))


def earliest(answers: Sequence[list[Any]], k: int) -> list[Any]:
    """Of rows and their times the first k + 1 different ones."""
    rows, arrival = concatenated(answers)
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
        kept = (load for i, load in enumerate(self.loads()) if i not in self.empty)
        owns = repeat(()) if each is None else each
        asked = ((load, method, given, own) for load, own in zip(kept, owns, strict=False))
        return windowed(self.pool.submit, _answer, asked, self.threads)

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
            ws = [None] * len(chunks) if source.weights is None else source.weights.to_delayed()
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
        owns = [()] * len(self.parts) if each is None else each
        pairs = zip(self.parts, owns, strict=False)
        return [ask(part, method, shared, own) for part, own in pairs]

    def close(self) -> None:
        """Let the parts go."""
        self.parts = ()


def _held(load: Any) -> Held:
    return Held(*load())


def rows_for(x: Any, centers: Floats) -> NDArray[Any]:
    """In the dtype of all points: one part of float64 among others of float32 makes all so."""
    return np.asarray(x, None if centers.dtype == np.float32 else np.float64)
