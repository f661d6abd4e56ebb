"""What is said of each picture: lines, a table on a terminal, or JSON."""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from tinct.cli.failures import escaped
from tinct.cli.jobs import Job
from tinct.defaults import OK
from tinct.options import Compress
from tinct.scoring import summary

if TYPE_CHECKING:  # what is refused must not pay for NumPy
    from tinct.scoring.report import Report

__all__ = ["Outcome", "as_dict", "cells_of", "json_line", "reporter"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a job."""

    job: Job
    status: Literal["written", "not smaller", "left alone", "failed"]
    report: Report | None = None
    error: str | None = None
    code: int = OK
    why: str | None = None  # it was left alone
    notes: tuple[str, ...] = ()


Reporter = Callable[[Outcome | None], None]  # takes each outcome, and None at the end


def reporter(jobs: Sequence[Job], asked: Compress) -> Reporter:
    """How to tell of the outcomes: on stdout, or on stderr where stdout is the picture."""
    stream = sys.stderr if jobs and jobs[0].target == "-" else sys.stdout
    if asked.as_json:
        return lambda outcome: (
            print(json_line(outcome), file=stream, flush=True) if outcome else None
        )
    if asked.quiet:
        return lambda outcome: None
    scored = asked.score or asked.quality is not None
    if stream.isatty():
        show = _table_reporter(stream, scored)
    else:
        width = max((len(job.name) for job in jobs), default=0)
        show = _line_reporter(stream, width, scored)
    total = Total()

    def both(outcome: Outcome | None) -> None:
        show(outcome)
        if outcome is not None:
            total.add(outcome)
        elif any(map(os.path.isdir, asked.inputs)) or asked.in_place:
            print(total.told(), file=stream, flush=True)

    return both


def _line_reporter(stream: Any, width: int, scored: bool) -> Reporter:
    def show(outcome: Outcome | None) -> None:
        if outcome is not None and outcome.report is not None:
            print(summary.line(cells_of(outcome), width, scored), file=stream, flush=True)

    return show


class Total:
    """Files and bytes, and why some were left alone."""

    def __init__(self) -> None:
        self.count, self.before, self.after = Counter[str](), 0, 0
        self.alone = Counter[str]()

    def add(self, outcome: Outcome) -> None:
        """Count one more."""
        size = outcome.job.size
        written = outcome.status == "written" and outcome.report is not None
        self.count[outcome.status] += 1
        self.before += size
        self.after += outcome.report.bytes_out if written and outcome.report else size
        if outcome.status in ("left alone", "not smaller"):
            self.alone[outcome.why or "would not become smaller"] += 1

    def told(self) -> str:
        """All of it on one line.

        >>> Total().told()
        '0 files, 0 B -> 0 B: 0 written'
        """
        part = summary.saved(self.before, self.after)
        saved = f" ({-part:+.1%})" if part else ""
        words = [f"{self.count['written']:,} written"]
        if self.alone:
            reasons = ", ".join(f"{why}: {n:,}" for why, n in self.alone.most_common())
            words.append(f"{self.alone.total():,} left alone ({reasons})")
        if self.count["failed"]:
            words.append(f"{self.count['failed']:,} failed")
        sizes = f"{summary.size_text(self.before)} -> {summary.size_text(self.after)}{saved}"
        files = self.count.total()
        return f"{files:,} file{'s' * (files != 1)}, {sizes}: {', '.join(words)}"


def as_dict(outcome: Outcome) -> dict[str, Any]:
    """What became of a job, under the names that `--json` gives."""
    report = outcome.report.to_dict() if outcome.report else {}
    output = outcome.job.target if outcome.status == "written" else None
    told = {"status": outcome.status, "name": None, **report, "output": output}
    why = {} if outcome.why is None else {"why": outcome.why}
    return {**told, "error": outcome.error, **why, "name": outcome.job.name}


def json_line(outcome: Outcome) -> str:
    """The same as one line."""
    import json

    return json.dumps(as_dict(outcome))


def cells_of(outcome: Outcome) -> tuple[str, ...]:
    """What `summary.cells` says of it."""
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
        escaped(outcome.job.target) if outcome.status == "written" else None,
        report.ground,
        report.bands,
        report.frames,
        report.ssimulacra2_least,
    )


def _table_reporter(stream: Any, scored: bool) -> Reporter:
    """Gather the rows, draw the table at the end."""
    from tinct.cli import table

    rows: list[tuple[str, ...]] = []

    def show(outcome: Outcome | None) -> None:
        if outcome is not None and outcome.report is not None:
            rows.append(cells_of(outcome))
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
