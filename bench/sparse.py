"""Sparse rows: `tinct.KMeans` beside scikit-learn's on tf-idf tables of made texts with Zipf words.

    python -m bench.sparse [--repeat 3] [--quick]

Twice: at equal effort (the same centers to start from, Lloyd's loop, max_iter 300, tol 1e-4) and as
either comes (k-means++, one start). Each fit runs in a process of its own, in turn, with as many
seeds as repeats: median seconds, of the wall and of the processors; mean inertia; and the most that
the peak of the resident size rises above what is held before. Linux only.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time

import numpy as np
from scipy import sparse

TABLES = {
    "3,000 x 8,000": (3_000, 8_000, 42, 8),
    "20,000 x 50,000": (20_000, 50_000, 60, 50),
    "200,000 x 20,000": (200_000, 20_000, 40, 20),
}
TOPICS = 60


def texts(n, words, length, seed=0):
    """Tf-idf of n texts, rows of length 1: Zipf words, half of them from one of 60 topics."""
    rng = np.random.default_rng(seed)
    zipf = np.cumsum(1 / np.arange(1, words + 1))
    drawn = np.searchsorted(zipf, rng.random(n * length * 3 // 2) * zipf[-1])
    text = np.sort(rng.integers(n, size=len(drawn)))
    # A topic speaks of the same frequencies with other words, but for the hundred commonest.
    shuffles = np.array([np.r_[:100, 100 + rng.permutation(words - 100)] for _ in range(TOPICS)])
    own = rng.random(len(drawn)) < 0.5
    topic = rng.integers(TOPICS, size=n)[text]
    drawn = np.where(own, shuffles[topic, drawn], drawn)
    counts = sparse.coo_array((np.ones(len(drawn)), (text, drawn)), (n, words)).tocsr()
    counts.sum_duplicates()
    seen = np.bincount(counts.indices, minlength=words)
    counts.data = (1 + np.log(counts.data)) * (1 + np.log((1 + n) / (1 + seen)))[counts.indices]
    norms = np.sqrt(np.asarray(counts.multiply(counts).sum(axis=1)).ravel())
    counts.data /= np.repeat(np.where(norms > 0, norms, 1), np.diff(counts.indptr))
    counts.indices, counts.indptr = counts.indices.astype(np.int32), counts.indptr.astype(np.int32)
    return counts


def models(k, x, threads, equal, seed=0):
    """Each contestant's name and model."""
    import sklearn.cluster

    import tinct

    how = {}
    if equal:
        rows = np.random.default_rng(seed).choice(x.shape[0], k, replace=False)
        how = {"init": x[np.sort(rows)].toarray(), "max_iter": 300, "tol": 1e-4}
    one = {"n_init": 1, "random_state": seed, **how}
    return {
        "tinct": tinct.KMeans(k, n_threads=threads, **one),
        "scikit-learn": sklearn.cluster.KMeans(k, **one),
    }


def fit_alone(name, contestant, threads, equal, seed):
    """One fit: seconds of the wall and of the processors, inertia, iterations, peak megabytes."""
    n, words, length, k = TABLES[name]
    x = texts(n, words, length)
    models(2, x[:200], threads, False)[contestant].fit(
        x[:200]
    )  # what libraries load is not the fit's
    model = models(k, x, threads, equal, seed)[contestant]
    with open("/proc/self/clear_refs", "w") as reset:
        reset.write("5")  # the peak begins anew
    before = memory("VmRSS")
    wall, used = time.perf_counter(), time.process_time()
    model.fit(x)
    wall, used = time.perf_counter() - wall, time.process_time() - used
    peak = memory("VmHWM") - before
    print(
        json.dumps([wall, used, model.inertia_, model.n_iter_, peak, x.data.nbytes * 1.5 / 2**20])
    )


def memory(what):
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) / 1024 for line in status if line.startswith(what))


def in_process(*arguments):
    threads = str(arguments[2])
    limits = {"OMP_NUM_THREADS": threads, "OPENBLAS_NUM_THREADS": threads}
    command = [sys.executable, "-m", "bench.sparse", "--fit", json.dumps(arguments)]
    run = subprocess.run(
        command, env={**os.environ, **limits}, check=True, stdout=subprocess.PIPE, text=True
    )
    return json.loads(run.stdout)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--quick", action="store_true", help="the two smaller tables alone")
    parser.add_argument("--fit", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.fit:
        return fit_alone(*json.loads(options.fit))
    print("| table | K | start | threads | | seconds | of processors | inertia | iterations | MB |")
    print("|---|---|---|---|---|---|---|---|---|---|")
    for name in list(TABLES)[: 2 if options.quick else 3]:
        for equal in (True, False):
            for threads in (1, 2):
                found = {"tinct": [], "scikit-learn": []}
                for seed in range(options.repeat):
                    for contestant, runs in found.items():
                        runs.append(in_process(name, contestant, threads, equal, seed))
                for contestant, runs in found.items():
                    wall, used, inertia, iterations, peak, data = zip(*runs, strict=True)
                    print(
                        f"| {name}, {data[0]:.0f} MB | {TABLES[name][3]} "
                        f"| {'the same' if equal else 'default'} | {threads} | {contestant} "
                        f"| {statistics.median(wall):.3f} | {statistics.median(used):.3f} "
                        f"| {statistics.mean(inertia):.2f} | {statistics.mean(iterations):.0f} "
                        f"| {max(peak):.1f} |",
                        flush=True,
                    )


if __name__ == "__main__":
    main()
