"""Figures of K-means at work, drawn with matplotlib from results that others computed.

Every function returns a `matplotlib.figure.Figure` of its own, or the bytes of a film. No window is
opened, no file written, and ``pyplot`` with its global state is never touched.
"""

from tinct.plots.animate import animate_picture, animate_steps
from tinct.plots.pictures import plot_colors, plot_picture_steps
from tinct.plots.steps import plot_choose_k, plot_inertia, plot_steps

__all__ = [
    "animate_picture",
    "animate_steps",
    "plot_choose_k",
    "plot_colors",
    "plot_inertia",
    "plot_picture_steps",
    "plot_steps",
]
