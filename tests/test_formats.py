"""Laws of the formats that hold indices: PNG, WebP, GIF."""

import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

import reference_rate as reference
from drawn import remap_lossy
from painted import PICTURES, alpha, exact, flat, grey, photo, text
from tinct import _kernels, _probes
from tinct.codecs import png
from tinct.codecs.arrays import drawing_of
from tinct.codecs.codec import least, may_be_smaller
from tinct.codecs.gif import code_size
from tinct.codecs.registry import FORMATS, check_format, codec_of
from tinct.color.points import to_points
from tinct.compress.compress import compress
from tinct.errors import PictureError, TargetError
from tinct.mapping.lossy import price
from tinct.mapping.remap import remap
from tinct.palette.choice import palette
from tinct.palette.histogram import histogram
from tinct.picture import read as files
from tinct.picture.read import Picture


def decoded(data):
    """Pixels as Pillow sees them: (h, w, 4) uint8."""
    with Image.open(io.BytesIO(data)) as image:
        return np.asarray(image.convert("RGBA"))


def encode(indices, palette, format="png", **options):
    return codec_of(format).encode(drawing_of(indices, palette), **options)


def mapped(pixels, colors, lossy, format, **options):
    """The lossy mapping for a format."""
    return remap_lossy(
        pixels, colors, lossy, bit_model=codec_of(format).bit_model(len(colors), False), **options
    )


def rgba(pixels):
    opaque = np.full((*pixels.shape[:-1], 1), 255, np.uint8)
    return pixels if pixels.shape[-1] == 4 else np.concatenate([pixels, opaque], axis=-1)


