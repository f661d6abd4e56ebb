"""The application: the page's files, and the calls of the API."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from importlib.util import find_spec
from typing import Any, TypeVar

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tinct import __version__
from tinct.web import points
from tinct.web.asked import CALLS, Call, taken
from tinct.web.body import Room, form, json_of, whole
from tinct.web.files import routes as files
from tinct.web.guard import Guard
from tinct.web.kept import Kept
from tinct.web.limits import Limits, Refused
from tinct.web.openapi import description
from tinct.web.pool import Job, Pool

__all__ = ["application"]

Found = TypeVar("Found")
Upload = tuple[str, bytes | None, str | None]  # key, bytes and name of a picture
NAME = 200  # characters of a picture's name, which goes into a header
MEDIA = {"png": "image/png", "webp": "image/webp", "gif": "image/gif", "mp4": "video/mp4"}
FILMS = ("gif", "webp", "mp4", "png")


class Server:
    """What all requests share: the processes, the pictures sent before, and how many there are."""

    def __init__(self, limits: Limits) -> None:
        self.limits, self.active = limits, 0
        self.pool: Pool | None = None
        self.room = Room(max(limits.cache, limits.body))
        self.sent: Kept[tuple[bytes, str | None]] = Kept(limits.cache, limits.keep)
        self.drawn: dict[str, list[int]] = {}  # bytes of the drawings that a search has made

    @asynccontextmanager
    async def lifespan(self, _: Any) -> AsyncIterator[None]:
        """Processes as long as the server runs."""
        self.pool = Pool(self.limits)
        try:
            yield
        finally:
            self.pool.close()

    def guarded(self, answer: Callable[[Request], Awaitable[Response]]) -> Any:
        """Answer within the limits: not too many at once, not too long, in JSON if refused."""

        async def endpoint(request: Request) -> Response:
            if self.active >= self.limits.requests:
                return _error(Refused(503, "busy", "too many requests at a time; try again soon"))
            self.active += 1
            try:
                async with asyncio.timeout(self.limits.seconds):
                    return await answer(request)
            except TimeoutError:
                took = f"this took longer than {self.limits.seconds:g} seconds"
                text = f"{took} (--time-limit) and was given up"
                return _error(Refused(504, "too long", text))
            except Refused as refused:
                return _error(refused)
            except ValueError as error:
                return _error(Refused(422, "wrong option", str(error)))
            finally:
                self.active -= 1

        return endpoint

    async def work(
        self, request: Request, job: Job, called: str | None = None
    ) -> tuple[bytes, Any]:
        """Have a job done for as long as the client waits for it."""
        assert self.pool is not None
        sizes: list[int] = []
        if called is not None:
            self.drawn[called] = sizes
        try:
            return await _unless_gone(request, self.pool.run(job, sizes.append))
        finally:
            if called is not None:
                self.drawn.pop(called, None)

    async def upload(self, request: Request, given: dict[str, str]) -> Upload:
        """The picture of a request: its body, a part of it, or one sent before."""
        body = await whole(request, self.limits.body, self.room)
        name = given.pop("name", None)
        if request.headers.get("content-type", "").startswith("multipart/form-data"):
            body, named, fields = await form(request, body)
            given |= fields
            name = given.pop("name", None) or name or named
        name = name[:NAME] if name else None
        key = given.pop("picture", None)
        if body:
            key = (await asyncio.to_thread(hashlib.sha256, body)).hexdigest()[:32]
            self.sent.put(key, (body, name), len(body))
            return key, body, name
        if key is None:
            raise Refused(422, "no picture", "send a picture as the body, or name one by picture=")
        known = self.sent.get(key)
        if known is None:
            raise Refused(410, "gone", "this picture is not kept any more; send it again")
        return key, known[0], name or known[1]

    def picture_call(self, call: Call) -> Callable[[Request], Awaitable[Response]]:
        """Answer a call about a picture."""

        async def answer(request: Request) -> Response:
            given = dict(request.query_params)
            wish, called = given.pop("answer", None), given.pop("progress", None)
            key, data, name = await self.upload(request, given)
            how = taken(call, given)
            data, told = await self.work(request, (call.job, key, data, name, how), called)
            return _answer(call, key, data, told, how, wish)

        return answer

    async def kmeans(self, request: Request) -> Response:
        """K-means of points sent as JSON, or of a picture's colors."""
        if not request.headers.get("content-type", "").startswith("application/json"):
            return await self.picture_call(CALLS["/api/kmeans"])(request)
        job, how = points.asked(json_of(await whole(request, self.limits.body, self.room)))
        _, told = await self.work(request, (job, None, None, None, how))
        return JSONResponse(told)

    async def progress(self, request: Request) -> Response:
        """How many drawings a search has made, and the bytes of the last."""
        sizes = self.drawn.get(request.query_params.get("of", ""), [])
        return JSONResponse({"drawings": len(sizes), "bytes": sizes[-1] if sizes else None})

    async def health(self, _: Request) -> Response:
        """That it runs, and what it takes."""
        limits = self.limits
        told = {
            "status": "ok",
            "version": __version__,
            "limits": {
                "body": limits.body,
                "pixels": limits.pixels,
                "seconds": limits.seconds,
                "requests": limits.requests,
                "processes": limits.processes,
            },
            "films": _films(),
            "active": self.active,
        }
        return JSONResponse(told)


