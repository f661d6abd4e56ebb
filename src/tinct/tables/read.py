"""Numeric tables in: text, NPY, NPZ, Parquet and MATLAB files become one array of numbers.

Text is read twice: a few lines at the top to find out how it is written, then all of it by
``numpy.loadtxt``, which is fast and says little about what it dislikes. Where that fails, or some
number is missing, a careful reader goes over the file again, row by row into a flat array: it
leaves out the rows it may leave out, and names line and column of the first one it may not.
"""

from __future__ import annotations

import csv
import math
import os
import zipfile
from array import array
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from os import PathLike
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinct.errors import TableError

__all__ = ["Scale", "Table", "read_table", "standardize"]

Floats = NDArray[np.floating[Any]]
Pick = Callable[[Sequence[str]], list[int]]

SAMPLE = 1 << 16  # bytes at the top of a text that tell how it is written
MISSING = frozenset(["", "?", "-", "na", "n/a", "#n/a", "nan", "null", "none"])


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """A table of numbers: one row per example, one named column per feature.

    Attributes
    ----------
    values : (n, d) float32 or float64
        C-contiguous and finite. float32 only if the file holds float32.
    columns : tuple of str
        The d names, from the file's header; ``x0``, ``x1``... where it has none.
    name : str
        What messages and reports call the table.
    dropped : tuple of int
        The rows of the file, counted from 0, left out because a value was missing.
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
    """How the columns of a table were standardized, and the way back.

    Attributes
    ----------
    mean, std : (d,) float64
        Of each column, the standard deviation that of the population.
    """

    mean: NDArray[np.float64]
    std: NDArray[np.float64]

    def undo(self, values: Floats) -> Floats:
        """From standardized values (m, d), such as centers, to the table's own units."""
        # Halves: of numbers near the largest there are, the sum may fit where a product does not.
        return np.asarray(2 * (values * (self.std / 2) + self.mean / 2), dtype=values.dtype)


def standardize(table: Table) -> tuple[Table, Scale]:
    """Bring every column to mean 0 and standard deviation 1, so that none counts for more.

    Parameters
    ----------
    table : Table

    Returns
    -------
    Table
        With standardized values.
    Scale
        The way back to the units of the file.

    Raises
    ------
    TableError
        If a column is constant: it has no deviation to divide by.

    Examples
    --------
    >>> table = Table(np.array([[1.0, 100.0], [3.0, 500.0]]), ("a", "b"), "two rows")
    >>> scaled, scale = standardize(table)
    >>> scaled.values.tolist(), scale.undo(scaled.values).tolist()
    ([[-1.0, -1.0], [1.0, 1.0]], [[1.0, 100.0], [3.0, 500.0]])
    """
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


def read_table(
    source: str | PathLike[str],
    *,
    columns: Sequence[str | int] | None = None,
    variable: str | None = None,
    drop_missing: bool = False,
) -> Table:
    r"""Read a table of numbers from a file, whatever its format.

    Parameters
    ----------
    source : path
        Text with a comma, semicolon, tab, bar or blanks between the cells, with or without a
        header; NPY; NPZ; Parquet (needs pyarrow); MATLAB up to version 7.2 (needs scipy). What
        the file begins with decides, not its name.
    columns : sequence of str or int, optional
        Which columns, by name or counted from 0, in the order wanted. All of them by default.
    variable : str, optional
        Which array of an NPZ or MATLAB file; needed when there are several tables in it.
    drop_missing : bool
        Leave out rows in which one of the columns has no value, instead of refusing the table.

    Returns
    -------
    Table

    Raises
    ------
    TableError
        If the file is missing, broken or no table; if a column is not numeric, a value is missing
        or infinite, a row has too few or too many cells, or nothing is left.
    ImportError
        If reading this format needs a package that is not there.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "people.csv"
    >>> _ = path.write_text("name;age;height\nAda;36;1.65\nAlan;41;1.79\n")
    >>> read_table(path, columns=["age", "height"]).values
    array([[36.  ,  1.65],
           [41.  ,  1.79]])
    """
    path = os.fspath(source)
    label = _printable(path)
    kind = _kind(path, label)
    if variable is not None and kind not in ("npz", "mat"):
        raise TableError(f"{label}: only NPZ and MATLAB files hold named variables")
    pick = _picker(columns, label)
    if kind == "text":
        return _read_text(path, label, pick, drop_missing)
    if kind == "parquet":
        values, names = _read_parquet(path, label, pick)
    else:
        values, names = _table_of(_read_array(kind, path, label, variable), pick, label)
    return _finite(values, names, label, drop_missing)


# ---- which format, which columns -----------------------------------------------------------------

_FORMATS = {
    b"\x93NUMPY": "npy",
    b"PK\x03\x04": "npz",
    b"PAR1": "parquet",
    b"MATLAB 5.0": "mat",
}
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


