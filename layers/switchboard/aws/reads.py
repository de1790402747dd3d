"""Reads from DynamoDB: items by key, and pages of a partition or an index."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Generic, NamedTuple, TypeVar, overload

from switchboard.aws import clients
from switchboard.aws.dynamodb import (
    BUSY_MESSAGE,
    MAX_ATTEMPTS,
    MAX_BATCH_READS,
    Item,
    Key,
    decode_item,
    encode_item,
    encode_value,
    key_of,
    pause_before_retry,
    read_with_retries,
)
from switchboard.errors import Unavailable
from switchboard.kit import settings

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)
T1 = TypeVar("T1")
T2 = TypeVar("T2")
T3 = TypeVar("T3")
T4 = TypeVar("T4")


@dataclass(frozen=True, slots=True)
class Ref(Generic[T_co]):
    """A reference to a stored object: the key of its item, and how to parse the item."""

    table: str
    key: Key
    parse: Callable[[Item], T_co]


def get_item(table: str, key: Key, *, consistent: bool = True) -> Item | None:
    """Reads the item at a key, `None` if there is no item."""
    request: Any = {"TableName": settings.table_name(table), "Key": encode_item(key), "ConsistentRead": consistent}
    found = read_with_retries(lambda: clients.dynamodb_client().get_item(**request)).get("Item")
    return decode_item(found) if found else None


def get_items(table: str, keys: Sequence[Key]) -> list[Item | None]:
    """Reads the items at up to 100 keys of one table in one consistent request. Returns them in the keys' order."""
    return get_items_of_tables([(table, key) for key in keys])


def get_items_of_tables(places: Sequence[tuple[str, Key]]) -> list[Item | None]:
    """Reads the items at up to 100 keys of several tables in one consistent request, in the order of `places`.

    Keys that DynamoDB leaves unprocessed are read again. Raises Unavailable when some stay unprocessed.
    """
    names = [(settings.table_name(table), *key_of(key)) for table, key in places]
    found: dict[tuple[str, ...], Item] = {}
    wanted: Any = {}
    for (name, *_), (_, key) in dict(zip(names, places, strict=True)).items():
        wanted.setdefault(name, {"Keys": [], "ConsistentRead": True})["Keys"].append(encode_item(key))
    attempt = 0
    while wanted:
        answer: Any = read_with_retries(partial(clients.dynamodb_client().batch_get_item, RequestItems=wanted))
        for name, items in answer["Responses"].items():
            for item in map(decode_item, items):
                found[(name, *key_of(item))] = item
        wanted = answer.get("UnprocessedKeys") or {}
        if wanted:
            if attempt == MAX_ATTEMPTS:
                raise Unavailable(BUSY_MESSAGE, retry_after=1)
            pause_before_retry(attempt)
            attempt += 1
    return [found.get(name) for name in names]


def read_ref(ref: Ref[T]) -> T | None:
    """Reads the object of a reference, `None` if there is none."""
    item = get_item(ref.table, ref.key)
    return ref.parse(item) if item else None


@overload
def read_refs(ref1: Ref[T1] | None, ref2: Ref[T2] | None, /) -> tuple[T1 | None, T2 | None]: ...
@overload
def read_refs(
    ref1: Ref[T1] | None, ref2: Ref[T2] | None, ref3: Ref[T3] | None, /
) -> tuple[T1 | None, T2 | None, T3 | None]: ...
@overload
def read_refs(
    ref1: Ref[T1] | None, ref2: Ref[T2] | None, ref3: Ref[T3] | None, ref4: Ref[T4] | None, /
) -> tuple[T1 | None, T2 | None, T3 | None, T4 | None]: ...
@overload
def read_refs(*refs: Ref[T] | None) -> tuple[T | None, ...]: ...
def read_refs(*refs: Ref[Any] | None) -> tuple[Any, ...]:
    """Reads the objects of up to 100 references in one consistent request, in the order of the references.

    An object that does not exist is `None`, and so is an object without a reference.
    """
    items = iter(get_items_of_tables([(ref.table, ref.key) for ref in refs if ref]))
    return tuple(ref.parse(item) if ref and (item := next(items)) else None for ref in refs)


def read_ref_pairs(pairs: Sequence[tuple[Ref[T1], Ref[T2]]]) -> list[tuple[T1 | None, T2 | None]]:
    """Reads the objects of up to 50 pairs of references in one consistent request, in the order of the pairs."""
    found: tuple[Any, ...] = read_refs(*(ref for pair in pairs for ref in pair))
    return list(zip(found[::2], found[1::2], strict=True))


class QueryPage(NamedTuple):
    """Items of one query, and the key to continue from (`None` at the end)."""

    items: list[Item]
    next_key: Item | None


