"""Records the changes of deliveries: attempted, postponed or given up. Each change is recorded once.

A move is a delivery's next version with the writes that belong to it: a timer, an event. The moves of a batch are
committed together. If one of them is outdated, each move is committed alone, and the outdated moves are skipped.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from switchboard import telemetry
from switchboard.aws import clock, queue, table
from switchboard.aws.table import ConditionFailedError, Put, Update, Writes, commit
from switchboard.events import service as events
from switchboard.events.models import Actor, Subject, Work
from switchboard.timers import service as timers
from switchboard.webhooks import delivery_store, dispatch, parking_store, schedule
from switchboard.webhooks.kinds import is_ordered
from switchboard.webhooks.models import Attempt, Delivery, Endpoint, Reason, Status
from switchboard.webhooks.parking_store import Parked

#: A waiting delivery stops waiting when its predecessor has failed this many times, which takes about five minutes.
HELD_FOR_TRIES = 3
#: How many attempts the log of a delivery keeps.
_REMEMBERED = 20
#: Moves in one commit. Each may also write a timer or an event and delete an old timer; DynamoDB takes 100 writes.
_TOGETHER = 20


@dataclass(frozen=True, slots=True)
class Held:
    """A delivery that a worker processes, with its index in the batch.

    The first attempt stores a delivery that is not `stored` yet. The next move deletes its `parked` attempt.
    """

    number: int
    delivery: Delivery
    stored: bool = True
    parked: Parked | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of an attempt. `down`: the endpoint is unavailable. `gone`: the endpoint wants no more deliveries."""

    attempt: Attempt
    body: str | None = None
    retry_after: int | None = None
    down: bool = False
    gone: bool = False

    @property
    def succeeded(self) -> bool:
        """Whether the status is 2xx. A redirect is a failure."""
        return self.attempt.status is not None and 200 <= self.attempt.status < 300


@dataclass(frozen=True, slots=True)
class Move:
    """A delivery's next version, and the writes that belong to it."""

    held: Held
    after: Delivery
    beside: tuple[Writes, ...] = ()

    @property
    def writes(self) -> list[Writes]:
        """All writes of the move, for one commit."""
        before = self.held.delivery
        saved = delivery_store.save(before, self.after) if self.held.stored else delivery_store.put(self.after)
        parked = self.held.parked
        return [saved, *self.beside, parking_store.delete(parked) if parked else None]


def attempted(endpoint: Endpoint, held: Held, outcome: Outcome) -> Move:
    """The move after an attempt: with the timer of the next attempt, or with an event if no attempt is left."""
    before = held.delivery
    facts = {
        "attempts": outcome.attempt.number,
        "tries": before.tries + 1,
        "log": [*before.log, outcome.attempt][-_REMEMBERED:],
        "response_body": outcome.body,
        "error": _error(outcome),
    }
    if outcome.succeeded:
        return _over(held, Status.SUCCEEDED, facts)
    wait = None if outcome.gone else schedule.next_wait(endpoint, before, outcome.retry_after)
    if wait is None:
        return _over(held, Status.FAILED, facts, _exhausted(before, outcome.attempt.number, outcome.attempt.status))
    due = clock.now() + wait
    next_attempt = timers.later(dispatch.attempt_of(before, after=2), due)
    facts |= {"next_attempt_at": clock.iso(due), "timer": next_attempt.ref}
    return Move(held, before.moved(Status.PENDING, **facts), (next_attempt.write, *_moot(before)))


def canceled(held: Held, reason: Reason) -> Move:
    """The move that cancels a delivery without an attempt."""
    return _over(held, Status.CANCELED, {"error": reason.value})


def too_late(held: Held) -> Move:
    """The move that fails a delivery that was postponed until its schedule ended."""
    before = held.delivery
    event = _exhausted(before, before.attempts, before.last.status if before.last else None)
    error = "the webhook was not available until the end of the retry schedule"
    return _over(held, Status.FAILED, {"error": error}, event)


def _over(held: Held, status: Status, facts: dict[str, object], *beside: Writes) -> Move:
    over = {"completed_at": clock.stamp(), "next_attempt_at": None, "timer": None}
    return Move(held, held.delivery.moved(status, **over, **facts), (*beside, *_moot(held.delivery)))


def _moot(before: Delivery) -> list[Writes]:
    """The deletion of a timer that has not fired yet, because its attempt was made earlier."""
    waits = before.timer and before.next_attempt_at and before.next_attempt_at > clock.stamp()
    return [*timers.moot(before.timer)] if waits else []


