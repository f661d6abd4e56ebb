"""What a terminal shows on stderr while there is something to wait for; nothing elsewhere."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from tinct.cli.failures import on_one_line
from tinct.options import Compress
from tinct.scoring import summary

__all__ = ["Meter", "Say", "bar", "silent", "status"]

Say = Callable[[str], None]


class Meter:
    """Which picture has its turn, and how often it was drawn."""

    def __init__(self, shown: Any = None, task: Any = None) -> None:
        self.shown, self.task, self.name, self.drawings = shown, task, "", 0
        self.count = 0

    def begin(self, name: str) -> None:
        """Say which."""
        self.name, self.drawings = name, 0
        self._say(name)

    def drawn(self, size: int) -> None:
        """Count a drawing of so many bytes."""
        self.drawings += 1
        if self.shown is not None:
            told = summary.size_text(size)
            self._say(f"{self.name}: drawing {self.drawings}, {told}")

    def end(self, job: Any) -> None:
        """One picture less."""
        self.count += 1
        if self.shown is not None:
            self.shown.update(self.task, advance=max(job.size, 1), done=self.count)

    def _say(self, text: str) -> None:
        if self.shown is not None:
            self.shown.update(self.task, description=on_one_line(text))


@contextlib.contextmanager
def bar(jobs: Sequence[Any], asked: Compress) -> Iterator[Meter]:
    """A bar where there are many pictures, or many drawings of one."""
    long = len(jobs) > 1 or asked.quality is not None or asked.max_bytes is not None
    if asked.quiet or not long or not sys.stderr.isatty():
        yield Meter()
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
    from rich.progress import TimeRemainingColumn as Left  # by bytes, which tell more than files

    count = TextColumn(f"{{task.fields[done]}}/{len(jobs)}")
    columns = [TextColumn("{task.description}", markup=False), BarColumn(), count]
    clocks = [TimeElapsedColumn(), TextColumn("left"), Left()]
    with Progress(*columns, *clocks, console=Console(stderr=True), transient=True) as shown:
        total = sum(max(job.size, 1) for job in jobs)
        yield Meter(shown, shown.add_task("", total=total, done=0))


def silent(text: str) -> None:
    """Say nothing."""


@contextlib.contextmanager
def status(quiet: bool) -> Iterator[Say]:
    """A line that says what is being done."""
    if quiet or not sys.stderr.isatty():
        yield silent
        return
    from rich.console import Console

    with Console(stderr=True).status("") as shown:
        yield lambda text: shown.update(text)
