"""Signs deliveries: one table of signature schemes, and the derivation of secrets.

Every delivery carries the Standard Webhooks headers, made by that specification's own library. Beside them it carries
the headers of its kind's own contract (docs/contracts/anima.md#webhooks, docs/contracts/athos.md#webhook,
docs/contracts/hum.md#webhooks). The schemes read a secret differently: Standard Webhooks decodes the part after
`whsec_`, the others use the whole text.

While a new secret overlaps with the old secret, both sign. A header that was made for one signature then holds two,
newest first, separated by commas (docs/decisions/0002-two-signatures.md).
"""

from __future__ import annotations

import base64
import hmac
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from switchboard.aws import secret
from switchboard.kit import clock
from switchboard.outbound.loops import LOOP_HEADER, WEBHOOK_HOP
from switchboard.webhooks.models import Delivery, Endpoint, KindName

if TYPE_CHECKING:
    from standardwebhooks import Webhook

_PREFIX = "whsec_"
USER_AGENT = "Switchboard-Webhooks/1"
#: Standard Webhooks requires 24 to 64 bytes.
_SECRET_BYTES = 32


@lru_cache(maxsize=10_000)
def secret_of(org_id: str, owner_id: str, generation: int = 1) -> str:
    """Derives the secret of an endpoint or of a key's callbacks. It is the same each time and never stored."""
    return (
        _PREFIX
        + base64.b64encode(secret.derive("webhook", org_id, owner_id, str(generation), length=_SECRET_BYTES)).decode()
    )


def secrets_of(endpoint: Endpoint) -> list[str]:
    """The secrets that sign now, newest first: the latest secret, and older secrets during their overlap."""
    owner = endpoint.key_id or endpoint.id
    found = [secret_of(endpoint.org_id, owner, endpoint.generation)]
    ends = dict(endpoint.retiring)
    if endpoint.overlap_until and endpoint.generation > 1:
        ends[endpoint.generation - 1] = endpoint.overlap_until
    alive = sorted((generation for generation, end in ends.items() if end > clock.now_iso()), reverse=True)
    return found + [secret_of(endpoint.org_id, owner, generation) for generation in alive]


class SignedMessage(NamedTuple):
    """The signed values of a delivery."""

    id: str
    event: str
    at: datetime
    body: str

    @property
    def seconds(self) -> int:
        """The time of the signature, in seconds since 1970."""
        return int(self.at.timestamp())


SignatureScheme = Callable[[SignedMessage, Sequence[str]], dict[str, str]]


def standard_headers(message: SignedMessage, secrets: Sequence[str]) -> dict[str, str]:
    """The headers of Standard Webhooks, for every kind."""
    # The library ignores the time zone and treats the time as UTC.
    at = message.at.astimezone(UTC)
    signatures = [_webhook(text).sign(message.id, at, message.body) for text in secrets]
    return {
        "webhook-id": message.id,
        "webhook-timestamp": str(message.seconds),
        "webhook-signature": " ".join(signatures),
    }


@lru_cache(maxsize=1_000)
def _webhook(text: str) -> Webhook:
    from standardwebhooks import Webhook  # for cold start: loaded with the first signature

    return Webhook(text)


def _anima(message: SignedMessage, secrets: Sequence[str]) -> dict[str, str]:
    at = clock.format_iso(message.at)
    return {
        "X-Anima-Signature": ",".join(f"v1={_hex(text, f'{at}.{message.body}')}" for text in secrets),
        "X-Anima-Timestamp": at,
        "X-Anima-Event": message.event,
        "X-Anima-Delivery-Id": message.id,
    }


def _athos(message: SignedMessage, secrets: Sequence[str]) -> dict[str, str]:
    signatures = [f"v1={_hex(text, f'{message.seconds}.{message.body}')}" for text in secrets]
    return {
        "X-Athos-Signature": ",".join([f"t={message.seconds}", *signatures]),
        "X-Athos-Webhook-Id": message.id,
    }


def _hum(message: SignedMessage, secrets: Sequence[str]) -> dict[str, str]:
    return {
        "X-HUM-Signature": ",".join(f"sha256={_hex(text, message.body)}" for text in secrets),
        "X-HUM-Event": message.event,
    }


def _none(message: SignedMessage, secrets: Sequence[str]) -> dict[str, str]:  # noqa: ARG001 a scheme's signature
    return {}


#: The schemes of the kinds' own contracts, beside the Standard Webhooks headers.
SIGNATURE_SCHEMES: dict[KindName, SignatureScheme] = {"anima": _anima, "athos": _athos, "hum": _hum, "opticomm": _none}


def signature_headers(endpoint: Endpoint, delivery: Delivery) -> dict[str, str]:
    """The signed headers of a delivery that is sent now."""
    message = SignedMessage(delivery.id, delivery.event, clock.now(), delivery.body)
    return sign_message(endpoint.kind, message, secrets_of(endpoint))


def sign_message(kind: KindName, message: SignedMessage, secrets: Sequence[str]) -> dict[str, str]:
    """The signed headers of a message, of Standard Webhooks and of its kind."""
    return standard_headers(message, secrets) | SIGNATURE_SCHEMES[kind](message, secrets)


def delivery_headers(sequence: int) -> dict[str, str]:
    """The headers of every delivery that are not signed."""
    return {
        "content-type": "application/json",
        "user-agent": USER_AGENT,
        LOOP_HEADER: WEBHOOK_HOP,
        "webhook-sequence": str(sequence),
    }


def _hex(text: str, signed: str) -> str:
    return hmac.digest(text.encode(), signed.encode(), "sha256").hex()


def clear_secrets() -> None:
    """Clears the cache of derived secrets, for tests that change the root secret."""
    secret_of.cache_clear()
