"""Sign-in: OpenID Connect's authorization code flow with PKCE (RFC 7636), with any issuer.

A sign-in belongs to the browser that began it, and can be finished once. If another client opens its callback, for
example a mail filter that tests links, nothing changes. The nonce and the code verifier are derived from the state, so
they are not stored.
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

#: The maximum time of a sign-in at the issuer's pages, in seconds.
TIME = 600
_SECRET = re.compile(r"[A-Za-z0-9_-]{43}")


class Begun(NamedTuple):
    """The issuer's URL, and the secret that the browser must present at the callback."""

    url: str
    browser: str


class Finished(NamedTuple):
    """The signed-in person, and the path to return to."""

    user: User
    return_to: str

    @property
    def invite_id(self) -> str | None:
        """The id of the invite in that path, if the person followed an invite's link."""
        return return_to.invite_in(self.return_to)


def begin(wanted: str | None, browser: str | None) -> Begun:
    """Begin a sign-in. `wanted` is the path to return to. `browser` is the secret of an earlier sign-in, if any.

    Raises Unavailable if the issuer does not answer.
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
    """Finish a sign-in with the issuer's state and code. A state works once.

    Raises Invalid for a state that is unknown, used, expired or from another browser, Unauthenticated if the issuer
    rejects the code, Unavailable if the issuer does not answer.
    """
    sign_in = _taken(state, browser)
    try:
        claims = identity.provider().redeem(
            code=code, redirect_uri=_redirect_uri(), code_verifier=_verifier(state), nonce=_nonce(state)
        )
    except identity.Refused as error:
        raise Unauthenticated(
            "The sign-in service rejected this sign-in: begin again.", code="sign_in_refused"
        ) from error
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
    """End a sign-in that the issuer rejected. Raises Invalid like `finish`."""
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
        "This sign-in is already finished, took too long, or began in another browser: begin again.",
        code="sign_in_expired",
    )


def end_url() -> str:
    """Return the URL that also signs the browser out at the issuer, or the home page if the issuer has none."""
    back = settings.text("PUBLIC_URL", "") + return_to.home()
    try:
        return identity.provider().end_session_url(return_url=back) or back
    except (identity.Unreachable, identity.Unconfigured):
        return back


def challenge(verifier: str) -> str:
    """Return the S256 challenge of a code verifier (RFC 7636, 4.2)."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode("ascii")).digest()).decode().rstrip("=")


def _verifier(state: str) -> str:
    return secret.derive("code-verifier", state).hex()


def _nonce(state: str) -> str:
    return secret.derive("nonce", state).hex()


def _redirect_uri() -> str:
    return settings.text("PUBLIC_URL", "") + "/auth/callback"


def _away() -> Unavailable:
    return Unavailable("The sign-in service does not answer: try again.", retry_after=5)
