"""Laws of counting colors and choosing among them."""

import copy
import dataclasses
import pickle
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import reference_pixels as reference
from tinct import _kernels, _probes
from tinct.clustering.kmeans import assign
from tinct.color.points import from_points, to_points
from tinct.compress.compress import compress
from tinct.mapping.remap import remap
from tinct.palette.choice import palette
from tinct.palette.histogram import Histogram, histogram


def pictures(channels=(3, 4)):
    shapes = st.tuples(st.integers(1, 12), st.integers(1, 12), st.sampled_from(channels))
    return shapes.flatmap(
        lambda shape: hnp.arrays(np.uint8, shape, elements=st.integers(0, 255), fill=st.just(7))
    )


def painting(channels=3, side=96, seed=0):
    """A smooth picture of many colors; with alpha, from opaque to fully transparent."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:side, 0:side] / (side - 1)
    layers = [x * 200 + 20, y * 180 + 30, (1 - x) * y * 220, 255 * np.clip(2 - 2.4 * x, 0, 1)]
    noise = rng.normal(0, 3, (side, side, channels)) * (np.arange(channels) < 3)
    return np.clip(np.stack(layers[:channels], axis=-1) + noise, 0, 255).astype(np.uint8)


def error_of(colors, counted):
    shown = ~counted.hidden
    _, distances = assign(counted.points[shown], to_points(colors))
    return float(counted.weights[shown] @ distances)


@settings(max_examples=60, deadline=None)
@given(pictures())
def test_histogram_equals_counting_one_by_one(pixels):
    counted = histogram(pixels)
    rows = [tuple(c) for c in counted.colors.tolist()]
    found = dict(zip(rows, counted.weights.tolist(), strict=True))
    assert found == dict(reference.distinct_colors(pixels))
    assert counted.weights.sum() == pixels[..., 0].size


@pytest.mark.parametrize("channels", [3, 4])
def test_histogram_equals_numpy_where_many_colors_share_a_bucket(channels):
    rng = np.random.default_rng(5)
    near = rng.integers(0, 24, (120_000, channels), dtype=np.uint8) + 100
    far = rng.integers(1, 256, (20_000, channels), dtype=np.uint8)
    pixels = np.vstack([near, far])
    colors, counts = np.unique(pixels, axis=0, return_counts=True)
    counted = histogram(pixels)
    order = np.lexsort(counted.colors.T[::-1])
    np.testing.assert_array_equal(counted.colors[order], colors)
    np.testing.assert_array_equal(counted.weights[order], counts)


@pytest.mark.parametrize("channels", [3, 4])
def test_histogram_of_a_picture_in_slices_equals_that_of_its_parts(channels):
    few = np.unique(np.random.default_rng(0).integers(1, 256, (99, channels), np.uint8), axis=0)
    indices = np.random.default_rng(1).integers(0, len(few), (3, (1 << 22) // 3 + 9))
    counted = histogram(few[indices])
    order = np.lexsort(counted.colors.T[::-1])
    np.testing.assert_array_equal(counted.colors[order], few)
    np.testing.assert_array_equal(counted.weights[order], np.bincount(indices.ravel()))


@settings(max_examples=40, deadline=None)
@given(pictures(), st.randoms(use_true_random=False))
def test_histogram_does_not_depend_on_where_pixels_stand(pixels, random):
    flat = pixels.reshape(-1, pixels.shape[2])
    order = list(range(len(flat)))
    random.shuffle(order)
    one, other = histogram(pixels), histogram(flat[order])
    np.testing.assert_array_equal(one.colors, other.colors)
    np.testing.assert_array_equal(one.weights, other.weights)


@settings(max_examples=60, deadline=None)
@given(pictures())
def test_a_picture_with_few_colors_gets_exactly_those(pixels):
    counted = histogram(pixels)
    chosen = palette(counted, max(2, len(counted.colors)))
    assert {tuple(c) for c in chosen.colors.tolist()} == {tuple(c) for c in counted.colors.tolist()}


@pytest.mark.parametrize("channels", [3, 4])
@pytest.mark.parametrize("colors", [2, 16, 256])
def test_palette_is_full_distinct_and_shares_sum_to_one(channels, colors):
    chosen = palette(histogram(painting(channels)), colors)
    assert len(np.unique(chosen.colors, axis=0)) == len(chosen.colors) == colors
    assert chosen.shares.sum() == pytest.approx(1)
    assert (chosen.shares >= 0).all()


def test_more_colors_serve_better():
    counted = histogram(painting())
    errors = [error_of(palette(counted, k).colors, counted) for k in (4, 16, 64, 256)]
    assert errors == sorted(errors, reverse=True)
    assert errors[-1] < errors[0] / 20


@pytest.mark.parametrize("side", [64, 96])
def test_small_pictures_are_searched_at_the_usual_effort(side):
    counted = histogram(painting(side=side))
    once, long = (error_of(palette(counted, 256, effort=e).colors, counted) for e in (1, 2))
    assert once <= 1.025 * long  # four percent more where only single colors move


def test_rounding_takes_the_nearest_color_there_is():
    rng = np.random.default_rng(6)
    points = to_points(rng.integers(40, 215, (40, 3), dtype=np.uint8))
    points += rng.normal(0, 0.002, (40, 3)).astype(np.float32)
    rounded = to_points(_probes.nearest_colors(points))
    away = ((rounded - points) ** 2).sum(axis=1)
    plain = ((to_points(from_points(points)) - points) ** 2).sum(axis=1)
    assert (away <= plain).all()
    assert away.mean() < plain.mean()


def test_centers_that_round_to_one_color_make_room_for_the_worst_served():
    counted = histogram(painting())
    centers = np.vstack([np.repeat(counted.points[:1], 8, axis=0), counted.points[-1:]])
    chosen = _probes.rounded(counted.colors, centers)
    assert len(chosen) == len(np.unique(chosen, axis=0)) == 9


def test_full_transparency_has_one_exact_entry_and_it_comes_first():
    chosen = palette(histogram(painting(4)), 16)
    assert chosen.colors[0].tolist() == [0, 0, 0, 0]
    assert (chosen.colors[1:, 3] > 0).all()


def test_no_entry_is_spent_on_transparency_that_is_not_there():
    pixels = painting(4)
    pixels[:, :, 3] = np.maximum(pixels[:, :, 3], 1)
    assert (palette(histogram(pixels), 16).colors[:, 3] > 0).all()


def test_a_faint_color_is_never_rounded_to_nothing():
    faint = np.array([[0.0, 0.0, 0.0, 0.0], [1e-4, 0.0, 0.0, 1e-4]], np.float32)
    assert (_probes.nearest_colors(faint)[:, 3] > 0).all()


def test_entries_that_are_not_opaque_stand_before_the_others():
    alpha = palette(histogram(painting(4)), 64).colors[:, 3]
    opaque = alpha == 255
    assert opaque.any()
    assert not opaque.all()
    assert (np.diff(opaque.astype(int)) >= 0).all()


def test_opaque_entries_rise_from_dark_to_light():
    lightness = to_points(palette(histogram(painting()), 64).colors)[:, 0]
    assert (np.diff(lightness) >= 0).all()


def test_threads_change_no_bit():
    counted = histogram(painting(side=200))
    one, two = (palette(counted, 64, threads=t) for t in (1, 2))
    np.testing.assert_array_equal(one.colors, two.colors)
    np.testing.assert_array_equal(one.shares, two.shares)


def test_weights_say_where_errors_count():
    counted = histogram(painting())
    bright = counted.points[:, 0] > np.median(counted.points[:, 0])
    only_bright = Histogram(counted.colors, counted.weights * (bright + 1e-6), counted.points)
    wanted = Histogram(counted.colors[bright], counted.weights[bright], counted.points[bright])
    weighted, plain = palette(only_bright, 16).colors, palette(counted, 16).colors
    assert error_of(weighted, wanted) < error_of(plain, wanted) / 1.3


@pytest.mark.parametrize(
    ("colors", "error", "words"),
    [
        (1, ValueError, r"colors must be 2\.\.256, not 1$"),
        (1000, ValueError, r"colors must be 2\.\.256, not 1000"),
        (2.5, TypeError, "colors must be an integer, not float"),
        (True, TypeError, "colors must be an integer, not bool"),
        ("16", TypeError, "colors must be an integer, not str"),
    ],
)
def test_refuses_a_number_of_colors_no_palette_has(colors, error, words):
    with pytest.raises(error, match=words):
        palette(histogram(painting()), colors)


@pytest.mark.parametrize(
    ("pixels", "error", "words"),
    [
        (np.zeros((2, 2, 3)), TypeError, "pixels must be a uint8 array, not float64"),
        ([[[1, 2, 3]]], TypeError, "pixels must be a uint8 array, not list"),
        (np.zeros((2, 2), np.uint8), ValueError, r"pixels must be .* not \(2, 2\)"),
        (np.zeros((0, 2, 3), np.uint8), ValueError, "at least one pixel"),
    ],
)
def test_refuses_what_is_no_picture(pixels, error, words):
    with pytest.raises(error, match=words):
        histogram(pixels)


@pytest.mark.parametrize("dark", [0, 90])
def test_a_gray_picture_gets_a_gray_palette(dark):
    grays = np.clip(painting()[:, :, :1].repeat(3, axis=2), dark, None)
    chosen = palette(histogram(grays), 24).colors
    assert (chosen == chosen[:, :1]).all()


def test_solid_areas_stay_solid_beside_smooth_edges():
    y, x = np.mgrid[0:64, 0:64] - 31.5
    shape = np.clip((28 - np.hypot(x, y)) * 255 / 3, 0, 255)
    pixels = np.dstack([painting(side=64), shape.astype(np.uint8)])
    chosen = palette(histogram(pixels), 12).colors
    assert not ((chosen[:, 3] >= 240) & (chosen[:, 3] < 255)).any()


def test_a_small_mark_of_a_hue_of_its_own_keeps_an_entry():
    chance = np.random.default_rng(2)
    y, x = np.mgrid[:96, :128]
    sea = np.dstack([20 + y // 2, 90 + x // 2, 200 - y // 2 - x // 4]) + chance.normal(
        0, 6, (96, 128, 1)
    )
    pixels = sea.clip(0, 255).astype(np.uint8)
    pixels[40:44, 60:66] = (214, 30, 36)  # 24 pixels
    for drawn in (
        compress(pixels, 16).image,
        compress(pixels, 16, dither=0).image,
        compress(pixels, 16, lossy=0.5).image,
    ):
        red, green, blue = drawn[40:44, 60:66].reshape(-1, 3).mean(axis=0)
        assert red > 150 > 2 * max(green, blue)


def test_palettes_and_mappings_of_one_histogram_may_be_made_at_once():
    counted, pixels = histogram(painting()), painting()
    alone = [palette(histogram(painting()), k).colors for k in (4, 9, 16, 25)]

    def both(k):
        colors = palette(counted, k).colors
        return colors, remap(pixels, colors, counted=counted)

    with ThreadPoolExecutor(4) as pool:
        for wanted, (colors, indices) in zip(alone, pool.map(both, (4, 9, 16, 25)), strict=True):
            np.testing.assert_array_equal(colors, wanted)
            np.testing.assert_array_equal(indices, remap(pixels, wanted))


def test_a_histogram_can_be_copied_and_sent_after_it_was_used():
    counted = histogram(painting())
    wanted = palette(counted, 8).colors
    for other in (copy.deepcopy(counted), pickle.loads(pickle.dumps(counted))):
        np.testing.assert_array_equal(palette(other, 8).colors, wanted)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"weights": np.ones(3)}, "as many colors as weights"),
        ({"weights": np.zeros(4)}, "not all 0"),
        ({"weights": np.array([1.0, -1.0, 1.0, 1.0])}, "must not be negative"),
        ({"weights": np.array([1.0, np.nan, 1.0, 1.0])}, "must not be negative"),
        ({"weights": np.array([1.0, np.inf, 1.0, 1.0])}, "must be finite"),
        ({"points": np.full((4, 3), np.nan, np.float32)}, "points must be finite"),
        ({"points": np.zeros((4, 4), np.float32)}, "as many colors as weights"),
    ],
)
def test_a_histogram_that_does_not_fit_together_is_refused(change, words):
    whole = histogram(np.arange(12, dtype=np.uint8).reshape(1, 4, 3))
    with pytest.raises(ValueError, match=words):
        palette(dataclasses.replace(whole, **change), 2)


@pytest.mark.parametrize("how", [{"effort": 11}, {"seed": -1}, {"threads": 0}])
def test_refuses_ways_to_search_by_name(how):
    with pytest.raises(ValueError, match=next(iter(how))):
        palette(histogram(painting()), 8, **how)


@pytest.mark.parametrize("channels", [3, 4])
@pytest.mark.parametrize(("colors", "pixels"), [(50, 9_000), (40_000, 90_000), (40_000, 4_300_000)])
def test_a_color_counts_the_roots_of_its_pixels_weights(channels, colors, pixels):
    """Many colors of three channels are found by rank, and large pictures are summed in parts."""
    chance = np.random.default_rng(colors)
    drawn = chance.integers(1, 256, (colors, channels)).astype(np.uint8)
    table, _ = _kernels.count_colors(drawn)
    places = chance.integers(0, len(table), pixels)
    places[1::3] = places[:-1:3][: len(places[1::3])]
    weights = chance.uniform(0.1, 9, pixels).astype(np.float32)
    right = np.bincount(places, np.sqrt(weights), len(table))
    alone, shared = (
        _probes.sum_by_color(table[places], table, weights, threads) for threads in (1, 3)
    )
    np.testing.assert_array_equal(alone, shared)
    np.testing.assert_allclose(alone, right, rtol=1e-9)
