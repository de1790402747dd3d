"""The leases of open live streams, in the `ratelimit` table. An item maps stream ids to leases.

| item | id | attributes |
|---|---|---|
| an organization's open streams | `streams#<org>` | `open`: stream → `{until, owner, since}`; `expiration` |
| taken places of a pool's shard | `stream-pool#<pool>#<number>` | the same; `owner` is the organization |

The pool is the plan. The pools of the live streams of calls are `calls#<plan>`.

A lease expires when the process that renews it dies. In an organization's item `owner` is a digest of the client that
opened the stream.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from switchboard.aws import reads, writes
from switchboard.aws.dynamodb import Item
from switchboard.aws.writes import ConditionFailedError, Update
from switchboard.kit import clock
from switchboard.streams.pools import StreamLease

#: The lifetime of a lease, and the time between two renewals, in seconds.
LEASE_SECONDS, RENEWAL_SECONDS = 90, 30
_KEPT_SECONDS = 3_600
#: The maximum number of leases in one write. An expression has at most 4 KB, including the paths of map entries.
_LEASES_PER_WRITE = 25

Leases = Mapping[str, StreamLease]


def organization_item_id(org_id: str) -> str:
    """Returns the id of the item with an organization's open streams."""
    return f"streams#{org_id}"


def get_leases(ids: Sequence[str]) -> list[Leases | None]:
    """Returns the leases of each item, including expired ones, in one read. `None` stands for a missing item."""
    return [_leases(item) for item in reads.get_items("ratelimit", [{"id": id_} for id_ in ids])]


def running_leases(found: Leases | None) -> dict[str, StreamLease]:
    """Returns the leases that have not expired."""
    now = clock.epoch()
    return {id_: lease for id_, lease in (found or {}).items() if lease.until > now}


def take_lease(
    id_: str, stream_id: str, owner: str, limit: int, known: Leases | None, gone: Sequence[str] = ()
) -> bool:
    """Takes a lease in an item. `known` is the item's content as it was read. Returns False if another stream won.

    Expired leases and the leases of the streams in `gone` are replaced. The item never holds more than `limit`.
    """
    now = int(clock.epoch())
    lease = {"until": now + LEASE_SECONDS, "owner": owner, "since": now}
    if known is None:
        change = _lease_write(
            id_, "SET #open = :open", {}, {":open": {stream_id: lease}}, "attribute_not_exists(#open)"
        )
    else:
        ended = [*gone, *(stream for stream, lease in known.items() if lease.until <= now)][:_LEASES_PER_WRITE]
        names = {f"#g{place}": stream for place, stream in enumerate(ended)}
        removed = ", ".join(f"#open.{name}" for name in names)
        # A lease that was removed or renewed since the read must not make room.
        there = "".join(f" AND #open.{name}.#until = :g{name[2:]}" for name in names)
        change = _lease_write(
            id_,
            "SET #open.#id = :lease",
            {"#id": stream_id, **names} | ({"#until": "until"} if names else {}),
            {":lease": lease, ":room": limit + len(ended)}
            | {f":g{place}": known[stream].until for place, stream in enumerate(ended)},
            f"attribute_exists(#open) AND size(#open) < :room{there}",
            f" REMOVE {removed}" if removed else "",
        )
    try:
        writes.write_item(change)
    except ConditionFailedError:
        return False
    return True


def renew_leases(id_: str, stream_ids: Sequence[str]) -> set[str]:
    """Renews leases. Returns the streams that no longer have a lease."""
    lost: set[str] = set()
    for start in range(0, len(stream_ids), _LEASES_PER_WRITE):
        batch = stream_ids[start : start + _LEASES_PER_WRITE]
        missing = _renew(id_, batch)
        if missing and (rest := [stream for stream in batch if stream not in missing]):
            missing |= _renew(id_, rest)
        lost |= missing
    return lost


def _renew(id_: str, stream_ids: Sequence[str]) -> set[str]:
    names = {f"#i{place}": stream for place, stream in enumerate(stream_ids)}
    change = _lease_write(
        id_,
        "SET " + ", ".join(f"#open.{name}.#until = :until" for name in names),
        {"#until": "until", **names},
        {":until": int(clock.epoch()) + LEASE_SECONDS},
        " AND ".join(f"attribute_exists(#open.{name})" for name in names),
    )
    try:
        writes.write_item(change)
    except ConditionFailedError as refused:
        return set(stream_ids) - (_leases(refused.item) or {}).keys()
    return set()


def release_lease(id_: str, stream_id: str) -> None:
    """Deletes a lease."""
    try:
        writes.write_item(
            Update(
                table="ratelimit",
                key={"id": id_},
                expression="REMOVE #open.#id",
                names={"#open": "open", "#id": stream_id},
                condition="attribute_exists(#open.#id)",
            )
        )
    except ConditionFailedError:
        return


def _lease_write(
    id_: str,
    expression: str,
    names: Mapping[str, str],
    values: Mapping[str, Any],
    condition: str,
    remove: str = "",
) -> Update:
    return Update(
        table="ratelimit",
        key={"id": id_},
        expression=f"{expression}, expiration = :expiration{remove}",
        names={"#open": "open", **names},
        values={":expiration": int(clock.epoch()) + LEASE_SECONDS + _KEPT_SECONDS, **values},
        condition=condition,
    )


def _leases(item: Item | None) -> Leases | None:
    if not item or "open" not in item:
        return None
    # Leases written by the previous release have no `since`.
    return {
        stream: StreamLease(lease["until"], lease["owner"], lease.get("since", 0))
        for stream, lease in item["open"].items()
    }
