"""The client's requests and responses, and its handling of slow, broken or hostile receivers."""

from __future__ import annotations

import asyncio
import gzip
import re
import threading
from asyncio import selector_events
from collections.abc import Awaitable, Callable

import pytest

from switchboard.kit import clock
from switchboard.outbound import client as module
from switchboard.outbound import connections
from switchboard.outbound.client import (
    ConnectionFailedError,
    GuardedClient,
    HeadersTooLargeError,
    InvalidResponseError,
    NoResponseError,
    Response,
    TimedOutError,
)
from tests.unit.outbound.conftest import Authority, run_scenario
from tests.unit.outbound.server import (
    Act,
    Network,
    Server,
    close_connection,
    never_respond,
    reset_connection,
    respond_endlessly,
    send_raw,
    send_response,
    then_close,
)

pytestmark = pytest.mark.usefixtures("local")

OK = b"HTTP/1.1 200 OK\r\n"
Scenario = Callable[[Server, GuardedClient], Awaitable[None]]


def with_receiver(*acts: Act, scenario: Scenario, **options: int) -> Server:
    """Run a scenario with a receiver and a client."""
    server = Server(list(acts))

    async def whole() -> None:
        async with server, GuardedClient(**options) as client:  # type: ignore[arg-type]
            await scenario(server, client)

    run_scenario(whole)
    return server


def post_once(*acts: Act, seconds: float = 5, **options: int) -> Response:
    """The response of a receiver."""
    found: list[Response] = []

    async def scenario(server: Server, client: GuardedClient) -> None:
        found.append(await client.post(server.url, {}, b"{}", seconds))

    with_receiver(*acts, scenario=scenario, **options)
    return found[0]


def post_and_fail(*acts: Act, seconds: float = 5) -> NoResponseError:
    """The reason why a post to a receiver fails. No reason contains an address."""
    with pytest.raises(NoResponseError) as error:
        post_once(*acts, seconds=seconds)
    assert not re.search(r"127|::1|localhost|[0-9]{4}", error.value.reason)
    assert str(error.value) == error.value.reason
    return error.value


# --- a good exchange ----------------------------------------------------------------------------------------------


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


# --- too much -----------------------------------------------------------------------------------------------------


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


# --- too slow -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "act",
    [
        never_respond,
        send_raw(b"HTTP/1.1 200"),
        send_raw(OK + b"X-One: 1\r\n"),
        send_raw(OK + b"Content-Length: 3\r\n\r\nok"),
        send_raw(OK + b"Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n"),
        respond_endlessly(b"", b"HTTP/1.1 102 Processing\r\n\r\n"),
    ],
    ids=["nothing", "half a status", "half a header", "half a body", "half a chunked body", "interim answers for ever"],
)
def test_an_exchange_has_one_total_timeout(monkeypatch: pytest.MonkeyPatch, act: Act) -> None:
    monkeypatch.setattr(module, "_CONNECT_PART", 10)  # even if the machine is busy
    error = post_and_fail(act, seconds=0.1)
    assert isinstance(error, TimedOutError)
    assert error.reason == "no complete response within 0.1 s"


def test_a_slow_body_does_not_extend_the_timeout() -> None:
    async def drip(writer: asyncio.StreamWriter) -> None:
        writer.write(OK + b"Content-Length: 1000\r\n\r\n")
        for _ in range(1_000):
            writer.write(b"x")
            await asyncio.sleep(0.01)

    assert isinstance(post_and_fail(drip, seconds=0.2), TimedOutError)


def test_connecting_may_take_half_of_the_timeout(monkeypatch: pytest.MonkeyPatch) -> None:
    async def never(*_: object) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(selector_events.BaseSelectorEventLoop, "sock_connect", never)
    error = post_and_fail(send_response(), seconds=0.6)
    assert isinstance(error, TimedOutError)
    assert error.reason == "no connection could be made in time"


