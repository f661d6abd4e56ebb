"""What comes along with a picture, into a file that is encoded already."""

import struct

from deflate import zlib_compress

from tinct.codecs.deflate import chunk
from tinct.picture.inflate import GREY, INDEXED

TYPE_CHECKING = False  # as typing has it, which takes a millisecond to import
if TYPE_CHECKING:
    from tinct.picture.along import Along

__all__ = ["embed", "packed"]

IHDR_END = 33
XMP = b"XML:com.adobe.xmp\0\0\0\0\0"
PROFILE, ALPHA, EXIF, XMP_FLAG = 0x20, 0x10, 0x08, 0x04


def packed(along: "Along", format: str) -> bytes:
    """The bytes that `embed` adds to a file of a format: no more and no less.

    A PNG holds all of it, a WebP no texts and its density as EXIF, a GIF comments alone; a profile
    is refused before.
    """
    if format == "png":
        parts = []
        if along.profile:
            packed = zlib_compress(along.profile, 12)
            parts.append(chunk(b"iCCP", b"ICC profile\0\0" + packed))
        if along.density is not None:
            parts.append(chunk(b"pHYs", struct.pack(">IIB", *along.density)))
        if along.exif:
            parts.append(chunk(b"eXIf", along.exif))
        if along.xmp:
            parts.append(chunk(b"iTXt", XMP + along.xmp))
        return b"".join(parts + [chunk(name, body) for name, body in along.texts])
    if format == "gif":
        comments = [
            body[8:] for name, body in along.texts if (name, body[:8]) == (b"tEXt", b"Comment\0")
        ]
        return b"".join(b"\x21\xfe" + _blocks(text) for text in comments if text)
    exif = along.exif or _density_exif(along.density)
    chunks = [_riff(b"ICCP", along.profile)] if along.profile else []
    chunks += [_riff(b"EXIF", exif)] if exif else []
    if along.xmp:
        chunks.append(_riff(b"XMP ", along.xmp))
    flags = PROFILE * bool(along.profile) | EXIF * bool(exif) | XMP_FLAG * bool(along.xmp)
    return _riff(b"VP8X", bytes([flags, *bytes(9)])) + b"".join(chunks) if chunks else b""


def embed(data: bytes, extra: bytes) -> bytes:
    """Put what `packed` gave into a file of that format, which must hold nothing of the kind."""
    if not extra:
        return data
    if data.startswith(b"\x89PNG"):
        if extra[4:8] == b"iCCP" and data[25] == GREY:
            data = _in_color(data)
        return data[:IHDR_END] + extra + data[IHDR_END:]
    if data.startswith(b"GIF"):
        at = 13 + (3 << (data[10] & 7) + 1)
        return data[:at] + extra + data[at:]
    # A plain WebP is one chunk VP8L: width and height less one, in 14 bits each, then alpha.
    size = int.from_bytes(data[21:25], "little")
    width, height, alpha = size & 0x3FFF, size >> 14 & 0x3FFF, size >> 28 & 1
    head = (
        bytes([extra[8] | ALPHA * alpha, 0, 0, 0])
        + width.to_bytes(3, "little")
        + height.to_bytes(3, "little")
    )
    at = 18  # what follows the pixels, but for a profile, which comes before them
    if extra[at : at + 4] == b"ICCP":
        size = int.from_bytes(extra[22:26], "little")
        at += 8 + size + (size & 1)
    body = _riff(b"VP8X", head) + extra[18:at] + data[12:] + extra[at:]
    return b"RIFF" + (4 + len(body)).to_bytes(4, "little") + b"WEBP" + body


def _in_color(grey: bytes) -> bytes:
    """A grey PNG as an indexed one, of the same samples: a profile of color is not for grey."""
    bits, at, key, packed = grey[24], IHDR_END, -1, []
    while at < len(grey):
        end = at + 12 + int.from_bytes(grey[at : at + 4])
        if grey[at + 4 : at + 8] == b"tRNS":
            key = int.from_bytes(grey[at + 8 : at + 10])
        else:
            packed.append(grey[at:end])
        at = end
    top = (1 << bits) - 1
    header = grey[16:25] + bytes([INDEXED]) + grey[26:29]
    table = b"".join(bytes([v * 255 // top]) * 3 for v in range(top + 1))
    parts = [grey[:8], chunk(b"IHDR", header), chunk(b"PLTE", table)]
    if key >= 0:
        parts.append(chunk(b"tRNS", b"\xff" * key + b"\0"))
    return b"".join(parts + packed)


def _riff(name: bytes, body: bytes) -> bytes:
    return name + len(body).to_bytes(4, "little") + body + b"\0" * (len(body) & 1)


def _blocks(text: bytes) -> bytes:
    parts = (text[at : at + 255] for at in range(0, len(text), 255))
    return b"".join(bytes([len(part)]) + part for part in parts) + b"\0"


def _density_exif(density: tuple[int, int, int] | None) -> bytes:
    """An EXIF of nothing but resolutions, in dots per centimeter."""
    if density is None or density[2] != 1:
        return b""
    entries = [(282, 5, 1, 50), (283, 5, 1, 58), (296, 3, 1, 3)]
    table = b"".join(struct.pack("<HHII", *entry) for entry in entries)
    values = struct.pack("<4I", density[0], 100, density[1], 100)
    return b"II*\0\x08\0\0\0" + struct.pack("<H", 3) + table + bytes(4) + values
