"""``tinct cluster``: K-means on a table of numbers, from the file to a report and figures."""

from __future__ import annotations

import contextlib
import errno
import io
import json
import math
import os
import re
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:  # --help must not pay for NumPy
    from numpy.typing import NDArray

    from tinct.clustering.choose import Choice
    from tinct.clustering.kmeans import Iteration, KMeansResult
    from tinct.tables.read import Scale, Table

__all__ = ["cluster", "progress", "refuse", "whole"]

HELP = """Cluster the rows of a table with K-means.

TABLE is text (comma, semicolon, tab or blanks between the cells, with or without a header), NPY,
NPZ, Parquet or MATLAB. Columns go by name, or counted from 0; clusters are counted from 0 too.

\b
  tinct cluster customers.csv -k 5 --columns age,income --scale -o labels.csv
  tinct cluster points.npy --choose 2-10
  tinct cluster points.csv -k 3 --init random --steps steps.png --animate steps.gif
"""
MOST_COLUMNS, MOST_CLUSTERS = 8, 40  # in the report
DRAWN = 6000  # points whose labels are kept for figures, which draw no more

Say = Callable[[str], None]


def whole(low: int) -> Any:
    """The option type of a whole number from `low` on."""
    return click.IntRange(min=low)


@click.command(help=HELP)
@click.argument("table")
@click.option("-k", "--clusters", "k", type=whole(1), help="Number of clusters.")
@click.option(
    "--choose", metavar="A-B", help="Try each K from A to B and take the best, or say it."
)
@click.option(
    "--init",
    default="divisive",
    show_default=True,
    help="divisive, k-means++, random, or a table of first centers.",
)
@click.option("--iterations", type=whole(1), default=300, show_default=True, help="At most.")
@click.option("--seed", type=whole(0), default=0, show_default=True, help="Seed of all chance.")
@click.option("--effort", type=click.IntRange(0, 10), help="Search above Lloyd's loop, 0..10.")
@click.option("--columns", metavar="A,B", help="Which columns, by name or number.")
@click.option("--variable", metavar="NAME", help="Which array of an NPZ or MATLAB file.")
@click.option("--drop-missing", is_flag=True, help="Leave out rows without a value.")
@click.option("--scale", is_flag=True, help="Standardize every column before clustering.")
@click.option("-o", "--output", metavar="FILE", help="Each row's cluster, as CSV or NPY.")
@click.option("--centers", metavar="FILE", help="The centers in the table's units, CSV or NPY.")
@click.option("--steps", metavar="PNG", help="Draw the iterations, a panel each.")
@click.option("--animate", metavar="FILE", help="Film the iterations, as GIF or MP4.")
@click.option("--json", "as_json", is_flag=True, help="Report as one JSON object.")
@click.option("--force", is_flag=True, help="Replace existing files.")
@click.option("--threads", type=whole(1), help="Threads at most; never changes a result.")
@click.pass_context
def cluster(ctx: click.Context, /, **options: Any) -> None:
    """Cluster a table; see HELP."""
    asked = Asked(**options)
    if asked.k is None and asked.choose is None:
        raise click.UsageError("how many clusters? Give -k K, or --choose 2-10", ctx)
    _check_ending("--steps", asked.steps, ".png")
    _check_ending("--animate", asked.animate, ".gif", ".mp4")
    refuse([asked.output, asked.centers, asked.steps, asked.animate], asked.force)
    if asked.steps or asked.animate:
        need_matplotlib()
    with progress(asked.as_json) as say:
        found = _work(asked, say)
        written = _write(asked, found, say)
    click.echo(_as_json(found, written) if asked.as_json else _report(found, written))


@dataclass(frozen=True, slots=True)
class Asked:
    """What was asked for, as parsed."""

    table: str
    k: int | None
    choose: str | None
    init: str
    iterations: int
    seed: int
    effort: int | None
    columns: str | None
    variable: str | None
    drop_missing: bool
    scale: bool
    output: str | None
    centers: str | None
    steps: str | None
    animate: str | None
    as_json: bool
    force: bool
    threads: int | None


