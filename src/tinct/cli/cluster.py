"""``tinct cluster``: K-means on a table of numbers, from the file to a report and figures."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import click

from tinct.cli.cluster_files import check_targets, need_matplotlib, write_all
from tinct.cli.cluster_options import Cluster
from tinct.cli.cluster_report import as_json, as_text, digits
from tinct.cli.progress import Say, silent, status
from tinct.defaults import OK

if TYPE_CHECKING:  # what is refused must not pay for NumPy
    from numpy.typing import NDArray

    from tinct.clustering.choose import Choice
    from tinct.clustering.kmeans import Iteration, KMeansResult
    from tinct.tables import Scale, Table

__all__ = ["Found", "Watcher", "choose", "clustered", "first_centers", "run"]

DRAWN = 6000  # points whose labels are kept for figures, which draw no more


def run(asked: Cluster) -> int:
    """Read, cluster, write and tell."""
    if asked.k is None and asked.choose is None:
        raise click.UsageError("how many clusters? Give -k K, or --choose 2-10")
    if in_parts(asked):
        from tinct.cli import cluster_parts

        return cluster_parts.run(asked)
    check_targets([asked.output, asked.centers, asked.steps, asked.animate], asked.force)
    if asked.steps or asked.animate:
        need_matplotlib()
    with status(quiet=asked.as_json) as say:
        found = _work(asked, say)
        written = write_all(asked, found, say)
    click.echo(as_json(found, written) if asked.as_json else as_text(found, written))
    return OK


def in_parts(asked: Cluster) -> bool:
    """Whether the table comes in parts: a folder, a URL, or anything for a cluster."""
    return asked.cluster is not None or "://" in asked.table or os.path.isdir(asked.table)


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


def _work(asked: Cluster, say: Say) -> Found:
    import numpy as np

    from tinct.tables import standardize

    start = time.perf_counter()
    say(f"reading {asked.table}")
    table, scale = _read(asked), None
    read = time.perf_counter()
    constant = table.constant
    if asked.scale:
        table, scale = standardize(table)
    choice = choose(asked, table.values, say)
    k = asked.k if asked.k is not None or choice is None else choice.suggested
    assert k is not None
    watcher = Watcher(len(table.values), say, keep=bool(asked.steps or asked.animate))
    chosen = time.perf_counter()
    init = first_centers(asked.init, scale)
    told = watcher if watcher.keep or say is not silent else None
    run = clustered(asked, table.values, k, init, told)
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


def _read(asked: Cluster) -> Table:
    from tinct.tables import read_table

    columns = None if asked.columns is None else asked.columns.split(",")
    return read_table(asked.table, columns=columns, variable=asked.variable, missing=asked.missing)


def choose(asked: Cluster, points: Any, say: Say) -> Choice | None:
    """How many clusters separate them best, if that was asked."""
    if asked.choose is None:
        return None
    from tinct.clustering.choose import choose_k

    ks = asked.choose

    def tell(run: KMeansResult) -> None:
        say(f"K = {len(run.centers)} of {ks[-1]}, inertia {digits(run.inertia)}")

    return choose_k(points, ks, seed=asked.seed, threads=asked.threads, callback=tell)


def first_centers(init: str, scale: Scale | None) -> Any:
    """A way to start by its name, or the centers that a file holds, scaled as the points are."""
    from tinct.clustering.kmeans import INITS
    from tinct.tables import read_table

    if init in INITS:
        return init
    if not os.path.exists(init):
        raise ValueError(f"init must be {', '.join(INITS)} or a file, not {init}")
    given = read_table(init).values
    fits = scale is not None and given.shape[1:] == scale.mean.shape
    return (given - scale.mean) / scale.std if scale is not None and fits else given


def clustered(
    asked: Cluster, points: Any, k: int, init: Any, callback: Watcher | None
) -> KMeansResult:
    """The run that was asked for, over a table or one in parts."""
    from tinct.clustering.kmeans import kmeans

    return kmeans(
        points,
        k,
        init=init,
        seed=asked.seed,
        max_iter=asked.iterations,
        effort=asked.effort,
        threads=asked.threads,
        callback=callback,
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
        """Say it, and keep it if asked to."""
        self.count += 1
        self.say(f"iteration {self.count}, inertia {digits(seen.inertia)}")
        if self.keep:
            self.history.append(replace(seen, labels=seen.labels[self.drawn]))

    def thinned(self, run: KMeansResult) -> KMeansResult:
        """The run as it looks from the points drawn."""
        return replace(run, labels=run.labels[self.drawn], history=tuple(self.history))
