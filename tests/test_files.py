"""Bytes become the right pixels."""

import io
import os
import struct
import warnings
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image, ImageCms

from painted import PICTURES, alpha, exact, flat, photo
from tinct.errors import PictureError
from tinct.picture.read import read


def encoded(image, kind="PNG", **options):
    """An array or Pillow image in a file format."""
    image = Image.fromarray(image) if isinstance(image, np.ndarray) else image
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def chunk(name, data):
    body = name + data
    return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))


def png(width, height, bits, kind, rows, *extra):
    """A PNG by the book, for what Pillow can't write."""
    header = struct.pack(">IIBBBBB", width, height, bits, kind, 0, 0, 0)
    parts = [
        chunk(b"IHDR", header),
        *extra,
        chunk(b"IDAT", zlib.compress(rows)),
        chunk(b"IEND", b""),
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


# --- reading: every kind of source -------------------------------------------------------------


def test_a_path_bytes_a_file_an_image_and_an_array_give_the_same_pixels(tmp_path):
    path = tmp_path / "photo.png"
    Image.fromarray(photo()).save(path)
    data = path.read_bytes()
    with path.open("rb") as file:
        from_file = read(file)
    sources = [read(path), read(str(path)), read(data), read(io.BytesIO(data)), from_file]
    for picture in (*sources, read(Image.open(path)), read(photo())):
        assert np.array_equal(picture.pixels, photo())
    assert {picture.bytes_in for picture in sources} == {len(data)}
    assert read(photo()).bytes_in is None
    assert read(path).format == "PNG"
    assert read(path).name == str(path) == from_file.name


def test_a_picture_is_returned_as_it_is():
    picture = read(photo())
    assert read(picture) is picture


@pytest.mark.parametrize("name", PICTURES)
@pytest.mark.parametrize("kind", ["PNG", "TIFF", "WEBP"])
def test_lossless_formats_come_back_exactly(name, kind):
    pixels = PICTURES[name]()
    options = {"lossless": True, "exact": True} if kind == "WEBP" else {}
    assert np.array_equal(read(encoded(pixels, kind, **options)).pixels, pixels)


@pytest.mark.parametrize(
    "mode", ["1", "L", "LA", "P", "PA", "RGBA", "CMYK", "YCbCr", "HSV", "I", "La", "RGBa", "LAB"]
)
def test_every_mode_of_pillow_becomes_rgb(mode):
    if mode == "LAB":
        srgb, lab = ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB")
        image = ImageCms.profileToProfile(Image.fromarray(flat()), srgb, lab, outputMode="LAB")
    else:
        through = {"La": "LA", "RGBa": "RGBA", "PA": "RGBA"}.get(mode)
        image = Image.fromarray(flat())
        image = (image.convert(through) if through else image).convert(mode)
    if mode == "I":
        image = Image.fromarray(np.asarray(image) * 257)
    picture = read(image)
    assert picture.pixels.shape == (64, 64, 3)
    assert abs(picture.pixels.mean() - flat().mean()) < 12  # CMYK and LAB hold fewer colors


def test_what_is_opaque_has_no_alpha_channel_and_what_is_not_has():
    opaque = np.dstack([flat(), np.full((64, 64), 255, np.uint8)])
    assert read(opaque).pixels.shape == (64, 64, 3)
    opaque[0, 0, 3] = 254
    assert read(opaque).pixels.shape == (64, 64, 4)


def test_the_color_of_transparent_pixels_is_kept():
    picture = read(encoded(alpha()))
    assert np.array_equal(picture.pixels, alpha())
    assert picture.pixels[0, 0].tolist() == [7, 8, 9, 0]


def test_pixels_are_contiguous_and_read_only_and_the_caller_s_array_stays_writable():
    mine = np.array(photo())
    for picture in (read(mine), read(mine[:, ::-1]), read(encoded(mine)), read(mine[:, :, 0])):
        assert picture.pixels.flags.c_contiguous
        assert not picture.pixels.flags.writeable
    assert mine.flags.writeable


@pytest.mark.parametrize("turn", range(1, 9))
def test_exif_orientation_turns_the_picture_upright(turn):
    undone = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    image = Image.fromarray(photo())
    exif = Image.Exif()
    exif[0x0112] = turn
    stored = image.transpose(undone[turn]) if turn in undone else image
    for kind in ("PNG", "TIFF"):
        assert np.array_equal(read(encoded(stored, kind, exif=exif)).pixels, photo())


def test_broken_exif_is_no_reason_to_refuse():
    assert np.array_equal(read(encoded(photo(), exif=b"Exif\0\0nonsense")).pixels, photo())


def test_an_srgb_profile_changes_no_pixel():
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    assert np.array_equal(read(encoded(photo(), icc_profile=profile)).pixels, photo())


def test_a_profile_of_swapped_primaries_swaps_the_colors():
    # sRGB with the red and green columns exchanged: what the file calls red, is green.
    data = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    red, green = data.index(b"rXYZ") + 4, data.index(b"gXYZ") + 4  # where each says where it is
    data[red : red + 4], data[green : green + 4] = data[green : green + 4], data[red : red + 4]
    swapped = read(encoded(flat(), icc_profile=bytes(data))).pixels
    assert np.abs(swapped.astype(int) - flat()[:, :, [1, 0, 2]]).max() <= 2


def test_a_broken_profile_is_ignored():
    assert np.array_equal(read(encoded(flat(), icc_profile=b"no profile")).pixels, flat())


@pytest.mark.parametrize("gamma", [0.35, 0.55, 1.0, 2.5])
def test_png_gamma_is_undone(gamma):
    """PngSuite's idea: the same picture stored with another gamma looks the same."""
    stored = np.rint(255 * (photo() / 255) ** (2.2 * gamma)).astype(np.uint8)
    height, width = stored.shape[:2]
    rows = b"".join(b"\0" + row.tobytes() for row in stored)
    gama = chunk(b"gAMA", struct.pack(">I", round(gamma * 100_000)))
    shown = read(png(width, height, 8, 2, rows, gama)).pixels
    bright = photo() > 160  # 8 bits hold little of the dark in linear light
    assert np.abs(shown.astype(int) - photo())[bright].max() <= 3


DISPLAY_P3 = {  # as Apple's own profile has them: of D50, by columns
    b"rXYZ": (0.51512, 0.24120, -0.00105),
    b"gXYZ": (0.29198, 0.69225, 0.04189),
    b"bXYZ": (0.15710, 0.06657, 0.78407),
}
P3_CHRM = chunk(b"cHRM", struct.pack(">8I", 31270, 32900, 68000, 32000, 26500, 69000, 15000, 6000))


def display_p3():
    data = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    for name, xyz in DISPLAY_P3.items():
        at = int.from_bytes(data[data.index(name) + 4 :][:4])
        data[at + 8 : at + 20] = struct.pack(">3i", *(round(65536 * v) for v in xyz))
    return bytes(data)


def stored(pixels, *extras, bits=8):
    deep = pixels if bits == 8 else (pixels.astype(np.uint16) * 257).byteswap()
    rows = b"".join(b"\0" + row.tobytes() for row in deep)
    return png(pixels.shape[1], pixels.shape[0], bits, 2, rows, b"".join(extras))


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize(
    "told",
    [chunk(b"cICP", bytes([12, 13, 0, 1])), P3_CHRM],
    ids=["cICP", "cHRM"],
)
def test_primaries_named_by_a_png_mean_what_their_profile_means_to_littlecms(told, bits):
    profile = encoded(photo(), icc_profile=display_p3())
    by_profile, by_chunk = read(profile).pixels, read(stored(photo(), told, bits=bits)).pixels
    assert np.abs(by_profile.astype(int) - by_chunk).max() <= 2
    assert np.abs(photo().astype(int) - by_chunk).max() > 10


def test_the_first_to_count_is_cicp_then_the_profile_then_srgb_then_chromaticities():
    packed = chunk(b"iCCP", b"p\0\0" + zlib.compress(display_p3()))
    srgb, is_srgb = chunk(b"sRGB", b"\0"), chunk(b"cICP", bytes([1, 13, 0, 1]))
    gama = chunk(b"gAMA", struct.pack(">I", 100_000))
    p3 = read(stored(photo(), packed)).pixels
    assert np.array_equal(read(stored(photo(), is_srgb, packed, P3_CHRM, gama)).pixels, photo())
    assert np.array_equal(read(stored(photo(), packed, P3_CHRM, gama)).pixels, p3)
    assert np.array_equal(read(stored(photo(), srgb, P3_CHRM, gama)).pixels, photo())
    assert not np.array_equal(read(stored(photo(), P3_CHRM, gama)).pixels, photo())


def test_white_and_greys_stay_grey_in_any_primaries():
    grey = np.repeat(np.arange(256, dtype=np.uint8)[None, :, None], 3, axis=2)
    for space in (1, 4, 5, 6, 9, 11, 12):
        shown = read(stored(grey, chunk(b"cICP", bytes([space, 13, 0, 1])))).pixels
        assert np.array_equal(shown, grey), space


def test_hdr_is_refused_in_a_sentence():
    for transfer, name in ((16, "PQ"), (18, "HLG")):
        with pytest.raises(PictureError, match=rf"HDR \({name}\) can't be shown in 8 bits"):
            read(stored(photo(), chunk(b"cICP", bytes([9, transfer, 0, 1]))))


@pytest.mark.parametrize(("kind", "module"), [("HEIF", "pillow_heif"), ("JXL", "pillow_jxl")])
def test_heic_and_jpeg_xl_are_read_where_their_plugins_are(kind, module):
    plugin = pytest.importorskip(module, reason=f"{module} is not installed")
    if kind == "HEIF":
        plugin.register_heif_opener()
    shown = read(encoded(photo(), kind, quality=95)).pixels.astype(int)
    assert np.abs(shown - photo()).mean() < 8


def test_floating_point_and_32_bit_greys_are_read_in_their_whole_range():
    ramp = np.linspace(0, 1, 256).reshape(16, 16)
    codes = np.arange(256).reshape(16, 16)
    floats = read(encoded(Image.fromarray(ramp.astype(np.float32)), "TIFF")).pixels[:, :, 0]
    assert np.array_equal(floats, codes)
    with pytest.raises(PictureError, match=r"floating-point samples must be 0..1, not 0..2 \(HDR"):
        read(encoded(Image.fromarray((2 * ramp).astype(np.float32)), "TIFF"))
    whole = np.rint(ramp * (2**32 - 1)).astype(np.uint32)
    data = bytearray(encoded(Image.fromarray(whole.view(np.int32)), "TIFF"))
    at = data.index(struct.pack("<HHI", 339, 3, 1)) + 8  # the format of the samples: a sign or not
    data[at : at + 2] = struct.pack("<H", 1)
    assert np.array_equal(read(bytes(data)).pixels[:, :, 0], codes)


def test_sixteen_bits_are_rounded_not_clipped():
    deep = np.arange(65536, dtype=np.uint16).reshape(256, 256)
    from_png = read(encoded(Image.fromarray(deep))).pixels[:, :, 0]
    assert np.array_equal(from_png, np.rint(deep / 257).astype(np.uint8))
    assert np.array_equal(read(deep).pixels[:, :, 0], from_png)


@pytest.mark.parametrize(("bits", "key"), [(1, 1), (2, 2), (4, 9), (8, 77), (16, 40_000)])
def test_a_grey_png_s_transparent_color_is_found_at_every_depth(bits, key):
    step = {1: b"\x40", 2: b"\x60", 4: b"\x19", 8: b"\x01\x4d", 16: struct.pack(">HH", 1, 40_000)}
    rows = b"\0" + step[bits]
    data = png(2, 1, bits, 0, rows, chunk(b"tRNS", struct.pack(">H", key)))
    for source in (data, Image.open(io.BytesIO(data))):
        assert read(source).pixels[0, :, 3].tolist() == [255, 0]


def test_of_an_animation_the_first_frame_is_read_and_it_says_so():
    frames = [Image.fromarray(exact(4)), Image.fromarray(exact(4)[::-1])]
    data = encoded(frames[0], "GIF", save_all=True, append_images=frames[1:])
    assert read(data).animated
    assert np.array_equal(read(data).pixels, exact(4))
    assert not read(encoded(flat())).animated


@settings(max_examples=30, deadline=None)
@given(hnp.arrays(np.float64, hnp.array_shapes(min_dims=2, max_dims=2), elements=st.floats(0, 1)))
def test_floats_from_0_to_1_are_scaled_to_bytes(samples):
    assert np.abs(read(samples).pixels[:, :, 0] - samples * 255).max() <= 0.5 + 1e-9


# --- reading: what is refused ------------------------------------------------------------------


def refused(source, words, **options):
    with pytest.raises(PictureError) as caught:
        read(source, **options)
    message = str(caught.value)
    assert words in message
    assert "\n" not in message
    assert "object at 0x" not in message
    return message


def test_what_is_no_picture_is_refused_in_one_line_that_names_it(tmp_path):
    def file(name, data):
        (tmp_path / name).write_bytes(data)
        return tmp_path / name

    good = encoded(photo())
    assert refused(tmp_path / "none.png", "no such file").startswith(str(tmp_path / "none.png"))
    refused(tmp_path, "is a directory")
    refused(file("empty.png", b""), "the file is empty")
    refused(file("text.png", b"Dear picture,\n"), "a text file")
    refused(file("utf8.png", "ein Bild, größer\n".encode() * 40), "a text file")
    refused(file("cut.png", good[: len(good) // 2]), "broken picture")
    refused(file("head.png", good[:8] + b"nothing else"), "a broken PNG")
    refused(file("noise.png", bytes(range(256))), "not a picture in a known format")
    refused(file("a.svg", b"<?xml version='1.0'?><svg/>"), "SVG")
    refused(file("a.heic", b"\0\0\0\x18ftypheic\0\0\0\0"), "HEIC")
    refused(file("a.eps", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n"), "PostScript")
    refused(file("new\nline.png", b""), "empty")
    refused("nul\0.png", "null byte")
    refused(b"what?", "the picture: a text file")
    refused(b"what?", "upload: a text file", name="upload")


@pytest.mark.skipif(not os.path.exists("/dev/zero"), reason="no /dev/zero here")
def test_an_endless_device_is_refused():
    refused("/dev/zero", "is a device")


def test_a_bomb_is_refused_before_it_is_decoded():
    bomb = png(65_536, 65_536, 1, 0, b"")
    refused(bomb, "4,295 megapixels are more than the limit of 300")
    text = chunk(b"zTXt", b"k\0\0" + zlib.compress(bytes(100_000_000)))
    assert "Decompressed" in refused(png(1, 1, 8, 0, b"\0\0", text), "broken picture")


def test_two_hundred_megapixels_are_within_the_limit():
    Image.MAX_IMAGE_PIXELS, before = 1000, Image.MAX_IMAGE_PIXELS
    try:
        assert (
            read(encoded(photo())).pixels.shape == photo().shape
        )  # Pillow's own limit is not ours
        assert Image.MAX_IMAGE_PIXELS == 1000  # and is left as it was
    finally:
        Image.MAX_IMAGE_PIXELS = before


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_a_damaged_file_gives_pixels_or_a_picture_error_and_no_warning(data):
    kind = data.draw(st.sampled_from(["PNG", "JPEG", "GIF", "BMP", "WEBP", "TIFF", "TGA", "PPM"]))
    damaged = bytearray(encoded(flat(32), kind))
    for _ in range(data.draw(st.integers(1, 6))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    del damaged[data.draw(st.integers(len(damaged) // 2, len(damaged))) :]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            picture = read(bytes(damaged))
        except PictureError as error:
            assert "\n" not in str(error)  # noqa: PT017
        else:
            assert picture.pixels.ndim == 3


@pytest.mark.parametrize(
    ("array", "words"),
    [
        (np.zeros((2, 2, 2), np.uint8), "must be (h, w)"),
        (np.zeros(5, np.uint8), "must be (h, w)"),
        (np.zeros((0, 4, 3), np.uint8), "no pixels"),
        (np.zeros((2, 2), np.int64), "must be uint8"),
        (np.full((2, 2), 1.5), "must be 0..1, not 1.5..1.5"),
        (np.full((2, 2), np.nan), "must be 0..1"),
    ],
)
def test_an_array_that_is_no_picture_is_refused_by_shape_or_value(array, words):
    refused(array, words)


def test_what_is_no_source_at_all_is_a_type_error():
    with pytest.raises(TypeError, match="not int"):
        read(7)
    with pytest.raises(TypeError, match="binary"):
        read(io.StringIO("text"))
