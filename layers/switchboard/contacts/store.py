"""Contacts in the `core` table, beside the histories of their numbers (`switchboard.calls.history`).

| item | pk | sk | gsi1 |
|---|---|---|---|
| contact | `<org>#contacts` | `<id>` | `<org>#contacts`, `1#<folded name>#<id>` or `2#<e164>#<id>` |
| backfill | `<org>#contact-backfill` | `backfill` | |

The entries of the search index are in `switchboard.search`. The search of calls finds the names by entries of its own
(`switchboard.calls.search_entries`). The id of a contact and the key of its history derive from
the same number, so one request reads both.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from switchboard.aws import reads
from switchboard.aws.dynamodb import Item, Key
from switchboard.aws.reads import Query, Ref
from switchboard.aws.writes import Delete, Put, Write
from switchboard.calls import history
from switchboard.calls.history import CallHistory
from switchboard.contacts.models import Backfill, BackfillStatus, Contact, ContactWithHistory
from switchboard.kit.background import BackgroundTask
from switchboard.persistence.listing import read_key_page
from switchboard.search import index, tokens
from switchboard.search.index import IndexEntry, SearchNoun

Refusal = Callable[[list[Item | None]], Exception]

ID_PREFIX = "con_"

NOUN = SearchNoun("core", "contact")
#: Contacts of one read. Each takes two of at most a hundred keys.
_CONTACTS_PER_READ = 50
#: The first words of a name, which the search of calls finds. The contact's own entries are in the same transaction.
_MAX_NAME_WORDS = 12


def contact_ref(org_id: str, contact_id: str) -> Ref[Contact]:
    return Ref("core", {"pk": f"{org_id}#contacts", "sk": contact_id}, Contact.model_validate)


def _history_ref(org_id: str, contact_id: str) -> Ref[CallHistory]:
    return history.history_ref(org_id, contact_id.removeprefix(ID_PREFIX))


def _backfill_key(org_id: str) -> Key:
    return {"pk": f"{org_id}#contact-backfill", "sk": "backfill"}


# ---- contacts


def get_contact(org_id: str, contact_id: str) -> Contact | None:
    return reads.read_ref(contact_ref(org_id, contact_id))


def get_contacts(org_id: str, contact_ids: Sequence[str]) -> list[Contact | None]:
    return list(reads.read_refs(*(contact_ref(org_id, contact_id) for contact_id in contact_ids)))


def get_contact_with_history(org_id: str, contact_id: str) -> tuple[Contact | None, CallHistory | None]:
    """Reads a contact and the history of its number in one request. Either may be missing."""
    return reads.read_refs(contact_ref(org_id, contact_id), _history_ref(org_id, contact_id))


def list_contacts(org_id: str, limit: int, after: str | None) -> tuple[list[ContactWithHistory], str | None]:
    """Returns a page of contacts with their histories, and the cursor of the next page.

    The index follows the table after a short delay. So it only selects the contacts, which are then read from the
    table. A contact that was deleted in the meantime is left out, and the page is then shorter.
    """
    query = Query(table="core", index="gsi1", partition=f"{org_id}#contacts")
    found = read_key_page(query, org_id, "contacts", limit, after)
    listed = [item["sk"] for item in found.items]
    known = _read_all(org_id, listed)
    return [known[contact_id] for contact_id in listed if contact_id in known], found.cursor


def search_contacts(
    org_id: str, words: Sequence[str], limit: int, after: str | None
) -> tuple[list[ContactWithHistory], str | None]:
    """Returns a page of contacts that match all words, with their histories, and the cursor of the next page."""

    def load(entries: list[IndexEntry]) -> list[index.SearchSubject[ContactWithHistory] | None]:
        known = _read_all(org_id, list({entry.subject_id: None for entry in entries}))
        return [_found(known.get(entry.subject_id)) for entry in entries]

    return index.search_subjects(NOUN, org_id, words, limit, after, load)


def _read_all(org_id: str, contact_ids: Sequence[str]) -> dict[str, ContactWithHistory]:
    """Reads contacts with their histories, in parallel requests. Leaves out missing contacts."""
    batches = [
        contact_ids[begin : begin + _CONTACTS_PER_READ] for begin in range(0, len(contact_ids), _CONTACTS_PER_READ)
    ]
    tasks = [BackgroundTask(partial(_read, org_id, batch)) for batch in batches]
    for task in tasks[1:]:
        task.start()
    return {contact_id: one for task in tasks for contact_id, one in task.result().items()}


def _read(org_id: str, contact_ids: Sequence[str]) -> dict[str, ContactWithHistory]:
    pairs = [(contact_ref(org_id, contact_id), _history_ref(org_id, contact_id)) for contact_id in contact_ids]
    return {
        contact.id: ContactWithHistory(contact, past or CallHistory(e164=contact.e164))
        for contact, past in reads.read_ref_pairs(pairs)
        if contact
    }


def _found(known: ContactWithHistory | None) -> index.SearchSubject[ContactWithHistory] | None:
    return index.SearchSubject(known, known.contact.terms, known.contact.tail_tokens()) if known else None


def _sort_key(contact: Contact) -> str:
    """Returns the sort key of the list: by name, as in an address book, then contacts without a name by number."""
    name = " ".join(tokens.fold_text(contact.display_name or "").split())[:200]
    return f"1#{name}#{contact.id}" if name else f"2#{contact.e164}#{contact.id}"


def contact_writes(before: Contact | None, after: Contact, otherwise: Refusal) -> list[Write]:
    """Returns the writes of a contact and its index entries, but the tail, if it has not changed since it was read."""
    item = {**contact_ref(after.org_id, after.id).key, **after.model_dump(mode="json")}
    put = Put(
        table="core",
        item=item | {"gsi1pk": f"{after.org_id}#contacts", "gsi1sk": _sort_key(after)},
        otherwise=otherwise,
        **_unchanged_condition(before.revision if before else None),
    )
    return [
        put,
        *index.head_writes(NOUN, after.org_id, after.id, before.terms if before else (), after.terms),
        *_name_writes(after, before.display_name if before else None, after.display_name),
    ]


def _name_writes(contact: Contact, before: str | None, after: str | None) -> list[Put | Delete]:
    """Returns the writes by which the search of calls finds the contact's name (`calls.search_entries`)."""
    number_id = contact.id.removeprefix(ID_PREFIX)
    old, new = (tokens.tokens_of_text(name)[:_MAX_NAME_WORDS] for name in (before, after))

    def key_of(word: str) -> Key:
        return {"pk": f"{contact.org_id}#find#call#{word[0]}", "sk": f"{word}~{number_id}~name"}

    return [
        *(Delete(table="core", key=key_of(word)) for word in old if word not in new),
        *(Put(table="core", item={**key_of(word), "number": number_id}) for word in new if word not in old),
    ]


