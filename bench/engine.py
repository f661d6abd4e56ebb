"""The engine beside scikit-learn, faiss and OpenCV: time per iteration, whole fits, error.

    python -m bench.engine [--data DIR] [--repeat 5] [--quick]

Everything runs side by side in this process on one thread; figures are medians over the repeats,
taken in turn. Kodak pictures are looked for in DIR/kodak (../shared/data by default); without them
only scikit-learn's china.jpg is used.
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

import cv2
import faiss
import numpy as np
from sklearn.cluster import KMeans
from sklearn.datasets import load_sample_image
from threadpoolctl import threadpool_limits

import tinct
from tinct import _kernels

KS = (16, 64, 256)


def pictures(data):
    yield "china.jpg", load_sample_image("china.jpg")
    for name in ("kodim05", "kodim23"):
        path = data / "kodak" / f"{name}.png"
        if path.exists():
            yield name, tinct.read(path).pixels


def in_turn(contestants, repeat):
    """Median seconds of each, run in turn so that a slow moment of the machine meets them all."""
    taken = {name: [] for name in contestants}
    result = {}
    for _ in range(repeat):
        for name, run in contestants.items():
            start = time.perf_counter()
            result[name] = run()
            taken[name].append(time.perf_counter() - start)
    return {name: statistics.median(times) for name, times in taken.items()}, result


# ---- one iteration: same colors, same start, same number of iterations --------------------------


def tinct_fit(points, weights, start, iterations):
    return tinct.kmeans(
        points, len(start), weights=weights, init=start, tol=0, max_iter=iterations, threads=1
    )


def sklearn_fit(points, weights, start, iterations):
    model = KMeans(len(start), init=start, n_init=1, max_iter=iterations, tol=0, algorithm="lloyd")
    return model.fit(points, sample_weight=weights)


def faiss_fit(points, weights, start, iterations):
    model = faiss.Kmeans(
        points.shape[1],
        len(start),
        niter=iterations,
        max_points_per_centroid=10**9,
        min_points_per_centroid=1,
    )
    model.train(points, weights=weights.astype(np.float32), init_centroids=start)
    return model


def random_start(points, k):
    """Random colors, moved off the grid of whole numbers, where each engine breaks ties its way."""
    rng = np.random.default_rng(0)
    chosen = points[rng.choice(len(points), k, replace=False)]
    return chosen + rng.random(chosen.shape, np.float32)


def iteration_times(points, weights, repeat, long=21):
    for k in KS:
        start = random_start(points, k)
        fits = {"tinct": tinct_fit, "scikit-learn": sklearn_fit, "faiss": faiss_fit}
        runs = {
            (name, n): (lambda fit=fit, n=n: fit(points, weights, start, n))  # noqa: B023
            for name, fit in fits.items()
            for n in (1, long)
        }
        taken, result = in_turn(runs, repeat)
        ms = {n: (taken[n, long] - taken[n, 1]) / (long - 1) * 1e3 for n in fits}
        # scikit-learn adds float32 points up in float32: the agreement is judged in float64.
        exact = points.astype(np.float64), weights, start.astype(np.float64), long
        ours, theirs = tinct_fit(*exact).inertia, sklearn_fit(*exact).inertia_
        yield {
            "k": k,
            **{f"{n} ms": v for n, v in ms.items()},
            "times scikit-learn": ms["scikit-learn"] / ms["tinct"],
            "times faiss": ms["faiss"] / ms["tinct"],
            "inertia, float64": ours / theirs - 1,
            "float32 to float64": result["tinct", long].inertia / ours - 1,
        }


# ---- whole fits from the pixels -----------------------------------------------------------------


def error(pixels, centers):
    """Mean over the pixels of the squared sRGB distance to the nearest center."""
    counted = tinct.histogram(pixels)
    _, squared = tinct.assign(counted.colors.astype(np.float64), centers.astype(np.float64))
    return float(np.average(squared, weights=counted.weights))


def tinct_whole(pixels, k):
    counted = tinct.histogram(pixels, "srgb")  # codes / 255
    return tinct.kmeans(counted.points, k, weights=counted.weights, threads=1).centers * 255


def sklearn_whole(pixels, k):
    points = pixels.reshape(-1, 3).astype(np.float32)
    return KMeans(k, n_init=1, random_state=0).fit(points).cluster_centers_


def faiss_whole(pixels, k):
    points = pixels.reshape(-1, 3).astype(np.float32)
    model = faiss.Kmeans(3, k, max_points_per_centroid=10**9)  # 25 iterations, all points
    model.train(points)
    return model.centroids


def opencv_whole(pixels, k):
    points = pixels.reshape(-1, 3).astype(np.float32)
    stop = (cv2.TERM_CRITERIA_EPS + cv2.TERM_CRITERIA_MAX_ITER, 25, 1.0)
    return cv2.kmeans(points, k, None, stop, 1, cv2.KMEANS_PP_CENTERS)[2]


def whole_fits(pixels, repeat, ks):
    fits = {
        "tinct": tinct_whole,
        "scikit-learn": sklearn_whole,
        "faiss": faiss_whole,
        "OpenCV": opencv_whole,
    }
    for k in ks:
        runs = {name: (lambda fit=fit, k=k: fit(pixels, k)) for name, fit in fits.items()}
        taken, centers = in_turn(runs, repeat)
        row = {"k": k}
        for name in fits:
            row[f"{name} s"] = taken[name]
            row[f"{name} error"] = error(pixels, centers[name])
            if name != "tinct":
                row[f"times {name}"] = taken[name] / taken["tinct"]
        yield row


# ---- error against the best known ---------------------------------------------------------------


def excess(data, effort):
    """Mean excess over the best known error, in %, and seconds, per k, over the Kodak pictures."""
    with open(data / "kodak" / "BEST_KNOWN_MSE.csv", newline="") as file:
        known = list(csv.DictReader(file))
    ks = [16, 32, 64, 128, 256]
    over, seconds = np.zeros((len(known), len(ks))), np.zeros((len(known), len(ks)))
    for i, row in enumerate(known):
        counted = tinct.histogram(tinct.read(data / "kodak" / f"{row['image']}.png").pixels)
        points = counted.colors.astype(np.float32)
        for j, k in enumerate(ks):
            start = time.perf_counter()
            run = tinct.kmeans(points, k, weights=counted.weights, effort=effort, threads=1)
            seconds[i, j] = time.perf_counter() - start
            over[i, j] = run.inertia / counted.weights.sum() / float(row[f"k{k}"]) - 1
    return {
        "effort": effort,
        **{f"k {k} %": v * 100 for k, v in zip(ks, over.mean(axis=0), strict=True)},
        "mean %": over.mean() * 100,
        "largest %": over.max() * 100,
        "mean s": seconds.mean(),
        "k 256 s": seconds[:, -1].mean(),
    }


def show(title, rows):
    print(f"\n{title}")
    cells = [[f"{v:.4g}" if isinstance(v, float) else str(v) for v in r.values()] for r in rows]
    table = [list(rows[0]), *cells]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    for line in table:
        print("  ".join(c.rjust(w) for c, w in zip(line, widths, strict=True)), flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--quick", action="store_true", help="leave out the whole fits")
    parser.add_argument("--out", type=Path, default=Path("bench/out/engine.json"))
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    faiss.omp_set_num_threads(1)
    cv2.setNumThreads(1)
    names = ("tinct", "scikit-learn", "faiss-cpu", "opencv-python-headless", "numpy")
    about = {name: version(name) for name in names} | {
        "instruction set": _kernels.isa(),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
        "Python": platform.python_version(),
        "repeats": options.repeat,
    }
    print("\n".join(f"{k}: {v}" for k, v in about.items()))
    results = {"about": about}
    with threadpool_limits(1):
        for name, pixels in pictures(options.data):
            counted = tinct.histogram(pixels)
            points = counted.colors.astype(np.float32)
            rows = list(iteration_times(points, counted.weights, options.repeat))
            show(f"{name}, {len(points)} colors: one iteration", rows)
            results[f"{name} iteration"] = rows
        for name, pixels in pictures(options.data) if not options.quick else ():
            rows = list(whole_fits(pixels, options.repeat, KS))
            show(f"{name}: whole fit from {pixels.shape[0] * pixels.shape[1]} pixels", rows)
            results[f"{name} whole"] = rows
        if (options.data / "kodak").exists():
            rows = [excess(options.data, effort) for effort in (0, 1, 2, 3)]
            show("excess over the best known error, sRGB, 12 Kodak pictures", rows)
            results["excess"] = rows
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(json.dumps(results, indent=1))


if __name__ == "__main__":
    main()
