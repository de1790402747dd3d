"""Roleplay: sessions, practice calls and their scores."""

from __future__ import annotations

from typing import Annotated

from typing_extensions import TypedDict

from switchboard.events.types.base import Code, Count, Digest, EventType, Id

_SESSION, _CALL = "roleplay_session", "roleplay_call"


class DrillSwitched(TypedDict):
    drill: Annotated[Code, "The key of the drill."]
    on: Annotated[bool, "Whether the organization has the drill from now on."]


class SessionMinted(TypedDict):
    user: Annotated[Digest, "The digest of the reseller's id of the rep."]


class SessionOver(TypedDict):
    reason: Annotated[Code, "Why no call came of the session."]


class RoleplayCreated(TypedDict):
    user: Annotated[Digest, "The digest of the reseller's id of the rep."]
    drill: Annotated[Code, "The key of the drill."]
    difficulty: Annotated[Code, "How hard the persona is."]
    session: Annotated[Id, "The session that the call came of."]


class RoleplayTurn(TypedDict):
    number: Annotated[int, "The turn's place in the call."]
    speaker: Annotated[Code, "Which side spoke."]
    characters: Annotated[Count, "How long the turn is."]


class RoleplayEnded(TypedDict):
    end_reason: Annotated[Code, "Why the call ended."]
    duration_seconds: Annotated[int | None, "How long the two talked."]
    turns: Annotated[Count, "How many turns the call has."]


class Scored(TypedDict):
    score: Annotated[Count, "The score, 0 to 100."]
    rubric: Annotated[str, "The edition of the rubric."]
    model: Annotated[str, "The language model that judged."]


class ScoringFailed(TypedDict):
    reason: Annotated[Code, "The reason that the contract has for it."]


TYPES = (
    EventType("roleplay.drill_switched", "A drill was switched on or off.", "organization", DrillSwitched),
    EventType("roleplay.session.minted", "A session was made.", _SESSION, SessionMinted),
    EventType("roleplay.session.failed", "No call came of a session.", _SESSION, SessionOver),
    EventType("roleplay.session.expired", "A session was not redeemed in time.", _SESSION, SessionOver),
    EventType("roleplay.call.created", "A practice call was made.", _CALL, RoleplayCreated, starts=("roleplay",)),
    EventType("roleplay.call.live", "The rep and the persona are connected.", _CALL),
    EventType("roleplay.call.turn", "One side said something.", _CALL, RoleplayTurn),
    EventType("roleplay.call.ended", "A practice call ended.", _CALL, RoleplayEnded, starts=("scoring",)),
    EventType("roleplay.call.scoring", "A practice call is being judged.", _CALL),
    EventType(
        "roleplay.call.scored", "A practice call has its score.", _CALL, Scored, webhooks={"athos": "call.scored"}
    ),
    EventType(
        "roleplay.call.scoring_failed",
        "A practice call gets no score.",
        _CALL,
        ScoringFailed,
        webhooks={"athos": "call.scored"},
    ),
)
