"""Lists calls and gets the whole record of a call, for a member of the organization."""

from __future__ import annotations

from typing import Any

from switchboard.aws import reads
from switchboard.aws.reads import Ref
from switchboard.call_records.candidates import Candidate, Candidates, find_candidates
from switchboard.call_records.companions import Companions
from switchboard.call_records.models import CallFilters, CallRecord, CallRow, RecordSummary, record_summary
from switchboard.calls import inbox, lookup, recording_links, summaries, whole_calls
from switchboard.calls.inbox import INBOX
from switchboard.calls.models import Call
from switchboard.errors import Invalid, NotFound
from switchboard.inbox import service as inboxes
from switchboard.inbox.models import ReadState
from switchboard.inbox.unread import list_unread
from switchboard.kit.background import BackgroundTask
from switchboard.persistence import cursors
from switchboard.persistence.page_cuts import looked_at
from switchboard.team.models import Member


def list_calls(
    member: Member, filters: CallFilters, limit: int, after: str | None, state: ReadState | None = None
) -> tuple[list[CallRow], str | None]:
    """Returns a page of the organization's calls, the newest first, and the cursor of the next page.

    Two round trips: the places of calls, and the calls with their contacts, their flows and the member's flags. A
    search by a name, or by a part of a number, takes one more for its index. A page of a filtered list may be short or
    empty without being the last. A caller that has read the member's `state` already saves a request. Raises Invalid
    for a cursor of another list, and for a range that does not end after its beginning.
    """
    if filters.since and filters.before and filters.before <= filters.since:
        raise Invalid("Invalid range: until must be later than since.", fields={"until": "must be later than since"})
    org_id, user_id = member.org_id, member.user_id
    if filters.unread and filters.words is None and filters.tag is None:
        page = list_unread(
            org_id,
            INBOX,
            user_id,
            looked_at(limit) if filters.direction or filters.states else limit,
            after,
            since=filters.since,
            before=filters.before,
            also=filters.query(),
            state=state,
        )
        places = [Candidate.of_place(org_id, f"{thing.place}#{thing.hint}") for thing in page.things]
        found = Candidates(places, more=False, state=page.state, unread=True)
        rows = _rows(org_id, user_id, filters, found)
        if len(rows) > limit:
            return rows[:limit], page.cursor_after(inbox.inbox_thing(rows[limit - 1].call).place)
        return rows, page.cursor
    query = f"call-records:{user_id if filters.unread else ''}:{filters.query()}"
    start = cursors.decode_cursor(after, org_id, query)
    narrow = filters.words is not None or filters.unread or filters.tag is not None
    most = looked_at(limit) if narrow else limit
    if filters.words == []:
        return [], None
    candidates = find_candidates(org_id, user_id, filters, most, str(start["place"]) if start else None, state)
    rows = _rows(org_id, user_id, filters, candidates)
    # Without what a place may have beside time and id: a search and a list name the same call in different ways.
    last = candidates.found[-1].thing.place if candidates.more else None
    if len(rows) > limit:
        rows = rows[:limit]
        last = inbox.inbox_thing(rows[-1].call).place
    return rows, cursors.encode_cursor({"place": last} if last else None, org_id, query)


def _rows(org_id: str, user_id: str, filters: CallFilters, candidates: Candidates) -> list[CallRow]:
    found = [row for row in _read_rows(org_id, user_id, candidates) if filters.fit(row)]
    return sorted(found, key=lambda row: inbox.inbox_thing(row.call).place, reverse=True)


def _read_rows(org_id: str, user_id: str, candidates: Candidates) -> list[CallRow]:
    """Reads the calls of candidates and the reader's flags, and then the contacts and flows that are still missing."""
    state, things = candidates.state, [one.thing for one in candidates.found]
    companions = Companions(org_id)
    for one in candidates.found:
        companions.want(one.number_id, one.flow_id)
    refs: list[Ref[Any] | None] = [lookup.call_ref(org_id, thing.id) for thing in things]
    if not candidates.unread:
        refs += [inboxes.flag_ref(org_id, INBOX, user_id, state, thing) for thing in things]
    answers = companions.read_with(refs)
    calls = answers[: len(things)]
    flags = [None] * len(things) if candidates.unread else answers[len(things) :]
    companions.want_all(call for call in calls if call)
    companions.read_with([])
    return [
        companions.row(call, is_read=not candidates.unread and state.is_read(thing, flag))
        for thing, call, flag in zip(things, calls, flags, strict=True)
        if call
    ]


def get_call(member: Member, call_id: str, state: ReadState | None = None) -> CallRecord:
    """Returns the whole record of a call, in two round trips: the call, and then its contact, its flow and the flag.

    A caller that has read the member's `state` already saves a request. Raises NotFound.
    """
    org_id, user_id = member.org_id, member.user_id
    of_views = BackgroundTask(lambda: inbox.list_views(org_id, call_id))
    of_state = BackgroundTask(lambda: state or reads.read_ref(inboxes.state_ref(org_id, INBOX, user_id)) or ReadState())
    of_views.start()
    if state is None:
        of_state.start()
    whole = whole_calls.read_whole_call(org_id, call_id)
    views, state = of_views.result(), of_state.result()
    if whole is None:
        raise NotFound("There is no such call: check its id.")
    call, summary = whole.call, whole.summary
    companions, thing = Companions(org_id), inbox.inbox_thing(call)
    companions.want_all([call])
    [flag] = companions.read_with([inboxes.flag_ref(org_id, INBOX, user_id, state, thing)])
    return CallRecord(
        companions.row(call, is_read=state.is_read(thing, flag)),
        record_summary(call, summary),
        summary,
        whole.turns,
        whole.tools,
        whole.notes,
        views,
        recording_links.recording_link(call),
    )


def get_summary(call: Call) -> RecordSummary | None:
    """Returns the summary of a call's talk, `None` if it has none."""
    found = summaries.get_summary(call.org_id, call.id) if call.summarized_at else None
    return record_summary(call, found)
