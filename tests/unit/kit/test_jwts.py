"""Tokens under a shared secret: a published one is read, and no other algorithm, key or header passes."""

from __future__ import annotations

import base64
import hmac
import json
from typing import Any

import pytest

from switchboard.kit import jwts
from tests.fakes.issuer import forge_token

SECRET = b"a secret of thirty-two bytes and more"
#: RFC 7515, appendix A.1.
PUBLISHED = (
    "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9."
    "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ."
    "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
)
PUBLISHED_KEY = base64.urlsafe_b64decode(
    "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow=="
)


def test_the_standards_own_token_is_read() -> None:
    assert jwts.verify_claims(PUBLISHED, PUBLISHED_KEY) == {
        "iss": "joe",
        "exp": 1300819380,
        "http://example.com/is_root": True,
    }


def test_a_token_is_made_as_a_standard_reader_expects_it() -> None:
    claims = {"iss": "us", "n": 1}
    token = jwts.sign_claims(claims, SECRET)
    # `forge_token` makes it by hand, with blanks in its JSON.
    assert jwts.verify_claims(forge_token(claims, SECRET, alg="HS256", typ="JWT"), SECRET) == claims
    assert jwts.verify_claims(token, SECRET) == claims
    head = token.split(".")[0]
    assert json.loads(base64.urlsafe_b64decode(head + "==")) == {"alg": "HS256", "typ": "JWT"}


def test_a_header_parameter_that_is_not_known_means_nothing() -> None:
    assert jwts.verify_claims(forge_token({"a": 1}, SECRET, alg="HS256", kid="k", env="test"), SECRET) == {"a": 1}


@pytest.mark.parametrize(
    "header",
    [
        {"alg": "none"},
        {"alg": "HS512"},
        {"alg": "RS256"},
        {"alg": ["HS256"]},
        {"alg": None},
        {},
        {"alg": "HS256", "crit": ["exp"], "exp": 1},
        {"alg": "HS256", "crit": "b64"},
        {"alg": "HS256", "b64": False, "crit": ["b64"]},
    ],
)
def test_a_token_does_not_choose_how_it_is_verified(header: dict[str, Any]) -> None:
    with pytest.raises(jwts.NotSignedError):
        jwts.verify_claims(forge_token({"a": 1}, SECRET, **header), SECRET)


@pytest.mark.parametrize(
    "token",
    [
        "",
        ".",
        "..",
        "a.b.c",
        "nonsense",
        "é.e30.x",
        PUBLISHED,
        forge_token({"a": 1}, None, alg="none"),
        forge_token({"a": 1}, None, alg="HS256"),
        forge_token({"a": 1}, b"another secret, which is just as long as it", alg="HS256"),
        forge_token([1], SECRET, alg="HS256"),
        base64.urlsafe_b64encode(b"[" * 3_000).decode() + ".e30.x",
    ],
)
def test_a_text_that_is_no_token_of_this_secret_is_refused(token: str) -> None:
    with pytest.raises(jwts.NotSignedError):
        jwts.verify_claims(token, SECRET)


def test_deep_claims_are_refused_even_when_they_are_signed() -> None:
    text = ".".join(map(_encode, (b'{"alg":"HS256"}', b'{"a":' + b"[" * 5_000 + b"]" * 5_000 + b"}")))
    with pytest.raises(jwts.NotSignedError):
        jwts.verify_claims(f"{text}.{_encode(hmac.digest(SECRET, text.encode(), 'sha256'))}", SECRET)


def _encode(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")
