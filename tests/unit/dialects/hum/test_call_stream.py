"""The live stream of a call: its snapshot, its events, its end, and who may watch it."""

from __future__ import annotations

import asyncio
import json
import re
from typing import Any

import pytest

from functions.hum.streams.handler import handler
from infra import openapi
from switchboard.audit import sealing
from switchboard.aws import dynamodb, reads
from switchboard.aws.writes import Writes, commit
from switchboard.calls import changes, dialing, store, summarizing
from switchboard.calls.models import Call, State
from switchboard.carriers import voice
from switchboard.carriers.voice.ports.reports import EndReason, ToolUse, Turn
from switchboard.dialects.hum import call_stream, call_stream_events
from switchboard.dialects.hum.call_stream import CallEntries
from switchboard.dialects.hum.dialect import COOKIE
from switchboard.errors import Forbidden, Unauthenticated
from switchboard.events import service as events
from switchboard.events.models import Subject
from switchboard.kit import clock
from switchboard.people import sessions
from switchboard.persistence.collection import next_version
from switchboard.streams import service as streams
from switchboard.streams.guard import SessionGuard
from switchboard.streams.models import StreamSubscription
from switchboard.team import members
from switchboard.team.models import Member
from switchboard.team.permissions import Permission, Role
from tests.actors import member, tenant
from tests.fakes.voice import Provider
from tests.integration.sabotage import scan_items
from tests.load.request import api_event
from tests.unit.call_records.desk import save_call
from tests.unit.calls.console_calls import place, save_flow
from tests.unit.calls.live_calls import read_call, report_progress, report_turn
from tests.unit.streams.conftest import parse_blocks


@pytest.fixture
def ada(cloud: dict[str, str], frozen: clock.FrozenClock) -> Member:
    return member(tenant().org_id, Role.VIEWER)


def happen(call: Call, kind: str, *facts: Writes, **data: Any) -> None:
    """Record an event of a call, and seal it into the chain."""
    subject = Subject(type="call", id=call.id, version=call.version)
    event = events.new_event(changes.call_origin(call), kind, subject, to="0" * 64, **data)
    commit(*facts, events.event_write(event))
    sealing.seal_events(call.org_id, [event])


def move(call: Call, state: State, kind: str | None, **fields: Any) -> Call:
    """Change a call's state, with its event."""
    after = next_version(call, state=state, **fields)
    commit(store.CALLS.save_write(after))
    if kind:
        happen(after, kind)
    return after


def say(call: Call, number: int, text: str, *, final: bool = True) -> None:
    turn = Turn(number=number, speaker="caller", text=text, start_ms=0, end_ms=900, final=final)
    told = {"number": number, "speaker": "caller", "characters": len(text)}
    happen(call, "voice.call.turn", store.turn_writes(call, turn), **told)


def watch(ada: Member, call: Call, after: int) -> list[dict[str, Any]]:
    """Return the blocks that a stream shows after a place, with the last block if the source ends."""
    batch = CallEntries(ada, call.id).read_entries(after, 500)
    selection = call_stream.Selection(call=call.id)
    shown = b"".join(entry.frame for entry in batch.entries if selection.selects(entry)) + (batch.last_block or b"")
    return parse_blocks(shown.decode(), named=True)


def ask(ada: Member, call_id: str, **headers: str) -> dict[str, Any]:
    """Request the stream from the buffered function."""
    cookie = sessions.open_session(ada.user, ada.org_id)
    sent = {"cookie": f"{COOKIE}={cookie}", **{name.replace("_", "-"): value for name, value in headers.items()}}
    # Mangum takes the current event loop, and would leave one of its own open.
    with asyncio.Runner() as runner:
        asyncio.set_event_loop(runner.get_loop())
        return handler(api_event("GET", f"/api/calls/{call_id}/stream", sent), None)


