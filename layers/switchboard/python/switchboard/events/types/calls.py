"""Phone calls."""

from __future__ import annotations

from typing import Annotated, NotRequired

from typing_extensions import TypedDict

from switchboard.events.types.base import Code, Contract, Count, Digest, EventType, Id, Moment


class VerdictInBrief(TypedDict):
    allowed: Annotated[bool, "Whether the call may go out."]
    code: Annotated[Code | None, "The rule's code for a refusal."]
    rules: Annotated[dict[str, str], "The result and the reason of every rule."]
    evaluated_at: Annotated[Moment, "When the gate decided."]


class Called(TypedDict):
    to: Annotated[Digest, "The digest of the called number."]


class _Judged(Called):
    verdict: Annotated[VerdictInBrief, "The verdict of the compliance gate."]
    flow: NotRequired[Annotated[Id, "The flow that leads the call."]]
    simulated: NotRequired[Annotated[bool, "Whether the call reaches nobody; only with a flow."]]


class CallCreated(_Judged):
    tier: Annotated[Code, "The tier, which sets the price."]


class CallBlocked(_Judged):
    code: Annotated[Code, "The code of the rule that refused."]


class CallTurn(Called):
    number: Annotated[int, "The turn's place in the call."]
    speaker: Annotated[str, "Which side spoke."]
    characters: Annotated[Count, "How long the turn is."]


class CallTool(Called):
    tool: Annotated[str, "Which tool the agent called."]
    status: Annotated[str, "How the tool ended."]
    duration_ms: Annotated[int | None, "How long the tool took."]


class CallOptedOut(Called):
    source: Annotated[Code, "How the person said it."]


class CallAnsweredBy(Called):
    answered_by: Annotated[Code, "What answered."]


class CallTransferred(Called):
    transferred_to: Annotated[Digest, "The digest of the number that it was passed on to."]


class CallRecorded(Called):
    duration_seconds: Annotated[int, "How long the recording runs."]


class CallAnalyzed(Called):
    outcome: Annotated[Code, "What came of the talk."]


class CallEnded(Called):
    end_reason: Annotated[Code, "Why the call ended."]
    duration_seconds: Annotated[int, "How long the two talked."]
    tier: Annotated[Code, "The tier, which sets the price."]
    provisional: Annotated[bool, "Whether no report told of the end, so that a late one may correct it."]


def _call(name: str, about: str, data: type[Called] = Called) -> EventType:
    return EventType(name, about, "call", data, channel="voice")


def _ended(name: str, about: str, opticomm: str = "call.failed") -> EventType:
    told: dict[Contract, str] = {"anima": "call.ended", "opticomm": opticomm}
    # The dialer wakes the calls that wait for what the call gives back.
    return EventType(name, about, "call", CallEnded, channel="voice", starts=("dialer",), webhooks=told)


TYPES = (
    EventType(
        "voice.call.created",
        "A call was accepted for dialing.",
        "call",
        CallCreated,
        channel="voice",
        starts=("dialer",),
        projections=("number_history",),
        webhooks={"opticomm": "call.initiated"},
    ),
    _call("voice.call.blocked", "The compliance gate refused a call.", CallBlocked),
    _call("voice.call.unconfirmed", "Whether the carrier took a call is unknown."),
    _call("voice.call.ringing", "The phone rings."),
    _call("voice.call.answered", "The call was answered."),
    _call("voice.call.hold", "The call was put on hold."),
    _call("voice.call.resumed", "The call was taken off hold."),
    _call("voice.call.turn", "One side said something.", CallTurn),
    _call("voice.call.tool", "The agent called a tool.", CallTool),
    _call("voice.call.opted_out", "The called person asked for no more calls.", CallOptedOut),
    _call("voice.call.machine", "What answered was found out after the answer.", CallAnsweredBy),
    _call("voice.call.transferred", "The called person was passed on to another number.", CallTransferred),
    _call("voice.call.recorded", "The carrier has a recording of the call.", CallRecorded),
    EventType(
        "voice.call.ending",
        "The line is over, and the analysis of the talk is still to come.",
        "call",
        CallEnded,
        channel="voice",
        starts=("dialer",),
    ),
    _call("voice.call.analyzed", "The analysis of the talk came before the end, or late.", CallAnalyzed),
    _ended("voice.call.completed", "The call ended after an answer.", "call.completed"),
    _ended("voice.call.busy", "The line was busy."),
    _ended("voice.call.no_answer", "Nobody answered."),
    _ended("voice.call.failed", "The call could not be put through."),
    _ended("voice.call.canceled", "The call was canceled."),
    _call("voice.call.corrected", "A late report corrected how the call ended.", CallEnded),
)
