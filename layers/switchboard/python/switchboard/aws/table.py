"""DynamoDB for the stores: reads, single writes, and `commit`, which makes several writes in one transaction."""

from __future__ import annotations

import re
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeVar

from aws_lambda_powertools.shared.dynamodb_deserializer import TypeDeserializer

from switchboard.aws import aside, chance, session, settings
from switchboard.errors import Contended, Unavailable

Item = dict[str, Any]
Key = Mapping[str, str]
_T = TypeVar("_T")

_MAX_WRITES = 100
#: Attempts and pauses, in seconds, of one request. All pauses together last about two seconds at most: in that time a
#: busy item serves hundreds of other requests.
_MAX_ATTEMPTS = 9
_FIRST_PAUSE, _LONGEST_PAUSE = 0.02, 0.5
#: The attribute by which a retried conditional write recognizes its own first attempt.
_TOKEN = "wt"  # noqa: S105 an attribute, not a secret
_BUSY = "The store is busy: try again in a second."

#: Error codes of DynamoDB after which the same request may succeed a moment later.
_TRANSIENT = frozenset(
    {
        "TransactionConflict",
        "TransactionConflictException",
        "TransactionInProgressException",
        "ThrottlingError",
        "ThrottlingException",
        "ProvisionedThroughputExceeded",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "InternalServerError",
        "ServiceUnavailable",
    }
)

#: How a retry waits. Tests replace it.
sleep: Callable[[float], None] = time.sleep


class ConditionFailedError(Exception):
    """The condition of a write was false. `item` is the stored item, `None` if there is no item."""

    def __init__(self, write: Write, item: Item | None) -> None:
        super().__init__(f"{type(write).__name__} on {write.table}: condition failed")
        self.write = write
        self.item = item


@dataclass(frozen=True, kw_only=True)
class Write:
    """One write of a transaction.

    `condition`, `names` and `values` are DynamoDB's condition expression and its placeholders. When the condition
    fails, `otherwise` makes the exception to raise. It gets the stored items, one for each failed write that shares
    the same `otherwise`. Without `otherwise`, a failed condition raises `ConditionFailedError`.
    """

    table: str
    condition: str | None = None
    names: Mapping[str, str] = field(default_factory=dict)
    values: Mapping[str, Any] = field(default_factory=dict)
    otherwise: Callable[[list[Item | None]], Exception] | None = None

    operation = ""

    @property
    def place(self) -> Key:
        """The key of the item to write or check."""
        raise NotImplementedError

    def request(self) -> dict[str, Any]:
        """The write as DynamoDB's parameters."""
        parts: dict[str, Any] = {"TableName": settings.table(self.table)}
        if self.condition:
            parts["ConditionExpression"] = self.condition
        if self.names:
            parts["ExpressionAttributeNames"] = dict(self.names)
        if self.values:
            parts["ExpressionAttributeValues"] = {name: encode(value) for name, value in self.values.items()}
        return parts


@dataclass(frozen=True, kw_only=True)
class Put(Write):
    """Writes a whole item. With `unless_exists` it fails if the item exists."""

    item: Item
    unless_exists: bool = False

    operation = "Put"

    @property
    def place(self) -> Key:
        return {name: self.item[name] for name in _key_names(self.item)}

    def request(self) -> dict[str, Any]:
        parts = super().request()
        parts["Item"] = encode_item(self.item)
        if self.unless_exists and not self.condition:
            parts["ConditionExpression"] = f"attribute_not_exists({'pk' if 'pk' in self.item else 'id'})"
        return parts


@dataclass(frozen=True, kw_only=True)
class Update(Write):
    """Changes some attributes of an item by an update expression."""

    key: Key
    expression: str

    operation = "Update"

    @property
    def place(self) -> Key:
        return self.key

    def request(self) -> dict[str, Any]:
        return super().request() | {"Key": encode_item(self.key), "UpdateExpression": self.expression}

    @classmethod
    def of(cls, table: str, key: Key, changes: Mapping[str, Any]) -> Update:
        """Return an update that sets attributes of an existing item."""
        return cls(
            table=table,
            key=key,
            expression="SET " + ", ".join(f"#{name} = :{name}" for name in changes),
            names={f"#{name}": name for name in changes},
            values={f":{name}": value for name, value in changes.items()},
            condition=f"attribute_exists({'pk' if 'pk' in key else 'id'})",
        )


