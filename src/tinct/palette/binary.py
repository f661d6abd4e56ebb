"""Adobe's palettes, ASE, ACO and ACT, and Microsoft's: colors to bytes and back.

As published: ACO and ACT in Adobe's Photoshop File Formats Specification, RIFF as Windows'
LOGPALETTE; ASE, which Adobe never specified, as its readers agree. Readers raise ValueError, and
struct.error or IndexError where a file ends early.
"""

from __future__ import annotations

import colorsys
import struct
from collections.abc import Sequence

__all__ = ["READERS", "WRITERS", "Entry"]

D50 = 0.9642, 1.0, 0.8251
FROM_D50 = (  # XYZ to linear sRGB
    (3.1342493, -1.6171729, -0.4906924),
    (-0.9787461, 1.9161144, 0.0334415),
    (0.0719490, -0.2289699, 1.4054013),
)
Entry = tuple[tuple[int, int, int, int], str]  # RGBA, name


def read_ase(data: bytes) -> list[Entry]:
    """Adobe Swatch Exchange; groups are taken as one."""
    found = []
    count, at = struct.unpack_from(">I", data, 8)[0], 12
    for _ in range(count):
        kind, length = struct.unpack_from(">HI", data, at)
        if kind == 1:
            letters = struct.unpack_from(">H", data, at + 6)[0]
            name = _text(data[at + 8 : at + 8 + 2 * letters])
            place = at + 8 + 2 * letters
            model = data[place : place + 4]
            size = {b"RGB ": 3, b"CMYK": 4, b"Gray": 1, b"LAB ": 3}.get(model)
            if size is None:
                raise ValueError(f"{model!r} colors can't be read, only RGB, CMYK, LAB and Gray")
            parts = struct.unpack_from(f">{size}f", data, place + 4)
            if model == b"LAB ":
                parts = _from_lab(100 * parts[0], *parts[1:])
            found.append((_opaque(parts), name))
        at += 6 + length
    return found


