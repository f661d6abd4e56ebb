"""Sixteen bits are rounded to eight, whatever holds them."""

import io
import struct

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms

import reference_deep as twin
from tinct.errors import PictureError
from tinct.picture.read import read

SHAPES = st.tuples(st.integers(1, 11), st.integers(1, 11))
SEEDS = st.integers(0, 2**32 - 1)


def drawn(seed, shape, channels, top=65535):
    """Samples of which some are alike, some differ by a low byte, some round otherwise than cut."""
    rng = np.random.default_rng(seed)
    free = rng.integers(0, top + 1, (*shape, channels))
    near = rng.choice([0, 0xF0, 0x12F0, 0x1200, 0x80FF, top - 128, top], (*shape, channels))
    return np.minimum(np.where(rng.random(free.shape) < 0.5, free, near), top).astype(np.uint16)


def shown(source):
    """What was read, with alpha."""
    pixels = read(source).pixels
    return np.dstack([pixels, np.full(pixels.shape[:2], 255, np.uint8)])[:, :, :4]


def opened(data):
    """A Pillow image, not loaded yet."""
    return Image.open(io.BytesIO(data))


@settings(max_examples=150, deadline=None)
@given(SEEDS, SHAPES, st.integers(1, 4), st.booleans(), st.booleans())
@example(0, (2, 2), 3, False, False)
@example(0, (2, 2), 4, True, False)
def test_every_sixteen_bit_png_is_rounded(seed, shape, channels, interlaced, lazy):
    samples = drawn(seed, shape, channels)
    kinds = np.random.default_rng(seed).integers(0, 5, shape[0]).tolist()
    data = twin.png(samples, kinds, interlaced=interlaced)
    expected = twin.seen(samples, grey=channels < 3)
    assert np.array_equal(shown(opened(data) if lazy else data), expected)


@settings(max_examples=60, deadline=None)
@given(SEEDS, SHAPES, st.sampled_from([1, 3]), st.booleans())
def test_a_color_key_is_compared_with_all_sixteen_bits(seed, shape, channels, interlaced):
    samples = drawn(seed, shape, channels)
    key = samples[0, 0].copy()
    samples[-1, -1] = key ^ np.eye(channels, dtype=np.uint16)[0]  # a low byte off
    data = twin.png(samples, [0] * shape[0], interlaced=interlaced, key=key)
    assert np.array_equal(shown(data), twin.seen(samples, key=key, grey=channels == 1))


@settings(max_examples=150, deadline=None)
@given(
    SEEDS,
    SHAPES,
    st.sampled_from([(1, ()), (3, ()), (4, (0,)), (4, (1,)), (4, (2,))]),
    st.sampled_from("<>"),
    st.booleans(),
    st.booleans(),
    st.integers(1, 12),
)
def test_every_sixteen_bit_tiff_is_rounded(seed, shape, kind, order, deflated, planar, rows):
    channels, extra = kind
    samples = drawn(seed, shape, channels)
    options = {"order": order, "deflated": deflated, "rows": min(rows, shape[0])}
    data = twin.tiff(samples, planar=planar and channels > 1, extra=extra, **options)
    held = samples[:, :, :3] if extra == (0,) else samples
    expected = twin.seen(held, grey=channels == 1, premultiplied=extra == (1,))
    assert np.array_equal(shown(data), expected)


@pytest.mark.parametrize("turn", range(1, 9))
@pytest.mark.parametrize("deflated", [False, True])
def test_every_sixteen_bit_tiff_is_turned_upright_once(turn, deflated):
    samples = drawn(turn, (4, 7), 4)
    for planar in (False, True):
        for kind in (1, 2):
            data = twin.tiff(samples, planar=planar, deflated=deflated, extra=(kind,), t274=turn)
            exact = twin.seen(samples, premultiplied=kind == 1)
            turned = exact.transpose(1, 0, 2) if turn > 4 else exact
            rows, columns = (1, -1)[turn in (3, 4, 7, 8)], (1, -1)[turn in (2, 3, 6, 7)]
            assert np.array_equal(shown(data), turned[::rows, ::columns])


@settings(max_examples=30, deadline=None)
@given(SEEDS, SHAPES, st.sampled_from([1, 3, 4]), st.booleans())
def test_every_sixteen_bit_sgi_file_is_rounded(seed, shape, channels, packed):
    samples = drawn(seed, shape, channels)
    data = twin.sgi(samples, packed=packed)
    assert np.array_equal(shown(data), twin.seen(samples, grey=channels == 1))


