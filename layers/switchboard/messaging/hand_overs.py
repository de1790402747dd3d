"""Hands claimed texts to the carrier, and records what became of them.

The record begins with the claimed text, and reads it again only if something else has changed it: a report of the
carrier may be faster than the record.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal

from switchboard import telemetry
from switchboard.accounts.models import Organization
from switchboard.aws.writes import Writes, commit
from switchboard.carriers import messages
from switchboard.carriers.messages import codes
from switchboard.carriers.messages.ports.messenger import (
    OutcomeUnknownError,
    OutgoingText,
    TextRefusedError,
    ThrottledError,
)
from switchboard.compliance.ledgers import AlreadyOptedOutError
from switchboard.errors import Unavailable
from switchboard.kit import clock, texts
from switchboard.messaging import charges, failures, figures, moves, store, text_events, waiting
from switchboard.messaging.carrier_opt_outs import CarrierOptOut, find_carrier_opt_out
from switchboard.messaging.models import Author, MessageStatus, TextMessage
from switchboard.persistence import optimistic
from switchboard.persistence.collection import next_version
from switchboard.persistence.optimistic import Decision, StaleVersionError
from switchboard.timers import service as timers

#: The writes that go with a change of a text, from the text before and after: the counts of its campaign.
Beside = Callable[[TextMessage, TextMessage], Writes]

#: How long an answer to a keyword may wait at the carrier. Other texts wait as long as they wait for us.
ANSWER_VALIDITY = timedelta(minutes=5)
#: When to retry a text that the carrier throttled: twice as long each time.
_FIRST_RETRY, _LONGEST_RETRY = timedelta(seconds=15), timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class HandOver:
    """The carrier's answer to a text. `unknown` means that it may have the text."""

    outcome: Literal["accepted", "refused", "throttled", "unknown"]
    provider_sid: str | None = None
    code: int | None = None


def outgoing_text(message: TextMessage, until: str | None = None) -> OutgoingText:
    """Returns a text as the carrier gets it. `until` is the end of the hours in which it is allowed."""
    return OutgoingText(
        org_id=message.org_id,
        conversation_id=message.conversation_id,
        message_id=message.id,
        number_id=message.number_id,
        from_number=message.number_e164,
        to_number=message.contact_e164,
        body=message.body,
        media_urls=tuple(one.url for one in message.media if one.url),
        campaign=message.campaign_id is not None,
        valid_seconds=_valid_seconds(message, until),
    )


def _valid_seconds(message: TextMessage, until: str | None) -> int:
    """Returns how long a text may wait at the carrier. An answer to a keyword says nothing useful much later."""
    longest = ANSWER_VALIDITY if message.author is Author.SYSTEM else waiting.WAIT_LIMIT
    lefts = [clock.parse(end) - clock.now() for end in (until, message.answer_by) if end]
    return max(1, int(min([*lefts, longest]).total_seconds()))


def hand_over(claimed: TextMessage, until: str | None = None) -> HandOver:
    """Hands a claimed text to the carrier. `until` is the end of the hours in which it is allowed.

    It raises nothing: a failure that nobody foresaw has an unknown outcome.
    """
    try:
        messenger = messages.get_messenger(claimed.simulated)
    except Unavailable:
        return HandOver("throttled")
    try:
        accepted = messenger.send_text(outgoing_text(claimed, until))
    except TextRefusedError as refusal:
        return HandOver("refused", code=refusal.code)
    except ThrottledError:
        return HandOver("throttled")
    except OutcomeUnknownError as unknown:
        telemetry.logger().warning("text outcome unknown", extra={"message_id": claimed.id, "reason": str(unknown)})
    except Exception:  # noqa: BLE001 the carrier may have the text
        telemetry.logger().exception("text outcome unknown", extra={"message_id": claimed.id})
    else:
        return HandOver("accepted", provider_sid=accepted.provider_sid)
    telemetry.emit_metric("TextOutcomeUnknown")
    return HandOver("unknown")


