"""Phone calls."""

from __future__ import annotations

from typing import Annotated, NotRequired

from typing_extensions import TypedDict

from switchboard.events.types.base import Code, Contract, Count, Digest, EventType, Id, VerdictInBrief

#: The projection that reads the call's summary.
_WORDS = ("call_words",)
_TALLIES = ("call_tallies",)


class Called(TypedDict):
    to: Annotated[Digest, "The digest of the other party's number: of the called number, or of the caller's."]


class _Judged(Called):
    verdict: Annotated[VerdictInBrief, "The verdict of the compliance gate."]
    flow: NotRequired[Annotated[Id, "The flow of the call."]]
    simulated: NotRequired[Annotated[bool, "Whether the call is simulated and reaches nobody. Only with a flow."]]
    test: NotRequired[Annotated[bool, "Present if a member tries out a flow with the call."]]
    forced: NotRequired[Annotated[bool, "Present if an admin skipped the organization's own calling hours."]]


class CallCreated(_Judged):
    tier: Annotated[Code, "The tier, which sets the price."]


class CallBlocked(_Judged):
    code: Annotated[Code, "The code of the rule that refused."]


class CallReceived(Called):
    number_id: NotRequired[Annotated[Id, "Our number that was called."]]
    widget_session: NotRequired[Annotated[Id, "The session of a visitor who talks on a page, without a number."]]
    tier: Annotated[Code, "The tier, which sets the price."]
    flow: NotRequired[Annotated[Id, "The flow that answers."]]
    flow_version: NotRequired[Annotated[int, "The version of the flow."]]
    declined: NotRequired[Annotated[Code, "Why the caller got a polite message and nothing else."]]
    after_hours: NotRequired[Annotated[bool, "Whether the call came outside of the business hours."]]
    simulated: NotRequired[Annotated[bool, "Whether the call is simulated and nobody called."]]


class CallRejected(Called):
    number_id: Annotated[Id, "Our number that was called."]
    code: Annotated[Code, "The reason."]


class CallSwitched(Called):
    flow: Annotated[Id, "The flow that talks from here on."]
    flow_version: Annotated[int, "The version of the flow."]
    from_flow: Annotated[Id, "The flow that talked before."]


class CallTurn(Called):
    number: Annotated[int, "The turn's number in the call."]
    speaker: Annotated[str, "The side that spoke."]
    characters: Annotated[Count, "The length of the turn, in characters."]


class CallTool(Called):
    tool: Annotated[str, "The name of the tool."]
    status: Annotated[str, "The result of the tool."]
    duration_ms: Annotated[int | None, "The duration of the tool, in milliseconds."]


class CallOptedOut(Called):
    source: Annotated[Code, "The way in which the person opted out."]


class CallAnsweredBy(Called):
    answered_by: Annotated[Code, "A person or a machine, as the carrier detected it."]


class CallTransferred(Called):
    transferred_to: Annotated[Digest, "The digest of the number that the call was transferred to."]


class CallRecorded(Called):
    recording: Annotated[Id, "The id of the recording."]
    voicemail: Annotated[bool, "Whether the recording is a message of the caller."]
    duration_seconds: Annotated[int, "The length of the recording, in seconds."]


class CallVoicemailRecorded(CallRecorded):
    flow: NotRequired[Annotated[Id, "The flow of the call."]]


class CallMessageTranscribed(Called):
    recording: Annotated[Id, "The id of the recording."]
    characters: Annotated[int, "The number of characters in the text."]


class CallRecordingLost(Called):
    recording: Annotated[Id | None, "The id of the recording, if it was reported."]
    voicemail: Annotated[bool, "Whether the recording is a message of the caller."]


class CallRecordingRequested(Called):
    recording: Annotated[Id, "The id of the recording."]
    voicemail: Annotated[bool, "Whether the recording is a message of the caller."]


class CallAnalyzed(Called):
    outcome: Annotated[Code, "The outcome of the conversation."]


class CallSummarized(Called):
    sentiment: Annotated[Code, "The mood of the talk: positive, neutral, negative or mixed."]
    made_by: Annotated[Code, "The language model that summarized the talk, or rules."]
    turns: Annotated[Count, "The number of turns that the summary covers."]


class CallOutcomeCaptured(Called):
    valid: Annotated[bool, "Whether the outcome fits the flow's schema."]


class CallTagged(TypedDict):
    tag: Annotated[Digest, "The digest of the tag's name."]


class CallNoted(TypedDict):
    note_id: Annotated[Id, "The note."]
    characters: Annotated[Count, "The length of the note, in characters."]


class CallEnded(Called):
    end_reason: Annotated[Code, "Why the call ended."]
    duration_seconds: Annotated[int, "The time that the two sides were connected, in seconds."]
    tier: Annotated[Code, "The tier, which sets the price."]
    provisional: Annotated[bool, "Whether the carrier has not reported the end. A late report may correct it."]
    widget_session: NotRequired[Annotated[Id, "The session of a visitor who talked on a page."]]
    was_ending: NotRequired[Annotated[bool, "Present if only the analysis of the closed line was awaited."]]


def _call(name: str, about: str, data: type[Called] = Called, projections: tuple[str, ...] = ()) -> EventType:
    return EventType(name, about, "call", data, channel="voice", projections=projections)


