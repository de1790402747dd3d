"""Accepting mail and reading it."""

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

#: SES' own limit of recipients for one message.
MAX_RECIPIENTS = 50
MAX_LABELS = 20
#: How many mails in a row machines may write in a thread: two agents that answer each other stop here.
MAX_TURNS = 30


class AnswersMachine(Conflict):
    """The mail to answer was sent by a machine, which might answer the answer without end (RFC 3834, 2)."""

    code = "automatic_message"


class TooManyTurns(Conflict):
    """Nobody but machines has written in this thread for too long."""

    code = "machine_turns"


class Suppressed(Conflict):
    """A recipient gets no more mail from this organisation: it bounced, complained, or asked to stop."""

    code = "recipient_suppressed"


def send(caller: Caller, draft: Draft) -> Message:
    """Accept a mail for delivery. Raises Suppressed, QuotaExceeded, Invalid, Forbidden, NotFound."""
    recipients = each_once([*draft.to, *draft.cc, *draft.bcc])
    if len(recipients) > MAX_RECIPIENTS:
        raise Invalid(
            f"A mail goes to at most {MAX_RECIPIENTS} recipients.", fields={"to": "too many recipients with cc and bcc"}
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
        # An earlier run of the same request may have been accepted before.
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
        # Our own id of a message is no Message-ID.
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
    """The message that this one answers, if we know it, named by our id or by its Message-ID."""
    if not in_reply_to:
        return None
    if in_reply_to.startswith("msg_"):
        return get(caller, in_reply_to)
    return store.find_by_message_id(caller.org_id, in_reply_to)


def _require_answerable(parent: Message) -> None:
    """Raise AnswersMachine or TooManyTurns for a mail that a machine must not answer.

    There is no way to force it: whoever means to write writes a new mail.
    """
    if parent.reception and parent.reception.automatic:
        raise AnswersMachine(
            "The message was sent by a machine, and two machines that answer each other never stop. "
            "Send a new message without inReplyTo.",
            automatic=parent.reception.automatic,
        )
    if parent.turns >= MAX_TURNS:
        raise TooManyTurns(
            f"The last {parent.turns} messages of this thread were written by machines. "
            "Wait for a person's answer, or send a new message without inReplyTo.",
            turns=parent.turns,
            limit=MAX_TURNS,
        )


def _header_id(parent: Message | None) -> str | None:
    return f"<{parent.external_id}>" if parent and parent.external_id else None


def _references(draft: Draft, parent: Message | None) -> list[str]:
    inherited = [*parent.references, _header_id(parent)] if parent else []
    # A chain of answers makes a header that grows without end: mailers keep the first and the newest, too.
    return parsing.shortened(list(dict.fromkeys(text for text in [*draft.references, *inherited] if text)))


def _suppressed(items: list[Item | None]) -> Exception:
    return _suppressed_for([item["address"] for item in items if item])


def _suppressed_for(addresses: list[str]) -> Suppressed:
    return Suppressed("A recipient gets no more mail of yours: see the list of suppressions.", recipients=addresses)


def get(caller: Caller, message_id: str) -> Message:
    """The organisation's message of that id, or for an agent key the agent's own. Raises NotFound."""
    return _visible(caller, store.get(caller.org_id, message_id))


def _visible(caller: Caller, message: Message | None) -> Message:
    # The platform's own mail is no agent's, also where it tells of one: the link to an organization's console is for
    # the human whom it is sent to, and not for whoever signed up in their name.
    if not message or message.kind != "mail" or not (caller.is_master or message.agent_id == caller.agent_id):
        raise NotFound("There is no such message.")
    return message


def get_with_reports(caller: Caller, message_id: str) -> tuple[Message, list[Report]]:
    """As `get`, with what was reported of each recipient, in the order of the message. Of mail that came in: nothing.

    Raises NotFound.
    """
    found = store.get_with_reports(caller.org_id, message_id)
    message = _visible(caller, found[0] if found else None)
    return message, found[1] if found and message.direction == "OUTBOUND" else []


def find(org_id: str, message_id: str) -> Head | None:
    """The head of the organisation's message of that id, for a worker."""
    return store.get_head(org_id, message_id)


def find_many(places: Sequence[tuple[str, str]]) -> list[Head | None]:
    """The heads of up to a hundred messages, by organization and id, in their order, for a worker."""
    return store.HEADS.get_across(places)


def listing(
    caller: Caller, agent_id: str | None, filters: lists.Filters, limit: int, after: str | None
) -> tuple[list[Message], str | None]:
    """A page of messages, newest first. An agent key sees its agent's; a master key all, or those of `agent_id`."""
    if not caller.is_master:
        if agent_id not in (None, caller.agent_id):
            raise NotFound("There is no such agent.")
        agent_id = caller.agent_id
    return store.page(caller.org_id, agent_id, filters, limit, after)


def attachment(caller: Caller, message_id: str, attachment_id: str) -> Attachment:
    """A file that came with a message that the caller may see. Raises NotFound."""
    found = next((one for one in get(caller, message_id).attachments if one.id == attachment_id), None)
    if not found:
        raise NotFound("There is no such attachment.")
    return found


def label(caller: Caller, message_id: str, add: list[str], remove: list[str]) -> Message:
    """Put labels on a message and take some off. Raises NotFound, Invalid, Conflict.

    A message is either read or unread: to put one on is to take the other off, and the reverse.
    """
    message = get(caller, message_id)
    assert message.agent_id is not None, "only an agent's mail is shown"
    origin = agents.acting(caller, message.agent_id)

    def decide(before: Standing) -> Change[Standing]:
        head = before.head
        if head.state is State.QUEUED:
            # A worker that finds it changed would take it for another worker's, and not send it.
            raise Conflict("The message is about to be sent: label it once it is.", code="message_queued")
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
        raise Invalid("A label is put on or taken off.", fields={"add": "contradicts itself or remove"})
    opposite = {READ: UNREAD, UNREAD: READ}
    add = [*add, *(opposite[name] for name in remove if name in opposite)]
    off = {*remove, *(opposite[name] for name in add if name in opposite)}
    changed = list(dict.fromkeys([*(name for name in labels if name not in off), *(n for n in add if n not in off)]))
    if len(changed) > MAX_LABELS:
        raise Invalid(f"A message has at most {MAX_LABELS} labels.", fields={"add": "too many labels"})
    return changed


def link(attachment: Attachment) -> str:
    """A link to a file, for whoever has it, good for an hour."""
    return attachments.link(attachment)


def text_links(message: Message) -> dict[str, str]:
    """Links to the whole text and HTML of a message that shows their beginnings."""
    return attachments.text_links(message)


def system_mail(origin: Origin, agent_id: str | None, to: str, subject: str, body: str) -> list[Writes]:
    """The writes that queue a mail of the platform's own: not charged, and in no agent's list.

    They are the same for an address that gets no more of it (`delivery` then sends nothing): whether somebody's mailbox
    bounced or complained is no fact of the organization that has the platform write to it. For one that the
    organization itself suppresses they raise Suppressed at commit.
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
