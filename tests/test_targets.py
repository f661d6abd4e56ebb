"""Laws of the searches around the pipeline."""

import itertools
import math
import time
from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from painted import alpha, flat, photo, text
from tinct import TargetError, kmeans
from tinct.compress import encoder
from tinct.compress.abreast import abreast
from tinct.compress.compress import compress
from tinct.compress.curves import LEVELS, Curves, stands
from tinct.compress.search_curves import Search
from tinct.scoring.ssimulacra2 import ssimulacra2


def test_quality_is_reached_and_hardly_exceeded():
    pixels = photo(160, 200)
    sizes = []
    for goal in (75, 65, 50):
        small = compress(pixels, quality=goal)
        assert goal <= small.report.ssimulacra2 <= goal + 2
        sizes.append(len(small.data))
    assert sizes == sorted(sizes, reverse=True)


def test_the_score_reported_is_that_of_the_decoded_file():
    pixels = photo(160, 200)
    small = compress(pixels, quality=60)
    assert small.report.ssimulacra2 == ssimulacra2(pixels, small.image)
    assert compress(pixels, 16).report.ssimulacra2 is None
    plain = compress(pixels, 16, ssimulacra2=True)
    assert plain.report.ssimulacra2 == ssimulacra2(pixels, plain.image)


def test_budgets_are_filled_and_never_exceeded():
    pixels = photo(160, 200)
    whole = len(compress(pixels, lossy=0).data)
    for share in (0.9, 0.5, 0.25):
        budget = int(whole * share)
        # A picture as small as this jumps in size from one price to the next.
        assert 0.92 * budget <= len(compress(pixels, max_bytes=budget).data) <= budget


@pytest.mark.parametrize("pixels", [flat(), text()])
def test_a_budget_that_fits_changes_nothing(pixels):
    plain = compress(pixels)
    assert compress(pixels, max_bytes=len(plain.data)).data == plain.data


# Points by which a search may miss the best of a grid: scores of such small pictures jump by more
# from one number of colors to the next.
MISSED = 3.0
GRID = list(itertools.product((2, 4, 16, 64, 256), (0.0, 0.75), (0.0, 0.5, 1.0)))


