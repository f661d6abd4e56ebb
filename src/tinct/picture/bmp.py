"""BMPs that Pillow refuses: bit fields of any layout, palettes too long, PNG or JPEG inside."""

from __future__ import annotations

import io
import struct

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from tinct.errors import PictureError
from tinct.picture.whole import CutShort

__all__ = ["opened"]

BITFIELDS, ALPHA_BITFIELDS = 3, 6
EMBEDDED = {4: "JPEG", 5: "PNG"}
LONG, WITH_ALPHA = 40, 56  # bytes of a header with a compression, and with a fourth mask


def opened(data: bytes, limit: int) -> Image.Image:
    """Open a BMP of at most `limit` pixels; PictureError that names its kind if it can't be."""
    bits, colors = int.from_bytes(data[28:30], "little"), int.from_bytes(data[46:50], "little")
    if data[14] >= LONG and bits <= 8 and colors > 256:
        data = data[:46] + bytes(4) + data[50:]
    try:
        return Image.open(io.BytesIO(data), formats=["BMP"])
    except OSError as error:
        if len(data) < 54 or data[14] < LONG:
            raise PictureError(f"a BMP of a kind that can't be read: {error}") from error
        said = error
    width, height, _, _, compression = struct.unpack_from("<iiHHI", data, 18)
    if abs(width * height) > limit:
        raise Image.DecompressionBombError(f"{abs(width * height)} pixels") from said
    start = int.from_bytes(data[10:14], "little")
    if compression in EMBEDDED:
        return Image.open(io.BytesIO(data[start:]), formats=[EMBEDDED[compression]])
    if bits in (16, 32) and compression in (BITFIELDS, ALPHA_BITFIELDS):
        count = 4 if compression == ALPHA_BITFIELDS or data[14] >= WITH_ALPHA else 3
        masks = struct.unpack_from(f"<{count}I", data.ljust(70, b"\0"), 54)
        return _fields(data[start:], width, height, bits, masks)
    what = f"{bits} bits per pixel and compression {compression}"
    raise PictureError(f"a BMP of {what}, which can't be read; save it as PNG first") from said


def _fields(data: bytes, width: int, height: int, bits: int, masks: tuple[int, ...]) -> Image.Image:
    rows, stride = abs(height), -(-width * bits // 32) * 4
    if width <= 0 or rows == 0 or stride * rows > len(data):
        raise CutShort(f"cut short: it holds {len(data) // max(stride, 1):,} of {rows:,} rows")
    kind = np.dtype(f"<u{bits // 8}")
    stored = np.frombuffer(data, kind, rows * stride // kind.itemsize)
    stored = stored.reshape(rows, -1)[:: 1 if height < 0 else -1, :width]
    channels = [_channel(stored, mask) for mask in (masks if masks[3:] != (0,) else masks[:3])]
    image = Image.fromarray(np.dstack(channels))
    image.format = "BMP"
    return image


def _channel(stored: NDArray[np.unsignedinteger], mask: int) -> NDArray[np.uint8]:
    """The bits under a mask, as 0...255."""
    low = (mask & -mask).bit_length() - 1 if mask else 0
    top = max(1, mask >> low)
    value = (stored.astype(np.uint64) & np.uint64(mask)) >> np.uint64(low)
    return ((value * np.uint64(255) + np.uint64(top // 2)) // np.uint64(top)).astype(np.uint8)
