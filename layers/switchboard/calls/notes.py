"""Notes on calls: short texts of people.

| item in `activity` | pk | sk |
|---|---|---|
| note | `<org>#call#<call id>` | `note#<id>` |
| pointer from a note's id | `<org>#note#<id>` | `note` |

The call counts its notes, so that their number has a limit.
"""

from __future__ import annotations

from collections.abc import Callable

from pydantic import BaseModel

from switchboard.aws import reads
from switchboard.aws.dynamodb import Item, Key
from switchboard.aws.reads import Query
from switchboard.aws.writes import Delete, Put, Writes
from switchboard.calls import store
from switchboard.calls.changes import CallChange
from switchboard.calls.inbox import require_call
from switchboard.calls.models import Call
from switchboard.errors import Forbidden, Invalid, NotFound
from switchboard.events import service as events
from switchboard.events.models import Subject
from switchboard.kit import clock, ids
from switchboard.persistence import optimistic
from switchboard.persistence.collection import next_version
from switchboard.persistence.idempotency import find_earlier_effect
from switchboard.persistence.optimistic import StaleVersionError
from switchboard.team.models import Member
from switchboard.team.permissions import Role

#: The notes of one call. Their list has no pages.
MAX_NOTES = 100


class CallNote(BaseModel):
    """A note on a call. `author_name` is the author's name at that time."""

    id: str
    org_id: str
    call_id: str
    body: str
    author_id: str
    author_name: str
    created_at: str


def _key(org_id: str, call_id: str, note_id: str) -> Key:
    return {"pk": store.call_ref(org_id, call_id).key["pk"], "sk": f"note#{note_id}"}


def _pointer_key(org_id: str, note_id: str) -> Key:
    return {"pk": f"{org_id}#note#{note_id}", "sk": "note"}


def note_items(note: CallNote) -> tuple[Item, Item]:
    """Returns the items of a note: the note itself, and the pointer from its id."""
    item = {**_key(note.org_id, note.call_id, note.id), **note.model_dump()}
    return item, {**_pointer_key(note.org_id, note.id), "call_id": note.call_id}


def list_notes(org_id: str, call_id: str) -> list[CallNote]:
    """Returns the notes of a call that exists, the oldest first."""
    query = Query(table="activity", partition=store.call_ref(org_id, call_id).key["pk"], begins="note#")
    return [CallNote.model_validate(item) for item in query.read_all()]


def list_call_notes(org_id: str, call_id: str) -> list[CallNote]:
    """Returns the notes of a call, the oldest first. Raises NotFound."""
    require_call(org_id, call_id)
    return list_notes(org_id, call_id)


def create_note(member: Member, call_id: str, body: str) -> CallNote:
    """Adds a note to a call. Raises NotFound, and Invalid for too many notes."""
    require_call(member.org_id, call_id)
    note = CallNote(
        id=ids.new_id("note"),
        org_id=member.org_id,
        call_id=call_id,
        body=body,
        author_id=member.user_id,
        author_name=member.user.name,
        created_at=clock.now_iso(),
    )

    def decide(call: Call) -> CallChange:
        if call.note_count >= MAX_NOTES:
            raise Invalid(f"A call has at most {MAX_NOTES} notes: delete one first.", code="too_many_notes")
        after = next_version(call, note_count=call.note_count + 1)
        item, pointer = note_items(note)
        return after, [
            Put(table="activity", item=item, unless_exists=True),
            Put(table="activity", item=pointer),
            _event_write(member, after, "call.note_created", note),
        ]

    if _change_call(member, call_id, decide, note.id):
        return note
    # An earlier run of the request made the note.
    earlier = find_earlier_effect(member.effect)
    return _get_note(member.org_id, earlier.subject_id if earlier else note.id)


def delete_note(member: Member, note_id: str) -> None:
    """Deletes a note. Only its author and an admin may do it. Raises NotFound and Forbidden."""
    if find_earlier_effect(member.effect):
        return
    note = _get_note(member.org_id, note_id)
    if note.author_id != member.user_id and member.role is not Role.ADMIN:
        raise Forbidden("Only the author of a note and an admin may delete it: ask one of them.", code="not_the_author")

    def decide(call: Call) -> CallChange:
        _get_note(member.org_id, note_id)
        after = next_version(call, note_count=max(0, call.note_count - 1))
        delete = Delete(
            table="activity",
            key=_key(call.org_id, call.id, note.id),
            condition="attribute_exists(pk)",
            otherwise=StaleVersionError,
        )
        pointer = Delete(table="activity", key=_pointer_key(call.org_id, note.id))
        return after, [delete, pointer, _event_write(member, after, "call.note_deleted", note)]

    _change_call(member, note.call_id, decide, note.id)


def _change_call(member: Member, call_id: str, decide: Callable[[Call], CallChange], note_id: str) -> Call | None:
    return optimistic.change_object(
        lambda: store.CALLS.get_object(member.org_id, call_id),
        decide,
        store.CALLS.save_write,
        once=member.effect,
        subject_id=note_id,
    )


def _get_note(org_id: str, note_id: str) -> CallNote:
    pointer = reads.get_item("activity", _pointer_key(org_id, note_id))
    found = reads.get_item("activity", _key(org_id, pointer["call_id"], note_id)) if pointer else None
    if not found:
        raise NotFound("There is no such note: check its id.")
    return CallNote.model_validate(found)


def _event_write(member: Member, call: Call, kind: str, note: CallNote) -> Writes:
    subject = Subject(type="call", id=call.id, version=call.version)
    return events.new_event_write(member, kind, subject, note_id=note.id, characters=len(note.body))