def record_hand_over(
    org: Organization, claimed: TextMessage, done: HandOver, beside: Beside | None = None
) -> TextMessage | None:
    """Records what became of a claimed text. Returns its new version, `None` if nothing changed.

    A refused text is given back. An opt-out with the carrier may go into the ledger in the same commit
    (`messaging.carrier_opt_outs`). A throttled text waits in the queue again. A text with an unknown outcome stays as
    it is.
    """
    opts_out = done.outcome == "refused" and codes.is_opt_out(done.code)

    def decide(before: TextMessage) -> Decision[TextMessage]:
        found = find_carrier_opt_out(before) if opts_out else CarrierOptOut()
        decided = _decide(org, before, claimed, done, found.reason)
        if decided is None:
            return None
        after, writes = decided
        more = beside(before, after) if beside else None
        return after, [writes, found.writes, more]

    try:
        return _change_claimed(claimed, decide)
    except AlreadyOptedOutError:
        opts_out = False
        return _change_claimed(claimed, decide)


def _change_claimed(claimed: TextMessage, decide: Callable[[TextMessage], Decision[TextMessage]]) -> TextMessage | None:
    """Changes a text whose present version is probably in hand."""
    in_hand = [claimed]

    def load() -> TextMessage | None:
        if in_hand:
            return in_hand.pop()
        return store.get_message(claimed.org_id, claimed.conversation_id, claimed.id)

    return optimistic.change_object(load, decide, store.save_message_write)


def _decide(
    org: Organization, before: TextMessage, claimed: TextMessage, done: HandOver, reason: str | None
) -> Decision[TextMessage]:
    if done.outcome == "accepted":
        return _accepted(before, done.provider_sid)
    if before.status is not MessageStatus.SENDING or before.claim != claimed.claim:
        return None
    if done.outcome == "refused":
        return failed(org, before, str(done.code or "refused"), reason or codes.explain_code(done.code))
    if done.outcome == "throttled":
        return _released(org, before)
    return None


def accept_text(before: TextMessage, provider_sid: str | None) -> tuple[TextMessage, Writes] | None:
    """Returns the next version of a text that the carrier accepted, and its event: without its figure."""
    # A report of the end has said whether the text was sent.
    if before.sent_at is not None or before.status in moves.END_STATUSES:
        return None
    facts: dict[str, Any] = {"provider_sid": provider_sid, "sent_at": clock.now_iso()}
    # A report of the carrier may have been faster: then its status stays.
    if moves.can_become(before, MessageStatus.ACCEPTED):
        facts |= {"status": MessageStatus.ACCEPTED, "provisional": False}
    after = next_version(before, **facts)
    event = text_events.text_event_write(text_events.text_origin(after), "sms.sent", after)
    return after, event


def _accepted(before: TextMessage, provider_sid: str | None) -> Decision[TextMessage]:
    decided = accept_text(before, provider_sid)
    if decided is None:
        return None
    after, event = decided
    return after, [event, figures.figure_writes(after, "sent", after.updated_at)]


def _released(org: Organization, before: TextMessage) -> Decision[TextMessage]:
    delay = min(_FIRST_RETRY * 2 ** min(before.throttled, 10), _LONGEST_RETRY)
    due = clock.now() + delay
    if due > waiting.waits_until(before):
        return failed(org, before, waiting.late_code(before, "throttled"))
    after = next_version(before, status=MessageStatus.QUEUED, throttled=before.throttled + 1, claim=None)
    telemetry.emit_metric("TextThrottled")
    return after, timers.schedule(waiting.job_of(after), due).write


def failed(org: Organization, before: TextMessage, code: str, reason: str | None = None) -> tuple[TextMessage, Writes]:
    """Returns a text that did not reach the carrier, and the writes that give it back and report it."""
    after = next_version(
        before,
        status=MessageStatus.FAILED,
        provisional=False,
        receipt=None,
        error_code=code,
        error_message=reason or failures.explain_failure(code),
    )
    event = text_events.text_event_write(text_events.text_origin(after), "sms.failed", after, error=texts.to_code(code))
    figure = figures.figure_writes(after, "failed", after.updated_at)
    return after, [event, figure, charges.refund_write(org, before)]


def fail_text(
    org: Organization,
    message: TextMessage,
    code: str,
    *more: Writes,
    reason: str | None = None,
    beside: Beside | None = None,
) -> None:
    """Fails a text that was not handed over, and gives it back. Does nothing if it has changed since it was read."""
    after, writes = failed(org, message, code, reason)
    commit_unless_changed(store.save_message_write(after), writes, *more, beside(message, after) if beside else None)


def commit_unless_changed(*parts: Writes) -> None:
    """Commits a change of a text, or does nothing if another worker has changed the text."""
    try:
        commit(*parts)
    except StaleVersionError:
        telemetry.log_skip("the text has changed elsewhere")
