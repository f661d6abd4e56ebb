"""Samples to PNG: libdeflate, our own encoder, oxipng. No NumPy: the short way needs it too."""

from _operator import index  # operator takes longer to import
from os import getpid

from deflate import DeflateError, crc32, zlib_compress, zlib_decompress

from tinct import _kernels
from tinct.picture.inflate import GREY, GREY_ALPHA, INDEXED, RGB, RGBA, SAMPLES, SIGNATURE

TYPE_CHECKING = False  # as typing has it, which takes a millisecond to import
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    Entry = tuple[int, int, int, int]

__all__ = [
    "FEW",
    "HASTY",
    "LARGE",
    "check_level",
    "chunk",
    "filtered",
    "grey",
    "index_bits",
    "indexed",
    "is_grey",
    "plain",
    "repacked",
    "squeeze",
    "truecolor",
]

# --- samples to bytes ---------------------------------------------------------------------------

_AS_GIVEN = {
    "bit_depth_reduction": False,
    "color_type_reduction": False,
    "palette_reduction": False,
    "grayscale_reduction": False,
}
FEW, LARGE = 1 << 15, 1 << 22  # pixels
OXIPNG, OXIPNG_AT_LEAST = 10, 1 << 24  # bytes of memory per byte of a PNG that isn't deflated
# What libdeflate calls our levels 0 and 1. On photographs of ten megapixels 7 gives as many bytes
# as 9, in two thirds of its time. oxipng's own levels 1 and 2 reach our bytes in twice our time.
# Level 2 is our own encoder: the bytes of libdeflate's last level, on graphics in half its time.
_LEVELS = (7, 10)
# HASTY is a level below it: 0.3 to 2 % more bytes in three quarters of the time.
HASTY = -1
_OURS, _HASTY, _LITERALS, _LAST = -1, -2, -3, 12
MOST_PARSES = 15
# Only small pictures gain from filters: they have too few repetitions for deflate to live on.
_FILTERS = ("Paeth", "MinSum", "Entropy", "Up")  # beside none, by our own encoder
_MORE_FILTERS = ("NoOp", "Sub", "Up", "Paeth", "MinSum", "Entropy", "BigEnt")


def indexed(
    packed: bytes,
    width: int,
    height: int,
    entries: "Sequence[Sequence[int]]",
    bits: int,
    level: int | None = None,
    threads: int = 0,
) -> bytes:
    r"""Encode indices as they are.

    Parameters
    ----------
    packed : bytes
        The indices, several to the byte, each row starting a byte.
    width, height : int
        The picture's size in pixels.
    entries : sequence of (r, g, b, a)
        The colors, those that aren't opaque first.
    bits : int
        Of an index: 1, 2, 4 or 8.
    level : int, optional
        As in `tinct.codecs.arrays.encode`.
    threads : int
        How many threads may work; 0: one for each processor. It changes no byte.

    Returns
    -------
    bytes
        The PNG.

    Examples
    --------
    >>> indexed(b"\x40", 2, 1, [(0, 0, 0, 255), (9, 9, 9, 255)], 1)[24:26]  # 1 bit, a palette
    b'\x01\x03'
    """
    return _encoded(packed, width, height, bits, INDEXED, level, *_palette(entries), threads)


def filtered(
    rows: bytes, width: int, height: int, entries: "Sequence[Entry]", threads: int = 0
) -> bytes:
    r"""Encode indices of a byte each, each row behind its filter; the rest is that of `indexed`.

    Copies are few in such rows. Where many pixels are deflated in haste, what that takes for copies
    costs 8 %; codes without any take 1.3 % more than all care (18 drawings of photographs).

    Examples
    --------
    >>> filtered(b"\1\0\1", 2, 1, [(0, 0, 0, 255), (9, 9, 9, 255)])[24:26]
    b'\x08\x03'
    """
    effort = _OURS if width * height <= LARGE else _LITERALS
    return _file(bytearray(rows), width, height, 8, INDEXED, effort, *_palette(entries), threads)


def _palette(entries: "Sequence[Sequence[int]]") -> "tuple[bytes, bytes]":
    """What the chunks of colors and of transparency hold."""
    colors = b"".join([bytes(entry[:3]) for entry in entries])
    return colors, bytes([entry[3] for entry in entries]).rstrip(b"\xff")


def grey(packed: bytes, width: int, height: int, bits: int) -> bytes:
    r"""Encode grey samples of 1, 2, 4 or 8 bits, several to the byte, each row starting a byte.

    Examples
    --------
    >>> grey(b"\x40", 2, 1, 1)[24:26]
    b'\x01\x00'
    """
    return _encoded(packed, width, height, bits, GREY, None)


def truecolor(samples: bytes, width: int, height: int, channels: int, level: int) -> bytes:
    r"""Encode pixels of 3 or 4 samples of 8 bits; oxipng may store them as grey or indexed.

    Examples
    --------
    >>> truecolor(bytes(range(6)), 2, 1, 3, 1)[24:26]
    b'\x08\x02'
    """
    level = check_level(level)
    kind = RGBA if channels == 4 else RGB
    plain = _png(samples, width, height, 8, kind, 0)
    return _optimized(plain, level)


