"""Bytes to pictures: the only room that decodes them."""

from __future__ import annotations

import codecs
import contextlib
import io
import os
import re
import stat
import struct
import threading
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from os import PathLike
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from tinct.errors import PictureError
from tinct.picture.deep import TooDeep, samples
from tinct.picture.encoding import Encoding, encoding, from_profile, plain_rgb, to_8_bits

__all__ = ["Picture", "read"]

Pixels = NDArray[np.uint8]

MAX_PIXELS = 300_000_000  # a 200-megapixel phone photograph passes, a bomb of 4 gigapixels doesn't

# Pillow knows more, but some of those run other programs (EPS) or take anything for a picture.
COMMON = ("PNG", "JPEG", "GIF", "BMP", "PPM")  # what Pillow loads first: no need to import the rest
FILMS = ("GIF", "PNG", "WEBP", "AVIF")  # whose frames are moments; a TIFF's are pages
OTHERS = (
    "AVIF",
    "DIB",
    "HEIF",
    "ICNS",
    "ICO",
    "JPEG2000",
    "JXL",
    "MPO",
    "PCX",
    "PSD",
    "QOI",
    "SGI",
    "TGA",
)
FORMATS = (*COMMON, "WEBP", "TIFF", *OTHERS)


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """A picture as pixels: upright, in sRGB, with an alpha channel only if some pixel needs it.

    `pixels`, (h, w, 3) or (h, w, 4) uint8, are C-contiguous and read-only; where alpha is 0 the
    color is the one that the source holds. `bytes_in` is the size of the encoded source, None for
    arrays and Pillow images; `format` its format as Pillow names it, such as "PNG"; `name` what
    messages and reports call it. `animated`: it has more frames than the first, which is what
    `pixels` holds; `data` is the file of an animation.
    """

    pixels: Pixels
    bytes_in: int | None = None
    format: str | None = None
    name: str | None = None
    animated: bool = False
    data: bytes | None = None


def read(source: Any, *, name: str | None = None) -> Picture:
    """Read a path, bytes, a binary file, Pillow image or array; a Picture is returned as it is.

    Arrays are (h, w), (h, w, 3) or (h, w, 4), in sRGB: uint8, uint16 (0...65535) or floats (0...1).
    The picture is upright by its EXIF orientation, converted to sRGB from its ICC profile or PNG
    gamma, 16 bits per channel rounded to 8; of an animation, the first frame. `name` is what to
    call it; otherwise the path, where there is one. PictureError if it is missing, broken, of an
    unknown format, or larger than 300 megapixels; TypeError for other sources.

    >>> import numpy as np
    >>> read(np.zeros((2, 3), np.uint8), name="night").pixels.shape
    (2, 3, 3)
    """
    if name is not None and not isinstance(name, str):
        raise TypeError(f"name must be a string, not {type(name).__name__}")
    if isinstance(source, Picture):
        return source
    if isinstance(source, np.ndarray):
        return Picture(_from_array(source, name or "the array"), name=name)
    if isinstance(source, Image.Image):
        return _from_pillow(source, name or getattr(source, "filename", "") or None)
    if isinstance(source, str | PathLike):
        name = name or os.fsdecode(source)
        return _decode(_slurp(source, _printable(name)), name)
    if isinstance(source, bytes | bytearray | memoryview):
        return _decode(bytes(source), name)
    if hasattr(source, "read"):
        named = getattr(source, "name", None)
        return _decode(_drain(source), name or (named if isinstance(named, str) else None))
    raise TypeError(
        "a picture is a path, bytes, a binary file, an array or a Pillow image, "
        f"not {type(source).__name__}"
    )


def _from_array(array: NDArray[Any], label: str) -> Pixels:
    """(h, w[, 3 or 4]) uint8, uint16 or float -> (h, w, 3 or 4) uint8."""
    if array.ndim not in (2, 3) or (array.ndim == 3 and array.shape[2] not in (3, 4)):
        raise PictureError(
            f"{label}: pixels must be (h, w), (h, w, 3) or (h, w, 4), not {array.shape}"
        )
    if array.size == 0:
        raise PictureError(f"{label}: no pixels, shape {array.shape}")
    array = np.asarray(array)  # a matrix stays flat whatever is done to it
    if array.dtype.newbyteorder("=") == np.uint16:
        array = to_8_bits(array)
    elif np.issubdtype(array.dtype, np.floating):
        if not (array.min() >= 0 and array.max() <= 1):
            raise PictureError(
                f"{label}: float pixels must be 0..1, not {array.min():g}..{array.max():g}"
            )
        if array.dtype.itemsize == 2:  # too coarse for the product
            array = array.astype(np.float32)
        array = np.rint(array * 255).astype(np.uint8)
    elif array.dtype != np.uint8:
        raise PictureError(
            f"{label}: pixels must be uint8, uint16 or floats 0..1, not {array.dtype}"
        )
    if array.ndim == 2:
        array = np.repeat(array[:, :, None], 3, axis=2)
    return _sealed(array)


