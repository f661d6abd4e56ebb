"""The short way of ``tinct compress PICTURE.png``: no NumPy, no click, seldom Pillow.

Those take three quarters of a small picture's time to import. Only the plain form of the command
goes this way. Whatever is unusual, and whatever goes wrong, is left to the whole command before
anything was written or said; that does it all again, and says what is wrong.
"""

import os
import stat
import sys
import time

from tinct import _kernels
from tinct.background import Future
from tinct.defaults import MAX_COLORS, NOT_SMALLER, OK, SUFFIX, beside, extension
from tinct.mapping.lossy import FEW, is_icon, lossy_options, palette_options, settled
from tinct.options import Compress, parse
from tinct.picture.inflate import SIGNATURE, density, rows

# As typing has it, which takes a millisecond to import. Annotations stand in quotes, here and in
# all that is imported here: `from __future__ import annotations` would take 0.14 ms.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from tinct.mapping.lossy import Loss
    from tinct.picture.inflate import Rows

__all__ = ["quick"]

SEEDS, THREADS = 1 << 32, 1 << 10  # beyond them the whole command is asked
SMALL = 1 << 23  # pixels; of larger pictures what is let go of goes back to the system
ROOM, BYTES_PER_PIXEL = 1 << 25, 16
NO_FILES = ("/dev/", "/proc/")  # reading twice may give something else


def quick(argv: "Sequence[str]") -> int | None:
    """Run the command if this way can: exit code 0 or 98; None if nothing was done.

    OSError if the file is written and nobody could be told; MemoryError.
    """
    try:
        asked = _asked(argv)
    except (OSError, ValueError):
        return None
    try:
        line, data = _compressed(asked)
        if data is not None:
            from tinct.atomic_write import write

            write(asked.target, data, overwrite=asked.force)
    except (OSError, ValueError):
        return None
    except MemoryError:
        line = None
    if line is None:  # what was held is let go of by now; the whole command would need more
        raise MemoryError(f"{asked.source}: not enough memory")
    if not asked.quiet:
        print(line, flush=True)
    return NOT_SMALLER if data is None else OK


class Asked:
    """The options; ValueError if this way can't do what they say."""

    def __init__(self, options: Compress) -> None:
        (self.source,) = options.inputs
        beside_it = beside(self.source, SUFFIX, "png")
        self.target = beside_it if options.output is None else options.output
        if options.colors == "auto" or options.effort != 1 or extension(self.target) != "png":
            raise ValueError("more than this way can do")
        self.colors, self.original = options.colors or MAX_COLORS, options.colors is None
        self.dither, self.seed = options.dither, options.seed
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


def _compressed(asked: Asked) -> tuple[str, bytes | None]:
    """What to print, and the file; None instead if it is not to be written."""
    start = time.perf_counter()
    size, along, picture = _read(asked.source, asked.threads)
    ahead = Future(lambda: _prepare(picture, asked), asked.threads)
    lossy = settled("auto", picture, asked.colors, asked.dither, "oklab")
    drawing = _drawn(picture, lossy, asked)
    ahead.result()
    from tinct.codecs.png import CODEC
    from tinct.scoring import summary

    measured = Future(lambda: picture.squared_error(drawing), asked.threads)
    data, exact = CODEC.smallest(
        picture,
        drawing,
        colors=asked.colors,
        original=asked.original,
        lossy=lossy,
        threads=asked.threads,
    )
    if along:
        from tinct.codecs.along import embed

        data = embed(data, along)
    error = 0 if exact else measured.result()
    smaller = asked.force or len(data) < size
    told = summary.cells(
        asked.source,
        size,
        len(data),
        picture.colors if exact else len(drawing.entries),
        summary.decibels(error / (picture.width * picture.height * 3)),
        None,
        time.perf_counter() - start,
        asked.target if smaller else None,
    )
    line = "" if asked.quiet else _said(told)
    return line, data if smaller else None


def _drawn(picture: _kernels.Quantizer, lossy: "Loss", asked: Asked) -> _kernels.Drawing:
    how: dict[str, Any] = {"effort": 1, "seed": asked.seed, "threads": asked.threads}
    how |= palette_options(lossy, picture.flat, picture, asked.colors, 1)
    chosen = picture.palette(asked.colors, **how)
    if not lossy:
        return picture.draw(chosen, dither=asked.dither, threads=asked.threads, last=True)
    from tinct.codecs.png import CODEC

    coder, bits = CODEC.bit_model(len(chosen) // picture.channels, False)
    icon = is_icon(picture)
    how = lossy_options("auto", asked.dither, 1, asked.threads, asked.colors, icon)
    return picture.draw_lossy(chosen, coder=coder, bits=bits, last=True, **how)


def _prepare(picture: _kernels.Quantizer, asked: Asked) -> None:
    """Visibility, and 2 ms of imports, that pass while the kernels choose a palette."""
    if asked.dither and (picture.flat or asked.colors > FEW):
        picture.weigh(asked.threads)
    from tinct import atomic_write  # noqa: F401
    from tinct.codecs import png  # noqa: F401
    from tinct.scoring import summary  # noqa: F401


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


def _read(path: str, threads: int) -> tuple[int, bytes, _kernels.Quantizer]:
    """Bytes of the file, its density, the picture; what was read and inflated is let go of."""
    data = _slurp(path)
    found = rows(data)
    if found is None:
        raise ValueError("not a plain PNG")
    plain, profile = found
    pixels = plain[1] * plain[2]
    if pixels <= SMALL:
        _kernels.reserve(ROOM + BYTES_PER_PIXEL * pixels)
    shown: dict[str, Any] = {"threads": threads} if len(plain) == 4 else {}
    if profile:
        from tinct.picture.profile import shaper

        if (curves := shaper(profile, 3)) is None:
            plain = _in_srgb(plain, profile)
        elif curves.moves():
            if len(plain) == 5:
                plain = (*plain[:4], curves.kernel().to_srgb(plain[4], 4))
            else:
                shown["profile"] = curves.kernel()
    return len(data), density(data), _kernels.Quantizer(*plain, **shown)


def _in_srgb(plain: "Rows", profile: bytes) -> "Rows":
    """The same from the colors of an ICC profile of tables, for which Pillow is asked."""
    from tinct.picture.managed import samples_in_srgb

    if len(plain) == 5:
        packed, width, height, bits, entries = plain
        count = len(entries) // 4
        return packed, width, height, bits, samples_in_srgb(entries, count, 1, 4, profile)
    _, width, height, channels = plain
    samples = samples_in_srgb(_kernels.unfiltered(*plain), width, height, channels, profile)
    steps = range(0, len(samples), width * channels)
    filtered = [b"\0" + samples[at : at + steps.step] for at in steps]
    return bytearray().join(filtered), width, height, channels


def _slurp(path: str) -> bytes:
    with open(path, "rb") as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise ValueError("not a file")
        head = file.read(len(SIGNATURE))
        return head + file.read() if head == SIGNATURE else head
