"""Palettes as things: given, reserved, shared by many pictures, read from files and written."""

import io
import itertools
import struct
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

import tinct
from tinct.palette import files
from tinct.palette.given import given_palette
from tinct.palette.named import NAMED

RNG = np.random.default_rng(0)
Y, X = np.mgrid[:48, :64]
PHOTO = np.clip(
    np.stack([3 * X, 4 * Y, 2 * X + Y], 2) + RNG.normal(0, 9, (48, 64, 3)), 0, 255
).astype(np.uint8)
FLAT = np.repeat(np.repeat(RNG.integers(0, 256, (6, 8, 3), np.uint8), 8, 0), 8, 1)
CLEAR = np.dstack([FLAT, np.where(X < 32, 255, 0).astype(np.uint8)])
PICTURES = {"photo": PHOTO, "flat": FLAT, "clear": CLEAR}


def opened(data):
    """The pixels of a file as Pillow reads them: (h, w, 4), full transparency as 0."""
    pixels = np.asarray(Image.open(io.BytesIO(data)).convert("RGBA"))
    return np.where(pixels[:, :, 3:] == 0, 0, pixels)


def as_set(colors):
    return {tuple(color) for color in np.asarray(colors).reshape(-1, np.shape(colors)[-1]).tolist()}


# --- drawing with them --------------------------------------------------------------------------


@pytest.mark.parametrize("name", PICTURES)
@pytest.mark.parametrize("format", ["png", "gif", "webp"])
@pytest.mark.parametrize("how", [{}, {"dither": 0.0}, {"lossy": 0.5}, {"max_bytes": 900}])
def test_every_pixel_of_the_file_has_a_color_of_the_palette(name, format, how):
    palette = given_palette("palette", "terminal16")
    small = tinct.compress(PICTURES[name], palette=palette, format=format, **how)
    assert as_set(opened(small.data)) <= as_set(palette.rgba) | {(0, 0, 0, 0)}


@pytest.mark.parametrize("name", PICTURES)
@pytest.mark.parametrize("how", [{}, {"dither": 0.0}, {"lossy": 0.5}, {"effort": 3}])
def test_a_reserved_color_is_in_the_file_and_draws_the_pixels_of_just_that_color(name, how):
    pixels = PICTURES[name].copy()
    pixels[20:23, 5:9, :3] = 255, 0, 254
    small = tinct.compress(pixels, 6, reserve="#ff00fe,#00ff01", **how)
    image = Image.open(io.BytesIO(small.data))
    listed = as_set(np.reshape(image.getpalette(), (-1, 3)))
    same = (pixels[:, :, :3] == (255, 0, 254)).all(2)
    assert image.mode == "P"
    assert {(255, 0, 254), (0, 255, 1)} <= listed
    assert len(small.palette) <= 6
    assert as_set(opened(small.data)[same]) == {(255, 0, 254, 255)}


@pytest.mark.parametrize("name", PICTURES)
@pytest.mark.parametrize("how", [{"level": 6}, {"effort": 5}, {"format": "gif"}, {"lossy": 0.5}])
def test_a_palette_whose_order_is_kept_is_the_files_palette(name, how):
    given = np.array([[0, 0, 0, 0], [9, 9, 9, 255], [250, 250, 250, 255], [9, 9, 9, 255]], np.uint8)
    small = tinct.compress(PICTURES[name], palette=given, keep_order=True, **how)
    image = Image.open(io.BytesIO(small.data))
    np.testing.assert_array_equal(np.reshape(image.getpalette(), (-1, 3))[:4], given[:, :3])
    painted = np.asarray(given[np.asarray(image)])
    np.testing.assert_array_equal(painted, opened(small.data))


@pytest.mark.parametrize("palette", ["bw", "terminal16", "web216"])
def test_fills_that_a_given_palette_lacks_are_mixed_from_what_it_has(palette):
    gray = np.full((64, 64, 3), 255, np.uint8)
    gray[8:56, 8:56] = 70

    def light(image):
        return ((image[12:52, 12:52, :3] / 255.0) ** 2.2).mean()

    drawn = tinct.compress(gray, palette=palette).image
    nearest = tinct.compress(gray, palette=palette, dither=0.0).image
    assert abs(light(drawn) - light(gray)) < 0.25 * abs(light(nearest) - light(gray))


