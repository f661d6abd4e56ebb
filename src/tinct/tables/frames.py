"""Columns of Arrow, as Parquet files and DataFrames of pandas, Polars and PyArrow hold them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from tinct.errors import TableError
from tinct.tables.columns import Pick, not_numeric, printable
from tinct.tables.table import Floats

__all__ = ["labels_bytes", "pyarrow", "read_frame", "read_parquet"]

Columns = tuple[Floats, tuple[str, ...], tuple[str, ...]]  # values, their names, columns left aside


def pyarrow(what: str) -> Any:
    """The library, or ImportError that says what needs it."""
    try:
        import pyarrow
    except ImportError as error:
        raise ImportError(f"{what} need an extra: pip install 'tinct[tables]'") from error
    return pyarrow


def read_frame(frame: Any, label: str, pick: Pick | None) -> Columns:
    """The columns picked, or all that hold numbers, of anything that speaks Arrow's C interface."""
    table = pyarrow("DataFrames").table(frame)
    picked, single, aside = _numeric(table.schema, pick, label)
    values = np.empty((table.num_rows, len(picked)), "f4" if single else "f8")
    _fill(values, table.select(picked).to_batches(1 << 16))
    return values, tuple(table.schema.names[i] for i in picked), aside


def read_parquet(path: str, label: str, pick: Pick | None) -> Columns:
    """The columns picked, or all that hold numbers."""
    arrow = pyarrow("Parquet files")
    from pyarrow import parquet

    try:
        with parquet.ParquetFile(path) as file:
            names = tuple(file.schema_arrow.names)
            picked, single, aside = _numeric(file.schema_arrow, pick, label)
            values = np.empty((file.metadata.num_rows, len(picked)), "f4" if single else "f8")
            # Batch by batch: the whole file is never in memory beside its values.
            _fill(values, file.iter_batches(1 << 16, columns=[names[i] for i in picked]))
    except TableError:
        raise
    except (arrow.ArrowException, OSError, ValueError) as error:  # names that are no UTF-8, say
        text = " ".join(printable(str(error)).split())
        raise TableError(f"{label}: broken Parquet file ({text})") from error
    return values, tuple(names[i] for i in picked), aside


def _numeric(schema: Any, pick: Pick | None, label: str) -> tuple[list[int], bool, tuple[str, ...]]:
    """Which columns, whether all of them are float32, and the names of those left aside."""
    from pyarrow import types

    tests = (types.is_integer, types.is_floating, types.is_decimal, types.is_boolean)
    number = [any(test(kind) for test in tests) for kind in schema.types]
    names = tuple(schema.names)
    picked = pick(names) if pick else [i for i, is_one in enumerate(number) if is_one]
    for i in picked:
        if not number[i]:
            others = [name for name, is_one in zip(names, number, strict=True) if is_one]
            raise not_numeric(label, names[i], f"holds no numbers ({schema.types[i]})", others)
    if not picked:
        raise TableError(f"{label}: no column holds numbers" if names else f"{label}: no columns")
    aside = () if pick else tuple(names[i] for i, is_one in enumerate(number) if not is_one)
    return picked, all(types.is_float32(schema.types[i]) for i in picked), aside


def _fill(values: Floats, batches: Iterable[Any]) -> None:
    import pyarrow

    row = 0
    for batch in batches:
        for j, column in enumerate(batch.columns):
            numbers = column.cast(pyarrow.float64(), safe=False)
            values[row : row + len(batch), j] = numbers.to_numpy(zero_copy_only=False)
        row += len(batch)


def labels_bytes(labels: Any) -> bytes:
    """A Parquet file of one column, `cluster`."""
    import io

    from pyarrow import parquet, table

    data = io.BytesIO()
    parquet.write_table(table({"cluster": labels}), data)
    return data.getvalue()
