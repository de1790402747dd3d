"""Every scheme signs its published vector, and the official library verifies every delivery."""

from __future__ import annotations

import base64
import hmac
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from switchboard.kit import clock
from switchboard.webhooks import signing
from switchboard.webhooks.kinds import WEBHOOK_KINDS
from switchboard.webhooks.models import Delivery, Endpoint, KindName
from switchboard.webhooks.signing import SignedMessage

pytestmark = pytest.mark.usefixtures("cloud")


def moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def test_standard_webhooks() -> None:
    message = SignedMessage("msg_p5jXN8AQM9LWM0D4loKWxJek", "e", moment(1614265330), '{"test": 2432232314}')
    assert signing.standard_headers(message, ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"]) == {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }


def test_anima() -> None:
    body = '{"event":"message.received","occurredAt":"2026-07-28T12:00:00.000Z"}'
    message = SignedMessage("dlv_1", "message.received", clock.parse("2026-07-28T12:00:00.000Z"), body)
    assert signing.SIGNATURE_SCHEMES["anima"](message, ["whsec_conformance"]) == {
        "X-Anima-Signature": "v1=cb174a061a6f4857288a34c3fe8b0a6b70c9b3fff94c5430956853e798c26179",
        "X-Anima-Timestamp": "2026-07-28T12:00:00.000Z",
        "X-Anima-Event": "message.received",
        "X-Anima-Delivery-Id": "dlv_1",
    }


def test_athos() -> None:
    message = SignedMessage("wh_1", "call.scored", moment(1749139254), '{"event":"call.scored","success":true}')
    assert signing.SIGNATURE_SCHEMES["athos"](message, ["whsec_test"]) == {
        "X-Athos-Signature": "t=1749139254,v1=673a15253a926cfb689f39b90160e4b091af3a8cfe6e9f9788b489b61b5af4ea",
        "X-Athos-Webhook-Id": "wh_1",
    }


def test_hum() -> None:
    message = SignedMessage("dlv_1", "call.completed", moment(1749139254), '{"type":"call.completed"}')
    assert signing.SIGNATURE_SCHEMES["hum"](message, ["whsec_test"]) == {
        "X-HUM-Signature": "sha256=2f46916bf94d0c3f7843d2830d133326dc3dd0e49f2630834ddb5e2a651dc7ef",
        "X-HUM-Event": "call.completed",
    }


def endpoint(kind: KindName = "anima", **facts: object) -> Endpoint:
    now = clock.now_iso()
    made = Endpoint(
        id="wh_1", org_id="org_a", kind=kind, url="https://example.com", timeout_ms=1_000, max_attempts=3,
        created_at=now, updated_at=now,
    )  # fmt: skip
    return made.model_copy(update=facts)


def delivery(body: str = '{"event":"é"}') -> Delivery:
    return Delivery(
        id="dlv_1", org_id="org_a", endpoint_id="wh_1", event="message.sent", event_id="evt_1", subject_id="msg_1",
        sequence=1, body=body, correlation_id="corr_1", created_at=clock.now_iso(),
    )  # fmt: skip


def verifies(text: str, headers: dict[str, str], body: str) -> bool:
    try:
        Webhook(text).verify(body, headers)
    except WebhookVerificationError:
        return False
    return True


@pytest.mark.parametrize("kind", WEBHOOK_KINDS)
def test_every_kind_is_verified_by_the_official_library(kind: KindName) -> None:
    found = endpoint(kind)
    headers = signing.signature_headers(found, delivery())
    (text,) = signing.secrets_of(found)
    assert verifies(text, headers, delivery().body)
    assert not verifies(text, headers, delivery().body + " ")
    assert not verifies(signing.secret_of("org_b", "wh_1"), headers, delivery().body)


@pytest.mark.parametrize(
    ("kind", "header", "signatures"),
    [
        ("anima", "X-Anima-Signature", "v1="),
        ("athos", "X-Athos-Signature", "v1="),
        ("hum", "X-HUM-Signature", "sha256="),
    ],
)
def test_after_a_rotation_old_and_new_sign_for_a_day(
    frozen: clock.FrozenClock, kind: KindName, header: str, signatures: str
) -> None:
    with clock.using(time.time):  # the library goes by the real time
        rotated = endpoint(kind, generation=2, overlap_until=clock.format_iso(clock.now() + timedelta(days=50 * 365)))
        headers = signing.signature_headers(rotated, delivery())
        old, new = (signing.secret_of("org_a", "wh_1", generation) for generation in (1, 2))
        assert verifies(old, headers, delivery().body)
        assert verifies(new, headers, delivery().body)
        assert headers[header].count(signatures) == 2
    over = endpoint(kind, generation=2, overlap_until=clock.now_iso())
    assert signing.secrets_of(over) == [new]
    assert signing.signature_headers(over, delivery())[header].count(signatures) == 1


def test_the_newest_secret_signs_first_and_those_that_retire_later_before_the_others(frozen: clock.FrozenClock) -> None:
    def ends(hours: int) -> str:
        return clock.format_iso(clock.now() + timedelta(hours=hours))

    rotated = endpoint(generation=5, overlap_until=ends(24), retiring={1: ends(0), 2: ends(1), 3: ends(2)})
    assert signing.secrets_of(rotated) == [signing.secret_of("org_a", "wh_1", number) for number in (5, 4, 3, 2)]
    frozen.advance(hours=2)
    assert signing.secrets_of(rotated) == [signing.secret_of("org_a", "wh_1", number) for number in (5, 4)]


@pytest.mark.parametrize("facts", [{"generation": 2}, {"generation": 1, "overlap_until": "2099-01-01T00:00:00.000Z"}])
def test_without_a_rotation_under_way_one_secret_signs(facts: dict[str, object]) -> None:
    found = endpoint(**facts)
    assert signing.secrets_of(found) == [signing.secret_of("org_a", "wh_1", found.generation)]


def test_the_callbacks_of_a_key_are_signed_with_the_keys_secret() -> None:
    assert signing.secrets_of(endpoint(key_id="key_1")) == [signing.secret_of("org_a", "key_1")]


def by_hand(text: str, signed: str) -> str:
    return hmac.new(text.encode(), signed.encode(), "sha256").hexdigest()


def test_two_secrets_sign_in_one_header_with_a_comma_and_no_blank(frozen: clock.FrozenClock) -> None:
    at, seconds, body = clock.now_iso(), int(clock.epoch()), delivery().body
    rotated = {"generation": 2, "overlap_until": "2099-01-01T00:00:00.000Z"}
    new, old = (signing.secret_of("org_a", "wh_1", generation) for generation in (2, 1))
    found = {kind: signing.signature_headers(endpoint(kind, **rotated), delivery()) for kind in WEBHOOK_KINDS}
    assert (
        found["anima"].items()
        >= {
            "X-Anima-Signature": ",".join(f"v1={by_hand(text, f'{at}.{body}')}" for text in (new, old)),
            "X-Anima-Timestamp": at,
            "X-Anima-Event": "message.sent",
            "X-Anima-Delivery-Id": "dlv_1",
        }.items()
    )
    signatures = [f"v1={by_hand(text, f'{seconds}.{body}')}" for text in (new, old)]
    assert found["athos"]["X-Athos-Signature"] == ",".join([f"t={seconds}", *signatures])
    assert (
        found["hum"].items()
        >= {
            "X-HUM-Signature": ",".join(f"sha256={by_hand(text, body)}" for text in (new, old)),
            "X-HUM-Event": "message.sent",
        }.items()
    )
    assert {name for name in found["opticomm"] if not name.startswith("webhook-")} == set()


@pytest.fixture
def _in_new_york(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "America/New_York")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.usefixtures("_in_new_york")
def test_neither_the_zone_of_a_time_nor_that_of_the_machine_changes_a_signature() -> None:
    at, key = moment(1614265330), "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    there = at.astimezone(timezone(timedelta(hours=5)))
    headers = [signing.standard_headers(SignedMessage("msg_1", "e", when, "{}"), [key]) for when in (at, there)]
    assert headers[0] == headers[1]
    signed = hmac.digest(base64.b64decode(key.removeprefix("whsec_")), b"msg_1.1614265330.{}", "sha256")
    assert headers[0]["webhook-signature"] == f"v1,{base64.b64encode(signed).decode()}"


def test_a_secret_is_32_bytes_that_only_this_endpoint_and_generation_has() -> None:
    found = {signing.secret_of(org, owner, n) for org in ("o", "p") for owner in ("a", "b") for n in (1, 2)}
    assert len(found) == 8
    assert all(text.startswith("whsec_") and len(Webhook(text)._whsecret) == 32 for text in found)
