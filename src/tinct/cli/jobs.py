"""What goes where: the jobs of a command, and all that can be refused before any work."""

from __future__ import annotations

import errno
import os
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import click

from tinct.batch.folders import Found, Walk, patterns
from tinct.batch.in_place import clear, is_marked, was_kept
from tinct.cli.failures import escaped
from tinct.codecs.registry import FORMATS
from tinct.defaults import SUFFIX, beside, extension
from tinct.options import Compress, declared

__all__ = ["Job", "check_target", "format_of", "known", "plan", "settings"]

# A file named so must hold what its name says, and we can't write that.
FOREIGN = ("jpg", "jpeg", "jxl", "avif", "heic", "bmp", "tif", "tiff", "jp2", "ico", "svg", "pdf")


@dataclass(frozen=True, slots=True)
class Job:
    """One picture: where from, where to, and as what. ``-`` is stdin or stdout."""

    source: str
    target: str
    format: str
    size: int = 0

    @property
    def name(self) -> str:
        """What messages call it."""
        return "stdin" if self.source == "-" else escaped(self.source)


def plan(asked: Compress) -> tuple[list[Job], list[OSError]]:
    """Every job, and folders that can't be entered.

    A usage error says all that can be refused before any work.
    """
    _check(asked)
    walk = Walk(
        asked.inputs,
        recursive=asked.recursive,
        include=patterns(asked.include),
        exclude=patterns(asked.exclude),
        ours=asked.in_place or asked.out_dir is not None,
    )
    of_folders = asked.recursive or asked.include or asked.exclude
    if of_folders and not walk.folders and all(map(os.path.exists, asked.inputs)):
        raise click.UsageError("--recursive, --include and --exclude are for folders")
    if not walk.files and not walk.errors:
        raise click.UsageError(f"no pictures in {asked.inputs[0]}")
    if asked.fps is not None:  # the pictures of a folder too are frames
        asked.inputs = tuple(found.path for found in walk.files)
        del walk.files[1:]
    elif len(walk.files) > 1 or walk.folders:
        for name, value in (("-o", asked.output), ("--compare", asked.compare)):
            if value is not None:
                raise click.UsageError(f"{name} takes one picture, not {len(walk.files)}")
    if asked.in_place:
        clear(walk.leftovers)
    jobs = [_job(found, asked) for found in walk.files]
    often = Counter(job.target for job in jobs)
    for number, found in enumerate(walk.files):
        if often[jobs[number].target] > 1 and found.inside is not None:  # a.png beside a.jpg
            jobs[number] = _job(found, asked, whole=True)
    if asked.in_place:  # a file that is given twice has one turn
        jobs = list({_same(job.source): job for job in reversed(jobs)}.values())[::-1]
    else:
        _refuse_collisions(jobs, asked.compare)
    if jobs and jobs[0].target == "-" and sys.stdout.isatty():
        raise click.UsageError("the picture would go to the terminal: give -o FILE or a pipe")
    return jobs, walk.errors


def _check(asked: Compress) -> None:
    if asked.fps is not None and asked.output is None:
        raise click.UsageError("--fps needs -o")
    ways = {"-o": asked.output, "--out-dir": asked.out_dir, "--suffix": asked.suffix}
    _exclude({**ways, "--in-place": asked.in_place or None})
    _exclude({"--keep-metadata": asked.keep_metadata or None, "--strip": asked.strip or None})
    _exclude({"--format": asked.format, "--in-place": asked.in_place or None})
    if asked.preserve and not asked.in_place:
        raise click.UsageError("--preserve goes with --in-place")
    if "-" in asked.inputs and (len(asked.inputs) > 1 or asked.in_place):
        raise click.UsageError("stdin (-) must be the only picture, and can't be replaced")
    aims = {"--quality": asked.quality, "--max-bytes": asked.max_bytes}
    _exclude({"--lossy": None if asked.lossy in (0, "auto") else asked.lossy, **aims})
    _exclude({"--palette": asked.palette, "--reserve": asked.reserve})
    _exclude({"--palette": asked.palette, "-k": asked.colors})
    if asked.keep_order and asked.palette is None:
        raise click.UsageError("--keep-order needs a --palette")
    if asked.suffix is not None and os.path.basename(asked.suffix) != asked.suffix:
        raise click.UsageError(f"suffix must be a part of a file name, not {asked.suffix}")
    if asked.compare == "-":
        raise click.UsageError("--compare takes a file, not stdout")
    _check_extension(asked)


def _job(found: Found, asked: Compress, whole: bool = False) -> Job:
    """What is to become of a file; `whole`: named after all of its name."""
    try:
        size = 0 if found.path == "-" else os.stat(found.path).st_size
    except (OSError, ValueError):
        size = 0  # reading it will say why
    if asked.in_place:
        return Job(found.path, found.path, extension(found.path), size)
    return Job(found.path, _target(found, asked, "." * whole), format_of(asked), size)


def known(job: Job, asked: Compress) -> str | None:
    """Why a picture need not be replaced, as far as a look at its file tells; else None."""
    try:
        kind, marked = is_marked(job.source)
        names = os.stat(job.source).st_nlink
    except (OSError, ValueError):
        return None
    if kind is None:
        return "not a PNG, GIF or WebP"
    if marked and not asked.force:
        return "made by tinct before"
    if names > 1:
        return "has several names (hard links)"
    if not os.access(job.source, os.W_OK):
        return "is read-only"
    return "gains nothing" if not asked.force and was_kept(job.source, settings(asked)) else None


# What changes nothing about what comes of a picture
MANNERS = (
    *("inputs", "jobs", "threads", "timeout", "as_json", "quiet", "force", "preserve"),
    *("recursive", "include", "exclude", "in_place", "score", "max_pixels"),
)


def settings(asked: Compress) -> str:
    """The options that say what comes of a picture, for telling them from others."""
    names = [one.attribute for one in declared(Compress) if one.attribute not in MANNERS]
    told = {name: getattr(asked, name) for name in names}
    if asked.palette is not None:  # read by now; NumPy would print but a part of it
        told["palette"] = getattr(asked.palette, "hex", asked.palette)
    return repr(told)


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


def _target(found: Found, asked: Compress, ending: str) -> str:
    if asked.output is not None:
        return asked.output
    named = "stdin" if found.path == "-" else found.path
    if asked.out_dir is not None:
        place = os.path.basename(named) if found.inside is None else found.inside
        return beside(os.path.join(asked.out_dir, place) + ending, "", format_of(asked))
    if found.path == "-":
        return "-"
    suffix = SUFFIX if asked.suffix is None else asked.suffix
    return beside(found.path + ending, suffix, format_of(asked))


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
    if path.endswith(os.sep):  # of an animation's frames
        return
    if os.path.isdir(path):
        raise IsADirectoryError(errno.EISDIR, "Is a directory", path)
    if os.path.isfile(path) and not force:
        raise FileExistsError(errno.EEXIST, "File exists", path)
    if not os.path.isdir(os.path.dirname(path) or "."):
        raise FileNotFoundError(errno.ENOENT, "No such folder", path)
