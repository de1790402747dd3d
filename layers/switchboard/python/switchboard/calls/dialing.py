"""What becomes of a call: the dialler's claim, the provider's reports, and the timers that close what is forgotten.

Between the claim and our record of the provider's answer the outcome is unknown. A call that stays there is never
dialled again: it becomes unconfirmed after ten minutes, and the provider's reports, which carry our id, settle it.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from switchboard import telemetry
from switchboard.accounts import service as accounts
from switchboard.aws import clock, secret
from switchboard.aws.table import ConditionFailedError, Writes, commit
from switchboard.calls import placing, store
from switchboard.calls.jobs import CloseCall, ConfirmDial, DialCall
from switchboard.calls.models import TERMINAL, Call, EndReason, Progress, State
from switchboard.carriers import voice
from switchboard.compliance import service as compliance
from switchboard.compliance.models import Verdict
from switchboard.events import service as events
from switchboard.events.models import Actor, Subject, Work
from switchboard.kit import change
from switchboard.timers import service as timers
from switchboard.usage import service as usage

#: How long a claim may stay without an outcome before people are told.
UNCONFIRMED_AFTER = timedelta(minutes=10)
#: How long a provider may take to report that a call rings, is answered or not; then it is closed.
RING_LIMIT = timedelta(minutes=3)
#: The longest call.
TALK_LIMIT = timedelta(hours=1)
#: How soon a call that the provider had no room for is tried again, and for how long.
_TRY_AGAIN = timedelta(seconds=15)
_GIVE_UP_AFTER = timedelta(minutes=10)

_ANSWERED = {State.ACTIVE, State.HOLD, State.ENDING}

_ENDS = {
    EndReason.BUSY: State.BUSY,
    EndReason.NO_ANSWER: State.NO_ANSWER,
    EndReason.FAILED: State.FAILED,
    EndReason.UNREACHABLE: State.FAILED,
    EndReason.PROVIDER_UNAVAILABLE: State.FAILED,
    EndReason.TIMEOUT: State.FAILED,
    EndReason.CANCELED: State.CANCELED,
    EndReason.BLOCKED: State.CANCELED,
}

_Change = change.Change[Call]


def dial(org_id: str, call_id: str) -> None:
    """Dial a call that was accepted. Does nothing for one that was claimed before."""
    call = store.get(org_id, call_id)
    if call is None or call.state is not State.CREATED:
        return
    if clock.parse(call.created_at) < clock.now() - _GIVE_UP_AFTER:
        _end(call, EndReason.PROVIDER_UNAVAILABLE, "the provider had no room in time")
        return
    verdict = compliance.evaluate(placing.contact(accounts.organisation(org_id), call.order, counted=True))
    if not verdict.allowed:
        # It was allowed when it was accepted: since then its hours ended, or the called person opted out.
        _change(org_id, call_id, lambda found: _refused(found, verdict))
        return
    claimed = _claim(call)
    if claimed is None:
        return
    try:
        provider_call_id = placing.carrier(call.simulated).dial(_wanted(call))
    except voice.Refused as refusal:
        _end(claimed, EndReason.FAILED, str(refusal))
    except voice.Throttled:
        _change(org_id, call_id, _released)
    except voice.OutcomeUnknown as unknown:
        telemetry.metric("CallOutcomeUnknown")
        telemetry.logger().warning("call outcome unknown", extra={"call_id": call_id, "reason": str(unknown)})
    else:
        _change(org_id, call_id, lambda found: _dialed(found, provider_call_id))


def _wanted(call: Call) -> voice.Dial:
    return voice.Dial(
        org_id=call.org_id,
        call_id=call.id,
        from_number=call.from_number,
        to_number=call.to_number,
        voice_id=call.voice_id,
        greeting=call.greeting,
        agent_name=call.agent_name,
        provider_agent_id=call.provider_agent_id,
        prompt=call.order.prompt,
        variables=call.order.variables,
    )


def _claim(call: Call) -> Call | None:
    claimed = _next(call, state=State.DIALING, started_at=clock.stamp(), claim=call.version + 1)
    watch = ConfirmDial(org_id=call.org_id, call_id=call.id, claim=claimed.claim)
    try:
        commit(store.save(claimed), timers.later(watch, clock.now() + UNCONFIRMED_AFTER).write)
    except ConditionFailedError:
        return None
    return claimed


def confirm(org_id: str, call_id: str, claim: int) -> None:
    """Surface a claim that has had no outcome for ten minutes, and see to it that it ends."""
    _change(org_id, call_id, lambda found: _unconfirmed(found) if found.claim == claim else None)


def close(org_id: str, call_id: str, state: str) -> None:
    """End a call that is still where it was when its timer was set: the provider, or its job, was lost.

    Talking and holding are one place: a call goes to and fro between them within the same limit.
    """
    call = store.get(org_id, call_id)
    here = call and (call.state in (state, State.UNCONFIRMED) or {call.state, State(state)} <= _ANSWERED)
    if call and here and call.state not in TERMINAL:
        ringing = call.state is State.RINGING
        _end(call, EndReason.NO_ANSWER if ringing else EndReason.TIMEOUT, "the provider reported no end")


def apply(progress: Progress) -> None:
    """Apply what a provider reports of a call."""
    _change(progress.org_id, progress.call_id, lambda found: _applied(found, progress))


def _change(org_id: str, call_id: str, decide: Callable[[Call], _Change]) -> None:
    change.change(lambda: store.get(org_id, call_id), decide, store.save)


def _refused(call: Call, verdict: Verdict) -> _Change:
    ended = _ended(call, EndReason.BLOCKED, None, f"refused before it was dialled: {verdict.code}")
    return ended and (ended[0], [ended[1], compliance.record(verdict, call.id)])


def _released(call: Call) -> _Change:
    if call.state is not State.DIALING:
        return None
    again = DialCall(org_id=call.org_id, call_id=call.id)
    return _next(call, state=State.CREATED), timers.later(again, clock.now() + _TRY_AGAIN).write


def _dialed(call: Call, provider_call_id: str) -> _Change:
    if call.provider_call_id:
        return None
    facts: dict[str, Any] = {"provider_call_id": provider_call_id}
    if call.can_become(State.RINGING):
        facts["state"] = State.RINGING
        return _next(call, **facts), [_closing(call, State.RINGING, RING_LIMIT), *_event(call, "voice.call.ringing")]
    return _next(call, **facts), []


def _unconfirmed(call: Call) -> _Change:
    if call.state is not State.DIALING:
        return None
    telemetry.metric("CallUnconfirmed")
    watch = _closing(call, State.UNCONFIRMED, TALK_LIMIT)
    return _next(call, state=State.UNCONFIRMED), [watch, *_event(call, "voice.call.unconfirmed")]


def _applied(call: Call, progress: Progress) -> _Change:
    known: dict[str, Any] = {}
    if progress.provider_call_id and not call.provider_call_id:
        known["provider_call_id"] = progress.provider_call_id
    match progress.kind:
        case "ringing" if call.can_become(State.RINGING):
            watch = _closing(call, State.RINGING, RING_LIMIT)
            return _next(call, state=State.RINGING, **known), [watch, *_event(call, "voice.call.ringing")]
        case "answered" if call.can_become(State.ACTIVE) and not call.answered_at:
            facts = {"state": State.ACTIVE, "answered_at": clock.stamp(), "answered_by": progress.answered_by}
            watch = _closing(call, State.ACTIVE, TALK_LIMIT)
            return _next(call, **facts, **known), [watch, *_event(call, "voice.call.answered")]
        case "hold" if call.can_become(State.HOLD):
            # A hold may be reported ahead of the answer, whose limit is then not yet set.
            watch = [] if call.answered_at else [_closing(call, State.HOLD, TALK_LIMIT)]
            return _next(call, state=State.HOLD, **known), [watch, *_event(call, "voice.call.hold")]
        case "resumed" if call.state is State.HOLD:
            return _next(call, state=State.ACTIVE, **known), _event(call, "voice.call.resumed")
        case "turn" if progress.turn:
            turn = progress.turn
            told = _event(call, "voice.call.turn", number=turn.number, speaker=turn.speaker, characters=len(turn.text))
            return _next(call, **known), [store.put_turn(call, turn), *told]
        case "tool" if progress.tool:
            tool = progress.tool
            told = _event(call, "voice.call.tool", tool=tool.name, status=tool.status, duration_ms=tool.duration_ms)
            return _next(call, **known), [store.put_tool(call, tool), *told]
        case "ended" if call.state not in TERMINAL:
            reason = progress.end_reason or EndReason.COMPLETED
            known["outcome"] = progress.outcome
            return _ended(call.model_copy(update=known), reason, progress.duration_seconds, None)
    return None


def _end(call: Call, reason: EndReason, error: str) -> None:
    _change(call.org_id, call.id, lambda found: _ended(found, reason, None, error))


def _ended(call: Call, reason: EndReason, seconds: int | None, error: str | None) -> _Change:
    state = _ENDS.get(reason, State.COMPLETED)
    if not call.can_become(state):
        state = State.COMPLETED if call.answered_at else State.FAILED
        if not call.can_become(state):
            return None
    if not call.answered_at and state is State.COMPLETED:
        # Answered and ended, reported the wrong way round: the end tells of both.
        call = call.model_copy(update={"answered_at": clock.stamp()})
    talked = seconds if seconds is not None else _talked(call)
    minutes = -(-talked // 60)
    meter = placing.METER[call.tier]
    facts = {
        "state": state,
        "end_reason": reason,
        "error": error,
        "ended_at": clock.stamp(),
        "cost_micros": 0 if call.simulated else minutes * usage.price(meter),
        "duration_seconds": talked,
    }
    told = _event(
        call, f"voice.call.{state.value}", end_reason=reason.value, duration_seconds=talked, tier=call.tier.value
    )
    if call.simulated:
        return _next(call, **facts), told
    # The first minute was spent when the call was placed.
    return _next(call, **facts), [usage.settling(accounts.organisation(call.org_id), meter, minutes - 1), *told]


def _talked(call: Call) -> int:
    if not call.answered_at:
        return 0
    return max(0, round((clock.now() - clock.parse(call.answered_at)).total_seconds()))


def _next(call: Call, **facts: object) -> Call:
    return call.model_copy(update={**facts, "version": call.version + 1, "updated_at": clock.stamp()})


def _closing(call: Call, state: State, after: timedelta) -> Writes:
    job = CloseCall(org_id=call.org_id, call_id=call.id, state=state.value)
    return timers.later(job, clock.now() + after).write


def _event(call: Call, kind: str, **data: Any) -> list[Writes]:
    origin = Work(
        org_id=call.org_id,
        actor=Actor(type="system", id="voice"),
        agent_id=call.agent_id,
        correlation_id=call.correlation_id,
    )
    # Each event goes with the change that makes the next version.
    subject = Subject(type="call", id=call.id, version=call.version + 1)
    event = events.of(origin, kind, subject, to=secret.digest(call.to_number), **data)
    return [events.record(event)]
