"""Records the changes of deliveries: attempted, postponed or given up. Each change is recorded once.

A move is a delivery's next version with the writes that belong to it: a timer, an event. The moves of a batch are
committed together. If one of them is outdated, each move is committed alone, and the outdated moves are skipped.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from switchboard import telemetry
from switchboard.aws import queues
from switchboard.aws.writes import ConditionFailedError, Put, Update, Writes, commit, write_item
from switchboard.events import service as events
from switchboard.events.models import Actor, Subject, SystemActor
from switchboard.kit import clock
from switchboard.timers import service as timers
from switchboard.webhooks import delivery_store, new_delivery, parking_store, schedule
from switchboard.webhooks.kinds import is_ordered
from switchboard.webhooks.models import Attempt, CancelReason, Delivery, DeliveryStatus, Endpoint
from switchboard.webhooks.parking_store import ParkedAttempt

#: A waiting delivery stops waiting when its predecessor has failed this many times, which takes about five minutes.
MAX_PREDECESSOR_TRIES = 3
#: How many attempts the log of a delivery keeps.
_MAX_LOGGED_ATTEMPTS = 20
#: Moves in one commit. Each may also write a timer or an event and delete an old timer; DynamoDB takes 100 writes.
_MOVES_PER_COMMIT = 20


@dataclass(frozen=True, slots=True)
class HeldDelivery:
    """A delivery that a worker processes, with its index in the batch.

    The first attempt stores a delivery that is not `stored` yet. The next move deletes its `parked` attempt.
    """

    number: int
    delivery: Delivery
    stored: bool = True
    parked: ParkedAttempt | None = None


@dataclass(frozen=True, slots=True)
class AttemptOutcome:
    """The result of an attempt. `down`: the endpoint is unavailable. `gone`: the endpoint wants no more deliveries."""

    attempt: Attempt
    body: str | None = None
    retry_after: int | None = None
    down: bool = False
    gone: bool = False

    @property
    def is_success(self) -> bool:
        """Whether the status is 2xx. A redirect is a failure."""
        return self.attempt.status is not None and 200 <= self.attempt.status < 300


@dataclass(frozen=True, slots=True)
class DeliveryMove:
    """A delivery's next version, and the writes that belong to it."""

    held: HeldDelivery
    after: Delivery
    beside: tuple[Writes, ...] = ()

    @property
    def writes(self) -> list[Writes]:
        """All writes of the move, for one commit."""
        before = self.held.delivery
        saved = (
            delivery_store.save_delivery_writes(before, self.after)
            if self.held.stored
            else delivery_store.put_delivery_writes(self.after)
        )
        parked = self.held.parked
        return [saved, *self.beside, parking_store.delete_attempt_writes(parked) if parked else None]


def attempt_move(endpoint: Endpoint, held: HeldDelivery, outcome: AttemptOutcome) -> DeliveryMove:
    """The move after an attempt: with the timer of the next attempt, or with an event if no attempt is left."""
    before = held.delivery
    facts = {
        "attempts": outcome.attempt.number,
        "tries": before.tries + 1,
        "log": [*before.log, outcome.attempt][-_MAX_LOGGED_ATTEMPTS:],
        "response_body": outcome.body,
        "error": _error(outcome),
    }
    if outcome.is_success:
        return _over(held, DeliveryStatus.SUCCEEDED, facts)
    wait = None if outcome.gone else schedule.next_wait(endpoint, before, outcome.retry_after)
    if wait is None:
        return _over(
            held,
            DeliveryStatus.FAILED,
            facts,
            _exhausted_event_writes(before, outcome.attempt.number, outcome.attempt.status),
        )
    due = clock.now() + wait
    next_attempt = timers.schedule(new_delivery.attempt_job(before, after=2), due)
    facts |= {"next_attempt_at": clock.format_iso(due), "timer": next_attempt.ref}
    return DeliveryMove(
        held, before.with_status(DeliveryStatus.PENDING, **facts), (next_attempt.write, *_canceled_timer_writes(before))
    )


def cancel_move(held: HeldDelivery, reason: CancelReason) -> DeliveryMove:
    """The move that cancels a delivery without an attempt."""
    return _over(held, DeliveryStatus.CANCELED, {"error": reason.value})


def expire_move(held: HeldDelivery) -> DeliveryMove:
    """The move that fails a delivery that was postponed until its schedule ended."""
    before = held.delivery
    event = _exhausted_event_writes(
        before, before.attempts, before.last_attempt.status if before.last_attempt else None
    )
    error = "the webhook was not available until the end of the retry schedule"
    return _over(held, DeliveryStatus.FAILED, {"error": error}, event)


def _over(held: HeldDelivery, status: DeliveryStatus, facts: dict[str, object], *beside: Writes) -> DeliveryMove:
    over = {"completed_at": clock.now_iso(), "next_attempt_at": None, "timer": None}
    return DeliveryMove(
        held, held.delivery.with_status(status, **over, **facts), (*beside, *_canceled_timer_writes(held.delivery))
    )


