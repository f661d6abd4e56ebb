"""Missing and infinite values: refused by name, or their rows left out."""

from __future__ import annotations

import math
from array import array
from collections.abc import Sequence

import numpy as np

from tinct.errors import TableError
from tinct.tables.table import Floats, Table

__all__ = ["Missing", "finite"]


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
