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
from typing import NamedTuple, NoReturn

from switchboard.aws import secret, writes
from switchboard.aws.dynamodb import Item
from switchboard.aws.writes import commit
from switchboard.carriers import identity
from switchboard.errors import Invalid, Unauthenticated, Unavailable
from switchboard.kit import clock, settings, texts
from switchboard.people import return_to, service, store
from switchboard.people.models import SignIn, User

#: The maximum time of a sign-in at the issuer's pages, in seconds.
SIGN_IN_SECONDS = 600
_SECRET = re.compile(r"[A-Za-z0-9_-]{43}")


class SignInRedirect(NamedTuple):
    """The issuer's URL, and the secret that the browser must present at the callback."""

    url: str
    browser: str


class SignInResult(NamedTuple):
    """The signed-in person, and the path to return to."""

    user: User
    return_to: str

    @property
    def invite_id(self) -> str | None:
        """The id of the invite in that path, if the person followed an invite's link."""
        return return_to.invite_in(self.return_to)


def begin_sign_in(wanted: str | None, browser: str | None) -> SignInRedirect:
    """Begins a sign-in. `wanted` is the path to return to. `browser` is the secret of an earlier sign-in, if any.

    Raises Unavailable if the issuer does not answer.
    """
    state = secrets.token_urlsafe(32)
    if not browser or not _SECRET.fullmatch(browser):
        browser = secrets.token_urlsafe(32)
    try:
        url = identity.identity_provider().authorization_url(
            redirect_uri=_redirect_uri(),
            state=state,
            nonce=_nonce(state),
            code_challenge=code_challenge(_verifier(state)),
        )
    except (identity.ProviderUnreachableError, identity.ProviderUnconfiguredError) as error:
        raise _issuer_unavailable() from error
    expires_at = clock.format_iso(clock.now() + timedelta(seconds=SIGN_IN_SECONDS))
    sign_in = SignIn(
        return_to=return_to.safe_path(wanted, return_to.home_path()),
        browser=texts.digest(browser),
        expires_at=expires_at,
    )
    writes.write_item(store.sign_in_write(texts.digest(state), sign_in))
    return SignInRedirect(url, browser)


def finish_sign_in(state: str, code: str, browser: str | None) -> SignInResult:
    """Finishes a sign-in with the issuer's state and code. A state works once.

    Raises Invalid for a state that is unknown, used, expired or from another browser, Unauthenticated if the issuer
    rejects the code, Unavailable if the issuer does not answer.
    """
    sign_in = _consume_sign_in(state, browser)
    try:
        claims = identity.identity_provider().redeem_code(
            code=code, redirect_uri=_redirect_uri(), code_verifier=_verifier(state), nonce=_nonce(state)
        )
    except identity.SignInRefusedError as error:
        raise Unauthenticated(
            "The sign-in service rejected this sign-in: begin again.", code="sign_in_refused"
        ) from error
    except (identity.ProviderUnreachableError, identity.ProviderUnconfiguredError) as error:
        raise _issuer_unavailable() from error
    user = service.upsert_user(
        claims.issuer,
        claims.subject,
        claims.email,
        email_verified=claims.email_verified,
        name=claims.name,
        avatar_url=claims.picture,
    )
    return SignInResult(user, sign_in.return_to)


def abandon_sign_in(state: str, browser: str | None, reason: str | None) -> NoReturn:
    """Ends a sign-in without a code: the issuer refused it, and `reason` says why.

    Raises Unauthenticated, or Invalid without a reason and like `finish_sign_in`.
    """
    _consume_sign_in(state, browser)
    if reason is None:
        raise Invalid("The sign-in service sent no result: sign in again.", fields={"code": "is missing"})
    raise Unauthenticated(
        "The sign-in service refused this sign-in: sign in again.", code="sign_in_refused", reason=reason[:100]
    )


def _consume_sign_in(state: str, browser: str | None) -> SignIn:
    found = store.get_sign_in(texts.digest(state)) if _SECRET.fullmatch(state) else None
    shown = texts.digest(browser) if browser else ""
    if not found or found.expires_at <= clock.now_iso() or not hmac.compare_digest(found.browser, shown):
        raise _sign_in_expired([])
    commit(store.sign_in_delete_write(texts.digest(state), found, _sign_in_expired))
    return found


def _sign_in_expired(_: list[Item | None]) -> Invalid:
    return Invalid(
        "This sign-in is already finished, took too long, or began in another browser: begin again.",
        code="sign_in_expired",
    )


def sign_out_url() -> str:
    """Returns the URL that also signs the browser out at the issuer, or our own page if the issuer has none."""
    back = settings.text("PUBLIC_URL", "") + return_to.SIGNED_OUT_PATH
    try:
        return identity.identity_provider().end_session_url(return_url=back) or back
    except (identity.ProviderUnreachableError, identity.ProviderUnconfiguredError):
        return back


def code_challenge(verifier: str) -> str:
    """Returns the S256 challenge of a code verifier (RFC 7636, 4.2)."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode("ascii")).digest()).decode().rstrip("=")


def _verifier(state: str) -> str:
    return secret.derive("code-verifier", state).hex()


def _nonce(state: str) -> str:
    return secret.derive("nonce", state).hex()


def _redirect_uri() -> str:
    return settings.text("PUBLIC_URL", "") + "/auth/callback"


def _issuer_unavailable() -> Unavailable:
    return Unavailable("The sign-in service does not answer: try again.", retry_after=5)
