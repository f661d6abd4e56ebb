"""Animations: a writer for each format that holds them, which takes frame after frame.

All three lay frames over what stands there, each in a rectangle of its own. The palette's first
entry is transparent and leaves what is there, so what has not changed costs next to nothing.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from tinct import _kernels
from tinct.codecs.deflate import chunk, deflated, index_bits
from tinct.codecs.gif import code_size
from tinct.codecs.webp import still_chunks
from tinct.picture.inflate import SIGNATURE

__all__ = ["WRITERS", "ApngWriter", "GifWriter", "Piece", "WebPWriter", "Writer"]

Indices = NDArray[np.uint8]


@dataclass(slots=True, eq=False)
class Piece:
    """One frame of a file: `indices` (h, w) of a palette, laid at (`left`, `top`).

    `over`: entry 0 leaves what stands there; else it replaces that. `clears`: when its time is up
    its rectangle becomes transparent, `restores`: what it was before. `image`: its bytes in the
    file, once they are known.
    """

    indices: Indices
    left: int
    top: int
    seconds: Fraction
    over: bool = True
    clears: bool = False
    restores: bool = False
    image: bytes = b""

    def part(self, left: int, top: int, right: int, bottom: int) -> Piece:
        """A rectangle of it."""
        indices = np.ascontiguousarray(self.indices[top:bottom, left:right])
        return Piece(indices, self.left + left, self.top + top, self.seconds, self.over)

    def filled(self, held: Indices) -> Piece:
        """With what stands there, the screen's indices, in the place of entry 0."""
        height, width = self.indices.shape
        stands = held[self.top : self.top + height, self.left : self.left + width]
        indices = np.where(self.indices == 0, stands, self.indices)
        return Piece(indices, self.left, self.top, self.seconds, self.over)


@dataclass(slots=True)
class Writer:
    """Frames to a file, held back by one, so that equal ones can become one.

    `palette` is (k, 4) uint8, its first entry (0, 0, 0, 0); `plays` how often it is shown, 0 for
    ever.
    """

    width: int
    height: int
    palette: NDArray[np.uint8]
    plays: int
    effort: int = 1
    poster: Indices | None = None
    parts: list[bytes] = field(default_factory=list)
    frames: int = 0
    owed: Fraction = Fraction(0)  # time that whole units did not hold

    even = False  # whether a rectangle may begin at even places alone
    replaces = True  # whether a frame may replace what stands there
    restores = False  # whether a frame may bring back what stood there before it
    longest = Fraction(65535)  # seconds

    def add(self, piece: Piece) -> None:
        """Write a frame. Times beyond the longest are shared with frames that change nothing."""
        rest = piece.seconds
        piece.seconds = min(rest, self.longest)
        while True:
            rest -= piece.seconds
            last, clears = rest <= 0, piece.clears
            piece.clears = clears and last
            self._frame(piece)
            self.frames += 1
            if last:
                return
            if piece.restores:
                piece.seconds = min(rest, self.longest)
                continue
            nothing = np.zeros_like(piece.indices) if clears else np.zeros((1, 1), np.uint8)
            left, top = (piece.left, piece.top) if clears else (0, 0)
            piece = Piece(nothing, left, top, min(rest, self.longest), clears=clears)

    def finish(self) -> bytes:
        """The file."""
        raise NotImplementedError

    def weight(self, piece: Piece) -> int:
        """How many bytes a frame's image takes."""
        piece.image = piece.image or self._image(piece)
        return len(piece.image)

    def _image(self, piece: Piece) -> bytes:
        raise NotImplementedError

    def _frame(self, piece: Piece) -> None:
        raise NotImplementedError

    def _units(self, seconds: Fraction, unit: int) -> int:
        """Time in whole units, what they don't hold being left to the next frame."""
        exact = seconds * unit + self.owed
        units = max(round(exact), 0)
        self.owed = exact - units
        return units


class GifWriter(Writer):
    """A GIF89a; frames share the palette, or have a table of the few entries that they use."""

    replaces, restores = False, True
    longest = Fraction(65535, 100)

    def _frame(self, piece: Piece) -> None:
        disposal = 3 if piece.restores else 2 if piece.clears else 1
        time = self._units(piece.seconds, 100)
        control = struct.pack("<BHBB", disposal << 2 | 1, time, 0, 0)  # entry 0 is transparent
        self.parts.append(b"\x21\xf9\x04" + control)
        self.parts.append(piece.image or self._image(piece))

    def _image(self, piece: Piece) -> bytes:
        where = (piece.left, piece.top, *piece.indices.shape[::-1])
        sizes = {code_size(len(self.palette)), code_size(int(piece.indices.max()) + 1)}
        codes = min((_lzw(piece.indices, 1 << size) for size in sizes), key=len)
        plain = struct.pack("<BHHHHB", 0x2C, *where, 0) + codes
        used = np.union1d(piece.indices, np.uint8(0))  # entry 0 is transparent in all
        few = 1 << max(1, (len(used) - 1).bit_length())
        if few < len(self.palette):  # a table of its own, whose codes are shorter
            table = np.zeros((few, 3), np.uint8)
            table[: len(used)] = self.palette[used, :3]
            head = struct.pack("<BHHHHB", 0x2C, *where, 0x80 | (few.bit_length() - 2))
            indices = np.searchsorted(used, piece.indices).astype(np.uint8)
            plain = min(plain, head + table.tobytes() + _lzw(indices, few), key=len)
        return plain

    def finish(self) -> bytes:
        bits = max(1, (len(self.palette) - 1).bit_length())
        table = np.zeros((1 << bits, 3), np.uint8)
        table[: len(self.palette)] = self.palette[:, :3]
        screen = struct.pack("<HHBBB", self.width, self.height, 0xF0 | (bits - 1), 0, 0)
        loop = b""
        if self.plays != 1:
            loop = b"\x21\xff\x0bNETSCAPE2.0\x03\x01" + struct.pack(
                "<HB",
                min(max(self.plays - 1, 0), 65535),
                0,  # which an APNG may exceed
            )
        return b"".join([b"GIF89a", screen, table.tobytes(), loop, *self.parts, b";"])


