"""The models of campaigns: the campaign, its recipients, its batches of recipients, and its counts."""

from __future__ import annotations

from enum import StrEnum
from typing import Self

from pydantic import BaseModel, ConfigDict, Field

from switchboard.compliance.models import Purpose
from switchboard.messaging.models import TextMedia

#: The longest time zone, source of a consent and day, in characters. They are checked when a recipient is imported.
MAX_FACT_CHARACTERS = 64


class CampaignStatus(StrEnum):
    """The status of a campaign (`campaigns.moves`)."""

    DRAFT = "draft"
    QUEUED = "queued"
    RUNNING = "running"
    PAUSED = "paused"
    COMPLETED = "completed"
    CANCELED = "cancelled"


class PauseReason(StrEnum):
    """Why a campaign is paused. Only a launch resumes it."""

    MEMBER = "member"
    #: The plan's quota or the spending cap is used up, or the subscription is unpaid.
    CAP = "cap"
    #: The number was released, or sends no texts.
    NUMBER = "number"
    FAILURES = "failures"
    #: The organization is suspended, or the member who launched it lost the permission.
    AUTHORITY = "authority"
    #: No row of the batches was a recipient.
    NO_RECIPIENTS = "no_recipients"


class Campaign(BaseModel):
    """A campaign. `version` counts its changes. No claim of a recipient changes it."""

    id: str
    org_id: str
    version: int = 1
    name: str
    status: CampaignStatus = CampaignStatus.DRAFT
    pause_reason: PauseReason | None = None
    number_id: str
    number_e164: str
    flow_id: str | None = None
    body_template: str
    throttle_per_minute: int
    purpose: Purpose = Purpose.INFORMATIONAL
    #: The earliest start that the member asked for.
    scheduled_start_at: str | None = None
    #: When a queued campaign starts, and its timer. The timer is null within the last 15 minutes.
    starts_at: str | None = None
    start_timer: str | None = None
    #: The number of launches. A job of an earlier launch does nothing.
    launch: int = 0
    #: The recipients that are imported. Their indexes are 0 to `total - 1`.
    total: int = 0
    #: The rows of all batches, and those that are no recipients.
    rows: int = 0
    duplicates: int = 0
    invalid: int = 0
    #: The batches that are not imported yet, in their order. The worker imports the first one.
    waiting: list[str] = Field(default_factory=list)
    #: Whether the number's carrier is simulated: the texts reach nobody and cost nothing.
    simulated: bool = False
    created_by: str
    launched_by: str | None = None
    #: The workflow of its events.
    correlation_id: str
    created_at: str
    updated_at: str
    launched_at: str | None = None
    started_at: str | None = None
    completed_at: str | None = None

    @property
    def is_importing(self) -> bool:
        """Whether some of its recipients are not imported yet. It does not start before."""
        return bool(self.waiting)


class RecipientStatus(StrEnum):
    """The status of a recipient. `claimed` has a text that a worker hands to the carrier, and counts as pending."""

    PENDING = "pending"
    CLAIMED = "claimed"
    SENT = "sent"
    DELIVERED = "delivered"
    FAILED = "failed"
    OPTED_OUT = "opted_out"
    CANCELED = "cancelled"


class Recipient(BaseModel):
    """A recipient of a campaign. Each recipient is an item of its own, and gets one text at most.

    Read the status by `status_in`: a cancel changes no recipient.
    """

    model_config = ConfigDict(frozen=True)

    org_id: str
    campaign_id: str
    index: int
    contact_e164: str
    #: Replaces the campaign's template.
    body: str | None = None
    media: list[TextMedia] = Field(default_factory=list)
    variables: dict[str, str] = Field(default_factory=dict)
    #: The recipient's own facts, for the compliance gate.
    timezone: str | None = None
    consent_source: str | None = None
    consent_date: str | None = None
    #: The batch and the row in it, from 1.
    batch_id: str
    row: int
    status: RecipientStatus = RecipientStatus.PENDING
    #: Until when quiet hours put it off. It stays pending.
    due: str | None = None
    #: The text, since the claim.
    message_id: str | None = None
    error_code: str | None = None
    claimed_at: str | None = None
    replied_at: str | None = None
    #: When a text counted towards the legal limit of texts that did not reach the carrier. The next one is not counted.
    counted_at: str | None = None

    def status_in(self, campaign: Campaign) -> RecipientStatus:
        """Returns the status: a canceled campaign canceled all recipients that were pending."""
        if campaign.status is CampaignStatus.CANCELED and self.status is RecipientStatus.PENDING:
            return RecipientStatus.CANCELED
        return self.status


class BatchStatus(StrEnum):
    """The status of a batch of recipients. The rows of a canceled campaign are dropped."""

    WAITING = "waiting"
    IMPORTED = "imported"
    DROPPED = "dropped"


class RecipientBatch(BaseModel):
    """A batch of recipients: an object in the bucket `recipients`, and how far the worker has imported it."""

    id: str
    org_id: str
    campaign_id: str
    version: int = 1
    status: BatchStatus = BatchStatus.WAITING
    #: Whether the campaign's number sent files when the batch came.
    sends_files: bool = True
    #: The rows of the object.
    rows: int
    #: The rows that are done, and what became of them.
    done: int = 0
    imported: int = 0
    duplicates: int = 0
    invalid: int = 0
    created_by: str
    created_at: str
    updated_at: str

    def status_in(self, campaign: Campaign) -> BatchStatus:
        """Returns the status: a canceled campaign dropped all batches that were waiting."""
        if campaign.status is CampaignStatus.CANCELED and self.status is BatchStatus.WAITING:
            return BatchStatus.DROPPED
        return self.status


class RowProblem(BaseModel):
    """Why a row of a batch is no recipient."""

    model_config = ConfigDict(frozen=True)

    row: int
    code: str
    message: str


class CampaignCounts(BaseModel):
    """The numbers of recipients by status, and of all. `replied` and `total` are beside them.

    `blocked` are those of `failed` that never had a text: the compliance gate refused them.
    """

    model_config = ConfigDict(frozen=True)

    total: int = 0
    pending: int = 0
    claimed: int = 0
    sent: int = 0
    delivered: int = 0
    failed: int = 0
    opted_out: int = 0
    cancelled: int = 0
    replied: int = 0
    blocked: int = 0

    def __add__(self, other: Self) -> Self:
        mine, theirs = self.model_dump(), other.model_dump()
        return type(self)(**{name: mine[name] + theirs[name] for name in mine})

    @property
    def left(self) -> int:
        """The recipients whose texts are not at the carrier yet, and may still get there."""
        return self.pending + self.claimed
