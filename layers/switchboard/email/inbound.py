"""Receives mail: from SES's notice to a message in each recipient's inbox.

SES has already accepted the mail. We never return a faulty mail, because its sender address may be forged. A notice may
arrive any number of times, and creates a message only once.
"""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import Any

from switchboard import telemetry
from switchboard.agents import service as agents
from switchboard.agents.models import Agent
from switchboard.aws import objects
from switchboard.aws.writes import Put, commit
from switchboard.email import attachments, charsets, parsing, receipts, store, suppressions, unsubscribe
from switchboard.email.mime_models import ParsedMail
from switchboard.email.models import (
    SPAM,
    UNREAD,
    DroppedAttachment,
    MailState,
    Message,
    MessageHead,
    Reception,
    Suppression,
    unique_addresses,
)
from switchboard.email.receipts import InboundReceipt
from switchboard.email.status import MailStatus
from switchboard.events import service as events
from switchboard.events.models import Actor, Subject, SystemActor
from switchboard.kit import clock, ids, settings, texts
from switchboard.persistence.optimistic import AlreadyRecordedError, StaleVersionError, retry_on_conflict
from switchboard.usage import service as usage
from switchboard.usage.models import Meter

#: SES accepts mail of up to 40 MB. The setting INBOUND_MAX_BYTES may be lower.
MAX_MESSAGE_BYTES = 40 * 1024 * 1024
#: How many bytes of text and HTML the item holds (`functions/anima/email` has the same limit for outgoing mail).
MAX_CONTENT_BYTES = 192 * 1024
_BUCKET = "inbound-mail"
#: A person needs at least this time to read a mail and answer it.
_QUICKEST_PERSON = timedelta(seconds=60)
#: How many bytes are read of a mail that is too large: its headers and some text.
_BEGINNING_BYTES = 256 * 1024


def receive_mail(notice: dict[str, Any]) -> list[Message]:
    """Stores the mail of an SES notice once in each recipient's inbox. Returns the new messages."""
    receipt = receipts.parse_receipt(notice)
    if receipt is None:
        telemetry.emit_metric("MailNoticeIgnored", Kind=str(notice.get("notificationType", "none"))[:40])
        telemetry.log_skip("the notice is not about a received mail")
        return []
    limit = settings.number("INBOUND_MAX_BYTES", MAX_MESSAGE_BYTES)
    found = objects.read_object(_BUCKET, receipt.key, limit, _BEGINNING_BYTES)
    parsed = parsing.parse_mail(found.content) if found.size <= limit else _too_large(found)
    landed = [_land(receipt, parsed, agent, address) for address, agent in _inboxes(receipt, parsed).items()]
    return [message for message in landed if message]


def _too_large(found: objects.StoredObject) -> ParsedMail:
    parsed = parsing.parse_headers_only(found.content)
    parsed.dropped = [
        DroppedAttachment(
            filename="message.eml", mime_type="message/rfc822", size=found.size, reason="message_too_large"
        )
    ]
    return parsed


def _inboxes(receipt: InboundReceipt, parsed: ParsedMail) -> dict[str, Agent]:
    """Returns the recipient agents of a mail, each once, by the address that received it."""
    found: dict[str, Agent] = {}
    for address in dict.fromkeys(receipt.recipients or parsed.recipients):
        agent = agents.find_agent_by_address(address)
        if agent is None:
            # Do not send a bounce: SES has accepted the mail, and its sender may be forged.
            telemetry.emit_metric("MailForUnknownInbox")
            telemetry.log_skip("no agent has the inbox of this mail", ses_id=receipt.ses_id)
        elif agent.id not in {known.id for known in found.values()}:
            found[address] = agent
    return found


def _land(receipt: InboundReceipt, parsed: ParsedMail, agent: Agent, address: str) -> Message | None:
    """Stores a mail in an inbox, with its event and its usage count. Returns `None` if the inbox has it already."""
    moment = int(clock.parse(receipt.received_at).timestamp() * 1000)
    message_id = ids.derive_id("msg", moment, "inbound", receipt.ses_id, agent.id)
    if store.find_head(agent.org_id, message_id):
        telemetry.log_skip("the inbox has this mail already", org_id=agent.org_id, message_id=message_id)
        return None
    message = _message(message_id, receipt, parsed, agent, address)
    # Another inbox's copy of the mail may store the Message-ID meanwhile. Then this copy joins its conversation.
    landed = retry_on_conflict(partial(_put, message, receipt, parsed))
    if landed is None:
        telemetry.emit_metric("MailReceivedTwice")
        telemetry.log_skip("the inbox has this mail already", org_id=agent.org_id, message_id=message_id)
        return None
    telemetry.emit_metric("MailReceived", Automatic=str(bool(landed.reception and landed.reception.automatic)))
    return landed


