"""Samples of more than 8 bits, whole: of color Pillow's own pixels keep only the high bytes."""

from __future__ import annotations

import io
import re
import sys
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

__all__ = ["TOP", "TooDeep", "samples"]

Samples = NDArray[np.uint16]

TOP = 65535
_STORED = re.compile(r"(L|LA|RGB|RGBA|RGBX|RGBa|CMYK);16([BLN])")
# Unpacked as if its bytes stood in the other order, a sample gives its low byte for the high one.
_OTHER = {"B": "L", "L": "B", "N": "B" if sys.byteorder == "little" else "L"}
# Tags of a TIFF
_BITS, _WHITE_IS_0, _CHANNELS, _PLANAR, _EXTRA, _FORMAT = 258, 262, 277, 284, 338, 339
_PIECES = (273, 279, 324, 325)  # offsets and bytes of strips, of tiles
_OF_A_PLANE = (256, 257, 259, 266, 278, 317, 322, 323)  # size, compression, sizes of pieces
_SIZ = b"\xff\x4f\xff\x51"  # how a JPEG 2000 codestream begins


class TooDeep(ValueError):
    """Samples that Pillow can't give rightly, or that have no stated range."""


def samples(image: Any) -> Samples | None:
    """Load an image and give its samples, (h, w, c) uint16, if they have more than 8 bits.

    Grey, grey and alpha, RGB, or RGBA or CMYK, with straight alpha. Color must not be loaded yet:
    loading leaves 8 bits. None if the image's own pixels say it all; TooDeep if they can't be had.
    """
    waits = getattr(image, "fp", None) and getattr(image, "tile", None)
    codec, *_, args = waits[0] if waits else ("", "")
    tags = image.tag_v2 if image.format == "TIFF" and hasattr(image, "tag_v2") else {}
    if codec == "jpeg2k":
        return _jpeg2000(image)
    if image.mode.startswith("I"):
        return _grey(image, tags)
    if image.mode == "F":
        return _floats(image)
    if codec and tags.get(_PLANAR) == 2 and max(tags.get(_BITS, (1,))) == 16:
        apart = _planes(image, tags)
        return _straight(apart) if tags.get(_EXTRA) == (1,) else apart
    if codec == "SGI16":
        return _joined(image, _again(image, shift=512))
    found = _STORED.fullmatch(str(args[0] if isinstance(args, tuple) and args else args))
    if found is None:
        return None
    kind, order = found.groups()
    if kind == "LA":  # all four bytes at once, as four channels
        both = _loaded(_again(image, "RGBA"))
        image.load()
        return both[:, :, ::2] << np.uint16(8) | both[:, :, 1::2]
    straight = kind.replace("a", "A")
    high = image if straight == kind else _again(image, f"{straight};16{order}")
    low = _again(image, "L;16" if kind == "L" else f"{straight};16{_OTHER[order]}")
    both = _joined(high, low)
    image.load()  # as for the others: Pillow turns some upright, which it then no longer tells
    return both if straight == kind else _straight(both)


def _again(image: Any, stored: str = "", *, shift: int = 0) -> Any:
    """The same file once more, its samples stored in another way, or all a byte earlier."""
    data = _bytes(image)
    if shift:
        data = data[:shift] + data[shift + 1 :] + b"\0"
    again = type(image)(io.BytesIO(data))
    again.seek(image.tell())
    if stored:
        again.tile = [_stored(tile, stored) for tile in image.tile]
    return again


def _stored(tile: Any, stored: str) -> Any:
    *place, args = tile
    args = stored if isinstance(args, str) else (stored, *args[1:])
    return tuple.__new__(type(tile), (*place, args))  # Pillow before 11 has plain tuples


def _bytes(image: Any) -> bytes:
    at = image.fp.tell()
    image.fp.seek(0)
    data: bytes = image.fp.read()
    image.fp.seek(at)
    return data


def _loaded(image: Any) -> Samples:
    image.load()
    found = np.asarray(image).astype(np.uint16)
    return found if found.ndim == 3 else found[:, :, None]


def _joined(high: Any, low: Any) -> Samples:
    both = _loaded(high) << np.uint16(8)
    both |= _loaded(low)
    return both


