"""What the command's short way and the whole one have in common; imports next to nothing."""

import os

MAX_COLORS = 256  # an index of a PNG, a GIF or a palette WebP is at most 8 bits

# The knee, measured on 8 photographs and 8 graphics: from no dithering to 0.75, SSIMULACRA2 gains
# 23, 9 and 3.3 points on photographs at 16, 64 and 256 colors, for 42, 22 and 12 % more bytes; from
# 0.75 to 1 it gains 1.7, 0.3 and -0.1 for another 7, 6 and 4 %. Graphics at 256: 0.8 for 7 %.
DITHER = 0.75

# Exit codes
OK, FAILED, USAGE, INTERNAL, NOT_SMALLER, OUT_OF_REACH, INTERRUPTED = 0, 1, 2, 70, 98, 99, 130

SUFFIX = "-tinct"  # of the name that a result gets


def beside(source: str, suffix: str, format: str) -> str:
    """Name the result that stands beside its source.

    >>> beside("birds/robin.jpg", SUFFIX, "png").replace(os.sep, "/")
    'birds/robin-tinct.png'
    """
    folder, name = os.path.split(source)
    return os.path.join(folder, f"{os.path.splitext(name)[0]}{suffix}.{format}")


def extension(path: str) -> str:
    """What a path ends with, in small letters and without the dot."""
    return os.path.splitext(path)[1].lower().removeprefix(".")
