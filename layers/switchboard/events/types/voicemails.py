"""Voicemails: messages of callers."""

from __future__ import annotations

from typing import Annotated, NotRequired

from typing_extensions import TypedDict

from switchboard.events.types.base import Code, Count, Digest, EventType, Id, NoData


class VoicemailReceived(TypedDict):
    call: Annotated[Id, "The call in which the message was left."]
    caller: Annotated[Digest, "The digest of the caller's number."]
    duration_seconds: Annotated[Count, "The length of the message, in seconds."]
    called: NotRequired[Annotated[Id, "Our number that was called."]]
    flow: NotRequired[Annotated[Id, "The flow that took the message."]]


class VoicemailTranscribed(TypedDict):
    state: Annotated[Code, "Whether there is a transcript: `done`, `none` if nothing was said, or `failed`."]
    characters: Annotated[Count, "The length of the transcript, in characters."]
    source: NotRequired[Annotated[Code, "The origin of the text: `speech` recognition, or the `provider`."]]
    error: NotRequired[Annotated[Code, "Why there is no transcript."]]


class VoicemailDigested(TypedDict):
    made_by: Annotated[Code, "The language model, or `rules`."]
    attempts: Annotated[Count, "The number of all attempts."]
    urgency: NotRequired[Annotated[Code, "How urgent the message is."]]


class VoicemailActionLogged(TypedDict):
    action: Annotated[Code, "The kind of the action."]
    characters: Annotated[Count, "The length of the note, in characters. 0 without a note."]
    marked_heard: Annotated[bool, "Whether the action marked the voicemail as heard."]


class VoicemailDeleted(TypedDict):
    call: Annotated[Id, "The call in which the message was left."]
    caller: Annotated[Digest, "The digest of the caller's number."]
    content: Annotated[Digest, "The digest of the deleted voicemail: of its last version as JSON."]


def _voicemail(name: str, about: str, data: type = NoData) -> EventType:
    return EventType(name, about, "voicemail", data, channel="voice")


TYPES = (
    EventType(
        "voicemail.received",
        "A caller left a voicemail, and its audio is stored.",
        "voicemail",
        VoicemailReceived,
        channel="voice",
        webhooks={"hum": "voicemail.received"},
        projections=("voicemail_inbox",),
    ),
    _voicemail("voicemail.transcribed", "The transcription of a voicemail came to its end.", VoicemailTranscribed),
    EventType(
        "voicemail.summarized",
        "A digest of a voicemail was written.",
        "voicemail",
        VoicemailDigested,
        channel="voice",
        webhooks={"hum": "voicemail.summarized"},
    ),
    _voicemail("voicemail.summary_failed", "An attempt to write a digest failed.", VoicemailDigested),
    _voicemail("voicemail.heard", "A member marked a voicemail as heard, for the organization."),
    _voicemail("voicemail.unheard", "A member marked a voicemail as not heard."),
    _voicemail("voicemail.action_logged", "A member logged an action on a voicemail.", VoicemailActionLogged),
    _voicemail("voicemail.summary_requested", "A member asked for a new digest of a voicemail."),
    _voicemail("voicemail.deleted", "A member deleted a voicemail, with its audio.", VoicemailDeleted),
)
