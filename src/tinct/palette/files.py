"""Palette files: what is in one, whatever its format, and colors written as one."""

from __future__ import annotations

import json
import re
import struct
import zlib
from collections.abc import Sequence

from tinct.errors import PaletteError
from tinct.palette import binary
from tinct.palette.binary import Entry
from tinct.palette.named import colors_in

__all__ = ["FORMATS", "decode", "encode", "format_of"]

SWATCH = 16  # pixels a side
FORMATS = ("gpl", "ase", "act", "aco", "pal", "riff", "hex", "css", "json", "png")
TEXTS = {"txt": "hex", "hex": "hex", "css": "css", "json": "json"}
MAGIC = {b"GIMP Palette": "gpl", b"JASC-PAL": "pal", b"RIFF": "riff", b"ASEF": "ase"}
_HEX = r"#?([0-9a-fA-F]{8}|[0-9a-fA-F]{6}|[0-9a-fA-F]{3,4})(?![0-9a-zA-Z])"


def format_of(data: bytes, ending: str) -> str | None:
    """The format of a palette file, by what it begins with or its name ends with; None: unknown.

    Examples
    --------
    >>> format_of(b"GIMP Palette", "txt"), format_of(b"#fff", "hex"), format_of(b"PNG", "png")
    ('gpl', 'hex', None)
    """
    for magic, format in MAGIC.items():
        if data.startswith(magic) and data[8:12] != b"WEBP":
            return format
    return ending if ending in ("act", "aco", "gpl", "ase", "pal") else TEXTS.get(ending)


def decode(data: bytes, format: str, name: str) -> list[Entry]:
    """The colors in a palette file and their names; PaletteError, in one line, if it is broken."""
    try:
        if format in MAGIC.values() and format not in map(MAGIC.get, _beginnings(data)):
            raise ValueError("it doesn't begin as one")
        if format in binary.READERS:
            found = binary.READERS[format](data)
        else:
            found = _TEXT_READERS[format](data.decode("utf-8-sig"))
    except (ValueError, struct.error, IndexError, KeyError, TypeError, RecursionError) as error:
        why = "it ends early" if isinstance(error, struct.error | IndexError) else str(error)
        if isinstance(error, UnicodeDecodeError):
            why = "it is no text"
        raise PaletteError(f"{name}: no {format.upper()} palette: {why}") from None
    if not found:
        raise PaletteError(f"{name}: a palette without colors")
    return found


def _beginnings(data: bytes) -> list[bytes]:
    return [magic for magic in MAGIC if data.startswith(magic)]


def encode(entries: Sequence[Entry], format: str) -> bytes:
    """Write the colors as a palette file; PaletteError if the format can't hold them.

    Formats without alpha leave fully transparent entries out.
    """
    if format in ("ase", "aco", "act", "riff"):
        soft = next((color for color, _ in entries if 0 < color[3] < 255), None)
        if soft is not None:
            raise PaletteError(f"{format} has no alpha for #{bytes(soft).hex()}")
        if format != "act" or sum(not color[3] for color, _ in entries) > 1:
            entries = [entry for entry in entries if entry[0][3]]
        try:
            return binary.WRITERS[format](entries)
        except (ValueError, struct.error) as error:
            raise PaletteError(str(error)) from None
    if format == "png":
        return _swatches(entries)
    return _TEXT_WRITERS[format](entries).encode()


# --- texts --------------------------------------------------------------------------------------


def _read_gpl(text: str) -> list[Entry]:
    channels = 4 if re.search(r"^Channels:\s*RGBA", text, re.M) else 3
    found = []
    for line in text.splitlines()[1:]:
        if not line.strip() or re.match(r"\s*#|\w+:", line):
            continue
        parts = line.split(None, channels)
        found.append((_numbers(parts[:channels]), "".join(parts[channels:]).strip()))
    return [(color, "" if name == "Untitled" else name) for color, name in found]


def _write_gpl(entries: Sequence[Entry]) -> str:
    alpha = any(color[3] < 255 for color, _ in entries)
    lines = ["GIMP Palette", "Name: tinct", *["Channels: RGBA"] * alpha, "Columns: 0", "#"]
    for color, name in entries:
        numbers = " ".join(f"{part:3d}" for part in color[: 3 + alpha])
        lines.append(f"{numbers}\t{' '.join(name.split()) or 'Untitled'}")
    return "\n".join(lines) + "\n"


def _read_pal(text: str) -> list[Entry]:
    _, _, count, *lines = text.split("\n")
    found = [(_numbers(line.split()), "") for line in lines if line.strip()]
    if len(found) != int(count):
        raise ValueError(f"it says {int(count)} colors and holds {len(found)}")
    return found


