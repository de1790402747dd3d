"""The record of a call: its detail, its viewers, its tags and its notes."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import quote

import pytest

from switchboard.aws import objects
from switchboard.aws.writes import commit
from switchboard.calls import notes, store, tags
from switchboard.calls.models import Call, CallRecording
from switchboard.carriers.voice.ports.reports import ToolUse, Turn
from switchboard.kit import clock
from switchboard.persistence.idempotency import IdempotencyKey
from switchboard.team.models import Member
from switchboard.team.permissions import Role
from tests.actors import Tenant, member, tenant
from tests.unit.call_records.desk import Ask, ask_as, list_ids, save_call
from tests.unit.contacts.book import list_workflow_events

pytestmark = pytest.mark.usefixtures("cloud", "frozen")


@pytest.fixture
def acme(cloud: dict[str, str], frozen: clock.FrozenClock) -> Tenant:
    return tenant()


@pytest.fixture
def ask(acme: Tenant) -> Ask:
    return ask_as(member(acme.org_id, Role.OPERATOR))


@pytest.fixture
def call(acme: Tenant) -> Call:
    return save_call(
        acme.org_id, summary="Refund.", answered_at="2026-01-15T16:00:00.000Z", cost_micros=25_000, outcome="success"
    )


def test_the_detail_has_what_was_said_and_done(call: Call, ask: Ask) -> None:
    commit(
        store.turn_writes(call, Turn(number=1, speaker="agent", text="Hello", start_ms=0, end_ms=900)),
        store.turn_writes(call, Turn(number=2, speaker="user", text="Hi", start_ms=1000, end_ms=1500)),
        store.tool_use_writes(call, ToolUse(id="t-1", name="look_up", arguments={"id": 1.5}, start_ms=1500)),
    )
    status, found = ask("GET", f"/calls/{call.id}")
    assert status == 200
    assert found["transcript"] == [
        {"id": "turn_1", "role": "agent", "text": "Hello", "started_at_ms": 0, "ended_at_ms": 900},
        {"id": "turn_2", "role": "caller", "text": "Hi", "started_at_ms": 1000, "ended_at_ms": 1500},
    ]
    (tool,) = found["tools"]
    assert (tool["name"], tool["arguments"], tool["started_at"]) == (
        "look_up",
        {"id": 1.5},
        "2026-01-15T16:00:01.500Z",
    )
    assert found["summary"] == {"tldr": "Refund.", "key_points": [], "next_actions": [], "sentiment": None}
    assert (found["cost_cents"], found["outcome"], found["outcome_data"]) == (2.5, "success", {})
    assert (found["recording_url"], found["notes"], found["viewers"], found["is_read"]) == (None, [], [], False)


def test_a_stored_recording_has_a_link_that_expires(acme: Tenant, ask: Ask, frozen: clock.FrozenClock) -> None:
    key = f"{acme.org_id}/recordings/a.mp3"
    objects.put_object("recordings", key, b"sound", "audio/mpeg")
    stored = CallRecording(
        id="rec_1", url="https://provider.example/a", duration_seconds=9, key=key, media_type="audio/mpeg"
    )
    found = ask("GET", f"/calls/{save_call(acme.org_id, recordings=[stored]).id}")[1]
    assert "Signature=" in found["recording_url"]
    assert found["recording_expires_at"] == "2026-01-15T18:00:00.000Z"
    assert found["has_recording"]


def test_views_of_a_member_within_five_minutes_are_one(
    acme: Tenant, call: Call, ask: Ask, frozen: clock.FrozenClock
) -> None:
    eve = ask_as(member(acme.org_id, Role.VIEWER, "Eve"))
    for who, seconds in ((ask, 0), (ask, 299), (eve, 0), (ask, 1), (ask, 299)):
        frozen.advance(seconds=seconds)
        assert who("POST", f"/calls/{call.id}/view") == (200, {"ok": True})
    viewers = ask("GET", f"/calls/{call.id}")[1]["viewers"]
    assert [(one["name"], one["viewed_at"][11:19]) for one in viewers] == [
        ("Ada", "17:05:00"),
        ("Eve", "17:04:59"),
        ("Ada", "17:00:00"),
    ]


def test_a_view_within_the_window_still_marks_the_call_as_read(call: Call, ask: Ask) -> None:
    ask("POST", f"/calls/{call.id}/view")
    ask("PATCH", f"/calls/{call.id}", {"is_read": False})
    ask("POST", f"/calls/{call.id}/view")
    found = ask("GET", f"/calls/{call.id}")[1]
    assert (found["is_read"], len(found["viewers"])) == (True, 1)


def test_a_tag_has_its_first_spelling_and_its_last_color(acme: Tenant, call: Call, ask: Ask) -> None:
    other = save_call(acme.org_id)
    path = f"/calls/{call.id}/tags"
    assert ask("POST", path, {"name": " Call back ", "color": "#abc"})[1]["tags"] == [
        {"name": "Call back", "color": "#abc"}
    ]
    assert ask("POST", path, {"name": "CALL BACK"})[1]["tags"] == [{"name": "Call back", "color": "#abc"}]
    assert ask("POST", path, {"name": "call back", "color": "#112233"})[1]["tags"] == [
        {"name": "Call back", "color": "#112233"}
    ]
    assert ask("POST", f"/calls/{other.id}/tags", {"name": "call BACK"})[1]["tags"] == [
        {"name": "call BACK", "color": "#112233"}
    ]
    assert ask("GET", "/tags")[1] == {"tags": [{"name": "Call back", "color": "#112233", "count": 2}]}
    assert ask("GET", path)[1] == {"tags": [{"name": "Call back", "color": "#112233"}]}
    assert list_ids(ask, "tag=CALL%20back") == [other.id, call.id]
    assert list_ids(ask, "tag=call%20back&q=refund") == [call.id]
    assert list_ids(ask, "tag=call") == []
    assert ask("DELETE", f"{path}/CALL%20back") == (200, {"ok": True})
    assert ask("DELETE", f"{path}/CALL%20back")[0] == 404
    assert ask("GET", "/tags")[1]["tags"][0]["count"] == 1
    assert list_ids(ask, "tag=call%20back") == [other.id]
    ask("DELETE", f"/calls/{other.id}/tags/call%20back")
    assert ask("GET", "/tags")[1] == {"tags": []}


@pytest.mark.parametrize("name", ["a/b", "50%", "a%2Fb", "Größe", "日本語", "x#y=z", "..", "?", "a+b", "\ufdfa" * 60])
def test_any_visible_name_can_be_added_filtered_and_removed(call: Call, ask: Ask, name: str) -> None:
    assert ask("POST", f"/calls/{call.id}/tags", {"name": name})[0] == 200
    assert list_ids(ask, f"tag={quote(name, safe='')}") == [call.id]
    assert ask("DELETE", f"/calls/{call.id}/tags/{quote(name, safe='')}") == (200, {"ok": True})
    assert ask("GET", f"/calls/{call.id}/tags")[1] == {"tags": []}


def test_bad_tags_and_notes_are_refused(call: Call, ask: Ask) -> None:
    for body in (
        {},
        {"name": ""},
        {"name": " "},
        {"name": "x" * 61},
        {"name": "a\nb"},
        {"name": "a\u0000"},
        {"name": "x", "color": "red"},
        {"name": "x", "color": "#12"},
        {"name": "x", "color": "#123\n"},
    ):
        assert ask("POST", f"/calls/{call.id}/tags", body)[0] == 400, body
    for body in ({}, {"body": ""}, {"body": " \n"}, {"body": "x" * 4001}, {"body": "a\u0000b"}, {"body": "\u202eabc"}):
        assert ask("POST", f"/calls/{call.id}/notes", body)[0] == 400, body
    assert ask("POST", f"/calls/{call.id}/notes", {"body": "😀" * 4000})[0] == 200
    assert ask("DELETE", f"/calls/{call.id}/tags/a/b")[0] == 404
    assert ask("DELETE", "/notes/x")[0] == 404


def test_a_call_has_a_limited_number_of_tags_and_notes(
    acme: Tenant, call: Call, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tags, "MAX_TAGS_OF_CALL", 2)
    monkeypatch.setattr(notes, "MAX_NOTES", 2)
    statuses = [ask("POST", f"/calls/{call.id}/tags", {"name": name})[0] for name in ("a", "b", "c", "B")]
    assert statuses == [200, 200, 400, 200]
    assert [ask("POST", f"/calls/{call.id}/notes", {"body": "x"})[0] for _ in range(3)] == [200, 200, 400]
    monkeypatch.setattr(tags, "MAX_TAGS", 2)
    other = save_call(acme.org_id)
    assert [ask("POST", f"/calls/{other.id}/tags", {"name": name})[0] for name in ("c", "a")] == [400, 200]


def test_a_note_is_deleted_by_its_author_or_an_admin(acme: Tenant, call: Call, ask: Ask) -> None:
    path = f"/calls/{call.id}/notes"
    author = member(acme.org_id, Role.OPERATOR, "Grace")
    made = [ask_as(author)("POST", path, {"body": f"Line 1\nLine {number}"})[1]["note"] for number in range(3)]
    assert made[0] == {
        "id": made[0]["id"],
        "call_id": call.id,
        "body": "Line 1\nLine 0",
        "author": {"id": author.user_id, "name": "Grace"},
        "created_at": clock.now_iso(),
    }
    assert ask("GET", path)[1] == {"notes": made}
    assert ask("GET", f"/calls/{call.id}")[1]["notes"] == made
    assert ask("DELETE", f"/notes/{made[0]['id']}")[0] == 403
    assert ask_as(author)("DELETE", f"/notes/{made[0]['id']}") == (200, {"ok": True})
    assert ask_as(member(acme.org_id, Role.ADMIN, "Root"))("DELETE", f"/notes/{made[1]['id']}") == (200, {"ok": True})
    assert ask_as(author)("DELETE", f"/notes/{made[0]['id']}")[0] == 404
    assert ask("GET", path)[1] == {"notes": made[2:]}
    found = store.CALLS.get_object(acme.org_id, call.id)
    assert found
    assert found.note_count == 1


def test_viewers_read_and_do_not_write(acme: Tenant, call: Call) -> None:
    eve = ask_as(member(acme.org_id, Role.VIEWER, "Eve"))
    assert eve("PATCH", f"/calls/{call.id}", {"is_read": True})[0] == 200
    assert eve("POST", f"/calls/{call.id}/tags", {"name": "x"})[0] == 403
    assert eve("POST", f"/calls/{call.id}/notes", {"body": "x"})[0] == 403


def test_a_repeated_request_changes_nothing_even_without_its_stored_answer(acme: Tenant, call: Call) -> None:
    admin = member(acme.org_id, Role.ADMIN)

    def acting(key: str) -> Member:
        return replace(admin, effect=IdempotencyKey(scope=admin.user_id, key=key, fingerprint="f"))

    actor = acting("note")
    first, second = (notes.create_note(actor, call.id, "x") for _ in range(2))
    assert (first, notes.list_notes(acme.org_id, call.id)) == (second, [first])
    actor = acting("tag")
    for _ in range(2):
        tags.add_tag(actor, call.id, "x", None, recolor=False)
    assert [tag.calls for tag in tags.list_tags(acme.org_id)] == [1]
    actor = acting("untag")
    for _ in range(2):
        tags.remove_tag(actor, call.id, "x")
    actor = acting("delete")
    for _ in range(2):
        notes.delete_note(actor, first.id)
    assert (tags.list_tags(acme.org_id), notes.list_notes(acme.org_id, call.id)) == ([], [])


def test_changes_are_events_without_content_and_reading_is_none(acme: Tenant, call: Call) -> None:
    actor = member(acme.org_id, Role.ADMIN)
    ask = ask_as(actor)
    ask("POST", f"/calls/{call.id}/view")
    ask("POST", "/calls/mark-all-read")
    tags.add_tag(actor, call.id, "Secret", "#abc", recolor=True)
    tags.add_tag(actor, call.id, "Secret", "#abd", recolor=True)
    tags.remove_tag(actor, call.id, "secret")
    notes.delete_note(actor, notes.create_note(actor, call.id, "Secret").id)
    found = list_workflow_events(acme.org_id, actor.correlation_id)
    kinds = [event.type for event in found if event.type.startswith("call.")]
    assert kinds == [
        "call.tag_added",
        "call.tag_changed",
        "call.tag_removed",
        "call.note_created",
        "call.note_deleted",
    ]
    assert "ecret" not in str([event.data for event in found])
