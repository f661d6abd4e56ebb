"""K-means on pictures: their colors in Oklab, and what they look like after each iteration."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from tinct.checks import instance, whole
from tinct.clustering.kmeans import KMeansResult
from tinct.color.oklab import srgb_to_oklab
from tinct.color.points import from_points, to_points
from tinct.compress.compress import Compressed
from tinct.mapping.spatial import SpatialQuantizer
from tinct.palette.histogram import histogram
from tinct.picture.read import Picture
from tinct.plots import common
from tinct.plots.common import INK, MOST_DRAWN, SOFT, Pixels

__all__ = ["plot_colors", "plot_picture_steps"]


def plot_colors(picture: Picture, result: Compressed | KMeansResult) -> Figure:
    """Draw the colors of a picture in Oklab, the chosen ones among them, and the palette beside.

    The chosen ones are those of a Compressed, or of a run over
    ``tinct.histogram(picture.pixels).points``.

    >>> from tinct.compress.compress import compress
    >>> ramp = np.linspace(0, 255, 32 * 32 * 3).reshape(32, 32, 3).astype(np.uint8)
    >>> small = compress(ramp, colors=4)
    >>> [axes.get_xlabel() for axes in plot_colors(small.original, small).axes][:2]
    ['a: green to red', 'chroma']
    """
    cloud = Cloud.of(instance("picture", picture, Picture).pixels)
    chosen, shares = _chosen_colors(picture, result)
    lab = srgb_to_oklab(np.ascontiguousarray(chosen))
    figure = common.blank(11, 4.9, layout="constrained")
    plane, light, strip = figure.subplots(1, 3, width_ratios=(1, 1, 0.24))
    draw_plane(plane, cloud)
    draw_discs(plane, lab[:, 1:], chosen, shares)
    plane.set_aspect("equal")
    chroma = np.hypot(cloud.lab[:, 1], cloud.lab[:, 2]), np.hypot(lab[:, 1], lab[:, 2])
    places = [np.stack(p, axis=1) for p in zip(chroma, (cloud.lab[:, 0], lab[:, 0]), strict=True)]
    draw_cloud(light, places[0], cloud)
    draw_discs(light, places[1], chosen, shares)
    widest = 1.08 * max(float(chroma[0].max(initial=0)), 0.06)
    light.set(xlim=(-0.03 * widest, widest), ylim=(-0.02, 1.02))
    light.set_xlabel("chroma", color=INK)
    light.set_ylabel("L: lightness", color=INK)
    _draw_strip(strip, chosen, shares, lab[:, 0])
    figure.suptitle(f"{cloud.total:,} colors, {len(chosen)} chosen", fontsize=10.5, color=SOFT)
    return figure


@dataclass(frozen=True, slots=True, eq=False)
class Cloud:
    """The visible colors of a picture, a sample of them where there are many."""

    rgb: Pixels
    lab: NDArray[np.float32]
    size: NDArray[np.float64]  # of their dots
    total: int

    @classmethod
    def of(cls, pixels: Pixels) -> Cloud:
        counted = histogram(pixels)
        seen = np.flatnonzero(~counted.hidden)
        total = len(seen)
        if total > MOST_DRAWN:
            seen = np.sort(np.random.default_rng(0).choice(seen, MOST_DRAWN, replace=False))
        rgb = np.ascontiguousarray(counted.colors[seen, :3])
        share = counted.weights[seen] / max(counted.weights[seen].max(initial=0), 1)
        return cls(rgb, srgb_to_oklab(rgb), 3 + 60 * share, total)

    @property
    def reach(self) -> float:
        """How far the a/b plane must extend to hold them all, and a gray picture's too."""
        return max(0.06, 1.12 * float(np.abs(self.lab[:, 1:]).max(initial=0)))


def draw_cloud(axes: Axes, places: NDArray[Any], cloud: Cloud) -> None:
    """Every color as a dot of itself."""
    common.quiet(axes)
    axes.set_facecolor("#f4f4f2")
    x, y = places.T
    axes.scatter(x, y, s=cloud.size, c=cloud.rgb / 255, lw=0, alpha=0.55)


def draw_plane(axes: Axes, cloud: Cloud) -> None:
    """The cloud as seen from above, along L."""
    draw_cloud(axes, cloud.lab[:, 1:], cloud)
    axes.set(xlim=(-cloud.reach, cloud.reach), ylim=(-cloud.reach, cloud.reach))
    axes.set_xlabel("a: green to red", color=INK)
    axes.set_ylabel("b: blue to yellow", color=INK)


def draw_discs(
    axes: Axes, centers: NDArray[Any], chosen: Pixels, shares: NDArray[np.float64]
) -> list[Any]:
    area = 24 + 420 * shares
    x, y = centers.T
    ring = axes.scatter(x, y, s=area + 26, c="white", lw=0, zorder=4)
    disc = axes.scatter(x, y, s=area, c=chosen / 255, edgecolors=INK, linewidths=0.9, zorder=5)
    return [ring, disc]


def _draw_strip(
    axes: Axes, chosen: Pixels, shares: NDArray[np.float64], lightness: NDArray[np.float32]
) -> None:
    """The palette from light to dark, each color as tall as its share of the pixels."""
    order = np.argsort(-lightness, kind="stable")
    tops = np.concatenate([[0.0], np.cumsum(shares[order])])
    for color, low, high in zip(chosen[order] / 255, tops, tops[1:], strict=False):
        axes.axhspan(low, high, color=color, lw=0)
    axes.set(xlim=(0, 1), ylim=(1, 0), xticks=[], yticks=[])
    axes.set_xlabel("palette,\nby share", color=INK)
    for spine in axes.spines.values():
        spine.set_visible(False)


