"""Responses beyond the client's size limits."""

from __future__ import annotations

import asyncio
import gzip

import pytest

from switchboard.outbound.client import GuardedClient, HeadersTooLargeError
from tests.unit.outbound.client.conftest import OK, post_and_fail, post_once, with_receiver
from tests.unit.outbound.server import Act, Server, respond_endlessly, send_raw, send_response

pytestmark = pytest.mark.usefixtures("local")


def test_an_endless_body_is_read_to_the_limit_and_its_connection_is_dropped() -> None:
    async def scenario(server: Server, client: GuardedClient) -> None:
        first = await client.post(server.url, {}, b"", 5)
        assert (first.status, first.body) == (200, b"x" * 1_000)
        assert (await client.post(server.url, {}, b"", 5)).body == b"ok"
        assert server.connections == 2

    stream = respond_endlessly(OK + b"Transfer-Encoding: chunked\r\n\r\n", b"200\r\n" + b"x" * 512 + b"\r\n")
    with_receiver(stream, send_response(), scenario=scenario, max_body=1_000)


@pytest.mark.parametrize("size", [1_000, 1_001, 5_000])
def test_a_body_is_cut_at_the_limit(size: int) -> None:
    assert post_once(send_response(b"x" * size), max_body=1_000).body == b"x" * 1_000


def test_a_body_of_just_the_limit_is_read_to_its_end() -> None:
    async def act(writer: asyncio.StreamWriter) -> None:
        writer.write(OK + b"Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n")
        await asyncio.sleep(0.05)
        writer.write(b"0\r\n\r\n")

    async def scenario(server: Server, client: GuardedClient) -> None:
        for _ in range(2):
            assert (await client.post(server.url, {}, b"", 5)).body == b"ok"

    assert with_receiver(act, scenario=scenario, max_body=2).connections == 1


def test_compressed_bodies_are_not_decompressed() -> None:
    bomb = gzip.compress(b"\0" * 10_000_000)
    got = post_once(send_response(bomb, "200 OK", "Content-Encoding: gzip"), max_body=20_000)
    assert got.body == bomb
    assert got.headers["content-encoding"] == "gzip"


@pytest.mark.parametrize(
    "act",
    [
        respond_endlessly(OK, b"X-More: 1\r\n"),
        respond_endlessly(OK + b"X-Long: ", b"x" * 1_024),
        respond_endlessly(OK, b"x" * 1_024),
        respond_endlessly(b"HTTP/1.1 200 ", b"x" * 1_024),
        send_raw(OK + b"X-Long: " + b"x" * 9_000 + b"\r\nContent-Length: 0\r\n\r\n"),
        send_raw(OK + b"X-More: 1\r\n" * 101 + b"\r\n"),
    ],
    ids=["endless headers", "endless value", "endless name", "endless status", "long value", "many headers"],
)
def test_headers_beyond_the_limit_are_refused(act: Act) -> None:
    error = post_and_fail(act)
    assert isinstance(error, HeadersTooLargeError)
    assert error.reason == "the response's headers are too large"
