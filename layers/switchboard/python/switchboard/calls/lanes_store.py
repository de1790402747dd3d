"""Lanes and the calls that wait for one, in the `core` table.

| item | pk | sk |
|---|---|---|
| lane | `<org>#lanes#<pool>` | `lane#<number>` |
| waiting call | `<org>#lanes#<pool>` | `wait#<when it was accepted>#<call>` |

One query reads the lanes, and after them the first calls that wait. A lane names its holder in a set, so that a call
that gives it back twice, or after its lease ended and another call took it, removes only itself, without a condition.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import NamedTuple

from switchboard.aws import clock, table
from switchboard.aws.table import Delete, Item, Key, Put, Query, Update
from switchboard.kit.change import Recorded

#: How long an item stays after its last use. Longer than any lease, and than any call waits.
KEPT = timedelta(days=1)
Refusal = Callable[[list[Item | None]], Exception]


#: The moments that a call has in the limits of calls a second, by the limit's name, in milliseconds since 1970.
Moments = dict[str, int]


class Held(NamedTuple):
    """A lane that is held: by which call, and the moments that it has."""

    call_id: str
    moments: Moments


class Standing(NamedTuple):
    """A pool as it was read: the lanes that are held, and the first calls that wait, in their order."""

    held: dict[int, Held]
    waiting: list[str]


def _partition(org_id: str, pool: str) -> str:
    return f"{org_id}#lanes#{pool}"


def _lane(org_id: str, pool: str, number: int) -> Key:
    return {"pk": _partition(org_id, pool), "sk": f"lane#{number:05d}"}


def _wait(org_id: str, pool: str, place: str) -> Key:
    return {"pk": _partition(org_id, pool), "sk": f"wait#{place}"}


def _expires() -> int:
    return int((clock.now() + KEPT).timestamp()) + 1


def read(org_id: str, pool: str, waiting: int, since: datetime) -> Standing:
    """All lanes of a pool that are held, and at least the first `waiting` calls accepted since then that wait."""
    query = Query(table="core", partition=_partition(org_id, pool))
    found = Standing({}, [])
    now, oldest, start = clock.stamp(), clock.iso(since), None
    while True:
        page = query.page(2 * waiting + 10, start)
        for item in page.items:
            kind, _, name = item["sk"].partition("#")
            if kind == "wait":
                # A call that is older was ended by its watch.
                found.waiting.extend([name] if name >= oldest else [])
            elif item.get("holders") and item["until"] >= now:
                (holder,) = item["holders"]
                found.held[int(name)] = Held(holder, _moments(item))
        start = page.next_key
        if start is None or len(found.waiting) >= waiting:
            return found


def _moments(item: Item | None) -> Moments:
    return {name: int(moment) for name, moment in ((item or {}).get("moments") or {}).items()}


def moments(org_id: str, pool: str, number: int, call_id: str) -> Moments:
    """The moments of a call that holds a lane."""
    item = table.get("core", _lane(org_id, pool, number))
    return _moments(item) if item and call_id in item.get("holders", ()) else {}


def take(
    org_id: str, pool: str, number: int, call_id: str, until: datetime, moments: Moments, otherwise: Refusal
) -> Update:
    """The write that takes a lane which is free, or whose lease has ended."""
    return Update(
        table="core",
        key=_lane(org_id, pool, number),
        expression="SET holders = :me, #until = :until, moments = :moments, expires = :expires",
        names={"#until": "until"},
        values={
            ":me": {call_id},
            ":until": clock.iso(until),
            ":moments": moments,
            ":expires": _expires(),
            ":now": clock.stamp(),
        },
        condition="attribute_not_exists(holders) OR #until < :now",
        otherwise=otherwise,
    )


def keep(
    org_id: str, pool: str, number: int, call_id: str, until: datetime, moments: Moments, otherwise: Refusal
) -> Update:
    """The write that keeps a lane which the call has for longer, and notes the call's moments."""
    return Update(
        table="core",
        key=_lane(org_id, pool, number),
        expression="SET #until = :until, moments = :moments, expires = :expires",
        names={"#until": "until"},
        values={":me": call_id, ":until": clock.iso(until), ":moments": moments, ":expires": _expires()},
        condition="contains(holders, :me)",
        otherwise=otherwise,
    )


def give_back(org_id: str, pool: str, number: int, call_id: str) -> Update:
    """The write that gives a lane back, if the call has it."""
    return Update(
        table="core",
        key=_lane(org_id, pool, number),
        expression="SET expires = :expires DELETE holders :me",
        values={":me": {call_id}, ":expires": _expires()},
    )


def put_waiting(org_id: str, pool: str, place: str) -> Put:
    item = {**_wait(org_id, pool, place), "since": clock.stamp(), "expires": _expires()}
    return Put(table="core", item=item, unless_exists=True, otherwise=Recorded)


def delete_waiting(org_id: str, pool: str, place: str) -> Delete:
    return Delete(table="core", key=_wait(org_id, pool, place))


def anyone_waits(org_id: str, pool: str) -> bool:
    """Whether a call waits in a pool."""
    return bool(Query(table="core", partition=_partition(org_id, pool), begins="wait#").page(1).items)


def waits(org_id: str, pools: list[str], place: str) -> list[bool]:
    """Whether a call waits in each of some pools."""
    found = table.get_many("core", [_wait(org_id, pool, place) for pool in pools])
    return [item is not None for item in found]
