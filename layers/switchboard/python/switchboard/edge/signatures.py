"""Bodies that their sender signs: the signature is the credential, so it is verified before the body is read.

A verifier is a pure function of what arrived. It does no input or output but for a secret that the process remembers
(`switchboard.aws.secret.active`). The URL that was signed is built from our own settings: `Host` and `X-Forwarded-*`
are the sender's word. Payload v1 of API Gateway has no raw query string, so the URL of a callback carries none.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from switchboard.aws import clock, settings
from switchboard.carriers import signatures
from switchboard.edge.http import Request
from switchboard.errors import Invalid


@dataclass(frozen=True, slots=True)
class Signed:
    """What a signature may cover: the public URL, the headers, the raw bytes, and a form's parameters in order."""

    _request: Request
    body: bytes
    parameters: Sequence[tuple[str, str]] = ()

    @property
    def url(self) -> str:
        """The public URL, as the sender was given it."""
        return settings.text("PUBLIC_URL").rstrip("/") + self._request.path

    def header(self, name: str) -> str:
        """The value of a header (its name in lower case). Empty where it is missing or ambiguous."""
        try:
            return self._request.header(name) or ""
        except Invalid:
            return ""


#: Answers the provider's account that signed, or nothing. The account is what its requests are counted by.
Verifier = Callable[[Signed], str | None]
#: The secrets that are active now, newest first.
Secrets = Callable[[], Sequence[str]]


def twilio(account: str, tokens: Secrets) -> Verifier:
    """Verify the forms that Twilio signs with the auth tokens of one account."""

    def verify(signed: Signed) -> str | None:
        header = signed.header("x-twilio-signature")
        return account if signatures.verify_twilio(signed.url, signed.parameters, header, tokens()) else None

    return verify


def stripe(account: str, secrets: Secrets) -> Verifier:
    """Verify the bodies that Stripe signs for one endpoint."""

    def verify(signed: Signed) -> str | None:
        header = signed.header("stripe-signature")
        return account if signatures.verify_stripe(signed.body, header, secrets(), clock.epoch()) else None

    return verify


def elevenlabs(account: str, secrets: Secrets) -> Verifier:
    """Verify the bodies that ElevenLabs signs for one webhook."""

    def verify(signed: Signed) -> str | None:
        header = signed.header("elevenlabs-signature")
        return account if signatures.verify_elevenlabs(signed.body, header, secrets(), clock.epoch()) else None

    return verify


def livekit(account: str, secrets: Secrets) -> Verifier:
    """Verify the bodies that LiveKit, or an agent in its rooms, signs with the secret of one API key."""

    def verify(signed: Signed) -> str | None:
        header = signed.header("authorization")
        return account if signatures.verify_livekit(signed.body, header, secrets(), clock.epoch()) else None

    return verify
