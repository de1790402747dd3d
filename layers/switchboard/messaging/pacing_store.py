"""Reservations of the times of texts in the `core` table (`messaging.pacing`).

| item | pk | sk |
|---|---|---|
| pace of a number | `<org>#text-pace` | `<number id>` |

`tail` is the next free time, in milliseconds since 1970.
"""

from __future__ import annotations

from datetime import timedelta

from switchboard.aws.dynamodb import Key
from switchboard.aws.writes import ConditionFailedError, Update, write_item
from switchboard.kit import clock

#: How long an item stays after its last use. Nobody can reserve a time so far ahead.
ITEM_LIFETIME = timedelta(days=1)


def _pace_key(org_id: str, number_id: str) -> Key:
    return {"pk": f"{org_id}#text-pace", "sk": number_id}


def take_present_slots(org_id: str, number_id: str, now: int, until: int) -> bool:
    """Takes the present time and all times before `until`, unless somebody has reserved the present time or a later.

    Returns whether it succeeded.
    """
    change = Update(
        table="core",
        key=_pace_key(org_id, number_id),
        expression="SET tail = :until, expires = :expires",
        values={":until": until, ":now": now, ":expires": _expires()},
        condition="attribute_not_exists(tail) OR tail <= :now",
    )
    try:
        write_item(change)
    except ConditionFailedError:
        return False
    return True


def continue_slots(org_id: str, number_id: str, now: int, since: int, span: int) -> int | None:
    """Takes the next free times for a span, if the first of them is between `since` and now.

    Returns the next free time after them. Returns `None` if it took nothing.
    """
    change = Update(
        table="core",
        key=_pace_key(org_id, number_id),
        expression="SET tail = tail + :span, expires = :expires",
        values={":span": span, ":now": now, ":since": since, ":expires": _expires()},
        condition="tail BETWEEN :since AND :now",
    )
    try:
        found = write_item(change)
    except ConditionFailedError:
        return None
    assert found is not None, "an update returns the new item"
    return int(found["tail"])


def reserve_next_slot(org_id: str, number_id: str, now: int, interval: int) -> int | None:
    """Reserves the time after all reserved times, and returns it. Returns `None` if the present time is free."""
    change = Update(
        table="core",
        key=_pace_key(org_id, number_id),
        expression="SET tail = tail + :interval, expires = :expires",
        values={":interval": interval, ":now": now, ":expires": _expires()},
        condition="tail > :now",
    )
    try:
        found = write_item(change)
    except ConditionFailedError:
        return None
    assert found is not None, "an update returns the new item"
    return int(found["tail"]) - interval


def _expires() -> int:
    return int((clock.now() + ITEM_LIFETIME).timestamp()) + 1
