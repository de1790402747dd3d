"""Accepts texts, in the contract's order: a closed conversation, the compliance gate, quiet hours, the queue.

One commit has the text, its place in the conversation, its charge, the gate's verdict, its event and its job. A text
that quiet hours put off becomes a scheduled text instead. A member's text pauses the AI of its conversation.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from switchboard.accounts.models import Organization
from switchboard.aws import reads
from switchboard.aws.writes import Writes, commit
from switchboard.carriers import messages
from switchboard.carriers.messages import segments
from switchboard.compliance import service as compliance
from switchboard.compliance.models import PassedOptOut, StandingConsent
from switchboard.compliance.verdicts import Blocked, Verdict
from switchboard.errors import DomainError, Invalid
from switchboard.events.models import Origin
from switchboard.flows.models import Flow
from switchboard.kit import clock, ids
from switchboard.messaging import charges, drafts, gate, scheduling, store, text_events, threads
from switchboard.messaging.activity import entry_write, require_conversation
from switchboard.messaging.drafts import SentText, TextDraft
from switchboard.messaging.jobs import SendText
from switchboard.messaging.models import (
    MAX_BODY_CHARACTERS,
    Author,
    ConversationStatus,
    MessageStatus,
    ScheduleReason,
    TextConversation,
    TextMessage,
)
from switchboard.messaging.new_conversations import new_conversation
from switchboard.numbers import a2p
from switchboard.numbers import service as numbers
from switchboard.numbers.models import Number
from switchboard.persistence.collection import next_version
from switchboard.persistence.idempotency import EarlierEffect, IdempotencyGuard, commit_once, find_earlier_effect
from switchboard.persistence.optimistic import retry_on_conflict
from switchboard.team.models import Member
from switchboard.timers import service as timers
from switchboard.usage import service as usage
from switchboard.usage.service import Charge

__all__ = ["SentText", "TextDraft", "send_flow_text", "send_reply", "send_text", "system_text_writes"]

#: The prefix of the ids of texts for later.
SCHEDULED_PREFIX = store.SCHEDULED_PREFIX


@dataclass(frozen=True, slots=True)
class _Sender:
    """The sender of a text. `once` is the request, if it must have its effect only once.

    `is_last` is for the last text of the AI before a person takes over.
    """

    origin: Origin
    org: Organization
    author: Author
    user_id: str | None = None
    once: IdempotencyGuard | None = None
    is_last: bool = False
    #: The consent for a text that the AI sends on its own.
    basis: StandingConsent | None = None


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a text is sent: the conversation, which may be new, and its number."""

    talk: TextConversation
    number: Number
    is_new: bool = False

    @property
    def simulated(self) -> bool:
        return self.number.provider == "simulator"

    @property
    def flow_id(self) -> str | None:
        return self.talk.flow_id or self.number.sms_flow_id


def send_text(member: Member, conversation_id: str, draft: TextDraft, effect: IdempotencyGuard | None) -> SentText:
    """Sends a member's text in a conversation, or schedules it. A repeated request gets its first result.

    Raises NotFound, Invalid for a bad content or time, a closed conversation or a number without texts, Blocked with
    the failed rule of the gate, QuotaExceeded, and Unavailable without a carrier.
    """
    sender = _Sender(member, member.organization, Author.USER, member.user_id, effect)
    return _send(sender, conversation_id, draft, ScheduleReason.MANUAL)


def send_flow_text(
    origin: Origin,
    org: Organization,
    flow: Flow,
    number: Number,
    contact_e164: str,
    body: str,
    *,
    basis: StandingConsent | None,
    once: IdempotencyGuard,
) -> SentText:
    """Sends a text that a flow sends on its own, and makes the conversation if there is none.

    The flow answers in a new conversation. Quiet hours always apply. `basis` is the consent if the ledger has none. The
    errors are those of `send_text` and `send_reply`.
    """
    sender = _Sender(origin, org, Author.AI, None, once, basis=basis)
    conversation_id = threads.conversation_id_of(org.id, number.id, contact_e164)
    draft = TextDraft(body=body, purpose=flow.purpose.value)
    new_talk = partial(new_conversation, org.id, number, contact_e164, flow.id)
    return _send(sender, conversation_id, draft, ScheduleReason.AI_FOLLOW_UP, new_talk)


