"""The sender: takes a batch of jobs, sends many at once, and records every attempt.

Killed anywhere it loses nothing: a job comes back, and either its attempt was recorded, which it finds, or it was not,
and the same body goes out again under the same id.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from math import ceil
from typing import TYPE_CHECKING, Any, Protocol

from switchboard import telemetry
from switchboard.aws import clock, table
from switchboard.aws.table import ConditionFailedError, Item
from switchboard.webhooks import breaker, delivery_store, recording, retry_after, service, settings, signing, store
from switchboard.webhooks.breaker import Deferred, Slot, Tally
from switchboard.webhooks.jobs import DeliverWebhook
from switchboard.webhooks.models import Attempt, Delivery, Endpoint, Health, Reason, Status
from switchboard.webhooks.recording import HELD_FOR_TRIES, Held, Outcome

if TYPE_CHECKING:
    from switchboard.outbound.client import Answer, Client

SLOW_QUEUE = "slow-deliveries"
_GONE = 410
#: Answers by which a receiver says that it is away, not that it minds this delivery.
_DOWN = frozenset({429, 502, 503, 504})
_MAX_RESPONSE = 2_048
USER_AGENT = "Switchboard-Webhooks/1"


class Sender(Protocol):
    """Posts a body (switchboard.outbound.client)."""

    async def post(self, url: str, headers: Mapping[str, str], body: bytes, seconds: float) -> Answer: ...


@dataclass(frozen=True, slots=True)
class _Group:
    """What a batch has for one endpoint, and how that stands."""

    endpoint: Endpoint | None
    health: Health
    held: list[Held]


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
    """Close the connections, and drop what was derived and unsealed, for tests."""
    signing.forget()
    settings.forget()
    if _loop.cache_info().currsize:
        with _loop() as loop:
            if _opened.cache_info().currsize:
                loop.run(_opened().close())
    _loop.cache_clear()
    _opened.cache_clear()


async def _batch(batch: Sequence[DeliverWebhook], slow: bool, sender: Sender) -> set[int]:
    groups, over, failed = await asyncio.to_thread(_read, batch)
    for delivery in over:
        if delivery.successor:
            # The worker that made this attempt may have been stopped before it came to what waits for it.
            await asyncio.to_thread(recording.release, delivery.org_id, delivery.id)
    for done in await asyncio.gather(*(_one_group(group, slow, sender) for group in groups)):
        failed |= done
    return failed


def _read(batch: Sequence[DeliverWebhook]) -> tuple[list[_Group], list[Delivery], set[int]]:
    """What the jobs are about, in one request: by endpoint; those that are done; and the places of the unreadable."""
    keys = [
        place
        for job in batch
        for place in (
            ("activity", delivery_store.key(job.org_id, job.delivery_id)),
            ("core", store.endpoint_key(job.org_id, job.endpoint_id)),
            ("core", store.health_key(job.org_id, job.endpoint_id)),
        )
    ]
    items = table.get_across(keys)
    groups: dict[tuple[str, str], _Group] = {}
    over: list[Delivery] = []
    failed: set[int] = set()
    seen: set[tuple[str, str]] = set()
    for number, job in enumerate(batch):
        if (job.org_id, job.delivery_id) in seen:
            continue
        seen.add((job.org_id, job.delivery_id))
        try:
            _sort(number, job, items[3 * number : 3 * number + 3], groups, over)
        except ValueError:
            telemetry.logger().exception("not readable", extra={"delivery_id": job.delivery_id})
            failed.add(number)
    return list(groups.values()), over, failed


def _sort(
    number: int,
    job: DeliverWebhook,
    items: Sequence[Item | None],
    groups: dict[tuple[str, str], _Group],
    over: list[Delivery],
) -> None:
    item, endpoint, health = items
    delivery = delivery_store.read(item) if item else job.made
    if delivery is None:
        telemetry.logger().info("no such delivery", extra={"delivery_id": job.delivery_id})
    elif delivery.status is not Status.PENDING or delivery.attempts + 1 != job.attempt:
        over.append(delivery)
    else:
        place = (job.org_id, job.endpoint_id)
        if place not in groups:
            known = store.ENDPOINTS.read(endpoint) if endpoint else None
            groups[place] = _Group(known, store.read_health(health), [])
        groups[place].held.append(Held(number, delivery, stored=item is not None))


async def _one_group(group: _Group, slow: bool, sender: Sender) -> set[int]:
    """Do the jobs of one endpoint. One endpoint's fault is no other's."""
    endpoint, health, held = group.endpoint, group.health, group.held
    try:
        if endpoint is None or not endpoint.active:
            await asyncio.to_thread(_cancel, endpoint, held)
            return set()
        if breaker.is_slow(health) and not slow:
            await asyncio.to_thread(recording.hand_over, held, SLOW_QUEUE)
            return set()
        ready = [one for one in held if not await _waits(one.delivery)]
        return await _send_all(endpoint, health, ready, slow, sender) if ready else set()
    except Exception:  # noqa: BLE001 the queue brings them again
        telemetry.logger().exception("webhook batch failed", extra={"endpoint_id": endpoint.id if endpoint else None})
        return {one.number for one in held}


def _cancel(endpoint: Endpoint | None, held: Sequence[Held]) -> None:
    if endpoint is None:
        # Nobody can look at what was to be sent to it: what is not stored yet is not stored any more.
        telemetry.logger().info("webhook deleted", extra={"deliveries": [one.delivery.id for one in held]})
        held = [one for one in held if one.stored]
    reason = Reason.DELETED if endpoint is None else Reason.DISABLED
    recording.record([recording.canceled(one, reason) for one in held])
    for one in held:
        if one.stored:
            recording.release(one.delivery.org_id, one.delivery.id)


async def _waits(delivery: Delivery) -> bool:
    """Whether a delivery has to wait for the one before it; if so that one sends it off when it is done."""
    if not delivery.follows:
        return False
    return await asyncio.to_thread(_wait_for_first, delivery)


def _wait_for_first(delivery: Delivery) -> bool:
    assert delivery.follows
    while True:
        first = delivery_store.get(delivery.org_id, delivery.follows)
        if first is None or first.status is not Status.PENDING or first.tries >= HELD_FOR_TRIES:
            return False
        try:
            delivery_store.wait_for(first, delivery)
        except ConditionFailedError:
            continue  # it was tried meanwhile: look again
        return True


async def _send_all(endpoint: Endpoint, health: Health, held: list[Held], slow: bool, sender: Sender) -> set[int]:
    slot: Slot | None = None
    if breaker.needs_slot(health):
        try:
            slot = await asyncio.to_thread(breaker.take, endpoint, health)
        except Deferred as deferred:
            name = SLOW_QUEUE if slow else DeliverWebhook.queue
            await asyncio.to_thread(_put_off, endpoint, held, deferred.seconds, name)
            return set()
    tally = Tally()
    failed = await _attempt_all(endpoint, held, slot, tally, partial(_attempt, endpoint, slow=slow, sender=sender))
    after = await asyncio.to_thread(slot.give_back if slot else partial(breaker.note, endpoint, health), tally)
    await asyncio.to_thread(_disable_if_due, endpoint, after)
    return failed


def _put_off(endpoint: Endpoint, held: Sequence[Held], seconds: int, queue_name: str) -> None:
    late = recording.put_off(endpoint, held, seconds, queue_name)
    recording.release_all(endpoint, [move.held for move in late])


class _StillWaitingError(Exception):
    """The endpoint took longer than a worker waits that is not for slow ones. It has the body, and more time left."""

    def __init__(self, seconds_left: float) -> None:
        super().__init__(f"{seconds_left:g} s left")
        self.seconds_left = seconds_left


async def _attempt_all(
    endpoint: Endpoint,
    held: list[Held],
    slot: Slot | None,
    tally: Tally,
    attempt: Callable[[Delivery], Coroutine[Any, Any, Outcome]],
) -> set[int]:
    """Attempt all at once, and record together what was answered soon; the rest as it comes in."""
    failed: set[int] = set()
    tasks = {asyncio.ensure_future(attempt(one.delivery)): one for one in held}
    done, waiting = await asyncio.wait(tasks, timeout=breaker.WARY_SECONDS)
    if waiting and slot is None:
        await asyncio.to_thread(breaker.be_wary, endpoint)
    while True:
        failed |= await _settle(endpoint, [(tasks[task], task) for task in done], tally)
        if not waiting:
            return failed
        done, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)


async def _settle(endpoint: Endpoint, done: Sequence[tuple[Held, asyncio.Future[Outcome]]], tally: Tally) -> set[int]:
    """Record attempts. Returns the places of those that could not be made, or not be recorded."""
    made: list[tuple[Held, Outcome]] = []
    failed: list[Held] = []
    cut: list[Held] = []
    seconds_left = 0.0
    for one, task in done:
        error = task.exception()
        if error is None:
            outcome = task.result()
            tally.note(
                succeeded=outcome.succeeded,
                down=outcome.down,
                milliseconds=outcome.attempt.milliseconds,
                answered=outcome.attempt.status is not None,
            )
            made.append((one, outcome))
        elif isinstance(error, _StillWaitingError):
            tally.hung = True
            seconds_left = error.seconds_left
            cut.append(one)
        elif isinstance(error, Exception):
            telemetry.logger().error("attempt not made", exc_info=error, extra={"delivery_id": one.delivery.id})
            failed.append(one)
        else:
            raise error
    try:
        await asyncio.to_thread(_record, endpoint, made, failed)
    except Exception:  # noqa: BLE001 the queue brings them again
        telemetry.logger().exception("attempts not recorded", extra={"endpoint_id": endpoint.id})
        failed += [one for one, _ in made]
    try:
        # No failure is counted. The body comes again under its id when the time that its owner set would be over.
        if cut:
            await asyncio.to_thread(_put_off, endpoint, cut, ceil(seconds_left), SLOW_QUEUE)
    except Exception:  # noqa: BLE001 the queue brings them again
        telemetry.logger().exception("not left to the slow workers", extra={"endpoint_id": endpoint.id})
        failed += cut
    return {one.number for one in failed}


def _record(endpoint: Endpoint, made: Sequence[tuple[Held, Outcome]], failed: Sequence[Held]) -> None:
    moves = recording.record([recording.attempted(endpoint, one, outcome) for one, outcome in made])
    recording.count(moves)
    # Those that another worker recorded, too: it may have been stopped before it came to this.
    recording.release_all(endpoint, [one for one, _ in made])
    if any(outcome.gone for _, outcome in made):
        service.disable(endpoint, "gone", "the endpoint answered 410")
    recording.store(failed)


async def _attempt(endpoint: Endpoint, delivery: Delivery, *, slow: bool, sender: Sender) -> Outcome:
    from switchboard.outbound.client import NotSent, TimedOut

    whole = endpoint.timeout_ms / 1000
    seconds = whole if slow else min(whole, breaker.FAST_SECONDS)

    number, at, started = delivery.attempts + 1, clock.stamp(), clock.epoch()
    # What fails here is our own fault and no attempt: the queue brings the job again.
    headers, body = _headers(endpoint, delivery), delivery.body.encode()
    try:
        answer = await sender.post(endpoint.url, headers, body, seconds)
        attempt = Attempt(number=number, at=at, status=answer.status, milliseconds=answer.milliseconds)
    except NotSent as error:
        if isinstance(error, TimedOut) and seconds < whole:
            raise _StillWaitingError(whole - seconds) from error
        reason = error.reason
    except Exception:  # noqa: BLE001 the receiver may have caused it, and has the body: the attempt is recorded
        telemetry.logger().exception("answer not understood", extra={"delivery_id": delivery.id})
        reason = "the answer could not be read"
    else:
        return _interpreted(attempt, answer)
    taken = round((clock.epoch() - started) * 1000)
    return Outcome(Attempt(number=number, at=at, milliseconds=taken, error=reason), down=True)


def _interpreted(attempt: Attempt, answer: Answer) -> Outcome:
    """An attempt with its meaning. Where the answer cannot be understood its status alone counts: it never raises."""
    body, wait = None, None
    try:
        body = answer.body[:_MAX_RESPONSE].decode(errors="replace") or None
        wait = _seconds(answer.headers.get("retry-after"))
    except Exception:  # noqa: BLE001 a receiver's words keep no attempt from being recorded
        telemetry.logger().exception("answer not understood", extra={"attempt": attempt.number})
    status = attempt.status
    return Outcome(attempt, body=body, retry_after=wait, down=status in _DOWN, gone=status == _GONE)


def _headers(endpoint: Endpoint, delivery: Delivery) -> dict[str, str]:
    return {
        **settings.custom_headers(endpoint),
        "content-type": "application/json",
        "user-agent": USER_AGENT,
        "webhook-sequence": str(delivery.sequence),
        **signing.headers(endpoint, delivery),
    }


def _seconds(text: str | None) -> int | None:
    """The wait that Retry-After asks for."""
    return retry_after.seconds(text, clock.now())


def _disable_if_due(endpoint: Endpoint, health: Health) -> None:
    if service.is_failing(endpoint, health):
        service.disable(endpoint, "failing", "five days of failure only")
