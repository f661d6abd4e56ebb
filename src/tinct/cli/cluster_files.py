"""The files that ``tinct cluster`` and ``tinct steps`` write: labels, centers and figures."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import click

from tinct.cli.jobs import check_target
from tinct.defaults import extension

if TYPE_CHECKING:  # what is refused must not pay for NumPy
    from numpy.typing import NDArray

    from tinct.cli.cluster import Found
    from tinct.cli.cluster_options import Cluster
    from tinct.cli.progress import Say

__all__ = ["centers_bytes", "check_targets", "film_kind", "need_matplotlib", "write_all"]


def check_targets(targets: Sequence[str | None], force: bool) -> None:
    """Refuse, before any work is done, targets that can't be written."""
    wanted = [os.path.realpath(target) for target in targets if target is not None]
    if len(set(wanted)) < len(wanted):
        raise click.UsageError("two outputs would go to the same file")
    for target in filter(None, targets):
        check_target(target, force)


def need_matplotlib() -> None:
    """Say, before any work is done, that figures need an extra."""
    from importlib.util import find_spec

    if find_spec("matplotlib") is None:
        raise ImportError("figures need an extra: pip install 'tinct[plot]'")


def write_all(asked: Cluster, found: Found, say: Say) -> list[str]:
    """Write what was asked for; returns the paths."""
    from tinct.atomic_write import write

    outputs: dict[str, Callable[[], bytes]] = {}
    if asked.output:
        outputs[asked.output] = lambda: _labels(asked.output or "", found)
    if asked.centers:
        outputs[asked.centers] = lambda: centers_bytes(
            asked.centers or "", found.table.columns, found.centers
        )
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


def centers_bytes(path: str, columns: Sequence[str], centers: NDArray[Any]) -> bytes:
    """The centers as the name of the file asks: CSV under the columns' names, or NPY."""
    import csv

    if path.lower().endswith(".npy"):
        return _npy(centers)
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(columns)
    rows.writerows(centers.tolist())
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
    return extension(path)
