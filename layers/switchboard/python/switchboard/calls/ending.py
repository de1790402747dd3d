"""How a call ends: in which state, after what time, for how much; and how a late report corrects it.

A talk that is analyzed ends in two steps. When the line is over the call is ENDING: length, cost and reason are known.
With the analysis it is COMPLETED, and without one after a while, too.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, NamedTuple

from switchboard.accounts import service as accounts
from switchboard.aws import clock
from switchboard.aws.table import Writes
from switchboard.calls import lanes, placing, telling
from switchboard.calls.models import Call, State
from switchboard.calls.telling import Change
from switchboard.carriers.voice.reports import EndReason, Report
from switchboard.kit.collection import moved
from switchboard.timers import service as timers
from switchboard.usage import service as usage

#: The longest call.
TALK_LIMIT = timedelta(hours=1)
_LONGEST_TALK = int(TALK_LIMIT.total_seconds())
#: How long the analysis of a talk may take to be reported.
ANALYSIS_LIMIT = timedelta(minutes=2)
#: Within what time a late report corrects the end of a call: providers repeat their reports for a day at most.
_CORRECTED_WITHIN = timedelta(hours=48)
#: No provider lets a call last longer than four hours: a report of more, in seconds, is a fault.
_MOST_REPORTED = 4 * 3_600

#: The states in which the two talk, and with the one after it those of a call that was answered.
TALKING = frozenset({State.ACTIVE, State.HOLD})
ANSWERED = TALKING | {State.ENDING}

_ENDS = {
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

#: How a call ends that somebody hung up before it was answered.
_HUNG_UP = {EndReason.CALLER_HANGUP: State.NO_ANSWER, EndReason.AGENT_HANGUP: State.CANCELED}


class End(NamedTuple):
    """How a call ended. `seconds` is the length that was reported, and `at` the moment by the provider's clock."""

    reason: EndReason
    seconds: int | None = None
    error: str | None = None
    at: str | None = None
    sip_code: int | None = None
    #: Whether it is our own conclusion.
    provisional: bool = False

    @classmethod
    def of(cls, report: Report) -> End:
        """The end that a provider reports."""
        reason = report.end_reason or EndReason.COMPLETED
        return cls(reason, report.duration_seconds, at=report.at, sip_code=report.sip_code)