@pytest.mark.parametrize("name", PICTURES)
def test_threads_change_no_bit_of_given_palettes(name):
    for how in ({"palette": "gameboy"}, {"reserve": "f0f"}):
        one, two = (tinct.compress(PICTURES[name], threads=n, **how).data for n in (1, 2))
        assert one == two


def test_a_search_with_a_given_palette_finds_what_loss_alone_can():
    small = tinct.compress(PHOTO, palette="web216", quality=20)
    assert small.report.ssimulacra2 >= 20
    assert len(small.data) <= len(tinct.compress(PHOTO, palette="web216").data)


def test_colors_beside_reserved_ones_err_no_more_than_without_them():
    counted = tinct.histogram(PHOTO)
    four = tinct.palette(counted, 4).colors

    def error(colors):
        away = counted.points[:, None] - tinct.srgb_to_oklab(colors)[None]
        return float((counted.weights * (away**2).sum(2).min(1)).sum())

    beside = tinct.compress(PHOTO, 8, reserve=four, dither=0.0).palette
    assert as_set(four) <= as_set(beside)
    assert error(beside) < 0.7 * error(four)


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ({"palette": "bw", "colors": 2}, "palette and colors exclude each other"),
        ({"palette": "bw", "reserve": "fff"}, "palette and reserve exclude each other"),
        ({"palette": "#12"}, "palette must be #rgb, #rrggbb or #rrggbbaa, not #12"),
        ({"palette": "no-such"}, "palette must be hex colors, a file or one of bw, .*not no-such"),
        ({"palette": []}, "palette must be a uint8 array"),
        ({"palette": np.zeros((300, 3), np.uint8)}, "palette must hold 1..256 colors, not 300"),
        ({"palette": "#0000"}, "palette must hold a color that can be seen"),
        ({"palette": "#ff00ff80", "format": "gif"}, "opaque or fully transparent in a gif"),
        ({"reserve": "fff,000,f00", "colors": 2}, r"reserve must hold 1..2 colors, not 3"),
        ({"keep_order": True}, "keep_order needs a palette"),
        ({"palette": "bw", "keep_order": True, "format": "webp"}, "keep_order needs png or gif"),
    ],
)
def test_what_cannot_be_held_is_refused_by_name(how, words):
    with pytest.raises((TypeError, ValueError), match=words):
        tinct.compress(PHOTO, **how)


def test_a_full_palette_without_transparency_is_refused_where_pixels_need_it():
    full = np.repeat(np.arange(256, dtype=np.uint8)[:, None], 3, 1)
    with pytest.raises(tinct.PaletteError, match="must leave one of 256 colors"):
        tinct.compress(CLEAR, palette=full)


# --- many pictures ------------------------------------------------------------------------------


def test_merged_histograms_are_the_histogram_of_all_pixels():
    merged = tinct.merge_histograms(map(tinct.histogram, (PHOTO, FLAT)))
    whole = tinct.histogram(np.concatenate([PHOTO, FLAT]))
    np.testing.assert_array_equal(merged.colors, whole.colors)
    np.testing.assert_array_equal(merged.weights, whole.weights)
    np.testing.assert_array_equal(merged.points, whole.points)


@pytest.mark.parametrize("each", ["pixel", "picture"])
def test_the_order_of_pictures_changes_no_bit(each, monkeypatch):
    counted = [tinct.histogram(part) for part in (PHOTO[:7], FLAT, PHOTO[9:], CLEAR)]
    one = tinct.palette(tinct.merge_histograms(counted, each), 16)
    monkeypatch.setattr(sys.modules["tinct.palette.merge"], "PENDING", 100)
    two = tinct.palette(tinct.merge_histograms(counted[::-1], each), 16)
    np.testing.assert_array_equal(one.colors, two.colors)
    np.testing.assert_array_equal(one.shares, two.shares)


