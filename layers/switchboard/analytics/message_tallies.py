"""Tallies of texts and opt-outs in the `core` table, by quarters of an hour.

| item | pk | sk |
|---|---|---|
| tally of texts | `<org>#text-tallies#<month>` | `<day>#<kind>#<slice>` |

A text is counted in the commit that changes it, because a campaign has too many texts for a projection of each event.
The slices keep the commits of a busy organization from meeting at one item. An opt-out is counted by its event
(`analytics.opt_outs_projection`).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Literal

from switchboard.aws import reads
from switchboard.aws.dynamodb import Item, Key
from switchboard.aws.reads import Query
from switchboard.aws.writes import Delete, Update
from switchboard.kit import chance, clock
from switchboard.persistence.optimistic import StaleVersionError

MessageKind = Literal["sent", "received", "failed", "opt_outs"]

SLICES = 16
_QUARTER = timedelta(minutes=15)


def _partition(org_id: str, month: str) -> str:
    return f"{org_id}#text-tallies#{month}"


def _quarter_name(moment: datetime) -> str:
    return f"q{moment.hour * 4 + moment.minute // 15}"


def tally_key(org_id: str, kind: MessageKind, at: str, slice_number: int) -> Key:
    """Returns the key of the tally that counts a moment."""
    return {"pk": _partition(org_id, at[:7]), "sk": f"{at[:10]}#{kind}#{slice_number:02}"}


def count_write(org_id: str, kind: MessageKind, at: str, slice_number: int | None = None, number: int = 1) -> Update:
    """Returns the write that counts texts in the caller's commit, or opt-outs. The slice is random by default."""
    chosen = chance.below(SLICES) if slice_number is None else slice_number
    return Update(
        table="core",
        key=tally_key(org_id, kind, at, chosen),
        expression="ADD #quarter :number, #version :one",
        names={"#quarter": _quarter_name(clock.parse(at)), "#version": "version"},
        values={":one": 1, ":number": number},
    )


def delete_write(org_id: str, subject: str) -> Delete:
    """Returns the write that deletes a tally, by its sort key.

    Raises StaleVersionError at commit if the tally has changed.
    """
    key = {"pk": _partition(org_id, subject[:7]), "sk": subject}
    found = reads.get_item("core", key)
    return Delete(
        table="core",
        key=key,
        condition="version = :seen" if found else "attribute_not_exists(pk)",
        values={":seen": found["version"]} if found else {},
        otherwise=StaleVersionError,
    )


def count_range(org_id: str, start: datetime, end: datetime) -> dict[str, int]:
    """Returns the number of each kind in the quarters of an hour that begin from `start` until before `end` (UTC)."""
    sums: dict[str, int] = {}
    for item in _items(org_id, start, end):
        day, kind, _ = str(item["sk"]).split("#")
        midnight = clock.parse(f"{day}T00:00:00Z")
        for name, units in item.items():
            if name.startswith("q") and start <= midnight + _QUARTER * int(name[1:]) < end:
                sums[kind] = sums.get(kind, 0) + int(units)
    return sums


def _items(org_id: str, start: datetime, end: datetime) -> Iterator[Item]:
    first, last = clock.format_iso(start)[:10], clock.format_iso(end)[:10]
    month = start.replace(day=1)
    while clock.format_iso(month)[:7] <= last[:7]:
        partition = _partition(org_id, clock.format_iso(month)[:7])
        yield from Query(table="core", partition=partition, between=(first, f"{last}#~")).read_all()
        month = (month + timedelta(days=32)).replace(day=1)
