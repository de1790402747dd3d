"""Adds batches of rows to a campaign. A worker imports them (`campaigns.imports`)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from switchboard.aws import objects, reads
from switchboard.aws.writes import Put
from switchboard.campaigns import changes, store
from switchboard.campaigns.jobs import ImportRecipients
from switchboard.campaigns.models import Campaign, RecipientBatch
from switchboard.campaigns.moves import OPEN_TO_ROWS
from switchboard.campaigns.recipients import join_rows, split_rows
from switchboard.errors import Invalid, NotFound
from switchboard.kit import clock, ids
from switchboard.numbers import service as numbers
from switchboard.numbers.models import Number
from switchboard.persistence import optimistic
from switchboard.persistence.collection import next_version
from switchboard.persistence.idempotency import find_earlier_effect
from switchboard.persistence.optimistic import Decision
from switchboard.team.models import Member
from switchboard.timers import service as timers

BUCKET = "recipients"
MEDIA_TYPE = "application/x-ndjson"
#: The most rows and bytes of a batch. Lambda takes no larger body.
MAX_BATCH_ROWS, MAX_BATCH_BYTES = 100_000, 4_600_000
#: The most batches of a campaign that wait, and the most recipients of a campaign.
MAX_WAITING, MAX_RECIPIENTS = 50, 5_000_000


class AddedBatch(NamedTuple):
    """A batch that was added to a campaign."""

    campaign: Campaign
    batch: RecipientBatch


def add_recipients(member: Member, campaign_id: str, content: bytes) -> AddedBatch:
    """Adds a batch of rows to a campaign, to import them in a moment.

    Raises NotFound, and Invalid for a campaign that runs or has ended, too many rows or batches, or no row at all.
    """
    campaign = changes.require_campaign(member.org_id, campaign_id)
    if earlier := find_earlier_effect(member.effect):
        return AddedBatch(campaign, _require_batch(campaign, earlier.subject_id))
    _require_open(campaign)
    rows = split_rows(content)
    if not 0 < len(rows) <= MAX_BATCH_ROWS:
        raise Invalid(
            f"Send 1 to {MAX_BATCH_ROWS:,} rows, each a JSON object on one line.",
            code="invalid_rows",
            fields={"body": f"must have 1 to {MAX_BATCH_ROWS:,} rows"},
        )
    batch = new_batch(member, campaign, numbers.get_number(campaign.org_id, campaign.number_id), len(rows))
    save_rows(batch, rows)

    def decide(before: Campaign) -> Decision[Campaign]:
        _require_open(before)
        if len(before.waiting) >= MAX_WAITING:
            raise Invalid(
                f"{MAX_WAITING} batches of this campaign wait: try again when some are imported.",
                code="too_many_batches",
            )
        if before.total + batch.rows > MAX_RECIPIENTS:
            raise Invalid(
                f"A campaign has at most {MAX_RECIPIENTS:,} recipients: create another campaign for the rest.",
                code="too_many_recipients",
            )
        after = next_version(before, waiting=[*before.waiting, batch.id], rows=before.rows + batch.rows)
        return after, [
            store.new_batch_write(batch),
            import_write(after) if not before.waiting else None,
            changes.campaign_event_write(member, "campaign.recipients_added", after, batch=batch.id, rows=batch.rows),
        ]

    changed = optimistic.change_object(
        lambda: store.CAMPAIGNS.get_object(member.org_id, campaign_id),
        decide,
        store.CAMPAIGNS.save_write,
        once=member.effect,
        subject_id=batch.id,
    )
    if changed is None and (earlier := find_earlier_effect(member.effect)):
        return AddedBatch(campaign, _require_batch(campaign, earlier.subject_id))
    return AddedBatch(changed or campaign, batch)


def _require_open(campaign: Campaign) -> None:
    if campaign.status not in OPEN_TO_ROWS:
        raise Invalid(
            f"A campaign with the status `{campaign.status.value}` takes no recipients: create another campaign.",
            code="invalid_status",
            status=campaign.status.value,
        )


def _require_batch(campaign: Campaign, batch_id: str) -> RecipientBatch:
    found = reads.read_ref(store.batch_ref(campaign.org_id, campaign.id, batch_id))
    if not found:
        raise batch_unknown()
    return found


def batch_unknown() -> NotFound:
    """Returns the refusal for an id that no batch of the campaign has."""
    return NotFound("There is no such batch: check its id.")


def new_batch(member: Member, campaign: Campaign, number: Number, rows: int) -> RecipientBatch:
    """Returns a new batch of a campaign, which sends from this number."""
    now = clock.now_iso()
    return RecipientBatch(
        id=ids.new_id(store.BATCH_PREFIX),
        org_id=campaign.org_id,
        campaign_id=campaign.id,
        sends_files=number.capabilities.mms,
        rows=rows,
        created_by=member.user_id,
        created_at=now,
        updated_at=now,
    )


def save_rows(batch: RecipientBatch, rows: Sequence[bytes]) -> None:
    """Stores the rows of a batch. Do this before the commit that adds the batch to its campaign."""
    objects.put_object(BUCKET, _object_key(batch), join_rows(rows), MEDIA_TYPE)


def read_rows(batch: RecipientBatch) -> list[bytes]:
    """Reads the rows of a batch."""
    return split_rows(objects.read_object(BUCKET, _object_key(batch), MAX_BATCH_BYTES, 0).content)


def _object_key(batch: RecipientBatch) -> str:
    return f"{batch.org_id}/{batch.campaign_id}/{batch.id}.jsonl"


def import_write(campaign: Campaign, done: int = 0) -> Put:
    """Returns the write that imports the next rows of a campaign's first batch."""
    job = ImportRecipients(org_id=campaign.org_id, campaign_id=campaign.id, batch_id=campaign.waiting[0], done=done)
    return timers.job_write(job)
