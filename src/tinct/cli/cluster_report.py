"""What ``tinct cluster`` says: the sizes and centers of the clusters, as text or JSON."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tinct.cli.cluster import Found
    from tinct.clustering.choose import Choice

__all__ = ["as_json", "as_text", "center_lines", "choice_lines", "choice_told", "digits"]

MOST_COLUMNS, MOST_CLUSTERS = 8, 40  # in the report


def digits(value: float) -> str:
    """Four digits that matter, thousands apart."""
    if value == 0:
        return "0"
    exponent = math.floor(math.log10(abs(value)))
    if not -4 <= exponent < 9:
        return f"{value:.3e}"
    return f"{value:,.{min(max(0, 3 - exponent), 6)}f}"


def as_text(found: Found, written: list[str]) -> str:
    """Say it in lines."""
    table, run = found.table, found.run
    n, d = table.values.shape
    rows = f"{n:,} row{'s' * (n != 1)}" + (
        f" ({len(table.dropped):,} left out)" if table.dropped else ""
    )
    lines = [f"{table.name}: {rows}, {d} column{'s' * (d != 1)}"]
    if table.aside:
        lines.append(f"no numbers, and so left aside: {', '.join(table.aside)}")
    if table.filled:
        lines.append(f"{table.filled:,} missing values taken as their column's mean")
    if found.constant:
        names = ", ".join(found.constant)
        lines.append(f"constant, and so without a say: {names}")
    lines += choice_lines(choice_told(found.choice))
    end = "converged" if run.converged else "stopped there"
    seconds = f"{found.seconds['cluster']:.2f} s"
    told = f"{run.n_iter} iteration{'s' * (run.n_iter != 1)}, {end}"
    lines.append(f"K = {len(run.centers)}, {found.init}: {told}, {seconds}")
    lines.append(f"inertia {digits(run.inertia)}" + (" (standardized)" if found.scale else ""))
    lines += ["", *center_lines(table.columns, found.centers.tolist(), found.sizes)]
    if written:
        lines += ["", "written: " + ", ".join(written)]
    return "\n".join(lines)


def choice_lines(told: dict[str, Any]) -> list[str]:
    """What each K gave, and which is suggested; none if that was not asked."""
    if not told:
        return []
    head = ["K", *map(str, told["k"])]
    inertia = ["inertia", *map(digits, told["inertia"])]
    silhouette = ["silhouette", *(f"{s:.3f}" for s in told["silhouette"])]
    marks = ["", *("<- suggested" if k == told["suggested"] else "" for k in told["k"])]
    return ["", *_aligned(list(zip(head, inertia, silhouette, marks, strict=True))), ""]


def center_lines(columns: Sequence[str], centers: list[list[float]], sizes: list[int]) -> list[str]:
    """The first clusters and columns, and how many more there are."""
    names = list(columns[:MOST_COLUMNS])
    rows = [("cluster", "rows", "share", *names)]
    n = sum(sizes)
    shown = centers[:MOST_CLUSTERS]
    for i, (size, center) in enumerate(zip(sizes, shown, strict=False)):
        cells = map(digits, center[:MOST_COLUMNS])
        rows.append((str(i), f"{size:,}", f"{size / n:.1%}", *cells))
    lines = _aligned(rows)
    for more, what in (
        (len(sizes) - len(shown), "clusters"),
        (len(columns) - len(names), "columns"),
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


def as_json(found: Found, written: list[str]) -> str:
    """Say it as one object."""
    run, choice = found.run, found.choice
    told: dict[str, Any] = {
        "table": found.table.name,
        "rows": len(found.table.values),
        "dropped": len(found.table.dropped),
        "filled": found.table.filled,
        "columns": list(found.table.columns),
        "aside": list(found.table.aside),
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
        told["choice"] = choice_told(choice)
    return json.dumps(told)


def choice_told(choice: Choice | None) -> dict[str, Any]:
    """The search for K as an object; an empty one if there was none."""
    if choice is None:
        return {}
    lists = {"k": choice.ks, "inertia": choice.inertia, "silhouette": choice.silhouette}
    return {**{name: list(each) for name, each in lists.items()}, "suggested": choice.suggested}
