"""The delivery worker: takes a batch of jobs, sends many deliveries concurrently, and records every attempt.

A stopped worker loses nothing: the queue delivers the job again. If the attempt was recorded, the worker finds the
record. Otherwise it sends the same body with the same id again.

The worker reads endpoints and their health before it reads stored deliveries. So it can park an attempt that has to
wait by the job alone, without its delivery.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING

from switchboard import telemetry
from switchboard.aws import clock, queue, table
from switchboard.aws.table import Item, Key
from switchboard.webhooks import (
    attempts,
    breaker,
    delivery_store,
    health_store,
    ordering,
    parking,
    recording,
    settings,
    signing,
    store,
)
from switchboard.webhooks.attempts import SLOW_QUEUE, Sender, Sending
from switchboard.webhooks.breaker import Deferred, Slots, Tally
from switchboard.webhooks.jobs import DeliverWebhook, WakeReceiver
from switchboard.webhooks.models import Delivery, Endpoint, Health, Reason, Status
from switchboard.webhooks.parking_store import Parked
from switchboard.webhooks.pulling import Puller
from switchboard.webhooks.receivers import Receiver, receiver_of
from switchboard.webhooks.recording import Held

if TYPE_CHECKING:
    from switchboard.outbound.client import Client

_Job = DeliverWebhook | WakeReceiver


@dataclass(slots=True)
class _Wanted:
    """A job of the batch, with its index in the batch. `delivery` is set if the job carries it or it was read."""

    number: int
    job: DeliverWebhook
    delivery: Delivery | None = None
    stored: bool = True

    @property
    def parked(self) -> Parked | None:
        """The job as a parked attempt, `None` if neither the job nor the delivery gives its place in the line."""
        job = self.job
        if self.delivery:
            return Parked.of(self.delivery)
        if job.made_at is None:
            return None
        place = f"{job.made_at}#{job.delivery_id}#{job.attempt:05d}"
        return Parked(job.org_id, job.endpoint_id, job.delivery_id, job.attempt, place)

    @property
    def held(self) -> Held:
        """The delivery with its index in the batch."""
        assert self.delivery
        return Held(self.number, self.delivery, self.stored)


@dataclass(frozen=True, slots=True)
class _Group:
    """The jobs of a batch for one endpoint, with the endpoint and its health."""

    endpoint_id: str
    receiver: Receiver
    endpoint: Endpoint | None
    health: Health
    wanted: list[_Wanted] = field(default_factory=list)
    wakes: list[tuple[int, WakeReceiver]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Worker:
    """This worker. `slow`: it serves slow endpoints. `began`: the start of its invocation, in seconds since 1970."""

    slow: bool
    sender: Sender
    began: float


def deliver(jobs: Sequence[_Job], *, slow: bool = False, sender: Sender | None = None) -> set[int]:
    """Process a batch of jobs. Returns the indexes of the jobs that failed by our own fault, for the queue to retry.

    `slow`: this worker serves slow endpoints, which other workers hand over.
    """
    return _loop().run(_batch(jobs, slow, sender or client()))


@cache
def _loop() -> asyncio.Runner:
    # One runner per process, so that connections stay open between batches.
    return asyncio.Runner()


@cache
def _opened() -> Client:
    from switchboard.outbound.client import Client

    return Client()


#: Returns the client that posts. Tests replace it.
client: Callable[[], Sender] = _opened


def forget() -> None:
    """Close the connections and clear the caches of derived secrets and unsealed headers, for tests."""
    signing.forget()
    settings.forget()
    if _loop.cache_info().currsize:
        with _loop() as loop:
            if _opened.cache_info().currsize:
                loop.run(_opened().close())
    _loop.cache_clear()
    _opened.cache_clear()


async def _batch(batch: Sequence[_Job], slow: bool, sender: Sender) -> set[int]:
    worker = _Worker(slow, sender, clock.epoch())
    groups, failed = await asyncio.to_thread(_read, batch)
    for done in await asyncio.gather(*(_one_group(group, worker) for group in groups)):
        failed |= done
    return failed


def _read(batch: Sequence[_Job]) -> tuple[list[_Group], set[int]]:
    """Reads the endpoints and their health in one request. Returns the groups, and the indexes of unreadable jobs.

    The same request looks for a stored copy of each delivery that its job carries; most are not stored yet. Other
    stored deliveries are read later, when their endpoint may receive something.
    """
    endpoints = list(dict.fromkeys((job.org_id, job.endpoint_id) for job in batch))
    travel = list(
        dict.fromkeys((job.org_id, job.delivery_id) for job in batch if isinstance(job, DeliverWebhook) and job.made)
    )
    places: list[tuple[str, Key]] = [("core", store.endpoint_key(*one)) for one in endpoints]
    places += [("core", health_store.key(receiver_of(*one))) for one in endpoints]
    places += [("activity", delivery_store.key(*one)) for one in travel]
    items = table.get_across(places)
    number = len(endpoints)
    stored = dict(zip(travel, items[2 * number :], strict=True))
    groups: dict[tuple[str, str], _Group | None] = {}
    for place, endpoint, health in zip(endpoints, items[:number], items[number : 2 * number], strict=True):
        groups[place] = _group(place, endpoint, health)
    return _sorted(batch, groups, stored)


def _group(place: tuple[str, str], endpoint: Item | None, health: Item | None) -> _Group | None:
    try:
        known = store.ENDPOINTS.read(endpoint) if endpoint else None
        return _Group(place[1], receiver_of(*place), known, health_store.read(health))
    except ValueError:
        telemetry.logger().exception("endpoint not readable", extra={"endpoint_id": place[1]})
        return None


def _sorted(
    batch: Sequence[_Job],
    groups: dict[tuple[str, str], _Group | None],
    stored: dict[tuple[str, str], Item | None],
) -> tuple[list[_Group], set[int]]:
    failed: set[int] = set()
    # Process a duplicate job once. A job for another attempt is not a duplicate: its attempt may be due.
    seen: set[tuple[str, str, int]] = set()
    for number, job in enumerate(batch):
        group = groups[(job.org_id, job.endpoint_id)]
        if group is None:
            failed.add(number)
        elif isinstance(job, WakeReceiver):
            group.wakes.append((number, job))
        elif (copy := (job.org_id, job.delivery_id, job.attempt)) not in seen:
            seen.add(copy)
            try:
                item = stored.get((job.org_id, job.delivery_id))
                delivery = delivery_store.read(item) if item else job.made
            except ValueError:
                telemetry.logger().exception("delivery not readable", extra={"delivery_id": job.delivery_id})
                failed.add(number)
                continue
            group.wanted.append(_Wanted(number, job, delivery, stored=not job.made or item is not None))
    return [group for group in groups.values() if group], failed


async def _one_group(group: _Group, worker: _Worker) -> set[int]:
    """Process the jobs of one endpoint. An error at one endpoint does not affect other endpoints."""
    failed: set[int] = set()
    if group.wanted:
        try:
            failed |= await _deliver(group, worker)
        except Exception:  # noqa: BLE001 the queue delivers the jobs again
            telemetry.logger().exception("webhook batch failed", extra={"endpoint_id": group.endpoint_id})
            failed |= {one.number for one in group.wanted}
    for number, job in group.wakes:
        try:
            await _wake(group, job, worker)
        except Exception:  # noqa: BLE001 the queue delivers the job again
            telemetry.logger().exception("receiver not woken", extra={"endpoint_id": group.endpoint_id})
            failed.add(number)
    return failed


async def _deliver(group: _Group, worker: _Worker) -> set[int]:
    endpoint, health = group.endpoint, group.health
    wanted = await asyncio.to_thread(_still_due, group.wanted)
    if not wanted:
        return set()
    if endpoint is None or not endpoint.active:
        current, failed = await asyncio.to_thread(_read_stored, wanted)
        await asyncio.to_thread(_cancel, endpoint, [one.held for one in current])
        return failed
    if breaker.is_slow(health) and not worker.slow:
        await asyncio.to_thread(_hand_over, wanted)
        return set()
    if health.waiting or (breaker.needs_slot(health) and breaker.is_open(health)):
        return await _park(group, endpoint, wanted, worker)
    slots: Slots | None = None
    if breaker.needs_slot(health):
        try:
            slots = await asyncio.to_thread(breaker.take, group.receiver, endpoint.timeout_ms, health)
        except Deferred:
            return await _park(group, endpoint, wanted, worker)
    return await _send_all(group, endpoint, wanted, slots, worker)


async def _send_all(
    group: _Group, endpoint: Endpoint, wanted: Sequence[_Wanted], slots: Slots | None, worker: _Worker
) -> set[int]:
    tally, after = Tally(), group.health
    sending = Sending(endpoint, group.health, tally, worker.sender, worker.slow, slots=slots is not None)
    ready: list[Held] = []
    try:
        current, failed = await asyncio.to_thread(_read_stored, wanted)
        ready = [one.held for one in current if not await asyncio.to_thread(ordering.waits, one.held.delivery)]
        if ready:
            failed |= {one.number for one in await attempts.attempt_all(sending, ready)}
    finally:
        # Release the slots also if there was nothing to send.
        if slots:
            after = await asyncio.to_thread(slots.give_back, tally)
        elif ready:
            after = await asyncio.to_thread(breaker.note, group.receiver, group.health, tally)
    if ready:
        await asyncio.to_thread(attempts.disable_if_due, endpoint, after)
    if slots and after.waiting:
        await _pull(_puller(group, worker), after)
    return failed


async def _park(group: _Group, endpoint: Endpoint, wanted: Sequence[_Wanted], worker: _Worker) -> set[int]:
    """Park the jobs' attempts in the table, and send parked attempts if no other worker does."""
    known, failed = [one for one in wanted if one.parked], set[int]()
    if len(known) < len(wanted):
        current, failed = await asyncio.to_thread(_read_stored, [one for one in wanted if not one.parked])
        known += current
    if known:
        parked = [one.parked for one in known if one.parked]
        unstored = [one.delivery for one in known if one.delivery and not one.stored]
        health = await asyncio.to_thread(parking.park, endpoint.id, parked, unstored)
        await _pull(_puller(group, worker), health)
    return failed


