"""MCP servers on this machine: the official package's own server, and a hostile one with a mode for each path."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn
from mcp.server.mcpserver import MCPServer
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import ASGIApp

SCHEMA = {"type": "object", "properties": {"order": {"type": "integer"}}, "required": ["order"]}


@contextmanager
def serving(app: ASGIApp) -> Iterator[str]:
    """Serves an app on loopback, and returns its URL."""
    config = uvicorn.Config(app, port=0, log_level="critical", lifespan="on", timeout_graceful_shutdown=0)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        thread.join(0.01)
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = server.force_exit = True
        thread.join(5)


class Shop:
    """The official server with three tools. `orders` has the orders that a tool looked up."""

    def __init__(self) -> None:
        self.orders: list[int] = []
        self.mcp = MCPServer("shop")

        @self.mcp.tool()
        def look_up(order: int) -> str:
            """Looks up an order."""
            self.orders.append(order)
            return f"order {order} was sent"

        @self.mcp.tool()
        def fail(order: int) -> str:
            """Fails always."""
            raise ValueError(f"order {order} is lost")

        @self.mcp.tool()
        def speak(order: int) -> str:
            """Says too much."""
            return "x" * (10_000 + order)

    def app(self, *, json_response: bool = True, stateless: bool = True) -> ASGIApp:
        return self.mcp.streamable_http_app(json_response=json_response, stateless_http=stateless)


EarlyMode = Callable[[dict[str, Any], Request], Awaitable[Response]]
LateMode = Callable[[dict[str, Any]], Awaitable[Response]]


class Hostile:
    """A server that speaks the protocol by hand, and breaks it as the first part of its path says."""

    def __init__(self) -> None:
        self.calls: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.requests = 0
        self.call_id: Any = None

    def app(self) -> Starlette:
        return Starlette(routes=[Route("/{mode}", self.answer, methods=["POST", "GET", "DELETE"])])

    async def answer(self, request: Request) -> Response:
        self.requests += 1
        self.headers.append(dict(request.headers))
        mode = request.path_params["mode"]
        if request.method == "GET" and mode == "call_polled":
            # The client asks for the rest of the stream of the latest call.
            assert request.headers["last-event-id"] == "1"
            return events({"jsonrpc": "2.0", "id": self.call_id, "result": text("done")})
        if request.method != "POST":
            return Response(status_code=405)
        body = await request.json()
        if mode == "echo" and "id" in body:
            return _echo(body, request.headers["authorization"])
        if mode in _EARLY:
            return await _EARLY[mode](body, request)
        if "id" not in body:
            return Response(status_code=202)
        if body["method"] == "initialize":
            return result(body, initialized(body))
        if body["method"] == "tools/list":
            return await _LISTS[mode](body) if mode in _LISTS else result(body, {"tools": [tool("look_up")]})
        if body["method"] == "tools/call":
            self.calls.append(body["params"])
            self.call_id = body["id"]
            return await _CALLS[mode](body) if mode in _CALLS else result(body, text("done"))
        return failure(body, -32601, "Method not found")


def _echo(body: dict[str, Any], sent: str) -> Response:
    """Repeats the credential of the request everywhere."""
    credential = sent.removeprefix("Bearer ")
    if body["method"] == "initialize":
        return result(body, initialized(body))
    if body["method"] == "tools/list":
        schema = {"type": "object", "properties": {credential: {"type": "string", "description": f"not {sent}"}}}
        tools = [tool("look_up", description=f"You sent {sent}.", inputSchema=schema), tool(f"is_{credential}")]
        return result(body, {"tools": tools})
    if body["params"]["name"] == "look_up":
        return result(body, text(f"{'x' * 3_990} for {sent}, {credential}"))
    return failure(body, -32000, f"Invalid API key provided: {sent}")


def initialized(body: dict[str, Any]) -> dict[str, Any]:
    return {
        "protocolVersion": body["params"]["protocolVersion"],
        "capabilities": {"tools": {}},
        "serverInfo": {"name": "hostile", "version": "1"},
    }


def tool(name: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "description": "A tool.", "inputSchema": SCHEMA, **more}


def text(said: str, **more: Any) -> dict[str, Any]:
    return {"content": [{"type": "text", "text": said}], **more}


def result(body: dict[str, Any], found: dict[str, Any]) -> Response:
    return JSONResponse({"jsonrpc": "2.0", "id": body["id"], "result": found})


def failure(body: dict[str, Any], code: int, message: str) -> Response:
    return JSONResponse({"jsonrpc": "2.0", "id": body.get("id"), "error": {"code": code, "message": message}})


def events(*messages: dict[str, Any], begin: str = ": working\n\n") -> Response:
    """A stream of events that ends after its messages."""

    async def parts() -> AsyncIterator[bytes]:
        yield begin.encode()
        for message in messages:
            yield f"data: {json.dumps(message)}\n\n".encode()

    return StreamingResponse(parts(), media_type="text/event-stream")


def nested(levels: int) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "object"}
    for _ in range(levels):
        schema = {"type": "object", "properties": {"a": schema}}
    return schema


async def _silent(_: dict[str, Any], __: Request) -> Response:
    await asyncio.sleep(60)
    return Response()


async def _endless(_: dict[str, Any], __: Request) -> Response:
    async def events() -> AsyncIterator[bytes]:
        while True:
            yield b": still here\n\n"
            await asyncio.sleep(0.05)

    return StreamingResponse(events(), media_type="text/event-stream")


async def _chatty(body: dict[str, Any], __: Request) -> Response:
    """Asks the client again and again, and never answers."""

    async def events() -> AsyncIterator[bytes]:
        for number in range(10_000):
            yield f'data: {{"jsonrpc":"2.0","id":"s{number}","method":"ping"}}\n\n'.encode()
            await asyncio.sleep(0)

    if body.get("method") == "initialize":
        return StreamingResponse(events(), media_type="text/event-stream")
    return Response(status_code=202)


async def _huge(_: dict[str, Any], __: Request) -> Response:
    return Response(b'{"a":"' + b"x" * 2_000_000 + b'"}', media_type="application/json")


async def _short(_: dict[str, Any], __: Request) -> Response:
    """Promises more bytes than it sends."""

    async def some() -> AsyncIterator[bytes]:
        yield b'{"jsonrpc"'
        raise ConnectionError

    return StreamingResponse(some(), media_type="application/json", headers={"content-length": "5000"})


async def _garbage(_: dict[str, Any], __: Request) -> Response:
    return Response(b'{"jsonrpc": "2.0", ', media_type="application/json")


async def _deep_json(_: dict[str, Any], __: Request) -> Response:
    return Response(b"[" * 100_000, media_type="application/json")


async def _html(_: dict[str, Any], __: Request) -> Response:
    return Response("<h1>Hello</h1>", media_type="text/html")


async def _redirect(_: dict[str, Any], __: Request) -> Response:
    return RedirectResponse("http://169.254.169.254/latest", 307)


async def _broken(_: dict[str, Any], __: Request) -> Response:
    return Response(status_code=500)


async def _locked(_: dict[str, Any], request: Request) -> Response:
    assert request.headers.get("authorization") != "Bearer right"
    return Response(status_code=401, headers={"www-authenticate": "Bearer"})


async def _zipped(_: dict[str, Any], __: Request) -> Response:
    return Response(b"\x1f\x8b", media_type="application/json", headers={"content-encoding": "gzip"})


async def _accepted(_: dict[str, Any], __: Request) -> Response:
    return Response(status_code=202)


_EARLY: dict[str, EarlyMode] = {
    "silent": _silent,
    "endless": _endless,
    "chatty": _chatty,
    "huge": _huge,
    "short": _short,
    "garbage": _garbage,
    "deep_json": _deep_json,
    "html": _html,
    "redirect": _redirect,
    "broken": _broken,
    "locked": _locked,
    "zipped": _zipped,
    "accepted": _accepted,
}


async def _many(body: dict[str, Any]) -> Response:
    return result(
        body, {"tools": [{"name": f"t{number}", "inputSchema": {"type": "object"}} for number in range(10_000)]}
    )


async def _cycle(body: dict[str, Any]) -> Response:
    cursor = (body.get("params") or {}).get("cursor")
    return result(body, {"tools": [tool(f"t_{cursor}")], "nextCursor": "b" if cursor == "a" else "a"})


async def _pages(body: dict[str, Any]) -> Response:
    cursor = int((body.get("params") or {}).get("cursor") or 0)
    return result(body, {"tools": [tool(f"t{cursor}")], "nextCursor": str(cursor + 1)})


async def _odd(body: dict[str, Any]) -> Response:
    tools = [
        tool("good", description="Finds\x00 an\u202e order.\r\nQuickly."),
        tool("good"),
        tool("no spaces"),
        tool("orders.look_up", annotations={"readOnlyHint": False, "destructiveHint": True}),
        tool("x" * 129),
        tool(""),
        tool("deep", inputSchema=nested(12)),
        tool("large", inputSchema={"type": "object", "description": "x" * 40_000}),
        tool("wordy", description="y" * 5_000),
    ]
    return result(body, {"tools": tools})


async def _shapeless(body: dict[str, Any]) -> Response:
    return result(body, {"tools": [{"name": 7}]})


async def _empty(body: dict[str, Any]) -> Response:
    return result(body, {"tools": []})


async def _refusing(body: dict[str, Any]) -> Response:
    return failure(body, -32000, "Go\x1b[31m away\nnow.")


_LISTS: dict[str, LateMode] = {
    "many": _many,
    "cycle": _cycle,
    "pages": _pages,
    "odd": _odd,
    "shapeless": _shapeless,
    "empty": _empty,
    "refusing": _refusing,
}


async def _call_silent(_: dict[str, Any]) -> Response:
    await asyncio.sleep(60)
    return Response()


async def _call_broken(_: dict[str, Any]) -> Response:
    return Response(status_code=502)


async def _call_mixed(body: dict[str, Any]) -> Response:
    parts = [
        {"type": "text", "text": "Hi\x00\x1b there"},
        {"type": "image", "data": "AAAA", "mimeType": "image/png"},
        {"type": "text", "text": "\U0001f600 ok"},
    ]
    return result(body, {"content": parts, "structuredContent": {"a": 1}})


async def _call_structured(body: dict[str, Any]) -> Response:
    return result(body, {"content": [], "structuredContent": {"state": "sent"}})


async def _call_slow(body: dict[str, Any]) -> Response:
    await asyncio.sleep(1.2)
    return result(body, text("done"))


_NOTE = {"jsonrpc": "2.0", "method": "notifications/message", "params": {"level": "info", "data": "half done"}}


def _error_of(id_: Any) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": id_, "error": {"code": -32000, "message": "No such order."}}


async def _call_ended_before(_: dict[str, Any]) -> Response:
    return events()


async def _call_ended_between(_: dict[str, Any]) -> Response:
    return events(_NOTE)


async def _call_ended_after(body: dict[str, Any]) -> Response:
    return events(_NOTE, _error_of(body["id"]))


async def _call_answered_another(_: dict[str, Any]) -> Response:
    return events(_error_of("another"))


async def _call_polled(_: dict[str, Any]) -> Response:
    return events(begin="id: 1\nretry: 10\ndata: \n\n")


async def _call_refused_loudly(body: dict[str, Any]) -> Response:
    return JSONResponse(_error_of(body["id"]), 500)


async def _call_cut(_: dict[str, Any]) -> Response:
    return Response(b'{"jsonrpc": "2.0", "id"', media_type="application/json")


async def _call_html(_: dict[str, Any]) -> Response:
    return Response("<h1>Hello</h1>", media_type="text/html")


async def _call_accepted(_: dict[str, Any]) -> Response:
    return Response(status_code=202)


async def _call_limited(_: dict[str, Any]) -> Response:
    return Response(status_code=429)


async def _call_given_up(_: dict[str, Any]) -> Response:
    return Response(status_code=408)


_CALLS: dict[str, LateMode] = {
    "call_slow": _call_slow,
    "call_ended_before": _call_ended_before,
    "call_ended_between": _call_ended_between,
    "call_ended_after": _call_ended_after,
    "call_answered_another": _call_answered_another,
    "call_polled": _call_polled,
    "call_refused_loudly": _call_refused_loudly,
    "call_cut": _call_cut,
    "call_html": _call_html,
    "call_accepted": _call_accepted,
    "call_limited": _call_limited,
    "call_given_up": _call_given_up,
    "call_silent": _call_silent,
    "call_broken": _call_broken,
    "call_refusing": _refusing,
    "call_mixed": _call_mixed,
    "call_structured": _call_structured,
    "call_shapeless": _shapeless,
}
