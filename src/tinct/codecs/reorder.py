"""The order of a palette in which filters help: what meets in the picture stands together."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tinct import _kernels

__all__ = ["reordered"]


def reordered(drawing: _kernels.Drawing) -> _kernels.Drawing:
    """The same drawing, its palette in another order; entries that aren't opaque stay in front."""
    order = _alike_beside(drawing.indices, len(drawing.palette))
    place = np.empty(len(order), np.uint8)
    place[order] = np.arange(len(order))
    return _kernels.Drawing(place[drawing.indices], drawing.palette[order])


def _alike_beside(indices: NDArray[np.uint8], k: int) -> NDArray[np.intp]:
    """Entries that stand beside each other in the picture, beside each other in the palette.

    A greedy chain that grows at both ends (Zeng, Li, Lei 2000, with Pinho's weights 2004).
    """
    pairs = np.zeros(k * k, np.int64)
    for one, other in ((indices[:, 1:], indices[:, :-1]), (indices[1:], indices[:-1])):
        pairs += np.bincount((one.astype(np.intp) * k + other).ravel(), minlength=k * k)
    together = pairs.reshape(k, k)
    together = together + together.T
    np.fill_diagonal(together, 0)
    chain = [int(together.sum(1).argmax())]
    left = np.delete(np.arange(k), chain[0])
    while len(left):
        weights = together[left][:, chain]
        at = int(weights.sum(1).argmax())
        toward_left = weights[at] @ (len(chain) - 1 - 2 * np.arange(len(chain)))
        chain.insert(0 if toward_left > 0 else len(chain), int(left[at]))
        left = np.delete(left, at)
    return np.array(chain, dtype=np.intp)