def _ended(name: str, about: str, opticomm: str = "call.failed") -> EventType:
    # HUM reports an answered call when it is summarized (`dialects/hum/webhooks.py`).
    told: dict[Contract, str] = {"anima": "call.ended", "opticomm": opticomm, "hum": "call.completed"}
    # The dialer wakes calls that wait for the capacity that this call frees.
    return EventType(
        name,
        about,
        "call",
        CallEnded,
        channel="voice",
        starts=("dialer", "summaries"),
        webhooks=told,
        projections=_WORDS + _TALLIES,
    )


TYPES = (
    EventType(
        "voice.call.created",
        "A call was accepted for dialing.",
        "call",
        CallCreated,
        channel="voice",
        starts=("dialer",),
        projections=("number_history", "call_lists", *_TALLIES),
        webhooks={"opticomm": "call.initiated", "hum": "call.initiated"},
    ),
    EventType(
        "voice.call.received",
        "One of our numbers was called and the call was answered, or a visitor started a talk on a page.",
        "call",
        CallReceived,
        channel="voice",
        projections=("number_history", "call_lists", *_TALLIES),
    ),
    _call(
        "voice.call.rejected",
        "A blocked caller was rejected before anything was said.",
        CallRejected,
        projections=("call_lists", *_TALLIES),
    ),
    EventType(
        "voice.call.flow_switched",
        "Another flow took over the conversation.",
        "call",
        CallSwitched,
        channel="voice",
        webhooks={"hum": "call.flow_switched"},
        projections=_TALLIES,
    ),
    _call("voice.call.voicemail_offered", "The caller was asked to leave a message."),
    _call("voice.call.blocked", "The compliance gate refused a call.", CallBlocked),
    _call("voice.call.unconfirmed", "It is unknown whether the carrier accepted a call."),
    _call("voice.call.ringing", "The phone rings."),
    _call("voice.call.answered", "The call was answered.", projections=_TALLIES),
    _call("voice.call.hold", "The call was put on hold."),
    _call("voice.call.resumed", "The call was taken off hold."),
    _call("voice.call.turn", "One side spoke.", CallTurn),
    _call("voice.call.tool", "The agent called a tool.", CallTool),
    _call("voice.call.opted_out", "The person asked for no more calls.", CallOptedOut),
    _call(
        "voice.call.machine",
        "The carrier reported whether a person or a machine answered.",
        CallAnsweredBy,
        projections=_TALLIES,
    ),
    _call("voice.call.message_left", "The flow's message was left at the machine that answered."),
    _call(
        "voice.call.transferred",
        "The person was transferred to another number.",
        CallTransferred,
        projections=_TALLIES,
    ),
    EventType(
        "voice.call.recorded",
        "The carrier has a recording of the call.",
        "call",
        CallRecorded,
        channel="voice",
        starts=("recordings",),
    ),
    _call("voice.call.recording_stored", "The recording of a call was stored.", CallRecorded),
    EventType(
        "voice.call.voicemail_recorded",
        "The message of a caller was stored.",
        "call",
        CallVoicemailRecorded,
        channel="voice",
        starts=("voicemails",),
        projections=_TALLIES,
    ),
    EventType(
        "voice.call.message_transcribed",
        "The carrier has the text of a recording.",
        "call",
        CallMessageTranscribed,
        channel="voice",
        starts=("voicemails",),
    ),
    _call("voice.call.recording_lost", "A recording never came.", CallRecordingLost),
    EventType(
        "voice.call.recording_requested",
        "An operator asked for a lost recording again.",
        "call",
        CallRecordingRequested,
        channel="voice",
        starts=("recordings",),
    ),
    EventType(
        "voice.call.ending",
        "The line was closed. The analysis of the conversation is still missing.",
        "call",
        CallEnded,
        channel="voice",
        starts=("dialer",),
        projections=_TALLIES,
    ),
    EventType(
        "voice.call.analyzed",
        "The analysis of the conversation arrived before the end, or late.",
        "call",
        CallAnalyzed,
        channel="voice",
        projections=_WORDS + _TALLIES,
    ),
    _ended("voice.call.completed", "The call ended after an answer.", "call.completed"),
    _ended("voice.call.busy", "The line was busy."),
    _ended("voice.call.no_answer", "Nobody answered."),
    _ended("voice.call.failed", "The call could not be connected."),
    _ended("voice.call.canceled", "The call was canceled."),
    EventType(
        "voice.call.corrected",
        "A late report corrected how the call ended.",
        "call",
        CallEnded,
        channel="voice",
        starts=("summaries",),
        projections=_TALLIES,
    ),
    EventType(
        "voice.call.summarized",
        "The talk of the call was summarized.",
        "call",
        CallSummarized,
        channel="voice",
        webhooks={"hum": "call.completed"},
        projections=_WORDS + _TALLIES,
    ),
    EventType(
        "voice.call.outcome_captured",
        "The outcome that the flow asks for was found in the talk.",
        "call",
        CallOutcomeCaptured,
        channel="voice",
        webhooks={"hum": "call.outcome"},
    ),
    EventType("call.tag_added", "A person put a tag on a call.", "call", CallTagged),
    EventType("call.tag_changed", "A person changed the color of a call's tag.", "call", CallTagged),
    EventType("call.tag_removed", "A person removed a tag from a call.", "call", CallTagged),
    EventType("call.note_created", "A person added a note to a call.", "call", CallNoted),
    EventType("call.note_deleted", "A person deleted a note of a call.", "call", CallNoted),
)
