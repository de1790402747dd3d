"""Campaigns, their recipients and their batches in the `core` table.

| item | pk | sk |
|---|---|---|
| campaign | `<org>#campaign#<id>` | `campaign` |
| counts and gate, 8 slices | `<org>#campaign-counts` | `<id>#<0-7>` |
| recipient | `<org>#campaign#<id>#recipients#<index // 1000>` | `<index, 9 digits>` |
| number taken by a recipient | `<org>#campaign#<id>#numbers#<2 hex of its digest>` | `<e164>` |
| put-off recipient, 16 shards | `<org>#campaign#<id>#due#<index mod 16>` | `<due>#<index, 9 digits>` |
| batch | `<org>#campaign#<id>#batches` | `batch#<batch id>` |
| problem of a row | `<org>#campaign#<id>#batches` | `problem#<batch id>#<row, 6 digits>` |

gsi1 lists the campaigns of an organization. The slices are in `campaigns.counts`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from switchboard.aws import reads
from switchboard.aws.dynamodb import Item, Key
from switchboard.aws.reads import Query, Ref
from switchboard.aws.writes import Delete, Put, Update
from switchboard.campaigns.models import Campaign, Recipient, RecipientBatch, RecipientStatus, RowProblem
from switchboard.kit import background, texts
from switchboard.persistence.collection import Collection
from switchboard.persistence.listing import Listing, ListView, place_of, read_query_page
from switchboard.persistence.optimistic import StaleVersionError

CAMPAIGN_PREFIX, BATCH_PREFIX = "cmp", "bat"
#: The recipients of one partition.
PARTITION_RECIPIENTS = 1_000
#: The partitions of the recipients that were put off: a whole campaign may be due at one time.
DUE_SHARDS = 16

LISTING = Listing("core", "campaigns", (ListView(index="gsi1"),))


def campaign_partition(org_id: str, campaign_id: str) -> str:
    """Returns the partition of a campaign. The partitions of all that belongs to the campaign begin with it."""
    return f"{org_id}#campaign#{campaign_id}"


def _campaign_key(org_id: str, campaign_id: str) -> Key:
    return {"pk": campaign_partition(org_id, campaign_id), "sk": "campaign"}


def _campaign_lists(campaign: Campaign) -> Item:
    return LISTING.index_attributes(campaign.org_id, place_of(campaign.created_at, campaign.id), {})


def _pack(item: Item) -> Item:
    # Missing values are not stored, to save space.
    return {name: value for name, value in item.items() if value is not None and value not in ([], {})}


CAMPAIGNS = Collection("core", Campaign, _campaign_key, _campaign_lists, pack=_pack)


def campaign_ref(org_id: str, campaign_id: str) -> Ref[Campaign]:
    """Returns the reference to a campaign."""
    return Ref("core", _campaign_key(org_id, campaign_id), CAMPAIGNS.from_item)


# ---- recipients


def _recipient_key(org_id: str, campaign_id: str, index: int) -> Key:
    part = index // PARTITION_RECIPIENTS
    return {"pk": f"{campaign_partition(org_id, campaign_id)}#recipients#{part}", "sk": f"{index:09d}"}


def recipient_ref(org_id: str, campaign_id: str, index: int) -> Ref[Recipient]:
    """Returns the reference to a recipient."""
    return Ref("core", _recipient_key(org_id, campaign_id, index), Recipient.model_validate)


def new_recipient_write(recipient: Recipient) -> Put:
    """Returns the write that stores a new recipient."""
    key = _recipient_key(recipient.org_id, recipient.campaign_id, recipient.index)
    # The status has its default value until the first move, which needs it in a condition.
    return Put(table="core", item={**key, **_pack(recipient.model_dump(mode="json"))}, unless_exists=True)


def recipient_write(
    org_id: str,
    campaign_id: str,
    index: int,
    before: RecipientStatus,
    facts: Mapping[str, Any],
    *,
    missing: str | None = None,
) -> Update:
    """Returns the write that changes facts of a recipient. A fact that is `None` is removed.

    Raises StaleVersionError at commit if the recipient's status is not `before`, or if it has the fact `missing`.
    """
    kept = {name: value for name, value in facts.items() if value is not None}
    sets = ", ".join(f"#{name} = :{name}" for name in kept)
    gone = ", ".join(f"#{name}" for name in facts if name not in kept)
    return Update(
        table="core",
        key=_recipient_key(org_id, campaign_id, index),
        expression=" ".join(part for part in (f"SET {sets}" if sets else "", f"REMOVE {gone}" if gone else "") if part),
        names={"#status": "status", **{f"#{name}": name for name in facts}},
        values={":before": before.value, **{f":{name}": value for name, value in kept.items()}},
        condition="#status = :before" + (f" AND attribute_not_exists(#{missing})" if missing else ""),
        otherwise=StaleVersionError,
    )


def list_recipients(org_id: str, campaign_id: str, first: int, end: int) -> list[Recipient]:
    """Returns the recipients from the index `first` until before `end`, in one query for each thousand."""
    found: list[Recipient] = []
    while first < end:
        stop = min(end, (first // PARTITION_RECIPIENTS + 1) * PARTITION_RECIPIENTS)
        query = Query(
            table="core",
            partition=_recipient_key(org_id, campaign_id, first)["pk"],
            between=(f"{first:09d}", f"{stop - 1:09d}"),
        )
        found += [Recipient.model_validate(item) for item in query.read_all()]
        first = stop
    return found


# ---- recipients that quiet hours put off


def _due_partition(org_id: str, campaign_id: str, shard: int) -> str:
    return f"{campaign_partition(org_id, campaign_id)}#due#{shard:02d}"


def _due_key(org_id: str, campaign_id: str, due: str, index: int) -> Key:
    return {"pk": _due_partition(org_id, campaign_id, index % DUE_SHARDS), "sk": f"{due}#{index:09d}"}


def due_write(org_id: str, campaign_id: str, due: str, index: int) -> Put:
    """Returns the write that puts a recipient off until a time."""
    return Put(table="core", item={**_due_key(org_id, campaign_id, due, index), "index": index})


def due_delete_write(org_id: str, campaign_id: str, due: str, index: int) -> Delete:
    """Returns the write that removes a recipient from those that are put off."""
    return Delete(table="core", key=_due_key(org_id, campaign_id, due, index))


def list_due(org_id: str, campaign_id: str, shards: Iterable[int], now: str, limit: int) -> list[int]:
    """Returns the indexes of recipients of some shards that were put off and are due by now, the earliest first."""
    queries = (
        Query(table="core", partition=_due_partition(org_id, campaign_id, shard), before=f"{now}~") for shard in shards
    )
    found = sorted(str(item["sk"]) for items in _read_together(queries, limit) for item in items)
    return [int(place.partition("#")[2]) for place in found[:limit]]


def find_next_due(org_id: str, campaign_id: str, shards: Iterable[int] = range(DUE_SHARDS)) -> str | None:
    """Returns the earliest time until which a recipient of some shards is put off, `None` if none is."""
    queries = (Query(table="core", partition=_due_partition(org_id, campaign_id, shard)) for shard in shards)
    places = [str(item["sk"]) for items in _read_together(queries, 1) for item in items]
    return min(places).partition("#")[0] if places else None


def _read_together(queries: Iterable[Query], limit: int) -> list[list[Item]]:
    """Returns the first items of each query. The queries run side by side."""
    tasks = [background.BackgroundTask(lambda query=query: query.read_page(limit).items) for query in queries]  # type: ignore[misc]
    for task in tasks[1:]:
        task.start()
    return [task.result() for task in tasks]


# ---- numbers that are taken


def taken_key(org_id: str, campaign_id: str, e164: str) -> Key:
    """Returns the key of the item that says which recipient of a campaign has a number."""
    part = texts.digest(e164)[:2]
    return {"pk": f"{campaign_partition(org_id, campaign_id)}#numbers#{part}", "sk": e164}


def taken_write(recipient: Recipient) -> Put:
    """Returns the write by which a recipient takes its number."""
    key = taken_key(recipient.org_id, recipient.campaign_id, recipient.contact_e164)
    facts = {"index": recipient.index, "batch_id": recipient.batch_id, "row": recipient.row}
    return Put(table="core", item={**key, **facts}, unless_exists=True)


# ---- batches


def _batch_partition(org_id: str, campaign_id: str) -> str:
    return f"{campaign_partition(org_id, campaign_id)}#batches"


def _batch_key(org_id: str, campaign_id: str, batch_id: str) -> Key:
    return {"pk": _batch_partition(org_id, campaign_id), "sk": f"batch#{batch_id}"}


def batch_ref(org_id: str, campaign_id: str, batch_id: str) -> Ref[RecipientBatch]:
    """Returns the reference to a batch."""
    return Ref("core", _batch_key(org_id, campaign_id, batch_id), RecipientBatch.model_validate)


def _batch_item(batch: RecipientBatch) -> Item:
    return {**_batch_key(batch.org_id, batch.campaign_id, batch.id), **batch.model_dump(mode="json")}


def new_batch_write(batch: RecipientBatch) -> Put:
    """Returns the write that stores a new batch."""
    return Put(table="core", item=_batch_item(batch), unless_exists=True)


def batch_write(batch: RecipientBatch) -> Put:
    """Returns the write of a batch's next version. Raises StaleVersionError at commit if the batch has changed."""
    return Put(
        table="core",
        item=_batch_item(batch),
        condition="version = :before",
        values={":before": batch.version - 1},
        otherwise=StaleVersionError,
    )


