"""Providers' callbacks: signed over the exact bytes, answered in the provider's dialect, and limited by account."""

from __future__ import annotations

import base64
import hmac
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote_plus, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from switchboard.aws import clients, secret, writes
from switchboard.dialects.callbacks import dialect
from switchboard.dialects.callbacks.dialect import Callbacks, answer_json, answer_nothing, answer_twiml
from switchboard.edge import bodies, rate_limit, signatures
from switchboard.edge.api import Api
from switchboard.edge.bodies import FormBody, JsonBody, RawBody
from switchboard.edge.router import AuthenticationScheme, Operation
from switchboard.errors import Conflict, NotFound, Unavailable
from switchboard.kit import background, clock
from tests.unit.edge.asking import Answer, send_request
from tests.unit.properties import example_settings

BASE = "https://api.example.com"
VOICE, STATUS, STRIPE, TALK, BARE = (f"/callbacks/{name}" for name in ("voice", "status", "stripe", "talk", "bare"))
FORM = "application/x-www-form-urlencoded; charset=UTF-8"
PLAIN = {"x-request-id", "cache-control", "x-content-type-options"}

api = Api(Callbacks(), "callbacks")
#: The arguments that routes received, and the errors that they raise.
seen: list[Any] = []
trouble: list[Exception] = []


def _tokens() -> tuple[str, ...]:
    return secret.active_secrets("twilio")


TWILIO = signatures.twilio_verifier("twilio:AC1", _tokens)


class Voice(BaseModel):
    """The fields that a route reads from a form."""

    CallSid: str
    SequenceNumber: int = 0


@api.post(VOICE, summary="s", operation_id="voice", tag="t", body=FormBody(verify=TWILIO))
def voice(voice: Voice) -> dialect.Answer:
    background.wait_for_guard()  # as every route that writes does
    seen.append((api.signer, voice.CallSid, api.parameters))
    return answer_twiml("<Response><Say>Grüezi &amp; hello</Say></Response>")


@api.post(
    STATUS, summary="s", operation_id="status", tag="t", body=FormBody(verify=TWILIO, max_bytes=1_000), status=204
)
def status() -> dialect.Answer:
    if trouble:
        raise trouble[0]
    seen.append(api.raw)
    return answer_nothing(204)


@api.post(
    STRIPE,
    summary="s",
    operation_id="stripe",
    tag="t",
    body=RawBody(verify=signatures.stripe_verifier("stripe", lambda: ("sk",))),
)
def stripe() -> dialect.Answer:
    seen.append((api.signer, api.raw))
    return answer_nothing()


@api.post(
    TALK,
    summary="s",
    operation_id="talk",
    tag="t",
    body=RawBody(
        verify=signatures.elevenlabs_verifier("elevenlabs", lambda: ("el",)),
        types=frozenset({"application/json", "audio/mpeg"}),
    ),
)
def talk() -> dialect.Answer:
    seen.append(api.raw)
    return answer_json({"result": "ü", "size": len(api.raw)})


@api.post(BARE, summary="s", operation_id="bare", tag="t")
def bare() -> dialect.Answer:
    raise AssertionError("no request is admitted")


@pytest.fixture(autouse=True)
def _provider(cloud: dict[str, str], frozen: clock.FrozenClock, monkeypatch: pytest.MonkeyPatch) -> None:
    seen.clear()
    trouble.clear()
    monkeypatch.setenv("SWITCHBOARD_PUBLIC_URL", f"{BASE}/")
    clients.get_client("secretsmanager").create_secret(Name="twilio", SecretString="token\n")


def sign_form(path: str, pairs: list[tuple[str, str]], token: str = "token", base: str = BASE) -> str:
    text = base + path + "".join(name + value for name, value in sorted(set(pairs)))
    return base64.b64encode(hmac.digest(token.encode(), text.encode(), "sha1")).decode()


