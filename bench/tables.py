"""Clustering of tables beside scikit-learn: inertia against a reference, and time.

    python -m bench.tables [--data DIR] [--seeds 5] [--efforts 3 10]

DIR/tables holds REFERENCE_SSE.csv and the sets it names; those that are missing are left out. Each
figure is the mean excess over the reference, in %, and the median time over the seeds, for the long
searches of one seed; all runs of a set are taken in turn, in this process, on one thread. Some
references are upper bounds only: a better search shows as an excess below 0.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import platform
import statistics
import time
import warnings
from importlib.metadata import version
from pathlib import Path

import numpy as np
import sklearn.cluster
from threadpoolctl import threadpool_limits

import tinct
from tinct import _kernels

TOLERATED = 0.1  # % over the reference


def references(data):
    with open(data / "tables" / "REFERENCE_SSE.csv", newline="") as file:
        for row in csv.DictReader(file):
            for path in (data / "tables").glob(f"*/{row['dataset']}.csv"):
                points = np.loadtxt(path, delimiter=",")
                yield row["dataset"], points, int(row["k"]), float(row["sse_reference"])


def contestants(points, k, efforts):
    def scikit_learn(n_init):
        return lambda seed: sklearn.cluster.KMeans(k, n_init=n_init, random_state=seed).fit(points)

    def search(effort):
        return lambda seed: tinct.kmeans(points, k, seed=seed, effort=effort, threads=1)

    yield "KMeans", lambda seed: tinct.KMeans(k, random_state=seed, n_threads=1).fit(points)
    yield "kmeans", lambda seed: tinct.kmeans(points, k, seed=seed, threads=1)
    yield from ((f"effort={effort}", search(effort)) for effort in efforts)
    yield "sk n_init=1", scikit_learn(1)
    yield "sk n_init=10", scikit_learn(10)


def compare(points, k, reference, seeds, efforts):
    """Excess in % and seconds of each contestant, a figure for each seed."""
    excess, seconds = {}, {}
    for seed in range(seeds):
        for name, fit in contestants(points, k, efforts):
            if seed and name.startswith("effort"):  # long, and its start draws nothing
                continue
            start = time.perf_counter()
            found = fit(seed)
            seconds.setdefault(name, []).append(time.perf_counter() - start)
            inertia = getattr(found, "inertia", None) or getattr(found, "inertia_", 0.0)
            excess.setdefault(name, []).append(100 * (inertia / reference - 1))
    return excess, seconds


def line(name, points, k, excess, seconds):
    cells = [name, str(len(points)), str(points.shape[1]), str(k)]
    for each in excess:
        cells += [f"{np.mean(excess[each]):.3f}", f"{statistics.median(seconds[each]):.3f}"]
    return cells


def summary(results, names):
    for name in names:
        means = [np.mean(r["excess"][name]) for r in results]
        largest = [max(r["excess"][name]) for r in results]
        total = sum(statistics.median(r["seconds"][name]) for r in results)
        over = sum(value > TOLERATED for value in largest)
        print(
            f"{name:>14}: mean excess {np.mean(means):7.4f} %, largest {max(largest):7.3f} %, "
            f"over {TOLERATED} % in {over} of {len(results)}, {total:.2f} s in all"
        )


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--efforts", type=int, nargs="*", default=[3, 10])
    parser.add_argument("--out", type=Path, default=Path("bench/out/tables.json"))
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    about = {name: version(name) for name in ("tinct", "scikit-learn", "numpy")} | {
        "instruction set": _kernels.isa(),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
        "Python": platform.python_version(),
        "seeds": options.seeds,
    }
    print("\n".join(f"{k}: {v}" for k, v in about.items()))
    results, names = [], None
    with threadpool_limits(1):
        for name, points, k, reference in references(options.data):
            excess, seconds = compare(points, k, reference, options.seeds, options.efforts)
            if names is None:
                names = list(excess)
                heads = [cell for each in names for cell in (f"{each} %", "s")]
                print("\n| " + " | ".join(["set", "n", "d", "k", *heads]) + " |")
                print("|" + "---|" * (4 + len(heads)))
            print("| " + " | ".join(line(name, points, k, excess, seconds)) + " |", flush=True)
            results.append({"set": name, "k": k, "excess": excess, "seconds": seconds})
    print()
    summary(results, names)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(json.dumps({"about": about, "results": results}, indent=1))


if __name__ == "__main__":
    main()