def send_reply(
    org: Organization,
    conversation_id: str,
    draft: TextDraft,
    *,
    correlation_id: str,
    once: IdempotencyGuard | None = None,
    is_last: bool = False,
) -> SentText:
    """Sends a text of the AI. Quiet hours always apply. The errors are those of `send_text`.

    The pause of the AI stops the text until the carrier has it, unless it `is_last`: the caller pauses the AI then.
    Raises Invalid (`ai_paused`) if a person has taken over the conversation.
    """
    sender = _Sender(text_events.text_worker(org.id, correlation_id), org, Author.AI, None, once, is_last)
    return _send(sender, conversation_id, draft, ScheduleReason.AI_FOLLOW_UP)


def system_text_writes(
    org: Organization,
    talk: TextConversation,
    body: str,
    *,
    answer_by: str,
    passes: PassedOptOut | None = None,
    correlation_id: str,
) -> tuple[TextMessage, Writes]:
    """Returns the platform's own answer to a keyword, and the writes that queue it in the caller's commit.

    It fails after `answer_by`. It passes one opt-out of the contact and no later one, and counts above the quota and
    the cap too. The caller adds it to the conversation (`threads.add_message`).
    """
    message = new_message(
        talk,
        TextDraft(body=encode_body(org, body)),
        Author.SYSTEM,
        simulated=talk.simulated,
        correlation_id=correlation_id,
    ).model_copy(update={"passes_opt_out": passes, "answer_by": answer_by})
    message = message.model_copy(update={"receipt": charges.owed_receipt(org, message)})
    return message, [queued_text_writes(text_events.text_origin(message), message), charges.owed_write(org, message)]


def queued_text_writes(origin: Origin, message: TextMessage) -> list[Writes]:
    """Returns the writes of a new text: its item, its event, and its job."""
    job = SendText(org_id=message.org_id, conversation_id=message.conversation_id, message_id=message.id)
    return [
        store.new_message_write(message),
        text_events.text_event_write(origin, "sms.queued", message),
        timers.job_write(job),
    ]


def _send(
    sender: _Sender,
    conversation_id: str,
    draft: TextDraft,
    reason: ScheduleReason,
    new_talk: Callable[[], TextConversation] | None = None,
) -> SentText:
    draft = drafts.check_draft(draft)
    at = drafts.parse_schedule(draft.scheduled_at)

    def attempt() -> SentText:
        try:
            place = _find_place(sender.org.id, conversation_id, new_talk)
            sent = _send_once(sender, place, draft, at, reason)
            return sent._replace(warnings=a2p.list_warnings(place.number, place.talk.contact_e164))
        except DomainError:
            # An earlier run of this request may have succeeded before there was a reason to refuse it.
            if done := find_earlier_effect(sender.once):
                return _earlier_result(sender.org.id, conversation_id, done)
            raise

    found = retry_on_conflict(attempt)
    assert found is not None, "no attempt raises AlreadyRecordedError"
    return found


def _find_place(org_id: str, conversation_id: str, new_talk: Callable[[], TextConversation] | None = None) -> _Place:
    known = store.CONVERSATIONS.get_object(org_id, conversation_id) if new_talk else None
    is_new = new_talk is not None and known is None
    talk = known or (new_talk() if new_talk else require_conversation(org_id, conversation_id))
    if talk.status is ConversationStatus.CLOSED:
        raise Invalid("This conversation is closed: reopen it first.", code="conversation_closed")
    number, holder = reads.read_refs(numbers.number_ref(org_id, talk.number_id), numbers.holder_ref(talk.contact_e164))
    if holder and holder.org_id == org_id:
        raise Invalid("This contact is a number of your organization: text another one.", code="contact_is_own_number")
    drafts.require_textable(talk.contact_e164)
    if number is None or not number.active:
        raise Invalid(
            "Your organization no longer has the number of this conversation: use another one.", code="number_released"
        )
    return _Place(talk, number, is_new)


