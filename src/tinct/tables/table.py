"""A table as numbers: values, columns' names, the scale of each; what is done without a value."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinct.checks import instance
from tinct.errors import TableError

__all__ = ["Floats", "Scale", "Table", "finite", "standardize"]

Floats = NDArray[np.floating[Any]]


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """A table of numbers: one row per example, one named column per feature.

    `values` (n, d) are C-contiguous and finite, float32 only if the file holds float32, else
    float64. `columns` are the d names, from the file's header; ``x0``, ``x1``... where it has none.
    `name` is what messages and reports call the table. `dropped` are the rows of the file, counted
    from 0, left out because a value was missing; `aside` the columns left out because they hold no
    numbers; `filled` is how many values are their column's mean because there was none.
    """

    values: Floats
    columns: tuple[str, ...]
    name: str
    dropped: tuple[int, ...] = ()
    aside: tuple[str, ...] = ()
    filled: int = 0

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

    The table, and the way back to the units of the file. A constant column has no deviation to
    divide by and stays as it is: it tells no rows apart, in whatever unit.

    >>> table = Table(np.array([[1.0, 100.0], [3.0, 500.0]]), ("a", "b"), "two rows")
    >>> scaled, scale = standardize(table)
    >>> scaled.values.tolist(), scale.undo(scaled.values).tolist()
    ([[-1.0, -1.0], [1.0, 1.0]], [[1.0, 100.0], [3.0, 500.0]])
    """
    table = instance("table", table, Table)
    # Divided by a power of 2, which changes no digit: squares of 1e160 or 1e-160 are no numbers.
    constant = (table.values == table.values[0]).all(axis=0)
    size = np.where(constant, 0, np.frexp(np.abs(table.values).max(axis=0))[1])
    values = np.ldexp(table.values.astype(np.float64, copy=False), -size)
    mean, std = values.mean(axis=0), values.std(axis=0)
    mean, std = np.where(constant, 0, mean), np.where(constant, 1, std)
    values = ((values - mean) / std).astype(table.values.dtype)
    least = np.finfo(np.float64).smallest_subnormal
    return replace(table, values=values), Scale(
        np.ldexp(mean, size), np.maximum(np.ldexp(std, size), least)
    )


def finite(
    values: Floats,
    names: tuple[str, ...],
    label: str,
    missing: str,
    where: Callable[[int], str] = "row {}".format,
    aside: tuple[str, ...] = (),
) -> Table:
    """The table with rows that lack a value refused, left out or filled; infinite ones are refused.

    `where` says where a row of the file is.
    """
    bad = np.flatnonzero(~np.isfinite(values).all(axis=1))
    for row in bad[np.isinf(values[bad]).any(axis=1)][:1].tolist():
        name = names[int(np.isinf(values[row]).argmax())]
        raise TableError(f"{label}: {where(row)}, column {name!r} is infinite")
    if len(values) == 0:
        raise TableError(f"{label}: no rows")
    if len(bad) == 0:
        return Table(values, names, label, aside=aside)
    if missing == "error":
        name = names[int(np.isnan(values[bad[0]]).argmax())]
        more = f" ({len(bad)} rows lack one)" if len(bad) > 1 else ""
        at = f"{where(int(bad[0]))}, column {name!r}"
        raise TableError(f"{label}: {at} has no value{more}; missing may be drop or mean")
    if missing == "drop":
        if len(bad) == len(values):
            raise TableError(f"{label}: no rows left: every row lacks a value")
        return Table(np.delete(values, bad, axis=0), names, label, tuple(bad.tolist()), aside)
    gaps = np.isnan(values)
    for j in np.flatnonzero(gaps.any(axis=0)):
        if gaps[:, j].all():
            raise TableError(f"{label}: column {names[j]!r} has no value to take the mean of")
        values[gaps[:, j], j] = values[~gaps[:, j], j].mean(dtype=np.float64)
    return Table(values, names, label, aside=aside, filled=int(gaps.sum()))
