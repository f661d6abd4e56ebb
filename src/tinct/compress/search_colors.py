"""As few colors as look the same as all of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tinct.compress.encoder import Encoded, Encoder
from tinct.defaults import MAX_COLORS
from tinct.mapping.lossy import FEW

if TYPE_CHECKING:
    from tinct.mapping.lossy import Loss

__all__ = ["fewest_colors"]

HALVED = (128, 64, 32, 16, 8, 4, 2)
UNSEEN = 2.0  # points of SSIMULACRA2 that fewer colors may cost
# Noise of a code or two costs more points than that, and nobody sees whether it is there.
NOISE, LOSSLESS = 2, 90.0  # codes of any pixel; the score from which its authors call it lossless


def fewest_colors(encoder: Encoder, lossy: Loss) -> Encoded:
    """Draw with as few colors as look the same as 256: within two points of SSIMULACRA2.

    Or from 90 on, with no pixel off by more than two codes. The smallest of those files.
    """
    best = encoder.draw(MAX_COLORS, lossy)
    most = encoder.score(best)
    for fewer in HALVED:
        if not encoder.fewest <= fewer < len(best.drawing.entries):
            continue
        drawn = encoder.draw(fewer, lossy)
        score = encoder.score(drawn)
        if score < most - UNSEEN and not (score >= LOSSLESS and _off(encoder, drawn) <= NOISE):
            if fewer > FEW:
                continue  # loss may be what costs that, and fewer are drawn without
            break
        best = min(best, drawn, key=lambda d: d.size)
    return best


def _off(encoder: Encoder, drawn: Encoded) -> int:
    """The most that a channel of a pixel differs by."""
    shown, meant = encoder.image(drawn), encoder.exact
    return int((np.maximum(shown, meant) - np.minimum(shown, meant)).max())