def _write_pal(entries: Sequence[Entry]) -> str:
    alpha = any(color[3] < 255 for color, _ in entries)
    rows = [" ".join(map(str, color[: 3 + alpha])) for color, _ in entries]
    return "\r\n".join(["JASC-PAL", "0100", str(len(rows)), *rows, ""])


def _read_hex(text: str) -> list[Entry]:
    lines = [re.sub(r"^\s*(;|//).*", "", line) for line in text.splitlines()]
    return _entries(colors_in(" ".join(lines))) if any(lines) else []


def _write_hex(entries: Sequence[Entry]) -> str:
    return "".join(f"{_hex(color)[1:]}\n" for color, _ in entries)


def _read_css(text: str) -> list[Entry]:
    pattern = rf"(?:--([\w-]+)\s*:\s*)?(?<![\w&])#{_HEX[2:]}\s*;?[ \t]*(?:/\*(.*?)\*/)?"
    found = []
    for label, digits, said in re.findall(pattern, text):
        plain = "" if re.fullmatch(r"color-\d+", label) else label
        found.append((_entries(colors_in(digits))[0][0], said.strip() or plain))
    return found


def _write_css(entries: Sequence[Entry]) -> str:
    lines, used = [], set()
    for place, (color, name) in enumerate(entries, 1):
        label = re.sub(r"\W+", "-", name.lower(), flags=re.A).strip("-") or f"color-{place}"
        label = f"{label}-{place}" if label in used else label
        used.add(label)
        said = " ".join(name.replace("*/", "* /").split())
        lines.append(f"  --{label}: {_hex(color)};" + (f" /* {said} */" if said else ""))
    return "\n".join([":root {", *lines, "}", ""])


def _read_json(text: str) -> list[Entry]:
    told = json.loads(text)
    told = told.get("colors", told) if isinstance(told, dict) else told
    if isinstance(told, dict):
        told = [{"name": name, "hex": color} for name, color in told.items()]
    found = []
    for one in told if isinstance(told, list) else [told]:
        color, name = (one.get("hex"), one.get("name", "")) if isinstance(one, dict) else (one, "")
        if not isinstance(color, str):
            raise ValueError('a color must be text, or an object with its "hex"')
        found += [(rgba, str(name)) for rgba, _ in _entries(colors_in(color))]
    return found


def _write_json(entries: Sequence[Entry]) -> str:
    rows = [{"hex": _hex(color)} | ({"name": name} if name else {}) for color, name in entries]
    return json.dumps({"colors": rows}, indent=1, ensure_ascii=False) + "\n"


def _entries(colors: bytes) -> list[Entry]:
    rows = [colors[at : at + 4] for at in range(0, len(colors), 4)]
    return [((r, g, b, a), "") for r, g, b, a in rows]


def _numbers(parts: Sequence[str]) -> tuple[int, int, int, int]:
    r, g, b, a = [*map(int, parts), 255][:4] if len(parts) in (3, 4) else (-1,) * 4
    if not all(0 <= part <= 255 for part in (r, g, b, a)):
        raise ValueError(f"{' '.join(parts)[:30]!r} is no color: three numbers 0..255")
    return r, g, b, a


def _hex(color: Sequence[int]) -> str:
    text = bytes(color).hex()
    return f"#{text.removesuffix('ff') if len(text) == 8 and text.endswith('ff') else text}"


def _swatches(entries: Sequence[Entry]) -> bytes:
    """A row of squares, as an indexed PNG; true color if there are more than 256."""
    few, every = len(entries) <= 256, [bytes(color) for color, _ in entries]
    samples = [bytes([i]) if few else color for i, color in enumerate(every)]
    row = b"\0" + b"".join([sample * SWATCH for sample in samples])
    header = struct.pack(">II5B", SWATCH * len(every), SWATCH, 8, 3 if few else 6, 0, 0, 0)
    chunks = [(b"IHDR", header)]
    if few:
        chunks.append((b"PLTE", b"".join([color[:3] for color in every])))
        chunks.append((b"tRNS", bytes([color[3] for color in every])))
    chunks += [(b"IDAT", zlib.compress(row * SWATCH)), (b"IEND", b"")]
    packed = [
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
        for name, body in chunks
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(packed)


_TEXT_READERS = {
    "gpl": _read_gpl,
    "pal": _read_pal,
    "hex": _read_hex,
    "css": _read_css,
    "json": _read_json,
}
_TEXT_WRITERS = {
    "gpl": _write_gpl,
    "pal": _write_pal,
    "hex": _write_hex,
    "css": _write_css,
    "json": _write_json,
}
