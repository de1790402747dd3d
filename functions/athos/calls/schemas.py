"""Query window and response models of Athos' scored calls (docs/contracts/athos.md#calls)."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, WithJsonSchema

from switchboard.edge.schema import View
from switchboard.errors import Invalid
from switchboard.kit import clock
from switchboard.roleplay.judges.models import CriterionResult, PracticeSpeaker, PracticeTurn
from switchboard.roleplay.models import RoleplayCall, Score, ScoredCall, ScoredCallFilter

#: The contract's names of the speakers (docs/contracts/athos.md#calls).
_ROLES: dict[PracticeSpeaker, Literal["assistant", "user"]] = {
    PracticeSpeaker.PERSONA: "assistant",
    PracticeSpeaker.REP: "user",
}


TimestampView = Annotated[str, WithJsonSchema({"type": "string", "format": "date-time"})]
#: Enumerations with one value. More values may be added.
Source = Annotated[Literal["roleplay"], WithJsonSchema({"type": "string", "enum": ["roleplay"]})]
Status = Annotated[Literal["scored"], WithJsonSchema({"type": "string", "enum": ["scored"]})]
_SLIM: dict[str, Any] = {
    "id": "athos_call_GZ1DjOkZv_VEPoE-CJ8mp",
    "source": "roleplay",
    "externalUserId": "rep_8842",
    "externalAgencyId": None,
    "drillKey": "ma-full-sale",
    "startedAt": "2026-06-05T18:01:00.000Z",
    "endedAt": "2026-06-05T18:13:20.000Z",
    "durationSec": 740,
    "scoredAt": "2026-06-05T18:13:31.000Z",
}


def call_filter(start: str, end: str | None, user: str | None, agency: str | None) -> ScoredCallFilter:
    """Returns the domain's filter of calls. Raises Invalid if the window ends before it starts.

    Calls end at whole milliseconds, so the start is rounded up and the end is rounded down.
    """
    first, last = clock.parse(start), end and clock.parse(end)
    if last and first > last:
        raise Invalid("The window ends before it starts. Send a later `to`.", fields={"to": "is before from"})
    begin, end = clock.format_iso(_rounded_up(first)), clock.format_iso(last) if last else None
    if end and end < begin:
        raise Invalid(
            "The window contains no whole millisecond. Send a later `to`.",
            fields={"to": "is less than a millisecond after from"},
        )
    return ScoredCallFilter(
        start=begin,
        end=end,
        external_user_id=user,
        external_agency_id=agency,
    )


def _rounded_up(moment: datetime) -> datetime:
    if not moment.microsecond % 1_000:
        return moment
    try:
        return moment + timedelta(milliseconds=1)
    except OverflowError:
        # This is in the last millisecond of the year 9999. No call ends later.
        return moment


class SlimCall(View):
    """A scored call without transcript and score."""

    model_config = ConfigDict(json_schema_extra={"examples": [_SLIM]})

    id: str = Field(description="The call's public id.")
    source: Source
    external_user_id: str | None
    external_agency_id: str | None
    drill_key: str | None
    started_at: TimestampView | None
    ended_at: TimestampView | None
    duration_sec: int = Field(ge=0)
    scored_at: TimestampView | None

    @classmethod
    def of(cls, call: RoleplayCall) -> SlimCall:
        """Returns the row of a call."""
        return cls.model_validate(_fields(call))


def _fields(call: RoleplayCall) -> dict[str, Any]:
    return call.model_dump(mode="json") | {"duration_sec": call.duration_seconds}


class ListCallsResponse(View):
    """A page of scored calls, newest first."""

    data: list[SlimCall]
    next_cursor: str | None = Field(description="The `cursor` of the next page. It is null on the last page.")

    @classmethod
    def of(cls, calls: list[RoleplayCall], cursor: str | None) -> ListCallsResponse:
        """Returns a page of calls."""
        return cls(data=[SlimCall.of(call) for call in calls], next_cursor=cursor)


class TranscriptTurn(View):
    """A turn of the conversation. Times are in seconds from the start of the call."""

    model_config = ConfigDict(extra="allow")

    turn: int = Field(description="The number of the turn. Evidence refers to it.")
    role: Literal["assistant", "user"] = Field(description="`assistant` is the persona, `user` the rep.")
    content: str
    start_time: float
    end_time: float

    @classmethod
    def of(cls, turn: PracticeTurn) -> TranscriptTurn:
        """Returns the view of a turn."""
        return cls(
            turn=turn.number,
            role=_ROLES[turn.speaker],
            content=turn.text,
            start_time=turn.start_ms / 1_000,
            end_time=turn.end_ms / 1_000,
        )


class EvidenceView(View):
    """The evidence in a turn's content: the characters from `start` (included) to `end` (excluded)."""

    turn: int
    start: int
    end: int


class CriterionScore(View):
    """The score of one criterion of the drill's rubric."""

    key: str
    title: str
    points: int = Field(ge=0)
    weight: int = Field(ge=1, description="The largest possible points.")
    evidence: list[EvidenceView]

    @classmethod
    def of(cls, mark: CriterionResult) -> CriterionScore:
        """Returns the view of a mark."""
        return cls.model_validate(mark.model_dump())


class ScoreView(View):
    """The rep's score. More fields may be added."""

    model_config = ConfigDict(extra="allow")

    overall_score: Annotated[int, WithJsonSchema({"type": "number", "minimum": 0, "maximum": 100})] = Field(
        description="From 0 to 100. Higher is better."
    )
    summary: str = Field(description="A short summary of the call.")
    feedback: str = Field(description="Advice for the rep.")
    criteria: list[CriterionScore] = Field(description="The scores of the criteria of the drill's rubric.")
    rubric_version: str = Field(description="The version of the rubric, `<drill>@<version>`.")

    @classmethod
    def of(cls, score: Score) -> ScoreView:
        """Returns the view of a score."""
        return cls(
            overall_score=score.overall,
            summary=score.summary,
            feedback=score.feedback,
            criteria=[CriterionScore.of(mark) for mark in score.marks],
            rubric_version=score.rubric,
        )


class CallDetail(SlimCall):
    """A scored call with transcript and score."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                _SLIM
                | {
                    "status": "scored",
                    "transcript": [
                        {"turn": 0, "role": "assistant", "content": "Hello?", "startTime": 0.0, "endTime": 0.4}
                    ],
                    "score": {
                        "overallScore": 82,
                        "summary": "The rep met 12 of 16 criteria in full.",
                        "feedback": "Ask for the decision in clear words.",
                        "criteria": [],
                        "rubricVersion": "ma-full-sale@1",
                    },
                    "audioUrl": None,
                    "audioUrlExpiresAt": None,
                    "waveform": None,
                    "createdAt": "2026-06-05T18:00:52.000Z",
                    "updatedAt": "2026-06-05T18:13:31.000Z",
                }
            ]
        }
    )

    status: Status
    transcript: list[TranscriptTurn]
    score: ScoreView
    audio_url: str | None = Field(default=None, description="Always null: roleplays are not recorded yet.")
    audio_url_expires_at: str | None = Field(default=None, description="Always null.")
    waveform: dict[str, Any] | None = Field(default=None, description="Always null.")
    created_at: TimestampView
    updated_at: TimestampView

    @classmethod
    def of(cls, detail: ScoredCall) -> CallDetail:  # type: ignore[override]
        """Returns the view of a call with its transcript and score."""
        return cls.model_validate(
            _fields(detail.call)
            | {
                "status": detail.call.state.value,
                "transcript": [TranscriptTurn.of(turn) for turn in detail.turns],
                "score": ScoreView.of(detail.score),
            }
        )
