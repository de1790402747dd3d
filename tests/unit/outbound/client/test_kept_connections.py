"""Connections that the client keeps and uses again."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from switchboard.kit import clock
from switchboard.outbound import connections
from switchboard.outbound.client import ConnectionFailedError, GuardedClient, TimedOutError
from tests.unit.outbound.client.conftest import OK, with_receiver
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
