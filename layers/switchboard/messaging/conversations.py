"""Creates and changes conversations of texts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple

from switchboard.aws import reads
from switchboard.aws.dynamodb import Item
from switchboard.aws.writes import Writes
from switchboard.compliance import phone
from switchboard.errors import DomainError, Invalid, Unavailable
from switchboard.flows import service as flows
from switchboard.messaging import acceptance, drafts, snoozing, store
from switchboard.messaging.acceptance import SentText, TextDraft
from switchboard.messaging.activity import entry_write, require_conversation
from switchboard.messaging.conversation_changes import ConversationChanges, decide_changes
from switchboard.messaging.conversation_lists import ConversationRow, read_row
from switchboard.messaging.models import ConversationStatus, TextConversation
from switchboard.messaging.new_conversations import new_conversation
from switchboard.messaging.text_events import conversation_event_write
from switchboard.messaging.text_numbers import require_text_number
from switchboard.numbers import service as numbers
from switchboard.persistence.idempotency import IdempotencyKey, commit_once
from switchboard.persistence.optimistic import Decision
from switchboard.team import members
from switchboard.team.models import Member, require_permission
from switchboard.team.permissions import Permission


class NewConversation(NamedTuple):
    """A conversation to create: our number and the contact's. The flow and the assignee are only for a new one."""

    number_id: str
    contact_e164: str
    flow_id: str | None = None
    assigned_user_id: str | None = None


class StoredConversation(NamedTuple):
    """A conversation, and whether this request created it."""

    conversation: TextConversation
    created: bool


class StartedConversation(NamedTuple):
    """A conversation, whether this request created it, and its first text: sent, or the reason why it was refused."""

    row: ConversationRow
    created: bool
    sent: SentText | None = None
    refusal: DomainError | None = None


class _ConversationExistsError(Exception):
    """The number and the contact have a conversation already."""

    def __init__(self, items: list[Item | None]) -> None:
        super().__init__("the conversation exists")
        assert items[0] is not None
        self.conversation = store.CONVERSATIONS.from_item(items[0])


def create_conversation(member: Member, order: NewConversation) -> StoredConversation:
    """Creates the conversation of a number and a contact, or returns the existing one unchanged.

    Raises NotFound for an unknown number. Raises Invalid for a number that is released or has no texts, for a contact
    that is one of the organization's own numbers, and for an unknown flow or assignee.
    """
    number = require_text_number(member.org_id, order.number_id)
    contact = phone.parse_pasted(order.contact_e164, "contact_e164").e164
    if contact == number.e164 or numbers.find_owner(contact) == member.org_id:
        raise Invalid(
            "The contact is one of your own numbers: send the number of a person.",
            code="contact_is_own_number",
            fields={"contact_e164": "is one of your own numbers"},
        )
    _require_assignable(member.org_id, order.assigned_user_id, order.flow_id)
    flow_id = flows.parse_flow_id(order.flow_id) if order.flow_id else None
    conversation = new_conversation(member.org_id, number, contact, flow_id, order.assigned_user_id)
    assigned: list[Writes] = []
    if conversation.assigned_user_id:
        assigned = [
            conversation_event_write(
                member, "conversation.assigned", conversation, assignee=conversation.assigned_user_id
            ),
            entry_write(member, conversation, "assigned", None, conversation.assigned_user_id),
        ]
    create = store.CONVERSATIONS.create_write(conversation)
    try:
        done = commit_once(
            member.effect,
            conversation.id,
            replace(create, otherwise=_ConversationExistsError),
            conversation_event_write(member, "conversation.started", conversation),
            assigned,
        )
    except _ConversationExistsError as existing:
        return StoredConversation(existing.conversation, created=False)
    # An earlier run of the request created it.
    return StoredConversation(
        require_conversation(member.org_id, conversation.id) if done else conversation, created=True
    )


def start_conversation(member: Member, order: NewConversation, draft: TextDraft | None) -> StartedConversation:
    """Creates or finds a conversation, and sends its first text, if there is one.

    A refusal of the text is a part of the result: the conversation stays. Raises the errors of `create_conversation`,
    Forbidden for a member who may not send texts, Invalid for a bad content, and Unavailable.
    """
    if draft is not None:
        require_permission(member.role, Permission.TEXTS_SEND)
        draft = _check_first_text(draft)
    stored = create_conversation(member, order)
    conversation, sent, refusal = stored.conversation, None, None
    if draft is not None:
        try:
            sent = acceptance.send_text(member, conversation.id, draft, _effect_of_text(member))
        except Unavailable:
            # A retry of the request sends the text.
            raise
        except DomainError as error:
            refusal = error
        conversation = require_conversation(member.org_id, conversation.id)
    return StartedConversation(read_row(conversation), stored.created, sent, refusal)


