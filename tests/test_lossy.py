"""Laws of visibility and of mapping pixels for rate."""

import subprocess
import sys
import zlib
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tinct._probes import visibility

import reference_rate as reference
import reference_spatial as spatial
from drawn import draw_lossy, remap_lossy
from painted import faded, flat, photo
from tinct import _kernels, _probes, compress
from tinct.color.points import to_points
from tinct.mapping.lossy import lossy_options, palette_options, price
from tinct.mapping.remap import check_lossy, remap
from tinct.palette.choice import palette
from tinct.palette.histogram import histogram


def points_of(pixels):
    return to_points(pixels.reshape(-1, pixels.shape[2])).reshape(pixels.shape)


def stream(indices):
    """Bytes of the indices as a PNG stores them: a filter byte before each row, deflated."""
    return len(zlib.compress(np.pad(indices, ((0, 0), (1, 0))).tobytes(), 9))


def error(pixels, colors, indices):
    """The visible error per pixel of what a mapping makes."""
    away = ((points_of(pixels) - to_points(colors)[indices]) ** 2).sum(axis=2)
    return float((away * visibility(pixels)).mean())


# --- the palette --------------------------------------------------------------------------------


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 9), st.sampled_from([0.1, 0.4, 0.8]), st.integers(3, 20))
def test_the_palette_moves_to_where_the_drawing_errs_less_under_the_blur(seed, lossy, k):
    pixels = photo(226, 240, seed=seed)
    colors = palette(histogram(pixels), k).colors
    still, moved = (draw_lossy(pixels, colors, lossy, moves=moves) for moves in (False, True))
    np.testing.assert_array_equal(still.indices, moved.indices)
    errors = [
        spatial.error(pixels, drawn.palette, drawn.indices, sigma=1.2, own=0.15, block=1.0)
        for drawn in (still, moved)
    ]
    assert errors[1] < errors[0]


def test_small_pictures_keep_their_palette():
    pixels = photo(224, 240)
    colors = palette(histogram(pixels), 12).colors
    drawn = draw_lossy(pixels, colors, 0.4)
    assert {color.tobytes() for color in drawn.palette} <= {c.tobytes() for c in colors}