def _picker(columns: Sequence[str | int] | None, label: str) -> Pick:
    """From the names in a file to the indices of the columns asked for."""

    def pick(names: Sequence[str]) -> list[int]:
        if columns is None:
            return list(range(len(names)))
        if not columns:
            raise TableError(f"{label}: no columns asked for")
        picked = [_index(wanted, names, label) for wanted in columns]
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
    raise TableError(f"{label}: no column {wanted!r}; there are {_listed(names)}")


def _listed(names: Iterable[str], most: int = 12) -> str:
    names = list(names)
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(map(repr, names[:most])) + more


def _not_numeric(label: str, name: str, what: str, numeric: Iterable[str]) -> TableError:
    numeric = list(numeric)
    choice = f"; numeric columns: {_listed(numeric)}" if numeric else "; no column is numeric"
    return TableError(f"{label}: column {name!r} {what}{choice}")


def _default_names(d: int) -> tuple[str, ...]:
    return tuple(f"x{i}" for i in range(d))


def _printable(text: str) -> str:
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


# ---- text ----------------------------------------------------------------------------------------


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


def _read_text(path: str, label: str, pick: Pick, drop: bool) -> Table:
    sheet = _sniff(path, label)
    picked = pick(sheet.names)
    names = tuple(sheet.names[i] for i in picked)
    everything = _fast(sheet)
    if everything is not None:
        chosen = _columns(everything, picked)
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
    names = _default_names(len(first))
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
    numbers, missing, seen = array("d"), _Missing(sheet.label, drop), 0
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
        raise _not_numeric(sheet.label, sheet.names[i], what, others) from None


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


# ---- missing and infinite values -----------------------------------------------------------------


class _Missing:
    """Rows without a value, or with an infinite one: refused by name, or counted and left out."""

    def __init__(self, label: str, drop: bool) -> None:
        self.label, self.drop, self.first = label, drop, ""
        self.rows = array("q")

    def found(self, number: int, where: str, row: Sequence[float], names: Sequence[str]) -> None:
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


def _finite(values: Floats, names: tuple[str, ...], label: str, drop: bool) -> Table:
    bad = np.flatnonzero(~np.isfinite(values).all(axis=1))
    missing = _Missing(label, drop)
    for row in bad.tolist():
        missing.found(row, f"row {row}", values[row].tolist(), names)
    missing.settle(rows=len(values) - len(bad))
    if len(bad):
        values = np.delete(values, bad, axis=0)
    return Table(values, names, label, tuple(bad.tolist()))


# ---- arrays: NPY, NPZ, MATLAB --------------------------------------------------------------------


def _read_array(kind: str, path: str, label: str, variable: str | None) -> NDArray[Any]:
    read = {"npy": _read_npy, "npz": _read_npz, "mat": _read_mat}[kind]
    try:
        return read(path, label, variable)
    except (TableError, ImportError, MemoryError):
        raise
    except Exception as error:  # parsers of broken files raise nearly everything
        if "Python objects" in str(error) or "allow_pickle" in str(error):
            raise TableError(f"{label}: Python objects inside, which are never loaded") from None
        text = " ".join(_printable(str(error)).split())
        raise TableError(f"{label}: broken {kind.upper()} file ({text})") from error


def _read_npy(path: str, label: str, variable: str | None) -> NDArray[Any]:
    # Mapped, so that only what is picked is ever copied to memory.
    return np.asarray(np.load(path, mmap_mode="r", allow_pickle=False))


def _read_npz(path: str, label: str, variable: str | None) -> NDArray[Any]:
    shapes: dict[str, tuple[int, ...]] = {}
    with zipfile.ZipFile(path) as archive:
        names = [name[:-4] for name in archive.namelist() if name.endswith(".npy")]
        if not names:
            raise TableError(
                f"{label}: a ZIP archive without NumPy arrays (a workbook? Save as CSV)"
            )
        for name in names:
            with archive.open(name + ".npy") as file:
                shape, dtype = _npy_header(file)
            if dtype.kind in "fiub" or variable == name:
                shapes[name] = shape
    with np.load(path, allow_pickle=False) as arrays:
        return np.asarray(arrays[_the_table(shapes, names, variable, label)])


def _npy_header(file: Any) -> tuple[tuple[int, ...], np.dtype[Any]]:
    version = np.lib.format.read_magic(file)
    old = version == (1, 0)
    header = np.lib.format.read_array_header_1_0 if old else np.lib.format.read_array_header_2_0
    shape, _, dtype = header(file)
    return shape, dtype


_MATLAB_NUMBERS = frozenset(
    ["double", "single", "logical"]
    + [f"{u}int{bits}" for u in ("", "u") for bits in (8, 16, 32, 64)]
)


def _read_mat(path: str, label: str, variable: str | None) -> NDArray[Any]:
    try:
        from scipy.io import loadmat, whosmat
    except ImportError as error:
        raise ImportError("MATLAB files need an extra: pip install 'tinct[tables]'") from error
    found = whosmat(path, appendmat=False)
    shapes = {n: shape for n, shape, kind in found if kind in _MATLAB_NUMBERS or n == variable}
    name = _the_table(shapes, [n for n, _, _ in found], variable, label)
    value = loadmat(path, appendmat=False, variable_names=[name])[name]
    if not isinstance(value, np.ndarray):
        raise TableError(f"{label}: {name} is not a full array")
    return value


