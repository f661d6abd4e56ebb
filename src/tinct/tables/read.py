"""Numeric tables in: files and DataFrames become one array of numbers."""

from __future__ import annotations

import os
from collections.abc import Sequence
from os import PathLike
from typing import Any

from tinct.checks import instance, word
from tinct.errors import TableError
from tinct.tables.arrays import read_array
from tinct.tables.columns import picker, printable
from tinct.tables.frames import read_frame, read_parquet
from tinct.tables.table import Table, finite
from tinct.tables.text import read_text

__all__ = ["read_table"]

_FORMATS = {b"\x93NUMPY": "npy", b"PK\x03\x04": "npz", b"PAR1": "parquet", b"MATLAB 5.0": "mat"}
_NO_TABLES = {
    b"MATLAB 7.3": "a MATLAB 7.3 file; save it with -v7",
    b"\x89HDF": "an HDF5 file; save the table as CSV, NPY or Parquet",
    b"\xd0\xcf\x11\xe0": "an Excel workbook; save the sheet as CSV",
    b"\x1f\x8b": "compressed with gzip; unpack it first",
    b"%PDF": "a PDF document, not a table",
    b"\x89PNG": "a PNG picture, not a table",
    b"\xff\xd8\xff": "a JPEG picture, not a table",
    b"GIF8": "a GIF picture, not a table",
}


def read_table(
    source: str | PathLike[str] | Any,
    *,
    columns: Sequence[str | int] | None = None,
    variable: str | None = None,
    missing: str = "error",
) -> Table:
    r"""Read a table of numbers from a file, or from a DataFrame of pandas, Polars or PyArrow.

    What a file begins with decides how it is read, not its name. Text with a comma, semicolon, tab,
    bar or blanks between the cells, with or without a header, in UTF-8, UTF-16 or Windows-1252;
    decimal commas, thousands apart and percent signs are understood. NPY; NPZ; Parquet; MATLAB up
    to version 7.2. All but NPY and NPZ need the extra `tables`: ImportError if it is not there.

    `columns` go by name or counted from 0, in the order wanted; by default all that hold numbers,
    and the others are named in `Table.aside`. `variable` is which array of an NPZ or MATLAB file,
    needed when there are several tables in it. `missing` says what becomes of rows in which a
    column has no value: ``"error"`` refuses the table, ``"drop"`` leaves them out, ``"mean"`` puts
    the column's mean there. TableError if the file is missing, broken or no table; if a column
    asked for is not numeric, a value is infinite, a row has too few or too many cells, or nothing
    is left.

    >>> import tempfile, pathlib
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "people.csv"
    >>> _ = path.write_text("name;age;height\nAda;36;1,65\nAlan;41;1,79\n")
    >>> table = read_table(path)
    >>> table.columns, table.values.tolist(), table.aside
    (('age', 'height'), [[36.0, 1.65], [41.0, 1.79]], ('name',))
    """
    missing = word("missing", missing, "error", "drop", "mean")
    if variable is not None:
        variable = instance("variable", variable, str)
    if hasattr(source, "__arrow_c_stream__"):
        label = type(source).__name__
        values, names, aside = read_frame(source, label, picker(columns, label))
        return finite(values, names, label, missing, aside=aside)
    if not isinstance(source, str | PathLike):
        kind = type(source).__name__
        raise TypeError(f"source must be a path or a DataFrame, not {kind}")
    path = os.fsdecode(source)
    label = printable(path)
    kind = _kind(path, label)
    if variable is not None and kind not in ("npz", "mat"):
        raise TableError(f"{label}: only NPZ and MATLAB files hold named variables")
    pick = picker(columns, label)
    if kind == "text":
        return read_text(path, label, pick, missing)
    if kind == "parquet":
        values, names, aside = read_parquet(path, label, pick)
        return finite(values, names, label, missing, aside=aside)
    values, names = read_array(kind, path, label, variable, pick)
    return finite(values, names, label, missing)


def _kind(path: str, label: str) -> str:
    try:
        with open(path, "rb") as file:
            if not os.path.isfile(path):  # reading twice needs a file that stays
                raise TableError(f"{label}: not a regular file")
            head = file.read(16)
    except IsADirectoryError:
        raise TableError(f"{label}: a directory, not a table") from None
    except FileNotFoundError:
        raise TableError(f"{label}: no such file") from None
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        raise TableError(f"{label}: {getattr(error, 'strerror', None) or error}") from error
    if not head:
        raise TableError(f"{label}: the file is empty")
    for start, what in _NO_TABLES.items():
        if head.startswith(start):
            raise TableError(f"{label}: {what}")
    if path.lower().endswith(".mat"):
        return "mat"  # version 4 begins with nothing to know it by
    return next((kind for start, kind in _FORMATS.items() if head.startswith(start)), "text")
