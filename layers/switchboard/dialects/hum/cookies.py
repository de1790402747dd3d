"""The cookies of a person's browser. Scripts cannot read them. A deployment with https sends them over https only."""

from __future__ import annotations

from aws_lambda_powertools.shared.cookies import Cookie, SameSite

from switchboard.dialects.hum.dialect import COOKIE
from switchboard.kit import settings
from switchboard.people import sessions, sign_in

#: Binds a sign-in to the browser that started it.
BROWSER = "bh_hum_browser"
_SIGN_IN_PATH = "/auth"


def format_session_cookie(value: sessions.SessionCookie) -> str:
    """Returns the Set-Cookie value that starts a session."""
    return _format_cookie(COOKIE, str(value), "/", sessions.max_session_seconds())


def format_expired_session_cookie() -> str:
    """Returns the Set-Cookie value that deletes the session cookie."""
    return _format_cookie(COOKIE, "", "/", 0)


def format_browser_cookie(value: str) -> str:
    """Returns the Set-Cookie value that identifies the browser during a sign-in."""
    return _format_cookie(BROWSER, value, _SIGN_IN_PATH, sign_in.SIGN_IN_SECONDS)


def _format_cookie(name: str, value: str, path: str, seconds: int) -> str:
    return str(
        Cookie(
            name,
            value,
            path=path,
            max_age=seconds,
            secure=settings.text("PUBLIC_URL", "").startswith("https:"),
            http_only=True,
            # The browser sends the cookie when a link leads here, for example from the issuer. It does not send the
            # cookie with other requests of another site's pages.
            same_site=SameSite.LAX_MODE,
        )
    )
