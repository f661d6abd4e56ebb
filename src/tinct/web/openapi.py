"""The API in the words of OpenAPI 3.1, made from what is declared."""

from __future__ import annotations

from typing import Any

from tinct import __version__
from tinct.options import Number, Option, Score, Size, Word
from tinct.web.asked import CALLS, Call
from tinct.web.limits import Limits

__all__ = ["description"]

SENT = {
    "picture": "a picture that was sent before, by the picture_id of its report; without a body",
    "name": "what messages and the report call the picture",
    "progress": "a word of your own, by which GET /api/progress?of= knows this request",
}
REFUSALS = {
    400: "the request can't be read",
    403: "a browser sent it for the page of another origin",
    410: "the picture is not kept any more",
    413: "the body is too large",
    421: "Host is not a name of this server",
    422: "not a picture, a wrong option, or a target out of reach",
    503: "too many requests at a time",
    504: "it took too long",
}


def description(limits: Limits) -> dict[str, Any]:
    """The OpenAPI document.

    Examples
    --------
    >>> sorted(description(Limits())["paths"])[:3]
    ['/api/colors', '/api/compress', '/api/film']
    """
    paths: dict[str, Any] = {path: {"post": _call(call)} for path, call in CALLS.items()}
    paths["/api/kmeans"]["post"]["requestBody"]["content"]["application/json"] = {"schema": POINTS}
    told = {"200": {"description": "that it runs, and its limits", "content": _json()}}
    counted = {"200": {"description": "drawings so far, bytes of the last", "content": _json()}}
    words = "what the request for the picture has as progress="
    paths["/api/progress"] = {
        "get": {
            "summary": "How far a search for quality or size is",
            "parameters": [_query("of", words, {"type": "string"})],
            "responses": counted,
        }
    }
    paths["/api/health"] = {"get": {"summary": "Whether it runs", "responses": told}}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "tinct",
            "version": __version__,
            "description": "Image compression by K-means clustering. "
            f"Bodies up to {limits.body} bytes, pictures up to {limits.pixels} pixels.",
        },
        "paths": paths,
    }


def _call(call: Call) -> dict[str, Any]:
    parameters = [_parameter(one) for one in call.options.values()]
    parameters += [_query(name, words, {"type": "string"}) for name, words in SENT.items()]
    if call.media != "application/json":
        words = "json: the report with the file in it, in base64"
        parameters.append(_query("answer", words, {"enum": ["json"]}))
    binary = {"schema": {"type": "string", "format": "binary"}}
    form = {"type": "object", "properties": {"file": {"type": "string", "format": "binary"}}}
    good: dict[str, Any] = {"description": call.summary, "content": {call.media: {}}}
    if call.media != "application/json":
        header = {"description": "the report, as JSON", "schema": {"type": "string"}}
        good["headers"] = {"X-Tinct-Report": header}
    bad = {str(code): {"description": d, "content": _json()} for code, d in REFUSALS.items()}
    return {
        "summary": call.summary,
        "parameters": parameters,
        "requestBody": {
            "content": {"application/octet-stream": binary, "multipart/form-data": {"schema": form}}
        },
        "responses": {"200": good, **bad},
    }


def _parameter(one: Option) -> dict[str, Any]:
    schema = _schema(one)
    if one.default is not None:
        schema["default"] = one.default
    return _query(one.attribute, one.meaning, schema)


def _query(name: str, words: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "in": "query", "description": words, "schema": schema}


def _schema(one: Option) -> dict[str, Any]:
    kind = one.kind
    if kind is None:
        return {"type": "boolean"}
    if isinstance(kind, Score | Size):
        return {"type": "string"}
    if isinstance(kind, Number):
        number: dict[str, Any] = {"type": "integer" if kind.kind is int else "number"}
        number["minimum"] = kind.low
        if kind.high != float("inf"):
            number["maximum"] = kind.high
        return {"anyOf": [number, {"enum": [kind.word]}]} if kind.word else number
    return {"enum": list(kind.words)} if isinstance(kind, Word) else {"type": "string"}


def _json() -> dict[str, Any]:
    return {"application/json": {"schema": {"type": "object"}}}


_NUMBERS = {"type": "array", "items": {"type": "number"}}
_ROWS = {"type": "array", "items": _NUMBERS}
POINTS: dict[str, Any] = {
    "type": "object",
    "required": ["points"],
    "properties": {
        "points": _ROWS,
        "weights": _NUMBERS,
        "k": {"type": "integer", "minimum": 1, "maximum": 256},
        "init": {"anyOf": [{"enum": ["random", "k-means++", "divisive"]}, _ROWS]},
        "seed": {"type": "integer", "minimum": 0},
        "max_iter": {"type": "integer", "minimum": 1, "maximum": 300},
        "tol": {"type": "number", "minimum": 0},
        "labels": {"type": "boolean", "description": "each point's center at every step, too"},
        "choose": {
            "type": "integer",
            "description": "instead: inertia and silhouette up to this K",
        },
    },
}
