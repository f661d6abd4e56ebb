"""Files here and behind URLs that fsspec knows: what pictures there are, bytes in and out."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from errno import EIO
from typing import Any

from tinct.atomic_write import write
from tinct.batch.folders import NAMED_SO, matches
from tinct.defaults import beside, extension

__all__ = ["Pair", "is_url", "pairs", "read_bytes", "write_bytes"]

# A file there is seen whole or not at all, without a passing name.
STORES = frozenset(("s3", "s3a", "gs", "gcs", "abfs", "abfss", "az", "adl", "memory"))
Pair = tuple[str, str]  # where a picture is, and where its result goes


def is_url(path: str) -> bool:
    """Whether fsspec is to be asked for a path."""
    return "://" in path


def _system(path: str) -> tuple[Any, str]:
    """The file system of a path, and what it calls it."""
    try:
        from fsspec.core import url_to_fs
    except ImportError as error:
        raise ImportError("URLs need an extra: pip install 'tinct[dask]'") from error
    try:
        fs, root = url_to_fs(path)
    except (ImportError, ValueError) as error:
        raise type(error)(f"{path}: {error}") from None
    return fs, str(root)


def pairs(
    given: Sequence[str],
    out: str,
    format: str,
    *,
    recursive: bool,
    anew: bool,
    include: Sequence[str] = (),
    exclude: Sequence[str] = (),
) -> tuple[list[Pair], int]:
    """What there is to do, and how many pictures have their result already, unless all are `anew`.

    Pictures of folders by their endings, in the order of their names; a result goes where its
    picture lies within the folder given. ValueError if two would become one file.
    """
    have, found = set() if anew else set(_files(out, True)), dict[str, str]()
    for place in given:
        for path, inside in _listed(place, recursive, include, exclude):
            target = beside(f"{out.rstrip('/')}/{inside}", "", format)
            if found.get(target, path) != path:
                raise ValueError(f"{found[target]} and {path} would both become {target}")
            found[target] = path
    todo = [(path, target) for target, path in found.items() if target not in have]
    return todo, len(found) - len(todo)


def _listed(
    place: str, recursive: bool, include: Sequence[str], exclude: Sequence[str]
) -> Iterator[Pair]:
    """The pictures of a folder, each with its place in it; or the one that was given."""
    fs, root = _system(place)
    with _named(place):
        folder = fs.isdir(root)
    if not folder:
        if not fs.exists(root):
            raise FileNotFoundError(2, "no such file or folder", place)
        yield place, os.path.basename(place)
        return
    names = sorted(_files(place, recursive))
    for name in names:
        inside = name[len(place.rstrip("/")) + 1 :]
        hidden = any(part.startswith(".") for part in inside.split("/"))
        wanted = matches(inside, include) if include else extension(name) in NAMED_SO
        if wanted and not hidden and not matches(inside, exclude):
            yield name, inside


def _files(place: str, recursive: bool) -> list[str]:
    """The files below a folder as paths that begin with its own; none if it does not exist."""
    fs, root = _system(place)
    root, base = root.rstrip("/"), place.rstrip("/")
    if not fs.isdir(root):
        return []
    return [base + name[len(root) :] for name in fs.find(root, maxdepth=None if recursive else 1)]


def read_bytes(path: str) -> bytes:
    """All of a file."""
    if not is_url(path):
        with open(path, "rb") as file:
            return file.read()
    fs, name = _system(path)
    with _named(path):
        return bytes(fs.cat_file(name))


def write_bytes(path: str, data: bytes) -> None:
    """Write a file whole or not at all; one that is there is replaced, folders are made."""
    if not is_url(path):
        os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
        write(path, data, overwrite=True)
        return
    fs, name = _system(path)
    with _named(path):
        if STORES.intersection([fs.protocol] if isinstance(fs.protocol, str) else fs.protocol):
            fs.pipe_file(name, data)
            return
        folder, _, last = name.rpartition("/")
        passing = f"{folder}/.tinct-{os.urandom(6).hex()}.part"
        fs.makedirs(folder, exist_ok=True)
        fs.pipe_file(passing, data)
        fs.mv(passing, f"{folder}/{last}")


@contextmanager
def _named(path: str) -> Iterator[None]:
    """What a file system far away raises becomes an OSError of this file."""
    try:
        yield
    except OSError as error:
        raise type(error)(error.errno or EIO, error.strerror or str(error), path) from error
    except Exception as error:  # of its library, such as missing credentials
        raise OSError(EIO, str(error), path) from error
