"""OpenID Connect for any issuer: the authorization code flow with PKCE (RFC 7636).

Amazon Cognito differs in two points: it sends `"true"` instead of true, and it has its own sign-out URL.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from functools import partial
from typing import Any
from urllib.parse import quote_plus, urlencode, urlsplit, urlunsplit

from switchboard.carriers.identity import (
    IdentityClaims,
    ProviderUnconfiguredError,
    ProviderUnreachableError,
    SignInRefusedError,
    documents,
)
from switchboard.carriers.identity.issuer_client import IssuerClient, check_issuer_url

SCOPE = "openid email profile"
_COGNITO = re.compile(r"https://cognito-idp\.[a-z0-9-]+\.amazonaws\.com(\.cn)?/.+")
#: An error code (RFC 6749, 5.2), which is safe to log.
_CODE = re.compile(r"[a-z0-9_]{1,64}")
_TOKEN = re.compile(r"[\x21-\x7e]+")


class OpenIdProvider:
    """An issuer with our client at it. The client is confidential if it has a secret, otherwise public."""

    def __init__(self, issuer: str, client_id: str, client_secret: Callable[[], str] | None = None) -> None:
        self.issuer = issuer
        self._client_id, self._client_secret = client_id, client_secret

    def authorization_url(self, *, redirect_uri: str, state: str, nonce: str, code_challenge: str) -> str:
        """Returns the URL to which the browser is redirected.

        Raises ProviderUnreachableError or ProviderUnconfiguredError.
        """
        found = documents.get_discovery(self.issuer, IssuerClient())
        return _with_query(
            check_issuer_url(found.get("authorization_endpoint")),
            response_type="code",
            client_id=self._client_id,
            redirect_uri=redirect_uri,
            scope=SCOPE,
            state=state,
            nonce=nonce,
            code_challenge=code_challenge,
            code_challenge_method="S256",
        )

    def redeem_code(self, *, code: str, redirect_uri: str, code_verifier: str, nonce: str) -> IdentityClaims:
        """Exchanges a code for the person's claims.

        Raises SignInRefusedError, ProviderUnreachableError or ProviderUnconfiguredError.
        """
        from switchboard.carriers.identity import tokens  # for cold start: loaded with the first sign-in

        web = IssuerClient()
        answer = self._request_tokens(web, code, redirect_uri, code_verifier)
        token = answer.get("id_token")
        if not isinstance(token, str):
            raise ProviderUnreachableError("the issuer's response to a code has no id token")
        claims = tokens.verify_id_token(
            token, issuer=self.issuer, client_id=self._client_id, nonce=nonce, keys=partial(self._get_keys, web)
        )
        more = (
            {} if _text(claims, "email") and _text(claims, "name") else self._get_userinfo(web, answer, claims["sub"])
        )
        # Take the address and its verification from the same source: one source does not verify the other's address.
        mail = claims if _text(claims, "email") else more
        return IdentityClaims(
            issuer=self.issuer,
            subject=claims["sub"],
            email=_text(mail, "email"),
            email_verified=_text(mail, "email") is not None and _is_true(mail.get("email_verified")),
            name=_text(claims, "name") or _text(more, "name"),
            picture=_text(claims, "picture") or _text(more, "picture"),
        )

    def end_session_url(self, *, return_url: str) -> str | None:
        """Returns the URL that signs a browser out at the issuer, `None` if the issuer has none.

        Raises ProviderUnreachableError or ProviderUnconfiguredError.
        """
        found = documents.get_discovery(self.issuer, IssuerClient())
        endpoint = found.get("end_session_endpoint")
        if _COGNITO.fullmatch(self.issuer):
            endpoint = endpoint or _beside(check_issuer_url(found.get("authorization_endpoint")), "/logout")
            return _with_query(check_issuer_url(endpoint), client_id=self._client_id, logout_uri=return_url)
        if endpoint is None:
            return None
        return _with_query(check_issuer_url(endpoint), client_id=self._client_id, post_logout_redirect_uri=return_url)

    def _get_keys(self, web: IssuerClient, anew: bool) -> list[Any]:
        return documents.get_keys(self.issuer, web, anew=anew)

    def _request_tokens(self, web: IssuerClient, code: str, redirect_uri: str, code_verifier: str) -> dict[str, Any]:
        """Returns the token endpoint's response to a code.

        Raises SignInRefusedError, ProviderUnreachableError or ProviderUnconfiguredError.
        """
        url = check_issuer_url(documents.get_discovery(self.issuer, web).get("token_endpoint"))
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": redirect_uri,
            "code_verifier": code_verifier,
        }
        authorization = ""
        if self._client_secret:
            authorization = _basic(self._client_id, self._client_secret())
        else:
            form["client_id"] = self._client_id
        status, found = web.post(url, form, authorization)
        if status == 200 and found is not None:
            return found
        error = str((found or {}).get("error"))
        why = f"the token endpoint returns {status}" + (f" {error}" if _CODE.fullmatch(error) else "")
        if error in ("invalid_client", "unauthorized_client") or status == 401:
            raise ProviderUnconfiguredError(why)
        if status == 400:
            raise SignInRefusedError(why)
        raise ProviderUnreachableError(why)

    def _get_userinfo(self, web: IssuerClient, answer: dict[str, Any], subject: str) -> dict[str, Any]:
        """Returns the claims of the userinfo endpoint, if there is one (OpenID Connect Core, 5.3).

        Raises SignInRefusedError if the claims belong to another person.
        """
        endpoint = documents.get_discovery(self.issuer, web).get("userinfo_endpoint")
        token = answer.get("access_token")
        if endpoint is None or not isinstance(token, str) or not _TOKEN.fullmatch(token):
            return {}
        found = web.get(check_issuer_url(endpoint), f"Bearer {token}")
        if found.get("sub") != subject:
            raise SignInRefusedError("the userinfo endpoint returns another person")
        return found


def _is_true(value: object) -> bool:
    return value is True or value == "true"


def _text(claims: dict[str, Any], name: str) -> str | None:
    value = claims.get(name)
    return value if isinstance(value, str) and value else None


def _basic(client_id: str, client_secret: str) -> str:
    """Returns the Basic authorization of a client. Its id and secret are form-encoded first (RFC 6749, 2.3.1)."""
    pair = f"{quote_plus(client_id)}:{quote_plus(client_secret)}"
    return "Basic " + base64.b64encode(pair.encode()).decode()


def _with_query(url: str, **more: str) -> str:
    parts = urlsplit(url)
    return urlunsplit(parts._replace(query="&".join(filter(None, (parts.query, urlencode(more))))))


def _beside(url: str, path: str) -> str:
    return urlunsplit(urlsplit(url)._replace(path=path, query=""))