@dataclass(frozen=True, kw_only=True)
class Query:
    """A range of one partition.

    `between`, `before` and `begins` restrict the sort key. `where` filters the items that were read.

    An index holds keys only, and may be slightly out of date. The items are then read by these keys, so that a page
    shows their current state. A page leaves out items that were deleted or moved, so it may be short and still have a
    next key. `where` does not work with an index, because an index lacks the attributes.
    """

    table: str
    partition: str
    index: str | None = None
    begins: str | None = None
    between: tuple[str, str] | None = None
    before: str | None = None
    forward: bool = True
    where: str | None = None
    names: Mapping[str, str] = field(default_factory=dict)
    values: Mapping[str, Any] = field(default_factory=dict)

    def read_page(self, limit: int, start: Item | None = None) -> QueryPage:
        """Reads up to `limit` items from `start` on (a page's `next_key`). Items of an index are read in full.

        With `where`, items that do not match are skipped, for at most five times `limit` items. A page may then be
        short or empty, and still have a next key.
        """
        found = self.read_keys(limit, start)
        return QueryPage(self._current_items(found.items), found.next_key) if self.index else found

    def read_keys(self, limit: int, start: Item | None = None) -> QueryPage:
        """Reads a page like `read_page`, but of an index only the keys.

        It reads one item more than `limit`, so that an exactly full last page has no next key. With `where`, items
        that do not match are skipped, for at most five times `limit` items. A page may then be short or empty, and
        still have a next key.
        """
        items: list[Item] = []
        reads = 5 if self.where else 1
        while True:
            answer = self._send_query(limit + 1, start)
            for found in answer["Items"]:
                if len(items) == limit:
                    return QueryPage(items, self._key_of(items[-1]))
                items.append(decode_item(found))
            last = answer.get("LastEvaluatedKey")
            start = decode_item(last) if last else None
            reads -= 1
            if start is None or not reads:
                return QueryPage(items, start)

    def read_all(self) -> Iterable[Item]:
        """Iterates over every item of the range."""
        for items in self.read_chunks():
            yield from items

    def read_chunks(self) -> Iterator[list[Item]]:
        """Iterates over every item of the range, in the chunks of DynamoDB's responses (1 MB)."""
        start: Item | None = None
        while True:
            answer = self._send_query(None, start)
            items = [decode_item(found) for found in answer["Items"]]
            yield self._current_items(items) if self.index else items
            last = answer.get("LastEvaluatedKey")
            if not last:
                return
            start = decode_item(last)

    def _current_items(self, keys: list[Item]) -> list[Item]:
        """Reads the items of index entries, without those that were deleted or moved since."""
        names = (f"{self.index}pk", f"{self.index}sk")
        found: list[Item] = []
        for begin in range(0, len(keys), MAX_BATCH_READS):
            part = keys[begin : begin + MAX_BATCH_READS]
            items = get_items(self.table, [{"pk": key["pk"], "sk": key["sk"]} for key in part])
            found += [
                item
                for key, item in zip(part, items, strict=True)
                if item and all(item.get(name) == key[name] for name in names)
            ]
        return found

    def _send_query(self, limit: int | None, start: Item | None) -> Any:
        request = self._query_parameters(limit, start)
        return read_with_retries(lambda: clients.dynamodb_client().query(**request))

    def _query_parameters(self, limit: int | None, start: Item | None) -> dict[str, Any]:
        pk, sk = (f"{self.index}pk", f"{self.index}sk") if self.index else ("pk", "sk")
        condition, values = f"{pk} = :pk", {":pk": self.partition, **self.values}
        if self.begins is not None:
            condition, values[":begins"] = f"{condition} AND begins_with({sk}, :begins)", self.begins
        if self.before is not None:
            condition, values[":before"] = f"{condition} AND {sk} < :before", self.before
        if self.between is not None:
            condition = f"{condition} AND {sk} BETWEEN :from AND :to"
            values[":from"], values[":to"] = self.between
        request: dict[str, Any] = {
            "TableName": settings.table_name(self.table),
            "KeyConditionExpression": condition,
            "ExpressionAttributeValues": {name: encode_value(value) for name, value in values.items()},
            "ScanIndexForward": self.forward,
        }
        if self.index:
            request["IndexName"] = self.index
        else:
            request["ConsistentRead"] = True
        if self.where:
            request["FilterExpression"] = self.where
        if self.names:
            request["ExpressionAttributeNames"] = dict(self.names)
        if limit:
            request["Limit"] = limit
        if start:
            request["ExclusiveStartKey"] = encode_item(start)
        return request

    def _key_of(self, item: Item) -> Item:
        names = ["pk", "sk"] + ([f"{self.index}pk", f"{self.index}sk"] if self.index else [])
        return {name: item[name] for name in names}
