"""Each rule's finding, whole: verdicts are kept for years, and are read when a call has to be defended."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from switchboard.carriers.registries import NoAnswerError, ReassignedAnswer, RegistryAnswer
from switchboard.compliance import phone, rules, verdicts
from switchboard.compliance.data import countries, states
from switchboard.compliance.hours import find_laws
from switchboard.compliance.models import CallingHours, ContactAttempt, Purpose, StatedConsent, Whereabouts
from switchboard.compliance.store import Facts
from switchboard.compliance.verdicts import RuleResult
from switchboard.kit import texts
from tests.unit.compliance.gate import CONSENT, verdict

NEW_YORK, LONDON, NOBODY, MAGIC = "+12125551234", "+442079460123", "+12125550142", "+15005550024"
SATELLITE = "+881612345678"
AT = "2026-01-15T17:00:00.000Z"
Found = tuple[str, str, str | None, dict[str, Any], dict[str, Any]]


def finding(found: RuleResult, to: str = NEW_YORK) -> Found:
    """A finding without the number's digest, which each has."""
    given = dict(found.input)
    assert given.pop("number") == texts.digest(to)
    assert found.version == verdicts.RULE_VERSIONS[found.rule]
    return found.result, found.reason, found.code, given, found.details


@pytest.mark.parametrize(
    ("rule", "facts", "expected"),
    [
        ("dnc", Facts(), ("pass", "not_on_list", None, {}, {})),
        ("dnc", Facts(blocked=True), ("block", "on_list", "dnc", {}, {})),
        ("opt_out", Facts(), ("pass", "not_opted_out", None, {}, {})),
        ("opt_out", Facts(opted_out=True), ("block", "opted_out", "opted_out", {}, {})),
    ],
)
@pytest.mark.usefixtures("cloud")
def test_the_organizations_lists(rule: str, facts: Facts, expected: Found) -> None:
    assert finding(verdict(NEW_YORK, facts=facts).find_result(rule)) == expected


SELLING = {"purpose": "telemarketing"}
LISTED = {"as_of": "2026-01-01"}


def registry(answer: bool | str) -> Any:
    def ask() -> RegistryAnswer:
        if isinstance(answer, str):
            raise NoAnswerError(answer)
        return RegistryAnswer(answer, date(2026, 1, 1))

    return ask


@pytest.mark.parametrize(
    ("to", "answer", "contact", "expected"),
    [
        (NEW_YORK, False, {}, ("pass", "not_on_registry", None, SELLING, LISTED)),
        (NEW_YORK, True, {}, ("block", "on_registry", "national_dnc", SELLING, LISTED)),
        (NEW_YORK, "late", {}, ("block", "late", "national_dnc_unknown", SELLING, {})),
        (NEW_YORK, "", {}, ("block", "unavailable", "national_dnc_unknown", SELLING, {})),
        (LONDON, True, {}, ("skip", "outside_united_states", None, SELLING, {})),
        (NEW_YORK, True, {"consent": None}, ("skip", "not_asked", None, SELLING, {})),
        (
            NEW_YORK,
            True,
            {"purpose": Purpose.INFORMATIONAL},
            ("skip", "informational", None, {"purpose": "informational"}, {}),
        ),
    ],
)
@pytest.mark.usefixtures("cloud")
def test_the_national_registry(to: str, answer: bool | str, contact: dict[str, Any], expected: Found) -> None:
    found = verdict(to, registered=registry(answer), **{"purpose": Purpose.TELEMARKETING} | contact)
    assert finding(found.find_result("national_dnc"), to) == expected


TOLD = {"purpose": "informational"}
CUT = "x" * 100 + "…"
STATED = {"source": "opt-in:web-form", "date": "2025-06-01"}


@pytest.mark.parametrize(
    ("consent", "expected"),
    [
        (None, ("block", "missing", "consent_missing", {"stated": None} | TOLD, {})),
        (
            CONSENT,
            (
                "pass",
                "consent_known",
                None,
                {"stated": STATED} | TOLD,
                {
                    "source": "opt-in:web-form",
                    "since": "2025-06-01",
                    "until": "2030-06-01",
                    "from": "request",
                    "first_seen": True,
                },
            ),
        ),
        (
            StatedConsent(source="x" * 101, date=None),
            ("block", "source_unknown", "consent_invalid", {"stated": {"source": CUT, "date": None}} | TOLD, {}),
        ),
        (
            StatedConsent(source="x" * 100, date=None),
            ("block", "source_unknown", "consent_invalid", {"stated": {"source": "x" * 100, "date": None}} | TOLD, {}),
        ),
    ],
    ids=["none", "good", "too long", "long"],
)  # fmt: skip
@pytest.mark.usefixtures("cloud")
def test_the_consent(consent: StatedConsent | None, expected: Found) -> None:
    assert finding(verdict(NEW_YORK, consent=consent).find_result("consent")) == expected


SINCE = {"since": "2025-06-01"}
ASKED = {"asked_at": AT, "cached": False}


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ("no", ("pass", "not_reassigned", None, SINCE, ASKED)),
        ("yes", ("block", "reassigned", "number_reassigned", SINCE, ASKED)),
        ("no_data", ("pass", "no_data", None, SINCE, ASKED | {"safe_harbour": False})),
        (None, ("block", "unavailable", "reassigned_unknown", SINCE, {})),
    ],
)
@pytest.mark.usefixtures("cloud")
def test_the_database_of_reassigned_numbers(answer: ReassignedAnswer | None, expected: Found) -> None:
    def ask(_: date) -> ReassignedAnswer:
        if answer is None:
            raise NoAnswerError("away")
        return answer

    assert finding(verdict(NEW_YORK, ask=ask).find_result("reassigned")) == expected


