"""Applies SES's event notifications about sent mail."""

from __future__ import annotations

from typing import Any

from switchboard import telemetry
from switchboard.carriers.mail import ses
from switchboard.email import feedback
from switchboard.email.feedback import ServerResponse

#: Feedback types (RFC 5965, 3.5) that are not complaints: the recipient took the mail out of a spam folder, or a server
#: reports a failed authentication.
_NO_COMPLAINTS = frozenset({"not-spam", "auth-failure"})
_NOT_TRIED = ServerResponse(diagnostic="not sent: the address is on the suppression list of the mail provider")


def apply_notification(notification: dict[str, Any]) -> None:
    """Applies one notification. Counts and ignores a notification that is not about a mail of ours."""
    tags = notification.get("mail", {}).get("tags", {})
    org_id, message_id = (next(iter(tags.get(name, [])), None) for name in (ses.ORG_TAG, ses.MESSAGE_TAG))
    kind = notification.get("eventType", "")
    if not org_id or not message_id:
        telemetry.emit_metric("MailNotificationWithoutTags", Kind=kind or "none")
        telemetry.log_skip("the notification is not about a mail of ours", ses_id=_ses_id(notification))
        return
    detail: dict[str, Any] = notification.get(kind.lower(), {})
    match kind:
        case "Send":
            feedback.record_acceptance(org_id, message_id, ses.message_id_of(notification["mail"]["messageId"]))
        case "Delivery":
            answer = ServerResponse(diagnostic=_text(detail.get("smtpResponse")))
            feedback.record_delivery(org_id, message_id, detail["recipients"], answer)
        case "Bounce":
            bounced = detail["bouncedRecipients"]
            feedback.record_bounce(
                org_id,
                message_id,
                _addresses(bounced),
                permanent=detail.get("bounceType") == "Permanent",
                said={
                    one["emailAddress"]: ServerResponse(_text(one.get("status")), _text(one.get("diagnosticCode")))
                    for one in bounced
                },
            )
        case "Complaint" if detail.get("complaintSubType") == "OnAccountSuppressionList":
            # SES did not try to send the mail: the recipient complained about another mail of this account before.
            addresses = _addresses(detail["complainedRecipients"])
            said = dict.fromkeys(addresses, _NOT_TRIED)
            feedback.record_bounce(org_id, message_id, addresses, permanent=True, said=said)
        case "Complaint" if detail.get("complaintFeedbackType") in _NO_COMPLAINTS:
            telemetry.emit_metric("MailFeedback", Kind=detail["complaintFeedbackType"])
            telemetry.log_skip("the feedback is no complaint", org_id=org_id, message_id=message_id)
        case "Complaint":
            feedback.record_complaint(org_id, message_id, _addresses(detail["complainedRecipients"]))
        case "Reject":
            feedback.record_rejection(org_id, message_id, str(detail.get("reason", "rejected")))
        case _:
            telemetry.emit_metric("MailNotificationIgnored", Kind=kind or "none")
            telemetry.log_skip("this kind of notification has no effect", org_id=org_id, message_id=message_id)


def _ses_id(notification: dict[str, Any]) -> str | None:
    named = notification.get("mail", {}).get("messageId")
    return str(named)[:100] if named else None


def _addresses(recipients: list[dict[str, Any]]) -> list[str]:
    return [recipient["emailAddress"] for recipient in recipients]


def _text(value: Any) -> str | None:
    return str(value) if value else None
