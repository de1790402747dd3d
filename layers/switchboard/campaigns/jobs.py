"""The jobs of campaigns."""

from __future__ import annotations

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
    """Send the next texts of a running campaign. A launch has lanes, and each lane is a chain of turns."""

    org_id: str
    campaign_id: str
    launch: int
    lane: int
    turn: int
