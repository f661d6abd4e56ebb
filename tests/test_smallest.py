"""Laws of bytes: no file is larger than need be, and more effort is never worse."""

import io
import struct
import zlib

import numpy as np
import oxipng
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from painted import PICTURES, alpha, few, grey, photo
from tinct import _kernels
from tinct.codecs.arrays import encode, encode_truecolor
from tinct.codecs.codec import sampled
from tinct.codecs.png import CODEC
from tinct.codecs.registry import FORMATS
from tinct.compress.compress import compress

AS_GIVEN = ("bit_depth_reduction", "color_type_reduction", "palette_reduction")
AS_GIVEN = dict.fromkeys((*AS_GIVEN, "grayscale_reduction"), False)
# By how much the filters that another encoder happened to choose may be better: the most in 1,000
# such pictures.
SHARE, BYTES = 0.1, 32


def decoded(data):
    with Image.open(io.BytesIO(data)) as image:
        return np.asarray(image.convert("RGBA"))


def chunk(name, body):
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def bare(samples, kind):
    """A PNG of 8 bits a sample, without filters."""
    height, width = samples.shape[:2]
    rows = b"".join(b"\0" + row.tobytes() for row in samples)
    header = struct.pack(">IIBBBBB", width, height, 8, kind, 0, 0, 0)
    parts = [(b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*part) for part in parts)


def by_others(pixels, format):
    """Sizes of the same pixels' files by Pillow and oxipng, with a palette and without."""
    color, opaque = pixels[..., :3], pixels.shape[2] == 3
    flat = Image.fromarray(pixels)
    images = [flat]
    if (color == color[..., :1]).all():
        images.append(flat.convert("L" if opaque else "LA"))
    if opaque:
        few_of_them = flat.quantize(256, dither=0)
        if np.array_equal(np.asarray(few_of_them.convert("RGB")), pixels):
            images.append(few_of_them)
    if format == "gif":
        images = images[-1:] if images[-1].mode == "P" else []
    how = {"webp": {"lossless": True}, "png": {"optimize": True}}.get(format, {})
    for image in images:
        stream = io.BytesIO()
        if format != "webp" or image.mode in ("RGB", "RGBA"):
            image.save(stream, format.upper(), **how)
            yield len(stream.getvalue())
    for image in images if format == "png" else ():
        if image.mode != "P":
            kind = {"L": 0, "RGB": 2, "LA": 4, "RGBA": 6}[image.mode]
            file = bare(np.asarray(image), kind)
            for kept in ({}, AS_GIVEN):
                yield len(oxipng.optimize_from_memory(file, force=True, level=2, **kept))


@pytest.mark.parametrize(("format", "seeds"), [("png", 60), ("webp", 30), ("gif", 40)])
def test_no_file_of_the_same_pixels_by_others_is_smaller(format, seeds):
    over = []
    for seed in range(seeds):
        pixels = few(seed)
        if format == "gif" and pixels.shape[2] == 4:
            continue
        small = compress(pixels, format=format)
        np.testing.assert_array_equal(decoded(small.data), decoded(encode_truecolor(pixels)))
        best = min(by_others(pixels, format), default=len(small.data))
        over.append((len(small.data) - best - SHARE * best, seed))
    assert max(over) <= (BYTES, seeds), max(over)


@pytest.mark.parametrize("format", ["png", "webp", "gif"])
def test_asking_for_no_more_colors_than_there_are_costs_next_to_nothing(format):
    for seed in range(15):
        pixels = few(seed)
        if format == "gif" and pixels.shape[2] == 4:
            continue
        usual = compress(pixels, format=format)
        count = max(usual.report.colors, 2)
        asked = compress(pixels, count, format=format)
        np.testing.assert_array_equal(asked.image, usual.image)
        assert asked.report.colors == usual.report.colors
        assert len(asked.data) <= (1 + SHARE) * len(usual.data) + BYTES
        assert len(np.unique(asked.image.reshape(-1, pixels.shape[2]), axis=0)) <= count


