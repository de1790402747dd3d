"""Session tokens: JSON Web Tokens for a single redemption.

They use HS256, with a key that is derived from the deployment's root secret. No other algorithm is accepted: neither
`none`, nor an algorithm that could confuse a public key with a secret. Times are compared with our own clock.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from switchboard.aws import secret
from switchboard.errors import Unauthenticated
from switchboard.kit import clock, jwts
from switchboard.kit.jwts import SessionClaims

ISSUER, AUDIENCE = "switchboard", "athos:roleplay"
#: The lifetime of a token (docs/contracts/athos.md#sessions).
TOKEN_LIFETIME = timedelta(minutes=5)
_PURPOSE = "athos session token"


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
    try:
        return jwts.verify_session(token, _key(), ISSUER, AUDIENCE, dated=True)
    except jwts.NotSignedError:
        raise invalid_token() from None
    except jwts.ExpiredTokenError:
        raise expired_token() from None


def invalid_token() -> Unauthenticated:
    """Returns the error for a token that this platform did not issue."""
    return Unauthenticated("The session token is not valid: mint a new one.", code="token_invalid")


def expired_token() -> Unauthenticated:
    """Returns the error for an expired token."""
    return Unauthenticated("The session token has expired: mint a new one.", code="token_expired")


def used_token(*, failed: bool = False) -> Unauthenticated:
    """Returns the error for a spent token. `failed`: the request that spent it got an error and no call."""
    message = "The session token is already redeemed: mint a new one."
    if failed:
        message = "An earlier request used up this session token, and failed: mint a new one."
    return Unauthenticated(message, code="token_used")


def _key() -> bytes:
    return secret.derive(_PURPOSE)
