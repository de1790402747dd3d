"""HUM: `/api/calls*`, `/api/tags`, `/api/notes*`, `/api/unread-counts`: an organization's calls for its members."""

from __future__ import annotations

from typing import Annotated, Literal

from aws_lambda_powertools.event_handler.openapi.params import Query

from functions.hum.calls.schemas import (
    CallPageView,
    CallReadState,
    CallTagList,
    MarkedRead,
    NoteCreated,
    NoteInput,
    NoteList,
    TaggedCallView,
    TagInput,
    TagList,
    TagUseView,
    UnreadCounts,
)
from switchboard.call_records import service
from switchboard.call_records.models import CallFilters
from switchboard.calls import inbox, notes, tags
from switchboard.dialects.hum.call_details import CallRecordView, NoteView
from switchboard.dialects.hum.call_views import DIRECTIONS, CallDirection, CallSummaryRow, CallTagView, states_of_status
from switchboard.dialects.hum.dialect import Hum
from switchboard.dialects.hum.shapes import DONE, Cursor, Ok
from switchboard.edge.api import Api
from switchboard.edge.fields import Timestamp
from switchboard.inbox import service as inboxes
from switchboard.inbox.models import ReadState
from switchboard.kit import clock
from switchboard.team.permissions import Permission

api = Api(
    Hum(),
    "calls",
    tags={
        "Calls": "Calls of every direction and API, with your own read state.",
        "Tags": "Labels of calls.",
        "Notes": "Notes of people on calls.",
    },
)

_UNKNOWN = "There is no such call."
#: The inboxes whose unread things are counted.
_COUNTED = (inbox.INBOX, "voicemails")
#: The member's read state of calls, which is read together with the session.
_READ_STATE = inboxes.state_refs(inbox.INBOX)


def _read_state() -> ReadState:
    return api.beside[0] or ReadState()


@api.get(
    "/api/calls",
    summary="List or search calls",
    operation_id="listCalls",
    description="The newest first. A page of a search or of unread calls may be short or even empty although more pages"
    " follow: check `next_cursor`.",
    permission=Permission.CALLS_READ,
    beside=_READ_STATE,
)
def list_calls(
    q: Annotated[
        str | None,
        Query(
            max_length=200,
            description="Search terms. A call must match all of them. A term matches the start of a word in the two"
            " numbers, in the contact's name or in the summary. A number may be in any format. A new call or summary"
            " can be found after a few moments.",
        ),
    ] = None,
    direction: Annotated[CallDirection | None, Query(description="The direction of the calls.")] = None,
    status: Annotated[
        str | None,
        Query(
            description="The status of the calls: `queued`, `ringing`, `in-progress`, `completed`, `busy`, `failed`,"
            " `no-answer` or `canceled`."
        ),
    ] = None,
    read: Annotated[Literal["unread"] | None, Query(description="Only calls that you have not read.")] = None,
    tag: Annotated[
        str | None, Query(max_length=60, description="Only calls with this tag, in any letter case.")
    ] = None,
    since: Annotated[Timestamp | None, Query(description="The first time of creation.")] = None,
    until: Annotated[Timestamp | None, Query(description="The first time of creation after the range.")] = None,
    limit: Annotated[int, Query(ge=1, le=200, description="The largest number of calls in a page.")] = 50,
    cursor: Cursor = None,
) -> CallPageView:
    filters = CallFilters(
        text=q,
        direction=DIRECTIONS[direction] if direction else None,
        states=states_of_status(status),
        tag=tag,
        unread=read is not None,
        since=clock.format_iso(clock.parse(since)) if since else None,
        before=clock.format_iso(clock.parse(until)) if until else None,
    )
    rows, after = service.list_calls(api.member, filters, limit, cursor, _read_state())
    return CallPageView(calls=[CallSummaryRow.of(row) for row in rows], next_cursor=after)


@api.post(
    "/api/calls/mark-all-read",
    summary="Mark all calls as read",
    operation_id="markAllCallsRead",
    description="It marks all calls as read for you.",
    permission=Permission.CALLS_READ,
    beside=_READ_STATE,
)
def mark_all_calls_read() -> MarkedRead:
    return MarkedRead(ok=True, marked=inbox.mark_all_calls_read(api.member, _read_state()))


@api.get(
    "/api/unread-counts",
    summary="Count unread calls and voicemails",
    operation_id="getUnreadCounts",
    description="Your own counts, each at most 100. Show 100 as `99+`. New calls are counted after a few moments.",
    permission=Permission.CALLS_READ,
    beside=inboxes.state_refs(*_COUNTED),
)
def get_unread_counts() -> UnreadCounts:
    counts = inboxes.count_unread(api.member.org_id, api.member.user_id, _COUNTED, api.beside)
    return UnreadCounts.model_validate(counts)


