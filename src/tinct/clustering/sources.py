"""Data in parts that no memory need hold: Dask collections, Parquet, mapped arrays, batches.

What is here knows how to get at a part. Dask, fsspec and pyarrow are imported where they are used.
"""

from __future__ import annotations

import os
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import chain, repeat
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinct.checks import numbers

__all__ = ["Apart", "Parquet", "Source", "source_of"]

PART = 16 << 20  # bytes of points in a part, where the data leave it to us
Loaded = tuple[NDArray[Any], NDArray[Any] | None]
Load = Callable[[], Loaded]


class Apart:
    """What a function makes of each part: computed when it is gone through, part by part."""

    def __init__(
        self, loads: Callable[[], Iterable[Load]], function: Callable[[Any], Any], spread: bool
    ) -> None:
        self.loads, self.function, self.spread = loads, function, spread

    def __iter__(self) -> Iterator[NDArray[Any]]:
        made = ((load, self.function) for load in self.loads())
        client = default_client() if self.spread else None
        if client is not None:
            threads = sum(client.nthreads().values())
            return windowed(partial(client.submit, pure=False), _made, made, 2 * threads)
        return (_made(*one) for one in made)


def _made(load: Load, function: Callable[[Any], Any]) -> Any:
    return function(load()[0])


def windowed(
    submit: Callable[..., Any], function: Callable[..., Any], given: Iterable[Any], most: int
) -> Iterator[Any]:
    """What a function makes of each, in order; no more than so many are waited for at a time."""
    waiting: deque[Any] = deque()
    try:
        for one in given:
            waiting.append(submit(function, *one))
            if len(waiting) > most:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        for future in waiting:
            future.cancel()


def default_client() -> Any:
    """The client of Dask that is at work, if there is one."""
    distributed = sys.modules.get("distributed")
    if distributed is None:
        return None
    try:
        return distributed.default_client()
    except ValueError:
        return None


@dataclass(frozen=True, slots=True)
class Source:
    """Points in parts.

    `loads` goes through the parts, each as a function that gives its points and weights; `lazy` is
    a Dask array of the points, with `weights`, in the place of those. `joined`: what is made of
    the parts fits memory, as one array.
    """

    loads: Callable[[], Iterable[Load]] = tuple
    lazy: Any = None
    weights: Any = None
    joined: bool = False
    spread: bool = False  # the parts can be loaded by other machines

    def mapped(self, function: Callable[[Any], NDArray[Any]], dtype: Any, width: int = 0) -> Any:
        """What a function makes of the rows of each part, `width` numbers of each or one."""
        if self.lazy is not None:
            columns: dict[str, Any] = {"chunks": (self.lazy.chunks[0], (width,))}
            how = columns if width else {"drop_axis": 1}
            return self.lazy.map_blocks(function, dtype=dtype, meta=np.empty((0,), dtype), **how)
        made = Apart(self.loads, function, self.spread)
        return np.concatenate(list(made)) if self.joined else made


def source_of(points: Any, weights: Any = None) -> Source | None:
    """The parts of data that come in parts; None for a table in memory."""
    if type(points).__module__.startswith("dask."):
        return _dask(points, weights)
    if isinstance(points, str | os.PathLike):
        path = os.fspath(points)
        if not path:
            raise ValueError("points must be a table or the path of one, not ''")
        if path.endswith(".npy"):
            return _mapped(np.load(path, mmap_mode="r"), weights)
        points = Parquet(path)
    if isinstance(points, Parquet):
        if weights is not None and not isinstance(weights, str):
            raise TypeError("weights of Parquet data must be the name of a column")
        loads = points.loads(weights)
        return Source(lambda: loads, spread=True)
    if isinstance(points, np.memmap) and points.nbytes > PART:
        return _mapped(points, weights)
    if callable(points) or (isinstance(points, list | tuple) and _batches(points)):
        return _from_batches(points, weights)
    if isinstance(points, Iterator):
        raise TypeError(
            "points must be batches that can be gone through again, such as a list or a function "
            "that returns an iterator, not an iterator"
        )
    return None


