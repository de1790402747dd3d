"""A receiver for benchmarks: it responds to every post at once, or never, and records the arrivals.

`python -m tests.load.sink` prints its port. `GET /` returns the arrivals so far as a list of id and time, and clears
them. Paths that begin with `/dead` get no response.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.request import urlopen

_OK = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"


class _Sink(asyncio.Protocol):
    got: list[tuple[str, float]] = []  # noqa: RUF012 one for the process

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport, self._buffer = transport, b""

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while (end := self._buffer.find(b"\r\n\r\n")) >= 0:
            head = self._buffer[:end].decode("latin-1").lower()
            length = int(head.partition("content-length:")[2].partition("\r")[0] or 0)
            if len(self._buffer) < end + 4 + length:
                return
            self._buffer = self._buffer[end + 4 + length :]
            self._answer(head)

    def _answer(self, head: str) -> None:
        if head.startswith("get "):
            body = json.dumps(self.got).encode()
            self.got.clear()
            self._transport.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % len(body) + body)
        elif not head.startswith("post /dead"):
            self.got.append((head.partition("webhook-id:")[2].partition("\r")[0].strip(), time.time()))
            self._transport.write(_OK)


@dataclass(frozen=True)
class Sink:
    """A running sink."""

    port: int

    @property
    def url(self) -> str:
        """The URL for posts."""
        return f"http://127.0.0.1:{self.port}"

    def taken(self) -> list[tuple[str, float]]:
        """The arrivals since the last call."""
        with urlopen(self.url) as answer:
            return [(str(name), float(at)) for name, at in json.load(answer)]


@contextmanager
def run_sink() -> Iterator[Sink]:
    """A sink in its own process."""
    process = subprocess.Popen([sys.executable, "-m", "tests.load.sink"], stdout=subprocess.PIPE)
    try:
        assert process.stdout
        yield Sink(int(process.stdout.readline()))
    finally:
        process.terminate()
        process.wait()


async def _serve() -> None:
    server = await asyncio.get_running_loop().create_server(_Sink, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_serve())
