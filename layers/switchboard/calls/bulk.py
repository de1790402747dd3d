"""The items of calls for a bulk load, as the services and the projections write them one call after the other.

No event of the organization may be projected meanwhile. `analytics.bulk` has the figures of the same calls.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from switchboard.aws.dynamodb import Item
from switchboard.calls import (
    history,
    history_projection,
    inbox,
    notes,
    numbers,
    store,
    summaries,
    tags,
    words_projection,
)
from switchboard.calls.models import Call, CallHistory
from switchboard.calls.notes import CallNote
from switchboard.calls.summaries import CallSummary
from switchboard.carriers.voice.ports.reports import EndReason, ToolUse, Turn
from switchboard.inbox import service as inboxes
from switchboard.inbox.models import InboxThing


class BulkCall(NamedTuple):
    """A call, with what was said and done in it, its summary, and the notes of people."""

    call: Call
    turns: Sequence[Turn] = ()
    tools: Sequence[ToolUse] = ()
    summary: CallSummary | None = None
    notes: Sequence[CallNote] = ()


def bulk_items(org_id: str, calls: Iterable[BulkCall]) -> Iterator[tuple[str, Item]]:
    """Yields the items of an organization that has these calls only, each with its table."""
    histories: dict[str, CallHistory] = {}
    things: list[InboxThing] = []
    seen: set[str] = set()
    used = tags.TagCount()
    for one in calls:
        call = one.call
        yield from (("activity", item) for item in _activity_items(one))
        yield from (("core", item) for item in numbers.entry_items(call))
        yield from (("core", item) for item in words_projection.summary_items(call))
        things.append(inbox.inbox_thing(call))
        seen |= {e164 for e164 in (call.from_number, call.to_number) if e164}
        used.add(call)
        if _has_history(call):
            before = histories.get(call.person_number) or CallHistory(e164=call.person_number)
            histories[call.person_number] = history_projection.add_call(before, call)
    yield from (("core", item) for item in inboxes.bulk_items(org_id, inbox.INBOX, things))
    yield from (("core", item) for e164 in sorted(seen) for item in numbers.number_items(org_id, e164))
    yield from (("core", item) for item in used.items(org_id))
    for e164, past in histories.items():
        key = history.history_ref(org_id, history.number_id(org_id, e164)).key
        yield "core", {**key, **past.model_dump(exclude_none=True)}


def _activity_items(one: BulkCall) -> Iterator[Item]:
    call = one.call
    yield from (write.item for write in store.new_call_writes(call))
    yield from (store.turn_writes(call, turn).item for turn in one.turns)
    yield from (store.tool_use_writes(call, tool).item for tool in one.tools)
    yield from (item for note in one.notes for item in notes.note_items(note))
    yield from (write.item for write in store.new_tag_writes(call))
    if one.summary:
        yield summaries.summary_write(call, one.summary).item


def _has_history(call: Call) -> bool:
    """Whether an event counts the call in the history of its number. A rejected caller was not talked to."""
    rejected = call.direction == "INBOUND" and call.end_reason is EndReason.BLOCKED
    return history_projection.is_counted(call) and not rejected
