"""The color that the chunks of a PNG mean: a curve and a matrix from it to sRGB.

What counts is said by the PNG specification, third edition, 4.3: cICP before iCCP before sRGB
before gAMA and cHRM. Profiles are for profile.py.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from tinct import _kernels
from tinct.errors import PictureError
from tinct.picture.inflate import is_srgb

__all__ = ["SRGB", "Encoding", "encoding", "from_xyz", "shown", "to_8_bits"]

TOP = 65535
ROWS = 1 << 20  # pixels converted at a time

SRGB = ((0.3127, 0.329), (0.64, 0.33), (0.3, 0.6), (0.15, 0.06))  # x, y of white, red, green, blue
# ITU-T H.273, tables 2 and 3, as far as they are pictures' and no HDR
PRIMARIES = {
    1: SRGB,
    4: ((0.31, 0.316), (0.67, 0.33), (0.21, 0.71), (0.14, 0.08)),
    5: ((0.3127, 0.329), (0.64, 0.33), (0.29, 0.6), (0.15, 0.06)),
    6: ((0.3127, 0.329), (0.63, 0.34), (0.31, 0.595), (0.155, 0.07)),
    7: ((0.3127, 0.329), (0.63, 0.34), (0.31, 0.595), (0.155, 0.07)),
    9: ((0.3127, 0.329), (0.708, 0.292), (0.17, 0.797), (0.131, 0.046)),
    11: ((0.314, 0.351), (0.68, 0.32), (0.265, 0.69), (0.15, 0.06)),
    12: ((0.3127, 0.329), (0.68, 0.32), (0.265, 0.69), (0.15, 0.06)),
}
HDR = {16: "PQ", 18: "HLG"}
BRADFORD = np.array(
    [[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]]
)


@dataclass(frozen=True, slots=True)
class Encoding:
    """How a PNG's samples mean light: `curve` to linear light, `primaries`, and the range.

    `curve` is a gamma (encoding exponent, such as 0.45455), ``"srgb"`` or ``"bt709"``; `narrow` has
    black at 16 and white at 235 of 255.
    """

    curve: float | str = "srgb"
    primaries: tuple[tuple[float, float], ...] = SRGB
    narrow: bool = False

    def linear(self, top: int) -> NDArray[np.float64]:
        """Linear light of each sample from 0 to `top`."""
        v = np.arange(top + 1) / top
        if self.narrow:
            v = np.clip((v * 255 - 16) / 219, 0, 1)
        if self.curve == "srgb":
            return _light_of_srgb(v)
        if self.curve == "bt709":
            return np.where(v < 0.081, v / 4.5, ((v + 0.099) / 1.099) ** (1 / 0.45))
        return np.asarray(v ** (1 / float(self.curve)))

    def to_srgb(self, samples: NDArray[Any]) -> NDArray[np.uint8]:
        """Samples of 8 or 16 bits, (h, w, c), as sRGB of 8."""
        light = self.linear(int(np.iinfo(samples.dtype).max))
        if self.primaries == SRGB or samples.shape[2] != 3:  # grey has only a curve
            if isinstance(self.curve, float):  # undone to 1 / 2.2, as PNG's test pictures want it
                return np.asarray(np.rint(255 * light ** (1 / 2.2)).astype(np.uint8)[samples])
            return shown(samples, _kernels.Shaper([light.tolist()] * 3, []))
        white = _xyz(self.primaries[0])
        matrix = from_xyz(SRGB, white) @ _rgb_to_xyz(self.primaries)
        return shown(samples, _kernels.Shaper([light.tolist()] * 3, matrix.ravel().tolist()))


def shown(samples: NDArray[Any], by: _kernels.Shaper) -> NDArray[np.uint8]:
    """Samples of 8 or 16 bits, (h, w, 1 or 3), as sRGB of 8, (h, w, 3)."""
    out = np.empty((*samples.shape[:2], 3), np.uint8)
    rows = max(ROWS // samples.shape[1], 1)
    for top in range(0, len(samples), rows):
        part = samples[top : top + rows]
        part = np.repeat(part, 3, axis=2) if part.shape[2] == 1 else np.ascontiguousarray(part)
        found = by.to_srgb(part.reshape(-1), 3, threads=0)
        out[top : top + rows] = np.frombuffer(found, np.uint8).reshape(part.shape)
    return out


def encoding(image: Image.Image, data: bytes) -> Encoding | None:
    """What the chunks of a PNG say, where it counts and isn't sRGB; PictureError for HDR."""
    if image.format != "PNG":
        return None
    cicp = _chunk(data, b"cICP")
    if cicp is not None and len(cicp) == 4:
        space, transfer, _, full = cicp
        if transfer in HDR:
            raise PictureError(f"HDR ({HDR[transfer]}) can't be shown in 8 bits; save it as SDR")
        curves: dict[int, float | str] = {1: "bt709", 4: 1 / 2.2, 5: 1 / 2.8, 6: "bt709", 8: 1.0}
        curves |= {13: "srgb", 14: "bt709", 15: "bt709"}
        if space in PRIMARIES and transfer in curves:
            found = Encoding(curves[transfer], PRIMARIES[space], not full)
            image.info.pop("icc_profile", None)
            return None if found == Encoding() else found
    if image.info.get("icc_profile") or "srgb" in image.info:
        return None
    gamma: float | None = image.info.get("gamma")
    primaries = _told_primaries(image.info.get("chromaticity"))
    # Near 1 / 2.2 the file means sRGB's curve, if its primaries are sRGB's, and else what it says.
    plain = not gamma or gamma <= 0 or (primaries == SRGB and is_srgb(gamma))
    found = Encoding("srgb" if plain else float(gamma or 1), primaries)
    return None if found == Encoding() else found


