"""The page's own files, read once at the start: no path is ever made from a URL."""

from __future__ import annotations

import hashlib
import mimetypes
from importlib.resources import files
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

__all__ = ["routes"]

TYPES = {".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}


def routes() -> list[Route]:
    """A route for each file of the page; / is index.html."""
    folder = files("tinct.web") / "static"
    return [_route(path, data) for path, data in sorted(_found(folder, "/").items())]


def _found(folder: Any, at: str) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    for item in folder.iterdir():
        if item.is_dir():
            found |= _found(item, f"{at}{item.name}/")
        else:
            found[at + item.name] = item.read_bytes()
    return found


def _route(path: str, data: bytes) -> Route:
    dot = path[path.rfind(".") :]
    kind = TYPES.get(dot) or mimetypes.guess_type(path)[0] or "application/octet-stream"
    tag = f'"{hashlib.sha256(data).hexdigest()[:20]}"'
    headers = {"etag": tag, "cache-control": "no-cache"}

    async def answer(request: Request) -> Response:
        if request.headers.get("if-none-match") == tag:
            return Response(status_code=304, headers=headers)
        return Response(data, media_type=kind, headers=headers)

    return Route("/" if path == "/index.html" else path, answer)
