"""Lists: slim entries, partitioned by what a list is filtered by, newest first.

A view is one way to list: all things of an organization, or those with a value of some filters. An entry of a view
holds keys alone. Most views are sparse indexes on the things themselves, which project nothing but keys: a change that
moves a thing in no list costs no write of an index. A filter that a thing has several values of (its labels) has
entries that are items.

A page takes two round trips, however long the list is and whatever it is filtered by: the partitions of the wanted
values side by side, then the things themselves as they are now. A thing whose entry is out of date is left out, so a
page may be short and have a next one.
"""

from __future__ import annotations

import heapq
import zlib
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice, product
from typing import NamedTuple, TypeVar

from switchboard.aws import cursor, table
from switchboard.aws.aside import Task
from switchboard.aws.table import Delete, Item, Put, Query

#: Partitions that one page may read: more values than this are read by a wider view, whose things are then looked at.
_MOST_PARTITIONS = 32

T = TypeVar("T")
#: Before and after all places. The second also stands behind a moment, to come after every id at it.
_FIRST, _LAST = " ", "~"

Values = Mapping[str, str | None]
Wanted = Mapping[str, Sequence[str]]


@dataclass(frozen=True, slots=True)
class View:
    """One way to list: by these filters, in an index; without an index, in items of its own.

    An index partition takes a thousand writes a second, so that a busy view is cut into `shards`.
    """

    by: tuple[str, ...] = ()
    index: str | None = None
    shards: int = 1


@dataclass(frozen=True, slots=True)
class _Entry:
    """A place in a list, and the key of what stands there."""

    place: str
    key: tuple[str, str]


class _Span(NamedTuple):
    """Where a page looks: at the places from `since` on that come before `before`."""

    since: str
    before: str


@dataclass(frozen=True, slots=True)
class Partition:
    """Where a list stands in the table: its index (`None` for entries that are items), and its partition's name."""

    index: str | None
    name: str


@dataclass(frozen=True, slots=True)
class Page:
    """The things of a page as they are stored, and the cursor of the next page (`None` at the end)."""

    items: list[Item]
    cursor: str | None


