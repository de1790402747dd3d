"""The live stream of one call for the console: a snapshot, what happens in the call, and its end.

The entries come from the audit chain of the organization, and their place is the `seq`. So a client that reconnects
with its last id misses nothing. The chain holds no texts: a turn, a tool use and a summary are read from the call.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from pydantic import BaseModel

from switchboard.audit import service as audit
from switchboard.aws import reads
from switchboard.call_records import service as records
from switchboard.calls import inbox, lookup
from switchboard.calls.models import FINAL_STATES, Call, State
from switchboard.carriers.voice.ports.reports import ToolUse, Turn
from switchboard.dialects.hum.call_details import CallRecordView, CallSummaryView, CallToolView, CallTurnView
from switchboard.dialects.hum.call_stream_events import (
    DELTA,
    ENDED,
    FINAL,
    SNAPSHOT,
    STATUS,
    SUMMARY,
    TOOL_COMPLETED,
    TOOL_STARTED,
    EndData,
    SnapshotData,
    StatusData,
    SummaryData,
    ToolData,
    TurnData,
    render_event,
)
from switchboard.dialects.hum.call_views import STATUSES
from switchboard.kit import clock
from switchboard.streams.guard import StreamGuard
from switchboard.streams.models import EntryBatch, Selection, StreamEntry, StreamStart, StreamSubscription
from switchboard.streams.pools import StreamFunction
from switchboard.streams.service import open_stream
from switchboard.team.models import Member

#: How long a stream waits for the summary after the end of an answered call.
SUMMARY_LIMIT = timedelta(seconds=60)
#: How long after its last change a call counts as settled: its events then are in the chain.
_SETTLED_AFTER = timedelta(seconds=3)
#: A client that missed more events of its organization than this gets a new snapshot.
_MAX_MISSED = 2_000

#: The states that follow from events of a call. Other events do not change its status: a call on hold is in progress.
_STATES = {
    "voice.call.ringing": State.RINGING,
    "voice.call.answered": State.ACTIVE,
    "voice.call.ending": State.ENDING,
    "voice.call.completed": State.COMPLETED,
    "voice.call.busy": State.BUSY,
    "voice.call.no_answer": State.NO_ANSWER,
    "voice.call.failed": State.FAILED,
    "voice.call.canceled": State.CANCELED,
}


class CallEntries:
    """The entries of one call. The place is the `seq` of the organization's audit chain.

    A client without a place first gets a snapshot. The source ends when the call is over and summarized, or not
    summarized within `SUMMARY_LIMIT`.
    """

    def __init__(self, member: Member, call_id: str) -> None:
        self._member, self._org_id, self._call_id = member, member.org_id, call_id

    @property
    def id(self) -> str:
        """The id of the call. The entries are the same for all members."""
        return f"{self._org_id}#call#{self._call_id}"

    def find_start(self, last_seen: int | None) -> StreamStart:
        """Returns the start for a client. Raises NotFound for an unknown call."""
        # The head is read before the call: an event in between comes twice, in the snapshot and as an entry.
        head = audit.get_head(self._org_id).seq
        if last_seen is not None and self._may_resume(last_seen, head):
            return StreamStart(after=last_seen, head=head, resumed=True)
        record = CallRecordView.of_record(records.get_call(self._member, self._call_id))
        block = render_event(head, SNAPSHOT, SnapshotData(call=record))
        return StreamStart(after=head, head=head, resumed=False, opening=block)

    def _may_resume(self, last_seen: int, head: int) -> bool:
        """Whether a client continues after its last entry. Raises NotFound for an unknown call."""
        if last_seen < head - _MAX_MISSED or not audit.has_reached(self._org_id, last_seen, head):
            return False
        inbox.require_call(self._org_id, self._call_id)
        return True

    def _find_call(self) -> Call | None:
        return reads.read_ref(lookup.call_ref(self._org_id, self._call_id))

    def read_entries(self, after: int, limit: int) -> EntryBatch:
        """Returns up to `limit` entries after a `seq`, those of other subjects too: a selection leaves them out."""
        documents = audit.list_next_documents(self._org_id, after, limit)
        mine = [document for document in documents if document["resourceId"] == self._call_id]
        # Events of other subjects alone need no look at the call.
        call = self._find_call() if mine or not documents else None
        frames = self._frames(call, mine) if call else {}
        entries = [
            StreamEntry(
                place=document["seq"],
                frame=frames.get(document["seq"], b""),
                facts={"call": self._call_id if document["seq"] in frames else None},
            )
            for document in documents
        ]
        return EntryBatch(entries, None if entries else _last_block(self._call_id, call, after))

    def _frames(self, call: Call, documents: Sequence[dict[str, Any]]) -> Mapping[int, bytes]:
        """Returns the blocks of a call's events by their `seq`. Events without a place in the stream have none."""
        turns = {turn.number: turn for turn in self._turns(call, documents)}
        tools = self._tools(documents)
        found: dict[int, bytes] = {}
        for document in documents:
            if told := _told(call, document, turns, tools):
                found[document["seq"]] = render_event(document["seq"], *told)
        return found

    def _turns(self, call: Call, documents: Sequence[dict[str, Any]]) -> list[Turn]:
        numbers = {document["metadata"]["number"] for document in documents if document["action"] == "voice.call.turn"}
        found = lookup.get_turns(call, *sorted(numbers)) if numbers else []
        return list(lookup.fit_turns(call, (turn for turn in found if turn)))

    def _tools(self, documents: Sequence[dict[str, Any]]) -> list[ToolUse]:
        if not any(document["action"] == "voice.call.tool" for document in documents):
            return []
        return lookup.list_tool_uses(self._org_id, self._call_id)


