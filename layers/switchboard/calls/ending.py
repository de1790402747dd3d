"""Ends calls: sets the final state, the length and the price. Also corrects them after a late report.

An analyzed talk ends in two steps. When the line is over, the call is ENDING and has its length, cost and reason. The
analysis makes it COMPLETED. Without an analysis a timer does that.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, NamedTuple

from switchboard.accounts import organizations
from switchboard.aws.writes import Writes
from switchboard.calls import acceptance, changes, waiting
from switchboard.calls.changes import CallChange
from switchboard.calls.lengths import count_minutes, fit_times, limit_seconds, suppose_answer
from switchboard.calls.models import Call, State
from switchboard.carriers.voice.ports.reports import EndReason, Report
from switchboard.kit import clock, texts
from switchboard.persistence.collection import next_version
from switchboard.timers import service as timers
from switchboard.usage import service as usage

#: How long to wait for the report of a talk's analysis.
ANALYSIS_LIMIT = timedelta(minutes=2)
#: How long after its end a report may correct a call. Providers repeat their reports for one day at most.
_CORRECTION_LIMIT = timedelta(hours=48)

#: TALKING has the states in which the two talk. ANSWERED adds the state directly after that.
TALKING_STATES = frozenset({State.ACTIVE, State.HOLD})
ANSWERED_STATES = TALKING_STATES | {State.ENDING}

_END_STATES = {
    EndReason.BUSY: State.BUSY,
    EndReason.NO_ANSWER: State.NO_ANSWER,
    EndReason.FAILED: State.FAILED,
    EndReason.UNREACHABLE: State.FAILED,
    EndReason.PROVIDER_UNAVAILABLE: State.FAILED,
    EndReason.TIMEOUT: State.FAILED,
    EndReason.CONCURRENCY_LIMIT: State.FAILED,
    EndReason.RATE_LIMIT: State.FAILED,
    EndReason.CANCELED: State.CANCELED,
    EndReason.BLOCKED: State.CANCELED,
}

#: The end state of a call when a party hangs up before the answer.
_HANGUP_STATES = {EndReason.CALLER_HANGUP: State.NO_ANSWER, EndReason.AGENT_HANGUP: State.CANCELED}


class CallEnd(NamedTuple):
    """The end of a call. `seconds` is the reported length, and `at` the time by the provider's clock."""

    reason: EndReason
    seconds: int | None = None
    error: str | None = None
    at: str | None = None
    sip_code: int | None = None
    #: Whether we concluded the end ourselves, without a report.
    provisional: bool = False

    @classmethod
    def of(cls, report: Report) -> CallEnd:
        """Returns the end that a provider reports."""
        reason = report.end_reason or EndReason.COMPLETED
        return cls(reason, report.duration_seconds, at=report.at, sip_code=report.sip_code)


def end_call(call: Call, end: CallEnd) -> CallChange:
    """Returns the change that ends a call whose line is over, or `None` if it has already ended."""
    if call.state is State.ENDING:
        return None
    at = changes.event_time(call, end.at)
    supposed = not call.answered_at and (_was_answered(end.reason) or call.state in ANSWERED_STATES)
    if supposed:
        # The report of the end arrived before the report of the answer: the end implies the answer.
        call = call.model_copy(update={"answered_at": suppose_answer(call, at, end.seconds)})
    reason = true_reason(call, end.reason)
    state = _end_state(call, reason)
    if state is None:
        return None
    times = fit_times(call, at, end.seconds, provisional=end.provisional)
    minutes = count_minutes(times.seconds) + count_minutes(call.transfer_seconds)
    facts = {
        "end_reason": _name_refusal(call, reason),
        "error": end.error,
        "sip_code": end.sip_code,
        "answered_at": times.answered_at,
        "ended_at": times.ended_at,
        "cost_micros": _price(call, minutes),
        "duration_seconds": times.seconds,
        "reported_seconds": None if call.answered_at or end.seconds is None else limit_seconds(end.seconds),
        "answer_supposed": supposed,
        "length_supposed": end.seconds is None,
        "provisional": end.provisional,
        "held_minutes": 0,
    }
    # The first minute was charged when the call was placed.
    settled, left = _settlement_writes(call, minutes - 1, released=call.held_minutes), waiting.leave_pools_writes(call)
    if state is State.COMPLETED and call.awaits_analysis and call.outcome is None and not end.provisional:
        known = end_event_data(call.model_copy(update=facts))
        change = changes.transition(call, State.ENDING, "voice.call.ending", ANALYSIS_LIMIT, facts, known)
        return change and (change[0], [change[1], settled, left])
    after = next_version(call, state=state, watch=None, **facts)
    told = changes.event_writes(after, f"voice.call.{state.value}", **end_event_data(after))
    return after, [timers.cancel_writes(call.watch), settled, left, told]


