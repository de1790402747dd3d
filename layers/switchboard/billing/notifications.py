"""Receives the provider's notifications: each one becomes a job, or nothing."""

from __future__ import annotations

from switchboard import telemetry
from switchboard.billing.jobs import ApplyPaymentEvent
from switchboard.billing.subscriptions import apply_payment_event
from switchboard.carriers import signatures
from switchboard.carriers.payments.ports import webhook
from switchboard.carriers.payments.ports.webhook import UnreadableEventError
from switchboard.kit import clock, texts


def read_notification(body: bytes) -> ApplyPaymentEvent | None:
    """Returns the job of a notification, `None` for one without an effect. Raises UnreadableEventError."""
    try:
        found = webhook.parse_event(texts.parse_json(body.decode()))
    except UnicodeDecodeError as error:
        raise UnreadableEventError("it is not UTF-8") from error
    if found.type in webhook.USE_FAULTS:
        telemetry.emit_metric("UseReportFailed")
        facts = {"payment_event": found.id, "type": found.type, "meter": found.meter_id}
        telemetry.logger().error("the provider of payments does not bill accepted use", extra=facts)
        return None
    if not found.has_effect:
        telemetry.log_skip("this type of notification has no effect", payment_event=found.id, type=found.type)
        return None
    return ApplyPaymentEvent(
        event_id=found.id, type=found.type, customer_id=found.customer_id or "", charge_id=found.charge_id or ""
    )


def receive_directly(body: bytes, header: str) -> bool:
    """Applies a signed notification in this process. Returns False for a wrong signature."""
    if not signatures.verify_stripe(body, header, webhook.active_secrets(), clock.epoch()):
        return False
    job = read_notification(body)
    if job:
        apply_payment_event(job)
    return True
