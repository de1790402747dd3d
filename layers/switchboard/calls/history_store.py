"""Call histories of numbers in the `core` table. Contacts are there, too, so one read gets both.

| item | pk | sk |
|---|---|---|
| history of a number | `<org>#history` | `<id of the number>` |

`calls`, the number of calls, is also the version of a history.
"""

from __future__ import annotations

from collections.abc import Iterator

from switchboard.aws import reads
from switchboard.aws.dynamodb import Item
from switchboard.aws.reads import Query, Ref
from switchboard.aws.writes import Delete, Put
from switchboard.calls.models import CallHistory
from switchboard.persistence.optimistic import StaleVersionError


def history_ref(org_id: str, number_id: str) -> Ref[CallHistory]:
    """Returns the reference to a number's history."""
    return Ref("core", {"pk": f"{org_id}#history", "sk": number_id}, CallHistory.model_validate)


def get_history(org_id: str, number_id: str) -> CallHistory | None:
    return reads.read_ref(history_ref(org_id, number_id))


def history_writes(org_id: str, number_id: str, fields: Item, before: int) -> Put:
    """Returns the write that stores a history if it has not changed since it was read.

    Raises StaleVersionError at commit.
    """
    return Put(
        table="core",
        item={**history_ref(org_id, number_id).key, **fields},
        condition="calls = :before" if before else "attribute_not_exists(pk)",
        values={":before": before} if before else {},
        otherwise=StaleVersionError,
    )


def delete_history_writes(org_id: str, number_id: str, before: int) -> Delete:
    return Delete(
        table="core",
        key=history_ref(org_id, number_id).key,
        condition="calls = :before",
        values={":before": before},
        otherwise=StaleVersionError,
    )


def list_histories(org_id: str, after: str | None, limit: int) -> list[CallHistory]:
    """Returns the histories of an organization's numbers in the order of their ids, after the id `after`."""
    start = dict(history_ref(org_id, after).key) if after else None
    found = Query(table="core", partition=f"{org_id}#history").read_page(limit, start)
    return [CallHistory.model_validate(item) for item in found.items]


def list_number_ids(org_id: str) -> Iterator[str]:
    """Returns the ids of all numbers that have a history."""
    return (item["sk"] for item in Query(table="core", partition=f"{org_id}#history").read_all())
