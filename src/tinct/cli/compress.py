"""``tinct compress``: every picture in its turn, whatever becomes of the others."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

from tinct.cli.failures import complain, failure, reason
from tinct.cli.jobs import Job, check_target, format_of, plan
from tinct.cli.progress import Meter, bar
from tinct.cli.report import Outcome, reporter
from tinct.codecs.registry import FORMATS
from tinct.defaults import FAILED, INTERNAL, NOT_SMALLER, OK, OUT_OF_REACH, extension
from tinct.errors import PictureError
from tinct.options import Compress

if TYPE_CHECKING:  # what is refused must not pay for NumPy and Pillow
    from tinct.compress.animation import CompressedFilm
    from tinct.compress.compress import Compressed
    from tinct.picture.read import Picture

__all__ = ["run"]

WORST_FIRST = (INTERNAL, FAILED, OUT_OF_REACH, NOT_SMALLER, OK)


def run(asked: Compress) -> int:
    """Do every job, whatever becomes of the others. Returns the worst code."""
    jobs = plan(asked)
    if asked.out_dir is not None:
        try:
            os.makedirs(asked.out_dir, exist_ok=True)
        except OSError as error:
            complain(f"{asked.out_dir}: {reason(error)}")
            return FAILED
    show = reporter(jobs, asked)
    codes = {OK}
    with bar(jobs, asked) as meter:
        for job in jobs:
            meter.begin(job.name)
            outcome = _guarded(job, asked, meter)
            codes.add(outcome.code)
            if outcome.error is not None:
                complain(outcome.error)
            show(outcome)
            meter.end()
    show(None)
    return next(code for code in WORST_FIRST if code in codes)


def _guarded(job: Job, asked: Compress, meter: Meter) -> Outcome:
    """One job. What goes wrong becomes one line and a code, and the next picture has its turn."""
    try:
        for path in (job.target, asked.compare):
            if path not in (None, "-"):
                check_target(path, asked.force)
        return _compress(job, asked, meter)
    except Exception as error:
        text, code = failure(error, job.name, job.target)
        return Outcome(job, "failed", error=text, code=code)


def _compress(job: Job, asked: Compress, meter: Meter) -> Outcome:
    from tinct.compress.compress import compress
    from tinct.picture import read as files
    from tinct.picture.film import Slides

    data = sys.stdin.buffer.read() if job.source == "-" else b""
    picture = files.read(data, name=job.name) if job.source == "-" else files.read(job.source)
    job, format = _as_moving(job, asked, picture)
    small = compress(
        picture if asked.fps is None else Slides(asked.inputs, 1 / asked.fps, name=job.name),
        asked.colors,
        dither=asked.dither,
        lossy=asked.lossy,
        quality=asked.quality,
        max_bytes=asked.max_bytes,
        space=asked.space,
        effort=asked.effort,
        format=format,
        seed=asked.seed,
        threads=asked.threads,
        ssimulacra2=asked.score,
        watch=meter.drawn,
    )
    return _written(small, data, job, asked)


def _as_moving(job: Job, asked: Compress, picture: Picture) -> tuple[Job, str | None]:
    """Where an animation goes, and as what: its own kind, unless another was asked for."""
    named = extension(asked.output or "") in FORMATS or asked.format is not None
    if picture.data is None or named:
        return job, format_of(asked)
    if asked.compare is not None:
        raise PictureError(f"{job.name}: --compare draws pictures, and this is an animation")
    from tinct.picture.film import Film

    kind = Film(picture.data, job.name).kind
    if asked.output is None and job.target != "-":
        job = replace(job, target=os.path.splitext(job.target)[0] + "." + kind)
        check_target(job.target, asked.force)
    return job, kind


def _written(small: Compressed | CompressedFilm, data: bytes, job: Job, asked: Compress) -> Outcome:
    from tinct.compress.compress import Compressed

    picture = small.original
    if picture.animated and isinstance(small, Compressed) and not asked.quiet:
        complain(f"{job.name}: has several frames; only the first is kept")
    if small.cut and not asked.quiet:
        complain(f"{job.name}: gif has no partial transparency; pixels are opaque from half on")
    if asked.compare is not None and isinstance(small, Compressed):
        _draw(small, asked.compare, asked.force)
    if picture.bytes_in is not None and len(small.data) >= picture.bytes_in and not asked.force:
        if job.target == "-":  # a pipe never ends empty, nor in a format not asked for
            same = asked.format in (None, str(picture.format).lower())
            _to_stdout(data or _read_again(job.source) if same else small.data)
            if not same and not asked.quiet:
                complain(f"{job.name}: no smaller as {asked.format}; written all the same")
        return Outcome(job, "not smaller", small.report, code=NOT_SMALLER)
    if job.target == "-":
        _to_stdout(small.data)
    else:
        small.save(job.target, overwrite=asked.force)
    return Outcome(job, "written", small.report)


def _read_again(path: str) -> bytes:
    with open(path, "rb") as file:
        return file.read()


def _draw(small: Compressed, path: str, force: bool) -> None:
    from tinct.atomic_write import write
    from tinct.codecs.arrays import encode_truecolor
    from tinct.plots import compare

    figure = compare.side_by_side(
        small.original.pixels, small.image, small.palette, small.shares, small.report
    )
    write(path, encode_truecolor(figure, level=0), overwrite=force)


def _to_stdout(data: bytes) -> None:
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()
