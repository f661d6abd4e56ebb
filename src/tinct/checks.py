"""Arguments at the door: of Python's kinds or NumPy's, in their range, or refused by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from tinct import _kernels

Kind = TypeVar("Kind")


def number(name: str, value: Any, low: float, high: float = np.inf) -> float:
    """Take a number of low...high, or of any size from low on."""
    if isinstance(value, bool) or not isinstance(value, int | float | np.integer | np.floating):
        raise TypeError(f"{name} must be a number, not {type(value).__name__}")
    if not low <= value <= high:
        span = f"{low} or more" if high == np.inf else f"{low}..{high}"
        raise ValueError(f"{name} must be {span}, not {value}")
    return value.item() if isinstance(value, np.generic) else value


def whole(name: str, value: Any, low: int, high: int | None = None, what: str = "") -> int:
    """Take an integer of low...high, or of any size from low on; `what` names the highest."""
    if isinstance(value, bool) or not isinstance(value, int | np.integer):
        raise TypeError(f"{name} must be an integer, not {type(value).__name__}")
    if value < low or (high is not None and value > high):
        allowed = f"{low} or more" if high is None else f"{low}..{high}"
        allowed += f" ({what})" if what else ""
        raise ValueError(f"{name} must be {allowed}, not {value}")
    return int(value)


def flag(name: str, value: Any) -> bool:
    """Take yes or no."""
    if not isinstance(value, bool | np.bool_):
        raise TypeError(f"{name} must be True or False, not {type(value).__name__}")
    return bool(value)


def word(name: str, value: Any, *words: str) -> str:
    """Take one of a few words."""
    if not isinstance(value, str):
        raise TypeError(f"{name} must be a string, not {type(value).__name__}")
    if value not in words:
        raise ValueError(f"{name} must be {' or '.join(words)}, not {value!r}")
    return value


def numbers(name: str, values: Any) -> NDArray[Any]:
    """Take an array of real numbers, or what makes one; not text, complex numbers or objects."""
    try:
        found = np.asarray(values)
    except (ValueError, TypeError):
        raise TypeError(f"{name} must be an array of numbers, all rows of one length") from None
    if found.dtype.kind not in "fiub":
        raise TypeError(f"{name} must be numbers, not {found.dtype}")
    return found


def listed(name: str, values: Any) -> list[Any]:
    """Take a sequence, array or other row of things; a string is none."""
    if isinstance(values, str | bytes) or not np.iterable(values):
        raise TypeError(f"{name} must be a sequence, not {type(values).__name__}")
    return list(values)


def instance(name: str, value: Any, kind: type[Kind]) -> Kind:
    """Take an object of this kind."""
    if not isinstance(value, kind):
        raise TypeError(f"{name} must be a {kind.__name__}, not {type(value).__name__}")
    return value


def function(name: str, value: Any) -> Callable[..., Any] | None:
    """Take something to be called, or None."""
    if value is not None and not callable(value):
        raise TypeError(f"{name} must be callable, not {type(value).__name__}")
    return value  # type: ignore[no-any-return]


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