@dataclass(frozen=True, slots=True)
class Found:
    """What came out."""

    table: Table  # as clustered
    scale: Scale | None
    run: KMeansResult
    centers: NDArray[Any]  # in the table's units
    sizes: list[int]
    choice: Choice | None
    watcher: Watcher | None
    init: str
    constant: tuple[str, ...]
    seconds: dict[str, float]


# --- the work -----------------------------------------------------------------------------------


def _work(asked: Asked, say: Say) -> Found:
    import numpy as np

    from tinct.tables.read import standardize

    start = time.perf_counter()
    say(f"reading {asked.table}")
    table, scale = _read(asked), None
    read = time.perf_counter()
    constant = table.constant
    if asked.scale:
        table, scale = standardize(table)
    choice = _choose(asked, table, say)
    k = asked.k if asked.k is not None or choice is None else choice.suggested
    assert k is not None
    watcher = Watcher(len(table.values), say, keep=bool(asked.steps or asked.animate))
    chosen = time.perf_counter()
    run = _cluster(asked, table, scale, k, watcher if watcher.keep or say is not _silent else None)
    seconds = {"read": read - start, "choose": chosen - read}
    seconds["cluster"] = time.perf_counter() - chosen
    return Found(
        table=table,
        scale=scale,
        run=run,
        centers=run.centers if scale is None else scale.undo(run.centers),
        sizes=np.bincount(run.labels, minlength=k).tolist(),
        choice=choice,
        watcher=watcher if watcher.keep else None,
        init=asked.init,
        constant=constant,
        seconds=seconds,
    )


def _read(asked: Asked) -> Table:
    from tinct.tables.read import read_table

    columns = None if asked.columns is None else asked.columns.split(",")
    return read_table(
        asked.table,
        columns=columns,
        variable=asked.variable,
        drop_missing=asked.drop_missing,
    )


def _choose(asked: Asked, table: Table, say: Say) -> Choice | None:
    if asked.choose is None:
        return None
    from tinct.clustering.choose import choose_k

    span = re.fullmatch(r"\s*(\d+)\s*-\s*(\d+)\s*", asked.choose)
    if span is None or int(span[1]) > int(span[2]):
        raise click.UsageError(f"--choose takes a range such as 2-10, not {asked.choose}")
    ks = range(int(span[1]), int(span[2]) + 1)

    def tell(run: KMeansResult) -> None:
        say(f"K = {len(run.centers)} of {ks[-1]}, inertia {digits(run.inertia)}")

    return choose_k(table.values, ks, seed=asked.seed, threads=asked.threads, callback=tell)


def _cluster(
    asked: Asked, table: Table, scale: Scale | None, k: int, watcher: Watcher | None
) -> KMeansResult:
    from tinct.clustering.kmeans import INITS, kmeans
    from tinct.tables.read import read_table

    init: Any = asked.init
    if init not in INITS:
        if not os.path.exists(init):
            raise ValueError(f"init must be {', '.join(INITS)} or a file, not {init}")
        init = read_table(init).values
        if scale is not None and init.shape[1:] == scale.mean.shape:
            init = (init - scale.mean) / scale.std
    return kmeans(
        table.values,
        k,
        init=init,
        seed=asked.seed,
        max_iter=asked.iterations,
        effort=asked.effort,
        threads=asked.threads,
        callback=watcher,
    )


class Watcher:
    """Told of every iteration: says so, and keeps what a figure needs.

    A figure draws some thousand points; keeping the labels of those alone makes the history of a
    large table small.
    """

    def __init__(self, n: int, say: Say, keep: bool) -> None:
        import numpy as np

        self.say, self.keep = say, keep
        self.drawn = np.arange(n)
        if n > DRAWN:
            self.drawn = np.sort(np.random.default_rng(0).choice(n, DRAWN, replace=False))
        self.history: list[Iteration] = []
        self.count = 0

    def __call__(self, seen: Iteration) -> None:
        self.count += 1
        self.say(f"iteration {self.count}, inertia {digits(seen.inertia)}")
        if self.keep:
            self.history.append(replace(seen, labels=seen.labels[self.drawn]))

    def thinned(self, run: KMeansResult) -> KMeansResult:
        """The run as it looks from the points drawn."""
        return replace(run, labels=run.labels[self.drawn], history=tuple(self.history))


