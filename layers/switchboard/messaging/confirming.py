"""Asks the carrier about texts that were claimed and have no outcome. Such a text is never sent again."""

from __future__ import annotations

from typing import get_args

from switchboard import telemetry
from switchboard.accounts import organizations
from switchboard.aws import queues
from switchboard.carriers import messages
from switchboard.carriers.messages.ports.messenger import FoundText, OutcomeUnknownError
from switchboard.carriers.messages.ports.reports import ReportedStatus, TextReport, text_report_messages
from switchboard.errors import Unavailable
from switchboard.kit import clock
from switchboard.messaging import hand_overs, store, text_events
from switchboard.messaging.hand_overs import Beside, HandOver
from switchboard.messaging.jobs import ConfirmText
from switchboard.messaging.models import MessageStatus, TextMessage
from switchboard.persistence.collection import next_version


def confirm_text(job: ConfirmText) -> None:
    """Asks the carrier about a claim without an outcome after ten minutes.

    A text that the carrier knows was sent. Otherwise it is unconfirmed, and a report may still correct that.
    """
    message = store.get_message(job.org_id, job.conversation_id, job.message_id)
    if message is None or message.status is not MessageStatus.SENDING or message.claim != job.claim:
        telemetry.log_skip("the outcome of this claim is known", message_id=job.message_id, claim=job.claim)
        return
    found = _find(message)
    if found is None:
        leave_unconfirmed(message)
        return
    # First the report, so that a worker that is killed here tells it again.
    tell_report(message, found)
    org = organizations.get_organization(job.org_id)
    hand_overs.record_hand_over(org, message, HandOver("accepted", provider_sid=found.provider_sid))


def leave_unconfirmed(message: TextMessage, beside: Beside | None = None) -> None:
    """Marks a claimed text as unconfirmed: the carrier may have it, and does not say so. A report may correct that."""
    after = next_version(message, status=MessageStatus.UNCONFIRMED, provisional=True)
    event = text_events.text_event_write(text_events.text_origin(after), "sms.unconfirmed", after)
    telemetry.emit_metric("TextUnconfirmed")
    more = beside(message, after) if beside else None
    hand_overs.commit_unless_changed(store.save_message_write(after), event, more)


def ask_carrier(message: TextMessage) -> FoundText | None:
    """Returns a claimed text as the carrier knows it, `None` if the carrier does not know it.

    Raises OutcomeUnknownError if the carrier does not answer, and Unavailable without a carrier.
    """
    since = clock.parse(message.updated_at)
    return messages.get_messenger(message.simulated).find_text(hand_overs.outgoing_text(message), since)


def tell_report(message: TextMessage, found: FoundText) -> None:
    """Tells the status of a text that the carrier knows, as a report. The worker of reports keeps their order."""
    if found.status in get_args(ReportedStatus):
        queues.send_messages(text_report_messages([_report(message, found)]))


def _find(message: TextMessage) -> FoundText | None:
    try:
        return ask_carrier(message)
    except (OutcomeUnknownError, Unavailable):
        return None


def _report(message: TextMessage, found: FoundText) -> TextReport:
    return TextReport.model_validate(
        {
            "org_id": message.org_id,
            "conversation_id": message.conversation_id,
            "message_id": message.id,
            "provider_sid": found.provider_sid,
            "status": found.status,
            "error_code": found.error_code,
            "reported_at": clock.now_iso(),
        }
    )
