"""API Gateway on this machine: an ASGI application that serves all REST APIs on one port."""

from __future__ import annotations

import asyncio
import base64
import importlib
import json
import logging
import time
import uuid
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from concurrent.futures.process import BrokenProcessPool
from http import HTTPStatus
from pathlib import Path
from types import MappingProxyType
from typing import Any
from urllib.parse import parse_qsl, unquote

from infra import resources, topology
from infra.local.own_pages import PREFIX, OwnPages
from infra.local.pool import Pool
from switchboard import telemetry
from switchboard.dialects.anima.dialect import Anima
from switchboard.dialects.athos.dialect import Athos
from switchboard.dialects.hum.dialect import Hum
from switchboard.dialects.mcp.dialect import Mcp
from switchboard.dialects.opticomm.dialect import OptiComm
from switchboard.edge.bodies import essence_of
from switchboard.edge.dialect import Dialect
from switchboard.edge.document_headers import CHALLENGE

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]

#: API Gateway's limit for the body of a request, in bytes.
_MAX_BODY = 10 * 1024 * 1024
#: Lambda's limit for an event, in bytes. An event with a body below the second size is never too large.
_MAX_EVENT = 6 * 1024 * 1024
_MOST_TO_MEASURE = 1024 * 1024
_DIALECTS: dict[str, Dialect] = {dialect.name: dialect for dialect in (Anima(), OptiComm(), Athos(), Hum(), Mcp())}

logger = logging.getLogger("gateway")
#: The headers that API Gateway renames in a function's response (REST API, "important notes"), as far as we send them.
_RENAMED = {b"www-authenticate": CHALLENGE.encode()}


class Gateway:
    """Finds the API and the group of a path, and runs the group's function. Streaming groups run in this process."""

    def __init__(
        self,
        pool: Pool,
        log: Path,
        own: Mapping[str, Pool] = MappingProxyType({}),
        own_pages: OwnPages | None = None,
    ) -> None:
        """`own` has the pools of groups that do not run in the common one."""
        self._pool, self._own, self._own_pages = pool, own, own_pages
        self._streams = {
            group.name: importlib.import_module(f"functions.{group.name.replace('/', '.')}.app").app
            for group in topology.GROUPS
            if group.streaming
        }
        # The logs of streams go to the log file of all functions, and not to the terminal.
        for handler in telemetry.logger().handlers:
            if isinstance(handler, logging.StreamHandler):
                handler.setStream(log.open("a"))

    def close(self) -> None:
        """End all open streams."""
        for app in self._streams.values():
            app.close()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] == "lifespan":
            await _live(receive, send)
        elif scope["type"] == "http":
            await self._answer(scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope.get("raw_path", scope["path"].encode()).decode("ascii", "replace").partition("?")[0]
        if self._own_pages and path.startswith(PREFIX):
            headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
            query = scope["query_string"].decode("latin-1")
            await _send(send, await asyncio.to_thread(self._own_pages.respond, scope["method"], path, query, headers))
            return
        api = api_of(path)
        body = await _read(receive)
        if body is None:
            await _refuse(send, api, 413, "PAYLOAD_TOO_LARGE", path)
            return
        if fixed := fixed_answer_of(api, path):
            await _send(send, fixed)
            return
        group, event = group_of(api, path), proxy_event(scope, path, body, topology.binary_types(api))
        if too_large(event):
            await _refuse(send, api, 413, "PAYLOAD_TOO_LARGE", path)
            return
        if group.streaming:
            await self._streams[group.name]({**scope, "aws.event": event}, receive, _renaming(send))
            return
        started = time.perf_counter()
        try:
            answer = await self._own.get(group.name, self._pool).invoke(group.name, event)
        except BrokenProcessPool:
            logger.warning("a process died while it answered %s", path)
            await _refuse(send, api, 502, "INTERNAL_ERROR", path)
            return
        await _send(_renaming(send), answer)
        logger.info(
            "%s %s %s %.0f ms", scope["method"], path, answer["statusCode"], (time.perf_counter() - started) * 1000
        )


def api_of(path: str) -> resources.Api:
    """Return the API of a path: of all base paths that match, the longest wins."""
    matching = [api for api in topology.APIS if f"{path}/".startswith(f"/{api.base_path}/") or not api.base_path]
    return max(matching, key=lambda api: len(api.base_path))


def fixed_answer_of(api: resources.Api, path: str) -> dict[str, Any] | None:
    """Return the answer to a path that has the same answer for everybody, `None` for another path."""
    rest = path.removeprefix(f"/{api.base_path}").strip("/")
    for fixed in api.fixed:
        if fixed.path == rest:
            headers = {"content-type": f"{fixed.media_type}; charset=utf-8"}
            return {"statusCode": HTTPStatus.OK, "headers": headers, "body": fixed.body}
    return None


def group_of(api: resources.Api, path: str, groups: Sequence[resources.Group] = topology.GROUPS) -> resources.Group:
    """Return the group of a path of an API, by the rules of API Gateway.

    For each segment, a literal wins over a variable (`{id}`), and a variable over the rest (`{proxy+}`). The path is
    compared as it was sent: `%2F` is a part of its segment, and `%65mail` does not match `email`.
    """
    rest = path.removeprefix(f"/{api.base_path}").strip("/").split("/")
    found = [
        (rank, group)
        for group in groups
        if group.api == api.name
        for pattern in group.paths
        if (rank := _rank(pattern.split("/"), rest)) is not None
    ]
    if not found:
        return next(group for group in groups if group.name == api.fallback)
    return min(found, key=lambda one: one[0])[1]


def _rank(pattern: list[str], segments: list[str]) -> list[int] | None:
    """Return how a pattern matches a path: per segment, 0 for a literal, 1 for a variable, 2 for all the rest."""
    rank: list[int] = []
    for place, part in enumerate(pattern):
        if place >= len(segments):
            return None
        if part.endswith("+}"):
            return [*rank, 2]
        variable = part.startswith("{")
        if not segments[place] if variable else part != segments[place]:
            return None
        rank.append(int(variable))
    return rank if len(pattern) == len(segments) else None


def proxy_event(scope: Scope, path: str, body: bytes, binary: Collection[str] = ()) -> dict[str, Any]:
    """Return a request as API Gateway's event for a function (REST, payload v1).

    A body with one of the API's binary media types is base64, and any other body is text.
    """
    headers: dict[str, list[str]] = {}
    for name, value in scope["headers"]:
        headers.setdefault(name.decode("latin-1"), []).append(value.decode("latin-1"))
    query: dict[str, list[str]] = {}
    for name, text in parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True):
        query.setdefault(name, []).append(text)
    text, encoded = _body(body, essence_of(next(iter(_values(headers, "content-type")), "")) in binary)
    client = (scope.get("client") or ("127.0.0.1", 0))[0]
    return {
        "resource": "/{proxy+}",
        "path": path,
        "httpMethod": scope["method"],
        "headers": {name: values[-1] for name, values in headers.items()},
        "multiValueHeaders": headers,
        "queryStringParameters": {name: values[-1] for name, values in query.items()} or None,
        "multiValueQueryStringParameters": query or None,
        "pathParameters": {"proxy": unquote(path.lstrip("/"))},
        "stageVariables": None,
        "requestContext": {
            "accountId": "000000000000",
            "apiId": "local",
            "stage": "local",
            "path": path,
            "httpMethod": scope["method"],
            "protocol": f"HTTP/{scope['http_version']}",
            "requestId": str(uuid.uuid4()),
            "resourceId": "local",
            "resourcePath": "/{proxy+}",
            "requestTimeEpoch": int(time.time() * 1000),
            "identity": {"sourceIp": client, "userAgent": ""},
        },
        "body": text or None,
        "isBase64Encoded": encoded,
    }