def test_slow_name_servers_do_not_delay_others() -> None:
    go_on = threading.Event()

    def lookup(_: str) -> list[str]:
        go_on.wait(10)
        return []

    async def scenario() -> None:
        async with Server([send_response()]) as server, GuardedClient(lookup=lookup) as client:
            with pytest.raises(TimedOutError):
                await client.post("https://slow.example.com/", {}, b"", 0.1)
            urls = [f"https://slow{number}.example.com/" for number in range(40)]
            slow = [asyncio.ensure_future(client.post(url, {}, b"", 9)) for url in urls]
            await asyncio.sleep(0)
            assert (await client.post(server.url, {}, b"", 5)).status == 200
            assert await asyncio.to_thread(lambda: "free") == "free"
            assert not any(one.done() for one in slow)
            go_on.set()
            await asyncio.gather(*slow, return_exceptions=True)

    run_scenario(scenario)


# --- broken -------------------------------------------------------------------------------------------------------


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


# --- kept connections ---------------------------------------------------------------------------------------------


async def post_twice(server: Server, client: GuardedClient) -> None:
    """Two posts, both successful."""
    for _ in range(2):
        assert (await client.post(server.url, {}, b"", 5)).status == 200


def test_a_connection_is_used_again() -> None:
    assert with_receiver(send_response(), scenario=post_twice).connections == 1


@pytest.mark.parametrize("last_words", [close_connection, reset_connection])
def test_a_dead_kept_connection_costs_no_delivery(last_words: Act) -> None:
    # The server closes it only when the second request comes, so the client cannot notice it in advance.
    server = with_receiver(send_response(), last_words, send_response(), scenario=post_twice)
    assert (server.connections, len(server.requests)) == (2, 3)


def test_a_closed_kept_connection_costs_no_delivery() -> None:
    async def scenario(server: Server, client: GuardedClient) -> None:
        await client.post(server.url, {}, b"", 5)
        while not server.closed:
            await asyncio.sleep(0.01)
        assert (await client.post(server.url, {}, b"", 5)).status == 200
        assert (server.connections, len(server.requests)) == (2, 2)

    with_receiver(then_close(send_response()), send_response(), scenario=scenario)


def test_a_request_is_sent_over_a_second_connection_once_and_no_more() -> None:
    async def scenario(server: Server, client: GuardedClient) -> None:
        await asyncio.gather(*(client.post(server.url, {}, b"", 5) for _ in range(3)))
        assert server.connections == 3
        server.acts = [close_connection]
        with pytest.raises(ConnectionFailedError):
            await client.post(server.url, {}, b"", 5)
        assert (server.connections, len(server.requests)) == (4, 5)

    with_receiver(send_response(), scenario=scenario)


def test_a_second_connection_has_the_rest_of_the_timeout() -> None:
    async def slow_death(writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(0.3)
        writer.close()

    async def scenario(server: Server, client: GuardedClient) -> None:
        await client.post(server.url, {}, b"", 5)
        started = asyncio.get_running_loop().time()
        with pytest.raises(TimedOutError):
            await client.post(server.url, {}, b"", 0.5)
        assert asyncio.get_running_loop().time() - started < 0.75
        assert len(server.requests) == 3

    with_receiver(send_response(), slow_death, never_respond, scenario=scenario)


def test_a_function_that_was_frozen_opens_new_connections(frozen: clock.FrozenClock) -> None:
    async def scenario(server: Server, client: GuardedClient) -> None:
        await client.post(server.url, {}, b"", 5)
        frozen.advance(seconds=connections.KEEP_SECONDS)
        await client.post(server.url, {}, b"", 5)
        assert server.connections == 1
        frozen.advance(seconds=connections.KEEP_SECONDS + 1)
        await client.post(server.url, {}, b"", 5)
        assert server.connections == 2
        assert len(server.requests) == 3

    with_receiver(send_response(), scenario=scenario)


def test_a_running_exchange_survives_a_clock_change(frozen: clock.FrozenClock) -> None:
    async def scenario(server: Server, client: GuardedClient) -> None:
        go_on = asyncio.Event()

        async def later(writer: asyncio.StreamWriter) -> None:
            await go_on.wait()
            await send_response()(writer)

        server.acts = [later, send_response()]
        first = asyncio.ensure_future(client.post(server.url, {}, b"", 5))
        while not server.requests:
            await asyncio.sleep(0.01)
        frozen.advance(hours=1)
        await client.post(server.url, {}, b"", 5)
        go_on.set()
        assert (await first).status == 200

    with_receiver(send_response(), scenario=scenario)


def test_unrequested_bytes_on_a_kept_connection_are_not_a_response() -> None:
    async def scenario(server: Server, client: GuardedClient) -> None:
        await client.post(server.url, {}, b"", 5)
        await asyncio.sleep(0.05)
        assert (await client.post(server.url, {}, b"", 5)).body == b"true"
        assert server.connections == 2

    two = send_raw((OK + b"Content-Length: 2\r\n\r\nok") + (OK + b"Content-Length: 4\r\n\r\nfake"))
    with_receiver(two, send_response(b"true"), scenario=scenario)


def test_with_many_sockets_open_none_is_kept_beyond_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "MAX_KEPT_SOCKETS", 2)

    async def scenario(server: Server, client: GuardedClient) -> None:
        await asyncio.gather(*(client.post(server.url, {}, b"", 5) for _ in range(3)))
        for _ in range(2):
            await client.post(server.url, {}, b"", 5)
        while server.closed < 2:
            await asyncio.sleep(0.01)
        assert server.connections == 5

    with_receiver(send_response(), scenario=scenario)


