"""Request and response models of Anima's email (docs/contracts/anima.md#mail)."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import (
    AliasChoices,
    BaseModel,
    ConfigDict,
    Field,
    ValidatorFunctionWrapHandler,
    WithJsonSchema,
    WrapValidator,
    field_validator,
    model_validator,
)
from pydantic.alias_generators import to_camel
from pydantic.config import JsonDict

from switchboard.edge.fields import FreeJson, Id, Line, is_id
from switchboard.edge.paging import Pagination
from switchboard.email import models, unsubscribing, writing
from switchboard.email import service as email
from switchboard.email.address import Address, normalise
from switchboard.email.models import Draft, State, each_once
from switchboard.email.service import MAX_RECIPIENTS
from switchboard.email.standing import Report

#: Most bytes of a message's text and HTML. A message is one DynamoDB item (400 KB), which has other fields too.
MAX_CONTENT = 192 * 1024
_HEADER = re.compile(r"X-(?!SES-)[A-Za-z0-9-]{1,70}|List-Unsubscribe|List-Unsubscribe-Post|Reply-To", re.IGNORECASE)
#: Most bytes of all headers of a caller. They share the item with the body.
_MAX_HEADERS = 32 * 1024
_METADATA_SIZE = 8_192
#: Most characters of a header's line (RFC 5322, 2.1.1), and of a whole header, which may be folded.
_LINE, _HEADER_VALUE = 998, 8_192
#: Most characters of a suppression's note.
_NOTE = 200

Status = Literal["QUEUED", "SENT", "DELIVERED", "BOUNCED", "FAILED", "UNCONFIRMED"]
RecipientStatus = Literal["PENDING", "DELIVERED", "BOUNCED", "COMPLAINED", "FAILED"]

#: A message that a worker has claimed is still `QUEUED` for clients. A received message is `DELIVERED`: to us.
_STATUS: dict[State, Status] = {
    State.QUEUED: "QUEUED",
    State.SENDING: "QUEUED",
    State.UNCONFIRMED: "UNCONFIRMED",
    State.SENT: "SENT",
    State.DELIVERED: "DELIVERED",
    State.BOUNCED: "BOUNCED",
    State.FAILED: "FAILED",
    State.RECEIVED: "DELIVERED",
}


def _one_or_more(value: Any, read: ValidatorFunctionWrapHandler) -> list[str]:
    # This is one type and not a union, so that an error names the field and not each member of the union.
    found: list[str] = read([normalise(value.strip())] if isinstance(value, str) else value)
    if not found:
        raise ValueError("is empty: send at least one address")
    return found


_ADDRESS_SCHEMA: JsonDict = {"type": "string", "format": "email"}
Recipients = Annotated[
    list[Address],
    Field(max_length=MAX_RECIPIENTS),
    WrapValidator(_one_or_more),
    WithJsonSchema(
        {"anyOf": [_ADDRESS_SCHEMA, {"type": "array", "items": _ADDRESS_SCHEMA, "maxItems": MAX_RECIPIENTS}]}
    ),
]


class SendRequest(BaseModel):
    """An email to send."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        validate_by_name=True,
        json_schema_extra={"examples": [{"to": "you@example.com", "subject": "Hello", "body": "From an agent."}]},
    )

    to: Recipients = Field(description="One address or a list of addresses.")
    subject: Annotated[str, Line(_LINE)]
    body: str = Field(description="The content as plain text.")
    cc: list[Address] = Field(default_factory=list, max_length=MAX_RECIPIENTS)
    bcc: list[Address] = Field(default_factory=list, max_length=MAX_RECIPIENTS)
    body_html: str | None = Field(default=None, description="The content as HTML, in addition to the plain text.")
    headers: dict[str, Annotated[str, Line(_HEADER_VALUE)]] = Field(
        default_factory=dict,
        max_length=20,
        description="Allowed headers: `X-…`, `Reply-To`, `List-Unsubscribe`, `List-Unsubscribe-Post`.",
    )
    metadata: Annotated[dict[str, Any], FreeJson(_METADATA_SIZE)] = Field(
        default_factory=dict, description="Your own JSON, stored with the message: at most 8 KB and eight levels."
    )
    in_reply_to: Annotated[str, Line(_LINE)] | None = Field(
        default=None, description="The message that this one replies to: its id (`msg_…`) or its Message-ID."
    )
    references: list[Annotated[str, Line(_LINE)]] = Field(default_factory=list, max_length=50)
    agent_id: Id | None = Field(
        default=None, description="The sending agent. Required with a master key. The default is the agent of the key."
    )
    correlation_id: str | None = Field(
        default=None, validation_alias=AliasChoices("correlation_id", "correlationId"), alias="correlation_id"
    )

    @model_validator(mode="before")
    @classmethod
    def _known(cls, value: Any) -> Any:
        # Other versions of this API accept these fields. They must fail here instead of being ignored.
        if isinstance(value, dict):
            for name in ("attachments", "fromIdentityId"):
                if value.get(name):
                    raise ValueError(f"{name}: is not supported: omit this field")
        return value

    @field_validator("in_reply_to")
    @classmethod
    def _answers(cls, value: str | None) -> str | None:
        if value and value.startswith("msg_"):
            if not is_id(value):
                raise ValueError("is neither a message id (msg_…) nor a Message-ID")
            return value
        return writing.message_id(value) if value else None

    @field_validator("references")
    @classmethod
    def _refers(cls, value: list[str]) -> list[str]:
        return [writing.message_id(one) for one in value]

    @model_validator(mode="after")
    def _fits(self) -> SendRequest:
        size = len(self.body.encode()) + len((self.body_html or "").encode())
        if size > MAX_CONTENT:
            raise ValueError(f"body: is larger than {MAX_CONTENT:,} bytes, together with bodyHtml")
        if len({name.lower() for name in self.headers}) < len(self.headers):
            raise ValueError("headers: a header occurs twice: send each header once")
        for name in self.headers:
            if not _HEADER.fullmatch(name):
                raise ValueError(f"headers: {name[:80]!r} cannot be set")
            try:
                writing.customers(name, self.headers[name])
            except ValueError as error:
                raise ValueError(f"headers: {name} {error}") from None
        if len("".join([*self.headers, *self.headers.values(), *self.references]).encode()) > _MAX_HEADERS:
            raise ValueError(f"headers: are larger than {_MAX_HEADERS:,} bytes, together with references")
        return self

    def recipients(self) -> list[str]:
        """Returns the addresses of `to` without duplicates."""
        return each_once(self.to)

    def draft(self) -> Draft:
        """Returns the domain's draft of this mail."""
        return Draft(
            to=self.recipients(),
            **self.model_dump(exclude={"to", "correlation_id"}),
        )


