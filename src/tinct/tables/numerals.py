"""Numbers as people and spreadsheets write them: 1.5, 1,5, 1,234.50, 1.234,50, 12 %."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["MISSING", "is_missing", "is_number", "numbers"]

MISSING = ("", "?", "-", "na", "n/a", "#n/a", "nan", "null", "none")
APART = " \u00a0\u202f'\u2019"  # what stands between thousands, beside the mark that is not decimal
_NUMBER = r"^-?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$|^-?inf(inity)?$"
_LOOSE = re.compile(
    rf"[-+\u2212]?[\d.,{APART}]*\d[\d.,]*([eE][-+]?\d+)?\s*%?|[-+]?inf(inity)?", re.I
)


def is_missing(cell: str) -> bool:
    """Whether a cell says that it holds no value."""
    return cell.strip().lower() in MISSING


def is_number(cell: str) -> bool:
    """Whether a cell looks like a number in any country."""
    return _LOOSE.fullmatch(cell.strip()) is not None


def numbers(
    cells: list[Any], delimiter: str | None
) -> list[tuple[NDArray[np.float64], NDArray[np.bool_]]]:
    """Each column of pyarrow's strings: numbers, NaN where there is none; where it has words."""
    from pyarrow import compute, types

    if all(types.is_floating(column.type) for column in cells):
        return [(_array(column), np.zeros(len(column), bool)) for column in cells]
    trimmed = [_trimmed(column) for column in cells]
    read = [_cast(column) for column in trimmed]
    written = [c for c, done in zip(trimmed, read, strict=True) if done is None]
    comma = bool(written) and _decimal_comma(written, delimiter)
    found = []
    for column, done in zip(trimmed, read, strict=True):
        word = np.zeros(len(column), bool)
        if done is None or comma:
            plain = _plain(column, comma)
            done = _cast(plain)
            if done is None:
                fits = compute.match_substring_regex(plain, _NUMBER, ignore_case=True)
                word = _array(compute.invert(fits), False)
                done = _cast(compute.if_else(fits, plain, None))
            percent = compute.ends_with(column, "%")
            done = compute.if_else(percent, compute.divide(done, 100), done)
        found.append((_array(done), word))
    return found


def _cast(column: Any) -> Any:
    """Strings as numbers, or None if some are not as programs write them."""
    from pyarrow import ArrowInvalid, compute, float64

    try:
        return compute.cast(column, float64())
    except ArrowInvalid:
        return None


def _array(column: Any, missing: float = np.nan) -> NDArray[Any]:
    from pyarrow import compute

    return np.array(compute.fill_null(column, missing).to_numpy(zero_copy_only=False))


def _trimmed(column: Any) -> Any:
    """Without blanks around, null where there is no value."""
    from pyarrow import array, compute, scalar, string

    column = compute.utf8_trim_whitespace(column)
    missing = compute.is_in(compute.utf8_lower(column), value_set=array(MISSING))
    return compute.if_else(missing, scalar(None, string()), column)


def _decimal_comma(columns: list[Any], delimiter: str | None) -> bool:
    """Whether commas are decimal in the columns that are not plain numbers.

    Where a number has both marks, the last one is. A comma that can't stand between thousands is,
    and so is one that can in a sheet cut at semicolons, which programs write because of it.
    """

    def some(pattern: str) -> bool:
        from pyarrow import compute

        return any(
            compute.any(compute.match_substring_regex(column, pattern)).as_py()
            for column in columns
        )

    start, end = r"^[-+\x{2212}]?", r"\s*%?$"
    if some(rf"{start}(\d*,(\d|\d\d|\d{{4,}})|0\d*,\d+|\d{{4,}},\d+){end}"):
        return True
    if some(rf"{start}\d[\d.{APART}]*[.{APART}]\d{{3}},\d+{end}"):
        return True
    if some(rf"{start}\d[\d,]*,\d{{3}}\.\d+{end}"):
        return False
    if some(rf"{start}\d{{1,3}}(\.\d{{3}}){{2,}}{end}"):
        return True
    return delimiter == ";" and some(rf"{start}\d{{1,3}},\d{{3}}{end}")


def _plain(column: Any, comma: bool) -> Any:
    """As a program would write the numbers; what is none stays something else."""
    from pyarrow import compute

    mark, other = (",", r"\.") if comma else (r"\.", ",")
    column = compute.replace_substring(column, "\u2212", "-")
    column = compute.utf8_rtrim(compute.utf8_ltrim(column, "+"), "% \u00a0\u202f")
    apart = rf"[{APART}{other}]"
    if compute.any(compute.match_substring_regex(column, apart)).as_py():
        pattern = rf"^-?\d{{1,3}}({apart}\d{{3}})+({mark}\d*)?$"
        grouped = compute.match_substring_regex(column, pattern)
        joined = compute.replace_substring_regex(column, apart, "")
        column = compute.if_else(grouped, joined, column)
    return compute.replace_substring(column, ",", ".") if comma else column
