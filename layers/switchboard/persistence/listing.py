"""Filtered lists of stored objects, newest first. Each combination of filters has its own partitions of small entries.

A view is one way to list: all objects of an organization, or the objects with given values of some filters. An entry of
a view holds keys only. Most views are sparse indexes on the objects themselves, which project only keys: a change that
does not move an object in any list costs no index write. A filter with several values per object (labels) has entries
that are items of their own.

A page takes two round trips, for any length of the list and any filters. The first reads the partitions of the wanted
values in parallel. The second reads the current objects. A page leaves out an object with an outdated entry, so it may
be short and still have a next page. A filter without a view is applied to the objects (`persistence.page_cuts`).
"""

from __future__ import annotations

import heapq
import zlib
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice, product
from typing import NamedTuple, TypeVar

from switchboard.aws.dynamodb import MAX_BATCH_READS, Item
from switchboard.aws.reads import Query, get_items
from switchboard.aws.writes import Delete, Put
from switchboard.kit.background import BackgroundTask
from switchboard.persistence import cursors
from switchboard.persistence.page_cuts import PageCut, cut_page, looked_at

#: The most partitions that one page may read. For more values than this, a page reads a wider view and filters its
#: objects.
_MAX_PARTITIONS = 32

T = TypeVar("T")
#: A place before all places, and a place after all places. The second is also appended to a time, to sort after every
#: id at that time.
_FIRST, _LAST = " ", "~"

ObjectValues = Mapping[str, str | None]
FilterValues = Mapping[str, Sequence[str]]


@dataclass(frozen=True, slots=True)
class ListView:
    """One way to list: by these filters, in an index. A view without an index has items of its own.

    An index partition takes a thousand writes a second, so a busy view is split into `shards`.
    """

    by: tuple[str, ...] = ()
    index: str | None = None
    shards: int = 1


@dataclass(frozen=True, slots=True)
class _Entry:
    """A place in a list, the key of the object at this place, and the hint of an entry that is an item of its own."""

    place: str
    key: tuple[str, str]
    hint: str | None = None


class HintedPlace(NamedTuple):
    """A place in a list, and the hint of its entry."""

    place: str
    hint: str | None


class _Span(NamedTuple):
    """The range of a page: the places from `since` (included) to `before` (not included)."""

    since: str
    before: str


@dataclass(frozen=True, slots=True)
class ListPartition:
    """The location of a list in the table: its index (`None` for entries that are items) and its partition key."""

    index: str | None
    name: str


@dataclass(frozen=True, slots=True)
class ListPage:
    """The stored items of a page, and the cursor of the next page (`None` at the end)."""

    items: list[Item]
    cursor: str | None


