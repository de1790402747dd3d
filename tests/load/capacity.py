"""The price of requests at DynamoDB, computed by its published rules from the items before and after each request.

Write units, of 1 KB: two per item in a transaction and one otherwise, by the larger of the item before and after.
Conditional checks count, too. Each index entry that is created, deleted or changed counts one, by its own size: two if
its key changes, and none if none of its attributes change. Read units, of 4 KB: one for a consistent read, half of one
otherwise.

Engines differ from each other and from AWS in their counts for indexes and transactions, so this module does not use
them.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from math import ceil
from typing import Any

from switchboard.aws import clients

Image = dict[str, Any]
_WRITES = frozenset({"PutItem", "UpdateItem", "DeleteItem", "TransactWriteItems", "BatchWriteItem"})
_PARTS = {"Put": "Item", "Update": "Key", "Delete": "Key", "ConditionCheck": "Key"}


@dataclass
class Units:
    """The capacity that some requests consumed."""

    requests: Counter[str] = field(default_factory=Counter)
    read: float = 0
    write: float = 0
    #: The write units by place: the table or its index, and the kind of item.
    places: Counter[str] = field(default_factory=Counter)

    def add(self, other: Units) -> None:
        """Add the consumption of others."""
        self.requests += other.requests
        self.read += other.read
        self.write += other.write
        self.places += other.places


class Meter:
    """Counts the requests of this process to DynamoDB, by consumer, and records new items of the outbox."""

    def __init__(self, reader: Any) -> None:
        self._reader = reader
        self._tables: dict[str, Any] = {}
        self._lock = threading.Lock()
        self._name: str | None = "other"
        self.by_name: dict[str, Units] = {}
        self.outbox: list[Image] = []

    def listen(self) -> None:
        """Start counting."""
        for client in (clients.dynamodb_client(), clients.dynamodb_client_without_retries()):
            client.meta.events.register("before-parameter-build.dynamodb", self._asked)
            client.meta.events.register("after-call.dynamodb", self._answered)

    @contextmanager
    def of(self, name: str) -> Iterator[None]:
        """Count the block's requests for a consumer, unless an outer block disables counting."""
        before = self._name
        self._name = None if before is None else name
        try:
            yield
        finally:
            self._name = before

    @contextmanager
    def aside(self) -> Iterator[None]:
        """Do not count the block's requests."""
        before, self._name = self._name, None
        try:
            yield
        finally:
            self._name = before

    def taken(self) -> dict[str, Units]:
        """The consumption since the last call, by consumer."""
        found, self.by_name = self.by_name, {}
        return found

    def _asked(self, params: dict[str, Any], model: Any, context: dict[str, Any], **_: Any) -> None:
        context["asked"], context["counted_as"] = params, self._name
        if model.name in _WRITES:
            context["before"] = [(place, self._image(*place)) for place in self._places(model.name, params)]

    def _answered(self, parsed: dict[str, Any], model: Any, context: dict[str, Any], **_: Any) -> None:
        asked, name = context["asked"], context["counted_as"]
        units = Units(Counter({model.name: 1}))
        if model.name in _WRITES:
            for place, before in context["before"]:
                after = self._image(*place)
                self._note(place[0], before, after)
                self._charge(units, place[0], before, after, 2 if model.name == "TransactWriteItems" else 1)
        elif "Error" not in parsed:
            units.read += _read_units(model.name, asked, parsed)
        if name is not None:
            with self._lock:
                self.by_name.setdefault(name, Units()).add(units)

    def _note(self, table: str, before: Image | None, after: Image | None) -> None:
        if before is None and after and "outbox" in after and self._described(table)["StreamSpecification"]:
            with self._lock:
                self.outbox.append(after)

    def _charge(self, units: Units, table: str, before: Image | None, after: Image | None, times: int) -> None:
        own = times * _kilobytes(max(item_size(before), item_size(after)))
        shown = table.rpartition("-")[2]
        kind = _kind(after or before)
        units.write += own
        units.places[f"{shown}: {kind}"] += own
        for index in self._described(table).get("GlobalSecondaryIndexes", []):
            entry = _entry_units(_entry(index, before), _entry(index, after), _keys(index))
            units.write += entry
            if entry:
                units.places[f"{shown}.{index['IndexName']}: {kind}"] += entry

    def _image(self, table: str, key: Image) -> Image | None:
        found: Image | None = self._reader.get_item(TableName=table, Key=key, ConsistentRead=True).get("Item")
        return found

    def _places(self, operation: str, asked: dict[str, Any]) -> list[tuple[str, Image]]:
        if operation == "TransactWriteItems":
            parts = [next(iter(part.items())) for part in asked["TransactItems"]]
            return [self._place(part["TableName"], part[_PARTS[kind]]) for kind, part in parts]
        if operation == "BatchWriteItem":
            return [
                self._place(
                    table, write["PutRequest"]["Item"] if "PutRequest" in write else write["DeleteRequest"]["Key"]
                )
                for table, writes in asked["RequestItems"].items()
                for write in writes
            ]
        return [self._place(asked["TableName"], asked.get("Item") or asked["Key"])]

    def _place(self, table: str, item: Image) -> tuple[str, Image]:
        return table, {
            part["AttributeName"]: item[part["AttributeName"]] for part in self._described(table)["KeySchema"]
        }

    def _described(self, table: str) -> Any:
        if table not in self._tables:
            found = self._reader.describe_table(TableName=table)["Table"]
            self._tables[table] = {"StreamSpecification": None, **found}
        return self._tables[table]