def _error(outcome: Outcome) -> str | None:
    if outcome.succeeded:
        return None
    return outcome.attempt.error or f"answered {outcome.attempt.status}"


def _exhausted(delivery: Delivery, attempts: int, status: int | None) -> Writes:
    # Events about webhooks create no such event. Otherwise one dead endpoint would produce events without end.
    if delivery.event.startswith("webhook."):
        return None
    origin = Work(
        org_id=delivery.org_id,
        actor=Actor(type="system", id="webhooks"),
        agent_id=None,
        correlation_id=delivery.correlation_id,
    )
    event = events.of(
        origin,
        "webhook.exhausted",
        Subject(type="webhook_delivery", id=delivery.id),
        webhook_id=delivery.endpoint_id,
        told=delivery.event,
        attempts=attempts,
        status=status,
    )
    return events.record(event)


def record(moves: Sequence[Move]) -> list[Move]:
    """Commit moves. Returns the committed moves: other moves were committed before or are outdated."""
    made: list[Move] = []
    for start in range(0, len(moves), _TOGETHER):
        made += _record(moves[start : start + _TOGETHER])
    return made


def _record(moves: Sequence[Move]) -> list[Move]:
    if len(moves) > 1:
        try:
            commit(*(move.writes for move in moves))
        except ConditionFailedError:
            pass
        else:
            return list(moves)
    return [move for move in moves if _record_one(move)]


def _record_one(move: Move) -> bool:
    try:
        match [write for write in move.writes if write is not None]:
            case [Put() | Update() as write]:
                table.write(write)
            case writes:
                commit(writes)
    except ConditionFailedError as failed:
        found = delivery_store.read(failed.item) if failed.item else None
        waits = found and found.status is Status.PENDING and found.attempts == move.held.delivery.attempts
        if move.held.stored or not waits:
            return False
        # Another worker stored the delivery when it postponed it.
        return _record_one(replace(move, held=replace(move.held, stored=True)))
    return True


def store(held: Iterable[Held]) -> None:
    """Store deliveries that have to wait, so that customers see them. Stored deliveries are not changed."""
    delivery_store.put_missing([one.delivery for one in held if not one.stored])


def send_later(held: Sequence[Held], seconds: int, queue_name: str) -> None:
    """Queue deliveries once more after a delay in seconds. Stores them and deletes their parked attempts."""
    store(held)
    delay = min(seconds, queue.MAX_DELAY)
    queue.send(dispatch.attempt_of(one.delivery).message(delay=delay, queue=queue_name) for one in held)
    parking_store.delete_many([one.parked for one in held if one.parked])


def give_up_late(endpoint: Endpoint, held: Sequence[Held]) -> list[Held]:
    """Give up waiting deliveries whose schedule has ended. Returns them."""
    late = [one for one in held if clock.now() > schedule.ends_at(endpoint, one.delivery)]
    record([too_late(one) for one in late])
    release([one.delivery for one in late])
    return late


def cancel(held: Sequence[Held], reason: Reason) -> None:
    """Cancel up to a hundred deliveries without an attempt, and send the deliveries that wait for them."""
    record([canceled(one, reason) for one in held])
    release([one.delivery for one in held if one.stored])


def release(deliveries: Iterable[Delivery]) -> None:
    """Send the successors of those deliveries that are over or have failed often. Takes up to a hundred deliveries.

    Reads the deliveries again: another worker may have recorded them or made a delivery wait for them. Reads only
    deliveries of an ordered kind, since no delivery waits for others.
    """
    firsts = delivery_store.get_many([(one.org_id, one.id) for one in deliveries if is_ordered(one.endpoint_id)])
    successors = [(one.org_id, one.successor) for one in firsts if one and one.successor and not _holds_up(one)]
    waiting = [one for one in delivery_store.get_many(successors) if one and one.status is Status.PENDING]
    queue.send(dispatch.attempt_of(one).message() for one in waiting)


def _holds_up(delivery: Delivery) -> bool:
    return delivery.status is Status.PENDING and delivery.tries < HELD_FOR_TRIES


def count(moves: Iterable[Move]) -> None:
    """Count attempts by their outcome, as a metric."""
    found: dict[str, int] = {}
    for move in moves:
        found[move.after.status.value] = found.get(move.after.status.value, 0) + 1
    for status, number in found.items():
        telemetry.metric("WebhookAttempt", number, Outcome=status)
