"""HUM's `/api/contacts*`, as a browser uses it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from infra.local import pool
from switchboard.dialects.hum.dialect import COOKIE
from switchboard.kit import clock
from switchboard.people import sessions
from switchboard.team.permissions import Role
from tests.actors import Tenant, member, tenant
from tests.load.request import event
from tests.unit.contacts.book import ADA, record_call

pytestmark = pytest.mark.usefixtures("cloud", "frozen")

Ask = Callable[..., tuple[int, Any]]


@pytest.fixture
def acme(cloud: dict[str, str], frozen: clock.FrozenClock) -> Tenant:
    return tenant()


def ask_as_member(org_id: str, role: Role = Role.OPERATOR, name: str = "Ada") -> Ask:
    """Returns a function that sends requests of a member with that role."""
    cookie = sessions.open_session(member(org_id, role, name).user, org_id)

    def ask(method: str, target: str, body: Any = None, **headers: str) -> tuple[int, Any]:
        sent = {"cookie": f"{COOKIE}={cookie}", **{name.replace("_", "-"): value for name, value in headers.items()}}
        answer = pool.invoke("hum/contacts", event(method, f"/api/contacts{target}", sent, body))
        return answer["statusCode"], json.loads(answer["body"])

    return ask


def test_a_contact_can_be_created_changed_found_and_deleted(acme: Tenant) -> None:
    ask = ask_as_member(acme.org_id)
    record_call(acme, ADA)
    status, made = ask("POST", "", {"e164": "+1 (415) 555-0142", "display_name": "Ada", "notes": "noon"})
    assert (status, made) == (
        200,
        {
            "id": made["id"],
            "e164": ADA,
            "display_name": "Ada",
            "role": None,
            "email": None,
            "notes": "noon",
            "time_zone": None,
            "state": None,
            "zone_confirmed": False,
            "carrier": None,
            "line_type": None,
            "caller_name": None,
            "last_call_at": clock.now_iso(),
            "call_count": 1,
            "created_at": clock.now_iso(),
            "updated_at": clock.now_iso(),
        },
    )
    changed = made | {"role": "Patient", "notes": None}
    assert ask("PATCH", f"/{made['id']}", {"role": "Patient", "notes": None}) == (200, changed)
    for query in ("", "?q=ada", "?q=%2B1%20415%20555&limit=1"):
        assert ask("GET", query) == (200, {"contacts": [changed], "next_cursor": None})
    assert ask("DELETE", f"/{made['id']}") == (200, {"ok": True})
    assert ask("DELETE", f"/{made['id']}")[0] == 404
    assert ask("GET", "") == (200, {"contacts": [], "next_cursor": None})


def test_pages_follow_each_other(acme: Tenant) -> None:
    ask = ask_as_member(acme.org_id)
    for number in range(3):
        ask("POST", "", {"e164": f"+1415555010{number}", "display_name": f"Ada {number}"})
    for query in ("", "&q=ada"):
        names, cursor = [], ""
        while cursor is not None:
            _, page = ask("GET", f"?limit=2{query}" + (f"&cursor={cursor}" if cursor else ""))
            names += [contact["display_name"] for contact in page["contacts"]]
            cursor = page["next_cursor"]
        assert sorted(names) == ["Ada 0", "Ada 1", "Ada 2"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "e164"),
        ({"e164": None}, "e164"),
        ({"e164": "5"}, "e164"),
        ({"e164": "+1415555"}, "e164"),
        ({"e164": ADA, "display_name": "x" * 201}, "display_name"),
        ({"e164": ADA, "role": "x" * 121}, "role"),
        ({"e164": ADA, "email": "nobody"}, "email"),
        ({"e164": ADA, "notes": "x" * 2001}, "notes"),
        ({"e164": ADA, "notes": 5}, "notes"),
    ],
)
def test_an_invalid_value_is_reported_by_field(acme: Tenant, body: dict[str, Any], field: str) -> None:
    status, answer = ask_as_member(acme.org_id)("POST", "", body)
    assert (status, [detail["field"] for detail in answer["details"]]) == (400, [field])


def test_a_changed_number_is_a_conflict(acme: Tenant) -> None:
    ask = ask_as_member(acme.org_id)
    _, made = ask("POST", "", {"e164": ADA})
    assert ask("PATCH", f"/{made['id']}", {"e164": ADA, "role": "Patient"})[0] == 200
    status, answer = ask("PATCH", f"/{made['id']}", {"e164": "+14155550143"})
    assert (status, answer["error"], answer["code"]) == (409, "conflict", "contact_number_fixed")


def test_a_viewer_can_only_read_and_a_stranger_cannot_read(acme: Tenant) -> None:
    _, made = ask_as_member(acme.org_id)("POST", "", {"e164": ADA})
    viewer, stranger = (
        ask_as_member(acme.org_id, Role.VIEWER, "Vic"),
        ask_as_member(tenant("other").org_id, Role.ADMIN, "Eve"),
    )
    assert viewer("GET", "")[1]["contacts"] == [made]
    changes = [("POST", "", {"e164": ADA}), ("PATCH", f"/{made['id']}", {}), ("DELETE", f"/{made['id']}", None)]
    for method, target, body in [*changes, ("POST", "/backfill", None)]:
        assert viewer(method, target, body)[0] == 403
    assert stranger("GET", "")[1]["contacts"] == []
    for method, target, body in changes[1:]:
        assert stranger(method, target, body)[0] == 404


def test_a_backfill_shows_its_progress(acme: Tenant) -> None:
    ask = ask_as_member(acme.org_id)
    assert ask("GET", "/backfill")[0] == 404
    standing = {
        "ok": True,
        "status": "running",
        "scanned": 0,
        "created": 0,
        "updated": 0,
        "started_at": clock.now_iso(),
        "completed_at": None,
    }
    assert ask("POST", "/backfill") == (200, standing)
    assert ask("POST", "/backfill") == ask("GET", "/backfill") == (200, standing)
    assert ask("PATCH", "/backfill", {})[0] == 405


def test_a_repeated_request_has_one_effect(acme: Tenant) -> None:
    ask = ask_as_member(acme.org_id)
    first = ask("POST", "", {"e164": ADA, "role": "Patient"}, idempotency_key="1")
    _, made = first
    ask("PATCH", f"/{made['id']}", {"role": "Doctor"})
    assert ask("POST", "", {"e164": ADA, "role": "Patient"}, idempotency_key="1") == first
    assert ask("POST", "", {"e164": ADA, "role": "Nurse"}, idempotency_key="1")[0] == 409
    assert ask("GET", "")[1]["contacts"][0]["role"] == "Doctor"
