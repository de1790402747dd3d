"""A raw server with scripted responses, and a network in which every address leads to it."""

from __future__ import annotations

import asyncio
import socket
import ssl
from asyncio import selector_events
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Self

import pytest

Act = Callable[[asyncio.StreamWriter], Awaitable[None]]


def send_raw(raw: bytes) -> Act:
    """Send this response, and keep the connection."""

    async def act(writer: asyncio.StreamWriter) -> None:
        writer.write(raw)
        await writer.drain()

    return act


def send_response(body: bytes = b"ok", status: str = "200 OK", *headers: str) -> Act:
    """Send a well-formed response."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers]
    return send_raw("\r\n".join([*lines, "", ""]).encode() + body)


def then_close(act: Act) -> Act:
    """Respond, then close the connection at once."""

    async def closing(writer: asyncio.StreamWriter) -> None:
        await act(writer)
        writer.close()

    return closing


async def close_connection(writer: asyncio.StreamWriter) -> None:
    """Close without a response."""
    writer.close()


async def reset_connection(writer: asyncio.StreamWriter) -> None:
    """Reset the connection."""
    writer.transport.abort()


async def never_respond(writer: asyncio.StreamWriter) -> None:
    """Never respond."""
    await asyncio.Event().wait()


def respond_endlessly(start: bytes, more: bytes) -> Act:
    """Begin a response that never ends."""

    async def act(writer: asyncio.StreamWriter) -> None:
        writer.write(start)
        while True:
            writer.write(more)
            await writer.drain()
            await asyncio.sleep(0)

    return act


@dataclass
class Server:
    """Answers each request as the next act says. The last act repeats."""

    acts: list[Act]
    tls: ssl.SSLContext | None = None
    #: Bytes that it sends before a request.
    greeting: bytes = b""
    requests: list[bytes] = field(default_factory=list)
    connections: int = 0
    closed: int = 0
    names: list[str | None] = field(default_factory=list)
    port: int = 0

    @property
    def url(self) -> str:
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self.port}/hook"

    async def __aenter__(self) -> Self:
        if self.tls:
            self.tls.sni_callback = lambda _, name, __: self.names.append(name)
        self._tasks: set[asyncio.Task[None]] = set()
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0, ssl=self.tls)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        task = asyncio.get_running_loop().create_task(self._serve(reader, writer))
        self._tasks.add(task)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(self.greeting)
        try:
            while not writer.is_closing():
                head = await reader.readuntil(b"\r\n\r\n")
                length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
                self.requests.append(head + await reader.readexactly(length))
                await (self.acts.pop(0) if len(self.acts) > 1 else self.acts[0])(writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            self.closed += 1
            writer.transport.abort()


class Network:
    """Names and their addresses. Every address leads to one port of this machine."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        #: The results of a name's lookups, in order. The last one repeats.
        self.names: dict[str, list[list[str]]] = {}
        self.looked_up: list[str] = []
        self.dialed: list[tuple[str, int]] = []
        self.port = 0
        connect = selector_events.BaseSelectorEventLoop.sock_connect

        async def sock_connect(loop: Any, sock: socket.socket, address: Any) -> None:
            self.dialed.append(address[:2])
            await connect(loop, sock, ("127.0.0.1", self.port) if sock.family == socket.AF_INET else address)

        monkeypatch.setattr(selector_events.BaseSelectorEventLoop, "sock_connect", sock_connect)

    def lookup(self, host: str) -> list[str]:
        """The name server's next result."""
        self.looked_up.append(host)
        answers = self.names[host]
        return answers.pop(0) if len(answers) > 1 else answers[0]