def plain(
    samples: "Callable[[int], bytes]",
    width: int,
    height: int,
    channels: int,
    entries: "Sequence[Entry]",
) -> bytes:
    r"""Encode a picture of few colors without a palette: as grey or true color, alpha if needed.

    oxipng always gives such a picture a palette, whose entries a smooth ramp doesn't repay: 256
    colors in 64 rows take 212 bytes with filters and 940 with a palette.

    Parameters
    ----------
    samples : callable
        Gives the pixels, full transparency in the grey of this value.
    width, height, channels : int
        The picture's size in pixels, and samples to the pixel: 3 or 4.
    entries : sequence of (r, g, b, a)
        Its colors, at most 256.

    Returns
    -------
    bytes
        The PNG.

    Examples
    --------
    >>> colors = [(1, 2, 3, 255), (9, 8, 7, 255)]
    >>> plain(lambda key: bytes([1, 2, 3, 9, 8, 7]), 2, 1, 3, colors)[24:26]
    b'\x08\x02'
    >>> plain(lambda key: bytes([5, 5, 5, 255, key, key, key, 0]), 2, 1, 4, [(5, 5, 5, 255)])[25]
    0
    """
    hue = (0,) if is_grey(entries) else (0, 1, 2)
    opacity, key = b"", 0
    if channels == 4 and all(a in (0, 255) for _, _, _, a in entries):
        shown = {entry[:3] for entry in entries if entry[3]}
        key = next(v for v in range(256) if (v, v, v) not in shown)  # some pixel is transparent
        opacity = bytes([0, key]) * len(hue)
    kept = hue if opacity or channels == 3 else (*hue, 3)
    found = samples(key)
    if len(kept) < channels:
        packed = bytearray(len(found) // channels * len(kept))
        for place, channel in enumerate(kept):
            packed[place :: len(kept)] = found[channel::channels]
        found = bytes(packed)
    kind = (GREY, GREY_ALPHA, RGB, RGBA)[len(kept) - 1]
    file = _png(found, width, height, 8, kind, 0, opacity=opacity)
    return _optimized(file, 2, _MORE_FILTERS, _LAST if width * height <= FEW else 10)


def is_grey(entries: "Sequence[Entry]") -> bool:
    """Whether all colors are greys.

    Examples
    --------
    >>> is_grey([(7, 7, 7, 255), (0, 0, 0, 0)]), is_grey([(7, 7, 8, 255)])
    (True, False)
    """
    return all(r == g == b for r, g, b, _ in entries)


def _encoded(
    samples: bytes,
    width: int,
    height: int,
    bits: int,
    kind: int,
    level: int | None,
    colors: bytes = b"",
    opacity: bytes = b"",
    threads: int = 0,
) -> bytes:
    """Without filters by one encoder alone; oxipng tries them, and more from level 4 on.

    On 15 pictures of 65,536 to 109,060 pixels level 2 saves 0.5 % over 1, for twice the time.
    """
    pixels = width * height
    if level is None:
        level = 3 if pixels <= FEW else 1 if pixels <= LARGE else 0
    if level == HASTY:
        effort = _HASTY
    else:
        level = check_level(level)
        effort = _LEVELS[level] if level < 2 else _OURS
    unfiltered = _png(samples, width, height, bits, kind, effort, colors, opacity, threads)
    if level < 3:
        return unfiltered
    # Its RawImage takes bytes one by one, 17 ns each.
    plain = _png(samples, width, height, bits, kind, 0, colors, opacity)
    options = (2, _FILTERS, _LAST) if level == 3 else (level,)
    return min(unfiltered, _optimized(plain, *options), key=len)


_oxipng_in: "list[int]" = []  # the process that has its threads


def _optimized(
    file: bytes, level: int, filters: "Sequence[str]" = (), strength: int = 0, zopfli: int = 0
) -> bytes:
    """A PNG by oxipng, of its own kind where `filters` are named; deflated so hard where that says.

    It ends the process where memory is short, so that is asked for before. In a process forked from
    one that used it, it would wait for threads that aren't there; there a new one uses it.
    """
    if _oxipng_in and _oxipng_in[0] != getpid():
        return _in_a_new_process(file, level, filters, strength, zopfli)
    from mmap import mmap

    import oxipng

    _oxipng_in[:] = [getpid()]
    how: dict[str, Any] = {"level": level, "force": True}
    if filters:
        how |= {"filter": [getattr(oxipng.RowFilter, name) for name in filters], **_AS_GIVEN}
    if strength:
        how["deflate"] = oxipng.Deflaters.libdeflater(strength)
    if zopfli:
        how["deflate"] = oxipng.Deflaters.zopfli(zopfli)
    try:  # a bytearray would be filled with zeros: 2 ms
        mmap(-1, OXIPNG * len(file) + OXIPNG_AT_LEAST).close()
    except OSError as error:
        raise MemoryError from error
    return oxipng.optimize_from_memory(file, **how)


def _in_a_new_process(file: bytes, *how: "Any") -> bytes:
    import subprocess
    import sys

    work = (
        f"import sys; from {__name__} import _optimized\n"
        f"sys.stdout.buffer.write(_optimized(sys.stdin.buffer.read(), *{how!r}))"
    )
    command = [sys.executable, "-c", work]
    return subprocess.run(command, input=file, stdout=subprocess.PIPE, check=True).stdout


def _png(
    samples: bytes,
    width: int,
    height: int,
    bits: int,
    kind: int,
    effort: int,
    colors: bytes = b"",
    opacity: bytes = b"",
    threads: int = 0,
) -> bytes:
    """A PNG without filters; its palette and transparency are left out where empty."""
    stride, view = len(samples) // height, memoryview(samples)
    rows = bytearray(height * (1 + stride))  # each behind its filter, which is 0: none
    for y in range(height):
        rows[y * (1 + stride) + 1 : (y + 1) * (1 + stride)] = view[y * stride : (y + 1) * stride]
    return _file(rows, width, height, bits, kind, effort, colors, opacity, threads)


def _file(
    rows: bytearray,
    width: int,
    height: int,
    bits: int,
    kind: int,
    effort: int,
    colors: bytes,
    opacity: bytes,
    threads: int,
) -> bytes:
    header = width.to_bytes(4) + height.to_bytes(4) + bytes([bits, kind, 0, 0, 0])
    parts = [SIGNATURE, *_chunk(b"IHDR", header)]
    parts += _chunk(b"PLTE", colors) if colors else ()
    parts += _chunk(b"tRNS", opacity) if opacity else ()
    if effort in (_OURS, _HASTY):
        stream = deflated(rows, len(rows) // height, threads, 1 if effort == _OURS else 0)
    elif effort == _LITERALS:
        stream = _literals(rows)
    else:
        stream = zlib_compress(rows, effort)
    return b"".join([*parts, *_chunk(b"IDAT", stream), *_chunk(b"IEND", b"")])


def _literals(rows: bytearray) -> bytes:
    import zlib

    coder = zlib.compressobj(strategy=zlib.Z_HUFFMAN_ONLY)
    return coder.compress(rows) + coder.flush()


def deflated(rows: bytearray, stride: int, threads: int = 0, times: int = 1) -> bytes | bytearray:
    """A zlib stream of rows by our own encoder, if what it wrote holds them."""
    stream = _kernels.encode_deflate(rows, stride, threads, times)
    try:
        holds = zlib_decompress(stream, len(rows)) == rows
    except DeflateError:
        holds = False
    return stream if holds else zlib_compress(rows, _LAST)


def chunk(name: bytes, body: bytes) -> bytes:
    """A chunk of a PNG: its length, name, contents and checksum."""
    return b"".join(_chunk(name, body))


def _chunk(name: bytes, body: bytes | bytearray) -> list[bytes | bytearray]:
    return [len(body).to_bytes(4), name, body, crc32(body, crc32(name)).to_bytes(4)]


def repacked(data: bytes, threads: int = 0) -> bytes:
    """Deflate a PNG's rows once more, parsed again as long as that helps: 0.3 %, 2 % of few words.

    It takes two to five times as long as deflating them: too long for each drawing of a search.
    """
    parts: list[bytes | bytearray] = [SIGNATURE]
    stream, at = b"", len(SIGNATURE)
    while at < len(data):
        end = at + 12 + int.from_bytes(data[at : at + 4])
        if data[at + 4 : at + 8] == b"IDAT":
            stream += data[at + 8 : end - 4]
        else:
            parts.append(data[at:end])
        at = end
    width, height = int.from_bytes(data[16:20]), int.from_bytes(data[20:24])
    bits = data[24] * SAMPLES[data[25]]
    stride = 1 + (width * bits + 7) // 8
    rows = bytearray(zlib_decompress(stream, height * stride))
    parts[-1:-1] = _chunk(b"IDAT", deflated(rows, stride, threads, MOST_PARSES))
    return min(data, b"".join(parts), key=len)


def squeeze(data: bytes) -> bytes:
    """Deflate a PNG's pixels once more, by Zopfli: a few percent, for seconds per megapixel.

    Parameters
    ----------
    data : bytes
        The PNG.

    Returns
    -------
    bytes
        The smaller one.
    """
    return min(data, _optimized(data, 2, zopfli=5), key=len)


def check_level(level: "Any") -> int:
    """Refuse a level that isn't 0...6, by name."""
    given: Any = None if isinstance(level, bool) else level
    try:
        whole = index(given)
    except TypeError:
        raise TypeError(f"level must be an integer, not {type(level).__name__}") from None
    if whole not in range(7):
        raise ValueError(f"level must be 0..6, not {level}")
    return whole


def index_bits(colors: int) -> int:
    """Bits of an index where a file packs as many as fit into a byte.

    Examples
    --------
    >>> [index_bits(k) for k in (2, 3, 16, 17)]
    [1, 2, 4, 8]
    """
    return next(bits for bits in (1, 2, 4, 8) if colors <= 1 << bits)
