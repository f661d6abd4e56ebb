"""K-means in plain loops, as the tutorial states it: the slow twin of ``tinct.kmeans``.

Written from the definition; imports nothing of ours. Sums run over the points in order, in Python
floats.
"""

from __future__ import annotations

import numpy as np


def initial_centroids(points, k, rng):
    """K different training examples, drawn at random."""
    order = rng.permutation(len(points))
    chosen = []
    for i in order:
        if all(not np.array_equal(points[i], points[j]) for j in chosen):
            chosen.append(i)
        if len(chosen) == k:
            return points[np.array(chosen)].copy()
    raise ValueError("fewer different points than k")


def find_closest_centroids(points, centers):
    """Cluster assignment: the index of the nearest centroid, the lowest of equally near ones."""
    labels = []
    for point in points:
        distances = [squared_distance(point, center) for center in centers]
        labels.append(distances.index(min(distances)))
    return np.array(labels)


def squared_distance(a, b):
    total = a.dtype.type(0)
    for x, y in zip(a, b, strict=True):
        total += (x - y) * (x - y)
    return total


def compute_centroids(points, labels, k, weights=None):
    """Move centroid: the mean of the points assigned to each. NaN for a cluster without points."""
    weights = np.ones(len(points)) if weights is None else weights
    centers = np.full((k, points.shape[1]), np.nan)
    for j in range(k):
        mine = [
            (float(w), p.astype(float))
            for p, w, c in zip(points, weights, labels, strict=True)
            if c == j
        ]
        mass = sum(w for w, _ in mine)
        if mass > 0:
            centers[j] = sum(w * p for w, p in mine) / mass
    return centers.astype(points.dtype)


def run_kmeans(points, centers, iterations, weights=None):
    """Assignment and move, so many times. Returns centroids, labels and the centroids of every
    iteration."""
    history = [centers]
    for _ in range(iterations):
        labels = find_closest_centroids(points, centers)
        centers = compute_centroids(points, labels, len(centers), weights)
        history.append(centers)
    return centers, find_closest_centroids(points, centers), history


def inertia(points, centers, labels, weights=None):
    weights = np.ones(len(points)) if weights is None else weights
    return sum(
        float(w) * sum((float(x) - float(y)) ** 2 for x, y in zip(p, centers[c], strict=True))
        for p, w, c in zip(points, weights, labels, strict=True)
    )


def excess(points, centers, labels):
    """How much farther than the nearest center each point's own is, as a part of the nearest's
    squared distance, in long double; 0 where it is a nearest."""
    points, centers = points.astype(np.longdouble), centers.astype(np.longdouble)
    least = own = None
    for j, center in enumerate(centers):
        square = np.zeros(len(points), np.longdouble)
        for x, c in zip(points.T, center, strict=True):
            square += (x - c) ** 2
        least = square if least is None else np.minimum(least, square)
        own = np.where(labels == j, square, np.inf if own is None else own)
    return np.divide(own - least, least, out=(own - least) / 1, where=least > 0)