def list_batches(
    org_id: str, campaign_id: str, limit: int, after: str | None = None
) -> tuple[list[RecipientBatch], str | None]:
    """Returns a page of the batches of a campaign, the newest first, and the cursor of the next page."""
    query = Query(table="core", partition=_batch_partition(org_id, campaign_id), begins="batch#", forward=False)
    return read_query_page(
        query, RecipientBatch.model_validate, org_id, f"recipient-batches:{campaign_id}", limit, after
    )


def problem_item(batch: RecipientBatch, problem: RowProblem) -> Item:
    """Returns the item of a problem of a row."""
    place = f"problem#{batch.id}#{problem.row:06d}"
    return {"pk": _batch_partition(batch.org_id, batch.campaign_id), "sk": place, **problem.model_dump()}


def list_problems(
    org_id: str, campaign_id: str, batch_id: str, limit: int, after: str | None
) -> tuple[list[RowProblem], str | None]:
    """Returns a page of the problems of a batch's rows, in the order of the rows, and the cursor of the next page."""
    query = Query(table="core", partition=_batch_partition(org_id, campaign_id), begins=f"problem#{batch_id}#")
    return read_query_page(query, RowProblem.model_validate, org_id, f"row-problems:{batch_id}", limit, after)


def find_taken(org_id: str, campaign_id: str, e164s: Sequence[str]) -> list[Item | None]:
    """Reads who has the numbers in a campaign, in the order of the numbers."""
    found: list[Item | None] = []
    for begin in range(0, len(e164s), 100):
        keys = [taken_key(org_id, campaign_id, e164) for e164 in e164s[begin : begin + 100]]
        found += reads.get_items("core", keys)
    return found
