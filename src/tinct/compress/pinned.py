"""Colors that a file must hold as they are: a palette that was given, or some reserved among K."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinct.checks import flag
from tinct.codecs.registry import codec_of
from tinct.defaults import MAX_COLORS
from tinct.errors import PaletteError
from tinct.palette.given import given_palette
from tinct.palette.histogram import is_hidden
from tinct.palette.ramp import along_ramp

__all__ = ["FREE", "Pinned", "pinned"]

Colors = NDArray[np.uint8]
DOTS = 0.15  # what a dot counts beside one of a palette that moves


@dataclass(frozen=True, slots=True)
class Pinned:
    """The colors as RGBA bytes; `whole`: they are the palette; `ordered`: it stays as it is."""

    colors: bytes = b""
    whole: bool = False
    ordered: bool = False

    def __bool__(self) -> bool:
        return bool(self.colors)

    @property
    def listed(self) -> bool:
        """Whether the file has entries that no pixel may use."""
        return self.ordered or bool(self and not self.whole)

    @property
    def table(self) -> Colors:
        """The colors: (k, 4)."""
        return np.frombuffer(self.colors, np.uint8).reshape(-1, 4)

    def fit(self, pixels: Colors) -> Colors:
        """The pixels with as many channels as the colors need, and for a ramp along it."""
        seen = np.ascontiguousarray(self.table[self.table[:, 3] > 0][:, :3])
        if pixels.shape[2] == 3 and not (self.table[:, 3] == 255).all():
            opaque = np.full((*pixels.shape[:2], 1), 255, np.uint8)
            pixels = np.concatenate([pixels, opaque], axis=2)
        return along_ramp(pixels, seen) if self.whole else pixels

    def entries(self, pixels: Colors) -> bytes:
        """The colors with the channels of such pixels; full transparency added where they need it.

        PaletteError if a palette has no room for that.
        """
        table = self.table
        if pixels.shape[2] == 3:
            seen = table[:, 3] == 255
            return (table[seen] if seen.any() else table)[:, :3].tobytes()
        if not self.whole or is_hidden(table).any():
            return table.tobytes()
        if (pixels[:, :, 3] > 0).all():
            return self.colors
        if len(table) == MAX_COLORS:
            raise PaletteError(
                f"palette must leave one of {MAX_COLORS} colors to what is transparent here"
            )
        return self.colors + bytes(4)

    def finer(self, dither: float) -> float:
        """How finely a given palette is mixed for this `dither`: nearer to 1.

        Its entries lie farther apart than those that move to the picture: at 0.75 dots too few left
        dark areas black in black and white. On two photographs and four palettes 0.946 instead
        brings the error after a blur to 60 %, 70 % and 100 % (Game Boy), for 3 to 12 % more bytes.
        """
        if not (self.whole and dither):
            return dither
        return 1 / math.sqrt(1 + DOTS * (1 / max(dither, 1 / 64) ** 2 - 1))

    def drawn(self, entries: bytes) -> dict[str, Any]:
        """What the drawing core is told of them."""
        kept = bool(self and not self.whole)
        return {"fixed": entries, "kept": kept, "ordered": self.ordered}


FREE = Pinned()


def pinned(palette: Any, reserve: Any, keep_order: Any, colors: Any, format: str) -> Pinned:
    """What was asked for; ValueError names what can't be."""
    keep_order = flag("keep_order", keep_order)
    if palette is not None and reserve is not None:
        raise ValueError("palette and reserve exclude each other")
    if palette is not None and colors is not None:
        raise ValueError("palette and colors exclude each other: all of a palette may be used")
    if keep_order and palette is None:
        raise ValueError("keep_order needs a palette whose order it keeps")
    if keep_order and not codec_of(format).lists:
        raise ValueError(f"keep_order needs png or gif: {format} has an order of its own")
    if palette is None and reserve is None:
        return FREE
    name = "reserve" if palette is None else "palette"
    table = given_palette(name, reserve if palette is None else palette).rgba
    room = colors if isinstance(colors, int) else MAX_COLORS
    if not len(table) <= room:
        raise ValueError(f"{name} must hold 1..{room} colors, not {len(table)}")
    if palette is not None and not table[:, 3].any():
        raise ValueError("palette must hold a color that can be seen")
    soft = (table[:, 3] > 0) & (table[:, 3] < 255)
    if soft.any() and not codec_of(format).partial_alpha:
        raise ValueError(
            f"{name} must be opaque or fully transparent in a {format}, "
            f"not #{table[soft.argmax()].tobytes().hex()}"
        )
    return Pinned(table.tobytes(), palette is not None, keep_order)