def delete_contact_writes(contact: Contact, otherwise: Refusal) -> list[Write]:
    """Returns the writes that delete a contact and its index entries, but the tail, if it has not changed."""
    place = contact_ref(contact.org_id, contact.id).key
    return [
        Delete(table="core", key=place, otherwise=otherwise, **_unchanged_condition(contact.revision)),
        *index.head_writes(NOUN, contact.org_id, contact.id, contact.terms, ()),
        *_name_writes(contact, contact.display_name, None),
    ]


def _unchanged_condition(revision: str | None) -> dict[str, Any]:
    if revision is None:
        return {"condition": "attribute_not_exists(pk)"}
    return {"condition": "revision = :revision", "values": {":revision": revision}}


# ---- the backfill


def get_backfill(org_id: str) -> Backfill | None:
    item = reads.get_item("core", _backfill_key(org_id))
    return Backfill.model_validate(item) if item else None


def start_backfill_writes(before: Backfill | None, after: Backfill, otherwise: Refusal) -> Put:
    """Returns the write of a new backfill, if the one that was read is still the latest, and completed."""
    if before is None:
        return _backfill_write(after, "attribute_not_exists(pk)", {}, otherwise)
    values = {":id": before.id, ":over": BackfillStatus.COMPLETED.value}
    return _backfill_write(after, "id = :id AND #status = :over", values, otherwise)


def advance_backfill_writes(before: Backfill, after: Backfill, otherwise: Refusal) -> Put:
    """Returns the write of the next step of a backfill, if no other step was made since it was read."""
    values = {":id": before.id, ":step": before.step, ":running": BackfillStatus.RUNNING.value}
    return _backfill_write(after, "id = :id AND step = :step AND #status = :running", values, otherwise)


def _backfill_write(after: Backfill, condition: str, values: dict[str, Any], otherwise: Refusal) -> Put:
    return Put(
        table="core",
        item={**_backfill_key(after.org_id), **after.model_dump(mode="json")},
        condition=condition,
        names={"#status": "status"} if "#status" in condition else {},
        values=values,
        otherwise=otherwise,
    )
