"""K-means at its defaults beside scikit-learn and faiss, on tables real and made.

    python -m bench.peers [--data DIR] [--efforts 0 1 2 3] [--starts 3] [--only NAME ...]

One thread each, one process, CPU seconds. The inertia of `tinct.kmeans` and of faiss (25 iterations
of all points) is told in % above that of scikit-learn's single start, the mean of --starts of them.
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
from bench.general import blobs
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
    people = np.rint(np.exp(rng.normal(7.05, 0.75, n)))
    held = np.exp(rng.normal(1, 0.25, n)) + (rng.random(n) < 0.001) * rng.exponential(100, n)
    west = -119.5 - (north - 36) * 0.8 + rng.normal(0, 0.7, n)
    age = np.rint(rng.uniform(1, 52, n))
    return standardised(np.column_stack((income, age, rooms, people, held, north, west)))


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


def tables(data):
    rng = np.random.default_rng(8)
    yield "flights-like", flights(327_000), 100
    yield "housing-like", housing(20_640), 100
    yield "sensors", sensors(100_000, 12), 50
    yield "mixture", blobs(60_000, 784, 10, 0.35), 10
    yield "wide mixture", blobs(5_000, 1000, 20, 0.3), 20
    yield "noise", rng.random((20_000, 50)), 20
    yield "duplicates", np.rint(rng.normal(0, 1.7, (100_000, 5))), 50
    yield "overlapping", blobs(100_000, 32, 256, 0.5), 256
    yield "flat blobs", blobs(300_000, 2, 50), 50
    for name, k in (
        ("digits", 10),
        ("digits", 100),
        ("letter_recognition", 26),
        ("page", 10),
        ("birch1", 100),
    ):
        for path in (data / "tables").glob(f"*/{name}.csv"):
            yield name, np.loadtxt(path, delimiter=","), k
    for path in (data / "tables").glob("large/skin_bgr_uint8.npy"):
        yield "skin", np.load(path).astype(float), 64


def timed(fit):
    start = time.process_time()
    return fit(), time.process_time() - start


def row(name, points, k, starts, efforts):
    single = [timed(lambda s=s: KMeans(k, random_state=s).fit(points)) for s in range(starts)]
    inertia = np.mean([model.inertia_ for model, _ in single])
    model = faiss.Kmeans(
        points.shape[1], k, max_points_per_centroid=10**9, min_points_per_centroid=1
    )
    _, seconds = timed(lambda: model.train(points.astype(np.float32)))
    reached = tinct.assign(points, model.centroids.astype(points.dtype))[1].sum(dtype=float)
    cells = [name, str(points.shape), str(k), f"{np.median([s for _, s in single]):.3f}"]
    cells += [f"{seconds:.3f}", f"{100 * (reached / inertia - 1):+.2f}"]
    for effort in efforts:
        run, seconds = timed(lambda e=effort: tinct.kmeans(points, k, effort=e, threads=1))
        cells += [f"{seconds:.3f}", f"{100 * (run.inertia / inertia - 1):+.2f}"]
    return cells


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


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--efforts", type=int, nargs="+", default=[0, 1, 2, 3])
    parser.add_argument("--starts", type=int, default=3)
    parser.add_argument("--only", nargs="*", default=[])
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    faiss.omp_set_num_threads(1)
    heads = [cell for e in options.efforts for cell in (f"effort {e} s", "%")]
    with threadpool_limits(1):
        print(
            "| "
            + " | ".join(["table", "(n, d)", "K", "scikit-learn s", "faiss s", "%", *heads])
            + " |"
        )
        print("|" + "---|" * (6 + len(heads)))
        for name, points, k in tables(options.data):
            if not options.only or name in options.only:
                cells = row(name, points, k, options.starts, options.efforts)
                print("| " + " | ".join(cells) + " |", flush=True)
        for cells in narrow(options.data, options.efforts) if not options.only else ():
            print("| " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main()
