"""``tinct compress``: every picture in its turn, whatever becomes of the others."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from tinct.cli.failures import complain, failure, reason
from tinct.cli.jobs import Job, check_target, format_of, known, plan, settings
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

__all__ = ["WORST_FIRST", "options_of", "run"]

WORST_FIRST = (INTERNAL, FAILED, OUT_OF_REACH, NOT_SMALLER, OK)

# Bytes. Below FEW in all, one process is done before another has begun; a LARGE file is worked on
# by all cores alone: two at once would need twice the memory.
FEW, LARGE = 200_000, 8_000_000


def run(asked: Compress) -> int:
    """Do every job, whatever becomes of the others. Returns the worst code."""
    if asked.palette or asked.reserve:
        _check_colors(asked)
    if asked.cluster is not None or any("://" in path for path in asked.inputs):
        from tinct.cli import compress_many

        return compress_many.run(asked)
    jobs, errors = plan(asked)
    codes = {OK}
    for error in errors:
        complain(f"{error.filename}: {reason(error)}")
        codes.add(FAILED)
    if asked.out_dir is not None:
        try:
            os.makedirs(asked.out_dir, exist_ok=True)
        except OSError as error:
            complain(f"{asked.out_dir}: {reason(error)}")
            return FAILED
    show = reporter(jobs, asked)
    with bar(jobs, asked) as meter:
        for outcome in _outcomes(jobs, asked, meter):
            codes.add(outcome.code)
            for note in outcome.notes:
                if outcome.error is not None or not asked.quiet:
                    complain(note)
            if outcome.error is not None:
                complain(outcome.error)
            show(outcome)
            meter.end(outcome.job)
    show(None)
    return next(code for code in WORST_FIRST if code in codes)


def _outcomes(jobs: Sequence[Job], asked: Compress, meter: Meter) -> Iterator[Outcome]:
    """What becomes of each, in their order: in this process, or in several."""
    told = {job: why for job in jobs if asked.in_place and (why := known(job, asked))}
    todo = [job for job in jobs if job not in told]
    crew = _crew(asked, todo)
    done = (
        (_guarded(job, asked, meter) for job in todo)
        if crew is None
        else _side_by_side(todo, asked, meter, *crew)
    )
    for job in jobs:
        if job in told:
            code = NOT_SMALLER if told[job] == "gains nothing" else OK
            yield Outcome(job, "left alone", why=told[job], code=code)
        else:
            yield next(done)


def _crew(asked: Compress, todo: Sequence[Job]) -> tuple[int, int] | None:
    """How many processes, and cores; None if this one does it sooner."""
    from tinct import _kernels

    cores = _kernels.processors()
    cores = min(cores, asked.threads or cores)
    many = len(todo) > 1 and sum(job.size for job in todo) > FEW
    processes = asked.jobs or (cores if many else 1)
    if asked.timeout is None and (processes == 1 or len(todo) < 2):
        return None
    return (processes, cores) if todo and todo[0].source != "-" else None


def _side_by_side(
    todo: Sequence[Job], asked: Compress, meter: Meter, processes: int, cores: int
) -> Iterator[Outcome]:
    from tinct.batch.side_by_side import side_by_side

    tasks = [(job, asked) for job in todo]
    large = [job.size >= LARGE for job in todo]
    found: dict[int, Outcome] = {}
    told = 0
    for number, answer in side_by_side(
        _alone, tasks, processes=processes, cores=cores, large=large, timeout=asked.timeout
    ):
        job = todo[number]
        if isinstance(answer, str):
            answer = Outcome(job, "failed", error=f"{job.name}: {answer}", code=FAILED)
        found[number] = answer
        meter.begin(job.name)
        while told in found:
            yield found.pop(told)
            told += 1


def _alone(job: Job, asked: Compress, threads: int) -> Outcome:
    """One job in a process of its own."""
    asked.threads = threads
    return _guarded(job, asked, Meter())


def _check_colors(asked: Compress) -> None:
    """Read the palette, once for all pictures; refuse what none of them could be drawn with."""
    from tinct.compress.pinned import pinned
    from tinct.palette.given import given_palette

    if asked.palette is not None:
        asked.palette = given_palette("palette", asked.palette)  # type: ignore[assignment]
    try:
        pinned(asked.palette, asked.reserve, asked.keep_order, asked.colors, format_of(asked))
    except ValueError as error:
        raise click.UsageError(str(error)) from None


def _guarded(job: Job, asked: Compress, meter: Meter) -> Outcome:
    """One job. What goes wrong becomes one line and a code, and the next picture has its turn."""
    notes: list[str] = []
    meter.begin(job.name)
    try:
        if asked.out_dir is not None:
            os.makedirs(os.path.dirname(job.target) or ".", exist_ok=True)
        for path in (job.target, asked.compare):
            if path not in (None, "-"):
                check_target(path, asked.force or asked.in_place)
        return _compress(job, asked, meter, notes)
    except Exception as error:
        text, code = failure(error, job.name, job.target)
        return Outcome(job, "failed", error=text, code=code, notes=tuple(notes))


def _compress(job: Job, asked: Compress, meter: Meter, notes: list[str]) -> Outcome:
    from tinct.compress.compress import compress
    from tinct.picture import read as files
    from tinct.picture.film import Slides

    data = sys.stdin.buffer.read() if job.source == "-" else b""
    before = os.stat(job.source) if asked.in_place else None
    start = time.perf_counter()
    picture: Any = files.read(
        data if job.source == "-" else job.source,
        name=job.name,
        max_pixels=asked.max_pixels,
        allow_truncated=asked.allow_truncated,
        keep_profile=asked.keep_profile,
    )
    reading = time.perf_counter() - start
    if picture.flaw is not None:
        notes.append(f"{job.name}: {picture.flaw}; what is there was kept")
    if before is not None and picture.flaw is not None:
        return Outcome(job, "left alone", why="is broken", notes=tuple(notes))
    job = _as_moving(job, asked, picture)
    small = compress(
        picture if asked.fps is None else Slides(asked.inputs, 1 / asked.fps, name=job.name),
        **options_of(asked, job.format),
        threads=asked.threads,
        watch=meter.drawn,
    )
    small.report.seconds["read"] = small.report.seconds.get("read", 0.0) + reading
    if picture.animated and picture.data is None:
        notes.append(f"{job.name}: has several frames; only the first is kept")
    if small.cut:
        notes.append(f"{job.name}: gif has no partial transparency; pixels are opaque from half on")
    if before is None:
        return _written(small, data, job, asked, notes)
    return _replaced(small, before, job, asked, notes)


def options_of(asked: Compress, format: str) -> dict[str, Any]:
    """What `tinct.compress` is asked for, whoever calls it."""
    names = "colors dither lossy quality max_bytes space effort seed palette reserve keep_order"
    given = {name: getattr(asked, name) for name in names.split()}
    metadata = "all" if asked.keep_metadata else "none" if asked.strip else "density"
    return {**given, "format": format, "metadata": metadata, "ssimulacra2": asked.score}


def _as_moving(job: Job, asked: Compress, picture: Picture) -> Job:
    """Where an animation goes, and as what: its own kind, unless another was asked for."""
    if picture.data is None:
        return job
    if asked.compare is not None:
        raise PictureError(f"{job.name}: --compare draws pictures, and this is an animation")
    if extension(asked.output or "") in FORMATS or asked.format is not None or asked.in_place:
        return job
    from tinct.picture.film import kind_of

    job = replace(job, format=kind_of(picture.format))
    if asked.output is None and job.target != "-":
        job = replace(job, target=os.path.splitext(job.target)[0] + "." + job.format)
        check_target(job.target, asked.force)
    return job


def _replaced(
    small: Compressed | CompressedFilm,
    before: os.stat_result,
    job: Job,
    asked: Compress,
    notes: list[str],
) -> Outcome:
    from tinct.batch import in_place

    data = in_place.mark(small.data)
    report = replace(small.report, bytes_out=len(data))
    if len(data) >= before.st_size:
        in_place.keep(job.source, settings(asked))
        return Outcome(job, "not smaller", report, code=NOT_SMALLER, notes=tuple(notes))
    in_place.replace(job.source, data, before, preserve=asked.preserve)
    return Outcome(job, "written", report, notes=tuple(notes))


def _written(
    small: Compressed | CompressedFilm, data: bytes, job: Job, asked: Compress, notes: list[str]
) -> Outcome:
    from tinct.compress.compress import Compressed

    picture = small.original
    if asked.compare is not None and isinstance(small, Compressed):
        _draw(small, asked.compare, asked.force)
    if picture.bytes_in is not None and len(small.data) >= picture.bytes_in and not asked.force:
        if job.target == "-":  # a pipe never ends empty, nor in a format not asked for
            same = asked.format in (None, str(picture.format).lower())
            _to_stdout(data or _read_again(job.source) if same else small.data)
            if not same:
                notes.append(f"{job.name}: no smaller as {asked.format}; written all the same")
        return Outcome(job, "not smaller", small.report, code=NOT_SMALLER, notes=tuple(notes))
    if job.target == "-":
        _to_stdout(small.data)
    else:
        small.save(job.target, overwrite=asked.force)
    return Outcome(job, "written", small.report, notes=tuple(notes))


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
