"""Accepts mail for delivery, reads messages, and changes their labels."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from switchboard.accounts.models import Caller
from switchboard.agents import service as agents
from switchboard.aws import clock, ids, secret, settings
from switchboard.aws.aside import Task
from switchboard.aws.effect import done_before
from switchboard.aws.table import Item, Writes
from switchboard.email import attachments, lists, parsing, store, watching
from switchboard.email.models import READ, UNREAD, Attachment, Draft, Head, Message, State, each_once
from switchboard.email.standing import Report, Standing
from switchboard.errors import Conflict, Invalid, NotFound
from switchboard.events import service as events
from switchboard.events.models import Origin, Subject
from switchboard.kit.change import Change, change
from switchboard.usage import service as usage
from switchboard.usage.models import Meter

#: SES's limit of recipients for one message.
MAX_RECIPIENTS = 50
MAX_LABELS = 20
#: How many mails in a row machines may write in a thread. The limit stops two agents that answer each other.
MAX_TURNS = 30


class AnswersMachine(Conflict):
    """The mail to answer was sent by a machine, which might answer again without end (RFC 3834, 2)."""

    code = "automatic_message"


class TooManyTurns(Conflict):
    """Only machines wrote the latest messages of this thread, up to the limit."""

    code = "machine_turns"


class Suppressed(Conflict):
    """A recipient's address is suppressed: it bounced, complained, or asked to get no more mail."""

    code = "recipient_suppressed"


def send(caller: Caller, draft: Draft) -> Message:
    """Accept a mail for delivery. Raises Suppressed, QuotaExceeded, Invalid, Forbidden, NotFound."""
    recipients = each_once([*draft.to, *draft.cc, *draft.bcc])
    if len(recipients) > MAX_RECIPIENTS:
        raise Invalid(
            f"A message can have at most {MAX_RECIPIENTS} recipients: send several messages.",
            fields={"to": "too many recipients, together with cc and bcc"},
        )
    choosing = agents.choose(caller, draft.agent_id)
    suppressing = Task(partial(store.suppressed, caller.org_id, recipients))
    if draft.in_reply_to or not caller.agent_id:
        suppressing.begin()
    if draft.in_reply_to:
        choosing.begin()
    parent = _parent(caller, draft.in_reply_to)
    sender = choosing.result()
    if parent:
        _require_answerable(parent)
    if refusing := suppressing.result():
        # An earlier run of the same request may have been accepted before the address was suppressed.
        if done := done_before(caller.effect):
            return get(caller, done.subject_id)
        raise _suppressed_for(refusing)
    now, message_id = clock.stamp(), ids.new("msg")
    within = [usage.spending(caller.organisation, Meter.EMAIL, len(recipients))]
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
        receipt=usage.receipt(within),
        turns=parent.turns + 1 if parent else 1,
        created_at=now,
        updated_at=now,
        **draft.model_dump(exclude={"agent_id", "in_reply_to", "references"}),
    )
    done = usage.commit_within(
        within,
        store.put(message, parent),
        watching.watch_writes(message),
        events.record(_event(agents.acting(caller, sender.id), "email.queued", message)),
        once=caller.effect,
        subject_id=message.id,
    )
    return get(caller, done.subject_id) if done else message


def _parent(caller: Caller, in_reply_to: str | None) -> Message | None:
    """Returns the message to answer, if we know it. `in_reply_to` is our id or a Message-ID."""
    if not in_reply_to:
        return None
    if in_reply_to.startswith("msg_"):
        return get(caller, in_reply_to)
    return store.find_by_message_id(caller.org_id, in_reply_to)


def _require_answerable(parent: Message) -> None:
    """Raise AnswersMachine or TooManyTurns for a mail that a machine must not answer.

    A caller cannot override this, but can send a new mail.
    """
    if parent.reception and parent.reception.automatic:
        raise AnswersMachine(
            "A machine sent this message, and two machines could answer each other without end. "
            "Send a new message without `inReplyTo`.",
            automatic=parent.reception.automatic,
        )
    if parent.turns >= MAX_TURNS:
        raise TooManyTurns(
            f"Machines wrote the last {parent.turns} messages of this thread. "
            "Wait for a person's answer, or send a new message without `inReplyTo`.",
            turns=parent.turns,
            limit=MAX_TURNS,
        )


def _header_id(parent: Message | None) -> str | None:
    return f"<{parent.external_id}>" if parent and parent.external_id else None


def _references(draft: Draft, parent: Message | None) -> list[str]:
    inherited = [*parent.references, _header_id(parent)] if parent else []
    # A long chain of answers would make the header grow without end, so shorten it as mailers do.
    return parsing.shortened(list(dict.fromkeys(text for text in [*draft.references, *inherited] if text)))


def _suppressed(items: list[Item | None]) -> Exception:
    return _suppressed_for([item["address"] for item in items if item])


