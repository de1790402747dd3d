"""What becomes of a call: the dialler's claim, the provider's reports, and the timers that close what is forgotten.

Between the claim and our record of the provider's answer the outcome is unknown. A call that stays there is never
dialled again: it becomes unconfirmed after ten minutes, and the provider's reports, which carry our id, settle it.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from switchboard import telemetry
from switchboard.accounts import service as accounts
from switchboard.accounts import stops
from switchboard.accounts.models import Organisation
from switchboard.accounts.stops import Stopped
from switchboard.aws import clock, secret
from switchboard.aws.table import Writes, commit
from switchboard.calls import lanes, pacing, placing, store
from switchboard.calls.jobs import CloseCall, ConfirmDial, DialCall, HangUp, WakeWaiting
from switchboard.calls.lanes import Lane
from switchboard.calls.models import AGENT, TERMINAL, Call, EndReason, Progress, State
from switchboard.carriers import voice
from switchboard.compliance import ledgers, wishes
from switchboard.compliance import service as compliance
from switchboard.compliance.errors import Blocked
from switchboard.compliance.models import OptOutSource, Verdict
from switchboard.errors import Contended
from switchboard.events import service as events
from switchboard.events.models import Actor, Subject, Work
from switchboard.kit import change as kit
from switchboard.kit.change import Moved
from switchboard.kit.collection import moved
from switchboard.timers import service as timers
from switchboard.usage import service as usage

#: How long a claim may stay without an outcome before people are told.
UNCONFIRMED_AFTER = timedelta(minutes=10)
#: How long a provider may take to report that a call rings, is answered or not; then it is closed.
RING_LIMIT = timedelta(minutes=3)
#: The longest call.
TALK_LIMIT = timedelta(hours=1)
_LONGEST_TALK = int(TALK_LIMIT.total_seconds())
#: How soon a call that the provider had no room for is tried again.
_TRY_AGAIN = timedelta(seconds=15)

_ANSWERED = {State.ACTIVE, State.HOLD, State.ENDING}

#: Within what time a late report corrects the end of a call: providers repeat their reports for a day at most.
_CORRECTED_WITHIN = timedelta(hours=48)
#: No provider lets a call last longer than four hours: a report of more, in seconds, is a fault.
_MOST_REPORTED = 4 * 3_600

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

_Change = kit.Change[Call]


def dial(org_id: str, call_id: str, turns: tuple[str, ...] | None = None) -> None:
    """Dial a call that was accepted, or let it wait for a lane or its turn. Does nothing for one that was claimed.

    `turns` names the limits of calls a second in which it has waited for its turn.
    """
    call = store.CALLS.get(org_id, call_id)
    if call is None or call.state is not State.CREATED:
        return
    if clock.parse(call.created_at) < clock.now() - lanes.WAIT_LIMIT:
        _end(call, *lanes.why_not_dialled(call))
        return
    org = accounts.organisation(org_id)
    if why := _withdrawn(org, call):
        _end(call, EndReason.BLOCKED, why)
        return
    lane = lanes.find(org, call)
    if lane is None:
        return
    verdict = _judge(org, call)
    claimed = None
    try:
        if verdict.allowed:
            paced = pacing.admit(org, call, lane, turns)
            if paced is None:
                return
            claimed = _claim(call, verdict, lane, paced)
    except pacing.TooLate as late:
        _end(call, EndReason.RATE_LIMIT, str(late))
        return
    except Stopped as stopped:
        _end(call, EndReason.BLOCKED, str(stopped))
        return
    except Blocked:
        # A block or an opt-out landed behind the verdict: the next one has it.
        verdict, claimed = _judge(org, call), None
        if verdict.allowed:
            raise Contended("The number's ledgers keep changing.", retry_after=1) from None
    if not verdict.allowed:
        # It was allowed when it was accepted: since then its hours ended, or the called person opted out.
        refused = verdict
        store.CALLS.change(org_id, call_id, lambda found: _refused(found, refused))
    if claimed is None:
        return
    try:
        provider_call_id = placing.carrier(call.simulated).dial(_wanted(call, verdict.allowed_until))
    except voice.Refused as refusal:
        _end(claimed, EndReason.FAILED, str(refusal))
    except voice.Throttled:
        store.CALLS.change(org_id, call_id, _released)
    except voice.OutcomeUnknown as unknown:
        telemetry.metric("CallOutcomeUnknown")
        telemetry.logger().warning("call outcome unknown", extra={"call_id": call_id, "reason": str(unknown)})
    else:
        store.CALLS.change(org_id, call_id, lambda found: _dialed(found, provider_call_id))


def _wanted(call: Call, not_after: str | None) -> voice.Dial:
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
        not_after=not_after,
        variables=call.order.variables,
    )


def _judge(org: Organisation, call: Call) -> Verdict:
    return compliance.evaluate(placing.contact(org, call.order, counted=True))


def _withdrawn(org: Organisation, call: Call) -> str | None:
    """Why a call that was accepted may not be dialled any more, as far as reading tells. The claim checks the rest."""
    if org.status != "active":
        return "the organization is suspended"
    if not call.simulated and usage.over_cap(org, placing.METER[call.tier]):
        return "the organization's spending cap was lowered below what is spent"
    return None


def _claim(call: Call, verdict: Verdict, lane: Lane | None, paced: Writes) -> Call | None:
    """Take a call for this worker and a lane for the call, `None` where another worker has it, or no lane is left.

    What may have been withdrawn since the verdict is checked in the same transaction. Raises Stopped and Blocked.
    """
    claimed = moved(call, state=State.DIALING, started_at=clock.stamp(), claim=call.version + 1)
    watch = ConfirmDial(org_id=call.org_id, call_id=call.id, claim=claimed.claim)
    while lane:
        claimed = claimed.model_copy(update={"lane": lane.ref})
        try:
            commit(
                store.CALLS.save(claimed),
                stops.checks(call.org_id, call.key_id),
                compliance.still_allowed(verdict),
                timers.later(watch, clock.now() + UNCONFIRMED_AFTER).write,
                lane.take_writes(call),
                paced,
            )
        except Moved:
            return None
        except lanes.Taken:
            # Each time another call was served: this ends with a lane, or when none is left.
            lane = lanes.seek(lane.pool, call)
        else:
            return claimed
    return None


def confirm(org_id: str, call_id: str, claim: int) -> None:
    """Surface a claim that has had no outcome for ten minutes, and see to it that it ends."""
    store.CALLS.change(org_id, call_id, lambda found: _unconfirmed(found) if found.claim == claim else None)


def close(org_id: str, call_id: str, state: str) -> None:
    """End a call that is still where it was when its timer was set: the provider, or its job, was lost.

    The provider is asked first, and told to hang up. Where it says nothing the end is provisional: a later report of
    the provider corrects it. Talking and holding are one place: a call goes to and fro between them within one limit.
    """
    call = store.CALLS.get(org_id, call_id)
    if call is None or not _is_still(call, State(state)):
        return
    if call.state is not State.CREATED and _end_at_provider(call):
        return
    store.CALLS.change(org_id, call_id, lambda found: _forgotten(found, State(state)))


def _end_at_provider(call: Call) -> bool:
    """Ask the provider of a call, and have it hung up. Returns whether the call's true end is recorded by that."""
    carrier, place = placing.carrier(call.simulated), voice.Placed(call.org_id, call.id, call.provider_call_id)
    try:
        found = carrier.fetch(place)
        if found is None or not found.over:
            carrier.end(place)
            return False
    except voice.OutcomeUnknown as unknown:
        telemetry.logger().warning("call not asked for", extra={"call_id": call.id, "reason": str(unknown)})
        return False
    facts = {"org_id": call.org_id, "call_id": call.id, "provider_call_id": call.provider_call_id}
    if found.answered:
        apply(Progress(kind="answered", **facts))
    reason = EndReason(found.end_reason) if found.end_reason else None
    apply(Progress(kind="ended", end_reason=reason, duration_seconds=found.duration_seconds, **facts))
    return True


