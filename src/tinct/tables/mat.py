"""Full arrays of real numbers in MATLAB files, versions 4 and 5 (to 7.2).

SciPy's reader trusts the types and sizes that a file claims: broken ones end the process.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from math import prod

import numpy as np
from numpy.typing import NDArray

__all__ = ["arrays"]

Found = tuple[str, tuple[int, ...], "NDArray[np.generic] | None"]

# How numbers are stored, by the number of their type; 14 is an array, 15 a compressed one.
STORED = {
    1: "i1",
    2: "u1",
    3: "i2",
    4: "u2",
    5: "i4",
    6: "u4",
    7: "f4",
    9: "f8",
    12: "i8",
    13: "u8",
}
ARRAY, COMPRESSED = 14, 15
NUMBERS = range(6, 16)  # classes of arrays: double, single, and integers of 8 to 64 bits
OPAQUE = 17  # objects, which have no sides
COMPLEX = 0x800
OLD = ("f8", "f4", "i4", "i2", "u2", "u1")  # of version 4
HEAD = 1 << 12  # bytes that hold what an array says of itself
SIP = 1 << 20


def arrays(data: bytes) -> list[Found]:
    """Names, shapes and values of all variables; None for what isn't a full array of real numbers.

    ValueError or struct.error where the file is broken.
    """
    if not data.startswith(b"MATLAB"):
        return list(_old(data))
    order = "<" if data[126:128] == b"IM" else ">"
    return [_array(body, order) for body in _bodies(data, order)]


def _bodies(data: bytes, order: str) -> Iterator[bytes]:
    """What each array of the file holds."""
    at = 128
    while at < len(data):
        kind, body, at = _element(data, at, order, apart=1)
        if kind == COMPRESSED:
            kind, body, _ = _element(_inflated(body, order), 0, order)
        if kind == ARRAY:
            yield body


def _inflated(packed: bytes, order: str) -> bytes:
    """A compressed array, which may not grow beyond what it claims to be."""
    stream = zlib.decompressobj()
    try:
        found = stream.decompress(packed, HEAD)
        (size,) = struct.unpack_from(order + "I", found, 4)
        return found + stream.decompress(stream.unconsumed_tail, max(size + 8 - len(found), 1))
    except zlib.error as error:
        raise ValueError(f"its compressed data are broken: {error}") from None


def _element(data: bytes, at: int, order: str, apart: int = 8) -> tuple[int, bytes, int]:
    """The type of what begins there, its contents, and where the next begins."""
    kind, size = struct.unpack_from(order + "II", data, at)
    if kind >> 16:  # up to four bytes stand beside the type
        size, kind, start, end = kind >> 16, kind & 0xFFFF, at + 4, at + 8
    else:
        start = at + 8
        end = start + size + -size % (1 if kind == COMPRESSED else apart)
    if start + size > len(data) or (kind >> 16 and size > 4):
        raise ValueError("it is cut short")
    return kind, data[start : start + size], end


def _array(body: bytes, order: str) -> Found:
    _, flags, at = _element(body, 0, order)
    (told,) = struct.unpack_from(order + "I", flags)
    if told & 0xFF == OPAQUE:
        return "(an object)", (), None
    _, sides, at = _element(body, at, order)
    _, name, at = _element(body, at, order)
    shape = struct.unpack(f"{order}{len(sides) // 4}i", sides)
    label = name.decode("latin-1")
    if told & 0xFF not in NUMBERS or told & COMPLEX:
        return label, shape, None
    kind, values, _ = _element(body, at, order)
    return label, shape, _shaped(values, order, STORED.get(kind), shape)


def _shaped(
    values: bytes, order: str, kind: str | None, shape: tuple[int, ...]
) -> NDArray[np.generic]:
    if kind is None or min(shape, default=-1) < 0:
        raise ValueError("it holds numbers of no known kind")
    count = prod(shape)
    if count * int(kind[1]) > len(values):
        raise ValueError("it is cut short")
    return np.frombuffer(values, order + kind, count).reshape(shape, order="F")


def _old(data: bytes) -> Iterator[Found]:
    at = 0
    while at < len(data):
        order = "<" if 0 <= struct.unpack_from("<i", data, at)[0] < 5000 else ">"
        told, rows, columns, imaginary, length = struct.unpack_from(order + "5i", data, at)
        kind, text = told // 10 % 10, told % 10
        if not (0 <= told < 5000 and kind < len(OLD) and rows >= 0 <= columns and length > 0):
            raise ValueError("it begins as no MATLAB file does")
        size = rows * columns * int(OLD[kind][1])
        start = at + 20 + length
        if start + size > len(data):
            raise ValueError("it is cut short")
        label = data[at + 20 : start].split(b"\0")[0].decode("latin-1")
        plain = not (imaginary or text)
        values = _shaped(data[start : start + size], order, OLD[kind], (rows, columns))
        yield label, (rows, columns), values if plain else None
        at = start + size * (2 if imaginary else 1)