@dataclass(frozen=True, kw_only=True)
class Delete(Write):
    """Deletes an item."""

    key: Key

    operation = "Delete"

    @property
    def place(self) -> Key:
        return self.key

    def request(self) -> dict[str, Any]:
        return super().request() | {"Key": encode_item(self.key)}


@dataclass(frozen=True, kw_only=True)
class Check(Write):
    """Writes nothing. The transaction fails unless the condition holds."""

    key: Key

    operation = "ConditionCheck"

    @property
    def place(self) -> Key:
        return self.key

    def request(self) -> dict[str, Any]:
        return super().request() | {"Key": encode_item(self.key)}


Writes = Write | Iterable["Writes"] | None


def commit(*parts: Writes) -> None:
    """Make all the writes in one transaction, or none of them.

    A change and its event belong in one commit. Conflicts with other transactions and throttling are retried with one
    client token, so that a retry never applies twice.

    Raises the exception of the first failed write's `otherwise`, or ConditionFailedError. Raises Contended when
    conflicts do not end, and Unavailable when throttling does not end. Raises the error of the request's guard task
    before it writes anything (`aside.settle`). Raises ValueError for two writes on one item, which DynamoDB refuses.
    """
    writes = list(_flatten(parts))
    if not 0 < len(writes) <= _MAX_WRITES:
        raise ValueError(f"a commit holds 1 to {_MAX_WRITES} writes, not {len(writes)}")
    _require_one_write_an_item(writes)
    aside.settle()
    _commit(writes)


def _commit(writes: Sequence[Write]) -> None:
    request = {
        "TransactItems": [
            {write.operation: write.request() | {"ReturnValuesOnConditionCheckFailure": "ALL_OLD"}} for write in writes
        ],
        "ClientRequestToken": uuid.uuid4().hex,
    }
    _persistently(lambda: _transact(request, writes))


def _require_one_write_an_item(writes: Sequence[Write]) -> None:
    places: dict[tuple[str, ...], Write] = {}
    for write in writes:
        place = (write.table, *write.place.values())
        other = places.setdefault(place, write)
        if other is not write:
            # The message has no key: a key may contain a caller's data.
            raise ValueError(
                f"a commit holds two writes on one item of {write.table}: {other.operation}, {write.operation}"
            )


def _flatten(parts: Iterable[Writes]) -> Iterable[Write]:
    for part in parts:
        if isinstance(part, Write):
            yield part
        elif part is not None:
            yield from _flatten(part)


def _transact(request: dict[str, Any], writes: Sequence[Write]) -> None:
    try:
        session.dynamodb().transact_write_items(**request)
    except session.ClientError as error:
        if session.error_code(error) != "TransactionCanceledException":
            raise
        reasons = error.response.get("CancellationReasons", [])
        failed = [
            (write, decode_item(reason["Item"]) if reason.get("Item") else None)
            for write, reason in zip(writes, reasons, strict=False)
            if reason.get("Code") == "ConditionalCheckFailed"
        ]
        if not failed:
            raise
        first, item = failed[0]
        if first.otherwise is None:
            raise ConditionFailedError(first, item) from error
        raise first.otherwise([item for write, item in failed if write.otherwise is first.otherwise]) from error


