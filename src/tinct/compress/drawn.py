"""What an animation's drawing comes to: its file, and how it looks at some moments."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

__all__ = ["Drawn", "Moment"]


@dataclass(frozen=True, slots=True)
class Moment:
    """How a frame looks beside its original."""

    score: float
    psnr: float


@dataclass(frozen=True, slots=True, eq=False)
class Drawn:
    """An animation's file, its palette and frames, and how the moments look that were scored."""

    data: bytes
    palette: NDArray[np.uint8]
    shares: NDArray[np.float64]
    frames: int
    lossy: float
    moments: list[Moment] = field(default_factory=list)

    @property
    def size(self) -> int:
        """Bytes of the file."""
        return len(self.data)

    @property
    def score(self) -> float:
        """SSIMULACRA2, the mean over moments."""
        return sum(moment.score for moment in self.moments) / len(self.moments)

    @property
    def psnr(self) -> float:
        """Of the mean error over moments, in dB."""
        error = sum(10 ** (-moment.psnr / 10) for moment in self.moments) / len(self.moments)
        return -10 * math.log10(error) if error else math.inf

    @property
    def least(self) -> float:
        """SSIMULACRA2 of the worst moment."""
        return min(moment.score for moment in self.moments)
