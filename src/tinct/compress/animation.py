"""Animations compressed: the searches for quality and size around `FilmEncoder`."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from os import PathLike
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tinct.atomic_write import write
from tinct.checks import flag
from tinct.compress.encoder import Clock, Options
from tinct.compress.film import Drawn, FilmEncoder
from tinct.compress.regula_falsi import LOG_BYTES, STEP, farthest
from tinct.errors import TargetError
from tinct.picture.film import Film, Frame
from tinct.scoring.report import Report

if TYPE_CHECKING:
    from tinct.mapping.lossy import Loss

__all__ = ["CompressedFilm", "compress_film"]

SCORES = 60.0  # by how much SSIMULACRA2 falls from no loss to the most
CLOSE, FULL = 0.5, math.log(1 / 0.975)  # points above a goal, and of a budget, that are good enough
DRAWINGS = 7  # that a search makes at most
UNSEEN = 0.1  # the loss where none is named: each frame is seen for a moment


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
        drawn = _within(encoder, budget, scored)
    else:
        drawn = encoder.draw(UNSEEN if lossy == "auto" else lossy, scored=scored)
    report = Report(
        name=film.name,
        width=film.width,
        height=film.height,
        bytes_in=film.bytes_in,
        bytes_out=drawn.size,
        colors=len(encoder.palette) - (not encoder.clear),
        frames=drawn.frames,
        psnr=drawn.psnr,
        ssimulacra2=drawn.score if scored else None,
        ssimulacra2_least=drawn.least if scored else None,
        seconds=clock.seconds,
    )
    palette, shares = encoder.palette, encoder.shares
    return CompressedFilm(film, palette, shares, drawn.data, report, options.format, encoder.cut)


def _least_bytes(encoder: FilmEncoder, aim: float, least: float | None = None) -> Drawn:
    """The most loss that scores so much; of none, what scores the least that will do."""
    tried: dict[float, Drawn] = {}

    def slack(lossy: float) -> float:
        tried[lossy] = encoder.draw(lossy, scored=True)
        return tried[lossy].score - aim

    guess = min(max((92 - aim) / SCORES, STEP), 1.0)
    found = farthest(slack, tolerance=CLOSE, guess=guess, slope=SCORES, most=DRAWINGS)
    if found is not None:
        return tried[found]
    best = max(tried.values(), key=lambda drawn: drawn.score)
    if best.score >= (aim if least is None else least):
        return best
    raise TargetError(f"quality {aim:g} is out of reach: {best.score:.1f} is the best")


def _within(encoder: FilmEncoder, budget: int, scored: bool) -> Drawn:
    """The least loss whose file fits."""
    plain = encoder.draw(0.0, scored=scored)
    if plain.size <= budget:
        return plain
    tried: dict[float, Drawn] = {}

    def slack(kept: float) -> float:
        drawn = tried[kept] = encoder.draw(1 - kept, scored=scored)
        return math.log(budget / drawn.size)

    guess = min(max(1 - math.log(plain.size / budget) / LOG_BYTES, 0.0), 1 - STEP)
    found = farthest(slack, tolerance=FULL, guess=guess, slope=LOG_BYTES, most=DRAWINGS)
    if found is not None:
        return tried[found]
    smallest = min(drawn.size for drawn in tried.values())
    raise TargetError(f"{budget} bytes are out of reach: {smallest} are the fewest")