@dataclass(frozen=True, slots=True)
class Listing:
    """The lists of one kind of object. `name` is a part of their partition keys.

    An object has the same `place` in all its lists, and it never changes: the creation time and the id.
    """

    table: str
    name: str
    views: tuple[ListView, ...]

    def index_attributes(self, org_id: str, place: str, values: ObjectValues) -> Item:
        """Returns the index attributes of an object: those of each view for which the object has all filter values."""
        found: Item = {}
        for view in self.views:
            if view.index is None or any(values.get(name) is None for name in view.by):
                continue
            shard = zlib.crc32(place.encode()) % view.shards
            found[f"{view.index}pk"] = self._partition_name(
                view, org_id, [str(values[name]) for name in view.by], shard
            )
            found[f"{view.index}sk"] = place
        return found

    def entry_writes(
        self,
        org_id: str,
        place: str,
        key: Item,
        name: str,
        before: Collection[str],
        after: Collection[str],
        hint: str | None = None,
    ) -> list[Put | Delete]:
        """Returns the writes that move an object from old filter values to new ones, for the object's commit.

        The `hint` is a text of the noun's own, for example the id of another object that a list reads with this one.
        """
        view = next(view for view in self.views if view.index is None and view.by == (name,))

        def of(value: str) -> Item:
            return {"pk": self._partition_name(view, org_id, [value], 0), "sk": place}

        thing = {"thing_pk": key["pk"], "thing_sk": key["sk"]} | ({"hint": hint} if hint else {})
        return [
            *(Delete(table=self.table, key=of(value)) for value in before if value not in after),
            *(Put(table=self.table, item=of(value) | thing) for value in after if value not in before),
        ]

    def read_page(
        self,
        org_id: str,
        wanted: FilterValues,
        limit: int,
        after: str | None,
        *,
        since: str | None = None,
        until: str | None = None,
        also: Iterable[str] = (),
        fits: Callable[[Item], bool] | None = None,
        fitting: Callable[[Sequence[Item]], int] | None = None,
        beside: Callable[[Sequence[str]], None] | None = None,
    ) -> ListPage:
        """Returns a page of the objects that have one of the wanted values of each filter, newest first.

        A filter that the chosen view lacks is applied to the objects, which need an attribute of its name. `fits` is a
        further filter of the objects. `since` and `until` are the first and the last time of the range, both included.
        `also` names other parameters that the cursor is bound to. `fitting` returns how many of the objects fit in the
        response. The first object is always on the page, and the next page continues after the last shown object.
        `beside` gets the places of the page before the objects are read, to start other reads beside this one. Raises
        Invalid for a cursor of another list.
        """
        wanted = {name: values for name, values in wanted.items() if values}
        query = f"{self.name}:{sorted((name, sorted(values)) for name, values in wanted.items())}:{sorted(also)}"
        if since or until:
            query += f":{since}:{until}"
        start = cursors.decode_cursor(after, org_id, query)
        span = _Span(since or _FIRST, str(start["place"]) if start else f"{until or ''}{_LAST}")
        view = self._choose_view(wanted)
        partitions = self._partition_names(view, org_id, wanted)
        rest = {name: values for name, values in wanted.items() if name not in view.by}
        most = looked_at(limit) if rest or fits else limit
        entries = self._read_entries(view, partitions, most + 1, span)
        looked, more = entries[:most], len(entries) > most
        if beside:
            beside([one.place for one in looked])
        items = {one: item for one, item in zip(looked, self._read_objects(looked), strict=True) if item}

        def on_page(entry: _Entry) -> bool:
            item = items.get(entry)
            there = item is not None and _still_there(view, partitions, item) and _fits(item, rest)
            return there and (fits is None or fits(items[entry]))

        cut = cut_page(looked, on_page, limit, more=more)
        room = max(1, fitting([items[one] for one in cut.shown])) if fitting else limit
        if len(cut.shown) > room:
            cut = PageCut(cut.shown[:room], cut.shown[room - 1])
        next_key = {"place": cut.last.place} if cut.last else None
        return ListPage([items[one] for one in cut.shown], cursors.encode_cursor(next_key, org_id, query))

    def _read_objects(self, entries: Sequence[_Entry]) -> list[Item | None]:
        """Reads the objects of entries in parallel requests."""
        keys = [{"pk": one.key[0], "sk": one.key[1]} for one in entries]
        batches = [keys[begin : begin + MAX_BATCH_READS] for begin in range(0, len(keys), MAX_BATCH_READS)]
        tasks = [BackgroundTask(partial(get_items, self.table, batch)) for batch in batches]
        for task in tasks[1:]:
            task.start()
        return [item for task in tasks for item in task.result()]

    def places(
        self, org_id: str, wanted: FilterValues, limit: int, *, since: str | None = None, before: str | None = None
    ) -> list[str]:
        """Returns the places of the objects that have one of the wanted values of each filter, newest first.

        `since` is the first time of the range, and `before` is the first place or time after it. The objects are not
        read: they may have changed since, so the caller compares them with the filters.
        """
        return [one.place for one in self.hinted_places(org_id, wanted, limit, since=since, before=before)]

    def hinted_places(
        self, org_id: str, wanted: FilterValues, limit: int, *, since: str | None = None, before: str | None = None
    ) -> list[HintedPlace]:
        """Returns the same places, each with the hint of `entry_writes`."""
        view = self._choose_view({name: values for name, values in wanted.items() if values})
        partitions = self._partition_names(view, org_id, wanted)
        span = _Span(since or _FIRST, before or _LAST)
        return [HintedPlace(one.place, one.hint) for one in self._read_entries(view, partitions, limit, span)]

    def read_places(
        self, org_id: str, wanted: FilterValues, limit: int, after: str | None
    ) -> tuple[list[str], str | None]:
        """Returns a page of places like `places`, and the cursor of the next page (`None` at the end).

        It is for objects that are read with others. Raises Invalid for a cursor of another list.
        """
        query = f"{self.name}:places:{sorted((name, sorted(values)) for name, values in wanted.items())}"
        start = cursors.decode_cursor(after, org_id, query)
        found = self.places(org_id, wanted, limit + 1, before=str(start["place"]) if start else None)
        more = len(found) > limit
        return found[:limit], cursors.encode_cursor({"place": found[limit - 1]} if more else None, org_id, query)

    def find_partition(self, org_id: str, values: Mapping[str, str]) -> ListPartition:
        """Returns the partition of the objects with these values, for a worker that reads a list in its own order.

        Raises StopIteration if no view has exactly these filters. That is a programming error.
        """
        view = next(view for view in self.views if set(view.by) == values.keys() and view.shards == 1)
        return ListPartition(view.index, self._partition_name(view, org_id, [values[name] for name in view.by], 0))

    def _choose_view(self, wanted: FilterValues) -> ListView:
        """Returns the view with the most wanted filters, within the limit of partitions that a page may read."""

        def partitions(view: ListView) -> int:
            number = view.shards
            for name in view.by:
                number *= len(wanted[name])
            return number

        fitting = [view for view in self.views if set(view.by) <= wanted.keys() and partitions(view) <= _MAX_PARTITIONS]
        return max(fitting, key=lambda view: len(view.by))

    def _partition_names(self, view: ListView, org_id: str, wanted: FilterValues) -> list[str]:
        values = product(*(sorted(set(wanted[name])) for name in view.by))
        return [self._partition_name(view, org_id, chosen, shard) for chosen in values for shard in range(view.shards)]

    def _read_entries(self, view: ListView, names: Sequence[str], most: int, span: _Span) -> list[_Entry]:
        reads = [BackgroundTask(partial(self._read_partition, view, name, most, span)) for name in names]
        for read in reads[1:]:
            read.start()
        newest_first = heapq.merge(*(read.result() for read in reads), key=lambda entry: entry.place, reverse=True)
        once = {entry.key: entry for entry in newest_first}
        return list(islice(once.values(), most))

    def _read_partition(self, view: ListView, partition: str, most: int, span: _Span) -> list[_Entry]:
        query = Query(table=self.table, index=view.index, partition=partition, forward=False, between=span)
        # DynamoDB's range includes both ends, and `before` is not on the page: read one item more.
        found = query.read_keys(most + 1).items
        if view.index is None:
            entries = [_Entry(item["sk"], (item["thing_pk"], item["thing_sk"]), item.get("hint")) for item in found]
        else:
            entries = [_Entry(item[f"{view.index}sk"], (item["pk"], item["sk"])) for item in found]
        return [entry for entry in entries if entry.place < span.before][:most]

    def _partition_name(self, view: ListView, org_id: str, values: Sequence[str], shard: int) -> str:
        chosen = "".join(f"#{name}={value}" for name, value in zip(view.by, values, strict=True))
        return f"{org_id}#list#{self.name}{chosen}" + (f"#{shard}" if view.shards > 1 else "")


