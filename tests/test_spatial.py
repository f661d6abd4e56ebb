"""Laws of K-means under a blur."""

import os
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import reference_spatial as reference
from painted import photo
from tinct import compress
from tinct.codecs.arrays import encode
from tinct.mapping.remap import remap
from tinct.mapping.spatial import SpatialQuantizer, remap_spatial
from tinct.palette.choice import palette
from tinct.palette.histogram import histogram


@st.composite
def jobs(draw, largest=80, channels=(3, 4)):
    """A picture, an opaque entry or more, a blur and what an error counts without it."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    c, k = draw(st.sampled_from(channels)), draw(st.integers(1, 40))
    height, width = draw(st.integers(1, largest)), draw(st.integers(1, largest))
    low, high = sorted(rng.integers(0, 256, 2))
    pixels = rng.integers(low, high + 1, (height, width, c)).astype(np.uint8)
    colors = rng.integers(0, 256, (k, c)).astype(np.uint8)
    if c == 4:
        pixels[..., 3] = rng.choice([0, 128, 255], (height, width), p=[0.2, 0.2, 0.6])
        colors[:, 3] = rng.choice([0, 90, 255], k)
        colors[0, 3] = 255
    sigma = draw(st.sampled_from([0, 0.5, 0.7, 1, 1.1, 1.2, 1.6]))
    own = draw(st.sampled_from([0, 0.01, 0.1, 0.4, 3, 1000]))
    block = draw(st.sampled_from([0, 0.5, 20]))
    return pixels, colors, {"sigma": sigma, "own": own, "block": block}


@settings(max_examples=60, deadline=None)
@given(jobs(), st.lists(st.booleans(), min_size=1, max_size=5), st.integers(1, 4))
def test_error_falls_or_rests_with_every_half_step(job, moves, steps):
    pixels, colors, sight = job
    run = SpatialQuantizer(pixels, colors, **sight)
    run.sweep()
    error = run.error()
    for update in moves:
        changed = run.update(steps) if update else run.sweep()
        after = run.error()
        assert after <= error * (1 + 1e-6)
        assert changed or after == error
        error = after


@settings(max_examples=20, deadline=None)
@given(jobs(largest=12))
def test_error_equals_its_definition(job):
    pixels, colors, sight = job
    run = SpatialQuantizer(pixels, colors, **sight)
    run.sweep()
    wanted = reference.error(pixels, colors, run.indices, **sight)
    assert run.error() == pytest.approx(wanted, rel=1e-4, abs=1e-9)


@pytest.mark.parametrize("seed", range(6))
def test_sweep_gives_each_pixel_the_entry_of_least_error(seed):
    rng = np.random.default_rng(seed)
    pixels = rng.integers(0, 256, (7, 6, 3)).astype(np.uint8)
    colors = rng.integers(0, 256, (4, 3)).astype(np.uint8)
    sight = {"sigma": (0, 0.7, 1, 1.5)[seed % 4], "own": (0.05, 0.3)[seed % 2], "block": seed % 3}
    run = SpatialQuantizer(pixels, colors, **sight)
    run.sweep()
    for back in (True, False):
        wanted = reference.swept(pixels, colors, run.indices, **sight, back=back)
        run.sweep()
        np.testing.assert_array_equal(run.indices, wanted)


@pytest.mark.parametrize("seed", range(4))
def test_update_finds_the_least_error(seed):
    rng = np.random.default_rng(seed)
    pixels = (rng.integers(0, 80, (14, 11, 3)) + 90).astype(np.uint8)
    colors = np.array([[100, 90, 110], [150, 120, 100], [120, 160, 140]], np.uint8)
    sight = {"sigma": 1.0, "own": (0.05, 0.5)[seed % 2], "block": seed % 3}
    run = SpatialQuantizer(pixels, colors, **sight)
    run.sweep()
    light = reference.best_light(pixels, run.indices, 3, **sight)
    assert run.update(steps=12)
    np.testing.assert_allclose(
        reference.to_light(run.palette), light, atol=0.006
    )  # a step of 8 bits


def test_settled_picture_rests():
    run = SpatialQuantizer(photo(40, 50), palette(histogram(photo(40, 50)), 6).colors)
    while run.sweep() or run.update():
        pass
    before = run.indices.copy()
    assert run.sweep() == 0
    np.testing.assert_array_equal(run.indices, before)


def test_ties_go_to_the_lowest_index():
    pixels = photo(30, 40)
    colors = palette(histogram(pixels), 5).colors
    doubled = remap_spatial(pixels, np.concatenate([colors, colors]), effort=0)[0]
    run = SpatialQuantizer(pixels, np.concatenate([colors, colors]))
    run.sweep()
    assert run.indices.max() < 5
    assert doubled.shape == pixels.shape[:2]


@pytest.mark.parametrize("own", [0.01, 0.1, 0.3])
def test_flat_gray_keeps_its_light_where_blocks_count(own):
    rng = np.random.default_rng(0)
    for low, gray, high in np.sort(rng.integers(0, 256, (12, 3))):
        ends = np.array([[low] * 3, [high] * 3], np.uint8)
        flat = np.full((96, 96, 3), gray, np.uint8)
        run = SpatialQuantizer(flat, ends, own=own, block=32)
        run.sweep(), run.sweep()
        drawn = reference.to_light(ends[run.indices][16:-16, 16:-16]).mean()
        span = reference.to_light(high) - reference.to_light(low)
        assert drawn == pytest.approx(reference.to_light(gray), abs=0.01 * span)


def test_gray_stays_gray():
    pixels = photo()[:, :, :1].repeat(3, axis=2)
    colors = palette(histogram(pixels), 12).colors
    moved = remap_spatial(pixels, colors)[1]
    assert (moved == moved[:, :1]).all()
    assert (moved != colors).any()


def test_threads_and_instruction_sets_change_no_bit():
    code = """
