"""Record first, then interpret: the attempt is recorded and the schedule continues for any response of a receiver."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from switchboard.kit import clock
from switchboard.outbound.client import Response
from switchboard.outbound.loops import LOOP_HEADER, WEBHOOK_HOP
from switchboard.webhooks import (
    deliveries,
    delivery_store,
    delivery_worker,
    new_delivery,
    retry_after,
    service,
    signing,
)
from switchboard.webhooks.models import Delivery, DeliveryStatus
from tests.actors import Tenant
from tests.fakes.receiver import Receiver, make_answer
from tests.unit.properties import example_settings
from tests.unit.webhooks.conftest import Register

#: Parts of headers, broken encodings and nonsense.
ODD = st.sampled_from(
    ["²", "\x00", "\ud800", "\ufffd", "Ⅷ", "6²", "Sun Nov 29 13:24:00 2026", "9" * 5_000, "NaN", "-1"]
)
HEADERS = st.dictionaries(
    st.sampled_from(["retry-after", "content-type", "content-encoding", "date", "²", ""]),
    st.text(max_size=20) | ODD,
)
STATUS = st.sampled_from([0, 99, 100, 101, 200, 299, 300, 304, 408, 418, 425, 429, 500, 503, 599, 600, 999])


def attempt_once(acme: Tenant, register: Register, receiver: Receiver) -> Delivery:
    """A delivery after its first attempt, to a new endpoint, so that no breaker blocks it."""
    endpoint = register().endpoint
    origin = acme.caller(master=True)
    made = deliveries.send_test_delivery(origin, endpoint.id)
    failed = delivery_worker.deliver_batch([new_delivery.attempt_job(made)], sender=receiver)
    assert failed == set(), "the queue has no message left"
    service.delete_endpoint(origin, endpoint.id)
    found = delivery_store.get_delivery(made.org_id, made.id)
    assert found is not None
    return found


@given(STATUS, HEADERS, st.binary(max_size=40) | st.just(b"\xff" * 5_000) | st.just(b"\x1f\x8b\x08\x00"))
@example_settings(60, slow=True)
def test_any_response_is_recorded_as_an_attempt(
    acme: Tenant, register: Register, receiver: Receiver, status: int, headers: Mapping[str, str], body: bytes
) -> None:
    receiver.answers = [Response(status, headers, body, 5)]
    done = attempt_once(acme, register, receiver)
    assert done.attempts == 1
    assert done.last_attempt is not None
    assert done.last_attempt.status == status
    if 200 <= status < 300:
        assert done.status is DeliveryStatus.SUCCEEDED
    else:
        assert done.status is DeliveryStatus.PENDING
        assert done.next_attempt_at is not None
        assert done.next_attempt_at > clock.now_iso()


@pytest.mark.parametrize("asked", ["²", "6²", "\ud800", "Fri, 31 Dec 9999 23:59:59 -2359"])
def test_an_invalid_header_does_not_change_the_schedule(
    acme: Tenant, register: Register, receiver: Receiver, asked: str
) -> None:
    receiver.answers = [make_answer(503, retry_after=asked)]
    done = attempt_once(acme, register, receiver)
    assert done.next_attempt_at is not None
    assert (clock.parse(done.next_attempt_at) - clock.now()).total_seconds() == 5


def test_a_failed_interpretation_loses_no_attempt(
    acme: Tenant, register: Register, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any) -> int:
        raise ZeroDivisionError

    monkeypatch.setattr(retry_after, "parse_seconds", broken)
    receiver.answers = [make_answer(503, b"away", retry_after="60")]
    done = attempt_once(acme, register, receiver)
    assert done.last_attempt is not None
    assert (done.attempts, done.last_attempt.status, done.error) == (1, 503, "answered 503")


@pytest.mark.parametrize("error", [UnicodeDecodeError("utf-8", b"\xff", 0, 1, "odd"), KeyError("x"), RecursionError()])
def test_a_response_that_breaks_the_client_is_an_attempt(
    acme: Tenant, register: Register, receiver: Receiver, error: Exception
) -> None:
    receiver.answers = [error]
    done = attempt_once(acme, register, receiver)
    assert done.last_attempt is not None
    assert (done.attempts, done.last_attempt.status, done.status) == (1, None, DeliveryStatus.PENDING)
    assert done.error == "the response could not be read"


def test_a_request_that_was_never_sent_is_not_an_attempt(
    acme: Tenant, register: Register, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any) -> dict[str, str]:
        raise ConnectionError

    monkeypatch.setattr(signing, "signature_headers", broken)
    endpoint = register().endpoint
    made = deliveries.send_test_delivery(acme.caller(master=True), endpoint.id)
    assert delivery_worker.deliver_batch([new_delivery.attempt_job(made)], sender=receiver) == {0}
    found = delivery_store.get_delivery(made.org_id, made.id)
    assert found is not None
    assert (found.attempts, receiver.got) == (0, [])


def test_a_delivery_says_that_the_platform_sends_it(acme: Tenant, register: Register, receiver: Receiver) -> None:
    """So that it cannot fire a trigger, which would make the next delivery."""
    attempt_once(acme, register, receiver)
    (got,) = receiver.got
    assert got.headers[LOOP_HEADER] == WEBHOOK_HOP


def test_a_stored_answer_has_no_value_of_the_own_headers(acme: Tenant, register: Register, receiver: Receiver) -> None:
    receiver.answers = [make_answer(401, b"x" * 2_040 + b" Bearer opensesame opensesame")]
    endpoint = register(custom_headers={"Authorization": "Bearer opensesame"}).endpoint
    made = deliveries.send_test_delivery(acme.caller(master=True), endpoint.id)
    assert delivery_worker.deliver_batch([new_delivery.attempt_job(made)], sender=receiver) == set()
    found = delivery_store.get_delivery(made.org_id, made.id)
    assert found is not None
    assert found.response_body == "x" * 2_040 + " [hidden"
