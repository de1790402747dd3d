"""Request and response models of Anima's email (docs/contracts/anima.md#mail)."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import (
    AliasChoices,
    BaseModel,
    ConfigDict,
    Field,
)
from pydantic.alias_generators import to_camel
from pydantic.config import JsonDict

from switchboard.dialects.anima.shapes import Pagination
from switchboard.edge.fields import Pattern
from switchboard.email import models, unsubscribe
from switchboard.email import service as email
from switchboard.email.models import MailState
from switchboard.email.status import RecipientReport

Status = Literal["QUEUED", "SENT", "DELIVERED", "BOUNCED", "FAILED", "UNCONFIRMED"]
RecipientStatus = Literal["PENDING", "DELIVERED", "BOUNCED", "COMPLAINED", "FAILED"]

#: A message that a worker has claimed is still `QUEUED` for clients. A received message is `DELIVERED`: to us.
_STATUS: dict[MailState, Status] = {
    MailState.QUEUED: "QUEUED",
    MailState.SENDING: "QUEUED",
    MailState.UNCONFIRMED: "UNCONFIRMED",
    MailState.SENT: "SENT",
    MailState.DELIVERED: "DELIVERED",
    MailState.BOUNCED: "BOUNCED",
    MailState.FAILED: "FAILED",
    MailState.RECEIVED: "DELIVERED",
}


#: A label: one of read, unread, archived and spam, or the caller's own.
Label = Annotated[
    str,
    Pattern(
        "^[a-z0-9][a-z0-9_-]{0,49}$",
        "must be 1 to 50 lower-case letters, digits, hyphens and underscores, and begin with a letter or a digit",
    ),
]

_ATTACHMENT: JsonDict = {
    "id": "att_01kfe2v7g0hjkmnpqrstvwxyz0_1",
    "filename": "invoice.pdf",
    "mimeType": "application/pdf",
    "sizeBytes": 48_213,
    "storageKey": "org_01kfe2v7g0hjkmnpqrstvwxyz0/attachments/msg_01kfe2v7g0hjkmnpqrstvwxyz0/1",
    "url": "https://attachments.example/org_01kfe2v7g0hjkmnpqrstvwxyz0/1?X-Amz-Signature=0",
    "contentId": None,
    "inline": False,
    "createdAt": "2026-01-15T17:00:00.000Z",
}
_EXAMPLE: JsonDict = {
    "id": "msg_01kfe2v7g0hjkmnpqrstvwxyz0",
    "agentId": "agt_01kfe2v7g0hjkmnpqrstvwxyz0",
    "channel": "EMAIL",
    "direction": "OUTBOUND",
    "status": "QUEUED",
    "fromAddress": "shopping-agent@agents.switchboard.example",
    "toAddress": "you@example.com",
    "to": ["you@example.com"],
    "cc": [],
    "bcc": [],
    "subject": "Hello",
    "body": "From an agent.",
    "bodyHtml": None,
    "headers": {},
    "metadata": {},
    "threadId": "msg_01kfe2v7g0hjkmnpqrstvwxyz0",
    "inReplyTo": None,
    "references": [],
    "externalId": None,
    "error": None,
    "correlationId": "tour-1",
    "sentAt": None,
    "receivedAt": None,
    "attachments": [],
    "labels": ["read"],
    "createdAt": "2026-01-15T17:00:00.000Z",
    "updatedAt": "2026-01-15T17:00:00.000Z",
}
#: The domain's states for each status, as a filter.
STATES: dict[str, list[str]] = {
    shown: [state.value for state, status in _STATUS.items() if status == shown] for shown in _STATUS.values()
}


class ChangeLabels(BaseModel):
    """The labels to add and to remove."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"add": ["read", "invoices"]}]})

    add: list[Label] = Field(default_factory=list, max_length=20)
    remove: list[Label] = Field(default_factory=list, max_length=20)
    correlation_id: str | None = Field(
        default=None, validation_alias=AliasChoices("correlation_id", "correlationId"), alias="correlation_id"
    )


