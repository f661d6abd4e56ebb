"""``tinct compress --cluster``: many pictures, here or behind URLs, on the workers of Dask."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any

import click

from tinct.cli.compress import WORST_FIRST, options_of
from tinct.cli.failures import complain, failure
from tinct.cli.jobs import Job, format_of
from tinct.cli.report import Outcome, as_dict, cells_of, json_line
from tinct.defaults import FAILED, NOT_SMALLER, OK
from tinct.options import Compress
from tinct.scoring import summary

__all__ = ["run"]


def run(asked: Compress) -> int:
    """Do what is still to be done. Returns the worst code."""
    from tinct.batch.cluster import connected
    from tinct.batch.folders import patterns
    from tinct.batch.many import Died, spread
    from tinct.batch.places import pairs

    address, out = _checked(asked)
    how: dict[str, Any] = {"recursive": asked.recursive, "anew": asked.force}
    how |= {"include": patterns(asked.include), "exclude": patterns(asked.exclude)}
    todo, done = pairs(asked.inputs, out, format_of(asked), **how)
    if done and not asked.quiet:
        complain(f"{done} of {done + len(todo)} are there already (--force makes them again)")
    if not todo:
        return OK
    codes = {OK}
    with ExitStack() as entered:
        keep = entered.enter_context(_recorder(asked.report))
        client = entered.enter_context(connected(address))
        if not asked.quiet:
            complain(f"dashboard: {client.dashboard_link}")
        plain = sys.stdout  # which a bar on a terminal puts another in the place of
        advance = entered.enter_context(_bar(len(todo), asked))
        stream = sys.stdout if plain.isatty() else plain
        names = ("max_pixels", "allow_truncated", "keep_profile")
        reading = {name: getattr(asked, name) for name in names}
        work = partial(
            _work, how=options_of(asked, format_of(asked)), reading=reading, force=asked.force
        )
        for (source, target), result in spread(client, work, todo, _deserted):
            outcome = _outcome(Job(source, target, format_of(asked)), result, Died)
            codes.add(outcome.code)
            if outcome.error is not None:
                complain(outcome.error)
            _show(outcome, asked, stream)
            keep(outcome)
            advance()
    return next(code for code in WORST_FIRST if code in codes)


def _checked(asked: Compress) -> tuple[str, str]:
    """The cluster and the folder; a usage error where there is none, or something beside them."""
    if asked.cluster is None:
        raise click.UsageError("a URL needs --cluster, such as --cluster local")
    if asked.out_dir is None:
        raise click.UsageError("--cluster needs --out-dir DIR")
    refused: dict[str, Any] = {
        "-o": asked.output,
        "--compare": asked.compare,
        "--suffix": asked.suffix,
    }
    refused |= {"--in-place": asked.in_place or None, "--fps": asked.fps}
    for name, value in refused.items():
        if value is not None:
            raise click.UsageError(f"{name} and --cluster exclude each other")
    return asked.cluster, asked.out_dir


def _work(
    pair: tuple[str, str], how: dict[str, Any], reading: dict[str, Any], force: bool
) -> tuple[str, Any]:
    """One picture, on a worker: how it ended, and the report."""
    from tinct.batch.places import read_bytes, write_bytes
    from tinct.compress.compress import compress
    from tinct.picture.read import read

    source, target = pair
    small = compress(read(read_bytes(source), name=source, **reading), **how, threads=1)
    if len(small.data) >= (small.original.bytes_in or 0) and not force:
        return "not smaller", small.report
    write_bytes(target, small.data)
    return "written", small.report


def _deserted() -> None:
    complain("the cluster has no workers; waiting (Ctrl-C ends this, the same command goes on)")


def _outcome(job: Job, result: Any, died: type[Exception]) -> Outcome:
    if isinstance(result, died):
        text = f"{job.name}: ends every worker that reads it; left out"
        return Outcome(job, "failed", error=text, code=FAILED)
    if isinstance(result, Exception):
        text, code = failure(result, job.name, job.target)
        return Outcome(job, "failed", error=text, code=code)
    status, report = result
    return Outcome(job, status, report, code=NOT_SMALLER if status == "not smaller" else OK)


def _show(outcome: Outcome, asked: Compress, stream: Any) -> None:
    if asked.as_json:
        print(json_line(outcome), file=stream, flush=True)
    elif not asked.quiet and outcome.report is not None:
        scored = asked.score or asked.quality is not None
        print(summary.line(cells_of(outcome), 0, scored), file=stream, flush=True)


@contextmanager
def _bar(total: int, asked: Compress) -> Iterator[Callable[[], object]]:
    """On a terminal: how many are done, and the time left."""
    if asked.quiet or not sys.stderr.isatty():
        yield lambda: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

    columns = [BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()]
    with Progress(*columns, console=Console(stderr=True), transient=True) as shown:
        task = shown.add_task("", total=total)
        yield lambda: shown.advance(task)


@contextmanager
def _recorder(path: str | None) -> Iterator[Callable[[Outcome], None]]:
    """What takes each outcome, for a file of JSON lines or of Parquet."""
    if path is None:
        yield lambda outcome: None
    elif path.lower().endswith(".parquet"):
        from tinct.batch.rows import read_rows, write_rows

        rows = read_rows(path)
        try:
            yield lambda outcome: rows.append(as_dict(outcome))
        finally:
            write_rows(path, rows)
    else:
        with open(path, "a", encoding="utf-8") as file:
            yield lambda outcome: print(json_line(outcome), file=file, flush=True)
