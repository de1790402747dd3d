"""Session tokens: JSON Web Tokens that let a visitor's page read and end its own session."""

from __future__ import annotations

from datetime import timedelta

from switchboard.aws import secret
from switchboard.errors import Unauthenticated
from switchboard.kit import clock, jwts
from switchboard.kit.jwts import SessionClaims
from switchboard.widgets.models import WidgetSession

ISSUER, AUDIENCE = "switchboard", "hum:widget"
#: How long a page may read its session after the latest end, for the last turns.
_READ_AFTER_END = timedelta(minutes=10)
_PURPOSE = "hum widget session token"


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


def verify_token(token: str) -> SessionClaims:
    """Verifies a token and returns its claims. Raises Unauthenticated."""
    try:
        return jwts.verify_session(token, _key(), ISSUER, AUDIENCE)
    except jwts.NotSignedError:
        raise Unauthenticated("The session token is not valid: start a new session.", code="token_invalid") from None
    except jwts.ExpiredTokenError:
        raise Unauthenticated("The session token has expired: start a new session.", code="token_expired") from None


def _key() -> bytes:
    return secret.derive(_PURPOSE)
