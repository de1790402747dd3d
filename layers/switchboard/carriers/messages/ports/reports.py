"""The reports of carriers about texts, as they wait in a queue until a worker applies them.

Reports may come twice, late and in any order. The field `kind` of a message says which report it is.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from switchboard.kit.jobs import QueueMessage

#: The queue of the worker that applies reports.
TEXT_REPORTS_QUEUE = "text-reports"

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

    kind: Literal["incoming"] = "incoming"
    org_id: str
    number_id: str
    provider_sid: str
    from_number: str
    to_number: str
    body: str = ""
    media: list[IncomingMedia] = Field(default_factory=list)
    segments: int = 1
    opt_out_type: str | None = None
    #: Whether a simulated person sent it. Only a number of the simulator gets such texts.
    simulated: bool = False
    received_at: str


class TextReport(_Report):
    """The status of one of our texts. The ids are those of our message."""

    kind: Literal["status"] = "status"
    org_id: str
    conversation_id: str
    message_id: str
    provider_sid: str
    status: ReportedStatus
    error_code: int | None = None
    reported_at: str


#: A message of the queue.
MessengerReport = IncomingText | TextReport
_ADAPTER: TypeAdapter[MessengerReport] = TypeAdapter(Annotated[MessengerReport, Field(discriminator="kind")])


def text_report_messages(told: Iterable[MessengerReport]) -> list[QueueMessage]:
    """Returns the messages with reports for the worker that applies them."""
    return [
        QueueMessage(
            queue=TEXT_REPORTS_QUEUE, body=report.model_dump(mode="json", exclude_none=True), group=report.org_id
        )
        for report in told
    ]


def parse_text_report(body: dict[str, Any]) -> MessengerReport:
    """Returns the report in the body of a message. Raises pydantic's ValidationError for anything else."""
    return _ADAPTER.validate_python(body)
