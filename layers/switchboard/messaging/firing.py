"""Sends scheduled texts at their time.

One commit turns a pending scheduled text into a queued text, so a canceled one is never sent. The same job then sends
the text: a second run of the job finds it queued, and continues there.
"""

from __future__ import annotations

from datetime import timedelta

from switchboard import telemetry
from switchboard.accounts import organizations
from switchboard.accounts.models import Organization
from switchboard.aws import reads
from switchboard.aws.writes import Writes, commit
from switchboard.compliance import service as compliance
from switchboard.compliance.verdicts import Blocked, Verdict
from switchboard.errors import QuotaExceeded
from switchboard.kit import clock
from switchboard.messaging import acceptance, charges, gate, scheduling, sending, store, takeovers, text_events
from switchboard.messaging.drafts import TextDraft
from switchboard.messaging.jobs import SendScheduledText
from switchboard.messaging.models import (
    ConversationStatus,
    MessageStatus,
    ScheduledStatus,
    ScheduledText,
    TextConversation,
    TextMessage,
)
from switchboard.persistence.collection import next_version
from switchboard.persistence.optimistic import retry_on_conflict
from switchboard.usage import service as usage

#: How early a job may come: clocks differ. An earlier one belongs to a time before quiet hours put the text off.
_CLOCK_TOLERANCE = timedelta(seconds=2)


def send_scheduled(job: SendScheduledText) -> None:
    """Sends a scheduled text. Quiet hours put it off again. Does nothing for a canceled one."""
    sent = retry_on_conflict(lambda: _fire(job))
    if sent is not None:
        org, message = sent
        sending.send_message(org, message)


def _fire(job: SendScheduledText) -> tuple[Organization, TextMessage] | None:
    """Turns a scheduled text into a queued one. Returns the text that is to be sent now."""
    org, found = reads.read_refs(
        organizations.organization_ref(job.org_id), store.scheduled_refs(job.org_id, [job.scheduled_id])[0]
    )
    if org is None or found is None:
        telemetry.log_skip("the scheduled text is gone", scheduled_id=job.scheduled_id)
        return None
    if found.status is ScheduledStatus.SENT and found.message_id:
        message = store.get_message(found.org_id, found.conversation_id, found.message_id)
        if message and message.status is MessageStatus.QUEUED and message.put_off_until is None:
            return org, message
    if found.status is not ScheduledStatus.PENDING or clock.parse(found.send_at) > clock.now() + _CLOCK_TOLERANCE:
        telemetry.log_skip("the scheduled text is not due", scheduled_id=found.id, status=found.status.value)
        return None
    talk = store.CONVERSATIONS.get_object(found.org_id, found.conversation_id)
    if talk is None or talk.status is ConversationStatus.CLOSED:
        _fail(found, "conversation_closed" if talk else "conversation_gone")
        return None
    if taken := takeovers.find_takeover(talk, found):
        _fail(found, taken)
        return None
    return _queue(org, found, talk)


def _queue(org: Organization, found: ScheduledText, talk: TextConversation) -> tuple[Organization, TextMessage] | None:
    draft = TextDraft(
        body=found.body,
        media=found.media,
        purpose=found.purpose,
        honors_quiet_hours=found.honors_quiet_hours,
    )
    message = acceptance.new_message(
        talk,
        draft,
        found.author,
        simulated=found.simulated,
        correlation_id=found.correlation_id,
        user_id=found.author_user_id,
        flow_id=found.flow_id,
    ).model_copy(update={"scheduled_id": found.id, "passes_pause": found.passes_pause, "basis": found.basis})
    within = charges.text_charges(org, message)
    opening = gate.find_opening(org, found.flow_id) if found.honors_quiet_hours else None
    try:
        verdict = compliance.evaluate(
            gate.attempt_of_text(org, found, talk.last_inbound_at, opening),
            before_paying=lambda: charges.pay_lookup(org, within),
        )
        if verdict.code == "quiet_hours" and verdict.next_allowed_at:
            after, writes = scheduling.put_off(found, verdict.next_allowed_at)
            commit(store.SCHEDULED.save_write(after), writes, compliance.verdict_writes(verdict, found.id))
            return None
        message = message.model_copy(update={"receipt": usage.receipt_of(within)})
        origin = text_events.text_origin(message)
        after = next_version(found, status=ScheduledStatus.SENT, timer=None, message_id=message.id)
        usage.commit_within(
            within,
            compliance.allowed_writes(verdict),
            compliance.verdict_writes(verdict, message.id),
            store.SCHEDULED.save_write(after),
            acceptance.talk_writes(origin, talk, message),
            store.new_message_write(message),
            text_events.text_event_write(origin, "sms.queued", message),
            text_events.scheduled_event_write(origin, "sms.schedule_fired", after),
        )
    except Blocked as refusal:
        _fail(found, refusal.code, _blocked_writes(found, verdict, refusal.code))
        return None
    except QuotaExceeded as full:
        _fail(found, full.code)
        return None
    return org, message


def _blocked_writes(found: ScheduledText, verdict: Verdict, code: str) -> list[Writes]:
    told = text_events.blocked_event_write(text_events.text_origin(found), found, verdict, code)
    return [compliance.verdict_writes(verdict, found.id), told]


def _fail(found: ScheduledText, error: str, *more: Writes) -> None:
    after, writes = scheduling.fail_scheduled(found, error)
    commit(store.SCHEDULED.save_write(after), writes, *more)
