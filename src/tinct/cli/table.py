"""The table on a terminal: as rich would draw it, whose import takes six times an icon's time."""

import os

from tinct.scoring.summary import TITLES

TYPE_CHECKING = False  # as typing has it, which takes a millisecond to import
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

__all__ = ["TO_THE_LEFT", "columns", "plain"]

STYLED = ("COLUMNS", "FORCE_COLOR", "NO_COLOR", "TTY_COMPATIBLE")  # what rich is told so
TO_THE_LEFT = ("picture", "written to")


def plain(rows: "Sequence[tuple[str, ...]]", scored: bool, stream: "Any") -> str | None:
    """The table of what `cells` says; None where letters, width or settings are for rich."""
    lines = _lines(rows, scored)
    if os.name != "posix" or any(map(os.environ.get, STYLED)) or not all(map(str.isascii, lines)):
        return None
    try:
        wide = os.get_terminal_size(stream.fileno()).columns
    except OSError:
        return None
    if max(map(len, lines)) > wide:
        return None
    if os.environ.get("TERM", "dumb") not in ("dumb", "unknown"):
        lines[0] = f"\x1b[2m{lines[0]}\x1b[0m"
    return "\n".join(lines)


def _lines(rows: "Sequence[tuple[str, ...]]", scored: bool) -> list[str]:
    r"""Put what `cells` says under its titles.

    >>> from tinct.scoring.summary import cells
    >>> row = cells("a.png", 4149, 1000, 16, 33.52, None, 0.123, "b.png")
    >>> print(*_lines([row], scored=False), sep="\n")
    picture  before   after   saved  colors     PSNR    time  written to
    a.png    4.1 kB  1.0 kB  -75.9%      16  33.5 dB  0.12 s  b.png
    """
    padded = []
    for column in columns(rows, scored):
        width = max(map(len, column))
        pad = str.ljust if column[0] in TO_THE_LEFT else str.rjust
        padded.append([pad(cell, width) for cell in column])
    return ["  ".join(cells).rstrip() for cells in zip(*padded, strict=True)]


def columns(rows: "Sequence[tuple[str, ...]]", scored: bool) -> list[tuple[str, ...]]:
    """What `cells` says in columns, each under its title; score and bands are one, or none."""
    turned = list(zip(TITLES, *rows, strict=True))
    at = TITLES.index("SSIMULACRA2")
    both = [
        f"{score}, {bands}".removesuffix(", ")
        for score, bands in zip(*turned[at : at + 2], strict=True)
    ][1:]
    turned[at : at + 2] = [("score, bands", *both)] if scored else []
    return turned
