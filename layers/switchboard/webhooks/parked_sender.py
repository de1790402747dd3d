"""Sends parked attempts: one worker has a receiver's turn, and uses all free slots.

The worker takes the oldest attempts, ten for each slot, and sends them concurrently. It repeats this until nothing is
parked or its time is over; then a wake-up continues. It holds the turn by a lease that each round extends. After it
releases the turn, it looks once more, because another worker may have parked an attempt while the turn was held.

A round that sends nothing also checks the time and extends the lease. A disabled endpoint may have a long line of
attempts, and the same batch holds jobs of other organizations.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from switchboard import telemetry
from switchboard.aws import queues
from switchboard.kit import clock
from switchboard.webhooks import (
    attempts,
    breaker,
    delivery_order,
    delivery_store,
    health_store,
    moves,
    parking,
    parking_store,
    store,
)
from switchboard.webhooks.attempts import SLOW_QUEUE, EndpointSender, Sender
from switchboard.webhooks.breaker import BatchResults, DeferredError, HeldSlots
from switchboard.webhooks.jobs import DeliverWebhook, WakeReceiver
from switchboard.webhooks.models import CancelReason, DeliveryStatus, Endpoint, ReceiverHealth
from switchboard.webhooks.moves import HeldDelivery
from switchboard.webhooks.parking_store import ParkedAttempt
from switchboard.webhooks.receivers import WebhookReceiver

#: How many attempts one slot sends at once.
ATTEMPTS_PER_SLOT = 10
#: How many attempts are read at once after a round that sent nothing: canceled attempts need no slot.
ATTEMPTS_PER_SWEEP = 100
#: How long a worker starts further rounds, in seconds. A shared worker stops early for other organizations' jobs.
_FAST_TURN, _SLOW_TURN = 5.0, 30.0
#: The function's timeout in seconds, less a margin for the work after the last responses.
_WHOLE_TIME = 65.0
#: How many waiting attempts are checked for an ended schedule while the breaker is open: attempts a page, and pages.
_LATE_AT_ONCE, _LATE_PAGES = 25, 20
#: After how many seconds an attempt is repeated that failed because of our own fault.
_AFTER_FAULT = 60


@dataclass(frozen=True, slots=True)
class ParkedSender:
    """A worker that may send the parked attempts of a receiver. `endpoint_id` is any endpoint of the receiver.

    `began` is the start of its invocation, in seconds since 1970. With `woken`, it also gives up deliveries whose
    schedule has ended; only wake-ups do so, because this is enough.
    """

    receiver: WebhookReceiver
    endpoint_id: str
    timeout_ms: int
    slow: bool
    sender: Sender
    began: float
    woken: bool = False

    @property
    def _has_time(self) -> bool:
        spent = clock.epoch() - self.began
        turn = _SLOW_TURN if self.slow else _FAST_TURN
        return spent < turn and spent + attempts.seconds_for(self.timeout_ms, self.slow) < _WHOLE_TIME

    async def send_parked(self, health: ReceiverHealth) -> None:
        """Sends the receiver's parked attempts, as far as its health and the worker's time allow."""
        while True:
            if breaker.is_slow(health) and not self.slow:
                await asyncio.to_thread(self._send_wake_up, SLOW_QUEUE)
                return
            if not self._has_time:
                await asyncio.to_thread(self._send_wake_up, None)
                return
            try:
                slots = await asyncio.to_thread(self._take_turn, health)
            except DeferredError as deferred:
                telemetry.log_skip("another worker has the turn, or the receiver is down", receiver=self.receiver.id)
                await asyncio.to_thread(self._leave_attempts, deferred.health)
                return
            after = await self._send_rounds(slots)
            if after is None:
                return
            health = after

    def _take_turn(self, health: ReceiverHealth) -> HeldSlots:
        return breaker.take_slots(self.receiver, self.timeout_ms, health, turn=True)

    def _send_wake_up(self, queue_name: str | None) -> None:
        job = WakeReceiver(org_id=self.receiver.org_id, endpoint_id=self.endpoint_id)
        queues.send_messages([job.to_message(queue=queue_name or (SLOW_QUEUE if self.slow else None))])

    def _leave_attempts(self, health: ReceiverHealth) -> None:
        """Leaves parked attempts to the worker that holds the turn or the slots, or until the breaker closes."""
        if self.woken and breaker.is_open(health):
            late = parking_store.oldest_attempts(self.receiver, _LATE_AT_ONCE * _LATE_PAGES)
            fail_expired_attempts(late, lambda: self._has_time)
        parking.arrange_wake_up(self.receiver, self.endpoint_id, health)

    async def _send_rounds(self, slots: HeldSlots) -> ReceiverHealth | None:
        """Sends in rounds. Returns the health if the turn may be taken again, `None` if the work is over."""
        sent: list[Endpoint] | None = None
        while True:
            room = ATTEMPTS_PER_SLOT * len(slots.lease.numbers)
            look_at = ATTEMPTS_PER_SWEEP if sent == [] else room
            parked = await asyncio.to_thread(parking_store.oldest_attempts, slots.receiver, look_at)
            if not parked:
                return await asyncio.to_thread(self._release_turn, slots)
            tally = BatchResults()
            sent = await self._send_round(parked, room, slots, tally)
            if not await asyncio.to_thread(slots.extend_lease, tally):
                telemetry.logger().warning("the turn's lease ended early", extra={"receiver": slots.receiver.id})
                return None
            for endpoint in sent:
                await asyncio.to_thread(attempts.disable_if_due, endpoint, slots.health)
            hands_over = breaker.is_slow(slots.health) and not self.slow
            if breaker.is_open(slots.health) or hands_over or not self._has_time:
                return await asyncio.to_thread(slots.release_slots, BatchResults())

    def _release_turn(self, slots: HeldSlots) -> ReceiverHealth | None:
        """Releases the turn, and look again: a worker that parked an attempt meanwhile may have seen the turn held."""
        health = slots.release_slots(BatchResults())
        if parking_store.oldest_attempts(slots.receiver, 1):
            return health
        if health.waiting and not health_store.clear_waiting(slots.receiver, health.waiting):
            return health_store.get_health(slots.receiver)
        return None

    async def _send_round(
        self, parked: Sequence[ParkedAttempt], room: int, slots: HeldSlots, tally: BatchResults
    ) -> list[Endpoint]:
        """Sends the oldest attempts, at most `room`, and deletes parked attempts that are not due any more.

        Returns the endpoints that were sent to.
        """
        ready = _oldest(await asyncio.to_thread(sendable_attempts, parked), room)
        sendings = [
            (EndpointSender(endpoint, slots.health, tally, self.sender, self.slow, slots=True), held)
            for endpoint, held in ready
        ]
        for failed in await asyncio.gather(*(attempts.attempt_all(*one) for one in sendings)):
            if failed:
                # A failed attempt must not delay the attempts after it. Its own job counts the failures.
                name = SLOW_QUEUE if self.slow else DeliverWebhook.queue
                await asyncio.to_thread(moves.send_later, failed, _AFTER_FAULT, name)
        return [endpoint for endpoint, _ in ready]


def sendable_attempts(parked: Sequence[ParkedAttempt]) -> list[tuple[Endpoint, list[HeldDelivery]]]:
    """Returns the parked attempts that may be sent, by endpoint.

    Deletes the others: attempts that are over, that wait for a predecessor, or whose endpoint is not active.
    """
    org_id = parked[0].org_id
    places = list(dict.fromkeys((org_id, one.endpoint_id) for one in parked))
    endpoints = store.get_endpoints(places)
    over: list[ParkedAttempt] = []
    canceled: dict[CancelReason, list[HeldDelivery]] = {}
    ready: dict[str, list[HeldDelivery]] = {}
    deliveries = delivery_store.get_deliveries([(org_id, one.delivery_id) for one in parked])
    # An event that was dispatched twice created its delivery at two times, and so parked it at two places.
    seen: set[str] = set()
    for number, (one, delivery) in enumerate(zip(parked, deliveries, strict=True)):
        is_due = (
            delivery is not None and delivery.status is DeliveryStatus.PENDING and delivery.attempts + 1 == one.attempt
        )
        if delivery is None or not is_due or delivery.id in seen:
            telemetry.log_skip("the parked attempt is over", org_id=org_id, delivery_id=one.delivery_id)
            over.append(one)
            continue
        seen.add(delivery.id)
        held = HeldDelivery(number, delivery, parked=one)
        endpoint = endpoints.get((org_id, one.endpoint_id))
        if endpoint is None:
            canceled.setdefault(CancelReason.DELETED, []).append(held)
        elif not endpoint.active:
            canceled.setdefault(CancelReason.DISABLED, []).append(held)
        elif delivery_order.must_wait(delivery):
            over.append(one)
        else:
            ready.setdefault(endpoint.id, []).append(held)
    parking_store.delete_attempts(over)
    for reason, given_up in canceled.items():
        moves.cancel_deliveries(given_up, reason)
    return [(endpoints[(org_id, endpoint_id)], held) for endpoint_id, held in ready.items()]


def _oldest(
    ready: Sequence[tuple[Endpoint, list[HeldDelivery]]], room: int
) -> list[tuple[Endpoint, list[HeldDelivery]]]:
    """Returns the oldest attempts, at most `room`. The others stay parked."""
    first = set(sorted(one.number for _, held in ready for one in held)[:room])
    fitting = [(endpoint, [one for one in held if one.number in first]) for endpoint, held in ready]
    return [(endpoint, held) for endpoint, held in fitting if held]


def fail_expired_attempts(parked: Sequence[ParkedAttempt], has_time: Callable[[], bool]) -> None:
    """Gives up parked attempts whose schedule has ended, from the oldest on, while the receiver is unavailable.

    Stops when there is no more time; the next wake-up continues.
    """
    for start in range(0, len(parked), _LATE_AT_ONCE):
        if not has_time():
            return
        ready = sendable_attempts(parked[start : start + _LATE_AT_ONCE])
        late = [one for endpoint, held in ready for one in moves.fail_expired(endpoint, held)]
        if ready and not late:
            return
