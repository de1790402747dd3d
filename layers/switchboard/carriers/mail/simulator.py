"""A simulated mail provider.

It accepts every mail and sends the notifications that SES would send. The addresses of SES's own mailbox simulator
(bounce, complaint, suppressionlist, success at simulator.amazonses.com) have the same effect as at SES. Mail to all
other addresses is delivered.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from typing import Any

from switchboard.aws import queues
from switchboard.carriers.mail import OutgoingMail
from switchboard.carriers.mail.ses import MESSAGE_TAG, ORG_TAG
from switchboard.kit import clock
from switchboard.kit.jobs import QueueMessage

_DOMAIN = "simulator.amazonses.com"


class SimulatedCarrier:
    """Accepts every mail, and queues the notifications that SES would send."""

    def send(self, outbound: OutgoingMail) -> str:
        external_id = f"{uuid.uuid4()}@{_DOMAIN}"
        tags = {ORG_TAG: outbound.org_id, MESSAGE_TAG: outbound.message_id}
        queues.send_messages(
            QueueMessage(queue="email-events", body=body, group=outbound.org_id)
            for body in simulated_notifications(external_id, outbound.sender, outbound.recipients, tags)
        )
        return external_id


def simulated_notifications(
    external_id: str, sender: str, recipients: Iterable[str], tags: dict[str, str]
) -> list[dict[str, Any]]:
    """Returns the SES notifications for a mail: one event for each recipient and outcome."""
    recipients, at = list(recipients), clock.now_iso()
    mail = {
        "timestamp": at,
        "source": sender,
        "messageId": external_id,
        "destination": recipients,
        "tags": {name: [value] for name, value in tags.items()},
    }
    events: list[dict[str, Any]] = [{"eventType": "Send", "mail": mail, "send": {}}]
    for address in recipients:
        events += [{"eventType": kind, "mail": mail, **detail} for kind, detail in _outcomes(address, at)]
    return events


def _outcomes(address: str, at: str) -> Iterable[tuple[str, dict[str, Any]]]:
    local, _, domain = address.lower().partition("@")
    name = local.split("+")[0] if domain == _DOMAIN else "success"
    if name in ("bounce", "suppressionlist"):
        bounce = {
            "bounceType": "Permanent",
            "bounceSubType": "General" if name == "bounce" else "Suppressed",
            "bouncedRecipients": [{"emailAddress": address, "status": "5.1.1"}],
            "timestamp": at,
        }
        yield "Bounce", {"bounce": bounce}
        return
    yield "Delivery", {"delivery": {"timestamp": at, "recipients": [address], "smtpResponse": "250 OK"}}
    if name == "complaint":
        yield (
            "Complaint",
            {"complaint": {"complainedRecipients": [{"emailAddress": address}], "timestamp": at}},
        )