def test_fills_keep_their_color():
    pixels = photo(226, 240).copy()
    pixels[20:70, 10:60] = fill = [200, 30, 40]
    colors = palette(histogram(pixels), 12).colors
    colors = np.vstack([colors, np.uint8([fill])])
    drawn = draw_lossy(pixels, colors, 0.6)
    assert (drawn.palette[drawn.indices[20:70, 10:60]] == fill).all()
    assert not {color.tobytes() for color in drawn.palette} <= {c.tobytes() for c in colors}


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 999), st.sampled_from([3, 4]), st.integers(1, 24), st.integers(1, 24))
def test_fills_equal_slow_twin(seed, channels, height, width):
    chance = np.random.default_rng(seed)
    few = chance.integers(0, 6, (3, channels)) + 40 * chance.integers(0, 2, (3, channels))
    few[:, 3:] *= few[:, 3:] > 2
    pixels = few[chance.integers(0, 3, (height // 4 + 1, width // 4 + 1))].repeat(4, 0).repeat(4, 1)
    pixels = np.ascontiguousarray(pixels[:height, :width].astype(np.uint8))
    specks = chance.random((height, width)) < 0.05
    pixels[specks] = chance.integers(0, 9, (int(specks.sum()), channels))
    slow, runs = reference.fills(pixels)
    many = runs > height * width // 4 + height  # then there are none
    np.testing.assert_array_equal(_probes.fills(pixels), slow[: 0 if many else height])


@settings(max_examples=20, deadline=None)
@given(st.integers(5, 12), st.sampled_from(["auto", 0.1, 0.4]), st.sampled_from(["png", "webp"]))
def test_loss_leaves_fills_flat_for_hardly_more_bytes(side, loss, format):
    blocks = np.random.default_rng(side).integers(0, 256, (16, 20, 3)).astype(np.uint8)
    pixels = blocks.repeat(side, 0).repeat(side, 1)
    drawn, plain = (compress(pixels, 256, format=format, lossy=lossy) for lossy in (loss, 0))
    blocky = drawn.indices[::side, ::side].repeat(side, 0).repeat(side, 1)
    np.testing.assert_array_equal(drawn.indices, blocky)
    assert len(drawn.data) <= 1.2 * len(plain.data)  # which filters may serve


# --- entries that aren't worth their bits -------------------------------------------------------


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 999), st.sampled_from([3, 4]), *[st.booleans()] * 2, st.floats(1e-6, 1e-2))
def test_pruning_equals_slow_twin(seed, channels, flat, listed, bit):
    chance = np.random.default_rng(seed)
    pixels = photo(12, 16, seed=seed)
    colors = chance.permutation(np.unique(pixels.reshape(-1, 3), axis=0))[:14]
    if channels == 4:
        alpha = chance.choice(np.uint8([255, 128]), pixels.shape[:2])
        pixels = np.dstack([pixels, alpha])
        colors = np.hstack([colors, np.full((len(colors), 1), 255)]).astype(np.uint8)
        colors[:5, 3] = 128
    near = ((points_of(pixels)[:, :, None] - to_points(colors)) ** 2).sum(axis=3).argmin(axis=2)
    stray = chance.integers(0, len(colors), near.shape)
    indices = np.where(chance.random(near.shape) < 0.1, stray, near).astype(np.uint8)
    weights, kept = visibility(pixels), (chance.random(len(colors)) < 0.2).astype(np.uint8)
    least, fills = int(chance.integers(2, 9)), (chance.random(near.shape) < 0.3).astype(np.uint8)
    slow = reference.pruned(
        points_of(pixels).reshape(-1, channels).astype(float),
        (weights * np.where(fills, np.float32(7), np.float32(1))).ravel().astype(float),
        to_points(colors).astype(float),
        colors[:, 3] == 255 if channels == 4 else np.full(len(colors), True),
        kept,
        indices.ravel(),
        bit,
        least,
        0.25 if flat else 0.7,
        listed,
    )
    how = (kept, bit, least, flat, listed, fills, 7)
    fast = _probes.pruned(pixels, weights, colors, indices, *how)
    np.testing.assert_array_equal(fast, slow)


def test_a_mark_of_three_pixels_keeps_its_color_and_specks_of_nearly_a_fill_do_not():
    pixels = np.full((300, 300, 3), 250, np.uint8)
    ramp = np.arange(100, 200, dtype=np.uint8)
    pixels[50:150, 60:200] = np.dstack([ramp[:, None], ramp[:, None], ramp[:, None] // 2])
    pixels[200, 40:240:20] = 249 - np.arange(10)[:, None] % 2
    pixels[250, 100:103] = mark = [220, 30, 40]
    drawn = draw_lossy(pixels, np.unique(pixels.reshape(-1, 3), axis=0), 0.2)
    shown = drawn.palette[drawn.indices]
    assert np.abs(shown[250, 100:103].astype(int) - mark).max() <= 2
    assert (shown[200] == 250).all()


# --- visibility ---------------------------------------------------------------------------------


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 9), st.integers(1, 9), st.sampled_from([3, 4]), st.integers(0, 99))
def test_visibility_equals_slow_twin(height, width, channels, seed):
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, channels), np.uint8)
    slow = reference.visibility(points_of(pixels))
    np.testing.assert_allclose(visibility(pixels), slow, rtol=1e-4)


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 9), st.integers(250, 530), st.sampled_from([3, 4]), st.integers(0, 99))
def test_visibility_is_that_of_the_picture_on_its_side(rows, width, channels, seed):
    """Where rows repeat, everywhere or in some columns, columns do there."""
    chance = np.random.default_rng(seed)
    pixels = chance.integers(0, 256, (rows, width, channels), np.uint8)
    pixels = np.repeat(pixels, chance.integers(1, 30, rows), axis=0)
    pixels[:, : chance.integers(0, width), 0] += chance.integers(0, 3, (len(pixels), 1), np.uint8)
    on_its_side = np.ascontiguousarray(pixels.swapaxes(0, 1))
    np.testing.assert_allclose(visibility(pixels), visibility(on_its_side).T, rtol=1e-5)


@pytest.mark.parametrize("channels", [3, 4])
def test_visibility_is_the_same_on_any_number_of_threads(channels):
    pixels = np.random.default_rng(3).integers(0, 256, (900, 220, channels), np.uint8)
    one, three = (visibility(pixels, threads=n) for n in (1, 3))  # 65,536 pixels are worth a thread
    np.testing.assert_array_equal(one, three)


def test_visibility_means_one_and_is_least_in_texture():
    pixels = photo(64, 64).copy()
    pixels[:, :32] = 120
    weights = visibility(pixels)
    assert weights.mean() == pytest.approx(1, abs=1e-4)
    assert weights[:, :24].min() > 1.5 * weights[:, 40:].max()


