"""K-means at its defaults beside scikit-learn and faiss, on tables real and made.

    python -m bench.peers [--data DIR] [--efforts 0 1 2 3] [--starts 10] [--threads 1 2]
        [--only NAME ...]

One process, CPU / wall seconds, as many threads for each. Inertias are told in % above that of
scikit-learn's single start, the mean of --starts of them, or of so many as --budget seconds hold;
the best of them, for the time of all, is what n_init has. faiss does 25 iterations of all points.
Then narrow clouds of colors, made of DIR/kodak: % above the best of two long searches, the mean and
the largest.
"""

from __future__ import annotations

import argparse
import time
import warnings
from pathlib import Path

import faiss
import numpy as np
from bench.general import blobs, exact
from sklearn.cluster import KMeans
from threadpoolctl import threadpool_limits

import tinct

CLOUDS = ("dark", "red", "dark red", "sepia", "night")


def standardised(x):
    return (x - x.mean(axis=0)) / x.std(axis=0)


def flights(n):
    """Times, delays and distances: whole numbers, heavy tails, columns that follow others."""
    rng = np.random.default_rng(1)
    start = np.rint(
        np.where(rng.random(n) < 0.5, rng.normal(480, 120, n), rng.normal(1020, 150, n))
    )
    delay = np.rint(rng.exponential(20, n) ** 1.25 - 8 + rng.normal(0, 5, n))
    miles = rng.choice(np.rint(np.exp(rng.normal(6.7, 0.7, 210))), n)
    air = np.rint(miles / 7.5 + rng.normal(20, 10, n)).clip(20)
    late = np.rint(delay + rng.normal(-5, 15, n))
    columns = (start, delay, start + air + delay, late, air, miles, rng.integers(1, 6000, n))
    return standardised(np.column_stack(columns))


def housing(n):
    rng = np.random.default_rng(2)
    north = np.where(rng.random(n) < 0.45, rng.normal(37.7, 0.8, n), rng.normal(34, 0.6, n))
    income = np.exp(rng.normal(1.25, 0.45, n))
    rooms = 5.4 + 0.6 * (income - 3.9) + rng.standard_t(2, n) * 0.5
    beds = rooms / 5 + rng.standard_t(3, n) * 0.05
    people = np.rint(np.exp(rng.normal(7.05, 0.75, n)))
    held = np.exp(rng.normal(1, 0.25, n)) + (rng.random(n) < 0.001) * rng.exponential(100, n)
    west = -119.5 - (north - 36) * 0.8 + rng.normal(0, 0.7, n)
    age = np.rint(rng.uniform(1, 52, n))
    return standardised(np.column_stack((income, age, rooms, beds, people, held, north, west)))


