"""Closes calls whose timer has expired: asks the provider about them, hangs them up and ends them.

An expired timer does not prove that a call is over. So the provider is asked first, and told to hang up. If it does
not answer, the end is provisional, and a later report of the provider corrects it.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from switchboard import telemetry
from switchboard.aws.writes import commit
from switchboard.calls import acceptance, ending, reports, store, waiting
from switchboard.calls.changes import CallChange
from switchboard.calls.ending import TALKING_STATES, CallEnd
from switchboard.calls.jobs import CloseCall
from switchboard.calls.models import FINAL_STATES, Call, State
from switchboard.carriers import voice
from switchboard.carriers.voice.ports.reports import EndReason, Report
from switchboard.kit import clock
from switchboard.timers import service as timers

#: How many turns and tool uses of a transcript one run records.
_REPORTS_PER_RUN = 150
_CALLS_PER_READ = 100
#: The states through which a call ends: it rings, is answered, and waits for its analysis.
_MOST_STATES = 4


def close_call(org_id: str, call_id: str, state: str) -> None:
    """Ends a call that is still in the state in which its timer was set: the provider's report or a job was lost.

    ACTIVE and HOLD count as one state, because a call may switch between them within one time limit.
    """
    call = store.CALLS.get_object(org_id, call_id)
    if call is None or not _is_still(call, State(state)):
        telemetry.log_skip("the call left the state of this timer", org_id=org_id, call_id=call_id)
        return
    if call.state is State.ENDING:
        _finish(call)
        return
    if call.state is not State.CREATED and _end_at_provider(call):
        return
    if not store.CALLS.change_object(org_id, call_id, lambda found: decide_expired(found, State(state))):
        telemetry.log_skip("the call left the state of this timer", org_id=org_id, call_id=call_id)


def close_calls(org_id: str) -> Iterator[str]:
    """Ends the calls of an organization that is deleted, one after another. Yields the id of each that has ended.

    A call whose talk has not ended at the provider gets its end by the provider's report, or by its timer.
    """
    running, before = [state for state in State if state not in FINAL_STATES], None
    while places := store.list_places(org_id, None, running, _CALLS_PER_READ, None, before):
        for call in store.find_calls([(org_id, store.call_id_of(place)) for place in places]):
            if call is not None and call.state not in FINAL_STATES and _close_wholly(call):
                yield call.id
        before = places[-1]


def _close_wholly(call: Call) -> bool:
    """Closes a call, state after state: one that was answered meanwhile is a talk first. Returns whether it ended."""
    now: Call | None = call
    for _ in range(_MOST_STATES):
        if now is None or now.state in FINAL_STATES:
            return True
        close_call(now.org_id, now.id, now.state.value)
        now = store.CALLS.get_object(call.org_id, call.id)
    return now is None or now.state in FINAL_STATES


def hang_up_call(org_id: str, call_id: str) -> None:
    """Hangs up a call, for a job. The provider then reports its end."""
    call = store.CALLS.get_object(org_id, call_id)
    if call is None or call.is_over:
        telemetry.log_skip("the call is over", org_id=org_id, call_id=call_id)
        return
    acceptance.select_carrier(call.simulated).line.end_call(leg_of(call))


def leg_of(call: Call) -> voice.Leg:
    """Returns the line's reference to a call."""
    return voice.Leg(
        call.org_id,
        call.id,
        call.provider_call_id,
        own_number=call.own_number,
        other_number=call.person_number,
        placed_at=call.started_at,
    )


def fetch_snapshot(call: Call) -> voice.Snapshot | None:
    """Returns the state of a call at the line, or `None` if the line does not have it. Raises OutcomeUnknownError."""
    try:
        return acceptance.select_carrier(call.simulated).line.fetch_call(leg_of(call))
    except voice.OutcomeUnknownError as unknown:
        _log_no_response(call, unknown)
        raise


