"""General data: the engine beside scikit-learn and faiss, on 1 and 2 threads.

    python -m bench.general [--data DIR] [--repeat 5] [--quick]

The same float32 points, the same start, the same stop (scikit-learn's tol = 1e-4, at most
--iterations); faiss, which knows no tolerance, runs as many iterations as scikit-learn needed.
Whole fits are timed, in turn.
"""

from __future__ import annotations

import argparse
import json
import warnings
from pathlib import Path

import faiss
import numpy as np
from bench.engine import in_turn, show
from sklearn.cluster import KMeans
from sklearn.datasets import load_digits
from threadpoolctl import threadpool_limits

import tinct


def blobs(n, d, k, spread=3.0):
    """K Gaussian clusters whose centers are drawn with `spread` times their own deviation."""
    rng = np.random.default_rng(0)
    centers = rng.normal(size=(k, d)) * spread
    return (centers[rng.integers(k, size=n)] + rng.normal(size=(n, d))).astype(np.float32)


def data_sets(folder, quick):
    yield "blobs", blobs(10**6, 2, 8), 8
    yield "blobs", blobs(10**6, 8, 64), 64
    yield "noise", np.random.default_rng(1).random((10**6, 8), np.float32), 64
    yield "blobs", blobs(2 * 10**5, 32, 256), 256
    yield "blobs, overlapping", blobs(2 * 10**5, 32, 256, 0.5), 256
    if not quick:
        yield "blobs", blobs(10**5, 128, 1000), 1000
        yield "blobs, overlapping", blobs(10**5, 128, 1000, 0.3), 1000
    yield "digits", load_digits().data.astype(np.float32), 10
    birch = folder / "tables" / "uef" / "birch1.csv"
    if birch.exists():
        yield "birch1", np.loadtxt(birch, delimiter=",", dtype=np.float32), 100


def fits(points, k, iterations, threads):
    start = points[np.random.default_rng(2).choice(len(points), k, replace=False)]
    probe = KMeans(k, init=start, n_init=1, max_iter=iterations).fit(points).n_iter_

    def ours():
        return tinct.kmeans(points, k, init=start, max_iter=iterations, threads=threads)

    def sklearn():
        return KMeans(k, init=start, n_init=1, max_iter=iterations).fit(points)

    def with_faiss():
        model = faiss.Kmeans(
            points.shape[1],
            k,
            niter=int(probe),
            max_points_per_centroid=10**9,
            min_points_per_centroid=1,
        )
        model.train(points, init_centroids=start)
        return model

    return {"tinct": ours, "scikit-learn": sklearn, "faiss": with_faiss}


def exact(points, centers):
    """The inertia in float64: scikit-learn adds up its own in float32, 1e-4 off at 1e6 rows."""
    return tinct.assign(points.astype(np.float64), centers.astype(np.float64))[1].sum()


def rows(folder, repeat, iterations, quick):
    for name, points, k in data_sets(folder, quick):
        for threads in (1, 2):
            faiss.omp_set_num_threads(threads)
            with threadpool_limits(threads):
                taken, result = in_turn(fits(points, k, iterations, threads), repeat)
            yield {
                "data": name,
                "(n, d, k)": f"{len(points)}, {points.shape[1]}, {k}",
                "threads": threads,
                **{f"{who} s": seconds for who, seconds in taken.items()},
                "times scikit-learn": taken["scikit-learn"] / taken["tinct"],
                "times faiss": taken["faiss"] / taken["tinct"],
                "iterations": f"{result['tinct'].n_iter} / {result['scikit-learn'].n_iter_}",
                "inertia difference": exact(points, result["tinct"].centers)
                / exact(points, result["scikit-learn"].cluster_centers_)
                - 1,
            }


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--iterations", type=int, default=30)
    parser.add_argument("--quick", action="store_true", help="leave out d = 128")
    parser.add_argument("--out", type=Path, default=Path("bench/out/general.json"))
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    table = list(rows(options.data, options.repeat, options.iterations, options.quick))
    show("whole fits from the same start", table)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(json.dumps(table, indent=1))


if __name__ == "__main__":
    main()
