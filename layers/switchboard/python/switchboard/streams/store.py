"""Which streams are open, in the `ratelimit` table: one item an organisation, a lease a stream.

| item | id | attributes |
|---|---|---|
| open streams | `streams#<org>` | `open`: a map from stream to `{until, owner}`; `expiration` |

A lease ends by itself when the process that renews it dies. `owner` is whoever opened the stream, as a digest.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from switchboard.aws import clock, table
from switchboard.aws.table import ConditionFailedError, Item, Update

#: Seconds that a lease lasts, and how often it is renewed.
LEASE, RENEWAL = 60, 20
_KEPT = 3_600
#: Leases in one write: an expression holds 4 KB, and a map's path counts.
_BATCH = 25
_ATTEMPTS = 5


class FullError(Exception):
    """The organisation has as many streams open as it may."""


class Lease(NamedTuple):
    """A stream's claim to be open until a moment, in seconds since 1970."""

    until: int
    owner: str


def take(org_id: str, stream_id: str, owner: str, limit: int, *, resumed: bool) -> None:
    """Take a lease. Raises FullError where `limit` others are held.

    A stream that its client resumes takes the place of that client's oldest one: behind API Gateway a function is not
    told that its client went away, and would hold the lease of the broken connection for the rest of its life.
    """
    now = int(clock.epoch())
    lease = Lease(now + LEASE, owner)
    gone: Sequence[str] = ()
    known: Mapping[str, Lease] | None = {}
    for _ in range(_ATTEMPTS):
        try:
            table.write(_put(org_id, stream_id, lease, limit, gone, fresh=known is None))
        except ConditionFailedError as refused:
            known = _leases(refused.item)
            gone = () if known is None else _to_replace(known, now, limit, owner if resumed else None)
        else:
            return
    raise FullError(org_id)


def _to_replace(known: Mapping[str, Lease], now: int, limit: int, owner: str | None) -> Sequence[str]:
    dead = [id_ for id_, lease in known.items() if lease.until <= now][:_BATCH]
    if not dead and len(known) >= limit:
        dead = sorted(id_ for id_, lease in known.items() if lease.owner == owner)[:1]
    if len(known) - len(dead) >= limit:
        raise FullError(owner)
    return dead


def _put(org_id: str, stream_id: str, lease: Lease, limit: int, gone: Sequence[str], *, fresh: bool) -> Update:
    mine = {"until": lease.until, "owner": lease.owner}
    if fresh:
        return _update(
            org_id, "SET #open = :open", {}, {":open": {stream_id: mine}}, "attribute_not_exists(#open)", lease.until
        )
    names = {f"#g{place}": id_ for place, id_ in enumerate(gone)}
    removed = ", ".join(f"#open.{name}" for name in names)
    there = "".join(f" AND attribute_exists(#open.{name})" for name in names)
    return _update(
        org_id,
        "SET #open.#id = :lease",
        {"#id": stream_id, **names},
        {":lease": mine, ":room": limit + len(gone)},
        f"attribute_exists(#open) AND size(#open) < :room{there}",
        lease.until,
        f" REMOVE {removed}" if removed else "",
    )


def renew(org_id: str, stream_ids: Sequence[str]) -> set[str]:
    """Renew leases. Answers those that are no longer held, because another stream took their place."""
    lost: set[str] = set()
    for start in range(0, len(stream_ids), _BATCH):
        batch = stream_ids[start : start + _BATCH]
        missing = _renew(org_id, batch)
        if missing and (rest := [id_ for id_ in batch if id_ not in missing]):
            missing |= _renew(org_id, rest)
        lost |= missing
    return lost


def _renew(org_id: str, stream_ids: Sequence[str]) -> set[str]:
    until = int(clock.epoch()) + LEASE
    names = {f"#i{place}": id_ for place, id_ in enumerate(stream_ids)}
    change = _update(
        org_id,
        "SET " + ", ".join(f"#open.{name}.#until = :until" for name in names),
        {"#until": "until", **names},
        {":until": until},
        " AND ".join(f"attribute_exists(#open.{name})" for name in names),
        until,
    )
    try:
        table.write(change)
    except ConditionFailedError as refused:
        return set(stream_ids) - (_leases(refused.item) or {}).keys()
    return set()


def release(org_id: str, stream_id: str) -> None:
    """Give a lease back."""
    try:
        table.write(
            Update(
                table="ratelimit",
                key=_key(org_id),
                expression="REMOVE #open.#id",
                names={"#open": "open", "#id": stream_id},
                condition="attribute_exists(#open.#id)",
            )
        )
    except ConditionFailedError:
        return


def _update(
    org_id: str,
    expression: str,
    names: Mapping[str, str],
    values: Mapping[str, Any],
    condition: str,
    until: int,
    remove: str = "",
) -> Update:
    return Update(
        table="ratelimit",
        key=_key(org_id),
        expression=f"{expression}, expiration = :expiration{remove}",
        names={"#open": "open", **names},
        values={":expiration": until + _KEPT, **values},
        condition=condition,
    )


def _key(org_id: str) -> dict[str, str]:
    return {"id": f"streams#{org_id}"}


def _leases(item: Item | None) -> dict[str, Lease] | None:
    if not item or "open" not in item:
        return None
    return {id_: Lease(lease["until"], lease["owner"]) for id_, lease in item["open"].items()}
