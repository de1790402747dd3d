"""The servers that the tests of the client dial, on loopback."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.fakes.mcp_servers import Hostile, Shop, serving


@pytest.fixture
def local(monkeypatch: pytest.MonkeyPatch) -> None:
    """The local stack, which may send to this machine."""
    monkeypatch.setenv("SWITCHBOARD_STAGE", "local")
    monkeypatch.setenv("SWITCHBOARD_OUTBOUND_LOOPBACK", "on")
    monkeypatch.delenv("AWS_LAMBDA_FUNCTION_NAME", raising=False)


@pytest.fixture(scope="module")
def hostile() -> Iterator[tuple[Hostile, str]]:
    server = Hostile()
    with serving(server.app()) as url:
        yield server, url


@pytest.fixture(scope="module")
def shop() -> Iterator[tuple[Shop, str]]:
    server = Shop()
    with serving(server.app()) as url:
        yield server, f"{url}/mcp"
