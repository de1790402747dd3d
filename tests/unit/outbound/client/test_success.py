"""Successful exchanges of the client."""

from __future__ import annotations

import pytest

from switchboard.outbound.client import GuardedClient
from tests.unit.outbound.client.conftest import OK, post_once, with_receiver
from tests.unit.outbound.server import Server, send_raw, send_response, then_close

pytestmark = pytest.mark.usefixtures("local")


def test_a_post_is_sent_unchanged_without_extra_headers() -> None:
    async def scenario(server: Server, client: GuardedClient) -> None:
        got = await client.post(f"{server.url}/%7Ea%2Fb/../c?d=%20e#f", {"Webhook-Id": "msg_1"}, b'{"a":1}', 5)
        assert (got.status, got.body, got.headers["x-one"]) == (201, b"made", "1")
        assert got.milliseconds < 5_000
        head, _, body = server.requests[0].partition(b"\r\n\r\n")
        line, *fields = head.decode().split("\r\n")
        assert line == "POST /hook/%7Ea%2Fb/../c?d=%20e HTTP/1.1"
        assert sorted(fields) == [
            "Accept-Encoding: identity",
            "Content-Length: 7",
            f"Host: 127.0.0.1:{server.port}",
            "Webhook-Id: msg_1",
        ]
        assert body == b'{"a":1}'

    with_receiver(send_response(b"made", "201 Created", "X-One: 1"), scenario=scenario)


def test_repeated_headers_are_joined_and_odd_bytes_can_be_stored() -> None:
    got = post_once(send_raw(OK + b"Content-Length: 0\r\nX-A: 1\r\nx-a: 2\r\nX-B: \xff\xc3\xa9\r\n\r\n"))
    assert got.headers == {"content-length": "0", "x-a": "1, 2", "x-b": "\ufffdé"}


@pytest.mark.parametrize("status", [200, 204, 304, 400, 404, 410, 429, 500, 503, 599])
def test_any_status_is_a_response(status: int) -> None:
    assert post_once(send_raw(f"HTTP/1.1 {status} X\r\nContent-Length: 0\r\n\r\n".encode())).status == status


@pytest.mark.parametrize(
    "raw",
    [
        OK + b"Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\n\r\n" + OK + b"Content-Length: 2\r\n\r\nok",
    ],
)
def test_a_body_may_be_chunked_or_follow_interim_responses(raw: bytes) -> None:
    assert post_once(send_raw(raw)).body == b"ok"


def test_a_body_may_end_with_the_connection() -> None:
    assert post_once(then_close(send_raw(OK + b"\r\nthe end"))).body == b"the end"


def test_no_cookie_is_kept() -> None:
    async def scenario(server: Server, client: GuardedClient) -> None:
        for _ in range(2):
            await client.post(server.url, {}, b"", 5)

    server = with_receiver(send_response(b"", "200 OK", "Set-Cookie: a=b; Path=/"), scenario=scenario)
    assert not any(b"cookie" in request.lower() for request in server.requests)
