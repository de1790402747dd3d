"""The request model of `POST /v1/email/send` (docs/contracts/anima.md#mail)."""

from __future__ import annotations

import re
from typing import Annotated, Any

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

from switchboard.edge.fields import FreeJson, Id, OneLine, is_id
from switchboard.email import outgoing_headers
from switchboard.email.address import EmailAddress, normalize
from switchboard.email.models import MailDraft, unique_addresses
from switchboard.email.service import MAX_RECIPIENTS

#: Most bytes of a message's text and HTML. A message is one DynamoDB item (400 KB), which has other fields too.
MAX_CONTENT_BYTES = 192 * 1024
_HEADER = re.compile(r"X-(?!SES-)[A-Za-z0-9-]{1,70}|List-Unsubscribe|List-Unsubscribe-Post|Reply-To", re.IGNORECASE)
#: Most bytes of all headers of a caller. They share the item with the body.
_MAX_HEADERS_BYTES = 32 * 1024
_MAX_METADATA_BYTES = 8_192
#: Most characters of a header's line (RFC 5322, 2.1.1), and of a whole header, which may be folded.
_MAX_LINE_CHARACTERS, _MAX_HEADER_CHARACTERS = 998, 8_192
_ADDRESS_SCHEMA: JsonDict = {"type": "string", "format": "email"}


def _one_or_more(value: Any, read: ValidatorFunctionWrapHandler) -> list[str]:
    # This is one type and not a union, so that an error names the field and not each member of the union.
    found: list[str] = read([normalize(value.strip())] if isinstance(value, str) else value)
    if not found:
        raise ValueError("is empty: send at least one address")
    return found


Recipients = Annotated[
    list[EmailAddress],
    Field(max_length=MAX_RECIPIENTS),
    WrapValidator(_one_or_more),
    WithJsonSchema(
        {"anyOf": [_ADDRESS_SCHEMA, {"type": "array", "items": _ADDRESS_SCHEMA, "maxItems": MAX_RECIPIENTS}]}
    ),
]


class EmailSendRequest(BaseModel):
    """An email to send."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        validate_by_name=True,
        json_schema_extra={"examples": [{"to": "you@example.com", "subject": "Hello", "body": "From an agent."}]},
    )

    to: Recipients = Field(description="One address or a list of addresses.")
    subject: Annotated[str, OneLine(_MAX_LINE_CHARACTERS)]
    body: str = Field(description="The content as plain text.")
    cc: list[EmailAddress] = Field(default_factory=list, max_length=MAX_RECIPIENTS)
    bcc: list[EmailAddress] = Field(default_factory=list, max_length=MAX_RECIPIENTS)
    body_html: str | None = Field(default=None, description="The content as HTML, in addition to the plain text.")
    headers: dict[str, Annotated[str, OneLine(_MAX_HEADER_CHARACTERS)]] = Field(
        default_factory=dict,
        max_length=20,
        description="Allowed headers: `X-…`, `Reply-To`, `List-Unsubscribe`, `List-Unsubscribe-Post`.",
    )
    metadata: Annotated[dict[str, Any], FreeJson(_MAX_METADATA_BYTES)] = Field(
        default_factory=dict, description="Your own JSON, stored with the message: at most 8 KB and eight levels."
    )
    in_reply_to: Annotated[str, OneLine(_MAX_LINE_CHARACTERS)] | None = Field(
        default=None, description="The message that this one replies to: its id (`msg_…`) or its Message-ID."
    )
    references: list[Annotated[str, OneLine(_MAX_LINE_CHARACTERS)]] = Field(default_factory=list, max_length=50)
    agent_id: Id | None = Field(
        default=None, description="The sending agent. Required with a master key. The default is the agent of the key."
    )
    correlation_id: str | None = Field(
        default=None, validation_alias=AliasChoices("correlation_id", "correlationId"), alias="correlation_id"
    )

    @model_validator(mode="before")
    @classmethod
    def _refuse_unsupported(cls, value: Any) -> Any:
        # Other versions of this API accept these fields. They must fail here instead of being ignored.
        if isinstance(value, dict):
            for name in ("attachments", "fromIdentityId"):
                if value.get(name):
                    raise ValueError(f"{name}: is not supported: omit this field")
        return value

    @field_validator("in_reply_to")
    @classmethod
    def _check_reply_to(cls, value: str | None) -> str | None:
        if value and value.startswith("msg_"):
            if not is_id(value):
                raise ValueError("is neither a message id (msg_…) nor a Message-ID: send one of them")
            return value
        return outgoing_headers.check_message_id(value) if value else None

    @field_validator("references")
    @classmethod
    def _check_references(cls, value: list[str]) -> list[str]:
        return [outgoing_headers.check_message_id(one) for one in value]

    @model_validator(mode="after")
    def _require_limits(self) -> EmailSendRequest:
        size = len(self.body.encode()) + len((self.body_html or "").encode())
        if size > MAX_CONTENT_BYTES:
            raise ValueError(f"body: is larger than {MAX_CONTENT_BYTES:,} bytes, together with bodyHtml: send less")
        if len({name.lower() for name in self.headers}) < len(self.headers):
            raise ValueError("headers: a header occurs twice: send each header once")
        for name in self.headers:
            if not _HEADER.fullmatch(name):
                raise ValueError(f"headers: {name[:80]!r} cannot be set: omit it")
            try:
                outgoing_headers.customer_header(name, self.headers[name])
            except ValueError as error:
                raise ValueError(f"headers: {name} {error}") from None
        if len("".join([*self.headers, *self.headers.values(), *self.references]).encode()) > _MAX_HEADERS_BYTES:
            raise ValueError(
                f"headers: are larger than {_MAX_HEADERS_BYTES:,} bytes, together with references: send less"
            )
        return self

    def recipients(self) -> list[str]:
        """Returns the addresses of `to` without duplicates."""
        return unique_addresses(self.to)

    def to_draft(self) -> MailDraft:
        """Returns the domain's draft of this mail."""
        return MailDraft(
            to=self.recipients(),
            **self.model_dump(exclude={"to", "correlation_id"}),
        )