def post_form(path: str, pairs: list[tuple[str, str]], *, signed: str | None = None, **more: Any) -> Answer:
    headers = {"content-type": FORM, "X-Twilio-Signature": signed or sign_form(path, pairs)} | more.pop("headers", {})
    return send_request(api, "POST", path, urlencode(pairs).encode(), headers=headers, **{"binary": False} | more)


def post_timed(
    path: str, body: bytes, header: str, version: str, key: str, at: int | None = None, **more: Any
) -> Answer:
    at = int(clock.epoch()) if at is None else at
    made = hmac.digest(key.encode(), f"{at}.".encode() + body, "sha256").hex()
    headers = {"Content-Type": "application/json; charset=utf-8", header: f"t={at},{version}={made}"}
    return send_request(api, "POST", path, body, headers=headers | more.pop("headers", {}), **more)


def assert_empty(answer: Answer, status: int) -> None:
    """Assert that the answer is only a status."""
    assert (answer.status, answer.body) == (status, "")
    assert answer.headers.keys() - {"allow", "retry-after"} == PLAIN


CALL = [("CallSid", "CA1"), ("SequenceNumber", "3"), ("To", "+1 415 é&="), ("Empty", ""), ("M", "2"), ("M", "1")]


def test_a_signed_form_is_answered_with_instructions() -> None:
    answer = post_form(VOICE, CALL)
    assert (answer.status, answer.body) == (200, "<Response><Say>Grüezi &amp; hello</Say></Response>")
    assert answer.headers["content-type"] == "text/xml; charset=utf-8"
    assert answer.headers.keys() == PLAIN | {"content-type"}
    assert seen == [("twilio:AC1", "CA1", CALL)]


@pytest.mark.parametrize(
    "sent", [FORM, "Application/X-WWW-Form-Urlencoded", 'application/x-www-form-urlencoded; charset="utf-8"']
)
@pytest.mark.parametrize("binary", [True, False])
def test_a_form_is_read_as_bytes_or_text_with_any_case_of_its_type(sent: str, binary: bool) -> None:
    assert post_form(VOICE, CALL, headers={"content-type": sent}, binary=binary).status == 200


def test_the_bytes_are_available_for_records() -> None:
    answer = post_form(STATUS, CALL)
    assert_empty(answer, 204)
    assert seen == [urlencode(CALL).encode()]


def test_raw_bytes_are_passed_as_they_were_signed() -> None:
    body = b'{ "id" : "evt_1",\n "x": 1.0, "x": 2}\xff'
    assert_empty(post_timed(STRIPE, body, "Stripe-Signature", "v1", "sk"), 200)
    assert seen == [("stripe", body)]


def test_a_provider_is_answered_with_json() -> None:
    answer = post_timed(TALK, b"{}", "ElevenLabs-Signature", "v0", "el")
    assert (answer.status, json.loads(answer.body)) == (200, {"result": "ü", "size": 2})
    assert answer.headers["content-type"] == "application/json"
    assert (
        post_timed(TALK, b"\x00\xff", "ElevenLabs-Signature", "v0", "el", headers={"Content-Type": "Audio/MPEG"}).status
        == 200
    )


