"""The tail of the contacts' entries: the tokens of their notes, which follow the contact in transactions of their own.

Before any entry is written, the item that tells what is indexed (`Indexed`) names the tokens of before and after, as
not settled; when all entries are written it names those of after. So whoever begins where another one was stopped
knows every entry that may be there. Each transaction stands only while the contact is of the revision that was read,
so nobody writes for an older one; when the contact has moved on, the job of that change, which begins after it, does
the rest. One that was deleted has no revision, and may have been there again meanwhile: there the item's own version
tells that somebody else has written it.
"""

from __future__ import annotations

from collections.abc import Sequence

from switchboard.aws import ids
from switchboard.aws.table import Item, Writes, commit
from switchboard.contacts import store
from switchboard.contacts.models import Contact, Indexed

#: Entries of one transaction, which checks the contact besides.
_TOGETHER = 90
#: How often one job begins anew because another one of the same contact is at it.
_ATTEMPTS = 3


class _MovedOnError(Exception):
    """The contact is of another revision by now."""

    def __init__(self, _: list[Item | None]) -> None:
        super().__init__("the contact has changed")


class ContendedError(Exception):
    """Another job is indexing the same contact: the queue brings this one again."""

    def __init__(self, _: list[Item | None]) -> None:
        super().__init__("the contact is being indexed")


def catch_up(org_id: str, contact_ids: Sequence[str]) -> None:
    """Bring the tails of contacts' entries to what the contacts are now, or were deleted as. Raises ContendedError."""
    for attempt in range(_ATTEMPTS):
        try:
            _catch_up(org_id, contact_ids)
        except ContendedError:
            if attempt == _ATTEMPTS - 1:
                raise
        else:
            return


def _catch_up(org_id: str, contact_ids: Sequence[str]) -> None:
    contacts = store.get_many(org_id, contact_ids)
    states = store.indexed(org_id, contact_ids)
    for contact_id, contact, state in zip(contact_ids, contacts, states, strict=True):
        wanted = sorted(contact.tail()) if contact else []
        if state.settled and state.tokens == wanted:
            continue
        try:
            _Tail(org_id, contact_id, contact, state).become(wanted)
        except _MovedOnError:
            continue


class _Tail:
    """The tail of one contact's entries, as it was read."""

    def __init__(self, org_id: str, contact_id: str, contact: Contact | None, state: Indexed) -> None:
        self._org_id, self._contact_id, self._state = org_id, contact_id, state
        self._revision = contact.revision if contact else None

    def become(self, wanted: list[str]) -> None:
        """Write the entries of these tokens, and take all others away."""
        # What an unsettled state names may be there, or not.
        there = set(self._state.tokens) if self._state.settled else set()
        gone = sorted(set(self._state.tokens) - set(wanted))
        self._note(sorted({*self._state.tokens, *wanted}), settled=False)
        writes = [
            *store.put_tail(self._org_id, self._contact_id, (one for one in wanted if one not in there)),
            *store.delete_tail(self._org_id, self._contact_id, gone),
        ]
        for begin in range(0, len(writes), _TOGETHER):
            self._commit(writes[begin : begin + _TOGETHER])
        self._note(wanted, settled=True)

    def _note(self, tokens: list[str], *, settled: bool) -> None:
        after = Indexed(tokens=tokens, settled=settled, version=ids.new("idx"))
        self._commit(store.save_indexed(self._org_id, self._contact_id, self._state, after, ContendedError))
        self._state = after

    def _commit(self, part: Writes) -> None:
        commit(store.unchanged(self._org_id, self._contact_id, self._revision, _MovedOnError), part)
