"""The rows of plain PNGs, without Pillow and NumPy. Whatever is unusual is left to `files`."""

from deflate import DeflateError, adler32, crc32, zlib_decompress

TYPE_CHECKING = False  # as typing has it, which takes a millisecond to import
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    Chunk = tuple[bytes, memoryview]
    Rows = tuple[bytearray, int, int, int] | tuple[bytearray, int, int, int, bytes]

__all__ = [
    "GREY",
    "GREY_ALPHA",
    "INDEXED",
    "RGB",
    "RGBA",
    "SAMPLES",
    "SIGNATURE",
    "density",
    "is_srgb",
    "rows",
]

SIGNATURE = b"\x89PNG\r\n\x1a\n"
GREY, RGB, INDEXED, GREY_ALPHA, RGBA = 0, 2, 3, 4, 6  # as a PNG's header says it
SAMPLES = {GREY: 1, RGB: 3, INDEXED: 1, GREY_ALPHA: 2, RGBA: 4}
LISTED = (GREY, INDEXED)
BITS = {RGB: (8,), RGBA: (8,), GREY: (1, 2, 4, 8), INDEXED: (1, 2, 4, 8)}  # that are read here
MAX_PIXELS = 1 << 26
MAX_TEXT = 1 << 18
MAX_CHUNKS = 1 << 7  # besides the pixels: texts then stay below the 64 MB that Pillow takes

# What changes no pixel, and its length where Pillow insists on that.
SRGB_PRIMARIES = (31270, 32900, 64000, 33000, 30000, 60000, 15000, 6000)
# Profiles of sRGB by length and checksum, as libpng knows some: three by HP and one by the ICC.
# littleCMS finds no color that they move by more than rounding.
SRGB_PROFILES = {(3144, 0x182EA552), (3144, 0xF29E526D), (3144, 0xA785C3E3), (3048, 0x3B8772B9)}
LONGEST_PROFILE = 1 << 19
HARMLESS = {
    b"bKGD": None,
    b"cHRM": 32,
    b"eXIf": None,
    b"gAMA": 4,
    b"hIST": None,
    b"iTXt": None,
    b"oFFs": None,
    b"pHYs": 9,
    b"sBIT": None,
    b"sPLT": None,
    b"sRGB": 1,
    b"tEXt": None,
    b"tIME": None,
}
# Texts by whose keywords Pillow stores what it knows of a picture, and Adobe's, which may turn it.
TELLING = {b"exif", b"gamma", b"icc_profile", b"interlace", b"srgb", b"transparency"}
TELLING |= {b"Raw profile type exif", b"default_image"}
UPRIGHT = (b"<tiff:Orientation>1</tiff:Orientation>", b'tiff:Orientation="1"')
ORIENTATION, DENSITY = 274, (282, 283, 296)  # tags of EXIF
WHOLE = {3: 2, 4: 4}  # bytes of a number by its type, if that is a whole one's
ADOBE = {b"XML:com.adobe.xmp", b"xmp"}


