"""K-means at work, filmed: points that change their color and centers that move."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from tinct.checks import instance, word
from tinct.clustering.kmeans import KMeansResult
from tinct.color.points import from_points
from tinct.palette.histogram import histogram
from tinct.picture.read import Picture
from tinct.plots import common, films
from tinct.plots.common import INK, Floats, Pixels
from tinct.plots.pictures import Cloud, Painter, draw_discs, draw_plane, shown_states

__all__ = ["animate_picture", "animate_steps"]

KINDS = "gif", "webp", "mp4"
MOST_STATES = 16  # of longer runs some iterations are left out
HOLD, MOVE, END = 0.8, 0.08, 2.5  # seconds
TWEENS = 6  # frames from one place of a center to the next


def animate_steps(
    points: ArrayLike,
    run: KMeansResult,
    *,
    kind: str = "gif",
    columns: Sequence[str] | None = None,
    sample_of: int | None = None,
) -> bytes:
    """Film K-means at work: assign every point, move every center, again and again.

    Arguments and errors are those of `plot_steps`. `kind` is "gif", "webp" or "mp4", which needs
    the program ffmpeg: OSError if it is missing.

    >>> from tinct.clustering.kmeans import kmeans
    >>> points = [[0.0, 0.0], [0.0, 1.0], [4.0, 0.0], [4.0, 1.0]]
    >>> run = kmeans(points, 2, init=points[:2], effort=0, record=True)
    >>> animate_steps(points, run)[:6]
    b'GIF89a'
    """
    kind = word("kind", kind, *KINDS)
    view, states = common.view_of(points, columns), common.states_of(run)
    common.check_fit(view, run)
    headline = common.headline_of(view, run, states, range(len(states)), sample_of)
    shown = [states[i] for i in common.spread(len(states), MOST_STATES)]
    return _film(_PointScene(view, shown, headline), kind)


def animate_picture(
    picture: Picture, run: KMeansResult, *, kind: str = "gif", rounds: int = 0
) -> bytes:
    """Film K-means at work on a picture, beside its colors in Oklab and the centers among them.

    Arguments are those of `plot_picture_steps`, `kind` and errors those of `animate_steps`.

    >>> from tinct.picture.read import read
    >>> from tinct.clustering.kmeans import kmeans
    >>> picture = read(np.arange(192, dtype=np.uint8).reshape(8, 8, 3))
    >>> run = kmeans(histogram(picture.pixels).points, 2, record=True)
    >>> animate_picture(picture, run)[:6]
    b'GIF89a'
    """
    kind = word("kind", kind, *KINDS)
    pixels = instance("picture", picture, Picture).pixels
    states = shown_states(pixels, run, MOST_STATES, rounds)
    return _film(_PictureScene(picture, run, states), kind)


def _film(scene: _Scene, kind: str) -> bytes:
    return films.mp4(scene.frames()) if kind == "mp4" else films.drawn(scene.frames(), kind)


class _Scene:
    """States one after the other, each drawn once; between them only the centers are redrawn."""

    def __init__(self, figure: Figure, states: Sequence[common.State]) -> None:
        self.figure, self.states = figure, states
        self.canvas: Any = figure.canvas
        self.props: list[Any] = []  # what stands still while a state lasts

    def frames(self) -> Iterator[films.Frame]:
        for i, state in enumerate(self.states):
            self._set(i)
            last = i == len(self.states) - 1
            yield self._shot(state.centers), END if last else HOLD
            if not last:
                for centers in _tweens(state.centers, self.states[i + 1].centers):
                    yield self._shot(centers), MOVE

    def _set(self, i: int) -> None:
        for prop in self.props:
            prop.remove()
        self.props = self.dress(i)
        self.canvas.draw()
        self.figure.set_layout_engine("none")  # once laid out it stays so: nothing may jump
        self.still = self.canvas.copy_from_bbox(self.figure.bbox)

    def _shot(self, centers: Floats) -> Pixels:
        self.canvas.restore_region(self.still)
        for actor in self.act(centers):
            actor.axes.draw_artist(actor)
            actor.remove()
        return np.array(self.canvas.buffer_rgba())[:, :, :3]

    def dress(self, i: int) -> list[Any]:
        """Draw what stands still in state i."""
        raise NotImplementedError

    def act(self, centers: Floats) -> list[Any]:
        """Draw the centers."""
        raise NotImplementedError


def _tweens(a: Floats, b: Floats) -> Iterator[Floats]:
    """From one place to another, slow at both ends."""
    for step in range(1, TWEENS + 1):
        t = step / TWEENS
        yield a + (b - a) * (t * t * (3 - 2 * t))


class _PointScene(_Scene):
    """Points on a page in the colors of their clusters, trails and crosses."""

    def __init__(self, view: common.View, states: Sequence[common.State], headline: str) -> None:
        self.view, self.headline = view, headline
        box, tall = common.limits_of(common.all_places(view, states))
        layout = common.Layout.of(1, tall)
        self.dots, self.crosses = layout.marker(len(view.flat), len(states[0].centers))
        super().__init__(common.blank(*layout.size, layout="constrained"), states)
        self.axes: Axes = self.figure.subplots()
        common.frame_axes(self.axes, box, layout.equal)
        self.axes.set_xlabel(view.labels[0], color=INK)
        self.axes.set_ylabel(view.labels[1], color=INK)

    def frames(self) -> Iterator[films.Frame]:
        """Before anything is assigned, the gray points and the first centers."""
        self._set(-1)
        yield self._shot(self.states[0].centers), HOLD * 1.5
        yield from super().frames()

    def dress(self, i: int) -> list[Any]:
        axes, view, first = self.axes, self.view, self.states[0]
        if i < 0:
            axes.set_title(f"{self.headline}\nwhere the centers start", fontsize=11, color=INK)
            x, y = view.flat.T
            return [axes.scatter(x, y, s=self.dots, c="#a0a0a0", lw=0, alpha=0.8)]
        state = self.states[i]
        told = f"{self.headline}\n{state.title}   {state.note}"
        axes.set_title(told, fontsize=11, color=INK)
        self.here = view.project(state.centers)
        k = len(first.centers)
        paths = [view.project(path) for path in common.trails_of(self.states[: i + 1])]
        dots = common.draw_points(axes, view, state.labels, k, self.dots)
        return [*dots, *common.draw_trails(axes, paths, self.crosses)]

    def act(self, centers: Floats) -> list[Any]:
        now = self.view.project(centers)
        here = getattr(self, "here", now)
        steps = [np.array(step) for step in zip(here, now, strict=True)]
        trails = common.draw_trails(self.axes, steps, self.crosses)
        return [*trails, *common.draw_crosses(self.axes, now, self.crosses)]


class _PictureScene(_Scene):
    """The picture, its palette below, and its colors with the centers moving through them."""

    SIDE = 420  # pixels of the cloud, and the picture's height at most
    WIDEST = 620

    def __init__(self, picture: Picture, run: KMeansResult, states: Sequence[common.State]) -> None:
        self.painter = Painter.of(picture.pixels, run)
        self.weights = histogram(picture.pixels).weights
        height, width = picture.pixels.shape[:2]
        fit = min(self.SIDE / height, self.WIDEST / width)
        if fit >= 1:
            fit = math.floor(fit)  # enlarged by whole numbers: pixels stay squares
        self.size = max(round(width * fit), 1), max(round(height * fit), 1)
        self.total = max(self.size[0], 260) + self.SIDE + 120, self.SIDE + 122
        super().__init__(common.blank(self.total[0] / 100, self.total[1] / 100), states)
        self._lay_out(nearest=fit >= 1)
        draw_plane(self.plane, Cloud.of(picture.pixels))

    def _place(self, x: float, y: float, width: float, height: float) -> Axes:
        w, h = self.total
        return self.figure.add_axes((x / w, y / h, width / w, height / h))

    def _lay_out(self, nearest: bool) -> None:
        (width, height), room = self.size, max(self.size[0], 260)
        middle = 72 + (self.SIDE - height) / 2
        self.picture = self._place(20 + (room - width) / 2, middle, width, height)
        self.strip = self._place(20, 22, room, 24)
        self.plane = self._place(room + 100, 72, self.SIDE, self.SIDE)
        blank = np.zeros((*self.painter.which.shape, 3), np.uint8)
        self.image = self.picture.imshow(blank, interpolation="nearest" if nearest else None)
        for axes in (self.picture, self.strip):
            axes.axis("off")
        self.strip.set(xlim=(0, 1), ylim=(0, 1))
        top = 1 - 22 / self.total[1]
        self.title = self.figure.text(20 / self.total[0], top, "", color=INK, fontsize=11)

    def dress(self, i: int) -> list[Any]:
        state, k = self.states[i], len(self.states[i].centers)
        self.image.set_data(self.painter.paint(state))
        mass = np.bincount(state.labels.ravel(), None if state.seen else self.weights, k)
        self.shares = mass / mass.sum()
        self.title.set_text(f"K = {k}   {state.title}   {state.note}")
        paths = common.trails_of(self.states[: i + 1])
        trails = [self.plane.plot(p[:, 1], p[:, 2], color=INK, lw=0.7, zorder=3) for p in paths]
        return [line for trail in trails for line in trail] + self._draw_palette(state)

    def _draw_palette(self, state: common.State) -> list[Any]:
        order = np.argsort(state.centers[:, 0], kind="stable")
        colors = from_points(state.centers[order]) / 255
        ends = np.concatenate([[0.0], np.cumsum(self.shares[order])])
        pieces = zip(colors, ends[:-1], ends[1:], strict=True)
        return [self.strip.axvspan(low, high, color=color, lw=0) for color, low, high in pieces]

    def act(self, centers: Floats) -> list[Any]:
        chosen = from_points(centers)[:, :3]
        return draw_discs(self.plane, centers[:, 1:3], chosen, self.shares)
