"""DynamoDB's limits that moto ignores: the sizes of keys and items, numbers, nesting, and two writes to one item."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from switchboard.aws import clients

_PARTITION_KEY, _SORT_KEY, _ITEM, _DIGITS, _LEVELS = 2_048, 1_024, 400 * 1_024, 38, 32
_PARTITION_KEYS = ("pk", "id", "gsi1pk", "gsi2pk", "gsi3pk", "gsi4pk")
_SORT_KEYS = ("sk", "gsi1sk", "gsi2sk", "gsi3sk", "gsi4sk")


class _Answer:
    status_code = 400


def enforce_limits() -> None:
    """Let this process's client refuse the requests that DynamoDB would refuse."""
    clients.dynamodb_client().meta.events.register_first("before-call", _check_request)


def _check_request(params: Any, **_: Any) -> Any:
    wrong = next(_problems(json.loads(params["body"])), None)
    if wrong is None:
        return None
    error = {"Error": {"Code": "ValidationException", "Message": wrong}}
    return _Answer(), error | {"ResponseMetadata": {"HTTPStatusCode": 400}}


def _problems(request: Any) -> Iterator[str]:
    for part in _objects(request):
        for name in ("Key", "Item", "ExclusiveStartKey"):
            yield from _item_problems(part.get(name) or {})
        for key in part.get("Keys") or ():
            yield from _item_problems(key)
        values = part.get("ExpressionAttributeValues") or {}
        if "KeyConditionExpression" in part:
            yield from _key_problems(":pk", values[":pk"], _PARTITION_KEY)
            for name in (":begins", ":from", ":to"):
                if name in values:
                    yield from _key_problems(name, values[name], _SORT_KEY)
        if ":from" in values and values[":from"].get("S", "") > values[":to"].get("S", ""):
            yield "a range that ends before it begins"
        for name, value in values.items():
            yield from _value_problems(name, value, 1)
    places = []
    for write in request.get("TransactItems", ()):
        for change in write.values():
            item = change.get("Key") or change["Item"]
            places.append((change["TableName"], *(json.dumps(item.get(name)) for name in ("pk", "sk", "id"))))
    if len(set(places)) < len(places):
        yield "two writes of one item"


def _objects(node: Any) -> Iterator[dict[str, Any]]:
    """Yields the request and its parts that name items. The content of an item is not a part."""
    if isinstance(node, dict):
        yield node
        for name, part in node.items():
            if name not in ("Item", "Key", "Keys", "ExpressionAttributeValues", "ExclusiveStartKey"):
                yield from _objects(part)
    elif isinstance(node, list):
        for part in node:
            yield from _objects(part)


def _item_problems(item: dict[str, Any]) -> Iterator[str]:
    for name, value in item.items():
        if name in _PARTITION_KEYS:
            yield from _key_problems(name, value, _PARTITION_KEY)
        elif name in _SORT_KEYS:
            yield from _key_problems(name, value, _SORT_KEY)
        else:
            yield from _value_problems(name, value, 1)
    if len(json.dumps(item, ensure_ascii=False).encode()) > _ITEM:
        yield "an item of more than 400 KB"


def _key_problems(name: str, value: dict[str, Any], most: int) -> Iterator[str]:
    size = len(next(iter(value.values())).encode())
    if not 0 < size <= most:
        yield f"{name} has {size} bytes"


def _value_problems(name: str, value: dict[str, Any], level: int) -> Iterator[str]:
    if level > _LEVELS:
        yield f"{name} is nested too deeply"
        return
    if len(value.get("N", "").lstrip("-").replace(".", "")) > _DIGITS:
        yield f"{name} is a number of too many digits"
    for key, part in value.get("M", {}).items():
        if not key:
            yield f"{name} holds an empty name"
        yield from _value_problems(name, part, level + 1)
    for part in value.get("L", ()):
        yield from _value_problems(name, part, level + 1)
