"""Session tokens: one that was tampered with, or made by somebody else, opens nothing."""

from __future__ import annotations

import base64
import hmac
import json
from collections.abc import Callable
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import RSAKey

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
    return _read_part(token.split(".")[1])


def _read_part(part: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return found


def test_a_token_says_whose_session_it_is_and_how_long_it_lasts(acme: Reseller) -> None:
    made = sessions.mint_session(acme.caller(), "rep_1", None)
    assert _read_part(made.token.split(".")[0]) == {"alg": "HS256", "typ": "JWT"}
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
    """A token as no library of ours makes it, so that none of them is asked whether it would."""
    body = {name: value for name, value in (claims(token) | changes).items() if value is not None}
    text = f"{_part({'alg': algorithm, 'typ': 'JWT'})}.{_part(body)}"
    mac = hmac.digest(key or secret.derive(KEY), text.encode(), f"sha{algorithm[2:]}")
    return f"{text}.{base64.urlsafe_b64encode(mac).decode().rstrip('=')}"


def _unsigned(token: str) -> str:
    return f"{_part({'alg': 'none', 'typ': 'JWT'})}.{token.split('.')[1]}."


def _by_public_key(token: str) -> str:
    """HS256 with a public key for its secret: what a reader that trusts the header would take."""
    return _signed(token, key=RSAKey.generate_key(2048).as_pem(private=False))


def _rs256(token: str) -> str:
    return jwt.encode({"alg": "RS256"}, claims(token), RSAKey.generate_key(2048))


def _tampered(token: str) -> str:
    head, _, mac = token.split(".")
    return ".".join((head, _part(claims(token) | {"exp": int(clock.epoch()) + 9_999}), mac))


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
    "no issuer": lambda token: _signed(token, iss=None),
    "no audience": lambda token: _signed(token, aud=None),
    "one audience in a list": lambda token: _signed(token, aud=["athos:roleplay"]),
    "no time of issue": lambda token: _signed(token, iat=None),
    "no jti": lambda token: _signed(token, jti=None),
    "no tenant": lambda token: _signed(token, tenant=None),
    "no expiry": lambda token: _signed(token, exp=None),
    "an expiry that is no number": lambda token: _signed(token, exp="never"),
    "an expiry that is a fraction": lambda token: _signed(token, exp=clock.epoch() + 0.5),
    "an unknown jti": lambda token: _signed(token, jti="ext_unknown"),
    "an unknown tenant": lambda token: _signed(token, tenant="org_unknown"),
    "a jti that is no text": lambda token: _signed(token, jti=7),
    "a header of brackets": lambda _: base64.urlsafe_b64encode(b"[" * 1_500).decode() + ".e30.x",
    "far too long": lambda token: _signed(token, more="x" * 5_000),
}


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
