"""The measures are what their definitions say, and the report is fit for people and machines."""

import io
import json
import math

import numpy as np
import pytest
import ssimulacra2 as package
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image

import reference_pixels as reference
from painted import alpha, bird, flat, grey, photo, text
from tinct.compress.compress import compress
from tinct.scoring.bands import bands, bands_word
from tinct.scoring.psnr import mse, psnr
from tinct.scoring.report import Report
from tinct.scoring.ssimulacra2 import Reference, ssimulacra2
from tinct.scoring.summary import size_text


def slow_mse(original, compressed):
    """From the definition: with alpha the most over black, white and mid grey."""
    return max(slow_mse_over(ground, original, compressed) for ground in (0, 255, 128))


def slow_mse_over(ground, original, compressed):
    """Pixel by pixel, rounded to whole steps."""
    total = 0
    for row, other_row in zip(original.tolist(), compressed.tolist(), strict=True):
        for pixel, other in zip(row, other_row, strict=True):
            for channel in range(3):
                seen = []
                for color in (pixel, other):
                    opacity = color[3] if len(color) == 4 else 255
                    seen.append((color[channel] * opacity + ground * (255 - opacity) + 127) // 255)
                total += (seen[0] - seen[1]) ** 2
    return total / (original.shape[0] * original.shape[1] * 3)


@settings(max_examples=80, deadline=None)
@given(st.data())
def test_mse_is_its_definition_with_and_without_alpha(data):
    height, width = data.draw(st.tuples(st.integers(1, 6), st.integers(1, 6)))
    pair = [
        data.draw(hnp.arrays(np.uint8, (height, width, data.draw(st.sampled_from([3, 4])))))
        for _ in range(2)
    ]
    assert mse(*pair) == slow_mse(*pair) == mse(*reversed(pair))


def test_mse_of_a_picture_larger_than_one_band_is_exact():
    chance = np.random.default_rng(0)
    a, b = chance.integers(0, 256, (2, 300, 400, 3), dtype=np.uint8)
    assert mse(a, b) == ((a.astype(int) - b) ** 2).sum() / a.size


def test_psnr_is_infinite_for_equal_pictures_and_falls_with_the_error():
    black, white = np.zeros((4, 4, 3), np.uint8), np.full((4, 4, 3), 255, np.uint8)
    assert psnr(photo(), photo()) == math.inf
    assert psnr(black, white) == 0
    assert psnr(black, black + np.uint8(1)) == pytest.approx(48.13, abs=0.01)


def test_what_is_transparent_in_both_can_not_be_wrong():
    other = np.array(alpha())
    other[other[:, :, 3] == 0, :3] = 255
    assert psnr(alpha(), other) == math.inf


@pytest.mark.parametrize("measure", [mse, psnr, ssimulacra2])
def test_pictures_of_different_size_or_type_are_refused(measure):
    with pytest.raises(ValueError, match="same size and a pixel, not 128x96 and 96x128"):
        measure(photo(), photo().swapaxes(0, 1))
    with pytest.raises(ValueError, match="must be uint8"):
        measure(photo(), photo() / 255)
    with pytest.raises(ValueError, match="must be uint8"):
        measure(photo()[:, :, 0], photo()[:, :, 0])


def slow_ssimulacra2(original, compressed):
    """What the package of that name says of two files; with alpha the least over three grounds."""
    return min(slow_ssimulacra2_over(ground, original, compressed) for ground in (0, 255, 128))


def slow_ssimulacra2_over(ground, original, compressed):
    """Of two files as they are seen over a grey."""

    def file(pixels):
        seen = np.array(
            [
                [
                    [(v * a + ground * (255 - a) + 127) // 255 for v in color]
                    for *color, a in (pixel if len(pixel) == 4 else [*pixel, 255] for pixel in row)
                ]
                for row in pixels.tolist()
            ],
            np.uint8,
        )
        ends = io.BytesIO()
        Image.fromarray(seen).save(ends, "PPM")
        return ends

    return package.compute_ssimulacra2(file(original), file(compressed))


# Scores are 100 at most and have no least: of noise they are far below -100. A hundredth of a point
# where they mean something, as much of their size below.
def as_the_package_says(original, compressed):
    said = slow_ssimulacra2(original, compressed)
    return pytest.approx(said, abs=0.01 * max(1, abs(said) / 100))


SIZES = [(8, 8), (8, 9), (9, 8), (15, 17), (16, 16), (31, 40), (64, 63), (61, 9), (10, 130)]


@pytest.mark.parametrize(("height", "width"), SIZES)
def test_ssimulacra2_is_the_packages_in_pictures_of_any_size(height, width):
    pixels = photo(height, width)
    for other in (pixels & 0xFC, pixels & 0xE0, compress(pixels, 4).image, pixels[::-1]):
        assert ssimulacra2(pixels, other) == as_the_package_says(pixels, other)


@pytest.mark.parametrize("picture", [alpha, bird, flat, grey, text])
def test_ssimulacra2_is_the_packages_in_graphics_and_over_three_grounds(picture):
    pixels = picture()[:64, :64]
    other = compress(pixels, 6).image
    assert ssimulacra2(pixels, other) == as_the_package_says(pixels, other)
    opaque = np.array(other[:, :, :3])
    assert ssimulacra2(pixels, opaque) == as_the_package_says(pixels, opaque)
    assert ssimulacra2(opaque, pixels) == as_the_package_says(opaque, pixels)


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_ssimulacra2_is_the_packages_in_noise_with_and_without_alpha(data):
    shape = data.draw(st.tuples(st.integers(8, 40), st.integers(8, 40)))
    chance = np.random.default_rng(data.draw(st.integers(0, 99)))
    pair = [
        chance.integers(0, 256, (*shape, data.draw(st.sampled_from([3, 4]))), dtype=np.uint8)
        for _ in range(2)
    ]
    few = chance.random(shape) < data.draw(st.sampled_from([0.0, 0.01, 0.5, 1.0]))
    if pair[0].shape == pair[1].shape:
        pair[1] = np.where(few[:, :, None], pair[1], pair[0])
    assert ssimulacra2(*pair) == as_the_package_says(*pair)


def test_ssimulacra2_is_100_for_equal_pictures_and_lower_for_worse_ones():
    coarse, coarser = photo() & 0xF8, photo() & 0xE0
    scores = [ssimulacra2(photo(), other) for other in (photo(), coarse, coarser)]
    assert scores[0] == 100
    assert scores == sorted(scores, reverse=True)
    assert scores[2] < 80


@pytest.mark.parametrize("channels", [3, 4])
def test_threads_change_no_bit_of_a_score(channels):
    pixels = np.tile(photo(128, 96), (4, 3, 1))
    if channels == 4:
        pixels = np.dstack([pixels, pixels[:, :, 0]])
    other = pixels & 0xF0
    assert len({ssimulacra2(pixels, other, threads=n) for n in (None, 1, 2, 3, 8)}) == 1


def test_a_reference_says_the_same_again_and_again_in_any_layout():
    reference = Reference(bird())
    others = [bird() & 0xF0, bird() & 0xFC, alpha(128), bird()]
    once = [ssimulacra2(bird(), other) for other in others]
    assert once == [reference.score(other) for other in others]
    assert once == [reference.score(np.asfortranarray(other)) for other in others]
    assert once[-1] == 100


def test_a_reference_knows_the_size_of_its_original():
    with pytest.raises(ValueError, match="same size and a pixel, not 128x96 and 96x128"):
        Reference(photo()).score(photo().swapaxes(0, 1))
    with pytest.raises(ValueError, match="must be uint8"):
        Reference(photo() / 255)


@pytest.mark.parametrize(("height", "width"), [(1, 1), (1, 9), (3, 30), (7, 7), (8, 5)])
def test_sides_below_8_are_judged_mirrored(height, width):
    def mirrored(side):
        there_and_back = [*range(side), *reversed(range(side))]
        return (there_and_back * 8)[: side * -(-8 // side)]

    chance = np.random.default_rng(height * width)
    pair = chance.integers(0, 256, (2, height, width, 4), dtype=np.uint8)
    large = pair[:, mirrored(height)][:, :, mirrored(width)]
    assert min(large.shape[1:3]) >= 8
    assert ssimulacra2(*pair) == Reference(pair[0]).score(pair[1]) == ssimulacra2(*large) < 100


def sky(height=70, width=90):
    """A slow ramp with a little of another along the other side."""
    y, x = np.mgrid[:height, :width]
    return np.dstack([90 + y // 2, 120 + x // 4, 150 + (x + y) // 4]).astype(np.uint8)


@settings(max_examples=30, deadline=None)
@given(st.data())
def test_bands_are_their_definition_with_and_without_alpha(data):
    height, width = data.draw(st.tuples(st.integers(1, 50), st.integers(1, 50)))
    step = data.draw(st.integers(1, 24))
    pixels = sky(height, width)
    noise = np.random.default_rng(step).integers(0, data.draw(st.integers(1, 9)), pixels.shape)
    pair = [pixels, ((pixels + noise) // step * step).astype(np.uint8)]
    grounds = [0]
    if data.draw(st.booleans()):
        clear = np.linspace(0, 255, height * width).reshape(height, width, 1).astype(np.uint8)
        pair, grounds = [np.dstack([p, clear]) for p in pair], [0, 128, 255]
    slow = max(reference.bands(*pair, ground) for ground in grounds)
    assert bands(*pair) == pytest.approx(slow, rel=1e-12, abs=1e-12)


def test_bands_grow_with_the_steps_of_a_sky_and_dots_hide_them():
    pixels = sky(256, 256)
    found = [bands(pixels, pixels // step * step) for step in (1, 2, 4, 8)]
    assert found[0] == 0
    assert found == sorted(found)
    dotted = (pixels + np.indices((256, 256)).sum(axis=0)[:, :, None] % 2 * 8) // 16 * 16
    assert bands(pixels, dotted.astype(np.uint8)) < bands(pixels, pixels // 16 * 16) / 3


def test_fills_that_stay_as_they_are_have_no_bands():
    pixels = np.zeros((64, 64, 3), np.uint8)
    pixels[:, 32:] = 6
    assert bands(pixels, pixels) == bands(pixels, pixels + np.uint8(1)) == 0
    assert bands_word(pixels, pixels) == "none"


def test_a_score_comes_with_a_word_for_bands():
    pixels = sky(256, 256)
    banded, fine = (
        compress(pixels, 256, dither=dither, lossy=0, ssimulacra2=True).report for dither in (0, 1)
    )
    assert (banded.bands, fine.bands) == ("visible", "none")
    assert compress(pixels, 8).report.bands is None


def a_report(**changes):
    told = {"width": 8, "height": 4, "bytes_in": 1000, "bytes_out": 250, "colors": 16, "psnr": 30.0}
    return Report(**{**told, **changes})


def test_a_report_tells_the_fraction_saved():
    assert a_report().saved == 0.75
    assert a_report(bytes_out=1500).saved == -0.5
    assert a_report(bytes_in=None).saved is None


def test_a_report_is_strict_json_even_when_lossless():
    told = a_report(psnr=math.inf, seconds={"read": 0.5}).to_dict()
    assert json.loads(json.dumps(told, allow_nan=False)) == told
    assert told["psnr"] is None
    assert told["saved"] == 0.75
    assert told["seconds"] == {"read": 0.5}


@given(st.integers(0, 10**13))
def test_a_size_is_short_and_right_within_five_percent(size):
    text = size_text(size)
    number, unit = text.split()
    factor = {"B": 1, "kB": 1e3, "MB": 1e6, "GB": 1e9, "TB": 1e12}[unit]
    assert float(number) * factor == pytest.approx(size, rel=0.051)
    assert len(number) <= 3
