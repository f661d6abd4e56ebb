"""Tables of text, as spreadsheets and programs export them.

A few lines at the top tell how the text is written; pyarrow reads its cells, and whole columns at
a time become numbers (`numerals`). Only when something is wrong is the file read once more, to
name the line.
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinct.errors import TableError
from tinct.tables.columns import Pick, default_names, not_numeric, printable
from tinct.tables.frames import pyarrow
from tinct.tables.numerals import MISSING, is_missing, is_number, numbers
from tinct.tables.table import Table, finite

__all__ = ["read_text"]

SAMPLE = 1 << 16  # bytes at the top of a text that tell how it is written
BLOCK = 1 << 24  # bytes that pyarrow parses at a time; no row may be longer
WORDS = 0.1  # a column with a larger share of words is text; else a word in it is a mistake


@dataclass(frozen=True, slots=True)
class _Sheet:
    """How a text table is written, as far as its top tells."""

    path: str
    label: str
    encoding: str
    delimiter: str | None  # None: any blanks
    names: tuple[str, ...]
    skip: int  # lines before the first row


def read_text(path: str, label: str, pick: Pick | None, missing: str) -> Table:
    """Read a table of text: the columns picked, or all that hold numbers."""
    sheet = _sniff(path, label)
    picked = pick(sheet.names) if pick else list(range(len(sheet.names)))
    cells = _cells(sheet, picked)
    columns = numbers(cells, sheet.delimiter)
    kept = [j for j, (values, word) in enumerate(columns) if pick or _numeric(values, word)]
    if not kept:
        raise TableError(f"{label}: no column holds numbers")
    names = [sheet.names[i] for i in picked]
    for j in kept:
        if columns[j][1].any():
            row = int(columns[j][1].argmax())
            what = f"holds text in line {_line(sheet, row)}: {cells[j][row].as_py()[:40]!r}"
            others = [n for n, c in zip(names, columns, strict=True) if _numeric(*c)]
            raise not_numeric(label, names[j], what, (n for n in others if n != names[j]))
    return finite(
        np.stack([columns[j][0] for j in kept], axis=1),
        tuple(names[j] for j in kept),
        label,
        missing,
        where=lambda row: f"line {_line(sheet, row)}",
        aside=tuple(name for j, name in enumerate(names) if j not in kept),
    )


def _numeric(values: NDArray[np.float64], word: NDArray[np.bool_]) -> bool:
    """Whether a column holds numbers, and not more words among them than mistakes explain."""
    found = len(values) - int(np.isnan(values).sum())
    return found > 0 and int(word.sum()) <= WORDS * (found + int(word.sum()))


def _sniff(path: str, label: str) -> _Sheet:
    with open(path, "rb") as file:
        top = file.read(SAMPLE)
    encoding = "utf-16" if top[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    if encoding == "utf-8-sig" and b"\0" in top:
        raise TableError(f"{label}: not a table in a known format")
    if encoding == "utf-8-sig" and not _is_utf8(path):
        encoding = "cp1252"  # what spreadsheets on Windows write instead
    lines = top.decode(encoding, "replace").splitlines(keepends=True)
    if len(top) == SAMPLE:
        del lines[-1:]  # cut anywhere
    delimiter = _delimiter([line for line in lines if line.strip() and line[0] != "#"][:50])
    rows = list(islice(_rows(lines, delimiter), 50))
    if not rows:
        raise TableError(f"{label}: no rows")
    first = rows[0][1]
    header = _is_header(first, [cells for _, cells in rows[1:]])
    if header and len(rows) == 1:
        raise TableError(f"{label}: a header and no rows")
    names = default_names(len(first))
    if header:
        names = tuple(" ".join(c.split()) or n for c, n in zip(first, names, strict=True))
    skip = rows[0][0] if header else rows[0][0] - 1
    return _Sheet(path, label, encoding, delimiter, names, skip)


def _is_utf8(path: str) -> bool:
    with open(path, encoding="utf-8") as file:
        try:
            while file.read(BLOCK):
                pass
        except UnicodeDecodeError:
            return False
    return True


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


def _is_header(first: list[str], rows: list[list[str]]) -> bool:
    """A word above numbers makes a header, and so does a first row of nothing but words."""
    words = [not is_number(cell) and not is_missing(cell) for cell in first]
    for i, word in enumerate(words):
        below = [cells[i] for cells in rows if i < len(cells) and not is_missing(cells[i])]
        if word and below and all(map(is_number, below)):
            return True
    return any(words) and not any(map(is_number, first))


def _cells(sheet: _Sheet, picked: list[int]) -> list[Any]:
    """The columns picked in pyarrow: numbers, if all are as programs write them, or strings."""
    arrow = pyarrow("tables of text")
    from pyarrow import float64, string

    try:
        if sheet.delimiter is not None:
            with suppress(arrow.ArrowInvalid):
                return _parsed(sheet, picked, float64())
        return _parsed(sheet, picked, string())
    except UnicodeError as error:
        raise TableError(f"{sheet.label}: not {sheet.encoding} text ({error})") from None
    except arrow.ArrowInvalid as error:
        for line, cells in _read(sheet):
            if len(cells) != len(sheet.names):
                many = f"{len(cells)} cell" + "s" * (len(cells) != 1)
                text = f"line {line} has {many}, not {len(sheet.names)}"
                raise TableError(f"{sheet.label}: {text}") from None
        raise TableError(f"{sheet.label}: {printable(str(error))}") from None


def _parsed(sheet: _Sheet, picked: list[int], kind: Any) -> list[Any]:
    from pyarrow import compute, csv

    # pyarrow knows no blanks as delimiters: each line is then one cell, cut afterwards.
    blanks = sheet.delimiter is None
    names = [str(i) for i in range(1 if blanks else len(sheet.names))]
    table = csv.read_csv(
        sheet.path,
        csv.ReadOptions(
            column_names=names, skip_rows=sheet.skip, encoding=sheet.encoding, block_size=BLOCK
        ),
        csv.ParseOptions(
            delimiter="\x01" if blanks else sheet.delimiter,
            quote_char=False if blanks else '"',
            newlines_in_values=not blanks,
        ),
        csv.ConvertOptions(
            column_types=dict.fromkeys(names, kind),
            null_values=[*MISSING, *(word.upper() for word in MISSING)],
            include_columns=["0"] if blanks else [str(i) for i in picked],
        ),
    )
    if not blanks:
        return [column.combine_chunks() for column in table.columns]
    rows = compute.utf8_split_whitespace(compute.utf8_trim_whitespace(table["0"])).combine_chunks()
    if compute.any(compute.not_equal(compute.list_value_length(rows), len(sheet.names))).as_py():
        raise pyarrow("tables of text").ArrowInvalid("cells")
    return [compute.list_element(rows, i) for i in picked]


def _read(sheet: _Sheet) -> Iterator[tuple[int, list[str]]]:
    """The rows once more, with the lines on which they end."""
    with open(sheet.path, encoding=sheet.encoding, errors="replace", newline="") as file:
        try:
            yield from ((n, cells) for n, cells in _rows(file, sheet.delimiter) if n > sheet.skip)
        except csv.Error as error:
            raise TableError(f"{sheet.label}: {error}") from None


def _line(sheet: _Sheet, row: int) -> int:
    """The line on which a row ends."""
    return next(islice(_read(sheet), row, None))[0]
