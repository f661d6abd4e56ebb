"""Palettes: the few colors that K-means chooses among those of a picture.

The points are distinct colors weighted by how often they occur: the same result as clustering all
pixels, for a fraction of the work. A palette holds 8-bit colors, as a file will, so what counts is
the error after rounding; everything below is done with that in mind.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinct.checks import as_kernels_take, whole
from tinct.defaults import MAX_COLORS
from tinct.palette.histogram import Histogram

__all__ = ["Palette", "check_colors", "palette"]

Colors = NDArray[np.uint8]


@dataclass(frozen=True, slots=True, eq=False)
class Palette:
    """The colors a picture is to be drawn with.

    `colors`, (k, c) uint8, are distinct; the most transparent first, as PNG likes them, then from
    dark to light. `shares`, (k,) float64: of the histogram's weight that each serves; they sum to
    1.
    """

    colors: Colors
    shares: NDArray[np.float64]


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
