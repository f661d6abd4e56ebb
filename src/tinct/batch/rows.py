"""Reports of many pictures as a Parquet file."""

from __future__ import annotations

import io
import os
from typing import Any

from tinct.atomic_write import write

__all__ = ["read_rows", "write_rows"]


def read_rows(path: str) -> list[dict[str, Any]]:
    """The rows of an earlier run; none if there is no such file."""
    try:
        from pyarrow import parquet
    except ImportError as error:
        raise ImportError("Parquet reports need an extra: pip install 'tinct[tables]'") from error
    return list(parquet.read_table(path).to_pylist()) if os.path.exists(path) else []


def write_rows(path: str, rows: list[dict[str, Any]]) -> None:
    """Write a row for each picture, a column for each key that one of them has."""
    import pyarrow
    from pyarrow import parquet

    names = dict.fromkeys(name for row in rows for name in row)
    data = io.BytesIO()
    table = pyarrow.table({name: [row.get(name) for row in rows] for name in names})
    parquet.write_table(table, data)
    write(path, data.getvalue(), overwrite=True)
