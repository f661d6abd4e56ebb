"""Tables of text, read twice.

A few lines at the top tell how it is written, then all of it goes to ``numpy.loadtxt``, which is
fast and says little about what it dislikes. Where that fails, or some number is missing, a careful
reader goes over the file again, row by row into a flat array: it leaves out the rows it may leave
out, and names line and column of the first one it may not.
"""

from __future__ import annotations

import csv
import math
from array import array
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from tinct.errors import TableError
from tinct.tables.columns import Pick, default_names, not_numeric, take
from tinct.tables.table import Floats, Missing, Table

__all__ = ["read_text"]

SAMPLE = 1 << 16  # bytes at the top of a text that tell how it is written
MISSING = frozenset(["", "?", "-", "na", "n/a", "#n/a", "nan", "null", "none"])


@dataclass(frozen=True, slots=True)
class _Sheet:
    """How a text table is written, as far as its top tells."""

    path: str
    label: str
    encoding: str
    delimiter: str | None  # None: any blanks
    names: tuple[str, ...]
    skip: int  # lines before the first row
    numeric: tuple[bool, ...]


def read_text(path: str, label: str, pick: Pick, drop: bool) -> Table:
    """Read a table of text."""
    sheet = _sniff(path, label)
    picked = pick(sheet.names)
    names = tuple(sheet.names[i] for i in picked)
    everything = _fast(sheet)
    if everything is not None:
        chosen = take(everything, picked)
        if np.isfinite(chosen).all():
            return Table(chosen, names, label)
        del everything, chosen
    values, dropped = _careful(sheet, picked, drop)
    return Table(values, names, label, dropped)


