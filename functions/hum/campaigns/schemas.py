"""Request and response models of HUM's campaigns (docs/contracts/hum.md#campaigns)."""

from __future__ import annotations

from typing import Annotated, Any, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, Strict

from switchboard.campaigns.batches import MAX_BATCH_ROWS
from switchboard.campaigns.changes import LaunchedCampaign
from switchboard.campaigns.models import (
    BatchStatus,
    Campaign,
    CampaignCounts,
    CampaignStatus,
    PauseReason,
    Recipient,
    RecipientBatch,
    RecipientStatus,
    RowProblem,
)
from switchboard.campaigns.service import MAX_INLINE_ROWS, CampaignDraft, CampaignRecord, CampaignRow
from switchboard.compliance.models import ConsentSource, Purpose
from switchboard.dialects.hum.shapes import ContactNumber, Ok, WarningView
from switchboard.edge.fields import Id, Omissible, OneLine, Timestamp
from switchboard.kit.texts import require_text
from switchboard.messaging.models import MAX_BODY_CHARACTERS, MAX_MEDIA
from switchboard.messaging.threads import conversation_id_of

#: A value of a variable. A truth value is none.
_Value = Annotated[str, Strict()] | Annotated[int, Strict()] | Annotated[float, Strict()]


def _body(text: str) -> str:
    return require_text(text) if text.strip() else ""


_Body = Annotated[str, Field(max_length=MAX_BODY_CHARACTERS), AfterValidator(_body)]


class CampaignMediaInput(BaseModel):
    """A file of a text."""

    url: Annotated[str, Field(json_schema_extra={"format": "uri"})] = Field(
        description="A public https address from which the carrier fetches the file."
    )
    content_type: Omissible[Annotated[str, OneLine(120)]] = Field(
        default=None, description="The file's media type, if you know it."
    )


class CampaignRecipientInput(BaseModel):
    """A recipient. `variables`, `timezone`, `consent_source` and `consent_date` are not in the contract."""

    model_config = ConfigDict(extra="forbid")

    contact_e164: ContactNumber = Field(description="The number to text.")
    body: _Body | None = Field(default=None, description="Replaces the campaign's template. It may have variables too.")
    media: list[CampaignMediaInput] = Field(default=[], max_length=MAX_MEDIA, description="The files of the text.")
    variables: dict[str, _Value] | None = Field(default=None, description="The values of the template's variables.")
    timezone: str | None = Field(
        default=None, description="The recipient's IANA time zone. Quiet hours then also hold there."
    )
    consent_source: ConsentSource | None = Field(default=None, description="How the recipient consented to texts.")
    consent_date: str | None = Field(default=None, description="The day or the time of that consent.")