def read_query_page(
    query: Query,
    parse: Callable[[Item], T],
    org_id: str,
    name: str,
    limit: int,
    after: str | None,
    fitting: Callable[[Sequence[T]], int] | None = None,
) -> tuple[list[T], str | None]:
    """Returns a page of a query's results, and the cursor of the next page (`None` at the end).

    The cursor is bound to `name`, which names the list and its filters. `fitting` returns how many of the results fit
    in the response, for a query without an index. The first is always on the page. Raises Invalid for a cursor of
    another list.
    """
    found = query.read_page(limit, cursors.decode_cursor(after, org_id, name))
    results, next_key = [parse(item) for item in found.items], found.next_key
    room = max(1, fitting(results)) if fitting else limit
    if room < len(results):
        next_key = {part: found.items[room - 1][part] for part in ("pk", "sk")}
    return results[:room], cursors.encode_cursor(next_key, org_id, name)


def read_key_page(query: Query, org_id: str, name: str, limit: int, after: str | None) -> ListPage:
    """Returns a page like `read_query_page`, with only the keys of an index, for objects that are read with others."""
    found = query.read_keys(limit, cursors.decode_cursor(after, org_id, name))
    return ListPage(found.items, cursors.encode_cursor(found.next_key, org_id, name))


def place_of(created_at: str, id_: str) -> str:
    """Returns an object's place in its lists."""
    return f"{created_at}#{id_}"


def id_of_place(place: str) -> str:
    """Returns the id of the object at a place."""
    return place.partition("#")[2]


def _still_there(view: ListView, partitions: Collection[str], item: Item) -> bool:
    """Whether an item is still in one of the partitions that were read. An index may be slightly out of date.

    Any of the partitions counts: they are read in parallel, and an object that moves meanwhile may appear in two.
    """
    return view.index is None or item.get(f"{view.index}pk") in partitions


def _fits(item: Item, rest: FilterValues) -> bool:
    for name, values in rest.items():
        found = item.get(name)
        if not (set(found) & set(values) if isinstance(found, list | set) else found in values):
            return False
    return True
