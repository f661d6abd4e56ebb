"""Bytes to pictures: the only room that decodes them."""

from __future__ import annotations

import contextlib
import io
import logging
import os
import stat
import struct
import threading
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from os import PathLike
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFile, UnidentifiedImageError

from tinct.checks import flag, whole
from tinct.errors import PictureError
from tinct.picture.along import NOTHING, Along, along
from tinct.picture.deep import TooDeep, samples
from tinct.picture.encoding import encoding, shown, to_8_bits
from tinct.picture.managed import from_profile, plain_rgb
from tinct.picture.profile import shaper, space_of
from tinct.picture.reasons import is_heic, is_jxl, printable, why
from tinct.picture.whole import CutShort, check, check_jpeg, check_pngs, hushed

__all__ = ["Picture", "read", "sketch"]

Pixels = NDArray[np.uint8]
ToSrgb = Callable[[NDArray[Any]], Pixels]

logging.getLogger("PIL").addHandler(logging.NullHandler())  # else its errors go to stderr

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
    `pixels` holds; `data` is the file of an animation. `flaw` says what was wrong with a broken
    file of which something was salvaged. `along` is what came with it: density, EXIF, XMP, texts.
    `reduced_from` is the (height, width) of the picture of which `pixels` are a smaller copy.
    """

    pixels: Pixels
    bytes_in: int | None = None
    format: str | None = None
    name: str | None = None
    animated: bool = False
    flaw: str | None = None
    along: Along = NOTHING
    data: bytes | None = None
    reduced_from: tuple[int, int] | None = None


def read(
    source: Any,
    *,
    name: str | None = None,
    max_pixels: int | None = None,
    allow_truncated: bool = False,
    keep_profile: bool = False,
) -> Picture:
    """Read a path, bytes, a binary file, Pillow image or array; a Picture is returned as it is.

    Arrays are (h, w), (h, w, 3) or (h, w, 4), in sRGB: uint8, uint16 (0...65535) or floats (0...1).
    The picture is upright by its EXIF orientation, converted to sRGB from its ICC profile or PNG
    gamma, 16 bits per channel rounded to 8; of an animation, the first frame. `name` is what to
    call it; otherwise the path, where there is one. PictureError if it is missing, broken, of an
    unknown format, or larger than `max_pixels` (300 megapixels); TypeError for other sources. With
    `allow_truncated`, what a broken file still holds: the rest is black, gray or transparent. With
    `keep_profile`, pixels of color stay in the ICC profile of RGB that the file carries, which
    comes along (of animations it is refused): colors are then chosen among the profile's codes.

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
    keep = flag("keep_profile", keep_profile)
    if isinstance(source, Image.Image):
        return _from_pillow(source, name or getattr(source, "filename", "") or None, keep)
    if isinstance(source, str | PathLike):
        name = name or os.fsdecode(source)
        data = _slurp(source, printable(name))
    elif isinstance(source, bytes | bytearray | memoryview):
        data = bytes(source)
    elif hasattr(source, "read"):
        named = getattr(source, "name", None)
        data, name = _drain(source), name or (named if isinstance(named, str) else None)
    else:
        raise TypeError(
            "a picture is a path, bytes, a binary file, an array or a Pillow image, "
            f"not {type(source).__name__}"
        )
    limit = MAX_PIXELS if max_pixels is None else whole("max_pixels", max_pixels, 1)
    return _salvaged(data, name, limit, flag("allow_truncated", allow_truncated), keep=keep)


def sketch(data: bytes, name: str | None, side: int, max_pixels: int, salvage: bool) -> Picture:
    """Read a file as `read` does; a JPEG of which `side` pixels do for a look at less of its size.

    Whether the end of a JPEG is missing is then not told.
    """
    return _salvaged(data, name, max_pixels, salvage, side=side)


def _salvaged(data: bytes, name: str | None, limit: int, salvage: bool, **how: Any) -> Picture:
    """Decode a file, and if it is broken whatever can be had of it."""
    try:
        return _decode(data, name, limit, **how)
    except PictureError as error:
        if not salvage:
            raise
        return _decode(data, name, limit, **how, flaw=str(error).removeprefix(f"{name}: "))


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
        raise PictureError(f"{label}: {why(error)}") from error


