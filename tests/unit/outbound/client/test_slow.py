"""Slow receivers and name servers."""

from __future__ import annotations

import asyncio
import threading
from asyncio import selector_events

import pytest

from switchboard.outbound.client import GuardedClient, TimedOutError
from tests.unit.outbound.client.conftest import OK, post_and_fail
from tests.unit.outbound.conftest import run_scenario
from tests.unit.outbound.server import Act, Server, never_respond, respond_endlessly, send_raw, send_response

pytestmark = pytest.mark.usefixtures("local")


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
    monkeypatch.setattr("switchboard.outbound.client._CONNECT_PART", 10)  # even if the machine is busy
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
