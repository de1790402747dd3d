"""The bodies of Anima's webhooks: flat JSON objects (docs/contracts/anima.md#webhooks).

The types have the form with a table, because `from` is a word of Python.
"""

from __future__ import annotations

from typing import Annotated, Literal, NotRequired

from pydantic import Field
from typing_extensions import TypedDict

_Moment = Annotated[str, Field(json_schema_extra={"format": "date-time"})]


class EveryBody(TypedDict):
    event: Annotated[str, Field(description="The name of the event.")]
    occurredAt: _Moment
    correlationId: Annotated[str, Field(description="The workflow of the event, as in the audit.")]
    sequence: Annotated[int, Field(description="The position among the events of the same subject.")]


class SenderVerdicts(TypedDict):
    """The results of the sender checks. Without them, do not trust `fromAddress`."""

    spf: str | None
    dkim: str | None
    dmarc: str | None


class MailFacts(TypedDict):
    messageId: str
    agentId: str | None
    channel: Literal["EMAIL"]
    direction: str
    fromAddress: str
    toAddress: str | None
    recipients: Annotated[list[str], Field(description="The recipients that the event is about.")]
    threadId: str
    subject: str
    spam: bool
    verdicts: NotRequired[SenderVerdicts]


CallFacts = TypedDict(
    "CallFacts",
    {
        "callId": str,
        "agentId": str | None,
        "direction": str,
        "state": Literal["ENDED"],
        "from": str,
        "to": str,
        "tier": str,
        "endReason": str | None,
        "error": str | None,
        "durationSeconds": int | None,
        "startedAt": str | None,
        "answeredAt": str | None,
        "endedAt": str | None,
    },
)


class MailEventBody(EveryBody, MailFacts):
    """The body of a mail's webhook. `verdicts` are those of a mail that came in."""


class CallEventBody(EveryBody, CallFacts):
    """The body of the webhook of a call's end."""
