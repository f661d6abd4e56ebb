"""Animations compressed: the searches for quality and size around `FilmEncoder`."""

from __future__ import annotations

import errno
import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tinct.atomic_write import write
from tinct.checks import flag
from tinct.codecs.arrays import encode_truecolor
from tinct.compress.drawn import Drawn
from tinct.compress.encoder import Clock, Options
from tinct.compress.film import FilmEncoder
from tinct.compress.regula_falsi import LOG_BYTES, STEP, Point, farthest
from tinct.errors import TargetError
from tinct.picture.film import Film, Frame
from tinct.scoring.report import Report

if TYPE_CHECKING:
    from tinct.mapping.lossy import Loss

__all__ = ["CompressedFilm", "compress_film"]

SCORES = 60.0  # by how much SSIMULACRA2 falls from no loss to the most
CLOSE, FULL = 0.5, math.log(1 / 0.975)  # points above a goal, and of a budget, that are good enough
DRAWINGS = 6, 4  # that a search makes at most with all colors, with each lower number of them
# In the end it leaves a fifth of that in so many drawings, with the best number of colors and with
# some fewer: 0 to 2 % less bytes of four films, for 4 to 9 drawings more than 10 to 13.
CLOSER, LAST, BETWEEN = 5, 3, 7 / 8
LEAST = 16  # colors that a search tries: halved as long as that pays
# The loss where none is named, the largest tenth at which drawings score about 90, which can't be
# told from the original: a stop-motion film 92.3, a cartoon 90.9, a diagram 90.7, pixel art 90.5, a
# made recording 89.4, a plot 89.3; photographs in motion less (a pan 79,
# a fade 68). It saved 6 to 17 % beside 0.02.
UNSEEN = 0.1


@dataclass(frozen=True, slots=True, eq=False)
class CompressedFilm:
    """An animation drawn with few colors, as a file.

    `original` is the animation compressed; `palette` (k, 4) uint8 the colors of all frames, the
    first being full transparency; `shares` (k,) float64: of the pixels drawn, which palette entry
    serves how many, summing to 1; `data` are the file's bytes, `format` "png" (then an APNG),
    "webp" or "gif". `report` has bytes, colors, frames, quality, and seconds per stage: its
    SSIMULACRA2 and PSNR are means over moments. `cut`: partial transparency was lost.
    """

    original: Film = field(repr=False)
    palette: NDArray[np.uint8] = field(repr=False)
    shares: NDArray[np.float64] = field(repr=False)
    data: bytes = field(repr=False)
    report: Report
    format: str
    cut: bool = False

    def frames(self) -> Iterator[Frame]:
        """Decode the file's frames: `pixels` (h, w, 4) uint8 and `seconds`, one after the other."""
        return Film(self.data, self.original.name).frames()

    def save(self, path: str | PathLike[str], *, overwrite: bool = False) -> None:
        """Write the file, whole or not at all; FileExistsError if it is there, without `overwrite`.

        OSError if it can't be written.
        """
        write(path, self.data, overwrite=flag("overwrite", overwrite))

    def save_frames(self, folder: str | PathLike[str], *, overwrite: bool = False) -> list[Path]:
        """Write each frame as a PNG, 001.png and so on, into a folder, made if it is missing.

        All are refused if one is there, without `overwrite`: FileExistsError. OSError if one can't
        be written. Returns their paths.
        """
        Path(folder).mkdir(parents=True, exist_ok=True)
        digits = max(3, len(str(self.report.frames)))
        count = sum(1 for _ in self.frames())
        paths = [Path(folder) / f"{at + 1:0{digits}}.png" for at in range(count)]
        there = [path for path in paths if path.exists()]
        if there and not flag("overwrite", overwrite):
            raise FileExistsError(errno.EEXIST, "File exists", str(there[0]))
        for path, frame in zip(paths, self.frames(), strict=True):
            write(path, encode_truecolor(frame.pixels), overwrite=overwrite)
        return paths


def compress_film(
    film: Film,
    colors: int,
    options: Options,
    *,
    lossy: Loss,
    goal: tuple[float, ...] | None,
    budget: int | None,
    scored: bool,
    clock: Clock,
    watch: Callable[[int], None] | None,
) -> CompressedFilm:
    """Compress an animation as `tinct.compress` says. PictureError if a frame is broken."""
    encoder = FilmEncoder(film, colors, options, clock, watch)
    if goal is not None:
        drawn = _least_bytes(encoder, *goal)
    elif budget is not None:
        drawn = _within(encoder, budget)
    else:
        drawn = encoder.draw(UNSEEN if lossy == "auto" else lossy, scored=scored)
    report = Report(
        name=film.name,
        width=film.width,
        height=film.height,
        bytes_in=film.bytes_in,
        bytes_out=drawn.size,
        colors=len(drawn.palette) - (not encoder.clear),
        frames=drawn.frames,
        psnr=drawn.psnr,
        ssimulacra2=drawn.score if scored else None,
        ssimulacra2_least=drawn.least if scored else None,
        seconds=clock.seconds,
    )
    palette, shares = drawn.palette, drawn.shares
    return CompressedFilm(film, palette, shares, drawn.data, report, options.format, encoder.cut)


