"""All other rules, one by one, on facts that the test states."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from switchboard.carriers.registries import NoAnswerError, ReassignedAnswer, RegistryAnswer
from switchboard.compliance import explanation, rules, service
from switchboard.compliance.data.consent import WEIGHTS
from switchboard.compliance.models import (
    CallingHours,
    ConsentRecord,
    ConsentSource,
    ReassignmentAnswer,
    StandingConsent,
    StatedConsent,
)
from switchboard.compliance.store import Facts
from switchboard.compliance.verdicts import MESSAGES, Blocked
from switchboard.kit import texts
from tests.unit.compliance.gate import NOON, at, verdict

NUMBER, FLORIDA, MAINE = "+12125551234", "+13055551234", "+12075551234"
LISTED, NOT_LISTED = (lambda: RegistryAnswer(True, NOON.date())), (lambda: RegistryAnswer(False, NOON.date()))
SELLING_TEXT: dict[str, Any] = {
    "channel": "sms",
    "purpose": "telemarketing",
    "consent": StatedConsent(source=ConsentSource.DOUBLE_OPT_IN.value, date="2026-01-02"),
    "registered": NOT_LISTED,
}
RULES = ["dnc", "national_dnc", "opt_out", "consent", "reassigned", "quiet_hours", "caps"]


def consent_record(day: str = "2025-03-01") -> ConsentRecord:
    return ConsentRecord(e164=NUMBER, source=ConsentSource.DOUBLE_OPT_IN, date=day, created_by="key_1", at=day)


def find_consent(facts: Facts | None = None, now: datetime = NOON, **contact: Any) -> tuple[str, str | None, str]:
    result = verdict(NUMBER, now, facts, **contact).find_result("consent")
    return result.result, result.code, result.details.get("since", result.reason)


def test_a_valid_contact_passes_every_rule_in_order() -> None:
    found = verdict(FLORIDA)
    assert found.allowed
    assert (found.code, found.next_allowed_at) == (None, None)
    assert [rule.rule for rule in found.rules] == RULES
    assert {rule.rule: rule.result for rule in found.rules} == dict.fromkeys(RULES, "pass") | {"national_dnc": "skip"}


def test_the_contracts_example_is_an_ordinary_number_that_reaches_nobody() -> None:
    for hour in (3, 12, 22):
        assert verdict("+14155550142", at("America/Los_Angeles", f"2026-01-14 {hour:02}:00:00")).allowed


def test_a_verdict_holds_the_numbers_digest_and_never_the_number() -> None:
    for found in (verdict(NUMBER), verdict(NUMBER, facts=Facts(blocked=True, opted_out=True)), verdict(FLORIDA)):
        dump = found.model_dump_json()
        assert found.contact is not None
        assert found.contact.to not in dump
        assert found.contact.to[2:] not in dump
        assert all(rule.input["number"] == texts.digest(found.contact.to) for rule in found.rules)
        assert all(rule.version for rule in found.rules)


def test_all_rules_are_checked_and_the_first_refusal_gives_the_code() -> None:
    night = at("America/New_York", "2026-01-14 03:00:00")
    facts = Facts(blocked=True, opted_out=True, attempts=tuple(["2026-01-14T07:00:00.000Z"] * 3))
    found = verdict(FLORIDA, night, facts, consent=None)
    assert [rule.code for rule in found.rules] == [
        "dnc",
        None,
        "opted_out",
        "consent_missing",
        None,
        "quiet_hours",
        "attempt_cap",
    ]
    assert found.code == "dnc"
    assert found.next_allowed_at is None
    assert verdict(FLORIDA, night, Facts(opted_out=True)).code == "opted_out"


@pytest.mark.parametrize("channel", ["voice", "sms"])
@pytest.mark.parametrize("simulated", [False, True])
def test_blocks_and_opt_outs_apply_on_every_channel_and_to_test_keys(channel: str, simulated: bool) -> None:
    for facts, code in [(Facts(blocked=True), "dnc"), (Facts(opted_out=True), "opted_out")]:
        for to in (NUMBER, "+442079460000", "+14155550142"):
            assert verdict(to, facts=facts, channel=channel, simulated=simulated).code == code


@pytest.mark.parametrize(
    ("consent", "reason"),
    [
        (StatedConsent(source=None, date="2025-01-01"), "source_missing"),
        (StatedConsent(source=""), "source_unknown"),
        (StatedConsent(source="yes"), "source_unknown"),
        (StatedConsent(source="OPT-IN:WEB-FORM"), "source_unknown"),
        (StatedConsent(source="opt-in:web-form", date=""), "date_malformed"),
        (StatedConsent(source="opt-in:web-form", date="yesterday"), "date_malformed"),
        (StatedConsent(source="opt-in:web-form", date="2025-02-30"), "date_malformed"),
        (StatedConsent(source="opt-in:web-form", date="01/02/2025"), "date_malformed"),
        (StatedConsent(source="opt-in:web-form", date="2025-01-01T10:00:00"), "date_malformed"),  # without a zone
        (StatedConsent(source="opt-in:web-form", date="0001-01-01T00:00:00+14:00"), "date_malformed"),
        (StatedConsent(source="opt-in:web-form", date="2026-01-17"), "date_in_future"),
        (StatedConsent(source="opt-in:web-form", date="2026-01-15T17:06:00Z"), "date_in_future"),
    ],
)
def test_an_invalid_consent_is_refused_even_if_the_ledger_has_one(consent: StatedConsent, reason: str) -> None:
    assert find_consent(consent=consent) == ("block", "consent_invalid", reason)
    assert find_consent(Facts(consent=consent_record()), consent=consent) == ("block", "consent_invalid", reason)


@pytest.mark.parametrize("source", list(ConsentSource))
def test_every_source_of_the_contract_is_accepted(source: ConsentSource) -> None:
    assert find_consent(consent=StatedConsent(source=source.value, date="2025-11-01")) == ("pass", None, "2025-11-01")


@pytest.mark.parametrize(
    ("text", "since"),
    [
        ("2026-01-15", "2026-01-15"),
        ("2026-01-16", "2026-01-16"),  # already that day in the east
        ("2026-01-15T17:04:00Z", "2026-01-15"),  # a clock slightly ahead of ours
        ("2025-12-31T22:00:00-05:00", "2026-01-01"),
    ],
)
def test_a_consent_is_dated_by_day_or_time(text: str, since: str) -> None:
    now = at("UTC", "2026-01-15 17:00:00")
    assert find_consent(now=now, consent=StatedConsent(source="customer-initiated", date=text)) == (
        "pass",
        None,
        since,
    )


def test_a_contact_without_consent_is_refused() -> None:
    assert find_consent(consent=None) == ("block", "consent_missing", "missing")
    assert find_consent(consent=None, simulated=True)[1] == "consent_missing"


def test_a_statement_without_a_date_is_dated_by_the_ledger_or_now() -> None:
    stated = StatedConsent(source="opt-in:web-form")
    assert find_consent(consent=stated) == ("pass", None, "2026-01-15")
    assert find_consent(Facts(consent=consent_record()), consent=stated) == ("pass", None, "2025-03-01")


def test_the_ledger_precedes_a_basis_and_the_statement_precedes_both() -> None:
    basis = StandingConsent(source="business-relationship", date="2024-09-01", of="flow_1")
    assert find_consent(consent=None, basis=basis) == ("pass", None, "2024-09-01")
    assert find_consent(Facts(consent=consent_record()), consent=None, basis=basis) == ("pass", None, "2025-03-01")
    assert find_consent(Facts(consent=consent_record()), basis=basis) == ("pass", None, "2025-06-01")
    assert verdict(NUMBER, consent=None, basis=basis).find_result("consent").details["from"] == "flow_1"


@pytest.mark.parametrize(
    ("basis", "reason"),
    [
        (StandingConsent(source="business-relationship", of="key_1"), "date_missing"),
        (StandingConsent(source="hearsay", date="2024-01-01", of="key_1"), "source_unknown"),
        (StandingConsent(source="business-relationship", date="2030-01-01", of="key_1"), "date_in_future"),
    ],
)
def test_a_basis_needs_a_source_and_a_date(basis: StandingConsent, reason: str) -> None:
    assert find_consent(consent=None, basis=basis) == ("block", "consent_invalid", reason)


def test_a_consent_is_read_from_the_requests_metadata() -> None:
    assert StatedConsent.from_metadata({}) is None
    assert StatedConsent.from_metadata({"topic": "x", "consent_source": None}) is None
    assert StatedConsent.from_metadata({"consent_source": "opt-in:web-form"}) == StatedConsent(source="opt-in:web-form")
    assert StatedConsent.from_metadata({"consent_date": "2025-01-01"}) == StatedConsent(source=None, date="2025-01-01")
    assert StatedConsent.from_metadata({"consent_source": 5, "consent_date": []}) == StatedConsent(
        source="5", date="[]"
    )


#: By source: its valid uses, the first date that is too old for NOON (15 January 2026), and the day after it.
SOURCES = {
    "opt-in:web-form": (True, "2021-01-14", "2021-01-15"),
    "opt-in:double-opt-in": (True, "2021-01-14", "2021-01-15"),
    "prior-express-consent": (False, "2021-01-14", "2021-01-15"),
    "business-relationship": (False, "2024-07-14", "2024-07-15"),
    "customer-initiated": (False, "2025-10-14", "2025-10-15"),
}


def test_every_source_has_its_weight() -> None:
    assert set(SOURCES) == {source.value for source in ConsentSource} == set(WEIGHTS)


@pytest.mark.parametrize("channel", ["voice", "sms"])
@pytest.mark.parametrize("source", SOURCES)
def test_a_consent_is_valid_until_its_last_day(source: str, channel: str) -> None:
    _, too_old, good = SOURCES[source]
    for purpose in ("informational", "telemarketing"):
        if purpose == "telemarketing" and not SOURCES[source][0]:
            continue
        given = {"purpose": purpose, "channel": channel, "registered": NOT_LISTED}
        assert find_consent(consent=StatedConsent(source=source, date=good), **given)[:2] == ("pass", None)
        refused = verdict(NUMBER, consent=StatedConsent(source=source, date=too_old), **given)
        assert refused.code == "consent_expired"
        assert refused.find_result("consent").reason == "too_old"
        assert refused.find_result("consent").details["until"] == "2026-01-14"


def test_an_old_consent_is_refused_from_every_source() -> None:
    for text in ("2003-01-01", "0001-01-01"):
        assert find_consent(consent=StatedConsent(source="business-relationship", date=text))[1] == "consent_expired"
        basis = StandingConsent(source="business-relationship", date=text, of="flow_1")
        assert find_consent(consent=None, basis=basis)[1] == "consent_expired"
    assert find_consent(Facts(consent=consent_record("2019-03-01")), consent=None)[1] == "consent_expired"


def test_an_expired_record_gives_way_to_a_valid_consent_of_another_kind() -> None:
    expired = Facts(consent=consent_record("2019-03-01"))
    given = {"source": "prior-express-consent", "date": "2026-01-14"}
    for of in ("flow:1", "member:1", "conversation:1"):
        basis = StandingConsent(**given, of=of)
        assert find_consent(expired, consent=None, basis=basis) == ("pass", None, "2026-01-14")
    for day in ("2003-01-01", "nonsense", "2027-01-01"):
        basis = StandingConsent(source="prior-express-consent", date=day, of="flow:1")
        assert find_consent(expired, consent=None, basis=basis)[1] == "consent_expired"
    by_member = consent_record("2019-03-01").model_copy(update={"created_by": "member:1"})
    again = StandingConsent(**given, of="member:1")
    assert find_consent(Facts(consent=by_member), consent=None, basis=again)[1] == "consent_expired"


def test_months_end_on_their_last_day() -> None:
    given = StatedConsent(source="customer-initiated", date="2025-11-30")
    assert find_consent(now=at("UTC", "2026-02-28 23:59:59"), consent=given)[0] == "pass"
    assert find_consent(now=at("UTC", "2026-03-01 00:00:00"), consent=given)[1] == "consent_expired"


@pytest.mark.parametrize("to", [NUMBER, "+14165551234", "+442079460000"])
@pytest.mark.parametrize("channel", ["voice", "sms"])
@pytest.mark.parametrize("source", SOURCES)
def test_selling_needs_written_consent(source: str, channel: str, to: str) -> None:
    given = {"consent": StatedConsent(source=source, date="2026-01-02"), "channel": channel, "registered": NOT_LISTED}
    assert verdict(to, **given).allowed
    found = verdict(to, purpose="telemarketing", **given)
    assert found.allowed is SOURCES[source][0]
    if not found.allowed:
        assert (found.code, found.find_result("consent").reason) == ("consent_insufficient", "not_written")
    assert found.find_result("consent").input["purpose"] == "telemarketing"


@pytest.mark.parametrize("purpose", ["", "Telemarketing", "sales", "x" * 5_000])
def test_an_unknown_purpose_is_refused(purpose: str) -> None:
    found = verdict(NUMBER, purpose=purpose, registered=NOT_LISTED)
    assert (found.code, found.find_result("consent").reason) == ("consent_invalid", "purpose_unknown")
    assert len(found.find_result("consent").input["purpose"]) <= 101


def test_a_verdict_keeps_only_the_beginning_of_stated_texts() -> None:
    found = verdict(NUMBER, consent=StatedConsent(source="y" * 5_000), timezone="z" * 5_000, state="w" * 5_000)
    assert found.code == "consent_invalid"
    assert len(found.model_dump_json()) < 3_500


def test_an_insufficient_consent_queries_no_database() -> None:
    database = Database("no")
    for given in ({"consent": StatedConsent(source="customer-initiated", date="2025-01-01")}, {"purpose": "sales"}):
        assert not verdict(NUMBER, ask=database, registered=NOT_LISTED, **given).allowed
    assert not database.asked


def test_the_national_registry_refuses_only_selling() -> None:
    assert verdict(NUMBER, registered=LISTED).allowed
    found = verdict(NUMBER, registered=LISTED, purpose="telemarketing")
    assert (found.code, found.find_result("national_dnc").reason) == ("national_dnc", "on_registry")
    assert found.find_result("national_dnc").details == {"as_of": "2026-01-15"}
    found = verdict(NUMBER, registered=NOT_LISTED, purpose="telemarketing")
    assert found.allowed
    assert found.find_result("national_dnc").details == {"as_of": "2026-01-15"}


def test_without_an_answer_of_the_registry_selling_is_refused() -> None:
    def fail_to_answer() -> RegistryAnswer:
        raise NoAnswerError("list_too_old")

    found = verdict(NUMBER, registered=fail_to_answer, purpose="telemarketing")
    assert (found.code, found.find_result("national_dnc").reason) == ("national_dnc_unknown", "list_too_old")
    # No registry is configured by default.
    found = verdict(NUMBER, purpose="telemarketing")
    assert (found.code, found.find_result("national_dnc").reason) == ("national_dnc_unknown", "not_configured")
    assert verdict("+18005551234", timezone="America/New_York", purpose="telemarketing").code == "national_dnc_unknown"


def test_only_american_selling_contacts_query_the_registry() -> None:
    def fail_if_queried() -> RegistryAnswer:
        raise AssertionError("the registry must not be queried")

    found = verdict("+442079460000", registered=fail_if_queried, purpose="telemarketing")
    assert found.find_result("national_dnc").reason == "outside_united_states"
    found = verdict(NUMBER, facts=Facts(blocked=True), registered=fail_if_queried, purpose="telemarketing")
    assert found.find_result("national_dnc").reason == "not_asked"


class Database:
    """A Reassigned Numbers Database with the test's answer. It counts its queries."""

    def __init__(self, answer: ReassignedAnswer | Exception) -> None:
        self.answer, self.asked = answer, list[date]()

    def __call__(self, since: date) -> ReassignedAnswer:
        self.asked.append(since)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