def hang_up(org_id: str, call_id: str) -> None:
    """Hang up a call, for a job. Its end is what the provider then reports."""
    call = store.CALLS.get(org_id, call_id)
    if call is None or call.state in TERMINAL:
        return
    placing.carrier(call.simulated).end(voice.Placed(call.org_id, call.id, call.provider_call_id))


def _is_still(call: Call, state: State) -> bool:
    # A call that became unconfirmed meanwhile has a timer of its own.
    return call.state not in TERMINAL and (call.state is state or {call.state, state} <= _ANSWERED)


def _forgotten(call: Call, state: State) -> _Change:
    if not _is_still(call, state):
        return None
    if call.state is State.CREATED:
        # It never was at the provider.
        reason, why = lanes.why_not_dialled(call)
        return _ended(call, reason, None, why)
    reason = EndReason.NO_ANSWER if call.state is State.RINGING else EndReason.TIMEOUT
    return _ended(call, reason, None, "the provider reported no end", provisional=True)


def apply(progress: Progress) -> None:
    """Apply what a provider reports of a call."""
    if progress.kind in ("turn", "tool", "dtmf"):
        _heard(progress)
    else:
        store.CALLS.change(progress.org_id, progress.call_id, lambda found: _applied(found, progress))


def _heard(progress: Progress) -> None:
    """Record what was said or done. It changes nothing of the call, so that its reporters do not meet there."""
    call = store.CALLS.get(progress.org_id, progress.call_id)
    if call is None:
        return
    if turn := progress.turn:
        told = _event(call, "voice.call.turn", number=turn.number, speaker=turn.speaker, characters=len(turn.text))
        said: Writes = [store.put_turn(call, turn), told]
        if turn.final and turn.speaker != AGENT and wishes.asks_to_stop(turn.text):
            _opt_out(call, "spoken", said)
        else:
            kit.record(said)
    if progress.digits and wishes.OPT_OUT_KEY in progress.digits:
        _opt_out(call, "key_press", None)
    if tool := progress.tool:
        told = _event(call, "voice.call.tool", tool=tool.name, status=tool.status, duration_ms=tool.duration_ms)
        kit.record(store.put_tool(call, tool), told)


