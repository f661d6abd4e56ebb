"""K-means on rows that stay sparse: what `tinct.KMeans` asks the kernels in sparse.hpp for.

Memory beyond the rows themselves: the centers twice, and some numbers for each row and each column.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinct import _kernels
from tinct.checks import as_kernels_take
from tinct.clustering.kmeans import Iteration, KMeansResult
from tinct.clustering.memory import refuse_without_room
from tinct.clustering.starts import STARTS

Floats = NDArray[np.floating[Any]]


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """CSR as the kernels take it: columns rising in each row, no number 0."""

    start: NDArray[np.int64]
    columns: NDArray[np.int32]
    values: Floats
    features: int

    @classmethod
    def of(cls, X: Any) -> Table:
        """A SciPy CSR matrix or array, itself never modified; copied only where it must be."""
        X.check_format(full_check=True)  # the kernels trust the columns
        if not X.has_canonical_format or not X.data.all():
            X = X.copy()
            X.sum_duplicates()
            X.eliminate_zeros()
        if X.shape[1] >= 2**31:
            raise ValueError(
                f"sparse samples must have fewer than 2**31 features, not {X.shape[1]}"
            )
        largest = _largest(X.data)
        low, high = (0, 1e15) if X.dtype == np.float32 else (1e-120, 1e120)
        if not (largest == 0 or low <= largest <= high):  # squares must neither overflow nor vanish
            raise ValueError(
                f"the largest number of {X.dtype} samples must lie within {low:g}..{high:g}, "
                f"not be {largest:g}"
            )
        ints = X.indptr.astype(np.int64, copy=False), X.indices.astype(np.int32, copy=False)
        return cls(*ints, X.data, X.shape[1])

    def take(self, rows: NDArray[np.int64]) -> Table:
        """Some of the rows."""
        counts = np.diff(self.start)[rows]
        start = np.append(0, np.cumsum(counts))
        at = np.repeat(self.start[rows] - start[:-1], counts) + np.arange(start[-1])
        return Table(start, self.columns[at], self.values[at], self.features)

    def dense(self) -> Floats:
        """All of it, (n, features)."""
        out = np.zeros((len(self.start) - 1, self.features), self.values.dtype)
        out[np.repeat(np.arange(len(out)), np.diff(self.start)), self.columns] = self.values
        return out


def merge(
    table: Table, weights: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """Equal rows of weight > 0 as one of their joint weight, in an order of their values alone.

    Each sample's row (-1: its weight is 0), each row's first sample, each row's weight.
    """
    largest = max(1.0, _largest(table.values))
    if not weights.sum() < 1e300 / largest**2:
        raise ValueError(f"sample_weight must add up to less than {1e300 / largest**2:.3g}")
    # The raw stream of a bit generator is the same in every version of NumPy.
    random = np.asarray(np.random.PCG64(0).random_raw(table.features))
    arrays = table.start, table.columns, table.values
    return _kernels.sparse_merge(*arrays, weights, random)


def kmeans(
    table: Table,
    rows: NDArray[np.int64],
    weights: NDArray[np.float64],
    k: int,
    *,
    init: str | Floats,
    seed: int,
    max_iter: int,
    tol: float,
    effort: int,
    threads: int | None,
    callback: Callable[[Iteration], object] | None = None,
) -> KMeansResult:
    """As `tinct.kmeans`, of different rows of a table, of weight > 0; labels are one per row."""
    start, chosen, draws = None, None, None
    if isinstance(init, str):
        chosen, draws = STARTS[init](rows, weights, k, seed)
    else:
        start = np.ascontiguousarray(init, table.values.dtype)

    def watch(*seen: Any) -> bool:
        return callback is not None and callback(Iteration(*seen)) is True

    found = _kernels.sparse_kmeans(
        *(table.start, table.columns, table.values, table.features),
        rows,
        weights,
        k,
        start,
        chosen,
        draws,
        min(max_iter, 2**31 - 1),
        float(tol),
        *as_kernels_take(effort, seed, threads),
        None if callback is None else watch,
    )
    return KMeansResult(*found)


def assign(
    table: Table, centers: Floats, threads: int | None = None
) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
    """Nearest center of every row, and squared distances to it."""
    arrays = table.start, table.columns, table.values
    centers = np.ascontiguousarray(centers, table.values.dtype)
    return _kernels.sparse_assign(*arrays, centers, as_kernels_take(0, 0, threads)[2])


def distances(table: Table, centers: Floats, threads: int | None = None) -> Floats:
    """Distances of all rows to all centers, (n, k)."""
    arrays = table.start, table.columns, table.values
    centers = np.ascontiguousarray(centers, table.values.dtype)
    return _kernels.sparse_distances(*arrays, centers, as_kernels_take(0, 0, threads)[2])


def check_room(k: int, features: int, itemsize: int) -> None:
    """Refuse centers that memory can't hold: there are two copies, one padded to 64 bytes."""
    size = features * (-(-k * itemsize // 64) * 64 + k * itemsize)
    refuse_without_room(size, k, features, ": TruncatedSVD makes fewer features")


def _largest(values: Floats) -> float:
    return max(-float(values.min(initial=0)), float(values.max(initial=0)))
