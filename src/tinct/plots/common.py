"""What all figures share: the states of a run, the view of its points, colors, numbers, panels.

Colors are those of Okabe and Ito (2008), which color-blind people tell apart; from the ninth
cluster on, others as far from them as can be found in Oklab, with another marker for every eight.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from tinct.checks import instance, listed, numbers, whole
from tinct.clustering.kmeans import KMeansResult
from tinct.color.oklab import srgb_to_oklab

Floats = NDArray[np.floating[Any]]
Pixels = NDArray[np.uint8]

INK, SOFT, LINE = "#1c1c1e", "#6e6e73", "#d6d6d2"
OKABE_ITO = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#F0E442", "#000000")
MARKERS = "os^DvPX*"
MOST_DRAWN = 6000  # points in a panel: more would only be drawn over each other


@dataclass(frozen=True, slots=True, eq=False)
class State:
    """Centers, the points assigned to them, and how they came to be there.

    Under the blur of the eye pixels are assigned, (h, w), and the inertia is the error as seen.
    """

    number: int
    centers: Floats
    labels: NDArray[np.int32]
    inertia: float
    jumped: frozenset[int]  # centers that the search or an empty cluster put elsewhere: no trail

    @property
    def seen(self) -> bool:
        """Whether it is a round under the blur."""
        return self.labels.ndim == 2

    @property
    def title(self) -> str:
        """What it is called."""
        return f"round {self.number} under the blur" if self.seen else f"iteration {self.number}"

    @property
    def note(self) -> str:
        """How far its drawing is from the picture."""
        return f"{'seen error' if self.seen else 'inertia'} {digits(self.inertia)}"


def states_of(run: KMeansResult) -> list[State]:
    """The start, and what every iteration led to."""
    if not instance("run", run, KMeansResult).history:
        raise ValueError("the run has no history: record it with kmeans(..., record=True)")
    jumped: frozenset[int] = frozenset()
    states = []
    for i, seen in enumerate(run.history):
        moved = frozenset(center for swap in seen.swapped for center in swap)
        states.append(State(i, seen.centers, seen.labels, seen.inertia, jumped | moved))
        jumped = frozenset(seen.empty[: len(seen.filled)])
    if not np.array_equal(run.centers, states[-1].centers):
        last = len(states)
        states.append(State(last, run.centers, run.labels, run.inertia, jumped))
    return states


def spread(n: int, most: int) -> list[int]:
    """At most that many of 0...n - 1: the first ones, then ever larger steps, and the last."""
    if n <= most:
        return list(range(n))
    if most == 1:
        return [n - 1]
    chosen = [0]
    for left in range(most - 1, 0, -1):
        # The ratio that would reach the last one in the steps left, yet never less than one step.
        ratio = (n / (chosen[-1] + 1)) ** (1 / left)
        chosen.append(max(chosen[-1] + 1, round((chosen[-1] + 1) * ratio) - 1))
    return chosen


def trails_of(states: Sequence[State]) -> list[Floats]:
    """For each center the places it was at, a row of NaN wherever it jumped: k arrays (m, d)."""
    k, d = states[0].centers.shape
    paths: list[list[Any]] = [[] for _ in range(k)]
    for state in states:
        for i in range(k):
            if i in state.jumped and paths[i]:
                paths[i].append(np.full(d, np.nan))
            paths[i].append(state.centers[i])
    return [np.array(path) for path in paths]


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """Points as a page shows them: as they are, or along their two principal components."""

    points: Floats  # (n, d)
    flat: NDArray[np.float64]  # (m, 2), those drawn
    drawn: NDArray[np.intp]
    labels: tuple[str, str]
    project: Callable[[Floats], NDArray[np.float64]]


def view_of(points: ArrayLike, columns: Sequence[str] | None) -> View:
    """How these points are to be shown; refuses what is no table."""
    x = numbers("points", points)
    if x.ndim != 2 or 0 in x.shape:
        raise ValueError(f"points must be a table of shape (n, d), not of shape {x.shape}")
    if not np.isfinite(x).all():
        raise ValueError("points must be finite")
    columns = None if columns is None else listed("columns", columns)
    if columns is not None and len(columns) != x.shape[1]:
        raise ValueError(f"columns must be {x.shape[1]} names, not {len(columns)}")
    rng = np.random.default_rng(0)
    drawn = np.arange(len(x))
    if len(x) > MOST_DRAWN:
        drawn = np.sort(rng.choice(len(x), MOST_DRAWN, replace=False))
    project, labels = _projection(x, columns)
    flat = project(x[drawn])
    if x.shape[1] == 1:  # spread a line of numbers out, so that points don't hide each other
        flat[:, 1] = rng.uniform(-1, 1, len(flat)) * 0.1 * max(np.ptp(flat[:, 0]), 1e-9)
    return View(x, flat, drawn, labels, project)


def _projection(
    x: Floats, columns: Sequence[str] | None
) -> tuple[Callable[[Floats], NDArray[np.float64]], tuple[str, str]]:
    d = x.shape[1]
    names = list(columns) if columns is not None else [f"x{i}" for i in range(d)]
    if d == 1:
        names.append("spread, so that all are seen")
        return lambda p: np.hstack([p, np.zeros_like(p)]).astype(np.float64), (names[0], names[1])
    if d == 2:
        return lambda p: np.asarray(p, np.float64), (names[0], names[1])
    mean = x.mean(axis=0, dtype=np.float64)
    # The covariance is d x d, however many points there are; its SVD gives axes and variances.
    axes, variances, _ = np.linalg.svd(np.cov(x, rowvar=False))
    axes = axes[:, :2] * np.sign(axes[np.abs(axes[:, :2]).argmax(axis=0), [0, 1]])
    shares = variances[:2] / max(float(variances.sum()), 1e-300)
    first, second = (
        f"principal component {i} ({s:.0%} of variance)" for i, s in enumerate(shares, 1)
    )
    return lambda p: (np.asarray(p, np.float64) - mean) @ axes, (first, second)


FLATTEST = 6  # beyond it one scale for both axes would leave a line


def limits_of(flat: NDArray[np.float64]) -> tuple[NDArray[np.float64], float]:
    """(low, high) of both axes with some air, and how tall a panel is for its width."""
    low, high = flat.min(axis=0), flat.max(axis=0)
    size = high - low
    size[size == 0] = size.max() / FLATTEST or 1.0
    middle = (low + high) / 2
    box = np.array([middle - 0.56 * size, middle + 0.56 * size])
    return box, float(size[1] / size[0])


def check_fit(view: View, run: KMeansResult) -> None:
    """Refuse a run over other points than these."""
    n, d = view.points.shape
    if run.labels.shape != (n,) or run.centers.shape[1] != d:
        shape = (len(run.labels), run.centers.shape[1])
        raise ValueError(f"the run is over points of shape {shape}, not {(n, d)}")


def all_places(view: View, states: Sequence[State]) -> NDArray[np.float64]:
    """Points and centers, wherever these ever were: what the axes must hold."""
    return np.vstack([view.flat, *(view.project(state.centers) for state in states)])


@cache
def cluster_colors(k: int) -> tuple[str, ...]:
    """Okabe and Ito's eight; then the color farthest from all taken, as long as it takes."""
    if k <= len(OKABE_ITO):
        return OKABE_ITO[:k]
    codes = np.arange(24, 256, 22, dtype=np.uint8)
    grid = np.stack(np.meshgrid(codes, codes, codes, indexing="ij"), axis=-1).reshape(-1, 3)
    lab = srgb_to_oklab(grid)
    stretch = np.array([1.3, 1, 1], np.float32)  # lightness is what all eyes see
    fits = (lab[:, 0] > 0.4) & (lab[:, 0] < 0.84) & (np.hypot(lab[:, 1], lab[:, 2]) > 0.06)
    grid, lab = grid[fits], lab[fits] * stretch
    taken = np.array([[int(c[i : i + 2], 16) for i in (1, 3, 5)] for c in OKABE_ITO], np.uint8)
    near = np.full(len(lab), np.inf, np.float32)
    for color in srgb_to_oklab(taken) * stretch:
        near = np.minimum(near, ((lab - color) ** 2).sum(axis=1))
    chosen = list(OKABE_ITO)
    while len(chosen) < k:
        best = int(near.argmax())
        chosen.append("#{:02x}{:02x}{:02x}".format(*grid[best]))
        near = np.minimum(near, ((lab - lab[best]) ** 2).sum(axis=1))
    return tuple(chosen)


