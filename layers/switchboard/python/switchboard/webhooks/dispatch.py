"""From events to deliveries: one for every endpoint that wants to hear of an event.

A batch of events is taken together: subscriptions are read once for an organization, subjects in one request for each
type, and the jobs leave ten a request. A delivery travels with the job of its first attempt, and that attempt stores
it; SQS keeps it until then. Its id is derived from the event, so that a job that comes twice finds what the first one
did. Deliveries of an ordered kind are stored at once, since one of them waits for another.

No delivery is lost between its event and its first attempt, short of a dead-letter queue. The event is committed with
the change that it tells of. The stream goes on from the first record whose message was refused (`fanout.service`). The
event's message goes only after all its jobs were accepted: `dispatch` returns the places of the others. A delivery's
message goes only after its attempt was recorded, or the delivery was parked, or another message has it. Each step may
happen twice, and none is skipped. What is left is a purged queue, or no worker for the days that SQS keeps a message:
`switchboard events replay` makes the same deliveries again, and finds those that were stored.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta
from functools import partial
from typing import NamedTuple

from switchboard import telemetry
from switchboard.aws import clock, ids, queue, secret
from switchboard.aws.aside import Task
from switchboard.events.models import Event
from switchboard.webhooks import bodies, catalogue, delivery_store, health_store, parking, rendering, store
from switchboard.webhooks.jobs import DeliverWebhook, DispatchEvent
from switchboard.webhooks.kinds import KINDS
from switchboard.webhooks.models import Delivery, Endpoint, KindName, Rendered
from switchboard.webhooks.receivers import receiver_of
from switchboard.webhooks.rendering import Subjects

#: The bodies of one event: by kind, template and the key of what is told. Endpoints that want the same share it.
_Texts = dict[tuple[KindName, str | None, str], str]
#: An older event's deliveries may have vanished: a replay of it would send them once more.
_OLDEST = delivery_store.KEPT - timedelta(days=1)


def dispatch(jobs: Sequence[DispatchEvent]) -> set[int]:
    """Send off the deliveries of a batch of events. Returns the places of those that have to come again.

    Done again it makes none twice, and leaves those that were made as they are.
    """
    since = clock.iso(clock.now() - _OLDEST)
    events = {place: job.event for place, job in enumerate(jobs) if job.event.at >= since}
    if len(events) < len(jobs):
        telemetry.logger().info("too old", extra={"events": [job.event.id for job in jobs if job.event.at < since]})
    wanted, failed = _wanted(events)
    told = {place: event for place, event in events.items() if wanted.get(place) or _may_have_callback(event)}
    subjects = rendering.subjects(list(told.values()))
    callbacks = _callbacks(told.values(), subjects)
    made: list[_Made] = []
    for place, event in told.items():
        texts: _Texts = {}
        for endpoint in (*callbacks.get(event.id, []), *wanted.get(place, [])):
            try:
                made += list(_made(place, endpoint, event, subjects, texts))
            except Exception:  # noqa: BLE001 one endpoint's fault is no other's
                about = {"event_id": event.id, "endpoint_id": endpoint.id}
                telemetry.logger().exception("endpoint not told of an event", extra=about)
                telemetry.metric("WebhookNotDispatched")
                failed.add(place)
    _store([one.delivery for one in made if one.ordered])
    messages = [attempt_of(one.delivery, made=not one.ordered).message() for one in made]
    refused = queue.send_all(messages) if messages else set()
    return failed | {made[number].place for number in refused}


class _Made(NamedTuple):
    """A delivery, the place of its event in the batch, and whether its kind is an ordered one."""

    place: int
    delivery: Delivery
    ordered: bool


def attempt_of(delivery: Delivery, *, after: int = 1, made: bool = False) -> DeliverWebhook:
    """The job of a delivery's next attempt, or of a later one. An attempt that was made is not made again.

    `made` lets a delivery that is not stored travel with it.
    """
    return DeliverWebhook(
        org_id=delivery.org_id,
        delivery_id=delivery.id,
        endpoint_id=delivery.endpoint_id,
        attempt=delivery.attempts + after,
        made_at=delivery.created_at,
        made=delivery if made else None,
    )


def _wanted(events: dict[int, Event]) -> tuple[dict[int, list[Endpoint]], set[int]]:
    """The subscriptions that want to hear of each event, and the places of those for which they cannot be read."""
    orgs = dict.fromkeys(event.org_id for event in events.values())
    reads = {org_id: Task(partial(store.subscriptions, org_id)) for org_id in orgs}
    for read in list(reads.values())[1:]:
        read.begin()
    found: dict[int, list[Endpoint]] = {}
    failed: set[int] = set()
    for place, event in events.items():
        try:
            found[place] = [one for one in reads[event.org_id].result() if _wants(one, event)]
        except Exception:  # noqa: BLE001 one organization's fault is no other's
            telemetry.logger().exception("subscriptions not read", extra={"org_id": event.org_id})
            failed.add(place)
    return found, failed


def _wants(endpoint: Endpoint, event: Event) -> bool:
    name = catalogue.NAMES[endpoint.kind].get(event.type)
    # What happened before it was registered is not for it, however late it comes by.
    return bool(
        name
        and endpoint.active
        and endpoint.created_at <= event.at
        and catalogue.matches(endpoint.events, name, event.type)
    )


def _may_have_callback(event: Event) -> bool:
    return event.type in catalogue.NAMES["opticomm"]


def _callbacks(events: Iterable[Event], subjects: Subjects) -> dict[str, list[Endpoint]]:
    """The endpoint that an event's call names for itself, by the event's id."""
    places: dict[str, tuple[str, str]] = {}
    for event in events:
        callback_id = getattr(subjects.of(event), "callback_id", None) if _may_have_callback(event) else None
        if callback_id:
            places[event.id] = (event.org_id, callback_id)
    found = store.get_endpoints(list(dict.fromkeys(places.values())))
    return {id_: [found[place]] for id_, place in places.items() if place in found and found[place].active}


def _made(place: int, endpoint: Endpoint, event: Event, subjects: Subjects, texts: _Texts) -> Iterator[_Made]:
    ordered = KINDS[endpoint.kind].ordered
    before: Delivery | None = None
    for rendered in rendering.RENDERERS[endpoint.kind](event, subjects.of(event)):
        delivery = delivery_of(endpoint, rendered, event, texts)
        if before and ordered:
            delivery = delivery.model_copy(update={"follows": before.id})
        yield _Made(place, delivery, ordered)
        before = delivery


def delivery_of(endpoint: Endpoint, rendered: Rendered, event: Event, texts: _Texts | None = None) -> Delivery:
    """A delivery that is not yet stored. Its id is the same each time.

    `texts` are the bodies that the event has already, to which this one is added.
    """
    now = clock.stamp()
    texts = {} if texts is None else texts
    shape = (endpoint.kind, endpoint.template, rendered.key)
    if shape not in texts:
        texts[shape] = bodies.text_of(endpoint.template, rendered.body)
    return Delivery(
        id=_id(endpoint, rendered),
        org_id=endpoint.org_id,
        endpoint_id=endpoint.id,
        event=rendered.event,
        event_id=event.id,
        subject_id=event.subject.id,
        sequence=rendered.sequence,
        body=texts[shape],
        next_attempt_at=now,
        correlation_id=event.correlation_id,
        created_at=now,
    )


def _id(endpoint: Endpoint, rendered: Rendered) -> str:
    parts = (endpoint.org_id, endpoint.id, rendered.key)
    if endpoint.kind == "athos":
        digest = bytes.fromhex(secret.digest("\x1f".join(parts)))
        return f"wh_{uuid.UUID(bytes=digest[:16], version=4)}"
    return ids.derived("dlv", 0, *parts)


def _store(deliveries: Sequence[Delivery]) -> None:
    """Store those of an ordered kind that are not there yet, and have them watched: their jobs may be lost."""
    endpoints = {receiver_of(one.org_id, one.endpoint_id): one.endpoint_id for one in deliveries}
    for start in range(0, len(endpoints), 100):
        receivers = list(endpoints)[start : start + 100]
        for receiver, health in zip(receivers, health_store.get_many(receivers), strict=True):
            parking.watch(receiver, endpoints[receiver], health)
    by_id = {(one.org_id, one.id): one for one in deliveries}
    for start in range(0, len(by_id), 100):
        part = list(by_id)[start : start + 100]
        there = delivery_store.get_many(part)
        delivery_store.put_missing([by_id[place] for place, found in zip(part, there, strict=True) if found is None])
