"""Sends mail: the worker's claim and send, and the provider's notifications about each recipient.

Between the claim and our record of the provider's response, the outcome is unknown. A message in this state is never
sent again. It becomes unconfirmed after ten minutes, and the provider's notification with our id decides its state.
"""

from __future__ import annotations

from datetime import timedelta

from switchboard import telemetry
from switchboard.accounts import organizations, stops
from switchboard.accounts.stops import StoppedError
from switchboard.aws.dynamodb import Item
from switchboard.aws.writes import commit
from switchboard.carriers import mail
from switchboard.email import composition, queue_watch, store, unsubscribe
from switchboard.email.changes import (
    MessageChange,
    change_message,
    decide_acceptance,
    decide_correction,
    decide_failure,
    event_writes,
)
from switchboard.email.jobs import ConfirmMail, SendMail
from switchboard.email.models import MailState, Message
from switchboard.email.status import MailStatus
from switchboard.kit import clock
from switchboard.persistence.optimistic import StaleVersionError
from switchboard.timers import service as timers
from switchboard.usage import service as usage
from switchboard.usage.models import Meter

#: How long a claim may have no outcome before the mail becomes unconfirmed.
UNCONFIRMED_AFTER = timedelta(minutes=10)
#: The pauses between two attempts while the provider throttles us.
_FIRST_PAUSE, _LONGEST_PAUSE = timedelta(seconds=2), timedelta(minutes=10)


class _NotAllowedError(Exception):
    """The mail may no longer be sent. `why` is the code of the reason in the event."""

    def __init__(self, why: str, reason: str) -> None:
        super().__init__(reason)
        self.why = why


def send_queued(org_id: str, message_id: str) -> None:
    """Sends a queued mail. Does nothing if the mail was claimed before. If SES throttles us, sends the mail later."""
    message = store.get_message(org_id, message_id)
    if message is None or message.state is not MailState.QUEUED:
        telemetry.log_skip("the mail is gone, or claimed already", org_id=org_id, message_id=message_id)
        return
    # These calls may fail because of other services. Such a failure is not a fault of the mail, so it is raised.
    message, link = _linked(message), unsubscribe.unsubscribe_link(message)
    try:
        outbound = composition.compose_mail(message, unsubscribe.unsubscribe_headers(message, link))
    except Exception as error:  # noqa: BLE001 any error in composition repeats at every attempt
        telemetry.logger().warning("mail cannot be written", exc_info=True, extra={"message_id": message_id})
        reason = f"cannot be written as a mail: {error if isinstance(error, ValueError) else 'an error of ours'}"
        change_message(org_id, message_id, lambda found: _given_up(found, "unwritable", reason))
        return
    # Create the carrier before the claim. If this failed after the claim, the mail would count as perhaps sent.
    carrier = mail.mail_carrier()
    try:
        if not _claim(message):
            telemetry.log_skip("another worker has claimed the mail", org_id=org_id, message_id=message_id)
            return
    except _NotAllowedError as refusal:
        if message.kind == "system":
            telemetry.emit_metric("SystemMailSuppressed")
        why, reason = refusal.why, str(refusal)
        change_message(org_id, message_id, lambda found: _given_up(found, why, reason))
        return
    try:
        accepted = carrier.send(outbound)
    except mail.RefusedError as refusal:
        reason = str(refusal)
        change_message(org_id, message_id, lambda found: _never_left(found, "refused", reason))
    except mail.ThrottledError:
        change_message(org_id, message_id, _released)
    except mail.OutcomeUnknownError as unknown:
        telemetry.emit_metric("MailOutcomeUnknown")
        telemetry.logger().warning("mail outcome unknown", extra={"message_id": message_id, "reason": str(unknown)})
    else:
        change_message(org_id, message_id, lambda found: decide_acceptance(found, accepted))


def _linked(message: Message) -> Message:
    """Returns the mail with its parent's Message-ID, if the parent had none yet when the mail was accepted."""
    if message.in_reply_to or not message.answers:
        return message
    parent = store.find_head(message.org_id, message.answers)
    if parent is None or not parent.external_id:
        return message
    name = f"<{parent.external_id}>"
    return message.model_copy(update={"in_reply_to": name, "references": [*message.references, name]})


