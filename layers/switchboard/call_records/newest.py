"""The newest calls of an organization, for a page that reads other things in the same requests."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from switchboard.aws.reads import Ref
from switchboard.call_records.candidates import Candidate
from switchboard.call_records.companions import Companions
from switchboard.call_records.models import CallRow
from switchboard.calls import lookup
from switchboard.calls.inbox import INBOX
from switchboard.inbox import service as inboxes
from switchboard.inbox.models import ReadState


def list_newest_places(org_id: str, limit: int) -> list[str]:
    """Returns the places of the newest calls, in one round trip of two requests."""
    return lookup.list_places(org_id, None, (), limit, None, None)


def read_newest_calls(
    org_id: str, user_id: str, places: Sequence[str], state: ReadState, beside: Sequence[Ref[Any]]
) -> tuple[list[CallRow], list[Any]]:
    """Returns the rows of the calls at these places, and the objects of other references, in one round trip.

    `state` is the member's read state of the inbox of calls.
    """
    found, companions = [Candidate.of_place(org_id, place) for place in places], Companions(org_id)
    for one in found:
        companions.want(one.number_id, one.flow_id)
    calls = [lookup.call_ref(org_id, one.thing.id) for one in found]
    flags = [inboxes.flag_ref(org_id, INBOX, user_id, state, one.thing) for one in found]
    answers = companions.read_with([*calls, *flags, *beside])
    rows = [
        companions.row(call, is_read=state.is_read(one.thing, flag))
        for one, call, flag in zip(found, answers, answers[len(found) :], strict=False)
        if call
    ]
    return rows, answers[2 * len(found) :]