@pytest.mark.parametrize("channels", [3, 4])
def test_colors_weigh_the_roots_of_their_pixels(channels):
    pixels = np.ascontiguousarray(faded()[..., :channels])
    seen = pixels.copy()
    if channels == 4:
        seen[seen[..., 3] == 0] = 0
    counted = histogram(pixels)
    places = {color.tobytes(): at for at, color in enumerate(counted.colors)}
    of = [places[color.tobytes()] for color in seen.reshape(-1, channels)]
    roots = np.bincount(of, np.sqrt(visibility(pixels)).ravel())
    slow = palette(replace(counted, weights=roots), 16).colors
    how = {"effort": 1, "seed": 0, "threads": 1}
    assert _kernels.Quantizer(pixels).palette(16, visible=True, **how) == slow.tobytes()
    assert palette(counted, 16).colors.tobytes() != slow.tobytes()


# --- mapping ------------------------------------------------------------------------------------


def test_bits_that_cost_nothing_change_nothing():
    pixels = photo()
    colors = palette(histogram(pixels), 32).colors
    plain = remap(pixels, colors)
    np.testing.assert_array_equal(remap_lossy(pixels, colors, 0.0, dither=0), plain)


def test_the_dearer_a_bit_the_fewer_bytes_and_the_more_error():
    pixels = photo(96, 128)
    colors = palette(histogram(pixels), 64).colors
    shares = (0.01, 0.25, 0.5, 0.75, 1)
    maps = [remap(pixels, colors)]
    maps += [remap_lossy(pixels, colors, share, dither=0) for share in shares]
    sizes = [stream(indices) for indices in maps]
    errors = [error(pixels, colors, indices) for indices in maps]
    assert sizes == sorted(sizes, reverse=True)
    assert errors == sorted(errors)


def test_what_is_paid_is_less_than_for_the_nearest_entries():
    pixels = photo(96, 128)
    colors = palette(histogram(pixels), 64).colors
    plain = remap(pixels, colors)
    for share in (0.2, 0.5, 0.8):
        lossy = remap_lossy(pixels, colors, share, dither=0)

        costs = [
            error(pixels, colors, indices) * indices.size + price(share) * 8 * stream(indices)
            for indices in (lossy, plain)
        ]
        assert costs[0] < costs[1]


def test_a_visible_pixel_never_vanishes_and_a_hidden_one_never_shows():
    pixels = faded()
    chosen = palette(histogram(pixels), 24).colors
    shuffled = np.random.default_rng(4).permutation(chosen)
    for colors in (chosen, shuffled):
        for share in (0.3, 1):
            drawn = colors[remap_lossy(pixels, colors, share)]
            np.testing.assert_array_equal(drawn[..., 3] == 0, pixels[..., 3] == 0)


def test_hidden_colors_change_nothing():
    pixels = faded()
    other = pixels.copy()
    other[pixels[..., 3] == 0, :3] = 77
    colors = palette(histogram(pixels), 16).colors
    one, two = (remap_lossy(p, colors, 0.6) for p in (pixels, other))
    np.testing.assert_array_equal(one, two)


@pytest.mark.parametrize("share", [0.1, 0.4])
def test_flat_graphics_of_few_colors_stay_as_they_are(share):
    pixels = flat()
    colors = palette(histogram(pixels), 256).colors
    np.testing.assert_array_equal(colors[remap_lossy(pixels, colors, share)], pixels)


@pytest.mark.parametrize("colors", [2, 5])
def test_wide_areas_in_which_nothing_happens_stay_as_they_are(colors):
    large = flat().repeat(12, axis=0).repeat(12, axis=1)  # rows longer than DEFLATE's copies
    chosen = palette(histogram(large), 5).colors[-colors:]
    pixels = chosen[remap(large, chosen)]
    indices = remap_lossy(pixels, chosen, 0.4)
    np.testing.assert_array_equal(chosen[indices], pixels)
    assert stream(indices) < 1.1 * stream(remap(pixels, chosen))


@pytest.mark.parametrize("shape", [(1, 1), (1, 70), (70, 1), (2, 3), (3, 17)])
@pytest.mark.parametrize("channels", [3, 4])
def test_any_size_of_picture_is_drawn(shape, channels):
    pixels = np.ascontiguousarray(faded(*shape)[..., :channels])
    colors = np.full((2, channels), 255, dtype=np.uint8)
    colors[0, 0] = 0
    assert remap_lossy(pixels, colors, 0.5).shape == shape
    assert remap_lossy(pixels, colors[:1], 0.5).max() == 0


