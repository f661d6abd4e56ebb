"""Which columns: from the names in a file to the indices of those asked for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinct.checks import listed
from tinct.errors import TableError
from tinct.tables.table import Floats

__all__ = ["Pick", "default_names", "not_numeric", "picker", "printable", "quoted", "take"]

Pick = Callable[[Sequence[str]], list[int]]


def picker(columns: Sequence[str | int] | None, label: str) -> Pick | None:
    """From the names in a file to the indices of the columns asked for; None: all that will do."""
    if columns is None:
        return None
    chosen = listed("columns", columns)
    for wanted in chosen:
        if isinstance(wanted, bool) or not isinstance(wanted, str | int | np.integer):
            kind = type(wanted).__name__
            raise TypeError(f"columns must be names or whole numbers, not {kind}")

    def pick(names: Sequence[str]) -> list[int]:
        if not chosen:
            raise TableError(f"{label}: no columns asked for")
        picked = [_index(wanted, names, label) for wanted in chosen]
        for i, n in Counter(picked).items():
            if n > 1:
                raise TableError(f"{label}: column {names[i]!r} is asked for {n} times")
        return picked

    return pick


def _index(wanted: str | int, names: Sequence[str], label: str) -> int:
    if isinstance(wanted, str):
        wanted = wanted.strip()
        if names.count(wanted) > 1:
            raise TableError(f"{label}: several columns are called {wanted!r}; ask by number")
        if wanted in names:
            return names.index(wanted)
    if str(wanted).isdecimal() and int(wanted) < len(names):
        return int(wanted)
    raise TableError(f"{label}: no column {wanted!r}; there are {quoted(names)}")


def quoted(names: Iterable[str], most: int = 12) -> str:
    """The names as messages list them."""
    names = list(names)
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(map(repr, names[:most])) + more


def not_numeric(label: str, name: str, what: str, numeric: Iterable[str]) -> TableError:
    """What to raise for a column that holds no numbers."""
    numeric = list(numeric)
    choice = f"; numeric columns: {quoted(numeric)}" if numeric else "; no column is numeric"
    return TableError(f"{label}: column {name!r} {what}{choice}")


def default_names(d: int) -> tuple[str, ...]:
    """What columns are called that have no names."""
    return tuple(f"x{i}" for i in range(d))


def printable(text: str) -> str:
    """A text without anything that moves a cursor."""
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


def take(found: NDArray[Any], picked: list[int]) -> Floats:
    """A contiguous array of those columns; of the whole one itself where that is possible."""
    dtype = np.float32 if found.dtype == np.float32 else np.float64
    if picked != list(range(found.shape[1])):
        found = found[:, picked]
    if isinstance(found.base, np.memmap) or isinstance(found, np.memmap):
        return np.array(found, dtype, order="C")  # the file may change under a map
    return np.ascontiguousarray(found, dtype)
