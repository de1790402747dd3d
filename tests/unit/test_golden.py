"""Credentials written out, from a fixed seed and a fixed root secret.

Customers hold these, and the platform keeps their hashes or derives them again. A change of an alphabet, a length, a
checksum, a label or a part would make every issued one invalid. So the values here were made once, outside the product,
by the published formulas (base 62 and CRC-32, HKDF of RFC 5869, HS256 of RFC 7515). Do not update them to pass.
"""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache

import pytest

from switchboard.accounts import credentials
from switchboard.accounts.models import KeyKind
from switchboard.aws import secret
from switchboard.kit import clock
from switchboard.roleplay import tokens
from switchboard.webhooks import signing

SEED = bytes(range(32))
BODY = "jlCTQj2uNU3MFagCXG9LRKRcwGkBIDlf"


@pytest.fixture(autouse=True)
def _root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(secret, "_root", cache(lambda: b"a root secret that never changes"))


@pytest.mark.parametrize(
    ("kind", "text", "digest"),
    [
        (KeyKind.AGENT, f"ak_{BODY}1DIASX", "339ea143e1ae555c888d4d012db130e6fb3bc557cf1cd7b088d360f158dfbdd7"),
        (KeyKind.MASTER, f"mk_{BODY}00dXgU", "ecb1f1c059ddd10bff7750407c01542bba36d3a9247f79572a2b7cbae4023b55"),
        (KeyKind.SERVICE, f"sk_{BODY}1LuTmd", "5617206ec53ae4cf1c93604f30e0e7f9e39a3cd8bf74f6b76e5623382ddcbf6b"),
        (
            KeyKind.OPTICOMM_LIVE,
            f"sk_live_{BODY}1rjR1t",
            "706ab6c70903eecd5335d5ec547c5054a8cfddf477b58306880591f89a3a20e6",
        ),
        (
            KeyKind.OPTICOMM_TEST,
            f"sk_test_{BODY}3udnlU",
            "d23edbcf4ec7c8543e5d7f053cec6a2b68ebe23f8df3f2248b4e7b0c7c01c3e8",
        ),
        (KeyKind.ATHOS, f"ath_live_{BODY}0hc2LG", "897050854ed5c6b42c1a442497cdc96aa4e312b847088fc4cdf528cd12498190"),
    ],
)
def test_a_key(kind: KeyKind, text: str, digest: str) -> None:
    assert credentials.mint_key(kind, SEED) == (text, digest, f"{kind}{BODY[:6]}")
    assert credentials.kind_of(text) is kind


def test_every_kind_of_key_is_written_out() -> None:
    marks = {mark.name: mark for mark in test_a_key.pytestmark}  # type: ignore[attr-defined]
    assert {row[0] for row in marks["parametrize"].args[1]} == set(KeyKind)


@pytest.mark.parametrize(
    ("owner", "generation", "expected"),
    [
        ("wh_1", 1, "whsec_8ql3ihFXqTJm4Fk3DQnwCR+4w+j//nK+z9hqq02W+l8="),
        ("wh_1", 2, "whsec_DohtKIpmPKBK6n0f4JW8yKVen0dNlF6nI8t8S5ppYUo="),
        ("key_1", 1, "whsec_o5TzyW12hH/1+0QkwHBa8u24h/IetEo0rScSGlbGq+o="),
    ],
)
def test_a_webhook_secret(owner: str, generation: int, expected: str) -> None:
    assert signing.secret_of("org_a", owner, generation) == expected


def test_a_session_token(frozen: clock.FrozenClock) -> None:
    token = (
        "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9."
        "eyJpc3MiOiJzd2l0Y2hib2FyZCIsImF1ZCI6ImF0aG9zOnJvbGVwbGF5IiwianRpIjoiZXh0XzEiLCJpYXQiOjE3Njg0OTY0MDAs"
        "ImV4cCI6MTc2ODQ5NjcwMCwidGVuYW50Ijoib3JnX2EifQ."
        "FHEjab3GNKWbw6kcwr6R4k_WF41gMA_NLVjigpZDrjM"
    )
    assert tokens.make_token("org_a", "ext_1", datetime(2026, 1, 15, 17, 5, tzinfo=UTC)) == token
    assert tokens.verify_token(token) == ("org_a", "ext_1")