def require_number(number: Number, *, has_media: bool) -> None:
    """Raises Invalid for a number that cannot send such a text, and Unavailable without a carrier for it."""
    if not number.capabilities.sms:
        raise Invalid("This number cannot send texts: choose a number with SMS.", code="number_without_sms")
    if has_media and not number.capabilities.mms:
        raise Invalid("This number cannot send files: choose a number with MMS.", code="number_without_mms")
    messages.require_messenger(simulated=number.provider == "simulator")


def _send_once(
    sender: _Sender, place: _Place, draft: TextDraft, at: datetime | None, reason: ScheduleReason
) -> SentText:
    if sender.author is Author.AI and place.talk.ai_paused:
        raise Invalid("A person has taken over this conversation: the AI is paused.", code="ai_paused")
    require_number(place.number, has_media=bool(draft.media))
    message = new_message(
        place.talk,
        draft.model_copy(update={"body": encode_body(sender.org, draft.body)}),
        sender.author,
        simulated=place.simulated,
        correlation_id=sender.origin.correlation_id,
        user_id=sender.user_id,
        flow_id=place.flow_id,
    ).model_copy(update={"passes_pause": sender.is_last, "basis": sender.basis})
    within = charges.text_charges(sender.org, message)
    # A text for later meets its quiet hours at that time.
    asked = message.honors_quiet_hours and at is None
    opening = gate.find_opening(sender.org, message.flow_id) if asked else None
    at_once = message.model_copy(update={"honors_quiet_hours": asked})
    contact = gate.attempt_of_text(sender.org, at_once, place.talk.last_inbound_at, opening, for_later=at is not None)
    verdict = compliance.evaluate(contact, before_paying=lambda: charges.pay_lookup(sender.org, within))
    try:
        if at:
            return _schedule(sender, place, message, verdict, at, reason)
        if verdict.code == "quiet_hours" and verdict.next_allowed_at:
            later = clock.parse(verdict.next_allowed_at)
            return _schedule(sender, place, message, verdict, later, ScheduleReason.QUIET_HOURS)
        return _queue(sender, place, message, verdict, within)
    except Blocked as refusal:
        # The verdict refuses the text, or a block or an opt-out was stored after the verdict.
        if find_earlier_effect(sender.once) is None:
            told = text_events.blocked_event_write(sender.origin, message, verdict, refusal.code)
            commit(compliance.verdict_writes(verdict, message.id), told)
        raise


def _queue(
    sender: _Sender, place: _Place, message: TextMessage, verdict: Verdict, within: Sequence[Charge]
) -> SentText:
    message = message.model_copy(update={"receipt": usage.receipt_of(within)})
    done = usage.commit_within(
        within,
        # The first of the writes: it raises Blocked for a verdict that refuses the text.
        compliance.allowed_writes(verdict),
        compliance.verdict_writes(verdict, message.id),
        _new_talk_writes(sender.origin, place, message) or talk_writes(sender.origin, place.talk, message),
        queued_text_writes(sender.origin, message),
        once=sender.once,
        subject_id=message.id,
    )
    return _earlier_result(sender.org.id, place.talk.id, done) if done else SentText(message=message)


def _schedule(
    sender: _Sender, place: _Place, message: TextMessage, verdict: Verdict, at: datetime, reason: ScheduleReason
) -> SentText:
    found, writes = scheduling.scheduled_writes(sender.origin, scheduling.new_scheduled(message, at, reason))
    put_off = reason is ScheduleReason.QUIET_HOURS
    done = commit_once(
        sender.once,
        found.id,
        None if put_off else compliance.allowed_writes(verdict),
        compliance.verdict_writes(verdict, found.id),
        # A member who answers takes over now, also if the answer itself waits.
        takeover_writes(sender.origin, place.talk, message) if put_off else None,
        _new_talk_writes(sender.origin, place),
        writes,
    )
    return _earlier_result(sender.org.id, place.talk.id, done) if done else SentText(scheduled=found)


