"""K-means as the eye sees it: pixels and palette together, their error seen through a blur.

What the eye melts is no error: two dots side by side look like the color between them. Spatial
color quantization (Puzicha, Held, Ketterer, Buhmann and Fellner 2000) is K-means with that in its
inertia. With x the picture in linear light, P the palette and i the indices,

    E(P, i) = sum_p |(G * e)_p|^2 + own * sum_p |e_p|^2 + block * sum_b |sum_{p in b} e_p|^2 / 256,
    e_p = J_p (x_p - P[i_p]).

G is a Gaussian of about a pixel, and J_p the derivative of Oklab where the picture is, so that an
error counts as it is seen. A large `own` gives the textbook's nearest colors, a small one fine
dots; nothing else separates K-means from dithering. Where dots cost something there are too few of
them: `block` holds the mean of every 16 x 16 pixels against that.

Both halves of K-means lower E, or leave it: the update moves the palette, of which E is a quadratic
function, and the assignment goes from pixel to pixel and lets each take the entry that lowers the
whole of E most.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinct import _kernels
from tinct.checks import number, threads_taken, whole
from tinct.mapping.remap import as_palette, check_dither, remap
from tinct.palette.histogram import Histogram, as_pixels

__all__ = ["SpatialQuantizer", "remap_spatial"]

Colors = NDArray[np.uint8]
Indices = NDArray[np.uint8]

WIDEST = 1.6  # pixels: the kernels' blur reaches no further


class SpatialQuantizer:
    """One picture and one palette, step by step.

    The first `sweep` draws the picture, pixels that are not drawn yet counting as perfect. From
    then on `update` and `sweep` take turns.

    Parameters
    ----------
    pixels : (h, w, c) uint8
        RGB or RGBA. Only opaque pixels are drawn; the indices of the others are 0.
    palette : (k, c) uint8
        The 1...256 colors to start with. Only the opaque ones are used, and there must be one.
    sigma : float
        Standard deviation of the blur in pixels, 0...1.6.
    own : float
        What an error counts by itself, 0...1000, beside 1 for the blurred error.
    block : float
        What the mean error of 16 x 16 pixels counts, 0...1000, for each of them.
    fixed : (k,) bool, optional
        Entries that must not move.
    threads : int, optional
        Threads to work with; by default one per core. The result does not depend on it.

    Raises
    ------
    TypeError, ValueError
        If an argument is of another kind, shape or range.

    Examples
    --------
    >>> import numpy as np
    >>> gray = np.full((32, 32, 3), 128, np.uint8)
    >>> black_and_white = np.array([[0, 0, 0], [255, 255, 255]], np.uint8)
    >>> steps = SpatialQuantizer(gray, black_and_white, own=0.02)
    >>> steps.sweep()
    1024
    >>> drawn = steps.error()
    >>> steps.update()
    True
    >>> steps.error() < drawn
    True
    """

    def __init__(
        self,
        pixels: Colors,
        palette: Colors,
        *,
        sigma: float = 1.0,
        own: float = 0.1,
        block: float = 0.5,
        fixed: NDArray[np.bool_] | None = None,
        threads: int | None = None,
    ) -> None:
        pixels = as_pixels(pixels)
        palette = as_palette(palette, pixels)
        if palette.shape[1] == 4 and not (palette[:, 3] == 255).any():
            raise ValueError("palette must hold an opaque color")
        kept, crew = _fixed(fixed, len(palette)), threads_taken(threads)
        self._kernel = _kernels.SpatialQuantizer(pixels, palette, kept, crew)
        sigma, own = number("sigma", sigma, 0, WIDEST), number("own", own, 0, 1000)
        self._kernel.look(sigma, own, block=number("block", block, 0, 1000))
        self._back = False

    @property
    def palette(self) -> Colors:
        """The colors at present: (k, c) uint8."""
        return self._kernel.palette

    @property
    def indices(self) -> Indices:
        """Each pixel's entry at present, (h, w) uint8: a view that the next sweep writes to."""
        return self._kernel.indices

    def sweep(self) -> int:
        """Assign: each pixel takes the entry that lowers the error most.

        Returns the number of pixels that changed.
        """
        changed = self._kernel.sweep(self._back)
        self._back = not self._back
        return changed

    def update(self, steps: int = 2) -> bool:
        """Move the palette to where the error is lower, by steps of conjugate gradients.

        Colors are rounded to 8 bits. Where that would raise the error, or no move lowers it, the
        palette stays as it is, and the answer is False.
        """
        return self._kernel.update(whole("steps", steps, 1, 1000))

    def error(self) -> float:
        """E, over all opaque pixels."""
        return self._kernel.error()