def _sniff(path: str, label: str) -> _Sheet:
    with open(path, "rb") as file:
        top = file.read(SAMPLE)
    encoding = "utf-16" if top[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    if encoding == "utf-8-sig" and b"\0" in top:
        raise TableError(f"{label}: not a table in a known format")
    lines = top.decode(encoding, "replace").splitlines()
    if len(top) == SAMPLE:
        del lines[-1:]  # cut anywhere
    delimiter = _delimiter([line for line in lines if line.strip() and line[0] != "#"][:50])
    rows = list(islice(_rows(lines, delimiter), 50))
    if not rows:
        raise TableError(f"{label}: no rows")
    first = rows[0][1]
    numeric = tuple(_numeric(i, [cells for _, cells in rows[1:]]) for i in range(len(first)))
    header = _is_header(first, numeric)
    if header and len(rows) == 1:
        raise TableError(f"{label}: a header and no rows")
    if not header:
        numeric = tuple(_numeric(i, [cells for _, cells in rows]) for i in range(len(first)))
    names = default_names(len(first))
    if header:
        names = tuple(c.strip() or n for c, n in zip(first, names, strict=True))
    skip = rows[0][0] if header else rows[0][0] - 1
    return _Sheet(path, label, encoding, delimiter, names, skip, numeric)


def _delimiter(lines: list[str]) -> str | None:
    """The first mark that cuts four of five lines into the same number of cells, two or more."""
    for mark in ("\t", ";", "|", ",", None):
        counts = Counter(len(cells) for _, cells in _rows(lines, mark))
        cells, often = counts.most_common(1)[0] if counts else (0, 0)
        if cells > 1 and often >= 0.8 * sum(counts.values()):
            return mark
    return ","


def _rows(lines: Iterable[str], delimiter: str | None) -> Iterator[tuple[int, list[str]]]:
    """The lines on which rows end, from 1, and their cells; no blank lines, no # at the top."""
    if delimiter is None:
        rows = ((i, line.split()) for i, line in enumerate(lines, 1))
    else:
        reader = csv.reader(lines, delimiter=delimiter, skipinitialspace=True)
        rows = ((reader.line_num, cells) for cells in reader)
    top = True
    for line, cells in rows:
        top = top and (not cells or cells[0].startswith("#"))
        if cells and not top:
            yield line, cells


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _is_missing(cell: str) -> bool:
    return cell.strip().lower() in MISSING


def _numeric(i: int, rows: list[list[str]]) -> bool:
    cells = [cells[i] for cells in rows if i < len(cells) and not _is_missing(cells[i])]
    return bool(cells) and all(map(_is_number, cells))


def _is_header(first: list[str], numeric: tuple[bool, ...]) -> bool:
    """A word above numbers makes a header, and so does a first row of nothing but words."""
    words = [not _is_number(cell) and not _is_missing(cell) for cell in first]
    above = [word and below for word, below in zip(words, numeric, strict=True)]
    return any(above) or (any(words) and not any(map(_is_number, first)))


def _fast(sheet: _Sheet) -> NDArray[np.float64] | None:
    """All rows of a table without text, or None: if anything is wrong, the careful reader knows."""
    if not all(sheet.numeric):
        return None
    try:
        return np.loadtxt(
            sheet.path,
            dtype=np.float64,
            delimiter=sheet.delimiter,
            comments=None,
            skiprows=sheet.skip,
            encoding=sheet.encoding,
            quotechar='"',
            ndmin=2,
        )
    except ValueError:
        return None


def _careful(sheet: _Sheet, picked: list[int], drop: bool) -> tuple[Floats, tuple[int, ...]]:
    """The columns picked, row by row, and which rows were left out."""
    numbers, missing, seen = array("d"), Missing(sheet.label, drop), 0
    with open(sheet.path, encoding=sheet.encoding, newline="") as file:
        try:
            for line, cells in _rows(file, sheet.delimiter):
                if line <= sheet.skip:
                    continue
                row = _numbers(cells, line, sheet, picked)
                if not all(map(math.isfinite, row)):
                    missing.found(seen, f"line {line}", row, [sheet.names[i] for i in picked])
                else:
                    numbers.extend(row)
                seen += 1
        except UnicodeDecodeError:
            raise TableError(f"{sheet.label}: {_bad_byte(sheet)}") from None
        except csv.Error as error:
            raise TableError(f"{sheet.label}: {error}") from None
    missing.settle(rows=len(numbers))
    return np.frombuffer(numbers, np.float64).reshape(-1, len(picked)), tuple(missing.rows)


def _numbers(cells: list[str], line: int, sheet: _Sheet, picked: list[int]) -> list[float]:
    if len(cells) != len(sheet.names):
        many = f"{len(cells)} cell" + "s" * (len(cells) != 1)
        raise TableError(f"{sheet.label}: line {line} has {many}, not {len(sheet.names)}")
    try:
        return [float(cells[i]) for i in picked]
    except ValueError:
        return [_number(cells[i], line, sheet, i) for i in picked]


def _number(cell: str, line: int, sheet: _Sheet, i: int) -> float:
    if _is_missing(cell):
        return math.nan
    try:
        return float(cell)
    except ValueError:
        text = cell.strip()
        what = f"holds text in line {line}: {text[:40]!r}"
        if _is_number(text.replace(",", ".")):
            what = f"has a decimal comma in line {line}, {text!r}: write 1.5, not 1,5"
        numeric = [
            n for n, is_numeric in zip(sheet.names, sheet.numeric, strict=True) if is_numeric
        ]
        others = [n for n in numeric if n != sheet.names[i]]
        raise not_numeric(sheet.label, sheet.names[i], what, others) from None


def _bad_byte(sheet: _Sheet) -> str:
    wish = "UTF-16" if sheet.encoding == "utf-16" else "UTF-8"
    with open(sheet.path, "rb") as file:
        for number, line in enumerate(file, 1):
            try:
                line.decode(sheet.encoding)
            except UnicodeDecodeError as error:
                byte = f"byte 0x{line[error.start]:02X} in line {number}"
                return f"{byte} is not {wish}; save it as UTF-8"
    return f"not {wish} text; save it as UTF-8"