def digits(value: float) -> str:
    """Four digits that matter, thousands apart, a power of ten only where nothing else is short."""
    if value == 0 or not math.isfinite(value):
        return f"{value:g}"
    exponent = math.floor(math.log10(abs(value)))
    if -4 <= exponent < 9:
        return f"{value:,.{max(0, 3 - exponent)}f}"
    return rf"{value / 10.0**exponent:.3f}$\times$10$^{{{exponent}}}$"


def blank(width: float, height: float, **options: Any) -> Figure:
    """An empty figure with a canvas of its own; sizes in inches of 100 pixels."""
    figure = Figure(figsize=(width, height), dpi=100, facecolor="white", **options)
    FigureCanvasAgg(figure)
    return figure


def quiet(axes: Axes) -> None:
    """Frame and ticks that stay behind the data."""
    for spine in axes.spines.values():
        spine.set_color(LINE)
    axes.tick_params(colors=SOFT, labelsize=8, length=3, color=LINE)


def short(value: float) -> str:
    """For ticks, which are round already."""
    return f"{value:,.10g}" if abs(value) < 1e9 else f"{value:g}"


def headline_of(
    view: View,
    run: KMeansResult,
    states: Sequence[State],
    shown: Sequence[int],
    sample_of: int | None,
) -> str:
    """K, how many points, and what of all that is shown."""
    n = len(view.points) if sample_of is None else whole("sample_of", sample_of, 1)
    parts = [f"K = {len(run.centers)}", f"{n:,} points"]
    if len(view.drawn) < n:
        parts[-1] += f", {len(view.drawn):,} of them drawn"
    if len(shown) < len(states):
        parts.append(f"{len(shown)} of {len(states)} iterations")
    return "   ".join(parts)


