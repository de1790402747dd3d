"""The gate on its table: its reads, its writes, and changes in between."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from switchboard.aws import clients, reads
from switchboard.aws.reads import Query
from switchboard.aws.writes import ConditionFailedError, Put, commit
from switchboard.carriers import registries
from switchboard.carriers.registries import ReassignedAnswer
from switchboard.compliance import explanation, ledgers, service
from switchboard.compliance.models import ContactAttempt, StatedConsent
from switchboard.compliance.verdicts import Blocked, Verdict
from switchboard.errors import Invalid, NotFound, QuotaExceeded, Unavailable
from switchboard.events.models import Actor, SystemActor
from switchboard.kit import clock, texts
from switchboard.persistence.idempotency import IdempotencyKey
from tests.unit.compliance.gate import CONSENT

pytestmark = pytest.mark.usefixtures("cloud", "frozen")

NUMBER, FLORIDA = "+12125551234", "+13055551234"


def origin_of(org_id: str = "org_a") -> SystemActor:
    return SystemActor(org_id=org_id, actor=Actor(type="key", id="key_1"), agent_id=None, correlation_id="corr_1")


class Database:
    """A Reassigned Numbers Database with the test's answer. It records its queries."""

    def __init__(self, answer: ReassignedAnswer | Exception = "no") -> None:
        self.answer = answer
        self.asked: list[tuple[str, date]] = []

    def query_number(self, e164: str, since: date) -> ReassignedAnswer:
        self.asked.append((e164, since))
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def evaluate_attempt(to: str = NUMBER, database: Database | None = None, **contact: Any) -> Verdict:
    asked = ContactAttempt(**{"org_id": "org_a", "channel": "voice", "to": to, "consent": CONSENT, **contact})
    return service.evaluate(asked, database or Database())


def commit_call(verdict: Verdict) -> None:
    """Commit a call as a domain does."""
    commit(service.allowed_writes(verdict), service.verdict_writes(verdict, "call_1"))


def list_event_types() -> list[str]:
    chain = Query(table="activity", partition="org_a#chain#corr_1").read_all()
    return [item["type"] for item in chain]


def test_an_invalid_number_is_refused() -> None:
    with pytest.raises(Invalid):
        evaluate_attempt("555-1234")


def test_all_facts_are_read_in_one_request(monkeypatch: pytest.MonkeyPatch) -> None:
    evaluate_attempt()
    requests: list[str] = []
    client = clients.dynamodb_client()
    for operation in ("batch_get_item", "get_item", "query", "update_item", "put_item"):
        real = getattr(client, operation)
        monkeypatch.setattr(
            client, operation, lambda _name=operation, _real=real, **more: requests.append(_name) or _real(**more)
        )
    assert evaluate_attempt().allowed
    assert requests == ["batch_get_item"]


def test_another_organizations_ledgers_do_not_apply() -> None:
    ledgers.block_number(origin_of("org_b"), NUMBER)
    ledgers.record_opt_out(origin_of("org_b"), NUMBER, "manual")
    ledgers.record_consent(origin_of("org_b"), NUMBER, "opt-in:web-form", "2024-01-01")
    found = evaluate_attempt()
    assert found.allowed
    assert found.find_result("consent").details["since"] == CONSENT.date
    assert evaluate_attempt(consent=None).code == "consent_missing"
    assert evaluate_attempt(org_id="org_b").code == "dnc"


def test_a_block_before_the_commit_refuses_the_call() -> None:
    found = evaluate_attempt()
    ledgers.block_number(origin_of(), NUMBER)
    with pytest.raises(Blocked) as refusal:
        commit_call(found)
    assert (refusal.value.code, refusal.value.details["reason"]) == ("dnc", "changed_meanwhile")
    with pytest.raises(NotFound):
        service.get_verdict("org_a", "call_1")


def test_an_opt_out_before_the_commit_refuses_the_call() -> None:
    found = evaluate_attempt(channel="sms")
    ledgers.record_opt_out(origin_of(), NUMBER, "keyword", "STOP")
    with pytest.raises(Blocked) as refusal:
        commit_call(found)
    assert refusal.value.code == "opted_out"


