"""Samples to PNG, by libdeflate and oxipng. No NumPy: the short way needs it too."""

from _operator import index  # operator takes longer to import

from deflate import crc32, zlib_compress

from tinct.defaults import MAX_COLORS
from tinct.picture.inflate import SIGNATURE

TYPE_CHECKING = False  # as typing has it, which takes a millisecond to import
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    Entry = tuple[int, int, int, int]

__all__ = [
    "check_level",
    "grey",
    "grey_bits",
    "index_bits",
    "indexed",
    "is_grey",
    "least",
    "may_be_smaller",
    "original",
    "plain",
    "sampled",
    "squeeze",
    "truecolor",
    "usual_level",
    "ways",
    "worth_filters",
]

# --- samples to bytes ---------------------------------------------------------------------------

_AS_GIVEN = {
    "bit_depth_reduction": False,
    "color_type_reduction": False,
    "palette_reduction": False,
    "grayscale_reduction": False,
}
GREY, RGB, INDEXED, GREY_ALPHA, RGBA = 0, 2, 3, 4, 6  # as a PNG's header says it
FEW, ICON = 1 << 15, 1 << 16  # pixels
# What libdeflate calls our levels 0...2. On photographs of ten megapixels 7 gives as many bytes as
# 9, in two thirds of its time. oxipng's own levels 1 and 2 reach our bytes in twice our time.
_LEVELS = (7, 10, 12)
# Only small pictures gain from filters: they have too few repetitions for deflate to live on.
_FILTERS = ("NoOp", "Paeth", "MinSum", "Entropy", "Up")
_MORE_FILTERS = ("NoOp", "Sub", "Up", "Paeth", "MinSum", "Entropy", "BigEnt")


