"""Applies the carrier's reports to our texts. Reports come late, twice and in any order.

A report moves a text to a higher rank only (`messaging.moves`), so that all orders end in the same status. The first
report about a text without an outcome settles it. A report that the contact opted out with the carrier may put the
opt-out into our ledger (`messaging.carrier_opt_outs`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from switchboard import telemetry
from switchboard.aws.writes import Writes, commit
from switchboard.carriers.messages import codes
from switchboard.carriers.messages.ports.reports import TextReport
from switchboard.compliance.ledgers import AlreadyOptedOutError
from switchboard.kit import clock
from switchboard.messaging import figures, moves, store, text_events
from switchboard.messaging.carrier_opt_outs import CarrierOptOut, find_carrier_opt_out, record_carrier_opt_out
from switchboard.messaging.models import MessageStatus, TextMessage
from switchboard.persistence.collection import next_version
from switchboard.persistence.optimistic import retry_on_conflict

#: Our status for each status of a report. The carrier's own queue is nothing that anybody waits for.
_STATUSES = {
    "queued": MessageStatus.ACCEPTED,
    "sending": MessageStatus.ACCEPTED,
}
_FAILED = (MessageStatus.UNDELIVERED, MessageStatus.FAILED, MessageStatus.CANCELED)
_ARRIVED = (MessageStatus.DELIVERED, MessageStatus.READ)
#: The statuses of a text that the carrier did not accept yet, as far as we know.
_NOT_ACCEPTED = (MessageStatus.QUEUED, MessageStatus.SENDING, MessageStatus.UNCONFIRMED)

#: Returns the writes that follow from a text's change, for the counts of its campaign.
FollowingWrites = Callable[[TextMessage, TextMessage], Writes]


def _no_writes(before: TextMessage, after: TextMessage) -> Writes:  # noqa: ARG001 the form of FollowingWrites
    return None


def apply_report(report: TextReport, beside: FollowingWrites = _no_writes) -> None:
    """Applies a report to its text. `beside` returns the writes that belong to the same commit. It may run twice."""
    if not retry_on_conflict(lambda: _apply(report, beside)):
        telemetry.log_skip("the report changes nothing", org_id=report.org_id, message_id=report.message_id)


def _apply(report: TextReport, beside: FollowingWrites) -> bool:
    before = store.get_message(report.org_id, report.conversation_id, report.message_id)
    if before is None or before.direction == "inbound":
        return False
    after = apply_to_message(before, report)
    opted_out = codes.is_opt_out(report.error_code)
    if after is None:
        if opted_out:
            record_carrier_opt_out(before)
        return False
    found = find_carrier_opt_out(after) if opted_out else CarrierOptOut()
    if found.reason:
        after = after.model_copy(update={"error_message": found.reason})
    parts: list[Writes] = [store.save_message_write(after), _event_writes(before, after), beside(before, after)]
    try:
        commit(*parts, found.writes)
    except AlreadyOptedOutError:
        commit(*parts)
    return True


def apply_to_message(before: TextMessage, report: TextReport) -> TextMessage | None:
    """Returns the text after a report, `None` if the report changes nothing. Pure."""
    status = _STATUSES.get(report.status) or MessageStatus(report.status)
    if not moves.can_become(before, status):
        return None
    at = _event_time(before, report.reported_at)
    facts: dict[str, Any] = {
        "status": status,
        "provider_sid": before.provider_sid or report.provider_sid,
        "provisional": False,
        "sent_at": before.sent_at or at,
    }
    if status in _FAILED:
        facts["error_code"] = str(report.error_code) if report.error_code is not None else None
        facts["error_message"] = codes.explain_code(report.error_code)
        if before.status in _NOT_ACCEPTED:
            facts["sent_at"] = before.sent_at
    elif before.provisional:
        facts |= {"error_code": None, "error_message": None}
    if status in _ARRIVED:
        facts["delivered_at"] = before.delivered_at or at
    return next_version(before, **facts)


def _event_time(message: TextMessage, at: str) -> str:
    """Returns the time of a report, limited to the time between the text's creation and now."""
    return min(max(at, message.created_at), clock.now_iso())


def _event_writes(before: TextMessage, after: TextMessage) -> list[Writes]:
    """Returns the events of a change. A text is told to be sent, delivered or failed once."""
    origin = text_events.text_origin(after)
    told: list[Writes] = []
    if after.sent_at and not before.sent_at:
        told.append(text_events.text_event_write(origin, "sms.sent", after))
        told.append(figures.figure_writes(after, "sent", after.sent_at))
    if after.status in _ARRIVED and before.status not in _ARRIVED:
        told.append(text_events.text_event_write(origin, "sms.delivered", after))
    if after.status in _FAILED:
        told.append(text_events.text_event_write(origin, "sms.failed", after, error=after.error_code or "unknown"))
        told.append(figures.figure_writes(after, "failed", after.updated_at))
    return told