def tiny(seed):
    """Pixel art, shapes, a noisy slope or noise, every third with alpha."""
    chance = np.random.default_rng(seed)
    height, width, block = *chance.integers(32, 40, 2), chance.integers(2, 5)
    pixels = chance.integers(0, 256, (height, width, 4), dtype=np.uint8)
    if seed % 4 == 0:
        pixels = pixels.repeat(block, 0).repeat(block, 1)[:height, :width]
    elif seed % 4 == 1:
        pixels = pixels[0, :2].take(chance.integers(0, 2, (height, width)), axis=0)
        pixels[height // 3 :, width // 2 :] = chance.integers(0, 256, 4)
    elif seed % 4 == 2:
        slope = np.add.outer(np.arange(height), np.arange(width))[:, :, None] * chance.uniform(1, 3)
        pixels = np.clip(slope + pixels / 16, 0, 255).astype(np.uint8)
    pixels[:, :, 3] = np.where(pixels[:, :, 3] < 64, 0, 255)
    return pixels if seed % 3 == 0 else pixels[:, :, :3]


@pytest.mark.parametrize("seed", range(5))
def test_a_budget_that_a_plain_grid_meets_is_met_and_spent_as_well(seed):
    pixels, format = tiny(seed), ("png", "webp", "gif")[seed % 5 % 3]
    options = encoder.Options(dither=0.75, format=format, level=0)  # else it takes 2 s
    picture = encoder.Encoder(pixels, options, encoder.Clock())
    whole = len(picture.draw(256).data)
    grid = [picture.draw(k, lossy, dither=dither) for k, dither, lossy in GRID]
    least = min(drawn.size for drawn in grid)
    for budget in {least, (2 * least + whole) // 3} - {whole}:
        small = compress(pixels, max_bytes=budget, format=format, level=0, ssimulacra2=True)
        best = max(picture.score(d) for d in grid if d.size <= budget)
        assert len(small.data) <= budget
        assert small.report.ssimulacra2 >= best - MISSED


def test_what_is_refused_is_met_by_the_bytes_that_the_refusal_names():
    pixels = tiny(0)
    with pytest.raises(TargetError, match=r"^20 bytes are out of reach: \d+$") as refusal:
        compress(pixels, max_bytes=20)
    least = int(str(refusal.value).split()[-1])
    assert len(compress(pixels, max_bytes=least).data) == least


@pytest.mark.parametrize("colors", [2, 16])
def test_larger_pictures_are_drawn_undithered_where_few_bytes_are_left(colors):
    pixels = photo(130, 140)
    assert pixels[:, :, 0].size > encoder.TINY
    plain = compress(pixels, colors, dither=0, lossy=1, ssimulacra2=True)
    small = compress(pixels, max_bytes=len(plain.data), ssimulacra2=True)
    assert small.report.ssimulacra2 >= plain.report.ssimulacra2 - MISSED


def test_a_score_that_undithered_colors_reach_is_reached():
    pixels = np.random.default_rng(0).integers(0, 256, (12, 12, 3), dtype=np.uint8)
    pixels = pixels.repeat(4, 0).repeat(4, 1)
    plain = compress(pixels, 16, dither=0, ssimulacra2=True)
    small = compress(pixels, 16, quality=int(plain.report.ssimulacra2))
    assert len(small.data) <= len(plain.data)


SIZES = [(1, 1), (1, 8), (7, 3), (7, 9), (8, 6), (9, 2)]


@pytest.mark.parametrize("target", [{"max_bytes": 88}, {"quality": 85}, {"colors": "auto"}])
@pytest.mark.parametrize("kind", ["flat", "noise", "alpha"])
def test_targets_of_any_size_end_in_a_file_or_a_plain_refusal(kind, target):
    choice = len(kind) + len(target)
    for height, width in SIZES[choice % 3 :: 3]:
        pixels = np.random.default_rng(width).integers(0, 256, (height, width, 4), dtype=np.uint8)
        if kind == "flat":
            pixels = pixels[:, np.arange(width) // 3]
        pixels = pixels | np.uint8([0, 0, 0, 128]) if kind == "alpha" else pixels[:, :, :3]
        try:
            format, level = ("png", "gif", "webp")[width % 3], None if width == 3 else 0
            small = compress(pixels, format=format, level=level, **target)
        except TargetError:
            continue
        score = ssimulacra2(pixels, small.image)
        assert small.report.ssimulacra2 in (None, score)
        assert score >= target.get("quality", -math.inf)
        assert len(small.data) <= target.get("max_bytes", math.inf)


def test_flat_pictures_with_a_side_below_8_have_budgets():
    pixels = np.repeat(np.uint8([[[200, 0, 0], [0, 200, 0], [0, 0, 200]]]), [3, 3, 2], 1)
    assert len(compress(pixels, max_bytes=88).data) <= 88


def test_fewer_colors_where_loss_alone_is_not_enough():
    small = compress(photo(), max_bytes=700)
    assert len(small.data) <= 700


def test_transparent_pixels_stay_so_whatever_the_target():
    pixels = alpha()
    image = compress(pixels, max_bytes=900).image
    np.testing.assert_array_equal(image[..., 3] == 0, pixels[..., 3] == 0)


def test_of_two_scores_the_lower_one_will_do_where_the_higher_is_out_of_reach():
    pixels = photo(128, 144)
    best = compress(pixels, ssimulacra2=True).report.ssimulacra2
    small = compress(pixels, quality=(best - 10, 100))
    assert best - 10 <= small.report.ssimulacra2 < 100
    assert compress(pixels, quality=(10, 60)).data == compress(pixels, quality=60).data
    with pytest.raises(TargetError, match="a SSIMULACRA2 score of 99 is out of reach"):
        compress(pixels, 16, quality=(99, 100))


def test_automatic_colors_are_few_and_cost_two_points_at_most():
    pixels = photo(160, 200)
    whole, auto = (compress(pixels, k, ssimulacra2=True).report for k in (256, "auto"))
    assert auto.bytes_out <= whole.bytes_out
    assert auto.ssimulacra2 >= whole.ssimulacra2 - 2
    assert compress(flat(), "auto").report.psnr == math.inf


@pytest.mark.parametrize("fills", [4, 5, 6])
def test_noise_of_a_code_on_fills_takes_no_colors(fills):
    rng = np.random.default_rng(fills)
    pixels = np.full((160, 200, 3), rng.integers(20, 236, 3))
    for color in rng.integers(20, 236, (fills - 1, 3)):
        top, left = rng.integers(0, (80, 100))
        pixels[top : top + 53, left : left + 66] = color
    pixels = (pixels + rng.integers(-1, 2, pixels.shape)).astype(np.uint8)
    small = compress(pixels, "auto", format=("png", "gif", "webp")[fills % 3])
    assert len(small.palette) <= 8
    assert abs(small.image.astype(int) - pixels).max() <= 2
    assert len(small.data) <= len(compress(pixels, 32).data) / 2


def test_every_drawing_of_a_search_is_told_of():
    told = []
    small = compress(photo(160, 200), quality=60, watch=told.append)
    assert len(told) >= 2
    assert len(small.data) <= max(told)


def test_what_is_out_of_reach_says_what_was_reached():
    with pytest.raises(TargetError, match=r"^50 bytes are out of reach: \d+$"):
        compress(photo(48, 64), max_bytes=50)
    out_of_reach = r"^a SSIMULACRA2 score of 99 is out of reach: -?\d+\.\d$"
    with pytest.raises(TargetError, match=out_of_reach):
        compress(photo(48, 64), 16, quality=99)


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"quality": 101}, ValueError, r"quality must be 1\.\.100, not 101"),
        ({"quality": (60, 50)}, ValueError, r"quality must be \(least, most\), not \(60, 50\)"),
        ({"quality": (0, 50)}, ValueError, r"quality must be 1\.\.100, not 0"),
        ({"colors": "some"}, TypeError, "colors must be an integer, not str"),
        ({"quality": math.nan}, ValueError, r"quality must be 1\.\.100, not nan"),
        ({"quality": "good"}, TypeError, "quality must be a number, not str"),
        ({"max_bytes": 0}, ValueError, "max_bytes must be 1 or more, not 0"),
        ({"max_bytes": 1.5}, TypeError, "max_bytes must be an integer, not float"),
        ({"max_bytes": 9, "quality": 9}, ValueError, "quality and max_bytes exclude each other"),
        ({"lossy": 0.1, "quality": 9}, ValueError, "lossy and quality exclude each other"),
    ],
)
def test_refuses_by_name(options, error, words):
    with pytest.raises(error, match=words):
        compress(flat(), **options)


