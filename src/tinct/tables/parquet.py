"""Tables in Parquet files, by pyarrow."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinct.errors import TableError
from tinct.tables.columns import Pick, not_numeric, printable
from tinct.tables.table import Floats

__all__ = ["read_parquet"]


def read_parquet(path: str, label: str, pick: Pick) -> tuple[Floats, tuple[str, ...]]:
    """The columns picked and their names."""
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
        text = " ".join(printable(str(error)).split())
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
            raise not_numeric(label, schema.names[i], what, numeric)
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
