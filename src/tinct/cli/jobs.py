"""What goes where: the jobs of a command, and all that can be refused before any work."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass

import click

from tinct.codecs.registry import FORMATS
from tinct.defaults import SUFFIX, beside, extension
from tinct.options import Compress

__all__ = ["Job", "check_target", "format_of", "plan"]

# A file named so must hold what its name says, and we can't write that.
FOREIGN = ("jpg", "jpeg", "jxl", "avif", "heic", "bmp", "tif", "tiff", "jp2", "ico", "svg", "pdf")


@dataclass(frozen=True, slots=True)
class Job:
    """One picture: where from, where to. ``-`` is stdin or stdout."""

    source: str
    target: str

    @property
    def name(self) -> str:
        """What messages call it."""
        return "stdin" if self.source == "-" else self.source


def plan(asked: Compress) -> list[Job]:
    """Every job, or a usage error: all that can be refused before any work is refused here."""
    _exclude({"-o": asked.output, "--out-dir": asked.out_dir, "--suffix": asked.suffix})
    if asked.fps is not None and (asked.output is None or "-" in asked.inputs):
        raise click.UsageError("--fps takes pictures by name and needs -o")
    if len(asked.inputs) > 1 and asked.fps is None:
        for name, value in (("-o", asked.output), ("--compare", asked.compare)):
            if value is not None:
                raise click.UsageError(f"{name} takes one picture, not {len(asked.inputs)}")
        if "-" in asked.inputs:
            raise click.UsageError("stdin (-) must be the only picture")
    aims = {"--quality": asked.quality, "--max-bytes": asked.max_bytes}
    _exclude({"--lossy": asked.lossy or None, **aims})
    if asked.suffix is not None and os.path.basename(asked.suffix) != asked.suffix:
        raise click.UsageError(f"suffix must be a part of a file name, not {asked.suffix}")
    if asked.compare == "-":
        raise click.UsageError("--compare takes a file, not stdout")
    _check_extension(asked)
    inputs = asked.inputs if asked.fps is None else asked.inputs[:1]
    jobs = [Job(source, _target(source, asked)) for source in inputs]
    _refuse_collisions(jobs, asked.compare)
    if jobs[0].target == "-" and sys.stdout.isatty():
        raise click.UsageError("the picture would go to the terminal: give -o FILE or a pipe")
    return jobs


def _exclude(ways: dict[str, object]) -> None:
    given = [name for name, value in ways.items() if value is not None]
    if len(given) > 1:
        raise click.UsageError(f"{' and '.join(given)} exclude each other")


def _check_extension(asked: Compress) -> None:
    named = extension(asked.output or "")
    if asked.format is None and named in FOREIGN:
        written = " and ".join([", ".join(FORMATS[:-1]), FORMATS[-1]])
        raise click.UsageError(f"{asked.output}: tinct writes {written}")
    if asked.format is not None and named in FORMATS and named != asked.format:
        raise click.UsageError(f"--format {asked.format} and -o {asked.output} disagree")


def format_of(asked: Compress) -> str:
    """Which was asked for, else what the output's name says, else PNG."""
    named = extension(asked.output or "")
    usual = "png" if asked.fps is None else "gif"
    return asked.format or (named if named in FORMATS else usual)


def _target(source: str, asked: Compress) -> str:
    if asked.output is not None:
        return asked.output
    named = "stdin" if source == "-" else source
    if asked.out_dir is not None:
        return beside(os.path.join(asked.out_dir, os.path.basename(named)), "", format_of(asked))
    if source == "-":
        return "-"
    return beside(source, SUFFIX if asked.suffix is None else asked.suffix, format_of(asked))


def _refuse_collisions(jobs: Sequence[Job], compare: str | None) -> None:
    """Two pictures must not become one file, nor one replace another that is still to be read."""
    sources = {_same(job.source): job.source for job in jobs if job.source != "-"}
    taken: dict[str, str] = {}
    for job in jobs:
        if job.target == "-":
            continue
        key = _same(job.target)
        if key in taken:
            raise click.UsageError(f"{taken[key]} and {job.source} would both become {job.target}")
        if key in sources and key != _same(job.source):
            raise click.UsageError(
                f"{job.source} would replace {sources[key]}, which is an input too"
            )
        taken[key] = job.source
    if compare is not None and _same(compare) in (*taken, *sources):
        raise click.UsageError(f"--compare would replace {compare}, an input or output")


def _same(path: str) -> str:
    return os.path.normcase(os.path.realpath(path))


def check_target(path: str, force: bool) -> None:
    """Refuse a file that can't be written, as far as that can be known before the work is done."""
    if os.path.isdir(path):
        raise IsADirectoryError(errno.EISDIR, "Is a directory", path)
    if os.path.isfile(path) and not force:
        raise FileExistsError(errno.EEXIST, "File exists", path)
    if not os.path.isdir(os.path.dirname(path) or "."):
        raise FileNotFoundError(errno.ENOENT, "No such folder", path)
