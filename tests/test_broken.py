"""Broken and hostile files: refused in one line, in little time; what is there can be salvaged."""

import io
import struct
import subprocess
import sys
import time
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import tinct
from tinct.errors import PictureError
from tinct.picture.film import Film
from tinct.picture.read import FORMATS, read

CONFORMANCE = Path(__file__).parents[2] / "shared" / "data" / "conformance"
NOISE = np.random.default_rng(0).integers(60, 256, (64, 48, 3)).astype(np.uint8)


def chunk(name, data):
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png(raw, width=48, height=64, kind=2, interlaced=0, parts=1):
    """A PNG of these rows, however many they are."""
    packed = zlib.compress(raw)
    step = -(-len(packed) // parts)
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, kind, 0, 0, interlaced))
    body = [chunk(b"IDAT", packed[at : at + step]) for at in range(0, len(packed), step)]
    return b"\x89PNG\r\n\x1a\n" + head + b"".join(body) + chunk(b"IEND", b"")


def rows(count):
    return b"".join(b"\0" + row.tobytes() for row in NOISE[:count])


def encoded(kind, **options):
    stream = io.BytesIO()
    Image.fromarray(NOISE).save(stream, kind, **options)
    return stream.getvalue()


def ico(data):
    return struct.pack("<3H4B2H2I", 0, 1, 1, 48, 64, 0, 0, 1, 24, len(data), 22) + data


def icns(data):
    entry = b"ic07" + struct.pack(">I", 8 + len(data)) + data
    return b"icns" + struct.pack(">I", 8 + len(entry)) + entry


def tiff(height, per_strip=64):
    """A grey TIFF of one strip, which claims so many rows."""
    tags = [(256, 48), (257, height), (258, 8), (259, 1), (262, 1), (273, 8), (277, 1)]
    tags += [(278, per_strip), (279, 48 * per_strip)]
    strip = NOISE[:per_strip, :, 0].tobytes().ljust(48 * 64, b"\0")
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags)
    place = struct.pack("<I", 8 + len(strip))
    return b"II*\0" + place + strip + struct.pack("<H", len(tags)) + entries + bytes(4)


# --- files that end too early -------------------------------------------------------------------


@pytest.mark.parametrize("held", [1, 20, 63])
@pytest.mark.parametrize("parts", [1, 3])
def test_a_stream_that_ends_before_the_last_row_is_refused(held, parts):
    with pytest.raises(PictureError, match=f"cut short: it holds {held} of 64 rows"):
        read(png(rows(held), parts=parts))
    assert np.array_equal(read(png(rows(64), parts=parts)).pixels, NOISE)


@pytest.mark.parametrize("wrapped", [ico, icns, lambda data: data])
def test_so_is_one_within_an_icon_or_interlaced(wrapped):
    with pytest.raises(PictureError, match="cut short"):
        read(wrapped(png(rows(20))))
    with pytest.raises(PictureError, match="cut short"):
        read(wrapped(png(rows(20), interlaced=1)))


