"""Calls for the tests of analytics, the worker that counts them, and a count by hand."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from switchboard.accounts.models import Organization
from switchboard.analytics.models import RangeFigures
from switchboard.aws import writes
from switchboard.aws.writes import Put
from switchboard.calls import lookup, store
from switchboard.calls.models import Call, Order, State, Tier
from switchboard.carriers.voice.ports.reports import EndReason
from switchboard.events.models import Event, Subject
from switchboard.kit import clock, ids
from switchboard.persistence.collection import next_version
from switchboard.projections import service as projections
from tests.actors import system

OURS, ADA = "+12125550100", "+14155550142"


def organization(zone: str = "UTC") -> Organization:
    """Return an organization that is not stored."""
    now = clock.now_iso()
    return Organization(id=ids.new_id("org"), slug="acme", name="Acme", timezone=zone, created_at=now, updated_at=now)


def store_call(org_id: str, at: datetime | str, **fields: Any) -> Call:
    """Store a call that was created at a time. Nothing counts it yet."""
    now = at if isinstance(at, str) else clock.format_iso(at)
    call = Call(
        id=ids.new_id("call"),
        org_id=org_id,
        source="anima",
        tier=Tier.BASIC,
        voice_id="voice",
        greeting="Hello",
        order=Order(to=ADA, tier=Tier.BASIC, simulated=fields.pop("simulated", False)),
        correlation_id="corr_test",
        provider="simulator",
        created_at=now,
        updated_at=now,
        from_number=OURS,
        to_number=ADA,
        **fields,
    )
    writes.commit(store.CALLS.create_write(call))
    return call


def talk(seconds: int, **fields: Any) -> dict[str, Any]:
    """Return the fields of an answered call that is over."""
    return {
        "state": State.COMPLETED,
        "answered_at": clock.now_iso(),
        "connect": "wss://talks.example/1",
        "end_reason": EndReason.COMPLETED,
        "duration_seconds": seconds,
        **fields,
    }


def change_call(call: Call, *, sentiment: str | None = None, **fields: Any) -> Call:
    """Store the next version of a call, with the mood of its talk if it has one."""
    after = next_version(call, **fields)
    key = lookup.sentiment_ref(call.org_id, call.id).key
    summary = Put(table="activity", item={**key, "sentiment": sentiment}) if sentiment else None
    writes.commit(store.CALLS.save_write(after), summary)
    return after


def event_of(call: Call, kind: str = "voice.call.created") -> Event:
    """Return an event about a call."""
    return Event(
        id=ids.new_id("evt"),
        at=clock.now_iso(),
        type=kind,
        subject=Subject(type="call", id=call.id),
        data={},
        **system(call.org_id).model_dump(),
    )


def count_call(call: Call) -> None:
    """Do what the worker of the projections does after a change of a call."""
    projections.project_event(event_of(call))


class CountByHand:
    """The figures of a range, counted from the calls themselves."""

    def __init__(
        self,
        calls: Iterable[Call],
        moods: dict[str, str],
        org: Organization,
        start: datetime,
        end: datetime,
        flow_id: str | None = None,
    ) -> None:
        zone = ZoneInfo(org.timezone)
        self.calls = [
            call
            for call in calls
            if start <= clock.parse(call.created_at) < end
            and not call.simulated
            and not call.is_test
            and flow_id in (None, call.flow_id)
        ]
        self.moods = Counter(moods[call.id] for call in self.calls if call.id in moods)
        self.outcomes = Counter(call.outcome for call in self.calls if call.outcome)
        self.hours, self.days, self.seconds = Counter[int](), Counter[str](), Counter[str]()
        for call in self.calls:
            local = clock.parse(call.created_at).astimezone(zone)
            self.hours[local.hour] += 1
            self.days[local.date().isoformat()] += 1
            self.seconds[local.date().isoformat()] += seconds_of(call)

    def totals(self, calls: Sequence[Call] | None = None) -> dict[str, int]:
        """Return the totals of calls."""
        mine = self.calls if calls is None else calls
        return {
            "calls": len(mine),
            "inbound": sum(call.direction == "INBOUND" for call in mine),
            "answered": sum(is_answered(call) for call in mine),
            "voicemails": sum(call.end_reason is EndReason.VOICEMAIL or call.has_voicemail for call in mine),
            "transfers": sum(call.transferred_to is not None for call in mine),
            "talks": sum(is_answered(call) and call.state is State.COMPLETED for call in mine),
            "seconds": sum(seconds_of(call) for call in mine),
        }

    def flows(self) -> dict[str | None, dict[str, int]]:
        """Return the totals of each flow, as far as a report shows them."""
        shown = ("calls", "answered", "talks", "seconds")
        by_flow = {call.flow_id: [one for one in self.calls if one.flow_id == call.flow_id] for call in self.calls}
        return {
            flow_id: {name: by for name, by in self.totals(calls).items() if name in shown}
            for flow_id, calls in by_flow.items()
        }

    def compare(self, found: RangeFigures) -> None:
        """Compare a report with the count."""
        assert found.totals._asdict() == self.totals()
        assert {day.date.isoformat(): day.calls for day in found.days if day.calls} == self.days
        assert {day.date.isoformat(): day.seconds for day in found.days if day.seconds} == +self.seconds
        assert {hour: calls for hour, calls in enumerate(found.hours) if calls} == self.hours
        assert found.outcomes == self.outcomes
        assert found.sentiments == self.moods
        dates = [day.date for day in found.days]
        assert dates == [dates[0] + timedelta(days=place) for place in range(len(dates))], "each day once"

    def compare_flows(self, found: RangeFigures) -> None:
        """Compare the lines of the flows with the count."""
        lines = {
            line.flow_id: {name: getattr(line.figures, name) for name in ("calls", "answered", "talks", "seconds")}
            for line in found.flows
        }
        assert lines == self.flows()


def is_answered(call: Call) -> bool:
    """Whether a person or our agent answered. The calls of these tests that are over and were answered are complete."""
    return call.answered_at is not None and call.end_reason is not EndReason.VOICEMAIL


def seconds_of(call: Call) -> int:
    """Return the length that a call adds to its day."""
    return call.duration_seconds or 0 if is_answered(call) and call.state is State.COMPLETED else 0
