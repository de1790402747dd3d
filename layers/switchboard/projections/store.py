"""The events that a projection has applied, in the `core` table.

| item | pk | sk |
|---|---|---|
| applied event | `<org>#projected#<projection>` | `<subject>#<event id>` |

The items are small and are kept as long as the subject, so a repeated event is recognized at any age. Clearing the
projection deletes them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from switchboard.aws import writes
from switchboard.aws.dynamodb import Key
from switchboard.aws.reads import Query
from switchboard.aws.writes import Put
from switchboard.persistence.optimistic import AlreadyRecordedError


def _partition(org_id: str, name: str) -> str:
    return f"{org_id}#projected#{name}"


def applied_event_write(org_id: str, name: str, subject: str, event_id: str) -> Put:
    item = {"pk": _partition(org_id, name), "sk": f"{subject}#{event_id}"}
    return Put(table="core", item=item, unless_exists=True, otherwise=AlreadyRecordedError)


def list_applied_events(org_id: str, name: str, subject: str) -> list[Key]:
    """Returns the keys of the events that were applied to a subject."""
    query = Query(table="core", partition=_partition(org_id, name), begins=f"{subject}#")
    return [{"pk": item["pk"], "sk": item["sk"]} for item in query.read_all()]


def delete_applied_events(keys: Sequence[Key]) -> None:
    writes.delete_items("core", keys)


def list_subjects(org_id: str, name: str) -> Iterator[str]:
    """Yields each subject with an applied event once."""
    last = None
    for item in Query(table="core", partition=_partition(org_id, name)).read_all():
        subject, _, _ = str(item["sk"]).rpartition("#")
        if subject != last:
            yield subject
        last = subject
