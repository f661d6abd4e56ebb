"""Indices and pixels become the right PNGs."""

import os
import struct
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image

from painted import PICTURES, bird, exact, flat, grey, one_color
from reference_pixels import unfiltered
from tinct import _kernels
from tinct.codecs.arrays import encode, encode_truecolor
from tinct.picture.read import read


def indexed(pixels):
    """Pixels of at most 256 colors as indices and palette, by NumPy alone."""
    palette, indices = np.unique(pixels.reshape(-1, pixels.shape[2]), axis=0, return_inverse=True)
    return indices.reshape(pixels.shape[:2]).astype(np.uint8), palette


def chunks(png):
    """{name: contents} of a PNG."""
    found, at = {}, 8
    while at < len(png):
        length = struct.unpack(">I", png[at : at + 4])[0]
        found[png[at + 4 : at + 8].decode()] = png[at + 8 : at + 8 + length]
        at += length + 12
    return found


FEW = [name for name in PICTURES if name not in ("photo", "bird", "300 colors", "alpha")]


@pytest.mark.parametrize("level", [None, 0, 1, 2, 3, 4])
@pytest.mark.parametrize("name", FEW)
def test_decoding_gives_palette_of_indices(name, level):
    indices, palette = indexed(PICTURES[name]())
    assert np.array_equal(read(encode(indices, palette, level=level)).pixels, palette[indices])


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_decoding_gives_palette_of_indices_whatever_they_are(data):
    colors = data.draw(st.integers(1, 256))
    palette = data.draw(hnp.arrays(np.uint8, (colors, data.draw(st.sampled_from([3, 4])))))
    shape = data.draw(st.tuples(st.integers(1, 9), st.integers(1, 19)))
    indices = data.draw(hnp.arrays(np.uint8, shape, elements=st.integers(0, colors - 1)))
    decoded = read(encode(indices, palette, level=data.draw(st.integers(0, 4)))).pixels
    wanted = palette[indices]
    if wanted.shape[2] == 4 and (wanted[:, :, 3] == 255).all():
        wanted = wanted[:, :, :3]
    assert np.array_equal(decoded, wanted)


@pytest.mark.parametrize(
    ("colors", "bits"), [(1, 1), (2, 1), (3, 2), (4, 2), (5, 4), (16, 4), (17, 8), (256, 8)]
)
def test_the_number_of_colors_sets_the_bits_per_pixel(colors, bits):
    header = chunks(encode(*indexed(exact(colors))))["IHDR"]
    assert header[8:10] == bytes([bits, 3])  # 3: indexed


def test_translucent_entries_come_first_and_only_they_are_in_trns():
    palette = np.array([[9, 9, 9, 255], [1, 2, 3, 0], [8, 8, 8, 255], [4, 5, 6, 128]], np.uint8)
    found = chunks(encode(np.array([[0, 1, 2, 3]], np.uint8), palette))
    assert found["tRNS"] == bytes([0, 128])
    assert found["PLTE"] == bytes([1, 2, 3, 4, 5, 6, 9, 9, 9, 8, 8, 8])
    assert "tRNS" not in chunks(encode(np.array([[0, 2]], np.uint8), palette))


def test_unused_and_repeated_colors_take_no_room():
    palette = np.array([[5, 5, 5], [9, 9, 9], [5, 5, 5], [7, 7, 7]], np.uint8)
    assert chunks(encode(np.array([[0, 2, 3]], np.uint8), palette))["PLTE"] == bytes(
        [5, 5, 5, 7, 7, 7]
    )


def test_nothing_is_stored_that_no_pixel_needs():
    assert set(chunks(encode(*indexed(flat())))) == {"IHDR", "PLTE", "IDAT", "IEND"}


def test_higher_levels_are_never_larger_on_a_real_picture():
    quantized = Image.fromarray(bird()).quantize(64)
    indices = np.asarray(quantized)
    palette = np.array(quantized.getpalette(), np.uint8).reshape(-1, 3)
    sizes = [len(encode(indices, palette, level=level)) for level in (0, 1, 2, 3, 6)]
    assert sizes == sorted(sizes, reverse=True)


