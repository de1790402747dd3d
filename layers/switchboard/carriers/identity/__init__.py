"""The port to the identity provider: an issuer of OpenID Connect."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from switchboard.aws import secret
from switchboard.kit import settings

__all__ = [
    "IdentityClaims",
    "IdentityProvider",
    "ProviderUnconfiguredError",
    "ProviderUnreachableError",
    "SignInRefusedError",
    "identity_provider",
]


class ProviderUnconfiguredError(Exception):
    """The settings name no issuer, or the issuer rejects our client id or secret."""


class ProviderUnreachableError(Exception):
    """The issuer does not respond, or its response is not valid."""


class SignInRefusedError(Exception):
    """The issuer rejects this sign-in, or its statement cannot be verified."""


@dataclass(frozen=True, slots=True)
class IdentityClaims:
    """The person who signed in. `issuer` and `subject` together identify the person; all other claims may change."""

    issuer: str
    subject: str
    email: str | None
    email_verified: bool
    name: str | None
    picture: str | None


class IdentityProvider(Protocol):
    """Signs people in with the authorization code flow and PKCE."""

    @property
    def issuer(self) -> str:
        """The issuer's identifier, a URL."""

    def authorization_url(self, *, redirect_uri: str, state: str, nonce: str, code_challenge: str) -> str:
        """Returns the URL to which the browser is redirected.

        Raises ProviderUnreachableError or ProviderUnconfiguredError.
        """

    def redeem_code(self, *, code: str, redirect_uri: str, code_verifier: str, nonce: str) -> IdentityClaims:
        """Exchanges a returned code for the person's claims.

        Raises SignInRefusedError, ProviderUnreachableError or ProviderUnconfiguredError.
        """

    def end_session_url(self, *, return_url: str) -> str | None:
        """Returns the URL that signs a browser out at the issuer, `None` if the issuer has none.

        Raises ProviderUnreachableError or ProviderUnconfiguredError.
        """


def identity_provider() -> IdentityProvider:
    """Returns the provider of the settings OIDC_ISSUER and OIDC_CLIENT_ID. Raises ProviderUnconfiguredError.

    For a confidential client the setting OIDC_CLIENT_SECRET is the name of its secret.
    """
    from switchboard.carriers.identity.oidc import OpenIdProvider  # for cold start: loaded with the first sign-in

    issuer, client_id = settings.text("OIDC_ISSUER", ""), settings.text("OIDC_CLIENT_ID", "")
    if not (issuer and client_id):
        raise ProviderUnconfiguredError("no issuer is set")
    name = settings.text("OIDC_CLIENT_SECRET", "")
    return OpenIdProvider(issuer, client_id, (lambda: secret.read_credential(name)) if name else None)