def _scaled(found: NDArray[Any], bits: int) -> Samples:
    top = (1 << bits) - 1
    return ((found.astype(np.uint32) * TOP + top // 2) // top).astype(np.uint16)


def _straight(both: Samples) -> Samples:
    """Undo premultiplied alpha."""
    alpha = both[:, :, 3:].astype(np.uint64)
    color = (both[:, :, :3] * np.uint64(TOP) + alpha // 2) // np.maximum(alpha, 1)
    color = np.where(alpha > 0, np.minimum(color, TOP), 0)
    return np.dstack([color.astype(np.uint16), both[:, :, 3]])


def _grey(image: Any, tags: Any) -> Samples:
    image.load()
    found = np.asarray(image)[:, :, None]
    if tags.get(_BITS) == (32,) and tags.get(_FORMAT, (1,)) == (1,):  # Pillow gives them a sign
        whole = found.view(np.uint32)
        found = whole >> 16 if whole.max(initial=0) > TOP else whole  # of 16 bits, stored in 32
    if found.size and not (found.min() >= 0 and found.max() <= TOP):  # 32 bits, or a sign
        raise TooDeep(f"grey samples must be 0..{TOP}, not {found.min()}..{found.max()}")
    grey = _scaled(found, 12) if tags.get(_BITS) == (12,) else found.astype(np.uint16)
    return np.uint16(TOP) - grey if tags.get(_WHITE_IS_0) == 0 else grey


def _floats(image: Any) -> Samples:
    image.load()
    found = np.asarray(image)[:, :, None]
    if found.size and not (found.min() >= 0 and found.max() <= 1):
        span = f"{found.min():g}..{found.max():g}"
        raise TooDeep(f"floating-point samples must be 0..1, not {span} (HDR? save it as SDR)")
    return np.rint(found.astype(np.float64) * TOP).astype(np.uint16)


def _planes(image: Any, tags: Any) -> Samples:
    """A TIFF's channels that lie apart, each as a grey TIFF: Pillow cuts or garbles them."""
    data = _bytes(image)
    order: Any = "little" if data[:2] == b"II" else "big"
    word, kind, short = (8, 16, 8) if b"+" in data[2:4] else (4, 4, 2)  # a BigTIFF or not
    kept = {tag: [tags[tag]] for tag in _OF_A_PLANE if tag in tags}
    kept |= {_BITS: [16], _WHITE_IS_0: [1], _CHANNELS: [1]}
    found = []
    for plane in range(len(image.getbands())):
        for tag in (tag for tag in _PIECES if tag in tags):
            each = len(tags[tag]) // tags[_CHANNELS]
            kept[tag] = tags[tag][plane * each : (plane + 1) * each]
        lists, entries = b"", b""
        for tag, values in sorted(kept.items()):
            packed = b"".join(value.to_bytes(word, order) for value in values)
            if len(values) > 1:
                lists, packed = lists + packed, (len(data) + len(lists)).to_bytes(word, order)
            entries += tag.to_bytes(2, order) + kind.to_bytes(2, order)
            entries += len(values).to_bytes(word, order) + packed
        start = (len(data) + len(lists)).to_bytes(word, order)
        count = len(kept).to_bytes(short, order)
        file = b"".join([data[:word], start, data[2 * word :], lists, count, entries, bytes(word)])
        found.append(_loaded(Image.open(io.BytesIO(file), formats=["TIFF"])))
    return np.dstack(found)


def _jpeg2000(image: Any) -> Samples | None:
    data = _bytes(image)
    at = data.find(_SIZ)
    channels = int.from_bytes(data[at + 40 : at + 42])
    bits = [(depth & 0x7F) + 1 for depth in data[at + 42 : at + 42 + 3 * channels : 3]]
    if at < 0 or max(bits, default=8) <= 8:
        return None
    if image.mode != "I;16" or bits[0] > 16:  # Pillow makes the lightest values of it black
        raise TooDeep(f"JPEG 2000 color of {max(bits)} bits can't be read; save it as PNG or TIFF")
    image.load()
    return _scaled(np.asarray(image)[:, :, None] >> (16 - bits[0]), bits[0])
