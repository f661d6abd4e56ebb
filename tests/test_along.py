"""What comes along: density by default, the rest when asked, nothing turned twice."""

import io
import struct
import subprocess
import sys
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, PngImagePlugin

import tinct
from painted import alpha, photo
from tinct.cli.main import main
from tinct.errors import TargetError
from tinct.picture.read import read

RGB = photo()[:48, :64]
XMP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><a tiff:Orientation="6"/></x:xmpmeta>'
FORMATS = ("png", "webp", "gif")


def encoded(kind="PNG", pixels=RGB, **options):
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, kind, **options)
    return stream.getvalue()


def opened(data):
    image = Image.open(io.BytesIO(data))
    image.load()
    return image


def with_chunk(data, name, body):
    """A PNG with one more chunk behind its header."""
    crc = struct.pack(">I", zlib.crc32(name + body))
    return data[:33] + struct.pack(">I", len(body)) + name + body + crc + data[33:]


def density(data):
    """Pixels per inch of a result: a PNG's, or those in a WebP's EXIF."""
    image = opened(data)
    tags = image.getexif()
    if 282 in tags:
        per = {2: 1, 3: 2.54}[tags[296]]
        return round(float(tags[282]) * per, 1), round(float(tags[283]) * per, 1)
    dpi = image.info.get("dpi")
    return dpi and (round(dpi[0], 1), round(dpi[1], 1))


def exif(**more):
    tags = Image.Exif()
    tags[271] = "A maker"
    for tag, value in more.items():
        tags[int(tag[1:])] = value
    return tags


# --- density -------------------------------------------------------------------------------------

SOURCES = [("PNG", {}), ("JPEG", {}), ("TIFF", {}), ("BMP", {}), ("TIFF", {"resolution_unit": 3})]


@pytest.mark.parametrize(("kind", "options"), SOURCES)
@pytest.mark.parametrize("format", ["png", "webp"])
def test_a_144_dpi_screenshot_stays_one(kind, options, format):
    per = 2.54 if options else 1
    how = {"dpi": (144, 144)} | (
        {"x_resolution": 144 / per, "y_resolution": 144 / per} | options if options else {}
    )
    data = encoded(kind, **how)
    assert density(tinct.compress(data, format=format).data) == (144, 144)
    assert density(tinct.compress(data, format=format, metadata="none").data) is None


def test_a_density_in_exif_alone_counts_and_turns_with_the_picture():
    data = encoded("JPEG", exif=exif(_282=300.0, _283=150.0, _296=2, _274=6))
    assert read(data).pixels.shape == (64, 48, 3)
    assert density(tinct.compress(data).data) == (150, 300)
    data = encoded("TIFF", dpi=(300, 150), tiffinfo={274: 6})
    assert density(tinct.compress(data).data) == (150, 300)


def test_a_ratio_is_a_ratio():
    data = with_chunk(encoded(), b"pHYs", struct.pack(">IIB", 4, 3, 0))
    small = tinct.compress(data)
    assert opened(small.data).info["aspect"] == (4, 3)
    assert tinct.compress(data, format="webp").data == tinct.compress(RGB, format="webp").data


@settings(max_examples=40, deadline=None)
@given(st.binary(max_size=30))
def test_a_broken_density_is_none(body):
    data = with_chunk(encoded(), b"pHYs", body)
    sound = len(body) == 9 and all(0 < side < 1 << 31 for side in struct.unpack(">II", body[:8]))
    try:
        found = read(data).along.density
    except tinct.PictureError:  # Pillow insists on some length
        return
    assert found == (struct.unpack(">IIB", body) if sound else None)


def test_nothing_comes_from_a_file_that_says_nothing():
    for format in FORMATS:
        one = tinct.compress(encoded(), format=format).data
        assert one == tinct.compress(RGB, format=format).data
        assert (
            one == tinct.compress(encoded("PNG", dpi=(1, 1)), format=format, metadata="none").data
        )