def _opt_out(call: Call, source: OptOutSource, said: Writes) -> None:
    """Note that the called person wants no more calls, with what said so, and have the call hung up.

    All in one commit: the ledger, which holds for every API and channel, is never behind what was said.
    """
    origin = _origin(call)
    _, noted = ledgers.opt_out_writes(origin, call.to_number, source)

    if call.opted_out_at:
        # The ledger has it: the call need not be written again.
        if said is not None:
            kit.record(said)
        return

    def decide(found: Call, ledger: Writes) -> _Change:
        if found.opted_out_at:
            return moved(found), said
        after = moved(found, opted_out_at=clock.stamp())
        job = HangUp(org_id=call.org_id, call_id=call.id)
        ending = None if found.state in TERMINAL else timers.soon(job)
        return after, [said, ledger, ending, _event(after, "voice.call.opted_out", source=source)]

    try:
        store.CALLS.change(call.org_id, call.id, lambda found: decide(found, noted))
    except ledgers.OptedOut:
        # The number is in the ledger by another call, or by a request.
        store.CALLS.change(call.org_id, call.id, lambda found: decide(found, None))


def _refused(call: Call, verdict: Verdict) -> _Change:
    ended = _ended(call, EndReason.BLOCKED, None, f"refused before it was dialled: {verdict.code}")
    return ended and (ended[0], [ended[1], compliance.record(verdict, call.id)])


def _released(call: Call) -> _Change:
    if call.state is not State.DIALING:
        return None
    again = DialCall(org_id=call.org_id, call_id=call.id)
    wake = timers.soon(WakeWaiting(org_id=call.org_id, call_id=call.id))
    due = timers.later(again, clock.now() + _TRY_AGAIN).write
    return moved(call, state=State.CREATED, lane=None), [due, lanes.leave_writes(call), wake]


