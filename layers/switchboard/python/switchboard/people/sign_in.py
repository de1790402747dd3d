"""Signing in: OpenID Connect's authorization code flow with PKCE (RFC 7636), against any issuer.

A sign-in belongs to the browser that began it, and can be finished once. Another browser that opens its callback, such
as a mail filter that tries links, changes nothing. The nonce and the code verifier are derived from the state, so that
neither is stored.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets
from datetime import timedelta
from typing import NamedTuple

from switchboard.aws import clock, secret, settings, table
from switchboard.aws.table import Item, commit
from switchboard.carriers import identity
from switchboard.errors import Invalid, Unauthenticated, Unavailable
from switchboard.people import return_to, service, store
from switchboard.people.models import SignIn, User

#: How long a person may take at the issuer's pages, in seconds.
TIME = 600
_SECRET = re.compile(r"[A-Za-z0-9_-]{43}")


class Begun(NamedTuple):
    """Where to send the browser, and what it has to show when it comes back."""

    url: str
    browser: str


class Finished(NamedTuple):
    """Who signed in, and where they wanted to go."""

    user: User
    return_to: str

    @property
    def invite_id(self) -> str | None:
        """The invite whose link they followed, if they did."""
        return return_to.invite_in(self.return_to)


def begin(wanted: str | None, browser: str | None) -> Begun:
    """Begin a sign-in. `browser` is the secret that this browser holds already, if it has begun another.

    Raises Unavailable when the issuer does not answer.
    """
    state = secrets.token_urlsafe(32)
    if not browser or not _SECRET.fullmatch(browser):
        browser = secrets.token_urlsafe(32)
    try:
        url = identity.provider().authorization_url(
            redirect_uri=_redirect_uri(),
            state=state,
            nonce=_nonce(state),
            code_challenge=challenge(_verifier(state)),
        )
    except (identity.Unreachable, identity.Unconfigured) as error:
        raise _away() from error
    expires_at = clock.iso(clock.now() + timedelta(seconds=TIME))
    sign_in = SignIn(
        return_to=return_to.safe(wanted, return_to.home()), browser=secret.digest(browser), expires_at=expires_at
    )
    table.write(store.put_sign_in(secret.digest(state), sign_in))
    return Begun(url, browser)


def finish(state: str, code: str, browser: str | None) -> Finished:
    """Finish a sign-in with what the issuer sent, once: the second attempt with a state finds nothing.

    Raises Invalid for a state that is unknown, used, too old or another browser's, Unauthenticated when the issuer
    does not stand by the code, Unavailable when it does not answer.
    """
    sign_in = _taken(state, browser)
    try:
        claims = identity.provider().redeem(
            code=code, redirect_uri=_redirect_uri(), code_verifier=_verifier(state), nonce=_nonce(state)
        )
    except identity.Refused as error:
        raise Unauthenticated("The issuer does not vouch for this sign-in.", code="sign_in_refused") from error
    except (identity.Unreachable, identity.Unconfigured) as error:
        raise _away() from error
    user = service.recognise(
        claims.issuer,
        claims.subject,
        claims.email,
        email_verified=claims.email_verified,
        name=claims.name,
        avatar_url=claims.picture,
    )
    return Finished(user, sign_in.return_to)


def abandon(state: str, browser: str | None) -> None:
    """End a sign-in that the issuer refused. Raises Invalid as `finish` does."""
    _taken(state, browser)


def _taken(state: str, browser: str | None) -> SignIn:
    found = store.get_sign_in(secret.digest(state)) if _SECRET.fullmatch(state) else None
    shown = secret.digest(browser) if browser else ""
    if not found or found.expires_at <= clock.stamp() or not hmac.compare_digest(found.browser, shown):
        raise _expired([])
    commit(store.take_sign_in(secret.digest(state), found, _expired))
    return found


def _expired(_: list[Item | None]) -> Invalid:
    return Invalid(
        "This sign-in was finished already, took too long, or began in another browser: begin again.",
        code="sign_in_expired",
    )


def end_url() -> str:
    """Where a browser goes to be signed out of the issuer too, or home where the issuer knows no such thing."""
    back = settings.text("PUBLIC_URL", "") + return_to.home()
    try:
        return identity.provider().end_session_url(return_url=back) or back
    except (identity.Unreachable, identity.Unconfigured):
        return back


def challenge(verifier: str) -> str:
    """The S256 challenge of a code verifier (RFC 7636, 4.2)."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode("ascii")).digest()).decode().rstrip("=")


def _verifier(state: str) -> str:
    return secret.derive("code-verifier", state).hex()


def _nonce(state: str) -> str:
    return secret.derive("nonce", state).hex()


def _redirect_uri() -> str:
    return settings.text("PUBLIC_URL", "") + "/auth/callback"


def _away() -> Unavailable:
    return Unavailable("The sign-in service does not answer; try again.", retry_after=5)