def write_ase(entries: Sequence[Entry]) -> bytes:
    """All of them global colors in RGB."""
    blocks = []
    for (r, g, b, _), name in entries:
        text = (name + "\0").encode("utf-16-be")
        body = struct.pack(">H", len(text) // 2) + text
        body += struct.pack(">4s3fH", b"RGB ", r / 255, g / 255, b / 255, 0)
        blocks.append(struct.pack(">HI", 1, len(body)) + body)
    return struct.pack(">4sHHI", b"ASEF", 1, 0, len(blocks)) + b"".join(blocks)


def read_aco(data: bytes) -> list[Entry]:
    """Version 2, which has names and stands behind version 1, or that."""
    version, count = struct.unpack_from(">HH", data)
    plain = 4 + 10 * count
    if version == 1 and data[plain : plain + 2] == b"\0\2":
        version, count = struct.unpack_from(">HH", data, plain)
        data = data[plain:]
    if version not in (1, 2):
        raise ValueError(f"version {version} of it isn't known")
    found, at = [], 4
    for _ in range(count):
        space, *parts = struct.unpack_from(">5H", data, at)
        at, name = at + 10, ""
        if version == 2:
            letters = struct.unpack_from(">I", data, at)[0]
            name = _text(data[at + 4 : at + 4 + 2 * letters])
            at += 4 + 2 * letters
        found.append((_photoshop(space, parts), name))
    return found


def _photoshop(space: int, parts: Sequence[int]) -> tuple[int, int, int, int]:
    shares = [part / 65535 for part in parts]
    if space == 0:
        return _opaque(shares[:3])
    if space == 1:
        return _opaque(colorsys.hsv_to_rgb(*shares[:3]))
    if space == 2:  # 0 is all of an ink
        return _opaque([1 - share for share in shares])
    if space == 7:  # hundredths; a and b are signed
        a, b = ((x - ((x & 0x8000) << 1)) / 100 for x in parts[1:3])
        return _opaque(_from_lab(parts[0] / 100, a, b))
    if space == 8:
        return _opaque([parts[0] / 10000])
    raise ValueError(f"colors of space {space} can't be read, only RGB, HSB, CMYK, Lab and gray")


def write_aco(entries: Sequence[Entry]) -> bytes:
    """Version 1, and version 2 behind it, as Photoshop does."""
    versions = [struct.pack(">HH", version, len(entries)) for version in (1, 2)]
    for (r, g, b, _), name in entries:
        color = struct.pack(">5H", 0, r * 257, g * 257, b * 257, 0)
        text = (name + "\0").encode("utf-16-be")
        versions[0] += color
        versions[1] += color + struct.pack(">I", len(text) // 2) + text
    return b"".join(versions)


def read_act(data: bytes) -> list[Entry]:
    """256 colors, of which 4 more bytes say how many count and which is transparent."""
    if len(data) not in (768, 772):
        raise ValueError(f"it has 768 or 772 bytes, not {len(data)}")
    count, clear = struct.unpack(">HH", data[768:]) if len(data) == 772 else (256, 0xFFFF)
    table = [(*data[i : i + 3], 255) for i in range(0, 3 * min(count or 256, 256), 3)]
    if clear < len(table):
        table[clear] = (0, 0, 0, 0)
    return [(color, "") for color in table]


def write_act(entries: Sequence[Entry]) -> bytes:
    """Names are lost; one entry may be fully transparent."""
    if len(entries) > 256:
        raise ValueError(f"act holds 256 colors, not {len(entries)}")
    clear = [place for place, (color, _) in enumerate(entries) if not color[3]]
    table = b"".join([bytes(color[:3]) for color, _ in entries]).ljust(768, b"\0")
    return table + struct.pack(">HH", len(entries), clear[0] if clear else 0xFFFF)


def read_riff(data: bytes) -> list[Entry]:
    """Of Windows: the first of its chunks that holds a palette."""
    at = data.index(b"data", 12) + 8
    _, count = struct.unpack_from("<HH", data, at)
    colors = [struct.unpack_from("4B", data, at + 4 + 4 * place) for place in range(count)]
    return [((r, g, b, 255), "") for r, g, b, _ in colors]


def write_riff(entries: Sequence[Entry]) -> bytes:
    """Names are lost."""
    table = b"".join([bytes((*color[:3], 0)) for color, _ in entries])
    body = struct.pack("<HH", 0x300, len(entries)) + table
    chunk = b"PAL data" + struct.pack("<I", len(body)) + body
    return b"RIFF" + struct.pack("<I", len(chunk)) + chunk


def _opaque(shares: Sequence[float]) -> tuple[int, int, int, int]:
    """From gray, RGB, or CMYK by its plainest rule."""
    if len(shares) == 1:
        shares = [shares[0]] * 3
    if len(shares) == 4:
        shares = [(1 - ink) * (1 - shares[3]) for ink in shares[:3]]
    r, g, b = (round(255 * min(max(share, 0.0), 1.0)) for share in shares)
    return r, g, b, 255


def _from_lab(light: float, a: float, b: float) -> tuple[float, ...]:
    """CIELAB under D50, as Adobe's is, to sRGB, by Bradford's adaptation to D65."""
    y = (light + 16) / 116
    roots = y + a / 500, y, y - b / 200
    cubed = [t**3 if t > 6 / 29 else (t - 4 / 29) * 108 / 841 for t in roots]
    xyz = [share * white for share, white in zip(cubed, D50, strict=True)]
    rows = (sum(x * part for x, part in zip(xyz, row, strict=True)) for row in FROM_D50)
    return tuple(12.92 * v if v <= 0.0031308 else 1.055 * v ** (1 / 2.4) - 0.055 for v in rows)


def _text(letters: bytes) -> str:
    return letters.decode("utf-16-be").rstrip("\0")


READERS = {"ase": read_ase, "aco": read_aco, "act": read_act, "riff": read_riff}
WRITERS = {"ase": write_ase, "aco": write_aco, "act": write_act, "riff": write_riff}
