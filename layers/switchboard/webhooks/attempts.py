"""Concurrent delivery attempts to one endpoint. Each attempt is recorded when its response arrives.

The worker records an attempt before it interprets the response, so that no response can prevent the record.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING, Protocol

from switchboard import telemetry
from switchboard.kit import clock
from switchboard.outbound.errors import NoResponseError, TimedOutError
from switchboard.outbound.sent_secrets import SentSecrets
from switchboard.webhooks import breaker, parking, retry_after, service, settings, signing
from switchboard.webhooks.breaker import BatchResults
from switchboard.webhooks.models import Attempt, Delivery, Endpoint, ReceiverHealth
from switchboard.webhooks.moves import (
    AttemptOutcome,
    HeldDelivery,
    attempt_move,
    commit_moves,
    count_outcomes,
    release_successors,
    send_later,
    store_deliveries,
)
from switchboard.webhooks.receivers import WebhookReceiver, receiver_of

if TYPE_CHECKING:
    from switchboard.outbound.client import Response

#: The queue of the workers for slow endpoints.
SLOW_QUEUE = "slow-deliveries"
_GONE = 410
#: Statuses that say that the receiver is unavailable. They do not reject this delivery in particular.
_DOWN = frozenset({429, 502, 503, 504})
_MAX_RESPONSE_CHARACTERS = 2_048


class Sender(Protocol):
    """Posts a body (switchboard.outbound.client)."""

    async def post(self, url: str, headers: Mapping[str, str], body: bytes, seconds: float) -> Response: ...


class _StillWaitingError(Exception):
    """The endpoint exceeded a fast worker's wait. It may have received the body, and its own timeout is not over."""

    def __init__(self, seconds_left: float) -> None:
        super().__init__(f"{seconds_left:g} s left")
        self.seconds_left = seconds_left


def seconds_for(timeout_ms: int, slow: bool) -> float:
    """How long a worker waits for a response, in seconds. `slow` names a worker for slow endpoints."""
    whole = timeout_ms / 1000
    return whole if slow else min(whole, breaker.FAST_SECONDS)


@dataclass(frozen=True, slots=True)
class EndpointSender:
    """How one worker sends to one endpoint.

    `slow`: this worker serves slow endpoints. Other workers hand long requests over to such workers.
    `health`: the receiver's health before this batch. `slots`: whether this worker holds slots.
    """

    endpoint: Endpoint
    health: ReceiverHealth
    tally: BatchResults
    sender: Sender
    slow: bool
    slots: bool

    @property
    def receiver(self) -> WebhookReceiver:
        """The receiver that the endpoint belongs to."""
        return receiver_of(self.endpoint.org_id, self.endpoint.id)


async def attempt_all(sending: EndpointSender, held: Sequence[HeldDelivery]) -> list[HeldDelivery]:
    """Sends all deliveries concurrently. Records early responses together, and each later response when it arrives.

    Returns the deliveries whose attempt could not be made or recorded because of a fault of ours.
    """
    failed: list[HeldDelivery] = []
    tasks = {asyncio.ensure_future(_attempt(sending, one.delivery)): one for one in held}
    done, waiting = await asyncio.wait(tasks, timeout=breaker.WARY_SECONDS)
    if waiting and not sending.slots:
        await asyncio.to_thread(breaker.require_slots, sending.receiver)
    while True:
        failed += await _settle(sending, [(tasks[task], task) for task in done])
        if not waiting:
            return failed
        done, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)