class AttachmentView(BaseModel):
    """A file attached to a message."""

    model_config = ConfigDict(
        alias_generator=to_camel, validate_by_name=True, json_schema_extra={"examples": [_ATTACHMENT]}
    )

    id: str
    filename: str
    mime_type: str
    size_bytes: int
    storage_key: str
    url: str = Field(description="A link to the file. It is valid for an hour and needs no key.")
    content_id: str | None = Field(description="The id by which the HTML refers to the file.")
    inline: bool
    created_at: str

    @classmethod
    def of(cls, attachment: models.Attachment) -> AttachmentView:
        """Returns Anima's view of an attachment."""
        return cls(
            size_bytes=attachment.size,
            storage_key=attachment.key,
            url=email.attachment_link(attachment),
            **attachment.model_dump(include={"id", "filename", "mime_type", "content_id", "inline", "created_at"}),
        )


class MessageView(BaseModel):
    """The current state of a message."""

    model_config = ConfigDict(
        alias_generator=to_camel, validate_by_name=True, json_schema_extra={"examples": [_EXAMPLE]}
    )

    id: str
    agent_id: str
    channel: Literal["EMAIL"] = "EMAIL"
    direction: Literal["INBOUND", "OUTBOUND"]
    status: Status
    from_address: str
    to_address: str = Field(description="The first recipient. For received mail: the address that received it.")
    to: list[str]
    cc: list[str]
    bcc: list[str]
    subject: str
    body: str
    body_html: str | None
    headers: dict[str, str]
    metadata: dict[str, Any] = Field(
        description="The sender's JSON. For received mail, facts about the mail: `autoReply` and its reason, `bounce`, "
        "`verdicts`, `envelopeFrom`, `replyTo`, `droppedAttachments`, and `truncated` with links to the full text."
    )
    thread_id: str
    in_reply_to: str | None
    references: list[str]
    external_id: str | None = Field(description="The Message-ID. It is null until the message has one.")
    error: str | None
    correlation_id: str
    sent_at: str | None
    received_at: str | None
    attachments: list[AttachmentView]
    labels: list[str] = Field(description="`unread` or `read`, perhaps `spam`, and labels that you added.")
    created_at: str
    updated_at: str

    @classmethod
    def of(cls, message: models.Message) -> MessageView:
        """Returns Anima's view of a message."""
        return cls(
            status=_STATUS[message.state],
            to_address=message.reception.recipient if message.reception else message.to[0],
            attachments=[AttachmentView.of(attachment) for attachment in message.attachments],
            metadata=_reception_facts(message, message.reception) if message.reception else message.metadata,
            **message.model_dump(
                include={
                    "id", "agent_id", "direction", "from_address", "to", "cc", "bcc", "subject", "body", "body_html",
                    "headers", "thread_id", "in_reply_to", "references", "external_id", "error", "correlation_id",
                    "sent_at", "received_at", "labels", "created_at", "updated_at",
                }
            ),
        )  # fmt: skip


class RecipientView(BaseModel):
    """A recipient of a message, with the provider's reports."""

    model_config = ConfigDict(alias_generator=to_camel, validate_by_name=True)

    address: str
    status: RecipientStatus = Field(
        description="`PENDING` until the first report. `FAILED` if the whole message failed before sending. "
        "`COMPLAINED` means that the recipient received the message."
    )
    permanent: bool = Field(description="Whether the bounce is permanent. The address then gets no more mail.")
    delivered_at: str | None
    bounced_at: str | None
    complained_at: str | None
    complaint_suspected_at: str | None = Field(
        description="The time of a complaint that names several recipients although only one complained. The address "
        "is not suppressed."
    )
    code: str | None = Field(description="The receiving server's last status code, for example `5.1.1`.")
    diagnostic: str | None = Field(description="The beginning of that server's response.")

    @classmethod
    def of(cls, report: RecipientReport, state: MailState) -> RecipientView:
        """Returns Anima's view of a recipient. `state` is the state of the message."""
        return cls(
            status=_recipient_status(report, state),
            permanent=report.gone_at is not None,
            complaint_suspected_at=report.suspected_at,
            **report.model_dump(
                include={"address", "delivered_at", "bounced_at", "complained_at", "code", "diagnostic"}
            ),
        )


