"""Accepts mail for delivery, reads messages, and changes their labels."""

from __future__ import annotations

from functools import partial

from switchboard.accounts.models import Caller
from switchboard.agents import service as agents
from switchboard.aws.dynamodb import Item
from switchboard.aws.writes import Put, Writes
from switchboard.email import lists, parsing, queue_watch, store
from switchboard.email.attachments import attachment_link, text_links
from switchboard.email.models import (
    READ,
    UNREAD,
    Attachment,
    MailDraft,
    MailState,
    Message,
    MessageHead,
    unique_addresses,
)
from switchboard.email.status import MailStatus, RecipientReport
from switchboard.email.store import find_head, find_heads
from switchboard.errors import Conflict, Invalid, NotFound
from switchboard.events import service as events
from switchboard.events.models import Origin, Subject
from switchboard.kit import clock, ids, settings, texts
from switchboard.kit.background import BackgroundTask
from switchboard.persistence.idempotency import find_earlier_effect
from switchboard.persistence.optimistic import Decision, change_object
from switchboard.usage import service as usage
from switchboard.usage.models import Meter

__all__ = ["attachment_link", "find_head", "find_heads", "text_links"]

#: SES's limit of recipients for one message.
MAX_RECIPIENTS = 50
MAX_LABELS = 20
#: How many mails in a row machines may write in a thread. The limit stops two agents that answer each other.
MAX_MACHINE_TURNS = 30


class AutomaticParent(Conflict):
    """The mail to answer was sent by a machine, which might answer again without end (RFC 3834, 2)."""

    code = "automatic_message"


class TooManyMachineTurns(Conflict):
    """Only machines wrote the latest messages of this thread, up to the limit."""

    code = "machine_turns"


class RecipientSuppressed(Conflict):
    """A recipient's address is suppressed: it bounced, complained, or asked to get no more mail."""

    code = "recipient_suppressed"


def send_message(caller: Caller, draft: MailDraft) -> Message:
    """Accepts a mail for delivery. Raises RecipientSuppressed, QuotaExceeded, Invalid, Forbidden, NotFound."""
    recipients = unique_addresses([*draft.to, *draft.cc, *draft.bcc])
    if len(recipients) > MAX_RECIPIENTS:
        raise Invalid(
            f"A message can have at most {MAX_RECIPIENTS} recipients: send several messages.",
            fields={"to": "too many recipients, together with cc and bcc"},
        )
    choosing = agents.choose_agent(caller, draft.agent_id)
    suppressing = BackgroundTask(partial(store.list_suppressed, caller.org_id, recipients))
    if draft.in_reply_to or not caller.agent_id:
        suppressing.start()
    if draft.in_reply_to:
        choosing.start()
    parent = _parent(caller, draft.in_reply_to)
    sender = choosing.result()
    if parent:
        _require_answerable(parent)
    if refusing := suppressing.result():
        # An earlier run of the same request may have been accepted before the address was suppressed.
        if done := find_earlier_effect(caller.effect):
            return get_message(caller, done.subject_id)
        raise _suppressed_for(refusing)
    now, message_id = clock.now_iso(), ids.new_id("msg")
    within = [usage.spending_charge(caller.organization, Meter.EMAIL, len(recipients))]
    message = Message(
        id=message_id,
        org_id=caller.org_id,
        agent_id=sender.id,
        from_address=sender.address,
        from_name=sender.name,
        thread_id=parent.thread_id if parent else message_id,
        # Our own message ids are not Message-IDs.
        in_reply_to=_header_id(parent) if parent else draft.in_reply_to,
        references=_references(draft, parent),
        correlation_id=caller.correlation_id,
        key_id=caller.key.id,
        answers=parent.id if parent else None,
        receipt=usage.receipt_of(within),
        turns=parent.turns + 1 if parent else 1,
        created_at=now,
        updated_at=now,
        **draft.model_dump(exclude={"agent_id", "in_reply_to", "references"}),
    )
    done = usage.commit_within(
        within,
        store.put_message_writes(message, parent),
        queue_watch.watch_writes(message),
        _event_write(agents.origin_as_agent(caller, sender.id), "email.queued", message),
        once=caller.effect,
        subject_id=message.id,
    )
    return get_message(caller, done.subject_id) if done else message


