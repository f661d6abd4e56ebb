"""Processes that work on pictures, so that no picture freezes another's request."""

from __future__ import annotations

import asyncio
import contextlib
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.connection import Connection
from typing import Any

from tinct.web.limits import Limits, Refused
from tinct.web.worker import CANCEL, work

__all__ = ["Job", "Pool"]

# What to do, the picture's key, its bytes if they came along, its name, and the options.
Job = tuple[str, str | None, bytes | None, str | None, dict[str, Any]]

# Seconds in which a worker may leave a job by itself, before it is replaced and its pictures with
# it: drawing and scoring 10 megapixels take 1 to 3, and don't look up.
GRACE = 3.0
PATIENCE = 0.15  # seconds that a request waits for the worker that has its picture to leave a job
HOLDS = 10_000  # keys remembered of each worker


class Worker:
    """One process, as the server sees it."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.busy = self.leaving = False
        self.left = 0.0  # when it was asked to leave
        self.answer: asyncio.Future[tuple[Any, ...]]
        self.start()

    def start(self) -> None:
        """Start the process; it takes a third of a second to be ready, nobody waits for it."""
        spawn = multiprocessing.get_context("spawn")
        ours, theirs = spawn.Pipe()
        self.pipe: Connection[Any, Any] = ours
        self.holds: dict[str, None] = {}
        self.process = spawn.Process(target=work, args=(theirs, self.limits), daemon=True)
        self.process.start()
        theirs.close()

    def ask(self, job: tuple[Any, ...], drawn: Callable[[int], None]) -> tuple[Any, ...]:
        """Hand over a job and wait for its answer; ("died",) if the process did."""
        try:
            self.pipe.send(job)
            while (answer := self.pipe.recv())[0] in ("ready", "drawn"):
                if answer[0] == "drawn":
                    drawn(answer[1])
        except (EOFError, OSError):
            return ("died",)
        found: tuple[Any, ...] = answer
        return found

    def cancel(self) -> None:
        """Ask the process to leave its job."""
        if CANCEL is not None and self.process.pid is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.process.pid, CANCEL)

    def kill(self) -> None:
        """End the process now; who waits for its answer gets ("died",)."""
        self.process.kill()

    def replace(self) -> None:
        """Start another process in the place of this one."""
        self.kill()
        self.process.join()
        self.pipe.close()
        self.start()


class Pool:
    """The processes, and who waits for one."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.waiting = 0
        with _deaf():
            self.workers = [Worker(limits) for _ in range(limits.processes)]
        self._threads = ThreadPoolExecutor(len(self.workers), "tinct-worker")
        self._changed = asyncio.Condition()
        self._cleaning: set[asyncio.Task[None]] = set()

    async def run(
        self, asked: Job, drawn: Callable[[int], None] = lambda size: None
    ) -> tuple[bytes, Any]:
        """Have a job done, `drawn` being told the bytes of drawings. Cancelling this cancels it.

        Refused says what was wrong with it, KeyError that the picture must be sent again.
        """
        job, key, data, name, how = asked
        worker = await self._free(key)
        running = sum(one.busy for one in self.workers)
        how = how | {"threads": max(1, (os.cpu_count() or 1) // running)}
        known = data is None or (key in worker.holds)
        message = (job, key, None if known else data, name, how)
        try:
            answer = await self._asked(worker, message, drawn)
            while answer == ("cancelled",) or (answer == ("missing",) and data is not None):
                answer = await self._asked(worker, (job, key, data, name, how), drawn)
        except asyncio.CancelledError:
            self._later(self._leave(worker))
            raise
        if key is not None and answer[0] in ("done", "refused"):
            worker.holds[key] = None
            if len(worker.holds) > HOLDS:
                worker.holds.pop(next(iter(worker.holds)))
        self._later(self._release(worker, died=answer == ("died",)))
        return _opened(answer)

    def _later(self, work: Coroutine[Any, Any, None]) -> None:
        """Do this whatever becomes of the request."""
        task = asyncio.create_task(work)
        self._cleaning.add(task)
        task.add_done_callback(self._cleaning.discard)

    async def _asked(
        self, worker: Worker, message: tuple[Any, ...], drawn: Callable[[int], None]
    ) -> tuple[Any, ...]:
        loop = asyncio.get_running_loop()
        worker.answer = loop.run_in_executor(self._threads, worker.ask, message, drawn)
        return await asyncio.shield(worker.answer)

    async def _free(self, key: str | None) -> Worker:
        """An idle worker: the one that has the picture, if it can be had soon."""
        self.waiting += 1
        try:
            async with self._changed:
                while (worker := self._choice(key)) is None:
                    leaving = any(one.leaving for one in self.workers)
                    with contextlib.suppress(TimeoutError):
                        async with asyncio.timeout(PATIENCE if leaving else None):
                            await self._changed.wait()
                worker.busy = True
                return worker
        finally:
            self.waiting -= 1

    def _choice(self, key: str | None) -> Worker | None:
        having = [one for one in self.workers if key in one.holds]
        for one in having:
            if not one.busy:
                return one
        if any(one.leaving and time.monotonic() - one.left < PATIENCE for one in having):
            return None
        idle = [one for one in self.workers if not one.busy]
        return min(idle, key=lambda one: len(one.holds), default=None)

    async def _release(self, worker: Worker, *, died: bool) -> None:
        if died:
            await asyncio.get_running_loop().run_in_executor(None, worker.replace)
        async with self._changed:
            worker.busy = worker.leaving = False
            self._changed.notify_all()

    async def _leave(self, worker: Worker) -> None:
        """Get a worker out of a job that nobody waits for."""
        worker.leaving, worker.left = True, time.monotonic()
        worker.cancel()
        done, _ = await asyncio.wait([worker.answer], timeout=GRACE if CANCEL else 0)
        if not done:
            worker.kill()
        await self._release(worker, died=await worker.answer == ("died",))

    def close(self) -> None:
        """End all processes."""
        for worker in self.workers:
            worker.kill()
        for worker in self.workers:
            worker.process.join()
        self._threads.shutdown(wait=False)


@contextlib.contextmanager
def _deaf() -> Iterator[None]:
    """A shell's Ctrl-C reaches new processes too, and would end them noisily while they start."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    heard = signal.signal(signal.SIGINT, signal.SIG_IGN)
    yield
    signal.signal(signal.SIGINT, heard)


def _opened(answer: tuple[Any, ...]) -> tuple[bytes, Any]:
    kind, *rest = answer
    if kind == "done":
        return rest[0], rest[1]
    if kind == "missing":
        raise KeyError
    if kind == "refused":
        raise Refused(422, rest[0], rest[1])
    if kind == "bug":
        raise Refused(500, "bug", f"a bug in tinct: {rest[0]}")
    raise Refused(500, "died", "the process that worked on this ended; nothing came of it")