def random(height, width, k, channels, seed=0, partial=True):
    """Indices in runs, and a palette of k different colors; with alpha one entry is transparent."""
    chance = np.random.default_rng(seed)
    indices = np.repeat(chance.integers(0, k, (height, width // 3 + 1), np.uint8), 3, axis=1)
    colors = np.stack([np.arange(k), *chance.integers(0, 256, (channels - 1, k))], axis=1)
    if channels == 4:
        colors[:, 3] = colors[:, 3] | 1 if partial else 255
        colors[k // 2] = 0
    return np.ascontiguousarray(indices[:, :width]), colors.astype(np.uint8)


# --- files --------------------------------------------------------------------------------------


@settings(max_examples=120, deadline=None)
@given(
    st.sampled_from(FORMATS),
    st.tuples(st.integers(1, 40), st.integers(1, 70), st.integers(1, 256)),
    st.sampled_from([3, 4]),
    st.sampled_from([0, 1, 2, 5]),
    st.integers(0, 99),
)
def test_a_file_decodes_to_the_palette_at_the_indices(format, shape, channels, effort, seed):
    indices, colors = random(*shape, channels, seed, partial=format != "gif")
    data = encode(indices, colors, format=format, effort=effort)
    np.testing.assert_array_equal(decoded(data), rgba(colors[indices]))


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("name", PICTURES)
def test_a_compressed_picture_is_what_its_file_decodes_to(format, name):
    for options in ({}, {"colors": 5}, {"lossy": 0.5}):
        small = compress(PICTURES[name](), format=format, **options)
        np.testing.assert_array_equal(decoded(small.data), rgba(small.image))
        assert small.format == format
        assert small.report.bytes_out == len(small.data)
        np.testing.assert_array_equal(decoded(small._repr_png_()), rgba(small.image))


def test_zopfli_and_every_effort_change_no_pixel_and_no_file_for_the_worse():
    indices, colors = random(60, 61, 16, 3)
    sizes = []
    for effort in (1, 2, 5, 9):
        data = encode(indices, colors, effort=effort)
        np.testing.assert_array_equal(decoded(data), rgba(colors[indices]))
        sizes.append(len(data))
    assert sizes == sorted(sizes, reverse=True)


def test_greys_need_no_palette():
    for steps in (2, 4, 16, 200):
        values = (np.arange(steps) * (255 // (steps - 1))).astype(np.uint8)
        indices = (np.arange(40 * 50) % steps).reshape(40, 50).astype(np.uint8)
        data = encode(indices, np.repeat(values[:, None], 3, axis=1))
        assert b"PLTE" not in data
        np.testing.assert_array_equal(decoded(data)[..., 0], values[indices])


def test_filters_find_what_a_palette_in_a_good_order_keeps_smooth():
    ramp = np.add.outer(np.arange(200), np.arange(300)) // 32 % 16
    noisy = (ramp + np.random.default_rng(0).integers(0, 2, ramp.shape)) % 16
    place = np.random.default_rng(1).permutation(16)
    colors = np.random.default_rng(2).integers(0, 256, (16, 3), np.uint8)
    shuffled = place[noisy].astype(np.uint8)
    plain, tried = (encode(shuffled, colors, **how) for how in ({"level": 2}, {"effort": 1}))
    assert len(tried) < len(plain)


@pytest.mark.parametrize(("format", "shape"), [("webp", (1, 16_384, 3)), ("gif", (65_536, 1, 3))])
def test_sides_that_a_header_cannot_say_are_refused(format, shape):
    with pytest.raises(PictureError, match=f"^wide: {format} holds at most .* pixels a side, not"):
        codec_of(format).fit(Picture(np.zeros(shape, np.uint8), name="wide"))


@pytest.mark.parametrize("call", [compress, lambda p, format: check_format(format)])
def test_other_formats_are_refused_by_name(call):
    with pytest.raises(ValueError, match="format must be png, webp or gif, not jpeg"):
        call(flat(), format="jpeg")


# --- GIF ----------------------------------------------------------------------------------------


@settings(max_examples=60, deadline=None)
@given(
    st.integers(1, 90), st.integers(1, 90), st.integers(1, 256), st.booleans(), st.integers(0, 99)
)
def test_lzw_gives_back_its_indices(height, width, k, noise, seed):
    indices, _ = random(height, width, k, 3, seed)
    if noise:
        indices = np.random.default_rng(seed).integers(0, k, (height, width), np.uint8)
    size = code_size(k)
    out, _ = reference.unlzw(_kernels.encode_lzw(indices, size), size)
    np.testing.assert_array_equal(np.array(out, np.uint8).reshape(indices.shape), indices)


@pytest.mark.parametrize("name", ["photo", "flat", "bird"])
def test_our_lzw_is_no_larger_than_pillow_s(name):
    pixels = np.tile(PICTURES[name](), (3, 3, 1))
    colors = palette(histogram(pixels), 256).colors
    indices = remap(pixels, colors, dither=0.75)
    image, stream = Image.fromarray(indices), io.BytesIO()
    image.putpalette(colors.tobytes())
    image.save(stream, "GIF", optimize=False)
    assert len(encode(indices, colors, format="gif")) <= len(stream.getvalue())


def test_a_gif_s_pixels_are_there_from_half_opaque_on():
    pixels = alpha()
    small = compress(pixels, format="gif")
    assert small.cut
    np.testing.assert_array_equal(small.image[..., 3], np.where(pixels[..., 3] < 128, 0, 255))
    assert not compress(pixels, format="webp").cut
    assert not compress(flat(), format="gif").cut


def test_what_would_vanish_in_a_gif_is_refused():
    faint = np.full((9, 9, 4), 100, np.uint8)
    words = "^ghost: gif knows no partial transparency, and no pixel is half opaque$"
    with pytest.raises(PictureError, match=words):
        compress(Picture(faint, name="ghost"), format="gif")
    faint[..., 3] = 0
    assert compress(faint, format="gif").image.shape == faint.shape


def test_partial_alpha_is_no_gif_s():
    colors = np.array([[1, 2, 3, 9]], np.uint8)
    with pytest.raises(ValueError, match="no partial transparency: alpha must be 0 or 255"):
        encode(np.zeros((2, 2), np.uint8), colors, format="gif")


def test_colors_that_nobody_sees_are_one_in_a_gif():
    colors = np.array([[1, 1, 1, 0], [9, 9, 9, 255], [2, 2, 2, 0], [7, 7, 7, 255]], np.uint8)
    indices = (np.arange(64) % 4).astype(np.uint8).reshape(8, 8)
    shown = decoded(encode(indices, colors, format="gif"))
    np.testing.assert_array_equal(shown[..., 3], colors[indices][..., 3])
    visible = shown[..., 3] > 0
    np.testing.assert_array_equal(shown[visible], colors[indices][visible])


# --- the original where it is smaller -----------------------------------------------------------


def slope(height=120, width=160):
    """A smooth gradient with thousands of colors, which a filter predicts."""
    y, x = np.mgrid[0:height, 0:width]
    return np.stack([x, y, (x + y) // 2], axis=2).astype(np.uint8)


@pytest.mark.parametrize("format", ["png", "webp"])
def test_a_gradient_is_kept_as_it_is_where_that_is_smaller(format):
    small = compress(slope(), format=format)
    assert small.exact is not None
    np.testing.assert_array_equal(small.image, slope())
    np.testing.assert_array_equal(decoded(small.data)[..., :3], slope())
    assert np.isinf(small.report.psnr)
    assert small.report.colors == len(np.unique(slope().reshape(-1, 3), axis=0))
    assert small.palette.shape == (256, 3)
    assert small.indices.shape == slope().shape[:2]


@settings(max_examples=30, deadline=None)
@given(
    st.sampled_from([2, 3, 16, 200, 255, 256]),
    st.sampled_from(FORMATS),
    st.sampled_from([{}, {"lossy": 0.3}, {"quality": (1, 60)}, {"max_bytes": 9000}]),
    st.sampled_from([{}, {"effort": 0}, {"effort": 2}, {"dither": 0}, {"space": "srgb"}]),
    st.sampled_from([slope, photo, alpha, flat, grey]),
    st.sampled_from([None, 0, 0]),  # packed hardest a search takes four times as long
)
def test_a_number_of_colors_that_is_asked_for_is_never_exceeded(
    k, format, aim, options, picture, level
):
    pixels = np.ascontiguousarray(picture()[:40, :56])
    try:
        small = compress(pixels, k, format=format, level=level, **aim, **options)
    except TargetError:  # few colors don't reach every goal
        return
    shown = decoded(small.data)
    assert len(np.unique(shown.reshape(-1, 4), axis=0)) <= k
    np.testing.assert_array_equal(shown, rgba(small.image))


def test_a_gif_always_has_a_palette():
    assert compress(slope(), format="gif").exact is None


def test_photographs_are_drawn_and_not_even_tried():
    assert compress(photo()).exact is None
    drawn = len(compress(photo()).data)
    guess = least(_kernels.Quantizer(photo()), 10_000)
    assert not may_be_smaller(guess, drawn)


def test_hidden_colors_are_not_kept_with_an_original():
    pixels = np.dstack([slope(), np.full((120, 160), 255, np.uint8)])
    pixels[:30, :30] = (9, 8, 7, 0)
    small = compress(pixels)
    assert small.exact is not None
    assert not small.image[:30, :30].any()
    np.testing.assert_array_equal(decoded(small.data), small.image)


def original(pixels, limit):
    picture, codec = _kernels.Quantizer(pixels), codec_of("png")
    how = {"entries": picture.entries or None, "effort": 1, "tried": False}
    guess = codec.estimate(picture, **how)
    return codec.encode_original(picture, limit, guess, likely=False, **how)


def test_an_original_is_smaller_or_none():
    assert original(flat(), 10) is None
    data = original(slope(), 10_000)
    assert data is not None
    assert len(data) < 10_000


# --- mapping for each format --------------------------------------------------------------------


def cost(pixels, colors, indices, share, format):
    away = ((to_points(pixels.reshape(-1, 3)) - to_points(colors)[indices.ravel()]) ** 2).sum(1)
    error = float((away * _probes.visibility(pixels).ravel()).sum())
    return error + price(share) * 8 * len(encode(indices, colors, format=format))


@pytest.mark.parametrize("format", ["webp", "gif"])
def test_what_is_paid_is_less_than_for_the_nearest_entries(format):
    pixels = photo(128, 160)
    colors = palette(histogram(pixels), 64).colors
    for share in (0.2, 0.5, 0.8):
        lossy = mapped(pixels, colors, share, format, dither=0)
        assert cost(pixels, colors, lossy, share, format) < cost(
            pixels, colors, remap(pixels, colors), share, format
        )


def test_a_gif_drawn_for_lzw_is_smaller_than_one_drawn_for_deflate():
    pixels = np.tile(photo(128, 160), (2, 2, 1))
    colors = palette(histogram(pixels), 256).colors
    for share in (0.3, 0.6):
        maps = [mapped(pixels, colors, share, f, dither=0) for f in ("png", "gif")]
        costs = [cost(pixels, colors, indices, share, "gif") for indices in maps]
        assert costs[1] < costs[0]


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("k", [4, 16, 17, 256])
def test_the_lossier_the_smaller(format, k):
    pixels = photo(64, 87)
    drawings = [compress(pixels, k, lossy=x, format=format) for x in (0.2, 0.6, 1)]
    sizes = [len(drawing.data) for drawing in drawings]
    assert sizes == sorted(sizes, reverse=True)


@pytest.mark.parametrize("format", ["webp", "gif"])
def test_bits_that_cost_nothing_change_nothing(format):
    pixels = photo()
    colors = palette(histogram(pixels), 32).colors
    plain = remap(pixels, colors)
    free = mapped(pixels, colors, 0.0, format, dither=0)
    # A phrase is never followed by what would have made it longer: ties may be broken there.
    assert (free != plain).mean() < (0.25 if format == "gif" else 1e-9)


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("shape", [(1, 1), (1, 70), (70, 1), (2, 3), (3, 17), (40, 33)])
@pytest.mark.parametrize("k", [1, 2, 3, 5, 17])
def test_any_size_is_drawn_and_no_visible_pixel_vanishes(format, shape, k):
    chance = np.random.default_rng(k)
    pixels = chance.integers(0, 256, (*shape, 4), np.uint8)
    pixels[..., 3] = np.where(chance.random(shape) < 0.3, 0, 255)
    pixels[0, 0, 3] = 255
    colors = np.vstack([np.zeros((1, 4), np.uint8), np.full((k, 4), 255, np.uint8)])
    colors[1:, 0] = np.arange(k) * 10
    for effort in (0, 1, 5):
        indices = mapped(pixels, colors, 0.6, format, effort=effort)
        np.testing.assert_array_equal(colors[indices][..., 3] == 0, pixels[..., 3] == 0)


@pytest.mark.parametrize("format", ["webp", "gif"])
def test_threads_change_no_bit(format):
    pixels = np.tile(photo(96, 128), (11, 8, 1))  # two bands for threads to share
    colors = palette(histogram(pixels), 4).colors
    one, two = (mapped(pixels, colors, 0.5, format, effort=0, threads=t) for t in (1, 2))
    assert one.tobytes() == two.tobytes()


@pytest.mark.parametrize("format", ["webp", "gif"])
def test_targets_are_met_in_every_format(format):
    pixels = photo(160, 200)
    whole = len(compress(pixels, format=format).data)
    small = compress(pixels, max_bytes=whole // 2, format=format)
    assert 0.85 * whole / 2 <= len(small.data) <= whole / 2
    scored = compress(pixels, quality=70, format=format)
    assert 70 <= scored.report.ssimulacra2 <= 73


@pytest.mark.parametrize("coder", ["webp", "deflate"])
def test_distance_codes_equal_slow_twin(coder):
    slow = getattr(reference, f"{coder}_distance_code")
    for width in (30, 700):
        for dy in range(12):
            for dx in range(-12, 13):
                if dy > 0 or dx > 0:
                    fast = _probes.distance_code(dx, dy, width, coder == "webp")
                    assert fast == slow(dx, dy, width), (dx, dy, width)


def test_exactly_as_many_colors_as_a_depth_holds():
    for k in (2, 4, 16, 17):
        pixels = exact(k)
        for format in FORMATS:
            np.testing.assert_array_equal(compress(pixels, format=format).image, pixels)
    for pixels in (text(), grey()):
        assert files.read(compress(pixels, format="webp").data).pixels.shape == pixels.shape


def test_large_pngs_of_flat_pictures_are_deflated_harder(monkeypatch):
    monkeypatch.setattr(png, "LARGE", 0)
    rows = np.tile(text(), (8, 2, 1))
    indices = np.digitize(rows[..., 0], range(16, 256, 16)).astype(np.uint8)
    grays = np.repeat(np.arange(16, dtype=np.uint8)[:, None] * 17, 3, axis=1)
    grays[:, 2] //= 2  # so that no grey form is smaller
    easy, hard = (encode(indices, grays, flat=flat) for flat in (False, True))
    assert len(hard) < len(easy)


@settings(max_examples=40, deadline=None)
@given(
    st.tuples(st.integers(1, 40), st.integers(1, 9), st.sampled_from([3, 4])),
    st.integers(0, 1),
    st.integers(1, 40),
    st.integers(0, 40),
)
def test_what_an_estimate_deflates_equals_its_definition(shape, axis, rows, between):
    pixels = np.random.default_rng(rows).integers(0, 256, shape, dtype=np.uint8)
    if shape[2] == 4:
        pixels[:, :, 3] *= pixels[:, :, 3] > 99
    shown = pixels if shape[2] == 3 else pixels * (pixels[:, :, 3:] > 0)
    bands = [shown[top : top + rows] for top in range(0, len(shown), rows + between)]
    slow = b"".join(np.diff(b, axis=axis, prepend=np.uint8(0)).tobytes() for b in bands)
    assert _kernels.Quantizer(pixels).differences(axis, rows, rows + between) == slow
