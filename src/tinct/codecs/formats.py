"""Indices and a palette as a PNG, a lossless WebP or a GIF, and when the original is smaller."""

from __future__ import annotations

import io
import struct
from functools import partial

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from tinct import _kernels
from tinct.codecs import deflate, png
from tinct.defaults import MAX_COLORS
from tinct.errors import PictureError
from tinct.mapping.lossy import check_format, code_size
from tinct.picture import read as files

__all__ = ["encode", "entries_of", "original", "prepared"]

Pixels = NDArray[np.uint8]
Indices = NDArray[np.uint8]

SIDES = {"webp": 16_383, "gif": 65_535}  # what the headers can say
HALF = 128  # alpha: below it a GIF's pixel is transparent


def prepared(picture: files.Picture, format: str) -> Pixels:
    """Fit a picture's pixels for a format, or refuse it.

    A GIF's pixels are there or not: those less than half opaque become transparent, the others
    opaque in their own color, as ImageMagick does it. (Painting them onto white or black would give
    them an edge on every other ground.)

    Parameters
    ----------
    picture : Picture
        The picture.
    format : {"png", "webp", "gif"}
        What will hold it.

    Returns
    -------
    (h, w, c) uint8
        Pixels with as many channels.

    Raises
    ------
    PictureError
        If it is too wide or too high, or nothing of it would remain.
    ValueError
        If the format is another.

    Examples
    --------
    >>> glass = np.full((2, 2, 4), 200, np.uint8)
    >>> prepared(files.Picture(glass), "gif")[0, 0].tolist()
    [200, 200, 200, 255]
    """
    check_format(format)
    pixels, name = picture.pixels, picture.name or "the picture"
    side = SIDES.get(format)
    if side is not None and max(pixels.shape[:2]) > side:
        raise PictureError(
            f"{name}: {format} holds at most {side:,} pixels a side, not {max(pixels.shape[:2]):,}"
        )
    if format != "gif" or pixels.shape[2] == 3:
        return pixels
    alpha = pixels[:, :, 3:]
    if alpha.any() and alpha.max() < HALF:
        raise PictureError(
            f"{name}: gif knows no partial transparency, and no pixel is half opaque"
        )
    cut = np.where(alpha < HALF, 0, 255).astype(np.uint8)
    return np.concatenate([pixels[:, :, :3], cut], axis=2)


def encode(
    indices: Indices,
    palette: Pixels,
    *,
    format: str = "png",
    level: int | None = None,
    effort: int = 1,
    smooth: bool = True,
    wide: bool = False,
    flat: bool = False,
) -> bytes:
    """Encode a picture of at most 256 colors.

    Parameters
    ----------
    indices : (h, w) uint8
        Each pixel's palette entry.
    palette : (k, 3) or (k, 4) uint8
        The colors.
    format : {"png", "webp", "gif"}
        The file's format; all three are lossless.
    level : int, optional
        How hard to try on a PNG, as in `tinct.png.encode`; stands above `effort`.
    effort : int
        How hard to try otherwise, 0...10: from 2 on PNGs are tried with filters, from 5 on at
        oxipng's level 4, from 9 on with Zopfli.
    smooth : bool
        Whether filters can help a PNG: not where the indices were chosen for DEFLATE.
    wide : bool
        Whether a PNG is to spend a byte on each pixel, because indices were chosen for that.
    flat : bool
        Whether much of the picture is of one color: deflating a PNG harder then saves 5 to 25 %,
        of photographs and icons 1 or 2 %.

    Returns
    -------
    bytes
        The file; a decoder gives ``palette[indices]``.

    Raises
    ------
    ValueError
        If the arrays don't fit together, or for a GIF some alpha is neither 0 nor 255.

    Examples
    --------
    >>> indices, palette = np.eye(8, dtype=np.uint8), np.array([[0, 0, 0], [9, 9, 200]], np.uint8)
    >>> [encode(indices, palette, format=name)[1:4] for name in ("png", "webp", "gif")]
    [b'PNG', b'IFF', b'IF8']
    """
    check_format(format)
    if format == "gif":
        return _gif(*png.tidied(indices, palette))
    if format == "webp":
        indices, palette = png.tidied(indices, palette)
        return _webp(palette[indices], effort)
    return _png(indices, palette, level, effort, smooth, wide, flat)


