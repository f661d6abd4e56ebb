"""Laws of the way from sRGB to points and back."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import reference_pixels as reference
from tinct import _probes
from tinct.color import oklab, points

codes = st.integers(0, 255)
rgba = st.tuples(codes, codes, codes, codes)


def every_color(step=1):
    """All colors whose codes are multiples of `step`, and white, in slices of one red."""
    axis = np.unique(np.append(np.arange(0, 256, step), 255)).astype(np.uint8)
    for red in axis:
        plane = np.stack(np.meshgrid([red], axis, axis, indexing="ij"), axis=-1)
        yield plane.reshape(-1, 3)


def test_kernel_equals_definition():
    rng = np.random.default_rng(1)
    colors = np.vstack([rng.integers(0, 256, (500, 3)), np.eye(3) * 255]).astype(np.uint8)
    wanted = [reference.oklab(c) for c in colors]
    np.testing.assert_allclose(oklab.srgb_to_oklab(colors), wanted, atol=5e-7)


def test_linear_light_at_codes_and_half_way_between_equals_definition():
    wanted = [reference.linear(half / 2) for half in range(511)]
    np.testing.assert_allclose(_probes.linear_steps(), wanted, rtol=1e-14)


def test_light_between_two_codes_rounds_to_the_nearer_one_in_srgb():
    codes = np.arange(255)
    for away, rounded in ((0.49, codes), (0.51, codes + 1)):
        light = [reference.linear(code + away) for code in codes]
        grays = oklab.oklab_to_srgb([[np.cbrt(v), 0, 0] for v in light])
        np.testing.assert_array_equal(grays, np.repeat(rounded[:, None], 3, axis=1))


def test_oklab_and_back_is_the_identity_on_all_colors():
    for plane in every_color(step=3):
        np.testing.assert_array_equal(oklab.oklab_to_srgb(oklab.srgb_to_oklab(plane)), plane)


def test_points_and_back_are_the_identity_on_visible_colors():
    rng = np.random.default_rng(2)
    colors = rng.integers(0, 256, (100_000, 4), dtype=np.uint8)
    colors[:, 3] = np.maximum(colors[:, 3], 1)
    np.testing.assert_array_equal(points.from_points(points.to_points(colors)), colors)


def test_black_is_the_origin_white_is_one_and_grays_have_no_chroma():
    grays = np.repeat(np.arange(256, dtype=np.uint8), 3).reshape(-1, 3)
    lab = oklab.srgb_to_oklab(grays)
    assert lab[0].tolist() == [0, 0, 0]
    np.testing.assert_allclose(lab[-1], [1, 0, 0], atol=2e-7)
    np.testing.assert_allclose(lab[:, 1:], 0, atol=5e-7)
    assert (np.diff(lab[:, 0]) > 0).all()


@given(rgba, rgba)
def test_distance_is_the_mean_of_those_seen_over_black_and_over_white(one, other):
    pair = points.to_points(np.array([one, other], dtype=np.uint8)).astype(np.float64)
    apart = ((pair[0] - pair[1]) ** 2).sum()
    assert apart == pytest.approx(reference.squared_distance(one, other), rel=1e-4, abs=1e-9)


@given(rgba, rgba)
def test_opaque_colors_are_as_far_apart_as_without_alpha(one, other):
    colors = np.array([one, other], dtype=np.uint8)
    colors[:, 3] = 255
    plain, alpha = points.to_points(colors[:, :3].copy()), points.to_points(colors)
    assert ((alpha[0] - alpha[1]) ** 2).sum() == pytest.approx(
        ((plain[0] - plain[1]) ** 2).sum(), rel=1e-3, abs=1e-9
    )


@given(rgba)
def test_what_hides_behind_full_transparency_is_not_seen(one):
    hidden = np.array([[*one[:3], 0]], dtype=np.uint8)
    assert not points.to_points(hidden).any()
    assert points.from_points(points.to_points(hidden)).tolist() == [[0, 0, 0, 0]]


def test_points_outside_of_the_gamut_are_clipped():
    far = [[3.0, 1.0, 1.0], [-2.0, 0.0, 0.0]]
    assert oklab.oklab_to_srgb(far)[:, 0].tolist() == [255, 0]
    assert points.from_points([[9.0, 0.0, 0.0, 9.0]]).tolist() == [[255, 255, 255, 255]]


def test_any_number_of_colors_gives_the_same_points_as_one_at_a_time():
    colors = np.random.default_rng(3).integers(0, 256, (37, 4), dtype=np.uint8)
    single = np.vstack([points.to_points(colors[i : i + 1]) for i in range(37)])
    np.testing.assert_array_equal(points.to_points(colors), single)
    assert points.to_points(colors[:0]).shape == (0, 4)


@pytest.mark.parametrize("channels", [3, 4])
def test_repeated_colors_give_the_same_points_as_one_at_a_time(channels):
    some = np.random.default_rng(5).integers(0, 256, (4, channels)).astype(np.uint8)
    order = np.repeat([0, 1, 0, 2, 3, 3], [16, 8, 25, 7, 24, 8])
    alone = np.concatenate([points.to_points(c[None]) for c in some])
    np.testing.assert_array_equal(points.to_points(some[order]), alone[order])


@pytest.mark.parametrize(
    ("colors", "error", "words"),
    [
        ([[1, 2, 3]], TypeError, "colors must be a uint8 array, not list"),
        (np.zeros((1, 3)), TypeError, "colors must be a uint8 array, not float64"),
        (np.zeros((3,), np.uint8), ValueError, r"colors must be \(n, 3\) or \(n, 4\), not \(3,\)"),
        (np.zeros((2, 2), np.uint8), ValueError, r"not \(2, 2\)"),
    ],
)
def test_refuses_what_is_no_table_of_colors(colors, error, words):
    with pytest.raises(error, match=words):
        points.to_points(colors)


@pytest.mark.parametrize("space", ["oklab", "srgb"])
def test_points_and_back_are_the_identity_in_either_space(space):
    rng = np.random.default_rng(0)
    rgb = rng.integers(0, 256, (4000, 3)).astype(np.uint8)
    assert (points.from_points(points.to_points(rgb, space), space) == rgb).all()
    opaque = np.hstack([rgb, np.full((4000, 1), 255, np.uint8)])
    assert (points.from_points(points.to_points(opaque, space), space) == opaque).all()


def test_srgb_points_are_apart_by_the_mean_over_black_and_over_white():
    rng = np.random.default_rng(1)
    one, other = rng.integers(0, 256, (2, 500, 4)).astype(np.uint8)
    away = (
        (points.to_points(one, "srgb") - points.to_points(other, "srgb")).astype(float) ** 2
    ).sum(axis=1)

    def over(codes, ground):
        opacity = codes[:, 3:] / 255
        return codes[:, :3] / 255 * opacity + (1 - opacity) * ground

    seen = [((over(one, g) - over(other, g)) ** 2).sum(axis=1) for g in (0, 1)]
    np.testing.assert_allclose(away, np.mean(seen, axis=0), atol=1e-5)


def test_another_space_is_refused_by_name():
    with pytest.raises(ValueError, match="space must be oklab or srgb, not lab"):
        points.to_points(np.zeros((1, 3), np.uint8), "lab")
