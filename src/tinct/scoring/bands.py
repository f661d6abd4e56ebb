"""Bands: steps in a drawing where its original is smooth."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tinct import _kernels
from tinct.scoring.psnr import check_pair
from tinct.scoring.ssimulacra2 import GROUNDS, has_alpha

__all__ = ["bands", "bands_word"]

Pixels = NDArray[np.uint8]
# Chosen on 20 pictures, drawn in 13 to 17 ways by tinct, pngquant and Pillow, so that the words are
# those of CAMBI (libvmaf, max_log_contrast 5, full reference; the larger of full and halved): up to
# 2 none, from 5 on, where it begins to annoy, visible. They agree in 79 % there and in 76 % on 10
# others. The number ranks 399 drawings as the sum of both CAMBI does (Spearman 0.87; photographs
# 0.91, graphics 0.82, the 10 others 0.77). Where the words are two apart, steps are mostly wider
# than CAMBI looks at: 16 colors without dithering.
SLIGHT, VISIBLE = 0.03, 0.1


def bands(original: Pixels, compressed: Pixels) -> float:
    """How much the compressed picture looks banded where the original does not: 0 is not at all.

    After CAMBI (Tandon and others, Netflix 2021). An area is what lies among equal neighbors;
    where two of them share a block of 32 x 32 pixels, their step in 8-bit codes, up to 8, times the
    share of the block that lies on both sides. Larger steps count only where the original is
    smooth. What the original has of that is taken off, and the mean over all blocks is added to
    that of both pictures halved, where dots melt; with alpha the most over black, white and mid
    grey. Lightness alone is looked at. The pictures are as `psnr` takes them, the number the same
    on every machine. From 0.03 on bands can be seen, from 0.1 on they are visible at once.

    >>> import numpy as np
    >>> sky = np.arange(64, dtype=np.uint8).repeat(192).reshape(64, 64, 3)
    >>> round(bands(sky, sky // 8 * 8), 1), bands(sky, sky)
    (1.5, 0.0)
    """
    check_pair(original, compressed)
    one, other = np.ascontiguousarray(original), np.ascontiguousarray(compressed)
    grounds = GROUNDS.values() if has_alpha(one) or has_alpha(other) else (0,)
    return max(_kernels.bands(one, other, ground) for ground in grounds)


def bands_word(original: Pixels, compressed: Pixels) -> str:
    """Say it in a word: "none", "slight" or "visible".

    >>> import numpy as np
    >>> grey = np.full((16, 16, 3), 99, np.uint8)
    >>> bands_word(grey, grey)
    'none'
    """
    found = bands(original, compressed)
    return "none" if found < SLIGHT else "slight" if found < VISIBLE else "visible"
