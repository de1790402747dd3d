"""Providers' signatures: published test vectors, and arbitrary input."""

from __future__ import annotations

import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from switchboard.carriers.signatures import verify_elevenlabs, verify_stripe, verify_twilio, verify_twilio_json
from tests.unit.properties import example_settings

URL = "https://mycompany.com/myapp.php?foo=1&bar=2"
CALL = [
    ("CallSid", "CA1234567890ABCDE"),
    ("Caller", "+14158675309"),
    ("Digits", "1234"),
    ("From", "+14158675309"),
    ("To", "+18005551212"),
]
TWILIO = "RSOYDt4T1cUTdK1PDd93/VVr8B8="
STRIPE_BODY, STRIPE_AT = b'{"id":"evt_1"}', 1492774577
STRIPE = "7656fc2882a7ca0a651666b36bf2f2f22ee204f54f608f227498a2419f2890b2"
ELEVENLABS_BODY, ELEVENLABS_AT = b'{"type":"post_call_transcription"}', 1739537297
ELEVENLABS = "0224015c9b177997645410423294956ee55755a049b8d972813fc50c6c58f3d9"


def test_twilios_published_vector() -> None:
    assert verify_twilio(URL, CALL, TWILIO, ["12345"])
    assert verify_twilio(URL, CALL[::-1], TWILIO, ["old", "12345"]), "in any order, and by any active token"
    assert not verify_twilio(URL, CALL, TWILIO, ["1234", ""])
    assert not verify_twilio(URL, CALL, TWILIO, [])
    assert not verify_twilio(URL, CALL, TWILIO.lower(), ["12345"])
    assert not verify_twilio(URL, CALL[1:], TWILIO, ["12345"])
    assert not verify_twilio(URL, [*CALL, ("New", "")], TWILIO, ["12345"])
    assert not verify_twilio(URL.replace("https", "http"), CALL, TWILIO, ["12345"])


@pytest.mark.parametrize(
    ("signed", "ours", "same"),
    [
        ("https://a.example:443/x", "https://a.example/x", True),
        ("https://a.example/x", "https://a.example:443/x", True),
        ("http://a.example:80/x", "http://a.example/x", True),
        ("https://a.example", "https://a.example:443", True),
        ("https://a.example:8443/x", "https://a.example:8443/x", True),
        ("https://a.example:8443/x", "https://a.example/x", False),
        ("https://a.example:80/x", "https://a.example/x", False),
        ("http://a.example:443/x", "http://a.example/x", False),
    ],
)
def test_twilio_signs_the_url_with_or_without_the_standard_port(signed: str, ours: str, same: bool) -> None:
    assert verify_twilio(ours, [], sign_form(signed, ""), ["t"]) is same


def sign_form(url: str, form: str, token: str = "t") -> str:
    import base64

    return base64.b64encode(hmac.digest(token.encode(), (url + form).encode(), "sha1")).decode()


def test_a_repeated_parameter_counts_once_for_each_of_its_values() -> None:
    parameters = [("b", "2"), ("a", "z"), ("a", "y"), ("a", "z"), ("", "x"), ("é", "ü")]
    assert verify_twilio("https://a.example/", parameters, sign_form("https://a.example/", "xayazb2éü"), ["t"])


def test_stripes_published_vector() -> None:
    header = f"t={STRIPE_AT},v1={STRIPE}"
    assert verify_stripe(STRIPE_BODY, header, ["whsec_test"], STRIPE_AT)
    assert verify_stripe(STRIPE_BODY, header, ["whsec_new", "whsec_test"], STRIPE_AT)
    assert verify_stripe(STRIPE_BODY, f"t={STRIPE_AT},v1={'0' * 64},v1={STRIPE}, v0=x", ["whsec_test"], STRIPE_AT)
    assert not verify_stripe(STRIPE_BODY, f"t={STRIPE_AT},v0={STRIPE}", ["whsec_test"], STRIPE_AT)
    assert not verify_stripe(STRIPE_BODY, header, ["", "test"], STRIPE_AT)
    assert not verify_stripe(STRIPE_BODY + b" ", header, ["whsec_test"], STRIPE_AT)
    assert not verify_stripe(STRIPE_BODY, header.upper(), ["whsec_test"], STRIPE_AT)


def test_elevenlabs_published_vector() -> None:
    header = f"t={ELEVENLABS_AT},v0={ELEVENLABS}"
    assert verify_elevenlabs(ELEVENLABS_BODY, header, ["whsec_test"], ELEVENLABS_AT)
    assert not verify_elevenlabs(ELEVENLABS_BODY, header.replace("v0", "v1"), ["whsec_test"], ELEVENLABS_AT)


@pytest.mark.parametrize("off", [-1, 1])
def test_a_signature_expires(off: int) -> None:
    stripe, elevenlabs = f"t={STRIPE_AT},v1={STRIPE}", f"t={ELEVENLABS_AT},v0={ELEVENLABS}"
    assert verify_stripe(STRIPE_BODY, stripe, ["whsec_test"], STRIPE_AT + 300 * off)
    assert not verify_stripe(STRIPE_BODY, stripe, ["whsec_test"], STRIPE_AT + 301 * off)
    assert verify_elevenlabs(ELEVENLABS_BODY, elevenlabs, ["whsec_test"], ELEVENLABS_AT + 1_800 * off)
    assert not verify_elevenlabs(ELEVENLABS_BODY, elevenlabs, ["whsec_test"], ELEVENLABS_AT + 1_801 * off)


@pytest.mark.parametrize(
    "header",
    [
        "",
        "t=",
        f"v1={STRIPE}",
        f"t={STRIPE_AT},t={STRIPE_AT},v1={STRIPE}",
        f"t=+{STRIPE_AT},v1={STRIPE}",
        f"t={STRIPE_AT}.0,v1={STRIPE}",
        f"t=\uff11492774577,v1={STRIPE}",
        f"t={'9' * 5_000},v1={STRIPE}",
        f"t={STRIPE_AT}," + f"v1={STRIPE}," * 17,
        f"t={STRIPE_AT},v1=é\ud800",
    ],
)
def test_a_malformed_header_is_refused(header: str) -> None:
    assert not verify_stripe(STRIPE_BODY, header, ["whsec_test"], STRIPE_AT)


_texts = st.text(max_size=30) | st.characters(categories=["Cs"])


@example_settings(300)
@given(
    url=_texts | st.sampled_from([URL, "https://[", "https://a:b:c/"]),
    parameters=st.lists(st.tuples(_texts, _texts), max_size=6),
    header=_texts | st.builds("t={},v1={}".format, st.integers(), _texts),
    secrets=st.lists(_texts, max_size=3),
    body=st.binary(max_size=30),
)
def test_any_input_is_refused_without_an_error(
    url: str, parameters: list[tuple[str, str]], header: str, secrets: list[str], body: bytes
) -> None:
    assert not verify_twilio(url, parameters, header, secrets)
    assert not verify_twilio_json(url, body, header, secrets)
    assert not verify_stripe(body, header, secrets, 0)
    assert not verify_elevenlabs(body, header, secrets, 0)


def test_a_valid_signature_is_found_with_every_secret() -> None:
    for secret in ("a", "ü", "s" * 300):
        text = f"t=5,v1={hmac.digest(secret.encode(), b'5.body', 'sha256').hex()}"
        assert verify_stripe(b"body", text, ["other", secret], 5.9)
