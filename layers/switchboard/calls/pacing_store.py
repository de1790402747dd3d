"""Reservations of call times in the `core` table (`calls.pacing`).

| item | pk | sk |
|---|---|---|
| pace of an organization | `<org>#pace` | `org` |
| pace of an organization's number | `<org>#pace` | `number#<number>` |
| pace of a number that tenants share | `pace#<number>` | `number` |
| pace of an account that tenants share | `pace#account#<name>` | `number` |

`tail` is the next free time, in milliseconds since 1970. A number or an account that tenants share has one item for
all tenants, because its carrier counts all their calls together. The item holds only times.
"""

from __future__ import annotations

from datetime import timedelta

from switchboard.aws import reads, writes
from switchboard.aws.dynamodb import Key
from switchboard.aws.writes import ConditionFailedError, Update
from switchboard.kit import clock

#: How long an item stays after its last use. Nobody can reserve a time so far ahead.
ITEM_LIFETIME = timedelta(days=1)


def get_next_slot(key: Key) -> int:
    """Returns the next free time."""
    return int((reads.get_item("core", key) or {}).get("tail", 0))


def org_key(org_id: str) -> Key:
    return {"pk": f"{org_id}#pace", "sk": "org"}


def number_key(org_id: str, number: str) -> Key:
    return {"pk": f"{org_id}#pace", "sk": f"number#{number}"}


def shared_pace_key(shared: str) -> Key:
    """Returns the key of a pace that tenants share: a number, or an account (`account#<name>`)."""
    return {"pk": f"pace#{shared}", "sk": "number"}


def take_present_slot(key: Key, now: int, interval: int) -> bool:
    """Takes the present time unless this time or a later one is reserved. Returns whether it succeeded."""
    change = Update(
        table="core",
        key=key,
        expression="SET tail = :after, expires = :expires",
        values={":after": now + interval, ":now": now, ":expires": _expires()},
        condition="attribute_not_exists(tail) OR tail <= :now",
    )
    try:
        writes.write_item(change)
    except ConditionFailedError:
        return False
    return True


def reserve_next_slot(key: Key, now: int, interval: int, latest: int) -> int | None:
    """Reserves the time after all reserved times. Returns `None` if no time is reserved, or if it is after `latest`."""
    change = Update(
        table="core",
        key=key,
        expression="SET tail = tail + :interval, expires = :expires",
        values={":interval": interval, ":now": now, ":latest": latest, ":expires": _expires()},
        condition="tail > :now AND tail <= :latest",
    )
    try:
        found = writes.write_item(change)
    except ConditionFailedError:
        return None
    assert found is not None
    return int(found["tail"]) - interval


def _expires() -> int:
    return int((clock.now() + ITEM_LIFETIME).timestamp()) + 1
