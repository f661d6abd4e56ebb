"""Bodies of requests: read within limits, kept in memory, never on disk."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from typing import Any

from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import ClientDisconnect, Request

from tinct.web.limits import Refused

__all__ = ["Room", "form", "json_of", "whole"]


class Room:
    """Bytes that all bodies on their way may take together."""

    def __init__(self, most: int) -> None:
        self.left = most

    def take(self, size: int) -> None:
        """Take some, or refuse."""
        if size > self.left:
            raise Refused(503, "busy", "too much is being sent at a time; try again soon")
        self.left -= size


async def whole(request: Request, most: int, room: Room) -> bytes:
    """The body; Refused as soon as it is seen to be too large, or too much with all others."""
    too_large = Refused(413, "too large", f"the body is larger than the limit of {most} bytes")
    announced = request.headers.get("content-length", "")
    if announced.isdecimal() and int(announced) > most:
        raise too_large
    parts, size = [], 0
    try:
        async for part in request.stream():
            size += len(part)
            if size > most:
                raise too_large
            room.take(len(part))
            parts.append(part)
    except ClientDisconnect:
        raise Refused(400, "gone", "the client went away") from None
    finally:
        room.left += sum(map(len, parts))
    return b"".join(parts)


class _InMemory(MultiPartParser):
    spool_max_size = 1 << 62  # a file beyond it would go to disk


async def form(request: Request, body: bytes) -> tuple[bytes, str | None, dict[str, str]]:
    """The picture of a multipart body, its name, and the other fields."""

    async def stream() -> AsyncGenerator[bytes, None]:
        yield body

    try:
        parser = _InMemory(
            request.headers, stream(), max_files=1, max_fields=40, max_part_size=65536
        )
        fields = await parser.parse()
    except (MultiPartException, KeyError, UnicodeError, ValueError) as error:
        text = getattr(error, "message", None) or str(error) or "broken"
        raise Refused(400, "malformed", f"the multipart body can't be read: {text}") from None
    data, name, rest = b"", None, {}
    for key, value in fields.multi_items():
        if isinstance(value, UploadFile):
            data, name = await value.read(), value.filename
        else:
            rest[key] = value
    await fields.close()
    return data, name, rest


def json_of(body: bytes) -> dict[str, Any]:
    """A JSON object."""
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        raise Refused(400, "malformed", "the body is no JSON") from None
    if not isinstance(found, dict):
        raise Refused(422, "wrong option", "the body must be a JSON object")
    return found