def _the_table(
    shapes: dict[str, tuple[int, ...]], names: list[str], variable: str | None, label: str
) -> str:
    """The variable asked for, or the only one that is a table."""
    if variable is not None:
        if variable not in names:
            raise TableError(f"{label}: no variable {variable!r}; there are {_listed(names)}")
        return variable
    flat = [n for n, shape in shapes.items() if len(shape) == 2]
    several = [n for n in flat if min(shapes[n]) > 1]  # beside X there is often a vector of classes
    only = several if len(several) == 1 else flat
    if len(only) == 1:
        return only[0]
    if only:
        raise TableError(f"{label}: several tables: name one of {_listed(only)}")
    there = ", ".join(f"{n} {shapes[n]}" if n in shapes else n for n in names) or "nothing"
    raise TableError(f"{label}: no table of rows and columns; there is {there}")


def _table_of(found: NDArray[Any], pick: Pick, label: str) -> tuple[Floats, tuple[str, ...]]:
    if found.dtype.names is not None:  # a structured array: its fields are the columns
        names = found.dtype.names
        picked = pick(names)
        parts = [_columns(_two(found[names[i]], label, names[i]), [0]) for i in picked]
        return np.ascontiguousarray(np.hstack(parts)), tuple(names[i] for i in picked)
    found = _two(found, label, None)
    names = _default_names(found.shape[1])
    picked = pick(names)
    return _columns(found, picked), tuple(names[i] for i in picked)


def _two(found: NDArray[Any], label: str, name: str | None) -> NDArray[Any]:
    """As rows and columns of real numbers, or refused."""
    what = "" if name is None else f"column {name!r}: "
    if found.dtype.kind not in "fiub":
        kinds = {"c": "complex numbers", "O": "Python objects", "U": "text", "S": "text"}
        kind = kinds.get(found.dtype.kind, f"{found.dtype} values")
        raise TableError(f"{label}: {what}{kind}, not real numbers")
    if found.ndim == 1:
        found = found[:, None]
    if found.ndim != 2:
        raise TableError(f"{label}: {what}an array of shape {found.shape}, not rows and columns")
    if 0 in found.shape:
        raise TableError(f"{label}: {what}no rows" if not len(found) else f"{label}: no columns")
    return found


def _columns(found: NDArray[Any], picked: list[int]) -> Floats:
    """A contiguous array of those columns; of the whole one itself where that is possible."""
    dtype = np.float32 if found.dtype == np.float32 else np.float64
    if picked != list(range(found.shape[1])):
        found = found[:, picked]
    if isinstance(found.base, np.memmap) or isinstance(found, np.memmap):
        return np.array(found, dtype, order="C")  # the file may change under a map
    return np.ascontiguousarray(found, dtype)


# ---- Parquet -------------------------------------------------------------------------------------


def _read_parquet(path: str, label: str, pick: Pick) -> tuple[Floats, tuple[str, ...]]:
    try:
        from pyarrow import ArrowException, parquet
    except ImportError as error:
        raise ImportError("Parquet files need an extra: pip install 'tinct[tables]'") from error
    try:
        with parquet.ParquetFile(path) as file:
            names = tuple(file.schema_arrow.names)
            picked = pick(names)
            single = _check_types(file.schema_arrow, picked, label)
            values = np.empty((file.metadata.num_rows, len(picked)), "f4" if single else "f8")
            _fill(values, file, [names[i] for i in picked])
    except (ArrowException, OSError) as error:
        text = " ".join(_printable(str(error)).split())
        raise TableError(f"{label}: broken Parquet file ({text})") from error
    if not picked or not len(values):
        raise TableError(f"{label}: no {'rows' if picked else 'columns'}")
    return values, tuple(names[i] for i in picked)


def _check_types(schema: Any, picked: list[int], label: str) -> bool:
    """Whether all columns picked are float32; one that holds no numbers is refused."""
    from pyarrow import types

    def is_number(kind: Any) -> bool:
        tests = (types.is_integer, types.is_floating, types.is_decimal, types.is_boolean)
        return any(test(kind) for test in tests)

    numeric = [
        name for name, kind in zip(schema.names, schema.types, strict=True) if is_number(kind)
    ]
    for i in picked:
        if not is_number(schema.types[i]):
            what = f"holds no numbers ({schema.types[i]})"
            raise _not_numeric(label, schema.names[i], what, numeric)
    return all(types.is_float32(schema.types[i]) for i in picked)


def _fill(values: Floats, file: Any, names: list[str]) -> None:
    """Batch by batch: the whole file is never in memory beside its values."""
    import pyarrow

    row = 0
    for batch in file.iter_batches(1 << 16, columns=names):
        for j, name in enumerate(names):
            column = batch.column(name).cast(pyarrow.float64(), safe=False)
            values[row : row + len(batch), j] = column.to_numpy(zero_copy_only=False)
        row += len(batch)
