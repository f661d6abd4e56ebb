"""Work on one picture side by side: trials of it, or stretches of trials."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import get_ident
from typing import TYPE_CHECKING, TypeVar

from tinct import _kernels
from tinct.checks import cores

if TYPE_CHECKING:
    from tinct.compress.encoder import Clock

__all__ = ["abreast"]

T = TypeVar("T")


def abreast(works: Sequence[Callable[[], T]], threads: int, clock: Clock) -> list[T]:
    """What each work gives, in their order, on at most so many threads, 0: one for each core.

    The works know nothing of each other, so that this changes no byte. Of the stages that they
    time, their shares of the whole time are counted. Where one fails, or Ctrl-C ends the wait, the
    others end, too; so works have none side by side of their own, of which this knows nothing.
    """
    threads = min(threads or cores(), len(works))
    if threads < 2:
        return [work() for work in works]
    at_work: set[int] = set()
    pool = ThreadPoolExecutor(threads, initializer=lambda: at_work.add(get_ident()))
    try:
        with clock.abreast():
            return [begun.result() for begun in [pool.submit(work) for work in works]]
    finally:
        pool.shutdown(wait=False, cancel_futures=True)  # so that no thread begins another work
        try:
            for thread in at_work.copy():
                _kernels.interrupt(thread, True)
            pool.shutdown()
        finally:
            for thread in at_work.copy():
                _kernels.interrupt(thread, False)
