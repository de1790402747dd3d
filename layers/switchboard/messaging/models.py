"""The models of text messages: conversations, messages, scheduled texts, and the activity of a conversation."""

from __future__ import annotations

from enum import StrEnum
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from switchboard.carriers.messages.segments import Encoding
from switchboard.compliance.models import PassedOptOut, StandingConsent
from switchboard.messaging.keywords import KeywordKind
from switchboard.usage.models import SpendingReceipt

#: The longest body, in characters, and the most files of one text (docs/contracts/hum.md#messages).
MAX_BODY_CHARACTERS, MAX_MEDIA = 1_600, 10

Direction = Literal["inbound", "outbound"]


class ConversationStatus(StrEnum):
    """The status of a conversation. A text that comes in opens a closed or snoozed one."""

    OPEN = "open"
    SNOOZED = "snoozed"
    CLOSED = "closed"


class TextConversation(BaseModel):
    """The texts between one of our numbers and one contact. It lives forever, and `version` counts its changes.

    Its id derives from the organization, the number and the contact, so there is one conversation for each pair, and a
    text can name it before it exists. A text of a campaign does not create it: the contact's first answer does, or a
    member.
    """

    id: str
    org_id: str
    version: int = 1
    number_id: str
    number_e164: str
    contact_e164: str
    #: The flow that answers, instead of the number's own `sms_flow_id`.
    flow_id: str | None = None
    status: ConversationStatus = ConversationStatus.OPEN
    snoozed_until: str | None = None
    #: The timer that wakes a snoozed conversation. Null within the last minutes.
    snooze_timer: str | None = None
    assigned_user_id: str | None = None
    ai_paused: bool = False
    #: The time of our latest answer to each keyword: `stop`, `start` and `help`.
    keyword_answers: dict[str, str] = Field(default_factory=dict)
    #: Whether a person should look at a request of the contact: one to stop that stands in a sentence, or one to start
    #: again that did not end the opt-out. Also for a wrong number, and for a dislike of a text.
    needs_attention: bool = False
    unread_count: int = 0
    message_count: int = 0
    last_message_at: str | None = None
    last_message_body: str | None = None
    last_message_direction: Direction | None = None
    #: The time of the contact's latest request to stop, in a text to this number.
    last_stop_at: str | None = None
    #: The time of the opt-out whose confirmation is our latest text: a YES is the answer to it.
    confirmed_opt_out: str | None = None
    #: The time of the contact's latest text.
    last_inbound_at: str | None = None
    #: The caller's own data, as JSON. The AI keeps `previous_response_id`, `outcomes` and `escalation_reason` here.
    metadata: dict[str, Any] = Field(default_factory=dict)
    #: Whether the number's carrier is simulated: its texts reach nobody and cost nothing.
    simulated: bool = False
    created_at: str
    updated_at: str

    @property
    def active_at(self) -> str:
        """The time by which lists are sorted: of the last text, or of the creation."""
        return self.last_message_at or self.created_at


class MessageStatus(StrEnum):
    """The status of a text, in the words of Twilio and three of our own (`messaging.moves`).

    `queued` waits for our worker, `sending` is claimed by a worker, `unconfirmed` has an unknown outcome.
    """

    QUEUED = "queued"
    SENDING = "sending"
    UNCONFIRMED = "unconfirmed"
    ACCEPTED = "accepted"
    SENT = "sent"
    DELIVERED = "delivered"
    UNDELIVERED = "undelivered"
    FAILED = "failed"
    CANCELED = "canceled"
    READ = "read"
    RECEIVED = "received"


class Author(StrEnum):
    """The author of a text. `system` is the platform itself, which answers keywords."""

    AI = "ai"
    USER = "user"
    CONTACT = "contact"
    SYSTEM = "system"


class TextMedia(BaseModel):
    """A file of a text: the customer's public `url`, or `key` in our bucket `text-media` for one that came in.

    `carrier_url` is the carrier's own address of a file that is not stored yet. It needs the carrier's credentials, so
    nobody sees it. `error` says why the file could not be stored.
    """

    model_config = ConfigDict(frozen=True)

    url: str | None = None
    carrier_url: str | None = None
    key: str | None = None
    content_type: str | None = None
    size_bytes: int | None = None
    error: str | None = None