def _sealed(pixels: Pixels) -> Pixels:
    """Drop an alpha channel that says nothing; a contiguous view that can't be written to."""
    if pixels.shape[2] == 4 and (pixels[:, :, 3] == 255).all():
        pixels = pixels[:, :, :3]
    view = np.ascontiguousarray(pixels).view()
    view.flags.writeable = False
    return view


def _slurp(path: str | PathLike[str], label: str) -> bytes:
    try:
        with open(path, "rb") as file:
            if stat.S_ISCHR(os.fstat(file.fileno()).st_mode):  # /dev/zero never ends
                raise PictureError(f"{label}: is a device, not a picture")
            return file.read()
    except PictureError:
        raise
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        raise PictureError(f"{label}: {_why(error)}") from error


def _drain(file: IO[bytes]) -> bytes:
    data = file.read()
    if not isinstance(data, bytes):
        raise TypeError(f"a picture's file must be opened as binary: it gave {type(data).__name__}")
    return data


def _decode(data: bytes, name: str | None) -> Picture:
    label = _printable(name or "the picture")
    if not data:
        raise PictureError(f"{label}: the file is empty")
    with _pillow(label, data):
        image = _open(data)
        kind = image.format
        # Phones store previews and gain maps as further "frames" of a JPEG; PSD stores layers.
        animated = kind not in ("MPO", "PSD") and bool(getattr(image, "is_animated", False))
        film = data if animated and kind in FILMS else None
        return Picture(_pixels(image, data), len(data), kind, name, animated, film)


def _from_pillow(image: Image.Image, name: str | None) -> Picture:
    with _pillow(_printable(name or "the image"), b""):
        return Picture(_pixels(image, b"", ours=False), format=image.format, name=name)


def _open(data: bytes) -> Image.Image:
    if data.startswith(b"\x89PNG"):
        with contextlib.suppress(SyntaxError, IndexError, TypeError, struct.error):
            return _open_png(data)
    try:
        return Image.open(io.BytesIO(data), formats=COMMON)
    except UnidentifiedImageError:
        Image.init()
        _plug_in(data)
        known = [name for name in FORMATS if name in Image.OPEN]
        return Image.open(io.BytesIO(data), formats=known)


def _plug_in(data: bytes) -> None:
    """Have Pillow know HEIC and JPEG XL, by libraries that may be there."""
    with contextlib.suppress(ImportError):
        if _is_heic(data):
            from pillow_heif import register_heif_opener

            register_heif_opener(thumbnails=False)
        elif data.startswith((b"\xff\x0a", b"\0\0\0\x0cJXL ")):
            import pillow_jxl  # noqa: F401 - registers itself


def _is_heic(data: bytes) -> bool:
    return data[4:11] in (b"ftyphei", b"ftypmif", b"ftypmsf", b"ftyphev")


def _open_png(data: bytes) -> Image.Image:
    """As Image.open would, which imports four more formats before it looks: 6 ms."""
    from PIL.PngImagePlugin import PngImageFile

    image = PngImageFile(io.BytesIO(data))
    if image.width * image.height > MAX_PIXELS:
        raise Image.DecompressionBombError(f"{image.width * image.height} pixels")
    return image


_pillow_lock = threading.Lock()


@contextlib.contextmanager
def _pillow(label: str, data: bytes) -> Iterator[None]:
    """Run Pillow with our limit, without its warnings, and turn what it raises into one line.

    Pillow keeps its limit, and Python its warning filters, in globals: hence the lock.
    """
    with _pillow_lock, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        before = Image.MAX_IMAGE_PIXELS
        Image.MAX_IMAGE_PIXELS = MAX_PIXELS // 2  # above it Pillow warns, above twice it raises
        try:
            yield
        except (PictureError, TooDeep) as error:
            raise PictureError(f"{label}: {error}") from error
        except Exception as error:  # decoders of broken files raise nearly everything
            raise PictureError(f"{label}: {_why(error, data)}") from error
        finally:
            Image.MAX_IMAGE_PIXELS = before


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