def _persistently(attempt: Callable[[], _T], tries: int = _MAX_ATTEMPTS) -> _T:
    """Retry a request while its error is transient. Raises Unavailable or Contended after the last attempt."""
    pause = _FIRST_PAUSE
    for remaining in range(tries - 1, -1, -1):
        try:
            return attempt()
        except session.ConnectionFailed as error:
            # botocore has retried already, for as long as a response may take.
            raise Unavailable(_BUSY, retry_after=1) from error
        except session.ClientError as error:
            if not _is_transient(error):
                raise
            if not remaining:
                contended = session.error_code(error) == "TransactionCanceledException"
                raise (Contended if contended else Unavailable)(_BUSY, retry_after=1) from error
            sleep(chance.between(0, pause))
            pause = min(pause * 2, _LONGEST_PAUSE)
    raise AssertionError("unreachable")


def back_off(attempt: int) -> None:
    """Wait before the next attempt at an optimistic change. `attempt` counts from 0."""
    sleep(chance.between(0, min(_FIRST_PAUSE * 2**attempt, _LONGEST_PAUSE)))


def _is_transient(error: session.ClientError) -> bool:
    codes = {session.error_code(error)}
    if "TransactionCanceledException" in codes:
        reasons: Any = error.response.get("CancellationReasons", [])
        codes = {reason.get("Code", "None") for reason in reasons} - {"None"}
        return bool(codes) and codes <= _TRANSIENT
    return not codes.isdisjoint(_TRANSIENT)


def write(change: Put | Update | Delete) -> Item | None:
    """Make one write after the request's guard task has finished (`aside.settle`).

    Returns the new item (an Update) or the deleted item (a Delete without a condition). A conditional write is safe to
    retry after a lost response: it recognizes its own first attempt and succeeds, though its condition now fails.
    """
    aside.settle()
    return write_at_once(change)


def write_at_once(change: Put | Update | Delete, *, tries: int = _MAX_ATTEMPTS) -> Item | None:
    """Make one write without waiting for the guard task: for a write that counts a request and is not its effect.

    With `tries=1` the write is sent to the table at most once.
    """
    aside.begin()
    if isinstance(change, Delete) and change.condition:
        # A deleted item does not show which request deleted it. The client token of a transaction makes a retry safe.
        _commit([change])
        return None
    request = change.request() | {"ReturnValuesOnConditionCheckFailure": "ALL_OLD"}
    token = _stamp(change, request) if "ConditionExpression" in request else None
    client = session.dynamodb_once() if tries == 1 else session.dynamodb()

    def attempt() -> Any:
        if isinstance(change, Put):
            return client.put_item(**request)
        if isinstance(change, Update):
            return client.update_item(**request, ReturnValues="ALL_NEW")
        return client.delete_item(**request, ReturnValues="ALL_OLD")

    try:
        answer = _persistently(attempt, tries)
    except session.ClientError as error:
        if session.error_code(error) != "ConditionalCheckFailedException":
            raise
        found: Any = error.response.get("Item")
        item = decode_item(found) if found else None
        if token and item and item.get(_TOKEN) == token:
            return item
        raise change.otherwise([item]) if change.otherwise else ConditionFailedError(change, item) from error
    attributes = answer.get("Attributes")
    return decode_item(attributes) if attributes else None


def _stamp(change: Put | Update | Delete, request: dict[str, Any]) -> str:
    """Add a token to the item of a conditional write. Returns the token."""
    token = uuid.uuid4().hex[:16]
    if isinstance(change, Put):
        request["Item"] = {**request["Item"], _TOKEN: {"S": token}}
        return token
    stamped = f"{_TOKEN} = :{_TOKEN}"
    expression, found = _SET.subn(rf"\g<0>{stamped}, ", request["UpdateExpression"], count=1)
    request["UpdateExpression"] = expression if found else f"{expression} SET {stamped}"
    request["ExpressionAttributeValues"] = {**request.get("ExpressionAttributeValues", {}), f":{_TOKEN}": {"S": token}}
    return token


_SET = re.compile(r"\bSET ")


def _reading(attempt: Callable[[], _T]) -> _T:
    aside.begin()
    return _persistently(attempt)


def get(table: str, key: Key, *, consistent: bool = True) -> Item | None:
    """Read the item at a key, `None` if there is no item."""
    request: Any = {"TableName": settings.table(table), "Key": encode_item(key), "ConsistentRead": consistent}
    found = _reading(lambda: session.dynamodb().get_item(**request)).get("Item")
    return decode_item(found) if found else None


