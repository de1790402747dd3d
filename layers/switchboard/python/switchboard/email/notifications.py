"""SES' notifications, as event publishing sends them."""

from __future__ import annotations

from typing import Any

from switchboard import telemetry
from switchboard.carriers.mail import ses
from switchboard.email import delivery
from switchboard.email.delivery import Said


def apply(notification: dict[str, Any]) -> None:
    """Apply one notification. What is not about a mail of ours is counted and let go."""
    tags = notification.get("mail", {}).get("tags", {})
    org_id, message_id = (next(iter(tags.get(name, [])), None) for name in (ses.ORG_TAG, ses.MESSAGE_TAG))
    kind = notification.get("eventType", "")
    if not org_id or not message_id:
        telemetry.metric("MailNotificationWithoutTags", Kind=kind or "none")
        return
    detail: dict[str, Any] = notification.get(kind.lower(), {})
    match kind:
        case "Send":
            delivery.accepted(org_id, message_id, ses.message_id(notification["mail"]["messageId"]))
        case "Delivery":
            said = Said(diagnostic=_text(detail.get("smtpResponse")))
            delivery.delivered(org_id, message_id, detail["recipients"], said)
        case "Bounce":
            bounced = detail["bouncedRecipients"]
            delivery.bounced(
                org_id,
                message_id,
                _addresses(bounced),
                permanent=detail.get("bounceType") == "Permanent",
                said={
                    one["emailAddress"]: Said(_text(one.get("status")), _text(one.get("diagnosticCode")))
                    for one in bounced
                },
            )
        case "Complaint" if detail.get("complaintFeedbackType") == "not-spam":
            # Somebody took the mail out of their spam folder.
            telemetry.metric("MailNotSpam")
        case "Complaint":
            delivery.complained(org_id, message_id, _addresses(detail["complainedRecipients"]))
        case "Reject":
            delivery.refused(org_id, message_id, str(detail.get("reason", "rejected")))
        case _:
            telemetry.metric("MailNotificationIgnored", Kind=kind or "none")


def _addresses(recipients: list[dict[str, Any]]) -> list[str]:
    return [recipient["emailAddress"] for recipient in recipients]


def _text(value: Any) -> str | None:
    return str(value) if value else None