@dataclass(frozen=True, slots=True)
class Layout:
    """Rows and columns of panels, their size, and whether both axes can have the same scale."""

    rows: int
    columns: int
    width: float  # of a panel, in inches
    height: float
    equal: bool

    @classmethod
    def of(cls, panels: int, tall: float) -> Layout:
        """So many panels, each so tall for its width, on a page of about 3 to 2."""
        equal = 0.99 / FLATTEST <= tall <= 1.01 * FLATTEST
        shape = min(max(tall, 1 / 3), 3) if equal else 1.0
        area = {1: 20.0, 2: 12.0, 3: 10.0, 4: 9.0}.get(panels, 6.5)
        width = min(max(math.sqrt(area / shape), 1.9), 7.0)
        height = min(width * (tall if equal else 1.0), 6.5)

        def cost(columns: int) -> float:
            rows = math.ceil(panels / columns)
            ratio = columns * (width + 0.3) / (rows * (height + 0.7))
            return abs(math.log(ratio / 1.5)) + 0.35 * (rows * columns - panels)

        columns = min(range(1, panels + 1), key=cost)
        return cls(math.ceil(panels / columns), columns, width, height, equal)

    @property
    def size(self) -> tuple[float, float]:
        """Of the whole figure, in inches."""
        width = self.columns * (self.width + 0.25) + 0.6
        return max(width, 4.2), self.rows * (self.height + 0.62) + 0.85

    def marker(self, n: int, k: int) -> tuple[float, float]:
        """Points' area and the crosses' width, in units of matplotlib."""
        room = self.width * self.height * 72 * 72
        return min(max(0.09 * room / n, 1.5), 28), min(max(20 / math.sqrt(k), 4.5), 9)


def draw_points(
    axes: Axes, view: View, labels: NDArray[np.int32], k: int, size: float
) -> list[Any]:
    """The points in the colors of their clusters."""
    here, drawn = labels[view.drawn], []
    for cluster, color in enumerate(cluster_colors(k)):
        x, y = view.flat[here == cluster].T
        marker = MARKERS[cluster // 8 % len(MARKERS)]
        drawn.append(axes.scatter(x, y, s=size, c=color, marker=marker, lw=0, alpha=0.8))
    return drawn


def draw_trails(axes: Axes, paths: Sequence[NDArray[np.float64]], size: float) -> list[Any]:
    """Where the centers have been: a dot at every place, a line unless a center jumped."""
    gap = np.full((1, 2), np.nan)
    x, y = np.vstack([row for path in paths for row in (path, gap)]).T
    thin = min(1.1, size / 7)
    under = axes.plot(x, y, color="white", lw=thin + 1.8, zorder=3, solid_capstyle="round")
    over = axes.plot(x, y, color=INK, lw=thin, marker="o", ms=size / 3.2, mew=0, zorder=4)
    return [*under, *over]


def draw_crosses(axes: Axes, places: NDArray[np.float64], size: float) -> list[Any]:
    """The centers as they stand."""
    x, y = places.T
    under = axes.plot(x, y, "x", color="white", ms=size + 2, mew=size / 2.1 + 1, zorder=5)
    over = axes.plot(x, y, "x", color=INK, ms=size, mew=size / 3.8, zorder=6)
    return [*under, *over]


def frame_axes(axes: Axes, box: NDArray[np.float64], equal: bool) -> None:
    """The same limits and scales for every panel."""
    quiet(axes)
    axes.set_xlim(box[0, 0], box[1, 0])
    axes.set_ylim(box[0, 1], box[1, 1])
    axes.set_aspect("equal" if equal else "auto")
    axes.locator_params(nbins=4)
