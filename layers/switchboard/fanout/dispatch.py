"""Makes deliveries of events: one for every endpoint that is subscribed to an event.

A batch of events is handled together. Subscriptions are read once for each organization, subjects in one request for
each type, and jobs are sent ten a request. A delivery travels inside the job of its first attempt, and that attempt
stores it. Until then SQS keeps it. Its id is derived from the event, so a repeated job finds the delivery of the first
one. Deliveries of an ordered kind are stored at once, because one waits for another.

No delivery is lost between its event and its first attempt, except in a dead-letter queue. The event is committed with
the change that it reports. The stream continues at the first record whose message was refused (`fanout.service`). The
event's message is deleted only after all its jobs were accepted: `dispatch_events` returns the positions of the others.
A delivery's message is deleted only after its attempt was recorded, the delivery was parked, or another message holds
it. Each step may run twice, and none is skipped. Only a purged queue, or no worker for as long as SQS keeps a message,
loses a delivery. Then `switchboard events replay` makes the same deliveries again and skips those that were stored.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from typing import NamedTuple

from switchboard import telemetry
from switchboard.aws import queues
from switchboard.events.models import Event
from switchboard.fanout import rendering
from switchboard.fanout.rendering import Subjects
from switchboard.kit import clock
from switchboard.kit.background import BackgroundTask
from switchboard.webhooks import event_names, subscriptions
from switchboard.webhooks.jobs import DispatchEvent
from switchboard.webhooks.kinds import WEBHOOK_KINDS
from switchboard.webhooks.models import Delivery, Endpoint
from switchboard.webhooks.new_delivery import BodyTexts, attempt_job, new_delivery
from switchboard.webhooks.ordered_deliveries import MAX_EVENT_AGE, store_ordered


def dispatch_events(jobs: Sequence[DispatchEvent]) -> set[int]:
    """Sends the delivery jobs of a batch of events. Returns the positions of the events that must be dispatched again.

    A repetition makes no second delivery and changes no delivery that was made.
    """
    since = clock.format_iso(clock.now() - MAX_EVENT_AGE)
    events = {place: job.event for place, job in enumerate(jobs) if job.event.at >= since}
    for job in jobs:
        if job.event.at < since:
            telemetry.log_skip("the event is too old", org_id=job.event.org_id, event_id=job.event.id)
    wanted, failed = _wanted(events)
    told = {place: event for place, event in events.items() if wanted.get(place) or _may_have_callback(event)}
    subjects = rendering.read_subjects(list(told.values()))
    callbacks = _callbacks(told.values(), subjects)
    made: list[_NewDelivery] = []
    for place, event in events.items():
        if place not in failed and not wanted.get(place) and not callbacks.get(event.id):
            telemetry.log_skip("no endpoint takes the event", org_id=event.org_id, event_id=event.id)
    for place, event in told.items():
        texts: BodyTexts = {}
        for endpoint in (*callbacks.get(event.id, []), *wanted.get(place, [])):
            try:
                made += list(_made(place, endpoint, event, subjects, texts))
            except Exception:  # noqa: BLE001 a fault at one endpoint must not stop the others
                about = {"event_id": event.id, "endpoint_id": endpoint.id}
                telemetry.logger().exception("endpoint not notified of an event", extra=about)
                telemetry.emit_metric("WebhookNotDispatched")
                failed.add(place)
    store_ordered([one.delivery for one in made if one.ordered])
    messages = [attempt_job(one.delivery, made=not one.ordered).to_message() for one in made]
    refused = queues.try_send_messages(messages) if messages else set()
    return failed | {made[number].place for number in refused}


class _NewDelivery(NamedTuple):
    """A delivery, the position of its event in the batch, and whether its kind is ordered."""

    place: int
    delivery: Delivery
    ordered: bool


def _wanted(events: dict[int, Event]) -> tuple[dict[int, list[Endpoint]], set[int]]:
    """Returns the subscribed endpoints of each event, and the positions of events with unreadable subscriptions."""
    orgs = dict.fromkeys(event.org_id for event in events.values())
    reads = {org_id: BackgroundTask(partial(subscriptions.list_subscriptions, org_id)) for org_id in orgs}
    for read in list(reads.values())[1:]:
        read.start()
    found: dict[int, list[Endpoint]] = {}
    failed: set[int] = set()
    for place, event in events.items():
        try:
            found[place] = [one for one in reads[event.org_id].result() if subscriptions.wants_event(one, event)]
        except Exception:  # noqa: BLE001 a fault of one organization must not stop the others
            telemetry.logger().exception("subscriptions not read", extra={"org_id": event.org_id})
            failed.add(place)
    return found, failed


def _may_have_callback(event: Event) -> bool:
    return event.type in event_names.EVENT_NAMES["opticomm"]


def _callbacks(events: Iterable[Event], subjects: Subjects) -> dict[str, list[Endpoint]]:
    """Returns the callback endpoints that the events' calls name, by event id."""
    places: dict[str, tuple[str, str]] = {}
    for event in events:
        callback_id = getattr(subjects.of(event), "callback_id", None) if _may_have_callback(event) else None
        if callback_id:
            places[event.id] = (event.org_id, callback_id)
    found = subscriptions.get_endpoints(list(dict.fromkeys(places.values())))
    return {id_: [found[place]] for id_, place in places.items() if place in found and found[place].active}


def _made(place: int, endpoint: Endpoint, event: Event, subjects: Subjects, texts: BodyTexts) -> Iterator[_NewDelivery]:
    ordered = WEBHOOK_KINDS[endpoint.kind].ordered
    before: Delivery | None = None
    for rendered in rendering.RENDERERS[endpoint.kind](event, subjects.of(event)):
        delivery = new_delivery(endpoint, rendered, event, texts)
        if before and ordered:
            delivery = delivery.model_copy(update={"follows": before.id})
        yield _NewDelivery(place, delivery, ordered)
        before = delivery