#: A label: one of read, unread, archived and spam, or the caller's own.
Label = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,49}$")]

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


class LabelsRequest(BaseModel):
    """The labels to add and to remove."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"add": ["read", "invoices"]}]})

    add: list[Label] = Field(default_factory=list, max_length=20)
    remove: list[Label] = Field(default_factory=list, max_length=20)
    correlation_id: str | None = Field(
        default=None, validation_alias=AliasChoices("correlation_id", "correlationId"), alias="correlation_id"
    )


class Attachment(BaseModel):
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
    def of(cls, attachment: models.Attachment) -> Attachment:
        """Returns Anima's view of an attachment."""
        return cls(
            size_bytes=attachment.size,
            storage_key=attachment.key,
            url=email.link(attachment),
            **attachment.model_dump(include={"id", "filename", "mime_type", "content_id", "inline", "created_at"}),
        )


class Message(BaseModel):
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
    attachments: list[Attachment]
    labels: list[str] = Field(description="`unread` or `read`, perhaps `spam`, and labels that you added.")
    created_at: str
    updated_at: str

    @classmethod
    def of(cls, message: models.Message) -> Message:
        """Returns Anima's view of a message."""
        return cls(
            status=_STATUS[message.state],
            to_address=message.reception.recipient if message.reception else message.to[0],
            attachments=[Attachment.of(attachment) for attachment in message.attachments],
            metadata=_received(message, message.reception) if message.reception else message.metadata,
            **message.model_dump(
                include={
                    "id", "agent_id", "direction", "from_address", "to", "cc", "bcc", "subject", "body", "body_html",
                    "headers", "thread_id", "in_reply_to", "references", "external_id", "error", "correlation_id",
                    "sent_at", "received_at", "labels", "created_at", "updated_at",
                }
            ),
        )  # fmt: skip


