"""Jobs done by processes side by side, each with an end to its time."""

from __future__ import annotations

import contextlib
import multiprocessing
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from multiprocessing.connection import Connection, wait
from typing import Any

__all__ = ["side_by_side"]

Work = Callable[..., Any]


def side_by_side(
    work: Work,
    jobs: Sequence[tuple[Any, ...]],
    *,
    processes: int,
    cores: int,
    large: Sequence[bool],
    timeout: float | None = None,
) -> Iterator[tuple[int, Any]]:
    """Call ``work(*job, threads)`` for each job in one of some processes.

    Yields each job's number and what came of it as it ends: what `work` returned, or a string if
    there is none, because the process ended or took more than `timeout` seconds. Jobs begin in
    their order. A `large` one has all `cores` and waits until it is alone; so has the last.
    `work` is a function of a module, and what it takes and returns can be pickled.
    """
    crew = [_Worker(work) for _ in range(max(1, min(processes, len(jobs))))]
    following = 0
    try:
        while True:
            busy = [worker for worker in crew if worker.job is not None]
            for worker in crew:
                if worker.job is not None or following == len(jobs):
                    continue
                alone = large[following] or any(large[one.job or 0] for one in busy)
                if alone and busy:
                    break
                left = len(busy) + len(jobs) - following
                threads = cores if large[following] else max(1, cores // min(len(crew), left))
                worker.begin(following, (*jobs[following], threads), timeout)
                following += 1
                busy.append(worker)
            if not busy:
                return
            yield from _ended(busy)
    finally:
        for worker in crew:
            worker.end()


class _Worker:
    """A process that does one job after another, as who waits for it sees it."""

    def __init__(self, work: Work) -> None:
        self.work = work
        self.job: int | None = None
        self.timeout: float | None = None
        self.deadline: float | None = None
        self.process: Any = None
        self.pipe: Connection[Any, Any]
        self.start()

    def start(self) -> None:
        """Start the process, which takes a third of a second to be ready."""
        spawn = multiprocessing.get_context("spawn")
        self.pipe, theirs = spawn.Pipe()
        self.process = spawn.Process(target=_serve, args=(theirs, self.work), daemon=True)
        self.process.start()
        self.ready = False
        theirs.close()

    def begin(self, job: int, values: tuple[Any, ...], timeout: float | None) -> None:
        """Hand over a job."""
        if self.process is None:
            self.start()
        with contextlib.suppress(EOFError, OSError):  # it has died: the pipe's end says so
            if not self.ready:  # before, its time doesn't count
                self.pipe.recv()
                self.ready = True
            self.pipe.send(values)
        self.job, self.timeout = job, timeout
        self.deadline = None if timeout is None else time.monotonic() + timeout

    def end(self) -> None:
        """End the process now, whatever it does."""
        if self.process is not None:
            self.process.kill()
            self.process.join()
            self.pipe.close()
            self.process = None


def _ended(busy: Sequence[_Worker]) -> Iterator[tuple[int, Any]]:
    """Wait until some job has come to an end."""
    now = time.monotonic()
    left = min((one.deadline - now for one in busy if one.deadline is not None), default=None)
    ready = wait([one.pipe for one in busy], None if left is None else max(0.0, left))
    for worker in busy:
        job, answer = worker.job, None
        assert job is not None
        if worker.pipe in ready:
            try:
                answer = worker.pipe.recv()
            except (EOFError, OSError):
                worker.end()
                answer = "the process that worked on it was ended; too little memory?"
        elif worker.deadline is not None and time.monotonic() >= worker.deadline:
            worker.end()
            answer = f"took more than {worker.timeout:g} seconds"
        else:
            continue
        worker.job = None
        yield job, answer


def _serve(pipe: Connection[Any, Any], work: Work) -> None:
    """Do jobs until nobody asks any more."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a shell sends it to all; one of us answers
    pipe.send(None)
    with contextlib.suppress(EOFError, OSError):
        while True:
            pipe.send(work(*pipe.recv()))
