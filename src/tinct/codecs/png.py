"""PNG: indices, grey or true color, whichever is smallest. No NumPy: the short way needs it too."""

from deflate import zlib_compress

from tinct.codecs import deflate
from tinct.codecs.codec import CLOSE, HEAD, ICON, Codec, may_be_smaller, sampled
from tinct.codecs.deflate import (
    FEW,
    HASTY,
    LARGE,
    filtered,
    grey,
    index_bits,
    indexed,
    is_grey,
    plain,
    truecolor,
)

TYPE_CHECKING = False  # as typing has it, which takes a millisecond to import
if TYPE_CHECKING:
    from collections.abc import Sequence

    from tinct import _kernels
    from tinct.codecs.codec import Source
    from tinct.codecs.deflate import Entry
    from tinct.mapping.lossy import Loss

__all__ = ["CODEC", "Png", "encode_indexed"]

AS_GIVEN = 3  # the last level that leaves a palette as it is
# Filtered rows are tried where their entropy is below so many times the bytes that there are: on 78
# drawings of 26 pictures it was -5 to +2 % off where they won, but for a map of few colors.
NEAR = 1.02
ABOUT = 1.04  # where the bytes may be those of filters, which take up to 3 % less than the entropy
MEASURED = 1 << 18  # pixels
BRIEF = 1 << 19  # pixels; of fewer it counts how long a file takes, and of more than LARGE
ZOPFLI = 1 << 22  # pixels: 4 s each million


class Png(Codec):
    """The smallest of several ways to store the same pixels; more ways with more effort.

    Filters after reordering the palette as Zeng et al. do save 3 to 38 % of every third photograph
    with 256 colors, seldom anything where copies were made on purpose; their entropy tells where.
    Orders by luminance (but of greys), popularity and nearest neighbour were usually worse than
    Zeng's. oxipng's level 4 saves another 0.2 to 8 %, Zopfli 0.3 to 5 %. A byte for each index
    where less would do saves 3 % of small pictures with 4 or 16 colors. Each effort tries what
    lower ones do: more is never larger.
    """

    name = "png"
    packs = True

    def encode(
        self,
        drawing: "_kernels.Drawing",
        *,
        effort: int = 1,
        level: int | None = None,
        lossy: "Loss" = 0.0,
        wide: bool = False,
        flat: bool = False,
        listed: bool = False,
        threads: int = 0,
    ) -> bytes:
        if level is not None and not (listed and level > AS_GIVEN):
            return encode_indexed(drawing, level, wide, threads)
        pixels = drawing.width * drawing.height
        quick, smooth = usual_level(flat, pixels, lossy), lossy in (0, "auto")
        usual = quick if effort == 1 else None
        if listed:
            tried = [AS_GIVEN] if level else [AS_GIVEN, quick] if effort >= 2 else [usual]
            return min((encode_indexed(drawing, by, wide, threads) for by in tried), key=len)
        drawing = drawing.by_first_use(threads)
        found = ways(drawing, level=usual, wide=wide, threads=threads)
        large = flat and pixels > LARGE  # all of it would be filtered to be told from
        other = drawing if large and effort < 2 else for_filters(drawing, threads)
        if not large and may_be_filtered(other, min(len(file) for file in found)):
            size, rows = (other.width, other.height), other.filtered()
            packed = drawing.packed(index_bits(len(drawing.entries)))
            if not flat or pixels <= FEW or _repeats_more(rows, packed):
                found.append(filtered(rows, *size, other.entries, threads))
        if effort >= 2:
            levels = [2, HASTY] if quick == HASTY else [2]
            found += [encode_indexed(drawing, by, wide, threads) for by in levels]
        if effort >= 2 and smooth:
            if len(drawing.entries) <= 16:
                found.append(encode_indexed(drawing, 3, True))
            found += [encode_indexed(other, by, False) for by in ((3, 4) if effort >= 5 else (3,))]
        if effort >= 5:
            found.append(encode_indexed(drawing, 4, wide))
        best = min(found, key=len)
        return deflate.squeeze(best) if effort >= 9 and pixels <= ZOPFLI else best

    def encode_original(
        self,
        source: "Source",
        limit: int,
        guess: float,
        *,
        entries: "Sequence[Entry] | None",
        effort: int,
        tried: bool,
        likely: bool,
    ) -> bytes | None:
        pixels, size = source.width * source.height, (source.width, source.height, source.channels)
        levels = [2, 4] if effort >= 5 else [2]
        if tried and pixels <= SMALL:
            levels.remove(2)  # among the ways of the drawing
        found = []
        # Small pictures are tried only where the guess makes success likely, if so asked: in one of
        # 20 such the palettes that oxipng makes are then missed, a tenth smaller, and a third more
        # time isn't spent. (Of larger ones the guess is hasty.)
        close, hasty = guess + HEAD <= CLOSE * limit, not likely or pixels > FEW
        if close or (hasty and may_be_smaller(guess, limit)):
            found += [truecolor(source.samples(0), *size, level) for level in levels]
        # Without alpha oxipng leaves greys grey.
        few = entries is not None and not (source.channels == 3 and is_grey(entries))
        if entries is not None and few and close:
            found.append(plain(source.samples, *size, entries))
        best = min(found, key=len, default=b"")
        return best if found and len(best) < limit else None

    def predicts(self, drawing: "_kernels.Drawing", size: int) -> bool:
        return may_be_filtered(for_filters(drawing), ABOUT * size)

    def repack(self, data: bytes, threads: int = 0) -> bytes:
        return deflate.repacked(data, threads)