def _suppressed_for(addresses: list[str]) -> Suppressed:
    return Suppressed(
        "A recipient's address is suppressed: remove the recipient, or lift the suppression.", recipients=addresses
    )


def get(caller: Caller, message_id: str) -> Message:
    """Returns a message of the organization. An agent key sees only its agent's messages. Raises NotFound."""
    return _visible(caller, store.get(caller.org_id, message_id))


def _visible(caller: Caller, message: Message | None) -> Message:
    # Hide the platform's own mail, even if it belongs to an agent: a link to an organization's console is only for the
    # person who receives it, and not for someone who signed up with that person's address.
    if not message or message.kind != "mail" or not (caller.is_master or message.agent_id == caller.agent_id):
        raise NotFound("There is no such message.")
    return message


def get_with_reports(caller: Caller, message_id: str) -> tuple[Message, list[Report]]:
    """Like `get`, with a report for each recipient, in the message's order. Received mail has no reports.

    Raises NotFound.
    """
    found = store.get_with_reports(caller.org_id, message_id)
    message = _visible(caller, found[0] if found else None)
    return message, found[1] if found and message.direction == "OUTBOUND" else []


def find(org_id: str, message_id: str) -> Head | None:
    """Returns the head of a message of the organization, for a worker."""
    return store.get_head(org_id, message_id)


def find_many(places: Sequence[tuple[str, str]]) -> list[Head | None]:
    """Returns the heads of up to a hundred messages, by organization and id, in the given order, for a worker."""
    return store.HEADS.get_across(places)


def listing(
    caller: Caller, agent_id: str | None, filters: lists.Filters, limit: int, after: str | None
) -> tuple[list[Message], str | None]:
    """A page of messages, newest first, and the cursor of the next page. Raises NotFound.

    An agent key sees its agent's messages. A master key sees all messages, or the messages of `agent_id`.
    """
    if not caller.is_master:
        if agent_id not in (None, caller.agent_id):
            raise NotFound("There is no such agent.")
        agent_id = caller.agent_id
    return store.page(caller.org_id, agent_id, filters, limit, after)


def attachment(caller: Caller, message_id: str, attachment_id: str) -> Attachment:
    """Returns an attachment of a message that the caller may see. Raises NotFound."""
    found = next((one for one in get(caller, message_id).attachments if one.id == attachment_id), None)
    if not found:
        raise NotFound("There is no such attachment.")
    return found


def label(caller: Caller, message_id: str, add: list[str], remove: list[str]) -> Message:
    """Add labels to a message and remove labels. Raises NotFound, Invalid, Conflict.

    A message is either read or unread: adding one of these labels removes the other, and removing one adds the other.
    """
    message = get(caller, message_id)
    assert message.agent_id is not None, "only an agent's mail is shown"
    origin = agents.acting(caller, message.agent_id)

    def decide(before: Standing) -> Change[Standing]:
        head = before.head
        if head.state is State.QUEUED:
            # The sending worker would take a changed head for another worker's claim, and not send the mail.
            raise Conflict("The message is queued: change its labels after it is sent.", code="message_queued")
        labels = _labelled(head.labels, add, remove)
        if labels == head.labels:
            return None
        after = before.with_facts(labels=labels)
        subject = Subject(type="message", id=head.id, version=after.number())
        event = events.of(origin, "email.labelled", subject, labels=len(labels), unread=UNREAD in labels)
        return after, [lists.label_writes(head, head.labels, labels), events.record(event)]

    after = change(lambda: store.standing(caller.org_id, message_id), decide, store.save)
    return message.with_head(after.head) if after else message


def _labelled(labels: list[str], add: list[str], remove: list[str]) -> list[str]:
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


def link(attachment: Attachment) -> str:
    """Returns a link to a file that works for an hour, for anyone who has the link."""
    return attachments.link(attachment)


def text_links(message: Message) -> dict[str, str]:
    """Returns links to the complete text and HTML of a message that shows only their beginnings."""
    return attachments.text_links(message)


def system_mail(origin: Origin, agent_id: str | None, to: str, subject: str, body: str) -> list[Writes]:
    """The writes that queue a mail of the platform's own. It is not charged and not listed.

    The writes also succeed if the platform's own mail to the address is suppressed (`delivery` then sends nothing). So
    an organization does not learn that a mailbox bounced or complained. They raise Suppressed at commit if the
    organization itself suppresses the address.
    """
    now, message_id = clock.stamp(), ids.new("msg")
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
        store.unsuppressed(origin.org_id, to, _suppressed),
        store.put(message),
        watching.watch_writes(message),
        events.record(_event(origin, "email.queued", message)),
    ]


def _event(origin: Origin, kind: str, message: Head) -> events.Event:
    return events.of(
        origin,
        kind,
        Subject(type="message", id=message.id, version=Standing(message).number()),
        kind=message.kind,
        recipients=[secret.digest(address.lower()) for address in message.recipients],
    )
