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
from switchboard.aws import writes
from switchboard.kit import clock
from switchboard.persistence.collection import next_version
from switchboard.roleplay import judges, lifecycle, store
from switchboard.roleplay.catalog import drills
from switchboard.roleplay.jobs import ScoreRoleplay
from switchboard.roleplay.judges.models import PracticeSpeaker, PracticeTurn
from switchboard.roleplay.lifecycle import CallChange
from switchboard.roleplay.models import RoleplayCall, RoleplayEndReason, RoleplayState, Score
from switchboard.timers import service as timers
from switchboard.usage import service as usage
from switchboard.usage.models import Meter

#: The reason in webhooks (docs/contracts/athos.md#webhook). The message gives the details.
SCORING_INCOMPLETE = "SCORING_INCOMPLETE"
#: The minimum numbers of turns and words of the rep. With less, a score says nothing about the rep.
MIN_REP_TURNS, MIN_REP_WORDS = 3, 25
#: The delay before the next attempt if the model is throttled.
_THROTTLE_DELAY = timedelta(seconds=20)
_NOBODY_CAME = "The rep did not join the call, so there is nothing to score."
_TOO_SHORT = "The rep said too little to be scored."
_NO_ANSWER = "The call could not be scored."
_TOO_LATE = "The call was not scored in time."


def score_call(org_id: str, call_id: str) -> None:
    """Scores an ended call. Does nothing for calls in other states. If the model is throttled, tries again later."""
    call = store.CALLS.get_object(org_id, call_id)
    if call and call.state is RoleplayState.ENDED:
        call = _begin_scoring(call)
    if call is None or call.state is not RoleplayState.SCORING:
        telemetry.log_skip("the practice call is not to be scored now", org_id=org_id, call_id=call_id)
        return
    turns = [turn for turn in store.list_turns(org_id, call_id) if _is_counted(turn, call)]
    if _too_short(turns):
        _store_failure(
            call, _NOBODY_CAME if call.end_reason is RoleplayEndReason.NEVER_LIVE and not turns else _TOO_SHORT
        )
        return
    rubric = drills.edition(call.drill_key, call.drill_version).rubric
    model = judges.configured_judge()
    try:
        judged = model.judge_transcript(rubric, turns)
    except judges.RefusedError as refusal:
        telemetry.emit_metric("ScoringRefused")
        telemetry.logger().warning("scoring refused", extra={"call_id": call_id, "reason": str(refusal)})
        _store_failure(call, _NO_ANSWER)
        return
    except judges.ThrottledError:
        # Attempts continue until `give_up_scoring` ends the scoring.
        again = ScoreRoleplay(org_id=org_id, call_id=call_id)
        writes.write_item(timers.schedule(again, clock.now() + _THROTTLE_DELAY).write)
        return
    overall = round(100 * sum(mark.points for mark in judged.marks) / rubric.weight)
    _store_score(
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


def give_up_scoring(org_id: str, call_id: str) -> None:
    """Ends the scoring of a call that was not scored in time."""
    call = store.CALLS.get_object(org_id, call_id)
    if call and call.can_become(RoleplayState.SCORING_FAILED):
        telemetry.emit_metric("ScoringGivenUp")
        _store_failure(call, _TOO_LATE)
    else:
        telemetry.log_skip("the practice call no longer waits for a score", org_id=org_id, call_id=call_id)


def _begin_scoring(call: RoleplayCall) -> RoleplayCall | None:
    """Moves a call to SCORING. If missing turns may still arrive, schedules the next attempt instead."""
    heard = store.get_recorded_turns(call.org_id, call.id)
    if not lifecycle.is_whole(call, heard):
        if call.score_after and clock.now_iso() < call.score_after:
            writes.write_item(lifecycle.scoring_job(call).write)
            return None
        if call.expected_turns is not None:
            telemetry.emit_metric("ScoringIncomplete")
            there = len(heard.numbers & frozenset(range(call.expected_turns)))
            _store_failure(call, f"Only {there} of {call.expected_turns} turns were reported.")
            return None
    return store.CALLS.change_object(call.org_id, call.id, lambda found: _decide_begin(found, call.expected_turns))


def _is_counted(turn: PracticeTurn, call: RoleplayCall) -> bool:
    return call.expected_turns is None or turn.number < call.expected_turns


def _decide_begin(call: RoleplayCall, expected: int | None) -> CallChange:
    if not call.can_become(RoleplayState.SCORING) or call.expected_turns != expected:
        return None  # the number of turns was reported since the read, and that report has its own job
    scoring = next_version(call, state=RoleplayState.SCORING)
    return scoring, [lifecycle.call_event_write(scoring, "roleplay.call.scoring")]


def _too_short(turns: Sequence[PracticeTurn]) -> bool:
    said = [turn.text for turn in turns if turn.speaker is PracticeSpeaker.REP]
    return len(said) < MIN_REP_TURNS or sum(len(text.split()) for text in said) < MIN_REP_WORDS


def _store_score(call: RoleplayCall, made: Score) -> None:
    store.CALLS.change_object(call.org_id, call.id, lambda found: _decide_score(found, made))


def _decide_score(call: RoleplayCall, made: Score) -> CallChange:
    if not call.can_become(RoleplayState.SCORED):
        return None  # another worker stored its score first
    scored = next_version(
        call, state=RoleplayState.SCORED, scored_at=clock.now_iso(), turns=len(made.heard or ()), watch=None
    )
    facts = {"score": made.overall, "rubric": made.rubric, "model": made.model}
    return scored, [
        store.score_write(scored, made),
        usage.count_write(call.org_id, Meter.ROLEPLAY, 1),
        timers.cancel_writes(call.watch),
        lifecycle.call_event_write(scored, "roleplay.call.scored", **facts),
    ]


def _store_failure(call: RoleplayCall, message: str) -> None:
    store.CALLS.change_object(call.org_id, call.id, lambda found: _decide_failure(found, message))


def _decide_failure(call: RoleplayCall, message: str) -> CallChange:
    if not call.can_become(RoleplayState.SCORING_FAILED):
        return None  # another worker stored a result first
    failed = next_version(
        call, state=RoleplayState.SCORING_FAILED, failure_reason=SCORING_INCOMPLETE, failure_message=message, watch=None
    )
    told = lifecycle.call_event_write(failed, "roleplay.call.scoring_failed", reason=SCORING_INCOMPLETE)
    return failed, [timers.cancel_writes(call.watch), told]
