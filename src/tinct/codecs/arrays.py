"""Arrays to drawings and PNGs."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tinct import _kernels
from tinct.codecs import deflate
from tinct.codecs.png import encode_indexed

__all__ = ["drawing_of", "encode", "encode_truecolor"]

Pixels = NDArray[np.uint8]


def drawing_of(indices: NDArray[np.uint8], palette: Pixels) -> _kernels.Drawing:
    """A picture of at most 256 colors as the codecs take it, from (h, w) and (k, c) uint8.

    Only entries that are used, each color once, those that aren't opaque first.
    """
    if indices.dtype != np.uint8 or indices.ndim != 2 or not indices.size:
        raise ValueError(f"indices must be uint8 (h, w), not {indices.dtype} {indices.shape}")
    if palette.dtype != np.uint8 or palette.ndim != 2 or palette.shape[1] not in (3, 4):
        raise ValueError(
            f"palette must be uint8 (k, 3) or (k, 4), not {palette.dtype} {palette.shape}"
        )
    return _kernels.Drawing(np.ascontiguousarray(indices), np.ascontiguousarray(palette))


def encode(
    indices: NDArray[np.uint8], palette: Pixels, *, level: int | None = None, wide: bool = False
) -> bytes:
    """Encode a picture of at most 256 colors as an indexed PNG: the same bytes on every machine.

    `indices` is (h, w) uint8, `palette` (k, 3) or (k, 4) uint8. 1, 2, 4 or 8 bits per pixel by the
    number of colors used, a byte even for few colors if `wide`; entries that aren't opaque first,
    so that the transparency chunk is as short as it can be; otherwise in the palette's own order.

    `level` is 0 (fastest) to 6 (smallest). 0...3 deflate harder and harder, 3 tries filters too;
    from 4 on oxipng searches at that level and may store the same pixels as grey or with more bits.
    Unless given, 3 up to 32,768 pixels, 1 up to 4,194,304, 0 above. ValueError if it is another, or
    the arrays don't fit together.

    >>> from tinct import read
    >>> data = encode(np.eye(8, dtype=np.uint8), np.array([[0, 0, 0], [9, 99, 200]], np.uint8))
    >>> read(data).pixels[0, 0].tolist()
    [9, 99, 200]
    """
    if level is not None:
        deflate.check_level(level)
    return encode_indexed(drawing_of(indices, palette), level, wide)


def encode_truecolor(pixels: Pixels, *, level: int = 1) -> bytes:
    """Encode (h, w, 3) or (h, w, 4) uint8 as a PNG without a palette of our making.

    `level` is 0 (fastest) to 6 (smallest), as oxipng counts them; it may store the pixels as grey
    or indexed where that is smaller. ValueError for another level or shape.

    >>> from tinct import read
    >>> read(encode_truecolor(np.full((4, 4, 3), 7, np.uint8))).pixels[0, 0].tolist()
    [7, 7, 7]
    """
    deflate.check_level(level)
    if (
        pixels.dtype != np.uint8
        or pixels.ndim != 3
        or pixels.shape[2] not in (3, 4)
        or not pixels.size
    ):
        raise ValueError(
            f"pixels must be uint8 (h, w, 3) or (h, w, 4), not {pixels.dtype} {pixels.shape}"
        )
    height, width, channels = pixels.shape
    return deflate.truecolor(pixels.tobytes(), width, height, channels, level)
