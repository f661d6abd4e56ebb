"""What compressing one picture gave and took."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field
from typing import Any

from tinct.scoring.summary import saved

__all__ = ["Report"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What compressing one picture gave and took.

    `width` and `height` are in pixels; `bytes_in` is the size of the picture's file, None if it
    came as pixels; `bytes_out` that of the compressed one, `colors` how many that has. `psnr`, in
    dB, is inf where no pixel changed; `ssimulacra2` (100 is the original, 90 can't be told from it)
    None unless asked for; with alpha both are the least over black, white and grey, and `ground` is
    where the score was that. `bands`, which come with the score, are "none", "slight" or "visible":
    steps where the original is smooth. Of an animation of so many `frames` score and PSNR are means
    over moments, and `ssimulacra2_least` is the worst one's. `seconds` is the wall time of each
    stage.

    >>> Report(width=8, height=8, bytes_in=400, bytes_out=100, colors=4, psnr=33.5).saved
    0.75
    """

    name: str | None = None
    width: int
    height: int
    bytes_in: int | None
    bytes_out: int
    colors: int
    psnr: float
    ssimulacra2: float | None = None
    ground: str | None = None
    bands: str | None = None
    frames: int | None = None
    ssimulacra2_least: float | None = None
    seconds: dict[str, float] = field(default_factory=dict)

    @property
    def saved(self) -> float | None:
        """The fraction of the bytes saved: negative if the file grew, None without a file."""
        return saved(self.bytes_in, self.bytes_out)

    def to_dict(self) -> dict[str, Any]:
        """The report and `saved`, for JSON: an infinite PSNR becomes None."""
        psnr = self.psnr if math.isfinite(self.psnr) else None
        return {**asdict(self), "psnr": psnr, "saved": self.saved}
