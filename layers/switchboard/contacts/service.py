"""Creates, changes, deletes, lists and searches contacts."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from switchboard.aws.reads import Ref
from switchboard.aws.writes import Put, Writes
from switchboard.calls import history
from switchboard.calls.history import CallHistory
from switchboard.compliance import phone, whereabouts
from switchboard.contacts import store
from switchboard.contacts.models import MAX_HEAD_TOKENS, PLACE_FIELDS, TEXT_FIELDS, Contact, ContactWithHistory
from switchboard.email import address
from switchboard.errors import Conflict, Invalid, NotFound
from switchboard.events import service as events
from switchboard.events.models import Origin, Subject
from switchboard.kit import clock, ids, texts
from switchboard.persistence.idempotency import IdempotencyKey, commit_once, find_earlier_effect
from switchboard.persistence.optimistic import StaleVersionError, retry_on_conflict
from switchboard.search import tokens

_ID = re.compile(f"{store.ID_PREFIX}[0-9a-f]{{26}}")


def contact_id(org_id: str, e164: str) -> str:
    """Returns the id of a number's contact. It derives from the number, so no lookup is needed."""
    return store.ID_PREFIX + history.number_id(org_id, e164)


def contact_of_number_ref(org_id: str, number_id: str) -> Ref[Contact]:
    """Returns the reference to the contact of a number, by the id of the number (`calls.history.number_id`)."""
    return store.contact_ref(org_id, store.ID_PREFIX + number_id)


def new_contact(org_id: str, e164: str) -> Contact:
    """Returns a contact that is not stored yet, with only a number."""
    now = clock.now_iso()
    blank = Contact(id=contact_id(org_id, e164), org_id=org_id, e164=e164, revision="", created_at=now, updated_at=now)
    return next_revision(blank, {})


def next_revision(contact: Contact, changes: dict[str, Any]) -> Contact:
    """Returns the contact with changed fields, in its next revision."""
    after = contact.model_copy(update={**changes, "revision": ids.new_id("rev"), "updated_at": clock.now_iso()})
    words = [*tokens.tokens_of_text(after.display_name), *tokens.tokens_of_text(after.role)]
    after.terms = list(dict.fromkeys([*tokens.tokens_of_number(after.e164), *words]))[:MAX_HEAD_TOKENS]
    return after


def upsert_contact(
    origin: Origin, e164: str | None, changes: dict[str, Any], effect: IdempotencyKey | None = None
) -> ContactWithHistory:
    """Changes the given fields of a number's contact, or creates the contact. Raises Invalid, also without a number."""
    if e164 is None:
        raise Invalid("A contact needs a phone number: send it as e164.", fields={"e164": "is missing"})
    number = phone.parse_pasted(e164).e164
    changes = _checked(changes)
    return _changed(lambda: _upsert(origin, number, changes, effect))


def _upsert(origin: Origin, number: str, changes: dict[str, Any], effect: IdempotencyKey | None) -> ContactWithHistory:
    before, past = store.get_contact_with_history(origin.org_id, contact_id(origin.org_id, number))
    after = _change(origin, before, before or new_contact(origin.org_id, number), changes, effect)
    return ContactWithHistory(after, past or CallHistory(e164=number))


def update_contact(
    origin: Origin, contact_id: str, changes: dict[str, Any], effect: IdempotencyKey | None = None
) -> ContactWithHistory:
    """Changes the given fields of a contact. Raises NotFound, Invalid, or Conflict for another number."""
    number = phone.parse_pasted(changes["e164"]).e164 if "e164" in changes else None
    wanted = _checked({name: value for name, value in changes.items() if name != "e164"})
    return _changed(lambda: _update(origin, contact_id, number, wanted, effect))


def _update(
    origin: Origin, contact_id: str, number: str | None, changes: dict[str, Any], effect: IdempotencyKey | None
) -> ContactWithHistory:
    before, past = store.get_contact_with_history(origin.org_id, _wellformed(contact_id))
    if not before:
        raise _missing()
    if number not in (None, before.e164):
        raise Conflict(
            "The number of a contact cannot change: create a contact for the other number.", code="contact_number_fixed"
        )
    return ContactWithHistory(_change(origin, before, before, changes, effect), past or CallHistory(e164=before.e164))