def _parent(caller: Caller, in_reply_to: str | None) -> Message | None:
    """Returns the message to answer, if we know it. `in_reply_to` is our id or a Message-ID."""
    if not in_reply_to:
        return None
    if in_reply_to.startswith("msg_"):
        return get_message(caller, in_reply_to)
    return store.find_by_message_id(caller.org_id, in_reply_to)


def _require_answerable(parent: Message) -> None:
    """Raises AutomaticParent or TooManyMachineTurns for a mail that a machine must not answer.

    A caller cannot override this, but can send a new mail.
    """
    if parent.reception and parent.reception.automatic:
        raise AutomaticParent(
            "A machine sent this message, and two machines could answer each other without end. "
            "Send a new message without `inReplyTo`.",
            automatic=parent.reception.automatic,
        )
    if parent.turns >= MAX_MACHINE_TURNS:
        raise TooManyMachineTurns(
            f"Machines wrote the last {parent.turns} messages of this thread. "
            "Wait for a person's answer, or send a new message without `inReplyTo`.",
            turns=parent.turns,
            limit=MAX_MACHINE_TURNS,
        )


def _header_id(parent: Message | None) -> str | None:
    return f"<{parent.external_id}>" if parent and parent.external_id else None


def _references(draft: MailDraft, parent: Message | None) -> list[str]:
    inherited = [*parent.references, _header_id(parent)] if parent else []
    # A long chain of answers would make the header grow without end, so shorten it as mailers do.
    return parsing.shorten_references(list(dict.fromkeys(text for text in [*draft.references, *inherited] if text)))


def _suppressed(items: list[Item | None]) -> Exception:
    return _suppressed_for([item["address"] for item in items if item])


def _suppressed_for(addresses: list[str]) -> RecipientSuppressed:
    return RecipientSuppressed(
        "A recipient's address is suppressed: remove the recipient, or lift the suppression.", recipients=addresses
    )


def get_message(caller: Caller, message_id: str) -> Message:
    """Returns a message of the organization. An agent key sees only its agent's messages. Raises NotFound."""
    return _visible(caller, store.get_message(caller.org_id, message_id))


def _visible(caller: Caller, message: Message | None) -> Message:
    # Hide the platform's own mail, even if it belongs to an agent: a link to an organization's console is only for the
    # person who receives it, and not for someone who signed up with that person's address.
    if not message or message.kind != "mail" or not (caller.is_master or message.agent_id == caller.agent_id):
        raise NotFound("There is no such message: check its id.")
    return message


def get_message_with_reports(caller: Caller, message_id: str) -> tuple[Message, list[RecipientReport]]:
    """Like `get`, with a report for each recipient, in the message's order. Received mail has no reports.

    Raises NotFound.
    """
    found = store.get_message_with_reports(caller.org_id, message_id)
    message = _visible(caller, found[0] if found else None)
    return message, found[1] if found and message.direction == "OUTBOUND" else []


def list_messages(
    caller: Caller, agent_id: str | None, filters: lists.Filters, limit: int, after: str | None
) -> tuple[list[Message], str | None]:
    """A page of messages, newest first, and the cursor of the next page. Raises NotFound.

    An agent key sees its agent's messages. A master key sees all messages, or the messages of `agent_id`.
    """
    if not caller.is_master:
        if agent_id not in (None, caller.agent_id):
            raise NotFound("There is no such agent: check its id.")
        agent_id = caller.agent_id
    return store.list_messages(caller.org_id, agent_id, filters, limit, after)