@pytest.mark.parametrize(
    "act", [close_connection, reset_connection, never_respond, send_response(), respond_endlessly(OK, b"X: 1\r\n")]
)
def test_every_exchange_releases_its_slot_and_its_socket(monkeypatch: pytest.MonkeyPatch, act: Act) -> None:
    monkeypatch.setattr(connections, "MAX_EXCHANGES", 1)
    made: list[connections.Connections] = []
    monkeypatch.setattr(GuardedClient, "_connections", _remembered(GuardedClient._connections, made))

    async def scenario(server: Server, client: GuardedClient) -> None:
        for _ in range(3):
            await asyncio.gather(client.post(server.url, {}, b"", 0.1), return_exceptions=True)
        server.acts = [never_respond]
        given_up = asyncio.ensure_future(client.post(server.url, {}, b"", 5))
        await asyncio.sleep(0.02)
        given_up.cancel()
        await asyncio.gather(given_up, return_exceptions=True)
        server.acts = [then_close(send_response())]
        assert (await client.post(server.url, {}, b"", 5)).status == 200
        await client.close()
        while made[0].open:
            await asyncio.sleep(0.01)

    with_receiver(act, scenario=scenario)


def _remembered(
    make: Callable[[GuardedClient], connections.Connections], made: list[connections.Connections]
) -> Callable[[GuardedClient], connections.Connections]:
    def remember(client: GuardedClient) -> connections.Connections:
        found = make(client)
        made.append(found)
        return found

    return remember


def test_waiting_for_a_slot_does_not_count_against_the_timeout(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "MAX_EXCHANGES", 1)

    async def slow(writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(0.2)
        await send_response()(writer)

    async def scenario(server: Server, client: GuardedClient) -> None:
        answers = await asyncio.gather(*(client.post(server.url, {}, b"", 0.5) for _ in range(3)))
        assert [one.status for one in answers] == [200] * 3
        assert server.connections == 1

    with_receiver(slow, scenario=scenario)


def test_kept_tls_connections_are_used_again_and_replaced(network: Network, authority: Authority) -> None:
    async def scenario() -> None:
        network.names["hooks.example.com"] = [["1.1.1.1"]]
        tls = authority.server("hooks.example.com")
        async with (
            Server([send_response(), send_response(), reset_connection, send_response()], tls=tls) as server,
            GuardedClient(lookup=network.lookup, ssl=authority.trusting) as client,
        ):
            network.port = server.port
            for _ in range(3):
                assert (await client.post("https://hooks.example.com/", {}, b"", 5)).status == 200
            assert (server.connections, len(server.requests)) == (2, 4)

    run_scenario(scenario)
