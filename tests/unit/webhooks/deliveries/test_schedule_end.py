"""A deferred delivery fails at the end of its schedule."""

from __future__ import annotations

from datetime import timedelta

from switchboard.events import service as events
from switchboard.kit import clock
from switchboard.outbound.client import ConnectionFailedError
from switchboard.webhooks import deliveries, health_store, schedule
from switchboard.webhooks.models import DeliveryStatus
from switchboard.webhooks.receivers import receiver_of
from tests.actors import Tenant
from tests.fakes.receiver import Receiver
from tests.integration.sabotage import drain_queue
from tests.unit.webhooks.conftest import Register, World, only_delivery, send_mail
from tests.unit.webhooks.deliveries.conftest import URL


def test_a_delivery_deferred_until_the_end_of_its_schedule_fails_and_is_reported(
    acme: Tenant, register: Register, world: World, receiver: Receiver, frozen: clock.FrozenClock
) -> None:
    made = register(events=["message.sent"], max_attempts=2)
    receiver.by_url[URL] = ConnectionFailedError("refused")
    send_mail(acme)
    world.go_on()
    frozen.advance(seconds=6)
    waiting = only_delivery(acme, made.endpoint.id)
    ends = schedule.ends_at(made.endpoint, waiting)
    assert ends == clock.parse(waiting.next_attempt_at or "") + schedule.MIN_PATIENCE
    health_store.open_breaker(
        receiver_of(acme.org_id, made.endpoint.id), clock.format_iso(clock.now() + timedelta(days=2))
    )
    world.go_on()
    assert only_delivery(acme, made.endpoint.id).status is DeliveryStatus.PENDING
    frozen.advance(hours=1)
    world.go_on()
    failed = only_delivery(acme, made.endpoint.id)
    assert (failed.status, failed.attempts, failed.next_attempt_at) == (DeliveryStatus.FAILED, 1, None)
    assert failed.error == "the webhook was not available until the end of the retry schedule"
    told = events.events_between("2026-01-15T17:00:00.000Z", "2026-01-15T19:00:00.000Z", acme.org_id)
    (exhausted,) = [event for event in told if event.type == "webhook.exhausted"]
    assert (exhausted.subject.id, exhausted.data["attempts"]) == (failed.id, 1)
    assert deliveries.list_dead_letters(acme.org_id, 10, None)[0] == [failed]
    assert drain_queue("deliveries") == []


def test_the_end_is_the_schedules_total_after_the_first_send(
    acme: Tenant, register: Register, frozen: clock.FrozenClock
) -> None:
    made = register()
    test = deliveries.send_test_delivery(acme.caller(master=True), made.endpoint.id)
    assert timedelta(days=3) < schedule.ends_at(made.endpoint, test) - clock.now() < timedelta(days=4)
    again = test.with_status(DeliveryStatus.PENDING, set_off_at=clock.format_iso(clock.now() + timedelta(days=10)))
    assert schedule.ends_at(made.endpoint, again) - clock.now() > timedelta(days=13)
