"""Whether a file holds what its header claims: told before pixels are reserved and filled."""

from __future__ import annotations

import contextlib
import io
import os
import re
import zlib
from collections.abc import Iterator
from math import prod
from typing import Any

from PIL import Image

from tinct.picture.inflate import SIGNATURE

__all__ = ["CutShort", "check", "check_jpeg", "check_pngs", "hushed"]

# Pixels that a byte can stand for at most: a string of 4096 in a GIF's 12-bit code; a JPEG's block
# of 64 in one bit; a run of 255 in two bytes of a BMP, or four times that where rows end early.
# WebP, AVIF and fax codes have no such bound.
MOST = {"GIF": 2731, "JPEG": 512, "MPO": 512, "BMP": 512, "DIB": 512}
CANVAS = 256  # pixels of an animation to one of its largest frame, at most
LOSSY = 1024  # pixels to a byte of a lossy WebP: how each 256 are predicted takes 2.5 bits
SLACK = 1 << 16
RATIO = 1032  # of a DEFLATE stream: 258 bytes in 2 bits
SIP, PIECE = 1 << 16, 1 << 20  # bytes inflated at once, at most, and what may come out
CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
# x and y of the first pixel and steps between them, of Adam7's passes
ADAM7 = (
    *((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2)),
    (0, 1, 1, 2),
)
# Marks of a JPEG: of its end, of a scan; any but those within one. What is no mark stands for bits.
EOI, SOS, MARK = 0xD9, 0xDA, re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")
MORE = b"\xff".join(
    [bytes(range(1, 255)), *(bytes([mark, *range(1, 50)]) for mark in range(0xD0, 0xD8))]
)
# Tags of a TIFF
_HEIGHT, _PLANAR, _CHANNELS, _ROWS, _STRIPS = 257, 284, 277, 278, 273
_WIDTH, _TILE_WIDTH, _TILE_HEIGHT, _TILES = 256, 322, 323, 324


class CutShort(ValueError):
    """A file that ends, or whose stream ends, before its last row."""


def check(image: Any, data: bytes, *, salvage: bool = False) -> None:
    """Raise CutShort if a file can't hold an image that Pillow has opened but not loaded.

    What Pillow itself finds missing is left to it. With `salvage` one row is enough.
    """
    pixels, kind = image.width * image.height, image.format
    if not salvage and kind in MOST and pixels > MOST[kind] * len(data) + SLACK:
        raise CutShort(f"{len(data):,} bytes can't hold {image.width:,}x{image.height:,} pixels")
    if kind == "WEBP":
        _check_webp(data, pixels)
    if kind == "GIF":
        _check_gif(data)
    if kind == "PNG":
        _check_png(memoryview(data)[data.find(SIGNATURE) :], salvage)  # which a BMP may hold
    if kind == "TIFF" and not salvage:
        _check_tiff(image.tag_v2)


def check_pngs(data: bytes, limit: int, *, salvage: bool = False) -> None:
    """The same for the PNGs within an icon, which Pillow loads as soon as it opens that."""
    if data[:4] not in (b"\0\0\1\0", b"icns"):
        return
    at = data.find(SIGNATURE)
    while at >= 0:
        sides = (int.from_bytes(data[at + place : at + place + 4]) for place in (16, 20))
        if 0 < prod(sides) <= limit:  # else Pillow says so
            _check_png(memoryview(data)[at:], salvage)
        at = data.find(SIGNATURE, at + 1)


def _check_webp(data: bytes, pixels: int) -> None:
    """The canvas of an animation, as large as it says it is, must have frames to fill it."""
    at, drawn = 12, 0
    while at + 8 <= len(data):
        kind, size = data[at : at + 4], int.from_bytes(data[at + 4 : at + 8], "little")
        frame = pixels if kind == b"VP8 " else 0
        if kind == b"ANMF":
            sides = (int.from_bytes(data[x : x + 3], "little") + 1 for x in (at + 14, at + 17))
            drawn = max(drawn, frame := prod(sides))
            frame *= data[at + 24 : at + 28] != b"VP8L"
        if frame > LOSSY * min(size, len(data)) + SLACK:
            raise CutShort(f"{size:,} bytes can't hold {frame:,} pixels")
        at += 8 + (size + 1 & ~1)
    if drawn and pixels > CANVAS * drawn + SLACK:
        raise CutShort(f"frames of {drawn:,} pixels and less can't fill {pixels:,}")


def _check_gif(data: bytes) -> None:
    """No later frame may be larger either: Pillow makes room for it when it comes to it."""
    at = 13 + _colors(data[10])
    while data[at : at + 1] in (b"!", b",") and at + 10 <= len(data):
        begun = at + 2
        if data[at] == ord(","):
            width, height = (int.from_bytes(data[x : x + 2], "little") for x in (at + 5, at + 7))
            if width * height > MOST["GIF"] * len(data) + SLACK:
                raise CutShort(f"{len(data):,} bytes can't hold {width:,}x{height:,} pixels")
            begun = at + 11 + _colors(data[at + 9])
        at = begun
        while at < len(data) and data[at]:
            at += data[at] + 1
        at += 1


def _colors(flags: int) -> int:
    """The bytes of a GIF's color table."""
    return 3 << (flags & 7) + 1 if flags & 0x80 else 0


