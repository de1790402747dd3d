"""An organization sends to one host at a pace, over all of its webhooks there."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from switchboard.kit import clock
from switchboard.webhooks import deliveries, delivery_worker, host_pace, new_delivery
from switchboard.webhooks.jobs import DeliverWebhook
from switchboard.webhooks.models import Endpoint
from tests.actors import Tenant
from tests.fakes.receiver import Receiver
from tests.integration.sabotage import Later
from tests.unit.webhooks.conftest import Register

URL = "https://example.com/hook"


@pytest.fixture(autouse=True)
def _pace(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(host_pace, "MAX_PER_MINUTE", 3)
    monkeypatch.setattr(host_pace, "FREE_OF_WORKER", 0)
    host_pace.forget_hosts()
    yield
    host_pace.forget_hosts()


def first_attempt(acme: Tenant, endpoint: Endpoint) -> DeliverWebhook:
    """The job of a first attempt, which carries its delivery."""
    made = deliveries.send_test_delivery(acme.caller(master=True), endpoint.id)
    # A delivery that is not stored yet.
    made = made.model_copy(update={"id": f"{made.id}x"})
    return new_delivery.attempt_job(made).model_copy(update={"made": made, "made_at": made.created_at})


def test_attempts_above_the_pace_of_a_host_come_later_and_count_as_no_failure(
    acme: Tenant, register: Register, receiver: Receiver, later: Later, frozen: clock.FrozenClock
) -> None:
    one, two = register().endpoint, register(url="https://example.com/other").endpoint
    jobs = [first_attempt(acme, endpoint) for endpoint in (one, two, one, two)]
    for job in jobs:
        assert delivery_worker.deliver_batch([job], sender=receiver) == set()
    assert len(receiver.got) == 3
    assert not host_pace.find_delay_seconds(acme.org_id, "https://other.example/", 3)
    frozen.advance(seconds=60)
    assert delivery_worker.deliver_batch([jobs[3]], sender=receiver) == set()
    assert len(receiver.got) == 4


def test_an_attempt_is_not_put_off_for_ever(
    acme: Tenant, register: Register, receiver: Receiver, later: Later, frozen: clock.FrozenClock
) -> None:
    job = first_attempt(acme, register().endpoint)
    frozen.advance(minutes=21)
    assert host_pace.find_delay_seconds(acme.org_id, URL, 3) == 0
    assert host_pace.find_delay_seconds(acme.org_id, URL, 1) >= 120
    assert delivery_worker.deliver_batch([job], sender=receiver) == set()
    assert len(receiver.got) == 1


def test_a_worker_that_sends_little_writes_nothing(acme: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host_pace, "FREE_OF_WORKER", 5)
    delays = [host_pace.find_delay_seconds(acme.org_id, URL, number) for number in (4, 4, 3, 1)]
    # The first four are not counted in the table. Four more do not fit there, three do, and then it is full.
    assert [delay > 0 for delay in delays] == [False, True, False, True]
