"""Tallies of texts and opt-outs in the `core` table, by quarters of an hour and by days (UTC).

| item | pk | sk |
|---|---|---|
| tally of a day | `<org>#text-tallies#<month>` | `<day>#<kind>#<slice>` |
| tally of a month | `<org>#text-months` | `<month>#<kind>#<slice>` |

A text is counted in the commit that changes it, because a campaign has too many texts for a projection of each event.
The tally of a day has the quarters of an hour, and the tally of a month has the days. So a range reads the months, and
the quarters of its first and its last day only. The slices keep the commits of a busy organization from meeting at one
item. An opt-out is counted by its event (`analytics.opt_outs_projection`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Literal, get_args

from switchboard.aws import reads
from switchboard.aws.dynamodb import Item, Key
from switchboard.aws.reads import Query
from switchboard.aws.writes import Delete, Update
from switchboard.kit import chance, clock
from switchboard.kit.background import BackgroundTask
from switchboard.persistence.optimistic import StaleVersionError

MessageKind = Literal["sent", "received", "failed", "opt_outs"]

#: The tallies of two days, of every kind and slice, are read in one request of at most 100 items.
SLICES = 8
_QUARTER, _DAY = timedelta(minutes=15), timedelta(days=1)


def day_key(org_id: str, kind: MessageKind, at: str, slice_number: int) -> Key:
    """Returns the key of the tally of a day that counts a moment."""
    return {"pk": f"{org_id}#text-tallies#{at[:7]}", "sk": f"{at[:10]}#{kind}#{slice_number:02}"}


def _month_key(org_id: str, kind: str, at: str, slice_name: str) -> Key:
    return {"pk": f"{org_id}#text-months", "sk": f"{at[:7]}#{kind}#{slice_name}"}


def count_writes(
    org_id: str, kind: MessageKind, at: str, slice_number: int | None = None, number: int = 1
) -> list[Update]:
    """Returns the writes that count texts in the caller's commit, or opt-outs. The slice is random by default."""
    chosen = chance.below(SLICES) if slice_number is None else slice_number
    moment = clock.parse(at)
    quarter = f"q{moment.hour * 4 + moment.minute // 15}"
    return [
        _add_write(day_key(org_id, kind, at, chosen), quarter, number),
        _add_write(_month_key(org_id, kind, at, f"{chosen:02}"), f"d{moment.day}", number),
    ]


def _add_write(key: Key, name: str, number: int) -> Update:
    return Update(
        table="core",
        key=key,
        expression="ADD #name :number, #version :one",
        names={"#name": name, "#version": "version"},
        values={":one": 1, ":number": number},
    )


def list_days(org_id: str, kind: MessageKind) -> Iterator[str]:
    """Yields the sort key of each tally of a day that counts something, by the tallies of the months."""
    for item in Query(table="core", partition=f"{org_id}#text-months").read_all():
        month, of, slice_name = str(item["sk"]).split("#")
        if of != kind:
            continue
        for name, units in item.items():
            if name.startswith("d") and int(units):
                yield f"{month}-{int(name[1:]):02}#{kind}#{slice_name}"


def delete_writes(org_id: str, subject: str) -> list[Delete | Update]:
    """Returns the writes that delete the tally of a day, by its sort key, and take it off its month.

    Raises StaleVersionError at commit if the tally has changed.
    """
    day, kind, slice_name = subject.split("#")
    key = {"pk": f"{org_id}#text-tallies#{subject[:7]}", "sk": subject}
    found = reads.get_item("core", key)
    delete = Delete(
        table="core",
        key=key,
        condition="version = :seen" if found else "attribute_not_exists(pk)",
        values={":seen": found["version"]} if found else {},
        otherwise=StaleVersionError,
    )
    counted = sum(int(units) for name, units in (found or {}).items() if name.startswith("q"))
    if not counted:
        return [delete]
    return [delete, _add_write(_month_key(org_id, kind, day, slice_name), f"d{int(day[8:])}", -counted)]


def count_range(org_id: str, start: datetime, end: datetime) -> dict[str, int]:
    """Returns the number of each kind in the quarters of an hour that begin from `start` until before `end` (UTC).

    It takes two requests at once: the months, and the first and the last day if they are not whole.
    """
    first, last = _next_midnight(start), _midnight(end)
    months = BackgroundTask(partial(_sum_whole_days, org_id, first, last))
    months.start()
    edges = sorted({_midnight(moment) for moment in (start, end) if moment != _midnight(moment)})
    sums = _sum_quarters(org_id, edges, start, end)
    for kind, units in months.result().items():
        sums[kind] = sums.get(kind, 0) + units
    return sums


def _midnight(moment: datetime) -> datetime:
    return moment.replace(hour=0, minute=0, second=0, microsecond=0)


def _next_midnight(moment: datetime) -> datetime:
    midnight = _midnight(moment)
    return midnight if midnight == moment else midnight + _DAY


def _sum_whole_days(org_id: str, first: datetime, last: datetime) -> dict[str, int]:
    """Returns the sums of the days from `first` until before `last`."""
    if first >= last:
        return {}
    span = (clock.format_iso(first)[:7], f"{clock.format_iso(last)[:7]}#~")
    items = Query(table="core", partition=f"{org_id}#text-months", between=span).read_all()
    return _sums((str(item["sk"]).split("#")[1], units) for item in items for units in _days_of(item, first, last))


def _days_of(item: Item, first: datetime, last: datetime) -> Iterable[int]:
    begin = clock.parse(f"{str(item['sk'])[:7]}-01T00:00:00Z")
    for name, units in item.items():
        if name.startswith("d") and first <= begin + _DAY * (int(name[1:]) - 1) < last:
            yield int(units)


def _sum_quarters(org_id: str, days: Sequence[datetime], start: datetime, end: datetime) -> dict[str, int]:
    """Returns the sums of the quarters of these days that are in the range."""
    keys = [
        day_key(org_id, kind, clock.format_iso(day), number)
        for day in days
        for kind in get_args(MessageKind)
        for number in range(SLICES)
    ]
    found = [item for item in reads.get_items("core", keys) if item] if keys else []
    return _sums((str(item["sk"]).split("#")[1], units) for item in found for units in _quarters_of(item, start, end))


def _quarters_of(item: Item, start: datetime, end: datetime) -> Iterable[int]:
    midnight = clock.parse(f"{str(item['sk'])[:10]}T00:00:00Z")
    for name, units in item.items():
        if name.startswith("q") and start <= midnight + _QUARTER * int(name[1:]) < end:
            yield int(units)


def _sums(counted: Iterable[tuple[str, int]]) -> dict[str, int]:
    sums: dict[str, int] = {}
    for kind, units in counted:
        sums[kind] = sums.get(kind, 0) + units
    return sums