def test_concurrent_allowed_calls_never_exceed_the_cap() -> None:
    found = [evaluate_attempt(FLORIDA) for _ in range(4)]
    for verdict in found[:3]:
        commit_call(verdict)
    with pytest.raises(Blocked) as refusal:
        commit_call(found[3])
    assert refusal.value.code == "attempt_cap"


def test_three_calls_a_day_over_days(frozen: clock.FrozenClock) -> None:
    made = []
    for _ in range(60):
        found = evaluate_attempt(FLORIDA)
        if found.allowed:
            commit_call(found)
            made.append(found.evaluated_at)
        else:
            with pytest.raises(Blocked):
                commit_call(found)
        frozen.advance(hours=1)
    assert len(made) >= 7
    for first, fourth in zip(made, made[3:], strict=False):
        assert clock.parse(fourth) - clock.parse(first) >= timedelta(hours=24)


def test_the_cap_counts_by_organization_and_by_subject() -> None:
    for _ in range(3):
        commit_call(evaluate_attempt(FLORIDA, subject="renewal"))
    assert evaluate_attempt(FLORIDA, subject="renewal").code == "attempt_cap"
    assert evaluate_attempt(FLORIDA, subject="survey").allowed
    assert evaluate_attempt(FLORIDA, subject="renewal", org_id="org_b").allowed


def test_a_counted_call_may_be_dialed() -> None:
    for _ in range(3):
        commit_call(evaluate_attempt(FLORIDA))
    again = evaluate_attempt(FLORIDA, counted=True)
    assert again.allowed
    assert len(service.allowed_writes(again)) == 2


def test_an_answer_of_the_database_is_stored_for_thirty_days_for_all_organizations(frozen: clock.FrozenClock) -> None:
    database = Database()
    frozen.advance(hours=1)
    for org_id in ("org_a", "org_b"):
        assert evaluate_attempt(database=database, org_id=org_id).allowed
    assert database.asked == [(NUMBER, date(2025, 6, 1))]
    assert evaluate_attempt(database=database).find_result("reassigned").details == {
        "asked_at": "2026-01-15T18:00:00.000Z",
        "cached": True,
    }
    frozen.advance(days=30)
    database.answer = "yes"
    assert evaluate_attempt(database=database).code == "number_reassigned"
    assert evaluate_attempt(database=database).code == "number_reassigned"
    assert len(database.asked) == 2


def test_each_date_of_consent_has_its_own_answer() -> None:
    database = Database()
    for day in ("2025-01-01", "2025-02-01", "2025-01-01"):
        evaluate_attempt(database=database, consent=StatedConsent(source="opt-in:web-form", date=day))
    assert [since.isoformat() for _, since in database.asked] == ["2025-01-01", "2025-02-01"]


@pytest.mark.parametrize(
    "error", [TimeoutError(), registries.NoAnswerError("away"), RuntimeError("broken"), KeyError("x")]
)
def test_a_failing_database_refuses_and_is_queried_again(error: Exception) -> None:
    database = Database(error)
    for _ in range(2):
        found = evaluate_attempt(database=database)
        assert (found.code, found.find_result("reassigned").reason) == ("reassigned_unknown", "unavailable")
    assert len(database.asked) == 2
    assert evaluate_attempt(database=Database()).allowed


def test_many_dates_never_enlarge_an_item_that_others_need() -> None:
    for day in range(1, 29):
        evaluate_attempt(consent=StatedConsent(source="opt-in:web-form", date=f"2024-02-{day:02}"))
    items = list(Query(table="core", partition=f"rnd#{NUMBER}").read_all())
    assert len(items) == 28
    assert {tuple(sorted(item)) for item in items} == {("answer", "at", "expires", "pk", "sk")}
    assert {item["expires"] for item in items} == {int((clock.now() + timedelta(days=31)).timestamp())}