def apply_snapshot(call: Call, found: voice.Snapshot) -> None:
    """Applies the line's snapshot of a call like a report."""
    facts = {"org_id": call.org_id, "call_id": call.id, "provider_call_id": found.provider_call_id}
    if found.answered:
        at = found.answered_at or _answered_before(found)
        reports.apply_report(Report(kind="answered", at=at, answered_by=found.answered_by, **facts))
    if found.over:
        reason = EndReason(found.end_reason) if found.end_reason else None
        seconds = found.duration_seconds
        reports.apply_report(
            Report(
                kind="ended",
                at=found.ended_at,
                end_reason=reason,
                duration_seconds=seconds,
                sip_code=found.sip_code,
                **facts,
            )
        )


def _answered_before(found: voice.Snapshot) -> str | None:
    """Returns when an ended call was answered, from its end and its length. Assumes no length if it is missing."""
    if found.ended_at is None:
        return None
    try:
        return clock.format_iso(clock.parse(found.ended_at) - timedelta(seconds=found.duration_seconds or 0))
    except (ValueError, OverflowError):
        return None


def _is_still(call: Call, state: State) -> bool:
    # A call that has become unconfirmed has another timer.
    return call.state not in FINAL_STATES and (call.state is state or {call.state, state} <= TALKING_STATES)


def _end_at_provider(call: Call) -> bool:
    """Asks the provider about a call and hangs it up. Returns whether this recorded the true state of the line."""
    try:
        found = fetch_snapshot(call)
    except voice.OutcomeUnknownError:
        return False
    talks = found is not None and found.answered and call.state not in TALKING_STATES
    if found is not None and (found.over or talks):
        # A talk whose answer was not reported gets the time limit of a talk from now on.
        apply_snapshot(call, found)
        return True
    try:
        acceptance.select_carrier(call.simulated).line.end_call(leg_of(call))
    except voice.OutcomeUnknownError as unknown:
        _log_no_response(call, unknown)
    return False


def _log_no_response(call: Call, unknown: voice.OutcomeUnknownError) -> None:
    telemetry.logger().warning("line did not respond", extra={"call_id": call.id, "reason": str(unknown)})


def _finish(call: Call) -> None:
    """Completes a call whose analysis was not reported, with the talker's transcript if it has one."""
    talker = acceptance.select_carrier(call.simulated).talker
    try:
        found = talker.fetch_transcript(call.org_id, call.id, call.provider_conversation_id)
    except voice.OutcomeUnknownError as unknown:
        telemetry.logger().warning("transcript not fetched", extra={"call_id": call.id, "reason": str(unknown)})
        found = None
    if found and _record_missing(call, found):
        # A long talk without reports takes several runs.
        commit(timers.job_write(CloseCall(org_id=call.org_id, call_id=call.id, state=State.ENDING.value)))
        return
    outcome, summary = (found.outcome, found.summary) if found else (None, None)
    store.CALLS.change_object(call.org_id, call.id, lambda now: ending.complete_call(now, outcome, summary))


def _record_missing(call: Call, found: voice.Transcript) -> bool:
    """Records missing turns and tool uses, up to the limit of one run. Returns whether any are left."""
    said = {turn.number for turn in store.list_turns(call.org_id, call.id) if turn.final}
    used = {tool.id for tool in store.list_tool_uses(call.org_id, call.id)}
    ids: dict[str, Any] = {"org_id": call.org_id, "call_id": call.id}
    missing = [Report(kind="turn", turn=turn, **ids) for turn in found.turns if turn.number not in said]
    missing += [Report(kind="tool", tool=tool, **ids) for tool in found.tools if tool.id not in used]
    for report in missing[:_REPORTS_PER_RUN]:
        reports.apply_report(report)
    return len(missing) > _REPORTS_PER_RUN


def decide_expired(call: Call, state: State) -> CallChange:
    """Returns the end of a call that is still in the state whose timer has expired, `None` for any other."""
    if not _is_still(call, state):
        return None
    if call.state is State.CREATED:
        # The provider never had this call.
        reason, why = waiting.explain_not_dialed(call)
        return ending.end_call(call, CallEnd(reason, error=why))
    reason = EndReason.NO_ANSWER if call.state is State.RINGING else EndReason.TIMEOUT
    return ending.end_call(call, CallEnd(reason, error="the provider reported no end", provisional=True))
