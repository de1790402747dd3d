"""Writes to DynamoDB: the types of writes, the transaction that commits them, and single and batched writes."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from switchboard.aws import clients
from switchboard.aws.dynamodb import (
    BUSY_MESSAGE,
    MAX_ATTEMPTS,
    MAX_BATCH_WRITES,
    MAX_TRANSACTION_WRITES,
    Item,
    Key,
    decode_item,
    encode_item,
    encode_value,
    key_names,
    pause_before_retry,
    with_retries,
)
from switchboard.errors import Unavailable
from switchboard.kit import background, settings

#: The attribute by which a retried conditional write recognizes its own first attempt.
_TOKEN = "wt"  # noqa: S105 an attribute, not a secret
_SET = re.compile(r"\bSET ")


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

    def to_parameters(self) -> dict[str, Any]:
        """The write as DynamoDB's parameters."""
        parts: dict[str, Any] = {"TableName": settings.table_name(self.table)}
        if self.condition:
            parts["ConditionExpression"] = self.condition
        if self.names:
            parts["ExpressionAttributeNames"] = dict(self.names)
        if self.values:
            parts["ExpressionAttributeValues"] = {name: encode_value(value) for name, value in self.values.items()}
        return parts


@dataclass(frozen=True, kw_only=True)
class Put(Write):
    """Writes a whole item. With `unless_exists` it fails if the item exists."""

    item: Item
    unless_exists: bool = False

    operation = "Put"

    @property
    def place(self) -> Key:
        return {name: self.item[name] for name in key_names(self.item)}

    def to_parameters(self) -> dict[str, Any]:
        parts = super().to_parameters()
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

    def to_parameters(self) -> dict[str, Any]:
        return super().to_parameters() | {"Key": encode_item(self.key), "UpdateExpression": self.expression}

    @classmethod
    def set_attributes(cls, table: str, key: Key, changes: Mapping[str, Any]) -> Update:
        """Returns an update that sets attributes of an existing item."""
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

    def to_parameters(self) -> dict[str, Any]:
        return super().to_parameters() | {"Key": encode_item(self.key)}


@dataclass(frozen=True, kw_only=True)
class ConditionCheck(Write):
    """Writes nothing. The transaction fails unless the condition holds."""

    key: Key

    operation = "ConditionCheck"

    @property
    def place(self) -> Key:
        return self.key

    def to_parameters(self) -> dict[str, Any]:
        return super().to_parameters() | {"Key": encode_item(self.key)}


Writes = Write | Iterable["Writes"] | None


def commit(*parts: Writes) -> None:
    """Makes all the writes in one transaction, or none of them.

    A change and its event belong in one commit. Conflicts with other transactions and throttling are retried with one
    client token, so that a retry never applies twice.

    Raises the exception of the first failed write's `otherwise`, or ConditionFailedError. Raises Contended when
    conflicts do not end, and Unavailable when throttling does not end. Raises the error of the request's guard task
    before it writes anything (`background.wait_for_guard`). Raises ValueError for two writes on one item, which
    DynamoDB refuses.
    """
    writes = list(_flatten(parts))
    if not 0 < len(writes) <= MAX_TRANSACTION_WRITES:
        raise ValueError(f"a commit holds 1 to {MAX_TRANSACTION_WRITES} writes, not {len(writes)}")
    _require_one_write_per_item(writes)
    background.wait_for_guard()
    _commit(writes)


def _commit(writes: Sequence[Write]) -> None:
    request = {
        "TransactItems": [
            {write.operation: write.to_parameters() | {"ReturnValuesOnConditionCheckFailure": "ALL_OLD"}}
            for write in writes
        ],
        "ClientRequestToken": uuid.uuid4().hex,
    }
    with_retries(lambda: _transact(request, writes))


def _require_one_write_per_item(writes: Sequence[Write]) -> None:
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
        clients.dynamodb_client().transact_write_items(**request)
    except clients.ClientError as error:
        if clients.error_code(error) != "TransactionCanceledException":
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


def write_item(change: Put | Update | Delete) -> Item | None:
    """Makes one write after the request's guard task has finished (`background.wait_for_guard`).

    Returns the new item (an Update) or the deleted item (a Delete without a condition). A conditional write is safe to
    retry after a lost response: it recognizes its own first attempt and succeeds, though its condition now fails.
    """
    background.wait_for_guard()
    return write_item_unguarded(change)


