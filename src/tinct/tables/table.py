"""A table as numbers: values, columns' names, the scale of each; rows that lack a value."""

from __future__ import annotations

import math
from array import array
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinct.checks import instance
from tinct.errors import TableError

__all__ = ["Floats", "Missing", "Scale", "Table", "finite", "standardize"]

Floats = NDArray[np.floating[Any]]


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """A table of numbers: one row per example, one named column per feature.

    `values` (n, d) are C-contiguous and finite, float32 only if the file holds float32, else
    float64. `columns` are the d names, from the file's header; ``x0``, ``x1``... where it has none.
    `name` is what messages and reports call the table; `dropped` are the rows of the file, counted
    from 0, left out because a value was missing.
    """

    values: Floats
    columns: tuple[str, ...]
    name: str
    dropped: tuple[int, ...] = ()

    @property
    def constant(self) -> tuple[str, ...]:
        """The columns that hold one value throughout, and so tell no two rows apart."""
        same = (self.values == self.values[0]).all(axis=0)
        return tuple(c for c, constant in zip(self.columns, same, strict=True) if constant)


@dataclass(frozen=True, slots=True, eq=False)
class Scale:
    """Mean and population's standard deviation of each column, (d,) float64, and the way back."""

    mean: NDArray[np.float64]
    std: NDArray[np.float64]

    def undo(self, values: Floats) -> Floats:
        """From standardized values (m, d), such as centers, to the table's own units."""
        # Halves: of numbers near the largest there are, the sum may fit where a product does not.
        return np.asarray(2 * (values * (self.std / 2) + self.mean / 2), dtype=values.dtype)


def standardize(table: Table) -> tuple[Table, Scale]:
    """Bring every column to mean 0 and standard deviation 1, so that none counts for more.

    The table, and the way back to the units of the file. TableError if a column is constant: it has
    no deviation to divide by.

    >>> table = Table(np.array([[1.0, 100.0], [3.0, 500.0]]), ("a", "b"), "two rows")
    >>> scaled, scale = standardize(table)
    >>> scaled.values.tolist(), scale.undo(scaled.values).tolist()
    ([[-1.0, -1.0], [1.0, 1.0]], [[1.0, 100.0], [3.0, 500.0]])
    """
    table = instance("table", table, Table)
    if table.constant:
        names = ", ".join(map(repr, table.constant))
        raise TableError(f"{table.name}: column {names} is constant and can't be scaled")
    # Divided by a power of 2, which changes no digit: squares of 1e160 or 1e-160 are no numbers.
    size = np.frexp(np.abs(table.values).max(axis=0))[1]
    values = np.ldexp(table.values.astype(np.float64, copy=False), -size)
    mean, std = values.mean(axis=0), values.std(axis=0)
    values = ((values - mean) / std).astype(table.values.dtype)
    least = np.finfo(np.float64).smallest_subnormal
    return replace(table, values=values), Scale(
        np.ldexp(mean, size), np.maximum(np.ldexp(std, size), least)
    )


class Missing:
    """Rows without a value, or with an infinite one: refused by name, or counted and left out."""

    def __init__(self, label: str, drop: bool) -> None:
        self.label, self.drop, self.first = label, drop, ""
        self.rows = array("q")

    def found(self, number: int, where: str, row: Sequence[float], names: Sequence[str]) -> None:
        """Note a row that is not finite."""
        for value, name in zip(row, names, strict=True):
            if math.isinf(value):
                raise TableError(f"{self.label}: {where}, column {name!r} is infinite")
        name = next(n for value, n in zip(row, names, strict=True) if math.isnan(value))
        self.first = self.first or f"{where}, column {name!r} has no value"
        self.rows.append(number)

    def settle(self, rows: int) -> None:
        """Once all rows have been seen; ``rows`` of them are complete."""
        if self.rows and not self.drop:
            more = f" ({len(self.rows)} rows lack one)" if len(self.rows) > 1 else ""
            raise TableError(f"{self.label}: {self.first}{more}")
        if rows == 0:
            why = ": every row lacks a value" if self.rows else ""
            raise TableError(
                f"{self.label}: no rows left{why}" if why else f"{self.label}: no rows"
            )


def finite(values: Floats, names: tuple[str, ...], label: str, drop: bool) -> Table:
    """The table without the rows that lack a value."""
    bad = np.flatnonzero(~np.isfinite(values).all(axis=1))
    missing = Missing(label, drop)
    for row in bad.tolist():
        missing.found(row, f"row {row}", values[row].tolist(), names)
    missing.settle(rows=len(values) - len(bad))
    if len(bad):
        values = np.delete(values, bad, axis=0)
    return Table(values, names, label, tuple(bad.tolist()))
