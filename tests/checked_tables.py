"""The tables in memory with DynamoDB's checks: the sizes of keys, items and pages, and the syntax of expressions.

The tests of races skip these checks, because they send millions of requests. An invalid request fails in the tests
that send it once.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from moto.dynamodb.parsing.reserved_keywords import ReservedKeywords

from tests.memory_cloud import Change, Item, Tables, error
from tests.memory_expressions import Values

_PARTITION_KEY, _SORT_KEY, _ITEM, _PAGE = 2_048, 1_024, 400 * 1_024, 1_000_000
_INDEX_KEYS = {
    f"gsi{number}{part}": most for number in range(1, 5) for part, most in (("pk", _PARTITION_KEY), ("sk", _SORT_KEY))
}
_ANY_KEYS = {"pk": _PARTITION_KEY, "id": _PARTITION_KEY, "sk": _SORT_KEY}
#: The parameters that hold an expression.
_EXPRESSIONS = (
    *("ConditionExpression", "FilterExpression", "KeyConditionExpression", "ProjectionExpression", "UpdateExpression"),
)
#: All parameters of single requests. An unknown parameter fails instead of being ignored.
_KNOWN = {
    *("TableName", "IndexName", "Key", "Item", *_EXPRESSIONS, "ExpressionAttributeNames", "ExpressionAttributeValues"),
    *("ConsistentRead", "ExclusiveStartKey", "Limit", "ScanIndexForward"),
    *("ReturnValues", "ReturnValuesOnConditionCheckFailure"),
}
#: The words of expressions that are not attributes.
_WORDS = frozenset({"AND", "OR", "NOT", "BETWEEN", "IN", "SET", "REMOVE", "ADD", "DELETE"})
_KINDS = {"S": str, "N": str, "B": bytes, "BOOL": bool, "NULL": bool, "M": dict, "L": list, "SS": list, "NS": list}
_RESERVED = frozenset(ReservedKeywords.get_reserved_keywords())


class CheckedTables(Tables):
    """Tables that refuse the requests that DynamoDB refuses, and return pages of the same size."""

    def __init__(self, keys: dict[str, Sequence[str]]) -> None:
        super().__init__(keys)
        #: For each table, the keys that its items may have, and the maximum length of each.
        self._limits = {
            name: _INDEX_KEYS | dict(zip(names, (_PARTITION_KEY, _SORT_KEY), strict=False))
            for name, names in keys.items()
        }
        #: The size of an item by its identity in the tables: each item is measured when it is written.
        self._sizes: dict[int, int] = {}

    def get_item(self, **asked: Any) -> Item:
        _check("GetItem", asked)
        return super().get_item(**asked)

    def batch_get_item(self, *, RequestItems: Item) -> Item:  # noqa: N803
        for asked in RequestItems.values():
            if asked.keys() - {"Keys", "ConsistentRead"}:
                raise AssertionError(f"the tables do not support all of {sorted(asked)}")
            for key in asked["Keys"]:
                _size_of("BatchGetItem", key, _ANY_KEYS)
        return super().batch_get_item(RequestItems=RequestItems)

    def query(self, **asked: Any) -> Item:
        _check("Query", asked)
        return super().query(**asked)

    def scan(self, **asked: Any) -> Item:
        _check("Scan", asked)
        return super().scan(**asked)

    def _changed(self, kind: str, asked: Item) -> Change:
        operation = f"{kind}Item"
        _check(operation, asked)
        written = {name: _plain_item(asked[name]) for name in ("Item", "ExpressionAttributeValues") if name in asked}
        change = super()._changed(kind, asked | written)
        if change.after is not None:
            size = self._sizes[id(change.after)] = _size_of(operation, change.after, self._limits[change.table])
            if size > _ITEM:
                raise _invalid(operation, "Item size has exceeded the maximum allowed size")
        return change

    def _page(self, items: list[Item], values: Values, asked: Item, shown: Sequence[str] | None) -> Item:
        limit, size = asked.get("Limit") or len(items), 0
        for number, item in enumerate(items[:limit]):
            size += self._sizes[id(item)]
            if size > _PAGE:
                return super()._page(items, values, asked | {"Limit": number}, shown)
        return super()._page(items, values, asked, shown)


def _check(operation: str, asked: Item) -> None:
    """Raise ValidationException for a request, or a part of one, that DynamoDB refuses."""
    if not asked.keys() <= _KNOWN:
        raise AssertionError(f"the tables do not support all of {sorted(asked)}")
    names, values = asked.get("ExpressionAttributeNames"), asked.get("ExpressionAttributeValues")
    texts = tuple(asked[name] for name in _EXPRESSIONS if name in asked)
    if names == {} or values == {}:
        raise _invalid(operation, "placeholders may be left out, and must not be empty")
    if wrong := _name_problem(texts, frozenset(names or ()) | frozenset(values or ())):
        raise _invalid(operation, wrong)
    for value in (values or {}).values():
        _size(operation, value)
    if "Key" in asked:
        _size_of(operation, asked["Key"], _ANY_KEYS)


@cache
def _name_problem(texts: tuple[str, ...], given: frozenset[str]) -> str:
    """Returns the error in the names of expressions."""
    used = {name for text in texts for name in re.findall(r"[#:]\w+", text)}
    if unused := given - used:
        return f"Value provided in ExpressionAttributeNames or Values unused in expressions: keys: {sorted(unused)}"
    if unknown := used - given:
        return f"An expression attribute name or value used in expression is not defined: {sorted(unknown)}"
    # A word before a bracket is a function.
    plain = {name.upper() for text in texts for name in re.findall(r"(?<![#:\w])[A-Za-z_]\w*+(?!\()", text)} - _WORDS
    if reserved := plain & _RESERVED:
        return f"Attribute name is a reserved keyword; reserved keyword: {sorted(reserved)}"
    return ""


def _size_of(operation: str, item: Item, keys: Mapping[str, int]) -> int:
    """Returns the size of an item as DynamoDB counts it. Raises for a key or a value that DynamoDB refuses.

    `keys` holds the maximum length of each key.
    """
    total = 0
    for name, value in item.items():
        size = _size(operation, value)
        if (most := keys.get(name)) and not ("S" in value and 0 < size <= most):
            raise _invalid(operation, f"the key {name} is no text of 1 to {most} bytes")
        total += (len(name) if name.isascii() else len(name.encode())) + size
    return total


def _size(operation: str, value: Item) -> int:
    if type(value) is not dict or len(value) != 1:
        raise AssertionError(f"not an attribute value: {value!r}")
    kind, part = next(iter(value.items()))
    if not isinstance(part, _KINDS[kind]):
        raise TypeError(f"not an attribute value: {value!r}")
    match kind:
        case "S":
            return len(part) if part.isascii() else len(part.encode())
        case "M":
            return 3 + _map_size(operation, part)
        case "L":
            return 3 + sum(1 + _size(operation, one) for one in part)
        case "SS" | "NS":
            if not part or len(set(part)) < len(part):
                raise _invalid(operation, "a set has members, and each once")
            return sum(len(one.encode()) for one in part)
        case "BOOL" | "NULL":
            return 1
    return len(part)


def _plain_item(item: Item) -> Item:
    """Returns the item as DynamoDB returns it: a copy of plain types."""
    return {_text(name): _plain(value) for name, value in item.items()}


def _plain(value: Item) -> Item:
    kind, part = next(iter(value.items()))
    match kind:
        case "S":
            return {"S": _text(part)}
        case "M":
            return {"M": _plain_item(part)}
        case "L":
            return {"L": [_plain(one) for one in part]}
        case "SS":
            return {"SS": [_text(one) for one in part]}
    return {kind: part}


def _text(text: str) -> str:
    """Returns the text as it is stored: a member of an enumeration becomes a plain text."""
    return text if type(text) is str else str.__str__(text)


def _map_size(operation: str, item: Item) -> int:
    return sum(1 + len(name.encode()) + _size(operation, value) for name, value in item.items())


def _invalid(operation: str, message: str) -> Exception:
    return error(operation, "ValidationException", message)
