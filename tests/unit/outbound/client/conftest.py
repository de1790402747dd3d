"""The client of webhooks against scripted receivers: shared helpers."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable

import pytest

from switchboard.outbound.client import GuardedClient, NoResponseError, Response
from tests.unit.outbound.conftest import run_scenario
from tests.unit.outbound.server import Act, Server

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