def complete_call(call: Call, outcome: str | None, summary: str | None) -> CallChange:
    """Returns the change that completes a call which waits for its analysis. The analysis may be missing."""
    if call.state is not State.ENDING:
        return None
    return apply_analysis(call, outcome, summary)


def apply_analysis(call: Call, outcome: str | None, summary: str | None) -> CallChange:
    """Returns the change for the analysis of a talk. It may arrive before the end, and after the time limit."""
    # A late analysis does not replace the summary of the talk.
    facts = {"outcome": outcome, "summary": call.summary if call.summarized_at else summary}
    if call.state is State.ENDING:
        after = next_version(call, state=State.COMPLETED, watch=None, **facts)
        told = changes.event_writes(after, "voice.call.completed", **end_event_data(after), was_ending=True)
        return after, [timers.cancel_writes(call.watch), told]
    if outcome is None or call.outcome is not None or not (call.ended_at is None or may_be_corrected(call)):
        return None
    after = next_version(call, **facts)
    return after, changes.event_writes(after, "voice.call.analyzed", outcome=outcome)


def record_transfer(call: Call, to_number: str, seconds: int | None, known: Mapping[str, Any]) -> CallChange:
    """Returns the change for a transfer that connected. The other leg costs minutes, as a call out does.

    The end of the call charges them. A transfer that is reported after the end is charged at once.
    """
    length = call.transfer_seconds + limit_seconds(seconds or 0)
    after = next_version(call, transferred_to=to_number, transfer_seconds=length, **known)
    told = changes.event_writes(after, "voice.call.transferred", transferred_to=texts.digest(to_number))
    if call.ended_at is None:
        return after, told
    more = count_minutes(length) - count_minutes(call.transfer_seconds)
    charged = after.model_copy(update={"cost_micros": call.cost_micros + _price(call, more)})
    return charged, [told, _settlement_writes(call, more)]


def may_be_corrected(call: Call) -> bool:
    """Whether a call ended recently enough that a report may still correct it."""
    return call.ended_at is not None and clock.parse(call.ended_at) > clock.now() - _CORRECTION_LIMIT


def apply_late_answer(call: Call, report: Report) -> CallChange:
    """Returns the change for an answer that is reported after the end. The length from the end report now counts."""
    assert call.ended_at is not None
    end = clock.parse(call.ended_at)
    known = {"answered_by": call.answered_by or report.answered_by, "answer_supposed": False}
    if call.provisional:
        # We concluded this end ourselves. A later report of the end may correct it again.
        at = min(changes.event_time(call, report.at), end)
        told = call.model_copy(update={"answered_at": clock.format_iso(at), **known})
        return _replace_end(call, told, call.end_reason or EndReason.TIMEOUT, None, provisional=True)
    if call.answered_at and not call.length_supposed:
        # The time of the answer already follows from the length.
        return next_version(call, **known), None
    seconds = call.reported_seconds
    answered = (
        end - timedelta(seconds=seconds) if seconds is not None else min(changes.event_time(call, report.at), end)
    )
    told = call.model_copy(update={"answered_at": clock.format_iso(answered), **known})
    return _replace_end(call, told, call.end_reason or EndReason.COMPLETED, seconds)


def correct_end(call: Call, report: Report) -> CallChange:
    """Returns the change for a provider's report that corrects an end or a length that we had concluded ourselves."""
    end, at = CallEnd.of(report), changes.event_time(call, report.at)
    if not call.provisional and (end.seconds is None or end.seconds == call.duration_seconds):
        return None
    told = call.model_copy(update={"error": None, "sip_code": end.sip_code, "outcome": report.outcome or call.outcome})
    if not call.answered_at and _was_answered(end.reason):
        told = told.model_copy(update={"answered_at": suppose_answer(call, at, end.seconds)})
    if report.at:
        told = told.model_copy(update={"ended_at": clock.format_iso(at)})
    return _replace_end(call, told, end.reason, end.seconds)


