"""A mail that never leaves is not charged."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from switchboard.accounts.plans import PlanName
from switchboard.aws import clock
from switchboard.aws.table import commit
from switchboard.carriers import mail as carriers
from switchboard.email import composition, delivery, store, watching
from switchboard.email.models import Message, State
from switchboard.usage import service as usage
from tests.actors import Tenant, tenant
from tests.integration.sabotage import Sabotage
from tests.unit.email.test_standing import Provider, now, queued

pytestmark = pytest.mark.usefixtures("cloud")
TO = ("a@example.com", "b@example.com", "c@example.com")


@pytest.fixture
def provider(monkeypatch: pytest.MonkeyPatch) -> Provider:
    found = Provider()
    monkeypatch.setattr(carriers, "carrier", lambda: found)
    return found


@pytest.fixture
def acme(cloud: dict[str, str]) -> Tenant:
    return tenant()


def charged(acme: Tenant, month: str = "") -> tuple[int, int]:
    found = usage.of_month(acme.org_id, month or clock.stamp()[:7])
    return found.units["email"], found.spent_micros


def answering(provider: Provider, monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    def send(_: carriers.Outbound) -> str:
        raise error

    monkeypatch.setattr(provider, "send", send)


def deliver(message: Message) -> None:
    delivery.deliver(message.org_id, message.id)


def refused(message: Message, provider: Provider, monkeypatch: pytest.MonkeyPatch) -> None:
    answering(provider, monkeypatch, carriers.Refused("not verified"))
    deliver(message)


def suppressed(message: Message, _: Provider, __: pytest.MonkeyPatch) -> None:
    commit(store.suppress(message.org_id, TO[0], "bounce"))
    deliver(message)


def unwritable(message: Message, _: Provider, monkeypatch: pytest.MonkeyPatch) -> None:
    def compose(*_: object) -> None:
        raise ValueError("no header has room for this")

    monkeypatch.setattr(composition, "compose", compose)
    deliver(message)


def no_room(message: Message, provider: Provider, monkeypatch: pytest.MonkeyPatch) -> None:
    answering(provider, monkeypatch, carriers.Throttled("slow down"))
    deliver(message)
    assert now(message).head.state is State.QUEUED
    monkeypatch.setattr(watching, "GIVE_UP_AFTER", timedelta(0))
    deliver(message)


def expired(message: Message, _: Provider, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "GIVE_UP_AFTER", timedelta(0))
    delivery.watch(message.org_id, message.id)


Ending = Callable[[Message, Provider, pytest.MonkeyPatch], None]


@pytest.mark.parametrize("plan", [PlanName.FREE, PlanName.GROWTH])
@pytest.mark.parametrize("ending", [refused, suppressed, unwritable, no_room, expired])
def test_a_mail_that_never_leaves_is_given_back_once(
    acme: Tenant, provider: Provider, monkeypatch: pytest.MonkeyPatch, ending: Ending, plan: PlanName
) -> None:
    acme = tenant(slug="other", plan=plan)
    other, message = queued(acme, "d@example.com"), queued(acme, *TO)
    assert charged(acme)[0] == 4
    for _ in range(2):
        with monkeypatch.context() as patch:
            ending(message, provider, patch) if now(message).head.state is State.QUEUED else deliver(message)
    delivery.watch(message.org_id, message.id)
    assert (now(message).head.state, now(other).head.state) == (State.FAILED, State.QUEUED)
    assert charged(acme) == (1, 500)


@pytest.mark.parametrize("calls", range(5))
def test_a_worker_killed_while_a_mail_fails_gives_it_back_once(
    acme: Tenant, provider: Provider, monkeypatch: pytest.MonkeyPatch, calls: int
) -> None:
    message = queued(acme, *TO)
    monkeypatch.setattr(watching, "GIVE_UP_AFTER", timedelta(0))
    with Sabotage().killing(after=calls):
        delivery.watch(message.org_id, message.id)
    delivery.watch(message.org_id, message.id)
    assert now(message).head.state is State.FAILED
    assert charged(acme) == (0, 0)


def test_it_is_given_back_in_the_month_that_it_was_charged_in(
    acme: Tenant, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    message, month = queued(acme, *TO), clock.stamp()[:7]
    then = clock.now() + timedelta(days=40)
    monkeypatch.setattr(clock, "now", lambda: then)
    delivery.watch(message.org_id, message.id)
    assert (charged(acme, month), charged(acme)) == ((0, 0), (0, 0))


def test_a_mail_that_the_provider_has_taken_stays_charged(
    acme: Tenant, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    rejected, bounced, unknown = (queued(acme, address) for address in TO)
    deliver(rejected)
    delivery.refused(acme.org_id, rejected.id, "virus")
    deliver(bounced)
    delivery.bounced(acme.org_id, bounced.id, [TO[1]], permanent=True)
    answering(provider, monkeypatch, carriers.OutcomeUnknown("timeout"))
    deliver(unknown)
    delivery.confirm(acme.org_id, unknown.id, now(unknown).head.claim or 0)
    states = [now(message).head.state for message in (rejected, bounced, unknown)]
    assert states == [State.FAILED, State.BOUNCED, State.UNCONFIRMED]
    assert charged(acme)[0] == 3