def _change(
    origin: Origin, before: Contact | None, base: Contact, changes: dict[str, Any], effect: IdempotencyKey | None
) -> Contact:
    """Commits a change and returns the contact. Raises StaleVersionError.

    If an earlier run of the request made the change, returns the present contact instead.
    """
    changes = _placed(base, changes)
    fields = sorted(name for name, value in changes.items() if getattr(base, name) != value)
    if before and not fields:
        return before
    after = next_revision(base, {name: changes[name] for name in fields})
    event_write = _event_write(origin, "contact.updated" if before else "contact.created", after, fields=fields)
    where = _where_writes(origin, after) if set(PLACE_FIELDS) & set(fields) else None
    if not commit_once(effect, after.id, store.contact_writes(before, after, StaleVersionError), where, event_write):
        return after
    found = store.get_contact(origin.org_id, after.id)
    if not found:
        raise _missing()
    return found


def _placed(base: Contact, changes: dict[str, Any]) -> dict[str, Any]:
    """Returns the changes with the resulting confirmation of the contact's place. Raises Invalid.

    A confirmation is only for its time zone and state: a change of either ends it.
    """
    if not set(PLACE_FIELDS) & set(changes):
        return changes
    told = {name: changes.get(name, getattr(base, name)) for name in ("time_zone", "state")}
    moved = any(told[name] != getattr(base, name) for name in told)
    confirmed = changes.get("zone_confirmed", base.zone_confirmed and not moved)
    if confirmed and not any(told.values()):
        if changes.get("zone_confirmed"):
            raise Invalid(
                "There is no place to confirm: set time_zone or state.",
                fields={"zone_confirmed": "needs time_zone or state"},
            )
        confirmed = False
    return changes | {"zone_confirmed": bool(confirmed)}


def _where_writes(origin: Origin, contact: Contact) -> Writes:
    """Returns the write that stores the contact's place for the compliance gate, for the commit of the contact."""
    return whereabouts.record_writes(
        origin, contact.e164, contact.time_zone, contact.state, confirmed=contact.zone_confirmed
    )


def delete_contact(origin: Origin, contact_id: str, effect: IdempotencyKey | None = None) -> None:
    """Deletes a contact. Calls with its number and their history stay. Raises NotFound."""
    retry_on_conflict(lambda: _delete(origin, contact_id, effect))


def _delete(origin: Origin, contact_id: str, effect: IdempotencyKey | None) -> None:
    contact = store.get_contact(origin.org_id, _wellformed(contact_id))
    if not contact:
        if find_earlier_effect(effect):
            return
        raise _missing()
    commit_once(
        effect,
        contact_id,
        store.delete_contact_writes(contact, StaleVersionError),
        whereabouts.record_writes(origin, contact.e164, None, None, confirmed=False) if contact.has_location else None,
        _event_write(origin, "contact.deleted", contact),
    )


def list_contacts(
    org_id: str, text: str | None, limit: int, after: str | None
) -> tuple[list[ContactWithHistory], str | None]:
    """Returns a page of contacts by name, or of contacts that match a text, and the cursor of the next page.

    A contact matches if every word of the text begins a word in its number, name, role or notes. A page may be short
    without being the last one. Notes can be found a few moments after they were written.
    """
    if text is None or not text.strip():
        return store.list_contacts(org_id, limit, after)
    return store.search_contacts(org_id, tokens.words_of_query(text), limit, after)


def _wellformed(contact_id: str) -> str:
    if not _ID.fullmatch(contact_id):
        raise _missing()
    return contact_id


def _missing() -> NotFound:
    return NotFound("There is no such contact: check its id.")


def _changed(attempt: Callable[[], ContactWithHistory]) -> ContactWithHistory:
    known = retry_on_conflict(attempt)
    assert known is not None, "no attempt raises Recorded"
    return known


def _checked(changes: dict[str, Any]) -> dict[str, Any]:
    """Returns the valid changes, without surrounding spaces; a blank text becomes None. Raises Invalid."""
    words = (*TEXT_FIELDS, "time_zone", "state")
    given: dict[str, Any] = {name: (changes[name] or "").strip() or None for name in words if name in changes}
    if email := given.get("email"):
        try:
            given["email"] = address.normalize(email)
        except ValueError:
            raise Invalid(
                "Invalid e-mail address: write it like ada@example.com.", fields={"email": "must be an e-mail address"}
            ) from None
    if given.get("time_zone") or given.get("state"):
        time_zone, state = whereabouts.parse_whereabouts(given.get("time_zone"), given.get("state"))
        given |= {name: value for name, value in (("time_zone", time_zone), ("state", state)) if name in given}
    if "zone_confirmed" in changes:
        given["zone_confirmed"] = bool(changes["zone_confirmed"])
    return given


def _event_write(origin: Origin, kind: str, contact: Contact, **data: Any) -> Put:
    return events.new_event_write(
        origin, kind, Subject(type="contact", id=contact.id), number=texts.digest(contact.e164), **data
    )
