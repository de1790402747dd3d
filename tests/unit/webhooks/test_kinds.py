"""Endpoints of every kind stand side by side: one of a kind that no event has a name for silences no other."""

from __future__ import annotations

import pytest

from switchboard.fanout import dispatch
from switchboard.webhooks import event_names
from switchboard.webhooks.jobs import DeliverWebhook, DispatchEvent
from switchboard.webhooks.kinds import WEBHOOK_KINDS
from tests.actors import Tenant
from tests.fakes.receiver import Receiver
from tests.integration.sabotage import drain
from tests.unit.webhooks.conftest import Register, World, send


def dispatched(acme: Tenant, world: World) -> tuple[set[int], list[str]]:
    """Which jobs come again after a mail was sent, and which endpoints get it."""
    send(acme)
    world.stream.hand_on()
    again = dispatch.dispatch_events([DispatchEvent.read(body) for body in drain("webhooks")])
    return again, [DeliverWebhook.read(body).endpoint_id for body in drain("deliveries")]


@pytest.mark.usefixtures("receiver")
@pytest.mark.parametrize("first", [True, False])
def test_an_endpoint_of_hum_silences_no_other(acme: Tenant, register: Register, world: World, first: bool) -> None:
    def make_hum() -> None:
        register("https://example.com/hum", kind="hum", events=["*"])

    if first:
        make_hum()
    well = register("https://example.com/well", events=["message.sent"])
    if not first:
        make_hum()
    again, told = dispatched(acme, world)
    assert again == set()
    assert told.count(well.endpoint.id) == 1


def test_every_kind_of_endpoint_has_names_of_events(
    acme: Tenant, register: Register, world: World, receiver: Receiver
) -> None:
    assert set(WEBHOOK_KINDS) == set(event_names.EVENT_NAMES)
    well = register("https://example.com/well", events=["message.sent"])
    for kind in sorted(WEBHOOK_KINDS):
        register(f"https://example.com/{kind}", kind=kind, events=["*"])
    again, told = dispatched(acme, world)
    assert (again, well.endpoint.id in told) == (set(), True)
