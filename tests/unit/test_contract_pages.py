"""The signatures in the contracts' pages are the same as the code makes and verifies."""

from __future__ import annotations

import hmac
import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import parse_qsl

import pytest

from switchboard.carriers import signatures
from switchboard.kit import clock
from switchboard.people import sign_in
from switchboard.webhooks import signing
from switchboard.webhooks.signing import SIGNATURE_SCHEMES, SignatureScheme, SignedMessage

PAGES = Path(__file__).resolve().parents[2] / "docs" / "contracts"
_VECTOR = re.compile(r"^```vector\n(.*?)^```$", re.MULTILINE | re.DOTALL)

Vector = dict[str, str]
_SIGNERS: dict[str, SignatureScheme] = {
    "standard": signing.standard_headers,
    **{str(kind): scheme for kind, scheme in SIGNATURE_SCHEMES.items()},
}


def vectors_of(page: str) -> list[Vector]:
    """The vectors of a page: blocks of `name: value` lines."""
    return [dict(line.split(": ", 1) for line in block.splitlines()) for block in _VECTOR.findall(page)]


VECTORS = {
    vector["scheme"]: vector for page in sorted(PAGES.glob("*.md")) for vector in vectors_of(page.read_text("utf-8"))
}


def _message(vector: Vector) -> SignedMessage:
    text = vector.get("timestamp", "0")
    at = datetime.fromtimestamp(int(text), UTC) if text.isdigit() else clock.parse(text)
    return SignedMessage(vector.get("id", "dlv_1"), "event", at, vector["body"])


def _made(header: str) -> Callable[[Vector], bool]:
    """A check of a scheme by which we sign."""

    def check(vector: Vector) -> bool:
        scheme = _SIGNERS[vector["scheme"]]
        return scheme(_message(vector), [vector["secret"]])[header] == vector["signature"]

    return check


def _twilio(vector: Vector) -> bool:
    form = parse_qsl(vector["body"])
    return signatures.verify_twilio(vector["url"], form, vector["signature"], [vector["secret"]])


def _timed(verify: Callable[..., bool]) -> Callable[[Vector], bool]:
    def check(vector: Vector) -> bool:
        now = float(vector["timestamp"])
        return verify(vector["body"].encode(), vector["signature"], [vector["secret"]], now)

    return check


def _pkce(vector: Vector) -> bool:
    return sign_in.code_challenge(vector["secret"]) == vector["signature"]


def _retell(vector: Vector) -> bool:
    # Nothing here verifies Retell's callbacks yet.
    signed = vector["body"] + vector["timestamp"]
    return vector["signature"] == f"d={hmac.digest(vector['secret'].encode(), signed.encode(), 'sha256').hex()}"


CHECKS: dict[str, Callable[[Vector], bool]] = {
    "standard": _made("webhook-signature"),
    "anima": _made("X-Anima-Signature"),
    "athos": _made("X-Athos-Signature"),
    "hum": _made("X-HUM-Signature"),
    "twilio": _twilio,
    "elevenlabs": _timed(signatures.verify_elevenlabs),
    "stripe": _timed(signatures.verify_stripe),
    "pkce": _pkce,
    "retell": _retell,
}


def test_every_scheme_has_a_vector_and_every_vector_a_check() -> None:
    assert VECTORS.keys() == CHECKS.keys(), "add a `vector` block to a page in docs/contracts, and its check here"


@pytest.mark.parametrize("scheme", CHECKS)
def test_the_page_shows_the_signature_that_the_code_computes(scheme: str) -> None:
    vector = VECTORS[scheme]
    assert CHECKS[scheme](vector), f"{scheme}: the page in docs/contracts shows another signature than the code makes"
    assert not CHECKS[scheme](vector | {"secret": f"{vector['secret'][:-1]}A"}), "another secret signs differently"
