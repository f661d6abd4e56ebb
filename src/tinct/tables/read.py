"""Numeric tables in: text, NPY, NPZ, Parquet and MATLAB files become one array of numbers."""

from __future__ import annotations

import os
from collections.abc import Sequence
from os import PathLike

from tinct.checks import flag, instance
from tinct.errors import TableError
from tinct.tables.arrays import read_array, read_parquet
from tinct.tables.columns import picker, printable
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
    source: str | PathLike[str],
    *,
    columns: Sequence[str | int] | None = None,
    variable: str | None = None,
    drop_missing: bool = False,
) -> Table:
    r"""Read a table of numbers from a file: what the file begins with decides how, not its name.

    Text with a comma, semicolon, tab, bar or blanks between the cells, with or without a header;
    NPY; NPZ; Parquet (needs pyarrow); MATLAB up to version 7.2 (needs scipy); ImportError if what
    it needs is not there. `columns` go by name or counted from 0, in the order wanted, all by
    default. `variable` is which array of an NPZ or MATLAB file, needed when there are several
    tables in it. `drop_missing` leaves out rows in which one of the columns has no value, instead
    of refusing the table. TableError if the file is missing, broken or no table; if a column is not
    numeric, a value is missing or infinite, a row has too few or too many cells, or nothing is
    left.

    >>> import tempfile, pathlib
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "people.csv"
    >>> _ = path.write_text("name;age;height\nAda;36;1.65\nAlan;41;1.79\n")
    >>> read_table(path, columns=["age", "height"]).values.tolist()
    [[36.0, 1.65], [41.0, 1.79]]
    """
    if not isinstance(source, str | PathLike):
        raise TypeError(f"source must be a path, not {type(source).__name__}")
    if variable is not None:
        variable = instance("variable", variable, str)
    drop_missing = flag("drop_missing", drop_missing)
    path = os.fsdecode(source)
    label = printable(path)
    kind = _kind(path, label)
    if variable is not None and kind not in ("npz", "mat"):
        raise TableError(f"{label}: only NPZ and MATLAB files hold named variables")
    pick = picker(columns, label)
    if kind == "text":
        return read_text(path, label, pick, drop_missing)
    if kind == "parquet":
        values, names = read_parquet(path, label, pick)
    else:
        values, names = read_array(kind, path, label, variable, pick)
    return finite(values, names, label, drop_missing)


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
