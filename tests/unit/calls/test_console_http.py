"""HUM's `/api/outbound/calls` and `/api/flows/{id}/test-call`, as a browser uses them."""

from __future__ import annotations

from typing import Any

import pytest

from switchboard.calls import dialing
from switchboard.compliance import ledgers
from switchboard.kit import clock, ids
from switchboard.team.models import Member
from switchboard.team.permissions import Role
from tests.actors import Tenant, member, system
from tests.unit.calls.console_calls import ADA, Ask, ask_as, save_flow

pytestmark = pytest.mark.usefixtures("cloud", "frozen")
OUTBOUND = "/api/outbound/calls"


@pytest.fixture
def boss(acme: Tenant) -> Member:
    return member(acme.org_id, Role.ADMIN)


@pytest.fixture
def ask(boss: Member) -> Ask:
    return ask_as(boss)


def test_a_call_is_placed_and_listed_with_its_outcome(ask: Ask, boss: Member) -> None:
    flow = save_flow(boss.org_id)
    status, placed = ask("POST", OUTBOUND, {"flow_id": flow.id, "to": ADA, "task_context": {"name": "Ada"}})
    assert (status, placed) == (
        200,
        {"ok": True, "call_id": placed["call_id"], "call_sid": None, "status": "queued"},
    )
    dialing.dial_call(boss.org_id, placed["call_id"])
    status, page = ask("GET", OUTBOUND)
    [row] = page["calls"]
    assert (status, page["next_cursor"], row["id"], row["status"]) == (200, None, placed["call_id"], "ringing")
    assert (row["direction"], row["flow_id"], row["flow_name"], row["outcome"]) == (
        "outbound", flow.id, "Reminders", None,
    )  # fmt: skip


def test_pages_of_the_list_follow_each_other(ask: Ask, boss: Member) -> None:
    flow = save_flow(boss.org_id)
    placed = [
        ask("POST", OUTBOUND, {"flow_id": flow.id, "to": f"+1415555010{number}"})[1]["call_id"] for number in range(3)
    ]
    _, first = ask("GET", f"{OUTBOUND}?limit=2")
    _, second = ask("GET", f"{OUTBOUND}?limit=2&cursor={first['next_cursor']}")
    assert [row["id"] for row in [*first["calls"], *second["calls"]]] == placed[::-1]
    assert second["next_cursor"] is None


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"to": "+15005550024"}, 403, "quiet_hours"),
        ({"to": "+15005550004"}, 403, "opted_out"),
        ({"to": "+14155550199"}, 403, "dnc"),
        ({"to": "4155550142"}, 400, "invalid_request"),
        ({"to": "+99912345678"}, 400, None),
        ({"flow_id": ids.new_uuid()}, 404, "not_found"),
        ({"flow_id": "x"}, 404, "not_found"),
        ({"caller_id_number_id": "num_x"}, 400, "invalid_caller_id"),
        ({"task_context": {"a": "x" * 9_000}}, 400, "invalid_task_context"),
        ({"task_context": {"system__time": "noon"}}, 400, "invalid_task_context"),
        ({"task_context": []}, 400, "invalid_request"),
        ({"force": "yes"}, 400, "invalid_request"),
    ],
)
def test_refusals_have_the_status_of_their_kind(
    ask: Ask, boss: Member, body: dict[str, Any], status: int, code: str | None
) -> None:
    ledgers.block_number(system(boss.org_id), "+14155550199")
    answered, refusal = ask("POST", OUTBOUND, {"flow_id": save_flow(boss.org_id).id, "to": ADA} | body)
    assert answered == status, refusal
    assert code in (None, refusal["code"])


def test_the_details_of_a_refusal_are_spelled_as_all_fields(ask: Ask, boss: Member) -> None:
    _, refusal = ask("POST", OUTBOUND, {"flow_id": save_flow(boss.org_id).id, "to": "+15005550024"})
    details = {name: value for one in refusal["details"] for name, value in one.items()}
    assert details["gate"] == "quiet_hours"
    assert details["next_allowed_at"] > clock.now_iso()
    assert all(name == name.lower() for name in details)


def test_a_repeated_call_names_the_first_one(ask: Ask, boss: Member) -> None:
    body = {"flow_id": save_flow(boss.org_id).id, "to": ADA}
    _, first = ask("POST", OUTBOUND, body)
    status, refusal = ask("POST", OUTBOUND, body)
    assert (status, refusal["code"], refusal["details"]) == (400, "duplicate_call", [{"call_id": first["call_id"]}])


def test_the_same_key_places_one_call(ask: Ask, boss: Member) -> None:
    body, key = {"flow_id": save_flow(boss.org_id).id, "to": ADA}, {"idempotency_key": "one-call-0000000000000"}
    assert ask("POST", OUTBOUND, body, **key) == ask("POST", OUTBOUND, body, **key)
    assert len(ask("GET", OUTBOUND)[1]["calls"]) == 1


def test_operators_may_call_and_not_force_and_viewers_only_read(boss: Member) -> None:
    operator = ask_as(member(boss.org_id, Role.OPERATOR, "Op"))
    viewer = ask_as(member(boss.org_id, Role.VIEWER, "Vi"))
    body = {"flow_id": save_flow(boss.org_id).id, "to": ADA}
    status, refusal = operator("POST", OUTBOUND, body | {"force": True})
    assert (status, refusal["code"]) == (403, "force_not_allowed")
    assert operator("POST", OUTBOUND, body)[0] == 200
    assert viewer("POST", OUTBOUND, body)[0] == 403
    assert viewer("GET", OUTBOUND)[0] == 200


def test_a_flow_is_tried_out(boss: Member) -> None:
    ask = ask_as(boss, "hum/flows")
    flow = save_flow(boss.org_id, kind="inbound", caller_id=None)
    status, placed = ask("POST", f"/api/flows/{flow.id}/test-call", {"to": ADA, "simulated": True})
    assert (status, placed["status"], placed["ok"]) == (200, "queued", True)
    status, refusal = ask("POST", f"/api/flows/{flow.id}/test-call", {"to": ADA})
    assert (status, refusal["code"]) == (400, "no_caller_id")
    assert ask("POST", f"/api/flows/{ids.new_uuid()}/test-call", {"to": ADA})[0] == 404
    operator = ask_as(member(boss.org_id, Role.OPERATOR, "Oz"), "hum/flows")
    status, refusal = operator("POST", f"/api/flows/{flow.id}/test-call", {"to": ADA, "simulated": True, "force": True})
    assert (status, refusal["code"]) == (403, "force_not_allowed")
    viewer = ask_as(member(boss.org_id, Role.VIEWER, "Vi"), "hum/flows")
    assert viewer("POST", f"/api/flows/{flow.id}/test-call", {"to": ADA})[0] == 403