def _claim(message: Message) -> bool:
    """Claims a mail for this worker, if it may still be sent to all of its recipients.

    The transaction repeats the checks that were made when the mail was accepted.
    """
    before = MailStatus(message.head)
    claim = before.step + 1
    claimed = before.with_facts(state=MailState.SENDING, claim=claim)
    job = ConfirmMail(org_id=message.org_id, message_id=message.id, claim=claim)
    allowed = [store.unsuppressed_check(message.org_id, address, _suppressed) for address in message.recipients]
    if message.kind == "system":
        allowed += [check for address in message.recipients for check in store.system_mail_checks(address, _suppressed)]
    try:
        commit(
            store.save_status_writes(claimed),
            # The platform's own mail goes out in any case: it says how to pay.
            stops.claim_checks(message.org_id, message.key_id, sends=message.kind != "system"),
            allowed,
            timers.schedule(job, clock.now() + UNCONFIRMED_AFTER).write,
        )
    except StaleVersionError:
        return False
    except StoppedError as stopped:
        raise _NotAllowedError(stopped.code, str(stopped)) from None
    return True


def _suppressed(_: list[Item | None]) -> Exception:
    return _NotAllowedError("suppressed", "a recipient's address is suppressed: see the list of suppressions")


def check_queued(org_id: str, message_id: str) -> None:
    """Retries a mail that is still queued, or fail it when its time is over."""
    if not change_message(org_id, message_id, _watched):
        telemetry.log_skip("the mail no longer waits", org_id=org_id, message_id=message_id)


def _watched(found: MailStatus) -> MessageChange:
    if not queue_watch.is_waiting(found.head):
        return None
    if queue_watch.is_expired(found.head):
        return _never_left(found, "expired", "the mail could not be sent in time")
    telemetry.emit_metric("MailStillQueued")
    return found, queue_watch.retry_writes(found.head)


def check_claim(org_id: str, message_id: str, claim: int) -> None:
    """Marks a mail as unconfirmed if its claim has had no outcome for ten minutes. A later claim has its own job."""
    if not change_message(org_id, message_id, lambda found: decide_correction(found) or _unconfirmed(found, claim)):
        telemetry.log_skip("the outcome of this claim is known", org_id=org_id, message_id=message_id, claim=claim)


def _released(found: MailStatus) -> MessageChange:
    """Queues the mail again after a pause, because the provider did not accept it. Fails it after the deadline."""
    if found.head.state is not MailState.SENDING:
        return None
    waited = clock.now() - clock.parse(found.head.created_at)
    if queue_watch.is_expired(found.head):
        return _never_left(found, "no_room", "the mail provider had no capacity in time")
    again = SendMail(org_id=found.head.org_id, message_id=found.head.id)
    pause = min(max(waited / 2, _FIRST_PAUSE), _LONGEST_PAUSE)
    return found.with_facts(state=MailState.QUEUED), timers.schedule(again, clock.now() + pause).write


def _unconfirmed(found: MailStatus, claim: int) -> MessageChange:
    if found.head.state is not MailState.SENDING or found.head.claim != claim:
        return None
    telemetry.emit_metric("MailUnconfirmed")
    after = found.with_facts(state=MailState.UNCONFIRMED)
    return after, event_writes(after, "email.unconfirmed", found.head.recipients)


def _given_up(found: MailStatus, why: str, reason: str) -> MessageChange:
    """Fails a mail that was not sent. Does nothing if another worker has claimed the mail since it was read."""
    return _never_left(found, why, reason) if queue_watch.is_waiting(found.head) else None


def _never_left(found: MailStatus, why: str, reason: str) -> MessageChange:
    """Like `decide_failure`, for a mail that the provider did not accept: also refunds its recipients.

    A mail fails only once, so it is refunded only once.
    """
    failed = decide_failure(found, why, reason)
    head = found.head
    spent = store.get_receipt(head.org_id, head.id) if failed and not head.external_id else None
    if failed is None or spent is None:
        return failed
    back = usage.correction_write(
        organizations.get_organization(head.org_id), Meter.EMAIL, -len(head.recipients), spent
    )
    return failed[0], [failed[1], back]
