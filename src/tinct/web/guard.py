"""Before anything else: whose request is it, and what browsers may do with the answer."""

from __future__ import annotations

import ipaddress
import json
import socket
from collections.abc import Iterable
from urllib.parse import urlsplit

from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["Guard"]

POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' blob:",
        "connect-src 'self'",
        "worker-src 'self'",
        "manifest-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)
HEADERS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}


class Guard:
    """Lets requests through that this machine's own page or programs send.

    A name in Host that is not ours may be a stranger's, made to point here (DNS rebinding): only
    addresses, localhost and the names given are served. A request that a browser sends for the
    page of another origin is refused, whatever its method.
    """

    def __init__(self, app: ASGIApp, names: Iterable[str] = ()) -> None:
        self.app = app
        self.names = {"localhost", socket.gethostname().lower(), *(n.lower() for n in names)}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through, or refuse it."""
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self.app(scope, receive, send)
            return
        headers = {key: value.decode("latin-1") for key, value in scope["headers"]}
        host = headers.get(b"host", "")

        async def sealed(message: Message) -> None:
            if message["type"] == "http.response.start":
                raw = [(k.encode(), v.encode()) for k, v in HEADERS.items()]
                message = {**message, "headers": [*message.get("headers", []), *raw]}
            await send(message)

        if not self._ours(host):
            await _refuse(sealed, 421, "wrong host", f"this server is not {host[:80] or 'nobody'}")
        elif self._foreign(host, headers):
            await _refuse(sealed, 403, "other origin", "pages of other origins are not served")
        else:
            await self.app(scope, receive, sealed)

    def _ours(self, host: str) -> bool:
        try:
            name = urlsplit(f"//{host}").hostname or ""
        except ValueError:
            return False
        return name in self.names or _is_address(name)

    def _foreign(self, host: str, headers: dict[bytes, str]) -> bool:
        origin = headers.get(b"origin")
        if origin is not None:
            return origin.partition("://")[2].lower() != host.lower()
        return headers.get(b"sec-fetch-site", "none") == "cross-site" and (
            headers.get(b"sec-fetch-mode") != "navigate"
        )


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


async def _refuse(send: Send, status: int, reason: str, text: str) -> None:
    body = json.dumps({"error": text, "reason": reason}).encode()
    kind = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": status, "headers": kind})
    await send({"type": "http.response.body", "body": body})
