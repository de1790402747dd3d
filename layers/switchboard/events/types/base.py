"""The parts of a row of the registry. They are plain data, and this module imports no noun."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Literal

from pydantic import Field
from typing_extensions import TypedDict  # before Python 3.12 pydantic accepts only this TypedDict

#: The channels that the audit and the stream filter by.
Channel = Literal["email", "sms", "voice", "vault", "phone"]
#: The contracts that have webhooks.
Contract = Literal["anima", "opticomm", "athos", "hum"]

#: SHA-256 in hex. An event holds addresses, numbers and ids of people only in this form.
Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
#: An id of this platform.
Id = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,128}$")]
#: A word of a fixed vocabulary: a state, a kind, a reason. Spaces are not allowed, so free text does not fit.
Code = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.:-]{1,128}$")]
#: The name of an event from outside: `external.` and words (`events.external_names`).
ExternalName = Annotated[str, Field(pattern=r"^external(\.[a-z0-9]+)+$", max_length=129)]
#: A moment in UTC, as `clock.format_iso` writes it.
Timestamp = Annotated[str, Field(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$")]
#: A day, as 2026-01-15.
Day = Annotated[str, Field(pattern=r"^\d{4}-\d\d-\d\d$")]
#: A number of things.
Count = Annotated[int, Field(ge=0)]


class NoData(TypedDict):
    """No data beside the subject."""


class VerdictInBrief(TypedDict):
    allowed: Annotated[bool, "Whether the call or text may go out."]
    code: Annotated[Code | None, "The code of the rule that refused."]
    rules: Annotated[dict[str, str], "The result and the reason of every rule."]
    evaluated_at: Annotated[Timestamp, "When the gate decided."]


@dataclass(frozen=True, slots=True)
class EventType:
    """A type of event: its meaning, its data, and its consequences.

    `data` is a TypedDict. Each field is an id, a state, a number or a digest, never data that may have to be erased.
    The text beside a field's type describes the field.

    `subject` is the type of the event's subject. `starts` names the queues that act on the event, besides the queues of
    the audit and the webhooks. `webhooks` holds each contract's name for the event, if its webhooks report the event.
    `projections` names the projections that read the event.
    """

    name: str
    about: str
    subject: str
    data: type[Mapping[str, object]] = NoData
    channel: Channel | None = None
    starts: tuple[str, ...] = ()
    webhooks: Mapping[Contract, str] = field(default_factory=dict)
    projections: tuple[str, ...] = ()
