"""Lists calls and gets the whole record of a call, for a member of the organization."""

from __future__ import annotations

from typing import Any

from switchboard.aws import reads
from switchboard.aws.reads import Ref
from switchboard.call_records.candidates import Candidate, Candidates, find_candidates
from switchboard.call_records.companions import Companions
from switchboard.call_records.models import CallFilters, CallRecord, CallRow, RecordSummary, record_summary
from switchboard.calls import inbox, lookup, notes, recording_links, summaries
from switchboard.calls.inbox import INBOX
from switchboard.calls.models import Call
from switchboard.errors import Invalid, NotFound
from switchboard.inbox import service as inboxes
from switchboard.inbox.models import ReadState
from switchboard.inbox.unread import list_unread
from switchboard.kit.background import BackgroundTask
from switchboard.persistence import cursors
from switchboard.team.models import Member

#: The calls that a page of a filtered list looks at, at least.
_MIN_LOOKED_AT = 50


def list_calls(
    member: Member, filters: CallFilters, limit: int, after: str | None, state: ReadState | None = None
) -> tuple[list[CallRow], str | None]:
    """Returns a page of the organization's calls, the newest first, and the cursor of the next page.

    Two round trips: the places of calls, and the calls with their contacts, their flows and the member's flags. A
    search takes one more for its index. A page of a filtered list may be short or empty without being the last. A
    caller that has read the member's `state` already saves a request. Raises Invalid for a cursor of another list, and
    for a range that does not end after its beginning.
    """
    if filters.since and filters.before and filters.before <= filters.since:
        raise Invalid("Invalid range: until must be later than since.", fields={"until": "must be later than since"})
    org_id, user_id = member.org_id, member.user_id
    if filters.unread and filters.words is None and filters.tag is None:
        page = list_unread(
            org_id,
            INBOX,
            user_id,
            limit,
            after,
            since=filters.since,
            before=filters.before,
            also=filters.query(),
            state=state,
        )
        places = [Candidate.of_place(org_id, f"{thing.place}#{thing.hint}") for thing in page.things]
        found = Candidates(places, more=False, state=page.state, calls={}, unread=True)
        return _rows(org_id, user_id, filters, found), page.cursor
    query = f"call-records:{user_id if filters.unread else ''}:{filters.query()}"
    start = cursors.decode_cursor(after, org_id, query)
    narrow = filters.words is not None or filters.unread or filters.tag is not None
    most = max(limit, _MIN_LOOKED_AT) if narrow else limit
    if filters.words == []:
        return [], None
    candidates = find_candidates(org_id, user_id, filters, most, str(start["place"]) if start else None, state)
    rows = _rows(org_id, user_id, filters, candidates)
    last = candidates.found[-1].place if candidates.more else None
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
    missing = [thing.id for thing in things if thing.id not in candidates.calls]
    companions = Companions(org_id)
    for one in candidates.found:
        companions.want(one.number_id, one.flow_id)
    companions.want_all(candidates.calls.values())
    refs: list[Ref[Any]] = [lookup.call_ref(org_id, call_id) for call_id in missing]
    if not candidates.unread:
        refs += [inboxes.flag_ref(org_id, INBOX, user_id, state, thing) for thing in things]
    answers = companions.read_with(refs)
    calls = candidates.calls | {call_id: call for call_id, call in zip(missing, answers, strict=False) if call}
    companions.want_all(calls.values())
    companions.read_with([])
    flags = dict(zip(things, answers[len(missing) :], strict=False))
    return [
        companions.row(calls[thing.id], is_read=not candidates.unread and state.is_read(thing, flags[thing]))
        for thing in things
        if thing.id in calls
    ]


def get_call(member: Member, call_id: str) -> CallRecord:
    """Returns the whole record of a call, in two round trips. Raises NotFound."""
    org_id, user_id = member.org_id, member.user_id
    call, state, summary = reads.read_refs(
        lookup.call_ref(org_id, call_id),
        inboxes.state_ref(org_id, INBOX, user_id),
        summaries.summary_ref(org_id, call_id),
    )
    if call is None:
        raise NotFound("There is no such call: check its id.")
    state = state or ReadState()
    of_turns = BackgroundTask(lambda: list(lookup.list_turns(org_id, call_id)))
    of_tools = BackgroundTask(lambda: lookup.list_tool_uses(org_id, call_id))
    of_notes = BackgroundTask(lambda: notes.list_notes(org_id, call_id))
    of_views = BackgroundTask(lambda: inbox.list_views(org_id, call_id))
    for task in (of_turns, of_tools, of_notes, of_views):
        task.start()
    companions, thing = Companions(org_id), inbox.inbox_thing(call)
    companions.want_all([call])
    [flag] = companions.read_with([inboxes.flag_ref(org_id, INBOX, user_id, state, thing)])
    return CallRecord(
        companions.row(call, is_read=state.is_read(thing, flag)),
        record_summary(call, summary),
        summary,
        of_turns.result(),
        of_tools.result(),
        of_notes.result(),
        of_views.result(),
        recording_links.recording_link(call),
    )


def get_summary(call: Call) -> RecordSummary | None:
    """Returns the summary of a call's talk, `None` if it has none."""
    found = summaries.get_summary(call.org_id, call.id) if call.summarized_at else None
    return record_summary(call, found)
