"""Reads whole tables, for an operator's work that no key leads to. A request never waits for a scan."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from switchboard.aws import clients
from switchboard.aws.dynamodb import Item, decode_item, encode_item, encode_value, read_with_retries
from switchboard.kit import settings


class KeyPage(NamedTuple):
    """The keys of an organization's items in a part of a table, and where the next part begins (`None` at the end)."""

    items: list[Item]
    next_position: dict[str, str] | None


def scan_keys(
    table: str, org_id: str, position: dict[str, str] | None, limit: int, also: Sequence[str] = ()
) -> KeyPage:
    """Reads the next `limit` items of a table, and returns those of an organization: their keys, and `also`.

    An item is of the organization if its partition begins with the organization's id, or if it has its `org_id`. The
    read is eventually consistent, which costs half. DynamoDB filters, so nothing of another organization leaves it.
    """
    names = {f"#{name}": name for name in also}
    request: dict[str, Any] = {
        "TableName": settings.table_name(table),
        "Limit": limit,
        "FilterExpression": "begins_with(pk, :org) OR org_id = :org",
        "ProjectionExpression": ", ".join(("pk", "sk", *names)),
        "ExpressionAttributeValues": {":org": encode_value(org_id)},
    }
    if names:
        request["ExpressionAttributeNames"] = names
    if position:
        request["ExclusiveStartKey"] = encode_item(position)
    answer = read_with_retries(lambda: clients.dynamodb_client().scan(**request))
    last = answer.get("LastEvaluatedKey")
    return KeyPage([decode_item(item) for item in answer["Items"]], decode_item(last) if last else None)
