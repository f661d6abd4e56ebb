"""The cluster that work is given to: one of Dask's, started here or found at an address."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

__all__ = ["connected"]

LOCAL = {
    # Else a worker that died and takes over 15 seconds to start again is given up for good.
    "distributed.deploy.lost-worker-timeout": "10 minutes",
    # Nobody looks at it; it takes 5 of 50 ms a picture, and memory for an hour of it.
    "distributed.worker.profile.enabled": False,
}


@contextmanager
def connected(address: str) -> Iterator[Any]:
    """A client of the scheduler at an address; `local`: of processes on this machine."""
    try:
        import dask
        from distributed import Client, LocalCluster
    except ImportError as error:
        raise ImportError("--cluster needs an extra: pip install 'tinct[dask]'") from error
    if address == "local":
        with (
            dask.config.set(LOCAL),
            LocalCluster(dashboard_address=":0", silence_logs=logging.CRITICAL) as cluster,
            Client(cluster) as client,
        ):
            yield client
        return
    try:
        client = Client(address, timeout="10s")
    except (OSError, ValueError) as error:
        raise ConnectionError(f"cluster {address}: no Dask scheduler answers there") from error
    with client:
        yield client
