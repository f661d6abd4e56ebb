"""Laws of the pipeline."""

import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image

from painted import text
from tinct import _probes
from tinct.compress.compress import compress
from tinct.compress.encoder import Clock, Encoder, Options
from tinct.picture import read as files
from tinct.scoring.psnr import psnr


def painting(channels=3, side=64, seed=0):
    """A smooth picture of many colors; with alpha, from opaque to fully transparent."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:side, 0:side] / side
    layers = [x * 200 + 20, y * 180 + 30, (1 - x) * y * 220, 255 * np.clip(2 - 2.4 * x, 0, 1)]
    noise = rng.normal(0, 3, (side, side, channels)) * (np.arange(channels) < 3)
    return np.clip(np.stack(layers[:channels], axis=-1) + noise, 0, 255).astype(np.uint8)


def decode(data, channels):
    image = Image.open(io.BytesIO(data))
    return np.asarray(image.convert("RGB" if channels == 3 else "RGBA"))


few_colors = st.tuples(st.integers(1, 9), st.integers(1, 9), st.sampled_from([3, 4])).flatmap(
    lambda shape: hnp.arrays(np.uint8, shape, elements=st.integers(0, 255), fill=st.just(40))
)


@pytest.mark.parametrize("channels", [3, 4])
@pytest.mark.parametrize("colors", [2, 7, 16, 256])
def test_file_decodes_to_the_palette_at_the_indices(channels, colors):
    small = compress(painting(channels), colors)
    np.testing.assert_array_equal(small.image, small.palette[small.indices])
    np.testing.assert_array_equal(decode(small.data, small.image.shape[2]), small.image)
    assert len(small.palette) <= colors


@settings(max_examples=25, deadline=None)
@given(few_colors)
def test_a_picture_with_few_colors_comes_back_unchanged(pixels):
    small = compress(pixels, 256)
    wanted = files.read(pixels).pixels
    shown = wanted[..., -1] > 0 if wanted.shape[2] == 4 else np.ones(wanted.shape[:2], bool)
    np.testing.assert_array_equal(small.image[shown], wanted[shown])
    if not shown.all():
        assert not small.image[~shown].any()


def test_a_visible_pixel_never_vanishes():
    pixels = painting(4)
    for dither in (0, 1):
        image = compress(pixels, 4, dither=dither).image
        np.testing.assert_array_equal(image[..., 3] == 0, pixels[..., 3] == 0)


def test_every_palette_entry_is_used():
    pixels = painting()
    pixels[:8] = pixels[0, 0]
    for dither in (0, 1):
        small = compress(pixels, 200, dither=dither)
        assert len(np.unique(small.indices)) == len(small.palette)
        assert (small.shares > 0).all()


@pytest.mark.parametrize("channels", [3, 4])
def test_threads_and_repetition_change_no_byte(channels):
    pixels = painting(channels, side=400)  # chunks of colors and bands of rows for every thread
    runs = [compress(pixels, 32, threads=t).data for t in (1, 2, 3)]
    assert runs[0] == runs[1] == runs[2]


def test_more_colors_give_a_better_picture():
    scores = [compress(painting(), k).report.psnr for k in (2, 8, 32, 256)]
    assert scores == sorted(scores)


def test_the_report_counts_what_is_there():
    small = compress(painting(side=40), 16)
    report = small.report
    assert (report.width, report.height) == (40, 40)
    assert report.bytes_out == len(small.data)
    assert report.colors == len(small.palette)
    assert list(report.seconds) == ["read", "histogram", "palette", "remap", "encode", "quality"]
    assert all(seconds >= 0 for seconds in report.seconds.values())
    assert small.shares.sum() == pytest.approx(1)


def test_saves_whole_files_and_replaces_only_when_asked(tmp_path):
    small, path = compress(painting(), 4), tmp_path / "small.png"
    small.save(path)
    assert path.read_bytes() == small.data == small._repr_png_()
    with pytest.raises(FileExistsError):
        small.save(path)
    compress(painting(), 8).save(path, overwrite=True)
    assert path.read_bytes() != small.data


def test_a_picture_is_not_written_to():
    pixels = painting()
    before = pixels.copy()
    compress(pixels, 8)
    np.testing.assert_array_equal(pixels, before)


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({"colors": 1}, ValueError, r"colors must be 2\.\.256, not 1$"),
        ({"colors": 1000}, ValueError, r"colors must be 2\.\.256, not 1000"),
        ({"colors": "many"}, TypeError, "colors must be an integer, not str"),
        ({"dither": -0.1}, ValueError, r"dither must be 0\.\.1, not -0\.1"),
        ({"dither": None}, TypeError, "dither must be a number, not NoneType"),
        ({"lossy": 1.1}, ValueError, r"lossy must be 0\.\.1, not 1\.1"),
        ({"lossy": "much"}, TypeError, "lossy must be a number, not str"),
        ({"level": 99}, ValueError, "level"),
        ({"effort": -1}, ValueError, "effort"),
    ],
)
def test_refuses_arguments_by_name(arguments, error, words):
    with pytest.raises(error, match=words):
        compress(painting(), **arguments)


def test_refuses_bad_arguments_before_it_opens_anything(tmp_path):
    with pytest.raises(ValueError, match="colors must be"):
        compress(tmp_path / "missing.png", 999)


@pytest.mark.parametrize("channels", [3, 4])
def test_the_report_tells_the_psnr_of_what_a_viewer_sees(channels):
    pixels = np.tile(painting(channels), (9, 1, 1))  # more rows than are compared at once
    small = compress(pixels, 16)
    assert small.report.psnr == psnr(small.original.pixels, small.image)


def test_srgb_without_dithering_gives_the_higher_psnr():
    pixels = painting()
    by_code = compress(pixels, 16, space="srgb", dither=0).report.psnr
    by_eye = compress(pixels, 16, dither=0).report.psnr
    assert by_code > by_eye


@pytest.mark.parametrize("channels", [3, 4])
def test_a_lossy_file_decodes_to_the_palette_at_the_indices(channels):
    pixels = painting(channels)
    small = compress(pixels, 64, lossy=0.6)
    np.testing.assert_array_equal(small.image, small.palette[small.indices])
    np.testing.assert_array_equal(decode(small.data, small.image.shape[2]), small.image)
    if channels == 4:
        np.testing.assert_array_equal(small.image[..., 3] == 0, pixels[..., 3] == 0)


def test_the_lossier_the_smaller():
    pixels = painting(side=128)
    sizes = [len(compress(pixels, lossy=x, level=2).data) for x in (0, 0.2, 0.4, 0.6, 0.8, 1)]
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[-1] < sizes[0] / 3


def test_letters_and_lines_of_flat_pictures_are_not_dithered():
    pixels = np.tile(text(), (3, 1, 1)).astype(np.int16)
    pixels[:, :, 2] -= np.linspace(0, 40, pixels.shape[1]).astype(np.int16)
    pixels = pixels.clip(0, 255).astype(np.uint8)
    encoder = Encoder(pixels, Options(dither=1.0), Clock())
    assert encoder.flat
    drawn, plain = (encoder.image(d) for d in (encoder.draw(8), encoder.draw(8, dither=0.0)))
    alike, edges = (drawn == plain).all(axis=2), _probes.find_edges(_probes.visibility(pixels))
    assert 0.05 < edges.mean() < 0.9
    assert alike[edges].all()
    assert not alike[~edges].all()
