"""A client of the running stack, and new organizations for each test."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from tests.conftest import Stack
from tests.integration import browser as browsers
from tests.integration.browser import Browser
from tests.integration.receiver import Receiver, running_receiver


def wait_until(wanted: Callable[[], Any], seconds: float = 20) -> Any:
    """Call until the result is true. Over HTTP a test cannot move the clock."""
    deadline = time.monotonic() + seconds
    while True:
        found = wanted()
        if found:
            return found
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)


@dataclass(frozen=True)
class SignedUp:
    """An organization that signed up over HTTP."""

    agent_id: str
    organization_id: str
    inbox_id: str
    agent: dict[str, str]
    master: dict[str, str]


@pytest.fixture(scope="session")
def http(stack: Stack) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=stack.url, timeout=20) as client:
        yield client


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """A browser without a window, one for the session."""
    with browsers.running_browser() as running:
        yield running


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """An endpoint on this machine."""
    with running_receiver() as running:
        yield running


@pytest.fixture
def sign_up(http: httpx.Client) -> Callable[[], SignedUp]:
    def make() -> SignedUp:
        name = f"agent-{secrets.token_hex(5)}"
        answer = http.post("/v1/agent/sign-up", json={"human_email": f"{name}@example.com", "username": name})
        assert answer.status_code == 200, answer.text
        made = answer.json()
        return SignedUp(
            made["agent_id"],
            made["organization_id"],
            made["inbox_id"],
            {"Authorization": f"Bearer {made['api_key']}"},
            {"Authorization": f"Bearer {made['master_key']}"},
        )

    return make


@pytest.fixture
def acme(sign_up: Callable[[], SignedUp]) -> SignedUp:
    return sign_up()
