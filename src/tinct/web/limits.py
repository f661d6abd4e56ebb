"""How much a server takes on; and what it answers where that is exceeded."""

from __future__ import annotations

import os
from dataclasses import dataclass

__all__ = ["Limits", "Refused"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a server takes on.

    Attributes
    ----------
    body : int
        Bytes of a request.
    pixels : int
        Pixels of a picture.
    seconds : float
        How long a request may take, its upload included.
    requests : int
        How many are worked on or waiting at a time.
    cache : int
        Bytes kept of what was sent before; as much again in all processes that decoded it.
    keep : float
        Seconds after which a picture that nobody asked for is let go of.
    workers : int, optional
        Processes that work on pictures; otherwise as many as there are cores, at most 8.
    """

    body: int = 100_000_000
    pixels: int = 100_000_000
    seconds: float = 120.0
    requests: int = 128
    cache: int = 512_000_000
    keep: float = 1800.0
    workers: int | None = None

    @property
    def processes(self) -> int:
        """How many processes to start."""
        return self.workers or min(os.cpu_count() or 1, 8)


class Refused(Exception):
    """A request that is not answered with what it asked for, and why: one sentence.

    Parameters
    ----------
    status : int
        The HTTP status.
    reason : str
        What programs go by, such as ``"too large"``.
    text : str
        What people read.
    """

    def __init__(self, status: int, reason: str, text: str) -> None:
        super().__init__(status, reason, text)
        self.status, self.reason, self.text = status, reason, text