def _told(
    call: Call, document: dict[str, Any], turns: Mapping[int, Turn], tools: list[ToolUse]
) -> tuple[str, BaseModel] | None:
    """Returns the name and the data of an event, `None` if the stream does not show it."""
    action, facts = document["action"], document["metadata"]
    if action == "voice.call.turn":
        turn = turns.get(facts["number"])
        if turn is None:
            return None
        return FINAL if turn.final else DELTA, TurnData(call_id=call.id, turn=CallTurnView.of(turn))
    if action == "voice.call.tool":
        return _tool_told(call, facts, tools)
    if action in _STATES and not facts.get("was_ending"):
        return STATUS, StatusData(call_id=call.id, status=STATUSES[_STATES[action]], at=document["timestamp"])
    if action == "voice.call.summarized" and (summary := records.get_summary(call)):
        view = CallSummaryView(**summary._asdict())
        return SUMMARY, SummaryData(call_id=call.id, summary=view, outcome=call.outcome)
    return None


def _tool_told(call: Call, facts: Mapping[str, Any], tools: list[ToolUse]) -> tuple[str, BaseModel] | None:
    # An event names no id. Uses of one tool with one status and length look the same to a reader.
    named = [tool for tool in tools if tool.name == facts["tool"] and tool.status == facts["status"]]
    exact = [tool for tool in named if tool.duration_ms == facts.get("duration_ms")] or named
    if not exact:
        return None
    begun = call.answered_at or call.started_at or call.created_at
    name = TOOL_STARTED if facts["status"] == "started" else TOOL_COMPLETED
    return name, ToolData(call_id=call.id, tool=CallToolView.of(exact[-1], begun))


def _last_block(call_id: str, call: Call | None, place: int) -> bytes | None:
    """Returns the block that ends the stream, `None` while more may follow."""
    if call is None:
        return render_event(place, ENDED, EndData(call_id=call_id))
    return render_event(place, ENDED, EndData.of(call)) if _is_settled(call) else None


def _is_settled(call: Call) -> bool:
    """Whether a call is over, nothing more is awaited, and its last events are in the chain."""
    if call.state not in FINAL_STATES or clock.parse(call.updated_at) + _SETTLED_AFTER > clock.now():
        return False
    awaits_summary = call.connected_at is not None and call.summarized_at is None
    return not awaits_summary or clock.parse(call.over_since) + SUMMARY_LIMIT <= clock.now()


def watch_call(
    member: Member, guard: StreamGuard, call_id: str, *, last_seen: int | None, client: str
) -> StreamSubscription:
    """Opens a stream of a call of the member's organization. Raises NotFound for an unknown call."""
    return open_stream(
        member.organization,
        CallEntries(member, call_id),
        guard,
        Selection(call=call_id),
        last_seen=last_seen,
        client=client,
        function=StreamFunction.CALLS,
        one_view=True,
    )