def test_large_pictures_are_tried_out_on_tiles_of_them():
    pixels = np.tile(photo(128, 128), (9, 9, 1))
    picture = encoder.Encoder(pixels, encoder.Options(dither=0.75), encoder.Clock())
    sample = picture.sample()
    assert sample.pixels.shape == (400, 400, 3)
    middles = [1152 * n // 10 for n in (1, 3, 5, 7, 9)]  # of five rows or columns of tiles
    for y, x in ((0, 0), (1, 3), (4, 4)):
        rows, columns = (slice(middles[at] - 40, middles[at] + 40) for at in (y, x))
        tile = sample.pixels[80 * y : 80 * y + 80, 80 * x : 80 * x + 80]
        np.testing.assert_array_equal(tile, pixels[rows, columns])
    assert sample.part == 400 * 400 / (1152 * 1152)
    assert len(sample.draw(8, 0.5).drawing.entries) == 8


def test_flat_pictures_take_no_more_than_undithered_in_the_fewest_colors_that_do():
    pixels = np.kron(text(), np.ones((2, 2, 1), np.uint8))
    small = compress(pixels, quality=85, effort=5)
    assert small.report.ssimulacra2 >= 85
    for k in (4, 6, 8, 12, 16):
        plain = compress(pixels, k, dither=0, effort=5, ssimulacra2=True)
        if plain.report.ssimulacra2 >= 85:
            assert len(small.data) <= len(plain.data)


def test_few_colors_of_flat_pictures_are_those_that_score_highest_undithered():
    pixels = np.ascontiguousarray(np.tile(text(), (2, 1, 1)))
    picture = encoder.Encoder(pixels, encoder.Options(dither=0.75, effort=5), encoder.Clock())
    assert picture.thorough
    for colors in (4, 6, 9):
        drawn, score = picture.undithered(colors)
        assert score == ssimulacra2(pixels, picture.image(drawn))
        assert score >= compress(pixels, colors, dither=0, ssimulacra2=True).report.ssimulacra2
        assert len(drawn.drawing.entries) <= colors


def test_what_the_whole_picture_gives_corrects_what_its_sample_told(monkeypatch):
    """Of a picture whose sample scores 20 points too high, or too low, the goal is met closely."""
    pixels, drawn = photo(160, 200), []
    draw = encoder.Encoder.trial

    def trial(self, *setting):
        if self.hasty:
            return replace(made := draw(self, *setting), score=made.score + bias)
        drawn.append(setting)
        return draw(self, *setting)

    monkeypatch.setattr(encoder.Encoder, "trial", trial)
    for bias in (-20, 0, 20):
        drawn.clear()
        small = compress(pixels, quality=65)
        assert 65 <= small.report.ssimulacra2 <= 67
        assert len(drawn) <= (4 if bias == 0 else 6)


def test_goals_of_small_pictures_are_answered_in_order():
    pixels = alpha(32)
    sizes = [len(compress(pixels, quality=score).data) for score in (40, 70, 90)]
    assert sizes == sorted(sizes)
    budgets = [int(sizes[-1] * share) for share in (0.5, 0.7, 0.9)]
    found = [compress(pixels, max_bytes=size, ssimulacra2=True) for size in budgets]
    scores = [small.report.ssimulacra2 for small in found]
    assert scores == sorted(scores)


@pytest.mark.parametrize("target", [{"quality": 70}, {"max_bytes": 450}])
def test_searches_end_alike_on_any_number_of_threads(target):
    pixels = np.tile(text(), (2, 2, 1))
    one, three = (compress(pixels, threads=threads, **target).data for threads in (1, 3))
    assert one == three


def test_work_side_by_side_comes_back_in_order_or_fails_as_itself():
    works = [partial(divmod, number, 7) for number in range(40)]
    assert abreast(works, 3, encoder.Clock()) == [divmod(number, 7) for number in range(40)]
    with pytest.raises(ZeroDivisionError):
        abreast([*works, partial(divmod, 1, 0), *works], 3, encoder.Clock())


def test_where_one_work_fails_long_runs_beside_it_end_and_the_next_ones_do_not():
    points = np.random.default_rng(0).normal(size=(200_000, 3))
    ended = []

    def long():
        try:
            kmeans(points, 200, tol=0, max_iter=10_000, threads=1)  # some minutes
        except KeyboardInterrupt:
            ended.append(True)
            raise

    def fail():
        time.sleep(0.1)
        raise ValueError("one of them")

    with pytest.raises(ValueError, match="one of them"):
        abreast([fail, long], 2, encoder.Clock())
    assert ended == [True]
    assert abreast([partial(kmeans, points[:9], 2)] * 2, 2, encoder.Clock())[0].inertia > 0


def test_stages_side_by_side_count_no_more_than_the_time_that_passed():
    clock = encoder.Clock({"read": 1.0})

    def work():
        with clock("draw"):
            time.sleep(0.02)

    start = time.perf_counter()
    abreast([work] * 8, 4, clock)
    passed = time.perf_counter() - start
    assert clock.seconds["read"] == 1
    assert 0.02 <= clock.seconds["draw"] <= passed


def test_of_graphics_the_sample_is_drawn_where_it_just_does():
    pixels = np.tile(text(), (2, 2, 1))
    picture = encoder.Encoder(pixels, encoder.Options(dither=0.75), encoder.Clock())
    assert picture.flat
    assert not picture.small
    curves = Curves(picture.sample(), 256)
    all_colors = len(curves.ways)
    curves.near(lambda score, size: score - 70)
    assert len(curves.ways) > all_colors
    for at in range(all_colors, len(curves.ways)):
        trials = [t for s, t in curves.trials.items() if s[:2] == curves.ways[at]]
        assert 1 <= len(trials) <= 3
        best = max(trials, key=lambda trial: trial.score)
        # A curve that falls passes through its highest point, unless the curve of all ends there.
        told = np.interp(best.score, LEVELS[::-1], curves.losses[at][::-1])
        assert told == pytest.approx(best.lossy, abs=0.02)


def test_near_no_loss_a_drawing_misses_what_it_misses_without_or_half_as_much():
    pixels = np.tile(text(), (2, 2, 1))
    search = Search(encoder.Encoder(pixels, encoder.Options(dither=0.75), encoder.Clock()), 256)
    curves, way = search.curves, (256, None)
    told = {lossy: curves.trials[*way, lossy] for lossy in (0.0, 1 / 8)}
    at = max(i for i, other in enumerate(curves.ways) if other == way)
    level = int(np.abs(curves.losses[at] - 1 / 32).argmin())
    search.trials = {(*way, 1 / 8): replace(told[1 / 8], score=told[1 / 8].score - 4)}
    assert search._expected()[0][at, level] == pytest.approx(LEVELS[level] - 2.5, abs=0.3)
    search.trials[*way, 0.0] = told[0.0]
    assert search._expected()[0][at, level] == pytest.approx(LEVELS[level] - 1, abs=0.3)


@pytest.mark.parametrize(
    ("scores", "expected", "result"),
    [
        ([70.0], [70.0], False),
        ([70.2, 70.0], [74.0, 70.0], True),  # 0.2 of 4 points
        ([73.0, 70.0], [74.0, 70.0], False),
        ([70.1, 70.0], [71.0, 70.0], False),  # so little says nothing
        ([70.1, 70.0, 50.0], [74.0, 70.0, 66.0], True),
        ([70.4, 70.2, 68.0], [74.0, 73.0, 70.0], False),  # 2.4 of 4, after 0.2 of one
        ([70.4, 70.2, 69.9], [74.0, 73.0, 70.0], True),
    ],
)
def test_where_less_loss_gains_hardly_anything_no_more_is_expected(scores, expected, result):
    assert stands(scores, expected) == result