def test_the_snapshot_has_the_call_so_far_in_the_form_of_its_details(ada: Member) -> None:
    call = save_call(ada.org_id, state=State.ACTIVE)
    say(call, 0, "Hello?")
    start = CallEntries(ada, call.id).find_start(None)
    [block] = parse_blocks(start.opening.decode(), named=True)
    assert (block["event"], block["id"]) == ("snapshot", start.after)
    shown = block["data"]["call"]
    assert (shown["id"], shown["status"]) == (call.id, "in-progress")
    assert [turn["text"] for turn in shown["transcript"]] == ["Hello?"]


def test_what_happens_follows_with_rising_ids(ada: Member) -> None:
    call = save_call(ada.org_id, state=State.RINGING)
    start = CallEntries(ada, call.id).find_start(None)
    happen(save_call(ada.org_id), "voice.call.ringing")
    call = move(call, State.ACTIVE, "voice.call.answered", answered_at=clock.now_iso())
    say(call, 0, "Good", final=False)
    [delta] = watch(ada, call, start.after + 2)
    say(call, 0, "Hello?")
    tool = ToolUse(id="t1", name="look_up", arguments={"id": 7}, result="found", start_ms=10, duration_ms=40)
    told = {"tool": "look_up", "status": "completed", "duration_ms": 40}
    happen(call, "voice.call.tool", store.tool_use_writes(call, tool), **told)
    blocks = watch(ada, call, start.after)
    assert [block["event"] for block in blocks] == [
        "status",
        "transcript.final",
        "transcript.final",
        "tool.completed",
    ]
    assert delta["event"] == "transcript.delta"
    assert (delta["data"]["turn"]["id"], delta["data"]["turn"]["text"]) == ("turn_0", "Good")
    assert blocks[0]["data"]["status"] == "in-progress"
    assert blocks[3]["data"]["tool"]["arguments"] == {"id": 7}
    ids = [block["id"] for block in blocks]
    assert ids == sorted(set(ids))
    assert all(block["data"]["call_id"] == call.id for block in blocks)


def test_an_event_of_another_call_is_not_shown(ada: Member) -> None:
    mine, other = save_call(ada.org_id, state=State.RINGING), save_call(ada.org_id, state=State.ACTIVE)
    start = CallEntries(ada, mine.id).find_start(None)
    say(other, 0, "A secret.")
    assert watch(ada, mine, start.after) == []


def seal_all(org_id: str) -> None:
    """Seal all events of an organization into its chain, as the worker of the audit does."""
    items = [dynamodb.decode_item(item) for item in scan_items("activity") if "outbox" in item]
    told = [events.parse_event(item) for item in items if item["outbox"] == "event"]
    sealing.seal_events(org_id, sorted((one for one in told if one.org_id == org_id), key=lambda one: one.id))


@pytest.mark.parametrize("analyzes", [False, True])
def test_a_course_of_reports_gives_each_status_once_and_then_the_summary_and_the_end(
    ada: Member, frozen: clock.FrozenClock, monkeypatch: pytest.MonkeyPatch, analyzes: bool
) -> None:
    monkeypatch.setattr(voice, "get_carrier", lambda: Provider(analyzes=analyzes).carrier)
    operator = member(ada.org_id, Role.OPERATOR, "Grace")
    call = place(operator, save_flow(ada.org_id))
    start = CallEntries(ada, call.id).find_start(None)
    dialing.dial_call(call.org_id, call.id)
    report_progress(call, "ringing")
    report_progress(call, "answered", answered_by="human")
    report_turn(call, "I want to be booked on Monday, please.")
    report_progress(call, "hold")
    report_progress(call, "resumed")
    report_progress(call, "ended", end_reason=EndReason.CALLER_HANGUP, duration_seconds=30)
    if analyzes:
        assert read_call(call).state is State.ENDING
        report_progress(call, "analyzed", outcome="success", summary="They agreed.")
    frozen.advance(seconds=6)
    summarizing.summarize_call(call.org_id, call.id)
    frozen.advance(seconds=4)
    seal_all(ada.org_id)
    blocks = watch(ada, call, start.after)
    frozen.advance(seconds=4)
    blocks += watch(ada, call, blocks[-1]["id"]) if blocks[-1]["event"] != "call.ended" else []
    told = [block["data"].get("status", block["event"]) for block in blocks if block["event"] != "call.ended"]
    assert told == ["ringing", "in-progress", "transcript.final", "completed", "summary.ready"]
    assert blocks[-2]["data"]["summary"]["tldr"]
    assert (blocks[-1]["event"], blocks[-1]["data"]["status"]) == ("call.ended", "completed")