def sensors(n, d):
    """Waves of a day and a week, a drift and states in d channels, rounded, with outliers."""
    rng = np.random.default_rng(3)
    minutes = np.arange(n)
    states = np.repeat(rng.normal(size=n // 500 + 1), 500)[:n]
    drift = np.cumsum(rng.normal(0, 0.01, n))
    waves = [np.sin(minutes / span * 6.283) for span in (1440, 10080)]
    x = np.column_stack((*waves, drift, states)) @ rng.normal(size=(4, d))
    x += rng.normal(0, 0.2, (n, d))
    x[rng.random(n) < 0.002] *= 8
    return np.rint(x * 20) / 20


def scans(n, d, rank=40):
    """Grey levels that few factors make, most of them 0 at any place, as in scanned digits."""
    rng = np.random.default_rng(4)
    kinds = rng.normal(0, 1.2, (10, rank))
    factors = kinds[rng.integers(10, size=n)] + rng.normal(size=(n, rank)) / np.sqrt(
        1 + np.arange(rank)
    )
    levels = factors @ rng.normal(size=(rank, d)) * 18 - 40
    return np.rint(levels.clip(0, 255)).astype(np.float32)


def tables(data):
    rng = np.random.default_rng(8)
    yield "flights-like", lambda: flights(327_000), 100
    yield "housing-like", lambda: housing(20_640), 50
    yield "sensors", lambda: sensors(200_000, 32), 50
    for apart in (0.1, 0.2, 0.35, 1):
        yield f"mixture {apart}", lambda apart=apart: blobs(60_000, 784, 10, apart), 10
    yield "mixture of 100", lambda: blobs(60_000, 784, 100, 0.35), 100
    yield "scans", lambda: scans(60_000, 784), 10
    yield "wide mixture", lambda: blobs(5_000, 1000, 20, 0.3), 20
    yield "noise", lambda: rng.random((100_000, 16)), 64
    yield "wide noise", lambda: rng.random((20_000, 50)), 20
    yield "duplicates", lambda: np.rint(rng.normal(0, 1.7, (100_000, 5))), 50
    yield "overlapping", lambda: blobs(100_000, 32, 256, 0.5), 256
    yield "flat blobs", lambda: blobs(300_000, 2, 50), 50
    for name, k in (
        ("digits", 10),
        ("digits", 100),
        ("letter_recognition", 26),
        ("page", 10),
        ("wdbc", 10),
        ("birch1", 100),
    ):
        for path in (data / "tables").glob(f"*/{name}.csv"):
            yield name, lambda path=path: np.loadtxt(path, delimiter=","), k
    for path in (data / "tables").glob("large/skin_bgr_uint8.npy"):
        yield "skin", lambda path=path: np.load(path).astype(float), 64


def timed(fit):
    cpu, wall = time.process_time(), time.perf_counter()
    return fit(), time.process_time() - cpu, time.perf_counter() - wall


def single_starts(points, k, starts, budget):
    """Inertia, CPU and wall seconds of so many starts, or three and what the budget holds."""
    found = []
    while len(found) < starts and (len(found) < 3 or sum(row[2] for row in found) < budget):
        model, *seconds = timed(lambda: KMeans(k, random_state=len(found)).fit(points))
        found.append((exact(points, model.cluster_centers_), *seconds))
    return np.array(found)


def with_faiss(points, k, seed):
    """The centers of faiss, in the dtype of the points."""
    shape = {"max_points_per_centroid": 10**9, "min_points_per_centroid": 1}
    model = faiss.Kmeans(points.shape[1], k, seed=seed, **shape)
    model.train(points.astype(np.float32))
    return model.centroids.astype(points.dtype)


def contestants(points, k, threads, efforts):
    """How to fit centers with a seed, and the seeds."""
    yield (lambda seed: with_faiss(points, k, seed)), range(3)
    model = {"n_threads": threads}
    yield (
        (lambda s: tinct.KMeans(k, random_state=s, **model).fit(points).cluster_centers_),
        range(3),
    )
    for effort in efforts:
        yield (
            (lambda _, e=effort: tinct.kmeans(points, k, effort=e, threads=threads).centers),
            range(1),
        )


def row(name, points, k, threads, options):
    single = single_starts(points, k, options.starts, options.budget)
    inertia = single[:, 0].mean()
    (_, cpu, wall), (_, all_cpu, all_wall) = np.median(single, axis=0), single.sum(axis=0)
    cells = [name, str(points.shape), str(k), str(threads)]
    cells += [f"{cpu:.3f} / {wall:.3f}"]
    cells += [f"{all_cpu:.2f} / {all_wall:.2f}", above(single[:, 0].min(), inertia)]
    for fit, seeds in contestants(points, k, threads, options.efforts):
        runs = [timed(lambda s=s, fit=fit: fit(s)) for s in seeds]
        cells += [" / ".join(f"{np.median([run[i] for run in runs]):.3f}" for i in (1, 2))]
        cells += [above(np.mean([exact(points, centers) for centers, *_ in runs]), inertia)]
    return cells


def above(reached, inertia):
    return f"{100 * (reached / inertia - 1):+.2f}"


def cloud(pixels, kind):
    """A picture's colors in a narrow part of what there is, in linear light."""
    value = pixels / 255
    light = np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)
    bright = light @ [0.2126, 0.7152, 0.0722]
    if kind == "sepia":
        light = bright[..., None] ** 0.9 * [1.0, 0.72, 0.42]
    elif kind == "night":
        light = light * [0.02, 0.03, 0.08]
        light += (bright > np.quantile(bright, 0.995))[..., None] * [0.8, 0.6, 0.3]
    else:
        light = (
            light * {"dark": 0.04, "red": [0.8, 0.12, 0.1], "dark red": [0.15, 0.015, 0.012]}[kind]
        )
    shown = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    return np.rint(shown.clip(0, 1) * 255).astype(np.uint8)


def narrow(data, efforts):
    for kind in CLOUDS:
        excess = {effort: [] for effort in efforts}
        for path in sorted((data / "kodak").glob("*.png"))[::3]:
            counted = tinct.histogram(cloud(tinct.read(path).pixels, kind), "srgb")
            for k in (16, 64, 256):
                how = {"weights": counted.weights, "threads": 1}
                best = min(
                    tinct.kmeans(counted.points, k, effort=6, seed=s, **how).inertia for s in (0, 1)
                )
                for effort in efforts:
                    run = tinct.kmeans(counted.points, k, effort=effort, **how)
                    excess[effort].append(100 * (run.inertia / best - 1))
        yield [kind, *(f"{np.mean(v):.2f} ({max(v):.2f})" for v in excess.values())]


def table(heads, rows):
    print("\n| " + " | ".join(heads) + " |\n|" + "---|" * len(heads))
    for cells in rows:
        print("| " + " | ".join(cells) + " |", flush=True)


def rows(options):
    for threads in options.threads:
        faiss.omp_set_num_threads(threads)
        with threadpool_limits(threads):
            for name, make, k in tables(options.data):
                if not options.only or name in options.only:
                    yield row(name, make(), k, threads, options)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--efforts", type=int, nargs="+", default=[0, 1, 2, 3])
    parser.add_argument("--starts", type=int, default=10)
    parser.add_argument("--budget", type=float, default=60)
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--only", nargs="*", default=[])
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    heads = ["table", "(n, d)", "K", "threads", "scikit-learn s", f"{options.starts} starts s", "%"]
    names = ["faiss", "KMeans", *(f"effort {effort}" for effort in options.efforts)]
    table(heads + [cell for name in names for cell in (f"{name} s", "%")], rows(options))
    if not options.only or "clouds" in options.only:
        table(["cloud", *names[2:]], narrow(options.data, options.efforts))


if __name__ == "__main__":
    main()
