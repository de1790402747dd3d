"""Campaigns of text messages."""

from __future__ import annotations

from typing import Annotated

from typing_extensions import TypedDict

from switchboard.events.types.base import Code, Count, Digest, EventType, Id, Timestamp


class CampaignData(TypedDict):
    number: Annotated[Id, "Our number."]


class CampaignLaunched(CampaignData):
    launch: Annotated[Count, "The number of launches so far."]
    starts_at: Annotated[Timestamp, "When it starts."]


class CampaignPaused(CampaignData):
    reason: Annotated[Code, "Why, as in the campaign's `pause_reason`."]


class RecipientsAdded(TypedDict):
    batch: Annotated[Id, "The batch."]
    rows: Annotated[Count, "The rows of the batch."]


class RecipientsImported(TypedDict):
    batch: Annotated[Id, "The batch."]
    imported: Annotated[Count, "The rows that are recipients now."]
    duplicates: Annotated[Count, "The rows whose number another recipient has."]
    invalid: Annotated[Count, "The rows that are not valid."]


class CampaignAnswered(TypedDict):
    contact: Annotated[Digest, "The digest of the recipient's number."]
    conversation: Annotated[Id, "The conversation of the reply."]


def _campaign(name: str, about: str, data: type = CampaignData) -> EventType:
    return EventType(name, about, "campaign", data, channel="sms")


TYPES = (
    _campaign("campaign.created", "A campaign was created as a draft."),
    _campaign("campaign.recipients_added", "A batch of rows waits for its import.", RecipientsAdded),
    _campaign("campaign.recipients_imported", "All rows of a batch were read.", RecipientsImported),
    _campaign("campaign.launched", "A member launched a campaign, and it is queued.", CampaignLaunched),
    _campaign("campaign.started", "A queued campaign began to send."),
    _campaign("campaign.paused", "A campaign was paused, by a member or by the platform.", CampaignPaused),
    _campaign("campaign.completed", "All texts of a campaign are at the carrier, or will not be sent."),
    _campaign("campaign.canceled", "A member canceled a campaign."),
    _campaign("campaign.answered", "A recipient sent the first reply to a campaign.", CampaignAnswered),
)
