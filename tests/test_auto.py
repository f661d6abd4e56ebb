"""Laws of the loss that is not seen: `lossy="auto"`, the default."""

import numpy as np
import pytest

from painted import PICTURES, alpha, bird, exact, flat, photo
from tinct.compress.compress import compress
from tinct.scoring.bands import VISIBLE, bands


@pytest.mark.parametrize("make", [photo, alpha, flat, bird])
@pytest.mark.parametrize("colors", [16, 64])
def test_of_few_colors_it_is_none(make, colors):
    pixels = make()
    assert compress(pixels, colors).data == compress(pixels, colors, lossy=0).data


@pytest.mark.parametrize("options", [{"dither": 0}, {"space": "srgb"}, {"dither": 0, "effort": 0}])
def test_where_pixels_are_drawn_as_textbooks_do_it_is_none(options):
    pixels = photo(64, 64)
    assert compress(pixels, **options).data == compress(pixels, lossy=0, **options).data


def test_a_picture_of_no_more_colors_stays_exact():
    pixels = exact(200)
    np.testing.assert_array_equal(compress(pixels, 200, format="webp").image, pixels)


@pytest.mark.parametrize("name", PICTURES)
@pytest.mark.parametrize("colors", [90, 256])
def test_colors_are_a_promise_and_little_is_lost(name, colors):
    pixels = PICTURES[name]()
    small, plain = (compress(pixels, colors, lossy=lossy) for lossy in ("auto", 0))
    assert len(np.unique(small.indices)) == len(small.palette) <= colors
    assert small.report.psnr >= min(plain.report.psnr, 60) - 6


@pytest.mark.parametrize("format", ["png", "webp", "gif"])
def test_photographs_take_fewer_bytes_in_every_format(format):
    pixels = photo(240, 320)
    small, plain = (compress(pixels, 256, lossy=x, format=format) for x in ("auto", 0))
    assert len(small.data) < 0.9 * len(plain.data)


def test_threads_and_repetition_change_no_byte():
    pixels = np.tile(photo(96, 128), (7, 6, 1))  # several bands for threads to share
    files = [compress(pixels, 256, threads=t).data for t in (1, 2, 2)]
    assert files[0] == files[1] == files[2]


@pytest.mark.parametrize("seed", range(3))
def test_a_smooth_sky_has_no_visible_bands_by_default(seed):
    """Before errors were passed on more where bands would show it had: 0.12 to 0.19."""
    chance = np.random.default_rng(seed)
    y, x = np.mgrid[0 : 1 : 300 * 1j, 0 : 1 : 320 * 1j]
    slow = [110 + 40 * y + 10 * np.sin(3 * x + seed), 140 + 40 * y + 8 * x, 190 + 30 * y]
    sky = np.stack(slow, axis=2) + chance.normal(0, 1, (300, 320, 3))
    sky[200:] += chance.normal(0, 25, (100, 320, 3))  # a field below it
    pixels = np.clip(sky, 0, 255).round().astype(np.uint8)
    small = compress(pixels)
    assert bands(pixels, small.image) < VISIBLE
