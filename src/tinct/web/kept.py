"""A bounded memory of things by their key: by bytes and by time."""

from __future__ import annotations

import time
from collections import OrderedDict
from typing import Generic, TypeVar

__all__ = ["Kept"]

Value = TypeVar("Value")


class Kept(Generic[Value]):
    """Things by key, of which those that were not asked for longest go first.

    Parameters
    ----------
    most : int
        Bytes in all; a single larger thing is kept alone until the next comes.
    seconds : float
        How long a thing stays that nobody asks for.

    Examples
    --------
    >>> kept = Kept(10, 60.0)
    >>> for name, size in (("a", 4), ("b", 4), ("c", 4)):
    ...     kept.put(name, name.upper(), size)
    >>> kept.get("a"), kept.get("c"), kept.size
    (None, 'C', 8)
    """

    def __init__(self, most: int, seconds: float) -> None:
        self.most, self.seconds, self.size = most, seconds, 0
        self._found: OrderedDict[str, tuple[Value, int, float]] = OrderedDict()

    def get(self, key: str) -> Value | None:
        """The thing, if it is still here."""
        self.tidy()
        if key not in self._found:
            return None
        value, size, _ = self._found.pop(key)
        self._found[key] = value, size, time.monotonic()
        return value

    def put(self, key: str, value: Value, size: int) -> None:
        """Keep a thing of so many bytes."""
        if key in self._found:
            self.size -= self._found.pop(key)[1]
        self._found[key] = value, size, time.monotonic()
        self.size += size
        self.tidy()

    def tidy(self) -> None:
        """Let go of what is too much or too old."""
        while self._found:
            size, used = next(iter(self._found.values()))[1:]
            too_much = self.size > self.most and len(self._found) > 1
            if not too_much and time.monotonic() - used < self.seconds:
                return
            self._found.popitem(last=False)
            self.size -= size