def _puller(group: _Group, worker: _Worker, *, woken: bool = False) -> Puller:
    return Puller(
        receiver=group.receiver,
        endpoint_id=group.endpoint_id,
        timeout_ms=group.endpoint.timeout_ms if group.endpoint else settings.MAX_TIMEOUT_MS,
        slow=worker.slow,
        sender=worker.sender,
        began=worker.began,
        woken=woken,
    )


async def _pull(puller: Puller, health: Health) -> None:
    """Send parked attempts. After a fault of ours, the wake-up sends them later: all of them are in the table."""
    try:
        await puller.pull(health)
    except Exception:  # noqa: BLE001 the attempts are parked, and a wake-up is arranged
        telemetry.logger().exception("parked attempts not sent", extra={"endpoint_id": puller.endpoint_id})


async def _wake(group: _Group, job: WakeReceiver, worker: _Worker) -> None:
    if job.at and group.health.wake_at != job.at and not group.health.waiting:
        # Another wake-up replaced this one, or this one ran before.
        telemetry.logger().info("nothing is parked", extra={"receiver": group.receiver.id})
    elif breaker.is_slow(group.health) and not worker.slow:
        await asyncio.to_thread(queue.send, [job.message(queue=SLOW_QUEUE)])
    else:
        await _puller(group, worker, woken=True).pull(group.health)
        await asyncio.to_thread(parking.after_waking, job)