def ended(call: Call, end: End) -> Change:
    """End a call whose line is over; `None` for one that ended before."""
    if call.state is State.ENDING:
        return None
    at = telling.moment(call, end.at)
    supposed = not call.answered_at and (_was_answered(end.reason) or call.state in ANSWERED)
    if supposed:
        # Answered and ended, reported the wrong way round: the end tells of both.
        call = call.model_copy(update={"answered_at": _answered_before(call, at, end.seconds)})
    reason = _true_reason(call, end.reason)
    state = _end_state(call, reason)
    if state is None:
        return None
    talked = _talked(call, end.seconds, at)
    minutes = -(-talked // 60)
    facts = {
        "end_reason": reason,
        "error": end.error,
        "sip_code": end.sip_code,
        "ended_at": clock.iso(at),
        "cost_micros": _price(call, minutes),
        "duration_seconds": talked,
        "reported_seconds": None if call.answered_at or end.seconds is None else _bounded(end.seconds),
        "answer_supposed": supposed,
        "length_supposed": end.seconds is None,
        "provisional": end.provisional,
    }
    # The first minute was spent when the call was placed.
    settled, left = _settled(call, minutes - 1), lanes.leave_writes(call)
    if state is State.COMPLETED and call.awaits_analysis and call.outcome is None and not end.provisional:
        known = of_end(call.model_copy(update=facts))
        change = telling.move(call, State.ENDING, "voice.call.ending", ANALYSIS_LIMIT, facts, known)
        return change and (change[0], [change[1], settled, left])
    after = moved(call, state=state, watch=None, **facts)
    told = telling.event(after, f"voice.call.{state.value}", **of_end(after))
    return after, [timers.moot(call.watch), settled, left, told]


def completed(call: Call, outcome: str | None, summary: str | None) -> Change:
    """Complete a call that waits for the analysis of its talk: with what is known of it, or without."""
    if call.state is not State.ENDING:
        return None
    return analyzed(call, outcome, summary)


def analyzed(call: Call, outcome: str | None, summary: str | None) -> Change:
    """Take the analysis of a talk. It may come before the end of the call is reported, and after it was waited for."""
    facts = {"outcome": outcome, "summary": summary}
    if call.state is State.ENDING:
        after = moved(call, state=State.COMPLETED, watch=None, **facts)
        told = telling.event(after, "voice.call.completed", **of_end(after))
        return after, [timers.moot(call.watch), told]
    if outcome is None or call.outcome is not None or not (call.ended_at is None or may_be_corrected(call)):
        return None
    after = moved(call, **facts)
    return after, telling.event(after, "voice.call.analyzed", outcome=outcome)


def may_be_corrected(call: Call) -> bool:
    """Whether a call ended so lately that a report still counts."""
    return call.ended_at is not None and clock.parse(call.ended_at) > clock.now() - _CORRECTED_WITHIN


def answered_after_all(call: Call, report: Report) -> Change:
    """Take an answer that is reported after the end. What the end said of the talk's length counts now."""
    assert call.ended_at is not None
    end = clock.parse(call.ended_at)
    known = {"answered_by": call.answered_by or report.answered_by, "answer_supposed": False}
    if call.provisional:
        # Its end was our own conclusion. A later report of the end tells how long they talked.
        at = min(telling.moment(call, report.at), end)
        return moved(call, answered_at=clock.iso(at), **known), None
    if call.answered_at and not call.length_supposed:
        # The answer follows from the length.
        return moved(call, **known), None
    seconds = call.reported_seconds
    answered = end - timedelta(seconds=seconds) if seconds is not None else min(telling.moment(call, report.at), end)
    told = call.model_copy(update={"answered_at": clock.iso(answered), **known})
    return _settled_anew(call, told, call.end_reason or EndReason.COMPLETED, seconds)


def corrected(call: Call, report: Report) -> Change:
    """Take the provider's word on an end that we had concluded on our own, or on a length that nobody had told."""
    end, at = End.of(report), telling.moment(call, report.at)
    if not call.provisional and (end.seconds is None or end.seconds == call.duration_seconds):
        return None
    told = call.model_copy(update={"error": None, "sip_code": end.sip_code, "outcome": report.outcome or call.outcome})
    if not call.answered_at and _was_answered(end.reason):
        told = told.model_copy(update={"answered_at": _answered_before(call, at, end.seconds)})
    if report.at:
        told = told.model_copy(update={"ended_at": clock.iso(at)})
    return _settled_anew(call, told, end.reason, end.seconds)


def _settled_anew(call: Call, told: Call, reason: EndReason, seconds: int | None) -> Change:
    """Give an ended call another end: its state, length and price, and the difference in what it is charged."""
    assert told.ended_at is not None
    begun = told.model_copy(update={"state": State.ACTIVE if told.answered_at else State.RINGING})
    reason = _true_reason(begun, reason)
    state = _end_state(begun, reason)
    assert state is not None, "every reason ends a call that was under way"
    if call.state is State.ENDING and state is State.COMPLETED:
        state = State.ENDING
    talked = _talked(begun, seconds, clock.parse(told.ended_at))
    minutes = -(-talked // 60)
    after = moved(
        told,
        state=state,
        end_reason=reason,
        duration_seconds=talked,
        cost_micros=_price(call, minutes),
        provisional=False,
        length_supposed=seconds is None,
    )
    before = -(-(call.duration_seconds or 0) // 60)
    event = telling.event(after, "voice.call.corrected", **of_end(after))
    return after, [_settled(call, minutes - before), event]


def of_end(call: Call) -> dict[str, Any]:
    """What an event tells of a call's end."""
    assert call.end_reason is not None
    return {
        "end_reason": call.end_reason.value,
        "duration_seconds": call.duration_seconds,
        "tier": call.tier.value,
        "provisional": call.provisional,
    }


def _price(call: Call, minutes: int) -> int:
    return 0 if call.simulated else minutes * usage.price(placing.METER[call.tier])


def _settled(call: Call, minutes: int) -> Writes:
    if call.receipt is None:
        return None
    return usage.settling(accounts.organisation(call.org_id), placing.METER[call.tier], minutes, call.receipt)


def _true_reason(call: Call, reason: EndReason) -> EndReason:
    """Why a call ended, where what was reported of its answer says otherwise: a machine, or an answer at all."""
    if call.answered_at and reason in (EndReason.BUSY, EndReason.NO_ANSWER):
        return EndReason.COMPLETED
    if reason is EndReason.COMPLETED and is_machine(call.answered_by):
        return EndReason.VOICEMAIL
    return reason


def is_machine(answered_by: str | None) -> bool:
    """Whether a machine answered, in the words of the carriers."""
    return bool(answered_by) and str(answered_by).startswith(("machine", "fax", "voicemail"))


def _was_answered(reason: EndReason) -> bool:
    """Whether a call that ends for that reason was answered, whatever was reported. One may hang up while it rings."""
    return reason in (EndReason.COMPLETED, EndReason.VOICEMAIL)


def _answered_before(call: Call, end: datetime, seconds: int | None) -> str:
    begun = clock.parse(call.started_at or call.created_at)
    return clock.iso(max(min(begun, end), end - timedelta(seconds=_bounded(seconds or 0))))


def _end_state(call: Call, reason: EndReason) -> State | None:
    """The state in which the call ends for that reason, `None` where it ended before."""
    if call.answered_at:
        states = (_ENDS.get(reason, State.COMPLETED), State.COMPLETED)
    else:
        states = (_ENDS.get(reason) or _HUNG_UP.get(reason, State.FAILED), State.FAILED)
    return next((state for state in states if call.can_become(state)), None)


def _talked(call: Call, reported: int | None, end: datetime) -> int:
    """How many seconds the two talked. Some providers report how long a call rang that nobody answered: it is none."""
    if not call.answered_at:
        return 0
    if reported is not None:
        return _bounded(reported)
    # A report that got lost is our loss: nobody pays for more than the longest call.
    passed = round((end - clock.parse(call.answered_at)).total_seconds())
    return max(0, min(passed, _LONGEST_TALK))


def _bounded(seconds: int) -> int:
    """A reported length that can be true."""
    return max(0, min(seconds, _MOST_REPORTED))
