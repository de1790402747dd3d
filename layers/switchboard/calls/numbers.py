"""The calls of each telephone number, for the search of calls: found by the beginnings of a number's digits.

| item in `core` | pk | sk |
|---|---|---|
| known number | `<org>#known-numbers` | `<id of the number>` |
| call of a number | `<org>#calls-of#<id of the number>` | `<created_at>#<call id>` |

`search_entries` has the entries of numbers in the search index. The id of a number is that of its call history
(`calls.history.number_id`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from switchboard.aws import reads
from switchboard.aws.dynamodb import Item, Key
from switchboard.aws.reads import Query
from switchboard.aws.writes import Delete, Put
from switchboard.calls import history, search_entries
from switchboard.calls.models import Call
from switchboard.persistence.listing import place_of
from switchboard.search import tokens


class CallOfNumber(NamedTuple):
    """The position of a call of a number, with the other side's number and the flow, as of the call's creation."""

    place: str
    other_number_id: str
    flow_id: str | None


def _known_key(org_id: str, number_id: str) -> Key:
    return {"pk": f"{org_id}#known-numbers", "sk": number_id}


def _entry_key(call: Call, number_id: str) -> Key:
    return {"pk": f"{call.org_id}#calls-of#{number_id}", "sk": place_of(call.created_at, call.id)}


def _numbers(call: Call) -> dict[str, str]:
    return {history.number_id(call.org_id, e164): e164 for e164 in (call.from_number, call.to_number) if e164}


def entry_writes(call: Call) -> list[Put]:
    """Returns the writes that list a call by its two numbers, and a new number in the search index.

    They may run several times.
    """
    numbers = _numbers(call)
    known = reads.get_items("core", [_known_key(call.org_id, number_id) for number_id in numbers])
    new = [e164 for e164, item in zip(numbers.values(), known, strict=True) if item is None]
    items = [*entry_items(call), *(item for e164 in new for item in number_items(call.org_id, e164))]
    return [Put(table="core", item=item) for item in items]


def entry_items(call: Call) -> list[Item]:
    """Returns the items that list a call by its two numbers."""
    other = history.number_id(call.org_id, call.person_number)
    return [{**_entry_key(call, number_id), "other": other, "flow": call.flow_id} for number_id in _numbers(call)]


def number_items(org_id: str, e164: str) -> list[Item]:
    """Returns the items of a new number: the number itself, and its entries in the search index."""
    number_id = history.number_id(org_id, e164)
    entries = search_entries.number_items(org_id, number_id, number_tokens(e164))
    return [{**_known_key(org_id, number_id), "e164": e164}, *entries]


def delete_entry_writes(call: Call) -> list[Delete]:
    """Returns the writes that remove a call from the lists of its numbers."""
    return [Delete(table="core", key=_entry_key(call, number_id)) for number_id in _numbers(call)]


def number_tokens(e164: str) -> list[str]:
    """Returns the tokens of a number. A caller's number may be hidden, and is then no number but a word."""
    from phonenumbers import NumberParseException  # for cold start: the library is large

    try:
        return tokens.tokens_of_number(e164)
    except NumberParseException:
        return tokens.tokens_of_text(e164)


def list_calls_of_number(org_id: str, number_id: str, limit: int, since: str, before: str) -> Sequence[CallOfNumber]:
    """Returns the calls of a number from `since` (included) to `before` (not included), the newest first."""
    partition = f"{org_id}#calls-of#{number_id}"
    # The range of a query includes both ends.
    found = Query(table="core", partition=partition, between=(since, before), forward=False).read_page(limit + 1).items
    return [CallOfNumber(item["sk"], item["other"], item.get("flow")) for item in found if item["sk"] < before][:limit]