def test_each_picture_counts_alike_however_large():
    large, small = np.zeros((90, 90, 3), np.uint8), np.full((3, 3, 3), 255, np.uint8)
    merged = tinct.merge_histograms(map(tinct.histogram, (large, small)), "picture")
    assert merged.weights.tolist() == [1.0, 1.0]


# --- files --------------------------------------------------------------------------------------

LETTERS = st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), max_size=9)
BYTE = st.integers(0, 255)
OPAQUE = st.tuples(BYTE, BYTE, BYTE, st.just(255))
ALPHA = st.tuples(BYTE, BYTE, BYTE, BYTE)
NAMELESS = ("act", "riff", "pal", "hex", "png")


@pytest.mark.parametrize("format", files.FORMATS)
@given(data=st.data())
@settings(max_examples=25, deadline=None)
def test_a_palette_comes_back_from_its_file(format, data):
    rows = OPAQUE if format in ("ase", "aco", "act", "riff") else ALPHA
    colors = data.draw(st.lists(rows, min_size=1, max_size=40, unique=True))
    if format == "png":
        colors = list(dict.fromkeys(c if c[3] else (0, 0, 0, 0) for c in colors))
    name = st.just("") if format in NAMELESS else LETTERS.filter(lambda n: n != "Untitled")
    names = data.draw(st.lists(name, min_size=1, max_size=6))
    entries = list(zip(colors, itertools.cycle(names)))
    written = files.encode(entries, format)
    if format == "png":
        assert given_palette("palette", tinct.read(written)).rgba.tolist() == [*map(list, colors)]
    else:
        if format == "css":  # which has a word for each color anyway
            entries = [(color, name.replace("*/", "* /")) for color, name in entries]
        read = files.decode(written, files.format_of(written, format), "it")
        assert [color for color, _ in read] == [color for color, _ in entries]
        assert format == "css" or read == entries
        assert files.encode(read, format) == written


@pytest.mark.parametrize("text", ["5", "null", "[null]", '{"a": [1]}', "[[1]]", '[{"hex": 5}]'])
def test_json_of_another_shape_is_no_palette(text):
    with pytest.raises(tinct.PaletteError, match="no JSON palette: a color must be text"):
        files.decode(text.encode(), "json", "it")


@pytest.mark.parametrize("format", sorted(set(files.FORMATS) - {"png"}))
def test_a_broken_palette_file_is_read_as_far_as_it_goes_or_refused_in_one_line(format):
    whole = files.encode([((i, 2, 3, 255), f"color {i}") for i in range(5)], format)
    for end in range(len(whole)):
        noise = whole[:end] + bytes(RNG.integers(0, 256, 9, np.uint8))
        for data in (whole[:end], noise):
            said = "it: "
            try:
                assert files.decode(data, format, "it")
            except tinct.PaletteError as error:
                said = str(error)
            assert said.startswith("it: ")
            assert "\n" not in said


def ase_of(model, *numbers):
    """A file as Adobe's programs write it: a group around a color with a name."""
    name = struct.pack(">H", 4) + "Ink\0".encode("utf-16-be")
    color = name + model + struct.pack(f">{len(numbers)}fH", *numbers, 2)
    blocks = [(0xC001, name), (1, color), (0xC002, b"")]
    packed = [struct.pack(">HI", kind, len(body)) + body for kind, body in blocks]
    return b"ASEF\0\1\0\0\0\0\0\3" + b"".join(packed)


def aco_of(space, *parts):
    color = struct.pack(">5H", space, *parts)
    name = struct.pack(">I", 4) + "Ink\0".encode("utf-16-be")
    return b"\0\1\0\1" + color + b"\0\2\0\1" + color + name


