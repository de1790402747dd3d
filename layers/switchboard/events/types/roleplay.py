"""Roleplay: sessions, practice calls and their scores."""

from __future__ import annotations

from typing import Annotated

from typing_extensions import TypedDict

from switchboard.events.types.base import Code, Count, Digest, EventType, Id

_SESSION, _CALL = "roleplay_session", "roleplay_call"


class DrillSwitched(TypedDict):
    drill: Annotated[Code, "The key of the drill."]
    on: Annotated[bool, "Whether the organization now has the drill."]


class SessionMinted(TypedDict):
    user: Annotated[Digest, "The digest of the reseller's id of the rep."]


class SessionEndedEarly(TypedDict):
    reason: Annotated[Code, "The reason why the session has no call."]


class RoleplayCreated(TypedDict):
    user: Annotated[Digest, "The digest of the reseller's id of the rep."]
    drill: Annotated[Code, "The key of the drill."]
    difficulty: Annotated[Code, "The difficulty of the persona."]
    session: Annotated[Id, "The session of the call."]


class RoleplayTurn(TypedDict):
    number: Annotated[int, "The turn's number in the call."]
    speaker: Annotated[Code, "The side that spoke."]
    characters: Annotated[Count, "The length of the turn, in characters."]


class RoleplayEnded(TypedDict):
    end_reason: Annotated[Code, "The reason why the call ended."]
    duration_seconds: Annotated[int | None, "The time that the call was live, in seconds."]
    turns: Annotated[Count, "The number of turns."]


class Scored(TypedDict):
    score: Annotated[Count, "The score, 0 to 100."]
    rubric: Annotated[str, "The edition of the rubric."]
    model: Annotated[str, "The language model that scored the call."]


class ScoringFailed(TypedDict):
    reason: Annotated[Code, "The contract's code for the reason."]


TYPES = (
    EventType("roleplay.drill_switched", "A drill was switched on or off.", "organization", DrillSwitched),
    EventType("roleplay.session.minted", "A session was minted.", _SESSION, SessionMinted),
    EventType("roleplay.session.failed", "A session ended without a call.", _SESSION, SessionEndedEarly),
    EventType("roleplay.session.expired", "A session was not redeemed in time.", _SESSION, SessionEndedEarly),
    EventType("roleplay.call.created", "A practice call was created.", _CALL, RoleplayCreated, starts=("roleplay",)),
    EventType("roleplay.call.live", "The rep and the persona are connected.", _CALL),
    EventType("roleplay.call.turn", "One side spoke.", _CALL, RoleplayTurn),
    EventType("roleplay.call.ended", "A practice call ended.", _CALL, RoleplayEnded, starts=("scoring",)),
    EventType("roleplay.call.scoring", "A practice call is being scored.", _CALL),
    EventType("roleplay.call.scored", "A practice call was scored.", _CALL, Scored, webhooks={"athos": "call.scored"}),
    EventType(
        "roleplay.call.scoring_failed",
        "A practice call could not be scored.",
        _CALL,
        ScoringFailed,
        webhooks={"athos": "call.scored"},
    ),
)
