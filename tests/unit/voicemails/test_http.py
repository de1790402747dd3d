"""HUM's `/api/voicemails*`, as a browser uses it."""

from __future__ import annotations

from typing import Any

import pytest

from switchboard.aws import clients
from switchboard.contacts import service as contacts
from switchboard.kit import clock
from switchboard.team.models import Member
from switchboard.team.permissions import Role
from switchboard.voicemails import store
from tests.actors import Tenant, member, system, tenant
from tests.unit.call_records.desk import ADA
from tests.unit.contacts.book import list_workflow_events
from tests.unit.voicemails.desk import Ask, ask_as, list_ids, save_voicemail

pytestmark = pytest.mark.usefixtures("cloud", "frozen")
TEXT = "Please call me back about the invoice."


@pytest.fixture
def ask(ada: Member) -> Ask:
    return ask_as(ada)


def test_a_new_voicemail_has_the_form_of_the_contract(acme: Tenant, ask: Ask) -> None:
    contact = contacts.upsert_contact(system(acme.org_id), ADA, {"display_name": "Ada Lovelace"}).contact
    voicemail = save_voicemail(acme.org_id, text=TEXT)
    status, page = ask("GET", "/voicemails")
    (row,) = page["voicemails"]
    assert (status, page["next_cursor"]) == (200, None)
    assert voicemail.audio_key in row.pop("media_url")
    assert row == {
        "id": voicemail.id,
        "call_id": voicemail.call_id,
        "number_id": "num_1",
        "flow_id": "flow_1",
        "from_e164": ADA,
        "contact": {"id": contact.id, "display_name": "Ada Lovelace"},
        "duration_sec": 12,
        "transcript": TEXT,
        "is_test": False,
        "simulated": False,
        "media_expires_at": "2026-01-15T18:00:00.000Z",
        "is_heard": False,
        "is_read": False,
        "ai_summary": None,
        "viewers": [],
        "last_action": None,
        "created_at": clock.now_iso(),
    }
    status, detail = ask("GET", f"/voicemails/{voicemail.id}")
    assert status == 200
    assert voicemail.audio_key in detail.pop("media_url")
    assert detail == {**row, "timeline": [], "timeline_next_cursor": None}


def test_the_team_works_through_a_voicemail(acme: Tenant, ada: Member, bob: Member, frozen: clock.FrozenClock) -> None:
    path = f"/voicemails/{save_voicemail(acme.org_id).id}"
    ask, look = ask_as(ada), ask_as(bob)
    steps = [
        (look, "POST", "/view", None),
        (look, "POST", "/play", None),
        (ask, "POST", "/view", None),
        (ask, "POST", "/actions", {"kind": "returned_call", "note": "Moved to Monday."}),
        (ask, "PATCH", "", {"is_heard": False}),
    ]
    for who, method, below, body in steps:
        frozen.advance(seconds=10)
        assert who(method, path + below, body) == (200, {"ok": True})
    found = look("GET", path)[1]
    assert [(one["kind"], one["actor"]["name"]) for one in found["timeline"]] == [
        ("unheard", "Ada"),
        ("heard", "Ada"),
        ("action", "Ada"),
        ("view", "Ada"),
        ("play", "Bob"),
        ("view", "Bob"),
    ]
    assert [one["detail"] for one in found["timeline"] if one["detail"]] == [
        {"kind": "returned_call", "note": "Moved to Monday."}
    ]
    assert [viewer["name"] for viewer in found["viewers"]] == ["Ada", "Bob"]
    assert (found["is_heard"], found["is_read"]) == (False, True)
    assert found["last_action"] == {
        "kind": "returned_call",
        "by": {"id": ada.user_id, "name": "Ada"},
        "at": "2026-01-15T17:00:40.000Z",
        "note": "Moved to Monday.",
    }
    (row,) = look("GET", "/voicemails")[1]["voicemails"]
    assert (row["viewers"], row["last_action"]) == (found["viewers"], found["last_action"])


def test_heard_belongs_to_the_organization_and_read_to_a_member(acme: Tenant, ada: Member, bob: Member) -> None:
    first, second = save_voicemail(acme.org_id), save_voicemail(acme.org_id)
    ask, look = ask_as(ada), ask_as(bob)
    assert ask("PATCH", f"/voicemails/{first.id}", {"is_heard": True, "is_read": True})[0] == 200
    assert look("PATCH", f"/voicemails/{second.id}", {"is_read": True})[0] == 200
    for who, unread in ((ask, second), (look, first)):
        assert list_ids(who, "filter=heard") == [first.id]
        assert list_ids(who, "filter=unheard") == [second.id]
        assert list_ids(who, "filter=unread") == [unread.id]
    assert [one["kind"] for one in look("GET", f"/voicemails/{second.id}")[1]["timeline"]] == []


