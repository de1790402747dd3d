"""The calls that may be on a page of a list: their places, from the list or the index that narrows them most."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

from switchboard.aws import reads
from switchboard.call_records.models import CallFilters
from switchboard.calls import history, lookup, numbers, search_entries
from switchboard.calls.inbox import INBOX
from switchboard.calls.numbers import CallOfNumber
from switchboard.inbox.models import InboxThing, ReadState
from switchboard.inbox.service import list_newest_things, state_ref
from switchboard.kit.background import BackgroundTask

#: A word that more numbers have does not narrow the list. Then the calls themselves are compared.
_MAX_NUMBERS = 16
#: Times before and after all places.
_FIRST, _LAST = " ", "~"
#: The digits of a number that is written with its country begin with a plus sign (E.164).
_WHOLE_NUMBER = re.compile(r"\+[0-9]{8,15}")


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

    Calls after the last candidate exist if `more` is set.
    """

    found: list[Candidate]
    more: bool
    state: ReadState
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
    found = _search_candidates(org_id, filters, most, end) if filters.words else None
    if found is None:
        found = _list_candidates(org_id, filters, most, end)
    return Candidates(found[:most], len(found) > most, of_state.result())


def _list_candidates(org_id: str, filters: CallFilters, most: int, end: str | None) -> list[Candidate]:
    if filters.tag_key is not None:
        tagged = lookup.list_places_of_tag(org_id, filters.tag_key, most + 1, filters.since, end)
        return [Candidate.of_place(org_id, place)._replace(flow_id=flow_id) for place, flow_id in tagged]
    places = lookup.list_places(org_id, filters.direction, filters.states, most + 1, filters.since, end)
    return [Candidate.of_place(org_id, place) for place in places]


def _search_candidates(org_id: str, filters: CallFilters, most: int, end: str | None) -> list[Candidate] | None:
    """Returns the calls that have the longest word. If too many have it: the newest calls, `None` under a filter.

    The newest calls are read beside the index, from one list of all calls, so that a common word takes no more time.
    """
    if filters.direction or filters.states or filters.tag is not None or _whole_number_id(org_id, filters):
        return _find_by_word(org_id, filters, most, end)
    newest = BackgroundTask(partial(list_newest_things, org_id, INBOX, filters.since or _FIRST, end or _LAST, most + 1))
    newest.start()
    searched = _find_by_word(org_id, filters, most, end)
    if searched is not None:
        return searched
    return [Candidate.of_place(org_id, f"{one.place}#{one.hint}") for one in newest.result()]


def _find_by_word(org_id: str, filters: CallFilters, most: int, end: str | None) -> list[Candidate] | None:
    """Returns the calls that have the longest word, `None` if too many have it.

    One round trip for the words of summaries and for a whole number: the index, and beside it the calls of that number.
    Other numbers, by a part of them or by their holder's name, take one more: their calls.
    """
    assert filters.words
    whole = _whole_number_id(org_id, filters)
    lists = _NumberLists(org_id, filters.since or _FIRST, end or _LAST, most + 1)
    lists.start([whole] if whole else [])
    entries = search_entries.find_entries(org_id, filters.words[0], lists.since, lists.before, most + 1)
    if entries is None or len(entries.number_ids) > _MAX_NUMBERS:
        return None
    lists.start(entries.number_ids)
    with_word = [Candidate.of_place(org_id, place) for place in entries.places]
    found = {one.thing.place: one._replace(place=one.thing.place) for one in with_word} | lists.read()
    return sorted(found.values(), reverse=True)[: most + 1]


def _whole_number_id(org_id: str, filters: CallFilters) -> str | None:
    """Returns the id of a number if the text is a whole number with its country. Its calls need no index."""
    text = re.sub(r"[\s().\-]", "", filters.text or "")
    return history.number_id(org_id, text) if _WHOLE_NUMBER.fullmatch(text) else None


class _NumberLists:
    """The calls of several numbers, each read in a request of its own, from `since` (included) to `before`."""

    def __init__(self, org_id: str, since: str, before: str, most: int) -> None:
        self.since, self.before = since, before
        self._org_id, self._most = org_id, most
        self._tasks: dict[str, BackgroundTask[Sequence[CallOfNumber]]] = {}

    def start(self, number_ids: Sequence[str]) -> None:
        """Starts to read the calls of numbers, each once."""
        for number_id in number_ids:
            if number_id not in self._tasks:
                read = partial(numbers.list_calls_of_number, self._org_id, number_id, self._most)
                self._tasks[number_id] = BackgroundTask(partial(read, self.since, self.before))
                self._tasks[number_id].start()

    def read(self) -> dict[str, Candidate]:
        """Returns the calls by their places."""
        found = [one for task in self._tasks.values() for one in task.result()]
        return {one.place: Candidate(one.place, one.other_number_id, one.flow_id) for one in found}