def rows(data: bytes) -> "tuple[Rows, bytes] | None":
    r"""Inflate a PNG of 8 bits per sample or fewer that holds nothing but its pixels.

    The rows, each behind its filter byte; width, height; channels of RGB or RGBA; or, of grays and
    of a palette, the bits of an index, and the entries, RGBA. Then the ICC profile that the colors
    are in; empty if they are sRGB. None if the file is broken, or might have to be shown in another
    way than sample by sample: turned, one color transparent, and so on.
    """
    if not data.startswith(SIGNATURE):
        return None
    parts = list(_chunks(data))
    if len(parts) < 3 or parts[0][0] != b"IHDR" or parts[-1][0] != b"IEND":
        return None
    size = _size(parts[0][1])
    names = [name for name, _ in parts[1:-1]]
    first, count = names.index(b"IDAT") if b"IDAT" in names else -1, names.count(b"IDAT")
    if size is None or first < 0 or parts[-1][1]:
        return None
    width, height, bits, kind = size
    before, entries = parts[1 : first + 1], b""
    if kind == INDEXED:
        before, entries = _palette(before)
    elif kind == GREY:
        steps = (value * 255 // ((1 << bits) - 1) for value in range(1 << bits))
        entries = b"".join([bytes((step, step, step, 255)) for step in steps])
    if kind in LISTED and not entries:
        return None
    managed = [body for name, body in before if name == b"iCCP" and kind != GREY]
    profile = _profile(bytes(managed[0])) if managed else b""
    if managed:
        if len(managed) > 1 or not profile:
            return None
        if (len(profile), crc32(profile)) in SRGB_PROFILES:
            profile = b""
        before = [(name, body) for name, body in before if name != b"iCCP"]
    if not _all_harmless(before + parts[1 + first + count : -1], bool(managed)):
        return None
    stride = (width * bits * SAMPLES[kind] + 7) // 8
    samples = _inflated(parts[1 + first : 1 + first + count], height * (1 + stride))
    if samples is None:
        return None
    if kind in LISTED:
        return (samples, width, height, bits, entries), profile
    return (samples, width, height, SAMPLES[kind]), profile


def density(data: bytes) -> bytes:
    """The chunk of a PNG that says its density; empty if there is none, or none that is sound."""
    at = len(SIGNATURE)
    while data[at + 4 : at + 8] not in (b"IDAT", b""):
        end = at + 12 + int.from_bytes(data[at : at + 4])
        if data[at + 4 : at + 8] == b"pHYs":
            sides = (int.from_bytes(data[at + place : at + place + 4]) for place in (8, 12))
            sound = end == at + 21 and all(0 < side < 1 << 31 for side in sides)
            return data[at:end] if sound else b""
        at = end
    return b""


def _chunks(data: bytes) -> "Iterator[Chunk]":
    """Name and contents of each chunk, up to the first that is broken."""
    at, view = len(SIGNATURE), memoryview(data)
    while at + 12 <= len(data):
        length = int.from_bytes(view[at : at + 4])
        end = at + 8 + length
        if end + 4 > len(data):
            return
        if int.from_bytes(view[end : end + 4]) != crc32(view[at + 4 : end]):
            return
        yield data[at + 4 : at + 8], view[at + 8 : end]
        at = end + 4


def _size(header: memoryview) -> tuple[int, int, int, int] | None:
    """Width, height, bits and kind, if an IHDR says what `rows` can, not interlaced."""
    if len(header) != 13:
        return None
    width, height = int.from_bytes(header[:4]), int.from_bytes(header[4:8])
    bits, kind, *methods = header[8:]
    if bits not in BITS.get(kind, ()) or any(methods):
        return None
    if not 0 < width * height <= MAX_PIXELS:
        return None
    return width, height, bits, kind


def _palette(chunks: "list[Chunk]") -> "tuple[list[Chunk], bytes]":
    """A palette and its opacity among the chunks before the pixels, RGBA, and the other chunks."""
    names = [name for name, _ in chunks]
    rest = [(name, body) for name, body in chunks if name not in (b"PLTE", b"tRNS")]
    listed = [(name, body) for name, body in chunks if name in (b"PLTE", b"tRNS")]
    if names.count(b"PLTE") != 1 or names.count(b"tRNS") > 1 or listed[0][0] != b"PLTE":
        return chunks, b""
    colors = listed[0][1]
    count = len(colors) // 3
    opacity = bytes(listed[1][1]) if len(listed) > 1 else b""
    if len(colors) % 3 or not len(opacity) <= count <= 256:
        return chunks, b""
    opacity += bytes([255]) * (count - len(opacity))
    entries = [bytes(colors[3 * at : 3 * at + 3]) + opacity[at : at + 1] for at in range(count)]
    return rest, b"".join(entries)


def _profile(body: bytes) -> bytes:
    """What an iCCP holds; empty if it is broken, or long."""
    _, _, packed = body.partition(b"\0")
    if packed[:1] != b"\0":
        return b""
    try:
        return bytes(zlib_decompress(packed[1:], LONGEST_PROFILE))
    except DeflateError:
        return b""


def _all_harmless(chunks: "list[Chunk]", managed: bool) -> bool:
    if len(chunks) > MAX_CHUNKS:
        return False
    gamma, off = None, False
    for name, body in chunks:
        if name not in HARMLESS or HARMLESS[name] not in (None, len(body)):
            return False
        if name == b"eXIf" and not _is_upright(bytes(body)):
            return False
        if name in (b"tEXt", b"iTXt") and not _is_mere_text(name, bytes(body)):
            return False
        if name == b"gAMA":
            gamma = int.from_bytes(body) / 100_000
        if name == b"cHRM":
            told = [int.from_bytes(body[at : at + 4]) for at in range(0, 32, 4)]
            off = max(abs(a - b) for a, b in zip(told, SRGB_PRIMARIES, strict=True)) >= 150
    stated = managed or any(name == b"sRGB" for name, _ in chunks)
    return stated or (is_srgb(gamma) and not off)


def _is_upright(exif: bytes) -> bool:
    """Whether EXIF neither turns a picture nor says its density; False where it is odd."""
    order: Any = {b"II*\0": "little", b"MM\0*": "big"}.get(exif[:4])
    if order is None or len(exif) > MAX_TEXT:
        return False
    at = int.from_bytes(exif[4:8], order)
    count = int.from_bytes(exif[at : at + 2], order)
    if at < 8 or at + 2 + 12 * count + 4 > len(exif):
        return False
    for place in range(at + 2, at + 2 + 12 * count, 12):
        tag, kind = (int.from_bytes(exif[place + by : place + by + 2], order) for by in (0, 2))
        number = int.from_bytes(exif[place + 4 : place + 8], order)
        value = int.from_bytes(exif[place + 8 : place + 8 + WHOLE.get(kind, 0)], order)
        upright = kind in WHOLE and number == 1 and value <= 1
        if tag in DENSITY or (tag == ORIENTATION and not upright):
            return False
    return True


def _is_mere_text(name: bytes, body: bytes) -> bool:
    keyword, _, text = body.partition(b"\0")
    if name == b"iTXt" and not text.startswith(b"\0"):  # compressed, or broken
        return False
    for upright in UPRIGHT:
        text = text.replace(upright, b"")
    turned = keyword in ADOBE and b"Orientation" in text
    return len(body) <= MAX_TEXT and keyword not in TELLING and not turned


def is_srgb(gamma: float | None) -> bool:
    """Whether a PNG's gAMA differs from 1 / 2.2 by no more than can be seen (libpng: 5 %)."""
    return not gamma or gamma <= 0 or abs(2.2 * gamma - 1) < 0.05


def _inflated(parts: "list[Chunk]", size: int) -> bytearray | None:
    """What the IDATs hold, if that is `size` bytes and nothing follows them."""
    if any(name != b"IDAT" for name, _ in parts):  # they must stand together
        return None
    packed = parts[0][1] if len(parts) == 1 else b"".join([body for _, body in parts])
    bytes(size)  # MemoryError if there is no room, where the next line would print of it, too
    try:
        samples = zlib_decompress(packed, size)
    except DeflateError:  # broken, or it holds more
        return None
    # libdeflate does not say where the stream ended; its last four bytes are a checksum.
    ends = int.from_bytes(packed[-4:]) == adler32(samples)
    return samples if ends and len(samples) == size else None
