"""K-means of points that come as JSON: what may be asked, and its checks."""

from __future__ import annotations

from typing import Any

from tinct.checks import flag, whole

__all__ = ["asked"]

FIELDS = ("points", "k", "weights", "init", "seed", "max_iter", "tol", "labels", "choose")
MOST = 300  # iterations whose history goes over the wire


def asked(given: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """The job and its options; ValueError and TypeError as `tinct.kmeans` words them.

    Examples
    --------
    >>> asked({"points": [[0], [1]], "k": 1})[0]
    'points'
    """
    unknown = sorted(set(given) - set(FIELDS))
    if unknown:
        raise ValueError(
            f"there is no option {unknown[0][:40]!r} here; there are {', '.join(FIELDS)}"
        )
    if "points" not in given:
        raise ValueError("points must be given: rows of numbers")
    try:
        seed = whole("seed", given.get("seed", 0), 0, 2**63)
        if given.get("choose") is not None:
            most = whole("choose", given["choose"], 2, 30)
            return "choose", {"points": given["points"], "most": most, "seed": seed}
        how = {
            "points": given["points"],
            "weights": given.get("weights"),
            "k": whole("k", given.get("k"), 1, 256),
            "init": given.get("init", "random"),
            "seed": seed,
            "max_iter": whole("max_iter", given.get("max_iter", 100), 1, MOST),
            "tol": given.get("tol", 0.0),
            "labels": flag("labels", given.get("labels", False)),
        }
    except TypeError as error:
        raise ValueError(str(error)) from None
    return "points", how
