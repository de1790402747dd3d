"""What is promised of rotations, retries, filters, headers, lost jobs and endpoints that come back."""

from __future__ import annotations

import pytest

from switchboard.aws import clock
from switchboard.errors import Conflict, Invalid
from switchboard.outbound import client
from switchboard.outbound.reserved import RESERVED
from switchboard.webhooks import delivery_store, schedule, service, signing
from switchboard.webhooks.kinds import KINDS, ONE_RETRY
from switchboard.webhooks.models import Status
from tests.actors import Tenant
from tests.integration.sabotage import drain
from tests.unit.webhooks.conftest import Register, World
from tests.unit.webhooks.receiver import Receiver

URL = "https://example.com/hook"


def test_a_secret_signs_to_its_end_however_often_it_is_rotated(
    acme: Tenant, register: Register, frozen: clock.Frozen
) -> None:
    made = register()
    caller = acme.caller(master=True)
    second = service.rotate(caller, made.endpoint.id)
    frozen.advance(hours=10)
    third = service.rotate(caller, made.endpoint.id)
    assert signing.secrets_of(third.endpoint) == [third.secret, second.secret, made.secret]
    frozen.advance(hours=14, seconds=1)
    assert signing.secrets_of(service.get(acme.org_id, made.endpoint.id).endpoint) == [third.secret, second.secret]
    frozen.advance(hours=10)
    assert signing.secrets_of(service.get(acme.org_id, made.endpoint.id).endpoint) == [third.secret]
    for _ in range(20):
        last = service.rotate(caller, made.endpoint.id)
    assert len(signing.secrets_of(last.endpoint)) == 2 + service.MOST_RETIRING


@pytest.mark.parametrize("asked", [None, 1, 3_600, 86_400])
def test_athos_retry_comes_after_five_minutes_whatever_retry_after_says(
    acme: Tenant, register: Register, asked: int | None
) -> None:
    made = register(kind="athos")
    waiting = service.send_test(acme.caller(master=True), made.endpoint.id)
    assert schedule.next_wait(made.endpoint, waiting, asked) == ONE_RETRY[1]
    assert all(kind.patient for kind in KINDS.values() if kind.name != "athos")


@pytest.mark.parametrize("one", ["message.sen", "mesage.*", "call.scored", "nothing", "email.sending.*"])
def test_a_filter_that_takes_no_event_is_refused(register: Register, one: str) -> None:
    with pytest.raises(Invalid) as refusal:
        register(events=["message.sent", one])
    assert one in refusal.value.details["fields"]["events"]


@pytest.mark.parametrize("name", sorted(RESERVED))
def test_a_header_that_the_client_refuses_is_refused_at_registration(register: Register, name: str) -> None:
    with pytest.raises(Invalid):
        register(custom_headers={name.title(): "x"})
    with pytest.raises(client.Refused):
        client._check_headers({name.title(): "x"})


def test_a_delivery_whose_job_was_lost_can_be_sent_again(
    acme: Tenant, register: Register, world: World, receiver: Receiver, frozen: clock.Frozen
) -> None:
    made, caller = register(), acme.caller(master=True)
    lost = [service.send_test(caller, made.endpoint.id) for _ in range(2)]
    world.stream.hand_on()
    drain("deliveries")
    frozen.advance(seconds=schedule.PATIENCE.total_seconds())
    with pytest.raises(Conflict):
        service.redeliver(caller, lost[0].id)
    frozen.advance(seconds=1)
    service.redeliver(caller, lost[0].id)
    service.recover(caller, made.endpoint.id, "2026-01-01T00:00:00.000Z")
    world.go_on()
    assert sorted(receiver.ids) == sorted(one.id for one in lost)
    found = delivery_store.get_many([(acme.org_id, one.id) for one in lost])
    assert [one and one.status for one in found] == [Status.SUCCEEDED] * 2