def _check_first_text(draft: TextDraft) -> TextDraft:
    """Returns the draft of a first text. Raises Invalid, which names the fields of the request."""
    try:
        return drafts.check_draft(draft)
    except Invalid as bad:
        fields = {f"initial_message.{name}": problem for name, problem in bad.details["fields"].items()}
        raise Invalid(bad.message, code=bad.code, fields=fields) from None


def _effect_of_text(member: Member) -> IdempotencyKey | None:
    """Returns the key of the request's second effect. The first one has the request's own key."""
    return replace(member.effect, key=f"{member.effect.key}\x00text") if member.effect else None


def update_conversation(member: Member, conversation_id: str, changes: dict[str, Any]) -> ConversationRow:
    """Changes fields of a conversation. Returns it with its contact and opt-out.

    Raises NotFound, and Invalid for an unknown assignee or flow, for a snooze without a moment in the next 90 days, and
    for metadata that is too large.
    """
    try:
        valid = _valid_changes(member.org_id, changes)
    except Invalid:
        # An unknown conversation is told first.
        require_conversation(member.org_id, conversation_id)
        raise
    return read_row(_change(member, conversation_id, partial(decide_changes, member, changes=valid)))


def close_conversation(member: Member, conversation_id: str) -> None:
    """Closes a conversation. A text that comes in opens it again. Raises NotFound."""
    _set_fields(member, conversation_id, {"status": ConversationStatus.CLOSED})


def reopen_conversation(member: Member, conversation_id: str) -> None:
    """Opens a closed or snoozed conversation. Raises NotFound."""
    _set_fields(member, conversation_id, {"status": ConversationStatus.OPEN})


def mark_conversation_read(member: Member, conversation_id: str) -> None:
    """Sets the number of unread texts to zero, for the whole organization. Raises NotFound."""
    _set_fields(member, conversation_id, {"unread_count": 0})


def _set_fields(member: Member, conversation_id: str, changes: ConversationChanges) -> None:
    _change(member, conversation_id, partial(decide_changes, member, changes=changes))


def _change(
    member: Member, conversation_id: str, decide: Callable[[TextConversation], Decision[TextConversation]]
) -> TextConversation:
    changed = store.CONVERSATIONS.change_object(member.org_id, conversation_id, decide, once=member.effect)
    return changed or require_conversation(member.org_id, conversation_id)


def _valid_changes(org_id: str, changes: dict[str, Any]) -> ConversationChanges:
    valid: ConversationChanges = {**changes}  # type: ignore[typeddict-item]
    status, until = changes.get("status"), changes.get("snoozed_until")
    if status is ConversationStatus.SNOOZED and until is None:
        raise _invalid_snooze("A snooze needs its end: send snoozed_until too.", snoozed_until="is missing")
    if until is not None:
        if status not in (None, ConversationStatus.SNOOZED):
            raise _invalid_snooze(
                "Only a snooze has an end: send the status snoozed with it.", status="must be snoozed"
            )
        valid["snoozed_until"] = snoozing.parse_snooze(until)
    _require_assignable(org_id, changes.get("assigned_user_id"), changes.get("flow_id"))
    if changes.get("flow_id"):
        valid["flow_id"] = flows.parse_flow_id(changes["flow_id"])
    return valid


def _invalid_snooze(message: str, **fields: str) -> Invalid:
    return Invalid(message, code="invalid_snooze", fields=fields)


def _require_assignable(org_id: str, user_id: str | None, flow_id: str | None) -> None:
    """Raises Invalid unless the assignee is a member and the flow exists."""
    known_id = flows.parse_flow_id(flow_id) if flow_id else None
    member_ref = members.member_ref(org_id, user_id) if user_id else None
    flow_ref = flows.flow_ref(org_id, known_id) if known_id else None
    if not (user_id or flow_id):
        return
    found, flow = reads.read_refs(member_ref, flow_ref)
    if user_id and not found:
        raise Invalid(
            "The assignee is not a member: list the team to find a member's id.",
            code="unknown_member",
            fields={"assigned_user_id": "must be the id of a member of your organization"},
        )
    if flow_id and not flow:
        raise flows.unknown_flow("flow_id")