def test_rows_wider_than_the_window_are_drawn():
    pixels = np.tile(photo(2, 90), (1, 400, 1))
    colors = palette(histogram(pixels), 8).colors
    assert remap_lossy(pixels, colors, 0.5, effort=0).shape == pixels.shape[:2]


@pytest.mark.parametrize("effort", [0, 1, 5])
def test_every_effort_gives_indices_in_range(effort):
    pixels = faded()
    colors = palette(histogram(pixels), 5).colors
    assert remap_lossy(pixels, colors, 0.7, effort=effort).max() < len(colors)


def test_threads_and_repetition_change_no_bit():
    pixels = np.tile(photo(96, 128), (11, 8, 1))  # two bands for threads to share
    colors = palette(histogram(pixels), 24).colors
    maps = [remap_lossy(pixels, colors, 0.5, effort=0, threads=t) for t in (1, 2, 2)]
    assert maps[0].tobytes() == maps[1].tobytes() == maps[2].tobytes()


@pytest.mark.parametrize("painted", [photo, flat, faded])
def test_the_last_drawing_is_as_any_and_may_be_followed_by_others(painted):
    picture = _kernels.Quantizer(painted())
    chosen = picture.palette(16, effort=1, seed=0, visible=picture.flat, threads=0)
    options = {"coder": "deflate", "bits": 8, **lossy_options("auto", 0.75, 1, 0)}

    def drawings(last):
        yield picture.draw_lossy(chosen, last=last, **options)
        yield picture.draw(chosen, dither=0.75, threads=0, last=last)

    kept, *others = [[d.packed(8) for d in drawings(last)] for last in (False, True, True, False)]
    assert others == [kept] * 3
    assert picture.palette(8, effort=1, seed=0, threads=0)


@pytest.mark.parametrize(("height", "counts"), [(224, False), (225, True)])
def test_in_small_pictures_all_errors_count_alike_in_the_palette(height, counts):
    picture = _kernels.Quantizer(np.ascontiguousarray(photo(240, 240)[:height]))
    for lossy in (0.3, 0.0):
        how = palette_options(lossy, picture.flat, picture, 64, 1)
        assert how["visible"] is (counts and lossy > 0)


