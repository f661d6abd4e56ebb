"""As few colors as look the same as all of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinct.compress.encoder import Encoded, Encoder
from tinct.defaults import MAX_COLORS

if TYPE_CHECKING:
    from tinct.mapping.lossy import Loss

__all__ = ["fewest_colors"]

HALVED = (128, 64, 32, 16, 8, 4, 2)
UNSEEN = 2.0  # points of SSIMULACRA2 that fewer colors may cost


def fewest_colors(encoder: Encoder, lossy: Loss) -> Encoded:
    """Draw with as few colors as look the same as 256, or within two points of SSIMULACRA2.

    The smallest of those files.
    """
    best = encoder.draw(MAX_COLORS, lossy)
    most = encoder.score(best)
    for fewer in HALVED:
        if not encoder.fewest <= fewer < len(best.drawing.entries):
            continue
        drawn = encoder.draw(fewer, lossy)
        if encoder.score(drawn) < most - UNSEEN:
            break
        best = min(best, drawn, key=lambda d: d.size)
    return best