def _canceled_timer_writes(before: Delivery) -> list[Writes]:
    """The deletion of a timer that has not fired yet, because its attempt was made earlier."""
    waits = before.timer and before.next_attempt_at and before.next_attempt_at > clock.now_iso()
    return [*timers.cancel_writes(before.timer)] if waits else []


def _error(outcome: AttemptOutcome) -> str | None:
    if outcome.is_success:
        return None
    return outcome.attempt.error or f"answered {outcome.attempt.status}"


def _exhausted_event_writes(delivery: Delivery, attempts: int, status: int | None) -> Writes:
    # Events about webhooks create no such event. Otherwise one dead endpoint would produce events without end.
    if delivery.event.startswith("webhook."):
        return None
    origin = SystemActor(
        org_id=delivery.org_id,
        actor=Actor(type="system", id="webhooks"),
        agent_id=None,
        correlation_id=delivery.correlation_id,
    )
    return events.new_event_write(
        origin,
        "webhook.exhausted",
        Subject(type="webhook_delivery", id=delivery.id),
        webhook_id=delivery.endpoint_id,
        told=delivery.event,
        attempts=attempts,
        status=status,
    )


def commit_moves(moves: Sequence[DeliveryMove]) -> list[DeliveryMove]:
    """Commits moves. Returns the committed moves: other moves were committed before or are outdated."""
    made: list[DeliveryMove] = []
    for start in range(0, len(moves), _MOVES_PER_COMMIT):
        made += _record(moves[start : start + _MOVES_PER_COMMIT])
    return made


def _record(moves: Sequence[DeliveryMove]) -> list[DeliveryMove]:
    if len(moves) > 1:
        try:
            commit(*(move.writes for move in moves))
        except ConditionFailedError:
            pass
        else:
            return list(moves)
    return [move for move in moves if _record_one(move)]


def _record_one(move: DeliveryMove) -> bool:
    try:
        match [write for write in move.writes if write is not None]:
            case [Put() | Update() as write]:
                write_item(write)
            case writes:
                commit(writes)
    except ConditionFailedError as failed:
        found = delivery_store.parse_delivery(failed.item) if failed.item else None
        waits = found and found.status is DeliveryStatus.PENDING and found.attempts == move.held.delivery.attempts
        if move.held.stored or not waits:
            before = move.held.delivery
            telemetry.log_skip("another worker moved the delivery", org_id=before.org_id, delivery_id=before.id)
            return False
        # Another worker stored the delivery when it postponed it.
        return _record_one(replace(move, held=replace(move.held, stored=True)))
    return True


def store_deliveries(held: Iterable[HeldDelivery]) -> None:
    """Stores deliveries that have to wait, so that customers see them. Stored deliveries are not changed."""
    delivery_store.put_missing_deliveries([one.delivery for one in held if not one.stored])


def send_later(held: Sequence[HeldDelivery], seconds: int, queue_name: str) -> None:
    """Queues deliveries once more after a delay in seconds. Stores them and deletes their parked attempts."""
    store_deliveries(held)
    delay = min(seconds, queues.MAX_DELAY_SECONDS)
    queues.send_messages(
        new_delivery.attempt_job(one.delivery).to_message(delay=delay, queue=queue_name) for one in held
    )
    parking_store.delete_attempts([one.parked for one in held if one.parked])


def fail_expired(endpoint: Endpoint, held: Sequence[HeldDelivery]) -> list[HeldDelivery]:
    """Gives up waiting deliveries whose schedule has ended. Returns them."""
    late = [one for one in held if clock.now() > schedule.ends_at(endpoint, one.delivery)]
    commit_moves([expire_move(one) for one in late])
    release_successors([one.delivery for one in late])
    return late


def cancel_deliveries(held: Sequence[HeldDelivery], reason: CancelReason) -> None:
    """Cancels up to a hundred deliveries without an attempt, and sends the deliveries that wait for them."""
    commit_moves([cancel_move(one, reason) for one in held])
    release_successors([one.delivery for one in held if one.stored])


def release_successors(deliveries: Iterable[Delivery]) -> None:
    """Sends the successors of those deliveries that are over or have failed often. Takes up to a hundred deliveries.

    Reads the deliveries again: another worker may have recorded them or made a delivery wait for them. Reads only
    deliveries of an ordered kind, since no delivery waits for others.
    """
    firsts = delivery_store.get_deliveries([(one.org_id, one.id) for one in deliveries if is_ordered(one.endpoint_id)])
    successors = [(one.org_id, one.successor) for one in firsts if one and one.successor and not _holds_up(one)]
    waiting = [one for one in delivery_store.get_deliveries(successors) if one and one.status is DeliveryStatus.PENDING]
    queues.send_messages(new_delivery.attempt_job(one).to_message() for one in waiting)


def _holds_up(delivery: Delivery) -> bool:
    return delivery.status is DeliveryStatus.PENDING and delivery.tries < MAX_PREDECESSOR_TRIES


def count_outcomes(moves: Iterable[DeliveryMove]) -> None:
    """Counts attempts by their outcome, as a metric."""
    found: dict[str, int] = {}
    for move in moves:
        found[move.after.status.value] = found.get(move.after.status.value, 0) + 1
    for status, number in found.items():
        telemetry.emit_metric("WebhookAttempt", number, Outcome=status)
