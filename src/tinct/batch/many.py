"""Many pictures on the workers of Dask: a few at a time, each as often as it takes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Any, TypeVar

__all__ = ["PER_THREAD", "Died", "spread"]

# Waiting for each thread: enough that none is idle while an answer travels. A million pictures
# make no million futures.
PER_THREAD = 4
Job = TypeVar("Job")


class Died(Exception):
    """Workers ended whenever they did a job, and nothing else beside it."""


def spread(
    client: Any, work: Callable[[Job], Any], jobs: Iterable[Job]
) -> Iterator[tuple[Job, Any]]:
    """Call `work` for each job on the workers; yields what it returned as each is done.

    What a job raised is its result. Jobs whose worker died are tried again by Dask; those that
    were there when several workers died have their turn again at the end, one at a time: who ends
    a worker then is to blame, and the result is `Died`.
    """
    suspects: list[Job] = []
    for job, result in _done(client, work, jobs, PER_THREAD):
        if isinstance(result, Died):
            suspects.append(job)
        else:
            yield job, result
    for job in suspects:
        yield from _done(client, work, [job], 1)


def _done(
    client: Any, work: Callable[[Job], Any], jobs: Iterable[Job], per_thread: int
) -> Iterator[tuple[Job, Any]]:
    from distributed import KilledWorker, as_completed

    todo, done = iter(jobs), as_completed()
    running: dict[Any, Job] = {}

    def fill() -> None:
        most = per_thread * max(1, sum(client.nthreads().values()))
        for job in islice(todo, max(0, most - len(running))):
            future = client.submit(_tried, work, job, pure=False)
            running[future] = job
            done.add(future)

    try:
        fill()
        for future in done:
            job = running.pop(future)
            try:
                result = future.result()
            except KilledWorker:
                result = Died()
            yield job, result
            fill()
    finally:
        client.cancel(list(running))


def _tried(work: Callable[[Job], Any], job: Job) -> Any:
    """What Dask takes for success: its workers would print a raised error with all its lines."""
    try:
        return work(job)
    except Exception as error:
        return error