def test_the_short_way_keeps_the_density_to_the_byte(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.png").write_bytes(encoded(dpi=(144, 72)))
    asked = [sys.executable, "-m", "tinct", "compress", "a.png", "-q"]
    subprocess.run([*asked, "-o", "short.png"], check=True)
    assert main(["compress", "a.png", "-q", "-o", "whole.png"]) == 0
    short = (tmp_path / "short.png").read_bytes()
    assert short == (tmp_path / "whole.png").read_bytes()
    assert density(short) == (144, 72)


@pytest.mark.parametrize("format", FORMATS)
def test_a_size_that_is_asked_for_holds_what_comes_along(format):
    data = encoded(pixels=RGB[:24, :24], dpi=(300, 300), pnginfo=texts(Comment="x" * 99))
    small = tinct.compress(data, max_bytes=500, format=format, metadata="all")
    assert len(small.data) == small.report.bytes_out <= 500
    with pytest.raises(TargetError):
        tinct.compress(data, max_bytes=60, format=format, level=0, metadata="all")


# --- the rest ------------------------------------------------------------------------------------


def texts(**words):
    info = PngImagePlugin.PngInfo()
    for key, value in words.items():
        info.add_text(key, value)
    return info


@pytest.mark.parametrize("format", ["png", "webp"])
@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "TIFF", "AVIF"])
def test_exif_and_xmp_are_kept_when_asked_and_say_upright(kind, format):
    if kind == "TIFF":
        data = encoded(kind, tiffinfo={271: "A maker", 274: 6, 700: XMP})
    elif kind == "PNG":
        data = with_chunk(encoded(), b"eXIf", exif(_274=6).tobytes()[6:])
        data = with_chunk(data, b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + XMP)
    else:
        data = encoded(kind, exif=exif(_274=6), xmp=XMP)
    small = tinct.compress(data, format=format, metadata="all")
    image = opened(small.data)
    assert image.size == (48, 64)
    assert image.getexif()[271] == "A maker"
    assert image.getexif().get(274, 1) == 1
    told = image.info["xmp"]
    told = told.encode() if isinstance(told, str) else told
    wanted = (
        XMP.replace(b"6", b"1") if kind != "TIFF" else XMP.replace(b' tiff:Orientation="6"', b"")
    )
    assert told.replace(b"<a />", b"<a/>") == wanted
    assert np.array_equal(read(small.data).pixels, small.image)
    bare = opened(tinct.compress(data, format=format).data)
    assert not {271, 274} & set(bare.getexif())
    assert "xmp" not in bare.info


def test_texts_and_times_are_kept_when_asked():
    data = encoded(pnginfo=texts(Title="Mühle", Author="é" * 300))
    data = with_chunk(data, b"tIME", struct.pack(">H5B", 2024, 2, 29, 12, 30, 1))
    data = with_chunk(data, b"tEXt", b"Raw profile type exif\0\nexif\n0\n")
    small = tinct.compress(data, metadata="all").data
    assert opened(small).text == {"Title": "Mühle", "Author": "é" * 300}
    assert b"tIME\x07\xe8\x02\x1d" in small
    assert not opened(tinct.compress(data).data).text


def test_comments_travel_between_formats():
    said = "a comment of more than 255 bytes " * 9
    for data in (encoded("JPEG", comment=said), encoded("GIF", comment=said.encode())):
        found = tinct.compress(data, metadata="all", format="gif").data
        assert opened(found).info["comment"] == said.encode()
        assert opened(tinct.compress(data, metadata="all").data).text == {"Comment": said}


def test_what_would_be_wrong_of_few_colors_is_dropped():
    data = encoded()
    for name, body in ((b"sBIT", b"\5\6\5"), (b"bKGD", bytes(6)), (b"hIST", bytes(512))):
        data = with_chunk(data, name, body)
    assert tinct.compress(data, metadata="all").data == tinct.compress(RGB).data


@pytest.mark.parametrize("pixels", [RGB, alpha()], ids=["opaque", "alpha"])
@pytest.mark.parametrize("format", FORMATS)
def test_no_pixel_changes_with_what_comes_along(pixels, format):
    data = encoded("WEBP", pixels, exif=exif(), xmp=XMP, lossless=True, exact=True)
    one, other = (tinct.compress(data, 16, format=format, metadata=m) for m in ("all", "none"))
    assert np.array_equal(read(one.data).pixels, read(other.data).pixels)
    assert Image.open(io.BytesIO(one.data)).mode == Image.open(io.BytesIO(other.data)).mode


@settings(max_examples=15, deadline=None)
@given(st.binary(max_size=80))
def test_broken_exif_is_no_reason_to_fail(body):
    for head in (b"II*\0\x08\0\0\0", b"MM\0*\0\0\0\x08", b""):
        data = with_chunk(encoded(pixels=RGB[:4, :4]), b"eXIf", head + body)
        assert tinct.compress(data, metadata="all").image.size


def test_the_command_says_which(tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.jpg").write_bytes(encoded("JPEG", dpi=(144, 144), comment="hello", quality=100))
    for words, wanted in (([], 144), (["--keep-metadata"], 144), (["--strip"], None)):
        assert main(["compress", "a.jpg", "--force", *words]) == 0
        image = opened((tmp_path / "a-tinct.png").read_bytes())
        assert round(image.info.get("dpi", (0,))[0]) == (wanted or 0)
        assert image.text == ({"Comment": "hello"} if "--keep-metadata" in words else {})
    assert main(["compress", "a.jpg", "--strip", "--keep-metadata"]) == 2
    assert "--keep-metadata and --strip exclude each other" in capfd.readouterr().err
    with pytest.raises(ValueError, match="metadata must be density or all or none, not 'some'"):
        tinct.compress(RGB, metadata="some")
