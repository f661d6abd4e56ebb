"""``tinct serve``: the page on this machine, until Ctrl-C."""

from __future__ import annotations

import click

from tinct.cli.serve_options import Serve
from tinct.defaults import OK

__all__ = ["run"]

NEEDED = ("starlette", "uvicorn", "python_multipart")


def run(asked: Serve) -> int:
    """Listen, say where, and serve until interrupted."""
    from importlib.util import find_spec

    if not all(map(find_spec, NEEDED)):
        raise ImportError("the page needs an extra: pip install 'tinct[web]'")
    from tinct.web.limits import Limits
    from tinct.web.serve import serve

    limits = Limits(
        body=asked.max_body,
        pixels=int(asked.max_pixels * 1e6),
        seconds=asked.time_limit,
        requests=asked.max_requests,
        cache=asked.cache,
        workers=asked.workers,
    )
    serve(asked.host, asked.port, limits, _say, open_page=asked.open)
    return OK


def _say(address: str) -> None:
    click.echo(f"tinct is at {address} (Ctrl-C ends it)")
