"""Why a file can't be read, in one plain line."""

from __future__ import annotations

import codecs
import contextlib
import re

from PIL import Image, UnidentifiedImageError

__all__ = ["is_heic", "is_jxl", "printable", "why"]

_PLAIN = {
    FileNotFoundError: "no such file",
    IsADirectoryError: "is a directory, not a picture",
    PermissionError: "permission denied",
    MemoryError: "not enough memory to decode it",
}
_SIGNATURES = {
    b"\x89PNG": "a broken PNG file",
    b"\xff\xd8\xff": "a broken JPEG file",
    b"GIF8": "a broken GIF file",
    b"BM": "a broken BMP file, or one of an unusual kind",
    b"II*\0": "a broken TIFF file, or one of an unusual kind",
    b"MM\0*": "a broken TIFF file, or one of an unusual kind",
    b"%PDF": "a PDF document, not a picture",
    b"%!PS": "a PostScript document, not a picture",
}


def why(error: BaseException, data: bytes = b"", limit: int = 0) -> str:
    """One plain line out of an exception and the first bytes of what caused it."""
    for kind, reason in _PLAIN.items():
        if isinstance(error, kind):
            return reason
    if isinstance(error, Image.DecompressionBombError):
        size = re.search(r"\d+", str(error))
        count = int(size.group()) if size else 0
        if limit < 1_000_000:
            return f"{count:,} pixels are more than the limit of {limit:,}"
        return f"{count / 1e6:,.0f} megapixels are more than the limit of {limit / 1e6:,.0f}"
    if isinstance(error, UnidentifiedImageError):
        return _what_it_is(data)
    text = printable(getattr(error, "strerror", None) or str(error) or type(error).__name__)
    return f"broken picture ({text})" if data else text


def _what_it_is(data: bytes) -> str:
    for signature, kind in _SIGNATURES.items():
        if data.startswith(signature):
            return kind
    head = data[:256]
    if is_heic(data):
        return "a HEIC picture, which needs an extra: pip install 'tinct[heic]'"
    if is_jxl(data):
        return "a JPEG XL picture, which needs an extra: pip install 'tinct[jxl]'"
    if b"<svg" in data[:2048]:
        return "an SVG drawing, not pixels; render it to PNG first"
    with contextlib.suppress(UnicodeDecodeError):
        text = codecs.getincrementaldecoder("utf-8")().decode(head)  # the cut may split a character
        if all(c.isprintable() or c in "\t\n\r\f" for c in text):
            return "a text file, not a picture"
    return "not a picture in a known format"


def printable(text: str) -> str:
    """On one line, whatever a file name or a library's message holds."""
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in " ".join(text.splitlines()))


def is_heic(data: bytes) -> bool:
    """Whether a file begins as HEIC pictures do."""
    return data[4:11] in (b"ftyphei", b"ftypmif", b"ftypmsf", b"ftyphev")


def is_jxl(data: bytes) -> bool:
    """Whether a file begins as JPEG XL pictures do."""
    return data.startswith((b"\xff\x0a", b"\0\0\0\x0cJXL "))
