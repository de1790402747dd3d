"""Session tokens: JSON Web Tokens that let a visitor's page read and end its own session."""

from __future__ import annotations

from datetime import timedelta
from typing import NamedTuple

from switchboard.aws import secret
from switchboard.errors import Unauthenticated
from switchboard.kit import clock, jwts
from switchboard.widgets.models import WidgetSession

ISSUER, AUDIENCE = "switchboard", "hum:widget"
#: How long a page may read its session after the latest end, for the last turns.
_READ_AFTER_END = timedelta(minutes=10)
_PURPOSE = "hum widget session token"
_MAX_TOKEN_CHARACTERS = 2_048


class VisitorClaims(NamedTuple):
    """The claims of a valid token: the organization and the session."""

    org_id: str
    session_id: str


def make_token(session: WidgetSession) -> str:
    """Creates the token of a session. It is always the same."""
    expires = clock.parse(session.ends_at) + _READ_AFTER_END
    claims = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "jti": session.id,
        "exp": int(expires.timestamp()),
        "tenant": session.org_id,
    }
    return jwts.sign_claims(claims, _key())


def verify_token(token: str) -> VisitorClaims:
    """Verifies a token and returns its claims. Raises Unauthenticated."""
    if len(token) > _MAX_TOKEN_CHARACTERS:
        raise _invalid_token()
    try:
        claims = jwts.verify_claims(token, _key())
    except jwts.NotSignedError:
        raise _invalid_token() from None
    org_id, session_id, expires = claims.get("tenant"), claims.get("jti"), claims.get("exp")
    if claims.get("iss") != ISSUER or claims.get("aud") != AUDIENCE:
        raise _invalid_token()
    if not (isinstance(org_id, str) and isinstance(session_id, str) and type(expires) is int):
        raise _invalid_token()
    if expires <= clock.epoch():
        raise Unauthenticated("The session token has expired: start a new session.", code="token_expired")
    return VisitorClaims(org_id, session_id)


def _invalid_token() -> Unauthenticated:
    return Unauthenticated("The session token is not valid: start a new session.", code="token_invalid")


def _key() -> bytes:
    return secret.derive(_PURPOSE)