def _why(error: BaseException, data: bytes = b"") -> str:
    """One plain line out of an exception and the first bytes of what caused it."""
    for kind, reason in _PLAIN.items():
        if isinstance(error, kind):
            return reason
    if isinstance(error, Image.DecompressionBombError):
        size = re.search(r"\d+", str(error))
        megapixels = f"{int(size.group()) / 1e6:,.0f}" if size else "too many"
        return f"{megapixels} megapixels are more than the limit of {MAX_PIXELS // 1_000_000}"
    if isinstance(error, UnidentifiedImageError):
        return _what_it_is(data)
    text = _printable(getattr(error, "strerror", None) or str(error) or type(error).__name__)
    return f"broken picture ({text})" if data else text


def _what_it_is(data: bytes) -> str:
    for signature, kind in _SIGNATURES.items():
        if data.startswith(signature):
            return kind
    head = data[:256]
    if _is_heic(data):
        return "a HEIC picture, which needs an extra: pip install 'tinct[heic]'"
    if data.startswith((b"\xff\x0a", b"\0\0\0\x0cJXL ")):
        return "a JPEG XL picture, which needs an extra: pip install 'tinct[jxl]'"
    if b"<svg" in data[:2048]:
        return "an SVG drawing, not pixels; render it to PNG first"
    with contextlib.suppress(UnicodeDecodeError):
        text = codecs.getincrementaldecoder("utf-8")().decode(head)  # the cut may split a character
        if all(c.isprintable() or c in "\t\n\r\f" for c in text):
            return "a text file, not a picture"
    return "not a picture in a known format"


def _printable(text: str) -> str:
    """On one line, whatever a file name or a library's message holds."""
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in " ".join(text.splitlines()))


_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def _pixels(image: Image.Image, data: bytes, *, ours: bool = True) -> Pixels:
    """Decode, split off the alpha channel, manage the color, turn upright."""
    if 0 in image.size:
        raise PictureError(f"no pixels, {image.width}x{image.height}")
    stored = str(getattr(image, "tile", ""))  # names the samples' layout; gone after loading
    deep = samples(image)
    told = encoding(image, data)
    if deep is None:
        image = image if ours else image.copy()
        image.load()
        _match_key(image, stored)
        color, alpha = _split(image)
    else:
        color, alpha = _split_deep(image, deep, told)
    rgb = np.asarray(from_profile(color, image.info.get("icc_profile")) or plain_rgb(color))
    if deep is None and told is not None:
        rgb = told.to_srgb(rgb)
    pixels = rgb if alpha is None else np.dstack([rgb, np.asarray(alpha)])
    turn = _UPRIGHT.get(_orientation(image))
    if turn is not None:
        pixels = np.asarray(Image.fromarray(pixels).transpose(turn))
    return _sealed(pixels)


def _orientation(image: Image.Image) -> int:
    try:
        return int(image.getexif().get(0x0112, 1))
    except Exception:  # broken EXIF says nothing about the pixels
        return 1


def _match_key(image: Image.Image, stored: str) -> None:
    """Bring a PNG's transparent color to the 8 bits to which Pillow brought only the pixels."""
    key = image.info.get("transparency")
    for bits, step in (("L;2", 85), ("L;4", 17)):
        if isinstance(key, int) and bits in stored:
            image.info["transparency"] = key * step


def _split(image: Image.Image) -> tuple[Image.Image, Image.Image | None]:
    """The color in a mode that profiles know (L, RGB, CMYK, LAB...), and the alpha, if any."""
    if "transparency" in image.info:  # one color, or one alpha per palette entry
        image = image.convert("RGBA")
    elif image.mode == "P":
        palette = image.palette
        image = image.convert("RGBA" if palette and palette.mode == "RGBA" else "RGB")
    elif image.mode in ("PA", "RGBa", "La"):  # the small a: premultiplied
        image = image.convert("LA" if image.mode == "La" else "RGBA")
    if image.mode in ("RGBA", "LA"):
        return image.convert(image.mode[:-1]), image.getchannel("A")
    return image.convert("L") if image.mode == "1" else image, None


def _split_deep(
    image: Image.Image, deep: NDArray[np.uint16], told: Encoding | None
) -> tuple[Image.Image, Image.Image | None]:
    """Samples of 16 bits as `_split` gives those of 8: compared with the key, then rounded."""
    key = image.info.get("transparency")
    alpha = None
    if isinstance(key, int | tuple):
        alpha = np.where((deep == key).all(axis=2), 0, 255).astype(np.uint8)
    elif image.mode != "CMYK" and deep.shape[2] in (2, 4):
        deep, alpha = deep[:, :, :-1], to_8_bits(deep[:, :, -1])
    color = to_8_bits(deep) if told is None else told.to_srgb(deep)
    height, width, channels = color.shape
    mode = "CMYK" if image.mode == "CMYK" else "RGB" if channels == 3 else "L"
    shown = Image.frombytes(mode, (width, height), color.tobytes())
    return shown, None if alpha is None else Image.fromarray(alpha)
