"""One drawing that a search has tried."""

from __future__ import annotations

from dataclasses import dataclass

from tinct.compress.encoder import Encoded

__all__ = ["Trial"]


@dataclass(frozen=True, slots=True, eq=False)
class Trial:
    """A drawing, how it was made, its SSIMULACRA2 score; `dither` None: as the options say."""

    colors: int
    dither: float | None
    lossy: float
    drawn: Encoded
    score: float

    @property
    def bytes(self) -> int:
        """The size of its file."""
        return self.drawn.size
