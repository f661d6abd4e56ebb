"""``tinct steps``: K-means at work on a picture, as a film or a sheet of panels."""

from __future__ import annotations

import io
import os
from typing import Any

import click

from tinct.cli.cluster import digits, film_kind, need_matplotlib, progress, refuse, whole

__all__ = ["steps"]

HELP = """Show K-means at work on a picture, iteration by iteration.

The film shows the picture in the colors that the iteration has, beside all its colors in Oklab and
the centers moving among them. A target that ends with .png becomes a sheet of panels instead.

\b
  tinct steps bird.png -k 8                     writes bird-steps.gif
  tinct steps bird.png -k 16 -o bird.mp4        needs ffmpeg
  tinct steps bird.png -k 16 -o bird-steps.png
"""


@click.command(help=HELP)
@click.argument("picture")
@click.option("-k", "--colors", "k", type=whole(1), required=True, help="Number of colors.")
@click.option("-o", "--output", metavar="FILE", help="GIF, MP4 or PNG.  [default: NAME-steps.gif]")
@click.option(
    "--init",
    type=click.Choice(["random", "k-means++", "divisive"]),
    default="random",
    show_default=True,
    help="Where the centers start.",
)
@click.option("--iterations", type=whole(1), default=40, show_default=True, help="At most.")
@click.option("--seed", type=whole(0), default=0, show_default=True, help="Seed of all chance.")
@click.option("--force", is_flag=True, help="Replace an existing file.")
@click.option("--threads", type=whole(1), help="Threads at most; never changes a result.")
def steps(picture: str, k: int, output: str | None, force: bool, **options: Any) -> None:
    """Film a picture; see HELP."""
    target = output or os.path.splitext(picture)[0] + "-steps.gif"
    if os.path.splitext(target)[1].lower() not in (".gif", ".mp4", ".png"):
        raise click.UsageError(f"the target must end with .gif, .mp4 or .png, not {target}")
    refuse([target], force)
    need_matplotlib()
    with progress(quiet=False) as say:
        data, told = _make(picture, k, target, say, **options)
        from tinct.atomic_write import write

        write(target, data, overwrite=force)
    click.echo(f"{picture} -> {target}: {told}")


def _make(
    picture: str,
    k: int,
    target: str,
    say: Any,
    *,
    init: str,
    iterations: int,
    seed: int,
    threads: int | None,
) -> tuple[bytes, str]:
    from tinct.clustering.kmeans import kmeans
    from tinct.palette.histogram import histogram
    from tinct.picture import read as files

    say(f"reading {picture}")
    source = files.read(picture)
    counted = histogram(source.pixels)
    say(f"clustering {len(counted.colors):,} colors")
    run = kmeans(
        counted.points,
        k,
        weights=counted.weights,
        init=init,
        seed=seed,
        max_iter=iterations,
        effort=0,
        threads=threads,
        record=True,
    )
    say(f"drawing {target}")
    many = f"{len(counted.colors):,} colors in {k} clusters, {run.n_iter} iterations"
    return _draw(source, run, target), f"{many}, inertia {digits(run.inertia)}"


def _draw(source: Any, run: Any, target: str) -> bytes:
    from tinct.plots import animate_picture, plot_picture_steps

    if target.lower().endswith(".png"):
        data = io.BytesIO()
        plot_picture_steps(source, run).savefig(data, format="png", dpi=150)
        return data.getvalue()
    return animate_picture(source, run, kind=film_kind(target))
