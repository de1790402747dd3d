"""Session tokens: a modified or forged token is refused."""

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


def mint_token(acme: Reseller) -> str:
    return sessions.mint_session(acme.caller(), "rep_1", None).token


def refusal_reason(token: str) -> str:
    with pytest.raises(Unauthenticated) as refused:
        sessions.admit_token(token)
    return refused.value.code


def read_claims(token: str) -> dict[str, Any]:
    return _read_part(token.split(".")[1])


def _read_part(part: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return found


def test_a_token_has_the_session_the_tenant_and_the_expiry(acme: Reseller) -> None:
    made = sessions.mint_session(acme.caller(), "rep_1", None)
    assert _read_part(made.token.split(".")[0]) == {"alg": "HS256", "typ": "JWT"}
    now = int(clock.epoch())
    assert read_claims(made.token) == {
        "iss": "switchboard",
        "aud": "athos:roleplay",
        "jti": made.session.id,
        "tenant": acme.org_id,
        "iat": now,
        "exp": now + 300,
    }
    assert made.session.expires_at == clock.format_iso(tokens.token_expiry())
    assert sessions.admit_token(made.token).session == made.session


def test_the_helpers_of_the_attacks_make_valid_tokens(acme: Reseller) -> None:
    # If this failed, each attack below would be refused for the wrong reason.
    token = mint_token(acme)
    assert tokens.verify_token(_signed(token)) == tokens.verify_token(token)


def _part(value: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


def _signed(token: str, key: bytes | None = None, algorithm: str = "HS256", **changes: Any) -> str:
    """A token as no library of ours makes it, so that none of them is asked whether it would."""
    body = {name: value for name, value in (read_claims(token) | changes).items() if value is not None}
    text = f"{_part({'alg': algorithm, 'typ': 'JWT'})}.{_part(body)}"
    mac = hmac.digest(key or secret.derive(KEY), text.encode(), f"sha{algorithm[2:]}")
    return f"{text}.{base64.urlsafe_b64encode(mac).decode().rstrip('=')}"


def _unsigned(token: str) -> str:
    return f"{_part({'alg': 'none', 'typ': 'JWT'})}.{token.split('.')[1]}."


def _by_public_key(token: str) -> str:
    """HS256 with a public key as its secret: a parser that trusts the header would accept it."""
    return _signed(token, key=RSAKey.generate_key(2048).as_pem(private=False))


def _rs256(token: str) -> str:
    return jwt.encode({"alg": "RS256"}, read_claims(token), RSAKey.generate_key(2048))


def _tampered(token: str) -> str:
    head, _, mac = token.split(".")
    return ".".join((head, _part(read_claims(token) | {"exp": int(clock.epoch()) + 9_999}), mac))


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
def test_a_forged_token_is_refused(acme: Reseller, attack: str) -> None:
    token = mint_token(acme)
    assert refusal_reason(ATTACKS[attack](token)) == "token_invalid"
    assert sessions.admit_token(token).session.state is SessionState.MINTED, "and it spends no token"


def test_a_tenant_cannot_find_another_tenants_session(acme: Reseller) -> None:
    other = reseller("other")
    assert refusal_reason(_signed(mint_token(acme), tenant=other.org_id)) == "token_invalid"


def test_a_token_expires_to_the_second(acme: Reseller, frozen: clock.FrozenClock) -> None:
    token = mint_token(acme)
    frozen.advance(seconds=299, milliseconds=999)
    assert sessions.admit_token(token)
    frozen.advance(milliseconds=1)
    assert refusal_reason(token) == "token_expired"


def test_a_forged_expired_token_is_invalid_and_not_expired(acme: Reseller, frozen: clock.FrozenClock) -> None:
    token = mint_token(acme)
    frozen.advance(minutes=6)
    assert refusal_reason(_tampered(token)) == "token_invalid"
    assert refusal_reason(_signed(token, aud="athos")) == "token_invalid"