def test_it_ends_some_moments_after_the_summary(ada: Member, frozen: clock.FrozenClock) -> None:
    call = save_call(ada.org_id, state=State.ENDING, answered_at=clock.now_iso(), ended_at=clock.now_iso())
    start = CallEntries(ada, call.id).find_start(None)
    told = {"outcome": "success", "summary": "Ada wants a call back.", "summarized_at": clock.now_iso()}
    call = move(call, State.COMPLETED, None, **told)
    happen(call, "voice.call.summarized", sentiment="neutral", made_by="rules", turns=2)
    [summary] = watch(ada, call, start.after)
    assert (summary["event"], summary["data"]["summary"]["tldr"]) == ("summary.ready", "Ada wants a call back.")
    assert watch(ada, call, summary["id"]) == [], "the last events may still be on their way into the chain"
    frozen.advance(seconds=4)
    [end] = watch(ada, call, summary["id"])
    assert (end["event"], end["id"], end["data"]["status"]) == ("call.ended", summary["id"], "completed")


def test_the_end_of_a_deleted_call_has_only_its_id(ada: Member) -> None:
    call = save_call(ada.org_id)
    commit(store.CALLS.delete_write(call))
    [end] = watch(ada, call, 0)
    assert (end["event"], {name: value for name, value in end["data"].items() if value is not None}) == (
        "call.ended", {"call_id": call.id},
    )  # fmt: skip


def documented_fields(text: str) -> dict[str, list[str]]:
    """The fields of each event in a table of a page: "| `status` | `{call_id, status, at}` |"."""
    rows = re.findall(r"^\| (`[a-z.]+`(?:, `[a-z.]+`)*) \| `\{([\w, ]+)\}`", text, re.MULTILINE)
    return {name: fields.split(", ") for names, fields in rows for name in re.findall("`([a-z.]+)`", names)}


def test_both_pages_show_the_data_of_each_event() -> None:
    written = {name: list(model.model_fields) for name, model in call_stream_events.DATA.items()}
    document = json.loads((openapi.FOLDER / "hum.json").read_text())
    described = document["paths"]["/api/calls/{id}/stream"]["get"]["description"]
    assert documented_fields(described) == written, "change the table in functions/hum/streams/routes.py"
    page = (openapi.FOLDER.parents[2] / "docs" / "contracts" / "hum.md").read_text()
    page = page.partition("### The live stream")[2].partition("\n## ")[0]
    assert documented_fields(page) == written, "change the table in docs/contracts/hum.md#the-live-stream"


def test_a_summary_that_never_comes_is_not_awaited_for_ever(ada: Member, frozen: clock.FrozenClock) -> None:
    now = clock.now_iso()
    call = save_call(ada.org_id, answered_at=now, ended_at=now)
    head = CallEntries(ada, call.id).find_start(None).after
    frozen.advance(seconds=59)
    assert watch(ada, call, head) == []
    frozen.advance(seconds=1)
    assert [block["event"] for block in watch(ada, call, head)] == ["call.ended"]


def test_a_call_that_was_not_answered_awaits_no_summary(ada: Member, frozen: clock.FrozenClock) -> None:
    call = save_call(ada.org_id, state=State.BUSY, ended_at=clock.now_iso())
    frozen.advance(seconds=3)
    assert [block["event"] for block in watch(ada, call, 0)] == ["call.ended"]


def test_a_client_that_returns_misses_and_repeats_nothing(ada: Member) -> None:
    call = save_call(ada.org_id, state=State.ACTIVE)
    say(call, 0, "One.")
    say(call, 1, "Two.")
    first, second = watch(ada, call, 0)
    start = CallEntries(ada, call.id).find_start(first["id"])
    assert (start.resumed, start.opening) == (True, b"")
    assert [block["id"] for block in watch(ada, call, start.after)] == [second["id"]]


