"""Which live streams are open, in the `ratelimit` table: leases, as maps from a stream to its lease.

| item | id | attributes |
|---|---|---|
| an organization's open streams | `streams#<org>` | `open`: stream → `{until, owner, since}`; `expiration` |
| places taken of a pool's shard | `stream-pool#<plan>#<number>` | the same; `owner` is the organization |

A lease ends by itself when the process that renews it dies. In an organization's item `owner` is the client that opened
the stream, as a digest.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from switchboard.aws import clock, table
from switchboard.aws.table import ConditionFailedError, Item, Update
from switchboard.streams.pools import Lease

#: Seconds that a lease lasts, and how often it is renewed.
LEASE, RENEWAL = 90, 30
_KEPT = 3_600
#: Leases in one write: an expression holds 4 KB, and a map's path counts.
_BATCH = 25

Leases = Mapping[str, Lease]


def key_of_org(org_id: str) -> str:
    """The item of an organization's open streams."""
    return f"streams#{org_id}"


def leases(ids: Sequence[str]) -> list[Leases | None]:
    """The leases of items, in one read, ended ones too. None stands for an item that is not there."""
    return [_leases(item) for item in table.get_many("ratelimit", [{"id": id_} for id_ in ids])]


def running(found: Leases | None) -> dict[str, Lease]:
    """The leases that have not ended."""
    now = clock.epoch()
    return {id_: lease for id_, lease in (found or {}).items() if lease.until > now}


def take(id_: str, stream_id: str, owner: str, limit: int, known: Leases | None, gone: Sequence[str] = ()) -> bool:
    """Take a lease in an item of which `known` was read. Returns False where another stream was faster.

    Leases that have ended make room, and so do those of the streams in `gone`. The item never holds more than `limit`.
    """
    now = int(clock.epoch())
    lease = {"until": now + LEASE, "owner": owner, "since": now}
    if known is None:
        change = _update(id_, "SET #open = :open", {}, {":open": {stream_id: lease}}, "attribute_not_exists(#open)")
    else:
        ended = [*gone, *(stream for stream, lease in known.items() if lease.until <= now)][:_BATCH]
        names = {f"#g{place}": stream for place, stream in enumerate(ended)}
        removed = ", ".join(f"#open.{name}" for name in names)
        # Neither a stream that another request removed nor one that was renewed since makes room twice.
        there = "".join(f" AND #open.{name}.#until = :g{name[2:]}" for name in names)
        change = _update(
            id_,
            "SET #open.#id = :lease",
            {"#id": stream_id, **names} | ({"#until": "until"} if names else {}),
            {":lease": lease, ":room": limit + len(ended)}
            | {f":g{place}": known[stream].until for place, stream in enumerate(ended)},
            f"attribute_exists(#open) AND size(#open) < :room{there}",
            f" REMOVE {removed}" if removed else "",
        )
    try:
        table.write(change)
    except ConditionFailedError:
        return False
    return True


def renew(id_: str, stream_ids: Sequence[str]) -> set[str]:
    """Renew leases. Returns the streams that hold none any more."""
    lost: set[str] = set()
    for start in range(0, len(stream_ids), _BATCH):
        batch = stream_ids[start : start + _BATCH]
        missing = _renew(id_, batch)
        if missing and (rest := [stream for stream in batch if stream not in missing]):
            missing |= _renew(id_, rest)
        lost |= missing
    return lost


def _renew(id_: str, stream_ids: Sequence[str]) -> set[str]:
    names = {f"#i{place}": stream for place, stream in enumerate(stream_ids)}
    change = _update(
        id_,
        "SET " + ", ".join(f"#open.{name}.#until = :until" for name in names),
        {"#until": "until", **names},
        {":until": int(clock.epoch()) + LEASE},
        " AND ".join(f"attribute_exists(#open.{name})" for name in names),
    )
    try:
        table.write(change)
    except ConditionFailedError as refused:
        return set(stream_ids) - (_leases(refused.item) or {}).keys()
    return set()


def release(id_: str, stream_id: str) -> None:
    """Give a lease back."""
    try:
        table.write(
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


def _update(
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
        values={":expiration": int(clock.epoch()) + LEASE + _KEPT, **values},
        condition=condition,
    )


def _leases(item: Item | None) -> Leases | None:
    if not item or "open" not in item:
        return None
    # A lease of the release before has no `since`.
    return {
        stream: Lease(lease["until"], lease["owner"], lease.get("since", 0)) for stream, lease in item["open"].items()
    }