def _mapped(points: NDArray[Any], weights: Any) -> Source:
    if points.ndim != 2 or 0 in points.shape:
        raise ValueError(f"points must be a table of shape (n, d), not of shape {points.shape}")
    rows = range(0, len(points), max(1, PART // (points.itemsize * points.shape[1])))
    given = None if weights is None else numbers("weights", weights)
    if given is not None and given.shape != points.shape[:1]:
        raise ValueError(f"weights must be {len(points)} numbers, one per point")
    loads = [partial(_rows, points, given, at, at + rows.step) for at in rows]
    return Source(lambda: loads, joined=True)


def _batches(points: Any) -> bool:
    return len(points) > 0 and all(getattr(batch, "ndim", 0) == 2 for batch in points)


def _rows(points: Any, weights: Any, first: int, end: int) -> Loaded:
    return np.asarray(points[first:end]), None if weights is None else weights[first:end]


def _from_batches(points: Any, weights: Any) -> Source:
    def through(given: Any) -> Iterable[Any]:
        return given() if callable(given) else given  # type: ignore[no-any-return]

    def loads() -> Iterator[Load]:
        beside = repeat(None) if weights is None else through(weights)
        missing = object()
        for batch, w in zip(through(points), chain(beside, repeat(missing)), strict=False):
            if w is missing:
                raise ValueError("weights must be batches as points are: there are fewer")
            yield partial(_as_is, batch, w)

    return Source(loads)


def _as_is(batch: Any, weights: Any) -> Loaded:
    return batch, weights


def _dask(points: Any, weights: Any) -> Source:
    def rows(given: Any) -> Any:
        return given.to_dask_array() if hasattr(given, "to_dask_array") else given

    x, w = rows(points), None if weights is None else rows(weights)
    if x.ndim != 2:
        raise ValueError(f"points must be a table of shape (n, d), not of {x.ndim} dimensions")
    if x.numblocks[1] > 1:
        x = x.rechunk({1: -1})
    if w is not None and (not hasattr(w, "numblocks") or w.numblocks != x.numblocks[:1]):
        raise ValueError("weights must be a Dask array of the same partitions as points")
    return Source(lazy=x, weights=w)


class Parquet:
    """A Parquet file or a folder of them, here or behind a URL that fsspec knows.

    A part is a row group, or several small ones of a file. `columns` are by default all that hold
    numbers, less that of the weights. `scale`: a mean that is taken from each column, and what the
    rest is divided by.
    """

    def __init__(self, path: str | os.PathLike[str], columns: list[str] | None = None) -> None:
        self.path, self.columns = os.fspath(path), columns
        self.names: list[str] = []
        self.scale: tuple[NDArray[np.float64], NDArray[np.float64]] | None = None

    def loads(self, weights: str | None = None) -> list[Load]:
        """How to load each part; the files' footers are read for it."""
        made: list[Load] = []
        for path in self._files():
            with _opened(path) as file:
                meta, schema = file.metadata, file.schema_arrow
            names = schema.names
            asked = [_name(one, names) for one in self.columns or ()]
            numeric = [field.name for field in schema if _is_number(field.type)]
            self.names = asked or self.names or [n for n in numeric if n != weights]
            if not self.names:
                raise ValueError(f"{path}: no column holds numbers")
            for name in {*self.names, *([weights] if weights else [])} - set(names):
                raise ValueError(f"{path}: no column {name!r}; there are {', '.join(names)}")
            groups: list[int] = []
            rows = 0
            for group in range(meta.num_row_groups):
                groups.append(group)
                rows += meta.row_group(group).num_rows
                if 4 * rows * len(self.names) >= PART or group == meta.num_row_groups - 1:
                    made.append(partial(_read, path, tuple(groups), tuple(self.names), weights))
                    groups, rows = [], 0
        scale = self.scale
        return made if scale is None else [partial(_scaled, load, *scale) for load in made]

    def _files(self) -> list[str]:
        fs, root = _system(self.path)
        if not fs.exists(root):
            raise FileNotFoundError(2, "no such file or folder", self.path)
        found = sorted(fs.find(root)) if fs.isdir(root) else [root]
        files = [name for name in found if fs.isfile(name) and _is_data(name[len(root) :])]
        if not files:
            raise ValueError(f"{self.path}: no Parquet files in it")
        return [str(fs.unstrip_protocol(name)) if "://" in self.path else name for name in files]


def _scaled(load: Load, mean: Any, std: Any) -> Loaded:
    x, w = load()
    return ((x - mean) / std).astype(x.dtype), w


def _name(asked: str, names: list[str]) -> str:
    """A column that goes by its number, if none has that name."""
    by_number = asked not in names and asked.isdecimal() and int(asked) < len(names)
    return names[int(asked)] if by_number else asked


def _is_number(kind: Any) -> bool:
    from pyarrow import types

    return bool(types.is_integer(kind) or types.is_floating(kind) or types.is_boolean(kind))


def _is_data(name: str) -> bool:
    hidden = any(part.startswith(("_", ".")) for part in name.split("/"))
    return not hidden and (not name or name.endswith((".parquet", ".parq", ".pq")))


def _system(path: str) -> tuple[Any, str]:
    try:
        from fsspec.core import url_to_fs
    except ImportError as error:
        raise ImportError("Parquet folders need an extra: pip install 'tinct[dask]'") from error
    fs, root = url_to_fs(path)
    return fs, str(root)


def _opened(path: str) -> Any:
    try:
        from pyarrow import ArrowException, parquet
    except ImportError as error:
        raise ImportError("Parquet files need an extra: pip install 'tinct[tables]'") from error
    fs, name = _system(path)
    try:
        return parquet.ParquetFile(fs.open(name, "rb") if "://" in path else name, memory_map=False)
    except (ArrowException, ValueError) as error:  # names that are no UTF-8, say
        raise ValueError(f"{path}: broken Parquet file ({error})") from None


def _read(
    path: str, groups: tuple[int, ...], names: tuple[str, ...], weighed: str | None
) -> Loaded:
    """The numbers of some row groups: float32 if all columns are, else float64."""
    columns = [*names, weighed] if weighed else list(names)
    with _opened(path) as file:
        table = file.read_row_groups(list(groups), columns=columns)
    single = all(str(table.schema.field(name).type) == "float" for name in names)
    x = np.empty((table.num_rows, len(names)), np.float32 if single else np.float64)
    given = [table.column(name).to_numpy() for name in names]
    for name, column in zip(names, given, strict=True):
        if column.dtype.kind not in "fiub":
            raise ValueError(f"{path}: column {name!r} holds no numbers")
    for at in range(0, len(x), 2048):  # within the cache: 0.3 of the time with 32 columns
        for j, column in enumerate(given):
            x[at : at + 2048, j] = column[at : at + 2048]
    return x, table.column(weighed).to_numpy() if weighed else None
