"""The samples of the estimator as the engine gets them: equal rows once, of their joint weight.

In an order that depends on the values alone. So a weight of 3 and three copies are the same fit to
the bit, and neither the order of the rows nor a row of weight 0 plays any part.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import issparse

from tinct.clustering import sparse
from tinct.clustering.arguments import Floats, check_reach
from tinct.clustering.kmeans import Iteration, KMeansResult, assign, kmeans

# Sparse samples that take so few bytes as dense ones, or few times those that they take, are made
# dense: there the dense engine is the faster one.
DENSE_BYTES, DENSE_TIMES = 64 << 10, 2
CACHED_ROWS = 8192  # places of so many rows fit the cache


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """Different rows of the caller's `samples`, each once.

    `points`: each value of a row once, in an order that depends on the values alone, at least as
    many as clusters: copies of weight 0 make up for missing ones. A table: all samples, of which
    `first`, each row's first sample, names those to look at. `weights`: of all samples of that
    value. `of`: the row of each sample, -1 for weight 0. `few`: no more different rows than
    clusters.
    """

    samples: Floats | sparse.Table
    points: Floats | sparse.Table
    weights: NDArray[np.float64]
    of: NDArray[np.int64]
    first: NDArray[np.int64]
    few: bool

    def kmeans(self, k: int, **how: Any) -> KMeansResult:
        """The run over the rows."""
        if isinstance(self.points, sparse.Table):
            return sparse.kmeans(self.points, self.first, self.weights, k, **how)
        return kmeans(self.points, k, weights=self.weights, **how)

    def dense(self, count: int) -> Floats:
        """The first rows, repeated if there are fewer."""
        if isinstance(self.points, sparse.Table):
            return self.points.take(np.resize(self.first, count)).dense()
        return self.points[:count]

    def labels(self, run: KMeansResult | Iteration) -> NDArray[np.int32]:
        """Of all samples."""
        labels = run.labels[self.of]
        left_out = np.flatnonzero(self.of < 0)
        if len(left_out):
            samples = self.samples
            some = (
                samples.take(left_out) if isinstance(samples, sparse.Table) else samples[left_out]
            )
            labels[left_out] = nearest(some, run.centers)[0]
        return labels

    def unfold(self, iteration: Iteration) -> Iteration:
        """An iteration in terms of the samples."""
        filled = tuple(int(self.first[i]) for i in iteration.filled)
        return replace(iteration, labels=self.labels(iteration), filled=filled)


def merge(samples: Floats | sparse.Table, weights: NDArray[np.float64], k: int) -> Rows:
    """Equal rows become one of their joint weight; rows of weight 0 are left out."""
    counted = np.flatnonzero(weights)
    if len(counted) == 0:
        raise ValueError("sample_weight must not be zero for every sample")
    if isinstance(samples, sparse.Table):
        of, first, joint = sparse.merge(samples, weights)
        return Rows(samples, samples, joint, of, first, len(first) <= k)
    x = samples if len(counted) == len(samples) else samples[counted]
    order, new = _order(x)
    first = np.minimum.reduceat(order, np.flatnonzero(new))
    of = np.full(len(samples), -1)
    of[counted[order]] = np.cumsum(new) - 1
    missing = max(0, k - len(first))
    points = np.take(x, np.append(first, np.repeat(first[:1], missing)), axis=0)
    joint = np.bincount(of[counted], weights[counted], len(points)).astype(np.float64)
    return Rows(samples, points, joint, of, counted[first], len(first) <= k)


def _order(x: Floats) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """An order of the rows by their values, and where in it another value begins.

    Along one direction across all features, so that numbers rounded to float32 keep their order.
    Should two different rows fall on one place, the rows themselves are sorted, which takes longer.
    """
    places = _places(x)
    order = np.argsort(places)
    places = places[order]
    new = np.append(True, places[1:] != places[:-1])
    again = np.flatnonzero(~new)
    if (x[order[again]] != x[order[again - 1]]).any():
        order = np.lexsort(x.T)
        new = np.append(True, (x[order[1:]] != x[order[:-1]]).any(axis=1))
    return order, new


def _places(x: Floats) -> NDArray[np.float64]:
    """Where each row lies along an oblique direction, the features scaled to equal ranges.

    Feature by feature, not as a product of matrices: equal rows must get equal bits.
    """
    if x.shape[1] < 8:  # NumPy is ten times slower along a long, thin table
        low, high = (np.array([end(column) for column in x.T], float) for end in (np.min, np.max))
    else:
        low, high = x.min(axis=0).astype(float), x.max(axis=0).astype(float)
    check_reach("samples", x, max(-low.min(), high.max()))
    span = np.where(high > low, np.maximum(high - low, 1e-300), 1)
    # Steps without a common measure, or whole numbers would meet on one place. The raw stream of a
    # bit generator is the same in every version of NumPy.
    steps = (1 + np.asarray(np.random.PCG64(0).random_raw(x.shape[1])) / 2.0**64) / span
    places = np.zeros(len(x))
    for start in range(0, len(x), CACHED_ROWS):
        rows = slice(start, start + CACHED_ROWS)
        for j, step in enumerate(steps):
            places[rows] += (x[rows, j].astype(np.float64) - low[j]) * step
    return places


def engine_takes(X: Any) -> Floats | sparse.Table:
    """The samples as they are, or sparse ones made dense where that costs little memory."""
    if not issparse(X):
        return cast(Floats, X)
    kept = X.data.nbytes + X.indices.nbytes + X.indptr.nbytes
    if X.shape[0] * X.shape[1] * X.dtype.itemsize <= max(DENSE_BYTES, DENSE_TIMES * kept):
        return cast(Floats, X.toarray())
    return sparse.Table.of(X)


def nearest(
    samples: Floats | sparse.Table, centers: Floats, threads: int | None = None
) -> tuple[NDArray[np.int32], Floats]:
    """Labels of the nearest centers, and squared distances to them."""
    if isinstance(samples, sparse.Table):
        return sparse.assign(samples, centers, threads)
    return assign(samples, centers, threads=threads)
