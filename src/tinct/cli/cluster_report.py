"""What ``tinct cluster`` says: the sizes and centers of the clusters, as text or JSON."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tinct.cli.cluster import Found
    from tinct.clustering.choose import Choice

__all__ = ["as_json", "as_text", "digits"]

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
        told["choice"] = {
            "k": list(choice.ks),
            "inertia": list(choice.inertia),
            "silhouette": list(choice.silhouette),
            "suggested": choice.suggested,
        }
    return json.dumps(told)
