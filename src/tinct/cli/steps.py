"""``tinct steps``: K-means at work on a picture, as a film or a sheet of panels."""

from __future__ import annotations

import io
import os
from typing import Any

import click

from tinct.atomic_write import write
from tinct.cli.cluster_files import check_targets, film_kind, need_matplotlib
from tinct.cli.cluster_options import Steps
from tinct.cli.cluster_report import digits
from tinct.cli.progress import Say, status
from tinct.defaults import OK

__all__ = ["run"]


def run(asked: Steps) -> int:
    """Read, cluster, draw and tell."""
    target = asked.output or os.path.splitext(asked.picture)[0] + "-steps.gif"
    check_targets([target], asked.force)
    need_matplotlib()
    with status(quiet=False) as say:
        data, told = _make(asked, target, say)
        write(target, data, overwrite=asked.force)
    click.echo(f"{asked.picture} -> {target}: {told}")
    return OK


def _make(asked: Steps, target: str, say: Say) -> tuple[bytes, str]:
    from tinct.clustering.kmeans import kmeans
    from tinct.palette.histogram import histogram
    from tinct.picture import read as files

    say(f"reading {asked.picture}")
    source = files.read(asked.picture)
    counted = histogram(source.pixels)
    say(f"clustering {len(counted.colors):,} colors")
    run = kmeans(
        counted.points,
        asked.k,
        weights=counted.weights,
        init=asked.init,
        seed=asked.seed,
        max_iter=asked.iterations,
        effort=0,
        threads=asked.threads,
        record=True,
    )
    say(f"drawing {target}")
    many = f"{len(counted.colors):,} colors in {asked.k} clusters, {run.n_iter} iterations"
    return _draw(source, run, target, asked.blur), f"{many}, inertia {digits(run.inertia)}"


def _draw(source: Any, run: Any, target: str, rounds: int) -> bytes:
    from tinct.plots import animate_picture, plot_picture_steps

    if target.lower().endswith(".png"):
        data = io.BytesIO()
        plot_picture_steps(source, run, rounds=rounds).savefig(data, format="png", dpi=150)
        return data.getvalue()
    return animate_picture(source, run, kind=film_kind(target), rounds=rounds)
