"""How much memory there is, so that what can't fit is refused in one line."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path


def refuse_without_room(size: int, k: int, features: int, hint: str = "") -> None:
    """In one line, centers that take more bytes than this process may still have."""
    room = max(0, memory() - resident())
    if size > room:
        raise ValueError(
            f"{k} centers of {features} features take {size / 1e9:,.1f} GB, "
            f"not {room / 1e9:,.1f} or less{hint}"
        )


def memory(root: Path = Path("/")) -> int:
    """Bytes of memory that this process may use: the machine's, or its container's if less."""
    names = getattr(os, "sysconf_names", ())
    all_of_it = sys.maxsize
    if "SC_PHYS_PAGES" in names:
        all_of_it = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return min([all_of_it, *_limits(root)])


def _limits(root: Path) -> Iterator[int]:
    """What control groups allow, of the process's own and of all above it: cgroup v2 and v1."""
    try:
        lines = (root / "proc/self/cgroup").read_text().splitlines()
    except OSError:
        return
    for line in lines:
        _, controllers, path = line.split(":", 2)
        folder, name = "sys/fs/cgroup", "memory.max"
        if controllers:
            if "memory" not in controllers.split(","):
                continue
            folder, name = "sys/fs/cgroup/memory", "memory.limit_in_bytes"
        own = Path(path.lstrip("/"))
        for group in (own, *own.parents):
            try:
                yield int((root / folder / group / name).read_text())
            except (OSError, ValueError):  # not seen from inside the container; "max"
                continue


def resident() -> int:
    """Bytes that this process holds already, as far as the machine says."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 0
