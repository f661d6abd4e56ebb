"""Laws of drawing a picture with a palette."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import reference_pixels as reference
from tinct import _probes
from tinct.color.points import to_points
from tinct.mapping.remap import remap
from tinct.palette.choice import palette
from tinct.palette.histogram import histogram

BAND = 128  # rows that are diffused together, see draw.hpp


def painting(channels=3, height=60, width=80, seed=0):
    """A smooth picture of many colors; with alpha, from opaque to fully transparent."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width]
    y, x = y / height, x / width
    layers = [x * 200 + 20, y * 180 + 30, (1 - x) * y * 220, 255 * np.clip(2 - 2.4 * x, 0, 1)]
    noise = rng.normal(0, 3, (height, width, channels)) * (np.arange(channels) < 3)
    return np.clip(np.stack(layers[:channels], axis=-1) + noise, 0, 255).astype(np.uint8)


@st.composite
def small_jobs(draw):
    """A tiny picture, a palette for it, and options of the diffusion."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    channels, k = draw(st.sampled_from([3, 4])), draw(st.integers(1, 12))
    height, width = draw(st.integers(1, 8)), draw(st.integers(1, 9))
    spread = draw(st.sampled_from([20, 255]))
    pixels = (rng.integers(0, spread, (height, width, channels)) + 255 - spread).astype(np.uint8)
    colors = (rng.integers(0, spread, (k, channels)) + 255 - spread).astype(np.uint8)
    if channels == 4:
        pixels[rng.random((height, width)) < 0.3, 3] = 0
        colors[:, 3] = np.maximum(colors[:, 3], 1)
        pixels[rng.random((height, width)) < 0.3, 3] = 255
        colors[rng.random(k) < 0.4, 3] = 255
    return pixels, colors


@settings(max_examples=60, deadline=None)
@given(small_jobs())
def test_nearest_equals_slow_twin(job):
    pixels, colors = job
    points = to_points(pixels.reshape(-1, pixels.shape[2]))
    entries, wanted = to_points(colors), []
    for pixel, point in zip(pixels.reshape(-1, pixels.shape[2]), points, strict=True):
        alphas = colors[:, 3] if len(pixel) == 4 else [255] * len(colors)
        may = reference.allowed(pixel[3] if len(pixel) == 4 else 255, alphas)
        wanted.append(may[reference.nearest(point, entries[may])[0]])
    assert remap(pixels, colors).ravel().tolist() == wanted


@settings(max_examples=60, deadline=None)
@given(
    small_jobs(),
    st.floats(0, 1, width=32),
    st.sampled_from([0.0, 0.01, 0.1, 10.0]),
    st.sampled_from([0.0, 0.05]),
    st.booleans(),
    st.booleans(),
)
def test_diffusion_equals_slow_twin(job, strength, limit, flat, serpentine, light):
    pixels, colors = job
    ways = (serpentine, light)
    entries = to_points(colors)
    points = to_points(pixels.reshape(-1, pixels.shape[2])).reshape(pixels.shape)
    hidden = pixels[:, :, -1] == 0 if pixels.shape[2] == 4 else np.zeros(pixels.shape[:2], bool)
    whole = np.array([[0, 0, len(pixels)]])
    fast = _probes.diffuse(
        pixels, entries, remap(pixels, colors), strength, limit, flat, *ways, whole
    )
    alphas = (pixels[:, :, 3], colors[:, 3]) if pixels.shape[2] == 4 else (None, None)
    slow = reference.diffuse(points, hidden, entries, strength, limit, flat, *ways, *alphas)
    np.testing.assert_array_equal(fast, slow)


def test_diffusion_in_bands_equals_slow_twin_with_a_full_palette():
    pixels = painting(height=12, width=40)
    colors = palette(histogram(painting()), 256).colors
    entries, points = to_points(colors), to_points(pixels.reshape(-1, 3)).reshape(pixels.shape)
    bands = np.array([[0, 0, 5], [3, 5, 11], [9, 11, 12]])
    fast = _probes.diffuse(
        pixels, entries, remap(pixels, colors), 1.0, 0.05, 0.0, True, True, bands
    )
    for first, kept, last in bands:
        hidden = np.zeros((last - first, pixels.shape[1]), bool)
        slow = reference.diffuse(points[first:last], hidden, entries, 1.0, 0.05, 0.0, True)
        np.testing.assert_array_equal(fast[kept:last], slow[kept - first :])


@pytest.mark.parametrize(("dither", "within"), [(1.0, 0.01), (0.75, 0.03)])
def test_a_flat_gray_keeps_its_mean_light_on_any_two_grays_around_it(dither, within):
    rng = np.random.default_rng(7)
    pairs = [(0, 255)] * 20 + [np.sort(rng.choice(256, 2, replace=False)) for _ in range(40)]
    light = np.array([reference.linear(code) for code in range(256)])
    for dark, bright in pairs:
        gray = rng.integers(dark, bright, endpoint=True)
        colors = np.array([dark, bright], np.uint8)[:, None].repeat(3, axis=1)
        drawn = colors[remap(np.full((128, 128, 3), gray, np.uint8), colors, dither=dither), 0]
        assert abs(light[drawn].mean() - light[gray]) < within, (dark, gray, bright)


@pytest.mark.parametrize("channels", [3, 4])
def test_every_pixel_of_a_color_takes_the_same_entry_without_dithering(channels):
    pixels = painting(channels)
    colors = palette(histogram(pixels), 16).colors
    drawn = np.dstack([pixels, remap(pixels, colors)]).reshape(-1, channels + 1)
    seen = drawn[drawn[:, channels - 1] > 0]
    assert len(np.unique(seen, axis=0)) == len(np.unique(seen[:, :channels], axis=0))


@pytest.mark.parametrize("dither", [0.0, 0.8])
@pytest.mark.parametrize("channels", [3, 4])
def test_order_of_the_palette_does_not_change_the_image(channels, dither):
    pixels = painting(channels)
    colors = palette(histogram(pixels), 24).colors
    shuffled = np.random.default_rng(1).permutation(colors)
    one, other = (c[remap(pixels, c, dither=dither)] for c in (colors, shuffled))
    np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("dither", [0.0, 1.0])
@pytest.mark.parametrize("channels", [3, 4])
def test_a_picture_whose_colors_are_all_in_the_palette_stays_as_it_is(channels, dither):
    rng = np.random.default_rng(2)
    colors = rng.integers(0, 256, (40, channels), dtype=np.uint8)
    colors[0] = 0
    pixels = colors[rng.integers(0, 40, (30, 30))]
    drawn = colors[remap(pixels, colors, dither=dither)]
    shown = pixels[..., -1] > 0 if channels == 4 else np.ones((30, 30), bool)
    np.testing.assert_array_equal(drawn[shown], pixels[shown])


@pytest.mark.parametrize("dither", [0.0, 1.0])
def test_a_visible_pixel_never_vanishes_and_a_hidden_one_never_shows(dither):
    rng = np.random.default_rng(3)
    pixels = rng.integers(0, 256, (40, 40, 4), dtype=np.uint8)
    pixels[..., 3] = rng.choice([0, 1, 2, 3, 255], (40, 40))
    few = np.array([[0] * 4, [255, 255, 255, 9], [255] * 4], np.uint8)
    for colors in (palette(histogram(pixels), 4).colors, few):
        drawn = colors[remap(pixels, colors, dither=dither)]
        np.testing.assert_array_equal(drawn[..., 3] == 0, pixels[..., 3] == 0)


def test_hidden_pixels_neither_take_nor_pass_on_errors():
    pixels = painting(4)
    pixels[:, ::7, 3] = 0
    other = pixels.copy()
    other[:, ::7, :3] = 255 - other[:, ::7, :3]
    colors = palette(histogram(pixels), 8).colors
    one, two = (remap(p, colors, dither=1.0) for p in (pixels, other))
    np.testing.assert_array_equal(one, two)


def test_diffusion_keeps_the_mean_of_what_the_palette_can_mix():
    ramp = np.repeat(np.linspace(60, 190, 128).astype(np.uint8), 3).reshape(1, 128, 3)
    pixels = np.repeat(ramp, 128, axis=0)
    colors = np.array([[40] * 3, [120] * 3, [210] * 3], dtype=np.uint8)

    light = np.array([reference.linear(code) for code in range(256)])

    def tiles(image):
        return light[image[..., 0]].reshape(8, 16, 8, 16).mean(axis=(1, 3))

    wanted = tiles(pixels)
    off = {d: np.abs(tiles(colors[remap(pixels, colors, dither=d)]) - wanted).max() for d in (0, 1)}
    assert off[1] < 0.02
    assert off[0] > 0.1


def test_errors_of_colors_outside_of_the_palette_do_not_bleed_far():
    pixels = np.full((64, 96, 3), 128, dtype=np.uint8)
    pixels[:, :48] = (255, 0, 0)
    colors = np.array([[90, 90, 90], [128, 128, 128], [170, 170, 170]], dtype=np.uint8)
    drawn = remap(pixels, colors, dither=1.0)
    assert (drawn[:, 48:] == 1).all()
    assert (remap(pixels[:, ::-1], colors, dither=1.0)[:, :48] == 1).all()


def test_flat_areas_that_the_palette_serves_exactly_stay_flat_beside_others():
    pixels = painting()
    pixels[20:40, 30:60] = (10, 200, 90)
    colors = np.vstack([palette(histogram(painting()), 8).colors, [[10, 200, 90]]]).astype(np.uint8)
    assert (remap(pixels, colors, dither=1.0)[20:40, 30:60] == 8).all()


def test_more_dithering_changes_more_pixels():
    pixels = painting()
    colors = palette(histogram(pixels), 16).colors
    plain = remap(pixels, colors)
    changed = [(remap(pixels, colors, dither=d) != plain).mean() for d in (0, 0.25, 0.5, 1)]
    assert changed[0] == 0
    assert changed == sorted(changed)
    assert changed[-1] > 0.1


def test_serpentine_differs_from_one_way_rows():
    pixels = painting()
    colors = palette(histogram(pixels), 8).colors
    one, other = (remap(pixels, colors, dither=1.0, serpentine=s) for s in (True, False))
    np.testing.assert_array_equal(one[0], other[0])
    assert (one != other).any()


def test_a_known_histogram_changes_nothing():
    pixels = painting(4)
    counted = histogram(pixels)
    colors = palette(counted, 8).colors
    one, other = (remap(pixels, colors, dither=0.5, counted=c) for c in (counted, None))
    np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("channels", [3, 4])
def test_the_histogram_of_another_picture_gives_indices_in_range(channels):
    pixels, other = painting(channels), painting(channels, seed=9)
    colors = palette(histogram(pixels), 3).colors
    for dither in (0.0, 1.0):
        assert remap(pixels, colors, dither=dither, counted=histogram(other)).max() < 3


@pytest.mark.parametrize("shape", [(1, 1), (1, 50), (50, 1), (2, 3)])
@pytest.mark.parametrize("channels", [3, 4])
def test_any_size_of_picture_is_drawn(shape, channels):
    pixels = painting(channels, *shape)
    colors = np.full((2, channels), 255, dtype=np.uint8)
    colors[0, 0] = 0
    assert remap(pixels, colors, dither=1.0).shape == shape


def test_a_picture_of_nothing_visible_needs_no_visible_color():
    pixels = np.zeros((3, 4, 4), dtype=np.uint8)
    assert not remap(pixels, np.zeros((1, 4), np.uint8), dither=1.0).any()
    with pytest.raises(ValueError, match="palette must hold a visible color"):
        remap(pixels + 9, np.zeros((1, 4), np.uint8))


GRAY = np.full((2, 3), 9, dtype=np.uint8)


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ((GRAY,), ValueError, r"pixels must be \(h, w, c\), not \(2, 3\)"),
        ((GRAY[None], GRAY[:, :2]), ValueError, r"palette must be \(k, 3\), not \(2, 2\)"),
        ((GRAY[None], GRAY.astype(float)), TypeError, "palette must be a uint8 array, not float64"),
        ((GRAY[None], [[1, 2, 3]]), TypeError, "palette must be a uint8 array, not list"),
        ((GRAY[None], GRAY[:0]), ValueError, r"palette must hold 1\.\.256 colors, not 0"),
        ((GRAY[None], np.zeros((257, 3), np.uint8)), ValueError, "not 257"),
        ((GRAY[None], GRAY, 1.5), ValueError, r"dither must be 0\.\.1, not 1\.5"),
        ((GRAY[None], GRAY, float("nan")), ValueError, r"dither must be 0\.\.1, not nan"),
        ((GRAY[None], GRAY, "full"), TypeError, "dither must be a number, not str"),
    ],
)
def test_refuses_by_name(arguments, error, words):
    pixels, colors, dither = (*arguments, GRAY, 0.0)[:3] if len(arguments) < 3 else arguments
    with pytest.raises(error, match=words):
        remap(pixels, colors, dither=0.0 if isinstance(dither, np.ndarray) else dither)


def test_threads_change_no_bit_of_a_tall_picture():
    pixels = painting(height=1200, width=40)
    colors = palette(histogram(pixels), 12).colors
    one, two, many = (remap(pixels, colors, dither=0.8, threads=t) for t in (1, 2, 5))
    assert one.tobytes() == two.tobytes() == many.tobytes()


def test_bands_leave_no_seam():
    pixels = painting(height=BAND * 3, width=90)
    colors = palette(histogram(pixels), 12).colors
    seen = to_points(colors)[remap(pixels, colors, dither=0.75)]
    wanted = to_points(pixels.reshape(-1, 3)).reshape(seen.shape)
    # The mean error of a row and the next, as the eye would average it: no worse where bands meet.
    rows = np.abs((seen - wanted).mean(axis=1)).sum(axis=1)
    pairs = rows[1:] + rows[:-1]
    seams = pairs[[BAND - 1, 2 * BAND - 1]]
    assert seams.max() <= np.quantile(pairs, 0.98)


def test_without_dithering_the_space_decides_what_is_nearest():
    pixels = np.array([[[0, 0, 96]]], np.uint8)
    colors = np.array([[0, 0, 0], [70, 70, 150]], np.uint8)
    by_eye = remap(pixels, colors, counted=histogram(pixels))
    by_code = remap(pixels, colors, counted=histogram(pixels, "srgb"))
    for indices, space in ((by_eye, "oklab"), (by_code, "srgb")):
        away = ((to_points(colors, space) - to_points(pixels[0], space)) ** 2).sum(axis=1)
        assert indices.item() == away.argmin()
    assert by_eye.item() != by_code.item()


@pytest.mark.parametrize("channels", [3, 4])
def test_sharp_pixels_take_their_nearest_entry_and_the_others_do_not_mind(channels):
    pixels = painting(channels)
    colors = palette(histogram(pixels), 9).colors
    sharp = np.random.default_rng(5).random(pixels.shape[:2]) < 0.3
    mixed = remap(pixels, colors, dither=0.75, sharp=sharp)
    dithered, nearest = remap(pixels, colors, dither=0.75), remap(pixels, colors)
    np.testing.assert_array_equal(mixed, np.where(sharp, nearest, dithered))


def test_a_mask_and_a_histogram_must_fit_the_pixels():
    pixels = painting()
    with pytest.raises(ValueError, match=r"sharp must be bool \(60, 80\), not bool \(80, 60\)"):
        remap(pixels, pixels[0, :4], sharp=np.zeros((80, 60), bool))
    with pytest.raises(ValueError, match="counted must have the pixels' 3 channels, not 4"):
        remap(pixels, pixels[0, :4], counted=histogram(painting(4)))


def test_edges_are_where_visibility_is_least():
    weights = np.array([[1.0, 0.14, 0.13, 1.0]], np.float32)
    assert _probes.find_edges(weights).tolist() == [[False, False, True, False]]


@pytest.mark.parametrize(("same", "flat"), [(25, False), (26, True)])
def test_a_picture_is_flat_if_more_than_a_quarter_equals_the_pixel_before(same, flat):
    row = np.arange(101, dtype=np.uint8) + np.zeros((3, 101), np.uint8)
    row[0, 1 : same + 1] = row[0, 0]  # of the rows 0, 4, 8...
    assert _probes.is_flat(np.repeat(row[:, :, None], 3, axis=2)) == flat