@pytest.mark.parametrize(
    ("ending", "data", "colors", "name"),
    [
        ("ase", ase_of(b"RGB ", 1.0, 0.5, 0.0), "#ff8000", "Ink"),
        ("ase", ase_of(b"CMYK", 0.0, 0.5, 1.0, 0.5), "#804000", "Ink"),
        ("ase", ase_of(b"Gray", 0.2), "#333333", "Ink"),
        ("ase", ase_of(b"RGB ", float("inf"), 0.5, float("-inf")), "#ff8000", "Ink"),
        ("ase", ase_of(b"LAB ", 0.5019608, 30.0, -20.0), "#9d649a", "Ink"),  # as littleCMS has it
        ("aco", aco_of(0, 65535, 0x8080, 0, 0), "#ff8000", "Ink"),
        ("aco", aco_of(0, 65535, 0x8080, 0, 0)[:14], "#ff8000", ""),
        ("aco", aco_of(1, 21845, 65535, 65535, 0), "#00ff00", "Ink"),
        ("aco", aco_of(2, 65535, 0, 65535, 65535), "#ff00ff", "Ink"),
        ("aco", aco_of(7, 7843, 0xF830, 4000, 0), "#b0cc75", "Ink"),  # L 78.43, a -20, b 40
        ("aco", aco_of(8, 2000, 0, 0, 0), "#333333", "Ink"),
        ("act", bytes([255, 128, 0]).ljust(768, b"\0") + b"\0\1\xff\xff", "#ff8000", ""),
        ("act", bytes(768)[3:] + b"\1\2\3" + b"\0\2\0\0", "#00000000,#000", ""),
        ("pal", b"RIFF\x14\0\0\0PAL data\x08\0\0\0\0\3\1\0\xff\x80\0\0", "#ff8000", ""),
        ("pal", b"JASC-PAL\r\n0100\r\n2\r\n255 128 0\r\n1 2 3\r\n", "#ff8000,#010203", ""),
        ("gpl", b"GIMP Palette\nName: X\nColumns: 4\n# x\n255 128   0\tInk\n", "#ff8000", "Ink"),
        ("gpl", b"GIMP Palette\n#\n255 128 0\n", "#ff8000", ""),
        ("css", b"a { color: #f80; } :root { --ink: #FF8000; }", "#ff8800,#ff8000", ""),
        ("json", b'{"Ink": "#ff8000"}', "#ff8000", "Ink"),
        ("json", b'["#ff8000", "000"]', "#ff8000,#000", ""),
        ("hex", b"; paint.net\n#ff8000\n010203\n", "#ff8000,#010203", ""),
    ],
)
def test_files_as_they_are_published_are_read(ending, data, colors, name, tmp_path):
    path = tmp_path / f"it.{ending}"
    path.write_bytes(data)
    read = tinct.Palette.read(path)
    wanted = given_palette("palette", colors)
    assert (read.rgba.tolist(), [*read.names][:1]) == (
        wanted.rgba.tolist(),
        [name] if name else [*read.names][:1],
    )


def test_a_palette_is_written_once_and_by_its_name(tmp_path):
    brand = tinct.Palette(np.array([[1, 2, 3], [4, 5, 6]], np.uint8), names=["a", "b"])
    brand.save(tmp_path / "it.gpl")
    again = tinct.Palette.read(tmp_path / "it.gpl")
    assert (again.hex, again.names) == (brand.hex, brand.names)
    with pytest.raises(FileExistsError):
        brand.save(tmp_path / "it.gpl")
    with pytest.raises(tinct.PaletteError, match=r"format must be gpl, .* not xyz"):
        brand.save(tmp_path / "it.xyz")


def test_half_transparent_colors_are_refused_where_no_alpha_is():
    soft = given_palette("palette", "#ff000080")
    for format in ("ase", "aco", "act", "riff"):
        with pytest.raises(tinct.PaletteError, match=f"{format} has no alpha for #ff000080"):
            soft.to_bytes(format)


def test_named_palettes_have_the_colors_that_their_names_say():
    sizes = {name: len(given_palette("palette", name)) for name in NAMED}
    assert sizes == {"bw": 2, "gray4": 4, "eink7": 7, "gameboy": 4, "terminal16": 16, "web216": 216}
