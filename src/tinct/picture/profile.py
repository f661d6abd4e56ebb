"""ICC profiles of samples of more than 8 bits: to sRGB by what a profile says.

Pillow hands littleCMS 8 bits alone (`managed`). A profile that is a matrix and curves, or one curve
of gray, is computed here from its tags (ICC.1:2022, 8.3, 10.6, 10.18); tables are left to that.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from tinct.picture.encoding import SRGB, from_xyz, shown
from tinct.picture.managed import changes

__all__ = ["Shaper", "shaper", "space_of"]

Values = NDArray[np.float64]
Curve = Callable[[Values], Values]
D50 = np.array([0.9642, 1.0, 0.8249])  # the white of profiles


@dataclass(frozen=True, slots=True)
class Shaper:
    """A profile of curves to linear light and, of color, a matrix from that to sRGB's."""

    curves: tuple[Curve, ...]
    matrix: Values | None = None

    def to_srgb(self, samples: NDArray[Any]) -> NDArray[np.uint8]:
        """Samples of 8 or 16 bits, (h, w, c), as sRGB of 8."""
        if samples.shape[2] < len(self.curves):  # a gray picture may carry a profile of color
            samples = np.repeat(samples, 3, axis=2)
        v = np.arange(np.iinfo(samples.dtype).max + 1) / np.iinfo(samples.dtype).max
        return shown(samples, [curve(v) for curve in self.curves], self.matrix)


def space_of(profile: bytes | None) -> str:
    """The kind of colors it is for, such as "RGB" or "GRAY"; "" if there is none."""
    return (profile or b"")[16:20].decode("latin-1").strip()


def shaper(profile: bytes | None, channels: int) -> Shaper | None:
    """What a profile of curves says for samples of so many channels.

    None if it isn't one, its black is no black, it is sRGB by another name, is broken, or is for
    other channels.
    """
    wanted = {"RGB": ("rTRC", "gTRC", "bTRC"), "GRAY": ("kTRC",)}.get(space_of(profile))
    if profile is None or wanted is None or channels > len(wanted):
        return None
    try:
        tags = _tags(profile)
        if profile[20:24] != b"XYZ " or any(name[1:3] == "2B" for name in tags):
            return None
        curves = tuple(_curve(tags[name]) for name in wanted)
        if max(float(curve(np.zeros(1))[0]) for curve in curves) > 1e-4:
            return None  # whose black is to be compensated
        if len(curves) == 1:
            return Shaper(curves)
        primaries = np.stack([_xyz(tags[name]) for name in ("rXYZ", "gXYZ", "bXYZ")], axis=1)
    except (ValueError, KeyError, IndexError, struct.error):
        return None
    found = Shaper(curves, from_xyz(SRGB, D50) @ primaries)

    def moved(grid: Image.Image) -> Image.Image:
        return Image.fromarray(found.to_srgb(np.asarray(grid)))

    return found if changes(moved) else None


def _tags(profile: bytes) -> dict[str, bytes]:
    (count,) = struct.unpack_from(">I", profile, 128)
    rows = (struct.unpack_from(">4sII", profile, 132 + 12 * at) for at in range(min(count, 200)))
    return {name.decode("latin-1"): profile[start : start + size] for name, start, size in rows}


def _xyz(tag: bytes) -> Values:
    if tag[:4] != b"XYZ ":
        raise ValueError
    return np.array(struct.unpack_from(">3i", tag, 8)) / 65536


def _curve(tag: bytes) -> Curve:
    """A table, or a function with up to seven parameters, on 0...1."""
    if tag[:4] == b"curv":
        (count,) = struct.unpack_from(">I", tag, 8)
        if count > 1:
            table = np.frombuffer(tag, ">u2", count, 12) / 65535
            return lambda v: np.interp(v, np.arange(count) / (count - 1), table)
        gamma = struct.unpack_from(">H", tag, 12)[0] / 256 if count else 1.0
        return lambda v: v**gamma
    if tag[:4] != b"para":
        raise ValueError
    (kind,) = struct.unpack_from(">H", tag, 8)
    told = np.array(struct.unpack_from(f">{(1, 3, 4, 5, 7)[kind]}i", tag, 12)) / 65536
    g, a, b, c, d, e, f = np.append(told, np.zeros(7 - len(told))).tolist()
    if kind == 0:
        a = 1.0
    elif kind < 3:  # c is added everywhere, and below where a v + b is 0 stands alone
        c, d, e, f = 0.0, -b / a if a else 0.0, c, c

    def curve(v: Values) -> Values:
        power = np.maximum(a * v + b, 0) ** g + e
        return np.asarray(np.clip(np.where(v >= d, power, c * v + f), 0, 1))

    return curve
