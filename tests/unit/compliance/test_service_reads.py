"""The gate's reads for a verdict, and its words when something changed or failed meanwhile."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from switchboard import telemetry
from switchboard.aws import clients
from switchboard.aws.writes import commit
from switchboard.carriers.registries import SimulatedReassignedNumbers
from switchboard.compliance import amendment_service, ledgers, service, store, whereabouts
from switchboard.compliance.models import ContactAttempt, StatedConsent
from switchboard.compliance.verdicts import Blocked, Verdict
from switchboard.events.models import Actor
from switchboard.kit import clock
from tests.unit.compliance.gate import CONSENT
from tests.unit.compliance.test_service import NUMBER, Database, commit_call, evaluate_attempt, origin_of

pytestmark = pytest.mark.usefixtures("cloud", "frozen")

LONDON, NOBODY = "+442079460123", "+12125550142"


@pytest.fixture
def requests(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The operations that the table is asked for."""
    found: list[str] = []
    client = clients.dynamodb_client()
    for operation in ("batch_get_item", "get_item", "query", "update_item", "put_item"):
        real = getattr(client, operation)
        monkeypatch.setattr(
            client, operation, lambda _name=operation, _real=real, **more: found.append(_name) or _real(**more)
        )
    return found


def record(to: str, **where: Any) -> None:
    commit(whereabouts.record_writes(origin_of(), to, where.get("zone"), where.get("state"), confirmed=True))


def test_an_operators_row_holds_where_only_the_record_says_that_the_recipient_is(requests: list[str]) -> None:
    record(NUMBER, zone="America/Chicago", state="LA")
    amendment_service.add_amendment(
        Actor(type="operator", id="ada"),
        kind="closure", place="US-LA", first=date(2026, 1, 1), last=date(2026, 12, 31), source="x",
    )  # fmt: skip
    found = evaluate_attempt()
    assert (found.code, found.timezones) == ("quiet_hours", ["America/Chicago"])
    assert evaluate_attempt(LONDON).code != "quiet_hours"


def test_a_record_that_names_no_further_place_costs_no_second_read(requests: list[str]) -> None:
    record(NUMBER, zone="America/New_York")
    evaluate_attempt()
    requests.clear()
    assert evaluate_attempt().allowed
    assert requests == ["batch_get_item"]


@pytest.mark.parametrize("contact", [{"simulated": True}, {"to": NOBODY}, {"to": LONDON}], ids=str)
def test_an_answer_that_nobody_asks_for_is_not_read(contact: dict[str, Any], requests: list[str]) -> None:
    ledgers.record_consent(origin_of(), contact.get("to", NUMBER), "opt-in:web-form", "2025-03-01")
    requests.clear()
    evaluate_attempt(**{"consent": None} | contact)
    assert requests == ["batch_get_item"]


def test_a_consent_of_an_impossible_day_is_refused_and_read_for_nothing(requests: list[str]) -> None:
    for day in ("2025-02-30", "yesterday", "2030-01-01"):
        assert evaluate_attempt(consent=StatedConsent(source="opt-in:web-form", date=day)).code == "consent_invalid"


def test_the_date_of_a_consent_is_what_the_simulator_is_asked_about(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[date] = []
    monkeypatch.setattr(
        SimulatedReassignedNumbers, "query_number", lambda _self, _number, since: asked.append(since) or "no"
    )
    assert evaluate_attempt(simulated=True).allowed
    assert asked == [date.fromisoformat(CONSENT.date or "")]


def changed(verdict: Verdict) -> tuple[str | None, dict[str, Any]]:
    with pytest.raises(Blocked) as refused:
        commit_call(verdict)
    return refused.value.code, refused.value.details


def test_what_changed_meanwhile_names_the_rule() -> None:
    found = evaluate_attempt()
    ledgers.block_number(origin_of(), NUMBER)
    assert changed(found) == ("dnc", {"gate": "dnc", "reason": "changed_meanwhile"})
    ledgers.unblock_number(origin_of(), NUMBER)
    ledgers.record_opt_out(origin_of(), NUMBER, "manual")
    assert changed(found) == ("opted_out", {"gate": "opt_out", "reason": "changed_meanwhile"})


def test_a_call_too_many_meanwhile_names_the_cap(frozen: clock.FrozenClock) -> None:
    verdicts = [evaluate_attempt("+13055551234") for _ in range(4)]
    for found in verdicts[:3]:
        commit_call(found)
    assert changed(verdicts[3]) == ("attempt_cap", {"gate": "caps", "reason": "changed_meanwhile"})


def test_a_consent_that_a_call_states_is_the_gates_unless_somebody_is_named() -> None:
    commit_call(evaluate_attempt())
    ((mine,), _) = ledgers.list_consents("org_a", 10)
    assert (mine.created_by, mine.e164) == ("gate", NUMBER)
    commit(service.allowed_writes(evaluate_attempt(org_id="org_b"), "key_7"))
    ((named,), _) = ledgers.list_consents("org_b", 10)
    assert named.created_by == "key_7"


def test_a_stored_verdict_lets_nothing_through() -> None:
    commit_call(evaluate_attempt())
    with pytest.raises(ValueError, match=r"^a stored verdict has no contact: call evaluate\(\) again$"):
        service.allowed_writes(service.get_verdict("org_a", "call_1"))


def failure(database: Database) -> BaseException | None:
    """Why the database's answer did not count."""
    ask = service._asking(
        ContactAttempt(org_id="org_a", channel="voice", to=NUMBER, consent=CONSENT),
        service.phone.parse(NUMBER),
        clock.now(),
        database,
        None,
    )
    with pytest.raises(service.NoAnswerError) as refused:
        ask(date(2025, 6, 1))
    return refused.value


def test_a_database_that_fails_is_named_by_its_error() -> None:
    assert str(failure(Database(LookupError("x")))) == "LookupError"


def test_an_answer_that_is_not_kept_is_counted_and_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any) -> Any:
        raise ArithmeticError

    metrics: list[str] = []
    monkeypatch.setattr(store, "cached_answer_writes", fail)
    monkeypatch.setattr(telemetry, "emit_metric", metrics.append)
    assert str(failure(Database())) == "ArithmeticError"
    assert metrics == ["ReassignedAnswerNotKept"]
