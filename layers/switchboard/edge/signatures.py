"""Signed bodies. The signature is the credential, so it is verified before the body is parsed.

A verifier is a pure function of the request. Its only input or output is reading a secret, which the process caches
(`switchboard.aws.secret.active_secrets`). The signed URL is built from the settings, because the sender controls `Host`
and `X-Forwarded-*`. API Gateway's payload version 1 has no raw query string, so callback URLs have no query.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from switchboard.carriers import signatures
from switchboard.edge.exchange import Request
from switchboard.errors import Invalid
from switchboard.kit import clock, settings


@dataclass(frozen=True, slots=True)
class SignedRequest:
    """The parts of a request that a signature may cover: URL, headers, raw bytes, and form parameters in order."""

    _request: Request
    body: bytes
    parameters: Sequence[tuple[str, str]] = ()

    @property
    def url(self) -> str:
        """The public URL that was given to the sender."""
        return settings.text("PUBLIC_URL").rstrip("/") + self._request.path

    def header(self, name: str) -> str:
        """Returns the value of a header, or an empty text if it is missing or ambiguous. `name` is in lower case."""
        try:
            return self._request.header(name) or ""
        except Invalid:
            return ""


#: Returns the provider's account that signed the request, or `None`. Rate limits count requests by account.
Verifier = Callable[[SignedRequest], str | None]
#: Returns the active secrets, newest first.
Secrets = Callable[[], Sequence[str]]


def twilio_verifier(account: str, tokens: Secrets) -> Verifier:
    """Returns a verifier of forms that Twilio signs with the auth tokens of one account."""

    def verify(signed: SignedRequest) -> str | None:
        header = signed.header("x-twilio-signature")
        return account if signatures.verify_twilio(signed.url, signed.parameters, header, tokens()) else None

    return verify


def stripe_verifier(account: str, secrets: Secrets) -> Verifier:
    """Returns a verifier of bodies that Stripe signs for one endpoint."""

    def verify(signed: SignedRequest) -> str | None:
        header = signed.header("stripe-signature")
        return account if signatures.verify_stripe(signed.body, header, secrets(), clock.epoch()) else None

    return verify


def elevenlabs_verifier(account: str, secrets: Secrets) -> Verifier:
    """Returns a verifier of bodies that ElevenLabs signs for one webhook."""

    def verify(signed: SignedRequest) -> str | None:
        header = signed.header("elevenlabs-signature")
        return account if signatures.verify_elevenlabs(signed.body, header, secrets(), clock.epoch()) else None

    return verify


def livekit_verifier(account: str, secrets: Secrets) -> Verifier:
    """Returns a verifier of bodies that LiveKit or an agent in its rooms signs with the secret of one API key."""

    def verify(signed: SignedRequest) -> str | None:
        header = signed.header("authorization")
        return account if signatures.verify_livekit(signed.body, header, secrets(), clock.epoch()) else None

    return verify
