"""SSIMULACRA2: how different two pictures look."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tinct import _kernels
from tinct.checks import threads_taken
from tinct.scoring.psnr import check_pair

__all__ = ["GROUNDS", "Reference", "has_alpha", "ssimulacra2"]

Pixels = NDArray[np.uint8]

# What pictures with alpha are judged over. Over one ground alone what has its color is not seen: a
# grey disc may lose its opacity over grey, and black letters all of theirs over black.
GROUNDS = {"black": 0, "white": 255, "grey": 128}
MIN_SIDE = 8  # SSIMULACRA2 knows nothing smaller


class Reference:
    """SSIMULACRA2 of many pictures against one original: what that needs is worked out once.

    The measure of Jon Sneyers (Cloudinary, 2022), version 2.1: structure (SSIM), added and lost
    edges, in XYB at six scales. Pictures with alpha are judged over black, white and mid grey, and
    the least counts. Sides below 8, which the measure doesn't know, are mirrored until they have 8:
    every pixel counts as often as the others. The same scores on every machine, with any number of
    threads, by default one per core. Keeps some 36 bytes per pixel of the original, with alpha
    three times as many; it must not change while the reference lives.

    >>> import numpy as np
    >>> ramp = np.arange(64 * 64 * 3, dtype=np.uint16).reshape(64, 64, 3) // 48
    >>> reference = Reference(ramp.astype(np.uint8))
    >>> [round(reference.score(ramp.astype(np.uint8) & mask)) for mask in (0xFF, 0xFC, 0xF0)]
    [100, 98, 94]
    """

    def __init__(self, original: Pixels, *, threads: int | None = None) -> None:
        check_pair(original, original)
        self.original = np.ascontiguousarray(original)
        self._threads = threads_taken(threads)
        grounds = GROUNDS if has_alpha(original) else {"black": 0}  # where all are seen alike
        judged = _judged(self.original)
        self._kernels = {
            ground: _kernels.Reference(judged, GROUNDS[ground], self._threads) for ground in grounds
        }

    def score(self, compressed: Pixels) -> float:
        """Score a picture: the least of `scores`."""
        return min(self.scores(compressed).values())

    def scores(self, compressed: Pixels) -> dict[str, float]:
        """Score a picture as large as the original over each ground, an opaque one over one alone.

        90 can't be told from the original, 70 is good, 50 fair, below 30 poor. ValueError if the
        sizes differ, or the array isn't such a picture.
        """
        check_pair(self.original, compressed)
        compressed = _judged(compressed)
        scores = {}
        for ground in GROUNDS if has_alpha(compressed) else self._kernels:
            kernel = self._kernels.get(ground, self._kernels["black"])
            scores[ground] = kernel.score(compressed, GROUNDS[ground], self._threads)
        return scores


def ssimulacra2(original: Pixels, compressed: Pixels, *, threads: int | None = None) -> float:
    """SSIMULACRA2 (Sneyers 2022): how different two pictures look; 100 is no difference.

    90 can't be told from the original, 70 is good, 50 fair, below 30 poor; with alpha the least
    over black, white and grey. The pictures are as `psnr` takes them, their sides below 8 mirrored
    (`Reference`). `threads` are by default one per core.

    >>> import numpy as np
    >>> grey = np.full((16, 16, 3), 99, np.uint8)
    >>> ssimulacra2(grey, grey)
    100.0
    """
    check_pair(original, compressed)
    return Reference(original, threads=threads).score(compressed)


def has_alpha(pixels: Pixels) -> bool:
    """Whether some pixel lets the ground through."""
    return pixels.shape[2] == 4 and bool((pixels[:, :, 3] < 255).any())


def _judged(pixels: Pixels) -> Pixels:
    """What is judged of a picture: itself, its short sides mirrored, whole, until they have 8.

    (By repeating the last row a corner of 3x3 pixels would count 36 times, the middle once. PSNR
    would be another scale than that of goals.)
    """
    high, wide = (side * (-(-MIN_SIDE // side) - 1) for side in pixels.shape[:2])
    if high or wide:
        pixels = np.pad(pixels, ((0, high), (0, wide), (0, 0)), "symmetric")
    return np.ascontiguousarray(pixels)
