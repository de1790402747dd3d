"""What the persona's agent posts of a room: what was said, and that it is over."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from switchboard.aws import clock
from switchboard.roleplay.judges.models import Speaker, Turn
from switchboard.roleplay.models import EndReason
from switchboard.roleplay.transports import livekit_reports

#: Nobody says so much in an hour, and a message of a queue holds as much.
_LONGEST_TEXT, _MOST_TURNS, _LONGEST_MS = 16_000, 10_000, 2 * 3_600_000
#: How many reports one post may hold.
_AT_ONCE = 100

_Place = Annotated[int, Field(ge=0, le=_LONGEST_MS)]


class _Reported(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel)


class SaidTurn(_Reported):
    """A turn, once it is final. Turns are numbered from 0 without gaps."""

    event: Literal["turn"]
    number: int = Field(ge=0, lt=_MOST_TURNS)
    speaker: Speaker
    text: str = Field(max_length=_LONGEST_TEXT)
    start_ms: _Place
    end_ms: _Place

    def report(self) -> dict[str, Any]:
        turn = Turn(
            number=self.number, speaker=self.speaker, text=self.text, start_ms=self.start_ms, end_ms=self.end_ms
        )
        return {"kind": "turn", "turn": turn.model_dump(mode="json")}


class RoomEnded(_Reported):
    """The end: why, when, and how many turns there were, those included that could not be posted yet."""

    event: Literal["ended"]
    reason: Literal[EndReason.COMPLETED, EndReason.REP_HANGUP, EndReason.PERSONA_HANGUP]
    turns: int = Field(ge=0, le=_MOST_TURNS)
    at: AwareDatetime

    def report(self) -> dict[str, Any]:
        return {"kind": "ended", "end_reason": self.reason.value, "turns": self.turns, "at": clock.iso(self.at)}


class RoomReports(_Reported):
    """Reports of one room, which is named as LiveKit names it to the agent."""

    room: str = Field(max_length=200)
    reports: list[Annotated[SaidTurn | RoomEnded, Field(discriminator="event")]] = Field(
        min_length=1, max_length=_AT_ONCE
    )

    def messages(self) -> list[dict[str, Any]] | None:
        """The reports as the worker takes them; `None` where the room is none of ours."""
        place = livekit_reports.place_of(self.room)
        return None if place is None else [place | one.report() for one in self.reports]
