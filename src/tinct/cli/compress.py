"""``tinct compress``: every picture in its turn, whatever becomes of the others."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

from tinct.cli.failures import complain, failure, reason
from tinct.cli.jobs import Job, check_target, format_of, plan
from tinct.cli.progress import Meter, bar
from tinct.cli.report import Outcome, reporter
from tinct.defaults import FAILED, INTERNAL, NOT_SMALLER, OK, OUT_OF_REACH
from tinct.options import Compress

if TYPE_CHECKING:  # what is refused must not pay for NumPy and Pillow
    from tinct.compress.compress import Compressed

__all__ = ["WORST_FIRST", "options_of", "run"]

WORST_FIRST = (INTERNAL, FAILED, OUT_OF_REACH, NOT_SMALLER, OK)


def run(asked: Compress) -> int:
    """Do every job, whatever becomes of the others. Returns the worst code."""
    if asked.cluster is not None or any("://" in path for path in asked.inputs):
        from tinct.cli import compress_many

        return compress_many.run(asked)
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

    data = sys.stdin.buffer.read() if job.source == "-" else b""
    small = compress(
        files.read(data, name=job.name) if job.source == "-" else job.source,
        **options_of(asked),
        threads=asked.threads,
        watch=meter.drawn,
    )
    return _written(small, data, job, asked)


def options_of(asked: Compress) -> dict[str, Any]:
    """What `tinct.compress` is asked for, whoever calls it."""
    names = "colors dither lossy quality max_bytes space effort seed"
    given = {name: getattr(asked, name) for name in names.split()}
    return {**given, "format": format_of(asked), "ssimulacra2": asked.score}


def _written(small: Compressed, data: bytes, job: Job, asked: Compress) -> Outcome:
    picture = small.original
    if picture.animated and not asked.quiet:
        complain(f"{job.name}: has several frames; only the first is kept")
    if small.cut and not asked.quiet:
        complain(f"{job.name}: gif has no partial transparency; pixels are opaque from half on")
    if asked.compare is not None:
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
