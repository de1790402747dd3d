"""A message as it travels: MIME, by the standard library."""

from __future__ import annotations

from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP

from switchboard.carriers.mail import Outbound
from switchboard.email.models import Message

#: Seven bits: not every relay on the way takes eight, and one that does not loses the mail.
_POLICY = SMTP.clone(cte_type="7bit")


def compose(message: Message) -> Outbound:
    """The mail, ready for a carrier. Blind copies are in the envelope only."""
    mime = EmailMessage(policy=_POLICY)
    mime["From"] = Address(display_name=message.from_name, addr_spec=message.from_address)
    mime["To"] = ", ".join(message.to)
    if message.cc:
        mime["Cc"] = ", ".join(message.cc)
    mime["Subject"] = message.subject
    if message.in_reply_to:
        mime["In-Reply-To"] = message.in_reply_to
    if message.references:
        mime["References"] = " ".join(message.references)
    for name, value in message.headers.items():
        mime[name] = value
    mime.set_content(message.body)
    if message.body_html:
        mime.add_alternative(message.body_html, subtype="html")
    return Outbound(
        org_id=message.org_id,
        message_id=message.id,
        sender=message.from_address,
        recipients=message.recipients,
        mime=mime,
    )
