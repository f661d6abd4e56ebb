"""The rows of plain PNGs, without Pillow and NumPy. Whatever is unusual is left to `files`."""

from deflate import DeflateError, adler32, crc32, zlib_decompress

TYPE_CHECKING = False  # as typing has it, which takes a millisecond to import
if TYPE_CHECKING:
    from collections.abc import Iterator

    Rows = tuple[bytearray, int, int, int]

__all__ = ["SIGNATURE", "density", "is_srgb", "rows"]

SIGNATURE = b"\x89PNG\r\n\x1a\n"
MAX_PIXELS = 1 << 26
MAX_TEXT = 1 << 18
MAX_CHUNKS = 1 << 7  # besides the pixels: texts then stay below the 64 MB that Pillow takes

# What changes no pixel, and its length where Pillow insists on that.
SRGB_PRIMARIES = (31270, 32900, 64000, 33000, 30000, 60000, 15000, 6000)
HARMLESS = {
    b"bKGD": None,
    b"cHRM": 32,
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
ADOBE = {b"XML:com.adobe.xmp", b"xmp"}


def rows(data: bytes) -> "Rows | None":
    r"""Inflate a PNG of 8 bits per sample, in RGB or RGBA, that holds nothing but its pixels.

    The rows, each behind its filter byte; width, height and channels. None if the file is broken,
    or might have to be shown in another way than sample by sample: with a profile, turned, one
    color transparent, and so on.
    """
    if not data.startswith(SIGNATURE):
        return None
    parts = list(_chunks(data))
    if len(parts) < 3 or parts[0][0] != b"IHDR" or parts[-1][0] != b"IEND":
        return None
    size = _size(parts[0][1])
    names = [name for name, _ in parts[1:-1]]
    first, count = names.index(b"IDAT") if b"IDAT" in names else -1, names.count(b"IDAT")
    others = parts[1 : first + 1] + parts[1 + first + count : -1]
    if size is None or first < 0 or parts[-1][1] or not _all_harmless(others):
        return None
    width, height, channels = size
    samples = _inflated(parts[1 + first : 1 + first + count], height * (1 + width * channels))
    return None if samples is None else (samples, width, height, channels)


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


def _chunks(data: bytes) -> "Iterator[tuple[bytes, memoryview]]":
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


def _size(header: memoryview) -> tuple[int, int, int] | None:
    """Width, height and channels, if an IHDR says 8 bits, RGB or RGBA, not interlaced."""
    if len(header) != 13:
        return None
    width, height = int.from_bytes(header[:4]), int.from_bytes(header[4:8])
    bits, kind, *methods = header[8:]
    if bits != 8 or kind not in (2, 6) or any(methods):
        return None
    if not 0 < width * height <= MAX_PIXELS:
        return None
    return width, height, 4 if kind == 6 else 3


def _all_harmless(chunks: list[tuple[bytes, memoryview]]) -> bool:
    if len(chunks) > MAX_CHUNKS:
        return False
    gamma, off = None, False
    for name, body in chunks:
        if name not in HARMLESS or HARMLESS[name] not in (None, len(body)):
            return False
        if name in (b"tEXt", b"iTXt") and not _is_mere_text(name, bytes(body)):
            return False
        if name == b"gAMA":
            gamma = int.from_bytes(body) / 100_000
        if name == b"cHRM":
            told = [int.from_bytes(body[at : at + 4]) for at in range(0, 32, 4)]
            off = max(abs(a - b) for a, b in zip(told, SRGB_PRIMARIES, strict=True)) >= 150
    return (is_srgb(gamma) and not off) or any(name == b"sRGB" for name, _ in chunks)


def _is_mere_text(name: bytes, body: bytes) -> bool:
    keyword, _, text = body.partition(b"\0")
    if name == b"iTXt" and not text.startswith(b"\0"):  # compressed, or broken
        return False
    turned = keyword in ADOBE and b"Orientation" in text
    return len(body) <= MAX_TEXT and keyword not in TELLING and not turned


def is_srgb(gamma: float | None) -> bool:
    """Whether a PNG's gAMA differs from 1 / 2.2 by no more than can be seen (libpng: 5 %)."""
    return not gamma or gamma <= 0 or abs(2.2 * gamma - 1) < 0.05


def _inflated(parts: list[tuple[bytes, memoryview]], size: int) -> bytearray | None:
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