async def _settle(
    sending: EndpointSender, done: Sequence[tuple[HeldDelivery, asyncio.Future[AttemptOutcome]]]
) -> list[HeldDelivery]:
    endpoint, tally = sending.endpoint, sending.tally
    made: list[tuple[HeldDelivery, AttemptOutcome]] = []
    failed: list[HeldDelivery] = []
    cut: list[HeldDelivery] = []
    seconds_left = 0.0
    for one, task in done:
        error = task.exception()
        if error is None:
            outcome = task.result()
            tally.count_attempt(
                succeeded=outcome.is_success,
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
        if cut or failed or any(not outcome.is_success for _, outcome in made):
            # Arrange the watch before a delivery is stored as pending. Without a watch, a lost job would leave the
            # delivery pending for ever.
            await asyncio.to_thread(parking.arrange_watch, sending.receiver, endpoint.id, sending.health)
        await asyncio.to_thread(_record, endpoint, made, failed)
    except Exception:  # noqa: BLE001 the queue delivers the jobs again
        telemetry.logger().exception("attempts not recorded", extra={"endpoint_id": endpoint.id})
        failed += [one for one, _ in made]
    try:
        # Count no failure. Send the same body with the same id again when the owner's timeout would have ended.
        if cut:
            await asyncio.to_thread(send_later, cut, ceil(seconds_left), SLOW_QUEUE)
    except Exception:  # noqa: BLE001 the queue delivers the jobs again
        telemetry.logger().exception("not handed over to the slow workers", extra={"endpoint_id": endpoint.id})
        failed += cut
    return failed


def _record(
    endpoint: Endpoint, made: Sequence[tuple[HeldDelivery, AttemptOutcome]], failed: Sequence[HeldDelivery]
) -> None:
    moves = commit_moves([attempt_move(endpoint, one, outcome) for one, outcome in made])
    count_outcomes(moves)
    # Include deliveries that another worker recorded: it may have stopped before it released their successors.
    release_successors([one.delivery for one, _ in made])
    if any(outcome.gone for _, outcome in made):
        service.disable_endpoint(endpoint, "gone", "the endpoint answered 410")
    store_deliveries(failed)


async def _attempt(sending: EndpointSender, delivery: Delivery) -> AttemptOutcome:
    endpoint = sending.endpoint
    whole, seconds = endpoint.timeout_ms / 1000, seconds_for(endpoint.timeout_ms, sending.slow)

    number, at, started = delivery.attempts + 1, clock.now_iso(), clock.epoch()
    # A failure here is our own fault and does not count as an attempt: the queue delivers the job again.
    headers, body = _headers(endpoint, delivery), delivery.body.encode()
    try:
        answer = await sending.sender.post(endpoint.url, headers, body, seconds)
        attempt = Attempt(number=number, at=at, status=answer.status, milliseconds=answer.milliseconds)
    except NoResponseError as error:
        if isinstance(error, TimedOutError) and seconds < whole:
            raise _StillWaitingError(whole - seconds) from error
        reason = error.reason
    except Exception:  # noqa: BLE001 the receiver has the body and may have caused the error: record the attempt
        telemetry.logger().exception("response not understood", extra={"delivery_id": delivery.id})
        reason = "the response could not be read"
    else:
        return _interpreted(attempt, answer, SentSecrets(settings.custom_headers(endpoint).values()))
    taken = round((clock.epoch() - started) * 1000)
    return AttemptOutcome(Attempt(number=number, at=at, milliseconds=taken, error=reason), down=True)


def _interpreted(attempt: Attempt, answer: Response, secrets: SentSecrets) -> AttemptOutcome:
    """Returns an attempt with its outcome. Never raises: if the body or headers are unreadable, the status decides.

    The endpoint's own headers are secret, so a body that repeats them is kept without them.
    """
    body, wait = None, None
    try:
        body = secrets.hide(answer.body.decode(errors="replace"))[:_MAX_RESPONSE_CHARACTERS] or None
        wait = _seconds(answer.headers.get("retry-after"))
    except Exception:  # noqa: BLE001 a receiver's response must not prevent the record of its attempt
        telemetry.logger().exception("response not understood", extra={"attempt": attempt.number})
    status = attempt.status
    return AttemptOutcome(attempt, body=body, retry_after=wait, down=status in _DOWN, gone=status == _GONE)


def _headers(endpoint: Endpoint, delivery: Delivery) -> dict[str, str]:
    return {
        **settings.custom_headers(endpoint),
        **signing.delivery_headers(delivery.sequence),
        **signing.signature_headers(endpoint, delivery),
    }


def _seconds(text: str | None) -> int | None:
    """The wait that Retry-After asks for, in seconds."""
    return retry_after.parse_seconds(text, clock.now())


def disable_if_due(endpoint: Endpoint, health: ReceiverHealth) -> None:
    """Disables an endpoint after five days in which all of several deliveries failed."""
    if health.failing_for(endpoint.active_since) >= service.DISABLED_AFTER:
        service.disable_endpoint(endpoint, "failing", "all deliveries failed for five days")