def _check_png(view: memoryview, salvage: bool) -> None:
    header = view[16:29]
    if len(header) < 13:
        return
    width, height = int.from_bytes(header[:4]), int.from_bytes(header[4:8])
    bits, kind, _, _, interlaced = header[8:]
    lines = _lines(width, height, bits * CHANNELS.get(kind, 1), interlaced)
    size = sum(count * length for count, length in lines)
    enough = lines[0][1] if salvage else size
    packed = list(_packed(view))
    if enough > RATIO * sum(map(len, packed)):
        raise CutShort(f"{len(view):,} bytes can't hold {width:,}x{height:,} pixels")
    if (held := _inflated(packed, size)) < enough:
        told = "not all of its" if interlaced else f"{held // lines[0][1]:,} of {height:,}"
        raise CutShort(f"cut short: it holds {told} rows")


def _lines(width: int, height: int, bits: int, interlaced: int) -> list[tuple[int, int]]:
    """How many rows, and the bytes of each, of every pass."""
    passes = ADAM7 if interlaced else ((0, 0, 1, 1),)
    sizes = ((-(-(width - x) // across), -(-(height - y) // down)) for x, y, across, down in passes)
    return [(rows, 1 + -(-columns * bits // 8)) for columns, rows in sizes if columns > 0 < rows]


def _packed(view: memoryview) -> Iterator[memoryview]:
    """The contents of the first IDATs; of a broken file, as far as they go."""
    at, begun = len(SIGNATURE), False
    while at + 8 <= len(view):
        length, name = int.from_bytes(view[at : at + 4]), bytes(view[at + 4 : at + 8])
        if name == b"IDAT":
            begun = True
            for start in range(at + 8, at + 8 + length, SIP):
                yield view[start : min(start + SIP, at + 8 + length)]
        elif begun or name == b"IEND":
            return
        at += 12 + length


def _inflated(packed: list[memoryview], size: int) -> int:
    """How many bytes come out, counted up to `size`; a broken stream is Pillow's to name."""
    stream, count = zlib.decompressobj(), 0
    for part in packed:
        rest: Any = part
        while rest and count < size and not stream.eof:
            try:
                count += len(stream.decompress(rest, PIECE))
            except zlib.error:
                return size
            rest = stream.unconsumed_tail
    return count if stream.eof else size


def check_jpeg(image: Any, data: bytes) -> None:
    """Raise CutShort if a JPEG, loaded, has its end but not all before it: libjpeg makes that grey.

    It takes no more from a scan that is whole. So where the last pixel is that grey, or any may be
    missing, it is read once more with more before its end, which then may change nothing. What is
    missing of the very last block goes unseen.
    """
    if image.format != "JPEG":
        return
    last = image.getpixel((image.width - 1, image.height - 1))
    grey = {127, 128}.issuperset(last if isinstance(last, tuple) else (last,))
    end = _end_of_jpeg(data) if grey or image.info.get("progressive") else 0
    if not end:
        return
    again = Image.open(io.BytesIO(data[:end] + MORE + data[end:]), formats=["JPEG"])
    for top in range(0, image.height, 256):
        box = 0, top, image.width, min(top + 256, image.height)
        if image.crop(box).tobytes() != again.crop(box).tobytes():
            raise CutShort("cut short: its last blocks are missing")


def _end_of_jpeg(data: bytes) -> int:
    """Where its mark of the end stands; 0 if it has none."""
    at = 2
    while data[at : at + 1] == b"\xff" and at + 4 <= len(data):
        kind = data[at + 1]
        if kind == EOI:
            return at
        at += 2 + int.from_bytes(data[at + 2 : at + 4])
        if kind == SOS:
            found = MARK.search(data, at)
            at = found.start() if found else len(data)
    return at if data[at : at + 2] == bytes([0xFF, EOI]) else 0


def _check_tiff(tags: Any) -> None:
    """Strips or tiles that nobody lists stay black, in silence."""
    width, height = tags.get(_WIDTH, 0), tags.get(_HEIGHT, 0)
    if _TILES in tags:
        size = tags.get(_TILE_WIDTH, width), tags.get(_TILE_HEIGHT, height)
        wanted = -(-width // max(1, size[0])) * -(-height // max(1, size[1]))
        found = len(tags[_TILES])
    else:
        wanted, found = -(-height // max(1, tags.get(_ROWS, height))), len(tags.get(_STRIPS, ()))
    if tags.get(_PLANAR) == 2:
        wanted *= tags.get(_CHANNELS, 1)
    if found < wanted:
        raise CutShort(f"cut short: it holds {found:,} of {wanted:,} strips or tiles")


@contextlib.contextmanager
def hushed(data: bytes) -> Iterator[None]:
    """Keep what libtiff says of a TIFF off stderr: the error it leads to says it.

    libtiff's handler can't be reached through Pillow, so the process's stderr goes nowhere for as
    long as the file is decoded.
    """
    if data[:3] not in (b"II*", b"MM\0", b"II+"):
        yield
        return
    try:
        kept = os.dup(2)
    except OSError:  # there is none
        yield
        return
    try:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, 2)
        os.close(nowhere)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
