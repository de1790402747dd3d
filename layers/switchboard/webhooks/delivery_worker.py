"""The delivery worker: takes a batch of jobs, sends many deliveries concurrently, and records every attempt.

A stopped worker loses nothing: the queue delivers the job again. If the attempt was recorded, the worker finds the
record. Otherwise it sends the same body with the same id again.

The worker reads endpoints and their health before it reads stored deliveries. So it can park an attempt that has to
wait by the job alone, without its delivery.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from switchboard import telemetry
from switchboard.aws import queues
from switchboard.kit import clock
from switchboard.webhooks import (
    attempts,
    breaker,
    delivery_order,
    host_pace,
    moves,
    parking,
    settings,
    signing,
)
from switchboard.webhooks.attempts import SLOW_QUEUE, EndpointSender, Sender
from switchboard.webhooks.batches import BatchJob, DeliveryJob, EndpointBatch, read_batch, read_stored, still_due
from switchboard.webhooks.breaker import BatchResults, DeferredError, HeldSlots
from switchboard.webhooks.jobs import WakeReceiver
from switchboard.webhooks.models import CancelReason, Endpoint, ReceiverHealth
from switchboard.webhooks.moves import HeldDelivery
from switchboard.webhooks.parked_sender import ParkedSender

if TYPE_CHECKING:
    from switchboard.outbound.client import GuardedClient


@dataclass(frozen=True, slots=True)
class _Worker:
    """This worker. `slow`: it serves slow endpoints. `began`: the start of its invocation, in seconds since 1970."""

    slow: bool
    sender: Sender
    began: float


def deliver_batch(jobs: Sequence[DeliveryJob], *, slow: bool = False, sender: Sender | None = None) -> set[int]:
    """Processes a batch of jobs. Returns the indexes of the jobs that failed by our own fault, for the queue to retry.

    `slow`: this worker serves slow endpoints, which other workers hand over.
    """
    return _loop().run(_batch(jobs, slow, sender or client()))


@cache
def _loop() -> asyncio.Runner:
    # One runner per process, so that connections stay open between batches.
    return asyncio.Runner()


@cache
def _opened() -> GuardedClient:
    from switchboard.outbound.client import GuardedClient  # for cold start: loaded with the first delivery

    return GuardedClient()


#: Returns the client that posts. Tests replace it.
client: Callable[[], Sender] = _opened


def close_client() -> None:
    """Closes the connections and clears the caches of derived secrets and unsealed headers, for tests."""
    signing.clear_secrets()
    settings.clear_unsealed_headers()
    if _loop.cache_info().currsize:
        with _loop() as loop:
            if _opened.cache_info().currsize:
                loop.run(_opened().close())
    _loop.cache_clear()
    _opened.cache_clear()


async def _batch(batch: Sequence[DeliveryJob], slow: bool, sender: Sender) -> set[int]:
    worker = _Worker(slow, sender, clock.epoch())
    groups, failed = await asyncio.to_thread(read_batch, batch)
    for done in await asyncio.gather(*(_one_group(group, worker) for group in groups)):
        failed |= done
    return failed


async def _one_group(group: EndpointBatch, worker: _Worker) -> set[int]:
    """Processes the jobs of one endpoint. An error at one endpoint does not affect other endpoints."""
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


async def _deliver(group: EndpointBatch, worker: _Worker) -> set[int]:
    endpoint, health = group.endpoint, group.health
    wanted = await asyncio.to_thread(still_due, group.wanted)
    if not wanted:
        return set()
    if endpoint is None or not endpoint.active:
        current, failed = await asyncio.to_thread(read_stored, wanted)
        await asyncio.to_thread(_cancel, endpoint, [one.held for one in current])
        return failed
    if breaker.is_slow(health) and not worker.slow:
        await asyncio.to_thread(_hand_over, wanted)
        return set()
    wanted = await asyncio.to_thread(_keep_pace, group, endpoint, wanted, worker)
    if not wanted:
        return set()
    if health.waiting or (breaker.needs_slot(health) and breaker.is_open(health)):
        return await _park(group, endpoint, wanted, worker)
    slots: HeldSlots | None = None
    if breaker.needs_slot(health):
        try:
            slots = await asyncio.to_thread(breaker.take_slots, group.receiver, endpoint.timeout_ms, health)
        except DeferredError:
            return await _park(group, endpoint, wanted, worker)
    return await _send_all(group, endpoint, wanted, slots, worker)


async def _send_all(
    group: EndpointBatch, endpoint: Endpoint, wanted: Sequence[BatchJob], slots: HeldSlots | None, worker: _Worker
) -> set[int]:
    tally, after = BatchResults(), group.health
    sending = EndpointSender(endpoint, group.health, tally, worker.sender, worker.slow, slots=slots is not None)
    ready: list[HeldDelivery] = []
    try:
        current, failed = await asyncio.to_thread(read_stored, wanted)
        ready = [
            one.held for one in current if not await asyncio.to_thread(delivery_order.must_wait, one.held.delivery)
        ]
        if ready:
            failed |= {one.number for one in await attempts.attempt_all(sending, ready)}
    finally:
        # Release the slots also if there was nothing to send.
        if slots:
            after = await asyncio.to_thread(slots.release_slots, tally)
        elif ready:
            after = await asyncio.to_thread(breaker.record_results, group.receiver, group.health, tally)
    if ready:
        await asyncio.to_thread(attempts.disable_if_due, endpoint, after)
    if slots and after.waiting:
        await _pull(_puller(group, worker), after)
    return failed


async def _park(group: EndpointBatch, endpoint: Endpoint, wanted: Sequence[BatchJob], worker: _Worker) -> set[int]:
    """Parks the jobs' attempts in the table, and sends parked attempts if no other worker does."""
    known, failed = [one for one in wanted if one.parked], set[int]()
    if len(known) < len(wanted):
        current, failed = await asyncio.to_thread(read_stored, [one for one in wanted if not one.parked])
        known += current
    if known:
        parked = [one.parked for one in known if one.parked]
        unstored = [one.delivery for one in known if one.delivery and not one.stored]
        health = await asyncio.to_thread(parking.park_attempts, endpoint.id, parked, unstored)
        await _pull(_puller(group, worker), health)
    return failed


