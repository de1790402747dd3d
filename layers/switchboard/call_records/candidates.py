"""The calls that may be on a page of a list: their places, from the list or the index that narrows them most."""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

from switchboard.aws import reads
from switchboard.call_records.models import CallFilters
from switchboard.calls import history, lookup, numbers, words_projection
from switchboard.calls.inbox import INBOX, inbox_thing
from switchboard.calls.models import Call
from switchboard.contacts import service as contacts
from switchboard.inbox.models import InboxThing, ReadState
from switchboard.inbox.service import state_ref
from switchboard.kit.background import BackgroundTask

#: A word that more numbers or more summaries have does not narrow the list. Then the calls themselves are compared.
_MAX_NUMBERS, _MAX_SUMMARIES = 16, 100


class Candidate(NamedTuple):
    """The place of a call, with the other side's number and the flow if they are known before the call is read."""

    place: str
    number_id: str | None = None
    flow_id: str | None = None

    @classmethod
    def of_place(cls, org_id: str, place: str) -> Candidate:
        """Returns the call at a place in a list, which may end with the number and the flow."""
        _, _, number, flow_id, *_ = [*place.split("#"), "", ""]
        return cls(place, history.number_id(org_id, number) if number else None, flow_id or None)

    @property
    def thing(self) -> InboxThing:
        """The call in the inbox."""
        created_at, call_id, *_ = self.place.split("#")
        return InboxThing(call_id, created_at)


class Candidates(NamedTuple):
    """Calls that may match, the newest first, and the reader's read state.

    Calls after the last candidate exist if `more` is set. `calls` are calls that were read to find them.
    """

    found: list[Candidate]
    more: bool
    state: ReadState
    calls: dict[str, Call]
    #: Whether the reader has read none of them, so that their flags need no read.
    unread: bool = False


def find_candidates(
    org_id: str, user_id: str, filters: CallFilters, most: int, before: str | None, state: ReadState | None
) -> Candidates:
    """Returns at most `most` calls that may match the filters, from the place `before` on (not included).

    `state` is the reader's read state, if it was read already.
    """
    of_state = BackgroundTask(lambda: state or reads.read_ref(state_ref(org_id, INBOX, user_id)) or ReadState())
    if state is None:
        of_state.start()
    end = before or filters.before
    calls: dict[str, Call] = {}
    searched = _find_by_word(org_id, filters, most, end, calls) if filters.words else None
    found = _list_candidates(org_id, filters, most, end) if searched is None else searched
    return Candidates(found[:most], len(found) > most, of_state.result(), calls)


def _list_candidates(org_id: str, filters: CallFilters, most: int, end: str | None) -> list[Candidate]:
    if filters.tag_key is not None:
        tagged = lookup.list_places_of_tag(org_id, filters.tag_key, most + 1, filters.since, end)
        return [Candidate.of_place(org_id, place)._replace(flow_id=flow_id) for place, flow_id in tagged]
    places = lookup.list_places(org_id, filters.direction, filters.states, most + 1, filters.since, end)
    return [Candidate.of_place(org_id, place) for place in places]


def _find_by_word(
    org_id: str, filters: CallFilters, most: int, end: str | None, calls: dict[str, Call]
) -> list[Candidate] | None:
    """Returns the calls that have the longest word, `None` if too many have it. Adds the calls that it reads.

    Two round trips: the indexes, and then the calls of the found numbers beside the calls with the word in the summary.
    """
    assert filters.words
    word = filters.words[0]
    searches = [
        BackgroundTask(partial(find, org_id, word, most_found))
        for find, most_found in (
            (numbers.find_numbers, 5 * _MAX_NUMBERS),
            (contacts.find_numbers, 2 * _MAX_NUMBERS),
            (words_projection.find_calls_by_summary, _MAX_SUMMARIES),
        )
    ]
    for search in searches[1:]:
        search.start()
    of_numbers, of_contacts, of_summaries = [search.result() for search in searches]
    if of_numbers is None or of_contacts is None or of_summaries is None:
        return None
    number_ids = list(dict.fromkeys([*of_numbers, *of_contacts]))
    if len(number_ids) > _MAX_NUMBERS or len(of_summaries) > _MAX_SUMMARIES:
        return None
    since, before = filters.since or " ", end or "~"
    lists = [
        BackgroundTask(partial(numbers.list_calls_of_number, org_id, number_id, most + 1, since, before))
        for number_id in number_ids
    ]
    for task in lists:
        task.start()
    read = reads.read_refs(*(lookup.call_ref(org_id, call_id) for call_id in of_summaries)) if of_summaries else ()
    found: dict[str, Candidate] = {}
    for call in read:
        if call and since <= inbox_thing(call).place < before:
            calls[call.id] = call
            found[inbox_thing(call).place] = Candidate(inbox_thing(call).place)
    for task in lists:
        found |= {one.place: Candidate(one.place, one.other_number_id, one.flow_id) for one in task.result()}
    return sorted(found.values(), reverse=True)[: most + 1]