@pytest.mark.usefixtures("cloud")
def test_a_number_of_which_nothing_is_known_is_refused_where_that_is_the_rule(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules, "NO_DATA_PASSES", False)
    found = verdict(NEW_YORK, ask=lambda _: "no_data").find_result("reassigned")
    assert finding(found) == ("block", "no_data", "reassigned_unknown", SINCE, ASKED)


@pytest.mark.parametrize(
    ("to", "contact", "facts", "expected"),
    [
        (LONDON, {}, Facts(), ("skip", "outside_united_states", None, {}, {})),
        (NEW_YORK, {"consent": None}, Facts(), ("skip", "no_consent_date", None, {}, {})),
        (NEW_YORK, {}, Facts(blocked=True), ("skip", "not_asked", None, SINCE, {})),
    ],
)
@pytest.mark.usefixtures("cloud")
def test_the_database_is_not_asked_without_need(
    to: str, contact: dict[str, Any], facts: Facts, expected: Found
) -> None:
    assert finding(verdict(to, facts=facts, **contact).find_result("reassigned"), to) == expected


def given(**facts: Any) -> dict[str, Any]:
    """The input of the rule of hours for a number of New York."""
    plain = {"region": "US", "area_code": "212", "state": "NY", "at": AT}
    unknown = dict.fromkeys(("recipient_zone", "recipient_state", "zone_confirmed", "record", "window"))
    return unknown | plain | facts


@pytest.mark.usefixtures("cloud")
def test_the_hours_and_all_that_they_go_by() -> None:
    where = Whereabouts(time_zone="America/New_York", confirmed=False, by="usr_1", at=AT)
    found = verdict(
        NEW_YORK,
        facts=Facts(whereabouts=where),
        timezone="America/Chicago",
        state="IL",
        window=CallingHours(start="09:00", end="17:00"),
    )
    result, reason, code, input_, details = finding(found.find_result("quiet_hours"))
    assert (result, reason, code) == ("pass", "within_hours", None)
    assert input_ == given(
        recipient_zone="America/Chicago",
        recipient_state="IL",
        record=where.model_dump(exclude_none=True),
        window={"start": "09:00", "end": "17:00"},
    )
    assert [text.partition(" since ")[0] for text in details["law"]] == ["US", "US-IL"]
    assert {name: details[name] for name in ("zones", "zone_source", "zone_certainty", "unchecked", "amendments")} == {
        "zones": ["America/Chicago", "America/New_York"],
        "zone_source": "both",
        "zone_certainty": "stated",
        "unchecked": ["US-IL"],
        "amendments": [],
    }


@pytest.mark.parametrize(
    ("contact", "source", "certainty"),
    [
        ({}, "number", "guess"),
        ({"timezone": "America/New_York"}, "both", "stated"),
        ({"timezone": "America/New_York", "zone_confirmed": True}, "contact", "confirmed"),
        ({"to": SATELLITE, "timezone": "Europe/London"}, "recipient", "stated"),
    ],
)
@pytest.mark.usefixtures("cloud")
def test_how_a_zone_is_known(contact: dict[str, Any], source: str, certainty: str) -> None:
    details = verdict(**{"to": NEW_YORK} | contact).find_result("quiet_hours").details
    assert (details["zone_source"], details["zone_certainty"]) == (source, certainty)


@pytest.mark.usefixtures("cloud")
def test_hours_that_are_not_looked_at_say_what_was_given() -> None:
    magic = finding(verdict(MAGIC).find_result("quiet_hours"), MAGIC)
    assert magic[:3] == ("block", "magic_number", "quiet_hours")
    assert magic[3] == given(area_code="500", state=None)
    simulated = finding(verdict(NEW_YORK, simulated=True).find_result("quiet_hours"))
    assert simulated == ("pass", "simulated", None, given(), {})
    nobody = finding(verdict(NOBODY).find_result("quiet_hours"), NOBODY)
    assert nobody == ("pass", "unreachable_number", None, given(), {})
    unknown = finding(verdict(NEW_YORK, state="ZZ").find_result("quiet_hours"))
    assert unknown == ("block", "recipient_state_unknown", "zone_unknown", given(recipient_state="ZZ"), {})


@pytest.mark.parametrize(
    ("to", "contact", "places"),
    [
        (NEW_YORK, {}, ["US", "US-NY"]),
        (LONDON, {}, ["GB"]),
        (LONDON, {"state": "FL"}, ["GB", "US", "US-FL"]),
        (LONDON, {"timezone": "Europe/Vienna"}, ["GB", "AT"]),
        (MAGIC, {}, ["US"]),
        (SATELLITE, {}, ["001"]),
        ("+17875551234", {}, ["PR", "US", "US-PR"]),
        (LONDON, {"record": Whereabouts(time_zone="Asia/Tokyo", by="u", at=AT)}, ["GB", "JP"]),
        (LONDON, {"record": Whereabouts(state="TX", by="u", at=AT)}, ["GB", "US", "US-TX"]),
    ],
)  # fmt: skip
def test_the_places_whose_law_holds(to: str, contact: dict[str, Any], places: list[str]) -> None:
    asked = ContactAttempt(org_id="org_a", channel="voice", to=to, consent=CONSENT, **contact)
    found = dict(find_laws(asked, phone.parse(to)))
    assert list(found) == places
    for place in places:
        rule = found[place]
        assert rule is None or rule == (
            states.STATES[place[3:]] if place.startswith("US-") else countries.COUNTRIES.get(place, countries.ELSEWHERE)
        )
