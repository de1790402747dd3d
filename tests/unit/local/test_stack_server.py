"""The server of the local stack's APIs."""

from __future__ import annotations

import threading

import httpx
import uvicorn
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from infra.local.stack import server_config


async def _tell_address(scope: Scope, receive: Receive, send: Send) -> None:
    assert scope["type"] == "http"
    client = Request(scope).client
    await PlainTextResponse(client.host if client else "")(scope, receive, send)


def test_a_client_does_not_choose_its_address() -> None:
    config = server_config(_tell_address, 0)
    config.lifespan = "off"
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        thread.join(0.01)
    try:
        port = server.servers[0].sockets[0].getsockname()[1]
        told = httpx.get(f"http://127.0.0.1:{port}/", headers={"x-forwarded-for": "9.9.9.9"}).text
    finally:
        server.should_exit = True
        thread.join(5)
    assert told == "127.0.0.1"
