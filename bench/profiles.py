"""How near colors come to littleCMS: profiles and chunks of wide gamut, CMYK and gray.

    python -m bench.profiles [--profiles /usr/share/color/icc]

A grid of colors is read from a file and compared with what littleCMS (the one that comes with
Pillow, by ctypes, in 16 bits) makes of the same samples: mean and worst difference by CIEDE2000 and
by CIE76. Half a step of sRGB's 8 bits alone is up to 0.4. Profiles are those below the folder
(Debian's colord-data and libgs-common have Adobe RGB, ProPhoto, CMYK and gray), and a Display P3.
"""

import argparse
import ctypes
import io
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import PIL
from numpy.typing import NDArray
from PIL import Image

import tinct

RGB, GRAY, CMYK, LAB = 0x4001A, 0x3000A, 0x60021, 0x4A0018  # 16 bits; CMYK 8, Lab doubles
WANTED = ("AdobeRGB1998", "ProPhotoRGB", "WideGamutRGB", "default_cmyk", "default_gray", "Gray")
SRGB_CURVE = (4, 2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)
P3 = (0.3127, 0.329, 0.68, 0.32, 0.265, 0.69, 0.15, 0.06)
ADOBE = (0.3127, 0.329, 0.64, 0.33, 0.21, 0.71, 0.15, 0.06)
PROPHOTO = (0.3457, 0.3585, 0.7347, 0.2653, 0.1596, 0.8404, 0.0366, 0.0001)
BT2020 = (0.3127, 0.329, 0.708, 0.292, 0.17, 0.797, 0.131, 0.046)
Profile = ctypes.c_void_p


def library() -> ctypes.CDLL:
    """littleCMS, as Pillow has it."""
    (found,) = (Path(PIL.__file__).parent.parent / "pillow.libs").glob("liblcms2*")
    lcms = ctypes.CDLL(str(found))
    for name in ("CreateRGBProfile", "Create_sRGBProfile", "CreateLab4Profile", "CreateTransform"):
        getattr(lcms, f"cms{name}").restype = Profile
    lcms.cmsOpenProfileFromMem.restype = lcms.cmsBuildParametricToneCurve.restype = Profile
    return lcms


LCMS = library()


def made(corners: tuple[float, ...], curve: tuple[float, ...]) -> Profile:
    """A profile of these chromaticities (white, red, green, blue) and this curve."""
    values = (ctypes.c_double * 7)(*curve[1:])
    tone = LCMS.cmsBuildParametricToneCurve(None, int(curve[0]), values)
    white = (ctypes.c_double * 3)(*corners[:2], 1)
    triple = [part for at in (2, 4, 6) for part in (*corners[at : at + 2], 1.0)]
    curves = (Profile * 3)(tone, tone, tone)
    return Profile(LCMS.cmsCreateRGBProfile(white, (ctypes.c_double * 9)(*triple), curves))


def bytes_of(profile: Profile) -> bytes:
    """The file of a profile."""
    size = ctypes.c_uint32(0)
    LCMS.cmsSaveProfileToMem(profile, None, ctypes.byref(size))
    data = ctypes.create_string_buffer(size.value)
    LCMS.cmsSaveProfileToMem(profile, data, ctypes.byref(size))
    return data.raw