def _lzw(indices: Indices, colors: int) -> bytes:
    """The data of a GIF's image."""
    size = code_size(colors)
    codes = _kernels.encode_lzw(np.ascontiguousarray(indices), size)
    blocks = (codes[at : at + 255] for at in range(0, len(codes), 255))
    return bytes([size]) + b"".join(bytes([len(block)]) + block for block in blocks) + b"\0"


class ApngWriter(Writer):
    """A PNG with further frames; all share the palette.

    None restores: Pillow 12 then shows the frame on, where that leaves pixels as they are.
    """

    def _frame(self, piece: Piece) -> None:
        height, width = piece.indices.shape
        time = (piece.seconds + self.owed).limit_denominator(65535)
        while time.numerator > 65535:
            time = time.limit_denominator(time.denominator // 2 or 1)
        dispose, blend = int(piece.clears), int(piece.over)
        where = (width, height, piece.left, piece.top, time.numerator, time.denominator)
        control = struct.pack(">IIIIHHBB", *where, dispose, blend)
        self.parts.append(chunk(b"fcTL", self._number() + control))
        stream = piece.image or self._image(piece)
        if self.frames == 0 and self.poster is None:
            self.parts.append(chunk(b"IDAT", stream))
        else:
            self.parts.append(chunk(b"fdAT", self._number() + stream))

    def finish(self) -> bytes:
        bits = index_bits(len(self.palette))
        opacity = self.palette[:, 3].tobytes().rstrip(b"\xff")
        parts = [
            SIGNATURE,
            chunk(b"IHDR", struct.pack(">IIB", self.width, self.height, bits) + b"\3\0\0\0"),
            chunk(b"acTL", struct.pack(">II", self.frames, self.plays)),
            chunk(b"PLTE", self.palette[:, :3].tobytes()),
            chunk(b"tRNS", opacity),
        ]
        if self.poster is not None:
            poster = Piece(self.poster, 0, 0, Fraction(0))
            parts.append(chunk(b"IDAT", self._image(poster)))
        return b"".join([*parts, *self.parts, chunk(b"IEND", b"")])

    def _number(self) -> bytes:
        """Chunks of frames are counted, which all parts are but the first picture's."""
        first = self.poster is None and len(self.parts) > 1
        return struct.pack(">I", len(self.parts) - first)

    def _image(self, piece: Piece) -> bytes:
        bits = index_bits(len(self.palette))
        height, width = piece.indices.shape
        stride = -(-width * bits // 8)
        whole = np.zeros((height, stride * 8 // bits), np.uint8)
        whole[:, :width] = piece.indices
        rows = np.zeros((height, stride + 1), np.uint8)  # each behind its filter, which is 0: none
        for at in range(8 // bits):
            rows[:, 1:] |= whole[:, at :: 8 // bits] << np.uint8(8 - bits - at * bits)
        return bytes(deflated(bytearray(rows.tobytes()), stride + 1))


class WebPWriter(Writer):
    """A WebP of lossless frames."""

    even = True
    longest = Fraction((1 << 24) - 1, 1000)

    def _frame(self, piece: Piece) -> None:
        height, width = piece.indices.shape
        time = self._units(piece.seconds, 1000)
        where = piece.left // 2, piece.top // 2, width - 1, height - 1, time
        flags = int(piece.clears) | (not piece.over) << 1
        image = piece.image or self._image(piece)
        head = b"".join(number.to_bytes(3, "little") for number in where)
        self.parts.append(self._chunk(b"ANMF", head + bytes([flags]) + image))

    def _image(self, piece: Piece) -> bytes:
        return still_chunks(self.palette[piece.indices], self.effort)

    def finish(self) -> bytes:
        size = b"".join((side - 1).to_bytes(3, "little") for side in (self.width, self.height))
        parts = [
            self._chunk(b"VP8X", bytes([0x12, 0, 0, 0]) + size),  # animated, with alpha
            self._chunk(b"ANIM", struct.pack("<IH", 0, min(self.plays, 65535))),
            *self.parts,
        ]
        return self._chunk(b"RIFF", b"WEBP" + b"".join(parts))

    @staticmethod
    def _chunk(kind: bytes, data: bytes) -> bytes:
        return kind + struct.pack("<I", len(data)) + data + bytes(len(data) % 2)


WRITERS: dict[str, type[Writer]] = {"gif": GifWriter, "png": ApngWriter, "webp": WebPWriter}