# --- files and figures --------------------------------------------------------------------------


def refuse(targets: Sequence[str | None], force: bool) -> None:
    """Refuse, before any work is done, targets that can't be written."""
    wanted = [os.path.realpath(target) for target in targets if target is not None]
    if len(set(wanted)) < len(wanted):
        raise click.UsageError("two outputs would go to the same file")
    for target in filter(None, targets):
        if os.path.isdir(target):
            raise IsADirectoryError(errno.EISDIR, "Is a directory", target)
        if os.path.exists(target) and not force:
            raise FileExistsError(errno.EEXIST, "File exists", target)
        if not os.path.isdir(os.path.dirname(target) or "."):
            raise FileNotFoundError(errno.ENOENT, "No such folder", target)


def _check_ending(option: str, path: str | None, *endings: str) -> None:
    if path is not None and not path.lower().endswith(endings):
        raise click.UsageError(f"{option} must end with {' or '.join(endings)}, not {path}")


def need_matplotlib() -> None:
    """Say, before any work is done, that figures need an extra."""
    try:
        import matplotlib  # noqa: F401
    except ImportError as error:
        raise ImportError("figures need an extra: pip install 'tinct[plot]'") from error


def _write(asked: Asked, found: Found, say: Say) -> list[str]:
    from tinct.atomic_write import write

    outputs: dict[str, Callable[[], bytes]] = {}
    if asked.output:
        outputs[asked.output] = lambda: _labels(asked.output or "", found)
    if asked.centers:
        outputs[asked.centers] = lambda: _centers(asked.centers or "", found)
    if asked.steps:
        outputs[asked.steps] = lambda: _steps(found)
    if asked.animate:
        outputs[asked.animate] = lambda: _film(asked.animate or "", found)
    for path, make in outputs.items():
        say(f"making {path}")
        write(path, make(), overwrite=asked.force)
    return list(outputs)


def _labels(path: str, found: Found) -> bytes:
    """A line per row of the file; nothing, or -1 in NPY, for rows that were left out."""
    import numpy as np

    labels = found.run.labels
    if found.table.dropped:
        kept = np.ones(len(labels) + len(found.table.dropped), bool)
        kept[list(found.table.dropped)] = False
        labels = np.full(len(kept), -1, np.int32)
        labels[kept] = found.run.labels
    if path.lower().endswith(".npy"):
        return _npy(labels)
    lines = (str(label) if label >= 0 else "" for label in labels.tolist())
    return ("cluster\n" + "\n".join(lines) + "\n").encode()


def _centers(path: str, found: Found) -> bytes:
    import csv

    if path.lower().endswith(".npy"):
        return _npy(found.centers)
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(found.table.columns)
    rows.writerows(found.centers.tolist())
    return text.getvalue().encode()


def _npy(array: NDArray[Any]) -> bytes:
    import numpy as np

    data = io.BytesIO()
    np.save(data, array, allow_pickle=False)
    return data.getvalue()


def _drawing(found: Found) -> tuple[Any, Any, dict[str, Any]]:
    """Points, run and names for a figure."""
    assert found.watcher is not None
    names = found.table.columns
    if found.scale is not None:
        names = tuple(f"{name} (standardized)" for name in names)
    points, run = found.table.values[found.watcher.drawn], found.watcher.thinned(found.run)
    return points, run, {"columns": names, "sample_of": len(found.table.values)}


def _steps(found: Found) -> bytes:
    from tinct.plots import plot_steps

    points, run, named = _drawing(found)
    data = io.BytesIO()
    plot_steps(points, run, **named).savefig(data, format="png", dpi=150)
    return data.getvalue()


def _film(path: str, found: Found) -> bytes:
    from tinct.plots import animate_steps

    points, run, named = _drawing(found)
    return animate_steps(points, run, kind=film_kind(path), **named)


def film_kind(path: str) -> str:
    """The kind of film that a file name asks for."""
    return "mp4" if path.lower().endswith(".mp4") else "gif"


# --- words --------------------------------------------------------------------------------------