@pytest.mark.parametrize("last_seen", [5, 2_000])
def test_a_place_that_is_not_in_the_chain_gets_a_snapshot(ada: Member, last_seen: int) -> None:
    call = save_call(ada.org_id, state=State.ACTIVE)
    start = CallEntries(ada, call.id).find_start(last_seen)
    assert (start.resumed, bool(start.opening)) == (False, True)


def test_a_client_that_was_away_for_long_gets_a_snapshot(ada: Member, monkeypatch: pytest.MonkeyPatch) -> None:
    call = save_call(ada.org_id, state=State.ACTIVE)
    monkeypatch.setattr(call_stream, "_MAX_MISSED", 2)
    for number in range(4):
        say(call, number, "Still here.")
    assert CallEntries(ada, call.id).find_start(1).opening
    assert not CallEntries(ada, call.id).find_start(2).opening


def test_a_call_that_is_over_answers_snapshot_and_end_at_once(ada: Member, frozen: clock.FrozenClock) -> None:
    call = save_call(ada.org_id, state=State.NO_ANSWER, ended_at=clock.now_iso())
    frozen.advance(minutes=5)
    answer = ask(ada, call.id)
    assert (answer["statusCode"], answer["headers"]["content-type"]) == (200, "text/event-stream")
    blocks = [block for block in parse_blocks(answer["body"], named=True) if "data" in block]
    assert [block["event"] for block in blocks] == ["snapshot", "call.ended"]
    assert blocks[1]["data"]["status"] == "no-answer"


def test_a_call_of_another_organization_is_not_found(ada: Member) -> None:
    foreign = save_call(tenant("beta").org_id)
    for call_id in (foreign.id, "call_unknown", "x"):
        answer = ask(ada, call_id)
        assert (answer["statusCode"], json.loads(answer["body"])["code"]) == (404, "not_found")


def test_a_last_id_that_is_no_number_is_refused(ada: Member) -> None:
    answer = ask(ada, save_call(ada.org_id).id, last_event_id="x")
    assert answer["statusCode"] == 400


def test_a_member_who_leaves_stops_watching(ada: Member) -> None:
    cookie = str(sessions.open_session(ada.user, ada.org_id))
    guard = SessionGuard(ada.org_id, cookie, Permission.CALLS_READ)
    guard.require_access()
    admin = member(ada.org_id, Role.ADMIN, "Grace")
    members.remove_member(admin, ada.user.id)
    with pytest.raises((Forbidden, Unauthenticated)):
        guard.require_access()


def test_a_guard_does_not_count_as_a_use_of_the_session(ada: Member, frozen: clock.FrozenClock) -> None:
    cookie = sessions.open_session(ada.user, ada.org_id)
    before = reads.read_ref(sessions.session_ref(cookie.digest))
    frozen.advance(hours=2)
    SessionGuard(ada.org_id, str(cookie), Permission.CALLS_READ).require_access()
    assert reads.read_ref(sessions.session_ref(cookie.digest)) == before


@pytest.mark.usefixtures("cloud", "frozen")
def test_a_person_who_looks_at_one_call_after_the_other_watches_each_live() -> None:
    limit = 3
    ada = member(tenant(open_streams=limit).org_id, Role.VIEWER)
    guard = SessionGuard(ada.org_id, "cookie", Permission.CALLS_READ)

    def open_stream(call: Call, last_seen: int | None = None, client: str = ada.user_id) -> StreamSubscription:
        return call_stream.watch_call(ada, guard, call.id, last_seen=last_seen, client=client)

    opened = [open_stream(save_call(ada.org_id, state=State.ACTIVE)) for _ in range(limit + 2)]
    assert [one.full for one in opened] == [None] * (limit + 2)
    assert streams.renew_streams(opened) == {opened[0].id, opened[1].id}, "the oldest streams gave up their places"
    resumed = open_stream(save_call(ada.org_id, state=State.ACTIVE), last_seen=0)
    assert not resumed.is_live, "windows that are still open do not close each other in turn"
    other = open_stream(save_call(ada.org_id, state=State.ACTIVE), client="usr_other")
    assert not other.is_live, "nobody takes the place of another person"
