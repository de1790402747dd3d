"""The pace at which fired events start the flows of an organization, so that one organization does not use all workers.

Each start reserves a time. Its job waits in the queue until then.

| item | pk | sk |
|---|---|---|
| pace of an organization's starts | `<org>#event-starts` | `pace` |

`tail` is the next free time, in milliseconds since 1970. The item is in the table `activity`.
"""

from __future__ import annotations

from datetime import timedelta

from switchboard.aws import reads
from switchboard.aws.dynamodb import Key
from switchboard.aws.queues import MAX_DELAY_SECONDS
from switchboard.aws.writes import ConditionFailedError, Update, write_item
from switchboard.kit import clock, settings
from switchboard.persistence.optimistic import retry_on_conflict

#: How long reserved starts may reach into the future before events are refused. A queue holds a message for 15 minutes,
#: and events that were accepted before the refusals reserve more.
MAX_BACKLOG = timedelta(minutes=10)
#: How long an item stays after its last use: longer than the time that is reserved.
ITEM_LIFETIME = timedelta(days=1)


def reserve_starts(org_id: str, count: int) -> list[int]:
    """Reserves the times of the next starts, and returns the seconds until each. Raises Contended.

    A job that comes again reserves again. Its first times stay unused, which harms nobody.
    """
    interval = _interval_ms()
    span = count * interval

    def attempt() -> list[int]:
        now = _now_ms()
        try:
            first = _write_tail(org_id, "tail + :span", "tail > :now", span, now) - span
        except ConditionFailedError:
            # Raises ConditionFailedError if another job was faster: the next attempt continues after its times.
            _write_tail(org_id, ":now + :span", "attribute_not_exists(tail) OR tail <= :now", span, now)
            first = now
        return [min((first + place * interval - now) // 1_000, MAX_DELAY_SECONDS) for place in range(count)]

    found = retry_on_conflict(attempt)
    assert found is not None, "no write raises AlreadyRecordedError"
    return found


def find_wait(org_id: str) -> int | None:
    """Returns the seconds until the organization may cause more starts, `None` if it may now."""
    item = reads.get_item("activity", _pace_key(org_id), consistent=False)
    ahead = (int(item["tail"]) - _now_ms()) // 1_000 if item else 0
    wait = ahead - int(MAX_BACKLOG.total_seconds())
    return wait if wait > 0 else None


def _write_tail(org_id: str, tail: str, condition: str, span: int, now: int) -> int:
    change = Update(
        table="activity",
        key=_pace_key(org_id),
        expression=f"SET tail = {tail}, expires = :expires",
        values={":span": span, ":now": now, ":expires": int((clock.now() + ITEM_LIFETIME).timestamp()) + 1},
        condition=condition,
    )
    found = write_item(change)
    assert found is not None, "an update returns the new item"
    return int(found["tail"])


def _pace_key(org_id: str) -> Key:
    return {"pk": f"{org_id}#event-starts", "sk": "pace"}


def _interval_ms() -> int:
    return max(1, 60_000 // max(1, settings.number("EVENT_STARTS_PER_MINUTE", 300)))


def _now_ms() -> int:
    return int(clock.epoch() * 1_000)
