"""Call histories of numbers in the `core` table. Contacts are there, too, so one read gets both.

| item | pk | sk |
|---|---|---|
| history of a number | `<org>#history` | `<id of the number>` |

`calls`, the number of calls, is also the version of a history.
"""

from __future__ import annotations

from collections.abc import Iterator

from switchboard.aws import reads
from switchboard.aws.attributes import Item, Key
from switchboard.aws.reads import Query
from switchboard.aws.writes import Delete, Put
from switchboard.persistence.optimistic import StaleVersionError


def history_key(org_id: str, number_id: str) -> Key:
    return {"pk": f"{org_id}#history", "sk": number_id}


def get_history(org_id: str, number_id: str) -> Item | None:
    return reads.get_item("core", history_key(org_id, number_id))


def history_writes(org_id: str, number_id: str, fields: Item, before: int) -> Put:
    """Returns the write that stores a history if it has not changed since it was read.

    Raises StaleVersionError at commit.
    """
    return Put(
        table="core",
        item={**history_key(org_id, number_id), **fields},
        condition="calls = :before" if before else "attribute_not_exists(pk)",
        values={":before": before} if before else {},
        otherwise=StaleVersionError,
    )


def delete_history_writes(org_id: str, number_id: str, before: int) -> Delete:
    return Delete(
        table="core",
        key=history_key(org_id, number_id),
        condition="calls = :before",
        values={":before": before},
        otherwise=StaleVersionError,
    )


def list_histories(org_id: str, after: str | None, limit: int) -> list[Item]:
    """Returns histories in the order of their numbers' ids, after the id `after`."""
    start = dict(history_key(org_id, after)) if after else None
    return Query(table="core", partition=f"{org_id}#history").page(limit, start).items


def list_number_ids(org_id: str) -> Iterator[str]:
    return (item["sk"] for item in Query(table="core", partition=f"{org_id}#history").all())