def test_a_viewer_may_not_change_what_belongs_to_the_organization(acme: Tenant, bob: Member) -> None:
    path, look = f"/voicemails/{save_voicemail(acme.org_id, text=TEXT).id}", ask_as(bob)
    for method, below, body in (
        ("PATCH", "", {"is_heard": True, "is_read": True}),
        ("POST", "/actions", {"kind": "resolved"}),
        ("POST", "/summarize", None),
        ("DELETE", "", None),
    ):
        status, refusal = look(method, path + below, body)
        assert (status, refusal["code"]) == (403, "insufficient_role")
    found = look("GET", path)[1]
    assert (found["is_heard"], found["is_read"], found["timeline"]) == (False, False, [])


@pytest.mark.parametrize(
    ("method", "below", "body"),
    [
        ("PATCH", "", {}),
        ("PATCH", "", {"is_heard": 1}),
        ("PATCH", "", {"is_read": "true"}),
        ("POST", "/actions", {}),
        ("POST", "/actions", {"kind": "danced"}),
        ("POST", "/actions", {"kind": "resolved", "note": "x" * 2001}),
        ("POST", "/actions", {"kind": "resolved", "note": "a\x00b"}),
        ("POST", "/actions", {"kind": "resolved", "mark_heard": "no"}),
    ],
)
def test_a_bad_body_is_refused(acme: Tenant, ask: Ask, method: str, below: str, body: dict[str, object]) -> None:
    voicemail = save_voicemail(acme.org_id)
    status, refusal = ask(method, f"/voicemails/{voicemail.id}{below}", body)
    assert (status, refusal["error"]) == (400, "invalid_request")
    assert ask("GET", f"/voicemails/{voicemail.id}")[1]["timeline"] == []


def test_bad_parameters_of_lists_are_refused(acme: Tenant, ask: Ask) -> None:
    for _ in range(3):
        save_voicemail(acme.org_id)
    cursor = ask("GET", "/voicemails?limit=1")[1]["next_cursor"]
    for query in ("filter=new", "limit=0", "limit=101", f"filter=unheard&cursor={cursor}", f"cursor={cursor}x"):
        assert ask("GET", f"/voicemails?{query}")[0] == 400, query
    other = ask_as(member(tenant("other").org_id, Role.ADMIN, "Eve"))
    assert other("GET", f"/voicemails?limit=1&cursor={cursor}")[0] == 400


def test_a_voicemail_of_another_organization_is_not_found(acme: Tenant, ask: Ask) -> None:
    path = f"/voicemails/{save_voicemail(tenant('other').org_id, text=TEXT).id}"
    for method, below, body in (
        ("GET", "", None),
        ("PATCH", "", {"is_heard": True}),
        ("PATCH", "", {"is_read": True}),
        ("DELETE", "", None),
        ("POST", "/view", None),
        ("POST", "/play", None),
        ("POST", "/actions", {"kind": "resolved"}),
        ("POST", "/summarize", None),
    ):
        assert ask(method, path + below, body)[0] == 404, (method, below)
    assert list_ids(ask) == []


def test_a_long_timeline_has_pages(acme: Tenant, ask: Ask, frozen: clock.FrozenClock) -> None:
    path = f"/voicemails/{save_voicemail(acme.org_id).id}"
    for number in range(103):
        frozen.advance(seconds=1)
        ask("PATCH", path, {"is_heard": number % 2 == 0})
    first = ask("GET", path)[1]
    assert len(first["timeline"]) == 100
    rest = ask("GET", f"{path}?cursor={first['timeline_next_cursor']}")[1]
    assert (len(rest["timeline"]), rest["timeline_next_cursor"]) == (3, None)
    times = [one["at"] for one in first["timeline"] + rest["timeline"]]
    assert times == sorted(times, reverse=True)
    other = f"/voicemails/{save_voicemail(acme.org_id).id}"
    assert ask("GET", f"{other}?cursor={first['timeline_next_cursor']}")[0] == 400


