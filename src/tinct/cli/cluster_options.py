"""What ``tinct cluster`` and ``tinct steps`` can be asked for; the short way needn't know."""

from __future__ import annotations

from typing import Any

from tinct.options import Command, Compress, Number, Text, Word, option

__all__ = ["Cluster", "Steps"]


class Span(Text):
    """Whole numbers from A to B."""

    def __init__(self) -> None:
        self.metavar = "A-B"

    def read(self, name: str, text: str) -> Any:
        first, _, last = map(str.strip, text.partition("-"))
        if first.isdecimal() and last.isdecimal() and int(first) <= int(last):
            return range(int(first), int(last) + 1)
        raise ValueError(f"{name} must be a range such as 2-10, not {text}")


class Cluster(Command):
    """Cluster the rows of a table with K-means.

    TABLE is text as spreadsheets export it (comma, semicolon, tab or blanks between the cells,
    with or without a header, decimal commas too), NPY, NPZ, Parquet or MATLAB. Columns go by name,
    or counted from 0, by default all that hold numbers; clusters are counted from 0 too. A folder
    of Parquet files, here or at a URL such as s3://bucket/rows, may be larger than memory; -o is a
    folder then, with a Parquet file for each part.

    \b
      tinct cluster customers.csv -k 5 --columns age,income --scale -o labels.csv
      tinct cluster points.npy --choose 2-10
      tinct cluster points.csv -k 3 --init random --steps steps.png --animate steps.gif
      tinct cluster rows.parquet/ -k 100 --cluster local -o labels
    """  # noqa: D301 - click reads the \b

    table: str = option("", Text("TABLE"), required=True)
    k: int | None = option("-k --clusters", Number(int, 1), "number of clusters, {span}")
    choose: range | None = option(
        "--choose", Span(), "try each K from A to B and take the best, or say it"
    )
    init: str = option(
        "--init",
        Text("INIT"),
        "`divisive`, `k-means++`, `random`, or a table of first centers",
        default="divisive",
    )
    iterations: int = option("--iterations", Number(int, 1), "iterations at most", default=300)
    seed: int = option("--seed", Number(int, 0), "seed of all chance", default=0)
    effort: int | None = option(
        "--effort",
        Number(int, 0, 10),
        "search above Lloyd's loop, {span}",
        shown="1 with `divisive`, else 0",
    )
    columns: str | None = option("--columns", Text("A,B"), "which columns, by name or number")
    variable: str | None = option(
        "--variable", Text("NAME"), "which array of an NPZ or MATLAB file"
    )
    missing: str = option(
        "--missing",
        Word("error", "drop", "mean"),
        "where a column has no value: refuse the table (`error`), leave out the row (`drop`), or "
        "take the column's mean",
        default="error",
    )
    scale: bool = option("--scale", None, "standardize every column before clustering")
    output: str | None = option("-o --output", Text("FILE"), "each row's cluster, as CSV or NPY")
    centers: str | None = option(
        "--centers", Text("FILE"), "the centers in the table's units, CSV or NPY"
    )
    steps: str | None = option("--steps", Text("PNG", ".png"), "draw the iterations, a panel each")
    animate: str | None = option(
        "--animate",
        Text("FILE", ".gif", ".webp", ".mp4"),
        "film the iterations, as GIF, WebP or MP4",
    )
    cluster: str | None = option(
        "--cluster",
        Text("ADDRESS"),
        "work on a Dask cluster: the address of its scheduler, or `local`",
    )
    as_json: bool = option("--json", None, "report as one JSON object")
    force: bool = option("--force", None, "replace existing files")
    threads: int | None = Compress.threads


class Steps(Command):
    """Show K-means at work on a picture, iteration by iteration.

    The film shows the picture in the colors that the iteration has, beside all its colors in Oklab
    and the centers moving among them. A target that ends with .png becomes a sheet of panels
    instead.

    \b
      tinct steps bird.png -k 8                     writes bird-steps.gif
      tinct steps bird.png -k 16 -o bird.mp4        needs ffmpeg
      tinct steps bird.png -k 16 -o bird-steps.png
      tinct steps bird.png -k 8 --blur 6            and how dots come to look like more colors
    """  # noqa: D301 - click reads the \b

    picture: str = option("", Text("PICTURE"), required=True)
    k: int = option("-k --colors", Number(int, 1), "number of colors, {span}", required=True)
    output: str | None = option(
        "-o --output",
        Text("FILE", ".gif", ".webp", ".mp4", ".png"),
        "GIF, WebP, MP4 or PNG",
        shown="NAME-steps.gif",
    )
    init: str = option(
        "--init",
        Word("random", "k-means++", "divisive"),
        "where the centers start: `random`, `k-means++` or `divisive`",
        default="random",
    )
    iterations: int = option("--iterations", Number(int, 1), "iterations at most", default=40)
    blur: int = option(
        "--blur",
        Number(int, 0, 100),
        "rounds that follow under the blur of the eye, as photographs are drawn, {span}",
        default=0,
    )
    seed: int = Cluster.seed
    force: bool = option("--force", None, "replace an existing file")
    threads: int | None = Compress.threads
