"""Tallies of texts and opt-outs in the `core` table, by quarters of an hour and by days (UTC).

| item | pk | sk |
|---|---|---|
| tally of a day | `<org>#text-tallies#<month>` | `<day>#<kind>#<slice>` |
| tally of a month | `<org>#tallies` | `day#<month>#<kind>#<slice>` |

The tallies of months stand between the tallies of calls (`analytics.store`), so that a report reads both in one query.
A text is counted in the commit that changes it, because a campaign has too many texts for a projection of each event.
The tally of a day has the quarters of an hour, and the tally of a month has the days. So a range reads the months, and
the quarters of its first and its last day only. The slices keep the commits of a busy organization from meeting at one
item. An opt-out is counted by its event (`analytics.opt_outs_projection`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Literal, get_args

from switchboard.aws import reads
from switchboard.aws.dynamodb import Item, Key
from switchboard.aws.reads import Query, Ref
from switchboard.aws.writes import Delete, Update
from switchboard.kit import chance, clock
from switchboard.persistence.optimistic import StaleVersionError

MessageKind = Literal["sent", "received", "failed", "opt_outs"]

#: Failed texts meet as often as sent ones. People answer at a slower rate, and opt-outs are few. The tallies of two
#: days are 44 items, so that one request of at most 100 reads them with up to 50 tallies of calls.
SLICES: dict[MessageKind, int] = {"sent": 8, "received": 4, "failed": 8, "opt_outs": 2}
_QUARTER, _DAY = timedelta(minutes=15), timedelta(days=1)
_MONTHS = "day#"


def day_key(org_id: str, kind: MessageKind, at: str, slice_number: int) -> Key:
    """Returns the key of the tally of a day that counts a moment."""
    return {"pk": f"{org_id}#text-tallies#{at[:7]}", "sk": f"{at[:10]}#{kind}#{slice_number:02}"}


def _month_key(org_id: str, kind: str, at: str, slice_name: str) -> Key:
    return {"pk": f"{org_id}#tallies", "sk": f"{_MONTHS}{at[:7]}#{kind}#{slice_name}"}


def count_writes(
    org_id: str, kind: MessageKind, at: str, slice_number: int | None = None, number: int = 1
) -> list[Update]:
    """Returns the writes that count texts in the caller's commit, or opt-outs. The slice is random by default."""
    chosen = chance.below(SLICES[kind]) if slice_number is None else slice_number
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
    for item in Query(table="core", partition=f"{org_id}#tallies", begins=_MONTHS).read_all():
        if not is_month(item):
            continue
        _, month, of, slice_name = str(item["sk"]).split("#")
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


def is_month(item: Item) -> bool:
    """Whether an item among the tallies of an organization has the texts of a month."""
    return str(item["sk"]).count("#") == 3


def edge_refs(org_id: str, start: datetime, end: datetime) -> list[Ref[Item]]:
    """Returns the references to the tallies of the first and the last day of a range, if they are not whole."""
    days = sorted({clock.format_iso(moment) for moment in (start, end) if moment != _midnight(moment)})
    keys = dict.fromkeys(day[:10] for day in days)
    return [
        Ref("core", day_key(org_id, kind, day, number), _read_item)
        for day in keys
        for kind in get_args(MessageKind)
        for number in range(SLICES[kind])
    ]


def _read_item(item: Item) -> Item:
    return item


def sum_range(months: Iterable[Item], edges: Iterable[Item], start: datetime, end: datetime) -> dict[str, int]:
    """Returns the number of each kind in the quarters of an hour that begin from `start` until before `end` (UTC).

    `months` are the tallies of the months that have whole days in the range, and `edges` those of `edge_refs`.
    """
    first, last = _next_midnight(start), _midnight(end)
    sums: dict[str, int] = {}
    for kind, units in (
        *((str(item["sk"]).split("#")[2], units) for item in months for units in _days_of(item, first, last)),
        *((str(item["sk"]).split("#")[1], units) for item in edges for units in _quarters_of(item, start, end)),
    ):
        sums[kind] = sums.get(kind, 0) + units
    return sums


def _midnight(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


def _next_midnight(moment: datetime) -> datetime:
    midnight = _midnight(moment)
    return midnight if midnight == moment else midnight + _DAY


def _days_of(item: Item, first: datetime, last: datetime) -> Iterable[int]:
    begin = clock.parse(f"{str(item['sk']).split('#')[1]}-01T00:00:00Z")
    for name, units in item.items():
        if name.startswith("d") and first <= begin + _DAY * (int(name[1:]) - 1) < last:
            yield int(units)


def _quarters_of(item: Item, start: datetime, end: datetime) -> Iterable[int]:
    midnight = clock.parse(f"{str(item['sk'])[:10]}T00:00:00Z")
    for name, units in item.items():
        if name.startswith("q") and start <= midnight + _QUARTER * int(name[1:]) < end:
            yield int(units)
