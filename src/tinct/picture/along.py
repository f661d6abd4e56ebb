"""What comes along with a picture: density, EXIF, XMP, texts, times. Only read; codecs write it."""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass, replace
from typing import Any

from PIL import Image

from tinct.picture import inflate

__all__ = ["NOTHING", "Along", "along"]

METER = 0.0254  # an inch in meters
# Tags of EXIF and TIFF
WIDTH, ORIENTATION, X, Y, UNIT, EXIF_IFD = 256, 274, 282, 283, 296, 0x8769
TOLD = (270, 271, 272, 305, 306, 315, 33432)  # of a TIFF: what isn't about its strips
# Texts in which ImageMagick hides EXIF and profiles; those come another way, or not at all.
HIDDEN = (b"Raw profile type", b"XML:com.adobe.xmp")
TEXTS = (b"tEXt", b"zTXt", b"iTXt", b"tIME")


@dataclass(frozen=True, slots=True)
class Along:
    """What a file says besides its pixels.

    `density`: pixels per meter across and down, and 1; or their ratio, and 0 (as a PNG's pHYs).
    `exif` begins as a TIFF does, and says that the picture is upright, as `xmp` does. `texts` are
    chunks of a PNG, name and contents. `profile`: the ICC profile that the pixels are in, if that
    isn't sRGB.
    """

    density: tuple[int, int, int] | None = None
    exif: bytes = b""
    xmp: bytes = b""
    texts: tuple[tuple[bytes, bytes], ...] = ()
    profile: bytes = b""

    def kept(self, metadata: str) -> Along:
        """The share of it that is asked for, "density", "all" or "none", and always the profile."""
        if metadata == "all":
            return self
        return Along(self.density if metadata == "density" else None, profile=self.profile)


NOTHING = Along()


def along(image: Image.Image, data: bytes, turned: bool) -> Along:
    """Read it, from a file's image that is loaded; `turned`: rows become columns."""
    try:
        found = _along(image, data)
        if image.format == "TIFF":  # Pillow has turned it, and tells no more
            turned = image.getexif()[WIDTH] != image.width
    except Exception:  # whatever is broken about it says nothing about the pixels
        return NOTHING
    if turned and found.density is not None:
        across, down, unit = found.density
        found = replace(found, density=(down, across, unit))
    return found


def _along(image: Image.Image, data: bytes) -> Along:
    info, kind = image.info, image.format
    texts: tuple[tuple[bytes, bytes], ...] = ()
    density = None
    if kind == "PNG" and data:
        stated = inflate.density(data)
        density = struct.unpack(">IIB", stated[8:17]) if stated else None
        texts = tuple(
            (name, body)
            for name, body in _chunks(data)
            if name in TEXTS and not body.startswith(HIDDEN)
        )
    else:
        density = _density(image)
        if comment := info.get("comment"):
            comment = comment.encode("latin-1", "replace") if isinstance(comment, str) else comment
            texts = ((b"tEXt", b"Comment\0" + comment.replace(b"\0", b"")),)
    exif = _of_tiff(image) if kind == "TIFF" else info.get("exif", b"")
    xmp = info.get("xmp", b"")
    xmp = xmp.encode() if isinstance(xmp, str) else bytes(xmp)
    if density is not None and not (density[0] > 0 < density[1] and max(density[:2]) < 1 << 31):
        density = None
    return Along(density, _upright(exif.removeprefix(b"Exif\0\0")), _upright_xmp(xmp), texts)


def _density(image: Image.Image) -> tuple[int, int, int] | None:
    """JFIF's, else EXIF's or a TIFF's, else what Pillow says in dots per inch."""
    info = image.info
    unit = info.get("jfif_unit")
    across, down = info.get("jfif_density", (1, 1))
    if unit in (1, 2):
        per = METER if unit == 1 else 0.01
        return round(across / per), round(down / per), 1
    if unit == 0 and across != down:
        return across, down, 0
    tags = image.getexif()
    if X in tags and Y in tags:
        unit = tags.get(UNIT, 2)
        if unit in (2, 3):
            per = METER if unit == 2 else 0.01
            return round(float(tags[X]) / per), round(float(tags[Y]) / per), 1
        return None
    if dpi := info.get("dpi"):
        return round(float(dpi[0]) / METER), round(float(dpi[1]) / METER), 1
    return None


def _chunks(data: bytes) -> Any:
    """Name and contents of a PNG's chunks, but its pixels'."""
    at = 8
    while at + 12 <= len(data):
        length, name = int.from_bytes(data[at : at + 4]), data[at + 4 : at + 8]
        if name != b"IDAT":
            yield name, data[at + 8 : at + 8 + length]
        at += 12 + length


def _of_tiff(image: Image.Image) -> bytes:
    """EXIF of what a TIFF says about its picture, without what it says about its strips."""
    tags, told = image.getexif(), Image.Exif()
    for tag in TOLD:
        if tag in tags:
            told[tag] = tags[tag]
    if inner := tags.get_ifd(EXIF_IFD):
        told[EXIF_IFD] = dict(inner)
    return told.tobytes() if len(told) else b""


def _upright(exif: bytes) -> bytes:
    """Reset the orientation where it stands: the pixels are turned, and nothing else may move."""
    if exif[:4] not in (b"II*\0", b"MM\0*"):
        return b""
    order = "<" if exif[:1] == b"I" else ">"
    (at,) = struct.unpack_from(order + "I", exif, 4)
    (count,) = struct.unpack_from(order + "H", exif, at)
    for place in range(at + 2, at + 2 + 12 * count, 12):
        if struct.unpack_from(order + "H", exif, place) == (ORIENTATION,):
            upright = struct.pack(order + "HIHH", 3, 1, 1, 0)
            exif = exif[: place + 2] + upright + exif[place + 12 :]
    return exif


def _upright_xmp(xmp: bytes) -> bytes:
    pattern = rb"(tiff:Orientation(?:\s*=\s*[\"']|>)\s*)[2-8]"
    return re.sub(pattern, rb"\g<1>1", xmp)
