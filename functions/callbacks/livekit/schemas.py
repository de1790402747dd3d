"""Reports of a room that the persona's agent posts: final turns, and the end of the room."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from switchboard.carriers.rooms import livekit_reports as room_reports
from switchboard.carriers.voice.ports.reports import EndReason, Report, Turn
from switchboard.kit import clock
from switchboard.roleplay.judges.models import PracticeSpeaker, PracticeTurn
from switchboard.roleplay.models import RoleplayEndReason
from switchboard.roleplay.transports import livekit_reports

#: No hour of talk has more, and a queue's message can hold it.
_MAX_TEXT_CHARACTERS, _MAX_TURNS, _MAX_MS = 16_000, 10_000, 2 * 3_600_000
#: Most reports in one request.
_MAX_REPORTS = 100

#: The reasons of a roleplay's end in the words of calls.
_END_REASONS = {
    RoleplayEndReason.COMPLETED: EndReason.COMPLETED,
    RoleplayEndReason.REP_HANGUP: EndReason.CALLER_HANGUP,
    RoleplayEndReason.PERSONA_HANGUP: EndReason.AGENT_HANGUP,
}

_Offset = Annotated[int, Field(ge=0, le=_MAX_MS)]


class _Reported(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel)


class SaidTurn(_Reported):
    """A final turn. Turns are numbered from 0 without gaps."""

    event: Literal["turn"]
    number: int = Field(ge=0, lt=_MAX_TURNS)
    speaker: PracticeSpeaker
    text: str = Field(max_length=_MAX_TEXT_CHARACTERS)
    start_ms: _Offset
    end_ms: _Offset

    def to_report(self) -> dict[str, Any]:
        turn = PracticeTurn(
            number=self.number, speaker=self.speaker, text=self.text, start_ms=self.start_ms, end_ms=self.end_ms
        )
        return {"kind": "turn", "turn": turn.model_dump(mode="json")}

    def to_call_report(self, place: dict[str, str]) -> Report:
        """Returns the report about a call: the persona is the agent, and the rep is the caller."""
        turn = Turn(
            number=self.number,
            speaker="agent" if self.speaker is PracticeSpeaker.PERSONA else "caller",
            text=self.text,
            start_ms=self.start_ms,
            end_ms=self.end_ms,
        )
        return Report(kind="turn", turn=turn, **place)


class RoomEnded(_Reported):
    """The end of a room: reason, time and number of turns. The number includes turns that are not posted yet."""

    event: Literal["ended"]
    reason: Literal[RoleplayEndReason.COMPLETED, RoleplayEndReason.REP_HANGUP, RoleplayEndReason.PERSONA_HANGUP]
    turns: int = Field(ge=0, le=_MAX_TURNS)
    at: AwareDatetime

    def to_report(self) -> dict[str, Any]:
        return {"kind": "ended", "end_reason": self.reason.value, "turns": self.turns, "at": clock.format_iso(self.at)}

    def to_call_report(self, place: dict[str, str]) -> Report:
        """Returns the report about a call."""
        return Report(kind="ended", end_reason=_END_REASONS[self.reason], at=clock.format_iso(self.at), **place)


class RoomReports(_Reported):
    """Reports of one room. `room` is LiveKit's name of it."""

    room: str = Field(max_length=200)
    reports: list[Annotated[SaidTurn | RoomEnded, Field(discriminator="event")]] = Field(
        min_length=1, max_length=_MAX_REPORTS
    )

    def to_messages(self) -> list[dict[str, Any]] | None:
        """Returns the reports as messages for the worker, or `None` if the room does not belong to this platform."""
        place = livekit_reports.place_of(self.room)
        return None if place is None else [place | one.to_report() for one in self.reports]

    def to_call_reports(self) -> list[Report] | None:
        """Returns the reports about a call, or `None` if the room is not the room of a call."""
        place = room_reports.place_of(self.room)
        return None if place is None else [one.to_call_report(place) for one in self.reports]
