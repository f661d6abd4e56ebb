"""Listening: one process for HTTP, the others for pictures."""

from __future__ import annotations

import os
import socket
import webbrowser
from collections.abc import Callable

import uvicorn

from tinct.web.app import application
from tinct.web.limits import Limits

__all__ = ["serve"]

BACKLOG = 512


def serve(
    host: str,
    port: int,
    limits: Limits,
    say: Callable[[str], None],
    *,
    open_page: bool = False,
) -> None:
    """Serve until interrupted.

    Parameters
    ----------
    host, port : str, int
        Where to listen; port 0 takes a free one.
    limits : Limits
        What to take on.
    say : callable
        Called with the page's address once it can be asked.
    open_page : bool
        Whether to open the page in the browser.

    Raises
    ------
    OSError
        If the address can't be had.
    KeyboardInterrupt
        At Ctrl-C, once all is put away.
    """
    listening = _listening(host, port)
    name = f"[{host}]" if ":" in host else host
    address = f"http://{name}:{listening.getsockname()[1]}/"

    class Told(uvicorn.Server):
        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            if self.started:
                say(address)
                if open_page:
                    webbrowser.open(address)

    config = uvicorn.Config(
        application(limits, [host]),
        log_config=None,
        log_level="info" if os.environ.get("TINCT_DEBUG") else "critical",
        access_log=False,
        server_header=False,
        ws="none",
        timeout_keep_alive=30,
        timeout_graceful_shutdown=1,
    )
    server = Told(config)
    with listening:
        server.run([listening])
    if server.started:
        raise KeyboardInterrupt  # nothing else ends it, even where the shell made it deaf to Ctrl-C
    raise OSError("the server could not start")


def _listening(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    found = socket.socket(family, socket.SOCK_STREAM)
    try:
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        found.bind((host, port))
        found.listen(BACKLOG)
    except OSError as error:
        found.close()
        raise OSError(error.errno, error.strerror, f"{host}:{port}") from None
    return found