@settings(max_examples=100, deadline=None)
@given(st.data(), SEEDS, st.sampled_from([1, 3, 4]))
def test_a_damaged_deep_file_gives_pixels_or_a_picture_error(data, seed, channels):
    samples = drawn(seed, (7, 6), channels)
    planar = twin.tiff(samples, planar=channels > 1)
    whole = [twin.png(samples, [0] * 7), planar, twin.tiff(samples), twin.sgi(samples, packed=True)]
    damaged = bytearray(data.draw(st.sampled_from(whole)))
    for _ in range(data.draw(st.integers(1, 6))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    del damaged[data.draw(st.integers(len(damaged) // 2, len(damaged))) :]
    try:
        assert read(bytes(damaged)).pixels.ndim == 3
    except PictureError as error:
        assert "\n" not in str(error)  # noqa: PT017


def test_a_grey_tiff_may_call_zero_white_and_hold_twelve_bits():
    samples = drawn(1, (9, 8), 1)
    assert np.array_equal(
        shown(twin.tiff(samples, t262=0)), twin.seen(np.uint16(65535) - samples, grey=True)
    )
    twelve = drawn(2, (9, 8), 1, top=4095)[:, :, 0]
    expected = [[twin.rounded(value, 4095) for value in row] for row in twelve]
    assert shown(twin.tiff_12(twelve))[:, :, 0].tolist() == expected


@settings(max_examples=30, deadline=None)
@given(SEEDS, st.sampled_from([1, 3, 4]), st.floats(0.3, 3))
def test_gamma_is_undone_before_rounding(seed, channels, gamma):
    samples = drawn(seed, (5, 7), channels)
    data = twin.png(samples, [0] * 5, extra=[twin.gama(gamma)])
    told = round(gamma * 100_000) / 100_000
    power = 1 if abs(2.2 * told - 1) < 0.05 else 1 / (2.2 * told)
    color = samples if channels == 1 else samples[:, :, :3]
    exact = 255 * (color / 65535) ** power
    assert np.abs(shown(data)[:, :, :3] - exact).max() <= 0.5 + 1e-9


def test_profile_and_orientation_still_count():
    data = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    red, green = data.index(b"rXYZ") + 4, data.index(b"gXYZ") + 4
    data[red : red + 4], data[green : green + 4] = data[green : green + 4], data[red : red + 4]
    samples = drawn(3, (6, 9), 3)
    exif = struct.pack("<2sHIHHHIII", b"II", 42, 8, 1, 0x0112, 3, 1, 6, 0)
    packed = b"swapped\0\0" + twin.zlib.compress(bytes(data))
    extra = [twin._chunk(b"iCCP", packed), twin._chunk(b"eXIf", exif)]
    found = read(twin.png(samples, [4] * 6, extra=extra)).pixels.astype(int)
    expected = np.rot90(twin.seen(samples)[:, :, [1, 0, 2]].astype(int), -1)
    assert np.abs(found - expected).max() <= 2


@pytest.mark.parametrize("mode", ["I;16", "I;16B", "I"])
def test_pillow_s_own_deep_images_are_rounded(mode):
    samples = drawn(4, (8, 8), 1)
    kind = {"I;16": "<u2", "I;16B": ">u2", "I": "<i4"}[mode]
    image = Image.frombytes(mode, (8, 8), samples.astype(kind).tobytes())
    assert np.array_equal(shown(image), twin.seen(samples, grey=True))


def test_samples_beyond_sixteen_bits_are_refused():
    for values in ([[-1, 5]], [[0, 70_000]]):
        with pytest.raises(PictureError, match=r"grey samples must be 0\.\.65535, not "):
            read(Image.fromarray(np.int32(values)))


def test_jpeg_2000_color_of_more_than_eight_bits_is_refused_and_grey_rounded():
    grey = drawn(5, (9, 9), 1)
    stream = io.BytesIO()
    Image.fromarray(grey[:, :, 0]).save(stream, "JPEG2000", irreversible=False)
    assert np.array_equal(shown(stream.getvalue()), twin.seen(grey, grey=True))
    stream = io.BytesIO()
    Image.new("RGB", (9, 9), (255, 0, 9)).save(stream, "JPEG2000", irreversible=False)
    data = bytearray(stream.getvalue())
    assert shown(bytes(data))[0, 0].tolist() == [255, 0, 9, 255]
    at = data.index(b"\xff\x4f\xff\x51") + 42  # three times: bits less one, 1, 1
    data[at], data[at + 3], data[at + 6] = 11, 11, 11
    with pytest.raises(PictureError, match="JPEG 2000 color of 12 bits can't be read"):
        read(bytes(data))
