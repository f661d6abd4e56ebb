"""What is said of each picture: lines, a table on a terminal, or JSON."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from tinct.cli.jobs import Job
from tinct.defaults import OK
from tinct.options import Compress
from tinct.scoring import summary

if TYPE_CHECKING:  # what is refused must not pay for NumPy
    from tinct.scoring.report import Report

__all__ = ["Outcome", "reporter"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a job."""

    job: Job
    status: Literal["written", "not smaller", "failed"]
    report: Report | None = None
    error: str | None = None
    code: int = OK


Reporter = Callable[[Outcome | None], None]  # takes each outcome, and None at the end


def reporter(jobs: Sequence[Job], asked: Compress) -> Reporter:
    """How to tell of the outcomes: on stdout, or on stderr where stdout is the picture."""
    stream = sys.stderr if jobs[0].target == "-" else sys.stdout
    if asked.as_json:
        return lambda outcome: (
            print(_as_json(outcome), file=stream, flush=True) if outcome else None
        )
    if asked.quiet:
        return lambda outcome: None
    scored = asked.score or asked.quality is not None
    if stream.isatty():
        return _table_reporter(stream, scored)
    width = max(len(job.name) for job in jobs)
    return lambda outcome: (
        print(summary.line(_cells(outcome), width, scored), file=stream, flush=True)
        if outcome and outcome.report
        else None
    )


def _as_json(outcome: Outcome) -> str:
    import json

    report = outcome.report.to_dict() if outcome.report else {"name": outcome.job.name}
    output = outcome.job.target if outcome.status == "written" else None
    told = {"status": outcome.status, **report, "output": output, "error": outcome.error}
    return json.dumps({**told, "name": outcome.job.name})


def _cells(outcome: Outcome) -> tuple[str, ...]:
    report = outcome.report
    assert report is not None
    return summary.cells(
        outcome.job.name,
        report.bytes_in,
        report.bytes_out,
        report.colors,
        report.psnr,
        report.ssimulacra2,
        sum(report.seconds.values()),
        outcome.job.target if outcome.status == "written" else None,
        report.ground,
        report.bands,
        report.frames,
    )


def _table_reporter(stream: Any, scored: bool) -> Reporter:
    """Gather the rows, draw the table at the end."""
    from tinct.cli import table

    rows: list[tuple[str, ...]] = []

    def show(outcome: Outcome | None) -> None:
        if outcome is not None and outcome.report is not None:
            rows.append(_cells(outcome))
        elif outcome is None and rows:
            text = table.plain(rows, scored, stream)
            if text is None:
                _print_by_rich(table.columns(rows, scored), stream)
            else:
                print(text, file=stream, flush=True)

    return show


def _print_by_rich(columns: list[tuple[str, ...]], stream: Any) -> None:
    """The same by rich, which knows every terminal and folds what is too wide."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from tinct.cli.table import TO_THE_LEFT

    table = Table(box=None, pad_edge=False, header_style="dim")
    titles, *rows = zip(*columns, strict=True)
    for title in titles:
        if title in TO_THE_LEFT:
            table.add_column(title, overflow="fold", min_width=8)
        else:
            table.add_column(title, justify="right", no_wrap=True)
    for row in rows:
        table.add_row(*map(Text, row))
    Console(file=stream).print(table)
