"""Pictures of kinds that public reports are about."""

import io

import numpy as np
import pytest
from PIL import Image

import tinct
from painted import photo
from tinct.picture.read import read


def soft_card():
    """A card whose soft edge ends in full transparency."""
    y, x = np.mgrid[:60, :80]
    away = np.hypot(np.maximum(abs(x - 40) - 20, 0), np.maximum(abs(y - 30) - 10, 0))
    card = np.zeros((60, 80, 4), np.uint8)
    card[..., 3] = np.clip(255 * np.exp(-((away / 6) ** 2)) - 6, 0, 255)
    card[20:40, 20:60, :3] = np.random.default_rng(0).integers(0, 255, (20, 40, 3))
    return card


@pytest.mark.parametrize(
    "how", [{"lossy": 0.3}, {"quality": 60}, {"colors": 8}, {"max_bytes": 1500}]
)
@pytest.mark.parametrize("format", ["png", "webp"])
def test_what_is_transparent_stays_so_with_any_loss(how, format):
    card = soft_card()
    shown = read(tinct.compress(card, format=format, **how).data).pixels
    assert not shown[..., 3][card[..., 3] == 0].any()
    assert shown[..., 3][card[..., 3] > 0].all()


@pytest.mark.parametrize("how", [{}, {"dither": 1.0}, {"lossy": 0.3}, {"colors": 64}])
def test_blocks_of_one_color_stay_flat_and_no_larger_than_without_loss(how):
    base = np.random.default_rng(5).integers(0, 256, (25, 40, 3)).astype(np.uint8)
    block = np.ones((8, 8, 1), np.uint8)
    stream = io.BytesIO()
    Image.fromarray(np.kron(base, block)).save(stream, "PNG", optimize=True)
    small = tinct.compress(stream.getvalue(), **how)
    assert np.array_equal(small.image, np.kron(small.image[::8, ::8], block))
    assert len(small.data) <= len(stream.getvalue())


@pytest.mark.parametrize("format", ["png", "webp"])
def test_a_pixelated_photograph_stays_exact_where_that_takes_little_more(format):
    pixels = photo(24, 32).repeat(12, 0).repeat(12, 1)
    count = len(np.unique(pixels.reshape(-1, 3), axis=0))
    small, named = (tinct.compress(pixels, format=format, **how) for how in ({}, {"colors": 256}))
    assert count > 256 == named.report.colors
    assert np.array_equal(small.image, pixels)
    assert len(small.data) <= 1.8 * len(named.data)
