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


def best_move(points, labels, k, weights):
    """The most by which the inertia would fall if one point changed its cluster."""
    mass = [sum(float(w) for w, c in zip(weights, labels, strict=True) if c == j) for j in range(k)]
    centers = compute_centroids(points, labels, k, weights)
    best = 0.0
    for point, w, a in zip(points, weights, labels, strict=True):
        if not 0 < w < mass[a]:
            continue
        saved = squared_distance(point, centers[a]) * w * mass[a] / (mass[a] - w)
        for b in range(k):
            if b != a and mass[b] > 0:
                cost = squared_distance(point, centers[b]) * w * mass[b] / (mass[b] + w)
                best = max(best, saved - cost)
    return best


def excess(points, centers, labels):
    """How much farther than the nearest center each point's own is, as a part of the nearest's
    squared distance, in long double; 0 where it is a nearest."""
    squares = np.zeros((len(points), len(centers)), np.longdouble)
    for x, c in zip(points.T.astype(np.longdouble), centers.T.astype(np.longdouble), strict=True):
        squares += (x[:, None] - c) ** 2
    least, own = squares.min(axis=1), squares[np.arange(len(points)), labels]
    return np.divide(own - least, least, out=(own - least) / 1, where=least > 0)


class Partition:
    """What a partition of points answers, from the definitions, for runs in float64."""

    dtype = "float64"

    def __init__(self, points, weights=None):
        self.points = np.asarray(points, float)
        self.n, self.d = self.points.shape
        self.weights = np.ones(self.n) if weights is None else np.asarray(weights, float)
        self.given = None

    def start(self, k):
        self.k, self.given = k, np.full(self.n, -1)

    def step(self, centers):
        before, self.centers = self.given, centers.copy()
        self.given = find_closest_centroids(self.points, centers)
        return int(((self.given != before) & (self.weights > 0)).sum())

    def sums(self):
        out = np.zeros((self.k, self.d + 2))
        for x, w, c in zip(self.points, self.weights, self.given, strict=True):
            out[c] += [*(w * x), w, w > 0]
        return out

    def recount(self):
        pass

    def labels(self):
        return self.given.astype(np.int32)

    def inertia(self):
        return float(inertia(self.points, self.centers, self.given, self.weights))

    def residuals(self, centers):
        out = np.zeros((self.k, self.d + 1))
        for x, w, c in zip(self.points, self.weights, self.given, strict=True):
            out[c] += [*(w * (x - centers[c])), w]
        return out

    def spread(self):
        mass = self.weights.sum()
        mean = self.weights @ self.points / mass
        return np.array([*mean, *(self.weights @ (self.points - mean) ** 2), mass])

    def worst_served(self, count):
        worst = {}
        for i in range(self.n):
            x, c = self.points[i], self.given[i]
            away, w = squared_distance(x, self.centers[c]), self.weights[i]
            if away > 0 and w > 0:
                key = (-away, *x)
                _, _, mass = worst.get(key, (i, c, 0.0))
                worst[key] = (worst.get(key, (i,))[0], c, mass + w)
        kept = sorted(worst)[:count]
        index, labels, masses = (np.array([worst[k][j] for k in kept]) for j in range(3))
        points = np.array([k[1:] for k in kept]).reshape(-1, self.d)
        squares = np.array([-k[0] for k in kept])
        return (
            points,
            index.astype(np.int64),
            labels.astype(np.int32),
            squares,
            masses.astype(float),
        )

    def summary(self, most):
        assert self.n <= most
        return self.points, self.weights


# --- codes ---------------------------------------------------------------------------------------


def cheapest_code(counts, limit):
    """The fewest bits that a prefix code takes for `counts`, no length above `limit`.

    Sorted by falling counts, lengths never fall; all such lists that satisfy Kraft are tried.
    """
    counts = sorted(counts, reverse=True)
    room = 1 << limit
    reached = {(0, 1): 0}  # (share of the code space used, last length): bits
    for count in counts:
        found = {}
        for (used, last), bits in reached.items():
            for length in range(last, limit + 1):
                key = (used + (room >> length), length)
                if key[0] <= room:
                    found[key] = min(found.get(key, float("inf")), bits + count * length)
        reached = found
    return min(reached.values())
