"""K-means on Parquet folders that workers can't hold: seconds, memory, inertia, bits.

    python -m bench.beyond make FOLDER --rows 2e8 --columns 3
    python -m bench.beyond tinct FOLDER [--workers 2] [--k 100] [--iterations 10] [--memory 2GiB]
    python -m bench.beyond whole|minibatch|dask-ml FOLDER ...

Blobs of 300 centers in float32, made once; then each contestant by itself, in processes of its own:
`tinct` over a LocalCluster of workers of one thread, `whole` is tinct.kmeans on a table in memory,
`minibatch` scikit-learn's MiniBatchKMeans.partial_fit over the parts, once through, `dask-ml` its
KMeans (init="k-means||"). Inertia is always that of all points around the centers, by tinct. One
line of JSON each. Linux only.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import time

import numpy as np


def make(args):
    import pyarrow
    from pyarrow import parquet

    n, d = int(args.rows), args.columns
    os.makedirs(args.folder, exist_ok=True)
    rows = 1 << 20 if d < 8 else 1 << 17
    centers = np.random.default_rng(99).normal(size=(300, d)) * 4
    for number, first in enumerate(range(0, n, 8 * rows)):
        path = f"{args.folder}/part-{number:04d}.parquet"
        schema = pyarrow.schema([(f"x{j}", pyarrow.float32()) for j in range(d)])
        plain = {"compression": "none", "use_dictionary": False, "write_statistics": False}
        with parquet.ParquetWriter(path, schema, **plain) as file:
            for at in range(first, min(n, first + 8 * rows), rows):
                rng, count = np.random.default_rng([1, at]), min(rows, n - at)
                x = centers[rng.integers(300, size=count)] + rng.normal(size=(count, d))
                columns = {f"x{j}": x[:, j].astype(np.float32) for j in range(d)}
                file.write_table(pyarrow.table(columns), row_group_size=rows)


def peak():
    """Megabytes that this process held at most."""
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) / 1024 for line in status if line.startswith("VmHWM"))


def told(name, args, seconds, centers, peaks, **more):
    from tinct.clustering.scattered import inertia_of_parts
    from tinct.clustering.sources import Parquet, source_of

    inertia = inertia_of_parts(source_of(Parquet(args.folder)), np.asarray(centers, np.float32))
    bits = hashlib.sha256(np.ascontiguousarray(centers)).hexdigest()[:12]
    told = {"what": name, "seconds": round(seconds, 1), "inertia": inertia, "bits": bits}
    print(json.dumps({**told, "peak_mb": [round(one) for one in peaks], **more}), flush=True)


def on_dask(args, run):
    from distributed import Client, LocalCluster

    how = {"threads_per_worker": 1, "dashboard_address": None, "memory_limit": args.memory}
    with LocalCluster(n_workers=args.workers, **how) as cluster, Client(cluster) as client:
        began = time.perf_counter()
        found = run()
        seconds = time.perf_counter() - began
        return found, seconds, list(client.run(peak).values())


def run_tinct(args):
    import tinct

    ends = []
    how = {"max_iter": args.iterations, "callback": lambda seen: ends.append(time.perf_counter())}
    began = time.perf_counter()
    run, seconds, peaks = on_dask(args, lambda: tinct.kmeans(args.folder, args.k, **how))
    more = {"workers": args.workers, "iterations": run.n_iter, "before": round(ends[0] - began, 1)}
    steps = np.diff(ends)
    more |= {"step": [round(float(f(steps)), 2) for f in (np.min, np.median, np.max)]}
    told("tinct", args, seconds, run.centers, peaks, driver_mb=round(peak()), **more)


def parts(args):
    from tinct.clustering.sources import Parquet

    return (load()[0] for load in Parquet(args.folder).loads())


def run_whole(args):
    import tinct

    x = np.concatenate(list(parts(args)))
    began = time.perf_counter()
    run = tinct.kmeans(x, args.k, max_iter=args.iterations)
    seconds = time.perf_counter() - began
    told("whole", args, seconds, run.centers, [peak()], iterations=run.n_iter)


def run_minibatch(args):
    from sklearn.cluster import MiniBatchKMeans

    model, began = MiniBatchKMeans(args.k, random_state=0), time.perf_counter()
    for x in parts(args):
        for at in range(0, len(x), 1 << 14):
            if len(x) - at >= args.k:
                model.partial_fit(x[at : at + (1 << 14)])
    told("minibatch", args, time.perf_counter() - began, model.cluster_centers_, [peak()])


def run_dask_ml(args):
    from dask import array, delayed
    from dask_ml.cluster import KMeans

    from tinct.clustering.sources import Parquet

    def load(one):
        return one()[0]

    def run():
        chunks = [
            array.from_delayed(delayed(load)(one), (n, d), np.float32)
            for one, (n, d) in ((one, load(one).shape) for one in Parquet(args.folder).loads())
        ]
        x = array.concatenate(chunks)
        return KMeans(args.k, random_state=0, max_iter=args.iterations, tol=0).fit(x)

    model, seconds, peaks = on_dask(args, run)
    told("dask-ml", args, seconds, model.cluster_centers_, peaks, iterations=int(model.n_iter_))


def main():
    parser = argparse.ArgumentParser()
    runs = {"tinct": run_tinct, "whole": run_whole, "minibatch": run_minibatch}
    runs |= {"dask-ml": run_dask_ml, "make": make}
    parser.add_argument("what", choices=runs)
    parser.add_argument("folder")
    parser.add_argument("--rows", type=float, default=1e7)
    parser.add_argument("--columns", type=int, default=3)
    parser.add_argument("--k", type=int, default=100)
    parser.add_argument("--iterations", type=int, default=10)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--memory", default="2GiB")
    args = parser.parse_args()
    runs[args.what](args)


if __name__ == "__main__":
    main()