@pytest.mark.parametrize("width", [1, 2, 3, 5, 8, 9, 17])
@pytest.mark.parametrize("height", [1, 2, 4, 5, 9])
def test_an_interlaced_picture_of_any_size_is_whole(width, height):
    stream = io.BytesIO()
    pixels = NOISE[:height, :width]
    Image.fromarray(pixels).save(stream, "PNG")
    columns = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4)]
    columns += [(0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]
    passes = (pixels[y::down, x::across] for x, y, across, down in columns)
    raw = b"".join(b"\0" + row.tobytes() for part in passes if part.size for row in part)
    assert np.array_equal(read(png(raw, width, height, interlaced=1)).pixels, pixels)
    with pytest.raises(PictureError):
        read(png(raw[:-1], width, height, interlaced=1))


CASES = [("PNG", {}), ("BMP", {}), ("PPM", {}), ("TGA", {}), ("TGA", {"compression": "tga_rle"})]
CASES += [("PCX", {}), ("SGI", {}), ("QOI", {}), ("JPEG", {}), ("JPEG", {"progressive": True})]
CASES += [("GIF", {}), ("WEBP", {}), ("WEBP", {"lossless": True}), ("JPEG2000", {}), ("DIB", {})]
CASES += [("TIFF", {"compression": how}) for how in ("raw", "tiff_lzw", "tiff_adobe_deflate")]


@pytest.mark.parametrize(("kind", "options"), CASES)
def test_half_a_file_of_any_format_is_refused_in_one_line(kind, options, capfd):
    data = encoded(kind, **options)
    with pytest.raises(PictureError) as error:
        read(data[: len(data) // 2], name="half")
    assert str(error.value).startswith("half: ")
    assert "\n" not in str(error.value)
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "TGA"])
def test_what_is_there_can_be_salvaged(kind):
    data = encoded(kind, **({"quality": 95, "subsampling": 0} if kind == "JPEG" else {}))
    whole = read(data)
    assert whole.flaw is None
    half = read(data[: len(data) * 3 // 4], allow_truncated=True)
    assert half.flaw
    top = slice(-16, None) if kind == "TGA" else slice(0, 16)  # stored from below
    assert np.array_equal(half.pixels[top, :, :3], whole.pixels[top])


def test_nothing_is_salvaged_where_nothing_is():
    for data in (b"", b"text", png(rows(1)[:-1]), encoded("JPEG")[:40]):
        with pytest.raises(PictureError):
            read(data, allow_truncated=True)
    held = read(png(rows(20)), allow_truncated=True)
    assert held.flaw == "the picture: cut short: it holds 20 of 64 rows"
    assert np.array_equal(held.pixels[:20], NOISE[:20])
    assert not held.pixels[20:].any()


def test_strips_that_are_not_there_are_not_black():
    assert read(tiff(64)).pixels.shape == (64, 48, 3)
    with pytest.raises(PictureError, match="cut short: it holds 1 of 3 strips or tiles"):
        read(tiff(150))


# --- files that claim too much -------------------------------------------------------------------


def bombs():
    zeros = bytes(1 << 16)
    yield "88 bytes", png(b"\0" * 9, 3, 67_108_864, 0)
    yield "stored rows", png(np.random.default_rng(0).bytes(1 << 18), 10_000, 29_000, 0)
    yield "many rows", png(zeros, 10_000, 30_000, 2)
    yield "too large", png(zeros, 60_000, 60_000, 2)
    yield "in an icon", ico(png(zeros, 16_000, 16_000, 2))
    small = encoded("GIF")
    yield "GIF", small[:6] + struct.pack("<HH", 17_000, 17_000) + small[10:]
    small = bytearray(encoded("GIF", save_all=True, append_images=[Image.new("L", (48, 64))]))
    at = small.rindex(struct.pack("<3H", 0, 48, 64))
    small[at + 2 : at + 6] = struct.pack("<2H", 17_000, 17_000)
    yield "GIF frame", bytes(small)
    small = bytearray(encoded("WEBP", save_all=True, append_images=[Image.new("RGB", (48, 64))]))
    small[26:30] = struct.pack("<I", 63 << 24 | 0x3FFFFF)  # four million pixels wide
    yield "WebP canvas", bytes(small)
    frame = bytearray(encoded("WEBP", save_all=True, append_images=[Image.new("RGB", (48, 64))]))
    frame[24:30] = frame[58:64] = struct.pack("<IH", 63 << 24 | 0x3FFFFF, 0)  # and its frame
    yield "WebP frame", bytes(frame)
    lossy = bytearray(encoded("WEBP"))
    lossy[26:30] = struct.pack("<HH", 16_000, 16_000)
    yield "WebP lossy", bytes(lossy)
    small = encoded("JPEG")
    at = small.index(b"\xff\xc0") + 5
    yield "JPEG", small[:at] + struct.pack(">HH", 17_000, 17_000) + small[at + 4 :]
    yield "TIFF", tiff(6_000_000)
    head = struct.pack("<IiiHHI", 40, 16_000, 16_000, 1, 32, 3) + bytes(20)
    runs = struct.pack("<IiiHHI", 40, 16_000, 16_000, 1, 8, 1) + bytes(20 + 1024)
    yield "BMP runs", b"BM" + bytes(8) + struct.pack("<I", 1078) + runs + b"\0\0" * 99
    masks = struct.pack("<3I", 0x3FF00000, 0xFFC00, 0x3FF)
    yield "BMP", b"BM" + bytes(8) + struct.pack("<I", 66) + head + masks + bytes(999)


REFUSING = """
import sys, time
from PIL import Image
from tinct.errors import PictureError
from tinct.picture.read import read
Image.init()
for path in sys.argv[1:]:
    start = time.process_time()
    try:
        read(path)
    except PictureError as error:
        print(time.process_time() - start, error)
# The peak of getrusage begins with that of the process that this one was forked from.
print(next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")))
"""


def test_bombs_are_refused_soon_and_without_memory(tmp_path):
    made = dict(bombs())
    for name, data in made.items():
        (tmp_path / name).write_bytes(data)
    asked = [sys.executable, "-c", REFUSING, *sorted(made)]
    run = subprocess.run(asked, capture_output=True, text=True, check=True, cwd=tmp_path)
    *told, memory = run.stdout.splitlines()
    assert run.stderr == ""
    assert len(told) == len(made)
    for name, line in zip(sorted(made), told, strict=True):
        seconds, said = line.split(" ", 1)
        assert said.startswith(f"{name}: ")
        assert "memory" not in said
        assert float(seconds) < 1, line
    assert int(memory) < 300 << 10  # kilobytes


def second_frame_at(*place):
    """A GIF of 9 x 8 pixels whose second frame begins there, and has these sides if they follow."""
    frames = [Image.fromarray(np.full((8, 9), shade, np.uint8)) for shade in (0, 99, 200)]
    stream = io.BytesIO()
    frames[0].save(stream, "GIF", save_all=True, append_images=frames[1:], optimize=False)
    data = bytearray(stream.getvalue())
    at = data.index(struct.pack("<4H", 0, 0, 9, 8), 200)  # where the first frame lies
    at = data.index(struct.pack("<4H", 0, 0, 9, 8), at + 1)
    data[at : at + 2 * len(place)] = struct.pack(f"<{len(place)}H", *place)
    return bytes(data)


def test_a_frame_far_beyond_a_gifs_screen_is_refused_before_its_pixels_are_made():
    with pytest.raises(PictureError) as refused:
        tinct.compress(second_frame_at(9000, 9000), format="gif")
    told = "the animation: frame 2 needs 9009x9008 pixels, its screen has 9x8"
    assert str(refused.value) == told


def test_a_frame_beyond_a_gifs_screen_is_cut_to_it():
    small = tinct.compress(second_frame_at(3, 2), format="gif")
    seen = [np.asarray(frame.pixels) for frame in Film(small.data).frames()]
    assert len(seen) == 3
    assert {frame.shape for frame in seen} == {(8, 9, 4)}
    assert (seen[1][2:, 3:, 0] == 99).all()


def test_the_limit_of_pixels_can_be_said():
    with pytest.raises(PictureError, match="3,072 pixels are more than the limit of 3,071"):
        read(png(rows(64)), max_pixels=3071)
    for kind in ("PNG", "JPEG", "BMP", "WEBP", "TIFF"):
        assert read(encoded(kind), max_pixels=3072).pixels.shape == (64, 48, 3)
        with pytest.raises(PictureError, match="more than the limit of 3,071"):
            read(encoded(kind), max_pixels=3071)
    with pytest.raises(ValueError, match="max_pixels must be 1 or more, not 0"):
        read(png(rows(64)), max_pixels=0)


# --- libraries that speak ------------------------------------------------------------------------


def test_libraries_say_nothing_on_stderr(capfd):
    data = bytearray(encoded("TIFF", compression="jpeg"))
    with pytest.raises(PictureError):
        read(bytes(data[:-1]).replace(b"\xff\xda", b"\xff\xff"))
    data = encoded("TIFF", compression="tiff_lzw")
    read(data.replace(b"\x15\x01\x03\0\x01\0\0\0\x03", b"\x15\x01\x03\0\x01\0\0\0\x03"))
    with pytest.raises(PictureError):
        read(data[:8] + b"\xff" * 64 + data[72:])
    assert capfd.readouterr() == ("", "")


# --- BMPs that Pillow doesn't know ---------------------------------------------------------------


def bmp(pixels, bits, masks, *, compression=3, head=40, colors=0):
    """A BMP by the book, from below, its rows padded."""
    height, width = pixels.shape
    stride = -(-width * bits // 32) * 4
    body = b"".join(row.tobytes().ljust(stride, b"\0") for row in pixels[::-1])
    info = struct.pack("<IiiHHI5I", head, width, height, 1, bits, compression, 0, 0, 0, colors, 0)
    masks = struct.pack(f"<{len(masks)}I", *masks).ljust(head - 40, b"\0")
    start = 14 + len(info) + len(masks)
    return b"BM" + struct.pack("<IHHI", 0, 0, 0, start) + info + masks + body


@pytest.mark.parametrize(
    ("bits", "masks"),
    [
        (16, (0x0060, 0x001C, 0x0001)),
        (16, (0xF000, 0x0F00, 0x00F0)),
        (32, (0x3FF00000, 0x000FFC00, 0x000003FF)),
        (32, (0xFF, 0xFF0000, 0xFF00)),
        (32, (0xE0000000, 0x1FFFFF00, 0x7)),
    ],
)
def test_bit_fields_of_any_layout_are_read(bits, masks):
    stored = np.random.default_rng(bits).integers(0, 1 << bits, (5, 7), f"u{bits // 8}")
    wanted = np.zeros((5, 7, 3), int)
    for y, x, c in np.ndindex(5, 7, 3):
        low = (masks[c] & -masks[c]).bit_length() - 1
        value, top = (int(stored[y, x]) & masks[c]) >> low, masks[c] >> low
        wanted[y, x, c] = (value * 510 + top) // (2 * top)
    assert np.array_equal(read(bmp(stored, bits, masks)).pixels, wanted)
    with pytest.raises(PictureError, match="cut short"):
        read(bmp(stored, bits, masks)[:-1])


def test_a_bmp_with_a_mask_for_alpha_has_alpha():
    stored = np.array([[0x80FF0000, 0x000000FF]], np.uint32)
    data = bmp(stored, 32, (0xFF0000, 0xFF00, 0xFF, 0xFF000000), compression=6)
    assert read(data).pixels.tolist() == [[[255, 0, 0, 128], [0, 0, 255, 0]]]


def test_a_bmp_may_hold_a_png_or_too_long_a_palette():
    start = struct.pack("<I", 54)
    inside = png(rows(64))
    info = struct.pack("<IiiHHI5I", 40, 48, 64, 1, 0, 5, len(inside), 0, 0, 0, 0)
    assert np.array_equal(read(b"BM" + bytes(8) + start + info + inside).pixels, NOISE)
    indices = np.arange(12, dtype=np.uint8).reshape(3, 4)
    table = b"".join(bytes((i, 0, 255 - i, 0)) for i in range(256)) + bytes(4 * 44)
    data = bytearray(bmp(indices, 8, (), compression=0, colors=300))
    data[10:14] = struct.pack("<I", 54 + len(table))
    pixels = read(bytes(data[:54] + table + data[54:])).pixels
    assert np.array_equal(pixels[:, :, 2], indices)


def test_other_bmps_are_refused_by_name():
    stored = np.zeros((2, 2), np.uint64)
    with pytest.raises(PictureError, match="a BMP of 64 bits per pixel and compression 0"):
        read(bmp(stored, 64, (), compression=0))
    short = b"BM" + bytes(8) + struct.pack("<IIHHHH", 26, 16, 2, 2, 1, 24) + bytes(99)
    with pytest.raises(PictureError, match=r"a BMP of a kind that can't be read: .*\(16\)"):
        read(short)


# --- everything ----------------------------------------------------------------------------------


def test_the_conformance_files_are_read_or_refused_in_one_line(capfd):
    if not CONFORMANCE.is_dir():
        pytest.skip("no ../shared/data/conformance here")
    small = (
        path for path in CONFORMANCE.rglob("*") if path.is_file() and path.stat().st_size < 1e5
    )
    for path in sorted(small):
        start = time.process_time()
        said = ""
        try:
            read(path)
        except PictureError as error:
            said = str(error)
        assert not said or (said.startswith(f"{path}: ") and "\n" not in said)
        assert time.process_time() - start < 10, path
    assert capfd.readouterr() == ("", "")


KINDS = {
    "black and white": "1",
    "grey": "L",
    "grey with alpha": "LA",
    "16-bit grey": "I;16",
    "palette": "P",
    "color": "RGB",
    "color with alpha": "RGBA",
    "CMYK": "CMYK",
    "Lab": "LAB",
}


def test_the_readme_lists_the_formats_and_kinds_that_are_read():
    """For the kinds that Pillow can write, to read again; the table's last column is by hand."""
    page = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")
    table = page.split("<!-- formats -->\n")[1].split("<!-- /formats -->")[0].splitlines()[2:]
    listed = {row.split("|")[1].strip(): row.split("|")[2].strip() for row in table}
    assert sorted(listed) == sorted(FORMATS)
    for name, words in listed.items():
        if name in ("HEIF", "JXL"):  # by plugins that need not be here
            continue
        found = [kind for kind, mode in KINDS.items() if _survives(name, mode)]
        assert words == ", ".join(found), f"{name}: {', '.join(found)}"


def _survives(name, mode):
    """Whether a picture of this mode can be written, and is then read as what it was."""
    if name == "ICNS" and mode != "RGBA":  # Pillow writes ten, up to 1024 pixels a side
        return False
    picture = Image.fromarray(NOISE[:16, :16] & 0xF0)
    picture = picture.resize((128, 128), Image.Resampling.NEAREST)
    if mode == "I;16":
        picture = Image.fromarray(np.asarray(picture.convert("L")).astype(np.uint16) * 257)
    elif mode == "LAB":
        picture = Image.fromarray(np.asarray(picture), "RGB").convert("RGB")
        picture = Image.frombytes("LAB", (128, 128), picture.tobytes())
    elif mode == "P":
        picture = picture.quantize(64)
    else:
        picture = picture.convert(mode)
    if "A" in mode and mode != "LAB":
        picture.putalpha(Image.linear_gradient("L").resize((128, 128)))
    stream = io.BytesIO()
    options = {"lossless": True} if name == "WEBP" else {}
    try:
        picture.save(stream, name, **options)
        stored = Image.open(io.BytesIO(stream.getvalue())).mode
        pixels = read(stream.getvalue()).pixels
    except (OSError, ValueError, KeyError, TypeError):
        return False
    return stored == mode and pixels.shape[2] == (4 if mode in ("LA", "RGBA") else 3)


@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
@pytest.mark.parametrize("how", [{}, {"progressive": True}, {"restart_marker_rows": 1}])
def test_a_jpeg_without_its_last_blocks_is_refused_though_it_has_its_end(mode, how):
    stream = io.BytesIO()
    Image.fromarray(NOISE).convert(mode).save(stream, "JPEG", **how)
    data = stream.getvalue()
    scan = data.index(b"\xff\xda") + 20
    whole = read(data).pixels
    for cut in np.linspace(scan, 0.3 * scan + 0.7 * len(data), 9).astype(int):
        padded = data[:cut].rstrip(b"\xff") + b"\xff\xd9"
        with pytest.raises(PictureError, match=r"cut short: its last blocks are missing|truncated"):
            read(padded)
        assert read(padded, allow_truncated=True).pixels.shape == whole.shape
    assert np.array_equal(read(data + b"tail\xff\xd9").pixels, whole)


@pytest.mark.parametrize("how", [{}, {"progressive": True}])
def test_a_jpeg_of_nothing_but_the_grey_of_missing_blocks_is_whole(how):
    assert (read(encoded_grey(**how)).pixels == 128).all()


def encoded_grey(**how):
    stream = io.BytesIO()
    Image.new("RGB", (40, 24), (128, 128, 128)).save(stream, "JPEG", **how)
    return stream.getvalue()