class TextMessage(BaseModel):
    """One text, in or out, of any API. `version` counts its changes: each write requires the version that it read."""

    id: str
    org_id: str
    version: int = 1
    conversation_id: str
    number_id: str
    number_e164: str
    contact_e164: str
    direction: Direction
    body: str
    media: list[TextMedia] = Field(default_factory=list)
    status: MessageStatus
    author: Author
    author_user_id: str | None = None
    purpose: str | None = None
    encoding: Encoding | None = None
    segments: int = 1
    provider_sid: str | None = None
    error_code: str | None = None
    error_message: str | None = None
    #: Whether our own verdict about the end may still be corrected by a report of the carrier.
    provisional: bool = False
    #: The claim of the worker that hands the text to the carrier: the version in which it was claimed.
    claim: int | None = None
    #: The attempts that the carrier throttled.
    throttled: int = 0
    #: Whether quiet hours apply to it, also when it is sent later than planned.
    honors_quiet_hours: bool = False
    #: The flow whose hours apply with quiet hours.
    flow_id: str | None = None
    #: The consent for a text that the AI sends on its own.
    basis: StandingConsent | None = None
    #: The time to which quiet hours put it off after it was queued.
    put_off_until: str | None = None
    #: The contact's own opt-out that an answer to a keyword passes.
    passes_opt_out: PassedOptOut | None = None
    #: The time by which an answer to a keyword goes out. Later it fails.
    answer_by: str | None = None
    #: The last text of the AI before a person takes over: it goes out though the AI is paused.
    passes_pause: bool = False
    #: The request of a text that came in. The platform answers it, and the AI does not see it.
    keyword: KeywordKind | None = None
    simulated: bool = False
    receipt: SpendingReceipt | None = None
    #: The campaign and the place of the recipient in it, and the scheduled text that it was.
    campaign_id: str | None = None
    recipient: int | None = None
    scheduled_id: str | None = None
    #: The workflow of its events. Each text has its own.
    correlation_id: str
    created_at: str
    updated_at: str
    sent_at: str | None = None
    delivered_at: str | None = None


class ScheduleReason(StrEnum):
    """Why a text is sent later."""

    MANUAL = "manual"
    AI_FOLLOW_UP = "ai_follow_up"
    QUIET_HOURS = "quiet_hours"


class ScheduledStatus(StrEnum):
    """The status of a scheduled text. Only a pending one can change."""

    PENDING = "pending"
    SENT = "sent"
    FAILED = "failed"
    # The contract has this spelling.
    CANCELED = "cancelled"


class ScheduledText(BaseModel):
    """A text that is sent later, at most 90 days after it was asked for. `version` counts its changes.

    At its time it becomes a TextMessage in one commit, so a canceled one is never sent, and a sent one is not canceled.
    """

    id: str
    org_id: str
    version: int = 1
    conversation_id: str
    number_id: str
    number_e164: str
    contact_e164: str
    body: str
    media: list[TextMedia] = Field(default_factory=list)
    purpose: str | None = None
    author: Author
    author_user_id: str | None = None
    honors_quiet_hours: bool
    flow_id: str | None = None
    basis: StandingConsent | None = None
    #: The last text of the AI before a person takes over: it goes out though the AI is paused.
    passes_pause: bool = False
    reason: ScheduleReason
    status: ScheduledStatus = ScheduledStatus.PENDING
    send_at: str
    #: The timer. Null within the last 15 minutes.
    timer: str | None = None
    #: The message that it became, and why it was not sent.
    message_id: str | None = None
    error: str | None = None
    simulated: bool = False
    correlation_id: str
    created_at: str
    updated_at: str


ActivityEntryKind = Literal[
    "assigned",
    "status",
    "ai_paused",
    "flow",
    "opted_out",
    "opted_in",
    "opt_out_kept",
    "escalated",
    "tool_used",
    "tool_approval_requested",
    "tool_approved",
    "tool_denied",
    "tool_approval_expired",
]


class ActivityEntry(BaseModel):
    """An entry of a conversation's activity: who changed its assignee, status or pause, from what to what."""

    id: str
    kind: ActivityEntryKind
    #: The id of a member, or the part of the platform that acted. A member has a name too, as it was then.
    actor: str
    actor_name: str | None = None
    at: str
    before: str | None = None
    after: str | None = None
    note: str | None = None