def _puller(group: EndpointBatch, worker: _Worker, *, woken: bool = False) -> ParkedSender:
    return ParkedSender(
        receiver=group.receiver,
        endpoint_id=group.endpoint_id,
        timeout_ms=group.endpoint.timeout_ms if group.endpoint else settings.MAX_TIMEOUT_MS,
        slow=worker.slow,
        sender=worker.sender,
        began=worker.began,
        woken=woken,
    )


async def _pull(puller: ParkedSender, health: ReceiverHealth) -> None:
    """Sends parked attempts. After a fault of ours, the wake-up sends them later: all of them are in the table."""
    try:
        await puller.send_parked(health)
    except Exception:  # noqa: BLE001 the attempts are parked, and a wake-up is arranged
        telemetry.logger().exception("parked attempts not sent", extra={"endpoint_id": puller.endpoint_id})


async def _wake(group: EndpointBatch, job: WakeReceiver, worker: _Worker) -> None:
    if job.at and group.health.wake_at != job.at and not group.health.waiting:
        # Another wake-up replaced this one, or this one ran before.
        telemetry.log_skip("nothing is parked", receiver=group.receiver.id)
    elif breaker.is_slow(group.health) and not worker.slow:
        await asyncio.to_thread(queues.send_messages, [job.to_message(queue=SLOW_QUEUE)])
    else:
        await _puller(group, worker, woken=True).send_parked(group.health)
        await asyncio.to_thread(parking.arrange_next_wake_up, job)


def _keep_pace(group: EndpointBatch, endpoint: Endpoint, wanted: list[BatchJob], worker: _Worker) -> list[BatchJob]:
    """Counts first attempts at the endpoint's host, and puts them off above its pace. Returns the other jobs."""
    first = [one for one in wanted if not one.stored and host_pace.may_be_put_off(one.job)]
    seconds = host_pace.find_delay_seconds(group.receiver.org_id, endpoint.url, len(first)) if first else 0
    if not seconds:
        return wanted
    telemetry.emit_metric("WebhookPutOff", len(first))
    queue = SLOW_QUEUE if worker.slow else None
    queues.send_messages(one.job.to_message(delay=seconds, queue=queue) for one in first)
    return [one for one in wanted if one not in first]


def _hand_over(wanted: Sequence[BatchJob]) -> None:
    """Hands the attempts over to the workers for slow endpoints."""
    jobs = [one.job.model_copy(update={"made": None}) if one.stored else one.job for one in wanted]
    queues.send_messages(job.to_message(queue=SLOW_QUEUE) for job in jobs)


def _cancel(endpoint: Endpoint | None, held: Sequence[HeldDelivery]) -> None:
    if endpoint is None:
        # Nobody can read the deliveries of a deleted webhook, so do not store new ones.
        telemetry.logger().info("webhook deleted", extra={"deliveries": [one.delivery.id for one in held]})
        held = [one for one in held if one.stored]
    moves.cancel_deliveries(held, CancelReason.DELETED if endpoint is None else CancelReason.DISABLED)