def _drain(file: IO[bytes]) -> bytes:
    data = file.read()
    if not isinstance(data, bytes):
        raise TypeError(f"a picture's file must be opened as binary: it gave {type(data).__name__}")
    return data


def _decode(
    data: bytes,
    name: str | None,
    limit: int,
    *,
    keep: bool = False,
    flaw: str | None = None,
    side: int | None = None,
) -> Picture:
    """Decode a file; with a `flaw`, whatever can be had of it; with a `side`, in haste."""
    label = printable(name or "the picture")
    if not data:
        raise PictureError(f"{label}: the file is empty")
    with _pillow(label, data, limit, salvage=flaw is not None), hushed(data):
        check_pngs(data, limit, salvage=flaw is not None)
        image = _open(data, limit)
        kind = image.format
        # Phones store previews and gain maps as further "frames" of a JPEG; PSD stores layers.
        animated = kind not in ("MPO", "PSD") and bool(getattr(image, "is_animated", False))
        check(image, data, salvage=flaw is not None)
        full = _reduce(image, side)
        pixels, profile = _pixels(image, data, keep=keep)
        if flaw is None and full is None:
            check_jpeg(image, data)
        turned = _orientation(image) >= TRANSPOSED
        more = along(image, data, turned)  # which loads a PNG
        more = replace(more, profile=profile)
        film = data if animated and kind in FILMS else None
        if film and profile:
            raise PictureError("the color profile of an animation can't be kept")
        full = full[::-1] if full and turned else full
        return Picture(pixels, len(data), kind, name, animated, flaw, more, film, full)