def test_an_answer_for_the_ledgers_own_date_is_found_again() -> None:
    ledgers.record_consent(origin_of(), NUMBER, "opt-in:web-form", "2024-05-05")
    database = Database()
    assert [
        evaluate_attempt(database=database, consent=None).find_result("reassigned").details["cached"] for _ in range(2)
    ] == [
        False,
        True,
    ]
    assert len(database.asked) == 1


@pytest.mark.parametrize(
    "error", [Unavailable("busy", retry_after=1), ConditionFailedError(Put(table="core", item={}), None), OSError()]
)
def test_an_answer_that_cannot_be_stored_proves_nothing_and_refuses(
    monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def fail_to_store(*_: Any) -> None:
        raise error

    monkeypatch.setattr(service, "write_item", fail_to_store)
    found = evaluate_attempt()
    assert (found.allowed, found.code, found.find_result("reassigned").reason) == (
        False,
        "reassigned_unknown",
        "unavailable",
    )
    monkeypatch.undo()
    assert evaluate_attempt().allowed


def test_a_refusal_before_the_paid_query_costs_nothing() -> None:
    database = Database()

    def refuse_for_quota() -> None:
        raise QuotaExceeded("Full.", code="daily_cap", resource="basic_calls", current=1, cap=1)

    asked = ContactAttempt(org_id="org_a", channel="voice", to=NUMBER, consent=CONSENT)
    with pytest.raises(QuotaExceeded):
        service.evaluate(asked, database, before_paying=refuse_for_quota)
    assert not database.asked
    assert service.evaluate(asked, database).allowed
    assert service.evaluate(asked, database, before_paying=refuse_for_quota).allowed, "a stored answer costs nothing"


def test_a_test_key_does_not_read_what_a_real_query_was_told() -> None:
    asked = ContactAttempt(org_id="org_a", channel="voice", to=NUMBER, consent=CONSENT)
    assert service.evaluate(asked, Database("yes")).code == "number_reassigned"
    assert service.evaluate(asked.model_copy(update={"simulated": True})).allowed


def test_without_a_database_assignable_numbers_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    contact = ContactAttempt(org_id="org_a", channel="voice", to=NUMBER, consent=CONSENT)
    monkeypatch.setenv("SWITCHBOARD_REASSIGNED_NUMBERS", "none")
    assert service.evaluate(contact).code == "reassigned_unknown"
    assert service.evaluate(contact.model_copy(update={"simulated": True})).allowed
    assert service.evaluate(contact.model_copy(update={"to": "+14155550142"})).allowed
    monkeypatch.setenv("SWITCHBOARD_REASSIGNED_NUMBERS", "simulator")
    assert service.evaluate(contact).allowed


@pytest.mark.parametrize(
    ("to", "code", "reason"),
    [
        ("+15005550021", "number_reassigned", "reassigned"),
        ("+15005550022", None, "no_data"),
        ("+15005550023", "reassigned_unknown", "unavailable"),
    ],
)
@pytest.mark.parametrize("simulated", [False, True])
def test_magic_numbers_never_cause_a_paid_query(to: str, code: str | None, reason: str, simulated: bool) -> None:
    database = Database()
    found = evaluate_attempt(to, database, simulated=simulated)
    assert (found.code, found.find_result("reassigned").reason) == (code, reason)
    assert not database.asked
    assert reads.get_item("core", {"pk": f"rnd#{to}", "sk": "answers"}) is None


def test_a_stated_consent_enters_the_ledger_with_the_first_call(frozen: clock.FrozenClock) -> None:
    first = evaluate_attempt(consent=StatedConsent(source="opt-in:web-form"))
    assert evaluate_attempt(consent=None).code == "consent_missing"
    commit_call(first)
    frozen.advance(days=40)
    later = evaluate_attempt(consent=None)
    assert later.find_result("consent").details == {
        "source": "opt-in:web-form",
        "since": "2026-01-15",
        "until": "2031-01-15",
        "from": "ledger",
        "first_seen": False,
    }
    assert (
        evaluate_attempt(consent=StatedConsent(source="opt-in:web-form")).find_result("consent").details["since"]
        == "2026-01-15"
    )


def test_a_consent_in_the_ledger_is_not_overwritten_by_a_call() -> None:
    found = evaluate_attempt(consent=StatedConsent(source="customer-initiated"))
    ledgers.record_consent(origin_of(), NUMBER, "opt-in:double-opt-in", "2025-02-02")
    commit_call(found)
    (record,), _ = ledgers.list_consents("org_a", 10)
    assert (record.source.value, record.date) == ("opt-in:double-opt-in", "2025-02-02")


def test_a_verdict_is_stored_with_its_subject_and_readable_by_its_organization_only(frozen: clock.FrozenClock) -> None:
    found = evaluate_attempt("+14234001234", window={"start": "13:30", "end": "17:00"})
    commit(service.verdict_writes(found, "call_1"))
    frozen.advance(hours=3)
    again = evaluate_attempt("+14234001234", window={"start": "13:30", "end": "17:00"})
    commit(service.verdict_writes(again, "call_1"))
    kept = service.get_verdict("org_a", "call_1")
    assert kept == again.model_copy(update={"contact": None})
    assert [verdict.allowed for verdict in service.list_verdicts("org_a", "call_1")] == [True, False]
    assert explanation.explain_verdict(kept) == explanation.explain_verdict(again)
    for org_id, subject in [("org_b", "call_1"), ("org_a", "call_2")]:
        with pytest.raises(NotFound):
            service.get_verdict(org_id, subject)
    with pytest.raises(ValueError, match="call evaluate"):
        service.allowed_writes(kept)


def test_a_stored_verdict_and_its_event_hold_no_number() -> None:
    found = evaluate_attempt()
    commit(service.verdict_writes(found, "call_1"))
    (item,) = Query(table="core", partition="org_a#verdict#call_1").read_all()
    assert NUMBER not in repr(item)
    assert NUMBER[2:] not in repr(item)
    assert NUMBER[2:] not in service.get_verdict("org_a", "call_1").model_dump_json()
    assert item["number"] == texts.digest(NUMBER)
    assert found.summary()["rules"]["dnc"] == "pass:not_on_list"


def test_a_stored_verdict_takes_one_write_unit_and_is_read_unchanged() -> None:
    found = evaluate_attempt(FLORIDA)
    commit(service.verdict_writes(found, "call_1"))
    (item,) = Query(table="core", partition="org_a#verdict#call_1").read_all()
    sizes = [len(name) + len(value if isinstance(value, bytes) else str(value)) for name, value in item.items()]
    assert sum(sizes) < 1_024
    assert service.get_verdict("org_a", "call_1") == found.model_copy(update={"contact": None})


def test_a_refused_contact_has_no_writes() -> None:
    ledgers.block_number(origin_of(), FLORIDA)
    with pytest.raises(Blocked):
        service.allowed_writes(evaluate_attempt(FLORIDA))


def test_a_repeated_block_is_one_entry(frozen: clock.FrozenClock) -> None:
    first = ledgers.block_number(origin_of(), NUMBER, "asked us to")
    frozen.advance(minutes=1)
    assert ledgers.block_number(origin_of(), NUMBER, "again") == first
    assert evaluate_attempt().code == "dnc"
    assert ledgers.is_blocked("org_a", NUMBER)
    assert ledgers.unblock_number(origin_of(), NUMBER) is True
    assert ledgers.unblock_number(origin_of(), NUMBER) is False
    assert evaluate_attempt().allowed
    assert not ledgers.is_blocked("org_a", NUMBER)
    assert list_event_types() == ["number.blocked", "number.unblocked"]


def test_a_repeated_opt_out_is_one_entry(frozen: clock.FrozenClock) -> None:
    first = ledgers.record_opt_out(origin_of(), NUMBER, "keyword", "STOP")
    frozen.advance(minutes=1)
    assert ledgers.record_opt_out(origin_of(), NUMBER, "manual") == first
    assert evaluate_attempt(channel="voice").code == evaluate_attempt(channel="sms").code == "opted_out"
    assert ledgers.record_opt_in(origin_of(), NUMBER) is True
    assert ledgers.record_opt_in(origin_of(), NUMBER) is False
    assert evaluate_attempt().allowed
    assert list_event_types() == ["sms.opt_out", "sms.opt_in"]


def test_a_repeated_consent_is_one_entry(frozen: clock.FrozenClock) -> None:
    first = ledgers.record_consent(origin_of(), NUMBER, "opt-in:web-form", "2025-01-01")
    frozen.advance(minutes=1)
    assert ledgers.record_consent(origin_of(), NUMBER, "opt-in:web-form", "2025-01-01") == first
    newer = ledgers.record_consent(origin_of(), NUMBER, "customer-initiated")
    assert newer.date == "2026-01-15"
    assert evaluate_attempt(consent=None).find_result("consent").details["since"] == "2026-01-15"
    assert list_event_types() == ["consent.recorded", "consent.recorded"]


@pytest.mark.parametrize(
    ("source", "day", "why"),
    [
        ("opt-in:web-form", "2027-01-01", "has a date in the future"),
        ("opt-in:web-form", "2026-01-15T17:06:00Z", "has a date in the future"),
        ("opt-in:web-form", "2021-01-14", "has expired"),
        ("business-relationship", "2003-01-01", "has expired"),
        ("customer-initiated", "2025-10-14T23:59:59Z", "has expired"),
        ("opt-in:web-form", "soon", "has an invalid date"),
        ("hearsay", None, "has an unknown source"),
    ],
)
def test_an_invalid_consent_enters_no_ledger_key_or_flow(source: str, day: str | None, why: str) -> None:
    with pytest.raises(Invalid, match=why):
        ledgers.record_consent(origin_of(), NUMBER, source, day)
    if day:
        with pytest.raises(Invalid, match=why):
            ledgers.parse_standing_consent(source, day, "key")
    assert list_event_types() == []


@pytest.mark.parametrize("act", [ledgers.block_number, ledgers.unblock_number, ledgers.record_opt_in])
def test_only_valid_numbers_enter_the_ledgers(act: Any) -> None:
    with pytest.raises(Invalid):
        act(origin_of(), "5551234")


def test_events_hold_only_the_digest_of_a_number() -> None:
    ledgers.block_number(origin_of(), NUMBER, "rude")
    ledgers.record_opt_out(origin_of(), NUMBER, "keyword", "STOP")
    ledgers.record_consent(origin_of(), NUMBER, "opt-in:web-form", "2025-01-01")
    told = list(Query(table="activity", partition="org_a#chain#corr_1").read_all())
    assert [item["type"] for item in told] == ["number.blocked", "sms.opt_out", "consent.recorded"]
    for item in told:
        assert NUMBER not in repr(item)
        assert item["subject"] == {"type": "number", "id": texts.digest(NUMBER), "version": None}


def test_the_ledgers_are_listed_page_by_page() -> None:
    numbers = [f"+1212555{last:04}" for last in range(5)]
    for number in numbers:
        ledgers.block_number(origin_of(), number)
        ledgers.record_opt_out(origin_of(), number, "api")
    listed, after = ledgers.list_blocked_numbers("org_a", 3)
    assert after is not None
    rest, end = ledgers.list_blocked_numbers("org_a", 3, after)
    assert [entry.e164 for entry in [*listed, *rest]] == numbers
    assert end is None
    assert [entry.e164 for entry in ledgers.list_opt_outs("org_a", 10)[0]] == numbers
    assert ledgers.list_blocked_numbers("org_b", 10) == ([], None)
    for wrong in (
        lambda: ledgers.list_blocked_numbers("org_b", 3, after),
        lambda: ledgers.list_opt_outs("org_a", 3, after),
    ):
        with pytest.raises(Invalid):
            wrong()


def test_a_repeated_block_request_does_not_restore_a_removed_block() -> None:
    def block_number() -> str:
        return ledgers.block_number(origin_of(), NUMBER, effect=IdempotencyKey("usr_1", "key", "same")).id

    first = block_number()
    assert block_number() == first
    ledgers.unblock_number(origin_of(), NUMBER)
    assert (block_number(), ledgers.is_blocked("org_a", NUMBER)) == (first, False)
