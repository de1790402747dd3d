"""DynamoDB's form of items: keys, encoding and decoding of values, and the sizes of requests."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aws_lambda_powertools.shared.dynamodb_deserializer import TypeDeserializer

Item = dict[str, Any]
Key = Mapping[str, str]
MAX_TRANSACTION_WRITES = 100


def key_names(item: Key | Item) -> tuple[str, ...]:
    return ("pk", "sk") if "pk" in item else ("id",)


def key_of(item: Key | Item) -> tuple[str, ...]:
    return tuple(item[name] for name in key_names(item))


MAX_BATCH_WRITES, MAX_BATCH_READS = 25, 100


class _Deserializer(TypeDeserializer):
    """Powertools' deserializer, but with integers as `int`: the stores keep no other numbers."""

    def _deserialize_n(self, value: str) -> Any:
        return int(value) if value.lstrip("-").isdigit() else super()._deserialize_n(value)


_deserialize = _Deserializer().deserialize


def encode_value(value: Any) -> Any:
    """Returns a Python value as a DynamoDB attribute. Floats are refused: money and time are integers or text."""
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
            return {"M": {key: encode_value(part) for key, part in value.items()}}
        case list() | tuple():
            return {"L": [encode_value(part) for part in value]}
        case set() | frozenset() if value and all(isinstance(part, str) for part in value):
            return {"SS": sorted(value)}
        case bytes():
            return {"B": value}
    raise TypeError(f"no DynamoDB type for {type(value).__name__}")


def encode_item(item: Mapping[str, Any]) -> dict[str, Any]:
    """Returns an item as DynamoDB's attributes."""
    return {name: encode_value(value) for name, value in item.items()}


def decode_item(item: Mapping[str, Any]) -> Item:
    """Returns an item from DynamoDB's attributes."""
    return {name: _deserialize(value) for name, value in item.items()}
