"""Record first, then interpret: whatever a receiver answers, the attempt at it is recorded and the schedule goes on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from switchboard.kit import clock
from switchboard.outbound.client import Response
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
from tests.fakes.receiver import Receiver, answer
from tests.unit.properties import examples
from tests.unit.webhooks.conftest import Register

#: What headers, broken encodings and jokes have been made of.
ODD = st.sampled_from(
    ["²", "\x00", "\ud800", "\ufffd", "Ⅷ", "6²", "Sun Nov 29 13:24:00 2026", "9" * 5_000, "NaN", "-1"]
)
HEADERS = st.dictionaries(
    st.sampled_from(["retry-after", "content-type", "content-encoding", "date", "²", ""]),
    st.text(max_size=20) | ODD,
)
STATUS = st.sampled_from([0, 99, 100, 101, 200, 299, 300, 304, 408, 418, 425, 429, 500, 503, 599, 600, 999])


def tried(acme: Tenant, register: Register, receiver: Receiver) -> Delivery:
    """A delivery after its first attempt. Its endpoint is a new one, so that no breaker stands in its way."""
    endpoint = register().endpoint
    origin = acme.caller(master=True)
    made = deliveries.send_test_delivery(origin, endpoint.id)
    failed = delivery_worker.deliver_batch([new_delivery.attempt_job(made)], sender=receiver)
    assert failed == set(), "the queue has nothing to bring again"
    service.delete_endpoint(origin, endpoint.id)
    found = delivery_store.get_delivery(made.org_id, made.id)
    assert found is not None
    return found


@given(STATUS, HEADERS, st.binary(max_size=40) | st.just(b"\xff" * 5_000) | st.just(b"\x1f\x8b\x08\x00"))
@examples(60, slow=True)
def test_whatever_comes_back_the_attempt_is_recorded(
    acme: Tenant, register: Register, receiver: Receiver, status: int, headers: Mapping[str, str], body: bytes
) -> None:
    receiver.answers = [Response(status, headers, body, 5)]
    done = tried(acme, register, receiver)
    assert done.attempts == 1
    assert done.last is not None
    assert done.last.status == status
    if 200 <= status < 300:
        assert done.status is DeliveryStatus.SUCCEEDED
    else:
        assert done.status is DeliveryStatus.PENDING
        assert done.next_attempt_at is not None
        assert done.next_attempt_at > clock.now_iso()


@pytest.mark.parametrize("asked", ["²", "6²", "\ud800", "Fri, 31 Dec 9999 23:59:59 -2359"])
def test_a_header_that_no_parser_takes_leaves_the_schedule_as_it_is(
    acme: Tenant, register: Register, receiver: Receiver, asked: str
) -> None:
    receiver.answers = [answer(503, retry_after=asked)]
    done = tried(acme, register, receiver)
    assert done.next_attempt_at is not None
    assert (clock.parse(done.next_attempt_at) - clock.now()).total_seconds() == 5


def test_an_interpretation_that_fails_loses_no_attempt(
    acme: Tenant, register: Register, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any) -> int:
        raise ZeroDivisionError

    monkeypatch.setattr(retry_after, "parse_seconds", broken)
    receiver.answers = [answer(503, b"away", retry_after="60")]
    done = tried(acme, register, receiver)
    assert done.last is not None
    assert (done.attempts, done.last.status, done.error) == (1, 503, "answered 503")


@pytest.mark.parametrize("error", [UnicodeDecodeError("utf-8", b"\xff", 0, 1, "odd"), KeyError("x"), RecursionError()])
def test_an_answer_at_which_the_client_itself_fails_is_an_attempt(
    acme: Tenant, register: Register, receiver: Receiver, error: Exception
) -> None:
    receiver.answers = [error]
    done = tried(acme, register, receiver)
    assert done.last is not None
    assert (done.attempts, done.last.status, done.status) == (1, None, DeliveryStatus.PENDING)
    assert done.error == "the response could not be read"


def test_what_we_could_not_even_send_is_no_attempt(
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
