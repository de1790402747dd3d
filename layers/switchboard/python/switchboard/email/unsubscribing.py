"""How somebody who gets mail of an agent stops it: by one click (RFC 8058), or by an answer that asks for it.

A link is signed for an organization and an address: nobody makes one for somebody else. It names the mail that went
to the address, so that the link itself tells nobody the address. A mail to several has no link, because all of them get
the same bytes, and one's click would stop another's mail: it names a mailbox to write to, as every mail does.
"""

from __future__ import annotations

import base64
import hmac
import re
from collections.abc import Iterable
from typing import NamedTuple

from switchboard.aws import secret, settings
from switchboard.email import store, suppressions, writing
from switchboard.email.address import mailbox
from switchboard.email.models import Head, Message
from switchboard.errors import NotFound
from switchboard.events.models import Actor, Work
from switchboard.kit import words

PATH = "/v1/email/unsubscribe"
_MAC_BYTES = 18
_SUBJECT = re.compile(r"unsubscribe (msg_[0-9a-hjkmnp-tv-z]{26})")
#: Lines of an answer that are looked at before its first own one, and how long that may be.
_LINES, _LONGEST = 50, 80
#: What asks to stop, as a whole line, in small letters without accents and punctuation.
_WORDS = frozenset(
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


class Recipient(NamedTuple):
    """Whose mail a link stops: an organization's, to an address."""

    org_id: str
    address: str
    correlation_id: str


def headers(message: Message, link: str | None) -> list[writing.Header]:
    """The headers by which a mailer offers its reader to stop mail of an agent.

    An organization that sets List-Unsubscribe itself takes care of it. An answer that asks to stop counts all the same.
    """
    if message.kind != "mail" or "list-unsubscribe" in {name.lower() for name in message.headers}:
        return []
    mailto = f"<mailto:{message.from_address}?subject=unsubscribe%20{message.id}>"
    if not link:
        return [writing.links("List-Unsubscribe", mailto)]
    found = [writing.links("List-Unsubscribe", f"<{link}>, {mailto}")]
    if "list-unsubscribe-post" not in {name.lower() for name in message.headers}:
        found.append(writing.one_click("List-Unsubscribe-Post", writing.ONE_CLICK))
    return found


def link_of(message: Head) -> str | None:
    """The link by which the only recipient of an agent's mail stops it; `None` where there is no such link."""
    base = settings.text("PUBLIC_URL", "").rstrip("/")
    if not base or message.direction != "OUTBOUND" or message.kind != "mail" or len(message.recipients) != 1:
        return None
    return f"{base}{PATH}/{_token(message)}"


def _token(message: Head) -> str:
    return f"{message.org_id}.{message.id}.{_mac(message)}"


def _mac(message: Head) -> str:
    made = secret.derive("unsubscribe", message.org_id, message.id, message.recipients[0].lower(), length=_MAC_BYTES)
    return base64.urlsafe_b64encode(made).decode()


def read_token(token: str) -> Recipient:
    """Whose mail a link stops. Raises NotFound for what is no link of ours."""
    org_id, _, rest = token.partition(".")
    message_id, _, mac = rest.partition(".")
    message = store.get_head(org_id, message_id) if mac and "#" not in token else None
    if message is None or len(message.recipients) != 1 or not hmac.compare_digest(mac.encode(), _mac(message).encode()):
        raise NotFound("This link is not one of ours: copy it whole from the mail.")
    return Recipient(org_id, message.recipients[0], message.correlation_id)


def unsubscribe(token: str) -> Recipient:
    """Stop the mail that a link stops, at once. One that is stopped stays so. Raises NotFound."""
    found = read_token(token)
    origin = Work(
        org_id=found.org_id,
        actor=Actor(type="system", id="unsubscribe"),
        agent_id=None,
        correlation_id=found.correlation_id,
    )
    suppressions.stop(origin, found.address, "unsubscribe")
    return found


def message_named(subject: str) -> str | None:
    """Our id of the mail that a mail to the address of List-Unsubscribe names in its subject."""
    found = _SUBJECT.fullmatch(" ".join(subject.split()))
    return found[1] if found else None


def asks_to_stop(text: str) -> bool:
    """Whether the whole first line that an answer's writer wrote asks to stop: no word within a sentence does."""
    for line in text[: _LINES * 1_000].split("\n", _LINES)[:_LINES]:
        if line.strip() and not line.lstrip().startswith(">"):
            return len(line) <= _LONGEST and words.plain(line) in _WORDS
    return False


def recipients_of(message: Head, addresses: Iterable[str | None]) -> list[str]:
    """Those of a mail's recipients that some addresses are: `ada@example.com` answers for `ada+shop@example.com`."""
    boxes = {mailbox(address) for address in addresses if address}
    return [address for address in message.recipients if mailbox(address) in boxes]
