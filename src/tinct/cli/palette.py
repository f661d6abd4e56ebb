"""``tinct palette``: one palette for many pictures, written or shown."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from tinct.cli.jobs import check_target
from tinct.cli.palette_options import Palette as Asked
from tinct.defaults import MAX_COLORS, OK, extension

if TYPE_CHECKING:  # what is refused must not pay for NumPy and Pillow
    from tinct.palette.choice import Palette
    from tinct.palette.histogram import Histogram

__all__ = ["run"]


def run(asked: Asked) -> int:
    """Count, choose, and write or show."""
    from tinct.palette.files import FORMATS

    format = asked.format or extension(asked.output or "")
    if asked.format is not None and asked.output is None:
        raise click.UsageError("--format needs -o")
    if asked.output is not None:
        if format not in FORMATS:
            raise click.UsageError(f"{asked.output}: must end with .{', .'.join(FORMATS)}")
        check_target(asked.output, asked.force)
    found = _found(asked)
    if asked.output is None:
        show(found)
    else:
        found.save(asked.output, format, overwrite=asked.force)
        click.echo(f"{asked.output}: {len(found)} colors")
    return OK


def _found(asked: Asked) -> Palette:
    from tinct.palette.choice import Palette, palette
    from tinct.palette.files import format_of
    from tinct.palette.merge import merge_histograms

    def is_palette(path: str) -> bool:
        with open(path, "rb") as file:
            return format_of(file.read(16), extension(path)) is not None

    files = [path for path in asked.inputs if is_palette(path)]
    if files and len(asked.inputs) > 1:
        raise click.UsageError(f"{files[0]} is a palette, which must be the only input")
    if files and asked.colors is None:
        return Palette.read(files[0])
    if files:
        raise click.UsageError("-k chooses among the colors of pictures, not of a palette")
    merged = merge_histograms(_histograms(asked), asked.each)
    return palette(
        merged,
        asked.colors or MAX_COLORS,
        seed=asked.seed,
        effort=asked.effort,
        threads=asked.threads,
    )


def _histograms(asked: Asked) -> Iterator[Histogram]:
    from tinct.palette.histogram import histogram
    from tinct.picture.read import read

    for path in asked.inputs:
        yield histogram(read(path).pixels, asked.space)


def show(found: Palette) -> None:
    """A line for each color: a block of it on a terminal, hex, share, name."""
    blocks = sys.stdout.isatty()
    shares = found.shares if len(found.shares) else [None] * len(found)
    names = found.names or [""] * len(found)
    for text, (r, g, b, _), share, name in zip(
        found.hex, found.rgba.tolist(), shares, names, strict=True
    ):
        block = f"\x1b[48;2;{r};{g};{b}m      \x1b[0m " if blocks else ""
        part = "" if share is None else f"{100 * share:6.2f} %"
        click.echo(f"{block}{text}  {part}  {click.unstyle(name)}".rstrip())