def indexed(
    packed: bytes,
    width: int,
    height: int,
    entries: "Sequence[Sequence[int]]",
    bits: int,
    level: int | None = None,
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
        As in `tinct.png.encode`.

    Returns
    -------
    bytes
        The PNG.

    Examples
    --------
    >>> indexed(b"\x40", 2, 1, [(0, 0, 0, 255), (9, 9, 9, 255)], 1)[24:26]  # 1 bit, a palette
    b'\x01\x03'
    """
    colors = b"".join([bytes(entry[:3]) for entry in entries])
    opacity = bytes([entry[3] for entry in entries]).rstrip(b"\xff")
    return _encoded(packed, width, height, bits, INDEXED, level, colors, opacity)


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
    import oxipng

    level = check_level(level)
    kind = RGBA if channels == 4 else RGB
    plain = _png(samples, width, height, 8, kind, 0)
    return oxipng.optimize_from_memory(plain, force=True, level=level)


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
    import oxipng

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
    filters = [getattr(oxipng.RowFilter, name) for name in _MORE_FILTERS]
    hard = oxipng.Deflaters.libdeflater(12 if width * height <= FEW else 10)
    how: dict[str, Any] = {"level": 2, "filter": filters, "deflate": hard, **_AS_GIVEN}
    return oxipng.optimize_from_memory(file, force=True, **how)


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
) -> bytes:
    """Without filters by libdeflate alone; oxipng tries them, and more from level 4 on.

    On 15 pictures of 65,536 to 109,060 pixels level 2 saves 0.5 % over 1, for twice the time.
    """
    pixels = width * height
    if level is None:
        level = 3 if pixels <= FEW else 1 if pixels <= 1 << 22 else 0
    level = check_level(level)
    if level < 3:
        return _png(samples, width, height, bits, kind, _LEVELS[level], colors, opacity)
    import oxipng

    # Its RawImage takes bytes one by one, 17 ns each.
    plain = _png(samples, width, height, bits, kind, 0, colors, opacity)
    options: dict[str, Any] = {"level": level}
    if level == 3:
        filters = [getattr(oxipng.RowFilter, name) for name in _FILTERS]
        deflater = oxipng.Deflaters.libdeflater(_LEVELS[2])
        options = {"level": 2, "filter": filters, "deflate": deflater, **_AS_GIVEN}
    return oxipng.optimize_from_memory(plain, force=True, **options)


def _png(
    samples: bytes,
    width: int,
    height: int,
    bits: int,
    kind: int,
    effort: int,
    colors: bytes = b"",
    opacity: bytes = b"",
) -> bytes:
    """A PNG without filters; its palette and transparency are left out where empty."""
    stride, view = len(samples) // height, memoryview(samples)
    rows = bytearray(height * (1 + stride))  # each behind its filter, which is 0: none
    for y in range(height):
        rows[y * (1 + stride) + 1 : (y + 1) * (1 + stride)] = view[y * stride : (y + 1) * stride]
    header = width.to_bytes(4) + height.to_bytes(4) + bytes([bits, kind, 0, 0, 0])
    parts = [SIGNATURE, *_chunk(b"IHDR", header)]
    parts += _chunk(b"PLTE", colors) if colors else ()
    parts += _chunk(b"tRNS", opacity) if opacity else ()
    return b"".join([*parts, *_chunk(b"IDAT", zlib_compress(rows, effort)), *_chunk(b"IEND", b"")])


def _chunk(name: bytes, body: bytes | bytearray) -> list[bytes | bytearray]:
    return [len(body).to_bytes(4), name, body, crc32(body, crc32(name)).to_bytes(4)]


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
    import oxipng

    deflate = oxipng.Deflaters.zopfli(5)
    again = oxipng.optimize_from_memory(data, level=2, deflate=deflate)
    return min(data, again, key=len)


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


def usual_level(flat: bool, pixels: int) -> int | None:
    """How hard to try without being asked to: harder on graphics, where it saves 5 to 25 %.

    Not on icons: in 26 flat pictures of 256x256 it saves 1.8 % for four times the time.

    Examples
    --------
    >>> usual_level(True, 1 << 20), usual_level(True, 1 << 16), usual_level(False, 1 << 20)
    (2, None, None)
    """
    return 2 if flat and pixels > ICON else None


def index_bits(colors: int) -> int:
    """Bits of an index where a file packs as many as fit into a byte.

    Examples
    --------
    >>> [index_bits(k) for k in (2, 3, 16, 17)]
    [1, 2, 4, 8]
    """
    return next(bits for bits in (1, 2, 4, 8) if colors <= 1 << bits)


# --- several ways to store a drawing ------------------------------------------------------------

SMALL = 1 << 10  # pixels, below which a palette may take more bytes than it saves


def ways(
    pack: "Callable[[int], bytes]",
    width: int,
    height: int,
    entries: "Sequence[Entry]",
    channels: int,
    *,
    level: int | None,
    wide: bool = False,
) -> list[bytes]:
    r"""Encode a drawing in the ways that take little time: indexed, and as grey or as true color.

    Parameters
    ----------
    pack : callable
        Gives the indices at so many bits each, as `indexed` takes them.
    width, height : int
        The picture's size in pixels.
    entries : sequence of (r, g, b, a)
        The colors, each used by some pixel, those that aren't opaque first.
    channels : int
        Of the picture as true color: 3 or 4.
    level : int, optional
        How hard to try on the indexed one, as in `tinct.png.encode`.
    wide : bool
        Whether an index takes a byte even where less would do.

    Returns
    -------
    list of bytes
        The PNGs, the indexed one first.

    Examples
    --------
    >>> [png[25] for png in ways(lambda bits: b"\0", 1, 1, [(9, 9, 9, 255)], 3, level=0)]
    [3, 0]
    """
    bits, depth = 8 if wide else index_bits(len(entries)), grey_bits(entries)
    packed = pack(bits)
    found = [indexed(packed, width, height, entries, bits, level)]
    depths = [] if depth is None else [depth]
    if bits < 8 and width * height <= FEW and _repeats_more(pack(8), packed):
        if is_grey(entries) and entries[0][3] == 255:
            depths.append(8)
        else:
            found.append(indexed(pack(8), width, height, entries, 8, level))
    for depth in depths:
        table = [r >> (8 - depth) for r, _, _, _ in entries]
        found.append(grey(_swapped(pack(depth), width, table, depth), width, height, depth))
    if width * height <= SMALL:
        colors = [bytes(entry[:channels]) for entry in entries]
        samples = b"".join([colors[index] for index in pack(8)])
        found.append(truecolor(samples, width, height, channels, 2))
    return found


def _repeats_more(one: bytes, other: bytes) -> bool:
    """Whether bytes take 5 % less when deflated: several indices to the byte may hide a pattern.

    (In 60 % of small pictures a byte each is smaller in the end, by 3 % of all their bytes; this
    finds those where it is most, without another encoding of the others.)
    """
    return len(zlib_compress(one, 6)) < 0.95 * len(zlib_compress(other, 6))


def grey_bits(entries: "Sequence[Entry]") -> int | None:
    """Bits of a grey sample, if all entries are opaque greys and need no more than an index does.

    Examples
    --------
    >>> grey_bits([(0, 0, 0, 255), (85, 85, 85, 255)]), grey_bits([(1, 1, 1, 255)])
    (2, None)
    """
    if any(not r == g == b or a < 255 for r, g, b, a in entries):
        return None
    steps = {bits: 255 // ((1 << bits) - 1) for bits in (1, 2, 4, 8)}
    bits = next(n for n, step in steps.items() if not any(r % step for r, _, _, _ in entries))
    # 8 bits for each pixel may be more than with a palette
    return None if bits == 8 and len(entries) <= 16 else bits


def _swapped(packed: bytes, width: int, table: list[int], bits: int) -> bytes:
    """Packed indices, each replaced by its value in a table; what pads a row stays 0."""
    mask = (1 << bits) - 1
    full = table + [0] * ((1 << bits) - len(table))
    places = range(8 - bits, -1, -bits)
    by_byte = bytes(sum(full[byte >> at & mask] << at for at in places) for byte in range(256))
    swapped = bytearray(packed.translate(by_byte))
    stride = -(-width * bits // 8)
    last = 0xFF << (stride * 8 - width * bits) & 0xFF
    tails = swapped[stride - 1 :: stride]
    swapped[stride - 1 :: stride] = tails.translate(bytes(byte & last for byte in range(256)))
    return bytes(swapped)


# --- the picture itself -------------------------------------------------------------------------

# By how much the estimate at most exceeds what an encoder reaches, and bytes that don't grow with
# the picture. Of 600 made pictures of few colors 131 are smaller without a palette (9.4 kB of 94 in
# all); CLOSE, which spares every third the attempt, rules out 6 of those (82 bytes).
HASTE, SLACK = 1.8, 100
CLOSE, HEAD = 1.4, 50
BAND, SHARE = 16, 8  # rows of a band of the sample, and one band in how many
GREYS = 64  # so many in a drawing or more are worth filters, which dithering spoils with fewer


def worth_filters(entries: "Sequence[Entry]", pixels: int) -> bool:
    """Whether a drawing is to be tried as if it were a picture: one of many greys.

    Nine photographs with 128 greys then take 4 to 23 % less, with 200 14 to 34 %. (Small ones are
    always tried with filters.)

    Examples
    --------
    >>> greys = [(v, v, v, 255) for v in range(100)]
    >>> worth_filters(greys, 1 << 20), worth_filters(greys[:50], 1 << 20)
    (True, False)
    """
    opaque = all(a == 255 for _, _, _, a in entries)
    return len(entries) > GREYS and pixels > FEW and opaque and is_grey(entries)


def sampled(height: int) -> tuple[int, int]:
    """Rows of each band from which `least` is told, and from the first of one to that of the next.

    Examples
    --------
    >>> sampled(300), sampled(100)
    ((16, 128), (100, 100))
    """
    return (BAND, BAND * SHARE) if height > BAND * SHARE else (height, height)


def least(
    differences: "Callable[[int, int, int], bytes]", width: int, height: int, colors: int
) -> float:
    """About how many bytes a lossless file of a picture takes, deflated in haste.

    Parameters
    ----------
    differences : callable
        As the kernels' of that name: gives samples less those above (0) or before (1) of the first
        rows of every so many.
    width, height : int
        The picture's size in pixels.
    colors : int
        How many it has: small ones of few repeat much, which haste would miss, so all of their rows
        are deflated with some care.

    Returns
    -------
    float
        Bytes.
    """
    hard = colors <= MAX_COLORS and width * height <= FEW
    rows, every = (height, height) if hard else sampled(height)
    part = sum(min(rows, height - top) for top in range(0, height, every)) / height
    streams = (differences(axis, rows, every) for axis in (0, 1))
    return min(len(zlib_compress(stream, 6 if hard else 1)) for stream in streams) / part


def may_be_smaller(least: float, limit: int) -> bool:
    """Whether a lossless file for which `least` bytes were estimated may take less than `limit`."""
    return least <= HASTE * limit + SLACK


def original(
    samples: "Callable[[int], bytes]",
    size: tuple[int, int, int],
    limit: int,
    guess: float,
    entries: "Sequence[Entry] | None",
    levels: "Sequence[int]",
    likely: bool,
) -> bytes | None:
    """Encode a picture as it is, if that takes less than `limit` bytes.

    Parameters
    ----------
    samples : callable
        As `plain` takes it.
    size : (width, height, channels)
        The picture's size in pixels, and samples to the pixel: 3 or 4.
    limit : int
        Bytes.
    guess : float
        What `least` says.
    entries : sequence of (r, g, b, a), optional
        Its colors, if they are no more than 256.
    levels : sequence of int
        How hard oxipng is to try.
    likely : bool
        Whether to try small pictures only where the guess makes success likely: in one of 20 such
        the palettes that oxipng makes are then missed, a tenth smaller, and a third more time isn't
        spent. (Of larger ones the guess is hasty.)

    Returns
    -------
    bytes, optional
        The smallest PNG found, if that is smaller.
    """
    found = []
    close, hasty = guess + HEAD <= CLOSE * limit, not likely or size[0] * size[1] > FEW
    if close or (hasty and may_be_smaller(guess, limit)):
        found += [truecolor(samples(0), *size, level) for level in levels]
    # Without alpha oxipng leaves greys grey.
    few = entries is not None and not (size[2] == 3 and is_grey(entries))
    if entries is not None and few and close:
        found.append(plain(samples, *size, entries))
    best = min(found, key=len, default=b"")
    return best if found and len(best) < limit else None