def get_attachment(caller: Caller, message_id: str, attachment_id: str) -> Attachment:
    """Returns an attachment of a message that the caller may see. Raises NotFound."""
    found = next((one for one in get_message(caller, message_id).attachments if one.id == attachment_id), None)
    if not found:
        raise NotFound("There is no such attachment: check its id.")
    return found


def change_labels(caller: Caller, message_id: str, add: list[str], remove: list[str]) -> Message:
    """Adds labels to a message and removes labels. Raises NotFound, Invalid, Conflict.

    A message is either read or unread: adding one of these labels removes the other, and removing one adds the other.
    """
    message = get_message(caller, message_id)
    assert message.agent_id is not None, "only an agent's mail is shown"
    origin = agents.origin_as_agent(caller, message.agent_id)

    def decide(before: MailStatus) -> Decision[MailStatus]:
        head = before.head
        if head.state is MailState.QUEUED:
            # The sending worker would take a changed head for another worker's claim, and not send the mail.
            raise Conflict("The message is queued: change its labels after it is sent.", code="message_queued")
        labels = _labeled(head.labels, add, remove)
        if labels == head.labels:
            return None
        after = before.with_facts(labels=labels)
        subject = Subject(type="message", id=head.id, version=after.event_number())
        event_write = events.new_event_write(
            origin, "email.labelled", subject, labels=len(labels), unread=UNREAD in labels
        )
        return after, [lists.label_writes(head, head.labels, labels), event_write]

    after = change_object(lambda: store.get_status(caller.org_id, message_id), decide, store.save_status_writes)
    return message.with_head(after.head) if after else message


def _labeled(labels: list[str], add: list[str], remove: list[str]) -> list[str]:
    if set(add) & set(remove) or {READ, UNREAD} <= set(add):
        raise Invalid(
            "The labels contradict each other: add or remove a label, not both.",
            fields={"add": "must not contain a label of `remove`, or both `read` and `unread`"},
        )
    opposite = {READ: UNREAD, UNREAD: READ}
    add = [*add, *(opposite[name] for name in remove if name in opposite)]
    off = {*remove, *(opposite[name] for name in add if name in opposite)}
    changed = list(dict.fromkeys([*(name for name in labels if name not in off), *(n for n in add if n not in off)]))
    if len(changed) > MAX_LABELS:
        raise Invalid(
            f"A message can have at most {MAX_LABELS} labels: remove some first.", fields={"add": "too many labels"}
        )
    return changed


def system_mail_writes(origin: Origin, agent_id: str | None, to: str, subject: str, body: str) -> list[Writes]:
    """The writes that queue a mail of the platform's own. It is not charged and not listed.

    The writes also succeed if the platform's own mail to the address is suppressed (`delivery` then sends nothing). So
    an organization does not learn that a mailbox bounced or complained. They raise RecipientSuppressed at commit if the
    organization itself suppresses the address.
    """
    now, message_id = clock.now_iso(), ids.new_id("msg")
    message = Message(
        id=message_id,
        org_id=origin.org_id,
        agent_id=agent_id,
        kind="system",
        from_address=settings.text("PLATFORM_SENDER"),
        from_name="Switchboard",
        to=[to],
        subject=subject,
        body=body,
        thread_id=message_id,
        correlation_id=origin.correlation_id,
        created_at=now,
        updated_at=now,
    )
    return [
        store.unsuppressed_check(origin.org_id, to, _suppressed),
        store.put_message_writes(message),
        queue_watch.watch_writes(message),
        _event_write(origin, "email.queued", message),
    ]


def _event_write(origin: Origin, kind: str, message: MessageHead) -> Put:
    return events.new_event_write(
        origin,
        kind,
        Subject(type="message", id=message.id, version=MailStatus(message).event_number()),
        kind=message.kind,
        recipients=[texts.digest(address.lower()) for address in message.recipients],
    )
