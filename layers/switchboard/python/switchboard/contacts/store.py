"""Contacts in the `core` table, beside the histories of their numbers (`switchboard.calls.history`).

| item | pk | sk | gsi1 |
|---|---|---|---|
| contact | `<org>#contacts` | `<id>` | `<org>#contacts`, `1#<folded name>#<id>` or `2#<e164>#<id>` |
| backfill | `<org>#contact-backfill` | `backfill` | |

The entries of the search index are in `switchboard.search`. The id of a contact and the key of its history derive from
the same number, so one request reads both.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from switchboard.aws import table
from switchboard.aws.aside import Task
from switchboard.aws.table import Delete, Item, Key, Put, Query, Write
from switchboard.calls import history
from switchboard.calls.history import History
from switchboard.contacts.models import Backfill, Contact, Known, Status
from switchboard.kit.listing import keys_of
from switchboard.search import index
from switchboard.search.index import Entry, Noun

Refusal = Callable[[list[Item | None]], Exception]

PREFIX = "con_"

NOUN = Noun("core", "contact")
#: Contacts of one read. Each takes two of at most a hundred keys.
_TOGETHER = 50


def key(org_id: str, contact_id: str) -> Key:
    return {"pk": f"{org_id}#contacts", "sk": contact_id}


def _history_key(org_id: str, contact_id: str) -> Key:
    return history.key_of(org_id, contact_id.removeprefix(PREFIX))


def _backfill_key(org_id: str) -> Key:
    return {"pk": f"{org_id}#contact-backfill", "sk": "backfill"}


# ---- contacts


def get(org_id: str, contact_id: str) -> Contact | None:
    item = table.get("core", key(org_id, contact_id))
    return Contact.model_validate(item) if item else None


def get_many(org_id: str, contact_ids: Sequence[str]) -> list[Contact | None]:
    items = table.get_many("core", [key(org_id, contact_id) for contact_id in contact_ids])
    return [Contact.model_validate(item) if item else None for item in items]


def with_history(org_id: str, contact_id: str) -> tuple[Contact | None, History | None]:
    """Reads a contact and the history of its number in one request. Either may be missing."""
    item, past = table.get_many("core", [key(org_id, contact_id), _history_key(org_id, contact_id)])
    return Contact.model_validate(item) if item else None, history.from_item(past) if past else None


def list_contacts(org_id: str, limit: int, after: str | None) -> tuple[list[Known], str | None]:
    """Returns a page of contacts with their histories, and the cursor of the next page.

    The index follows the table after a short delay. So it only selects the contacts, which are then read from the
    table. A contact that was deleted in the meantime is left out, and the page is then shorter.
    """
    query = Query(table="core", index="gsi1", partition=f"{org_id}#contacts")
    found = keys_of(query, org_id, "contacts", limit, after)
    listed = [item["sk"] for item in found.items]
    known = _read_all(org_id, listed)
    return [known[contact_id] for contact_id in listed if contact_id in known], found.cursor


def _with(contact: Contact, past: Item | None) -> Known:
    return Known(contact, history.from_item(past) if past else History(e164=contact.e164))


def search(org_id: str, words: Sequence[str], limit: int, after: str | None) -> tuple[list[Known], str | None]:
    """Returns a page of contacts that match all words, with their histories, and the cursor of the next page."""

    def load(entries: list[Entry]) -> list[index.Found[Known] | None]:
        known = _read_all(org_id, list({entry.subject_id: None for entry in entries}))
        return [_found(known.get(entry.subject_id)) for entry in entries]

    return index.search(NOUN, org_id, words, limit, after, load)


def _read_all(org_id: str, contact_ids: Sequence[str]) -> dict[str, Known]:
    """Reads contacts with their histories, in parallel requests. Leaves out missing contacts."""
    batches = [contact_ids[begin : begin + _TOGETHER] for begin in range(0, len(contact_ids), _TOGETHER)]
    tasks = [Task(partial(_read, org_id, batch)) for batch in batches]
    for task in tasks[1:]:
        task.begin()
    return {contact_id: one for task in tasks for contact_id, one in task.result().items()}


def _read(org_id: str, contact_ids: Sequence[str]) -> dict[str, Known]:
    items = table.get_many("core", [place(org_id, one) for one in contact_ids for place in (key, _history_key)])
    return {
        one: _with(Contact.model_validate(item), past)
        for one, item, past in zip(contact_ids, items[::2], items[1::2], strict=True)
        if item
    }


def _found(known: Known | None) -> index.Found[Known] | None:
    return index.Found(known, known.contact.terms, known.contact.tail()) if known else None


def save(before: Contact | None, after: Contact, otherwise: Refusal) -> list[Write]:
    """Returns the writes of a contact and the head of its index entries, if it has not changed since it was read."""
    item = {**key(after.org_id, after.id), **after.model_dump(mode="json")}
    put = Put(
        table="core",
        item=item | {"gsi1pk": f"{after.org_id}#contacts", "gsi1sk": after.sort_key()},
        otherwise=otherwise,
        **_still(before.revision if before else None),
    )
    return [put, *index.difference(NOUN, after.org_id, after.id, before.terms if before else (), after.terms)]


def remove(contact: Contact, otherwise: Refusal) -> list[Write]:
    """Returns the writes that delete a contact and the head of its index entries, if it has not changed."""
    place = key(contact.org_id, contact.id)
    return [
        Delete(table="core", key=place, otherwise=otherwise, **_still(contact.revision)),
        *index.difference(NOUN, contact.org_id, contact.id, contact.terms, ()),
    ]


def _still(revision: str | None) -> dict[str, Any]:
    if revision is None:
        return {"condition": "attribute_not_exists(pk)"}
    return {"condition": "revision = :revision", "values": {":revision": revision}}


# ---- the backfill


def get_backfill(org_id: str) -> Backfill | None:
    item = table.get("core", _backfill_key(org_id))
    return Backfill.model_validate(item) if item else None


def start(before: Backfill | None, after: Backfill, otherwise: Refusal) -> Put:
    """Returns the write of a new backfill, if the one that was read is still the latest, and completed."""
    if before is None:
        return _put_backfill(after, "attribute_not_exists(pk)", {}, otherwise)
    values = {":id": before.id, ":over": Status.COMPLETED.value}
    return _put_backfill(after, "id = :id AND #status = :over", values, otherwise)


def move(before: Backfill, after: Backfill, otherwise: Refusal) -> Put:
    """Returns the write of the next step of a backfill, if no other step was made since it was read."""
    values = {":id": before.id, ":step": before.step, ":running": Status.RUNNING.value}
    return _put_backfill(after, "id = :id AND step = :step AND #status = :running", values, otherwise)


def _put_backfill(after: Backfill, condition: str, values: dict[str, Any], otherwise: Refusal) -> Put:
    return Put(
        table="core",
        item={**_backfill_key(after.org_id), **after.model_dump(mode="json")},
        condition=condition,
        names={"#status": "status"} if "#status" in condition else {},
        values=values,
        otherwise=otherwise,
    )
