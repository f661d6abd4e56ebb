"""The short way of ``tinct compress PICTURE.png``: no NumPy, no Pillow, no click.

Those take three quarters of a small picture's time to import. Only the plain form of the command
goes this way. Whatever is unusual, and whatever goes wrong, is left to the whole command before
anything was written or said; that does it all again, and says what is wrong.
"""

import os
import stat
import sys
import time
from _thread import allocate_lock, start_new_thread  # threading takes a millisecond to import

from tinct import _kernels
from tinct.cli.options import Compress, parse
from tinct.defaults import MAX_COLORS, NOT_SMALLER, OK, SUFFIX, beside, extension
from tinct.picture.inflate import SIGNATURE, rows

# As typing has it, which takes a millisecond to import. Annotations stand in quotes, here and in
# all that is imported here: `from __future__ import annotations` would take 0.14 ms.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

__all__ = ["quick"]

SEEDS, THREADS = 1 << 32, 1 << 10  # beyond them the whole command is asked
NO_FILES = ("/dev/", "/proc/")  # reading twice may give something else


def quick(argv: "Sequence[str]") -> int | None:
    """Run the command if this way can.

    Parameters
    ----------
    argv : sequence of str
        The arguments after the command's name.

    Returns
    -------
    int, optional
        The exit code: 0 or 98. None if nothing was done and the whole command must be asked.

    Raises
    ------
    OSError
        If the file is written and nobody could be told.

    Examples
    --------
    >>> quick(["compress", "bird.png", "--quality", "80"]) is None
    True
    """
    try:
        asked = _asked(argv)
        line, data = _compressed(asked)
        if data is not None:
            from tinct.atomic_write import write

            write(asked.target, data, overwrite=asked.force)
    except (OSError, ValueError, MemoryError):
        return None
    if not asked.quiet:
        print(line, flush=True)
    return NOT_SMALLER if data is None else OK


# --- what was asked for -------------------------------------------------------------------------


class Asked:
    """The options; ValueError if this way can't do what they say."""

    def __init__(self, options: Compress) -> None:
        (self.source,) = options.inputs
        beside_it = beside(self.source, SUFFIX, "png")
        self.target = beside_it if options.output is None else options.output
        if options.colors == "auto" or options.effort != 1 or extension(self.target) != "png":
            raise ValueError("more than this way can do")
        self.colors, self.dither, self.seed = options.colors, options.dither, options.seed
        self.threads = options.threads or 0  # 0: all
        self.force, self.quiet = options.force, options.quiet
        if self.seed >= SEEDS or self.threads > THREADS:
            raise ValueError("numbers that are checked elsewhere")


def _asked(argv: "Sequence[str]") -> Asked:
    if not argv or argv[0] != "compress":
        raise ValueError("another command")
    if os.name == "nt" and any(set(word) & set("*?[~$%") for word in argv):
        raise ValueError("a pattern, which click expands")
    asked = Asked(parse(Compress, argv[1:]))
    if asked.source == "-" or asked.source.startswith(NO_FILES):
        raise ValueError("no file")
    if os.path.lexists(asked.target) and not (asked.force and os.path.isfile(asked.target)):
        raise ValueError("the target is there already")
    if not os.path.isdir(os.path.dirname(asked.target) or "."):
        raise ValueError("no folder for the target")
    if not asked.quiet and sys.stdout is None:
        raise ValueError("nobody to tell")
    return asked


# --- the work -----------------------------------------------------------------------------------


class Meanwhile:
    """What another thread works out, if one may; whoever asks before it is done waits."""

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

    def get(self) -> "Any":
        with self._done:
            return self._found[0] if self._found else self._work()