def through(
    profile: Profile, kind: int, samples: NDArray[np.generic], to: Profile, as_: int
) -> NDArray[np.generic]:
    """Relative colorimetric, with black point compensation, and without coarse tables."""
    work = Profile(LCMS.cmsCreateTransform(profile, kind, to, as_, 1, 0x2000 | 0x100))
    shape = (samples.size // (kind >> 3 & 15), 3)
    out = np.empty(shape, np.float64 if as_ == LAB else np.uint16)
    flat = np.ascontiguousarray(samples)
    LCMS.cmsDoTransform(work, Profile(flat.ctypes.data), Profile(out.ctypes.data), len(out))
    return out


def difference_2000(one: NDArray[np.float64], other: NDArray[np.float64]) -> NDArray[np.float64]:
    """CIEDE2000 (Sharma, Wu, Dalal 2005) of rows of L*, a*, b*."""
    (l1, a1, b1), (l2, a2, b2) = one.T, other.T
    mean = (np.hypot(a1, b1) + np.hypot(a2, b2)) / 2
    g = 1.5 - np.sqrt(mean**7 / (mean**7 + 25**7)) / 2
    c1, c2 = np.hypot(g * a1, b1), np.hypot(g * a2, b2)
    h1, h2 = np.arctan2(b1, g * a1) % (2 * np.pi), np.arctan2(b2, g * a2) % (2 * np.pi)
    turn = (h2 - h1 + np.pi) % (2 * np.pi) - np.pi
    turn = np.where(c1 * c2 == 0, 0, turn)
    lm, cm, hm = (l1 + l2) / 2, (c1 + c2) / 2, np.where(c1 * c2 == 0, h1 + h2, h1 + turn / 2)
    t = 1 - 0.17 * np.cos(hm - np.pi / 6) + 0.24 * np.cos(2 * hm)
    t += 0.32 * np.cos(3 * hm + np.pi / 30) - 0.2 * np.cos(4 * hm - 63 * np.pi / 180)
    sl = 1 + 0.015 * (lm - 50) ** 2 / np.sqrt(20 + (lm - 50) ** 2)
    lightness, chroma = (l2 - l1) / sl, (c2 - c1) / (1 + 0.045 * cm)
    hue = 2 * np.sqrt(c1 * c2) * np.sin(turn / 2) / (1 + 0.015 * cm * t)
    bent = np.exp(-(((np.degrees(hm) % 360 - 275) / 25) ** 2))
    turned = -2 * np.sqrt(cm**7 / (cm**7 + 25**7)) * np.sin(np.pi / 3 * bent)
    return np.asarray(np.sqrt(lightness**2 + chroma**2 + hue**2 + turned * chroma * hue))


def png(samples: NDArray[np.uint16], bits: int, *chunks: tuple[bytes, bytes]) -> bytes:
    """A PNG of 8 or 16 bits, gray or color, with these chunks."""
    stored = (samples >> 8).astype(np.uint8) if bits == 8 else samples.byteswap()
    height, width, channels = samples.shape
    rows = b"".join(b"\0" + row.tobytes() for row in stored)
    header = struct.pack(">2I5B", width, height, bits, 2 if channels == 3 else 0, 0, 0, 0)
    parts = [(b"IHDR", header), *chunks, (b"IDAT", zlib.compress(rows)), (b"IEND", b"")]
    packed = [
        len(body).to_bytes(4) + name + body + zlib.crc32(name + body).to_bytes(4)
        for name, body in parts
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(packed)


def grid(channels: int, steps: int) -> NDArray[np.uint16]:
    """Every combination of as many even steps, in 16 bits, whose two bytes are equal."""
    line = np.linspace(0, 255, steps).round().astype(np.uint16) * 257
    corners = np.meshgrid(*[line] * channels, indexing="ij")
    return np.stack(corners, axis=-1).reshape(steps, -1, channels)


def shaken(samples: NDArray[np.uint16]) -> NDArray[np.uint16]:
    """Moved by up to half a step of 8 bits."""
    moved = samples + np.random.default_rng(0).integers(-128, 129, samples.shape)
    return np.clip(moved, 0, 65535).astype(np.uint16)


def cases(folder: Path) -> Iterator[tuple[str, bytes, Profile, int, NDArray[np.generic]]]:
    """Name, file, profile of the judge, kind and samples."""
    found = {path.stem: path.read_bytes() for path in sorted(folder.rglob("*.ic[cm]"))}
    profiles = {"Display P3": bytes_of(made(P3, SRGB_CURVE))}
    profiles |= {name: found[name] for name in WANTED if name in found}
    for name, data in profiles.items():
        judge = Profile(LCMS.cmsOpenProfileFromMem(data, len(data)))
        if data[16:20] == b"CMYK":
            inks = (grid(4, 10) >> 8).astype(np.uint8)
            for kind in ("TIFF", "JPEG"):
                file = io.BytesIO()
                how = {"quality": 100, "subsampling": 0} if kind == "JPEG" else {}
                Image.fromarray(inks, "CMYK").save(file, kind, icc_profile=data, **how)
                shown = Image.open(io.BytesIO(file.getvalue()))  # what JPEG left of them
                yield f"{name}, {kind}", file.getvalue(), judge, CMYK, np.asarray(shown)
            continue
        color = data[16:20] == b"RGB "
        samples = grid(3, 33) if color else grid(1, 256)
        packed = (b"iCCP", b"p\0\0" + zlib.compress(data))
        for bits, taken in ((8, samples), (16, shaken(samples))):
            file = png(taken, bits, packed)
            yield f"{name}, {bits} bits", file, judge, RGB if color else GRAY, taken
    for name, corners, gamma, told in (
        ("P3 by cICP", P3, None, (b"cICP", bytes([12, 13, 0, 1]))),
        ("BT.2020 by cICP", BT2020, None, (b"cICP", bytes([9, 13, 0, 1]))),
        ("P3 by cHRM", P3, None, None),
        ("Adobe RGB by cHRM", ADOBE, 563 / 256, None),
        ("ProPhoto by cHRM", PROPHOTO, 1.8, None),
    ):
        chunks = [told or (b"cHRM", struct.pack(">8I", *(round(v * 1e5) for v in corners)))]
        if gamma:
            chunks.append((b"gAMA", struct.pack(">I", round(1e5 / gamma))))
        judge = made(corners, (1, gamma) if gamma else SRGB_CURVE)
        for bits, samples in ((8, grid(3, 33)), (16, shaken(grid(3, 33)))):
            yield f"{name}, {bits} bits", png(samples, bits, *chunks), judge, RGB, samples


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--profiles", type=Path, default=Path("/usr/share/color/icc"))
    folder = parser.parse_args().profiles
    srgb, lab = Profile(LCMS.cmsCreate_sRGBProfile()), Profile(LCMS.cmsCreateLab4Profile(None))
    print("| colors | mean 2000 | worst | mean 76 | worst |\n|---|---|---|---|---|")
    for name, file, judge, kind, samples in cases(folder):
        ours = tinct.read(file).pixels.reshape(-1, 3).astype(np.uint16) * 257
        right = through(judge, kind, samples, srgb, RGB)
        one, other = (through(srgb, RGB, seen, lab, LAB) for seen in (ours, right))
        new, old = difference_2000(one, other), np.linalg.norm(one - other, axis=1)
        figures = [f"{value:.2f}" for each in (new, old) for value in (each.mean(), each.max())]
        print(f"| {name} | {' | '.join(figures)} |")


if __name__ == "__main__":
    main()
