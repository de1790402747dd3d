"""HUM over HTTP: an organization with a member in every role, and another one."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from tests.conftest import Stack
from tests.contract import console
from tests.contract.conftest import inside
from tests.contract.console import Console


@pytest.fixture(scope="module", autouse=True)
def _services(stack: Stack) -> Iterator[None]:
    with inside(stack):
        yield


@pytest.fixture(scope="module")
def org(http: httpx.Client) -> Console:
    return console.open_organization(http)


@pytest.fixture(scope="module")
def other(http: httpx.Client) -> Console:
    """Another organization. Its admin has no rights in the first one."""
    return console.open_organization(http)


def assert_refused(answer: httpx.Response, status: int, code: str) -> None:
    """Assert that a response is a refusal in HUM's own form."""
    assert answer.status_code == status, answer.text
    body = answer.json()
    assert set(body) == {"error", "code", "message", "details"}
    assert body["code"] == code, body
