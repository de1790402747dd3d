"""Lets recipients stop an agent's mail: by one click (RFC 8058), or by an answer that asks to stop.

A link is signed for an organization and an address, so nobody can forge it for another person. It names the mail
instead of the address, so that the link does not reveal the address. A mail to several recipients has no link: all of
them get the same bytes, and one recipient's click would stop the others' mail. Every mail also names a mailbox to
which a recipient can write.
"""

from __future__ import annotations

import base64
import hmac
import re
from collections.abc import Iterable
from typing import NamedTuple

from switchboard.aws import secret
from switchboard.email import outgoing_headers, store, suppressions
from switchboard.email.address import mailbox_of
from switchboard.email.models import Message, MessageHead
from switchboard.errors import NotFound
from switchboard.events.models import Actor, SystemActor
from switchboard.kit import settings
from switchboard.kit.texts import plain_words

PATH = "/v1/email/unsubscribe"
_MAC_BYTES = 18
_SUBJECT = re.compile(r"unsubscribe (msg_[0-9a-hjkmnp-tv-z]{26})")
#: How many lines are searched for the first line that is not quoted, and how many characters that line may have.
_LINES, _LONGEST = 50, 80
#: Complete lines that ask to stop, in lower case without accents and punctuation.
_STOP_LINES = frozenset(
    (
        "unsubscribe",
        "unsubscribe me",
        "please unsubscribe",
        "please unsubscribe me",
        "stop",
        "please stop",
        "stop all",
        "stop emailing me",
        "please stop emailing me",
        "stop mailing me",
        "stop writing to me",
        "stop sending me emails",
        "stop contacting me",
        "do not email me",
        "do not email me again",
        "dont email me",
        "dont email me again",
        "no more emails",
        "no more emails please",
        "opt out",
        "opt me out",
        "remove",
        "remove me",
        "please remove me",
        "remove me please",
        "remove me from your list",
        "remove me from this list",
        "please remove me from your list",
        "please remove me from this list",
        "take me off your list",
        "take me off this list",
        "please take me off your list",
        "baja",
        "dar de baja",
        "darme de baja",
        "denme de baja",
        "dame de baja",
        "deme de baja",
        "quiero darme de baja",
        "por favor denme de baja",
        "cancelar suscripcion",
        "cancelar la suscripcion",
        "no me escriban mas",
        "no me envien mas correos",
        "no quiero recibir mas correos",
    )
)


class UnsubscribeRecipient(NamedTuple):
    """The organization and the address whose mail a link stops."""

    org_id: str
    address: str
    correlation_id: str


def unsubscribe_headers(message: Message, link: str | None) -> list[outgoing_headers.MailHeader]:
    """Returns the headers with which a mail program offers to stop an agent's mail.

    Returns none if the organization sets List-Unsubscribe itself, because it then handles the requests. An answer that
    asks to stop counts anyway.
    """
    if message.kind != "mail" or "list-unsubscribe" in {name.lower() for name in message.headers}:
        return []
    mailto = f"<mailto:{message.from_address}?subject=unsubscribe%20{message.id}>"
    if not link:
        return [outgoing_headers.links_header("List-Unsubscribe", mailto)]
    found = [outgoing_headers.links_header("List-Unsubscribe", f"<{link}>, {mailto}")]
    if "list-unsubscribe-post" not in {name.lower() for name in message.headers}:
        found.append(outgoing_headers.one_click_header("List-Unsubscribe-Post", outgoing_headers.ONE_CLICK))
    return found


def unsubscribe_link(message: MessageHead) -> str | None:
    """Returns the unsubscribe link of an agent's mail, `None` if the mail does not have a single recipient.

    Also `None` for received mail, for the platform's own mail, and without the setting PUBLIC_URL.
    """
    base = settings.text("PUBLIC_URL", "").rstrip("/")
    if not base or message.direction != "OUTBOUND" or message.kind != "mail" or len(message.recipients) != 1:
        return None
    return f"{base}{PATH}/{_token(message)}"


def _token(message: MessageHead) -> str:
    return f"{message.org_id}.{message.id}.{_mac(message)}"


def _mac(message: MessageHead) -> str:
    made = secret.derive("unsubscribe", message.org_id, message.id, message.recipients[0].lower(), length=_MAC_BYTES)
    return base64.urlsafe_b64encode(made).decode()


def read_token(token: str) -> UnsubscribeRecipient:
    """Returns the recipient of an unsubscribe link. Raises NotFound if the link is not valid."""
    org_id, _, rest = token.partition(".")
    message_id, _, mac = rest.partition(".")
    message = store.find_head(org_id, message_id) if mac and "#" not in token else None
    if message is None or len(message.recipients) != 1 or not hmac.compare_digest(mac.encode(), _mac(message).encode()):
        raise NotFound("This link is not valid: copy the complete link from the mail.")
    return UnsubscribeRecipient(org_id, message.recipients[0], message.correlation_id)


def unsubscribe_recipient(token: str) -> UnsubscribeRecipient:
    """Suppresses the recipient of an unsubscribe link at once. Idempotent. Raises NotFound."""
    found = read_token(token)
    origin = SystemActor(
        org_id=found.org_id,
        actor=Actor(type="system", id="unsubscribe"),
        agent_id=None,
        correlation_id=found.correlation_id,
    )
    suppressions.suppress_address(origin, found.address, "unsubscribe")
    return found


def parse_unsubscribe_subject(subject: str) -> str | None:
    """Returns our id of the mail that the subject of an unsubscribe mail names, `None` for other subjects."""
    found = _SUBJECT.fullmatch(" ".join(subject.split()))
    return found[1] if found else None


def asks_to_stop(text: str) -> bool:
    """Whether the first unquoted line of an answer, as a whole, asks to stop. Words within a sentence do not count."""
    for line in text[: _LINES * 1_000].split("\n", _LINES)[:_LINES]:
        if line.strip() and not line.lstrip().startswith(">"):
            return len(line) <= _LONGEST and plain_words(line) in _STOP_LINES
    return False


def recipients_of(message: MessageHead, addresses: Iterable[str | None]) -> list[str]:
    """Returns the mail's recipients with the same mailbox as an address: `ada@…` also matches `ada+shop@…`."""
    boxes = {mailbox_of(address) for address in addresses if address}
    return [address for address in message.recipients if mailbox_of(address) in boxes]
