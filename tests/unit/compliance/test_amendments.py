"""Rows of law that operators add: in effect at once, and only narrowing."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from switchboard.aws import clients
from switchboard.aws.reads import Query
from switchboard.aws.writes import commit
from switchboard.carriers.registries import SimulatedReassignedNumbers
from switchboard.compliance import amendment_service, service, store
from switchboard.compliance.amendments import WEEKDAYS, Amendment, is_stricter
from switchboard.compliance.models import ContactAttempt
from switchboard.compliance.store import Facts
from switchboard.errors import Invalid, NotFound
from switchboard.events.models import Actor
from switchboard.kit import clock
from tests.unit.compliance.gate import CONSENT, at, is_open, verdict
from tests.unit.properties import example_settings

OPERATOR = Actor(type="operator", id="ada")
LOUISIANA, NEW_YORK, LONDON = "+15045551234", "+12125551234", "+442079460000"
CLOSED = {"kind": "closure", "place": "US-LA", "first": date(2026, 1, 15), "last": date(2026, 1, 16), "source": "x"}


def amended_facts(*rows: dict[str, Any]) -> Facts:
    made = [Amendment(**{"id": f"law_{number}", "source": "x", **row}) for number, row in enumerate(rows)]
    return Facts(
        amendments={place: [row for row in made if row.place == place] for place in {row.place for row in made}}
    )


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        ("2026-01-14 19:59:59", True),
        ("2026-01-15 08:00:00", False),
        ("2026-01-16 19:59:59", False),
        ("2026-01-17 08:00:00", True),
    ],
)
def test_a_closure_closes_its_days_by_the_local_calendar(moment: str, expected: bool) -> None:
    now = at("America/Chicago", moment)
    found = verdict(LOUISIANA, now, amended_facts(CLOSED))
    assert found.allowed is expected
    assert found.find_result("quiet_hours").details["amendments"] == ["law_0"]
    if not expected:
        assert found.next_allowed_at == "2026-01-17T14:00:00.000Z"
    assert verdict(NEW_YORK, now, amended_facts(CLOSED)).find_result("quiet_hours").details["amendments"] == []


def test_a_window_narrows_its_days() -> None:
    row = {"kind": "window", "place": "GB", "first": date(2026, 1, 1), "start": "10:00", "end": "12:00"}
    facts = amended_facts(row | {"days": ("thu",)})
    for edge, expected in [("09:59:59", False), ("10:00:00", True), ("11:59:59", True), ("12:00:00", False)]:
        assert verdict(LONDON, at("Europe/London", f"2026-01-15 {edge}"), facts).allowed is expected
        assert verdict(LONDON, at("Europe/London", f"2026-01-16 {edge}"), facts).allowed


def test_a_row_may_apply_only_to_calls_or_only_to_texts() -> None:
    facts = amended_facts(CLOSED | {"channel": "sms"})
    now = at("America/Chicago", "2026-01-15 12:00:00")
    assert verdict(LOUISIANA, now, facts).allowed
    assert not verdict(LOUISIANA, now, facts, channel="sms").allowed


def test_a_state_without_its_own_row_gets_one() -> None:
    row = {"kind": "window", "place": "US-NY", "first": date(2026, 1, 1), "start": "09:00", "end": "20:00"}
    evening = at("America/New_York", "2026-01-15 20:00:00")
    assert verdict(NEW_YORK, evening).allowed
    assert not verdict(NEW_YORK, evening, amended_facts(row)).allowed
    assert not verdict(
        "+13035551234", at("America/Denver", "2026-01-15 13:00:00"), amended_facts(CLOSED), state="LA"
    ).allowed


def test_an_operators_cap_counts_like_a_states_cap() -> None:
    row = {"kind": "cap", "place": "US-NY", "first": date(2026, 1, 1), "calls": 1, "hours": 6}
    now = at("America/New_York", "2026-01-15 12:00:00")
    recent = Facts(attempts=((now - timedelta(hours=6) + timedelta(seconds=1)).isoformat(),))
    facts = amended_facts(row)
    assert verdict(NEW_YORK, now, Facts(attempts=recent.attempts)).allowed
    refused = verdict(NEW_YORK, now, Facts(attempts=recent.attempts, amendments=facts.amendments))
    assert refused.code == "attempt_cap"
    assert refused.find_result("caps").details["law"] == ["law_0: x"]
    before = Facts(attempts=((now - timedelta(hours=6)).isoformat(),), amendments=facts.amendments)
    assert verdict(NEW_YORK, now, before).allowed


def test_the_hours_rule_names_its_rows_and_no_cap() -> None:
    window = {"kind": "window", "place": "US-NY", "first": date(2026, 1, 1), "start": "09:00", "end": "20:00"}
    cap = {"kind": "cap", "place": "US-NY", "first": date(2026, 1, 1), "calls": 1, "hours": 6}
    now = at("America/New_York", "2026-01-15 12:00:00")
    for row, named in ((window, ["law_0"]), (cap, [])):
        assert verdict(NEW_YORK, now, amended_facts(row)).find_result("quiet_hours").details["amendments"] == named


PLACES = {"US": NEW_YORK, "US-FL": "+13055551234", "US-UT": "+18015551234", "CA": "+14165551234", "GB": LONDON}
TIMES = st.integers(0, 96).map(lambda quarter: f"{quarter // 4:02}:{quarter % 4 * 15:02}")
DAYS = st.integers(-3, 3).map(lambda offset: date(2026, 1, 15) + timedelta(days=offset))


@st.composite
def draw_rows(draw: st.DrawFn) -> dict[str, Any]:
    first = draw(DAYS)
    row: dict[str, Any] = {
        "kind": draw(st.sampled_from(["closure", "window", "cap"])),
        "place": draw(st.sampled_from(sorted(PLACES))),
        "first": first,
        "last": first + timedelta(days=draw(st.integers(0, 3))),
        "channel": draw(st.sampled_from([None, "voice", "sms"])),
    }
    if row["kind"] == "window":
        start, end = sorted(draw(st.tuples(TIMES, TIMES).filter(lambda pair: pair[0] != pair[1])))
        days = draw(st.lists(st.sampled_from(WEEKDAYS), min_size=1, unique=True))
        row |= {"start": start, "end": end, "days": tuple(days)}
    if row["kind"] == "cap":
        row |= {"calls": draw(st.integers(1, 3)), "hours": draw(st.integers(1, 24))}
    return row


MINUTES = st.integers(0, 6 * 24 * 60).map(lambda minute: datetime(2026, 1, 12, tzinfo=UTC) + timedelta(minutes=minute))


@example_settings(400)
@given(st.lists(draw_rows(), max_size=4), st.sampled_from(sorted(PLACES)), MINUTES, st.sampled_from(["voice", "sms"]))
def test_no_row_opens_closed_hours(added: list[dict[str, Any]], place: str, now: datetime, channel: str) -> None:
    calls = tuple((now - timedelta(hours=hours)).isoformat() for hours in (1, 2, 30))
    facts = amended_facts(*added)
    given_ = {"channel": channel}
    before = verdict(PLACES[place], now, Facts(attempts=calls), **given_)
    after = verdict(PLACES[place], now, Facts(attempts=calls, amendments=facts.amendments), **given_)
    assert before.allowed or not after.allowed
    if before.allowed and after.allowed:
        assert before.allowed_until is not None
        assert after.allowed_until is not None
        assert after.allowed_until <= before.allowed_until


@pytest.mark.parametrize(
    "row",
    [
        {"kind": "window", "place": "US-FL", "start": "08:00", "end": "20:00"},
        {"kind": "window", "place": "US-FL", "start": "00:00", "end": "24:00"},
        {"kind": "window", "place": "US", "start": "08:00", "end": "21:00"},
        {"kind": "window", "place": "CA", "start": "10:00", "end": "18:00", "days": ("sat", "sun")},
        {"kind": "window", "place": "US-UT", "start": "10:00", "end": "11:00", "days": ("sun",)},
        {"kind": "cap", "place": "US-FL", "calls": 3, "hours": 24},
        {"kind": "cap", "place": "US-FL", "calls": 3, "hours": 8},
        {"kind": "cap", "place": "US-ME", "calls": 2, "hours": 8},
    ],
)
def test_a_row_that_does_not_narrow_the_law_is_refused(row: dict[str, Any]) -> None:
    assert not is_stricter(Amendment(first=date(2026, 1, 15), source="x", **row))
    with pytest.raises(Invalid) as refusal:
        amendment_service.add_amendment(OPERATOR, source="x", **row)
    assert refusal.value.code == "law_not_stricter"


@pytest.mark.parametrize(
    "row",
    [
        {"kind": "window", "place": "US-FL", "start": "08:01", "end": "24:00"},
        {"kind": "window", "place": "CA", "start": "10:00", "end": "18:00"},
        {"kind": "window", "place": "US-CA", "start": "09:00", "end": "21:00"},  # its own window applies to calls only
        {"kind": "cap", "place": "US-FL", "calls": 2, "hours": 1},
        {"kind": "cap", "place": "US-NY", "calls": 3, "hours": 24},
        {"kind": "cap", "place": "US-ME", "calls": 1, "hours": 9},
    ],
)
def test_a_row_that_narrows_the_law_in_any_way_is_accepted(row: dict[str, Any]) -> None:
    assert is_stricter(Amendment(first=date(2026, 1, 15), source="x", **row))


@pytest.mark.parametrize(
    ("row", "field"),
    [
        (CLOSED | {"place": "Louisiana"}, "place"),
        (CLOSED | {"place": "US-XX"}, "place"),
        (CLOSED | {"place": "CA-ON"}, "place"),
        (CLOSED | {"place": "US-"}, "place"),
        (CLOSED | {"source": ""}, "source"),
        (CLOSED | {"last": None}, "row"),
        (CLOSED | {"last": date(2026, 1, 14)}, "row"),
        ({"kind": "window", "place": "GB", "source": "x", "start": "9:00", "end": "12:00"}, "start"),
        ({"kind": "window", "place": "GB", "source": "x", "start": "12:00", "end": "09:00"}, "row"),
        ({"kind": "window", "place": "GB", "source": "x"}, "row"),
        ({"kind": "cap", "place": "GB", "source": "x", "calls": 4, "hours": 24}, "calls"),
        ({"kind": "cap", "place": "GB", "source": "x", "calls": 1, "hours": 25}, "hours"),
        ({"kind": "cap", "place": "GB", "source": "x", "calls": 1}, "row"),
    ],
)
def test_an_invalid_row_is_refused_with_its_field(row: dict[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as refusal:
        amendment_service.add_amendment(OPERATOR, **row)
    assert refusal.value.code == "law_invalid"
    assert field in refusal.value.details["fields"]


@pytest.mark.usefixtures("cloud")
class TestStored:
    """Rows stored in the table."""

    def allowed(self, to: str = LOUISIANA, **contact: Any) -> bool:
        asked = ContactAttempt(org_id="org_a", channel="voice", to=to, consent=CONSENT, **contact)
        return service.evaluate(asked, SimulatedReassignedNumbers()).allowed

    def test_a_row_applies_to_the_next_contact_until_it_is_removed(self, frozen: clock.FrozenClock) -> None:
        assert self.allowed()
        row = amendment_service.add_amendment(OPERATOR, **CLOSED)
        assert row.created_by == "ada"
        assert not self.allowed()
        assert not self.allowed(NEW_YORK, state="LA", timezone="America/New_York")
        assert self.allowed(NEW_YORK)
        assert amendment_service.list_amendments() == [row]
        assert amendment_service.remove_amendment(OPERATOR, row.id) == row
        assert self.allowed()
        assert amendment_service.list_amendments() == []
        with pytest.raises(NotFound):
            amendment_service.remove_amendment(OPERATOR, row.id)
        notes = [
            item for item in Query(table="core", partition="law#US-LA").read_all() if item["sk"].startswith("log#")
        ]
        assert [(note["what"], note["who"], note["row"]["id"]) for note in notes] == [
            ("added", "ada", row.id),
            ("removed", "ada", row.id),
        ]

    def test_rows_are_read_with_all_other_facts(
        self, monkeypatch: pytest.MonkeyPatch, frozen: clock.FrozenClock
    ) -> None:
        amendment_service.add_amendment(OPERATOR, **CLOSED)
        self.allowed()
        requests: list[str] = []
        client = clients.dynamodb_client()
        for operation in ("batch_get_item", "get_item", "query"):
            real = getattr(client, operation)
            monkeypatch.setattr(
                client, operation, lambda _name=operation, _real=real, **more: requests.append(_name) or _real(**more)
            )
        assert not self.allowed(state="FL", timezone="America/Toronto")
        assert requests == ["batch_get_item"]

    def test_concurrent_rows_of_several_operators_are_all_stored(self, frozen: clock.FrozenClock) -> None:
        read = store.get_amendments
        first = amendment_service.add_amendment(OPERATOR, **CLOSED)
        # Another operator's row is stored between this row's read and its write.
        stale = [read("US-LA")]
        amendment_service.add_amendment(OPERATOR, **CLOSED | {"channel": "sms"})
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(store, "get_amendments", lambda place: stale.pop() if stale else read(place))
            amendment_service.add_amendment(OPERATOR, **CLOSED | {"channel": "voice"})
        assert [row.channel for row in amendment_service.list_amendments()] == [None, "sms", "voice"]
        assert amendment_service.list_amendments()[0] == first

    def test_expired_rows_make_room_and_the_number_of_rows_per_place_is_limited(
        self, frozen: clock.FrozenClock
    ) -> None:
        for _ in range(amendment_service.MAX_AMENDMENTS_PER_PLACE):
            amendment_service.add_amendment(OPERATOR, **CLOSED)
        with pytest.raises(Invalid) as refusal:
            amendment_service.add_amendment(OPERATOR, **CLOSED)
        assert refusal.value.code == "too_many_rows"
        frozen.advance(days=3)
        with pytest.raises(Invalid) as refusal:
            amendment_service.add_amendment(OPERATOR, **CLOSED)
        assert refusal.value.code == "law_over"
        amendment_service.add_amendment(OPERATOR, **CLOSED | {"last": date(2026, 2, 1)})
        assert len(amendment_service.list_amendments()) == 1

    def test_an_operators_cap_is_exact_at_the_commit(self, frozen: clock.FrozenClock) -> None:
        amendment_service.add_amendment(OPERATOR, kind="cap", place="US-NY", calls=1, hours=2, source="x")
        asked = ContactAttempt(org_id="org_a", channel="voice", to=NEW_YORK, consent=CONSENT)
        found = [service.evaluate(asked, SimulatedReassignedNumbers()) for _ in range(2)]
        commit(service.allowed_writes(found[0]))
        with pytest.raises(service.Blocked) as refusal:
            commit(service.allowed_writes(found[1]))
        assert refusal.value.code == "attempt_cap"
        frozen.advance(hours=2)
        commit(service.allowed_writes(service.evaluate(asked, SimulatedReassignedNumbers())))


def test_a_day_without_rows_follows_the_law_alone() -> None:
    assert is_open(LONDON, at("Europe/London", "2026-01-15 12:00:00"))