@api.get(
    "/api/calls/<viewed_id>",
    summary="Get a call",
    operation_id="getCall",
    description="With its transcript, tools, summary, recording, notes and viewers. It does not mark the call as read.",
    permission=Permission.CALLS_READ,
    beside=_READ_STATE,
    responses={404: _UNKNOWN},
)
def get_call(viewed_id: str) -> CallRecordView:
    return CallRecordView.of_record(service.get_call(api.member, viewed_id, _read_state()))


@api.patch(
    "/api/calls/<viewed_id>",
    summary="Mark a call as read or unread",
    operation_id="updateCallReadState",
    description="It applies to you only, and is not in the access log.",
    permission=Permission.CALLS_READ,
    responses={404: _UNKNOWN},
)
def update_call_read_state(viewed_id: str, request: CallReadState) -> Ok:
    inbox.set_call_read(api.member, viewed_id, read=request.is_read)
    return DONE


@api.post(
    "/api/calls/<viewed_id>/view",
    summary="Record that you opened a call",
    operation_id="recordCallView",
    description="It marks the call as read for you. Your views within five minutes are one entry of the access log.",
    permission=Permission.CALLS_READ,
    responses={404: _UNKNOWN},
)
def record_call_view(viewed_id: str) -> Ok:
    inbox.record_view(api.member, viewed_id)
    return DONE


@api.get(
    "/api/tags",
    summary="List the tags of the organization",
    operation_id="listTags",
    tag="Tags",
    description="Each tag once, with the number of its calls and its last color.",
    permission=Permission.CALLS_READ,
)
def list_tags() -> TagList:
    return TagList(tags=[TagUseView.of(tag) for tag in tags.list_tags(api.member.org_id)])


@api.get(
    "/api/calls/<call_id>/tags",
    summary="List the tags of a call",
    operation_id="listCallTags",
    tag="Tags",
    permission=Permission.CALLS_READ,
    responses={404: _UNKNOWN},
)
def list_call_tags(call_id: str) -> CallTagList:
    return CallTagList(tags=[CallTagView.of(tag) for tag in tags.list_call_tags(api.member.org_id, call_id)])


@api.post(
    "/api/calls/<call_id>/tags",
    summary="Put a tag on a call",
    operation_id="createCallTag",
    tag="Tags",
    description="Letter case makes no difference: a tag that the call has keeps its spelling and gets the new color. A"
    " call has at most 50 tags.",
    permission=Permission.CALLS_WRITE,
    responses={404: _UNKNOWN},
)
def create_call_tag(call_id: str, request: TagInput) -> TaggedCallView:
    recolor = "color" in request.model_fields_set
    found = tags.add_tag(api.member, call_id, request.name, request.color, recolor=recolor)
    return TaggedCallView(ok=True, tags=[CallTagView.of(tag) for tag in found])


@api.delete(
    "/api/calls/<call_id>/tags/<any:name>",
    summary="Remove a tag from a call",
    operation_id="deleteCallTag",
    tag="Tags",
    description="Letter case makes no difference. Write a slash in the name as `%2F`, and a percent sign as `%25`.",
    permission=Permission.CALLS_WRITE,
    responses={404: "There is no such call, or it does not have this tag."},
)
def delete_call_tag(call_id: str, name: str) -> Ok:
    tags.remove_tag(api.member, call_id, name)
    return DONE


@api.get(
    "/api/calls/<call_id>/notes",
    summary="List the notes on a call",
    operation_id="listCallNotes",
    tag="Notes",
    permission=Permission.CALLS_READ,
    responses={404: _UNKNOWN},
)
def list_call_notes(call_id: str) -> NoteList:
    return NoteList(notes=[NoteView.of(note) for note in notes.list_call_notes(api.member.org_id, call_id)])


@api.post(
    "/api/calls/<call_id>/notes",
    summary="Add a note to a call",
    operation_id="createCallNote",
    tag="Notes",
    description="A call has at most 100 notes.",
    permission=Permission.CALLS_WRITE,
    responses={404: _UNKNOWN},
)
def create_call_note(call_id: str, request: NoteInput) -> NoteCreated:
    return NoteCreated(ok=True, note=NoteView.of(notes.create_note(api.member, call_id, request.body)))


@api.delete(
    "/api/notes/<note:note_id>",
    summary="Delete a note",
    operation_id="deleteNote",
    tag="Notes",
    permission=Permission.CALLS_WRITE,
    responses={403: "Only the note's author and an admin may delete it.", 404: "There is no such note."},
)
def delete_note(note_id: str) -> Ok:
    notes.delete_note(api.member, note_id)
    return DONE


handler = api.handler