def _dialed(call: Call, provider_call_id: str) -> _Change:
    if call.provider_call_id:
        return None
    if call.can_become(State.RINGING):
        return _moved(call, State.RINGING, "voice.call.ringing", RING_LIMIT, provider_call_id=provider_call_id)
    return moved(call, provider_call_id=provider_call_id), None


def _unconfirmed(call: Call) -> _Change:
    if call.state is not State.DIALING:
        return None
    telemetry.metric("CallUnconfirmed")
    return _moved(call, State.UNCONFIRMED, "voice.call.unconfirmed", TALK_LIMIT)


def _applied(call: Call, progress: Progress) -> _Change:
    known: dict[str, Any] = {}
    if progress.provider_call_id and not call.provider_call_id:
        known["provider_call_id"] = progress.provider_call_id
    match progress.kind:
        case "ringing" if call.can_become(State.RINGING):
            return _moved(call, State.RINGING, "voice.call.ringing", RING_LIMIT, **known)
        case "answered" if not call.answered_at and (call.state in _ANSWERED or call.can_become(State.ACTIVE)):
            known |= {"answered_at": clock.stamp(), "answered_by": progress.answered_by}
            # What was reported ahead of the answer, such as a hold, came after it and stands.
            state = call.state if call.state in _ANSWERED else State.ACTIVE
            return _moved(call, state, "voice.call.answered", TALK_LIMIT, **known)
        case "hold" if call.can_become(State.HOLD):
            # A hold may be reported ahead of the answer, whose limit is then not yet set.
            limit = None if call.answered_at else TALK_LIMIT
            return _moved(call, State.HOLD, "voice.call.hold", limit, **known)
        case "resumed" if call.state is State.HOLD:
            return _moved(call, State.ACTIVE, "voice.call.resumed", None, **known)
        case "answered" if call.state in TERMINAL and not call.answered_at and _may_be_corrected(call):
            return _answered_after_all(call, progress)
        case "ended" if call.state not in TERMINAL:
            reason = progress.end_reason or EndReason.COMPLETED
            known["outcome"] = progress.outcome
            return _ended(call.model_copy(update=known), reason, progress.duration_seconds, None)
        case "ended" if call.provisional and _may_be_corrected(call):
            return _corrected(call, progress)
    return None


def _may_be_corrected(call: Call) -> bool:
    return call.ended_at is not None and clock.parse(call.ended_at) > clock.now() - _CORRECTED_WITHIN


def _answered_after_all(call: Call, progress: Progress) -> _Change:
    """Take an answer that is reported after the end. What the end said of the talk's length counts now."""
    assert call.ended_at is not None
    seconds = call.reported_seconds
    if seconds is None:
        # Its end was our own conclusion, or said nothing of a talk. A later report of the end may.
        return moved(call, answered_at=clock.stamp(), answered_by=progress.answered_by), None
    answered = clock.iso(clock.parse(call.ended_at) - timedelta(seconds=seconds))
    facts = {"answered_at": answered, "answered_by": progress.answered_by}
    reason = call.end_reason or EndReason.COMPLETED
    return _settled_anew(call, call.model_copy(update=facts), reason, seconds)


def _corrected(call: Call, progress: Progress) -> _Change:
    """Take the provider's word on the end of a call that we had concluded on our own."""
    reason, known = progress.end_reason or EndReason.COMPLETED, {"outcome": progress.outcome, "error": None}
    told = call.model_copy(update=known)
    if not call.answered_at and _was_answered(reason):
        told = told.model_copy(update={"answered_at": _answered_before(clock.now(), progress.duration_seconds)})
    return _settled_anew(call, told, reason, progress.duration_seconds)


