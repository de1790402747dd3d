"""A tenant of the roleplay API, and calls of its reps."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from switchboard.aws.writes import commit
from switchboard.kit import clock
from switchboard.persistence.collection import next_version
from switchboard.roleplay import lifecycle, sessions, store
from switchboard.roleplay.catalog.models import Difficulty
from switchboard.roleplay.judges.models import CriterionResult, Evidence, PracticeSpeaker, PracticeTurn
from switchboard.roleplay.models import DrillRequest, RoleplayCall, RoleplayState, Score, TransportReport
from switchboard.roleplay.transports import simulator
from tests.actors import Reseller, reseller

#: Enough turns for a score.
_TURNS = 8


@pytest.fixture(autouse=True)
def _first_persona(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the personas that fit, the first is chosen."""
    monkeypatch.setattr(sessions, "choose_persona_index", lambda _: 0)


@pytest.fixture
def acme(cloud: dict[str, str], frozen: clock.FrozenClock) -> Reseller:
    return reseller()


def session_request(**changes: Any) -> DrillRequest:
    return DrillRequest.model_validate({"drill_key": "ma-full-sale", "difficulty": Difficulty.BEGINNER} | changes)


def redeem_session(acme: Reseller, user: str = "rep_good", agency: str | None = None, **wish: Any) -> RoleplayCall:
    """A call that awaits its rep."""
    token = sessions.mint_session(acme.caller(), user, agency).token
    return sessions.redeem_session(sessions.admit_token(token), session_request(**wish)).call


def load_call(call: RoleplayCall) -> RoleplayCall:
    found = store.CALLS.get_object(call.org_id, call.id)
    assert found is not None
    return found


def list_reports(call: RoleplayCall) -> Iterator[TransportReport]:
    """The simulated transport's reports of a call, in order."""
    for _, report in simulator.course(lifecycle.room_of(call), step=1):
        yield TransportReport.model_validate({"org_id": call.org_id, "call_id": call.id, **report})


def make_score(overall: int = 82) -> Score:
    """A score of no particular call."""
    mark = CriterionResult(key="close", title="Close", weight=12, points=6, evidence=[Evidence(turn=1, start=0, end=2)])
    return Score(overall=overall, summary="s", feedback="f", marks=[mark], rubric="ma-full-sale@1", model="test")


@pytest.fixture
def store_scored_call(acme: Reseller, frozen: clock.FrozenClock) -> Callable[..., RoleplayCall]:
    """Creates a scored call as the scoring stores it, a second after the previous one, without a conversation."""

    def make(user: str = "rep_good", agency: str | None = None) -> RoleplayCall:
        frozen.advance(seconds=1)
        now, call = clock.now_iso(), redeem_session(acme, user, agency)
        ended = next_version(call, state=RoleplayState.SCORED, started_at=now, ended_at=now, scored_at=now, turns=1)
        turn = PracticeTurn(number=0, speaker=PracticeSpeaker.REP, text="Hello.", start_ms=0, end_ms=300)
        commit(store.CALLS.save_write(ended), store.score_write(ended, make_score()), store.turn_write(call, turn))
        return ended

    return make


def practise_call(acme: Reseller, user: str = "rep_excellent", agency: str | None = None) -> RoleplayCall:
    """A call that has ended and was not scored, after its first few turns. Each turn is a transaction."""
    call = redeem_session(acme, user, agency)
    live, *turns, ended = list_reports(call)
    for progress in (live, *turns[:_TURNS], ended.model_copy(update={"turns": _TURNS})):
        lifecycle.apply_report(progress)
    return load_call(call)
