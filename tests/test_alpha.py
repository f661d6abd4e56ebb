"""Laws of transparency: nothing opaque shines through, nothing appears, nothing vanishes."""

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from PIL import Image

import reference_pixels as reference
from drawn import remap_lossy
from painted import alpha, bird, photo
from test_quality import as_the_package_says
from tinct import _probes
from tinct.cli.quick import quick
from tinct.color.points import to_points
from tinct.compress.compress import compress
from tinct.mapping.remap import remap
from tinct.palette.choice import palette
from tinct.palette.histogram import histogram
from tinct.scoring.psnr import mse
from tinct.scoring.ssimulacra2 import GROUNDS, Reference
from tinct.scoring.summary import decibels

KINDS = ("black", "grey", "photo", "fade", "noise", "mask")
# Half of the searches pack plainly: of icons they take a quarter of the time.
LEVELS = dict(zip(KINDS, [None, 0] * 3, strict=True))
SEARCH = {"quality": (1, 60), "level": 0}


def shape(kind, side=40, seed=0):
    """A disc with a soft edge or what fades out, (side, side, 4) uint8; anything hides below."""
    chance = np.random.default_rng(seed)
    y, x = np.mgrid[0:side, 0:side] - (side - 1) / 2
    soft = chance.uniform(1, 12)
    opacity = np.clip((side * chance.uniform(0.2, 0.5) - np.hypot(x, y)) * 255 / soft, 0, 255)
    color = np.stack([128 + 90 * np.sin(x / 5 + seed), 128 + 90 * np.cos(y / 7), 3 * x + 128], -1)
    if kind in ("black", "grey"):
        color[:] = 0 if kind == "black" else 128
    elif kind == "photo":
        color += chance.normal(0, 12, color.shape)
    elif kind == "fade":
        opacity = np.clip(275 - (x + side / 2) * 330 / side, 0, 255)
    elif kind == "noise":
        opacity = chance.choice([0, 1, 2, 100, 254, 255], (side, side))
    elif kind == "mask":
        opacity = np.where(opacity > 99, 255, 0)
    hidden = chance.integers(0, 256, color.shape)
    color = np.where(opacity[..., None] < 1, hidden, np.clip(color, 0, 255))
    return np.dstack([color, opacity]).astype(np.uint8)


def opacities(pixels):
    return pixels[..., 3] if pixels.shape[2] == 4 else np.full(pixels.shape[:2], 255)


def broken(before, after, colors):
    """How many pixels lose their full opacity or transparency, or vanish with 3 colors or more."""
    one, other = opacities(before), opacities(after)
    lost = ((one == 255) & (other < 255)) | ((one == 0) & (other > 0))
    return int((lost | ((one > 0) & (other == 0) & (colors > 2))).sum())


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from(KINDS),
    st.integers(0, 99),
    st.sampled_from([2, 3, 4, 8, 32, 255, 256]),
    st.sampled_from([0, 0.75, 1]),
    st.sampled_from([0, 0, 0.2, 0.9]),
    st.sampled_from(["png", "webp", "gif"]),
    st.sampled_from(["oklab", "srgb"]),
    st.sampled_from([0, 1, 1, 5]),
    st.sampled_from([None, 0, 0]),
)
def test_opaque_stays_opaque_and_transparent_transparent(
    kind, seed, colors, dither, lossy, format, space, effort, level
):
    pixels = shape(kind, seed=seed)
    if format == "gif":
        pixels[..., 3] = np.where(pixels[..., 3] < 128, 0, 255)
    how = {"dither": dither, "lossy": lossy, "format": format, "space": space, "effort": effort}
    assert broken(pixels, compress(pixels, colors, level=level, **how).image, colors) == 0


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("target", [{"quality": (1, 70)}, {"max_bytes": 700}, {"colors": "auto"}])
def test_targets_keep_opacity_and_transparency(kind, target):
    pixels = shape(kind, 32)
    if kind == "noise":
        pixels[..., 3] &= 0xFC  # its bytes would not fit
    assert broken(pixels, compress(pixels, level=LEVELS[kind], **target).image, 256) == 0


