"""Many pictures on the workers of Dask: a few at a time, each as often as it takes."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Any, TypeVar

__all__ = ["PER_THREAD", "Died", "spread"]

# Waiting for each thread: enough that none is idle while an answer travels. A million pictures
# make no million futures.
PER_THREAD = 4
PATIENCE = 30.0  # seconds without a worker until that is said
Job = TypeVar("Job")


class Died(Exception):
    """Workers ended whenever they did a job, and nothing else beside it."""


def spread(
    client: Any,
    work: Callable[[Job], Any],
    jobs: Iterable[Job],
    deserted: Callable[[], object] = lambda: None,
) -> Iterator[tuple[Job, Any]]:
    """Call `work` for each job on the workers; yields what it returned as each is done.

    What a job raised is its result. Jobs whose worker died are tried again by Dask; those that
    were there when several workers died have their turn again at the end, one at a time: who ends
    a worker then is to blame, and the result is `Died`. `deserted` is called when there has been no
    worker for half a minute: some may still come.
    """
    suspects: list[Job] = []
    for job, result in _done(client, work, jobs, PER_THREAD, deserted):
        if isinstance(result, Died):
            suspects.append(job)
        else:
            yield job, result
    for job in suspects:
        yield from _done(client, work, [job], 1, deserted)


def _done(
    client: Any,
    work: Callable[[Job], Any],
    jobs: Iterable[Job],
    per_thread: int,
    deserted: Callable[[], object],
) -> Iterator[tuple[Job, Any]]:
    from distributed import KilledWorker, as_completed

    todo, done = iter(jobs), as_completed(with_results=True, raise_errors=False)
    running: dict[Any, Job] = {}
    most, asked = 0, -math.inf

    def fill() -> None:
        nonlocal most, asked
        if time.monotonic() - asked > 1:  # a way to the scheduler and back, not for every job
            most = per_thread * max(1, sum(client.nthreads().values()))
            asked = time.monotonic()
        for job in islice(todo, max(0, most - len(running))):
            future = client.submit(_tried, work, job, pure=False)
            running[future] = job
            done.add(future)

    try:
        fill()
        while not done.is_empty():
            _wait(client, done, deserted)
            future, result = next(done)
            job = running.pop(future)
            if future.status != "finished":
                error = result[1] if isinstance(result, tuple) else result
                if not isinstance(error, KilledWorker):
                    raise error
                result = Died()
            yield job, result
            fill()
    finally:
        client.cancel(list(running))


def _wait(client: Any, done: Any, deserted: Callable[[], object]) -> None:
    """Until a future is done."""
    seen = asked = time.monotonic()
    while not done.has_ready():
        time.sleep(0.01)
        if (now := time.monotonic()) - asked < 1:
            continue
        asked = now
        if client.nthreads():
            seen = now
        elif now - seen > PATIENCE:
            deserted()
            seen = now


def _tried(work: Callable[[Job], Any], job: Job) -> Any:
    """What Dask takes for success: its workers would print a raised error with all its lines."""
    try:
        return work(job)
    except Exception as error:
        return error