CODEC = Png()


def encode_indexed(
    drawing: "_kernels.Drawing", level: int | None, wide: bool, threads: int = 0
) -> bytes:
    """With a palette; see `tinct.codecs.arrays.encode`."""
    entries = drawing.entries
    bits = 8 if wide else index_bits(len(entries))
    size = drawing.width, drawing.height
    return indexed(drawing.packed(bits), *size, entries, bits, level, threads)


def for_filters(drawing: "_kernels.Drawing", threads: int = 1) -> "_kernels.Drawing":
    """The same drawing, with a palette in an order that makes neighbors' indices near."""
    return drawing.reordered(*bands(drawing), threads)


def may_be_filtered(drawing: "_kernels.Drawing", size: float) -> bool:
    """Whether a drawing may take less than `size` bytes behind filters, told from some rows."""
    return drawing.filtered_entropy(*bands(drawing)) < NEAR * size


def bands(drawing: "_kernels.Drawing") -> tuple[int, int]:
    """Rows from which an order and an entropy are told: of few pixels both would look too good."""
    all_rows = (drawing.height, drawing.height)
    return all_rows if drawing.width * drawing.height <= MEASURED else sampled(drawing.height)


def usual_level(flat: bool, pixels: int, lossy: "Loss" = 0.0) -> int | None:
    """How hard to try without being asked to: with our own encoder, in bands on all cores.

    It saves 5 to 25 % of graphics, 0.7 % of photographs; not of large ones, in 6 times the time. On
    large and on small graphics in haste: icons of 256x256 with loss take 3.7 % less so, without 2
    to 4 %, and 0.5 to 1.1 % more than with all care. Where a search made copies on purpose it takes
    all care, on small ones too. Up to FEW pixels filters, in four times the time, save 1.2 % where
    there was no loss, single ones 17; else nothing.

    Examples
    --------
    >>> usual_level(True, 1 << 22), usual_level(True, 1 << 15), usual_level(True, 1 << 15, "auto")
    (2, None, 2)
    """
    if not flat:
        return 2 if ICON < pixels <= LARGE else None
    if pixels <= FEW:
        return 2 if lossy else None
    hasty = pixels > LARGE or (lossy in (0, "auto") and pixels <= BRIEF)
    return HASTY if hasty else 2


# --- several ways to store a drawing ------------------------------------------------------------

SMALL = 1 << 10  # pixels, below which a palette may take more bytes than it saves


def ways(
    drawing: "_kernels.Drawing", *, level: int | None, wide: bool = False, threads: int = 0
) -> list[bytes]:
    """Encode a drawing in the ways that take little time: indexed, and as grey or as true color.

    Parameters
    ----------
    drawing : Drawing
        The palette and the indices.
    level : int, optional
        How hard to try on the indexed one, as in `tinct.codecs.arrays.encode`.
    wide : bool
        Whether an index takes a byte even where less would do.
    threads : int
        How many threads may work; 0: one for each processor. It changes no byte.

    Returns
    -------
    list of bytes
        The PNGs, the indexed one first.

    Examples
    --------
    >>> import numpy as np
    >>> from tinct import _kernels
    >>> drawing = _kernels.Drawing(np.zeros((1, 1), np.uint8), np.full((1, 3), 9, np.uint8))
    >>> [png[25] for png in ways(drawing, level=0)]
    [3, 0]
    """
    width, height, entries = drawing.width, drawing.height, drawing.entries
    bits, depth = 8 if wide else index_bits(len(entries)), grey_bits(entries)
    packed = drawing.packed(bits)
    found = [indexed(packed, width, height, entries, bits, level, threads)]
    depths = [] if depth is None else [depth]
    if bits < 8 and width * height <= FEW and _repeats_more(drawing.packed(8), packed):
        if is_grey(entries) and entries[0][3] == 255:
            depths.append(8)
        else:
            found.append(indexed(drawing.packed(8), width, height, entries, 8, level))
    for depth in depths:
        table = [r >> (8 - depth) for r, _, _, _ in entries]
        found.append(
            grey(_swapped(drawing.packed(depth), width, table, depth), width, height, depth)
        )
    if width * height <= SMALL:
        found.append(truecolor(drawing.samples(0), width, height, drawing.channels, 2))
    return found


def _repeats_more(one: bytes, other: bytes) -> bool:
    """Whether bytes take 5 % less when deflated: several indices to the byte may hide a pattern.

    (In 60 % of small pictures a byte each is smaller in the end, by 3 % of all their bytes; this
    finds those where it is most, without another encoding of the others. Of flat pictures it tells
    better than entropy what filters save: of 20 that those few rows let pass 4 go on, 3 of them to
    win 5 to 14 %, and none is missed.)
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
