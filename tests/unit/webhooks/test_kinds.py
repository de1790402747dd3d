"""Endpoints of every kind work side by side: a kind without names for events does not block the others."""

from __future__ import annotations

import pytest

from switchboard.fanout import dispatch
from switchboard.webhooks import event_names
from switchboard.webhooks.jobs import DeliverWebhook, DispatchEvent
from switchboard.webhooks.kinds import WEBHOOK_KINDS
from tests.actors import Tenant
from tests.fakes.receiver import Receiver
from tests.integration.sabotage import drain_queue
from tests.unit.webhooks.conftest import Register, World, send_mail


def dispatch_mail(acme: Tenant, world: World) -> tuple[set[int], list[str]]:
    """The jobs that are retried after a mail was sent, and the endpoints that get it."""
    send_mail(acme)
    world.stream.hand_on()
    again = dispatch.dispatch_events([DispatchEvent.parse_body(body) for body in drain_queue("webhooks")])
    return again, [DeliverWebhook.parse_body(body).endpoint_id for body in drain_queue("deliveries")]


@pytest.mark.usefixtures("receiver")
@pytest.mark.parametrize("first", [True, False])
def test_an_endpoint_of_hum_does_not_block_others(acme: Tenant, register: Register, world: World, first: bool) -> None:
    def make_hum() -> None:
        register("https://example.com/hum", kind="hum", events=["*"])

    if first:
        make_hum()
    well = register("https://example.com/well", events=["message.sent"])
    if not first:
        make_hum()
    again, told = dispatch_mail(acme, world)
    assert again == set()
    assert told.count(well.endpoint.id) == 1


def test_every_kind_of_endpoint_has_names_of_events(
    acme: Tenant, register: Register, world: World, receiver: Receiver
) -> None:
    assert set(WEBHOOK_KINDS) == set(event_names.EVENT_NAMES)
    well = register("https://example.com/well", events=["message.sent"])
    for kind in sorted(WEBHOOK_KINDS):
        register(f"https://example.com/{kind}", kind=kind, events=["*"])
    again, told = dispatch_mail(acme, world)
    assert (again, well.endpoint.id in told) == (set(), True)