def get_many(table: str, keys: Sequence[Key]) -> list[Item | None]:
    """Read the items at up to 100 keys of one table in one consistent request. Returns them in the keys' order."""
    return get_across([(table, key) for key in keys])


def get_across(places: Sequence[tuple[str, Key]]) -> list[Item | None]:
    """Read the items at up to 100 keys of several tables in one consistent request, in the order of `places`.

    Keys that DynamoDB leaves unprocessed are read again. Raises Unavailable when some stay unprocessed.
    """
    names = [(settings.table(table), *_key_of(key)) for table, key in places]
    found: dict[tuple[str, ...], Item] = {}
    wanted: Any = {}
    for (name, *_), (_, key) in dict(zip(names, places, strict=True)).items():
        wanted.setdefault(name, {"Keys": [], "ConsistentRead": True})["Keys"].append(encode_item(key))
    attempt = 0
    while wanted:
        answer: Any = _reading(lambda batch=wanted: session.dynamodb().batch_get_item(RequestItems=batch))  # type: ignore[misc]
        for name, items in answer["Responses"].items():
            for item in map(decode_item, items):
                found[(name, *_key_of(item))] = item
        wanted = answer.get("UnprocessedKeys") or {}
        if wanted:
            if attempt == _MAX_ATTEMPTS:
                raise Unavailable(_BUSY, retry_after=1)
            back_off(attempt)
            attempt += 1
    return [found.get(name) for name in names]


def _key_names(item: Key | Item) -> tuple[str, ...]:
    return ("pk", "sk") if "pk" in item else ("id",)


def _key_of(item: Key | Item) -> tuple[str, ...]:
    return tuple(item[name] for name in _key_names(item))


_BATCH_WRITES, _BATCH_READS = 25, 100


def delete_many(table: str, keys: Sequence[Key]) -> None:
    """Delete the items at keys, in parallel requests of 25 keys. A missing item is no error."""
    _write_many(table, [{"DeleteRequest": {"Key": encode_item(key)}} for key in keys])


def put_many(table: str, items: Sequence[Item]) -> None:
    """Write whole items, in parallel requests of 25 items. Each item is its own write: readers see them in any order.

    A killed process may have written some of the items. So use this only for items that a second run writes again
    unchanged. Raises Unavailable when throttling does not end.
    """
    _write_many(table, [{"PutRequest": {"Item": encode_item(item)}} for item in items])


def _write_many(table: str, requests: Sequence[dict[str, Any]]) -> None:
    aside.settle()
    parts = [requests[start : start + _BATCH_WRITES] for start in range(0, len(requests), _BATCH_WRITES)]
    if len(parts) == 1:
        _write_part(table, parts[0])
        return
    for done in [aside.start(lambda part=part: _write_part(table, part)) for part in parts]:  # type: ignore[misc]
        done.result()


def _write_part(table: str, requests: Sequence[dict[str, Any]]) -> None:
    wanted: Any = {settings.table(table): list(requests)}
    for attempt in range(_MAX_ATTEMPTS):
        answer = _persistently(lambda batch=wanted: session.dynamodb().batch_write_item(RequestItems=batch))  # type: ignore[misc]
        wanted = answer.get("UnprocessedItems") or {}
        if not wanted:
            return
        back_off(attempt)
    raise Unavailable(_BUSY, retry_after=1)