def _recipient_status(report: RecipientReport, state: MailState) -> RecipientStatus:
    if report.complained_at:
        return "COMPLAINED"
    if report.is_lost:
        return "BOUNCED"
    if report.delivered_at:
        return "DELIVERED"
    return "FAILED" if state is MailState.FAILED else "PENDING"


class MessageDetail(MessageView):
    """A message with the delivery status of each recipient."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        validate_by_name=True,
        json_schema_extra={
            "examples": [
                _EXAMPLE
                | {
                    "status": "BOUNCED",
                    "error": "permanent bounce",
                    "unsubscribeUrl": "https://api.switchboard.example/v1/email/unsubscribe/"
                    "org_01kfe2v7g0hjkmnpqrstvwxyz0.msg_01kfe2v7g0hjkmnpqrstvwxyz0.AAAAAAAAAAAAAAAAAAAAAAAA",
                    "recipients": [
                        {
                            "address": "you@example.com",
                            "status": "BOUNCED",
                            "permanent": True,
                            "deliveredAt": None,
                            "bouncedAt": "2026-01-15T17:00:02.000Z",
                            "complainedAt": None,
                            "complaintSuspectedAt": None,
                            "code": "5.1.1",
                            "diagnostic": "smtp; 550 5.1.1 user unknown",
                        }
                    ],
                }
            ]
        },
    )

    recipients: list[RecipientView] = Field(description="All recipients. Empty for received mail.")
    unsubscribe_url: str | None = Field(
        description="The link in the mail's List-Unsubscribe header: one click stops mail of this organization. "
        "Null for a mail to several recipients: its List-Unsubscribe names a mailbox instead."
    )

    @classmethod
    def of_reports(cls, message: models.Message, reports: list[RecipientReport]) -> MessageDetail:
        """Returns Anima's view of a message with the reports of its recipients."""
        shown = dict(MessageView.of(message))
        return cls(
            **shown,
            recipients=[RecipientView.of(report, message.state) for report in reports],
            unsubscribe_url=unsubscribe.unsubscribe_link(message),
        )


def _reception_facts(message: models.Message, reception: models.Reception) -> dict[str, Any]:
    """Returns the facts about a received mail."""
    links = email.text_links(message)
    return {
        # A machine must not reply to another machine: the two would never stop.
        "autoReply": reception.automatic is not None,
        "autoReplyReason": reception.automatic,
        "bounce": reception.bounce.model_dump() if reception.bounce else None,
        "verdicts": reception.verdicts,
        "envelopeFrom": reception.sender,
        "replyTo": reception.reply_to,
        "fromName": message.from_name,
        "droppedAttachments": [
            {"filename": one.filename, "mimeType": one.mime_type, "sizeBytes": one.size, "reason": one.reason}
            for one in reception.dropped
        ],
        "truncated": reception.truncated,
        "bodyUrl": links.get("body.txt"),
        "bodyHtmlUrl": links.get("body.html"),
        "malformed": reception.broken,
    }


class MessageList(BaseModel):
    """A page of messages, newest first."""

    items: list[MessageView]
    pagination: Pagination

    @classmethod
    def of(cls, messages: list[models.Message], cursor: str | None) -> MessageList:
        """Returns Anima's view of a page."""
        return cls(
            items=[MessageView.of(message) for message in messages],
            pagination=Pagination.of(cursor),
        )
