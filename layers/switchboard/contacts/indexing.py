"""Indexes the tail of contacts: the tokens of their notes (`switchboard.search.tail`)."""

from __future__ import annotations

from collections.abc import Sequence

from switchboard.aws.dynamodb import Key
from switchboard.contacts import store
from switchboard.search import tail
from switchboard.search.tail import CurrentTail


class _Contacts:
    noun = store.NOUN

    def subject_key(self, org_id: str, subject_id: str) -> Key:
        return store.contact_ref(org_id, subject_id).key

    def get_current_tails(self, org_id: str, subject_ids: Sequence[str]) -> list[CurrentTail | None]:
        contacts = store.get_contacts(org_id, subject_ids)
        return [CurrentTail(contact.revision, contact.tail_tokens()) if contact else None for contact in contacts]


def update_tails(org_id: str, contact_ids: Sequence[str]) -> None:
    """Updates the index entries of contacts' tails after a change or a deletion. Raises Contended."""
    tail.update_tails(_Contacts(), org_id, contact_ids)
