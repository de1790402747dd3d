"""Lanes, and calls that wait for a lane, in the `core` table.

| item | pk | sk |
|---|---|---|
| mark: people call in | `<org>#lanes#<pool>` | `callers` |
| lane | `<org>#lanes#<pool>` | `lane#<number>` |
| waiting call | `<org>#lanes#<pool>` | `wait#<when it was accepted>#<call>` |

One query reads the mark, the lanes, and then the first waiting calls. A lane stores its holder in a set. So a call can
release its lane without a condition: a second release, or a release after another call took the lane, removes only the
call itself.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import NamedTuple

from switchboard.aws import reads
from switchboard.aws.dynamodb import Item, Key
from switchboard.aws.reads import Query
from switchboard.aws.writes import Delete, Put, Update
from switchboard.kit import clock
from switchboard.persistence.optimistic import AlreadyRecordedError

#: How long an item stays after its last use. Longer than any lease, and longer than any call waits.
ITEM_LIFETIME = timedelta(days=1)
Refusal = Callable[[list[Item | None]], Exception]


#: The reserved times of a call by the name of the limit of calls a second, in milliseconds since 1970.
ReservedTimes = dict[str, int]


class HeldLane(NamedTuple):
    """The holder of a lane: a call and its reserved times."""

    call_id: str
    moments: ReservedTimes


class PoolState(NamedTuple):
    """The state of a pool: its held lanes, and the first waiting calls in order.

    `callers_until` is the time until which the pool keeps a lane for calls in, or `None`.
    """

    held: dict[int, HeldLane]
    waiting: list[str]
    callers_until: str | None = None


def _partition(org_id: str, pool: str) -> str:
    return f"{org_id}#lanes#{pool}"


def _lane(org_id: str, pool: str, number: int) -> Key:
    return {"pk": _partition(org_id, pool), "sk": f"lane#{number:05d}"}


def _wait(org_id: str, pool: str, place: str) -> Key:
    return {"pk": _partition(org_id, pool), "sk": f"wait#{place}"}


def _expires() -> int:
    return int((clock.now() + ITEM_LIFETIME).timestamp()) + 1


def read_pool(org_id: str, pool: str, waiting: int, since: datetime) -> PoolState:
    """Returns the held lanes of a pool, and at least the first `waiting` of the calls accepted since then that wait."""
    query = Query(table="core", partition=_partition(org_id, pool))
    found = PoolState({}, [])
    now, oldest, start = clock.now_iso(), clock.format_iso(since), None
    while True:
        page = query.read_page(2 * waiting + 10, start)
        for item in page.items:
            kind, _, name = item["sk"].partition("#")
            if kind == "callers":
                found = found._replace(callers_until=item["until"] if item["until"] >= now else None)
            elif kind == "wait":
                # An older call was ended by its timer.
                found.waiting.extend([name] if name >= oldest else [])
            elif item.get("holders") and item["until"] >= now:
                (holder,) = item["holders"]
                found.held[int(name)] = HeldLane(holder, _moments(item))
        start = page.next_key
        if start is None or len(found.waiting) >= waiting:
            return found


def mark_callers_write(org_id: str, pool: str, until: datetime) -> Put:
    """Returns the write that keeps a lane of a pool for calls in, until this time."""
    key = {"pk": _partition(org_id, pool), "sk": "callers"}
    # A second more: the item stays as long as it is read.
    return Put(table="core", item={**key, "until": clock.format_iso(until), "expires": int(until.timestamp()) + 1})


def _moments(item: Item | None) -> ReservedTimes:
    return {name: int(moment) for name, moment in ((item or {}).get("moments") or {}).items()}


def get_reserved_times(org_id: str, pool: str, number: int, call_id: str) -> ReservedTimes:
    """Returns the reserved times of a call that holds a lane."""
    item = reads.get_item("core", _lane(org_id, pool, number))
    return _moments(item) if item and call_id in item.get("holders", ()) else {}


def take_lane_writes(
    org_id: str, pool: str, number: int, call_id: str, until: datetime, moments: ReservedTimes, otherwise: Refusal
) -> Update:
    """Returns the write that takes a free lane, or a lane with an expired lease."""
    return Update(
        table="core",
        key=_lane(org_id, pool, number),
        expression="SET holders = :me, #until = :until, moments = :moments, expires = :expires",
        names={"#until": "until"},
        values={
            ":me": {call_id},
            ":until": clock.format_iso(until),
            ":moments": moments,
            ":expires": _expires(),
            ":now": clock.now_iso(),
        },
        condition="attribute_not_exists(holders) OR #until < :now",
        otherwise=otherwise,
    )


def keep_lane_writes(
    org_id: str, pool: str, number: int, call_id: str, until: datetime, moments: ReservedTimes, otherwise: Refusal
) -> Update:
    """Returns the write that extends the lease of the call's lane, and stores the call's reserved times."""
    return Update(
        table="core",
        key=_lane(org_id, pool, number),
        expression="SET #until = :until, moments = :moments, expires = :expires",
        names={"#until": "until"},
        values={":me": call_id, ":until": clock.format_iso(until), ":moments": moments, ":expires": _expires()},
        condition="contains(holders, :me)",
        otherwise=otherwise,
    )


def release_lane_writes(org_id: str, pool: str, number: int, call_id: str) -> Update:
    """Returns the write that releases a lane if the call holds it."""
    return Update(
        table="core",
        key=_lane(org_id, pool, number),
        expression="SET expires = :expires DELETE holders :me",
        values={":me": {call_id}, ":expires": _expires()},
    )


def waiting_writes(org_id: str, pool: str, place: str) -> Put:
    item = {**_wait(org_id, pool, place), "since": clock.now_iso(), "expires": _expires()}
    return Put(table="core", item=item, unless_exists=True, otherwise=AlreadyRecordedError)


def delete_waiting_writes(org_id: str, pool: str, place: str) -> Delete:
    return Delete(table="core", key=_wait(org_id, pool, place))


def has_waiting_calls(org_id: str, pool: str) -> bool:
    """Whether a call waits in a pool."""
    return bool(Query(table="core", partition=_partition(org_id, pool), begins="wait#").read_page(1).items)


def are_waiting(org_id: str, pools: list[str], place: str) -> list[bool]:
    """Returns for each pool whether the call waits there."""
    found = reads.get_items("core", [_wait(org_id, pool, place) for pool in pools])
    return [item is not None for item in found]
