"""The sender: takes a batch of jobs, sends many at once, and records every attempt.

Killed anywhere it loses nothing: a job comes back, and either its attempt was recorded, which it finds, or it was not,
and the same body goes out again under the same id.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING, Any, Protocol

from switchboard import telemetry
from switchboard.aws import clock, queue, table
from switchboard.aws.table import ConditionFailedError, Writes, commit
from switchboard.events import service as events
from switchboard.events.models import Actor, Subject, Work
from switchboard.timers import service as timers
from switchboard.webhooks import breaker, dispatch, retry_after, schedule, service, signing, store
from switchboard.webhooks.breaker import Deferred, Tally
from switchboard.webhooks.jobs import DeliverWebhook
from switchboard.webhooks.models import Attempt, Delivery, Endpoint, Health, Status

if TYPE_CHECKING:
    from switchboard.outbound.client import Answer, Client

SLOW_QUEUE = "slow-deliveries"
#: What waits for its predecessor goes ahead when that has failed so often, about five minutes on.
HELD_FOR_TRIES = 3
_GONE = 410
#: Answers by which a receiver says that it is away, not that it minds this delivery.
_DOWN = frozenset({429, 502, 503, 504})
_MAX_RESPONSE = 2_048
USER_AGENT = "Switchboard-Webhooks/1"


class Sender(Protocol):
    """Posts a body (switchboard.outbound.client)."""

    async def post(self, url: str, headers: Mapping[str, str], body: bytes, seconds: float) -> Answer: ...


@dataclass(slots=True)
class _Job:
    number: int
    delivery: Delivery


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What came of an attempt. `down` says that the endpoint is away, `gone` that it wants nothing more."""

    attempt: Attempt
    body: str | None = None
    retry_after: int | None = None
    down: bool = False
    gone: bool = False

    @property
    def succeeded(self) -> bool:
        """A 2xx, and nothing else."""
        return self.attempt.status is not None and 200 <= self.attempt.status < 300


def deliver(jobs: Sequence[DeliverWebhook], *, slow: bool = False, sender: Sender | None = None) -> set[int]:
    """Do a batch of jobs. Answers the places of those that failed through our own fault, for the queue to bring again.

    `slow` says that this is a worker for slow endpoints, which the others leave to it.
    """
    return _loop().run(_batch(jobs, slow, sender or client()))


@cache
def _loop() -> asyncio.Runner:
    # One for the process, so that connections stay open from batch to batch.
    return asyncio.Runner()


@cache
def _opened() -> Client:
    from switchboard.outbound.client import Client

    return Client()


#: What posts. Tests replace it.
client: Callable[[], Sender] = _opened


def forget() -> None:
    """Close the connections, for tests."""
    if _loop.cache_info().currsize:
        with _loop() as loop:
            if _opened.cache_info().currsize:
                loop.run(_opened().close())
    _loop.cache_clear()
    _opened.cache_clear()


async def _batch(batch: Sequence[DeliverWebhook], slow: bool, sender: Sender) -> set[int]:
    places = [(job.org_id, job.delivery_id) for job in batch]
    found = await asyncio.to_thread(store.get_deliveries, list(dict.fromkeys(places)))
    known = {(one.org_id, one.id): one for one in found if one}
    by_endpoint: dict[tuple[str, str], list[_Job]] = {}
    failed: set[int] = set()
    for number, (place, job) in enumerate(zip(places, batch, strict=True)):
        delivery = known.pop(place, None)
        if delivery is None:
            continue  # erased, or the batch holds the job twice
        if delivery.status is not Status.PENDING or delivery.attempts + 1 != job.attempt:
            # It was done: what waits for it may have been left behind by whoever did it.
            await asyncio.to_thread(_release, delivery)
            continue
        by_endpoint.setdefault((delivery.org_id, delivery.endpoint_id), []).append(_Job(number, delivery))
    endpoints = await asyncio.to_thread(store.with_health, list(by_endpoint))
    groups = [_group(*endpoints[place], jobs, slow, sender) for place, jobs in by_endpoint.items()]
    for done in await asyncio.gather(*groups):
        failed |= done
    return failed


