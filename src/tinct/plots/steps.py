"""K-means on points: every iteration a panel, the inertia over the iterations, the choice of K."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from tinct.checks import instance, whole
from tinct.clustering.choose import Choice
from tinct.clustering.kmeans import KMeansResult
from tinct.plots import common
from tinct.plots.common import INK, LINE, OKABE_ITO, SOFT

__all__ = ["plot_choose_k", "plot_inertia", "plot_steps"]


def plot_steps(
    points: ArrayLike,
    run: KMeansResult,
    *,
    panels: int = 12,
    columns: Sequence[str] | None = None,
    sample_of: int | None = None,
) -> Figure:
    """Draw the iterations of K-means, a panel each: points by cluster, centers and their trails.

    Points of more than 2 dimensions are shown along the first two principal components, and the
    axes say so; `columns` are names of the dimensions. `panels` is how many iterations to show at
    most: the first ones, some of the later, and the last. `sample_of` is how many points the run
    was over, if these and its labels are a sample of them. ValueError if the run has no history
    (``record=True``), or does not belong to the points.

    >>> from tinct.clustering.kmeans import kmeans
    >>> points = [[0.0, 0.0], [0.0, 1.0], [4.0, 0.0], [4.0, 1.0]]
    >>> run = kmeans(points, 2, init=points[:2], effort=0, record=True)
    >>> [axes.get_title() for axes in plot_steps(points, run).axes]
    ['iteration 0', 'iteration 1']
    """
    view, states = common.view_of(points, columns), common.states_of(run)
    common.check_fit(view, run)
    shown = common.spread(len(states), whole("panels", panels, 1))
    headline = common.headline_of(view, run, states, shown, sample_of)
    box, tall = common.limits_of(common.all_places(view, states))
    layout = common.Layout.of(len(shown), tall)
    figure = common.blank(*layout.size, layout="compressed")
    engine: Any = figure.get_layout_engine()
    engine.set(h_pad=0.08, w_pad=0.06)
    grid = figure.subplots(layout.rows, layout.columns, squeeze=False, sharex=True, sharey=True)
    for axes, i in zip(grid.flat, shown, strict=False):
        k = len(run.centers)
        dots, crosses = layout.marker(len(view.flat), k)
        common.draw_points(axes, view, states[i].labels, k, dots)
        paths = [view.project(path) for path in common.trails_of(states[: i + 1])]
        common.draw_trails(axes, paths, crosses)
        common.draw_crosses(axes, view.project(states[i].centers), crosses)
        axes.set_title(f"iteration {i}", fontsize=11, color=INK, pad=5)
        axes.set_xlabel(f"inertia {common.digits(states[i].inertia)}", fontsize=9.5, color=SOFT)
    for axes in grid.flat[len(shown) :]:
        axes.remove()
    for axes in grid.flat[: len(shown)]:
        common.frame_axes(axes, box, layout.equal)
    if not layout.equal:
        headline += "   the axes have different scales"
    _finish(figure, grid, view, len(shown), headline)
    return figure


def _finish(figure: Figure, grid: Any, view: common.View, shown: int, headline: str) -> None:
    """Ticks at the outer panels only, the names of the axes and the headline once."""
    columns = grid.shape[1]
    for i, axes in enumerate(grid.flat[:shown]):
        axes.tick_params(labelbottom=i + columns >= shown, labelleft=i % columns == 0)
        if view.points.shape[1] == 1:
            axes.set_yticks([])
    figure.suptitle(headline, fontsize=10.5, color=SOFT)
    figure.supxlabel(view.labels[0], fontsize=10, color=INK)
    figure.supylabel(view.labels[1], fontsize=10, color=INK)


def plot_inertia(run: KMeansResult) -> Figure:
    """Draw how the inertia falls from iteration to iteration, and how many points still move.

    ValueError if the run has no history (``record=True``).

    >>> from tinct.clustering.kmeans import kmeans
    >>> plot_inertia(kmeans([[0.0], [1.0], [5.0]], 2, record=True)).axes[0].get_ylabel()
    'inertia'
    """
    states = common.states_of(run)
    moved = [int((a.labels != b.labels).sum()) for a, b in pairwise(states)]
    numbers = np.arange(len(states))
    figure = common.blank(6.4, 4.6, layout="constrained")
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(2, 1))
    small = "o-" if len(states) <= 60 else "-"
    upper.plot(numbers, [s.inertia for s in states], small, color=OKABE_ITO[0], ms=4, lw=1.5)
    upper.set_ylabel("inertia", color=INK)
    lower.bar(numbers[1:], moved, color=OKABE_ITO[1], width=0.7)
    lower.set_ylabel("points that\nchanged cluster", color=INK)
    lower.set_xlabel("iteration", color=INK)
    lower.set_xlim(-0.5, len(states) - 0.5)
    lower.xaxis.get_major_locator().set_params(integer=True)
    for axes in (upper, lower):
        common.quiet(axes)
        axes.grid(axis="y", color=LINE, lw=0.6)
        axes.set_axisbelow(True)
        axes.yaxis.set_major_formatter(lambda value, _: common.short(value))
    return figure


def plot_choose_k(choice: Choice) -> Figure:
    """Draw the elbow and the silhouettes over K, with the suggested K marked.

    >>> figure = plot_choose_k(Choice((2, 3), (9.0, 4.0), (0.5, 0.7), suggested=3, sampled=20))
    >>> figure.axes[1].get_xlabel()
    'K'
    """
    choice = instance("choice", choice, Choice)
    figure = common.blank(6.4, 5.2, layout="constrained")
    upper, lower = figure.subplots(2, 1, sharex=True)
    best = choice.ks.index(choice.suggested)
    for axes, values, name in (
        (upper, choice.inertia, "inertia"),
        (lower, choice.silhouette, "mean silhouette"),
    ):
        common.quiet(axes)
        axes.axvline(choice.suggested, color=LINE, lw=7, zorder=0)
        axes.plot(choice.ks, values, "o-", color=OKABE_ITO[0], ms=5, lw=1.5)
        axes.plot(choice.suggested, values[best], "o", color=OKABE_ITO[5], ms=9)
        axes.set_ylabel(name, color=INK)
        axes.yaxis.set_major_formatter(lambda value, _: common.short(value))
        axes.margins(y=0.12)
    lower.set_xlabel("K", color=INK)
    lower.xaxis.get_major_locator().set_params(integer=True)
    figure.suptitle(
        f"suggested: K = {choice.suggested}, the highest silhouette "
        f"(over {choice.sampled:,} points)",
        fontsize=10.5,
        color=SOFT,
    )
    return figure