def _chosen_colors(
    picture: Picture, result: Compressed | KMeansResult
) -> tuple[Pixels, NDArray[np.float64]]:
    """The opaque part of the palette and the share of the pixels of each color."""
    if isinstance(result, Compressed):
        colors, shares = result.palette, result.shares
    else:
        if not isinstance(result, KMeansResult):
            kind = type(result).__name__
            raise TypeError(f"result must be a Compressed or KMeansResult, not {kind}")
        counted = histogram(picture.pixels)
        check_colors(len(counted.colors), result)
        colors = from_points(result.centers)
        shares = np.bincount(result.labels, counted.weights, len(colors)) / counted.weights.sum()
    if colors.shape[1] == 4:
        visible = colors[:, 3] > 0
        colors, shares = colors[visible, :3], shares[visible]
    return np.ascontiguousarray(colors), shares


def check_colors(colors: int, run: KMeansResult) -> None:
    if len(run.labels) != colors:
        raise ValueError(
            f"the run is over {len(run.labels):,} points, the picture has {colors:,} colors: "
            "cluster tinct.histogram(picture.pixels).points"
        )


def plot_picture_steps(
    picture: Picture, run: KMeansResult, *, panels: int = 8, rounds: int = 0
) -> Figure:
    """Draw a picture as it looks after each iteration: every pixel in the color of its center.

    The original is drawn last. The run is one over ``tinct.histogram(picture.pixels).points`` with
    ``record=True``, else ValueError; `panels` is how many iterations to show at most. `rounds` of
    K-means under the blur of the eye (`tinct.mapping.spatial`), 0...100, follow from the run's
    centers, at most 256; ValueError where no cluster is mostly opaque.

    >>> from tinct.picture.read import read
    >>> from tinct.clustering.kmeans import kmeans
    >>> picture = read(np.arange(192, dtype=np.uint8).reshape(8, 8, 3))
    >>> run = kmeans(histogram(picture.pixels).points, 2, record=True)
    >>> plot_picture_steps(picture, run, panels=1).axes[-1].get_title()
    'original'
    """
    pixels = instance("picture", picture, Picture).pixels
    shown = shown_states(pixels, run, whole("panels", panels, 1), rounds)
    painter = Painter.of(pixels, run)
    height, width = pixels.shape[:2]
    layout = common.Layout.of(len(shown) + 1, height / width)
    figure = common.blank(*layout.size, layout="compressed")
    grid = figure.subplots(layout.rows, layout.columns, squeeze=False)
    images = [painter.paint(state) for state in shown]
    titles = [state.title for state in shown]
    for axes, image, title in zip(
        grid.flat, [*images, pixels], [*titles, "original"], strict=False
    ):
        axes.imshow(image, interpolation="nearest" if max(height, width) < 400 else None)
        axes.set_title(title, fontsize=11, color=INK, pad=5)
    for axes in grid.flat:
        axes.axis("off")
    for axes, state in zip(grid.flat, shown, strict=False):
        told = {"transform": axes.transAxes, "ha": "center", "va": "top", "color": SOFT}
        axes.text(0.5, -0.03, state.note, **told)
    return figure


@dataclass(frozen=True, slots=True, eq=False)
class Painter:
    """Paints a picture with one color per cluster of its colors."""

    which: NDArray[np.intp]  # (h, w): each pixel's place among the distinct colors

    @classmethod
    def of(cls, pixels: Pixels, run: KMeansResult) -> Painter:
        colors = histogram(pixels).colors
        check_colors(len(colors), run)
        codes = _code(colors)
        order = np.argsort(codes)
        return cls(order[np.searchsorted(codes, _code(pixels), sorter=order)])

    def paint(self, state: common.State) -> Pixels:
        labels = state.labels if state.seen else state.labels[self.which]
        return np.asarray(from_points(state.centers)[labels])


def shown_states(pixels: Pixels, run: KMeansResult, most: int, rounds: int) -> list[common.State]:
    """At most that many states: iterations and, half of them at most, rounds under the blur."""
    states = common.states_of(run)
    seen = list(_rounds(pixels, run, rounds)) if whole("rounds", rounds, 0, 100) else []
    seen = [seen[i] for i in common.spread(len(seen), max(most // 2, 1))] if seen else []
    return [states[i] for i in common.spread(len(states), max(most - len(seen), 1))] + seen


def _rounds(pixels: Pixels, run: KMeansResult, rounds: int) -> Iterator[common.State]:
    """What each round's assignment leads to. Pixels that aren't opaque stay with their centers."""
    colors, labels = from_points(run.centers), run.labels[Painter.of(pixels, run).which]
    opaque = (pixels[:, :, 3:] == 255).all(axis=2)
    if colors.shape[1] == 4:  # clusters that are mostly opaque become so, as in `palette`
        opaque_ones, all_ones = (
            np.bincount(which, minlength=len(colors)) for which in (labels[opaque], labels.ravel())
        )
        colors[2 * opaque_ones > all_ones, 3] = 255
        if not (colors[:, 3] == 255).any():
            raise ValueError("rounds need a cluster that is mostly opaque, and there is none")
    steps = SpatialQuantizer(pixels, colors)
    for number in range(1, rounds + 1):
        steps.sweep()
        assigned = np.where(opaque, steps.indices, labels).astype(np.int32)
        yield common.State(number, to_points(steps.palette), assigned, steps.error(), frozenset())
        steps.update()


def _code(colors: Pixels) -> NDArray[np.uint32]:
    """A color as one number; all that is fully transparent as 0, as in the histogram."""
    code = np.zeros(colors.shape[:-1], np.uint32)
    for channel in np.moveaxis(colors, -1, 0):
        code = code << np.uint32(8) | channel
    return np.where(colors[..., 3] == 0, 0, code) if colors.shape[-1] == 4 else code