def write_item_unguarded(change: Put | Update | Delete, *, tries: int = MAX_ATTEMPTS) -> Item | None:
    """Makes one write without waiting for the guard task: for a write that counts a request and is not its effect.

    With `tries=1` the write is sent to the table at most once.
    """
    background.start_guard()
    if isinstance(change, Delete) and change.condition:
        # A deleted item does not show which request deleted it. The client token of a transaction makes a retry safe.
        _commit([change])
        return None
    request = change.to_parameters() | {"ReturnValuesOnConditionCheckFailure": "ALL_OLD"}
    token = _stamp(change, request) if "ConditionExpression" in request else None
    client = clients.dynamodb_client_without_retries() if tries == 1 else clients.dynamodb_client()

    def attempt() -> Any:
        if isinstance(change, Put):
            return client.put_item(**request)
        if isinstance(change, Update):
            return client.update_item(**request, ReturnValues="ALL_NEW")
        return client.delete_item(**request, ReturnValues="ALL_OLD")

    try:
        answer = with_retries(attempt, tries)
    except clients.ClientError as error:
        if clients.error_code(error) != "ConditionalCheckFailedException":
            raise
        found: Any = error.response.get("Item")
        item = decode_item(found) if found else None
        if token and item and item.get(_TOKEN) == token:
            return item
        raise change.otherwise([item]) if change.otherwise else ConditionFailedError(change, item) from error
    attributes = answer.get("Attributes")
    return decode_item(attributes) if attributes else None


def _stamp(change: Put | Update | Delete, request: dict[str, Any]) -> str:
    """Adds a token to the item of a conditional write. Returns the token."""
    token = uuid.uuid4().hex[:16]
    if isinstance(change, Put):
        request["Item"] = {**request["Item"], _TOKEN: {"S": token}}
        return token
    stamped = f"{_TOKEN} = :{_TOKEN}"
    expression, found = _SET.subn(rf"\g<0>{stamped}, ", request["UpdateExpression"], count=1)
    request["UpdateExpression"] = expression if found else f"{expression} SET {stamped}"
    request["ExpressionAttributeValues"] = {**request.get("ExpressionAttributeValues", {}), f":{_TOKEN}": {"S": token}}
    return token


def delete_items(table: str, keys: Sequence[Key]) -> None:
    """Deletes the items at keys, in parallel requests of 25 keys. A missing item is no error."""
    _write_many(table, [{"DeleteRequest": {"Key": encode_item(key)}} for key in keys])


def put_items(table: str, items: Sequence[Item]) -> None:
    """Writes whole items, in parallel requests of 25 items. Each item is its own write: readers see them in any order.

    A killed process may have written some of the items. So use this only for items that a second run writes again
    unchanged. Raises Unavailable when throttling does not end.
    """
    _write_many(table, [{"PutRequest": {"Item": encode_item(item)}} for item in items])


def _write_many(table: str, requests: Sequence[dict[str, Any]]) -> None:
    background.wait_for_guard()
    parts = [requests[start : start + MAX_BATCH_WRITES] for start in range(0, len(requests), MAX_BATCH_WRITES)]
    if len(parts) == 1:
        _write_part(table, parts[0])
        return
    for done in [background.submit(lambda part=part: _write_part(table, part)) for part in parts]:  # type: ignore[misc]
        done.result()


def _write_part(table: str, requests: Sequence[dict[str, Any]]) -> None:
    wanted: Any = {settings.table_name(table): list(requests)}
    for attempt in range(MAX_ATTEMPTS):
        answer = with_retries(lambda batch=wanted: clients.dynamodb_client().batch_write_item(RequestItems=batch))  # type: ignore[misc]
        wanted = answer.get("UnprocessedItems") or {}
        if not wanted:
            return
        pause_before_retry(attempt)
    raise Unavailable(BUSY_MESSAGE, retry_after=1)


def room_condition(counter: str, placeholder: str, room: int) -> str:
    """Returns the condition that a counter is at most `room`. The counter may be missing, and then counts as 0.

    `placeholder` is the name of the expression value that holds `room`.
    """
    fits = f"{counter} <= {placeholder}"
    # With a negative room even the first unit does not fit, so a missing counter must not pass.
    return f"(attribute_not_exists({counter}) OR {fits})" if room >= 0 else fits