def digits(value: float) -> str:
    """Four digits that matter, thousands apart."""
    if value == 0:
        return "0"
    exponent = math.floor(math.log10(abs(value)))
    if not -4 <= exponent < 9:
        return f"{value:.3e}"
    return f"{value:,.{min(max(0, 3 - exponent), 6)}f}"


def _report(found: Found, written: list[str]) -> str:
    table, run = found.table, found.run
    n, d = table.values.shape
    rows = f"{n:,} row{'s' * (n != 1)}" + (
        f" ({len(table.dropped):,} left out)" if table.dropped else ""
    )
    lines = [f"{table.name}: {rows}, {d} column{'s' * (d != 1)}"]
    if found.constant:
        names = ", ".join(found.constant)
        lines.append(f"constant, and so without a say: {names}")
    lines += _choice_lines(found.choice)
    end = "converged" if run.converged else "stopped there"
    seconds = f"{found.seconds['cluster']:.2f} s"
    told = f"{run.n_iter} iteration{'s' * (run.n_iter != 1)}, {end}"
    lines.append(f"K = {len(run.centers)}, {found.init}: {told}, {seconds}")
    lines.append(f"inertia {digits(run.inertia)}" + (" (standardized)" if found.scale else ""))
    lines += ["", *_center_lines(found)]
    if written:
        lines += ["", "written: " + ", ".join(written)]
    return "\n".join(lines)


def _choice_lines(choice: Choice | None) -> list[str]:
    if choice is None:
        return []
    head = ["K", *map(str, choice.ks)]
    inertia = ["inertia", *map(digits, choice.inertia)]
    silhouette = ["silhouette", *(f"{s:.3f}" for s in choice.silhouette)]
    marks = ["", *("<- suggested" if k == choice.suggested else "" for k in choice.ks)]
    return ["", *_aligned(list(zip(head, inertia, silhouette, marks, strict=True))), ""]


def _center_lines(found: Found) -> list[str]:
    names = list(found.table.columns[:MOST_COLUMNS])
    rows = [("cluster", "rows", "share", *names)]
    n = len(found.table.values)
    centers = found.centers[:MOST_CLUSTERS].tolist()
    for i, (size, center) in enumerate(zip(found.sizes, centers, strict=False)):
        cells = map(digits, center[:MOST_COLUMNS])
        rows.append((str(i), f"{size:,}", f"{size / n:.1%}", *cells))
    lines = _aligned(rows)
    for more, what in (
        (len(found.sizes) - len(centers), "clusters"),
        (len(found.table.columns) - len(names), "columns"),
    ):
        if more > 0:
            lines.append(f"and {more} more {what}: --centers FILE holds all")
    return lines


def _aligned(rows: list[tuple[str, ...]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(f"{cell:>{w}}" for cell, w in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]


def _as_json(found: Found, written: list[str]) -> str:
    run, choice = found.run, found.choice
    told: dict[str, Any] = {
        "table": found.table.name,
        "rows": len(found.table.values),
        "dropped": len(found.table.dropped),
        "columns": list(found.table.columns),
        "constant": list(found.constant),
        "scaled": found.scale is not None,
        "k": len(run.centers),
        "init": found.init,
        "iterations": run.n_iter,
        "converged": run.converged,
        "inertia": run.inertia,
        "sizes": found.sizes,
        "centers": found.centers.tolist(),
        "seconds": {stage: round(s, 4) for stage, s in found.seconds.items()},
        "written": written,
    }
    if choice is not None:
        told["choice"] = {
            "k": list(choice.ks),
            "inertia": list(choice.inertia),
            "silhouette": list(choice.silhouette),
            "suggested": choice.suggested,
        }
    return json.dumps(told)


# --- progress -----------------------------------------------------------------------------------


def _silent(text: str) -> None:
    pass


@contextlib.contextmanager
def progress(quiet: bool) -> Iterator[Say]:
    """A line on the terminal that says what is being done; nothing where there is no terminal."""
    if quiet or not sys.stderr.isatty():
        yield _silent
        return
    from rich.console import Console

    with Console(stderr=True).status("") as status:
        yield lambda text: status.update(text)
