"""The jobs of campaigns."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from switchboard.kit.jobs import Job


class ImportRecipients(Job, queue="recipients"):
    """Import the next rows of a campaign's first waiting batch. `done` is the number of its rows that are done."""

    org_id: str
    campaign_id: str
    batch_id: str
    done: int


class AttributeReply(Job, queue="recipients"):
    """Find the campaign that a text answers, and count the reply. `keyword` is what the whole text asks for."""

    org_id: str
    conversation_id: str
    message_id: str
    keyword: str | None = None


class StartCampaign(Job, queue="campaigns"):
    """Start a queued campaign at its time. `launch` is the launch that queued it."""

    org_id: str
    campaign_id: str
    launch: int


class DispatchCampaign(Job, queue="campaigns"):
    """Begin to send the texts of a launch: send the first turn of each lane."""

    org_id: str
    campaign_id: str
    launch: int


class TakeTurn(Job, queue="campaigns"):
    """Send the next texts of a lane. The fields from `launch` on are those of `campaigns.pace.Turn`."""

    org_id: str
    campaign_id: str
    number_id: str
    launch: int
    lane: int
    number: int
    slot: int
    ready: int
    left: int | None = None
    reach: int = 0
    misses: int = 0


class ClaimedText(BaseModel):
    """A text that was claimed for a recipient. `claim` is the version in which it was claimed."""

    model_config = ConfigDict(frozen=True)

    index: int
    conversation_id: str
    message_id: str
    claim: int


class ConfirmClaims(Job, queue="campaigns"):
    """Ask the carrier about claimed texts of a campaign without an outcome."""

    org_id: str
    campaign_id: str
    claimed: list[ClaimedText]
    #: How often the carrier was asked before.
    attempts: int = 0
