"""Lists of deliveries and webhooks."""

from __future__ import annotations

from switchboard.webhooks import breaker, deliveries, service
from switchboard.webhooks.models import DeliveryStatus
from tests.actors import Tenant
from tests.fakes.receiver import Receiver, make_answer
from tests.unit.webhooks.conftest import Register, World, send_mail


def test_every_page_says_exactly_whether_more_follow(
    acme: Tenant, register: Register, world: World, receiver: Receiver
) -> None:
    made = register(events=["message.sent"], max_attempts=1)
    receiver.answers = [make_answer(200), make_answer(400), make_answer(200), make_answer(400)]
    for _ in range(4):
        send_mail(acme)
        world.go_on()
    endpoint_id = made.endpoint.id
    for status, number in (
        (None, 4),
        (DeliveryStatus.SUCCEEDED, 2),
        (DeliveryStatus.FAILED, 2),
        (DeliveryStatus.PENDING, 0),
    ):
        page, after = deliveries.list_deliveries(acme.org_id, endpoint_id, status, max(number, 1), None)
        assert (len(page), after) == (number, None)
        assert all(status in (None, one.status) for one in page)
    page, after = deliveries.list_deliveries(acme.org_id, endpoint_id, DeliveryStatus.FAILED, 1, None)
    rest, end = deliveries.list_deliveries(acme.org_id, endpoint_id, DeliveryStatus.FAILED, 1, after)
    assert end is None
    assert [*page, *rest] == deliveries.list_dead_letters(acme.org_id, 2, None)[0]


def test_a_page_of_webhooks_is_full_despite_other_kinds(acme: Tenant, register: Register) -> None:
    kinds = ["anima", "athos", "athos", "athos", "anima"]
    made = [register(kind=kind).endpoint.id for kind in kinds]
    page, after = service.list_endpoints(acme.org_id, "anima", 1, None)
    rest, end = service.list_endpoints(acme.org_id, "anima", 1, after)
    assert [seen.endpoint.id for seen in (*page, *rest)] == [made[4], made[0]]
    assert end is None
    assert breaker.needs_slot(page[0].health)
