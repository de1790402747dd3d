"""The search index of calls: the numbers of calls, the names of their holders, and the words of calls' summaries.

| item in `core` | pk | sk |
|---|---|---|
| entry of a number | `<org>#find#call#<first character>` | `<token>~<id of the number>` |
| entry of a contact's name | `<org>#find#call#<first character>` | `<token>~<id of the number>~name` |
| entry of a summary's word | `<org>#find#call#<first character>` | `<token>#<created_at>#<call id>` |

`contacts.store` writes the entries of names. The entries of one word of summaries are in the order of the calls. So a
page of a word that most calls have costs as much as one of a rare word. An entry of a summary has the call's place in
the lists, so that the page is read next. An entry only points at a number or a call: the call as it is now decides
whether it matches.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from typing import NamedTuple

from switchboard.aws.dynamodb import Item, Key
from switchboard.aws.reads import Query, QueryPage
from switchboard.aws.writes import Delete
from switchboard.calls import store
from switchboard.calls.models import Call
from switchboard.kit.background import BackgroundTask
from switchboard.persistence.listing import place_of

#: The entries of longer words and of numbers that one search reads. An entry has about 200 bytes.
_MAX_ENTRIES = 1_000
#: A token has letters and digits. All of them come after these two characters, and before the last one.
_AFTER_EXACT, _LAST = "$", "\U0010ffff"


class FoundEntries(NamedTuple):
    """The ids of numbers, and the places of calls (`store.list_place`), that have a word."""

    number_ids: list[str]
    places: list[str]


def number_items(org_id: str, number_id: str, words: Iterable[str]) -> list[Item]:
    """Returns the entries of a number."""
    return [{"pk": _partition(org_id, word), "sk": f"{word}~{number_id}", "number": number_id} for word in words]


def summary_items(call: Call, words: Iterable[str]) -> list[Item]:
    """Returns the entries of the words of a call's summary."""
    return [{**_summary_key(call, word), "place": store.list_place(call)} for word in words]


def delete_summary_writes(call: Call, words: Iterable[str]) -> list[Delete]:
    """Returns the writes that remove the entries of the words of a call's summary."""
    return [Delete(table="core", key=_summary_key(call, word)) for word in words]


def find_entries(org_id: str, word: str, since: str, before: str, most: int) -> FoundEntries | None:
    """Returns the numbers and the newest calls with a word that begins like this one, in one round trip.

    A number has the words of its holder's name, too. It finds at least `most` calls from the place `since` (included)
    to `before` (not included), if there are so many. Returns `None` if too many numbers and longer words begin so.
    """
    partition, tasks = _partition(org_id, word), []
    if word[0].isdigit():
        # Mostly numbers are meant. The few summaries with these digits are read with them, to save a request.
        rest = Query(table="core", partition=partition, begins=word)
    else:
        rest = Query(table="core", partition=partition, between=(f"{word}{_AFTER_EXACT}", f"{word}{_LAST}"))
        exact = Query(table="core", partition=partition, between=(f"{word}#{since}", f"{word}#{before}"), forward=False)
        # The range of a query includes both ends.
        tasks = [BackgroundTask(partial(exact.read_page, most + 1))]
        tasks[0].start()
    others = rest.read_page(_MAX_ENTRIES)
    pages: list[QueryPage] = [others, *(task.result() for task in tasks)]
    if others.next_key:
        return None
    items = [item for page in pages for item in page.items]
    return FoundEntries(
        list(dict.fromkeys(item["number"] for item in items if "number" in item)),
        _within([item["place"] for item in items if "place" in item], since, before),
    )


def _within(places: Sequence[str], since: str, before: str) -> list[str]:
    return [place for place in dict.fromkeys(places) if since <= _base(place) < before]


def _base(place: str) -> str:
    """Returns a place without what a list reads beside the call."""
    return "#".join(place.split("#")[:2])


def _summary_key(call: Call, word: str) -> Key:
    return {"pk": _partition(call.org_id, word), "sk": f"{word}#{place_of(call.created_at, call.id)}"}


def _partition(org_id: str, token: str) -> str:
    return f"{org_id}#find#call#{token[0]}"