class Page(NamedTuple):
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

    def page(self, limit: int, start: Item | None = None) -> Page:
        """Read up to `limit` items from `start` on (a page's `next_key`). Items of an index are read in full.

        With `where`, items that do not match are skipped, for at most five times `limit` items. A page may then be
        short or empty, and still have a next key.
        """
        found = self.keys(limit, start)
        return Page(self._as_they_are(found.items), found.next_key) if self.index else found

    def keys(self, limit: int, start: Item | None = None) -> Page:
        """Read a page like `page`, but of an index only the keys.

        It reads one item more than `limit`, so that an exactly full last page has no next key. With `where`, items
        that do not match are skipped, for at most five times `limit` items. A page may then be short or empty, and
        still have a next key.
        """
        items: list[Item] = []
        reads = 5 if self.where else 1
        while True:
            answer = self._read(limit + 1, start)
            for found in answer["Items"]:
                if len(items) == limit:
                    return Page(items, self._key_of(items[-1]))
                items.append(decode_item(found))
            last = answer.get("LastEvaluatedKey")
            start = decode_item(last) if last else None
            reads -= 1
            if start is None or not reads:
                return Page(items, start)

    def all(self) -> Iterable[Item]:
        """Iterate over every item of the range."""
        for items in self.chunks():
            yield from items

    def chunks(self) -> Iterator[list[Item]]:
        """Iterate over every item of the range, in the chunks of DynamoDB's responses (1 MB)."""
        start: Item | None = None
        while True:
            answer = self._read(None, start)
            items = [decode_item(found) for found in answer["Items"]]
            yield self._as_they_are(items) if self.index else items
            last = answer.get("LastEvaluatedKey")
            if not last:
                return
            start = decode_item(last)

    def _as_they_are(self, keys: list[Item]) -> list[Item]:
        """Read the items of index entries, without those that were deleted or moved since."""
        names = (f"{self.index}pk", f"{self.index}sk")
        found: list[Item] = []
        for begin in range(0, len(keys), _BATCH_READS):
            part = keys[begin : begin + _BATCH_READS]
            items = get_many(self.table, [{"pk": key["pk"], "sk": key["sk"]} for key in part])
            found += [
                item
                for key, item in zip(part, items, strict=True)
                if item and all(item.get(name) == key[name] for name in names)
            ]
        return found

    def _read(self, limit: int | None, start: Item | None) -> Any:
        request = self._request(limit, start)
        return _reading(lambda: session.dynamodb().query(**request))

    def _request(self, limit: int | None, start: Item | None) -> dict[str, Any]:
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
            "TableName": settings.table(self.table),
            "KeyConditionExpression": condition,
            "ExpressionAttributeValues": {name: encode(value) for name, value in values.items()},
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


def room_for(counter: str, placeholder: str, room: int) -> str:
    """Return the condition that a counter is at most `room`. The counter may be missing, and then counts as 0.

    `placeholder` is the name of the expression value that holds `room`.
    """
    fits = f"{counter} <= {placeholder}"
    # With a negative room even the first unit does not fit, so a missing counter must not pass.
    return f"(attribute_not_exists({counter}) OR {fits})" if room >= 0 else fits


class _Deserializer(TypeDeserializer):
    """Powertools' deserializer, but with integers as `int`: the stores keep no other numbers."""

    def _deserialize_n(self, value: str) -> Any:
        return int(value) if value.lstrip("-").isdigit() else super()._deserialize_n(value)


_deserialize = _Deserializer().deserialize


def encode(value: Any) -> Any:
    """Return a Python value as a DynamoDB attribute. Floats are refused: money and time are integers or text."""
    match value:
        case str():
            return {"S": value}
        case bool():
            return {"BOOL": value}
        case int():
            return {"N": str(value)}
        case None:
            return {"NULL": True}
        case Mapping():
            return {"M": {key: encode(part) for key, part in value.items()}}
        case list() | tuple():
            return {"L": [encode(part) for part in value]}
        case set() | frozenset() if value and all(isinstance(part, str) for part in value):
            return {"SS": sorted(value)}
        case bytes():
            return {"B": value}
    raise TypeError(f"no DynamoDB type for {type(value).__name__}")


def encode_item(item: Mapping[str, Any]) -> dict[str, Any]:
    """Return an item as DynamoDB's attributes."""
    return {name: encode(value) for name, value in item.items()}


def decode_item(item: Mapping[str, Any]) -> Item:
    """Return an item from DynamoDB's attributes."""
    return {name: _deserialize(value) for name, value in item.items()}