def test_a_ramp_needs_no_palette():
    x = np.arange(256, dtype=np.uint8)
    ramp = np.tile(np.stack([x, 255 - x, x // 2], axis=1), (64, 1, 1))
    pale = np.dstack([ramp, np.full((64, 256), 99, np.uint8)])
    hollow = np.where(ramp[..., :1] % 7 == 0, 0, np.dstack([ramp, np.full_like(ramp, 255)]))
    sizes = [len(compress(p, k).data) for k in (256, 255) for p in (ramp[:, :255], pale[:, 1:])]
    assert max(sizes) < 300
    key = compress(np.ascontiguousarray(hollow[..., :4])).data
    assert key[25] in (2, 6)  # without a palette


def test_a_key_of_transparency_is_no_color_that_is_shown():
    chance = np.random.default_rng(1)
    for top in (1, 255):
        pixels = np.zeros((1, 300, 4), np.uint8)
        shades = np.arange(300) % top
        pixels[0] = np.stack([shades, shades, shades, np.full(300, 255)], axis=1)
        pixels[0, chance.integers(0, 300, 40)] = 0
        np.testing.assert_array_equal(decoded(compress(pixels).data), pixels)


def test_drawings_in_many_greys_are_filtered():
    pixels = np.repeat(photo(256, 256)[..., :1], 3, axis=2)
    small = compress(pixels, 100)
    assert small.exact is None
    plain = encode(small.indices, small.palette, level=2)
    assert len(small.data) < 0.99 * len(plain)
    np.testing.assert_array_equal(decoded(small.data)[..., :3], small.image)


# --- effort -------------------------------------------------------------------------------------


@pytest.mark.parametrize(("format", "seeds"), [("png", 10), ("webp", 8)])
def test_more_effort_writes_no_larger_file_of_the_same_pixels(format, seeds):
    for seed in range(seeds):
        pixels = few(seed)
        sizes = [len(compress(pixels, effort=e, format=format).data) for e in (0, 1, 2, 5)]
        assert sizes == sorted(sizes, reverse=True), (seed, sizes)


@pytest.mark.parametrize("size", [100, 200, 256, 300])
@pytest.mark.parametrize("listed", [False, True])
def test_more_effort_writes_no_larger_file_of_a_graphic(size, listed):
    """Icons are deflated in haste at effort 1, the smallest and large ones aren't."""
    chance = np.random.default_rng(size)
    blocks = chance.integers(0, 200, (size // 4, size // 4), np.uint8)
    indices = np.kron(blocks, np.ones((4, 4), np.uint8))
    indices[::7] += chance.integers(0, 9, indices[::7].shape, np.uint8)
    palette = chance.integers(0, 256, (256, 3)).astype(np.uint8)
    drawing = _kernels.Drawing(indices, palette)
    sizes = [
        len(CODEC.encode(drawing, effort=effort, flat=True, listed=listed)) for effort in (1, 2, 5)
    ]
    assert sizes == sorted(sizes, reverse=True)


@pytest.mark.parametrize("lossy", [0, 0.4])
def test_no_lower_effort_gives_a_smaller_file_that_looks_better(lossy):
    for pixels, colors in ((grey(), 4), (grey(), 8), (photo(64, 64), 16), (grey(), 64)):
        found = []
        for effort in (0, 1, 2, 3, 4):
            small = compress(pixels, colors, effort=effort, lossy=lossy, ssimulacra2=True)
            found.append((len(small.data), small.report.ssimulacra2))
            size, score = found[-1]
            # Effort 1 takes no longer than it must, and so doesn't look at what 0 would give.
            beaten = effort > 1 and any(s <= size and q > score for s, q in found[:-1])
            assert not beaten, (colors, found)


# --- searches -----------------------------------------------------------------------------------


def test_a_larger_budget_never_looks_worse():
    small, large = (compress(alpha(), max_bytes=size, ssimulacra2=True) for size in (337, 448))
    assert small.report.ssimulacra2 <= large.report.ssimulacra2


def test_a_lower_quality_is_never_larger():
    low, high = (compress(grey(), quality=score) for score in (60, 70))
    assert len(low.data) <= len(high.data)


def test_more_loss_never_writes_more():
    less, more = (compress(PICTURES["300 colors"](), 16, lossy=loss) for loss in (0.7, 0.9))
    assert len(more.data) <= len(less.data)


@settings(max_examples=25, deadline=None)
@given(st.integers(5, 20), st.integers(8, 64), st.sampled_from(FORMATS), st.integers(0, 99))
def test_fills_stay_flat_where_a_picture_is_made_of_them(side, k, format, seed):
    blocks = np.random.default_rng(seed).integers(0, 256, (6, 8, 3)).astype(np.uint8)
    pixels = blocks.repeat(side, 0).repeat(side, 1)
    drawn = compress(pixels, k, format=format).indices
    np.testing.assert_array_equal(drawn, drawn[::side, ::side].repeat(side, 0).repeat(side, 1))


def test_a_guess_reads_a_band_of_rows_in_eight_of_a_high_picture_and_all_of_a_low_one():
    assert [sampled(height) for height in (300, 100)] == [(16, 128), (100, 100)]
