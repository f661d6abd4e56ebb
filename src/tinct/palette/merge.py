"""One histogram of many pictures."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from tinct import _kernels
from tinct.checks import word
from tinct.color.points import to_points
from tinct.palette.histogram import Histogram

__all__ = ["merge_histograms"]

PENDING = 1 << 22  # colors that wait to be added up
SHARES = float(1 << 40)  # a picture's weight: whole numbers add up alike in any order


def merge_histograms(histograms: Iterable[Histogram], each: str = "pixel") -> Histogram:
    """Add the histograms of many pictures up, so that `tinct.palette` can serve them all.

    Each "pixel" counts alike, or each "picture", however large. The order of pictures changes no
    bit. All must be in one space; with alpha if any has it. TypeError or ValueError if there is
    none, or they can't be added.

    >>> import numpy as np
    >>> from tinct import histogram
    >>> one, two = np.zeros((1, 3, 3), np.uint8), np.full((1, 1, 3), 9, np.uint8)
    >>> merged = merge_histograms([histogram(one), histogram(two)])
    >>> merged.colors.tolist(), merged.weights.tolist()
    ([[0, 0, 0], [9, 9, 9]], [3.0, 1.0])
    """
    word("each", each, "pixel", "picture")
    spaces: set[str] = set()
    alpha, size = False, 0
    waiting: list[tuple[NDArray[np.uint32], NDArray[np.int64]]] = []
    for one in histograms:
        if not isinstance(one, Histogram):
            raise TypeError(f"histograms must be Histograms, not {type(one).__name__}")
        spaces.add(one.space)
        alpha |= one.colors.shape[1] == 4
        weights = one.weights if each == "pixel" else SHARES * (one.weights / one.weights.sum())
        waiting.append((_keys(one.colors), np.rint(weights).astype(np.int64)))
        size += len(one.colors)
        if size > PENDING and len(waiting) > 1:
            waiting = [_added(waiting)]
            size = len(waiting[0][0])
            size = 0 if size > PENDING // 2 else size
    if len(spaces) != 1:
        raise ValueError(f"histograms must be in one space, not {len(spaces)}")
    keys, sums = _added(waiting)
    colors = np.ascontiguousarray(keys.view(np.uint8).reshape(-1, 4)[:, : 3 + alpha])
    ordered, _ = _kernels.count_colors(colors)
    place = np.searchsorted(keys, _keys(ordered))
    scale = 1.0 if each == "pixel" else SHARES
    (space,) = spaces
    return Histogram(ordered, sums[place] / scale, to_points(ordered, space), space)


def _added(
    waiting: Sequence[tuple[NDArray[np.uint32], NDArray[np.int64]]],
) -> tuple[NDArray[np.uint32], NDArray[np.int64]]:
    keys, inverse = np.unique(np.concatenate([one for one, _ in waiting]), return_inverse=True)
    sums = np.zeros(len(keys), np.int64)
    np.add.at(sums, inverse, np.concatenate([weights for _, weights in waiting]))
    return keys, sums


def _keys(colors: NDArray[np.uint8]) -> NDArray[np.uint32]:
    """A number for each color; opaque ones alike with alpha and without."""
    table = np.full((len(colors), 4), 255, np.uint8)
    table[:, : colors.shape[1]] = colors
    return table.view(np.uint32).ravel()
