"""Work on another thread, if one may be had. Without threading, which is slow to import."""

from _thread import allocate_lock, start_new_thread

TYPE_CHECKING = False  # as typing has it, which takes a millisecond to import
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

__all__ = ["Future"]


class Future:
    """What another thread works out, unless there may be but one; who asks too early waits."""

    def __init__(self, work: "Callable[[], Any]", threads: int) -> None:
        self._work, self._done = work, allocate_lock()
        self._found: list[Any] = []
        if threads == 1:
            return
        self._done.acquire()
        try:
            start_new_thread(self._run, ())
        except RuntimeError:  # no thread can be had
            self._done.release()

    def _run(self) -> None:
        try:
            self._found.append(self._work())
        except BaseException:  # it comes again where it is asked for
            pass
        finally:
            self._done.release()

    def result(self) -> "Any":
        """What the work gave; done here if no other thread did it."""
        with self._done:
            return self._found[0] if self._found else self._work()
