"""A voicemail, the digest of its transcript, and the activity of the team on it."""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

from pydantic import BaseModel, Field

from switchboard.voicemails.digesters.models import DigestTexts

#: The longest transcript that is kept.
MAX_TRANSCRIPT_CHARACTERS = 10_000
#: The shortest transcript that can be summarized (docs/contracts/hum.md#voicemails).
MIN_TRANSCRIPT_CHARACTERS = 20
#: The viewers that a voicemail shows, the latest ones.
MAX_VIEWERS = 10

TranscriptSource = Literal["provider", "speech"]
TranscriptState = Literal["pending", "done", "failed", "none"]


class ActionKind(StrEnum):
    """The kind of an action that a member took on a voicemail."""

    RETURNED_CALL = "returned_call"
    SENT_SMS = "sent_sms"
    CREATED_TASK = "created_task"
    ESCALATED = "escalated"
    RESOLVED = "resolved"
    MARKED_SPAM = "marked_spam"
    BLOCKED_CALLER = "blocked_caller"


class ActivityKind(StrEnum):
    """The kind of an entry of a voicemail's timeline."""

    VIEW = "view"
    PLAY = "play"
    HEARD = "heard"
    UNHEARD = "unheard"
    ACTION = "action"


class VoicemailDigest(DigestTexts):
    """The digest of a transcript by a language model (docs/contracts/hum.md#voicemails).

    After a failed attempt `generated_at` is `None`, and `error` says what failed. `attempt_count` is the number of all
    attempts.
    """

    tldr: str = ""
    model: str | None = None
    prompt_version: int | None = None
    generated_at: str | None = None
    error: str | None = None
    attempt_count: int = 0


class VoicemailViewer(BaseModel):
    """A member who opened a voicemail, with the name and the time of the latest view."""

    user_id: str
    name: str
    viewed_at: str


class VoicemailActivity(BaseModel):
    """An entry of a voicemail's timeline. `actor_name` is the member's name at that time.

    Only an action has an `action`, and it may have a `note`.
    """

    id: str
    kind: ActivityKind
    actor_id: str
    actor_name: str
    at: str
    action: ActionKind | None = None
    note: str | None = None


class Voicemail(BaseModel):
    """A message that a caller left. `version` counts its changes: each write requires the version that it read.

    Heard is a state of the organization. Whether a member has read a voicemail is in the inbox.
    """

    id: str
    org_id: str
    version: int = 1
    call_id: str
    #: The recording among those of the call.
    recording_id: str
    #: The number that was called, and the flow that took the message.
    number_id: str | None = None
    flow_id: str | None = None
    #: The caller's number, or a word such as `anonymous`.
    from_e164: str
    duration_seconds: int
    #: The place of the audio in the bucket `recordings`.
    audio_key: str
    media_type: str
    #: Whether a member tried out a flow with the call, and whether the call reached nobody and cost nothing.
    is_test: bool = False
    simulated: bool = False
    #: Whether the simulator had the call. Its text costs nothing, so no service is paid for another one.
    provider_transcribes: bool = False
    is_heard: bool = False
    transcript: str | None = None
    transcript_source: TranscriptSource | None = None
    #: `none`: nothing was said.
    transcript_state: TranscriptState = "pending"
    transcript_error: str | None = None
    ai_summary: VoicemailDigest | None = None
    #: When a member last asked for a new digest, and the number of attempts until then.
    summary_requested_at: str | None = None
    summary_requested_after: int = 0
    #: The latest viewers, the newest first, each once.
    viewers: list[VoicemailViewer] = Field(default_factory=list)
    #: The latest action.
    last_action: VoicemailActivity | None = None
    #: The agent and the workflow of the call. Later events of the voicemail belong to the same workflow.
    agent_id: str | None = None
    correlation_id: str
    created_at: str
    updated_at: str
