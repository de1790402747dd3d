"""The events that a projection has applied, in the `core` table.

| item | pk | sk |
|---|---|---|
| applied event | `<org>#projected#<projection>` | `<subject>#<event id>` |
| clearing of a projection | `<org>#projections` | `<projection>` |

Both have `expires`, in seconds since 1970. An applied event is listed longer than an event counts as new, so a repeated
event is recognized or too old. Clearing the projection deletes the list, and lets old events count again for a time.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta

from switchboard.aws import reads, writes
from switchboard.aws.dynamodb import Key
from switchboard.aws.reads import Query
from switchboard.aws.writes import Put
from switchboard.kit import clock
from switchboard.persistence.optimistic import AlreadyRecordedError

#: How long after it happened an event may count, and how long after a clearing an event of any age may count. The
#: queues keep a job for two weeks, and an operator may send it again from a dead-letter queue.
COUNTING_TIME = timedelta(days=30)
#: How long an applied event is listed. It is longer, because clocks differ.
LISTED_TIME = timedelta(days=35)


def _partition(org_id: str, name: str) -> str:
    return f"{org_id}#projected#{name}"


def applied_event_write(org_id: str, name: str, subject: str, event_id: str) -> Put:
    expires = int((clock.now() + LISTED_TIME).timestamp())
    item = {"pk": _partition(org_id, name), "sk": f"{subject}#{event_id}", "expires": expires}
    return Put(table="core", item=item, unless_exists=True, otherwise=AlreadyRecordedError)


def note_clearing(org_id: str, name: str) -> None:
    """Remembers that a projection was cleared now."""
    now = clock.now()
    facts = {"at": clock.format_iso(now), "expires": int((now + COUNTING_TIME).timestamp())}
    writes.write_item(Put(table="core", item={**_clearing_key(org_id, name), **facts}))


def was_cleared(org_id: str, name: str) -> bool:
    """Whether a projection was cleared within the time in which a replay may build it again."""
    found = reads.get_item("core", _clearing_key(org_id, name))
    return found is not None and clock.parse(str(found["at"])) + COUNTING_TIME > clock.now()


def _clearing_key(org_id: str, name: str) -> Key:
    return {"pk": f"{org_id}#projections", "sk": name}


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