async def _group(endpoint: Endpoint | None, health: Health, jobs: list[_Job], slow: bool, sender: Sender) -> set[int]:
    """Do the jobs of one endpoint. One endpoint's fault is no other's."""
    try:
        if endpoint is None or not endpoint.active:
            reason = "the webhook was deleted" if endpoint is None else "the webhook is disabled"
            for job in jobs:
                await asyncio.to_thread(_cancel, job.delivery, reason)
            return set()
        if breaker.is_slow(health) and not slow:
            await asyncio.to_thread(_put_off, [job.delivery for job in jobs], 0, SLOW_QUEUE)
            return set()
        return await _send_all(endpoint, health, [job for job in jobs if not await _waits(job.delivery)], slow, sender)
    except Exception:  # noqa: BLE001 the queue brings them again
        telemetry.logger().exception("webhook batch failed", extra={"endpoint_id": endpoint.id if endpoint else None})
        return {job.number for job in jobs}


async def _waits(delivery: Delivery) -> bool:
    """Whether a delivery has to wait for the one before it; if so that one sends it off when it is done."""
    if not delivery.follows:
        return False
    return await asyncio.to_thread(_held, delivery)


def _held(delivery: Delivery) -> bool:
    assert delivery.follows
    while True:
        first = store.get_delivery(delivery.org_id, delivery.follows)
        if first is None or first.status is not Status.PENDING or first.tries >= HELD_FOR_TRIES:
            return False
        try:
            store.wait_for(first, delivery)
        except ConditionFailedError:
            continue  # it was tried meanwhile: look again
        return True


async def _send_all(endpoint: Endpoint, health: Health, jobs: list[_Job], slow: bool, sender: Sender) -> set[int]:
    if not jobs:
        return set()
    try:
        slot = await asyncio.to_thread(breaker.take, endpoint, health)
    except Deferred as deferred:
        name = SLOW_QUEUE if slow else DeliverWebhook.queue
        await asyncio.to_thread(_put_off, [job.delivery for job in jobs], deferred.seconds, name)
        return set()
    tally = Tally()
    results = await asyncio.gather(
        *(_one(endpoint, job.delivery, tally, sender) for job in jobs), return_exceptions=True
    )
    after = await asyncio.to_thread(slot.give_back, tally)
    await asyncio.to_thread(_disable_if_due, endpoint, after)
    failed = set()
    for job, result in zip(jobs, results, strict=True):
        if isinstance(result, Exception):
            telemetry.logger().error("attempt not recorded", exc_info=result, extra={"delivery_id": job.delivery.id})
            failed.add(job.number)
        elif isinstance(result, BaseException):
            raise result
    return failed


async def _one(endpoint: Endpoint, delivery: Delivery, tally: Tally, sender: Sender) -> None:
    outcome = await _attempt(endpoint, delivery, sender)
    tally.note(succeeded=outcome.succeeded, down=outcome.down, milliseconds=outcome.attempt.milliseconds)
    await asyncio.to_thread(_record, endpoint, delivery, outcome)


async def _attempt(endpoint: Endpoint, delivery: Delivery, sender: Sender) -> _Outcome:
    from switchboard.outbound.client import NotSent

    number, at, started = delivery.attempts + 1, clock.stamp(), clock.epoch()
    # What fails here is our own fault and no attempt: the queue brings the job again.
    headers, body = _headers(endpoint, delivery), delivery.body.encode()
    try:
        answer = await sender.post(endpoint.url, headers, body, endpoint.timeout_ms / 1000)
        attempt = Attempt(number=number, at=at, status=answer.status, milliseconds=answer.milliseconds)
    except NotSent as error:
        reason = error.reason
    except Exception:  # noqa: BLE001 the receiver may have caused it, and has the body: the attempt is recorded
        telemetry.logger().exception("answer not understood", extra={"delivery_id": delivery.id})
        reason = "the answer could not be read"
    else:
        return _interpreted(attempt, answer)
    taken = round((clock.epoch() - started) * 1000)
    return _Outcome(Attempt(number=number, at=at, milliseconds=taken, error=reason), down=True)


def _interpreted(attempt: Attempt, answer: Answer) -> _Outcome:
    """An attempt with its meaning. Where the answer cannot be understood its status alone counts: it never raises."""
    outcome = _Outcome(attempt, down=attempt.status in _DOWN, gone=attempt.status == _GONE)
    try:
        return replace(
            outcome,
            body=answer.body[:_MAX_RESPONSE].decode(errors="replace") or None,
            retry_after=_seconds(answer.headers.get("retry-after")),
        )
    except Exception:  # noqa: BLE001 a receiver's words keep no attempt from being recorded
        telemetry.logger().exception("answer not understood", extra={"attempt": attempt.number})
        return outcome


