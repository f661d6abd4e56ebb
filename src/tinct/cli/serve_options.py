"""What ``tinct serve`` can be asked for."""

from __future__ import annotations

from tinct.options import Command, Number, Size, Text, option

__all__ = ["Serve"]


class Serve(Command):
    """Open a page on this machine: drop a picture, move K, see it.

    The page and its HTTP API are for this machine alone unless --host says otherwise. Nothing is
    stored on disk, and nothing is asked of any other machine. /api describes the API.

    \b
      tinct serve --open
      tinct serve --port 8000 --workers 4
    """  # noqa: D301 - click reads the \b

    port: int = option("--port", Number(int, 0, 65535), "port; 0 takes a free one", default=8323)
    host: str = option("--host", Text("HOST"), "address to listen on", default="127.0.0.1")
    open: bool = option("--open", None, "open the page in the browser")
    workers: int | None = option(
        "--workers",
        Number(int, 1, 256),
        "processes that work on pictures",
        shown="cores, at most 8",
    )
    max_body: int = option(
        "--max-body", Size(), "largest request taken", default=100_000_000, shown="100M"
    )
    max_pixels: float = option(
        "--max-pixels", Number(float, 0.001, 300), "megapixels of a picture, {span}", default=100
    )
    time_limit: float = option(
        "--time-limit", Number(float, 1), "seconds that a request may take", default=120
    )
    max_requests: int = option(
        "--max-requests", Number(int, 1), "requests worked on or waiting at a time", default=128
    )
    cache: int = option(
        "--cache",
        Size(),
        "memory for pictures that were sent before",
        default=512_000_000,
        shown="512M",
    )
