"""Arguments at the door: of Python's kinds or NumPy's, in their range, or refused by name."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinct import _kernels

__all__ = ["as_kernels_take", "cores", "flag", "number", "threads_taken", "whole"]


def number(name: str, value: Any, low: float, high: float | None = None) -> float:
    """Take a number of low...high, or of any size from low on.

    Examples
    --------
    >>> number("dither", np.float32(0.5), 0, 1)
    0.5
    """
    if isinstance(value, bool) or not isinstance(value, int | float | np.integer | np.floating):
        raise TypeError(f"{name} must be a number, not {type(value).__name__}")
    if not (low <= value if high is None else low <= value <= high):
        allowed = f"{low} or more" if high is None else f"{low}..{high}"
        raise ValueError(f"{name} must be {allowed}, not {value}")
    return value.item() if isinstance(value, np.generic) else value


def whole(name: str, value: Any, low: int, high: int | None = None, what: str = "") -> int:
    """Take an integer of low...high, or of any size from low on; `what` says what the highest is.

    Examples
    --------
    >>> whole("colors", np.uint8(16), 2, 256)
    16
    """
    if isinstance(value, bool) or not isinstance(value, int | np.integer):
        raise TypeError(f"{name} must be an integer, not {type(value).__name__}")
    if value < low or (high is not None and value > high):
        allowed = f"{low} or more" if high is None else f"{low}..{high}"
        allowed += f" ({what})" if what else ""
        raise ValueError(f"{name} must be {allowed}, not {value}")
    return int(value)


def flag(name: str, value: Any) -> bool:
    """Take yes or no.

    Examples
    --------
    >>> flag("serpentine", np.True_)
    True
    """
    if not isinstance(value, bool | np.bool_):
        raise TypeError(f"{name} must be True or False, not {type(value).__name__}")
    return bool(value)


def as_kernels_take(effort: int, seed: int, threads: int | None) -> tuple[int, int, int]:
    """Refuse, by name, what is out of range; a seed of 64 bits, and 0 for all threads there are."""
    most = threads_taken(threads)
    return whole("effort", effort, 0, 10), whole("seed", seed, 0) % 2**64, most


def threads_taken(threads: int | None) -> int:
    """Refuse, by name, what is no number of threads; 0 for all there are."""
    return 0 if threads is None else min(whole("threads", threads, 1), 2**31 - 1)


def cores() -> int:
    """How many threads are worth starting: the processors this process may use."""
    return _kernels.processors()