class Recipient(BaseModel):
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
    def of(cls, report: Report, state: State) -> Recipient:
        """Returns Anima's view of a recipient. `state` is the state of the message."""
        return cls(
            status=_reported(report, state),
            permanent=report.gone_at is not None,
            complaint_suspected_at=report.suspected_at,
            **report.model_dump(
                include={"address", "delivered_at", "bounced_at", "complained_at", "code", "diagnostic"}
            ),
        )


def _reported(report: Report, state: State) -> RecipientStatus:
    if report.complained_at:
        return "COMPLAINED"
    if report.lost:
        return "BOUNCED"
    if report.delivered_at:
        return "DELIVERED"
    return "FAILED" if state is State.FAILED else "PENDING"


class MessageDetail(Message):
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

    recipients: list[Recipient] = Field(description="All recipients. Empty for received mail.")
    unsubscribe_url: str | None = Field(
        description="The link in the mail's List-Unsubscribe header: one click stops mail of this organization. "
        "Null for a mail to several recipients: its List-Unsubscribe names a mailbox instead."
    )

    @classmethod
    def of_reports(cls, message: models.Message, reports: list[Report]) -> MessageDetail:
        """Returns Anima's view of a message with the reports of its recipients."""
        shown = dict(Message.of(message))
        return cls(
            **shown,
            recipients=[Recipient.of(report, message.state) for report in reports],
            unsubscribe_url=unsubscribing.link_of(message),
        )


def _received(message: models.Message, reception: models.Reception) -> dict[str, Any]:
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

    items: list[Message]
    pagination: Pagination

    @classmethod
    def of(cls, messages: list[models.Message], cursor: str | None) -> MessageList:
        """Returns Anima's view of a page."""
        return cls(
            items=[Message.of(message) for message in messages],
            pagination=Pagination.of(cursor),
        )


class AddSuppression(BaseModel):
    """An address to suppress."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        validate_by_name=True,
        json_schema_extra={"examples": [{"address": "you@example.com"}]},
    )

    address: Address
    note: Annotated[str, Line(_NOTE)] | None = Field(
        default=None, description="Your own note, such as a ticket number."
    )


class Suppression(BaseModel):
    """A suppressed address: the organization sends no mail to it."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        validate_by_name=True,
        json_schema_extra={
            "examples": [
                {
                    "address": "you@example.com",
                    "reason": "unsubscribe",
                    "note": None,
                    "createdBy": "unsubscribe",
                    "createdAt": "2026-01-15T17:00:00.000Z",
                }
            ]
        },
    )

    address: str
    reason: Literal["bounce", "complaint", "unsubscribe", "reply", "manual"] = Field(
        description="A permanent bounce, a complaint, a click on List-Unsubscribe, a reply that asks to stop, or your "
        "own request (`manual`)."
    )
    note: str | None
    created_by: str | None = Field(description="The key or the part of the platform that added the entry.")
    created_at: str

    @classmethod
    def of(cls, entry: models.Suppression) -> Suppression:
        """Returns Anima's view of a suppression."""
        return cls.model_validate(entry.model_dump())


class SuppressionList(BaseModel):
    """A page of suppressions, in a stable order."""

    items: list[Suppression]
    pagination: Pagination

    @classmethod
    def of(cls, entries: list[models.Suppression], cursor: str | None) -> SuppressionList:
        """Returns Anima's view of a page."""
        return cls(items=[Suppression.of(entry) for entry in entries], pagination=Pagination.of(cursor))


class Lifted(BaseModel):
    """The address that can get mail again."""

    address: str
    lifted: Literal[True] = True


#: The domain's states for each status, as a filter.
STATES: dict[str, list[str]] = {
    shown: [state.value for state, status in _STATUS.items() if status == shown] for shown in _STATUS.values()
}