def test_the_number_of_threads_changes_no_byte():
    program = (
        "import hashlib, numpy as np; from tinct.codecs.arrays import encode\n"
        "chance = np.random.default_rng(3)\n"
        "indices = chance.integers(0, 9, (200, 300)).astype(np.uint8)\n"
        "palette = chance.integers(0, 256, (9, 3)).astype(np.uint8)\n"
        "print([hashlib.sha256(encode(indices, palette, level=n)).hexdigest() for n in (1, 3, 4)])"
    )
    out = {
        subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, "RAYON_NUM_THREADS": threads},
            check=True,
            capture_output=True,
        ).stdout
        for threads in ("1", "2")
    }
    assert len(out) == 1


@pytest.mark.parametrize(
    ("indices", "palette", "level", "words"),
    [
        (np.zeros((2, 2), np.uint8), np.zeros((1, 3), np.uint8), 7, "level must be 0..6, not 7"),
        (np.zeros((2, 2), np.uint8), np.zeros((1, 3), np.uint8), -1, "level must be 0..6, not -1"),
        (np.ones((2, 2), np.uint8), np.zeros((1, 3), np.uint8), 1, "indices must be 0..0, not 1"),
        (np.zeros((2, 2), int), np.zeros((1, 3), np.uint8), 1, "indices must be uint8"),
        (np.zeros((0, 2), np.uint8), np.zeros((1, 3), np.uint8), 1, "indices must be uint8"),
        (np.zeros((2, 2), np.uint8), np.zeros((1, 2), np.uint8), 1, "palette must be uint8"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(indices, palette, level, words):
    with pytest.raises(ValueError, match=words.replace("(", r"\(")):
        encode(indices, palette, level=level)


@pytest.mark.parametrize("name", PICTURES)
def test_truecolor_comes_back_exactly(name):
    pixels = PICTURES[name]()
    assert np.array_equal(read(encode_truecolor(pixels)).pixels, pixels)


def test_truecolor_refuses_what_is_no_picture():
    with pytest.raises(ValueError, match="pixels must be"):
        encode_truecolor(grey()[:, :, 0])


def test_one_color_and_one_pixel_are_pictures_too():
    for pixels in (one_color(), one_color()[:1, :1]):
        assert np.array_equal(read(encode(*indexed(pixels))).pixels, pixels)


@pytest.mark.parametrize("bits", [1, 2, 4, 8])
def test_indices_are_packed_from_the_left_and_each_row_starts_a_byte(bits):
    indices = np.random.default_rng(bits).integers(0, 1 << bits, (50, 11), dtype=np.uint8)
    grays = np.arange(1 << bits, dtype=np.uint8)[:, None].repeat(3, axis=1)
    drawing = _kernels.Drawing(indices, grays)
    indices = drawing.palette[:, 0].searchsorted(indices)  # without those that don't occur
    rows = ["".join(f"{index:0{bits}b}" for index in row) for row in indices]
    rows = [row + "0" * (-len(row) % 8) for row in rows]
    slow = b"".join(int(row, 2).to_bytes(len(row) // 8, "big") for row in rows)
    assert drawing.packed(bits) == slow


@settings(max_examples=200, deadline=None)
@given(st.data(), st.integers(1, 7), st.integers(1, 6), st.sampled_from([3, 4]))
def test_filters_are_undone_as_the_standard_says(data, width, height, channels):
    """Whichever meet: where a pixel waits for the one before it rows are taken two at a time."""
    kinds = data.draw(st.lists(st.integers(0, 4), min_size=height, max_size=height))
    size = width * channels
    rows = b"".join(
        bytes([kind]) + data.draw(st.binary(min_size=size, max_size=size)) for kind in kinds
    )
    slow = unfiltered(rows, width, height, channels).tobytes()
    assert _kernels.unfiltered(rows, width, height, channels) == slow
    if channels == 3:
        assert _kernels.Quantizer(bytearray(rows), width, height, 3).samples(0) == slow
