"""The figure holds both pictures as they are, at a size that can be read."""

import numpy as np
import pytest

from painted import PICTURES, alpha, exact, flat, photo
from tinct.plots.compare import side_by_side
from tinct.scoring.report import Report


def figure(original, compressed=None, palette=None, shares=None, **told):
    compressed = original if compressed is None else compressed
    if palette is None:
        palette = compressed[0, :16]
        shares = np.full(len(palette), 1 / len(palette))
    told = {"bytes_in": 9000, "bytes_out": 999, "colors": 16, "psnr": 33.3, "name": "a.png"} | told
    report = Report(height=original.shape[0], width=original.shape[1], **told)
    return side_by_side(original, compressed, palette, shares, report)


@pytest.mark.parametrize("name", PICTURES)
def test_every_picture_gives_a_figure_of_a_width_that_fits_a_page(name):
    drawn = figure(PICTURES[name]())
    assert drawn.dtype == np.uint8
    assert drawn.shape[2] == 3
    assert 900 <= drawn.shape[1] <= 1720


@pytest.mark.parametrize("width", [1, 2, 900, 2500])
@pytest.mark.parametrize("height", [1, 3, 900, 2500])
def test_every_shape_gives_a_figure_neither_tiny_nor_huge(width, height):
    drawn = figure(np.full((height, width, 3), 99, np.uint8))
    assert 900 <= drawn.shape[1] <= 1720
    assert 280 <= drawn.shape[0] <= 2600


def test_the_same_picture_gives_the_same_figure():
    assert np.array_equal(figure(photo()), figure(photo()))


def test_left_is_the_original_and_right_the_compressed_picture():
    red, blue = (np.full((50, 50, 3), color, np.uint8) for color in ((200, 0, 0), (0, 0, 200)))
    drawn = figure(red, blue)
    middle = drawn.shape[1] // 2
    is_red, is_blue = ((drawn == color).all(axis=2) for color in ((200, 0, 0), (0, 0, 200)))
    assert is_red[:, :middle].sum() > 100_000
    assert not is_red[:, middle:].any()
    assert is_blue[:-150, middle:].sum() > 100_000
    assert not is_blue[:-150, :middle].any()


def test_small_pixels_become_squares():
    drawn = figure(exact(16))
    half = drawn[:-150, : drawn.shape[1] // 2].reshape(-1, 3)
    side = 25  # 32 pixels on at most 800
    for color in np.unique(exact(16).reshape(-1, 3), axis=0):
        assert (half == color).all(axis=1).sum() == 64 * side * side


def test_swatches_run_from_the_most_used_to_the_least_and_the_rarest_is_seen():
    palette = np.array([[10, 0, 0], [0, 10, 0], [0, 0, 10]], np.uint8)
    drawn = figure(flat(), palette=palette, shares=np.array([0.0001, 0.9, 0.0999]))
    row = drawn[-60]
    places = [np.flatnonzero((row == color).all(axis=1)) for color in palette]
    assert places[1].max() < places[2].min() < places[2].max() < places[0].min()
    assert len(places[0]) >= 20
    assert len(places[1]) > len(places[2]) > len(places[0])


def test_what_is_transparent_shows_checks():
    drawn = figure(alpha())
    for color in (255, 226):
        assert (drawn == color).all(axis=2).sum() > 5_000
    assert not (drawn == (7, 8, 9)).all(axis=2).any()  # the color under full transparency


def test_the_detail_is_taken_where_something_is_to_be_seen():
    wall = np.full((400, 600, 3), 90, np.uint8)
    wall[300:360, 420:520] = np.random.default_rng(0).integers(0, 256, (60, 100, 3))
    drawn = figure(wall)
    flat_share = (drawn == 90).all(axis=2).mean(axis=1)
    detail = flat_share[560:800]  # below captions and pictures
    assert detail.min() < 0.35


def test_a_long_or_missing_name_does_no_harm():
    for name in ("x" * 300 + ".png", None, "日本.png", "a/b/c.png"):
        assert figure(flat(), name=name).shape == figure(flat()).shape


def test_what_does_not_fit_together_is_refused():
    with pytest.raises(ValueError, match="don't fit"):
        figure(photo(), photo()[:-1])
    with pytest.raises(ValueError, match="don't fit"):
        figure(flat(), palette=np.zeros((2, 3), np.uint8), shares=np.ones(3))
