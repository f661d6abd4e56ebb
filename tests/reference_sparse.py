"""K-means on sparse rows in plain loops: the slow twin of the sparse engine.

Written from the definition, in fractions: nothing is rounded. Imports nothing of ours.
"""

from __future__ import annotations

from fractions import Fraction


def rows_of(X):
    """Each row of a CSR matrix as {column: number}, repeated columns added up."""
    rows = []
    for i in range(X.shape[0]):
        row = {}
        for t in range(X.indptr[i], X.indptr[i + 1]):
            j = int(X.indices[t])
            row[j] = row.get(j, 0) + Fraction(float(X.data[t]))
        rows.append(row)
    return rows


def squared_distances(rows, centers):
    """[n][k], as fractions."""
    exact = [{j: Fraction(float(c[j])) for j in range(len(c)) if c[j] != 0} for c in centers]
    return [
        [sum((row.get(j, 0) - c.get(j, 0)) ** 2 for j in row.keys() | c.keys()) for c in exact]
        for row in rows
    ]


def nearest(squares):
    """The index of the least of each row, the lowest of equal ones."""
    return [row.index(min(row)) for row in squares]


def means(rows, weights, labels, k, d):
    """[k][d], as fractions; None for a cluster without rows."""
    found = []
    for c in range(k):
        mine = [
            (Fraction(float(w)), r)
            for w, r, own in zip(weights, rows, labels, strict=True)
            if own == c
        ]
        mass = sum(w for w, _ in mine)
        sums = [sum(w * r.get(j, 0) for w, r in mine) for j in range(d)]
        found.append([s / mass for s in sums] if mass else None)
    return found