# --- GIF ----------------------------------------------------------------------------------------


def _gif(indices: Indices, entries: Pixels) -> bytes:
    """A GIF89a with our own LZW: 4 % smaller than Pillow's, and it codes what `remap` reckoned."""
    clear = entries[:, 3] < 255
    if (entries[clear, 3] > 0).any():
        raise ValueError("a GIF has no partial transparency: alpha must be 0 or 255")
    if clear.sum() > 1:  # colors nobody sees: one entry for them all
        indices = np.where(clear[indices], 0, indices - (clear.sum() - 1)).astype(np.uint8)
        entries = np.vstack([entries[:1], entries[~clear]])
    height, width = indices.shape
    bits = max(1, (len(entries) - 1).bit_length())
    table = np.zeros((1 << bits, 3), np.uint8)
    table[: len(entries)] = entries[:, :3]
    screen = struct.pack("<HHBBB", width, height, 0xF0 | (bits - 1), 0, 0)
    control = b"\x21\xf9\x04\x01\0\0\0\0" if clear.any() else b""  # entry 0 is transparent
    image = struct.pack("<BHHHHB", 0x2C, 0, 0, width, height, 0)
    size = code_size(len(entries))
    codes = _kernels.encode_lzw(np.ascontiguousarray(indices), size)
    blocks = (codes[at : at + 255] for at in range(0, len(codes), 255))
    data = b"".join(bytes([len(block)]) + block for block in blocks)
    return b"".join(
        [b"GIF89a", screen, table.tobytes(), control, image, bytes([size]), data, b"\0\x3b"]
    )


# --- WebP ---------------------------------------------------------------------------------------


def _webp(pixels: Pixels, effort: int) -> bytes:
    """Lossless, by libwebp, which finds the palette and puts it in an order of its own.

    Its method 5 saves 1 % more than 4 in 8 times the time, 6 saves 2 % more in 250 times. Some
    small pictures are smaller by 4.
    """
    if pixels.shape[2] == 4 and (pixels[:, :, 3] == 255).all():
        pixels = pixels[:, :, :3]
    return min((_by_libwebp(pixels, m) for m in ((4, 5) if effort >= 5 else (4,))), key=len)


def _by_libwebp(pixels: Pixels, method: int) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(pixels).save(
        stream, "WEBP", lossless=True, quality=100, method=method, exact=True
    )
    return stream.getvalue()


# --- PNG ----------------------------------------------------------------------------------------


def _png(
    indices: Indices,
    palette: Pixels,
    level: int | None,
    effort: int,
    smooth: bool,
    wide: bool,
    flat: bool,
) -> bytes:
    """The smallest of several ways to store the same pixels; more ways with more effort.

    Measured on 1 to 6 pictures a case: filters after reordering the palette as Zeng et al. do save
    21 % of a photograph with 16 colors, 5 % with 256, 1 % of dithered ones with 256 (up to 7),
    nothing where copies were made on purpose (`smooth` is false: +29 %). Orders by luminance,
    popularity and nearest neighbour were usually worse than Zeng's. oxipng's level 4 saves another
    0.2 to 8 %, Zopfli 0.3 to 5 %. A byte for each index where less would do saves 3 % of small
    pictures with 4 or 16 colors. Each effort tries what lower ones do: more is never larger.
    """
    if level is not None:
        return png.encode(indices, palette, level=level, wide=wide)
    usual = deflate.usual_level(flat and effort == 1, indices.size)
    ways = _quick_ways(indices, palette, usual, wide)
    if effort >= 2:
        ways.append(png.encode(indices, palette, level=2, wide=wide))
    if effort >= 2 and smooth:
        if len(palette) <= 16:
            ways.append(png.encode(indices, palette, level=3, wide=True))
        order = _alike_beside(indices, len(palette))
        place = np.empty(len(order), np.uint8)
        place[order] = np.arange(len(order))
        sorted_ = place[indices], palette[order]
        ways += [png.encode(*sorted_, level=by) for by in ((3, 4) if effort >= 5 else (3,))]
    if effort >= 5:
        ways.append(png.encode(indices, palette, level=4, wide=wide))
    best = min(ways, key=len)
    return deflate.squeeze(best) if effort >= 9 and indices.size <= ZOPFLI else best


