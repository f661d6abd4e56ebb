"""The short way does what the whole command does, or nothing at all."""

import io
import os
import platform
import re
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms

from painted import PICTURES, alpha, bird, few, flat, photo
from profiles import P3, PROPHOTO, SRGB, curv, icc, para
from tinct.background import Future
from tinct.cli import main as cli
from tinct.cli.quick import quick
from tinct.compress.compress import compress
from tinct.defaults import NOT_SMALLER, OK
from tinct.picture import inflate
from tinct.picture.inflate import SRGB_PRIMARIES


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def chunk(name, body):
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def png(pixels, filters=(0,), extras=(), parts=1, rows=None, tail=b"", last=b""):
    """A PNG by hand, its rows filtered by each kind in turn."""
    height, width, channels = pixels.shape
    rows = filtered(pixels, filters) if rows is None else rows
    header = struct.pack(">IIBBBBB", width, height, 8, {3: 2, 4: 6}[channels], 0, 0, 0)
    packed = zlib.compress(rows, 1) + tail
    step = -(-len(packed) // parts)
    idats = [chunk(b"IDAT", packed[at : at + step]) for at in range(0, len(packed), step)]
    chunks = [chunk(b"IHDR", header), *extras, *idats, last, chunk(b"IEND", b"")]
    return inflate.SIGNATURE + b"".join(chunks)


def filtered(pixels, filters):
    height, width, channels = pixels.shape
    wide = np.zeros((height + 1, width + 1, channels), int)
    wide[1:, 1:] = pixels
    here, left, up, corner = wide[1:, 1:], wide[1:, :-1], wide[:-1, 1:], wide[:-1, :-1]
    near = left + up - corner
    away = np.abs(np.stack([near - left, near - up, near - corner])).argmin(axis=0)
    guesses = (0 * here, left, up, (left + up) // 2, np.choose(away, [left, up, corner]))
    kinds = [filters[row % len(filters)] for row in range(height)]
    return b"".join(
        bytes([kind]) + ((here - guesses[kind])[row] % 256).astype(np.uint8).tobytes()
        for row, kind in enumerate(kinds)
    )


def whole(*arguments):
    return cli.main(["compress", *arguments])


def short(*arguments):
    return quick(["compress", *arguments])


def told(capsys):
    """What was printed, without the time it took."""
    out, err = capsys.readouterr()
    return re.sub(r" +\d+\.\d\d s  ", "  TIME  ", out), err


def agree(capsys, data, *options, name="a.png"):
    """Both ways end with the same code, bytes and words. Returns the code."""
    found = []
    for way in (short, whole):
        with open(name, "wb") as file:
            file.write(data)
        code = way(name, *options)
        texts = told(capsys)
        outputs = {}
        for path in sorted(os.listdir()):
            with open(path, "rb") as file:
                outputs[path] = file.read()
            os.unlink(path)
        found.append((code, texts, outputs))
    assert found[0] == found[1]
    return found[0][0]


def declines(*arguments):
    """The short way does and says nothing."""
    before = {path: os.stat(path).st_mtime_ns for path in sorted(os.listdir())}
    assert quick(list(arguments)) is None
    assert {path: os.stat(path).st_mtime_ns for path in sorted(os.listdir())} == before


def save(data, name="a.png"):
    with open(name, "wb") as file:
        file.write(data)


def opaque(pixels):
    return np.dstack([pixels, np.full(pixels.shape[:2], 255, np.uint8)])


def slope():
    """A smooth gradient, which its own PNG holds in fewer bytes than a drawing."""
    y, x = np.mgrid[0:120, 0:160]
    return np.stack([x, y, (x + y) // 2], axis=2).astype(np.uint8)


def holed(pixels):
    """Some of it transparent, above colors of their own."""
    pixels = opaque(pixels)
    pixels[:20, :20, 3] = 0
    return pixels


def greys(bits, width):
    """Shades that need so many bits."""
    chance = np.random.default_rng(bits)
    values = chance.integers(0, 1 << bits, (40, width)) * (255 // ((1 << bits) - 1))
    return np.repeat(values[:, :, None], 3, axis=2).astype(np.uint8)


MORE = {
    "opaque": lambda: opaque(bird()),
    "opaque and flat": lambda: opaque(flat()),
    "1 x n": lambda: photo(40, 1),
    "n x 1": lambda: photo(1, 40),
    "slope": slope,
    "slope with a hole": lambda: holed(slope()),
    "hole": lambda: holed(bird()),
    "all transparent": lambda: np.tile(np.array([[[9, 8, 7, 0]]], np.uint8), (40, 50, 1)),
    "small with alpha": lambda: alpha()[20:40, :30],
    "tall": lambda: photo(300, 50),
    **{f"greys of {bits} bits": lambda bits=bits: greys(bits, 37) for bits in (1, 2, 4, 8)},
}
ALL = PICTURES | MORE


# --- the same as the whole command --------------------------------------------------------------


@pytest.mark.parametrize("colors", ["256", "16"])
@pytest.mark.parametrize("name", ALL)
def test_both_ways_give_the_same_bytes_words_and_code(capsys, name, colors):
    assert agree(capsys, png(ALL[name]()), "-k", colors) in (OK, NOT_SMALLER)


@pytest.mark.parametrize("seed", range(12))
def test_pictures_of_few_colors_and_drawings_in_greys_come_out_the_same(capsys, seed):
    pixels = few(seed)
    count = max(len(np.unique(pixels.reshape(-1, pixels.shape[2]), axis=0)), 2)
    for colors in (256, min(count, 256), max(count // 2, 2)):
        agree(capsys, png(pixels), "-k", str(colors), "--force")


def test_a_drawing_in_many_greys_comes_out_the_same(capsys):
    agree(capsys, png(np.repeat(photo(256, 256)[..., :1], 3, axis=2)), "-k", "100")


@pytest.mark.parametrize("parts", [1, 3])
@pytest.mark.parametrize("filters", [(0,), (1,), (2,), (3,), (4,), (4, 3, 2, 1, 0)])
@pytest.mark.parametrize("picture", [photo, alpha])
def test_however_the_rows_are_filtered_and_cut(capsys, picture, filters, parts):
    pixels = picture()[:24, :31]
    data = png(pixels, filters, parts=parts)
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(data))), pixels)
    agree(capsys, data)


@pytest.mark.parametrize(
    "options",
    [
        ("-k16",),
        ("--colors=16",),
        ("--colors", "16", "-k", "8"),
        ("-o", "b.png"),
        ("-ob.PNG",),
        ("--output=b.png", "--force"),
        ("-o", "a.png", "--force"),
        ("--dither", "0"),
        ("--dither=1", "-q"),
        ("--quiet", "--seed", "7", "-k9"),
        ("--threads=1", "--effort", "1"),
    ],
)
def test_with_any_options_it_takes(capsys, options):
    assert agree(capsys, png(bird()), *options) == OK


@pytest.mark.parametrize("force", [(), ("--force",)])
def test_what_is_not_smaller_is_left_alone_unless_forced(capsys, force):
    smallest = compress(photo()[:12, :12]).data
    code = agree(capsys, smallest, *force, "-k", "256")
    assert code == (OK if force else NOT_SMALLER)


@settings(max_examples=25, deadline=None)
@given(
    st.tuples(st.integers(1, 40), st.integers(1, 40), st.sampled_from([3, 4])),
    st.integers(1, 300),
    st.integers(2, 256),
    st.integers(0, 99),
)
def test_noise_of_any_size_comes_out_the_same(shape, shades, colors, seed):
    chance = np.random.default_rng(seed)
    pixels = chance.integers(0, 256, (shades, shape[2]), np.uint8)[
        chance.integers(0, shades, shape[:2])
    ]
    save(png(pixels))
    results = []
    for way in (short, whole):
        assert way("a.png", "-k", str(colors), "-q", "--force") == OK
        with open("a-tinct.png", "rb") as file:
            results.append(file.read())
    assert results[0] == results[1]


def test_what_stands_behind_the_end_does_not_matter(capsys):
    agree(capsys, png(bird()[:40]) + b"more" * 9)


HARMLESS = {
    "gAMA": [chunk(b"gAMA", struct.pack(">I", 45455))],
    "gAMA under sRGB": [chunk(b"gAMA", struct.pack(">I", 100000)), chunk(b"sRGB", b"\0")],
    "cHRM": [chunk(b"cHRM", struct.pack(">8I", *SRGB_PRIMARIES))],
    "cHRM under sRGB": [chunk(b"cHRM", bytes(32)), chunk(b"sRGB", b"\0")],
    "pHYs": [chunk(b"pHYs", bytes(9))],
    "texts": [chunk(b"tEXt", b"Title\0robin"), chunk(b"iTXt", b"Comment\0\0\0\0\0robin")],
    "odd texts": [chunk(b"tEXt", b"robin"), chunk(b"tEXt", b""), chunk(b"iTXt", b"a\0\0")],
    "upright": [chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0<x/>")],
    "upright by Adobe": [
        chunk(b"iTXt", b'XML:com.adobe.xmp\0\0\0\0\0<x tiff:Orientation="1"/>'),
        chunk(b"tEXt", b"xmp\0<tiff:Orientation>1</tiff:Orientation>"),
    ],
    "rest": [chunk(name, bytes(7)) for name in (b"bKGD", b"tIME", b"oFFs", b"sBIT", b"hIST")],
}


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("name", HARMLESS)
def test_chunks_that_change_no_pixel_do_not_matter(capsys, name, after):
    extras = HARMLESS[name]
    pixels = bird()[40:80, 40:80]
    data = png(pixels, last=b"".join(extras)) if after else png(pixels, extras=extras)
    agree(capsys, data)


@pytest.mark.parametrize("gamma", [45455, 100000])
@pytest.mark.parametrize("mode", ["RGB", "P"])
def test_known_profiles_of_srgb_do_not_matter(capsys, monkeypatch, mode, gamma):
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    extras = [chunk(b"iCCP", b"x\0\0" + zlib.compress(profile))]
    extras += [chunk(b"gAMA", struct.pack(">I", gamma))]
    data = png(bird(), extras=extras) if mode == "RGB" else indexed("P", 99, extras=extras)
    assert agree(capsys, data, "--force") == OK
    monkeypatch.setattr(inflate, "SRGB_PROFILES", {(len(profile), zlib.crc32(profile))})
    monkeypatch.setitem(sys.modules, "tinct.picture.managed", None)  # nobody asks Pillow
    save(data)
    assert short("a.png", "--force") == OK


PROFILES = {
    "P3": icc(para(3, *SRGB), P3),
    "ProPhoto": icc(curv(round(1.8 * 256)), PROPHOTO),
    "gray": icc(curv(563)),
    "broken": b"profile",
    "whose black is grey": icc(para(2, 2.2, 0.9, -0.1, 0.05), P3),  # Pillow is asked
}


@pytest.mark.parametrize("name", PROFILES)
@pytest.mark.parametrize("kind", ["RGB", "RGBA", "opaque RGBA", "P", "P with opacity"])
def test_color_profiles_come_out_the_same(capsys, name, kind):
    extras = [chunk(b"iCCP", b"x\0\0" + zlib.compress(PROFILES[name]))]
    if kind[0] == "P":
        opacity = (0, 99, 255) if kind != "P" else ()
        data = indexed("P", 99, opacity, extras=extras)
    else:
        made = {"RGB": bird, "RGBA": alpha, "opaque RGBA": lambda: opaque(bird())}
        data = png(made[kind](), filters=(0, 4), extras=extras)
    assert agree(capsys, data, "--force") == OK
    save(data)
    assert short("a.png", "--force") == OK


def exif(*tags, order=">"):
    """EXIF with these tags, types and numbers of two bytes."""
    head = (b"MM\0*" if order == ">" else b"II*\0") + struct.pack(order + "IH", 8, len(tags))
    rows = [struct.pack(order + "HHIHH", tag, kind, 1, value, 0) for tag, kind, value in tags]
    return head + b"".join(rows) + bytes(4)


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize(
    "tags", [(), ((274, 3, 1),), ((256, 3, 40), (274, 3, 0), (257, 3, 40)), ((274, 4, 0),)]
)
def test_exif_of_what_is_upright_does_not_matter(capsys, tags, order):
    data = png(bird()[40:80, 40:80], extras=[chunk(b"eXIf", exif(*tags, order=order))])
    assert agree(capsys, data) == OK
    save(data)
    assert short("a.png") == OK


def indexed(mode, colors, opacity=(), bits=8, width=37, extras=()):
    """A PNG of indices into so many colors, or of grays of so many bits, and noise in them."""
    chance = np.random.default_rng(colors)
    rows = chance.integers(0, colors, (60, width)) // chance.integers(1, 5, (60, 1))
    palette = chance.integers(0, 256, 3 * colors).tolist()
    names = [(b"PLTE", bytes(palette))] * (mode == "P")
    names += [(b"tRNS", bytes(opacity))] * bool(opacity)
    packed = [np.packbits((row[:, None] >> np.arange(bits)[::-1]) & 1).tobytes() for row in rows]
    header = struct.pack(">IIBBBBB", width, 60, bits, 3 if mode == "P" else 0, 0, 0, 0)
    body = zlib.compress(b"".join(b"\0" + row for row in packed))
    parts = [chunk(b"IHDR", header), *extras, *(chunk(*name) for name in names)]
    return inflate.SIGNATURE + b"".join([*parts, chunk(b"IDAT", body), chunk(b"IEND", b"")])


@pytest.mark.parametrize("width", [1, 7, 64])
@pytest.mark.parametrize("bits", [1, 2, 4, 8])
@pytest.mark.parametrize("mode", ["P", "L"])
def test_indices_and_grays_of_any_bits_come_out_the_same(capsys, mode, bits, width):
    data = indexed(mode, 1 << bits, bits=bits, width=width)
    for options in ((), ("--force",), ("-k", "5")):
        agree(capsys, data, *options)
    save(data)
    assert short("a.png", "--force") == OK


@pytest.mark.parametrize("opacity", [(0,), (255, 255), (9, 8, 255, 0), range(200)])
def test_palettes_with_transparency_come_out_the_same(capsys, opacity):
    data = indexed("P", 200, opacity=opacity)
    agree(capsys, data)
    agree(capsys, data, "--force", "-k", "9")
    save(data)
    assert short("a.png", "--force") == OK


# --- or nothing at all ---------------------------------------------------------------------------

UNUSUAL = {
    "gAMA": [chunk(b"gAMA", struct.pack(">I", 100000))],
    "tRNS": [chunk(b"tRNS", bytes(6))],
    "two profiles": [chunk(b"iCCP", b"x\0\0" + zlib.compress(b"profile"))] * 2,
    "profile packed in another way": [chunk(b"iCCP", b"x\0\1" + zlib.compress(b"profile"))],
    "profile that is cut": [chunk(b"iCCP", b"x\0\0" + zlib.compress(b"profile")[:-3])],
    "long profile": [chunk(b"iCCP", b"x\0\0" + zlib.compress(bytes(600_000)))],
    "empty profile": [chunk(b"iCCP", b"x\0\0" + zlib.compress(b""))],
    "eXIf": [chunk(b"eXIf", b"MM\0*")],
    "turned by EXIF": [chunk(b"eXIf", exif((274, 3, 6)))],
    "turned by odd EXIF": [chunk(b"eXIf", exif((274, 4, 6)))],
    "turned by EXIF of another type": [chunk(b"eXIf", exif((274, 1, 1)))],
    "EXIF that says a density": [chunk(b"eXIf", exif((282, 5, 72), (283, 5, 72)))],
    "EXIF that is cut": [chunk(b"eXIf", exif((256, 3, 9))[:-5])],
    "EXIF of another kind": [chunk(b"eXIf", b"Exif\0\0" + exif())],
    "a suggested palette": [chunk(b"PLTE", bytes(9))],
    "acTL": [chunk(b"acTL", struct.pack(">II", 1, 0))],
    "cICP": [chunk(b"cICP", bytes(4))],
    "cHRM": [chunk(b"cHRM", bytes(32))],
    "short cHRM": [chunk(b"cHRM", bytes(31))],
    "unknown": [chunk(b"abCd", b"")],
    "critical": [chunk(b"ABCD", b"")],
    "second header": [chunk(b"IHDR", struct.pack(">IIBBBBB", 8, 8, 8, 2, 0, 0, 0))],
    "turned": [chunk(b"iTXt", b'xmp\0\0\0\0\0tiff:Orientation="6"')],
    "Adobe, turned": [chunk(b"tEXt", b'XML:com.adobe.xmp\0tiff:Orientation="6"')],
    "compressed text": [chunk(b"iTXt", b"a\0\1\0\0\0" + zlib.compress(b"robin"))],
    "profile": [chunk(b"tEXt", b"Raw profile type exif\0\n\n\n\n")],
    "text named as Pillow names the profile": [chunk(b"tEXt", b"icc_profile\0robin")],
    "much text": [chunk(b"tEXt", b"Title\0" + b"robin" * 100_000)],
    "many texts": [chunk(b"tEXt", b"Title\0robin")] * 1000,
}


@pytest.mark.parametrize("name", UNUSUAL)
def test_chunks_that_might_change_pixels_are_left_to_the_whole_command(name):
    save(png(bird(), extras=UNUSUAL[name]))
    declines("compress", "a.png")
    save(png(bird(), last=b"".join(UNUSUAL[name])))
    declines("compress", "a.png")


def header(*values):
    data = png(bird())
    return data[:8] + chunk(b"IHDR", struct.pack(">IIBBBBB", *values)) + data[33:]


BROKEN = {
    "empty": lambda: b"",
    "JPEG": lambda: b"\xff\xd8\xff\xe0" + bytes(99),
    "16 bits": lambda: header(64, 128, 16, 2, 0, 0, 0),
    "palette": lambda: header(128, 128, 8, 3, 0, 0, 0),
    "interlaced": lambda: header(128, 128, 8, 2, 0, 0, 1),
    "wider": lambda: header(129, 128, 8, 2, 0, 0, 0),
    "lower": lambda: header(128, 127, 8, 2, 0, 0, 0),
    "no pixels": lambda: header(128, 0, 8, 2, 0, 0, 0),
    "huge": lambda: header(1 << 30, 1 << 30, 8, 2, 0, 0, 0),
    "filter 5": lambda: png(bird(), rows=b"\5" + filtered(bird(), (0,))[1:]),
    "bomb": lambda: png(bird(), rows=bytes(1 << 26)),
    "too few rows": lambda: png(bird(), rows=filtered(bird()[:-1], (0,))),
    "more behind the pixels": lambda: png(bird(), tail=b"robin"),
    "no end": lambda: png(bird())[:-12],
    "apart": lambda: png(bird(), parts=2).replace(
        chunk(b"IEND", b""), chunk(b"tIME", bytes(7)) + chunk(b"IDAT", b"") + chunk(b"IEND", b"")
    ),
    "no IDAT": lambda: inflate.SIGNATURE + png(bird())[8:33] + chunk(b"IEND", b""),
}


LISTED = {
    "no palette": (b"", b""),
    "two palettes": (b"", chunk(b"PLTE", bytes(3)) * 2),
    "half an entry": (b"", chunk(b"PLTE", bytes(4))),
    "too few entries": (b"", chunk(b"PLTE", bytes(9))),
    "opacity first": (chunk(b"tRNS", bytes(2)), chunk(b"PLTE", bytes(9 * 3))),
    "more opacity than entries": (b"", chunk(b"PLTE", bytes(27)) + chunk(b"tRNS", bytes(10))),
}


@pytest.mark.parametrize("name", LISTED)
def test_palettes_that_are_odd_are_left_to_the_whole_command(name):
    before, after = LISTED[name]
    data = indexed("P", 9)
    start, end = data.index(b"PLTE") - 4, data.index(b"IDAT") - 4
    save(data[:start] + before + after + data[end:])
    declines("compress", "a.png")


def test_grays_of_which_one_is_transparent_are_left_to_the_whole_command():
    save(indexed("L", 256, opacity=(0, 9)))
    declines("compress", "a.png")


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_broken_or_of_another_kind_is_left_to_the_whole_command(name):
    save(BROKEN[name]())
    declines("compress", "a.png")


def test_a_file_cut_anywhere_is_left_to_the_whole_command():
    data = png(photo()[:20, :20], parts=3)
    for end in range(0, len(data), 7):
        save(data[:end])
        declines("compress", "a.png")


def test_a_file_with_any_byte_changed_is_left_to_the_whole_command():
    data = png(photo()[:20, :20], parts=3)
    for at in range(0, len(data), 7):
        save(data[:at] + bytes([data[at] ^ 0x10]) + data[at + 1 :])
        declines("compress", "a.png")


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("--version",),
        ("--help",),
        ("cluster", "a.png"),
        ("compress",),
        ("compress", "--help"),
        ("compress", "a.png", "a.png"),
        ("compress", "-"),
        ("compress", "--", "a.png"),
        ("compress", "missing.png"),
        ("compress", "/dev/null"),
        ("compress", "."),
        ("compress", "a\0.png"),
        ("compress", "a.png", "-k"),
        ("compress", "a.png", "-k", "1"),
        ("compress", "a.png", "-k", "auto"),
        ("compress", "a.png", "-k=16"),
        ("compress", "a.png", "-qk16"),
        ("compress", "a.png", "--col", "16"),
        ("compress", "a.png", "--colors="),
        ("compress", "a.png", "--force=1"),
        ("compress", "a.png", "--dither", "nan"),
        ("compress", "a.png", "--dither", "1.1"),
        ("compress", "a.png", "--effort", "2"),
        ("compress", "a.png", "--seed", "-1"),
        ("compress", "a.png", "--seed", str(1 << 40)),
        ("compress", "a.png", "--threads", "0"),
        ("compress", "a.png", "--json"),
        ("compress", "a.png", "--quality", "80"),
        ("compress", "a.png", "--lossy", "0.3"),
        ("compress", "a.png", "--score"),
        ("compress", "a.png", "--format", "png"),
        ("compress", "a.png", "--out-dir", "b"),
        ("compress", "a.png", "-o", "-"),
        ("compress", "a.png", "-o", "b.webp"),
        ("compress", "a.png", "-o", "b"),
        ("compress", "a.png", "-o", "a.png"),
        ("compress", "a.png", "-o", "folder.png", "--force"),
        ("compress", "a.png", "-o", "no/b.png"),
        ("compress", "a.png", "-o", "pipe.png", "--force"),
    ],
)
def test_arguments_of_the_whole_command_are_left_to_it(capsys, arguments):
    save(png(bird()))
    os.mkdir("folder.png")
    getattr(os, "mkfifo", os.mkdir)("pipe.png")  # Windows has no pipes among its files
    declines(*arguments)
    assert capsys.readouterr() == ("", "")


@pytest.mark.skipif(os.name != "posix", reason="needs a pseudo-terminal")
@pytest.mark.parametrize("options", [(), ("--force", "-k", "7")])
def test_a_terminal_gets_the_table_that_rich_would_draw(options):
    save(png(bird()), "a bird.png")
    tables = []
    for columns in (120, 40):
        for told in ({}, {"COLUMNS": str(columns)}):  # which rich obeys, so it must draw
            program = PROGRAM.partition("try:")[0].replace('"a.png"', '"a bird.png"')
            program += f"sys.argv += {[*options, '-o', 'b.png', '--force']}\n"
            program += "try: run()\nfinally: open('imported', 'w').write(' '.join(sys.modules))"
            tables.append(on_a_terminal([sys.executable, "-c", program], columns, told))
            with open("imported") as file:
                assert ("rich" in file.read().split()) == bool(told or columns == 40)
    assert tables[0] == tables[1]  # the narrow ones are both by rich


def on_a_terminal(command, columns, told):
    """What stands there afterwards, without styles, trailing spaces and the time it took."""
    import fcntl
    import pty
    import termios

    main_end, far_end = pty.openpty()
    fcntl.ioctl(far_end, termios.TIOCSWINSZ, struct.pack("HHHH", 30, columns, 0, 0))
    hidden = ("COLUMNS", "NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE")
    env = {name: value for name, value in os.environ.items() if name not in hidden}
    subprocess.run(command, stdout=far_end, check=True, env={**env, "TERM": "xterm", **told})
    os.close(far_end)
    shown = os.read(main_end, 65536).decode()
    os.close(main_end)
    plain = re.sub(r"\d\.\d\d s", "TIME", re.sub(r"\x1b\[[0-9;]*m", "", shown))
    return [line.rstrip() for line in plain.splitlines()]


@pytest.mark.skipif(os.name != "posix", reason="needs a pseudo-terminal")
def test_no_terminal_is_told_what_it_cannot_show(monkeypatch):
    save(png(bird()), "v\u00f6gel.png")
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setattr(os, "get_terminal_size", lambda _: os.terminal_size((200, 30)))
    monkeypatch.setattr(sys.stdout, "fileno", lambda: 1)
    declines("compress", "v\u00f6gel.png")
    assert short("v\u00f6gel.png", "-q") == OK


def test_a_name_that_stdout_cannot_say_is_left_to_the_whole_command(monkeypatch):
    save(png(bird()), "vögel.png")
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(io.BytesIO(), "ascii"))
    declines("compress", "vögel.png")
    assert short("vögel.png", "-q") == OK


def test_a_full_disk_is_left_to_the_whole_command(monkeypatch):
    def fails(*_, **__):
        raise OSError(28, "No space left on device")

    save(png(bird()))
    monkeypatch.setattr("tinct.atomic_write.write", fails)
    declines("compress", "a.png")


def test_without_another_thread_the_same_comes_out(monkeypatch):
    def fails(*_):
        raise RuntimeError("can't start new thread")

    save(png(bird()))
    assert short("a.png", "-o", "b.png") == OK
    monkeypatch.setattr("tinct.background.start_new_thread", fails)
    assert short("a.png", "-o", "c.png") == OK
    assert Path("b.png").read_bytes() == Path("c.png").read_bytes()


def test_one_thread_starts_no_other(monkeypatch):
    started = []

    def noted(*_):
        started.append(True)
        raise RuntimeError("none is needed")

    monkeypatch.setattr("tinct.background.start_new_thread", noted)
    save(png(bird()))
    assert short("a.png", "--threads", "1") == OK
    assert not started


def test_what_fails_in_the_other_thread_fails_where_it_is_asked_for(capfd):
    def fails():
        raise MemoryError("here")

    meanwhile = Future(fails, 2)
    with pytest.raises(MemoryError, match="here"):
        meanwhile.result()
    assert capfd.readouterr() == ("", "")


# --- the process --------------------------------------------------------------------------------

PROGRAM = """
import os, sys
os._exit = sys.exit  # we have something to say after it
import atexit, importlib.machinery, importlib.util  # an editable install finds us with them
before = set(sys.modules)
from tinct.__main__ import run
sys.argv[1:] = ["compress", "a.png"]
try:
    run()
finally:
    print(*sorted(set(sys.modules) - before))
"""


def test_a_plain_run_imports_next_to_nothing():
    save(png(np.random.default_rng(0).integers(0, 256, (200, 200, 3), np.uint8)))
    isolated = [sys.executable, "-c", PROGRAM]
    done = subprocess.run(isolated, capture_output=True, text=True, check=True)
    line, imported = done.stdout.splitlines()
    assert line.startswith("a.png ")
    ours = {name for name in imported.split() if name.split(".")[0] in ("tinct", "deflate")}
    assert set(imported.split()) - ours <= {"gc", "math", "stat", "time"}


def imported_with(profile):
    save(png(bird(), extras=[chunk(b"iCCP", b"x\0\0" + zlib.compress(profile))]))
    isolated = [sys.executable, "-c", PROGRAM]
    done = subprocess.run(isolated, capture_output=True, text=True, check=True)
    line, imported = done.stdout.splitlines()
    assert line.startswith("a.png ")
    return set(imported.split())


def test_a_color_profile_of_curves_imports_no_library():
    assert not {"PIL", "numpy", "click", "rich"} & imported_with(PROFILES["P3"])


def test_another_color_profile_imports_pillow_alone():
    imported = imported_with(PROFILES["whose black is grey"])
    assert "PIL.ImageCms" in imported
    assert not {"numpy", "click", "rich"} & imported


@pytest.mark.parametrize("size", [(224, 300), (225, 300), (300, 400)])
def test_photographs_of_any_size_come_out_the_same(capsys, size):
    assert agree(capsys, png(photo(*size))) == OK


@pytest.mark.skipif(sys.platform != "linux", reason="other systems limit memory otherwise")
@pytest.mark.parametrize("options", [[], ["--quality", "70"]])
def test_a_picture_beyond_memory_is_refused_in_one_line(options):
    Image.new("RGB", (6000, 4000)).save("large.png", compress_level=1)
    limited = "import resource as r; r.setrlimit(r.RLIMIT_AS, (120 << 20,) * 2)\n"
    program = limited + "import sys; from tinct.__main__ import run; run()"
    command = [sys.executable, "-c", program, "compress", "large.png", *options]
    done = subprocess.run(command, capture_output=True, text=True)
    told = done.returncode, done.stderr.count("\n"), "not enough memory" in done.stderr
    assert told == (1, 1, True)


MEASURED = """
import sys
import PIL.PngImagePlugin
import tinct.cli.main
import tinct.compress.compress

def memory(kind):
    return next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith(kind))

from tinct.cli.{0} import {0} as run
before = memory("VmRSS")
assert run(["compress", "a.png", "-q"]) == 0
print(memory("VmHWM") - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="other systems tell memory otherwise")
@pytest.mark.parametrize("way", ["quick", "main"])
def test_memory_is_that_of_16_bytes_a_pixel(way):
    pixels = np.tile(photo(1000, 1500), (2, 2, 1))  # every fifteenth has a color of its own
    Image.fromarray(pixels).save("a.png", compress_level=1)
    program = [sys.executable, "-c", MEASURED.format(way)]
    done = subprocess.run(program, capture_output=True, text=True, check=True)
    assert int(done.stdout) << 10 < 16 * pixels[:, :, 0].size


RESERVED = """
from tinct import _kernels
_kernels.reserve(64 << 20)
size = 0
for line in open("/proc/self/smaps"):
    if line.startswith("Size:"):
        size = int(line.split()[1]) << 10
    if line.startswith("VmFlags:") and "hg" in line.split():
        print(size)
"""


@pytest.mark.skipif(
    not Path("/sys/kernel/mm/transparent_hugepage").exists() or platform.libc_ver()[0] != "glibc",
    reason="no huge pages that one could ask for",
)
def test_what_is_reserved_may_come_in_huge_pages():
    program = [sys.executable, "-c", RESERVED]
    done = subprocess.run(program, capture_output=True, text=True, check=True)
    assert sum(map(int, done.stdout.split())) >= 64 << 20


def test_whoever_has_left_gets_no_line_and_the_code_says_so():
    save(png(bird()))
    program = PROGRAM.partition("try:")[0] + "run()"
    process = subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    process.stdout.close()
    err = process.stderr.read()
    process.stderr.close()
    assert (process.wait(), err) == (1, b"")
    assert os.path.exists("a-tinct.png")