def _put(message: Message, receipt: InboundReceipt, parsed: ParsedMail) -> Message:
    """Commits a mail.

    Raises AlreadyRecordedError if the inbox has it already, StaleVersionError if its Message-ID was stored meanwhile.
    """
    message, parent, first = _placed(message, parsed)
    stops = _stops(message, parsed)
    commit(
        store.put_message_writes(message, parent, otherwise=AlreadyRecordedError),
        store.received_writes(message, _digest(parsed, receipt), AlreadyRecordedError),
        _message_id_write(message, parsed.message_id) if first and parsed.message_id else None,
        _event_write(message, parsed),
        [suppressions.suppress_address_writes(_origin(message), entry, StaleVersionError) for entry in stops],
        usage.count_write(message.org_id, Meter.EMAIL_RECEIVED, 1),
    )
    return message


def _stops(message: Message, parsed: ParsedMail) -> list[Suppression]:
    """Returns new suppressions for recipients who ask in this mail to get no more mail.

    The sender must name a mail that was sent to them: by its id from List-Unsubscribe, or by an answer to it.
    """
    named = unsubscribe.parse_unsubscribe_subject(parsed.subject)
    if not named and (message.reception is None or message.reception.automatic):
        return []
    if not named and not unsubscribe.asks_to_stop(parsed.text):
        return []
    ids_ = [*parsed.in_reply_to, *reversed(parsed.references)]
    heads = [named] if named else list(store.find_known_message_ids(message.org_id, ids_).values())
    sent = [head for name in heads if (head := store.find_head(message.org_id, name)) and head.direction == "OUTBOUND"]
    addresses = [message.from_address, message.reception.sender if message.reception else None]
    found = unique_addresses(address for head in sent for address in unsubscribe.recipients_of(head, addresses))
    stopped = {address.lower() for address in store.list_suppressed(message.org_id, found)} if found else set()
    return [
        Suppression(address=address, reason="reply", created_by="mail", created_at=clock.now_iso())
        for address in found
        if address.lower() not in stopped
    ]


def _message_id_write(message: Message, message_id: str) -> Put:
    pointer = store.message_id_writes(message, message_id)
    return Put(table=pointer.table, item=pointer.item, unless_exists=True, otherwise=StaleVersionError)


def _digest(parsed: ParsedMail, receipt: InboundReceipt) -> str:
    """Returns a digest that is equal for copies of one mail. A relay may submit a mail twice, with different SES ids.

    The Message-ID alone is not enough: anyone can choose it, and some mailers always use the same one.
    """
    if not parsed.message_id:
        return texts.digest(receipt.ses_id)
    files = [f"{one.filename} {len(one.content)}" for one in parsed.attachments]
    parts = [parsed.message_id, parsed.from_address, parsed.date, parsed.subject, parsed.text, parsed.html, *files]
    return texts.digest("\x1f".join(part or "" for part in parts))


