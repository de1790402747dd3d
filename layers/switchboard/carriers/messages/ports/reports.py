"""The reports of carriers about texts, as they wait in a queue until a worker applies them.

Reports may come twice, late and in any order.
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

#: The statuses that carriers report, in the words of Twilio.
ReportedStatus = Literal[
    "accepted", "queued", "sending", "sent", "delivered", "undelivered", "failed", "canceled", "read"
]


class _Report(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class IncomingMedia(_Report):
    """A file of a text that came in. The carrier's address needs the carrier's credentials."""

    url: str
    content_type: str = ""


class IncomingText(_Report):
    """A text that somebody sent to one of our numbers.

    `received_at` is the time of its first callback. `opt_out_type` is the carrier's own reading of a keyword: STOP,
    START or HELP. The carrier has already answered such a text.
    """

    org_id: str
    number_id: str
    provider_sid: str
    from_number: str
    to_number: str
    body: str = ""
    media: list[IncomingMedia] = Field(default_factory=list)
    segments: int = 1
    opt_out_type: str | None = None
    #: Whether a simulated person sent it.
    simulated: bool = False
    received_at: str


class TextReport(_Report):
    """The status of one of our texts. The ids are those of our message."""

    org_id: str
    conversation_id: str
    message_id: str
    provider_sid: str
    status: ReportedStatus
    error_code: int | None = None
    reported_at: str
