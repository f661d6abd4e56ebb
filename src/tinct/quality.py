"""How good a compressed picture is, and at what price: measures and the report. It only reads."""

from __future__ import annotations

import io
import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinct import _kernels

__all__ = ["Report", "mse", "psnr", "size_text", "ssimulacra2"]

Pixels = NDArray[np.uint8]

GREY = 128  # what transparent pictures are judged over: neither flatters dark edges nor light ones
AT_ONCE = 1 << 16  # samples per step: the temporaries stay in the cache


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What compressing one picture gave and took.

    Attributes
    ----------
    name : str, optional
        Which picture.
    width, height : int
        Its size in pixels.
    bytes_in : int, optional
        The size of its file; None if it came as pixels.
    bytes_out : int
        The size of the compressed file.
    colors : int
        How many colors that has.
    psnr : float
        Peak signal-to-noise ratio in dB; inf where no pixel changed.
    ssimulacra2 : float, optional
        The SSIMULACRA2 score: 100 is the original, 90 can't be told from it. None unless asked for.
    seconds : dict
        Wall time of each stage.

    Examples
    --------
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
    seconds: dict[str, float] = field(default_factory=dict)

    @property
    def saved(self) -> float | None:
        """The fraction of the bytes saved: negative if the file grew, None without a file."""
        return 1 - self.bytes_out / self.bytes_in if self.bytes_in else None

    def to_dict(self) -> dict[str, Any]:
        """The report and `saved`, for JSON: an infinite PSNR becomes None."""
        psnr = self.psnr if math.isfinite(self.psnr) else None
        return {**asdict(self), "psnr": psnr, "saved": self.saved}


def mse(original: Pixels, compressed: Pixels) -> float:
    """Mean squared difference per sRGB channel, of pictures with alpha as seen over mid grey.

    Parameters
    ----------
    original, compressed : (h, w, 3) or (h, w, 4) uint8
        The pictures; one may have alpha and the other not.

    Returns
    -------
    float
        0...65025: exact, so the same on every machine.

    Raises
    ------
    ValueError
        If the sizes differ, or the arrays aren't such pictures.

    Examples
    --------
    >>> import numpy as np
    >>> mse(np.zeros((2, 2, 3), np.uint8), np.full((2, 2, 3), 3, np.uint8))
    9.0
    """
    _check(original, compressed)
    total = 0
    for rows in _bands(original):
        ours, theirs = _seen(original[rows]), _seen(compressed[rows])
        total += _kernels.squared_error(ours.reshape(-1), theirs.reshape(-1))
    height, width = original.shape[:2]
    return float(total / (height * width * 3))


def psnr(original: Pixels, compressed: Pixels) -> float:
    """Peak signal-to-noise ratio in dB over the three color channels; see `mse`.

    Parameters
    ----------
    original, compressed : (h, w, 3) or (h, w, 4) uint8
        The pictures.

    Returns
    -------
    float
        ``10 log10(255**2 / mse)``; inf where they look equal.

    Raises
    ------
    ValueError
        If the sizes differ, or the arrays aren't such pictures.

    Examples
    --------
    >>> import numpy as np
    >>> round(psnr(np.zeros((2, 2, 3), np.uint8), np.full((2, 2, 3), 3, np.uint8)), 2)
    38.59
    """
    error = mse(original, compressed)
    return 10 * math.log10(255 * 255 / error) if error else math.inf


def ssimulacra2(original: Pixels, compressed: Pixels) -> float:
    """SSIMULACRA2 (Sneyers 2022): how different two pictures look; 100 is no difference.

    Parameters
    ----------
    original, compressed : (h, w, 3) or (h, w, 4) uint8
        The pictures, at least 8x8; those with alpha are judged over mid grey.

    Returns
    -------
    float
        90 can't be told from the original, 70 is good, 50 fair, below 30 poor.

    Raises
    ------
    ImportError
        Without the extra ``tinct[metrics]``.
    ValueError
        If the sizes differ or are below 8x8, which the measure can't judge.

    Examples
    --------
    >>> import numpy as np
    >>> grey = np.full((16, 16, 3), 99, np.uint8)
    >>> ssimulacra2(grey, grey)
    100.0
    """
    _check(original, compressed)
    height, width = original.shape[:2]
    if min(height, width) < 8:
        raise ValueError(f"SSIMULACRA2 needs at least 8x8 pixels, not {width}x{height}")
    try:
        from ssimulacra2 import compute_ssimulacra2
    except ImportError as error:
        raise ImportError("SSIMULACRA2 needs an extra: pip install 'tinct[metrics]'") from error
    return float(compute_ssimulacra2(_as_file(original), _as_file(compressed)))


def size_text(size: int) -> str:
    """Bytes as people read them: two digits or more, and kB, MB, GB by thousands.

    Parameters
    ----------
    size : int
        Bytes.

    Returns
    -------
    str
        Such as ``"4.1 kB"``.

    Examples
    --------
    >>> [size_text(size) for size in (999, 4_149, 41_490, 999_600, 12_000_000)]
    ['999 B', '4.1 kB', '41 kB', '1.0 MB', '12 MB']
    """
    if size < 1000:
        return f"{size} B"
    value, unit = size / 1000, "kB"
    for larger in ("MB", "GB", "TB"):
        if value < 999.5:
            break
        value, unit = value / 1000, larger
    return f"{value:.1f} {unit}" if value < 9.95 else f"{value:.0f} {unit}"


def _as_file(pixels: Pixels) -> io.BytesIO:
    """As a PPM in memory: the package takes files, and this one is pixels behind a header."""
    header = f"P6 {pixels.shape[1]} {pixels.shape[0]} 255\n".encode()
    return io.BytesIO(header + _seen(pixels).tobytes())


def _seen(pixels: Pixels) -> Pixels:
    """As seen over mid grey, rounded to whole steps: (h, w, 3) uint8."""
    if pixels.shape[2] == 3:
        return pixels
    alpha = pixels[:, :, 3:].astype(np.uint16)
    mixed: Pixels = ((pixels[:, :, :3] * alpha + GREY * (255 - alpha) + 127) // 255).astype(
        np.uint8
    )
    return mixed


def _bands(pixels: Pixels) -> Iterator[slice]:
    step = max(1, AT_ONCE // (3 * pixels.shape[1]))
    return (slice(row, row + step) for row in range(0, len(pixels), step))


def _check(original: Pixels, compressed: Pixels) -> None:
    for pixels in (original, compressed):
        if pixels.dtype != np.uint8 or pixels.ndim != 3 or pixels.shape[2] not in (3, 4):
            raise ValueError(
                f"pixels must be uint8 (h, w, 3 or 4), not {pixels.dtype} {pixels.shape}"
            )
    if original.shape[:2] != compressed.shape[:2] or not original.size:
        sizes = " and ".join(f"{p.shape[1]}x{p.shape[0]}" for p in (original, compressed))
        raise ValueError(f"pictures must have the same size and a pixel, not {sizes}")