def _headers(endpoint: Endpoint, delivery: Delivery) -> dict[str, str]:
    return {
        **service.custom_headers(endpoint),
        "content-type": "application/json",
        "user-agent": USER_AGENT,
        "webhook-sequence": str(delivery.sequence),
        **signing.headers(endpoint, delivery),
    }


def _seconds(text: str | None) -> int | None:
    """The wait that Retry-After asks for."""
    return retry_after.seconds(text, clock.now())


def _record(endpoint: Endpoint, delivery: Delivery, outcome: _Outcome) -> None:
    """Record an attempt, and set the next one's timer with it. One that was recorded before stays as it is."""
    facts: dict[str, Any] = {"response_body": outcome.body, "error": _error(outcome), "next_attempt_at": None}
    parts: list[Writes] = []
    if outcome.succeeded:
        status = Status.SUCCEEDED
    else:
        wait = None if outcome.gone else schedule.next_wait(endpoint, delivery, outcome.retry_after)
        status = Status.FAILED if wait is None else Status.PENDING
        if wait is not None:
            due = clock.now() + wait
            facts["next_attempt_at"] = clock.iso(due)
            parts.append(timers.later(dispatch.attempt_of(delivery, after=2), due).write)
        else:
            parts.append(_exhausted(endpoint, delivery, outcome))
    if status is not Status.PENDING:
        facts["completed_at"] = clock.stamp()
    change = store.attempted(delivery, outcome.attempt, status, facts)
    try:
        now = store.read_delivery(table.write(change) or {}) if not parts else _committed(delivery, change, parts)
    except ConditionFailedError:
        return
    telemetry.metric("WebhookAttempt", Outcome=status.value)
    _release(now)
    if outcome.gone:
        service.disable(endpoint, "gone", "the endpoint answered 410")


def _committed(delivery: Delivery, change: Any, parts: list[Writes]) -> Delivery:
    commit(change, parts)
    found = store.get_delivery(delivery.org_id, delivery.id)
    assert found is not None
    return found


def _error(outcome: _Outcome) -> str | None:
    if outcome.succeeded:
        return None
    return outcome.attempt.error or f"answered {outcome.attempt.status}"


def _exhausted(endpoint: Endpoint, delivery: Delivery, outcome: _Outcome) -> Writes:
    event = events.of(
        _origin(delivery),
        "webhook.exhausted",
        Subject(type="webhook_delivery", id=delivery.id),
        webhook_id=endpoint.id,
        told=delivery.event,
        attempts=outcome.attempt.number,
        status=outcome.attempt.status,
    )
    # What tells of failed deliveries is not told of itself, or one dead endpoint would have us talk for ever.
    return None if delivery.event.startswith("webhook.") else events.record(event)


def _origin(delivery: Delivery) -> Work:
    return Work(
        org_id=delivery.org_id,
        actor=Actor(type="system", id="webhooks"),
        agent_id=None,
        correlation_id=delivery.correlation_id,
    )


def _release(delivery: Delivery) -> None:
    """Send off what waits for a delivery that is over, or has failed often enough."""
    if not delivery.successor:
        return
    if delivery.status is Status.PENDING and delivery.tries < HELD_FOR_TRIES:
        return
    waiting = store.get_delivery(delivery.org_id, delivery.successor)
    if waiting and waiting.status is Status.PENDING:
        queue.send([dispatch.attempt_of(waiting).message()])


def _cancel(delivery: Delivery, reason: str) -> None:
    try:
        changed = table.write(store.cancel(delivery, reason, clock.stamp()))
    except ConditionFailedError:
        return
    _release(store.read_delivery(changed or {}))


def _put_off(deliveries: list[Delivery], seconds: int, name: str) -> None:
    queue.send([dispatch.attempt_of(delivery).message(delay=seconds, queue=name) for delivery in deliveries])


def _disable_if_due(endpoint: Endpoint, health: Health) -> None:
    if health.failing_since and clock.now() - clock.parse(health.failing_since) >= service.DISABLED_AFTER:
        service.disable(endpoint, "failing", "five days of failure only")