def test_unread_voicemails_are_counted_for_each_member(acme: Tenant, ada: Member, bob: Member) -> None:
    for _ in range(3):
        voicemail = save_voicemail(acme.org_id)
    ask_as(ada)("POST", f"/voicemails/{voicemail.id}/view")
    counts = ask_as(ada, group="hum/calls"), ask_as(bob, group="hum/calls")
    assert [count("GET", "/unread-counts")[1]["voicemails"] for count in counts] == [2, 3]
    assert ask_as(bob, group="hum/analytics")("GET", "/dashboard")[1]["stats"]["unread_voicemails"] == 3
    assert ask_as(ada)("POST", "/voicemails/mark-all-read") == (200, {"ok": True, "marked": 2})
    assert ask_as(ada)("POST", "/voicemails/mark-all-read") == (200, {"ok": True, "marked": 0})
    assert [count("GET", "/unread-counts")[1]["voicemails"] for count in counts] == [0, 3]
    assert list_ids(ask_as(ada), "filter=unread") == []


def test_a_repeated_key_does_an_action_once(acme: Tenant, ada: Member, ask: Ask) -> None:
    voicemail = save_voicemail(acme.org_id)
    path = f"/voicemails/{voicemail.id}"
    sent = ("POST", f"{path}/actions", {"kind": "escalated"})
    assert ask(*sent, idempotency_key="k1") == ask(*sent, idempotency_key="k1") == (200, {"ok": True})
    assert [one["kind"] for one in ask("GET", path)[1]["timeline"]].count("action") == 1
    assert ask("POST", f"{path}/actions", {"kind": "resolved"}, idempotency_key="k1")[0] == 409


def test_heard_actions_and_deletions_are_in_the_audit_chain(acme: Tenant, ada: Member) -> None:
    ask, voicemail = ask_as(ada), save_voicemail(acme.org_id)
    path = f"/voicemails/{voicemail.id}"
    ask("PATCH", path, {"is_heard": True, "is_read": True}, x_correlation_id="corr_v")
    ask("PATCH", path, {"is_heard": True}, x_correlation_id="corr_v")
    ask("POST", f"{path}/view", x_correlation_id="corr_v")
    ask("POST", f"{path}/actions", {"kind": "resolved", "note": "ok"}, x_correlation_id="corr_v")
    ask("PATCH", path, {"is_heard": False}, x_correlation_id="corr_v")
    ask("DELETE", path, x_correlation_id="corr_v")
    found = list_workflow_events(acme.org_id, "corr_v")
    assert [event.type for event in found] == [
        "voicemail.heard",
        "voicemail.action_logged",
        "voicemail.unheard",
        "voicemail.deleted",
    ]
    assert {event.actor.id for event in found} == {ada.user_id}
    assert found[1].data == {"action": "resolved", "characters": 2, "marked_heard": False}
    assert found[3].data.keys() == {"call", "caller", "content"}
    assert ADA not in str(found)


def test_a_summary_needs_a_transcript(acme: Tenant, ask: Ask) -> None:
    for text, status in ((None, 400), ("x" * 19, 400), (f"  {'x' * 19}  ", 400), ("x" * 20, 202)):
        found = ask("POST", f"/voicemails/{save_voicemail(acme.org_id, text=text).id}/summarize")
        assert found[0] == status
        assert found[1] == {"ok": True, "queued": True} or found[1]["code"] == "transcript_too_short"
    assert ask("POST", "/voicemails/vm_01kfe2v7g0hjkmnpqrstvwxyz0/summarize")[0] == 404


def test_a_summary_that_cannot_be_queued_is_unavailable(
    acme: Tenant, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    voicemail = save_voicemail(acme.org_id, text=TEXT)
    ask("GET", "/voicemails")

    def refuse(**_: object) -> None:
        error = {"Error": {"Code": "ThrottlingException", "Message": "slow down"}}
        raise clients.ClientError(error, "TransactWriteItems")  # type: ignore[arg-type]

    monkeypatch.setattr(clients.dynamodb_client(), "transact_write_items", refuse)
    status, refusal = ask("POST", f"/voicemails/{voicemail.id}/summarize")
    assert (status, refusal["error"]) == (503, "service_unavailable")
    found = store.VOICEMAILS.get_object(acme.org_id, voicemail.id)
    assert found is not None
    assert found.summary_requested_at is None


@pytest.mark.parametrize(
    ("body", "field", "message"),
    [
        ({"is_heard": "yes"}, "is_heard", "must be true or false"),
        ({}, "body", "send is_heard, is_read or both"),
        ([], "body", "the body of the request must be a JSON object"),
        (None, "body", "the request has no body: send a JSON object"),
    ],
)
def test_a_wrong_change_names_its_field(acme: Tenant, ask: Ask, body: Any, field: str, message: str) -> None:
    status, error = ask("PATCH", f"/voicemails/{save_voicemail(acme.org_id).id}", body)
    assert (status, error["details"]) == (400, [{"field": field, "message": message}])
