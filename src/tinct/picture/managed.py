"""From an ICC profile to sRGB, 8 bits a sample, by littleCMS. The short way asks: no NumPy here."""

import io

from PIL import Image

from tinct.picture.profile import moves

TYPE_CHECKING = False  # as typing has it, which takes a millisecond to import
if TYPE_CHECKING:
    from PIL import ImageCms

__all__ = ["from_profile", "plain_rgb", "samples_in_srgb"]

_SPACES = {"GRAY": "L", "RGB": "RGB", "CMYK": "CMYK", "Lab": "LAB"}


def plain_rgb(color: Image.Image) -> Image.Image:
    """Any mode that `from_profile` left alone, as sRGB."""
    if color.mode == "RGB":
        return color
    if color.mode != "LAB":
        return color.convert("RGB")
    from PIL import ImageCms

    srgb, lab = ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB")
    converted = ImageCms.profileToProfile(color, lab, srgb, outputMode="RGB")
    assert converted is not None  # None only in place
    return converted


def from_profile(color: Image.Image, profile: bytes | None) -> Image.Image | None:
    """Through the embedded ICC profile to sRGB; None where it changes nothing or can't be done."""
    if not profile:
        return None
    from PIL import ImageCms

    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        mode = _SPACES.get(source.profile.xcolor_space.strip())
        if mode == "RGB" and color.mode not in ("RGB", "CMYK", "LAB"):
            color = color.convert("RGB")  # a grey file may carry an RGB profile, not the reverse
        if mode is None or mode != color.mode:
            return None
        flags = ImageCms.Flags.BLACKPOINTCOMPENSATION
        if mode == "CMYK":  # a table of it in few steps is up to 2 dE off; 0.3 s a megapixel more
            flags |= ImageCms.Flags.NOOPTIMIZE
        how = ImageCms.Intent.RELATIVE_COLORIMETRIC, flags
        srgb = ImageCms.createProfile("sRGB")
        to_srgb = ImageCms.buildTransform(source, srgb, mode, "RGB", *how)
        plain = mode == "RGB" and not moves(lambda grid: _transformed(grid, to_srgb))
        return None if plain else ImageCms.applyTransform(color, to_srgb)
    except (ImageCms.PyCMSError, OSError, ValueError):  # a broken one: show the pixels as they are
        return None


def _transformed(samples: bytes, to_srgb: "ImageCms.ImageCmsTransform") -> bytes:
    from PIL import ImageCms

    row = Image.frombytes("RGB", (len(samples) // 3, 1), samples)
    return (ImageCms.applyTransform(row, to_srgb) or row).tobytes()


def samples_in_srgb(
    samples: bytes, width: int, height: int, channels: int, profile: bytes
) -> bytes:
    """The same of RGB or RGBA, (height, width, channels)."""
    image = Image.frombytes("RGBA" if channels == 4 else "RGB", (width, height), samples)
    color = from_profile(image.convert("RGB"), profile)
    if color is None:
        return samples
    if channels == 4:
        color.putalpha(image.getchannel("A"))
    return color.tobytes()
