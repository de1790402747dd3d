"""The dashboard and the reports over HTTP."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from infra.local import pool
from switchboard.accounts import organizations
from switchboard.dialects.hum.dialect import COOKIE
from switchboard.events import service as events
from switchboard.events.models import Subject
from switchboard.flows import changes
from switchboard.flows import service as flows
from switchboard.flows.models import Flow, FlowSettings
from switchboard.kit import clock
from switchboard.people import sessions
from switchboard.team.models import Member
from switchboard.team.permissions import Role
from switchboard.usage import service as usage
from switchboard.usage.models import Meter
from tests.actors import Tenant, member, system, tenant
from tests.load.request import api_event
from tests.unit.analytics.ledger import count_call, store_call, talk

Get = Callable[[str], tuple[int, Any]]
ZEROS = {"sent": 0, "received": 0, "failed": 0, "opt_outs": 0}


@pytest.fixture(autouse=True)
def _many_requests(monkeypatch: pytest.MonkeyPatch, cloud: dict[str, str]) -> None:
    monkeypatch.setenv("SWITCHBOARD_PERSON_PER_MINUTE", "100000")
    monkeypatch.setenv("SWITCHBOARD_PERSON_PER_SECOND", "10000")


@pytest.fixture
def acme(cloud: dict[str, str], frozen: clock.FrozenClock) -> Tenant:
    return tenant()


@pytest.fixture
def reader(acme: Tenant) -> Member:
    return member(acme.org_id, Role.VIEWER)


def ask_as(who: Member) -> Get:
    """Return a function that gets a path as a member."""
    cookie = sessions.open_session(who.user, who.org_id)

    def get(target: str) -> tuple[int, Any]:
        group = "hum/flows" if target.startswith("/flows") else "hum/analytics"
        answer = pool.invoke(group, api_event("GET", f"/api{target}", {"cookie": f"{COOKIE}={cookie}"}))
        return answer["statusCode"], json.loads(answer["body"])

    return get


@pytest.fixture
def get(reader: Member) -> Get:
    return ask_as(reader)


def make_flow(org_id: str, name: str) -> Flow:
    return flows.create_flow(system(org_id), FlowSettings(name=name))


def test_an_organization_without_calls_has_zeros(get: Get) -> None:
    status, found = get("/analytics?days=2")
    assert status == 200
    assert found == {
        "range": {
            "start": "2026-01-14T00:00:00.000Z",
            "end": "2026-01-16T00:00:00.000Z",
            "days": 2,
            "timezone": "UTC",
        },
        "totals": {
            "calls": 0,
            "answered": 0,
            "voicemails": 0,
            "transfers": 0,
            "avg_duration_sec": 0.0,
            "total_minutes": 0.0,
        },
        "by_day": [{"date": f"2026-01-{day}", "calls": 0, "minutes": 0.0} for day in (14, 15)],
        "outcomes": [],
        "sentiment": {"positive": 0, "neutral": 0, "negative": 0, "mixed": 0},
        "by_flow": [],
        "by_hour": [{"hour": hour, "calls": 0} for hour in range(24)],
        "direction": {"inbound": 0, "outbound": 0},
        "sms": ZEROS,
    }
    assert get("/dashboard") == (
        200,
        {
            "stats": {
                "calls_today": 0,
                "calls_7d": 0,
                "avg_duration_sec": 0.0,
                "answered_rate": 0.0,
                "unread_calls": 0,
                "unread_voicemails": 0,
                "open_conversations": 0,
                "minutes_used": 0,
                "minutes_included": 600,
            },
            "recent_calls": [],
        },
    )


def test_a_report_has_its_flows_and_keeps_those_of_a_deleted_flow(acme: Tenant, get: Get) -> None:
    desk, night = (make_flow(acme.org_id, name) for name in ("Front desk", "Night"))
    now = clock.now()
    for flow_id, fields in (
        (desk.id, talk(90, outcome="success", direction="INBOUND", transferred_to="+14155550199")),
        (desk.id, talk(30, outcome="failure")),
        (night.id, talk(61, outcome="success")),
        (None, {}),
    ):
        count_call(store_call(acme.org_id, now, flow_id=flow_id, **fields))
    changes.delete_flow(system(acme.org_id), night.id, None)
    status, found = get("/analytics")
    assert status == 200
    assert found["range"]["days"] == 30
    assert found["totals"] == {
        "calls": 4,
        "answered": 3,
        "voicemails": 0,
        "transfers": 1,
        "avg_duration_sec": 60.3,
        "total_minutes": 3.0,
    }
    lines = [(line["flow_id"], line["flow_name"], line["calls"], line["answered"]) for line in found["by_flow"]]
    assert lines[0] == (desk.id, "Front desk", 2, 2)
    assert set(lines[1:]) == {(night.id, None, 1, 1), (None, None, 1, 0)}
    assert found["outcomes"] == [{"name": "success", "count": 2}, {"name": "failure", "count": 1}]
    assert (found["direction"], found["by_hour"][17]["calls"]) == ({"inbound": 1, "outbound": 3}, 4)

    status, own = get(f"/flows/{desk.id.upper()}/analytics?days=1")
    assert status == 200
    assert (own["totals"]["calls"], own["totals"]["total_minutes"]) == (2, 2.0)
    assert own["by_day"] == [{"date": "2026-01-15", "calls": 2, "minutes": 2.0}]
    assert own["outcomes"] == [{"name": "failure", "count": 1}, {"name": "success", "count": 1}]
    assert get(f"/flows/{night.id}/analytics")[0] == 404


def test_figures_of_another_organization_are_out_of_reach(acme: Tenant, get: Get) -> None:
    other = tenant("other")
    flow = make_flow(other.org_id, "Theirs")
    count_call(store_call(other.org_id, clock.now(), flow_id=flow.id, **talk(60)))
    assert get(f"/flows/{flow.id}/analytics")[0] == 404
    assert get("/flows/nonsense/analytics")[0] == 404
    assert get("/analytics")[1]["totals"]["calls"] == 0
    assert get("/dashboard")[1]["stats"]["calls_7d"] == 0


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("days=0", "days"),
        ("days=366", "days"),
        ("days=many", "days"),
        ("start=yesterday", "start"),
        ("start=2026-01-01T00:00:00", "start"),
        ("end=2026-01-01T00:00:00Z", "end"),
        ("start=2026-01-02T00:00:00Z&end=2026-01-01T00:00:00Z", "end"),
        ("start=2026-01-02T00:00:00Z&end=2026-01-02T00:00:00Z", "end"),
        ("start=2025-01-01T00:00:00Z&end=2026-01-03T00:00:00Z", "end"),
        ("start=0001-01-01T00:00:00Z", "start"),
        ("start=1999-12-31T00:00:00Z", "start"),
        ("start=2026-01-01T00:00:00Z&end=9999-12-31T23:59:59Z", "end"),
    ],
)
def test_an_invalid_range_names_its_field(acme: Tenant, get: Get, query: str, field: str) -> None:
    flow = make_flow(acme.org_id, "Front desk")
    for path in ("/analytics", f"/flows/{flow.id}/analytics"):
        status, found = get(f"{path}?{query}")
        assert status == 400
        assert field in json.dumps(found)


def test_start_and_end_override_days(acme: Tenant, get: Get) -> None:
    for place in range(4):
        count_call(store_call(acme.org_id, clock.now() - timedelta(days=place)))
    span = "start=2026-01-12T00:00:00Z&end=2026-01-14T00:00:00Z"
    assert get(f"/analytics?days=1&{span}")[1]["totals"]["calls"] == 2
    assert get("/analytics?days=1")[1]["totals"]["calls"] == 1
    alone = get("/analytics?days=3&start=2026-01-12T12:00:00Z")[1]
    assert (alone["range"]["end"], alone["totals"]["calls"]) == ("2026-01-15T12:00:00.000Z", 3)


def test_days_are_those_of_the_organization_and_follow_a_new_zone(acme: Tenant, reader: Member, get: Get) -> None:
    # 17:00 in UTC on 15 January is 01:00 on 16 January in Perth, and 09:00 on 15 January in Los Angeles.
    count_call(store_call(acme.org_id, clock.now(), **talk(60)))
    seen = {}
    for zone in ("Australia/Perth", "America/Los_Angeles", "No/Where"):
        organizations.update_organization(system(acme.org_id), reader.organization, {"timezone": zone})
        found = get("/analytics?days=1")[1]
        hours = [line["hour"] for line in found["by_hour"] if line["calls"]]
        seen[zone] = (found["range"]["timezone"], [day["date"] for day in found["by_day"] if day["calls"]], hours)
    assert seen == {
        "Australia/Perth": ("Australia/Perth", ["2026-01-16"], [1]),
        "America/Los_Angeles": ("America/Los_Angeles", ["2026-01-15"], [9]),
        "No/Where": ("UTC", ["2026-01-15"], [17]),
    }


def test_the_dashboard_shows_the_state_of_the_organization(acme: Tenant, reader: Member, get: Get) -> None:
    calls = [store_call(acme.org_id, clock.now() - timedelta(hours=9 * place), **talk(120)) for place in range(12)]
    for call in (*calls, store_call(acme.org_id, "2026-01-01T00:00:00.000Z", **talk(120))):
        count_call(call)
    usage.commit_spending(reader.organization, Meter.VOICE_BASIC, 5, event_write(acme))
    usage.commit_spending(reader.organization, Meter.VOICE_PREMIUM, 2, event_write(acme))
    status, found = get("/dashboard")
    assert status == 200
    assert found["stats"] == {
        "calls_today": 2,
        "calls_7d": 12,
        "avg_duration_sec": 120.0,
        "answered_rate": 1.0,
        "unread_calls": 13,
        "unread_voicemails": 0,
        "open_conversations": 0,
        "minutes_used": 7,
        "minutes_included": 600,
    }
    assert [call["id"] for call in found["recent_calls"]] == [call.id for call in calls[:10]]
    assert not any(call["is_read"] for call in found["recent_calls"])


def event_write(acme: Tenant) -> Any:
    """Return any write, for a commit that spends."""
    return events.new_event_write(
        system(acme.org_id), "flow.created", Subject(type="flow", id="flow", version=1), kind="outbound"
    )


def test_a_test_call_is_never_counted(acme: Tenant, get: Get) -> None:
    for fields in ({"simulated": True}, {"is_test": True}):
        count_call(store_call(acme.org_id, clock.now(), **talk(60), **fields))
    assert get("/analytics")[1]["totals"]["calls"] == 0
    assert get("/dashboard")[1]["stats"]["calls_today"] == 0