def _replace_end(
    call: Call, told: Call, reason: EndReason, seconds: int | None, *, provisional: bool = False
) -> CallChange:
    """Returns the change to another end: its state, times and price, and the write that charges the difference."""
    assert told.ended_at is not None
    begun = told.model_copy(update={"state": State.ACTIVE if told.answered_at else State.RINGING})
    reason = true_reason(begun, reason)
    state = _end_state(begun, reason)
    assert state is not None, "every reason ends a call that is in progress"
    if call.state is State.ENDING and state is State.COMPLETED:
        state = State.ENDING
    times = fit_times(begun, clock.parse(told.ended_at), seconds, provisional=provisional)
    minutes = count_minutes(times.seconds) + count_minutes(call.transfer_seconds)
    after = next_version(
        told,
        state=state,
        end_reason=_name_refusal(call, reason),
        answered_at=times.answered_at,
        ended_at=times.ended_at,
        duration_seconds=times.seconds,
        cost_micros=_price(call, minutes),
        provisional=provisional,
        length_supposed=seconds is None,
    )
    before = count_minutes(call.duration_seconds or 0) + count_minutes(call.transfer_seconds)
    event = changes.event_writes(after, "voice.call.corrected", **end_event_data(after))
    return after, [_settlement_writes(call, minutes - before), event]


def end_event_data(call: Call) -> dict[str, Any]:
    """Returns the event data about a call's end."""
    assert call.end_reason is not None
    data = {
        "end_reason": call.end_reason.value,
        "duration_seconds": call.duration_seconds,
        "tier": call.tier.value,
        "provisional": call.provisional,
    }
    return data | ({"widget_session": call.widget.session_id} if call.widget else {})


def _price(call: Call, minutes: int) -> int:
    return 0 if call.free else minutes * usage.price_micros(acceptance.METER[call.tier])


def _settlement_writes(call: Call, minutes: int, released: int = 0) -> Writes:
    if call.receipt is None:
        return None
    org, meter = organizations.get_organization(call.org_id), acceptance.METER[call.tier]
    return usage.correction_write(org, meter, minutes, call.receipt, released=released)


def true_reason(call: Call, reason: EndReason) -> EndReason:
    """Returns the reason of an end, corrected by the known answer: somebody answered, or a machine did."""
    if call.answered_at and reason in (EndReason.BUSY, EndReason.NO_ANSWER):
        return EndReason.COMPLETED
    # We hang up on a machine, too. A person who asked for no more calls is no machine.
    ours = reason is EndReason.AGENT_HANGUP and call.opted_out_at is None
    if (reason is EndReason.COMPLETED or ours) and is_machine(call.answered_by):
        return EndReason.VOICEMAIL
    return reason


def _name_refusal(call: Call, reason: EndReason) -> EndReason:
    """Returns why the caller of a call in talked to nobody, for a call that the line reports as completed."""
    if reason is not EndReason.COMPLETED or call.connected_at is not None:
        return reason
    if call.declined is not None:
        return EndReason(call.declined.value)
    return EndReason.AFTER_HOURS if call.after_hours else reason


def is_machine(answered_by: str | None) -> bool:
    """Whether a machine answered. `answered_by` has the words of the carriers."""
    return bool(answered_by) and str(answered_by).startswith(("machine", "fax", "voicemail"))


def _was_answered(reason: EndReason) -> bool:
    """Whether this reason implies an answer. A hangup does not, because it may happen while the phone rings."""
    return reason in (EndReason.COMPLETED, EndReason.VOICEMAIL)


def _end_state(call: Call, reason: EndReason) -> State | None:
    """Returns the state in which a call ends for a reason, or `None` if it has already ended."""
    if call.answered_at:
        states = (_END_STATES.get(reason, State.COMPLETED), State.COMPLETED)
    else:
        states = (_END_STATES.get(reason) or _HANGUP_STATES.get(reason, State.FAILED), State.FAILED)
    return next((state for state in states if call.can_become(state)), None)
