"""Session tokens: one that was tampered with, or made by somebody else, opens nothing."""

from __future__ import annotations

import base64
import hmac
import json
from collections.abc import Callable
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from switchboard.aws import secret
from switchboard.errors import Unauthenticated
from switchboard.kit import clock
from switchboard.roleplay import sessions, tokens
from switchboard.roleplay.models import SessionState
from tests.actors import Reseller, reseller

KEY = "athos session token"


def minted(acme: Reseller) -> str:
    return sessions.mint_session(acme.caller(), "rep_1", None).token


def refusal(token: str) -> str:
    with pytest.raises(Unauthenticated) as refused:
        sessions.admit_token(token)
    return refused.value.code


def claims(token: str) -> dict[str, Any]:
    found: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
    return found


def test_a_token_says_whose_session_it_is_and_how_long_it_lasts(acme: Reseller) -> None:
    made = sessions.mint_session(acme.caller(), "rep_1", None)
    assert jwt.get_unverified_header(made.token) == {"alg": "HS256", "typ": "JWT"}
    now = int(clock.epoch())
    assert claims(made.token) == {
        "iss": "switchboard",
        "aud": "athos:roleplay",
        "jti": made.session.id,
        "tenant": acme.org_id,
        "iat": now,
        "exp": now + 300,
    }
    assert made.session.expires_at == clock.format_iso(tokens.token_expiry())
    assert sessions.admit_token(made.token).session == made.session


def test_what_the_attacks_below_are_made_with_does_make_tokens(acme: Reseller) -> None:
    # If it did not, each of them would be refused for the wrong reason.
    token = minted(acme)
    assert tokens.verify_token(_signed(token)) == tokens.verify_token(token)


def _part(value: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


def _signed(token: str, key: bytes | None = None, algorithm: str = "HS256", **changes: Any) -> str:
    body = {name: value for name, value in (claims(token) | changes).items() if value is not None}
    return jwt.encode(body, key or secret.derive(KEY), algorithm=algorithm)


def _unsigned(token: str) -> str:
    return f"{_part({'alg': 'none', 'typ': 'JWT'})}.{token.split('.')[1]}."


def _by_public_key(token: str) -> str:
    """HS256 with a public key for its secret: what a reader that trusts the header would take."""
    public = rsa.generate_private_key(65537, 2048).public_key()
    pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    head, body = _part({"alg": "HS256", "typ": "JWT"}), token.split(".")[1]
    mac = hmac.digest(pem, f"{head}.{body}".encode(), "sha256")
    return f"{head}.{body}.{base64.urlsafe_b64encode(mac).decode().rstrip('=')}"


def _rs256(token: str) -> str:
    return jwt.encode(claims(token), rsa.generate_private_key(65537, 2048), algorithm="RS256")


def _tampered(token: str) -> str:
    head, _, mac = token.split(".")
    return ".".join((head, _part(claims(token) | {"exp": int(clock.epoch()) + 9_999}), mac))


def _numbered(token: str) -> str:
    return jwt.api_jws.encode(json.dumps(claims(token) | {"jti": 7}).encode(), secret.derive(KEY), algorithm="HS256")


ATTACKS: dict[str, Callable[[str], str]] = {
    "none": lambda _: "",
    "nonsense": lambda _: "nonsense",
    "an API key": lambda _: "ath_live_" + "0" * 38,
    "alg none": _unsigned,
    "RS256": _rs256,
    "a public key as secret": _by_public_key,
    "HS512": lambda token: _signed(token, algorithm="HS512"),
    "another secret": lambda token: _signed(token, key=secret.derive("another purpose")),
    "truncated": lambda token: token[:-5],
    "without signature": lambda token: token.rpartition(".")[0] + ".",
    "tampered payload": _tampered,
    "another issuer": lambda token: _signed(token, iss="somebody"),
    "another audience": lambda token: _signed(token, aud="athos"),
    "several audiences": lambda token: _signed(token, aud=["athos:roleplay", "more"]),
    "no jti": lambda token: _signed(token, jti=None),
    "no tenant": lambda token: _signed(token, tenant=None),
    "no expiry": lambda token: _signed(token, exp=None),
    "an expiry that is no number": lambda token: _signed(token, exp="never"),
    "an expiry that is a fraction": lambda token: _signed(token, exp=clock.epoch() + 0.5),
    "an unknown jti": lambda token: _signed(token, jti="ext_unknown"),
    "an unknown tenant": lambda token: _signed(token, tenant="org_unknown"),
    "a jti that is no text": _numbered,
    "far too long": lambda token: _signed(token, more="x" * 5_000),
}


@pytest.mark.filterwarnings("ignore:The HMAC key is")  # HS512 wants a longer one; ours is made for HS256
@pytest.mark.parametrize("attack", ATTACKS)
def test_what_is_no_token_of_ours_opens_nothing(acme: Reseller, attack: str) -> None:
    token = minted(acme)
    assert refusal(ATTACKS[attack](token)) == "token_invalid"
    assert sessions.admit_token(token).session.state is SessionState.MINTED, "and spends nothing"


def test_another_tenants_session_is_not_found_under_ones_own_name(acme: Reseller) -> None:
    other = reseller("other")
    assert refusal(_signed(minted(acme), tenant=other.org_id)) == "token_invalid"


def test_a_token_expires_to_the_second(acme: Reseller, frozen: clock.FrozenClock) -> None:
    token = minted(acme)
    frozen.advance(seconds=299, milliseconds=999)
    assert sessions.admit_token(token)
    frozen.advance(milliseconds=1)
    assert refusal(token) == "token_expired"


def test_an_expired_token_is_first_of_all_a_good_one(acme: Reseller, frozen: clock.FrozenClock) -> None:
    token = minted(acme)
    frozen.advance(minutes=6)
    assert refusal(_tampered(token)) == "token_invalid"
    assert refusal(_signed(token, aud="athos")) == "token_invalid"
