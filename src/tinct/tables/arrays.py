"""Arrays in NPY, NPZ and MATLAB files."""

from __future__ import annotations

import zipfile
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinct.errors import TableError
from tinct.tables.columns import Pick, default_names, printable, quoted, take
from tinct.tables.mat import arrays
from tinct.tables.table import Floats

__all__ = ["read_array"]


def read_array(
    kind: str, path: str, label: str, variable: str | None, pick: Pick | None
) -> tuple[Floats, tuple[str, ...]]:
    """The columns picked and their names, from a file of the kind ``npy``, ``npz`` or ``mat``."""
    return _table_of(_found(kind, path, label, variable), pick, label)


def _found(kind: str, path: str, label: str, variable: str | None) -> NDArray[Any]:
    read = {"npy": _read_npy, "npz": _read_npz, "mat": _read_mat}[kind]
    try:
        return read(path, label, variable)
    except (TableError, ImportError, MemoryError):
        raise
    except Exception as error:  # parsers of broken files raise nearly everything
        if "Python objects" in str(error) or "allow_pickle" in str(error):
            raise TableError(f"{label}: Python objects inside, which are never loaded") from None
        text = " ".join(printable(str(error)).split())
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


def _read_mat(path: str, label: str, variable: str | None) -> NDArray[Any]:
    with open(path, "rb") as file:
        found = arrays(file.read())
    held = {name: value for name, _, value in found if value is not None}
    shapes = {name: shape for name, shape, _ in found if name in held or name == variable}
    name = _the_table(shapes, [name for name, _, _ in found], variable, label)
    if name not in held:
        raise TableError(f"{label}: {name} is not a full array of real numbers")
    return held[name]


def _the_table(
    shapes: dict[str, tuple[int, ...]], names: list[str], variable: str | None, label: str
) -> str:
    """The variable asked for, or the only one that is a table."""
    if variable is not None:
        if variable not in names:
            raise TableError(f"{label}: no variable {variable!r}; there are {quoted(names)}")
        return variable
    flat = [n for n, shape in shapes.items() if len(shape) == 2]
    several = [n for n in flat if min(shapes[n]) > 1]  # beside X there is often a vector of classes
    only = several if len(several) == 1 else flat
    if len(only) == 1:
        return only[0]
    if only:
        raise TableError(f"{label}: several tables: name one of {quoted(only)}")
    there = ", ".join(f"{n} {shapes[n]}" if n in shapes else n for n in names) or "nothing"
    raise TableError(f"{label}: no table of rows and columns; there is {there}")


def _table_of(found: NDArray[Any], pick: Pick | None, label: str) -> tuple[Floats, tuple[str, ...]]:
    if found.dtype.names is not None:  # a structured array: its fields are the columns
        names = found.dtype.names
        picked = pick(names) if pick else list(range(len(names)))
        parts = [take(_two(found[names[i]], label, names[i]), [0]) for i in picked]
        return np.ascontiguousarray(np.hstack(parts)), tuple(names[i] for i in picked)
    found = _two(found, label, None)
    names = default_names(found.shape[1])
    picked = pick(names) if pick else list(range(len(names)))
    return take(found, picked), tuple(names[i] for i in picked)


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