def _reduce(image: Image.Image, side: int | None) -> tuple[int, int] | None:
    """Have libjpeg make 1 pixel of 2, 4 or 8 in a row if `side` are left; height and width then."""
    if side is None or image.format not in ("JPEG", "MPO"):
        return None
    step, full = -(-max(image.size) // side), image.size
    scale = max(one for one in (1, 2, 4, 8) if one == step or 2 * one <= max(step, 2))
    image.draft(None, (full[0] // scale, full[1] // scale))
    return full[::-1] if image.size != full else None


def _from_pillow(image: Image.Image, name: str | None, keep: bool) -> Picture:
    with _pillow(printable(name or "the image"), b"", MAX_PIXELS):
        pixels, profile = _pixels(image, b"", ours=False, keep=keep)
        more = along(image, b"", _orientation(image) >= TRANSPOSED)
        more = replace(more, profile=profile)
        return Picture(pixels, format=image.format, name=name, along=more)


def _open(data: bytes, limit: int) -> Image.Image:
    if data.startswith(b"\x89PNG"):
        with contextlib.suppress(SyntaxError, IndexError, TypeError, struct.error):
            return _open_png(data, limit)
    if data.startswith(b"BM"):
        from tinct.picture.bmp import opened

        return opened(data, limit)
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
        if is_heic(data):
            from pillow_heif import register_heif_opener

            register_heif_opener(thumbnails=False)
        elif is_jxl(data):
            import pillow_jxl  # noqa: F401 - registers itself


def _open_png(data: bytes, limit: int) -> Image.Image:
    """As Image.open would, which imports four more formats before it looks: 6 ms."""
    from PIL.PngImagePlugin import PngImageFile

    image = PngImageFile(io.BytesIO(data))
    if image.width * image.height > limit:
        raise Image.DecompressionBombError(f"{image.width * image.height} pixels")
    return image


_pillow_lock = threading.Lock()


@contextlib.contextmanager
def _pillow(label: str, data: bytes, limit: int, salvage: bool = False) -> Iterator[None]:
    """Run Pillow with our limit, without its warnings, and turn what it raises into one line.

    Pillow keeps its limits, and Python its warning filters, in globals: hence the lock.
    """
    with _pillow_lock, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        before = Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES
        Image.MAX_IMAGE_PIXELS = limit / 2  # type: ignore[assignment] # above twice it raises
        ImageFile.LOAD_TRUNCATED_IMAGES = salvage
        try:
            yield
        except (PictureError, TooDeep, CutShort) as error:
            raise PictureError(f"{label}: {error}") from error
        except Exception as error:  # decoders of broken files raise nearly everything
            raise PictureError(f"{label}: {why(error, data, limit)}") from error
        finally:
            Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES = before


STRIP = 128  # rows
TRANSPOSED = 5  # orientations from here on have rows for columns
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def _pixels(
    image: Image.Image, data: bytes, *, ours: bool = True, keep: bool = False
) -> tuple[Pixels, bytes]:
    """Decode, split off the alpha channel, manage the color, turn upright; the profile kept."""
    if 0 in image.size:
        raise PictureError(f"no pixels, {image.width}x{image.height}")
    stored = str(getattr(image, "tile", ""))  # names the samples' layout; gone after loading
    deep = samples(image)
    encoded = encoding(image, data)
    told: ToSrgb | None = encoded.to_srgb if encoded else None
    alpha: Any
    profile, kept = image.info.get("icc_profile"), b""
    if deep is None:
        image = image if ours else image.copy()
        image.load()
        _match_key(image, stored)
        plain = image.mode == "RGBA" and not profile and told is None
        if plain and "transparency" not in image.info:
            return _sealed(_upright(image, _array(image))), b""
        color, alpha = _split(image)
        if keep and told is None and color.mode == "RGB":
            kept = _worth_keeping(np.asarray(color), profile)
        if told is None and not kept and color.mode in ("L", "RGB"):
            told, profile = _by_curves(profile, len(color.getbands()))
    else:
        alpha, deep = _split_deep(image, deep)
        if keep and told is None and deep.shape[2] == 3:
            kept = _worth_keeping(deep, profile)
        if not kept and told is None and image.mode != "CMYK":
            told, profile = _by_curves(profile, deep.shape[2])
        color = _shown(image, to_8_bits(deep) if told is None else told(deep))
        if told is not None:
            profile = None
    if kept:
        profile = None
    rgb = _array(from_profile(color, profile) or plain_rgb(color))
    if deep is None and told is not None:
        rgb = told(rgb)
    pixels = rgb if alpha is None else np.dstack([rgb, np.asarray(alpha)])
    return _sealed(_upright(image, pixels)), kept


def _by_curves(profile: bytes | None, channels: int) -> tuple[ToSrgb | None, bytes | None]:
    """How a profile of curves shows samples, if it changes any; the profile, if it is another."""
    curves = shaper(profile, channels)
    if curves is None:
        return None, profile
    if not curves.moves():
        return None, None
    return lambda samples: shown(samples, curves.kernel(int(np.iinfo(samples.dtype).max) + 1)), None


def _array(image: Image.Image) -> Pixels:
    """As np.asarray, in strips: that holds the pixels three times."""
    out = np.empty((image.height, image.width, len(image.getbands())), np.uint8)
    for top in range(0, image.height, STRIP):
        bottom = min(top + STRIP, image.height)
        out[top:bottom] = np.asarray(image.crop((0, top, image.width, bottom)))
    return out


def _upright(image: Image.Image, pixels: Pixels) -> Pixels:
    turn = _UPRIGHT.get(_orientation(image))
    return pixels if turn is None else np.asarray(Image.fromarray(pixels).transpose(turn))


def _worth_keeping(color: NDArray[Any], profile: bytes | None) -> bytes:
    """The profile, if it is of RGB, isn't sRGB, and there is more than gray to show in it."""
    if space_of(profile) != "RGB" or (color == color[:, :, :1]).all():
        return b""
    curves = shaper(profile, 3)
    if curves is None:
        changed = from_profile(Image.new("RGB", (1, 1)), profile) is not None
    else:
        changed = curves.moves()
    return profile or b"" if changed else b""


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
    image: Image.Image, deep: NDArray[np.uint16]
) -> tuple[NDArray[np.uint8] | None, NDArray[np.uint16]]:
    """The alpha and the color of 16 bits, compared with the key before it is rounded."""
    key = image.info.get("transparency")
    if isinstance(key, int | tuple):
        return np.where((deep == key).all(axis=2), 0, 255).astype(np.uint8), deep
    if image.mode != "CMYK" and deep.shape[2] in (2, 4):
        return to_8_bits(deep[:, :, -1]), deep[:, :, :-1]
    return None, deep


def _shown(image: Image.Image, color: Pixels) -> Image.Image:
    """Samples brought to 8 bits as an image in a mode that profiles know."""
    height, width, channels = color.shape
    mode = "CMYK" if image.mode == "CMYK" else "RGB" if channels == 3 else "L"
    return Image.frombytes(mode, (width, height), np.ascontiguousarray(color).tobytes())