def _earlier_result(org_id: str, conversation_id: str, done: EarlierEffect) -> SentText:
    """Returns what an earlier run of a request made."""
    if done.subject_id.startswith(f"{store.SCHEDULED_PREFIX}_"):
        return SentText(scheduled=store.SCHEDULED.get_object(org_id, done.subject_id))
    return SentText(message=store.get_message(org_id, conversation_id, done.subject_id))


def _new_talk_writes(origin: Origin, place: _Place, message: TextMessage | None = None) -> list[Writes]:
    """Returns the writes of a new conversation, with its first text if that goes out now. None for an older one."""
    if not place.is_new:
        return []
    facts = threads.add_message(place.talk, message) if message else {}
    talk = place.talk.model_copy(update=facts)
    started = text_events.conversation_event_write(origin, "conversation.started", talk)
    return [store.CONVERSATIONS.create_write(talk), started]


def talk_writes(origin: Origin, talk: TextConversation, message: TextMessage) -> list[Writes]:
    """Returns the writes that add a text to its conversation. A member's text pauses the AI."""
    facts = threads.add_message(talk, message)
    paused = message.author is Author.USER and not talk.ai_paused
    after = next_version(talk, **facts, **({"ai_paused": True} if paused else {}))
    return [store.CONVERSATIONS.save_write(after), _paused_writes(origin, after, message) if paused else None]


def takeover_writes(origin: Origin, talk: TextConversation, message: TextMessage) -> list[Writes]:
    """Returns the writes that pause the AI of a conversation in which a member wrote a text for later."""
    if talk.ai_paused or message.author is not Author.USER:
        return []
    after = next_version(talk, ai_paused=True)
    return [store.CONVERSATIONS.save_write(after), _paused_writes(origin, after, message)]


def _paused_writes(origin: Origin, talk: TextConversation, message: TextMessage) -> list[Writes]:
    return [
        entry_write(origin, talk, "ai_paused", "false", "true", actor_id=message.author_user_id),
        text_events.conversation_event_write(origin, "conversation.updated", talk, fields=["ai_paused"]),
    ]


def encode_body(org: Organization, body: str) -> str:
    """Returns a body as it is sent: in plain characters, if the organization wants that and if it saves segments."""
    plain = segments.to_gsm(body) if org.smart_encoding else body
    # Three dots are longer than one sign.
    return plain if len(plain) <= MAX_BODY_CHARACTERS else body


def new_message(
    talk: TextConversation,
    draft: TextDraft,
    author: Author,
    *,
    simulated: bool,
    correlation_id: str,
    user_id: str | None = None,
    flow_id: str | None = None,
) -> TextMessage:
    """Returns a queued text of a conversation, not stored yet and without its receipt."""
    now, counted = clock.now_iso(), segments.count_segments(draft.body)
    return TextMessage(
        id=ids.new_id(store.MESSAGE_PREFIX),
        org_id=talk.org_id,
        conversation_id=talk.id,
        number_id=talk.number_id,
        number_e164=talk.number_e164,
        contact_e164=talk.contact_e164,
        direction="outbound",
        body=draft.body,
        media=draft.media,
        status=MessageStatus.QUEUED,
        author=author,
        author_user_id=user_id,
        purpose=draft.purpose,
        encoding=counted.encoding,
        segments=max(1, counted.segments),
        honors_quiet_hours=gate.asks_hours(author, draft.purpose, asked=draft.honors_quiet_hours),
        flow_id=flow_id,
        simulated=simulated,
        correlation_id=correlation_id,
        created_at=now,
        updated_at=now,
    )
