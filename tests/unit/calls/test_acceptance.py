"""The facts that an order passes to the gate, and the records of a refusal."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from switchboard.accounts import organizations
from switchboard.aws.reads import Query
from switchboard.calls import acceptance, dialing, service
from switchboard.calls.acceptance import AcceptedCall
from switchboard.calls.models import Order, State
from switchboard.compliance import calling_hours, ledgers
from switchboard.compliance import service as compliance
from switchboard.compliance.verdicts import Blocked
from switchboard.kit import clock
from tests.actors import Tenant, tenant
from tests.fakes.voice import Provider
from tests.unit.calls.live_calls import NOBODY, place_call, read_call

pytestmark = pytest.mark.usefixtures("cloud", "frozen")


@pytest.fixture
def acme() -> Tenant:
    return tenant()


def build_order(**changes: Any) -> Order:
    asked = {"to": "+14155550142", "tier": "basic", "consent_source": "business-relationship"}
    return Order.model_validate(asked | changes)


def place_blocked_call(acme: Tenant) -> dict[str, Any]:
    events = Query(table="activity", partition=f"{acme.org_id}#chain#{acme.caller().correlation_id}").read_all()
    (told,) = (item for item in events if item["type"] == "voice.call.blocked")
    return told


@pytest.mark.parametrize(
    ("source", "date", "code", "reason"),
    [
        (None, None, "consent_missing", "missing"),
        (None, "2026-01-01", "consent_invalid", "source_missing"),
        ("", None, "consent_invalid", "source_unknown"),
        ("hearsay", None, "consent_invalid", "source_unknown"),
        ("business-relationship", "2003-01-01", "consent_expired", "too_old"),
    ],
)
def test_a_missing_unknown_or_old_consent_is_refused_and_recorded(
    acme: Tenant, source: str | None, date: str | None, code: str, reason: str
) -> None:
    with pytest.raises(Blocked) as refusal:
        service.place_call(acme.caller(), build_order(consent_source=source, consent_date=date))
    assert refusal.value.code == code
    assert refusal.value.details == {"gate": "consent", "reason": reason}
    told = place_blocked_call(acme)
    assert told["data"]["verdict"]["rules"]["consent"] == f"block:{reason}"
    stored = compliance.get_verdict(acme.org_id, told["subject"]["id"])
    assert (stored.allowed, stored.code) == (False, code)
    assert stored.find_result("consent").input["purpose"] == "informational"


def test_an_order_passes_its_recipients_place_and_its_purpose(acme: Tenant) -> None:
    org = organizations.get_organization(acme.org_id)
    told = {"purpose": "telemarketing", "time_zone": "America/Denver", "recipient_state": "co", "zone_confirmed": True}
    contact = acceptance.contact_attempt(org, build_order(**told))
    assert (contact.purpose, contact.timezone, contact.state, contact.zone_confirmed) == (
        "telemarketing",
        "America/Denver",
        "CO",
        True,
    )
    plain = acceptance.contact_attempt(org, build_order())
    assert (plain.purpose, plain.timezone, plain.state, plain.zone_confirmed) == ("informational", None, None, False)


def test_an_organizations_hours_reach_the_gate(acme: Tenant) -> None:
    calling_hours.set_calling_hours(acme.caller(master=True), "12:30", "13:00")
    contact = acceptance.contact_attempt(organizations.get_organization(acme.org_id), build_order())
    assert contact.window == calling_hours.get_calling_hours(acme.org_id)


def opt_out_number(acme: Tenant) -> None:
    ledgers.record_opt_out(acme.caller(), NOBODY, "api")


def block_number(acme: Tenant) -> None:
    ledgers.block_number(acme.caller(), NOBODY)


@pytest.mark.parametrize(("withdraw", "code"), [(opt_out_number, "opted_out"), (block_number, "dnc")])
def test_a_withdrawal_between_verdict_and_acceptance_stops_the_call_at_its_claim(
    acme: Tenant,
    carrier: Provider,
    frozen: clock.FrozenClock,
    monkeypatch: pytest.MonkeyPatch,
    withdraw: Callable[[Tenant], None],
    code: str,
) -> None:
    accept = acceptance.accept_call

    def withdraw_before_commit(*arguments: Any, **options: Any) -> AcceptedCall:
        withdraw(acme)
        return accept(*arguments, **options)

    monkeypatch.setattr(acceptance, "accept_call", withdraw_before_commit)
    call = place_call(acme)
    frozen.advance(seconds=1)
    dialing.dial_call(call.org_id, call.id)
    assert carrier.dialed == []
    assert (read_call(call).state, read_call(call).error) == (
        State.CANCELED,
        f"refused before it was dialed: {code}",
    )
    later, first = compliance.list_verdicts(acme.org_id, call.id)
    assert (first.allowed, later.allowed, later.code) == (True, False, code)
    with pytest.raises(Blocked):
        place_call(acme)


def test_the_ledgers_at_the_acceptance_are_those_of_the_moment_of_the_request(
    acme: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    block_number(acme)
    monkeypatch.setattr(compliance, "still_allowed_checks", lambda *_: pytest.fail("the read alone refuses"))
    with pytest.raises(Blocked) as refusal:
        place_call(acme)
    assert refusal.value.details == {"gate": "dnc", "reason": "on_list"}
