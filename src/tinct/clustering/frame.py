"""Where and in what size the engine sees points: near the origin, with squares it can tell apart.

Far from the origin, compared with their spread, sums and dot products lose the digits that tell
points apart; squares of very small or large numbers leave the range of floating point. Both ways
out are exact, so distances, and with them labels, keep every bit. The same frame holds for all
partitions of the points.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinct.clustering.arguments import Floats, reach

FAR = 64  # ranges of a column from the origin: from there on it is moved
PLAIN = {"f": (2.0**-24, 2.0**50, 50), "d": (2.0**-128, 2.0**128, 400)}  # sizes left as they are

Weights = NDArray[np.float64]


class Frame:
    """How the engine sees points: less ``offset``, times 2 to the power of ``-exponent``.

    Weights are 2**level times as small.
    """

    def __init__(self, offset: Floats | None, exponent: int, level: int = 0) -> None:
        self.offset, self.exponent, self.level = offset, exponent, level

    def into(self, x: Floats) -> Floats:
        """Points or centers, as the engine sees them."""
        x = x if self.offset is None else x - self.offset
        return np.ldexp(x, -self.exponent) if self.exponent else x

    def back(self, centers: Floats) -> Floats:
        """Centers, as the caller sees them."""
        centers = np.ldexp(centers, self.exponent) if self.exponent else centers
        return centers if self.offset is None else centers + self.offset

    def seen_offset(self) -> Floats | None:
        """The offset in the engine's size; 0 where only one of a constant column can overflow."""
        if self.offset is None:
            return None
        with np.errstate(over="ignore"):
            seen = np.ldexp(self.offset, -self.exponent)
        return np.where(np.isfinite(seen), seen, 0).astype(seen.dtype)

    def restored(self, centers: Floats, labels: Any, inertia: float, *rest: Any) -> tuple[Any, ...]:
        """What was seen in this frame, as the caller sees it."""
        size = 2 * self.exponent + self.level
        return self.back(centers), labels, math.ldexp(inertia, size), *rest

    def weights_into(self, w: Weights) -> Weights:
        """Weights, as the engine sees them."""
        if not self.level:
            return w
        return np.where(w > 0, np.maximum(np.ldexp(w, -self.level), 2.0**-400), 0.0)


def framed(
    tables: Sequence[Floats],
    largest: float,
    weights: Sequence[Weights] | None,
    low: float,
    centers: Floats | None,
    level: int = 0,
) -> tuple[list[Floats], Frame]:
    """The points of all tables in the frame that suits them, and the centers beside them.

    ``largest`` is how far they reach, ``low`` the least of the weights: points that have none may
    lie anywhere.
    """
    offset = _offset(tables, centers)
    if offset is not None:
        tables = [x - offset for x in tables]
        largest = max(map(reach, tables))
        centers = None if centers is None else centers - offset
    size = largest
    if weights is not None and low == 0:
        size = max(reach(x[w > 0]) for x, w in zip(tables, weights, strict=True) if w.any())
    exponent = _exponent(tables[0].dtype.char, size, largest, centers)
    sized = Frame(None, exponent)
    return [sized.into(x) for x in tables], Frame(offset, exponent, level)


