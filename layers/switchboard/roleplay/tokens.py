"""Session tokens: JSON Web Tokens for a single redemption.

They use HS256, with a key that is derived from the deployment's root secret. No other algorithm is accepted: neither
`none`, nor an algorithm that could confuse a public key with a secret. Times are compared with our own clock.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from switchboard.aws import secret
from switchboard.errors import Unauthenticated
from switchboard.kit import clock

ALGORITHM = "HS256"
ISSUER, AUDIENCE = "switchboard", "athos:roleplay"
#: The lifetime of a token (docs/contracts/athos.md#sessions).
TOKEN_LIFETIME = timedelta(minutes=5)
_PURPOSE = "athos session token"
_MAX_TOKEN_CHARACTERS = 2_048
_REQUIRED = ["iss", "aud", "jti", "iat", "exp", "tenant"]
_OPTIONS: Any = {"require": _REQUIRED, "strict_aud": True} | dict.fromkeys(
    ("verify_exp", "verify_nbf", "verify_iat"), False
)


class SessionClaims(NamedTuple):
    """The claims of a valid token: the organization and the session."""

    org_id: str
    session_id: str


def token_expiry() -> datetime:
    """Return the expiry of a token that is created now. A token's times are whole seconds."""
    return datetime.fromtimestamp(int(clock.epoch()), UTC) + TOKEN_LIFETIME


def make_token(org_id: str, session_id: str, expires: datetime) -> str:
    """Create the token of a session."""
    import jwt

    claims = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "jti": session_id,
        "iat": int((expires - TOKEN_LIFETIME).timestamp()),
        "exp": int(expires.timestamp()),
        "tenant": org_id,
    }
    return jwt.encode(claims, _key(), algorithm=ALGORITHM)


def verify_token(token: str) -> SessionClaims:
    """Verify a token and return its claims. Raises Unauthenticated with `token_invalid` or `token_expired`."""
    import jwt

    if len(token) > _MAX_TOKEN_CHARACTERS:
        raise invalid_token()
    try:
        claims = jwt.decode(token, _key(), algorithms=[ALGORITHM], audience=AUDIENCE, issuer=ISSUER, options=_OPTIONS)
    except jwt.InvalidTokenError:
        raise invalid_token() from None
    org_id, session_id, expires = claims["tenant"], claims["jti"], claims["exp"]
    if not (isinstance(org_id, str) and isinstance(session_id, str) and type(expires) is int):
        raise invalid_token()
    if expires <= clock.epoch():
        raise expired_token()
    return SessionClaims(org_id, session_id)


def invalid_token() -> Unauthenticated:
    """Return the error for a token that this platform did not issue."""
    return Unauthenticated("The session token is not valid: mint a new one.", code="token_invalid")


def expired_token() -> Unauthenticated:
    """Return the error for an expired token."""
    return Unauthenticated("The session token has expired: mint a new one.", code="token_expired")


def used_token() -> Unauthenticated:
    """Return the error for a spent token."""
    return Unauthenticated("The session token is already redeemed: mint a new one.", code="token_used")


def _key() -> bytes:
    return secret.derive(_PURPOSE)
