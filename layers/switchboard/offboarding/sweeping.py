"""Finds and deletes all that a table or a bucket has of an organization.

DynamoDB cannot list the partitions that begin with an organization's id. So a sweep reads whole tables, page by page,
and sees the keys of the organization's items alone (docs/decisions/0022-deleting-organizations.md). An item belongs to
the organization if its partition begins with the organization's id, or if it is a look-up or a timer with its `org_id`.
"""

from __future__ import annotations

from typing import NamedTuple

from switchboard.aws import objects, scans, writes
from switchboard.aws.dynamodb import MAX_TRANSACTION_WRITES, Item
from switchboard.aws.writes import Update, commit
from switchboard.kit import clock
from switchboard.offboarding.jobs import QUEUE
from switchboard.offboarding.kept import find_keeping, is_needed_to_end
from switchboard.offboarding.models import Deletion

#: The tables with items that do not end within days by themselves.
TABLES = ("core", "activity")
#: The buckets whose keys begin with the organization's id. The others keep their objects for some days only.
BUCKETS = ("attachments", "recordings", "text-media", "recipients", "uploads")
#: The most items and objects of one page.
PAGE_ITEMS, PAGE_OBJECTS = 1_000, 1_000
#: The attribute after which DynamoDB deletes an item of these tables.
_TTL = "expires"


class SweptPage(NamedTuple):
    """A page of a table: how many items were deleted or got their end, and where the next page begins."""

    changed: int
    position: dict[str, str] | None


def sweep_table(deletion: Deletion, table: str) -> SweptPage:
    """Deletes the organization's items in the next page of a table. Items that stay get their end, once.

    While something could not be ended yet, the items that its ending needs stay. A second run over the same page finds
    nothing.
    """
    page = scans.scan_keys(table, deletion.org_id, deletion.position, PAGE_ITEMS, also=("queue", _TTL))
    gone: list[Item] = []
    kept: list[tuple[Item, int]] = []
    for item in page.items:
        if item.get("queue") == QUEUE:
            # The job of this deletion itself.
            continue
        key = f"{item['pk']}|{item['sk']}"
        keeping = find_keeping(table, key)
        if keeping is None:
            if not (deletion.trouble and is_needed_to_end(table, key)):
                gone.append(item)
        elif keeping.life and _TTL not in item:
            kept.append((item, int((clock.parse(deletion.created_at) + keeping.life).timestamp())))
    if gone:
        writes.delete_items(table, [{"pk": item["pk"], "sk": item["sk"]} for item in gone])
    for begin in range(0, len(kept), MAX_TRANSACTION_WRITES):
        commit(_end_writes(table, kept[begin : begin + MAX_TRANSACTION_WRITES]))
    return SweptPage(len(gone) + len(kept), page.next_position)


def _end_writes(table: str, kept: list[tuple[Item, int]]) -> list[Update]:
    # Not conditional: nothing else deletes what is kept, and an end that was set already is the same.
    return [
        Update.set_attributes(table, {"pk": item["pk"], "sk": item["sk"]}, {_TTL: expires}) for item, expires in kept
    ]


def sweep_bucket(bucket: str, org_id: str) -> int:
    """Deletes a page of the organization's objects in a bucket. Returns their number, which is 0 at the end."""
    return objects.delete_objects(bucket, f"{org_id}/", PAGE_OBJECTS)
