"""A verdict in words, and where verdicts are found again."""

from __future__ import annotations

from typing import Any

import pytest

from switchboard.aws.writes import commit
from switchboard.compliance import calling_hours, explanation, service
from switchboard.compliance.verdicts import RuleResult, Verdict
from switchboard.errors import Invalid, NotFound
from switchboard.kit import clock
from tests.actors import tenant


def verdict(**facts: Any) -> Verdict:
    given: dict[str, Any] = {
        "org_id": "org_a",
        "channel": "voice",
        "number": "0123456789abcdef",
        "allowed": True,
        "code": None,
        "rules": [],
        "timezones": [],
        "evaluated_at": "2026-01-15T17:00:00.000Z",
    }
    return Verdict(**given | facts)


RULES = [
    RuleResult(rule="dnc", result="pass", reason="not_on_list", version="2003-10-01", input={"number": "0123"}),
    RuleResult(
        rule="quiet_hours",
        result="block",
        reason="outside_hours",
        code="quiet_hours",
        version="2026-01-01",
        input={"number": "0123", "region": "US", "state": None, "window": {"start": "09:00", "end": None}},
        details={"zones": ["a", "b"], "unchecked": [], "amendments": {}, "first": False},
    ),
]


def test_a_refusal_in_words() -> None:
    made = verdict(
        allowed=False,
        code="quiet_hours",
        rules=RULES,
        timezones=["America/New_York", "America/Chicago"],
        next_allowed_at="2026-01-16T13:00:00.000Z",
    )
    assert explanation.explain_verdict(made) == (
        "Call to number 0123456789ab of org_a: refused (quiet_hours), 2026-01-15T17:00:00.000Z\n"
        "1. dnc          pass  not_on_list (as of 2003-10-01)\n"
        "2. quiet_hours  block outside_hours (as of 2026-01-01)\n"
        "   region=US, window=09:00, zones=a|b, first=False\n"
        "Recipient's zone: America/New_York or America/Chicago\n"
        "Allowed again: 2026-01-16T13:00:00.000Z"
    )


def test_an_allowed_text_in_words() -> None:
    made = verdict(channel="sms", allowed_until="2026-01-16T02:00:00.000Z", timezones=["America/New_York"])
    assert explanation.explain_verdict(made) == (
        "Text to number 0123456789ab of org_a: allowed, 2026-01-15T17:00:00.000Z\n"
        "Recipient's zone: America/New_York\n"
        "Allowed until: 2026-01-16T02:00:00.000Z"
    )


def test_parts_of_a_fact_are_joined() -> None:
    rule = RULES[1].model_copy(update={"input": {"window": {"start": "09:00", "end": "18:00"}}, "details": {}})
    assert explanation.explain_verdict(verdict(rules=[rule])).endswith("\n   window=09:00/18:00")


@pytest.mark.usefixtures("cloud")
def test_the_latest_verdict_is_found_and_twenty_of_its_history() -> None:
    made = [verdict(evaluated_at=f"2026-01-15T17:00:{second:02d}.000Z") for second in range(25)]
    for each in made:
        commit(service.verdict_writes(each, "call_1"))
    assert service.get_verdict("org_a", "call_1") == made[-1]
    assert service.list_verdicts("org_a", "call_1") == made[:4:-1]
    assert service.list_verdicts("org_a", "call_1", 2) == made[:-3:-1]
    with pytest.raises(
        NotFound, match=r"^There is no verdict for this call or message: check its id, or try again later\.$"
    ):
        service.get_verdict("org_a", "call_2")
    assert service.list_verdicts("org_b", "call_1") == []


ORDER = "must end after it starts, on the same day"
TIME = "must be a time of day, such as 09:00"


@pytest.mark.parametrize(
    ("start", "end", "fields"),
    [
        ("9:00", "18:00", {"start": TIME}),
        ("18:00", "09:00", {"end": ORDER}),
        ("09:00", None, {"end": "is missing"}),
        (None, "18:00", {"start": "is missing"}),
        ("", "25:00", {"start": TIME, "end": TIME}),
    ],
)
@pytest.mark.usefixtures("cloud")
def test_hours_that_are_none_are_refused_in_words(
    frozen: clock.FrozenClock, start: str | None, end: str | None, fields: dict[str, str]
) -> None:
    with pytest.raises(Invalid) as refused:
        calling_hours.set_calling_hours(tenant().caller(master=True), start, end)
    assert str(refused.value) == "Invalid calling hours: see the fields."
    assert (refused.value.code, refused.value.details) == ("hours_invalid", {"fields": fields})


@pytest.mark.usefixtures("cloud")
def test_hours_in_which_no_law_lets_anybody_call_are_refused_in_words(frozen: clock.FrozenClock) -> None:
    with pytest.raises(Invalid) as refused:
        calling_hours.set_calling_hours(tenant().caller(master=True), "21:00", "23:00")
    assert str(refused.value) == (
        "Invalid calling hours: the law allows no call in them. Include some time between 08:00 and 21:00."
    )
    assert refused.value.details == {"fields": {"start": "must include some time between 08:00 and 21:00"}}
