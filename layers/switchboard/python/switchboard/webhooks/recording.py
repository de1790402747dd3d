"""What becomes of a delivery: attempted, put off or given up, each recorded once.

A move is a delivery's next state with what is written beside it: a timer, an event. Moves of one batch are committed
together. Where one of them does not hold any more, each is committed by itself, and those that hold are made.
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

#: What waits for its predecessor goes ahead when that has failed so often, about five minutes on.
HELD_FOR_TRIES = 3
#: The attempts that a delivery remembers.
_REMEMBERED = 20
#: Moves of one commit, each with a timer or an event and what it makes moot: DynamoDB takes a hundred writes.
_TOGETHER = 20


@dataclass(frozen=True, slots=True)
class Held:
    """A delivery that a worker has in hand, by its place in the batch. An attempt stores one that is not stored.

    One that was `parked` is so no more with its next state.
    """

    number: int
    delivery: Delivery
    stored: bool = True
    parked: Parked | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
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


@dataclass(frozen=True, slots=True)
class Move:
    """A delivery's next state, and what is written with it."""

    held: Held
    after: Delivery
    beside: tuple[Writes, ...] = ()

    @property
    def writes(self) -> list[Writes]:
        """All that one commit has to hold."""
        before = self.held.delivery
        saved = delivery_store.save(before, self.after) if self.held.stored else delivery_store.put(self.after)
        parked = self.held.parked
        return [saved, *self.beside, parking_store.delete(parked) if parked else None]


def attempted(endpoint: Endpoint, held: Held, outcome: Outcome) -> Move:
    """An attempt, and the timer of the next one, or the event that there is none."""
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
    """A delivery that is given up without an attempt."""
    return _over(held, Status.CANCELED, {"error": reason.value})


def too_late(held: Held) -> Move:
    """A delivery that was put off until its schedule's end."""
    before = held.delivery
    event = _exhausted(before, before.attempts, before.last.status if before.last else None)
    error = "the webhook could take no more until the end of the schedule"
    return _over(held, Status.FAILED, {"error": error}, event)


def _over(held: Held, status: Status, facts: dict[str, object], *beside: Writes) -> Move:
    over = {"completed_at": clock.stamp(), "next_attempt_at": None, "timer": None}
    return Move(held, held.delivery.moved(status, **over, **facts), (*beside, *_moot(held.delivery)))


def _moot(before: Delivery) -> list[Writes]:
    """The deletion of a timer that has not fired yet: somebody made its attempt earlier."""
    waits = before.timer and before.next_attempt_at and before.next_attempt_at > clock.stamp()
    return [*timers.moot(before.timer)] if waits else []


def _error(outcome: Outcome) -> str | None:
    if outcome.succeeded:
        return None
    return outcome.attempt.error or f"answered {outcome.attempt.status}"


def _exhausted(delivery: Delivery, attempts: int, status: int | None) -> Writes:
    # What tells of failed deliveries is not told of itself, or one dead endpoint would have us talk for ever.
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
    """Make moves, and return those that were made: others were made before, or have become wrong."""
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
        # Another worker stored it, to put it off.
        return _record_one(replace(move, held=replace(move.held, stored=True)))
    return True


def store(held: Iterable[Held]) -> None:
    """Store deliveries that have to wait, so that they are seen. One that is there stays as it is."""
    delivery_store.put_missing([one.delivery for one in held if not one.stored])


def send_later(held: Sequence[Held], seconds: int, queue_name: str) -> None:
    """Let deliveries come again once, after some time. They are stored until then, and parked no more."""
    store(held)
    delay = min(seconds, queue.MAX_DELAY)
    queue.send(dispatch.attempt_of(one.delivery).message(delay=delay, queue=queue_name) for one in held)
    parking_store.delete_many([one.parked for one in held if one.parked])


def give_up_late(endpoint: Endpoint, held: Sequence[Held]) -> list[Held]:
    """Give up those of waiting deliveries that have come to their schedule's end. Returns them."""
    late = [one for one in held if clock.now() > schedule.ends_at(endpoint, one.delivery)]
    record([too_late(one) for one in late])
    release([one.delivery for one in late])
    return late


def cancel(held: Sequence[Held], reason: Reason) -> None:
    """Give up to a hundred deliveries up without an attempt, and send off what waits for them."""
    record([canceled(one, reason) for one in held])
    release([one.delivery for one in held if one.stored])


def release(deliveries: Iterable[Delivery]) -> None:
    """Send off what waits for those of up to a hundred deliveries that are over, or have failed often enough.

    They are read again: another worker may have recorded them, or may have let a delivery wait for them. Only those
    of an ordered kind are read, since nothing waits for others.
    """
    firsts = delivery_store.get_many([(one.org_id, one.id) for one in deliveries if is_ordered(one.endpoint_id)])
    successors = [(one.org_id, one.successor) for one in firsts if one and one.successor and not _holds_up(one)]
    waiting = [one for one in delivery_store.get_many(successors) if one and one.status is Status.PENDING]
    queue.send(dispatch.attempt_of(one).message() for one in waiting)


def _holds_up(delivery: Delivery) -> bool:
    return delivery.status is Status.PENDING and delivery.tries < HELD_FOR_TRIES


def count(moves: Iterable[Move]) -> None:
    """Count attempts by what came of them."""
    found: dict[str, int] = {}
    for move in moves:
        found[move.after.status.value] = found.get(move.after.status.value, 0) + 1
    for status, number in found.items():
        telemetry.metric("WebhookAttempt", number, Outcome=status)