def _message(message_id: str, receipt: InboundReceipt, parsed: ParsedMail, agent: Agent, address: str) -> Message:
    """Builds the message and stores its files. Its conversation is set later."""
    now, org_id = clock.now_iso(), agent.org_id
    dropped = list(parsed.dropped)
    if receipt.has_virus:
        dropped += [
            DroppedAttachment(filename=one.filename, mime_type=one.media_type, size=len(one.content), reason="virus")
            for one in parsed.attachments
        ]
    text = charsets.cut_bytes(parsed.text, MAX_CONTENT_BYTES)
    html = charsets.cut_bytes(parsed.html, MAX_CONTENT_BYTES - len(text.encode())) if parsed.html is not None else None
    reception = Reception(
        recipient=address,
        sender=receipt.sender,
        reply_to=parsed.reply_to,
        verdicts=receipt.verdicts,
        automatic=parsed.automatic or ("empty-sender" if receipt.sender == "" else None),
        bounce=parsed.bounce,
        dropped=dropped,
        truncated=text != parsed.text or html != parsed.html,
        broken=parsed.broken,
        raw_key=receipt.key,
    )
    if text != parsed.text:
        reception.text_key = attachments.store_text(org_id, message_id, "text", parsed.text, "text/plain")
    if parsed.html is not None and html != parsed.html:
        reception.html_key = attachments.store_text(org_id, message_id, "html", parsed.html, "text/html")
    return Message(
        id=message_id,
        org_id=org_id,
        agent_id=agent.id,
        direction="INBOUND",
        state=MailState.RECEIVED,
        from_address=parsed.from_address or receipt.sender or "",
        from_name=parsed.from_name,
        to=parsed.to,
        cc=parsed.cc,
        subject=parsed.subject,
        body=text,
        body_html=html,
        headers=parsed.headers,
        in_reply_to=next(iter(parsed.in_reply_to), None),
        references=parsed.references,
        thread_id=message_id,
        correlation_id=ids.new_id("corr"),
        external_id=parsed.message_id and parsed.message_id.strip("<>"),
        created_at=now,
        updated_at=now,
        sent_at=parsed.date,
        received_at=receipt.received_at,
        labels=[UNREAD, SPAM] if receipt.is_spam else [UNREAD],
        attachments=[]
        if receipt.has_virus
        else attachments.store_attachments(org_id, message_id, parsed.attachments, receipt.received_at),
        reception=reception,
    )


def _placed(message: Message, parsed: ParsedMail) -> tuple[Message, MessageHead | None, bool]:
    """Returns the message in its conversation, its parent, and whether it is the first with its Message-ID.

    The parent is the mail that it answers, if the organization knows that mail. If the Message-ID is known already, the
    mail is a copy of a mail that an agent of ours sent or that another inbox received. Both belong together.
    """
    own = [parsed.message_id] if parsed.message_id else []
    report = [parsed.report_of] if parsed.report_of else []
    known = store.find_known_message_ids(
        message.org_id, [*own, *parsed.in_reply_to, *reversed(parsed.references), *report]
    )
    first = parsed.message_id not in known
    for name, message_id in known.items():
        parent = store.find_head(message.org_id, message_id)
        if parent is None:
            continue
        message = message.model_copy(update={"thread_id": parent.thread_id, "correlation_id": parent.correlation_id})
        if name == parsed.message_id and parent.agent_id == message.agent_id and parent.direction == "OUTBOUND":
            # The agent's own mail came back to it.
            message = message.model_copy(update={"reception": _marked(message.reception, "own-message")})
        return message.model_copy(update={"turns": _turns(message, parent)}), parent, first
    return message, None, first


def _turns(message: Message, parent: MessageHead) -> int:
    """How many mails in a row machines have written, this one included. A person's answer begins the count again.

    A machine that does not say that it is one is known by how soon it answers.
    """
    # When a mail that came in was sent is what its sender says.
    since = parent.sent_at if parent.direction == "OUTBOUND" else parent.received_at
    waited = clock.parse(message.received_at or message.created_at) - clock.parse(since or parent.created_at)
    by_machine = (message.reception and message.reception.automatic) or waited < _QUICKEST_PERSON
    return parent.turns + 1 if by_machine else 0


def _marked(reception: Reception | None, reason: str) -> Reception | None:
    return reception and reception.model_copy(update={"automatic": reception.automatic or reason})


def _origin(message: Message) -> SystemActor:
    return SystemActor(
        org_id=message.org_id,
        actor=Actor(type="system", id="mail"),
        agent_id=message.agent_id,
        correlation_id=message.correlation_id,
    )


def _event_write(message: Message, parsed: ParsedMail) -> Put:
    reception = message.reception
    assert reception is not None
    return events.new_event_write(
        _origin(message),
        "email.received",
        Subject(type="message", id=message.id, version=MailStatus(message).event_number()),
        kind=message.kind,
        sender=texts.digest(message.from_address.lower()),
        recipients=[texts.digest(reception.recipient.lower())],
        message_id=texts.digest(parsed.message_id) if parsed.message_id else None,
        attachments=len(message.attachments),
        dropped=len(reception.dropped),
        verdicts=reception.verdicts,
        spam=SPAM in message.labels,
        automatic=reception.automatic,
    )
