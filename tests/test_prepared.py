"""A picture that is kept draws as the picture itself does, again and again."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tinct
from painted import alpha, photo
from tinct.compress.encoder import Options
from tinct.compress.prepared import Prepared, shrunk

PICTURES = {"photo": np.array(photo())[:40, :60], "alpha": np.array(alpha())[:48, :48]}


@pytest.mark.parametrize("name", PICTURES)
def test_a_kept_picture_gives_the_bytes_of_the_picture_in_any_order_of_asking(name):
    kept = Prepared(PICTURES[name])
    ways = [
        {"colors": 16},
        {"colors": 5, "format": "gif", "dither": 0.0},
        {"colors": "auto"},
        {"colors": 16, "space": "srgb", "format": "webp"},
        {"colors": 16, "lossy": 0.4},
        {"colors": 256, "effort": 3},
        {"colors": 16},
    ]
    for how in ways:
        kept.preview(9, Options(dither=0.5), side=20)
        assert tinct.compress(kept, **how).data == tinct.compress(PICTURES[name], **how).data, how


@pytest.mark.parametrize("name", PICTURES)
@pytest.mark.parametrize("format", ["png", "gif"])
def test_an_undithered_preview_holds_the_colors_that_k_means_chose(name, format):
    kept = Prepared(PICTURES[name])
    drawing = kept.preview(12, Options(dither=0.0, format=format), side=60)
    assert drawing.indices.shape == PICTURES[name].shape[:2]
    assert len(drawing.palette) <= 12
    if format == "png":
        wanted = tinct.palette(tinct.histogram(kept.picture.pixels), 12).colors
        assert np.array_equal(drawing.palette, wanted)


def test_a_previews_colors_are_on_their_way_to_the_files():
    pixels = np.array(photo())
    kept = Prepared(pixels)
    file = tinct.compress(pixels, 8).palette
    seen = kept.preview(8, Options(dither=0.75)).palette
    chosen = tinct.palette(kept.histogram(), 8).colors

    def away(colors):
        one, other = (tinct.srgb_to_oklab(table) for table in (colors, file))
        return np.sqrt(((one[:, None] - other[None]) ** 2).sum(2).min(1)).mean()

    assert away(seen) < 0.7 * away(chosen)


@settings(max_examples=25)
@given(st.data())
def test_a_smaller_picture_holds_the_means_of_squares(data):
    height, width = data.draw(st.tuples(*[st.integers(1, 70)] * 2))
    channels, side = data.draw(st.sampled_from([3, 4])), data.draw(st.integers(1, 70))
    rng = np.random.default_rng(data.draw(st.integers(0, 99)))
    pixels = rng.integers(0, 256, (height, width, channels), np.uint8)
    small = shrunk(pixels, side)
    step = -(-max(height, width) // side)
    assert max(small.shape[:2]) <= side
    for y, x in np.ndindex(small.shape[:2]):
        square = pixels[y * step : (y + 1) * step, x * step : (x + 1) * step]
        rows = square.reshape(-1, channels).astype(float)
        opacity = rows[:, 3] if channels == 4 else np.ones(len(rows))
        mean = (rows * opacity[:, None]).sum(0) / max(opacity.sum(), 1)
        if channels == 4:
            mean[3] = opacity.mean()
        seen = slice(0 if opacity.sum() else 3, None)  # what nobody sees may have any color
        assert np.abs(small[y, x] - mean)[seen].max() <= 0.51
