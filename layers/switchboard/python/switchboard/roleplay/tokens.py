"""Session tokens: JSON Web Tokens that one redemption spends.

HS256 under a key that is derived from the deployment's root secret, and no other algorithm: not `none`, and not one
that would take a public key for a secret. Times are checked by our own clock.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from switchboard.aws import clock, secret
from switchboard.errors import Unauthenticated

ALGORITHM = "HS256"
ISSUER, AUDIENCE = "switchboard", "athos:roleplay"
#: How long a token may be redeemed (docs/contracts/athos.md#sessions).
LIFETIME = timedelta(minutes=5)
_PURPOSE = "athos session token"
_LONGEST = 2_048
_REQUIRED = ["iss", "aud", "jti", "iat", "exp", "tenant"]
_OPTIONS: Any = {"require": _REQUIRED, "strict_aud": True} | dict.fromkeys(
    ("verify_exp", "verify_nbf", "verify_iat"), False
)


class Claims(NamedTuple):
    """What a good token says: whose session it is, and which."""

    org_id: str
    session_id: str


def expiry() -> datetime:
    """When a token that is made now expires: a token's times are whole seconds."""
    return datetime.fromtimestamp(int(clock.epoch()), UTC) + LIFETIME


def make(org_id: str, session_id: str, expires: datetime) -> str:
    """The token of a session."""
    import jwt

    claims = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "jti": session_id,
        "iat": int((expires - LIFETIME).timestamp()),
        "exp": int(expires.timestamp()),
        "tenant": org_id,
    }
    return jwt.encode(claims, _key(), algorithm=ALGORITHM)


def read(token: str) -> Claims:
    """What a token says. Raises Unauthenticated with `token_invalid` or `token_expired`."""
    import jwt

    if len(token) > _LONGEST:
        raise invalid()
    try:
        claims = jwt.decode(token, _key(), algorithms=[ALGORITHM], audience=AUDIENCE, issuer=ISSUER, options=_OPTIONS)
    except jwt.InvalidTokenError:
        raise invalid() from None
    org_id, session_id, expires = claims["tenant"], claims["jti"], claims["exp"]
    if not (isinstance(org_id, str) and isinstance(session_id, str) and type(expires) is int):
        raise invalid()
    if expires <= clock.epoch():
        raise expired()
    return Claims(org_id, session_id)


def invalid() -> Unauthenticated:
    """The refusal of what is no token of ours."""
    return Unauthenticated("The session token is not valid.", code="token_invalid")


def expired() -> Unauthenticated:
    """The refusal of a token that came too late."""
    return Unauthenticated("The session token has expired: mint another.", code="token_expired")


def used() -> Unauthenticated:
    """The refusal of a token that was spent."""
    return Unauthenticated("The session token was redeemed already: mint another.", code="token_used")


def _key() -> bytes:
    return secret.derive(_PURPOSE)
