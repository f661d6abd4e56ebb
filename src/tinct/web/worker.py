"""A process that works on pictures: takes a job from a pipe, answers, takes the next."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from multiprocessing import parent_process
from multiprocessing.connection import Connection, wait
from typing import Any

from tinct.web.asked import READ
from tinct.web.limits import Limits

__all__ = ["CANCEL", "work"]

# Kernels ask Python now and then whether a signal came, for the sake of Ctrl-C. This one ends the
# job, not the process. Windows has none like it: there the process is replaced.
CANCEL = getattr(signal, "SIGUSR1", None)


class Cancelled(BaseException):
    """The job is not wanted any more."""


class Switch:
    """Turns a signal into an exception, while there is a job that it may end."""

    def __init__(self) -> None:
        self.on = self.late = False

    def __call__(self, *_: Any) -> None:
        self.late = not self.on
        if self.on:
            self.on = False
            raise Cancelled

    def send(self, pipe: Connection, message: Any) -> None:
        """Say something amid a job: half a message must not go out."""
        self.on = self.late = False
        pipe.send(message)
        if self.late:
            raise Cancelled
        self.on = True


def work(pipe: Connection, limits: Limits) -> None:
    """Do what comes through the pipe until it is closed.

    A job is (name, key, data, picture's name, options); the answer one of ("done", data, told),
    ("missing",), ("cancelled",), ("refused", reason, text) and ("bug", text). Before it may come
    ("drawn", bytes), for each drawing that a search makes.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the server, which then hangs up
    switch = Switch()
    if CANCEL is not None:
        signal.signal(CANCEL, switch)
    threading.Thread(target=_follow, daemon=True).start()
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    os.environ["MPLBACKEND"] = "agg"
    from tinct.picture import read
    from tinct.web.desk import Desk

    read.MAX_PIXELS = limits.pixels
    desk = Desk(limits)
    pipe.send(("ready",))
    while True:
        try:
            job = pipe.recv()
        except (EOFError, OSError):
            return
        try:
            switch.on = True
            answer = _answer(desk, lambda size: switch.send(pipe, ("drawn", size)), *job)
            switch.on = False
        except Cancelled:
            answer = ("cancelled",)
        pipe.send(answer)


def _follow() -> None:
    """End with the server, however that ended, and whatever is being worked on."""
    parent = parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)


def _answer(
    desk: Any,
    drawn: Callable[[int], None],
    job: str,
    key: str | None,
    data: bytes | None,
    name: str | None,
    how: dict[str, Any],
) -> tuple[Any, ...]:
    from tinct.errors import PaletteError, PictureError, TargetError
    from tinct.web.desk import Missing

    try:
        if job == "colors":
            how |= {"data": data, "name": name}
        elif key is not None:
            reading = {one: how.pop(one) for one in READ if one in how}
            if job == "preview" and how["dither"] != 0:  # else its colors are the file's
                reading["side"] = how["side"]
            how = {"source": desk.prepared(key, data, name, **reading), **how}
            if job == "compress":
                how |= {"name": name, "watch": drawn}
        return ("done", *getattr(desk, job)(**how))
    except Missing:
        return ("missing",)
    except PaletteError as error:
        return "refused", "wrong option", str(error)
    except PictureError as error:
        return "refused", "not a picture", str(error)
    except TargetError as error:
        return "refused", "out of reach", f"{name or 'the picture'}: {error}"
    except MemoryError:
        return "refused", "no memory", f"{name or 'the picture'}: not enough memory"
    except (ValueError, TypeError, ImportError, OSError) as error:
        return "refused", "wrong option", str(error)
    except Exception as error:
        return "bug", f"{type(error).__name__}: {error}"