@dataclass(frozen=True, slots=True, eq=False)
class Extent:
    """What of points decides their frame: their number, and what they and their weights span.

    `low` and `high` (d,) are of all points, `counted` (2, d) of those that have a weight; `weights`
    the least, the least above 0, the largest and the sum.
    """

    n: int
    low: Floats
    high: Floats
    counted: Floats
    weights: tuple[float, float, float, float]

    @classmethod
    def of(cls, x: Floats, w: Weights | None) -> Extent:
        """Of points that lie together."""
        if w is None:
            low, high = _ends(x)
            return cls(len(x), low, high, np.stack([low, high]), (1.0, 1.0, 1.0, float(len(x))))
        some = w[w > 0]
        least = float(some.min(initial=np.inf))
        spans = float(w.min()), least, float(w.max()), float(w.sum())
        return cls(len(x), *_ends(x), np.stack(_ends(x[w > 0])), spans)

    @classmethod
    def merged(cls, extents: Sequence[Extent]) -> Extent:
        """Of points that lie apart."""
        each = [np.array([one.counted[0] for one in extents]).min(axis=0)]
        each.append(np.array([one.counted[1] for one in extents]).max(axis=0))
        least, above, most, total = zip(*(one.weights for one in extents), strict=True)
        return cls(
            sum(one.n for one in extents),
            np.array([one.low for one in extents]).min(axis=0),
            np.array([one.high for one in extents]).max(axis=0),
            np.stack(each),
            (min(least), min(above), max(most), sum(total)),
        )

    def frame(self, centers: Floats | None) -> Frame:
        """The frame that `framed` would give them."""
        low, high, (first, last) = self.low, self.high, self.counted
        _, least, most, total = self.weights
        level = _level(total, least, most, len(low), reach(np.stack([low, high])))
        offset = np.array([_middle(*ends) for ends in zip(low, high, strict=True)], low.dtype)
        if centers is not None:  # a start must be as given
            offset[((centers - offset) + offset != centers).any(axis=0)] = 0
        centers = None if centers is None else centers - offset
        largest, size = (reach(np.stack(ends) - offset) for ends in ((low, high), (first, last)))
        exponent = _exponent(low.dtype.char, size, largest, centers)
        return Frame(offset if offset.any() else None, exponent, level)


def _offset(tables: Sequence[Floats], centers: Floats | None) -> Floats | None:
    """A number of each column to take away, 0 where it does not lie far from the origin.

    Within a factor of 2 of all numbers of the column: no difference is rounded (Sterbenz).
    """
    # A column that lies far off does so in any two of its rows, and in the first 64.
    x = tables[0]
    apart = np.abs(x[0] - x[len(x) // 2])
    suspects = np.flatnonzero(np.abs(x[0]) > FAR * apart)
    offset = np.zeros(x.shape[1] if len(suspects) else 0, x.dtype)
    for j in suspects:
        for columns in ([x[:64, j]], [table[:, j] for table in tables]):
            middle = _middle(min(c.min() for c in columns), max(c.max() for c in columns))
            if not middle:
                break
        else:
            given = middle if centers is None else centers[:, j]
            if np.all((given - middle) + middle == given):  # else a start would not be as given
                offset[j] = middle
    return offset if offset.any() else None


def _middle(low: Any, high: Any) -> Any:
    """The middle of a column that lies far from the origin; 0 of any other."""
    if not min(abs(low), abs(high)) > FAR * (high - low):
        return 0
    return low + (high - low) / 2


def _exponent(char: str, size: float, largest: float, centers: Floats | None) -> int:
    """The power of 2 that points are divided by: those with a weight reach `size`."""
    lowest, highest, most = PLAIN[char]
    if not size > 0 or lowest <= size <= highest:
        return 0
    widest = max(largest, 0 if centers is None else reach(centers))
    return max(math.frexp(size)[1], math.frexp(widest)[1] - most)


def _ends(x: Floats) -> tuple[Floats, Floats]:
    """The least and the largest of each column; NumPy is slow along a long, thin table."""
    low = [column.min(initial=np.inf) for column in x.T]
    return np.array(low, x.dtype), np.array([c.max(initial=-np.inf) for c in x.T], x.dtype)


def level_of(weights: Sequence[Weights] | None, low: float, d: int, largest: float) -> int:
    """The power of 2 that weights are divided by, having seen that no inertia can overflow."""
    if weights is None:
        return 0
    with np.errstate(over="ignore"):
        total = sum(float(w.sum()) for w in weights)
    low = low or min(float(w[w > 0].min()) for w in weights if w.any())
    return _level(total, low, max(float(w.max()) for w in weights), d, largest)


def _level(total: float, low: float, high: float, d: int, largest: float) -> int:
    most = sys.float_info.max / max(1.0, 4 * d * largest * largest)
    if not total < most:
        raise ValueError(
            f"weights must add up to less than {most:.3g} where points reach {largest:g}, "
            f"not to {total:.3g}: the inertia would overflow"
        )
    return 0 if low >= 2.0**-64 and high <= 2.0**64 else math.frexp(high)[1]
