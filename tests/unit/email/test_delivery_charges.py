"""A mail that never leaves is not charged."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from switchboard.accounts.plans import PlanName
from switchboard.aws.writes import commit
from switchboard.carriers import mail as carriers
from switchboard.email import composition, delivery, feedback, queue_watch, store
from switchboard.email.models import MailState, Message
from switchboard.kit import clock
from switchboard.usage import service as usage
from tests.actors import Tenant, tenant
from tests.integration.sabotage import Sabotage
from tests.unit.email.test_feedback import Provider, load_message, queue_mail

pytestmark = pytest.mark.usefixtures("cloud")
TO = ("a@example.com", "b@example.com", "c@example.com")


@pytest.fixture
def provider(monkeypatch: pytest.MonkeyPatch) -> Provider:
    found = Provider()
    monkeypatch.setattr(carriers, "mail_carrier", lambda: found)
    return found


@pytest.fixture
def acme(cloud: dict[str, str]) -> Tenant:
    return tenant()


def charged(acme: Tenant, month: str = "") -> tuple[int, int]:
    found = usage.get_monthly_usage(acme.org_id, month or clock.now_iso()[:7])
    return found.units["email"], found.spent_micros


def answering(provider: Provider, monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    def send(_: carriers.OutgoingMail) -> str:
        raise error

    monkeypatch.setattr(provider, "send", send)


def send_job(message: Message) -> None:
    delivery.send_queued(message.org_id, message.id)


def refuse(message: Message, provider: Provider, monkeypatch: pytest.MonkeyPatch) -> None:
    answering(provider, monkeypatch, carriers.RefusedError("not verified"))
    send_job(message)


def suppress(message: Message, _: Provider, __: pytest.MonkeyPatch) -> None:
    commit(store.replace_suppression_writes(message.org_id, TO[0], "bounce"))
    send_job(message)


def unwritable(message: Message, _: Provider, monkeypatch: pytest.MonkeyPatch) -> None:
    def compose(*_: object) -> None:
        raise ValueError("no header has room for this")

    monkeypatch.setattr(composition, "compose_mail", compose)
    send_job(message)


def no_room(message: Message, provider: Provider, monkeypatch: pytest.MonkeyPatch) -> None:
    answering(provider, monkeypatch, carriers.ThrottledError("slow down"))
    send_job(message)
    assert load_message(message).head.state is MailState.QUEUED
    monkeypatch.setattr(queue_watch, "GIVE_UP_AFTER", timedelta(0))
    send_job(message)


def expire(message: Message, _: Provider, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queue_watch, "GIVE_UP_AFTER", timedelta(0))
    delivery.check_queued(message.org_id, message.id)


Ending = Callable[[Message, Provider, pytest.MonkeyPatch], None]


@pytest.mark.parametrize("plan", [PlanName.FREE, PlanName.GROWTH])
@pytest.mark.parametrize("ending", [refuse, suppress, unwritable, no_room, expire])
def test_an_unsent_mail_is_refunded_once(
    acme: Tenant, provider: Provider, monkeypatch: pytest.MonkeyPatch, ending: Ending, plan: PlanName
) -> None:
    acme = tenant(slug="other", plan=plan)
    other, message = queue_mail(acme, "d@example.com"), queue_mail(acme, *TO)
    assert charged(acme)[0] == 4
    for _ in range(2):
        with monkeypatch.context() as patch:
            ending(message, provider, patch) if load_message(message).head.state is MailState.QUEUED else send_job(
                message
            )
    delivery.check_queued(message.org_id, message.id)
    assert (load_message(message).head.state, load_message(other).head.state) == (MailState.FAILED, MailState.QUEUED)
    assert charged(acme) == (1, 500)


@pytest.mark.parametrize("calls", range(5))
def test_a_worker_killed_while_a_mail_fails_refunds_it_once(
    acme: Tenant, provider: Provider, monkeypatch: pytest.MonkeyPatch, calls: int
) -> None:
    message = queue_mail(acme, *TO)
    monkeypatch.setattr(queue_watch, "GIVE_UP_AFTER", timedelta(0))
    with Sabotage().killing(after=calls):
        delivery.check_queued(message.org_id, message.id)
    delivery.check_queued(message.org_id, message.id)
    assert load_message(message).head.state is MailState.FAILED
    assert charged(acme) == (0, 0)


def test_it_is_refunded_in_the_month_of_its_charge(
    acme: Tenant, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    message, month = queue_mail(acme, *TO), clock.now_iso()[:7]
    then = clock.now() + timedelta(days=40)
    monkeypatch.setattr(clock, "now", lambda: then)
    delivery.check_queued(message.org_id, message.id)
    assert (charged(acme, month), charged(acme)) == ((0, 0), (0, 0))


def test_an_accepted_mail_stays_charged(acme: Tenant, provider: Provider, monkeypatch: pytest.MonkeyPatch) -> None:
    rejected, bounced, unknown = (queue_mail(acme, address) for address in TO)
    send_job(rejected)
    feedback.record_rejection(acme.org_id, rejected.id, "virus")
    send_job(bounced)
    feedback.record_bounce(acme.org_id, bounced.id, [TO[1]], permanent=True)
    answering(provider, monkeypatch, carriers.OutcomeUnknownError("timeout"))
    send_job(unknown)
    delivery.check_claim(acme.org_id, unknown.id, load_message(unknown).head.claim or 0)
    states = [load_message(message).head.state for message in (rejected, bounced, unknown)]
    assert states == [MailState.FAILED, MailState.BOUNCED, MailState.UNCONFIRMED]
    assert charged(acme)[0] == 3
