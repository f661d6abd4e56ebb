"""How good a compressed picture is, and at what price: measures and the report. It only reads."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinct import _kernels
from tinct.kmeans import cores, threads_taken
from tinct.summary import decibels, saved

__all__ = ["MIN_SIDE", "Judge", "Report", "mse", "psnr", "psnr_by_rows", "ssimulacra2"]

Pixels = NDArray[np.uint8]

GREY = 128  # what transparent pictures are judged over: neither flatters dark edges nor light ones
AT_ONCE = 1 << 16  # samples per step: the temporaries stay in the cache
MIN_SIDE = 8  # SSIMULACRA2 can't judge anything smaller
# A thread is worth at least so many rows of pixels, and threads at all so many pixels.
ROWS, WORTH = 64, 1 << 16


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
        return saved(self.bytes_in, self.bytes_out)

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
    return _mse(original, lambda rows: compressed[rows])


def _mse(original: Pixels, compressed: Callable[[slice], Pixels]) -> float:
    """`mse` where only a band of the compressed picture is there at a time."""
    total = 0
    for rows in _bands(original):
        ours, theirs = _seen(original[rows]), _seen(compressed(rows))
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
    return decibels(mse(original, compressed))


def psnr_by_rows(original: Pixels, compressed: Callable[[slice], Pixels]) -> float:
    """`psnr` of a picture that is painted a few rows at a time: 10 megapixels are 30 MB.

    Parameters
    ----------
    original : (h, w, 3) or (h, w, 4) uint8
        The original.
    compressed : callable
        Gives the rows of a slice, as (rows, w, 3) or (rows, w, 4) uint8.

    Returns
    -------
    float
        As `psnr`.

    Examples
    --------
    >>> import numpy as np
    >>> other = np.full((2, 2, 3), 3, np.uint8)
    >>> round(psnr_by_rows(np.zeros((2, 2, 3), np.uint8), lambda rows: other[rows]), 2)
    38.59
    """
    return decibels(_mse(original, compressed))


class Judge:
    """SSIMULACRA2 of many pictures against one original: what that needs is worked out once.

    The measure of Jon Sneyers (Cloudinary, 2022), version 2.1: structure (SSIM), added and lost
    edges, in XYB at six scales. Pictures with alpha are judged over mid grey. The same scores on
    every machine, with any number of threads. Keeps some 36 bytes per pixel of the original.

    Parameters
    ----------
    original : (h, w, 3) or (h, w, 4) uint8
        The original, at least 8x8. It must not change while the judge lives.
    threads : int, optional
        Threads to use; by default one per core.

    Raises
    ------
    ValueError
        If the array isn't such a picture, or below 8x8.

    Examples
    --------
    >>> import numpy as np
    >>> ramp = np.arange(64 * 64 * 3, dtype=np.uint16).reshape(64, 64, 3) // 48
    >>> judge = Judge(ramp.astype(np.uint8))
    >>> [round(judge.score(ramp.astype(np.uint8) & mask)) for mask in (0xFF, 0xFC, 0xF0)]
    [100, 98, 94]
    """

    def __init__(self, original: Pixels, *, threads: int | None = None) -> None:
        _check(original, original)
        height, width = original.shape[:2]
        if min(height, width) < MIN_SIDE:
            raise ValueError(
                f"SSIMULACRA2 needs at least {MIN_SIDE}x{MIN_SIDE} pixels, not {width}x{height}"
            )
        self.original = np.ascontiguousarray(original)
        crew = threads_taken(threads) or cores()
        self._threads = crew if height * width >= WORTH else 1
        self._kernel = _kernels.Judge(self.original)
        self._each(self._kernel.prepare)

    def score(self, compressed: Pixels) -> float:
        """Judge a picture; see `ssimulacra2`.

        Parameters
        ----------
        compressed : (h, w, 3) or (h, w, 4) uint8
            As large as the original; one may have alpha and the other not.

        Returns
        -------
        float
            90 can't be told from the original, 70 is good, 50 fair, below 30 poor.

        Raises
        ------
        ValueError
            If the sizes differ, or the array isn't such a picture.
        """
        _check(self.original, compressed)
        trial = _kernels.Trial(self._kernel, np.ascontiguousarray(compressed))
        self._each(trial.compare)
        return trial.score()

    def _each(self, work: Callable[[int, int, int], None]) -> None:
        """Call `work` with each scale and span of rows, on as many threads as there are."""
        spans = [
            (scale, first, min(first + step, height))
            for scale, height in enumerate(self._kernel.heights)
            for step in [max(-(-height // self._threads), ROWS)]
            for first in range(0, height, step)
        ]
        if self._threads == 1:
            for span in spans:
                work(*span)
            return
        from concurrent.futures import ThreadPoolExecutor

        with ThreadPoolExecutor(self._threads, "tinct") as pool:
            list(pool.map(lambda span: work(*span), spans))


def ssimulacra2(original: Pixels, compressed: Pixels, *, threads: int | None = None) -> float:
    """SSIMULACRA2 (Sneyers 2022): how different two pictures look; 100 is no difference.

    Parameters
    ----------
    original, compressed : (h, w, 3) or (h, w, 4) uint8
        The pictures, at least 8x8; those with alpha are judged over mid grey.
    threads : int, optional
        Threads to use; by default one per core.

    Returns
    -------
    float
        90 can't be told from the original, 70 is good, 50 fair, below 30 poor.

    Raises
    ------
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
    return Judge(original, threads=threads).score(compressed)


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