def _least_bytes(encoder: FilmEncoder, aim: float, least: float | None = None) -> Drawn:
    """The most loss that scores so much, with the number of colors that then takes least bytes.

    Of none that does, what scores the least that will do.
    """
    best: Drawn | None = None
    tried: dict[float, Drawn] = {}
    points: list[Point] = []

    def slack(lossy: float) -> float | None:
        drawn = tried[lossy] = encoder.draw(lossy, scored=True)
        vain = best is not None and drawn.score < aim and drawn.size >= best.size
        return None if vain else drawn.score - aim

    guess = min(max((92 - aim) / SCORES, STEP), 1.0)
    for most in _fewer(encoder):
        tried.clear()
        farthest(slack, tolerance=CLOSE, guess=guess, slope=SCORES, most=most)
        smallest = _smallest(tried.values(), aim)
        if smallest is None or (best is not None and smallest.size >= best.size):
            break
        best, guess, colors = smallest, smallest.lossy, encoder.number
        points = [(drawn.lossy, drawn.score - aim) for drawn in tried.values()]
    if best is None:
        best = max(tried.values(), key=lambda drawn: drawn.score)
        if best.score < (aim if least is None else least):
            raise TargetError(f"quality {aim:g} is out of reach: {best.score:.1f} is the best")
        return best
    good: Point | None = (best.lossy, best.score - aim)
    bad = min((point for point in points if point[1] < 0), default=None)
    for number in _some_fewer(encoder, colors):
        encoder.choose(number)
        tried.clear()
        how = {"tolerance": CLOSE / CLOSER, "guess": best.lossy, "slope": SCORES}
        farthest(slack, **how, most=LAST, good=good, bad=bad)
        best, good, bad = _smallest([*tried.values(), best], aim) or best, None, None
    return best


def _smallest(drawings: Iterable[Drawn], aim: float) -> Drawn | None:
    """Of those that score so much, the one of the fewest bytes."""
    good = (drawn for drawn in drawings if drawn.score >= aim)
    return min(good, key=lambda drawn: drawn.size, default=None)


def _within(encoder: FilmEncoder, budget: int) -> Drawn:
    """The least loss whose file fits, with the number of colors that then scores most."""
    best = encoder.draw(0.0, scored=True)
    if best.size <= budget:
        return best
    guess = min(max(1 - math.log(best.size / budget) / LOG_BYTES, 0.0), 1 - STEP)
    tried: dict[float, Drawn] = {}

    def slack(kept: float) -> float | None:
        drawn = tried[kept] = encoder.draw(1 - kept, scored=True)
        vain = best.size <= budget < drawn.size and drawn.score <= best.score
        return None if vain else math.log(budget / drawn.size)

    smallest = best.size
    for most in _fewer(encoder):
        tried.clear()
        farthest(slack, tolerance=FULL, guess=guess, slope=LOG_BYTES, most=most)
        smallest = min(smallest, *(drawn.size for drawn in tried.values()))
        fitting = [drawn for drawn in tried.values() if drawn.size <= budget]
        found = max(fitting, key=lambda drawn: drawn.score, default=None)
        if best.size <= budget and (found is None or found.score <= best.score):
            break
        if found is not None:
            best, guess = found, 1 - found.lossy
    if best.size <= budget:
        return best
    raise TargetError(f"{budget} bytes are out of reach: {smallest} are the fewest")


def _fewer(encoder: FilmEncoder) -> Iterator[int]:
    """How many drawings to make with all colors, then with fewer and fewer of them."""
    yield DRAWINGS[0]
    colors = 1 << (len(encoder.palette) - 1).bit_length() - 1
    while colors >= LEAST and _spares(encoder, colors):
        encoder.choose(colors)
        yield DRAWINGS[1]
        colors //= 2


def _some_fewer(encoder: FilmEncoder, colors: int) -> Iterator[int]:
    """So many colors, then some fewer."""
    yield colors
    some = round(BETWEEN * len(encoder.palette))
    if _spares(encoder, some):
        yield some


def _spares(encoder: FilmEncoder, colors: int) -> bool:
    """Whether so many colors leave room beside those that must be there."""
    pinned = encoder.options.pinned
    return colors >= len(pinned.table) + 2 and not pinned.whole
