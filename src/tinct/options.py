"""Options at the door: of Python's kinds or NumPy's, in their range, or refused by name."""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["flag", "number", "whole"]


def number(name: str, value: Any, low: float, high: float) -> float:
    """Take a number of low...high.

    Examples
    --------
    >>> number("dither", np.float32(0.5), 0, 1)
    0.5
    """
    if isinstance(value, bool) or not isinstance(value, int | float | np.integer | np.floating):
        raise TypeError(f"{name} must be a number, not {type(value).__name__}")
    if not low <= value <= high:
        raise ValueError(f"{name} must be {low}..{high}, not {value}")
    return value.item() if isinstance(value, np.generic) else value


def whole(name: str, value: Any, low: int, high: int | None = None) -> int:
    """Take an integer of low...high, or of any size from low on.

    Examples
    --------
    >>> whole("colors", np.uint8(16), 2, 256)
    16
    """
    if isinstance(value, bool) or not isinstance(value, int | np.integer):
        raise TypeError(f"{name} must be an integer, not {type(value).__name__}")
    if value < low or (high is not None and value > high):
        allowed = f"{low} or more" if high is None else f"{low}..{high}"
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
