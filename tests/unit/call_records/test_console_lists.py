"""The list of calls: its filters, its search, its pages and its read states."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest

from switchboard.call_records import candidates
from switchboard.calls.models import Call, State
from switchboard.carriers.voice.ports.reports import EndReason
from switchboard.contacts import service as contacts
from switchboard.flows import service as flows
from switchboard.flows.models import FlowSettings
from switchboard.kit import clock
from switchboard.team.permissions import Role
from tests.actors import Tenant, member, system, tenant
from tests.unit.call_records.desk import ADA, BOB, OURS, Ask, ask_as, list_call, list_ids, save_call

pytestmark = pytest.mark.usefixtures("cloud", "frozen")


@pytest.fixture
def acme(cloud: dict[str, str], frozen: clock.FrozenClock) -> Tenant:
    return tenant()


@pytest.fixture
def ask(acme: Tenant) -> Ask:
    return ask_as(member(acme.org_id, Role.OPERATOR))


@pytest.fixture
def calls(acme: Tenant, frozen: clock.FrozenClock) -> list[Call]:
    """Twelve calls, the newest first: of every direction, with four states, three numbers and some summaries."""
    made = []
    for number in range(12):
        frozen.advance(minutes=1)
        made.append(
            save_call(
                acme.org_id,
                (ADA, BOB, "+14155550199")[number % 3],
                direction=("INBOUND", "OUTBOUND")[number % 2],
                state=(State.COMPLETED, State.FAILED, State.ENDING, State.RINGING)[number % 4],
                summary="Refund of the second invoice" if number % 5 == 0 else None,
            )
        )
    return made[::-1]


def ids_of(calls: list[Call]) -> list[str]:
    return [call.id for call in calls]


def test_a_row_names_contact_and_flow_and_a_deleted_contact_breaks_nothing(
    acme: Tenant, ask: Ask, frozen: clock.FrozenClock
) -> None:
    origin = system(acme.org_id)
    flow = flows.create_flow(origin, FlowSettings(name="Front desk"))
    ada = contacts.upsert_contact(origin, ADA, {"display_name": "Ada Lovelace"}).contact
    call = save_call(
        acme.org_id, direction="INBOUND", flow_id=flow.id, summary="Asked for a refund.", duration_seconds=61
    )
    status, page = ask("GET", "/calls")
    assert (status, page) == (
        200,
        {
            "calls": [
                {
                    "id": call.id,
                    "provider_call_sid": None,
                    "direction": "inbound",
                    "status": "completed",
                    "from_e164": ADA,
                    "to_e164": OURS,
                    "contact": {"id": ada.id, "display_name": "Ada Lovelace"},
                    "flow_id": flow.id,
                    "flow_name": "Front desk",
                    "number_id": None,
                    "widget": None,
                    "started_at": None,
                    "answered_at": None,
                    "ended_at": None,
                    "duration_sec": 61,
                    "answered_by": None,
                    "message_left_at": None,
                    "end_reason": None,
                    "error_message": None,
                    "declined": None,
                    "after_hours": False,
                    "has_recording": False,
                    "has_voicemail": False,
                    "summary_tldr": "Asked for a refund.",
                    "outcome": None,
                    "is_test": False,
                    "simulated": False,
                    "tags": [],
                    "is_read": False,
                    "created_at": call.created_at,
                }
            ],
            "next_cursor": None,
        },
    )
    contacts.delete_contact(origin, ada.id)
    gone = save_call(acme.org_id, flow_id="00000000-0000-7000-8000-000000000000")
    rows = {row["id"]: row for row in ask("GET", "/calls")[1]["calls"]}
    assert rows[call.id]["contact"] is None
    assert (rows[gone.id]["contact"], rows[gone.id]["flow_name"]) == (None, None)


def test_a_failed_call_says_why_in_a_list_and_alone(acme: Tenant, ask: Ask) -> None:
    failed = save_call(acme.org_id, state=State.FAILED, end_reason=EndReason.UNREACHABLE)
    told = "The number cannot be reached."
    assert [row["error_message"] for row in ask("GET", "/calls")[1]["calls"]] == [told]
    assert ask("GET", f"/calls/{failed.id}")[1]["error_message"] == told


@pytest.mark.parametrize("limit", [1, 5, 12, 200])
def test_pages_have_every_call_once_and_the_newest_first(ask: Ask, calls: list[Call], limit: int) -> None:
    assert list_ids(ask, limit=limit) == ids_of(calls)


def test_filters_choose_and_combine(ask: Ask, calls: list[Call]) -> None:
    cases: dict[str, Callable[[Call], Any]] = {
        "direction=inbound": lambda call: call.direction == "INBOUND",
        "status=completed": lambda call: call.state in (State.COMPLETED, State.ENDING),
        "status=failed&direction=outbound": lambda call: call.state is State.FAILED,
        "status=ringing&direction=inbound": lambda call: False,
        f"since={calls[5].created_at}": lambda call: call.created_at >= calls[5].created_at,
        f"until={calls[5].created_at}": lambda call: call.created_at < calls[5].created_at,
        "q=refund": lambda call: call.summary,
        "q=REFUND%20inv&direction=inbound": lambda call: call.summary and call.direction == "INBOUND",
        f"q={quote(ADA)}": lambda call: ADA in (call.from_number, call.to_number),
        "q=0142": lambda call: ADA in (call.from_number, call.to_number),
        "q=415555": lambda call: BOB not in (call.from_number, call.to_number),
        "q=(415)%20555-0142&status=completed": lambda call: (
            ADA in (call.from_number, call.to_number) and call.state in (State.COMPLETED, State.ENDING)
        ),
        "q=0142%20refund": lambda call: call.summary and ADA in (call.from_number, call.to_number),
        "q=nobody": lambda call: False,
        "q=%21%21": lambda call: False,
        "q=%20": lambda call: True,
    }
    for query, fits in cases.items():
        for limit in (2, 50):
            assert list_ids(ask, query, limit) == [call.id for call in calls if fits(call)], query


@pytest.mark.parametrize("broad", [True, False])
def test_a_search_finds_the_names_of_contacts_and_follows_their_changes(
    acme: Tenant, ask: Ask, calls: list[Call], broad: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if broad:
        monkeypatch.setattr(candidates, "_find_by_word", lambda *_: None)
    of_bob = [call.id for call in calls if BOB in (call.from_number, call.to_number)]
    bob = contacts.upsert_contact(system(acme.org_id), BOB, {"display_name": "Bob Noyce", "role": "Chairman"}).contact
    assert list_ids(ask, "q=noy") == of_bob
    assert list_ids(ask, "q=bob%20noyce", 1) == of_bob
    assert list_ids(ask, "q=chairman") == [], "only the name is searched"
    contacts.update_contact(system(acme.org_id), bob.id, {"display_name": "Robert"})
    assert (list_ids(ask, "q=noy"), list_ids(ask, "q=rob")) == ([], of_bob)


def test_unread_is_for_one_member_and_survives_any_order(
    acme: Tenant, ask: Ask, calls: list[Call], frozen: clock.FrozenClock
) -> None:
    other = ask_as(member(acme.org_id, Role.VIEWER, "Eve"))
    chance = random.Random(1)
    unread = {call.id for call in calls}
    for _ in range(40):
        frozen.advance(seconds=1)
        call = chance.choice(calls)
        match chance.randrange(12):
            case 0:
                assert ask("POST", "/calls/mark-all-read") == (200, {"ok": True, "marked": len(unread)})
                unread = set()
            case number if number % 2:
                assert ask("POST", f"/calls/{call.id}/view") == (200, {"ok": True})
                unread.discard(call.id)
            case _:
                assert ask("PATCH", f"/calls/{call.id}", {"is_read": False}) == (200, {"ok": True})
                unread.add(call.id)
        expected = [one.id for one in calls if one.id in unread]
        assert list_ids(ask, "read=unread", 3) == expected
        assert ask("GET", "/unread-counts") == (200, {"calls": len(unread), "voicemails": 0})
        rows = ask("GET", "/calls")[1]["calls"]
        assert [row["id"] for row in rows if not row["is_read"]] == expected
    inbound = [one.id for one in calls if one.id in unread and one.direction == "INBOUND"]
    assert list_ids(ask, "read=unread&direction=inbound", 2) == inbound
    assert list_ids(ask, "read=unread&q=refund", 2) == [one.id for one in calls if one.id in unread and one.summary]
    assert list_ids(other, "read=unread") == ids_of(calls)
    assert other("GET", "/unread-counts")[1]["calls"] == 12


def test_a_new_call_can_be_viewed_before_it_is_listed(acme: Tenant, ask: Ask) -> None:
    call = save_call(acme.org_id, listed=False)
    assert ask("POST", f"/calls/{call.id}/view")[0] == 200
    list_call(call)
    list_call(call)
    assert ask("GET", "/unread-counts")[1]["calls"] == 0
    assert ask("GET", "/calls")[1]["calls"][0]["is_read"]
    assert list_ids(ask, f"q={quote(ADA)}") == [call.id]


def test_the_calls_of_another_organization_are_not_there(ask: Ask, calls: list[Call]) -> None:
    other = ask_as(member(tenant("other").org_id, Role.ADMIN, "Eve"))
    assert other("GET", "/calls")[1] == {"calls": [], "next_cursor": None}
    assert list_ids(other, "q=refund") == []
    for method, path, body in (
        ("GET", "", None),
        ("PATCH", "", {"is_read": True}),
        ("POST", "/view", None),
        ("GET", "/tags", None),
        ("POST", "/tags", {"name": "x"}),
        ("DELETE", "/tags/x", None),
        ("GET", "/notes", None),
        ("POST", "/notes", {"body": "x"}),
    ):
        assert other(method, f"/calls/{calls[0].id}{path}", body)[0] == 404


def test_bad_input_is_refused(ask: Ask, calls: list[Call]) -> None:
    cursor = ask("GET", "/calls?limit=2")[1]["next_cursor"]
    for query in (
        "limit=0",
        "limit=201",
        "direction=up",
        "status=gone",
        "read=read",
        "since=yesterday",
        f"q={'x' * 201}",
        f"direction=inbound&cursor={cursor}",
        f"read=unread&cursor={cursor}",
        f"q=refund&cursor={cursor}",
        f"cursor={cursor}x",
    ):
        assert ask("GET", f"/calls?{query}")[0] == 400, query
    for body in ({}, {"is_read": "yes"}, {"is_read": None}):
        assert ask("PATCH", f"/calls/{calls[0].id}", body)[0] == 400
    assert ask("GET", "/calls/call_x")[0] == 404


@pytest.mark.parametrize("filters", ["", "&read=unread", "&q=refund", "&q=0142", "&tag=vip", "&status=completed"])
def test_a_range_that_ends_before_it_begins_is_refused_by_its_field(ask: Ask, calls: list[Call], filters: str) -> None:
    for until in (calls[5].created_at, calls[3].created_at):
        status, refusal = ask("GET", f"/calls?since={calls[3].created_at}&until={until}{filters}")
        assert (status, refusal["details"]) == (400, [{"field": "until", "message": "must be later than since"}])


def test_completed_calls_include_those_that_await_their_analysis_in_order(ask: Ask, calls: list[Call]) -> None:
    ended = [call for call in calls if call.state in (State.COMPLETED, State.ENDING)]
    assert list_ids(ask, "status=completed") == ids_of(ended)
    inward = [call for call in ended if call.direction == "INBOUND"]
    assert list_ids(ask, "status=completed&direction=inbound") == ids_of(inward)


@pytest.mark.parametrize("limit", [1, 5])
def test_pages_that_are_read_while_calls_arrive_have_each_earlier_call_once(
    acme: Tenant, ask: Ask, calls: list[Call], frozen: clock.FrozenClock, limit: int
) -> None:
    found: list[str] = []
    cursor = ""
    while cursor is not None:
        _, page = ask("GET", f"/calls?limit={limit}" + (f"&cursor={cursor}" if cursor else ""))
        found += [row["id"] for row in page["calls"]]
        cursor = page["next_cursor"]
        frozen.advance(seconds=1)
        save_call(acme.org_id)
    assert found == ids_of(calls)
