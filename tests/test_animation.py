"""Animations: what is still stays, times and loops are kept, in every format that holds them."""

from __future__ import annotations

import io
import math
from collections.abc import Iterable
from fractions import Fraction
from importlib import import_module
from itertools import pairwise

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

import tinct
from tinct.cli.main import main as run
from tinct.codecs.films import Piece
from tinct.compress.animation import CompressedFilm, _least_bytes
from tinct.compress.bases import DOUBT, Bases, _price
from tinct.compress.drawn import Drawn, Moment
from tinct.compress.encoder import Options
from tinct.compress.standing import AHEAD, Standing, Tally
from tinct.errors import PictureError
from tinct.picture.film import Film, stills

FORMATS = ("gif", "png", "webp")


def moving(frames: int = 6, *, alpha: bool = False, seed: int = 0) -> list[np.ndarray]:
    """A textured square that walks over a textured ground, (48, 64, 4) uint8 each."""
    rng = np.random.default_rng(seed)
    ground = np.full((48, 64, 4), 255, np.uint8)
    ground[:, :, :3] = rng.integers(60, 120, (48, 64, 3)) + np.arange(64)[None, :, None]
    if alpha:
        ground[:16] = 0
    square = np.full((12, 12, 4), 255, np.uint8)
    square[:, :, :3] = rng.integers(150, 250, (12, 12, 3))
    found = []
    for at in range(frames):
        frame = ground.copy()
        frame[8 + at : 20 + at, 4 + 7 * at : 16 + 7 * at] = square
        found.append(frame)
    return found


def filed(frames: list[np.ndarray], times: list[int], kind: str = "png", loop: int = 0) -> bytes:
    """An animation's file by Pillow, its times in milliseconds; PNG and WebP without loss."""
    images = [Image.fromarray(frame) for frame in frames]
    how = {"lossless": True, "exact": True} if kind == "webp" else {}
    data = io.BytesIO()
    rest = images[1:]
    images[0].save(data, kind, save_all=True, append_images=rest, duration=times, loop=loop, **how)
    return data.getvalue()


@pytest.mark.parametrize("format", ["gif", "webp", "png"])
def test_plays_are_as_many_as_the_kind_can_say(format: str) -> None:
    data = filed(moving(2), [100, 100], "png", 70_000)
    small = tinct.compress(data, 8, format=format)
    assert Film(small.data).plays == {"gif": 65_536, "webp": 65_535, "png": 70_000}[format]


@pytest.mark.parametrize(("format", "most"), [("gif", "65,535"), ("webp", "16,383")])
def test_an_animation_too_wide_for_its_new_kind_is_refused_in_one_line(format, most):
    data = filed([np.full((1, 65_600, 3), shade, np.uint8) for shade in (0, 99)], [100, 100])
    with pytest.raises(PictureError, match=f"{format} holds at most {most} pixels a side"):
        tinct.compress(data, 8, format=format)


def seen(data: bytes) -> list[tuple[np.ndarray, int]]:
    """Every frame as Pillow shows it, without what nobody sees, and its milliseconds."""
    image, found = Image.open(io.BytesIO(data)), []
    for at in range(getattr(image, "n_frames", 1)):
        image.seek(at)
        image.load()
        pixels = np.asarray(image.convert("RGBA")).copy()
        pixels[pixels[:, :, 3] == 0] = 0
        found.append((pixels, round(image.info.get("duration", 0))))
    return found


