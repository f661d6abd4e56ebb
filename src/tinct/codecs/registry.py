"""The formats there are: a name, which is also what files of it are called, and the module."""

TYPE_CHECKING = False  # as typing has it, which takes a millisecond to import
if TYPE_CHECKING:
    from typing import Any

    from tinct.codecs.codec import Codec

__all__ = ["FORMATS", "check_format", "codec_of"]

_MODULES = {
    "png": "tinct.codecs.png",
    "webp": "tinct.codecs.webp",
    "gif": "tinct.codecs.gif",
}
FORMATS = tuple(_MODULES)


def codec_of(format: str) -> "Codec":
    """The codec of a format."""
    from importlib import import_module

    codec: Codec = import_module(_MODULES[format]).CODEC
    return codec


def check_format(format: "Any") -> str:
    """Refuse anything but a format that holds indices, by name."""
    wanted = f"{', '.join(FORMATS[:-1])} or {FORMATS[-1]}"
    if not isinstance(format, str):
        raise TypeError(f"format must be {wanted}, not {type(format).__name__}")
    if format not in FORMATS:
        raise ValueError(f"format must be {wanted}, not {format}")
    return format