def too_large(event: dict[str, Any]) -> bool:
    """Whether an event is too large for Lambda. API Gateway responds 413 then."""
    return len(event["body"] or "") > _MOST_TO_MEASURE and len(json.dumps(event).encode()) > _MAX_EVENT


def _values(headers: dict[str, list[str]], name: str) -> list[str]:
    return [value for key, values in headers.items() if key.lower() == name for value in values]


def _body(body: bytes, binary: bool) -> tuple[str, bool]:
    """Return the body for an event, and whether it is base64."""
    if not binary:
        try:
            return body.decode(), False
        except UnicodeDecodeError:
            # API Gateway would replace these bytes. As base64 they reach the edge, which refuses them.
            pass
    return base64.b64encode(body).decode(), bool(body)


async def _read(receive: Receive) -> bytes | None:
    chunks, size = [], 0
    while True:
        message = await receive()
        chunks.append(message.get("body", b""))
        size += len(chunks[-1])
        if size > _MAX_BODY:
            return None
        if not message.get("more_body"):
            return b"".join(chunks)


def _renaming(send: Send) -> Send:
    """Rename the headers of a response like API Gateway."""

    async def renamed(message: dict[str, Any]) -> None:
        if "headers" in message:
            pairs = [(_RENAMED.get(name.lower(), name), value) for name, value in message["headers"]]
            message = message | {"headers": pairs}
        await send(message)

    return renamed


async def _send(send: Send, answer: dict[str, Any]) -> None:
    body = answer.get("body") or ""
    data = base64.b64decode(body) if answer.get("isBase64Encoded") else body.encode()
    pairs = [(name, value) for name, value in (answer.get("headers") or {}).items()]
    pairs += [(name, value) for name, values in (answer.get("multiValueHeaders") or {}).items() for value in values]
    headers = [(name.encode("latin-1"), str(value).encode("latin-1")) for name, value in pairs]
    if answer["statusCode"] != HTTPStatus.NO_CONTENT:  # a 204 response has no Content-Length (RFC 9110, 8.6)
        headers.append((b"content-length", str(len(data)).encode()))
    await send({"type": "http.response.start", "status": answer["statusCode"], "headers": headers})
    await send({"type": "http.response.body", "body": data})


async def _refuse(send: Send, api: resources.Api, status: int, code: str, path: str) -> None:
    """Send one of API Gateway's own error responses: the dialect's template, filled in."""
    body, media_type = _DIALECTS[api.name].gateway_body(status, code)
    body = body.replace("$context.path", path).replace("$context.requestId", str(uuid.uuid4()))
    await _send(send, {"statusCode": status, "headers": {"content-type": media_type}, "body": body})


async def _live(receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return