def remap_spatial(
    pixels: Colors,
    palette: Colors,
    *,
    dither: float = 0.75,
    fixed: NDArray[np.bool_] | None = None,
    counted: Histogram | None = None,
    effort: int = 1,
    threads: int | None = None,
) -> tuple[Indices, Colors]:
    """Draw a picture with a palette that adapts itself to what the eye makes of the drawing.

    Opaque pixels take opaque entries, and those move. All other pixels are then mapped by `remap`.
    Color is blurred wider than lightness, as the eye does, and counts half beyond 32 colors.

    Parameters
    ----------
    pixels : (h, w, c) uint8
        RGB or RGBA.
    palette : (k, c) uint8
        1...256 colors with as many channels, as `tinct.palette` chooses them.
    dither : float
        How fine the dots may be: 1 gives the finest, 0 is `remap` without dithering.
    fixed : (k,) bool, optional
        Entries that must not move.
    counted : Histogram, optional
        The pixels' histogram, if it is known already.
    effort : int
        0...10. Rounds of K-means: 10 up to 8 colors, 4 up to 128, 1 beyond; 8 beyond 8 colors from
        effort 5 on, 2 up to 128 at effort 0. Of large pictures strips from all over, a million
        pixels, move the palette; the whole is then drawn once, twice from effort 2 on.
    threads : int, optional
        Threads to work with; by default one per core. The result does not depend on it.

    Returns
    -------
    indices : (h, w) uint8
        Each pixel's entry.
    palette : (k, c) uint8
        The palette as it is now, each entry in its place.

    Raises
    ------
    TypeError, ValueError
        As `remap` does, and if `fixed` or `effort` is of another kind or range.

    Examples
    --------
    >>> import numpy as np
    >>> ramp = np.repeat(np.arange(0, 256, 4, dtype=np.uint8), 3).reshape(1, 64, 3).repeat(64, 0)
    >>> indices, colors = remap_spatial(ramp, ramp[0, [8, 56]])
    >>> indices.shape, colors.shape
    ((64, 64), (2, 3))
    """
    pixels = as_pixels(pixels)
    palette = as_palette(palette, pixels)
    kept = _fixed(fixed, len(palette))
    dither, effort, crew = (
        check_dither(dither),
        whole("effort", effort, 0, 10),
        threads_taken(threads),
    )
    drawn = None
    if dither > 0:
        drawn = _kernels.draw_spatial(pixels, palette, kept, dither, effort, crew)
    if drawn is None:
        return remap(pixels, palette, dither=dither, counted=counted, threads=threads), palette
    palette, indices = drawn
    if pixels.shape[2] == 4 and (rest := pixels[:, :, 3] != 255).any():
        indices[rest] = remap(pixels, palette, dither=dither, counted=counted, threads=threads)[
            rest
        ]
    return indices, palette


def _fixed(fixed: Any, colors: int) -> NDArray[np.bool_]:
    if fixed is None:
        return np.zeros(colors, np.bool_)
    if not isinstance(fixed, np.ndarray):
        raise TypeError(f"fixed must be a bool array, not {type(fixed).__name__}")
    if fixed.shape != (colors,) or fixed.dtype != np.bool_:
        raise ValueError(f"fixed must be bool ({colors},), not {fixed.dtype} {fixed.shape}")
    return np.ascontiguousarray(fixed)