@pytest.mark.parametrize("colors", [2, 3, 16, 255])
def test_the_command_keeps_opacity_and_transparency(colors, tmp_path):
    for kind in KINDS:
        source, target = tmp_path / f"{kind}.png", tmp_path / f"{kind}-{colors}.png"
        Image.fromarray(shape(kind)).save(source)
        argv = ["compress", str(source), "-k", str(colors), "-o", str(target), "--force", "-q"]
        assert quick(argv) == 0
        with Image.open(target) as drawn:
            assert broken(shape(kind), np.array(drawn.convert("RGBA")), colors) == 0


def test_two_colors_part_a_soft_edge_where_it_is_nearer_to_nothing():
    pixels = shape("black")
    small = compress(pixels, 2)
    assert small.palette.tolist() == [[0, 0, 0, 0], [0, 0, 0, 255]]
    np.testing.assert_array_equal(small.image[..., 3] > 0, pixels[..., 3] >= 128)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 999), st.integers(1, 12))
def test_each_color_takes_its_nearest_of_the_entries_it_may_take(seed, k):
    chance = np.random.default_rng(seed)
    levels = np.array([0, 1, 90, 254, 255, 255])
    pixels = np.dstack([chance.integers(0, 256, (9, 9, 3)), chance.choice(levels, (9, 9))])
    entries = np.column_stack([chance.integers(0, 256, (k, 3)), chance.choice(levels[1:], k)])
    pixels, entries = pixels.astype(np.uint8), np.unique(entries.astype(np.uint8), axis=0)
    points = to_points(entries)
    for color, index in zip(pixels.reshape(-1, 4), remap(pixels, entries).flat, strict=True):
        may = reference.allowed(color[3], entries[:, 3])
        label, _ = reference.nearest(to_points(color[None])[0], points[may])
        assert may[label] == index


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 999), st.sampled_from(KINDS[:4]), st.sampled_from([0.0, 0.6, 1.0]))
@example(432, "photo", 0.0)  # whose four opaque pixels a translucent one leaves last
def test_a_lossy_mapping_draws_opaque_by_opaque_and_nothing_by_nothing(seed, kind, lossy):
    pixels = shape(kind, 24, seed)
    colors = palette(histogram(pixels), 12).colors
    drawn = colors[remap_lossy(pixels, colors, lossy)]
    assert broken(pixels, drawn, 12) == 0


@pytest.mark.parametrize("k", [24, 48])
def test_few_opaque_colors_among_many_translucent_ones_are_not_left_to_one_entry(k):
    chance = np.random.default_rng(k)
    discs = chance.integers(0, 256, (60, 4)) | np.uint8([0, 0, 0, 128])
    noisy = discs[np.arange(14_400) // 240] - chance.integers(0, 40, (14_400, 4))
    pixels = np.clip(noisy, 0, 254).astype(np.uint8)
    rims = chance.choice(14_400, 150, replace=False)  # each of a color of its own
    pixels[rims] = np.c_[chance.integers(0, 256, (150, 3)), np.full(150, 255)]
    picture = pixels.reshape(120, 120, 4)
    entries = palette(histogram(picture), k).colors
    drawn = entries[remap(picture, entries).ravel()]
    points, found = to_points(pixels)[rims], to_points(drawn)[rims]
    missed = ((points - found) ** 2).sum()
    assert missed < 0.6 * ((points - points.mean(0)) ** 2).sum()  # which one entry would miss


@settings(max_examples=20, deadline=None)
@given(
    st.sampled_from(KINDS),
    st.integers(0, 99),
    st.sampled_from([2, 16, 256]),
    st.sampled_from([{}, {"lossy": 0.4}, SEARCH, {"effort": 5}, {"format": "webp"}]),
)
def test_what_is_hidden_changes_no_byte(kind, seed, colors, how):
    pixels = shape(kind, 20, seed)
    other = pixels.copy()
    other[other[..., 3] == 0, :3] = np.random.default_rng(seed).integers(0, 256, 3)
    assert compress(pixels, colors, **how).data == compress(other, colors, **how).data


def test_hidden_colors_do_not_make_a_picture_flat_or_take_it_from_it():
    pixels = shape("photo", 64)
    pixels[:, :40, 3] = 0
    even = np.where(pixels[..., 3:] > 0, pixels, 0).astype(np.uint8)
    noisy = even.copy()
    noisy[..., :3] = np.where(even[..., 3:] > 0, even[..., :3], photo(64, 64))
    assert _probes.is_flat(even) == _probes.is_flat(noisy)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 999), st.sampled_from([2, 3, 7, 16]), st.sampled_from(["oklab", "srgb"]))