def _settled_anew(call: Call, told: Call, reason: EndReason, seconds: int | None) -> _Change:
    """Give an ended call another end: its state, length and price, and the difference in what it is charged."""
    begun = told.model_copy(update={"state": State.ACTIVE if told.answered_at else State.RINGING})
    state = _end_state(begun, reason)
    assert state is not None, "every reason ends a call that was under way"
    talked = _talked(begun, seconds)
    minutes = -(-talked // 60)
    after = moved(
        told,
        state=state,
        end_reason=reason,
        duration_seconds=talked,
        cost_micros=_price(call, minutes),
        provisional=False,
    )
    before = -(-(call.duration_seconds or 0) // 60)
    event = _event(after, "voice.call.corrected", **_of_end(after))
    return after, [_settled(call, minutes - before), event]


def _moved(call: Call, state: State, told: str, limit: timedelta | None, **facts: Any) -> _Change:
    """Move a call into a state in which it may stay for `limit`; without one, the watch that it has stands."""
    if limit is None:
        after = moved(call, state=state, **facts)
        return after, _event(after, told)
    job = CloseCall(org_id=call.org_id, call_id=call.id, state=state.value)
    watch = timers.later(job, clock.now() + limit)
    after = moved(call, state=state, watch=watch.ref, **facts)
    return after, [watch.write, timers.moot(call.watch), _event(after, told)]


def _end(call: Call, reason: EndReason, error: str) -> None:
    store.CALLS.change(call.org_id, call.id, lambda found: _ended(found, reason, None, error))


def _ended(
    call: Call, reason: EndReason, seconds: int | None, error: str | None, *, provisional: bool = False
) -> _Change:
    if not call.answered_at and (_was_answered(reason) or call.state in _ANSWERED):
        # Answered and ended, reported the wrong way round: the end tells of both.
        call = call.model_copy(update={"answered_at": _answered_before(clock.now(), seconds)})
    state = _end_state(call, reason)
    if state is None:
        return None
    talked = _talked(call, seconds)
    minutes = -(-talked // 60)
    ended = moved(
        call,
        state=state,
        end_reason=reason,
        error=error,
        ended_at=clock.stamp(),
        cost_micros=_price(call, minutes),
        duration_seconds=talked,
        reported_seconds=None if call.answered_at or seconds is None else _bounded(seconds),
        provisional=provisional,
        watch=None,
    )
    told = _event(ended, f"voice.call.{state.value}", **_of_end(ended))
    # The first minute was spent when the call was placed.
    return ended, [timers.moot(call.watch), _settled(call, minutes - 1), lanes.leave_writes(call), told]


def _of_end(call: Call) -> dict[str, Any]:
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


def _was_answered(reason: EndReason) -> bool:
    """Whether a call that ends for that reason was answered, whatever was reported. One may hang up while it rings."""
    return reason in (EndReason.COMPLETED, EndReason.VOICEMAIL)


def _answered_before(end: datetime, seconds: int | None) -> str:
    return clock.iso(end - timedelta(seconds=_bounded(seconds or 0)))


def _end_state(call: Call, reason: EndReason) -> State | None:
    """The state in which the call ends for that reason, `None` where it ended before."""
    if call.answered_at:
        states = (_ENDS.get(reason, State.COMPLETED), State.COMPLETED)
    else:
        states = (_ENDS.get(reason) or _HUNG_UP.get(reason, State.FAILED), State.FAILED)
    return next((state for state in states if call.can_become(state)), None)


def _talked(call: Call, reported: int | None) -> int:
    """How many seconds the two talked. Some providers report how long a call rang that nobody answered: it is none."""
    if not call.answered_at:
        return 0
    if reported is not None:
        return _bounded(reported)
    # A report that got lost is our loss: nobody pays for more than the longest call.
    passed = round((clock.now() - clock.parse(call.answered_at)).total_seconds())
    return max(0, min(passed, _LONGEST_TALK))


def _bounded(seconds: int) -> int:
    """A reported length that can be true."""
    return max(0, min(seconds, _MOST_REPORTED))


def _event(call: Call, kind: str, **data: Any) -> Writes:
    """The event of the change that made this version of the call, or of something that was heard in it then."""
    subject = Subject(type="call", id=call.id, version=call.version)
    return events.record(events.of(_origin(call), kind, subject, to=secret.digest(call.to_number), **data))


def _origin(call: Call) -> Work:
    return Work(
        org_id=call.org_id,
        actor=Actor(type="system", id="voice"),
        agent_id=call.agent_id,
        correlation_id=call.correlation_id,
    )