def _chunk(data: bytes, name: bytes) -> bytes | None:
    """The contents of a chunk before the pixels."""
    at = 8
    while at + 8 <= len(data) and (kind := data[at + 4 : at + 8]) not in (b"IDAT", b"IEND"):
        length = int.from_bytes(data[at : at + 4])
        if kind == name:
            return data[at + 8 : at + 8 + length]
        at += 12 + length
    return None


def _told_primaries(told: tuple[float, ...] | None) -> tuple[tuple[float, float], ...]:
    """Those of a cHRM; sRGB's where they are the same to a thousandth, or make no sense."""
    if told is None or len(told) != 8:
        return SRGB
    pairs = tuple(zip(told[::2], told[1::2], strict=True))
    near = np.abs(np.subtract(pairs, SRGB)).max() < 0.0015
    sane = all(y > 0 and x >= 0 and x + y <= 1.0001 for x, y in pairs)
    sane = sane and abs(np.linalg.det(np.array([[x, y, 1] for x, y in pairs[1:]]))) > 1e-3
    return SRGB if near or not sane else pairs


def from_xyz(
    primaries: tuple[tuple[float, float], ...], white: NDArray[np.float64]
) -> NDArray[np.float64]:
    """From XYZ to linear RGB of these primaries, that white to theirs (Bradford)."""
    seen, wanted = BRADFORD @ white, BRADFORD @ _xyz(primaries[0])
    adapted = np.linalg.inv(BRADFORD) @ np.diag(wanted / seen) @ BRADFORD
    return np.asarray(np.linalg.inv(_rgb_to_xyz(primaries)) @ adapted)


def _xyz(xy: tuple[float, float]) -> NDArray[np.float64]:
    x, y = xy
    return np.array([x / y, 1, (1 - x - y) / y])


def _rgb_to_xyz(primaries: tuple[tuple[float, float], ...]) -> NDArray[np.float64]:
    columns = np.stack([np.array([x, y, 1 - x - y]) for x, y in primaries[1:]], axis=1)
    return np.asarray(columns * np.linalg.solve(columns, _xyz(primaries[0])))


def _light_of_srgb(v: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.where(v <= 0.04045, v / 12.92, ((v + 0.055) / 1.055) ** 2.4)


def to_8_bits(samples: NDArray[Any]) -> NDArray[np.uint8]:
    """Round 0...65535 to 0...255: keeping the high byte would darken by half a step."""
    return ((samples.astype(np.uint32) * 255 + TOP // 2) // TOP).astype(np.uint8)
