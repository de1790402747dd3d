"""Broken receivers and malformed responses."""

from __future__ import annotations

import pytest

from switchboard.outbound.client import ConnectionFailedError, GuardedClient, InvalidResponseError
from tests.unit.outbound.client.conftest import OK, post_and_fail, with_receiver
from tests.unit.outbound.conftest import run_scenario
from tests.unit.outbound.server import (
    Act,
    Server,
    close_connection,
    reset_connection,
    send_raw,
    send_response,
    then_close,
)

pytestmark = pytest.mark.usefixtures("local")


@pytest.mark.parametrize(
    "act", [close_connection, reset_connection, then_close(send_raw(b"HTTP/1.1 2"))], ids=["closed", "reset", "cut off"]
)
def test_a_broken_new_connection_is_a_failure_without_retry(act: Act) -> None:
    async def scenario(server: Server, client: GuardedClient) -> None:
        with pytest.raises(ConnectionFailedError, match=r"^the connection was closed without a response$"):
            await client.post(server.url, {}, b"", 5)
        assert (server.connections, len(server.requests)) == (1, 1)

    with_receiver(act, scenario=scenario)


@pytest.mark.parametrize(
    "raw", [b"SSH-2.0-OpenSSH_9.6\r\n", b"\x00\x01\x02\r\n\r\n", b"HTTP/1.1 abc\r\n\r\n", b"{}\r\n\r\n"]
)
def test_a_response_other_than_http_is_bad(raw: bytes) -> None:
    assert isinstance(post_and_fail(then_close(send_raw(raw))), InvalidResponseError)


@pytest.mark.parametrize(
    "raw",
    [
        OK + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!",
        OK + b"Content-Length: -1\r\n\r\n",
        OK + b"Content-Length: 1x\r\n\r\na",
    ],
)
def test_an_ambiguous_response_is_bad(raw: bytes) -> None:
    assert isinstance(post_and_fail(then_close(send_raw(raw))), InvalidResponseError)


@pytest.mark.parametrize(
    "raw", [OK + b"Content-Length: 9\r\n\r\nhalf", OK + b"Transfer-Encoding: chunked\r\n\r\n9\r\nhalf"]
)
def test_an_incomplete_response_is_a_failure(raw: bytes) -> None:
    error = post_and_fail(then_close(send_raw(raw)))
    assert isinstance(error, ConnectionFailedError)
    assert error.reason == "the connection was closed in the middle of the response"


def test_a_closed_port_is_refused() -> None:
    async def scenario() -> None:
        async with Server([send_response()]) as server:
            url = server.url
        async with GuardedClient() as client:
            with pytest.raises(ConnectionFailedError, match=r"^the connection was refused$"):
                await client.post(url, {}, b"", 5)

    run_scenario(scenario)
