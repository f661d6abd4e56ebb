"""``tinct cluster`` on a table that no memory need hold: a folder of Parquet, here or on Dask."""

from __future__ import annotations

import contextlib
import json
import os
import time
from typing import TYPE_CHECKING, Any

import click

from tinct.cli.cluster import Watcher, choose, clustered, first_centers
from tinct.cli.cluster_files import centers_bytes, check_targets
from tinct.cli.cluster_options import Cluster
from tinct.cli.cluster_report import center_lines, choice_lines, choice_told, digits
from tinct.cli.failures import complain
from tinct.cli.progress import Say, silent, status
from tinct.defaults import OK

if TYPE_CHECKING:  # what is refused must not pay for NumPy
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from tinct.clustering.sources import Parquet
    from tinct.tables import Scale

__all__ = ["run"]


def run(asked: Cluster) -> int:
    """Cluster, write labels part by part, tell."""
    for name in ("missing", "variable", "steps", "animate"):
        if getattr(asked, name) != getattr(Cluster, name).default:
            raise click.UsageError(f"--{name} takes a table in memory, not one in parts")
    check_targets([asked.centers], asked.force)
    if asked.output is not None and not asked.force and os.path.exists(asked.output):
        raise FileExistsError(17, "already exists", asked.output)
    with contextlib.ExitStack() as open_:
        if asked.cluster is not None:
            from tinct.batch.cluster import connected

            client = open_.enter_context(connected(asked.cluster))
            if not asked.as_json:
                complain(f"dashboard: {client.dashboard_link}")
        told = _work(asked, open_.enter_context(status(quiet=asked.as_json)))
    click.echo(json.dumps(told) if asked.as_json else _as_text(told))
    return OK


def _work(asked: Cluster, say: Say) -> dict[str, Any]:
    import numpy as np

    from tinct.atomic_write import write
    from tinct.clustering.sources import Parquet

    table = Parquet(asked.table, None if asked.columns is None else asked.columns.split(","))
    say(f"reading {asked.table}")
    scale = _scaled(table) if asked.scale else None
    choice = choose(asked, table, say)
    k = asked.k if asked.k is not None or choice is None else choice.suggested
    assert k is not None
    began = time.perf_counter()
    watcher = None if say is silent else Watcher(0, say, keep=False)
    found = clustered(asked, table, k, first_centers(asked.init, scale), watcher)
    centers = found.centers if scale is None else scale.undo(found.centers)
    seconds = time.perf_counter() - began
    sizes = np.zeros(k, np.int64)
    written = _write_labels(asked.output, found.labels, sizes, asked.force, say)
    if asked.centers:
        data = centers_bytes(asked.centers, tuple(table.names), centers)
        write(asked.centers, data, overwrite=asked.force)
        written.append(asked.centers)
    return {
        "table": asked.table,
        "rows": int(sizes.sum()),
        "columns": table.names,
        "scaled": asked.scale,
        "k": k,
        "init": asked.init,
        "iterations": found.n_iter,
        "converged": found.converged,
        "inertia": found.inertia,
        "sizes": sizes.tolist(),
        "centers": centers.tolist(),
        "seconds": {"cluster": round(seconds, 4)},
        "written": written,
    } | ({"choice": choice_told(choice)} if choice is not None else {})


def _scaled(table: Parquet) -> Scale:
    """Have the parts scaled as they are read; how to undo it."""
    from tinct.clustering.scattered import moments_of_parts
    from tinct.clustering.sources import source_of
    from tinct.tables import Scale

    source = source_of(table)
    assert source is not None
    table.scale = moments_of_parts(source)
    return Scale(*table.scale)


def _write_labels(
    path: str | None, parts: Iterable[NDArray[Any]], sizes: NDArray[Any], force: bool, say: Say
) -> list[str]:
    """A Parquet file for each part, in a folder; the sizes of the clusters are counted."""
    import numpy as np

    from tinct.atomic_write import write
    from tinct.tables.frames import labels_bytes

    if path is not None:
        os.makedirs(path, exist_ok=True)
    for i, labels in enumerate(parts):
        say(f"labels of part {i}")
        sizes += np.bincount(labels, minlength=len(sizes))
        if path is not None:
            write(
                os.path.join(path, f"part-{i:06d}.parquet"), labels_bytes(labels), overwrite=force
            )
    return [path] if path is not None else []


def _as_text(told: dict[str, Any]) -> str:
    rows, d, n = told["rows"], len(told["columns"]), told["iterations"]
    end = "converged" if told["converged"] else "stopped there"
    lines = [
        f"{told['table']}: {rows:,} rows, {d} column{'s' * (d != 1)}, in parts",
        *choice_lines(told.get("choice", {})),
        f"K = {told['k']}, {told['init']}: {n} iteration{'s' * (n != 1)}, {end}, "
        f"{told['seconds']['cluster']:.2f} s",
        f"inertia {digits(told['inertia'])}" + " (standardized)" * told["scaled"],
        "",
        *center_lines(told["columns"], told["centers"], told["sizes"]),
    ]
    return "\n".join(
        lines + (["", "written: " + ", ".join(told["written"])] * bool(told["written"]))
    )
