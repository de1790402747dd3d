"""Promises about rotations, retries, filters, headers, lost jobs and returning endpoints."""

from __future__ import annotations

import pytest

from switchboard.errors import Conflict, Invalid
from switchboard.kit import clock
from switchboard.outbound import client
from switchboard.outbound.reserved_headers import RESERVED_HEADERS
from switchboard.webhooks import deliveries, delivery_store, schedule, service, signing
from switchboard.webhooks.kinds import ONE_RETRY_SCHEDULE, WEBHOOK_KINDS
from switchboard.webhooks.models import DeliveryStatus
from tests.actors import Tenant
from tests.fakes.receiver import Receiver
from tests.integration.sabotage import drain_queue
from tests.unit.webhooks.conftest import Register, World

URL = "https://example.com/hook"


def test_a_secret_signs_until_its_end_after_any_number_of_rotations(
    acme: Tenant, register: Register, frozen: clock.FrozenClock
) -> None:
    made = register()
    caller = acme.caller(master=True)
    second = service.rotate_endpoint_secret(caller, made.endpoint.id)
    frozen.advance(hours=10)
    third = service.rotate_endpoint_secret(caller, made.endpoint.id)
    assert signing.secrets_of(third.endpoint) == [third.secret, second.secret, made.secret]
    frozen.advance(hours=14, seconds=1)
    assert signing.secrets_of(service.get_endpoint(acme.org_id, made.endpoint.id).endpoint) == [
        third.secret,
        second.secret,
    ]
    frozen.advance(hours=10)
    assert signing.secrets_of(service.get_endpoint(acme.org_id, made.endpoint.id).endpoint) == [third.secret]
    for _ in range(20):
        last = service.rotate_endpoint_secret(caller, made.endpoint.id)
    assert len(signing.secrets_of(last.endpoint)) == 2 + service.MAX_RETIRING_SECRETS


@pytest.mark.parametrize("asked", [None, 1, 3_600, 86_400])
def test_athos_retries_after_five_minutes_and_ignores_retry_after(
    acme: Tenant, register: Register, asked: int | None
) -> None:
    made = register(kind="athos")
    waiting = deliveries.send_test_delivery(acme.caller(master=True), made.endpoint.id)
    assert schedule.next_wait(made.endpoint, waiting, asked) == ONE_RETRY_SCHEDULE[1]
    assert all(kind.patient for kind in WEBHOOK_KINDS.values() if kind.name != "athos")


@pytest.mark.parametrize("one", ["message.sen", "mesage.*", "call.scored", "nothing", "email.sending.*"])
def test_a_filter_that_matches_no_event_is_refused(register: Register, one: str) -> None:
    with pytest.raises(Invalid) as refusal:
        register(events=["message.sent", one])
    assert one in refusal.value.details["fields"]["events"]


@pytest.mark.parametrize("name", sorted(RESERVED_HEADERS))
def test_a_header_that_the_client_refuses_is_refused_at_registration(register: Register, name: str) -> None:
    with pytest.raises(Invalid):
        register(custom_headers={name.title(): "x"})
    with pytest.raises(client.ForbiddenTargetError):
        client._check_headers({name.title(): "x"})


def test_a_delivery_whose_job_was_lost_can_be_sent_again(
    acme: Tenant, register: Register, world: World, receiver: Receiver, frozen: clock.FrozenClock
) -> None:
    made, caller = register(), acme.caller(master=True)
    lost = [deliveries.send_test_delivery(caller, made.endpoint.id) for _ in range(2)]
    world.stream.hand_on()
    drain_queue("deliveries")
    frozen.advance(seconds=schedule.MIN_PATIENCE.total_seconds())
    with pytest.raises(Conflict):
        deliveries.redeliver_delivery(caller, lost[0].id)
    frozen.advance(seconds=1)
    deliveries.redeliver_delivery(caller, lost[0].id)
    deliveries.start_recovery(caller, made.endpoint.id, "2026-01-01T00:00:00.000Z")
    world.go_on()
    assert sorted(receiver.ids) == sorted(one.id for one in lost)
    found = delivery_store.get_deliveries([(acme.org_id, one.id) for one in lost])
    assert [one and one.status for one in found] == [DeliveryStatus.SUCCEEDED] * 2