@dataclass(frozen=True, slots=True)
class Listing:
    """The lists of one kind of thing. `name` is what their partitions are called.

    A thing has one `place` in all its lists for all its life: when it was made, and its id.
    """

    table: str
    name: str
    views: tuple[View, ...]

    def attributes(self, org_id: str, place: str, values: Values) -> Item:
        """The index attributes of a thing: for each view whose filters it has values of."""
        found: Item = {}
        for view in self.views:
            if view.index is None or any(values.get(name) is None for name in view.by):
                continue
            shard = zlib.crc32(place.encode()) % view.shards
            found[f"{view.index}pk"] = self._partition(view, org_id, [str(values[name]) for name in view.by], shard)
            found[f"{view.index}sk"] = place
        return found

    def entries(
        self, org_id: str, place: str, key: Item, name: str, before: Collection[str], after: Collection[str]
    ) -> list[Put | Delete]:
        """The writes that take a thing from its values of a filter before to those after, for the thing's commit."""
        view = next(view for view in self.views if view.index is None and view.by == (name,))

        def of(value: str) -> Item:
            return {"pk": self._partition(view, org_id, [value], 0), "sk": place}

        thing = {"thing_pk": key["pk"], "thing_sk": key["sk"]}
        return [
            *(Delete(table=self.table, key=of(value)) for value in before if value not in after),
            *(Put(table=self.table, item=of(value) | thing) for value in after if value not in before),
        ]

    def page(
        self,
        org_id: str,
        wanted: Wanted,
        limit: int,
        after: str | None,
        *,
        since: str | None = None,
        until: str | None = None,
        also: Iterable[str] = (),
        fitting: Callable[[Sequence[Item]], int] | None = None,
    ) -> Page:
        """A page of what has one of the wanted values of each filter, newest first.

        A filter that no view goes by beside the others is applied to the things themselves, which need an attribute
        of its name. `since` and `until` are the moments, both included, between which the things' places are. `also`
        names what else the cursor is bound to. `fitting` tells how many of the things an answer has room for: the first
        is shown in any case, and the next page goes on from the last that is. Raises Invalid for a cursor of another
        list.
        """
        wanted = {name: values for name, values in wanted.items() if values}
        query = f"{self.name}:{sorted((name, sorted(values)) for name, values in wanted.items())}:{sorted(also)}"
        if since or until:
            query += f":{since}:{until}"
        start = cursor.read(after, org_id, query)
        span = _Span(since or _FIRST, str(start["place"]) if start else f"{until or ''}{_LAST}")
        view = self._view(wanted)
        partitions = self._partitions(view, org_id, wanted)
        entries = self._entries(view, partitions, limit + 1, span)
        shown, more = entries[:limit], len(entries) > limit
        items = table.get_many(self.table, [{"pk": one.key[0], "sk": one.key[1]} for one in shown]) if shown else []
        rest = {name: values for name, values in wanted.items() if name not in view.by}
        found = [
            (entry, item)
            for entry, item in zip(shown, items, strict=True)
            if item and _still_there(view, partitions, item) and _fits(item, rest)
        ]
        last = shown[-1] if more else None
        room = max(1, fitting([item for _, item in found])) if fitting else limit
        if len(found) > room:
            found = found[:room]
            last = found[-1][0]
        return Page([item for _, item in found], cursor.write({"place": last.place} if last else None, org_id, query))

    def partition(self, org_id: str, values: Mapping[str, str]) -> Partition:
        """The partition of what has these values, for a worker that goes through a list in an order of its own.

        Raises StopIteration for filters that no view goes by, a fault of the code.
        """
        view = next(view for view in self.views if set(view.by) == values.keys() and view.shards == 1)
        return Partition(view.index, self._partition(view, org_id, [values[name] for name in view.by], 0))

    def _view(self, wanted: Wanted) -> View:
        """The view that goes by most of the wanted filters, within the partitions that a page may read."""

        def partitions(view: View) -> int:
            number = view.shards
            for name in view.by:
                number *= len(wanted[name])
            return number

        fitting = [
            view for view in self.views if set(view.by) <= wanted.keys() and partitions(view) <= _MOST_PARTITIONS
        ]
        return max(fitting, key=lambda view: len(view.by))

    def _partitions(self, view: View, org_id: str, wanted: Wanted) -> list[str]:
        values = product(*(sorted(set(wanted[name])) for name in view.by))
        return [self._partition(view, org_id, chosen, shard) for chosen in values for shard in range(view.shards)]

    def _entries(self, view: View, names: Sequence[str], most: int, span: _Span) -> list[_Entry]:
        reads = [Task(partial(self._read, view, name, most, span)) for name in names]
        for read in reads[1:]:
            read.begin()
        newest_first = heapq.merge(*(read.result() for read in reads), key=lambda entry: entry.place, reverse=True)
        once = {entry.key: entry for entry in newest_first}
        return list(islice(once.values(), most))

    def _read(self, view: View, partition: str, most: int, span: _Span) -> list[_Entry]:
        query = Query(table=self.table, index=view.index, partition=partition, forward=False, between=span)
        # A range includes both its ends: one more is read, since the place that a page follows is not on it.
        found = query.keys(most + 1).items
        if view.index is None:
            entries = [_Entry(item["sk"], (item["thing_pk"], item["thing_sk"])) for item in found]
        else:
            entries = [_Entry(item[f"{view.index}sk"], (item["pk"], item["sk"])) for item in found]
        return [entry for entry in entries if entry.place < span.before][:most]

    def _partition(self, view: View, org_id: str, values: Sequence[str], shard: int) -> str:
        chosen = "".join(f"#{name}={value}" for name, value in zip(view.by, values, strict=True))
        return f"{org_id}#list#{self.name}{chosen}" + (f"#{shard}" if view.shards > 1 else "")


def page_of(
    query: Query, parse: Callable[[Item], T], org_id: str, name: str, limit: int, after: str | None
) -> tuple[list[T], str | None]:
    """A page of what a plain query finds, and the cursor of the next (`None` at the end).

    `name` is the list and its filters, which the cursor is bound to. Raises Invalid for a cursor of another list.
    """
    found = query.page(limit, cursor.read(after, org_id, name))
    return [parse(item) for item in found.items], cursor.write(found.next_key, org_id, name)


def keys_of(query: Query, org_id: str, name: str, limit: int, after: str | None) -> Page:
    """As `page_of`, with the keys alone of an index: for things that are read together with others."""
    found = query.keys(limit, cursor.read(after, org_id, name))
    return Page(found.items, cursor.write(found.next_key, org_id, name))


def place_of(created_at: str, id_: str) -> str:
    """A thing's place in its lists."""
    return f"{created_at}#{id_}"


def _still_there(view: View, partitions: Collection[str], item: Item) -> bool:
    """Whether an item is still in what was read of an index, which may be a moment old.

    In whichever of the partitions: they are read one beside the other, and one that moves meanwhile is seen in both.
    """
    return view.index is None or item.get(f"{view.index}pk") in partitions


def _fits(item: Item, rest: Wanted) -> bool:
    for name, values in rest.items():
        found = item.get(name)
        if not (set(found) & set(values) if isinstance(found, list | set) else found in values):
            return False
    return True
