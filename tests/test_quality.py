"""The measures are what their definitions say, and the report is fit for people and machines."""

import json
import math
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from painted import alpha, bird, photo
from tinct.quality import Report, mse, psnr, size_text, ssimulacra2


def slow_mse(original, compressed):
    """From the definition, pixel by pixel; alpha over mid grey, rounded to whole steps."""
    total = 0
    for row, other_row in zip(original.tolist(), compressed.tolist(), strict=True):
        for pixel, other in zip(row, other_row, strict=True):
            for channel in range(3):
                seen = []
                for color in (pixel, other):
                    opacity = color[3] if len(color) == 4 else 255
                    seen.append((color[channel] * opacity + 128 * (255 - opacity) + 127) // 255)
                total += (seen[0] - seen[1]) ** 2
    return total / (original.shape[0] * original.shape[1] * 3)


@settings(max_examples=80, deadline=None)
@given(st.data())
def test_mse_is_its_definition_with_and_without_alpha(data):
    height, width = data.draw(st.tuples(st.integers(1, 6), st.integers(1, 6)))
    pair = [
        data.draw(hnp.arrays(np.uint8, (height, width, data.draw(st.sampled_from([3, 4])))))
        for _ in range(2)
    ]
    assert mse(*pair) == slow_mse(*pair) == mse(*reversed(pair))


def test_mse_of_a_picture_larger_than_one_band_is_exact():
    chance = np.random.default_rng(0)
    a, b = chance.integers(0, 256, (2, 300, 400, 3), dtype=np.uint8)
    assert mse(a, b) == ((a.astype(int) - b) ** 2).sum() / a.size


def test_psnr_is_infinite_for_equal_pictures_and_falls_with_the_error():
    black, white = np.zeros((4, 4, 3), np.uint8), np.full((4, 4, 3), 255, np.uint8)
    assert psnr(photo(), photo()) == math.inf
    assert psnr(black, white) == 0
    assert psnr(black, black + np.uint8(1)) == pytest.approx(48.13, abs=0.01)


def test_what_is_transparent_in_both_can_not_be_wrong():
    other = np.array(alpha())
    other[other[:, :, 3] == 0, :3] = 255
    assert psnr(alpha(), other) == math.inf


@pytest.mark.parametrize("measure", [mse, psnr, ssimulacra2])
def test_pictures_of_different_size_or_type_are_refused(measure):
    with pytest.raises(ValueError, match="same size and a pixel, not 128x96 and 96x128"):
        measure(photo(), photo().swapaxes(0, 1))
    with pytest.raises(ValueError, match="must be uint8"):
        measure(photo(), photo() / 255)
    with pytest.raises(ValueError, match="must be uint8"):
        measure(photo()[:, :, 0], photo()[:, :, 0])


def test_ssimulacra2_is_100_for_equal_pictures_and_lower_for_worse_ones():
    pytest.importorskip("ssimulacra2")
    coarse, coarser = photo() & 0xF8, photo() & 0xE0
    scores = [ssimulacra2(photo(), other) for other in (photo(), coarse, coarser)]
    assert scores[0] == 100
    assert scores == sorted(scores, reverse=True)
    assert scores[2] < 80


def test_ssimulacra2_is_what_the_package_says_of_files(tmp_path):
    package = pytest.importorskip("ssimulacra2")
    from PIL import Image

    paths = [str(tmp_path / name) for name in ("a.png", "b.png")]
    for path, pixels in zip(paths, (bird(), bird() & 0xF0), strict=True):
        Image.fromarray(pixels).save(path)
    assert ssimulacra2(bird(), bird() & 0xF0) == package.compute_ssimulacra2(*paths)


def test_ssimulacra2_refuses_what_it_would_call_perfect_unseen():
    with pytest.raises(ValueError, match="at least 8x8 pixels, not 9x7"):
        ssimulacra2(np.zeros((7, 9, 3), np.uint8), np.ones((7, 9, 3), np.uint8))


def test_without_the_extra_the_error_names_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "ssimulacra2", None)
    with pytest.raises(ImportError, match=r"pip install 'tinct\[metrics\]'"):
        ssimulacra2(photo(), photo())


def a_report(**changes):
    told = {"width": 8, "height": 4, "bytes_in": 1000, "bytes_out": 250, "colors": 16, "psnr": 30.0}
    return Report(**{**told, **changes})


def test_a_report_tells_the_fraction_saved():
    assert a_report().saved == 0.75
    assert a_report(bytes_out=1500).saved == -0.5
    assert a_report(bytes_in=None).saved is None


def test_a_report_is_strict_json_even_when_lossless():
    told = a_report(psnr=math.inf, seconds={"read": 0.5}).to_dict()
    assert json.loads(json.dumps(told, allow_nan=False)) == told
    assert told["psnr"] is None
    assert told["saved"] == 0.75
    assert told["seconds"] == {"read": 0.5}


@given(st.integers(0, 10**13))
def test_a_size_is_short_and_right_within_five_percent(size):
    text = size_text(size)
    number, unit = text.split()
    factor = {"B": 1, "kB": 1e3, "MB": 1e6, "GB": 1e9, "TB": 1e12}[unit]
    assert float(number) * factor == pytest.approx(size, rel=0.051)
    assert len(number) <= 3
