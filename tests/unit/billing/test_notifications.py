"""`POST /stripe/webhook`: the signature proves the sender, and only what concerns a subscription has an effect."""

from __future__ import annotations

import json
from typing import Any

import pytest
import stripe

from functions.callbacks.stripe import handler
from switchboard.billing import notifications
from switchboard.billing.jobs import ApplyPaymentEvent
from switchboard.carriers import signatures
from switchboard.carriers.payments.ports import webhook
from switchboard.carriers.payments.ports.webhook import UnreadableEventError
from switchboard.carriers.payments.simulator import events
from switchboard.kit import clock
from tests.integration.sabotage import drain_queue
from tests.unit.billing.customer import Customer
from tests.unit.edge.asking import send_request

SECRET = "whsec_test"
BODY = b'{"id":"evt_1","object":"event","type":"invoice.paid","data":{"object":{"customer":"cus_1"}}}'


def post(body: bytes, header: str | None) -> int:
    headers = {"content-type": "application/json"} | ({"stripe-signature": header} if header else {})
    answer = send_request(handler.api, "POST", "/stripe/webhook", body, headers=headers)
    assert answer.body == ""
    return answer.status


def sign(body: bytes, secret: str | None = None, at: float | None = None) -> str:
    return events.sign_body(body, secret or webhook.simulated_secret(), int(clock.epoch() if at is None else at))


def test_a_signed_notification_is_queued(payments: None, frozen: clock.FrozenClock) -> None:
    assert post(BODY, sign(BODY)) == 200
    assert drain_queue("billing") == [
        {
            "job": "ApplyPaymentEvent",
            "event_id": "evt_1",
            "type": "invoice.paid",
            "customer_id": "cus_1",
            "charge_id": "",
        }
    ]


@pytest.mark.parametrize("what", ["none", "forged", "changed", "stale", "future", "old scheme", "no secret"])
def test_a_forged_or_stale_notification_is_refused(
    payments: None, frozen: clock.FrozenClock, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    now = clock.epoch()
    headers = {
        "none": None,
        "forged": sign(BODY, "whsec_other"),
        "changed": sign(BODY + b" "),
        "stale": sign(BODY, at=now - 301),
        "future": sign(BODY, at=now + 301),
        "old scheme": sign(BODY).replace("v1=", "v0="),
        "no secret": sign(BODY),
    }
    if what == "no secret":
        monkeypatch.setenv("SWITCHBOARD_PAYMENTS_CARRIER", "none")
    assert post(BODY, headers[what]) == 403
    assert drain_queue("billing") == []


def test_one_of_several_signatures_of_a_rotation_is_enough(payments: None, frozen: clock.FrozenClock) -> None:
    other = sign(BODY, "whsec_other").partition("v1=")[2]
    assert post(BODY, f"{sign(BODY)},v1={other}") == 200


def test_our_signature_and_verifier_agree_with_the_official_sdk(frozen: clock.FrozenClock) -> None:
    stated = int(clock.epoch())
    header = events.sign_body(BODY, SECRET, stated)
    # The SDK has no clock of its own to set: without a tolerance it checks the signature alone.
    assert stripe.WebhookSignature.verify_header(BODY.decode(), header, SECRET, tolerance=None)
    theirs = stripe.WebhookSignature._compute_signature(f"{stated}.{BODY.decode()}", SECRET)
    assert header == f"t={stated},v1={theirs}"
    assert signatures.verify_stripe(BODY, header, (SECRET,), clock.epoch())
    for wrong in (header.replace("v1=", "v1=0"), header.replace("t=", "t=1"), "", "t=1", "v1=2"):
        with pytest.raises(stripe.SignatureVerificationError):
            stripe.WebhookSignature.verify_header(BODY.decode(), wrong, SECRET, tolerance=None)
        assert not signatures.verify_stripe(BODY, wrong, (SECRET,), clock.epoch())


def test_notifications_without_an_effect_are_accepted(payments: None, frozen: clock.FrozenClock) -> None:
    for body in (
        b'{"id":"evt_1","type":"customer.created","data":{"object":{"customer":"cus_1"}}}',
        b'{"id":"evt_1","type":"invoice.paid","data":{"object":{"customer":null}}}',
    ):
        assert post(body, sign(body)) == 200
    assert drain_queue("billing") == []


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"{", b"\xff", b'{"id":"evt_1"}', b'{"id":5,"type":"invoice.paid"}', b'{"id":"e\\u0000","type":"a"}'],
)
def test_a_body_that_is_no_notification_is_refused(payments: None, frozen: clock.FrozenClock, body: bytes) -> None:
    assert post(body, sign(body)) == 400


@pytest.mark.parametrize("data", [None, [], "x", {"object": []}, {"object": {"customer": 5}}])
def test_strange_data_have_no_effect(data: Any) -> None:
    assert (
        notifications.read_notification(json.dumps({"id": "e", "type": "invoice.paid", "data": data}).encode()) is None
    )


def test_an_expanded_customer_is_read() -> None:
    body = {"id": "e", "type": "invoice.paid", "data": {"object": {"customer": {"id": "cus_1"}}}}
    assert notifications.read_notification(json.dumps(body).encode()) == ApplyPaymentEvent(
        event_id="e", type="invoice.paid", customer_id="cus_1"
    )
    with pytest.raises(UnreadableEventError):
        notifications.read_notification(b"7")


def test_a_deleted_customer_and_a_dispute_are_read() -> None:
    deleted = {"id": "e", "type": "customer.deleted", "data": {"object": {"object": "customer", "id": "cus_1"}}}
    assert notifications.read_notification(json.dumps(deleted).encode()) == ApplyPaymentEvent(
        event_id="e", type="customer.deleted", customer_id="cus_1"
    )
    kind = "charge.dispute.created"
    for charge in ("ch_1", {"id": "ch_1", "object": "charge"}):
        body = {"id": "e", "type": kind, "data": {"object": {"object": "dispute", "id": "du_1", "charge": charge}}}
        assert notifications.read_notification(json.dumps(body).encode()) == ApplyPaymentEvent(
            event_id="e", type=kind, charge_id="ch_1"
        )


@pytest.mark.parametrize("kind", sorted(webhook.USE_FAULTS))
def test_accepted_use_that_is_not_billed_alarms(
    payments: None, frozen: clock.FrozenClock, metrics: list[str], kind: str
) -> None:
    body = {
        "id": "evt_1",
        "object": "v2.core.event",
        "type": kind,
        "related_object": {"id": "mtr_1", "type": "billing.meter", "url": "/v1/billing/meters/mtr_1"},
    }
    sent = json.dumps(body).encode()
    assert post(sent, sign(sent)) == 200
    assert metrics == ["UseReportFailed"]
    assert drain_queue("billing") == []


def test_a_wrong_signature_changes_nothing_in_a_deployment_without_a_domain(acme: Customer) -> None:
    told = acme.pay(acme.order())
    assert not notifications.receive_directly(told[0].encode(), sign(told[1].encode()))
    assert acme.state == ("none", "free", False)
