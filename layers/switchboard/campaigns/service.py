"""Creates campaigns, gets them with their counts, and lists them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from typing import Any, NamedTuple

from pydantic import BaseModel

from switchboard import telemetry
from switchboard.aws import reads
from switchboard.aws.reads import Ref
from switchboard.aws.writes import Writes
from switchboard.campaigns import batches, changes, counts, imports, store
from switchboard.campaigns.jobs import ImportRecipients
from switchboard.campaigns.models import (
    Campaign,
    CampaignCounts,
    RecipientBatch,
    RowProblem,
)
from switchboard.campaigns.recipients import RowError, parse_row
from switchboard.compliance.models import Purpose
from switchboard.errors import Invalid, NotFound
from switchboard.flows import service as flows
from switchboard.kit import clock, ids
from switchboard.kit.background import BackgroundTask
from switchboard.messaging.text_numbers import require_text_number
from switchboard.persistence.idempotency import commit_once
from switchboard.persistence.listing import id_of_place
from switchboard.team.models import Member

#: The most rows of a request that creates a campaign.
MAX_INLINE_ROWS = 10_000
#: Rows of a new campaign that are imported before the answer. More rows take too long.
_IMPORTED_AT_ONCE = 500
#: The problems of rows that an error names.
_TOLD_PROBLEMS = 50
#: How far ahead a start may be, and how late the request for it: clocks differ.
_MAX_AHEAD, _MAX_LATE = timedelta(days=90), timedelta(minutes=1)
#: The newest batches that a campaign shows.
_SHOWN_BATCHES = 100


class CampaignDraft(BaseModel):
    """The wishes of a member for a new campaign. `rows` are rows of recipients."""

    name: str
    number_id: str
    flow_id: str | None = None
    body_template: str
    throttle_per_minute: int = 30
    scheduled_start_at: str | None = None
    purpose: Purpose = Purpose.INFORMATIONAL
    rows: list[dict[str, Any]] = []


class CampaignRow(NamedTuple):
    """A campaign with its counts."""

    campaign: Campaign
    counts: CampaignCounts


class CampaignRecord(NamedTuple):
    """A campaign with its counts and its newest batches. `is_new` is false for one that an earlier request created."""

    campaign: Campaign
    counts: CampaignCounts
    batches: list[RecipientBatch]
    is_new: bool = False


class BatchReport(NamedTuple):
    """A batch of a campaign, with a page of the problems of its rows, and the cursor of the next page."""

    campaign: Campaign
    batch: RecipientBatch
    problems: list[RowProblem]
    cursor: str | None


def create_campaign(member: Member, draft: CampaignDraft) -> CampaignRecord:
    """Creates a draft of a campaign, with the rows of its first batch.

    A row whose number another row has is left out, and stands in the batch's report. Raises NotFound for an unknown
    number, and Invalid for an unknown flow, a number that cannot send texts, a start that is past or too far ahead, and
    rows that are not valid.
    """
    now = clock.now()
    number = require_text_number(member.org_id, draft.number_id)
    flow_id = _require_flow(member.org_id, draft.flow_id) if draft.flow_id else None
    campaign = Campaign(
        id=ids.new_id(store.CAMPAIGN_PREFIX),
        org_id=member.org_id,
        name=draft.name,
        number_id=number.id,
        number_e164=number.e164,
        flow_id=flow_id,
        body_template=draft.body_template,
        throttle_per_minute=draft.throttle_per_minute,
        purpose=draft.purpose,
        scheduled_start_at=_check_start(draft.scheduled_start_at),
        simulated=number.provider == "simulator",
        created_by=member.user_id,
        correlation_id=member.correlation_id,
        created_at=clock.format_iso(now),
        updated_at=clock.format_iso(now),
    )
    batch = batches.new_batch(member, campaign, number, len(draft.rows)) if draft.rows else None
    batch_writes: Writes = None
    if batch:
        _check_rows(campaign, batch, draft.rows)
        batches.save_rows(batch, [_dump_row(row) for row in draft.rows])
        campaign = campaign.model_copy(update={"waiting": [batch.id], "rows": batch.rows})
        batch_writes = [
            store.new_batch_write(batch),
            batches.import_write(campaign),
            changes.campaign_event_write(
                member, "campaign.recipients_added", campaign, batch=batch.id, rows=batch.rows
            ),
        ]
    done = commit_once(
        member.effect,
        campaign.id,
        store.CAMPAIGNS.create_write(campaign),
        counts.new_slice_writes(campaign),
        batch_writes,
        changes.campaign_event_write(member, "campaign.created", campaign, number=campaign.number_id),
    )
    if done:
        return get_campaign(member.org_id, done.subject_id)
    if batch and batch.rows <= _IMPORTED_AT_ONCE:
        _import_at_once(campaign, batch)
    return get_campaign(member.org_id, campaign.id)._replace(is_new=True)


def _require_flow(org_id: str, flow_id: str) -> str:
    try:
        return flows.get_flow(org_id, flow_id).id
    except NotFound:
        raise flows.unknown_flow("flow_id") from None


def _check_start(asked: str | None) -> str | None:
    if asked is None:
        return None
    start, now = clock.parse(asked), clock.now()
    if start < now - _MAX_LATE:
        raise _invalid_start("is in the past: leave it out to start after the launch")
    if start > now + _MAX_AHEAD:
        raise _invalid_start(f"is too far ahead: at most {_MAX_AHEAD.days} days")
    return clock.format_iso(start)


def _invalid_start(why: str) -> Invalid:
    return Invalid(f"scheduled_start_at {why}.", code="invalid_start", fields={"scheduled_start_at": why})


def _check_rows(campaign: Campaign, batch: RecipientBatch, rows: Sequence[dict[str, Any]]) -> None:
    """Raises Invalid with the problems of the first bad rows. A number that occurs twice is no problem here."""
    if len(rows) > MAX_INLINE_ROWS:
        raise Invalid(
            f"Send at most {MAX_INLINE_ROWS:,} recipients, and the rest in batches.",
            code="too_many_recipients",
            fields={"recipients": f"must have at most {MAX_INLINE_ROWS:,} recipients"},
        )
    rules = imports.find_rules(campaign, batch)
    fields: dict[str, str] = {}
    codes: set[str] = set()
    for place, row in enumerate(rows):
        try:
            parse_row(row, rules)
        except RowError as error:
            fields[f"recipients.{place}"] = error.message
            codes.add(error.code)
            if len(fields) == _TOLD_PROBLEMS:
                break
    if fields:
        code = codes.pop() if len(codes) == 1 else "invalid_rows"
        raise Invalid("Some recipients are not valid: see details.", code=code, fields=fields)


def _dump_row(row: dict[str, Any]) -> bytes:
    return json.dumps(row, ensure_ascii=False, separators=(",", ":")).encode()


def _import_at_once(campaign: Campaign, batch: RecipientBatch) -> None:
    """Imports a small batch before the answer. The worker does it if this fails."""
    job = ImportRecipients(org_id=campaign.org_id, campaign_id=campaign.id, batch_id=batch.id, done=0)
    try:
        imports.import_recipients(job)
    except Exception:  # noqa: BLE001 the campaign exists, and its worker has the same job
        telemetry.logger().warning("the worker imports the recipients", exc_info=True)


def get_campaign(org_id: str, campaign_id: str) -> CampaignRecord:
    """Returns a campaign with its counts and its newest batches, in two round trips. Raises NotFound."""
    refs: list[Ref[Any]] = [store.campaign_ref(org_id, campaign_id), *counts.slice_refs(org_id, campaign_id)]
    campaign, *slices = reads.read_refs(*refs)
    if campaign is None:
        raise changes.campaign_unknown()
    newest, _ = store.list_batches(org_id, campaign_id, _SHOWN_BATCHES)
    return CampaignRecord(campaign, counts.add_counts(slices), newest)


def list_campaigns(org_id: str, limit: int, after: str | None) -> tuple[list[CampaignRow], str | None]:
    """Returns a page of the campaigns, the newest first, with their counts, and the cursor of the next page.

    The counts are read beside the campaigns. Raises Invalid for a cursor of another list.
    """
    counted: list[BackgroundTask[dict[str, CampaignCounts]]] = []

    def count(places: Sequence[str]) -> None:
        task = BackgroundTask(partial(counts.read_counts_of_many, org_id, [id_of_place(place) for place in places]))
        task.start()
        counted.append(task)

    page = store.LISTING.read_page(org_id, {}, limit, after, beside=count)
    campaigns = [store.CAMPAIGNS.from_item(item) for item in page.items]
    found = counted[0].result()
    return [CampaignRow(one, found[one.id]) for one in campaigns], page.cursor


def get_batch_report(org_id: str, campaign_id: str, batch_id: str, limit: int, after: str | None) -> BatchReport:
    """Returns a batch with a page of the problems of its rows. Raises NotFound."""
    campaign, batch = reads.read_refs(
        store.campaign_ref(org_id, campaign_id), store.batch_ref(org_id, campaign_id, batch_id)
    )
    if not campaign or not batch:
        raise batches.batch_unknown()
    problems, cursor = store.list_problems(org_id, campaign_id, batch_id, limit, after)
    return BatchReport(campaign, batch, problems, cursor)