def test_grey_in_gives_grey_out(seed, colors, space):
    chance = np.random.default_rng(seed)
    greys = chance.integers(0, 256, (9, 9, 1), dtype=np.uint8).repeat(3, axis=2)
    if seed % 2:
        greys = np.dstack([greys, chance.integers(0, 256, (9, 9), dtype=np.uint8)])
    for lossy in (0, 0.5):
        level = 0 if lossy else None
        chosen = compress(greys, colors, lossy=lossy, space=space, level=level).palette
        assert (chosen[:, :3] == chosen[:, :1]).all()


# --- scores -------------------------------------------------------------------------------------


def seen(pixels, ground):
    """Over a grey, rounded to whole steps."""
    opacity = pixels[..., 3:].astype(int)
    return ((pixels[..., :3] * opacity + ground * (255 - opacity) + 127) // 255).astype(np.uint8)


@pytest.mark.parametrize("kind", KINDS)
def test_a_score_with_alpha_is_the_least_over_black_white_and_grey(kind):
    pixels = shape(kind)
    other = pixels & np.uint8(0xF0)
    over = {name: (seen(pixels, g), seen(other, g)) for name, g in GROUNDS.items()}
    scores = Reference(pixels).scores(other)
    assert scores == {name: as_the_package_says(*pair) for name, pair in over.items()}
    assert Reference(pixels).score(other) == min(scores.values())
    assert mse(pixels, other) == max(
        ((one.astype(int) - two) ** 2).mean() for one, two in over.values()
    )


def test_an_opaque_grey_disc_is_not_seen_through_for_a_perfect_score():
    y, x = np.mgrid[-32:32, -32:32]
    grey = np.full((64, 64, 3), 128)
    pixels = np.dstack([grey, np.clip((16 - np.hypot(x, y)) * 255, 0, 255)]).astype(np.uint8)
    ghost = pixels.copy()
    ghost[..., 3] = np.minimum(ghost[..., 3], 157)
    assert Reference(pixels).scores(ghost)["grey"] == 100
    assert Reference(pixels).score(ghost) < 80
    assert decibels(mse(pixels, ghost)) < 30


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("goal", [50, 75])
def test_a_quality_holds_over_black_and_over_white(kind, goal):
    pixels = shape(kind, seed=goal)
    small = compress(pixels, quality=goal, level=LEVELS[kind])
    image = (
        small.image
        if small.image.shape[2] == 4
        else np.dstack([small.image, opacities(small.image)])
    )
    scores = [Reference(seen(pixels, g)).score(seen(image, g)) for g in GROUNDS.values()]
    assert small.report.ssimulacra2 == min(scores) >= goal
    assert scores[list(GROUNDS).index(small.report.ground)] == min(scores)


def test_a_report_names_a_ground_only_where_there_is_alpha():
    assert compress(bird(), 16, ssimulacra2=True).report.ground is None
    assert compress(alpha(), 16, ssimulacra2=True).report.ground in GROUNDS
    assert compress(alpha(), 16).report.ground is None