ZOPFLI = 1 << 22  # pixels: 4 s each million


def _alike_beside(indices: Indices, k: int) -> NDArray[np.intp]:
    """Entries that stand beside each other in the picture, beside each other in the palette.

    A greedy chain that grows at both ends (Zeng, Li, Lei 2000, with Pinho's weights 2004).
    """
    pairs = np.zeros(k * k, np.int64)
    for one, other in ((indices[:, 1:], indices[:, :-1]), (indices[1:], indices[:-1])):
        pairs += np.bincount((one.astype(np.intp) * k + other).ravel(), minlength=k * k)
    together = pairs.reshape(k, k)
    together = together + together.T
    np.fill_diagonal(together, 0)
    chain = [int(together.sum(1).argmax())]
    left = np.delete(np.arange(k), chain[0])
    while len(left):
        weights = together[left][:, chain]
        at = int(weights.sum(1).argmax())
        toward_left = weights[at] @ (len(chain) - 1 - 2 * np.arange(len(chain)))
        chain.insert(0 if toward_left > 0 else len(chain), int(left[at]))
        left = np.delete(left, at)
    return np.array(chain, dtype=np.intp)


def _quick_ways(indices: Indices, palette: Pixels, level: int | None, wide: bool) -> list[bytes]:
    indices, entries = png.tidied(indices, palette)
    height, width = indices.shape
    return deflate.ways(
        lambda bits: _kernels.packed(indices, bits),
        width,
        height,
        entries_of(entries),
        palette.shape[1],
        level=level,
        wide=wide,
    )


# --- the original -------------------------------------------------------------------------------


def original(
    pixels: Pixels,
    limit: int,
    *,
    format: str = "png",
    effort: int = 1,
    colors: Pixels | None = None,
    tried: bool = False,
    likely: bool = False,
) -> bytes | None:
    """Encode a picture as it is, if that takes fewer bytes than a drawing of it with few colors.

    So do smooth gradients, which filters predict and a palette breaks up, and tiny pictures.

    Parameters
    ----------
    pixels : (h, w, 3) or (h, w, 4) uint8
        The picture.
    limit : int
        The bytes of the drawing.
    format : {"png", "webp", "gif"}
        The file's format.
    effort : int
        How hard to try, 0...10.
    colors : (k, c) uint8, optional
        The picture's colors, if they are no more than 256.
    tried : bool
        Whether the drawing shows the very same pixels, and they were encoded in all ways that
        `encode` has for them.
    likely : bool
        Whether to try only where an estimate makes success likely, not just possible.

    Returns
    -------
    bytes, optional
        The smaller file; None where there is none, or where a sample shows that there can't be.

    Examples
    --------
    >>> slope = np.arange(64, dtype=np.uint8)[:, None, None] * np.array([1, 2, 3], np.uint8)
    >>> wide = np.repeat(slope, 64, axis=1)
    >>> len(original(wide, 500) or b"") < 500, original(wide, 50)
    (True, None)
    """
    if format == "gif" or (format == "webp" and tried):  # libwebp finds the palette itself
        return None
    height, width, channels = pixels.shape
    known = MAX_COLORS + 1 if colors is None else len(colors)
    guess = 0.0  # with effort small ones are tried without a guess
    if effort < 2 or colors is None or width * height > deflate.ICON:
        guess = deflate.least(partial(_kernels.differences, pixels), width, height, known)
    if format == "webp":
        data = _webp(pixels, effort) if deflate.may_be_smaller(guess, limit) else None
        return data if data is not None and len(data) < limit else None
    levels = [2, 4] if effort >= 5 else [2]
    if tried and width * height <= deflate.SMALL:
        levels.remove(2)  # among those ways
    return deflate.original(
        partial(_samples, pixels),
        (width, height, channels),
        limit,
        guess,
        None if colors is None else entries_of(colors),
        levels,
        likely,
    )


def _samples(pixels: Pixels, key: int) -> bytes:
    """The pixels, full transparency in a grey."""
    if key:
        pixels = pixels.copy()
        pixels[pixels[:, :, 3] == 0, :3] = key
    return pixels.tobytes()


def entries_of(colors: Pixels) -> list[deflate.Entry]:
    """Colors with alpha, as numbers."""
    return [(r, g, b, *(a or [255])) for r, g, b, *a in colors.tolist()]