def _keys(index: Any) -> list[str]:
    return [part["AttributeName"] for part in index["KeySchema"]]


def _entry(index: Any, item: Image | None) -> Image | None:
    """The part of an item that an index holds."""
    if item is None or not all(name in item for name in _keys(index)):
        return None
    projection = index["Projection"]
    if projection["ProjectionType"] == "ALL":
        return item
    names = {"pk", "sk", *_keys(index), *projection.get("NonKeyAttributes", [])}
    return {name: value for name, value in item.items() if name in names}


def _entry_units(before: Image | None, after: Image | None, keys: list[str]) -> int:
    if before == after:
        return 0
    if before and after and all(before[name] == after[name] for name in keys):
        return _kilobytes(max(item_size(before), item_size(after)))
    return sum(_kilobytes(item_size(one)) for one in (before, after) if one)


def _kind(item: Image | None) -> str:
    """The kind of an item: the words of its key without the ids."""
    if not item:
        return "nothing there"
    words = (item.get("pk") or item["id"])["S"].split("#")
    plain = [word for word in words if word.isalpha() or "-" in word]
    if "outbox" in item and item["outbox"]["S"] == "event":
        return "event"
    return "#".join(plain[:2]) or "other"


def _read_units(operation: str, asked: dict[str, Any], answer: dict[str, Any]) -> float:
    if operation == "BatchGetItem":
        units = 0.0
        for table, part in asked["RequestItems"].items():
            sizes = [item_size(item) for item in answer["Responses"].get(table, [])]
            sizes += [0] * (len(part["Keys"]) - len(sizes))
            units += sum(_pages(one) for one in sizes) / (1 if part.get("ConsistentRead") else 2)
        return units
    found = answer.get("Items", []) if operation in ("Query", "Scan") else [answer.get("Item")]
    return _pages(sum(map(item_size, found))) / (1 if asked.get("ConsistentRead") else 2)


def _kilobytes(length: int) -> int:
    return max(1, ceil(length / 1_024))


def _pages(length: int) -> int:
    return max(1, ceil(length / 4_096))


def item_size(item: Image | None) -> int:
    """The size of an item in bytes, by DynamoDB's rules."""
    return sum(len(name.encode()) + _size(value) for name, value in (item or {}).items())


def _size(value: Mapping[str, Any]) -> int:
    ((kind, content),) = value.items()
    match kind:
        case "S":
            return len(content.encode())
        case "N":
            return (len(str(content).strip("-0.")) + 1) // 2 + 1
        case "B":
            return len(content)
        case "SS" | "NS" | "BS":
            return sum(len(part.encode() if isinstance(part, str) else part) for part in content)
        case "L":
            return 3 + sum(1 + _size(part) for part in content)
        case "M":
            return 3 + sum(1 + len(name.encode()) + _size(part) for name, part in content.items())
    return 1  # a boolean, or null