def at_each(data: bytes, step: int = 10) -> list[np.ndarray]:
    """What is seen every 10 ms."""
    return [pixels for pixels, time in seen(data) for _ in range(time // step)]


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("lossy", [0.0, 0.4])
def test_what_does_not_change_in_the_original_never_changes(format: str, lossy: float) -> None:
    data = filed(moving(), [100] * 6)
    small = tinct.compress(data, 16, lossy=lossy, format=format)
    before, after = at_each(data, 100), at_each(small.data, 100)
    flicker = [
        ((a == b).all(axis=2) & (x != y).any(axis=2)).sum()
        for a, b, x, y in zip(before, before[1:], after, after[1:], strict=False)
    ]
    assert len(before) == len(after)
    assert sum(flicker) == 0


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("format", FORMATS)
def test_times_and_loops_are_kept_from_each_kind_to_each(kind: str, format: str) -> None:
    times = [40, 100, 730, 100, 50, 2000]
    data = filed(moving(), times, kind, loop=3)
    small = tinct.compress(data, format=format)
    plays = [Film(one).plays for one in (data, small.data)]
    assert [time for _, time in seen(small.data)] == times
    assert plays[0] == plays[1] > 1


@pytest.mark.parametrize("format", FORMATS)
def test_an_animation_of_few_colors_keeps_every_pixel(format: str) -> None:
    frames = [frame & np.array([192, 192, 192, 255], np.uint8) for frame in moving(alpha=True)]
    frames = [np.where(frame[:, :, 3:] == 0, np.uint8(0), frame) for frame in frames]
    frames.insert(3, np.zeros_like(frames[0]))  # full transparency
    small = tinct.compress(filed(frames, [100] * 7), format=format)
    for (shown, _), frame in zip(seen(small.data), frames, strict=True):
        np.testing.assert_array_equal(shown, frame)


@pytest.mark.parametrize("format", ["png", "webp"])
def test_partial_transparency_is_kept_where_the_format_holds_it(format: str) -> None:
    frames = moving(alpha=True)
    for at, frame in enumerate(frames):
        frame[20:30, 5 * at : 5 * at + 9] = (200, 10, 10, 128)
    small = tinct.compress(filed(frames, [100] * 6), format=format)
    for (shown, _), frame in zip(seen(small.data), frames, strict=True):
        opaque = frame[:, :, 3] == 255
        assert (shown[:, :, 3][opaque] == 255).all()
        assert (shown[:, :, 3][frame[:, :, 3] == 0] == 0).all()
        assert np.abs(shown[:, :, 3].astype(int) - frame[:, :, 3]).max() <= 40


@pytest.mark.parametrize("given", [{"palette": "#f80,#000,#888"}, {"reserve": "#f80", "colors": 8}])
@pytest.mark.parametrize("lossy", [0.0, 0.5])
def test_pixels_of_given_colors_are_drawn_in_them(given: dict[str, object], lossy: float) -> None:
    frames = moving(4)
    for at, frame in enumerate(frames):
        frame[20:24, at : at + 30] = (255, 136, 0, 255)
    small = tinct.compress(filed(frames, [100] * 4), lossy=lossy, format="gif", **given)
    for at, (shown, _) in enumerate(seen(small.data)):
        assert (shown[20:24, at : at + 30] == (255, 136, 0, 255)).all()
    assert small.report.colors <= 8


def test_equal_frames_become_one_that_stands_as_long() -> None:
    frames = moving(3)
    repeated = [frames[0], frames[1], frames[1], frames[1], frames[2], frames[2]]
    small = tinct.compress(filed(repeated, [70, 80, 90, 100, 110, 120], "gif"))
    assert [time for _, time in seen(small.data)] == [70, 270, 230]


def test_a_png_first_frame_that_is_no_part_of_the_animation_stays_none() -> None:
    frames = [frame & np.array([192, 192, 192, 255], np.uint8) for frame in moving(4)]
    images = [Image.fromarray(frame) for frame in frames]
    data = io.BytesIO()
    images[0].save(
        data, "PNG", save_all=True, append_images=images[1:], duration=50, default_image=True
    )
    small = tinct.compress(data.getvalue())
    before, after = Film(data.getvalue()), Film(small.data)
    assert after.poster is not None
    np.testing.assert_array_equal(before.poster, after.poster)
    assert [frame.seconds for frame in after.frames()] == [Fraction(1, 20)] * 3


def test_a_png_that_counts_in_thirtieths_still_does() -> None:
    data = filed(moving(3), [1000 / 30] * 3)  # type: ignore[list-item]
    film = Film(tinct.compress(Film(data) and data, 16).data)
    assert [frame.seconds for frame in film.frames()] == [
        frame.seconds for frame in Film(data).frames()
    ]


def test_a_gif_made_of_milliseconds_ends_when_the_original_does() -> None:
    data = filed(moving(6), [33] * 6)
    small = tinct.compress(data, 16, format="gif")
    assert abs(sum(time for _, time in seen(small.data)) - 6 * 33) <= 5


@pytest.mark.parametrize("format", FORMATS)
def test_a_quality_and_a_size_are_reached(format: str) -> None:
    data = filed(moving(4), [100] * 4)
    good = tinct.compress(data, 64, quality=70, format=format)
    assert good.report.ssimulacra2 >= 70 >= good.report.ssimulacra2_least - 30
    budget = len(tinct.compress(data, 64, format=format).data) * 3 // 4
    assert len(tinct.compress(data, 64, max_bytes=budget, format=format).data) <= budget
    with pytest.raises(tinct.TargetError, match="10 bytes are out of reach"):
        tinct.compress(data, 64, max_bytes=10, format=format)


class Straight:
    """An encoder whose scores fall in a line with loss; 28 colors take the fewest bytes."""

    options = Options(dither=0.75)

    def __init__(self) -> None:
        self.drawings: list[int] = []
        self.choose(256)

    def choose(self, colors: int) -> None:
        self.number, self.palette = colors, np.zeros((colors, 4), np.uint8)

    def draw(self, lossy: float, *, scored: bool) -> Drawn:
        self.drawings.append(self.number)
        size = 2000 * (1 + abs(math.log2(self.number / 28))) * (2 - lossy)
        moment = Moment(95 - 47 * lossy, 40.0)
        return Drawn(bytes(round(size)), self.palette, np.ones(1), 1, lossy, [moment])


@pytest.mark.parametrize("goal", [50.0, 71.5, 90.0])
def test_a_search_ends_within_a_tenth_of_its_goal_with_some_colors_fewer(goal: float) -> None:
    encoder = Straight()
    drawn = _least_bytes(encoder, goal)
    assert goal <= drawn.score <= goal + 0.1
    assert len(drawn.palette) == 28  # seven eighths of 32
    assert len(encoder.drawings) <= 24


def test_threads_change_no_byte() -> None:
    data = filed(moving(alpha=True), [100] * 6)
    files = {tinct.compress(data, 32, lossy=0.3, threads=n, format="gif").data for n in (1, 3)}
    assert len(files) == 1


def test_a_result_gives_its_frames_and_counts_them() -> None:
    small = tinct.compress(filed(moving(), [100] * 6), 16)
    assert isinstance(small, CompressedFilm)
    shown = [frame.pixels for frame in small.frames()]
    assert small.report.frames == len(shown) == 6
    assert {tuple(color) for pixels in shown for color in pixels.reshape(-1, 4)} <= {
        tuple(color) for color in small.palette
    }


def test_an_animation_of_one_frame_is_a_picture() -> None:
    assert isinstance(tinct.compress(filed(moving(1), [100])), tinct.Compressed)


@pytest.mark.parametrize("kind", FORMATS)
def test_a_torn_animation_is_refused_in_one_line(kind: str, tmp_path, capsys) -> None:
    data = filed(moving(), [100] * 6, kind)
    torn = tmp_path / f"torn.{kind}"
    torn.write_bytes(data[: len(data) * 2 // 3])
    assert run(["compress", str(torn), "--force"]) == 1
    told = capsys.readouterr().err
    assert told.startswith(f"tinct: {torn}: ")
    assert told.count("\n") == 1


def test_the_command_writes_the_same_kind_beside_an_animation(tmp_path, capsys) -> None:
    for kind in FORMATS:
        (tmp_path / f"a.{kind}").write_bytes(filed(moving(), [100] * 6, kind))
        assert run(["compress", str(tmp_path / f"a.{kind}"), "-k", "16", "--force"]) == 0
        assert len(seen((tmp_path / f"a-tinct.{kind}").read_bytes())) == 6
    assert "6 frames" in capsys.readouterr().out


def test_an_animation_that_becomes_no_smaller_is_left_alone(tmp_path) -> None:
    once = tinct.compress(filed(moving(), [100] * 6), 16, format="gif").data
    (tmp_path / "a.gif").write_bytes(once)
    assert run(["compress", str(tmp_path / "a.gif")]) == 98
    assert not (tmp_path / "a-tinct.gif").exists()


def test_memory_does_not_grow_with_the_number_of_frames() -> None:
    import tracemalloc

    def peak(frames: int) -> int:
        data = filed(moving(6) * (frames // 6), [100] * frames, "gif")
        tracemalloc.start()
        tinct.compress(data, 16)
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return most

    peak(6)  # what is imported and cached once
    assert peak(60) < peak(12) + 20 * 48 * 64 * 4


def test_pictures_become_an_animation(tmp_path, capsys) -> None:
    paths = [str(tmp_path / f"{at}.png") for at in range(3)]
    for path, frame in zip(paths, moving(3), strict=True):
        Image.fromarray(frame).save(path)
    out = str(tmp_path / "film.gif")
    assert run(["compress", *paths, "--fps", "20", "-o", out]) == 0
    assert [time for _, time in seen((tmp_path / "film.gif").read_bytes())] == [50] * 3
    assert run(["compress", *paths, "--fps", "20"]) == 2
    Image.fromarray(moving(1)[0][:20]).save(paths[2])
    assert run(["compress", *paths, "--fps", "20", "-o", out, "--force"]) == 1
    assert "must have 64x48 as the first, not 64x20" in capsys.readouterr().err


def test_frames_go_out_to_a_folder_and_come_back_through_a_pipe(tmp_path, capsys) -> None:
    flat = [frame & np.array([192, 192, 192, 255], np.uint8) for frame in moving(3)]
    film, frames = tmp_path / "film.gif", str(tmp_path / "frames") + "/"
    film.write_bytes(filed(flat, [50] * 3, "gif"))
    assert run(["compress", str(film), "-o", frames]) == 0
    assert run(["compress", str(film), "-o", frames]) == 1
    written = [path.read_bytes() for path in sorted((tmp_path / "frames").iterdir())]
    assert stills(b"".join(written), "stdin") == written
    with pytest.raises(tinct.PictureError, match="frame 3 is cut off"):
        stills(b"".join(written)[:-5], "stdin")
    slides = tinct.Slides(stills(b"".join(written), "stdin"), 0.05)
    for (shown, _), frame in zip(seen(tinct.compress(slides).data), flat, strict=True):
        np.testing.assert_array_equal(shown, frame)
    assert "already exists" in capsys.readouterr().err


@pytest.mark.parametrize("seed", range(3))
def test_an_error_counts_by_the_frames_that_it_stands(seed: int) -> None:
    rng = np.random.default_rng(seed)
    frames, height, width = int(rng.integers(2, 60)), 3, 5
    changed = rng.random((frames - 1, height, width)) < rng.random((height, width)) ** 3
    standing = Standing()
    for mask in changed:
        standing.add(mask)
    usual = frames * height * width / (height * width + changed.sum())
    for at in range(frames):
        drawn = changed[at - 1] if at else np.ones((height, width), bool)
        worth = standing.worth(at, drawn)
        for place in np.ndindex(height, width):
            later = np.flatnonzero(changed[at:, *place])
            times = min(later[0] + 1 if len(later) else frames - at, AHEAD)
            told = (times / min(usual, AHEAD) ** 0.5) ** 0.75 if drawn[place] else 1
            assert worth[place] == pytest.approx(told, rel=1e-5)


def test_a_filled_frame_shows_the_same() -> None:
    rng = np.random.default_rng(1)
    held = rng.integers(0, 4, (9, 11)).astype(np.uint8)
    indices = rng.integers(0, 2, (5, 6)).astype(np.uint8)
    piece = Piece(indices, 2, 3, Fraction(1))
    filled = piece.filled(held).indices
    stands = held[3:8, 2:8]
    assert (np.where(filled, filled, stands) == np.where(indices, indices, stands)).all()
    assert (filled[indices == 0] == stands[indices == 0]).all()


@pytest.mark.parametrize("seed", range(6))
def test_frames_are_drawn_over_the_cheapest_bases(seed: int) -> None:
    rng = np.random.default_rng(seed)
    shades = rng.choice([0, 1, 2], (2, 4, 5, 6), p=[0.02, 0.49, 0.49]).astype(np.uint32)
    frames = np.where(rng.random((4, 5, 6)) < 0.7, shades[0, 0], shades[1])
    bases = Bases()
    for frame in frames:
        bases.add(frame)

    def price(restored: Iterable[int]) -> float:
        total, over = 0.0, [0]
        for at in range(1, len(frames)):
            restores = at in restored
            over.append(over[at - 1] if restores else at - 1)
            hides = ((frames[at] == 0) & (frames[over[at]] != 0)).any()
            dear = (DOUBT if restores else 1) * _price(frames[at], frames[over[at]])
            total += math.inf if restores and (at < 2 or hides) else dear
        return total

    ways = [[at for at in range(4) if way >> at & 1] for way in range(16)]
    assert price(bases.restored()) == pytest.approx(min(map(price, ways)))


@pytest.mark.parametrize("alpha", [False, True])
@pytest.mark.parametrize("format", FORMATS)
def test_flashes_restore_what_stood_there(format: str, alpha: bool) -> None:
    still, flash = moving(2, alpha=alpha)[1] // 64 * 64, np.full((48, 64, 4), 192, np.uint8)
    flash[:, :, 3] = still[:, :, 3] = np.where(still[:, :, 3] > 0, 255, 0)
    still[still[:, :, 3] == 0] = flash[flash[:, :, 3] == 0] = 0
    other = still.copy()
    other[20:24, 20:24, 0] ^= 64
    frames, times = [still, flash, other, flash, still], [100, 700_000, 200, 300, 100]
    small = tinct.compress(filed(frames, times), format=format, lossy=0)
    ends, end = [], 0
    for at, time in enumerate(times):
        ends.append((end, frames[at]))
        end += time
    end = Fraction(0)
    for frame in small.frames():
        shown = [pixels for start, pixels in ends if start <= end * 1000][-1]
        np.testing.assert_array_equal(frame.pixels, shown)
        end += frame.seconds
    assert end == Fraction(sum(times), 1000)
    assert (b"\x21\xf9\x04\x0d" in small.data) == (format == "gif")  # a frame that restores


def _tally(frames: NDArray[np.uint32]) -> Tally:
    tally = Tally()
    tally.add(frames[0], frames[0][:0])
    for before, now in pairwise(frames):
        tally.add(now[now != before], before[now != before])
    return tally


def test_a_color_counts_in_every_frame_that_shows_it() -> None:
    frames = np.random.default_rng(3).integers(0, 4, (5, 30)).astype(np.uint32)
    frames[3] = frames[2]
    frames |= np.uint32(0xFF000000)  # opaque
    tally = _tally(frames)
    codes, times = np.unique(frames, return_counts=True)
    np.testing.assert_array_equal(tally.codes, codes)
    np.testing.assert_array_equal(tally.seen, times)


def test_too_many_colors_become_near_ones_and_no_pixel_is_lost(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(import_module("tinct.compress.standing"), "MOST_COLORS", 40)
    frames = np.random.default_rng(3).integers(0, 1 << 24, (5, 30)).astype(np.uint32)
    frames |= np.array([1, 128, 255], np.uint32)[np.arange(30) % 3] << np.uint32(24)
    tally = _tally(frames)
    assert len(tally.codes) <= 40
    assert tally.seen.min() >= 1
    for opacity in (1, 128, 255):
        assert tally.seen[tally.codes >> np.uint32(24) == opacity].sum() == 50