import sys, numpy as np
from tinct.mapping.spatial import remap_spatial
rng = np.random.default_rng(0)
y, x = np.mgrid[0:150, 0:133]
rgba = np.stack([x + 40, y + 60, 200 - x, 255 - (x > 90) * y], axis=2)
rgba = (rgba + rng.integers(0, 9, rgba.shape)).clip(0, 255).astype(np.uint8)
colors = rng.integers(0, 256, (70, 4)).astype(np.uint8)
colors[::2, 3] = 255
for c in (3, 4):
    drawn = [remap_spatial(rgba[..., :c], colors[:, :c], threads=threads) for threads in (1, 2, 5)]
    assert all((a == b).all() for other in drawn for a, b in zip(other, drawn[0]))
    sys.stdout.buffer.write(drawn[0][0].tobytes() + drawn[0][1].tobytes())
"""
    found = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "TINCT_SIMD": isa},
            capture_output=True,
            check=True,
        ).stdout
        for isa in ("baseline", "avx2", "avx512")
    }
    assert len(found) == 1


@settings(max_examples=25, deadline=None)
@given(jobs(largest=50, channels=(4,)), st.sampled_from([0.2, 0.75, 1]))
def test_opacity_is_kept(job, dither):
    pixels, colors, _ = job
    indices, moved = remap_spatial(pixels, colors, dither=dither, effort=0)
    np.testing.assert_array_equal(moved[:, 3], colors[:, 3])
    still = colors[:, 3] != 255
    np.testing.assert_array_equal(moved[still], colors[still])
    alpha = pixels[..., 3]
    assert (moved[indices][alpha == 255][:, 3] == 255).all()
    if (colors[:, 3] == 0).any():
        assert (moved[indices][alpha == 0][:, 3] == 0).all()


def test_without_an_opaque_entry_remap_draws():
    pixels = np.dstack([photo(20, 20), np.full((20, 20), 255, np.uint8)])
    colors = np.array([[90, 90, 90, 200], [200, 200, 200, 120]], np.uint8)
    indices, moved = remap_spatial(pixels, colors)
    np.testing.assert_array_equal(indices, remap(pixels, colors, dither=0.75))
    np.testing.assert_array_equal(moved, colors)
    with pytest.raises(ValueError, match="opaque color"):
        SpatialQuantizer(pixels, colors)


def test_without_dithering_it_is_the_textbook():
    pixels = photo()
    colors = palette(histogram(pixels), 8).colors
    indices, moved = remap_spatial(pixels, colors, dither=0)
    np.testing.assert_array_equal(indices, remap(pixels, colors))
    np.testing.assert_array_equal(moved, colors)


def test_fixed_entries_stay():
    pixels = photo()
    colors = palette(histogram(pixels), 8).colors
    fixed = np.arange(8) % 2 == 0
    moved = remap_spatial(pixels, colors, fixed=fixed)[1]
    np.testing.assert_array_equal(moved[fixed], colors[fixed])
    assert (moved[~fixed] != colors[~fixed]).any()
    still = remap_spatial(pixels, colors, fixed=np.ones(8, bool))[1]
    np.testing.assert_array_equal(still, colors)


def test_arguments_are_refused_by_name():
    pixels, colors = photo(), palette(histogram(photo()), 4).colors
    cases = [
        ({"sigma": 1.7}, ValueError, "sigma must be 0..1.6"),
        ({"own": -1}, ValueError, "own must be 0..1000"),
        ({"fixed": np.zeros(3, bool)}, ValueError, r"fixed must be bool \(4,\)"),
        ({"fixed": [True]}, TypeError, "fixed must be a bool array"),
        ({"threads": 0}, ValueError, "threads must be 1 or more"),
    ]
    for wrong, kind, message in cases:
        with pytest.raises(kind, match=message):
            SpatialQuantizer(pixels, colors, **wrong)
    with pytest.raises(ValueError, match="steps must be 1"):
        SpatialQuantizer(pixels, colors).update(0)
    with pytest.raises(ValueError, match=r"effort must be 0\.\.10"):
        remap_spatial(pixels, colors, effort=11)
    with pytest.raises(ValueError, match=r"dither must be 0\.\.1"):
        remap_spatial(pixels, colors, dither=2)


@pytest.mark.parametrize("k", [8, 64])
def test_partly_smooth_pictures_take_few_more_bytes_than_error_diffusion(k):
    pixels = photo(192, 256).copy()
    pixels[:, :60] = np.arange(192)[:, None, None] // 3 + [100, 60, 20]
    colors = palette(histogram(pixels), k).colors
    plain = encode(remap(pixels, colors, dither=0.75), colors)
    assert len(compress(pixels, k).data) <= 1.06 * len(plain)
