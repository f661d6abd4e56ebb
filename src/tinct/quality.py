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

__all__ = ["Judge", "Report", "mse", "psnr", "psnr_by_rows", "ssimulacra2"]

Pixels = NDArray[np.uint8]

# What pictures with alpha are judged over. Over one ground alone what has its color is not seen: a
# grey disc may lose its opacity over grey, and black letters all of theirs over black.
GROUNDS = {"black": 0, "white": 255, "grey": 128}
AT_ONCE = 1 << 16  # samples per step: the temporaries stay in the cache
MIN_SIDE = 8  # SSIMULACRA2 knows nothing smaller
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
        Peak signal-to-noise ratio in dB; inf where no pixel changed. With alpha, the least over
        black, white and grey.
    ssimulacra2 : float, optional
        The SSIMULACRA2 score: 100 is the original, 90 can't be told from it. With alpha, the least
        over black, white and grey. None unless asked for.
    ground : {"black", "white", "grey"}, optional
        Over which of them a picture with alpha scores that.
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
    ground: str | None = None
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
    """Mean squared difference per sRGB channel; with alpha the most over black, white and grey.

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
    totals = [0, 0, 0]
    for rows in _bands(original):
        pair = (np.ascontiguousarray(pixels) for pixels in (original[rows], compressed(rows)))
        found = _kernels.squared_differences(*pair)
        totals = [total + part for total, part in zip(totals, found, strict=True)]
    height, width = original.shape[:2]
    return float(max(totals) / (height * width * 3))


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
    edges, in XYB at six scales. Pictures with alpha are judged over black, white and mid grey, and
    the least counts. Sides below 8, which the measure doesn't know, are mirrored until they have 8:
    every pixel counts as often as the others. The same scores on every machine, with any number of
    threads. Keeps some 36 bytes per pixel of the original, with alpha three times as many.

    Parameters
    ----------
    original : (h, w, 3) or (h, w, 4) uint8
        The original. It must not change while the judge lives.
    threads : int, optional
        Threads to use; by default one per core.

    Raises
    ------
    ValueError
        If the array isn't such a picture.

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
        self.original = np.ascontiguousarray(original)
        crew = threads_taken(threads) or cores()
        self._threads = crew if height * width >= WORTH else 1
        grounds = GROUNDS if _has_alpha(original) else {"black": 0}  # where all are seen alike
        judged = _judged(self.original)
        self._kernels = {g: _kernels.Judge(judged, GROUNDS[g]) for g in grounds}
        for kernel in self._kernels.values():
            self._each(kernel.prepare)

    def score(self, compressed: Pixels) -> float:
        """Judge a picture; see `ssimulacra2`.

        Parameters
        ----------
        compressed : (h, w, 3) or (h, w, 4) uint8
            As large as the original; one may have alpha and the other not.

        Returns
        -------
        float
            The least of `scores`.

        Raises
        ------
        ValueError
            If the sizes differ, or the array isn't such a picture.
        """
        return min(self.scores(compressed).values())

    def scores(self, compressed: Pixels) -> dict[str, float]:
        """Judge a picture over each ground.

        Parameters
        ----------
        compressed : (h, w, 3) or (h, w, 4) uint8
            As large as the original; one may have alpha and the other not.

        Returns
        -------
        dict
            Scores by ground, of opaque pictures over one alone: 90 can't be told from the original,
            70 is good, 50 fair, below 30 poor.

        Raises
        ------
        ValueError
            If the sizes differ, or the array isn't such a picture.
        """
        _check(self.original, compressed)
        compressed = _judged(compressed)
        scores = {}
        for ground in GROUNDS if _has_alpha(compressed) else self._kernels:
            kernel = self._kernels.get(ground, self._kernels["black"])
            trial = _kernels.Trial(kernel, compressed, GROUNDS[ground])
            self._each(trial.compare)
            scores[ground] = trial.score()
        return scores

    def _each(self, work: Callable[[int, int, int], None]) -> None:
        """Call `work` with each scale and span of rows, on as many threads as there are."""
        spans = [
            (scale, first, min(first + step, height))
            for scale, height in enumerate(self._kernels["black"].heights)
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
        The pictures; with alpha the score is the least over black, white and grey, and sides below
        8 are mirrored (`Judge`).
    threads : int, optional
        Threads to use; by default one per core.

    Returns
    -------
    float
        90 can't be told from the original, 70 is good, 50 fair, below 30 poor.

    Raises
    ------
    ValueError
        If the sizes differ, or the arrays aren't such pictures.

    Examples
    --------
    >>> import numpy as np
    >>> grey = np.full((16, 16, 3), 99, np.uint8)
    >>> ssimulacra2(grey, grey)
    100.0
    """
    _check(original, compressed)
    return Judge(original, threads=threads).score(compressed)


def _has_alpha(pixels: Pixels) -> bool:
    return pixels.shape[2] == 4 and bool((pixels[:, :, 3] < 255).any())


def _judged(pixels: Pixels) -> Pixels:
    """What is judged of a picture: itself, its short sides mirrored, whole, until they have 8.

    (By repeating the last row a corner of 3x3 pixels would count 36 times, the middle once. PSNR
    would be another scale than that of goals.)
    """
    high, wide = (side * (-(-MIN_SIDE // side) - 1) for side in pixels.shape[:2])
    if high or wide:
        pixels = np.pad(pixels, ((0, high), (0, wide), (0, 0)), "symmetric")
    return np.ascontiguousarray(pixels)


def _bands(pixels: Pixels) -> Iterator[slice]:
    step = max(1, AT_ONCE // (3 * pixels.shape[1]))
    return (slice(row, row + step) for row in range(0, len(pixels), step))


def _check(original: Pixels, compressed: Pixels) -> None:
    for name, pixels in (("original", original), ("compressed", compressed)):
        if not isinstance(pixels, np.ndarray):
            raise TypeError(f"{name} must be a uint8 array, not {type(pixels).__name__}")
        if pixels.dtype != np.uint8 or pixels.ndim != 3 or pixels.shape[2] not in (3, 4):
            raise ValueError(
                f"{name} must be uint8 (h, w, 3 or 4), not {pixels.dtype} {pixels.shape}"
            )
    if original.shape[:2] != compressed.shape[:2] or not original.size:
        sizes = " and ".join(f"{p.shape[1]}x{p.shape[0]}" for p in (original, compressed))
        raise ValueError(f"pictures must have the same size and a pixel, not {sizes}")
