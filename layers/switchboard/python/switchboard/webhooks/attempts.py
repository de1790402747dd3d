"""Attempts at one endpoint: many at once, each recorded as its answer comes in.

Record first, then interpret: nothing that a receiver says keeps its attempt from being recorded.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING, Protocol

from switchboard import telemetry
from switchboard.aws import clock
from switchboard.webhooks import breaker, parking, recording, retry_after, service, settings, signing
from switchboard.webhooks.breaker import Tally
from switchboard.webhooks.models import Attempt, Delivery, Endpoint, Health
from switchboard.webhooks.receivers import Receiver, receiver_of
from switchboard.webhooks.recording import Held, Outcome

if TYPE_CHECKING:
    from switchboard.outbound.client import Answer

#: The queue of the workers for slow endpoints.
SLOW_QUEUE = "slow-deliveries"
_GONE = 410
#: Answers by which a receiver says that it is away, not that it minds this delivery.
_DOWN = frozenset({429, 502, 503, 504})
_MAX_RESPONSE = 2_048
USER_AGENT = "Switchboard-Webhooks/1"


class Sender(Protocol):
    """Posts a body (switchboard.outbound.client)."""

    async def post(self, url: str, headers: Mapping[str, str], body: bytes, seconds: float) -> Answer: ...


class _StillWaitingError(Exception):
    """The endpoint took longer than a worker waits that is not for slow ones. It has the body, and more time left."""

    def __init__(self, seconds_left: float) -> None:
        super().__init__(f"{seconds_left:g} s left")
        self.seconds_left = seconds_left


def seconds_for(timeout_ms: int, slow: bool) -> float:
    """How long a worker waits for an answer, in seconds."""
    whole = timeout_ms / 1000
    return whole if slow else min(whole, breaker.FAST_SECONDS)


@dataclass(frozen=True, slots=True)
class Sending:
    """How one worker sends to one endpoint.

    `slow` says that it is a worker for slow endpoints: the others leave to those what takes its time. `health` is the
    receiver's as it was before, and `slots` says whether this worker holds any.
    """

    endpoint: Endpoint
    health: Health
    tally: Tally
    sender: Sender
    slow: bool
    slots: bool

    @property
    def receiver(self) -> Receiver:
        """The receiver that the endpoint belongs to."""
        return receiver_of(self.endpoint.org_id, self.endpoint.id)


async def attempt_all(sending: Sending, held: Sequence[Held]) -> list[Held]:
    """Attempt all at once, and record together what was answered soon; the rest as it comes in.

    Returns those that could not be made, or not be recorded, through our own fault.
    """
    failed: list[Held] = []
    tasks = {asyncio.ensure_future(_attempt(sending, one.delivery)): one for one in held}
    done, waiting = await asyncio.wait(tasks, timeout=breaker.WARY_SECONDS)
    if waiting and not sending.slots:
        await asyncio.to_thread(breaker.be_wary, sending.receiver)
    while True:
        failed += await _settle(sending, [(tasks[task], task) for task in done])
        if not waiting:
            return failed
        done, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)


async def _settle(sending: Sending, done: Sequence[tuple[Held, asyncio.Future[Outcome]]]) -> list[Held]:
    endpoint, tally = sending.endpoint, sending.tally
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
                delivery_id=one.delivery.id,
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
        if cut or failed or any(not outcome.succeeded for _, outcome in made):
            # Before any of them is stored as pending: it would wait for ever if its job were lost.
            await asyncio.to_thread(parking.watch, sending.receiver, endpoint.id, sending.health)
        await asyncio.to_thread(_record, endpoint, made, failed)
    except Exception:  # noqa: BLE001 the queue brings them again
        telemetry.logger().exception("attempts not recorded", extra={"endpoint_id": endpoint.id})
        failed += [one for one, _ in made]
    try:
        # No failure is counted. The body comes again under its id when the time that its owner set would be over.
        if cut:
            await asyncio.to_thread(recording.send_later, cut, ceil(seconds_left), SLOW_QUEUE)
    except Exception:  # noqa: BLE001 the queue brings them again
        telemetry.logger().exception("not left to the slow workers", extra={"endpoint_id": endpoint.id})
        failed += cut
    return failed


def _record(endpoint: Endpoint, made: Sequence[tuple[Held, Outcome]], failed: Sequence[Held]) -> None:
    moves = recording.record([recording.attempted(endpoint, one, outcome) for one, outcome in made])
    recording.count(moves)
    # Those that another worker recorded, too: it may have been stopped before it came to this.
    recording.release([one.delivery for one, _ in made])
    if any(outcome.gone for _, outcome in made):
        service.disable(endpoint, "gone", "the endpoint answered 410")
    recording.store(failed)


async def _attempt(sending: Sending, delivery: Delivery) -> Outcome:
    from switchboard.outbound.client import NotSent, TimedOut

    endpoint = sending.endpoint
    whole, seconds = endpoint.timeout_ms / 1000, seconds_for(endpoint.timeout_ms, sending.slow)

    number, at, started = delivery.attempts + 1, clock.stamp(), clock.epoch()
    # What fails here is our own fault and no attempt: the queue brings the job again.
    headers, body = _headers(endpoint, delivery), delivery.body.encode()
    try:
        answer = await sending.sender.post(endpoint.url, headers, body, seconds)
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


def disable_if_due(endpoint: Endpoint, health: Health) -> None:
    """Disable an endpoint after five days at which several deliveries did nothing but fail."""
    if health.failing_for(endpoint.active_since) >= service.DISABLED_AFTER:
        service.disable(endpoint, "failing", "five days of failure only")
