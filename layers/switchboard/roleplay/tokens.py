"""Session tokens: JSON Web Tokens for a single redemption.

They use HS256, with a key that is derived from the deployment's root secret. No other algorithm is accepted: neither
`none`, nor an algorithm that could confuse a public key with a secret. Times are compared with our own clock.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from switchboard.aws import secret
from switchboard.errors import Unauthenticated
from switchboard.kit import clock, jwts

ISSUER, AUDIENCE = "switchboard", "athos:roleplay"
#: The lifetime of a token (docs/contracts/athos.md#sessions).
TOKEN_LIFETIME = timedelta(minutes=5)
_PURPOSE = "athos session token"
_MAX_TOKEN_CHARACTERS = 2_048


class SessionClaims(NamedTuple):
    """The claims of a valid token: the organization and the session."""

    org_id: str
    session_id: str


def token_expiry() -> datetime:
    """Returns the expiry of a token that is created now. A token's times are whole seconds."""
    return datetime.fromtimestamp(int(clock.epoch()), UTC) + TOKEN_LIFETIME


def make_token(org_id: str, session_id: str, expires: datetime) -> str:
    """Creates the token of a session."""
    claims = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "jti": session_id,
        "iat": int((expires - TOKEN_LIFETIME).timestamp()),
        "exp": int(expires.timestamp()),
        "tenant": org_id,
    }
    return jwts.sign_claims(claims, _key())


def verify_token(token: str) -> SessionClaims:
    """Verifies a token and returns its claims. Raises Unauthenticated with `token_invalid` or `token_expired`."""
    if len(token) > _MAX_TOKEN_CHARACTERS:
        raise invalid_token()
    try:
        claims = jwts.verify_claims(token, _key())
    except jwts.NotSignedError:
        raise invalid_token() from None
    # The audience is one text. A token for several audiences is not ours.
    if claims.get("iss") != ISSUER or claims.get("aud") != AUDIENCE or claims.get("iat") is None:
        raise invalid_token()
    org_id, session_id, expires = claims.get("tenant"), claims.get("jti"), claims.get("exp")
    if not (isinstance(org_id, str) and isinstance(session_id, str) and type(expires) is int):
        raise invalid_token()
    if expires <= clock.epoch():
        raise expired_token()
    return SessionClaims(org_id, session_id)


def invalid_token() -> Unauthenticated:
    """Returns the error for a token that this platform did not issue."""
    return Unauthenticated("The session token is not valid: mint a new one.", code="token_invalid")


def expired_token() -> Unauthenticated:
    """Returns the error for an expired token."""
    return Unauthenticated("The session token has expired: mint a new one.", code="token_expired")


def used_token() -> Unauthenticated:
    """Returns the error for a spent token."""
    return Unauthenticated("The session token is already redeemed: mint a new one.", code="token_used")


def _key() -> bytes:
    return secret.derive(_PURPOSE)