@pytest.mark.parametrize(
    ("answer", "result", "code", "reason"),
    [
        ("no", "pass", None, "not_reassigned"),
        ("yes", "block", "number_reassigned", "reassigned"),
        ("no_data", "pass", None, "no_data"),
        (NoAnswerError("away"), "block", "reassigned_unknown", "unavailable"),
    ],
)
def test_only_a_number_that_was_not_reassigned_passes(
    answer: ReassignedAnswer | Exception, result: str, code: str | None, reason: str
) -> None:
    database = Database(answer)
    found = verdict(NUMBER, ask=database).find_result("reassigned")
    assert (found.result, found.code, found.reason) == (result, code, reason)
    assert database.asked == [date(2025, 6, 1)]


def test_a_number_without_data_has_no_safe_harbor_and_can_be_refused_by_policy(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert verdict(NUMBER, ask=Database("no_data")).find_result("reassigned").details["safe_harbour"] is False
    monkeypatch.setattr(rules, "NO_DATA_PASSES", False)
    assert verdict(NUMBER, ask=Database("no_data")).code == "reassigned_unknown"


def test_an_answer_is_valid_for_thirty_days_and_for_its_own_date() -> None:
    day = timedelta(days=1)
    for age, since, asks in [(29 * day, "2025-06-01", 0), (30 * day, "2025-06-01", 1), (day, "2025-05-31", 1)]:
        given = ReassignmentAnswer(answer="yes", at=(NOON - age).isoformat())
        database = Database("no")
        found = verdict(NUMBER, facts=Facts(answers={since: given}), ask=database)
        assert len(database.asked) == asks
        assert found.allowed is bool(asks)


def test_a_number_that_is_already_refused_costs_no_query() -> None:
    database = Database("yes")
    for facts in (Facts(blocked=True), Facts(opted_out=True)):
        assert verdict(NUMBER, facts=facts, ask=database).find_result("reassigned").reason == "not_asked"
    assert verdict(NUMBER, consent=None, ask=database).find_result("reassigned").reason == "no_consent_date"
    assert not database.asked


def test_the_database_is_queried_at_night_because_its_rule_comes_first() -> None:
    night = at("America/New_York", "2026-01-14 03:00:00")
    assert verdict(NUMBER, night, ask=Database("yes")).code == "number_reassigned"


def test_a_foreign_number_needs_no_query() -> None:
    database = Database("yes")
    assert verdict("+442079460000", ask=database).find_result("reassigned").reason == "outside_united_states"
    assert not database.asked


def attempt_facts(*ago: timedelta) -> Facts:
    """Returns facts with calls at these intervals before now, the latest first."""
    return Facts(attempts=tuple((NOON - each).isoformat() for each in ago))


@pytest.mark.parametrize("to", [FLORIDA, "+14105551234", "+14055551234", "+15035551234"])
def test_three_calls_in_24_hours_and_no_more(to: str) -> None:
    hour = timedelta(hours=1)
    assert verdict(to, facts=attempt_facts(hour, 2 * hour)).allowed
    refused = verdict(to, facts=attempt_facts(hour, 2 * hour, 3 * hour))
    assert refused.code == "attempt_cap"
    # 9:00 in the east, and 8:00 in Oregon.
    assert refused.next_allowed_at == f"2026-01-16T{16 if to.startswith('+1503') else 14}:00:00.000Z"
    assert not verdict(to, facts=attempt_facts(hour, 2 * hour, 24 * hour - timedelta(milliseconds=1))).allowed
    assert verdict(to, facts=attempt_facts(hour, 2 * hour, 24 * hour)).allowed


@pytest.mark.parametrize("to", [FLORIDA, "+14105551234", "+14055551234", "+15035551234"])
def test_texts_that_sell_count_as_calls(to: str) -> None:
    hour = timedelta(hours=1)
    assert verdict(to, facts=attempt_facts(hour, 2 * hour), **SELLING_TEXT).allowed
    refused = verdict(to, facts=attempt_facts(hour, 2 * hour, 3 * hour), **SELLING_TEXT)
    assert refused.code == "attempt_cap"
    # Nothing is paid for a text that is refused.
    assert refused.find_result("reassigned").reason == "not_asked"
    informational = SELLING_TEXT | {"purpose": "informational"}
    assert verdict(to, facts=attempt_facts(hour, 2 * hour, 3 * hour), **informational).allowed


def test_maine_allows_one_call_in_eight_hours() -> None:
    minute = timedelta(minutes=1)
    refused = verdict("+12075551234", facts=attempt_facts(479 * minute))
    assert refused.code == "attempt_cap"
    assert refused.next_allowed_at == "2026-01-15T17:01:00.000Z"
    assert verdict("+12075551234", facts=attempt_facts(480 * minute)).allowed
    assert verdict("+12075551234", facts=attempt_facts(minute), channel="sms").allowed


def test_the_cap_of_the_recipients_state_applies_too() -> None:
    hour = timedelta(hours=1)
    assert verdict(NUMBER, facts=attempt_facts(hour, hour, hour)).allowed
    assert verdict(NUMBER, facts=attempt_facts(hour, hour, hour), state="FL").code == "attempt_cap"
    found = verdict(FLORIDA, facts=attempt_facts(hour), state="ME")
    assert found.code == "attempt_cap"
    assert found.find_result("caps").details["limits"] == [{"calls": 3, "hours": 24}, {"calls": 1, "hours": 8}]


def test_a_cap_that_ends_at_night_allows_the_next_contact_in_the_morning() -> None:
    evening = at("America/New_York", "2026-01-14 19:55:00")
    calls = tuple((evening - timedelta(minutes=number)).isoformat() for number in (1, 2, 3))
    late = verdict(FLORIDA, evening, Facts(attempts=calls))
    assert late.next_allowed_at == "2026-01-16T00:52:00.000Z"
    early = at("America/New_York", "2026-01-15 07:00:00")
    calls = tuple((early - timedelta(hours=number)).isoformat() for number in (12, 12, 13))
    found = verdict(FLORIDA, early, Facts(attempts=calls))
    assert (found.code, found.next_allowed_at) == ("quiet_hours", "2026-01-15T23:00:00.000Z")


@pytest.mark.parametrize(
    ("to", "contact", "reason"),
    [
        (NUMBER, {}, "no_cap"),
        ("+442079460000", {}, "no_cap"),
        ("+442079460000", {"channel": "sms"}, "informational_text"),
        ("+442079460000", SELLING_TEXT, "no_cap"),
        (FLORIDA, {"channel": "sms"}, "informational_text"),
        (MAINE, SELLING_TEXT, "no_cap"),  # its limit is about calls by machines
        (FLORIDA, SELLING_TEXT | {"for_later": True}, "counted_later"),
        (FLORIDA, {"simulated": True}, "simulated"),
        (FLORIDA, {"counted": True}, "counted_already"),
        ("+13055550142", {}, "unreachable_number"),
    ],
)
def test_contacts_without_a_cap(to: str, contact: dict[str, Any], reason: str) -> None:
    found = verdict(to, facts=attempt_facts(*[timedelta(hours=1)] * 3), **contact)
    assert (found.find_result("caps").result, found.find_result("caps").reason) == ("skip", reason)
    assert found.allowed


@pytest.mark.parametrize(
    ("to", "code", "rule"),
    [
        ("+15005550004", "opted_out", "opt_out"),
        ("+15005550020", "dnc", "dnc"),
        ("+15005550024", "quiet_hours", "quiet_hours"),
    ],
)
def test_magic_numbers_are_refused_by_their_rule(to: str, code: str, rule: str) -> None:
    for simulated in (False, True):
        found = verdict(to, simulated=simulated)
        assert found.code == code
        assert found.first_block is not None
        assert found.first_block.rule == rule


@pytest.mark.parametrize("last", ["01", "02", "06", "10", "11", "12", "13", "99"])
def test_magic_numbers_of_the_voice_simulator_pass_the_gate(last: str) -> None:
    assert verdict(f"+150055500{last}", datetime(2026, 1, 14, 3, tzinfo=UTC)).allowed


def test_a_refusal_states_the_gate_the_reason_and_the_next_allowed_time() -> None:
    with pytest.raises(Blocked) as refusal:
        service.require_allowed(verdict("+14234001234", at("America/Chicago", "2026-01-14 20:30:00")))
    assert refusal.value.code == "quiet_hours"
    assert refusal.value.details == {
        "gate": "quiet_hours",
        "reason": "outside_hours",
        "nextAllowedAt": "2026-01-15T14:00:00.000Z",
        "timezone": "America/New_York",
    }
    with pytest.raises(Blocked) as refusal:
        service.allowed_writes(verdict(NUMBER, facts=Facts(blocked=True)))
    assert (refusal.value.code, refusal.value.details) == ("dnc", {"gate": "dnc", "reason": "on_list"})


def test_every_code_has_its_message() -> None:
    night = at("America/New_York", "2026-01-14 03:00:00")
    refused = [
        verdict(NUMBER, facts=Facts(blocked=True)),
        verdict(NUMBER, facts=Facts(opted_out=True)),
        verdict(NUMBER, consent=None),
        verdict(NUMBER, consent=StatedConsent(source="x")),
        verdict(NUMBER, ask=Database("yes")),
        verdict(NUMBER, ask=Database(NoAnswerError("away"))),
        verdict(NUMBER, night),
        verdict("+18005551234"),
        verdict(FLORIDA, facts=attempt_facts(*[timedelta(hours=1)] * 3)),
        verdict(NUMBER, consent=StatedConsent(source="customer-initiated", date="2020-01-01")),
        verdict(NUMBER, consent=StatedConsent(source="business-relationship"), purpose="telemarketing"),
        verdict(NUMBER, purpose="telemarketing", registered=LISTED),
        verdict(NUMBER, purpose="telemarketing"),
    ]
    codes = set()
    for found in refused:
        with pytest.raises(Blocked) as refusal:
            service.require_allowed(found)
        codes.add(refusal.value.code)
        assert refusal.value.message
    assert len(codes) == 13 == len(MESSAGES)


def test_an_explanation_describes_every_rule_in_plain_text() -> None:
    text = explanation.explain_verdict(verdict("+14234001234", at("America/Chicago", "2026-01-14 20:30:00")))
    assert text.startswith("Call to number ")
    assert "refused (quiet_hours)" in text
    assert all(f"{position}. {rule}" in text for position, rule in enumerate(RULES, 1))
    assert "America/Chicago or America/New_York" in text
    assert "2026-01-15T14:00:00.000Z" in text
    assert "+1423" not in text
    assert "allowed" in explanation.explain_verdict(verdict(NUMBER, channel="sms"))


@pytest.mark.parametrize(
    ("start", "end"),
    [("18:00", "09:00"), ("09:00", "09:00"), ("9:00", "17:00"), ("24:00", "24:00"), ("09:60", "10:00")],
)
def test_a_window_begins_before_it_ends(start: str, end: str) -> None:
    with pytest.raises(ValueError, match=r"must end|pattern"):
        CallingHours(start=start, end=end)
