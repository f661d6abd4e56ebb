"""Draw the figures of the documentation into docs/figures.

Usage: python docs/make_figures.py

The data are made here and in examples/bird.py; the figures are stored as tinct stores pictures.
"""

import io
import sys
from pathlib import Path

import numpy as np

import tinct
from tinct import plots
from tinct.clustering import choose

DOCS = Path(__file__).parent
sys.path.insert(0, str(DOCS.parent / "examples"))
import bird  # noqa: E402


def points():
    """Three groups of 60 points, as on the page."""
    rng = np.random.default_rng(7)
    return np.vstack([rng.normal(c, 0.9, (60, 2)) for c in [(2, 2), (8, 3), (5, 7)]])


def main():
    """Draw them all."""
    x = points()
    run = tinct.kmeans(x, 3, init=[[0, 4], [0, 5], [1, 4]], effort=0, record=True)
    save("steps", plots.plot_steps(x, run, panels=6))
    save("inertia", plots.plot_inertia(run))
    save("choose", plots.plot_choose_k(choose.choose_k(x, range(2, 9))))
    picture = tinct.read(bird.bird())
    counted = tinct.histogram(picture.pixels)
    options = {"weights": counted.weights, "init": "random", "effort": 0, "record": True}
    run = tinct.kmeans(counted.points, 8, **options)
    save("bird-steps", plots.plot_picture_steps(picture, run))
    save("bird-seen", plots.plot_picture_steps(picture, run, panels=5, rounds=6))
    save("colors", plots.plot_colors(picture, tinct.compress(picture, 16, dither=0)))


def save(name, figure):
    """Store a figure as an indexed PNG of at most 256 colors."""
    drawn = io.BytesIO()
    figure.savefig(drawn, format="png", dpi=110)
    small = tinct.compress(drawn.getvalue(), dither=0)
    small.save(DOCS / "figures" / f"{name}.png", overwrite=True)
    print(f"{name}.png: {small.report.bytes_in:,} -> {small.report.bytes_out:,} bytes")


if __name__ == "__main__":
    main()