def _is_due(delivery: Delivery, job: DeliverWebhook) -> bool:
    return delivery.status is Status.PENDING and delivery.attempts + 1 == job.attempt


def _still_due(wanted: Sequence[_Wanted]) -> list[_Wanted]:
    """The jobs whose attempt is not known to be made."""
    over = [one for one in wanted if one.delivery and not _is_due(one.delivery, one.job)]
    # The worker that made these attempts may have stopped before it released the deliveries that wait for them.
    recording.release([one.delivery for one in over if one.delivery and one.delivery.successor])
    return [one for one in wanted if one not in over]


def _read_stored(wanted: Sequence[_Wanted]) -> tuple[list[_Wanted], set[int]]:
    """Returns the jobs whose attempt is still due, with their deliveries, and the indexes of unreadable jobs."""
    unread = [one for one in wanted if one.delivery is None]
    keys = [delivery_store.key(one.job.org_id, one.job.delivery_id) for one in unread]
    failed: set[int] = set()
    for one, item in zip(unread, table.get_many("activity", keys) if keys else [], strict=True):
        try:
            one.delivery = delivery_store.read(item) if item else None
        except ValueError:
            telemetry.logger().exception("delivery not readable", extra={"delivery_id": one.job.delivery_id})
            failed.add(one.number)
            continue
        if item is None:
            telemetry.logger().info("no such delivery", extra={"delivery_id": one.job.delivery_id})
    return _still_due([one for one in wanted if one.delivery]), failed


def _hand_over(wanted: Sequence[_Wanted]) -> None:
    """Hand the attempts over to the workers for slow endpoints."""
    jobs = [one.job.model_copy(update={"made": None}) if one.stored else one.job for one in wanted]
    queue.send(job.message(queue=SLOW_QUEUE) for job in jobs)


def _cancel(endpoint: Endpoint | None, held: Sequence[Held]) -> None:
    if endpoint is None:
        # Nobody can read the deliveries of a deleted webhook, so do not store new ones.
        telemetry.logger().info("webhook deleted", extra={"deliveries": [one.delivery.id for one in held]})
        held = [one for one in held if one.stored]
    recording.cancel(held, Reason.DELETED if endpoint is None else Reason.DISABLED)
