"""A call with all that is stored beside it, but its views: its summary, its turns, its tools and its notes.

They are in one partition, so one request reads them, up to 1 MB. More takes one request after the other.
"""

from __future__ import annotations

from collections import defaultdict
from typing import NamedTuple

from switchboard.aws.dynamodb import Item
from switchboard.aws.reads import Query
from switchboard.calls import lengths, store, summaries
from switchboard.calls.models import Call
from switchboard.calls.notes import CallNote
from switchboard.calls.summaries import CallSummary
from switchboard.carriers.voice.ports.reports import ToolUse, Turn

#: The views of a call have a list of their own, and there is no limit to their number. Their keys are the last ones.
_FIRST_VIEW = "view"


class WholeCall(NamedTuple):
    """A call with its summary, its turns in order, its tools by their time and its notes, the oldest first."""

    call: Call
    summary: CallSummary | None
    turns: list[Turn]
    tools: list[ToolUse]
    notes: list[CallNote]


def read_whole_call(org_id: str, call_id: str) -> WholeCall | None:
    """Reads the organization's call with this id, `None` if there is none."""
    query = Query(table="activity", partition=store.call_ref(org_id, call_id).key["pk"], before=_FIRST_VIEW)
    found: defaultdict[str, list[Item]] = defaultdict(list)
    for item in query.read_all():
        found[item["sk"].partition("#")[0]].append(item)
    if not found["call"]:
        return None
    call = store.CALLS.from_item(found["call"][0])
    return WholeCall(
        call,
        summaries.parse_summary(found["summary"][0]) if found["summary"] else None,
        list(lengths.fit_turns(call, map(Turn.model_validate, found["turn"]))),
        store.parse_tool_uses(found["tool"]),
        [CallNote.model_validate(item) for item in found["note"]],
    )
