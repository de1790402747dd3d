"""The cookies of a person's browser: no script reads them, and they go over https wherever there is https."""

from __future__ import annotations

from aws_lambda_powertools.shared.cookies import Cookie, SameSite

from switchboard.dialects.hum.dialect import COOKIE
from switchboard.kit import settings
from switchboard.people import sessions, sign_in

#: Ties a sign-in to the browser that began it.
BROWSER = "bh_hum_browser"
_SIGN_IN_PATH = "/auth"


def session(value: sessions.SessionCookie) -> str:
    """The Set-Cookie value that opens a session."""
    return _cookie(COOKIE, str(value), "/", sessions.max_session_seconds())


def no_session() -> str:
    """The Set-Cookie value that makes a browser forget its session."""
    return _cookie(COOKIE, "", "/", 0)


def browser(value: str) -> str:
    """The Set-Cookie value for the time of a sign-in."""
    return _cookie(BROWSER, value, _SIGN_IN_PATH, sign_in.SIGN_IN_SECONDS)


def _cookie(name: str, value: str, path: str, seconds: int) -> str:
    return str(
        Cookie(
            name,
            value,
            path=path,
            max_age=seconds,
            secure=settings.text("PUBLIC_URL", "").startswith("https:"),
            http_only=True,
            # Sent along when a link leads here, the issuer's among them, and with nothing that another page does.
            same_site=SameSite.LAX_MODE,
        )
    )
