"""Reads a batch of delivery jobs and groups them by endpoint."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from switchboard import telemetry
from switchboard.aws import reads
from switchboard.aws.dynamodb import Item, Key
from switchboard.webhooks import (
    delivery_store,
    health_store,
    moves,
    store,
)
from switchboard.webhooks.jobs import DeliverWebhook, WakeReceiver
from switchboard.webhooks.models import Delivery, DeliveryStatus, Endpoint, ReceiverHealth
from switchboard.webhooks.moves import HeldDelivery
from switchboard.webhooks.parking_store import ParkedAttempt
from switchboard.webhooks.receivers import WebhookReceiver, receiver_of

DeliveryJob = DeliverWebhook | WakeReceiver


@dataclass(slots=True)
class BatchJob:
    """A job of the batch, with its index in the batch. `delivery` is set if the job carries it or it was read."""

    number: int
    job: DeliverWebhook
    delivery: Delivery | None = None
    stored: bool = True

    @property
    def parked(self) -> ParkedAttempt | None:
        """The job as a parked attempt, `None` if neither the job nor the delivery gives its place in the line."""
        job = self.job
        if self.delivery:
            return ParkedAttempt.of(self.delivery)
        if job.made_at is None:
            return None
        place = f"{job.made_at}#{job.delivery_id}#{job.attempt:05d}"
        return ParkedAttempt(job.org_id, job.endpoint_id, job.delivery_id, job.attempt, place)

    @property
    def held(self) -> HeldDelivery:
        """The delivery with its index in the batch."""
        assert self.delivery
        return HeldDelivery(self.number, self.delivery, self.stored)


@dataclass(frozen=True, slots=True)
class EndpointBatch:
    """The jobs of a batch for one endpoint, with the endpoint and its health."""

    endpoint_id: str
    receiver: WebhookReceiver
    endpoint: Endpoint | None
    health: ReceiverHealth
    wanted: list[BatchJob] = field(default_factory=list)
    wakes: list[tuple[int, WakeReceiver]] = field(default_factory=list)


def read_batch(batch: Sequence[DeliveryJob]) -> tuple[list[EndpointBatch], set[int]]:
    """Reads the endpoints and their health in one request. Returns the groups, and the indexes of unreadable jobs.

    The same request looks for a stored copy of each delivery that its job carries; most are not stored yet. Other
    stored deliveries are read later, when their endpoint may receive something.
    """
    endpoints = list(dict.fromkeys((job.org_id, job.endpoint_id) for job in batch))
    travel = list(
        dict.fromkeys((job.org_id, job.delivery_id) for job in batch if isinstance(job, DeliverWebhook) and job.made)
    )
    places: list[tuple[str, Key]] = [("core", store.endpoint_key(*one)) for one in endpoints]
    places += [("core", health_store.health_key(receiver_of(*one))) for one in endpoints]
    places += [("activity", delivery_store.delivery_key(*one)) for one in travel]
    items = reads.get_items_of_tables(places)
    number = len(endpoints)
    stored = dict(zip(travel, items[2 * number :], strict=True))
    groups: dict[tuple[str, str], EndpointBatch | None] = {}
    for place, endpoint, health in zip(endpoints, items[:number], items[number : 2 * number], strict=True):
        groups[place] = _group(place, endpoint, health)
    return _sorted(batch, groups, stored)


def _group(place: tuple[str, str], endpoint: Item | None, health: Item | None) -> EndpointBatch | None:
    try:
        known = store.ENDPOINTS.from_item(endpoint) if endpoint else None
        return EndpointBatch(place[1], receiver_of(*place), known, health_store.parse_health(health))
    except ValueError:
        telemetry.logger().exception("endpoint not readable", extra={"endpoint_id": place[1]})
        return None


def _sorted(
    batch: Sequence[DeliveryJob],
    groups: dict[tuple[str, str], EndpointBatch | None],
    stored: dict[tuple[str, str], Item | None],
) -> tuple[list[EndpointBatch], set[int]]:
    failed: set[int] = set()
    # Process a duplicate job once. A job for another attempt is not a duplicate: its attempt may be due.
    seen: set[tuple[str, str, int]] = set()
    for number, job in enumerate(batch):
        group = groups[(job.org_id, job.endpoint_id)]
        if group is None:
            failed.add(number)
        elif isinstance(job, WakeReceiver):
            group.wakes.append((number, job))
        elif (copy := (job.org_id, job.delivery_id, job.attempt)) in seen:
            _log_skip("the batch has this job twice", job)
        else:
            seen.add(copy)
            try:
                item = stored.get((job.org_id, job.delivery_id))
                delivery = delivery_store.parse_delivery(item) if item else job.made
            except ValueError:
                telemetry.logger().exception("delivery not readable", extra={"delivery_id": job.delivery_id})
                failed.add(number)
                continue
            group.wanted.append(BatchJob(number, job, delivery, stored=not job.made or item is not None))
    return [group for group in groups.values() if group], failed


def _is_due(delivery: Delivery, job: DeliverWebhook) -> bool:
    return delivery.status is DeliveryStatus.PENDING and delivery.attempts + 1 == job.attempt


def still_due(wanted: Sequence[BatchJob]) -> list[BatchJob]:
    """The jobs whose attempt is not known to be made."""
    over = [one for one in wanted if one.delivery and not _is_due(one.delivery, one.job)]
    for one in over:
        pending = one.delivery is not None and one.delivery.status is DeliveryStatus.PENDING
        _log_skip("the attempt was made before" if pending else "the delivery is over", one.job)
    # The worker that made these attempts may have stopped before it released the deliveries that wait for them.
    moves.release_successors([one.delivery for one in over if one.delivery and one.delivery.successor])
    return [one for one in wanted if one not in over]


def read_stored(wanted: Sequence[BatchJob]) -> tuple[list[BatchJob], set[int]]:
    """Returns the jobs whose attempt is still due, with their deliveries, and the indexes of unreadable jobs."""
    unread = [one for one in wanted if one.delivery is None]
    keys = [delivery_store.delivery_key(one.job.org_id, one.job.delivery_id) for one in unread]
    failed: set[int] = set()
    for one, item in zip(unread, reads.get_items("activity", keys) if keys else [], strict=True):
        try:
            one.delivery = delivery_store.parse_delivery(item) if item else None
        except ValueError:
            telemetry.logger().exception("delivery not readable", extra={"delivery_id": one.job.delivery_id})
            failed.add(one.number)
            continue
        if item is None:
            _log_skip("the delivery is gone", one.job)
    return still_due([one for one in wanted if one.delivery]), failed


def _log_skip(reason: str, job: DeliverWebhook) -> None:
    telemetry.log_skip(reason, org_id=job.org_id, delivery_id=job.delivery_id, attempt=job.attempt)
