"""The port to whoever vouches for people: an issuer of OpenID Connect."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from switchboard.aws import secret, settings

__all__ = ["Claims", "Provider", "Refused", "Unconfigured", "Unreachable", "provider"]


class Unconfigured(Exception):
    """No issuer is set, or it does not know us by what is set."""


class Unreachable(Exception):
    """The issuer does not answer, or not as an issuer does."""


class Refused(Exception):
    """The issuer does not vouch for this sign-in, or what it says cannot be relied on."""


@dataclass(frozen=True, slots=True)
class Claims:
    """Who signed in. `issuer` and `subject` together name a person for good; everything else may change."""

    issuer: str
    subject: str
    email: str | None
    email_verified: bool
    name: str | None
    picture: str | None


class Provider(Protocol):
    """Signs people in by the authorization code flow with PKCE."""

    @property
    def issuer(self) -> str:
        """The issuer's identifier, which is a URL."""

    def authorization_url(self, *, redirect_uri: str, state: str, nonce: str, code_challenge: str) -> str:
        """Where to send a browser to. Raises Unreachable or Unconfigured."""

    def redeem(self, *, code: str, redirect_uri: str, code_verifier: str, nonce: str) -> Claims:
        """Who a code that came back stands for. Raises Refused, Unreachable or Unconfigured."""

    def end_session_url(self, *, return_url: str) -> str | None:
        """Where a browser is signed out of the issuer, if the issuer does that. Raises Unreachable or Unconfigured."""


def provider() -> Provider:
    """The issuer that the settings OIDC_ISSUER, OIDC_CLIENT_ID and, for a confidential client, OIDC_CLIENT_SECRET (the
    name of a secret) tell of. Raises Unconfigured.
    """
    from switchboard.carriers.identity.oidc import OpenIdProvider

    issuer, client_id = settings.text("OIDC_ISSUER", ""), settings.text("OIDC_CLIENT_ID", "")
    if not (issuer and client_id):
        raise Unconfigured("no issuer is set")
    name = settings.text("OIDC_CLIENT_SECRET", "")
    return OpenIdProvider(issuer, client_id, (lambda: secret.provided(name)) if name else None)