class CampaignInput(BaseModel):
    """A campaign to create. `purpose` is not in the contract."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "name": "Spring checkup",
                    "twilio_number_id": "num_01jd0000000000000000000001",
                    "body_template": "Hello {{name}}, your checkup is due. Reply YES to book it.",
                    "throttle_per_minute": 60,
                    "recipients": [{"contact_e164": "+14155550142", "variables": {"name": "Ada"}}],
                }
            ]
        }
    )

    name: Annotated[str, OneLine(200, least=1)]
    twilio_number_id: Annotated[Id, Field(min_length=1)] = Field(description="The number that sends the texts.")
    flow_id: str | None = Field(
        default=None, description="The flow that answers replies, instead of the number's own. Its hours hold too."
    )
    body_template: _Body = Field(
        description="The text. `{{name}}` is replaced by the recipient's variable `name`. Other braces stay."
    )
    throttle_per_minute: int = Field(
        default=30, strict=True, ge=1, le=600, description="The most texts in any 60 seconds. They are spread evenly."
    )
    scheduled_start_at: Timestamp | None = Field(
        default=None, description="The earliest start after the launch, at most 90 days ahead."
    )
    purpose: Purpose = Field(
        default=Purpose.INFORMATIONAL, description="`telemarketing` needs a written consent of each recipient."
    )
    recipients: list[CampaignRecipientInput] = Field(
        default=[],
        description=f"At most {MAX_INLINE_ROWS:,} recipients. They are all checked before the answer. Send more of them"
        " as batches.",
    )

    def to_draft(self) -> CampaignDraft:
        """Returns what the member asks for."""
        return CampaignDraft(
            name=self.name,
            number_id=self.twilio_number_id,
            flow_id=self.flow_id,
            body_template=self.body_template,
            throttle_per_minute=self.throttle_per_minute,
            scheduled_start_at=self.scheduled_start_at,
            purpose=self.purpose,
            rows=[one.model_dump(mode="json", exclude_none=True) for one in self.recipients],
        )


class CampaignCountsView(BaseModel):
    """The numbers of recipients. All besides `total` and `replied` add up to `total`."""

    total: int
    pending: int = Field(description="Not at the carrier yet.")
    sent: int = Field(description="At the carrier, and without an end.")
    delivered: int
    failed: int = Field(description="Not sent because of a rule, refused by the carrier, or not delivered.")
    opted_out: int = Field(description="Not sent, because the recipient had opted out.")
    cancelled: int = Field(description="Not sent, because the campaign was canceled.")
    replied: int = Field(description="Recipients who wrote back within seven days of their text.")

    @classmethod
    def of(cls, counts: CampaignCounts) -> Self:
        """Returns the view of counts. A claimed recipient is pending."""
        return cls(pending=counts.left, **counts.model_dump(exclude={"pending", "claimed", "blocked"}))


class RecipientSummaryView(BaseModel):
    """The results of the rows of all batches. A row is a recipient, a duplicate or invalid, or waits."""

    rows: int
    imported: int
    duplicates: int
    invalid: int
    importing: bool = Field(description="Whether some rows wait. The campaign starts when none does.")

    @classmethod
    def of(cls, campaign: Campaign) -> Self:
        """Returns the summary of a campaign."""
        return cls(
            rows=campaign.rows,
            imported=campaign.total,
            duplicates=campaign.duplicates,
            invalid=campaign.invalid,
            importing=campaign.is_importing,
        )


class CampaignView(BaseModel):
    """A campaign."""

    id: str
    name: str
    status: CampaignStatus
    pause_reason: PauseReason | None = Field(
        description="Why it is paused. `member`: a member paused it. `cap`: a quota or the spending cap is used up, or"
        " the subscription is unpaid. `number`: the number was released, or sends no texts. `failures`: too many texts"
        " failed. `authority`: the organization is suspended, or the member who launched it lost the permission."
        " `no_recipients`: no row is a recipient. A launch resumes it."
    )
    twilio_number_id: str
    flow_id: str | None
    body_template: str
    throttle_per_minute: int
    scheduled_start_at: str | None
    purpose: Purpose
    counts: CampaignCountsView
    recipient_summary: RecipientSummaryView
    starts_at: str | None = Field(description="When a queued campaign starts.")
    created_by: str
    launched_by: str | None
    created_at: str
    updated_at: str
    launched_at: str | None
    started_at: str | None
    completed_at: str | None = Field(description="When it was completed or canceled.")

    @classmethod
    def of(cls, row: CampaignRow) -> Self:
        """Returns the view of a campaign with its counts."""
        return cls(**_campaign_fields(row.campaign, row.counts))


def _campaign_fields(campaign: Campaign, counts: CampaignCounts) -> dict[str, Any]:
    same = campaign.model_dump(include=set(CampaignView.model_fields))
    return same | {
        "twilio_number_id": campaign.number_id,
        "counts": CampaignCountsView.of(counts),
        "recipient_summary": RecipientSummaryView.of(campaign),
    }


class RecipientBatchView(BaseModel):
    """A batch of recipients."""

    id: str
    status: BatchStatus = Field(description="`dropped`: the campaign was canceled before the import.")
    rows: int
    imported: int
    duplicates: int
    invalid: int
    created_by: str
    created_at: str

    @classmethod
    def of(cls, batch: RecipientBatch, campaign: Campaign) -> Self:
        """Returns the view of a batch."""
        same = batch.model_dump(include=set(cls.model_fields))
        return cls(**same | {"status": batch.status_in(campaign)})


class CampaignDetailsView(CampaignView):
    """A campaign with its newest 100 batches of recipients, the newest first."""

    batches: list[RecipientBatchView]

    @classmethod
    def of_record(cls, record: CampaignRecord) -> Self:
        """Returns the view of a campaign with its batches."""
        batches = [RecipientBatchView.of(one, record.campaign) for one in record.batches]
        return cls(**_campaign_fields(record.campaign, record.counts), batches=batches)


class LaunchedCampaignView(Ok):
    """The campaign is queued. `warnings` is not in the contract."""

    warnings: list[WarningView] = Field(description="`a2p_unregistered`: networks may block texts of this number.")

    @classmethod
    def of(cls, launched: LaunchedCampaign) -> Self:
        """Returns the answer to a launch."""
        return cls(ok=True, warnings=WarningView.list_of(launched.warnings))


class CampaignPageView(BaseModel):
    """A page of campaigns."""

    campaigns: list[CampaignView]
    next_cursor: str | None


class RowProblemView(BaseModel):
    """Why a row is no recipient."""

    row: int = Field(description=f"The number of the row, from 1 to {MAX_BATCH_ROWS:,}. Blank lines do not count.")
    code: str = Field(
        description="`duplicate`, `invalid_number`, `contact_is_own_number`, `contact_not_textable`,"
        " `number_without_mms`, `missing_variable`, `body_too_long`, `body_missing`, `invalid_media`,"
        " `invalid_consent`, `invalid_json`, `row_too_large` or `invalid_row`."
    )
    message: str

    @classmethod
    def of(cls, problem: RowProblem) -> Self:
        """Returns the view of a problem."""
        return cls(**problem.model_dump())


class RecipientBatchReportView(RecipientBatchView):
    """A batch with the rows that are no recipients, in their order."""

    problems: list[RowProblemView]
    next_cursor: str | None


class CampaignRecipientView(BaseModel):
    """A recipient of a campaign, with what became of its text."""

    index: int = Field(description="Its place in the campaign, from 0.")
    contact_e164: str
    status: RecipientStatus = Field(description="`claimed`: a worker hands its text to the carrier.")
    error_code: str | None
    put_off_until: str | None = Field(description="Until when quiet hours put it off.")
    message_id: str | None
    conversation_id: str | None = Field(description="Where its text is. Null before there is one.")
    replied_at: str | None
    variables: dict[str, str]
    batch_id: str
    row: int

    @classmethod
    def of(cls, recipient: Recipient, campaign: Campaign) -> Self:
        """Returns the view of a recipient."""
        same = recipient.model_dump(include=set(cls.model_fields))
        conversation = conversation_id_of(recipient.org_id, campaign.number_id, recipient.contact_e164)
        texted = recipient.message_id is not None
        return cls(**same, put_off_until=recipient.due, conversation_id=conversation if texted else None)


class CampaignRecipientPageView(BaseModel):
    """A page of recipients."""

    recipients: list[CampaignRecipientView]
    next_cursor: str | None
