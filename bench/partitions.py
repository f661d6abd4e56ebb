"""How K-means over partitions depends on the partitioning: inertia, labels, time, memory.

    python -m bench.partitions [--data DIR] [--threads 2] [--repeat 3]

2 million points as 1, 2, 7 and 64 partitions, stretches of them as they come: pixels of pictures of
DIR (../shared/data by default) as RGB, and blobs in 8 dimensions. Once from the same centers by
Lloyd's loop alone, where only the order of sums differs, and once as it comes, where the start and
the search see other summaries, too. Each run in a process of its own: median seconds, the most
that the resident size rises above what the points take. Linux only.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

import tinct

N, PARTS = 2_000_000, (1, 2, 7, 64)
SETS = {"pixels": 64, "blobs": 32}


def points_of(name, data):
    if name == "blobs":
        rng = np.random.default_rng(0)
        return (
            rng.normal(size=(50, 8))[rng.integers(50, size=N)] * 3 + rng.normal(size=(N, 8))
        ).astype(np.float32)
    pixels, have = [], 0
    for path in sorted((data / "kodak").glob("*.png")):
        pixels.append(tinct.read(path).pixels.reshape(-1, 3))
        have += len(pixels[-1])
        if have >= N:
            return np.concatenate(pixels)[:N].astype(np.float32) / 255
    raise SystemExit(f"too few pictures in {data / 'kodak'}")


def memory(what):
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) / 1024 for line in status if line.startswith(what))


def run_alone(name, parts, given, threads, data, labels):
    """One run: seconds, megabytes, inertia, iterations; its centers and labels into a file."""
    from tinct.clustering.partitions import kmeans_partitioned

    points, k = points_of(name, Path(data)), SETS[name]
    start = {"init": points[:: N // k][:k] + np.arange(k)[:, None] * 1e-6} if given else {}
    kmeans_partitioned([points[:1000]], 2)  # what is loaded and started once is not the run's
    with open("/proc/self/clear_refs", "w") as reset:
        reset.write("5")  # the peak begins anew
    before, began = memory("VmRSS"), time.perf_counter()
    run = kmeans_partitioned(np.array_split(points, parts), k, threads=threads, **start)
    seconds, peak = time.perf_counter() - began, memory("VmHWM") - before
    np.savez(labels, centers=run.centers, labels=np.concatenate(run.labels))
    print(json.dumps([seconds, peak, run.inertia, run.n_iter]))


def in_process(*arguments):
    command = [sys.executable, "-m", "bench.partitions", "--run", json.dumps(arguments)]
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)


def differing(found, reference):
    """The part of the labels that differ, each center called by the nearest of the reference."""
    names, _ = tinct.assign(found["centers"], reference["centers"])
    return float((names[found["labels"]] != reference["labels"]).mean())


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", default="../shared/data")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--run", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.run:
        return run_alone(*json.loads(options.run))
    folder = Path("bench/out")
    folder.mkdir(parents=True, exist_ok=True)
    print("| points | start | partitions | inertia | labels that differ | iterations | s | MB |")
    print("|---|---|---|---|---|---|---|---|")
    for name, k in SETS.items():
        for given in (True, False):
            file, one = str(folder / "partitions.npz"), None
            for parts in PARTS:
                asked = name, parts, given, options.threads, options.data, file
                runs = [in_process(*asked) for _ in range(options.repeat)]
                seconds, peak, inertia, n_iter = zip(*runs, strict=True)
                found = dict(np.load(file))
                one = one or (found, inertia[0])
                print(
                    f"| {name}, K = {k} | {'given' if given else 'default'} | {parts} "
                    f"| {100 * (inertia[0] / one[1] - 1):+.4f} % "
                    f"| {100 * differing(found, one[0]):.3f} % | {n_iter[0]} "
                    f"| {statistics.median(seconds):.2f} | {max(peak):.0f} |",
                    flush=True,
                )


if __name__ == "__main__":
    main()
