"""Indexes the tail of contacts: the tokens of their notes (`switchboard.search.tail`)."""

from __future__ import annotations

from collections.abc import Sequence

from switchboard.aws.table import Key
from switchboard.contacts import store
from switchboard.search import tail
from switchboard.search.tail import Current


class _Contacts:
    noun = store.NOUN

    def key(self, org_id: str, subject_id: str) -> Key:
        return store.key(org_id, subject_id)

    def current(self, org_id: str, subject_ids: Sequence[str]) -> list[Current | None]:
        contacts = store.get_many(org_id, subject_ids)
        return [Current(contact.revision, contact.tail()) if contact else None for contact in contacts]


def catch_up(org_id: str, contact_ids: Sequence[str]) -> None:
    """Updates the index entries of contacts' tails after a change or a deletion. Raises Contended."""
    tail.catch_up(_Contacts(), org_id, contact_ids)