@settings(max_examples=10, deadline=None)
@given(st.integers(1, 30), st.integers(1, 30), st.sampled_from([3, 4]), st.integers(0, 99))
def test_smoothness_equals_slow_twin(height, width, channels, seed):
    rng = np.random.default_rng(seed)
    pixels = 90 + rng.integers(0, 1 + seed % 9, (height, width, channels)).astype(np.uint8)
    for filled in (False, True):
        slow = reference.smoothness(points_of(pixels), filled)
        whole = _probes.smoothness(pixels, filled, 0, height)
        np.testing.assert_allclose(whole, slow, atol=0.02)
        part = _probes.smoothness(pixels, filled, height // 3, height - height // 4)
        assert (part == whole[height // 3 : height - height // 4]).all()


def test_nothing_is_smooth_but_what_changes_a_little():
    edge = np.zeros((40, 40, 3), np.uint8)
    edge[:, 20:] = 200
    ramp = np.arange(40, dtype=np.uint8)[:, None, None].repeat(40, 1).repeat(3, 2) + 90
    assert not _probes.smoothness(edge, False, 0, 40).any()
    assert (_probes.smoothness(ramp, False, 0, 40) == 1).all()


def test_errors_of_smooth_areas_do_not_add_up():
    y, x = np.mgrid[:96, :128]
    noise = np.random.default_rng(8).normal(0, 1, (96, 128, 3))
    pixels = ((90 + y / 3 + x / 8)[:, :, None] + noise).astype(np.uint8)
    colors = np.arange(88, 144, 7, dtype=np.uint8)[:, None].repeat(3, axis=1)
    drawn = to_points(colors)[remap_lossy(pixels, colors, 0.4)] - points_of(pixels)
    blocks = drawn[..., 0].reshape(12, 8, 16, 8).mean(axis=(1, 3))
    step = np.diff(to_points(colors)[:, 0]).mean()
    assert np.sqrt((blocks**2).mean()) < 0.04 * step


@pytest.mark.parametrize("format", ["png", "gif", "webp"])
def test_smooth_areas_keep_half_of_their_grain(format):
    y, x = np.mgrid[:96, :128]
    noise = np.random.default_rng(8).normal(0, 1, (96, 128, 3))
    pixels = ((90 + y / 3 + x / 8)[:, :, None] + noise).astype(np.uint8)
    small = compress(pixels, 32, lossy=0.4, format=format)
    was, now = (np.abs(np.diff(points_of(p)[..., 0])).mean() for p in (pixels, small.image))
    assert now > was / 2


DIGEST = """
import hashlib, sys
sys.path[:0] = ["tests", "."]
from painted import faded, photo
from tinct import _kernels, compress
print(_kernels.isa())
for pixels in (photo(96, 128), faded(64, 96)):
    for format in ("png", "webp", "gif"):
        for lossy in (0.0, 0.5):
            data = compress(pixels, 64, lossy=lossy, format=format).data
            print(hashlib.sha256(data).hexdigest())
"""


def test_instruction_sets_change_no_byte(pytestconfig, monkeypatch):
    sets, digests = [], set()
    for wish in ("baseline", "avx2", "avx512"):
        monkeypatch.setenv("TINCT_SIMD", wish)
        command = [sys.executable, "-c", DIGEST]
        done = subprocess.run(command, cwd=pytestconfig.rootpath, capture_output=True, check=True)
        used, *found = done.stdout.split()
        sets.append(used.decode())
        digests.add(tuple(found))
    assert sets[0] == "baseline"
    assert len(digests) == 1
    if len(set(sets)) == 1:
        pytest.skip("this CPU has but the baseline")


def test_prices_double_seven_times_and_rise_everywhere():
    prices = [price(share) for share in np.linspace(0, 1, 61)]
    assert prices == sorted(prices)
    assert prices[0] == 0
    assert [price(step / 7) for step in (1, 2, 7)] == pytest.approx([2e-5, 4e-5, 128e-5])


@pytest.mark.parametrize(
    ("share", "kind", "words"),
    [
        (1.5, ValueError, r"lossy must be 0\.\.1, not 1\.5"),
        (float("nan"), ValueError, r"lossy must be 0\.\.1, not nan"),
        ("full", TypeError, "lossy must be a number, not str"),
    ],
)
def test_refuses_by_name(share, kind, words):
    with pytest.raises(kind, match=words):
        check_lossy(share)


@pytest.mark.parametrize("value", [60, 100, 160])
def test_errors_go_on_from_pixel_to_pixel_where_several_share_a_byte(value):
    noise = np.random.default_rng(0).integers(0, 3, (64, 96, 3))
    pixels = (value + noise).astype(np.uint8)
    grays = np.repeat(np.arange(0, 256, 85, dtype=np.uint8)[:, None], 3, axis=1)
    how = lossy_options(0.001, 1.0, 1, 1)
    packed, wide = (
        _kernels.Quantizer(pixels).draw_lossy(
            grays.tobytes(), space="oklab", coder="deflate", bits=bits, moves=False, **how
        )
        for bits in (2, 8)
    )
    means = [drawn.palette[drawn.indices].mean() for drawn in (packed, wide)]
    assert abs(means[0] - means[1]) < 0.2  # 0.3 to 0.9 where they are lost


@pytest.mark.parametrize(
    ("height", "width", "every", "times"),
    [(256, 256, 1, 1), (512, 640, 1, 1.9142857), (512, 1024, 1, 2.6), (512, 1024, 2, 1)],
)
def test_a_bit_costs_up_to_2_6_times_as_much_in_larger_pictures_whose_colors_the_palette_holds(
    height, width, every, times
):
    noise = np.random.default_rng(0).integers(0, 16, (height, width, 1), np.uint8)
    pixels = np.repeat(100 + noise, 3, axis=2)  # too rough for bands, which change more
    grays = np.repeat(np.arange(100, 116, every, dtype=np.uint8)[:, None], 3, axis=1)
    how = lossy_options("auto", 0.75, 1, 2)

    def drawn(**cost):
        picture = _kernels.Quantizer(pixels)
        bits = {"coder": "deflate", "bits": 4}
        return picture.draw_lossy(grays.tobytes(), space="oklab", **bits, **(how | cost)).indices

    alike = {"share": 0.0, "search": how["search"] + 1}  # "auto" keeps a step more
    plain = (drawn(**alike, price=how["price"] * share) for share in (times, 0.9 * times))
    same, other = ((drawn()[:64] == indices[:64]).mean() for indices in plain)
    assert same > 0.999  # further down, bands begin
    assert other < 0.99