def application(limits: Limits, names: Iterable[str] = ()) -> Starlette:
    """The ASGI application.

    Parameters
    ----------
    limits : Limits
        What it takes on.
    names : iterable of str
        Names of this host, besides addresses and localhost.
    """
    server = Server(limits)
    routes = [
        Route(path, server.guarded(server.picture_call(call)), methods=["POST"])
        for path, call in CALLS.items()
        if path != "/api/kmeans"
    ]
    routes += [
        Route("/api/kmeans", server.guarded(server.kmeans), methods=["POST"]),
        Route("/api/health", server.health),
        Route("/api/progress", server.progress),
        Route("/api", lambda _: JSONResponse(description(limits))),
        *files(),
    ]
    return Starlette(
        routes=routes,
        middleware=[Middleware(Guard, names=tuple(names))],
        exception_handlers={HTTPException: _http, Exception: _bug},
        lifespan=server.lifespan,
    )


def _films() -> list[str]:
    """The kinds of films that this machine can make of K-means."""
    if find_spec("matplotlib") is None:
        return []
    ffmpeg = shutil.which("ffmpeg") or find_spec("imageio_ffmpeg")
    return [kind for kind in FILMS if kind != "mp4" or ffmpeg]


def _answer(
    call: Call, key: str, data: bytes, told: dict[str, Any], how: dict[str, Any], wish: str | None
) -> Response:
    told = {"picture_id": key, **told}
    if call.media == "application/json" and not data:
        return JSONResponse(told)
    media = call.media if call.media != "image/*" else MEDIA[how.get("kind") or told["format"]]
    media = "application/octet-stream" if call.job == "palette" else media
    if wish == "json":
        return JSONResponse(told | {"type": media, "data": base64.b64encode(data).decode()})
    if wish is not None:
        raise Refused(422, "wrong option", f"answer must be json, not {wish[:40]}")
    report = json.dumps(told, separators=(",", ":"))  # ASCII, as headers are
    headers = {"x-tinct-report": report, "cache-control": "no-store"}
    return Response(data, media_type=media, headers=headers)


async def _unless_gone(request: Request, work: Awaitable[Found]) -> Found:
    """What the work gives, unless the client goes away before; the work is then cancelled."""
    task = asyncio.ensure_future(work)
    gone = asyncio.create_task(_gone(request))
    try:
        await asyncio.wait([task, gone], return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            raise Refused(400, "gone", "the client went away")
        return task.result()
    except KeyError:
        text = "this picture is not kept any more; send it again"
        raise Refused(410, "gone", text) from None
    finally:
        gone.cancel()
        task.cancel()


async def _gone(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


def _error(refused: Refused) -> Response:
    headers = {"retry-after": "1"} if refused.status == 503 else {}
    told = {"error": refused.text, "reason": refused.reason}
    return JSONResponse(told, refused.status, headers)


async def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    texts = {404: "there is nothing here", 405: f"{request.method} is not taken here"}
    text = texts.get(error.status_code, error.detail)
    told = {"error": text, "reason": "no such call"}
    return JSONResponse(told, error.status_code, error.headers)


async def _bug(_: Request, error: Exception) -> Response:
    return _error(Refused(500, "bug", f"a bug in tinct: {type(error).__name__}: {error}"))
