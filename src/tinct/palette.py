"""Palettes: the distinct colors of a picture, and the few that K-means chooses among them.

The points are distinct colors weighted by how often they occur: the same result as clustering all
pixels, for a fraction of the work. A palette holds 8-bit colors, as a file will, so what counts is
the error after rounding; everything below is done with that in mind.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinct import _kernels
from tinct.color import from_points, to_points
from tinct.kmeans import KMeansResult, assign, kmeans, update
from tinct.rules import MAX_COLORS

__all__ = ["Histogram", "Palette", "histogram", "palette", "visibility", "weighted"]

Colors = NDArray[np.uint8]

SOLID = 240  # from this alpha on an entry for mostly opaque colors is made opaque
# Without a search over all colors so many iterations over them are enough, after those over their
# summary: up to 34 more lower the error by 0.2 % and take a tenth of the time for a palette.
ITERATIONS = 10
# A mark is so far from its center, in hue and chroma alone too (in Oklab, where red and green are
# 0.35 apart), and weighs at least as much as so many pixels; with fewer colors none is spent on it.
APART, MARK, MARKED = 0.15, 6, 12


@dataclass(frozen=True, slots=True, eq=False)
class Histogram:
    """The distinct colors of a picture.

    Attributes
    ----------
    colors : (u, c) uint8
        Each color once, near colors near each other (Morton order). Fully transparent ones count as
        one, (0, 0, 0, 0), whatever color hides in them.
    weights : (u,) float64
        What an error in each color costs: the number of its pixels, unless told otherwise.
    points : (u, c) float32
        The colors as `tinct.color.to_points` sees them.
    space : {"oklab", "srgb"}
        Where distances between the points are measured.
    """

    colors: Colors
    weights: NDArray[np.float64]
    points: NDArray[np.float32]
    space: str = "oklab"

    @property
    def hidden(self) -> NDArray[np.bool_]:
        """Which colors (at most one) are fully transparent: (u,) bool."""
        return is_hidden(self.colors)


@dataclass(frozen=True, slots=True, eq=False)
class Palette:
    """The colors a picture is to be drawn with.

    Attributes
    ----------
    colors : (k, c) uint8
        Distinct; the most transparent first, as PNG likes them, then from dark to light.
    shares : (k,) float64
        The share of the histogram's weight that each serves; they sum to 1.
    """

    colors: Colors
    shares: NDArray[np.float64]


def histogram(pixels: Colors, space: str = "oklab") -> Histogram:
    """Count the distinct colors of a picture.

    Parameters
    ----------
    pixels : (..., 3) or (..., 4) uint8
        RGB or RGBA, at least one pixel.
    space : {"oklab", "srgb"}
        Where distances are to be measured.

    Returns
    -------
    Histogram
        Colors, pixel counts, points.

    Raises
    ------
    TypeError
        If `pixels` is not uint8.
    ValueError
        If the last axis is neither 3 nor 4 long, there is no pixel, or the space is another.

    Examples
    --------
    >>> import numpy as np
    >>> found = histogram(np.array([[[9, 9, 9], [7, 8, 9], [9, 9, 9]]], dtype=np.uint8))
    >>> found.colors.tolist(), found.weights.tolist()
    ([[7, 8, 9], [9, 9, 9]], [1.0, 2.0])
    """
    flat = as_pixels(pixels).reshape(-1, pixels.shape[-1])
    colors, counts = _kernels.count_colors(flat)
    return Histogram(colors, counts.astype(np.float64), to_points(colors, space), space)


def visibility(pixels: Colors) -> NDArray[np.float32]:
    """How much an error shows at each pixel: little in texture, more where nothing happens.

    A pixel's weight is 1 / (0.006 + a), where a is the local standard deviation of Oklab's L (and
    of opacity) under a Gaussian of sigma 1 pixel; the weights are scaled to a mean of 1.

    Parameters
    ----------
    pixels : (h, w, 3) or (h, w, 4) uint8
        The picture.

    Returns
    -------
    (h, w) float32
        The weights: the same bits on every machine.

    Raises
    ------
    TypeError, ValueError
        If that is no picture.

    Examples
    --------
    >>> import numpy as np
    >>> half = np.zeros((8, 16, 3), np.uint8)
    >>> half[::2, 8:] = 255  # stripes on the right
    >>> weights = visibility(half)
    >>> bool(weights[0, 0] > 20 * weights[0, 15])
    True
    """
    pixels = as_pixels(pixels)
    if pixels.ndim != 3:
        raise ValueError(f"pixels must be (h, w, c), not {pixels.shape}")
    return _kernels.visibility(pixels)


def weighted(histogram: Histogram, pixels: Colors, weights: NDArray[np.float32]) -> Histogram:
    """Count a picture's colors by how visible they are instead of how many pixels they have.

    Parameters
    ----------
    histogram : Histogram
        The picture's distinct colors.
    pixels : (h, w, c) uint8
        The picture.
    weights : (h, w) float32
        Its `visibility`.

    Returns
    -------
    Histogram
        The same colors; each weighs the sum of the square roots of its pixels' weights.

    Examples
    --------
    >>> import numpy as np
    >>> pixels = np.array([[[9, 9, 9], [7, 8, 9], [9, 9, 9]]], dtype=np.uint8)
    >>> weighted(histogram(pixels), pixels, np.array([[4, 1, 9]], np.float32)).weights.tolist()
    [1.0, 5.0]
    """
    sums = _kernels.sum_visibility(as_pixels(pixels), histogram.colors, weights)
    return replace(histogram, weights=sums)


def palette(
    histogram: Histogram,
    colors: int = 256,
    *,
    seed: int = 0,
    effort: int = 1,
    threads: int | None = None,
) -> Palette:
    """Choose colors for a picture: K-means of its distinct colors, rounded to 8 bits.

    A picture with no more than `colors` distinct colors gets exactly those. Fully transparent
    pixels get an entry of their own, (0, 0, 0, 0), and no other entry is ever fully transparent.

    Parameters
    ----------
    histogram : Histogram
        The picture's colors and their weights.
    colors : int
        How many entries at most, 2...256.
    seed, effort, threads
        As in `tinct.kmeans`.

    Returns
    -------
    Palette
        At most `colors` entries.

    Raises
    ------
    TypeError, ValueError
        If `colors` is no integer of 2...256.

    Examples
    --------
    >>> import numpy as np
    >>> grays = np.repeat(np.array([10, 11, 12, 200, 201], dtype=np.uint8), 3).reshape(1, 5, 3)
    >>> chosen = palette(histogram(grays), 2)
    >>> chosen.colors.tolist(), chosen.shares.round(2).tolist()
    ([[11, 11, 11], [200, 200, 200]], [0.6, 0.4])
    """
    check_colors(colors)
    if len(histogram.colors) <= colors:
        return _arranged(histogram.colors, histogram.weights)
    hidden = histogram.hidden
    points, weights = histogram.points[~hidden], histogram.weights[~hidden]
    room = colors - int(hidden.any())
    how: dict[str, Any] = {"seed": seed, "effort": effort, "threads": threads}
    how["max_iter"] = ITERATIONS if effort == 1 else 300
    run = kmeans(points, room, weights=weights, **how)
    if histogram.space == "oklab" and room >= MARKED:
        mark = _find_mark(run, points, weights)
        if mark is not None and len(points) - mark.sum() > room:
            rest = kmeans(points[~mark], room - 1, weights=weights[~mark], **how)
            alone = np.zeros(int(mark.sum()), dtype=np.int32)
            center = update(points[mark], alone, 1, weights=weights[mark])
            centers = np.vstack([rest.centers, center])
            run = replace(run, centers=centers, labels=assign(points, centers)[0])
    opaque = histogram.colors[~hidden][:, 3:] == 255
    chosen, served = _rounded(run, points, weights, opaque.ravel(), histogram.space)
    chosen = np.vstack([chosen, histogram.colors[hidden]])
    return _arranged(chosen, np.append(served, histogram.weights[hidden]))


def check_colors(colors: Any) -> None:
    """Refuse anything but an integer of 2...256, by name."""
    if isinstance(colors, bool) or not isinstance(colors, (int, np.integer)):
        raise TypeError(f"colors must be an integer, not {type(colors).__name__}")
    if not 2 <= colors <= MAX_COLORS:
        raise ValueError(f"colors must be 2..{MAX_COLORS}, not {colors}")


def as_pixels(pixels: Any) -> Colors:
    """Refuse, by name, what is no array of RGB or RGBA pixels; return it contiguous."""
    if not isinstance(pixels, np.ndarray) or pixels.dtype != np.uint8:
        kind = getattr(pixels, "dtype", type(pixels).__name__)
        raise TypeError(f"pixels must be a uint8 array, not {kind}")
    if pixels.ndim < 2 or pixels.shape[-1] not in (3, 4):
        raise ValueError(f"pixels must be (..., 3) or (..., 4), not {pixels.shape}")
    if pixels.size == 0:
        raise ValueError(f"pixels must hold at least one pixel, not {pixels.shape}")
    return np.ascontiguousarray(pixels)


def is_hidden(colors: Colors) -> NDArray[np.bool_]:
    """Which of the colors (n, c) are fully transparent: (n,) bool."""
    if colors.shape[1] == 3:
        return np.zeros(len(colors), dtype=np.bool_)
    return np.asarray(colors[:, 3] == 0)


def _rounded(
    run: KMeansResult,
    points: NDArray[np.float32],
    weights: NDArray[np.float64],
    opaque: NDArray[np.bool_],
    space: str,
) -> tuple[Colors, NDArray[np.float64]]:
    """Round centers to colors; centers that became equal give way to the worst-served colors."""
    chosen = _solid(_nearest_colors(run.centers, space), run.labels, opaque, weights)
    chosen, _ = _kernels.count_colors(chosen)
    labels, distances = assign(points, to_points(chosen, space))
    if spare := len(run.centers) - len(chosen):
        worst = np.argsort(-weights * distances, kind="stable")[:spare]
        chosen, _ = _kernels.count_colors(
            np.vstack([chosen, _nearest_colors(points[worst], space)])
        )
        labels, distances = assign(points, to_points(chosen, space))
    return chosen, np.bincount(labels, weights, len(chosen)).astype(np.float64)


def _find_mark(
    run: KMeansResult, points: NDArray[np.float32], weights: NDArray[np.float64]
) -> NDArray[np.bool_] | None:
    """A small mark of a hue of its own that no center serves: which points (n,) it is made of.

    A red lamp of 24 pixels in a green photograph costs K-means less than a step of the sky does,
    but a grey lamp is another picture.
    """
    labels, distances = assign(points, run.centers)
    tint = ((points[:, 1:3] - run.centers[labels, 1:3]) ** 2).sum(axis=1)
    lost = (distances > APART**2) & (tint > APART**2)
    if not lost.any():
        return None
    middle = points[np.argmax(weights * tint * tint * lost)]
    mark = lost & (((points - middle) ** 2).sum(axis=1) < APART**2)
    # One after the other: numpy's own sums may group terms by the CPU's vectors.
    return mark if np.cumsum(weights[mark])[-1] >= MARK else None


def _solid(
    chosen: Colors,
    labels: NDArray[np.int32],
    opaque: NDArray[np.bool_],
    weights: NDArray[np.float64],
) -> Colors:
    """Make entries opaque that are nearly so and serve mostly opaque colors.

    A few smooth edges in a cluster would else let the background shine through whole areas.
    """
    if chosen.shape[1] == 3:
        return chosen
    mostly = np.bincount(labels, weights * opaque, len(chosen)) * 2 > np.bincount(
        labels, weights, len(chosen)
    )
    chosen[mostly & (chosen[:, 3] >= SOLID), 3] = 255
    return chosen


def _nearest_colors(points: NDArray[Any], space: str = "oklab") -> Colors:
    """The 8-bit color nearest to each point, and never a fully transparent one.

    What rounding adds to a cluster's error is its weight times the squared distance from its mean
    to its color. Codes do not run along Oklab's axes, so the best color may be a neighbour of the
    rounded one. (One more step of K-means after rounding was tried: it gains a twentieth of a
    percent.) Grays stay as rounded: the nearest color often has a tint, and a gray picture is to
    remain gray.
    """
    start = from_points(points, space)
    offsets = np.stack(np.meshgrid(*[[0, -1, 1]] * start.shape[1], indexing="ij"), axis=-1)
    around = start[:, None].astype(np.int16) + offsets.reshape(1, -1, start.shape[1])
    around = np.clip(around, 0, 255).astype(np.uint8)
    if start.shape[1] == 4:
        around[..., 3] = np.maximum(around[..., 3], 1)
    seen = to_points(around.reshape(-1, start.shape[1]), space).reshape(around.shape)
    away = ((seen.astype(np.float64) - np.asarray(points)[:, None]) ** 2).sum(axis=2)
    gray = (start[:, :3] == start[:, :1]).all(axis=1)
    return np.asarray(around[np.arange(len(start)), np.where(gray, 0, away.argmin(axis=1))])


def _arranged(colors: Colors, weights: NDArray[np.float64]) -> Palette:
    """Order by opacity, so that a PNG stores few of them, then by lightness."""
    lightness = to_points(colors)[:, 0]
    opacity = colors[:, 3] if colors.shape[1] == 4 else np.zeros(len(colors))
    order = np.lexsort((lightness, opacity))
    return Palette(colors[order], weights[order] / weights.sum())
