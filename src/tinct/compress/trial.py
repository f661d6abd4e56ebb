"""One drawing that a search has tried."""

from __future__ import annotations

from dataclasses import dataclass

from tinct.compress.encoder import Encoded

__all__ = ["Trial"]


@dataclass(frozen=True, slots=True, eq=False)
class Trial:
    """A drawing, how it was made and what it is worth.

    Attributes
    ----------
    colors : int
        How many were allowed.
    dither : float, optional
        How much error was passed on; None: as the options say.
    lossy : float
        The loss allowed, 0...1.
    drawn : Encoded
        The drawing and its file.
    score : float
        What SSIMULACRA2 says.
    """

    colors: int
    dither: float | None
    lossy: float
    drawn: Encoded
    score: float

    @property
    def bytes(self) -> int:
        """The size of its file."""
        return self.drawn.size
