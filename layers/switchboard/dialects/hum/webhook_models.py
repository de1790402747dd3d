"""The data of HUM's webhooks: the same objects as the API returns, without the fields of a reader."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, Field, create_model

from switchboard.brands.models import RegistrationStatus
from switchboard.compliance.models import OptOutSource
from switchboard.dialects.hum.brand_fields import CAMPAIGN_ABOUT
from switchboard.dialects.hum.brand_views import RegistrationIssueView
from switchboard.dialects.hum.call_details import CallRecordView
from switchboard.dialects.hum.text_views import ConversationView, TextView
from switchboard.dialects.hum.voicemail_views import VoicemailRowView
from switchboard.dialects.hum.widget_views import LeadView
from switchboard.numbers.models import NumberStatus
from switchboard.tool_approvals.models import ApprovalState
from switchboard.webhooks.body_schemas import omit_fields

#: A webhook has no reader, and names no contact. A link to audio would expire before the last attempt.
CallWebhookData = omit_fields(
    CallRecordView,
    "CallWebhookData",
    *("contact", "flow_name", "is_read", "transcript", "tools", "recording_url", "recording_expires_at"),
    *("notes", "viewers"),
)
VoicemailWebhookData = omit_fields(
    VoicemailRowView, "VoicemailWebhookData", *("contact", "is_read", "media_url", "media_expires_at")
)
#: Without what the ledger has at the time of the delivery.
ConversationWebhookData = omit_fields(ConversationView, "ConversationWebhookData", "contact", "opted_out")


class SwitchedCallWebhookData(CallWebhookData):  # type: ignore[valid-type, misc]  # made at run time from the view
    """A call whose flow was switched. `flow_id` is the flow that talks from here on."""

    from_flow_id: str = Field(description="The flow that talked before.")


class TextWebhookData(TextView):
    """A text. A file that came in has no link, because it would expire before the last attempt."""

    from_e164: str
    to_e164: str


class OptInWebhookData(BaseModel):
    """A contact who gets texts and calls again."""

    e164: str
    created_at: str
    created_by: str = Field(description="The id of the person, key or worker that recorded it.")


class OptOutWebhookData(OptInWebhookData):
    """A contact who gets no texts and no calls."""

    source: OptOutSource
    keyword: str | None = Field(description="The keyword of the text, if there was one.")
    reason: str | None


class BrandWebhookData(BaseModel):
    """The organization's brand, without its payload."""

    id: str
    status: RegistrationStatus
    display_name: str | None
    website: str | None
    submitted_at: str | None
    decided_at: str | None
    errors: list[RegistrationIssueView]
    ein_last4: str | None = Field(description="The last four characters of the tax number.")


_CAMPAIGN_FIELDS: dict[str, Any] = {
    name: (type_ | None, Field(description=about)) for name, (type_, about) in CAMPAIGN_ABOUT.items()
}


class _CampaignState(BaseModel):
    """The campaign of the organization's texts. A field that its draft does not have is null."""

    id: str
    status: RegistrationStatus
    submitted_at: str | None
    decided_at: str | None
    errors: list[RegistrationIssueView]


CampaignWebhookData = create_model(
    "CampaignWebhookData", __base__=_CampaignState, __doc__=_CampaignState.__doc__, **_CAMPAIGN_FIELDS
)


class NumberWebhookData(BaseModel):
    """A telephone number of the organization."""

    id: str
    e164: str
    friendly_name: str
    flow_id: str | None
    sms_flow_id: str | None
    status: NumberStatus
    created_at: str


class MailVerdicts(BaseModel):
    """The results of the sender checks. Without them, do not trust `from_address`."""

    spf: str | None
    dkim: str | None
    dmarc: str | None


class MailWebhookData(BaseModel):
    """A mail of an agent. Its text is not in the webhook."""

    id: str
    agent_id: str | None
    direction: Literal["inbound", "outbound"]
    from_address: str
    recipients: list[str] = Field(description="The recipients that the event is about.")
    thread_id: str
    subject: str
    spam: bool
    verdicts: MailVerdicts | None = Field(description="Only a mail that came in has them.")


class LeadWebhookData(LeadView):
    """The answers of a visitor in the form of a widget."""

    token_id: str = Field(description="The widget token of the page.")


class TestWebhookData(BaseModel):
    """The webhook that a member tests."""

    webhook_id: str


class ToolApprovalWebhookData(BaseModel):
    """A use of a tool that waits for a person's approval, or waited."""

    id: str = Field(description="`POST /api/mcp-servers/approvals/{id}/approve` lets the tool run, `…/deny` does not.")
    state: ApprovalState
    server_id: str
    server_label: str
    tool: str = Field(description="The name of the tool at its server.")
    name: str = Field(description="The name by which the AI knows the tool.")
    arguments: dict[str, Any] = Field(description="The arguments that the AI wants to send to the tool.")
    flow_id: str
    conversation_id: str
    expires_at: str = Field(description="When a pending approval expires.")
    decided_by: str | None
    decided_at: str | None
    outcome: Literal["done", "failed", "unknown"] | None = Field(
        description="Whether the tool did its work. `GET /api/mcp-servers/approvals/{id}` returns its result."
    )
    created_at: str


class FiringWebhookData(BaseModel):
    """An event that an outside system sent to a trigger."""

    trigger_id: str
    trigger_name: str
    event_type: str = Field(description="`external.` and the words of the trigger's own event type.")
    firing_id: str
    body: object = Field(description="The JSON that the system sent.")
    body_omitted: bool = Field(
        description="Whether the body is left out, and is null here, because it has more than 16,000 bytes as compact"
        " JSON. `GET /api/triggers/{id}/firings/{firingId}` returns it."
    )
