"""Receives texts. One commit has the text, its conversation, the request of the contact, and all events.

The carrier's id marks a text, so that a repeated callback changes nothing. The commit requires the conversation and
the ledger's entry as they were read. So a STOP is in force with its own text, and no worker answers from old facts.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from switchboard import telemetry
from switchboard.aws import reads
from switchboard.aws.writes import Writes
from switchboard.carriers.messages.ports.reports import IncomingText
from switchboard.compliance import ledgers, phone
from switchboard.compliance.ledgers import AlreadyOptedOutError
from switchboard.compliance.models import BlockedNumber, ConsentRecord, ConsentSource, OptOut
from switchboard.errors import NotFound, QuotaExceeded
from switchboard.events.models import Origin
from switchboard.kit import clock, ids
from switchboard.messaging import contact_requests, figures, keyword_answers, store, text_events, threads, unanswered
from switchboard.messaging.activity import entry_write
from switchboard.messaging.contact_requests import ContactRequest, LedgerChange
from switchboard.messaging.jobs import FetchTextMedia
from switchboard.messaging.keyword_answers import Answered, Asked
from switchboard.messaging.keywords import KeywordKind
from switchboard.messaging.models import (
    MAX_MEDIA,
    ActivityEntryKind,
    Author,
    ConversationStatus,
    MessageStatus,
    TextConversation,
    TextMedia,
    TextMessage,
)
from switchboard.numbers import service as numbers
from switchboard.numbers.models import Number
from switchboard.persistence.collection import next_version
from switchboard.persistence.optimistic import StaleVersionError, retry_on_conflict
from switchboard.timers import service as timers
from switchboard.usage import service as usage
from switchboard.usage.models import Meter
from switchboard.usage.service import Charge

#: The longest sender that is not a telephone number, such as a short code or a name.
_MAX_SENDER_CHARACTERS = 32
#: The actor of the activity that a contact's text causes.
_CONTACT = "contact"


class _Known(NamedTuple):
    """The facts about a text that came in: our number, and what is stored about the contact."""

    number: Number
    talk: TextConversation | None
    opt_out: OptOut | None
    blocked: BlockedNumber | None
    consent: ConsentRecord | None


class _Receipt(NamedTuple):
    """The writes that follow from a text that came in, and what the answer to it counts."""

    writes: list[Writes]
    charges: Sequence[Charge]


def receive_text(report: IncomingText) -> None:
    """Stores a text that came in, and does what its keyword asks for. It may run several times."""
    try:
        number = numbers.get_number(report.org_id, report.number_id)
    except NotFound:
        telemetry.log_skip("the number is gone", org_id=report.org_id, number_id=report.number_id)
        return
    if report.to_number != number.e164:
        telemetry.log_skip("the text is for another number", org_id=report.org_id, number_id=report.number_id)
        return
    if not retry_on_conflict(lambda: _receive(report, number)):
        telemetry.log_skip("the text is stored already", org_id=report.org_id, number_id=report.number_id)


def _receive(report: IncomingText, number: Number) -> bool:
    org_id, contact = number.org_id, _contact_of(report.from_number)
    conversation_id = threads.conversation_id_of(org_id, number.id, contact)
    known = _Known(
        number,
        *reads.read_refs(
            store.conversation_ref(org_id, conversation_id),
            ledgers.opt_out_ref(org_id, contact),
            ledgers.blocked_ref(org_id, contact),
            ledgers.consent_ref(org_id, contact),
        ),
    )
    message = _new_message(report, number, conversation_id, contact)
    request, flagged = _find_request(report, known, message), report.opt_out_type is not None
    if request:
        message = message.model_copy(update={"keyword": request.kind})
    try:
        _store(message, _receipt_of(request, known, message, answers=True, flagged=flagged))
    except QuotaExceeded:
        # The day's answers are used up: the text comes in without one.
        _store(message, _receipt_of(request, known, message, answers=False, flagged=flagged))
    return True


def _store(message: TextMessage, receipt: _Receipt) -> None:
    try:
        # The mark comes first: a repeated callback fails by it, and not by another condition.
        usage.commit_within(
            receipt.charges, store.provider_sid_write(message), store.new_message_write(message), receipt.writes
        )
    except AlreadyOptedOutError:
        raise StaleVersionError from None


def _contact_of(sender: str) -> str:
    """Returns the contact of a text. A short code or a name stays as it is: nobody can text it, its text is kept."""
    if phone.is_number(sender):
        return sender
    return " ".join(sender.split())[:_MAX_SENDER_CHARACTERS] or "unknown"


def _new_message(report: IncomingText, number: Number, conversation_id: str, contact: str) -> TextMessage:
    received_at = min(report.received_at, clock.now_iso())
    moment = int(clock.parse(received_at).timestamp() * 1_000)
    media = [TextMedia(carrier_url=one.url, content_type=one.content_type or None) for one in report.media[:MAX_MEDIA]]
    return TextMessage(
        # Derived, so that each attempt writes the same text.
        id=ids.derive_id(store.MESSAGE_PREFIX, moment, number.id, report.provider_sid),
        org_id=number.org_id,
        conversation_id=conversation_id,
        number_id=number.id,
        number_e164=number.e164,
        contact_e164=contact,
        direction="inbound",
        # A table's reader may stop at NUL.
        body=report.body.replace("\x00", ""),
        media=media,
        status=MessageStatus.RECEIVED,
        author=Author.CONTACT,
        segments=max(1, report.segments),
        provider_sid=report.provider_sid,
        simulated=number.provider == "simulator",
        correlation_id=ids.new_id("corr"),
        created_at=received_at,
        updated_at=clock.now_iso(),
    )


def _find_request(report: IncomingText, known: _Known, message: TextMessage) -> ContactRequest | None:
    if not phone.is_number(message.contact_e164):
        return None
    confirmed = known.talk.confirmed_opt_out if known.talk else None
    yes_counts = contact_requests.is_yes_to(known.opt_out, confirmed)
    return contact_requests.find_request(message.body, report.opt_out_type, yes_counts=yes_counts)


def _receipt_of(
    request: ContactRequest | None, known: _Known, message: TextMessage, *, answers: bool, flagged: bool
) -> _Receipt:
    """Returns what follows from a text. `flagged` means that the carrier named its keyword, and has answered it."""
    origin = text_events.text_origin(message)
    is_person = phone.is_number(message.contact_e164)
    change = contact_requests.change_ledger(origin, request, message.contact_e164, known.opt_out, message.created_at)
    before = known.talk or _new_conversation(known.number, message)
    facts: dict[str, Any] = threads.add_message(before, message)
    if request and request.kind is KeywordKind.STOP:
        facts["last_stop_at"] = max(message.created_at, before.last_stop_at or "")
    if request and (change.keeps or (request.kind is KeywordKind.STOP and request.in_sentence)):
        facts["needs_attention"] = True
    if is_person and unanswered.needs_person(message.body):
        facts["needs_attention"] = True
    after = next_version(before, **facts) if known.talk else before.model_copy(update=facts)
    answered = Answered(after)
    if request and answers:
        asked = Asked(
            request,
            change,
            message,
            known.number,
            known.opt_out,
            blocked=known.blocked is not None,
            flagged=flagged,
        )
        answered = keyword_answers.answer_request(asked, after)
    after = answered.talk
    keyword = {"keyword": request.kind.value} if request else {}
    fetch = FetchTextMedia(org_id=message.org_id, conversation_id=message.conversation_id, message_id=message.id)
    writes = [
        store.CONVERSATIONS.save_write(after) if known.talk else store.CONVERSATIONS.create_write(after),
        change.writes,
        _status_writes(known.talk, after, message),
        text_events.text_event_write(origin, "sms.received", message, media=len(message.media), **keyword),
        _ledger_entry_write(origin, request, change, after),
        _consent_writes(request, known, message) if is_person else None,
        timers.job_write(fetch) if message.media else None,
        figures.figure_writes(message, "received", message.created_at),
        None if message.simulated else usage.count_write(message.org_id, Meter.SMS_RECEIVED, message.segments),
        answered.writes,
    ]
    return _Receipt(writes, answered.charges)


def _new_conversation(number: Number, message: TextMessage) -> TextConversation:
    now = clock.now_iso()
    return TextConversation(
        id=message.conversation_id,
        org_id=number.org_id,
        number_id=number.id,
        number_e164=number.e164,
        contact_e164=message.contact_e164,
        # Texts of campaigns may be older than the conversation.
        message_count=store.count_messages(number.org_id, message.conversation_id),
        simulated=message.simulated,
        created_at=now,
        updated_at=now,
    )


def _status_writes(before: TextConversation | None, after: TextConversation, message: TextMessage) -> list[Writes]:
    """Returns the writes of a conversation that begins or opens again."""
    origin = text_events.text_origin(message)
    if before is None:
        return [text_events.conversation_event_write(origin, "conversation.started", after)]
    if before.status is ConversationStatus.OPEN:
        return []
    return [
        text_events.conversation_event_write(origin, "conversation.reopened", after, cause="text"),
        entry_write(origin, after, "status", before.status.value, after.status.value, actor_id=_CONTACT),
        timers.cancel_writes(before.snooze_timer),
    ]


def _ledger_entry_write(
    origin: Origin, request: ContactRequest | None, change: LedgerChange, talk: TextConversation
) -> Writes:
    """Returns the write of the activity's entry about an opt-out or opt-in."""
    kinds: dict[ActivityEntryKind, bool] = {
        "opted_out": change.opts_out,
        "opted_in": change.opts_in,
        "opt_out_kept": change.keeps,
    }
    kind = next((kind for kind, applies in kinds.items() if applies), None)
    if request is None or kind is None:
        return None
    note = "asked in a text" if request.in_sentence else request.word
    return entry_write(origin, talk, kind, note=note, actor_id=_CONTACT)


def _consent_writes(request: ContactRequest | None, known: _Known, message: TextMessage) -> Writes:
    """Returns the writes of the consent that a text of the contact is. A simulated person gives none.

    The first text is a consent if the ledger has none. Each later one renews this consent, and no other one. A machine,
    a reaction and the holder of a wrong number give none.
    """
    if message.simulated or (request and request.kind is KeywordKind.STOP):
        return None
    if request is None and unanswered.gets_no_reply(message):
        return None
    origin = text_events.text_origin(message)
    if known.consent and known.consent.source is ConsentSource.CUSTOMER_INITIATED:
        return ledgers.renewed_consent_writes(origin, known.consent, message.created_at)
    if known.consent or (known.talk and known.talk.last_inbound_at):
        return None
    return ledgers.first_consent_writes(
        origin, message.contact_e164, ConsentSource.CUSTOMER_INITIATED, message.created_at
    )
