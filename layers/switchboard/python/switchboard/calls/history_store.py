"""Call histories of numbers in the `core` table. Contacts are there, too, so one read gets both.

| item | pk | sk |
|---|---|---|
| history of a number | `<org>#history` | `<id of the number>` |

`calls`, the number of calls, is also the version of a history.
"""

from __future__ import annotations

from collections.abc import Iterator

from switchboard.aws import table
from switchboard.aws.table import Delete, Item, Key, Put, Query
from switchboard.kit.change import Moved


def key(org_id: str, number_id: str) -> Key:
    return {"pk": f"{org_id}#history", "sk": number_id}


def get(org_id: str, number_id: str) -> Item | None:
    return table.get("core", key(org_id, number_id))


def save(org_id: str, number_id: str, fields: Item, before: int) -> Put:
    """Returns the write that stores a history if it has not changed since it was read. Raises Moved at commit."""
    return Put(
        table="core",
        item={**key(org_id, number_id), **fields},
        condition="calls = :before" if before else "attribute_not_exists(pk)",
        values={":before": before} if before else {},
        otherwise=Moved,
    )


def remove(org_id: str, number_id: str, before: int) -> Delete:
    return Delete(
        table="core",
        key=key(org_id, number_id),
        condition="calls = :before",
        values={":before": before},
        otherwise=Moved,
    )


def numbers(org_id: str, after: str | None, limit: int) -> list[Item]:
    """Returns histories in the order of their numbers' ids, after the id `after`."""
    start = dict(key(org_id, after)) if after else None
    return Query(table="core", partition=f"{org_id}#history").page(limit, start).items


def ids(org_id: str) -> Iterator[str]:
    return (item["sk"] for item in Query(table="core", partition=f"{org_id}#history").all())
