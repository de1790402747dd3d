"""Makes campaigns for tests, moves their recipients, and counts them by hand."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

from switchboard.aws.writes import commit
from switchboard.campaigns import batches, changes, counts, imports, service, store
from switchboard.campaigns.batches import AddedBatch
from switchboard.campaigns.jobs import ImportRecipients, StartCampaign
from switchboard.campaigns.models import Campaign, CampaignCounts, Recipient, RecipientStatus
from switchboard.campaigns.service import CampaignDraft
from switchboard.messaging.models import Author, MessageStatus, TextMessage
from switchboard.numbers.models import Number
from switchboard.team.models import Member
from tests.unit.messaging.desk import make_conversation, make_text


def contact(place: int) -> str:
    """A number that nobody has, one of a hundred for each area code."""
    return f"+1{(312, 415, 617, 702, 503)[place // 100]}55501{place % 100:02d}"


def make_rows(first: int, end: int, **facts: Any) -> list[dict[str, Any]]:
    """Rows with different numbers."""
    return [{"contact_e164": contact(place), **facts} for place in range(first, end)]


def make_campaign(who: Member, number: Number, recipients: int = 0, **given: Any) -> Campaign:
    """Creates a campaign with recipients."""
    wanted = {"name": "Spring", "body_template": "Hello.", "rows": make_rows(0, recipients), **given}
    return service.create_campaign(who, CampaignDraft(number_id=number.id, **wanted)).campaign


def to_lines(rows: list[Any]) -> bytes:
    """Rows as JSON lines."""
    return b"\n".join(json.dumps(row).encode() for row in rows)


def add_rows(who: Member, campaign: Campaign, rows: list[Any]) -> AddedBatch:
    """Adds a batch. It waits for its import."""
    return batches.add_recipients(who, campaign.id, to_lines(rows))


def next_import(campaign: Campaign) -> ImportRecipients | None:
    """The job that imports the next rows of a campaign, if rows wait."""
    now = changes.require_campaign(campaign.org_id, campaign.id)
    if not now.waiting:
        return None
    first = service.get_batch_report(now.org_id, now.id, now.waiting[0], 1, None).batch
    return ImportRecipients(org_id=now.org_id, campaign_id=now.id, batch_id=first.id, done=first.done)


def import_all(campaign: Campaign) -> Campaign:
    """Imports all rows that wait."""
    while job := next_import(campaign):
        imports.import_recipients(job)
    return changes.require_campaign(campaign.org_id, campaign.id)


def start(who: Member, campaign: Campaign) -> Campaign:
    """Launches a campaign, and starts it as its job does."""
    launched = changes.launch_campaign(who, campaign.id)
    changes.start_campaign(StartCampaign(org_id=launched.org_id, campaign_id=launched.id, launch=launched.launch))
    return changes.require_campaign(launched.org_id, launched.id)


def get_recipient(campaign: Campaign, index: int) -> Recipient:
    """Reads a recipient."""
    (found,) = store.list_recipients(campaign.org_id, campaign.id, index, index + 1)
    return found


def claim(campaign: Campaign, index: int) -> TextMessage:
    """Claims a recipient as a worker does. Returns its text."""
    recipient = get_recipient(campaign, index)
    talk = make_conversation(campaign.org_id, recipient.contact_e164, campaign.number_id)
    text = make_text(
        talk, status=MessageStatus.SENDING, author=Author.USER, campaign_id=campaign.id, recipient=recipient.index
    )
    commit(counts.move_writes(recipient, RecipientStatus.CLAIMED, needs="open", message_id=text.id))
    return text


def move_text(text: TextMessage, status: MessageStatus, error: str | None = None) -> TextMessage:
    """Moves the text of a recipient, and the recipient with it."""
    after = text.model_copy(update={"status": status, "error_code": error})
    if writes := counts.status_writes(text, after):
        commit(writes)
    return after


def count_by_hand(campaign: Campaign) -> CampaignCounts:
    """Counts the recipients of a campaign one by one."""
    now = changes.require_campaign(campaign.org_id, campaign.id)
    recipients = store.list_recipients(now.org_id, now.id, 0, now.total)
    assert [one.index for one in recipients] == list(range(now.total))
    found = Counter(one.status_in(now).value for one in recipients)
    replied = sum(one.replied_at is not None for one in recipients)
    return CampaignCounts(total=len(recipients), replied=replied, **found)


def read_counts(campaign: Campaign) -> CampaignCounts:
    """Reads the counts of a campaign, which add up to the total."""
    found = counts.read_counts(campaign.org_id, campaign.id)
    parts = found.model_dump(exclude={"total", "replied", "blocked"})
    assert sum(parts.values()) == found.total
    assert min(parts.values()) >= 0
    return found