@contextmanager
def no_write(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Fail if anything but the rate limiter writes."""
    from switchboard.aws import objects

    def fail(*_: object, **__: object) -> None:
        raise AssertionError("it writes")

    with monkeypatch.context() as patched:
        patched.setattr(writes, "commit", fail)
        patched.setattr(writes, "put_items", fail)
        patched.setattr(objects, "put_object", fail)
        yield


@pytest.mark.parametrize(
    "changes",
    [
        {"signed": "x"},
        {"signed": "é\x00"},
        {"signed": sign_form(VOICE, CALL, token="other")},
        {"signed": sign_form(VOICE, CALL[1:])},
        {"signed": sign_form(STATUS, CALL)},
        {"signed": sign_form(VOICE, CALL, base="https://evil.example")},
        {"headers": {"X-Twilio-Signature": ""}},
        {"query": {"a": ["b"]}},
        {"query": {"": [""]}},
    ],
)
def test_an_unsigned_callback_reaches_no_route(changes: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    with no_write(monkeypatch):
        assert_empty(post_form(VOICE, CALL, **changes), 403)
    assert not seen


def test_hosts_and_forwarded_headers_are_ignored() -> None:
    evil = {"Host": "evil.example", "X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "http"}
    assert_empty(post_form(VOICE, CALL, signed=sign_form(VOICE, CALL, base="https://evil.example"), headers=evil), 403)
    assert post_form(VOICE, CALL, headers=evil).status == 200


@pytest.mark.parametrize("body", [b"\xff=1", b"%ff=1", b"a=%C3", b"&".join([b"a=1"] * 1_001)])
def test_an_unreadable_form_counts_as_unsigned(body: bytes) -> None:
    headers = {"content-type": FORM, "x-twilio-signature": "x"}
    assert_empty(send_request(api, "POST", VOICE, body, headers=headers), 403)


@pytest.mark.parametrize("age", [-301, 301])
def test_an_old_signature_is_refused(age: int) -> None:
    assert_empty(post_timed(STRIPE, b"{}", "Stripe-Signature", "v1", "sk", at=int(clock.epoch()) - age), 403)
    assert not seen


def test_size_and_type_are_checked_before_the_signature(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> bool:
        raise AssertionError("the signature is verified")

    monkeypatch.setattr("switchboard.carriers.signatures.verify_twilio", fail)
    assert_empty(post_form(STATUS, [("a", "x" * 1_000)], binary=True), 413)
    assert_empty(post_form(STATUS, [("a", "x" * 1_000)]), 413)
    for sent in (
        "application/json",
        "",
        ";",
        "text/plain",
        "multipart/form-data; boundary=b",
        FORM.replace("UTF-8", "utf-16"),
    ):
        assert_empty(post_form(STATUS, [], headers={"content-type": sent}), 415)
    assert send_request(api, "POST", STATUS, b"a=" + b"x" * 998, headers={"content-type": FORM}).status == 500, (
        "1,000 bytes pass"
    )


def test_a_signed_body_is_still_validated() -> None:
    assert_empty(post_form(VOICE, [("SequenceNumber", "1")]), 400)
    assert_empty(post_form(VOICE, [("CallSid", "CA1"), ("CallSid", "CA2")]), 400)


def test_answers_for_unknown_paths_and_methods_are_empty() -> None:
    assert_empty(send_request(api, "POST", "/callbacks/nothing"), 404)
    answer = send_request(api, "GET", VOICE)
    assert_empty(answer, 405)
    assert answer.headers["allow"] == "POST"


def test_an_operation_without_a_signature_admits_no_request() -> None:
    assert_empty(
        send_request(
            api, "POST", BARE, b"{}", headers={"content-type": "application/json", "authorization": "Bearer x"}
        ),
        403,
    )


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (NotFound("No such call."), 404),
        (Conflict("Not now."), 409),
        (Unavailable("Away.", retry_after=7), 503),
        (RuntimeError("a fault with a secret"), 500),
    ],
)
def test_an_error_is_answered_by_its_status_alone(error: Exception, status: int) -> None:
    trouble.append(error)
    answer = post_form(STATUS, CALL)
    assert_empty(answer, status)
    assert answer.headers.get("retry-after") == ("7" if status == 503 else None)


def test_headers_of_the_caller_change_nothing() -> None:
    more = {"idempotency-key": "", "x-correlation-id": "not one", "x-request-id": "mine"}
    answers = [post_form(VOICE, CALL, headers=more) for _ in range(2)]
    assert [answer.status for answer in answers] == [200, 200]
    assert len(seen) == 2
    assert all(answer.headers["x-request-id"] != "mine" for answer in answers)


def test_callbacks_are_limited_by_account_and_refusals_by_address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SWITCHBOARD_CALLBACKS_PER_MINUTE", "3")
    monkeypatch.setenv("SWITCHBOARD_STRANGER_PER_MINUTE", "2")
    rate_limit.reset_memory()
    for number in range(3):
        assert post_form(VOICE, CALL, address=f"203.0.113.{number}").status == 200
    assert_empty(post_form(VOICE, CALL, address="203.0.113.77"), 429)
    assert len(seen) == 3
    bad = [post_form(VOICE, CALL, signed="x", address="198.51.100.1").status for _ in range(4)]
    assert bad == [403, 403, 429, 429]
    # The provider's other account is not affected.
    assert_empty(post_timed(STRIPE, b"{}", "Stripe-Signature", "v1", "sk", address="203.0.113.1"), 200)


def test_secrets_are_cached_and_rotate(frozen: clock.FrozenClock, monkeypatch: pytest.MonkeyPatch) -> None:
    secrets = clients.get_client("secretsmanager")
    assert post_form(VOICE, CALL).status == 200
    secrets.put_secret_value(SecretId="twilio", SecretString="  next\n\ntoken\n")
    by_next = sign_form(VOICE, CALL, token="next")
    assert post_form(VOICE, CALL, signed=by_next).status == 403
    frozen.advance(seconds=secret.ACTIVE_CACHE_SECONDS)
    assert post_form(VOICE, CALL, signed=by_next).status == 200
    assert post_form(VOICE, CALL).status == 200
    secrets.delete_secret(SecretId="twilio", ForceDeleteWithoutRecovery=True)
    assert post_form(VOICE, CALL).status == 200, "the secret is cached"
    frozen.advance(seconds=secret.ACTIVE_CACHE_SECONDS)
    # The signature may be right: the error lets the provider retry.
    assert_empty(post_form(VOICE, CALL), 500)


def test_an_invalid_declaration_is_refused() -> None:
    with pytest.raises(ValueError, match="use Raw"):
        JsonBody(verify=TWILIO)
    for options in ({"public": True}, {"scheme": AuthenticationScheme("Other", lambda _: None)}):
        with pytest.raises(ValueError, match="remove public"):
            Operation(method="POST", path="/", body=FormBody(verify=TWILIO), **options)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="Lambda takes"):
        RawBody(max_bytes=bodies.MAX_BODY_BYTES + 1)


_pairs = st.lists(st.tuples(st.text(max_size=12), st.text(max_size=12)), max_size=8)


def test_any_unsigned_request_is_refused_and_any_signed_request_accepted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SWITCHBOARD_STRANGER_PER_MINUTE", "1000000")
    monkeypatch.setenv("SWITCHBOARD_STRANGER_PER_SECOND", "1000000")

    @example_settings(150)
    @given(
        body=st.binary(max_size=60)
        | st.lists(st.sampled_from([b"a", b"=", b"&", b"%", b"%ff", b"+", b";", b"\x00"])).map(b"".join),
        signed=st.text(max_size=40) | st.just("t=1,v1=0"),
        sent=st.sampled_from([FORM, "application/json", "", "é", "a/b;" * 20, 'application/json; x="']),
        path=st.sampled_from([VOICE, STATUS, STRIPE, TALK, BARE]),
        name=st.sampled_from(["x-twilio-signature", "stripe-signature", "elevenlabs-signature"]),
    )
    def send_as_stranger(body: bytes, signed: str, sent: str, path: str, name: str) -> None:
        with no_write(monkeypatch):
            answer = send_request(api, "POST", path, body, headers={"content-type": sent, name: signed})
        assert answer.status in (400, 403, 415)
        assert (answer.body, seen) == ("", [])

    @example_settings(100)
    @given(pairs=_pairs)
    def send_as_provider(pairs: list[tuple[str, str]]) -> None:
        body = "&".join(f"{quote_plus(name)}={quote_plus(value)}" for name, value in pairs)
        answer = send_request(
            api,
            "POST",
            STATUS,
            body.encode(),
            headers={"content-type": FORM, "x-twilio-signature": sign_form(STATUS, pairs)},
        )
        assert answer.status == 204 or len(body) > 1_000

    send_as_stranger()
    send_as_provider()
