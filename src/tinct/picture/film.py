"""Animations: their frames one after the other, as they are seen, and how long each stands."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from tinct.checks import number, whole
from tinct.errors import PictureError
from tinct.picture.inflate import SIGNATURE
from tinct.picture.read import (
    MAX_PIXELS,
    TRANSPOSED,
    Picture,
    _open,
    _orientation,
    _pillow,
    _pixels,
    read,
)
from tinct.picture.reasons import printable

__all__ = ["Film", "Frame", "Slides", "film_of", "kind_of", "stills"]

Pixels = NDArray[np.uint8]

# Pixels that a frame may make of a screen: so many times its own, and what is little anyway. 2 kB
# made 10,280 x 20,777 of 20 x 24, in 3 GB.
BEYOND, LITTLE = 4, 1 << 24


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """What is seen for a while: `pixels` (h, w, 4) uint8, and for how many `seconds`."""

    pixels: Pixels
    seconds: Fraction


def kind_of(format: str | None) -> str:
    """The format of ours that is most like an animation's own, as Pillow names it."""
    return {"GIF": "gif", "PNG": "png"}.get(format or "", "webp")


class Film:
    """An animation's file, whose frames are decoded when they are asked for, each time anew.

    `plays` is how often it is shown, 0 for ever; `height` and `width` are in pixels; `poster`
    (h, w, 4) is the picture that an APNG shows where animations aren't known, if that is none of
    its frames.
    """

    animated = True

    def __init__(self, data: bytes, name: str | None = None) -> None:
        self.data, self.name = data, name
        self.bytes_in: int | None = len(data)
        self._label = printable(name or "the animation")
        with _pillow(self._label, data, MAX_PIXELS):
            image = _open(data, MAX_PIXELS)
            self.format = str(image.format)
            upright = _orientation(image) < TRANSPOSED
            self.width, self.height = image.size if upright else image.size[::-1]
            self.plays = _plays(image)
            separate = bool(image.info.get("default_image", False))
            self.poster = _rgba(image, data) if separate else None

    @property
    def kind(self) -> str:
        """The format of ours that is most like its own."""
        return kind_of(self.format)

    def frames(self) -> Iterator[Frame]:
        """Decode frame after frame; PictureError where the file is broken."""
        with _pillow(self._label, self.data, MAX_PIXELS):
            image = _open(self.data, MAX_PIXELS)
        at = 0 if self.poster is None else 1
        while True:
            with _pillow(self._label, self.data, MAX_PIXELS):
                try:
                    image.seek(at)
                except EOFError:
                    return
                # A GIF's frame may reach beyond its screen, which Pillow then makes larger.
                if math.prod(image.size) > max(BEYOND * self.width * self.height, LITTLE):
                    raise PictureError(
                        f"frame {at + 1} needs {image.size[0]}x{image.size[1]} "
                        f"pixels, its screen has {self.width}x{self.height}"
                    )
                image.load()
                pixels = _rgba(image, self.data)[: self.height, : self.width]
                if pixels.shape[:2] != (self.height, self.width):
                    raise PictureError(f"frame {at + 1} has another size")
                frame = Frame(np.ascontiguousarray(pixels), _seconds(image))
            yield frame
            at += 1


class Slides(Film):
    """Pictures that become an animation, each read when it has its turn.

    `pictures` are a sequence of what `tinct.read` takes, of one size; each stands for as many
    `seconds`. PictureError if there is none, or a later one is of another size.

    >>> import tinct
    >>> grays = [np.full((8, 8, 3), shade, np.uint8) for shade in (0, 99)]
    >>> tinct.compress(tinct.Slides(grays, 0.5), format="gif").report.frames
    2
    """

    def __init__(
        self, pictures: Sequence[Any], seconds: float, *, plays: int = 0, name: str | None = None
    ) -> None:
        if not len(pictures):
            raise PictureError(f"{printable(name or 'the animation')}: has no pictures")
        self.pictures, self.plays = pictures, whole("plays", plays, 0, 65535)
        stands = number("seconds", seconds, 0, 655)
        self.seconds = Fraction(stands).limit_denominator(65535)
        self.name, self.format, self.bytes_in, self.poster = name, "GIF", None, None
        self.height, self.width = read(pictures[0]).pixels.shape[:2]

    def frames(self) -> Iterator[Frame]:
        """Read picture after picture."""
        for at, source in enumerate(self.pictures):
            picture = read(source)
            height, width = picture.pixels.shape[:2]
            if (height, width) != (self.height, self.width):
                label = printable(picture.name or f"picture {at + 1}")
                sizes = f"{self.width}x{self.height} as the first, not {width}x{height}"
                raise PictureError(f"{label}: must have {sizes}")
            yield Frame(_with_alpha(picture.pixels), self.seconds)


def stills(data: bytes, name: str) -> list[bytes]:
    """PNGs that follow one another, as `ffmpeg -f image2pipe -c:v png -` writes them."""
    found: list[bytes] = []
    start = 0
    while start < len(data) or not found:
        at, kind = start + len(SIGNATURE), b""
        if data[start:at] != SIGNATURE:
            raise PictureError(f"{printable(name)}: frames must be PNGs, one behind the other")
        while kind != b"IEND":
            length, kind = int.from_bytes(data[at : at + 4]), data[at + 4 : at + 8]
            at += 12 + length
            if at > len(data):
                raise PictureError(f"{printable(name)}: frame {len(found) + 1} is cut off")
        found.append(data[start:at])
        start = at
    return found


def film_of(picture: Picture) -> Film | None:
    """The frames of a picture that is an animation."""
    return None if picture.data is None else Film(picture.data, picture.name)


def _rgba(image: Image.Image, data: bytes) -> Pixels:
    """What stands after a frame: the copy is no file any more, whose first frame would be read."""
    copy = image.copy()
    copy.format = image.format
    return _with_alpha(_pixels(copy, data)[0])


def _with_alpha(pixels: Pixels) -> Pixels:
    if pixels.shape[2] == 4:
        return pixels
    return np.asarray(Image.fromarray(pixels).convert("RGBA"))  # in a quarter of NumPy's time


def _seconds(image: Image.Image) -> Fraction:
    """A PNG's are a fraction of whole numbers below 65536, which its float still tells."""
    milliseconds = image.info.get("duration", 0) or 0
    return Fraction(float(milliseconds) / 1000).limit_denominator(65535)


def _plays(image: Any) -> int:
    """A GIF says how often it is repeated, if it is; the others how often it is shown."""
    loop = image.info.get("loop")
    if image.format == "GIF":
        return 1 if loop is None else 0 if loop == 0 else int(loop) + 1
    return int(loop or 0)