def _compressed(asked: Asked) -> tuple[str, bytes | None]:
    """What to print, and the file; None instead if it is not to be written."""
    start = time.perf_counter()
    size, sketch, width, height = _read(asked.source)
    imports = Meanwhile(_import_the_rest, asked.threads)
    sketch.draw(asked.colors, asked.dither, asked.seed, 1, asked.threads)
    imports.get()
    from tinct.scoring import summary

    keeps = asked.colors >= min(MAX_COLORS, sketch.colors)
    checks = Meanwhile(lambda: _checks(sketch, width, height, keeps), asked.threads)
    data, colors = _drawing(sketch, width, height), len(sketch.entries)
    error, guess = checks.get()
    kept = _kept(sketch, asked, (width, height, sketch.channels), len(data), guess)
    if kept is not None:
        data = kept
        if keeps:
            colors, error = sketch.colors, 0
    smaller = asked.force or len(data) < size
    told = summary.cells(
        asked.source,
        size,
        len(data),
        colors,
        summary.decibels(error / (width * height * 3)),
        None,
        time.perf_counter() - start,
        asked.target if smaller else None,
    )
    line = "" if asked.quiet else _said(told)
    return line, data if smaller else None


def _import_the_rest() -> None:
    """2 ms that pass while the kernels draw."""
    from tinct import atomic_write as writing  # noqa: F401


def _checks(
    sketch: _kernels.Sketch, width: int, height: int, keeps: bool
) -> tuple[int, float | None]:
    """The drawing's squared error, and about how many bytes a file without its palette takes.

    That of the picture itself if it may stay, else that of the drawing if it is worth a try.
    """
    from tinct.codecs import deflate

    error = sketch.squared_error()
    if not keeps and not deflate.worth_filters(sketch.entries, width * height):
        return error, None
    known = sketch.colors if keeps else MAX_COLORS + 1

    def shown(axis: int, rows: int, every: int) -> bytes:
        return sketch.differences(axis, rows, every, not keeps)

    return error, deflate.least(shown, width, height, known)


def _kept(
    sketch: _kernels.Sketch,
    asked: Asked,
    size: tuple[int, int, int],
    limit: int,
    guess: float | None,
) -> bytes | None:
    """The file without a palette, if it is smaller."""
    from tinct.codecs import deflate

    if guess is None:
        return None
    few, keeps = sketch.colors <= MAX_COLORS, asked.colors >= min(MAX_COLORS, sketch.colors)
    tried = few and size[0] * size[1] <= deflate.SMALL  # among the ways of the drawing
    return deflate.original(
        lambda key: sketch.samples(key, not keeps),
        size,
        limit,
        guess,
        sketch.entries if few and keeps else None,
        [] if tried else [2],
        keeps and asked.colors < MAX_COLORS,
    )


def _drawing(sketch: _kernels.Sketch, width: int, height: int) -> bytes:
    """As `draw.Studio` at effort 1: the smallest file."""
    from tinct.codecs import deflate

    level = deflate.usual_level(sketch.flat, width * height)
    return min(
        deflate.ways(sketch.packed, width, height, sketch.entries, sketch.channels, level=level),
        key=len,
    )


def _said(told: tuple[str, ...]) -> str:
    """What to print; ValueError if it can't be, or only by rich."""
    if not sys.stdout.isatty():
        from tinct.scoring import summary

        line = summary.line(told, len(told[0]))
        line.encode(sys.stdout.encoding or "utf-8", sys.stdout.errors or "strict")
        return line
    from tinct.cli import table

    text = table.plain([told], False, sys.stdout)
    if text is None:
        raise ValueError("a terminal that rich knows better")
    return text


def _read(path: str) -> tuple[int, _kernels.Sketch, int, int]:
    """Bytes of the file, the sketch, width and height; what was read and inflated is let go of."""
    data = _slurp(path)
    plain = rows(data)
    if plain is None:
        raise ValueError("not a plain PNG")
    return len(data), _kernels.Sketch(*plain), plain[1], plain[2]


def _slurp(path: str) -> bytes:
    with open(path, "rb") as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise ValueError("not a file")
        head = file.read(len(SIGNATURE))
        return head + file.read() if head == SIGNATURE else head
