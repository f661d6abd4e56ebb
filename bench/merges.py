"""What merging costs: measured constants, and steps of K-means simulated from them.

    python -m bench.merges

Measures on this machine: adding two tables of sums, pickling one, a task of Dask with nothing to
do. Then simulates a step over many partitions: answers merged in a tree of fan-in 16, on workers of
one thread each, or all by the driver. Prints the tables of docs/scale.md.
"""

from __future__ import annotations

import argparse
import pickle
import statistics
import time

import numpy as np

WIDE, D, LINK = 16, 32, 1.25e9  # fan-in, dimensions, bytes a second of a 10 Gbit/s link


def seconds(work, repeat=7):
    taken = []
    for _ in range(repeat):
        began = time.process_time()
        work()
        taken.append(time.process_time() - began)
    return min(taken)


def task():
    """Seconds of the scheduler for a task, of a thousand."""
    from distributed import Client, LocalCluster

    with (
        LocalCluster(
            n_workers=1, threads_per_worker=1, processes=False, dashboard_address=None
        ) as c,
        Client(c) as client,
    ):
        client.gather(client.map(abs, range(100)))
        return seconds(lambda: client.gather(client.map(abs, range(1000), pure=False)), 3) / 1000


def levels(parts):
    """How many merges each level of the tree has."""
    made = []
    while parts > 1:
        parts = -(-parts // WIDE)
        made.append(parts)
    return made


def simulate(parts, k, workers, per_task, per_byte):
    """A step's seconds of scheduler, network and merging, by a tree and by the driver alone."""
    table = 8 * k * (D + 2)
    merges = levels(parts)
    tasks = parts + sum(merges)
    tree = sum(-(-count // workers) * WIDE * table * (1 / LINK + per_byte) for count in merges)
    alone = parts * table * (1 / LINK + per_byte)
    return tasks * per_task, tree, alone, parts * table


def main():
    argparse.ArgumentParser(description=__doc__).parse_args()
    a, b = np.ones((2, 1000, 4000))
    add = seconds(lambda: np.add(a, b)) / a.nbytes
    pack = seconds(lambda: pickle.loads(pickle.dumps(a, protocol=5))) / a.nbytes
    per_task = statistics.median(task() for _ in range(3))
    print(f"add {add * 1e9:.2f} ns a byte, pack and unpack {pack * 1e9:.2f}")
    print(f"a task {per_task * 1e3:.2f} ms")
    print("| partitions | centers | workers | sums of a step | scheduler | tree | driver alone |")
    print("|---|---|---|---|---|---|---|")
    for parts, k, workers in (
        (200, 100, 4),
        (2000, 1000, 64),
        (20_000, 1000, 256),
        (1_000_000, 100, 1000),
        (1_000_000, 100_000, 1000),
        (1000, 100_000, 1000),
    ):
        plan, tree, alone, size = simulate(parts, k, workers, per_task, add + pack)
        cells = f"{parts:,} | {k:,} | {workers:,} | {size / 1e9:,.3g} GB"
        print(f"| {cells} | {plan:,.3g} s | {tree:,.3g} s | {alone:,.3g} s |")


if __name__ == "__main__":
    main()
