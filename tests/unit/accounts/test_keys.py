"""Keys and caps that are asked for with an Idempotency-Key."""

from __future__ import annotations

import pytest

from switchboard.access import service as access
from switchboard.accounts import service as accounts
from switchboard.accounts.models import KeyKind
from switchboard.agents import service as agents
from switchboard.aws import clock
from switchboard.edge.dialects import anima
from tests.actors import Tenant, tenant, with_effect

pytestmark = pytest.mark.usefixtures("cloud")


@pytest.fixture
def acme(cloud: dict[str, str], frozen: clock.Frozen) -> Tenant:
    return tenant()


def test_a_key_that_is_asked_for_twice_is_made_once_and_shown_twice(acme: Tenant) -> None:
    first, second = (
        accounts.create_key(with_effect(acme.caller(master=True), "again"), KeyKind.MASTER, "m") for _ in range(2)
    )
    assert first == second
    assert access.authenticate(second.text, anima.KEYS).key.id == second.key.id


def test_an_idempotency_key_that_was_forgotten_makes_another_key(acme: Tenant, frozen: clock.Frozen) -> None:
    first = accounts.create_key(with_effect(acme.caller(master=True), "again"), KeyKind.MASTER, "m")
    frozen.advance(hours=25)
    second = accounts.create_key(with_effect(acme.caller(master=True), "again"), KeyKind.MASTER, "m")
    assert (second.key.id != first.key.id, second.text != first.text) == (True, True)


def test_an_idempotency_key_that_was_forgotten_makes_another_agent(acme: Tenant, frozen: clock.Frozen) -> None:
    first = agents.create(with_effect(acme.caller(master=True), "again"), "first", "First", {})
    frozen.advance(hours=25)
    second = agents.create(with_effect(acme.caller(master=True), "again"), "second", "Second", {})
    assert second.key_text != first.key_text


def test_a_successor_that_is_asked_for_twice_is_one(acme: Tenant) -> None:
    old = accounts.create_key(acme.caller(master=True), KeyKind.MASTER, "m")
    first, second = (
        accounts.rotate_key(with_effect(acme.caller(master=True), "again"), old.key.id, 60) for _ in range(2)
    )
    assert first == second
    assert access.authenticate(second.text, anima.KEYS).key.id == first.key.id
