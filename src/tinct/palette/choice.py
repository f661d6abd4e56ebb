"""Palettes: the few colors that K-means chooses among those of a picture.

The points are distinct colors weighted by how often they occur: the same result as clustering all
pixels, for a fraction of the work. A palette holds 8-bit colors, as a file will, so what counts is
the error after rounding; everything below is done with that in mind.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from os import PathLike, fspath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinct.atomic_write import write
from tinct.checks import as_kernels_take, flag, listed, whole
from tinct.defaults import MAX_COLORS, extension
from tinct.errors import PaletteError
from tinct.palette.histogram import Histogram

__all__ = ["Palette", "check_colors", "palette"]

Colors = NDArray[np.uint8]


@dataclass(frozen=True, slots=True, eq=False)
class Palette:
    r"""The colors a picture is to be drawn with.

    `colors` (k, 3 or 4) uint8: those that `palette` chooses are distinct, the most transparent
    first, as PNG likes them, then from dark to light. `shares` (k,) float64: of the histogram's
    weight that each serves, summing to 1; empty where nobody counted. `names`: one for each color,
    which may be empty; or none. TypeError or ValueError for other arrays and names.

    >>> import numpy as np
    >>> brand = Palette(np.array([[255, 136, 0], [0, 0, 0]], np.uint8), names=("Orange", "Ink"))
    >>> brand.hex, len(brand), brand.to_bytes("hex")
    (['#ff8800', '#000000'], 2, b'ff8800\n000000\n')
    """

    colors: Colors
    shares: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))
    names: Sequence[str] = ()

    def __post_init__(self) -> None:
        colors = np.asarray(self.colors)
        if colors.dtype != np.uint8:
            raise TypeError(f"colors must be a uint8 array, not {colors.dtype}")
        if colors.ndim != 2 or colors.shape[1] not in (3, 4) or not len(colors):
            raise ValueError(f"colors must be (k, 3) or (k, 4), not {colors.shape}")
        names = tuple(listed("names", self.names))
        if not all(isinstance(name, str) for name in names):
            raise TypeError("names must be strings")
        if names and len(names) != len(colors):
            raise ValueError(f"names must be {len(colors)}, one for each color, not {len(names)}")
        object.__setattr__(self, "colors", np.ascontiguousarray(colors))
        object.__setattr__(self, "names", names if any(names) else ())

    def __len__(self) -> int:
        return len(self.colors)

    @property
    def hex(self) -> list[str]:
        """Each color as #rrggbb, or #rrggbbaa where the palette has alpha."""
        return [f"#{color.tobytes().hex()}" for color in self.colors]

    @property
    def rgba(self) -> Colors:
        """The colors with their alpha: (k, 4) uint8."""
        opaque = np.full((len(self), 1), 255, np.uint8)
        return np.hstack([self.colors, opaque])[:, :4]

    @classmethod
    def read(cls, path: str | PathLike[str]) -> Palette:
        """Read a palette file: GPL, ASE, ACT, ACO, PAL (JASC or RIFF), hex list, CSS or JSON.

        Of any other file that is a picture: its colors as they first appear in it, or the 256 that
        K-means chooses of more. OSError, PaletteError or PictureError if it can't be read.
        """
        from tinct.palette.given import palette_in  # which most commands have no use for

        with open(path, "rb") as file:
            return palette_in(file.read(), fspath(path))

    def to_bytes(self, format: str) -> bytes:
        """As a file of this format; PaletteError if that can't hold the colors.

        One of gpl, ase, act, aco, pal (JASC's), riff (the PAL of Windows), hex, css, json and png
        (a row of swatches). Formats without alpha leave out what is fully transparent.
        """
        from tinct.palette import files

        if format not in files.FORMATS:
            raise PaletteError(f"format must be {', '.join(files.FORMATS)}, not {format}")
        names = self.names or [""] * len(self)
        colors = [tuple(color) for color in self.rgba.tolist()]
        return files.encode(list(zip(colors, names, strict=True)), format)

    def save(
        self, path: str | PathLike[str], format: str | None = None, *, overwrite: bool = False
    ) -> None:
        """Write the file that its name or `format` says, whole or not at all.

        FileExistsError if it is already there, without `overwrite`.
        """
        data = self.to_bytes(extension(fspath(path)) if format is None else format)
        write(path, data, overwrite=flag("overwrite", overwrite))


def palette(
    histogram: Histogram,
    colors: int = 256,
    *,
    seed: int = 0,
    effort: int = 1,
    threads: int | None = None,
) -> Palette:
    """Choose colors for a picture: K-means of its distinct colors, rounded to 8 bits.

    At most `colors`, 2...256: a picture with no more distinct colors gets exactly those. Fully
    transparent pixels get an entry of their own, (0, 0, 0, 0), and no other entry is ever fully
    transparent. `seed`, `effort` and `threads` are as in `tinct.kmeans`. TypeError or ValueError
    for what is out of range.

    >>> import numpy as np
    >>> from tinct.palette.histogram import histogram
    >>> grays = np.repeat(np.array([10, 11, 12, 200, 201], dtype=np.uint8), 3).reshape(1, 5, 3)
    >>> chosen = palette(histogram(grays), 2)
    >>> chosen.colors.tolist(), chosen.shares.round(2).tolist()
    ([[11, 11, 11], [200, 200, 200]], [0.6, 0.4])
    """
    if not isinstance(histogram, Histogram):
        raise TypeError(f"histogram must be a Histogram, not {type(histogram).__name__}")
    colors = check_colors(colors)
    chosen, served = histogram.kernel.palette(colors, *as_kernels_take(effort, seed, threads))
    return Palette(chosen, served / served.sum())


def check_colors(colors: Any) -> int:
    """Refuse anything but an integer of 2...256, by name."""
    return whole("colors", colors, 2, MAX_COLORS)
