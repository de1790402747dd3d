"""Scoring: the port of the language model judges an ended call by its drill's rubric.

A score depends on the turns, and not on the order in which a queue delivers them. So a call is scored when all turns
that its end reported are recorded. A call with missing turns is not scored, because the score could be wrong. If the
end reports no number of turns, the scoring waits some seconds for late turns.

The scoring needs no claim: a second run of the model only costs money, and the first score that is stored counts.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from switchboard import telemetry
from switchboard.aws import clock, table
from switchboard.kit.collection import moved
from switchboard.roleplay import judges, lifecycle, store
from switchboard.roleplay.catalog import drills
from switchboard.roleplay.jobs import ScoreRoleplay
from switchboard.roleplay.judges.models import Speaker, Turn
from switchboard.roleplay.lifecycle import Change
from switchboard.roleplay.models import Call, EndReason, Score, State
from switchboard.timers import service as timers
from switchboard.usage import service as usage
from switchboard.usage.models import Meter

#: The reason in webhooks (docs/contracts/athos.md#webhook). The message gives the details.
INCOMPLETE = "SCORING_INCOMPLETE"
#: The minimum numbers of turns and words of the rep. With less, a score says nothing about the rep.
FEWEST_TURNS, FEWEST_WORDS = 3, 25
#: The delay before the next attempt if the model is throttled.
_TRY_AGAIN = timedelta(seconds=20)
_NOBODY_CAME = "The rep did not join the call, so there is nothing to score."
_TOO_SHORT = "The rep said too little to be scored."
_NO_ANSWER = "The call could not be scored."
_TOO_LATE = "The call was not scored in time."


def score(org_id: str, call_id: str) -> None:
    """Score an ended call. Does nothing for calls in other states. If the model is throttled, tries again later."""
    call = store.CALLS.get(org_id, call_id)
    if call and call.state is State.ENDED:
        call = _begin(call)
    if call is None or call.state is not State.SCORING:
        return
    turns = [turn for turn in store.turns(org_id, call_id) if _counts(turn, call)]
    if _too_short(turns):
        _fail(call, _NOBODY_CAME if call.end_reason is EndReason.NEVER_LIVE and not turns else _TOO_SHORT)
        return
    rubric = drills.edition(call.drill_key, call.drill_version).rubric
    model = judges.configured_judge()
    try:
        judged = model.judge(rubric, turns)
    except judges.Refused as refusal:
        telemetry.metric("ScoringRefused")
        telemetry.logger().warning("scoring refused", extra={"call_id": call_id, "reason": str(refusal)})
        _fail(call, _NO_ANSWER)
        return
    except judges.Throttled:
        # Attempts continue until `give_up` ends the scoring.
        again = ScoreRoleplay(org_id=org_id, call_id=call_id)
        table.write(timers.later(again, clock.now() + _TRY_AGAIN).write)
        return
    overall = round(100 * sum(mark.points for mark in judged.marks) / rubric.weight)
    _finish(
        call,
        Score(
            overall=overall,
            summary=judged.summary,
            feedback=judged.feedback,
            marks=judged.marks,
            rubric=rubric.name,
            model=model.name,
            heard=[turn.number for turn in turns],
        ),
    )


def give_up(org_id: str, call_id: str) -> None:
    """End the scoring of a call that was not scored in time."""
    call = store.CALLS.get(org_id, call_id)
    if call and call.can_become(State.SCORING_FAILED):
        telemetry.metric("ScoringGivenUp")
        _fail(call, _TOO_LATE)


def _begin(call: Call) -> Call | None:
    """Move a call to SCORING. If missing turns may still arrive, schedules the next attempt instead."""
    heard = store.heard(call.org_id, call.id)
    if not lifecycle.is_whole(call, heard):
        if call.score_after and clock.stamp() < call.score_after:
            table.write(lifecycle.scoring_at(call).write)
            return None
        if call.expected_turns is not None:
            telemetry.metric("ScoringIncomplete")
            there = len(heard.numbers & frozenset(range(call.expected_turns)))
            _fail(call, f"Only {there} of {call.expected_turns} turns were reported.")
            return None
    return store.CALLS.change(call.org_id, call.id, lambda found: _begun(found, call.expected_turns))


def _counts(turn: Turn, call: Call) -> bool:
    return call.expected_turns is None or turn.number < call.expected_turns


def _begun(call: Call, expected: int | None) -> Change:
    if not call.can_become(State.SCORING) or call.expected_turns != expected:
        return None  # the number of turns was reported since the read, and that report has its own job
    scoring = moved(call, state=State.SCORING)
    return scoring, [lifecycle.event(scoring, "roleplay.call.scoring")]


def _too_short(turns: Sequence[Turn]) -> bool:
    said = [turn.text for turn in turns if turn.speaker is Speaker.REP]
    return len(said) < FEWEST_TURNS or sum(len(text.split()) for text in said) < FEWEST_WORDS


def _finish(call: Call, made: Score) -> None:
    store.CALLS.change(call.org_id, call.id, lambda found: _scored(found, made))


def _scored(call: Call, made: Score) -> Change:
    if not call.can_become(State.SCORED):
        return None  # another worker stored its score first
    scored = moved(call, state=State.SCORED, scored_at=clock.stamp(), turns=len(made.heard or ()), watch=None)
    facts = {"score": made.overall, "rubric": made.rubric, "model": made.model}
    return scored, [
        store.put_score(scored, made),
        usage.counting(call.org_id, Meter.ROLEPLAY, 1),
        timers.moot(call.watch),
        lifecycle.event(scored, "roleplay.call.scored", **facts),
    ]


def _fail(call: Call, message: str) -> None:
    store.CALLS.change(call.org_id, call.id, lambda found: _failed(found, message))


def _failed(call: Call, message: str) -> Change:
    if not call.can_become(State.SCORING_FAILED):
        return None  # another worker stored a result first
    failed = moved(call, state=State.SCORING_FAILED, failure_reason=INCOMPLETE, failure_message=message, watch=None)
    told = lifecycle.event(failed, "roleplay.call.scoring_failed", reason=INCOMPLETE)
    return failed, [timers.moot(call.watch), told]
