"""Dials accepted calls: a worker claims a call, asks the provider to place it, and records the answer.

Between the claim and the recorded answer the outcome is unknown. A call that stays there is never dialed again. After
ten minutes the provider is asked about it. If the provider does not know either, the call becomes UNCONFIRMED. The
provider's reports, which carry our id, then decide.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from switchboard import telemetry
from switchboard.accounts import organizations, stops
from switchboard.accounts.models import Organization
from switchboard.accounts.stops import StoppedError
from switchboard.aws.writes import Writes
from switchboard.calls import (
    acceptance,
    changes,
    ending,
    holds,
    lanes,
    pacing,
    store,
    talk_tools,
    talks,
    timeouts,
    waiting,
)
from switchboard.calls.changes import CallChange
from switchboard.calls.conversations import new_conversation
from switchboard.calls.ending import CallEnd
from switchboard.calls.holds import TalkHold
from switchboard.calls.jobs import ConfirmDial, DialCall, WakeWaiting
from switchboard.calls.lanes import Lane
from switchboard.calls.lengths import TALK_LIMIT, TALK_LIMIT_SECONDS
from switchboard.calls.models import OVER_STATES, Call, State
from switchboard.calls.pacing import AdmittedCall
from switchboard.calls.reports import RING_REPORT_LIMIT
from switchboard.carriers import voice
from switchboard.carriers.voice.ports.line import RING_SECONDS
from switchboard.carriers.voice.ports.reports import EndReason
from switchboard.compliance import service as compliance
from switchboard.compliance.models import Purpose
from switchboard.compliance.verdicts import Blocked, Verdict
from switchboard.errors import Contended, QuotaExceeded
from switchboard.flows.models import Flow
from switchboard.kit import clock
from switchboard.persistence.collection import next_version
from switchboard.persistence.optimistic import StaleVersionError
from switchboard.team import authority
from switchboard.team.permissions import Permission
from switchboard.timers import service as timers
from switchboard.usage import service as usage

#: How long a claim may have no outcome. Then the provider is asked.
UNCONFIRMED_AFTER = timedelta(minutes=10)
#: The minimum time to ring, in seconds. A call is not placed if its calling hours end sooner. A call that sells may not
#: be dropped before 15 seconds (47 CFR 64.1200(a)(6)).
_MIN_RING_SECONDS, _MIN_SALES_RING_SECONDS = 5, 15
#: How much longer than ordered a line may ring, in seconds. Twilio adds this time to each call.
_LINE_BUFFER_SECONDS = 5
#: When to retry a call that the provider throttled.
_RETRY_DELAY = timedelta(seconds=15)


def dial_call(org_id: str, call_id: str) -> None:
    """Dials an accepted call, or lets it wait for a lane or its time. Does nothing for a claimed call."""
    call = store.CALLS.get_object(org_id, call_id)
    if call is None or call.state is not State.CREATED:
        telemetry.log_skip("the call is gone, or dialed already", org_id=org_id, call_id=call_id)
        return
    if clock.parse(call.created_at) < clock.now() - lanes.WAIT_LIMIT:
        _give_up(call, *waiting.explain_not_dialed(call))
        return
    org = organizations.get_organization(org_id)
    left = None if call.simulated else usage.remaining_micros(org, acceptance.METER[call.tier])
    if why := _why_withdrawn(org, left):
        _give_up(call, EndReason.BLOCKED, why)
        return
    lane = lanes.find_lane(org, call)
    if lane is None:
        telemetry.log_skip("the call waits for a lane", org_id=org_id, call_id=call_id)
        return
    verdict, carrier, flow = _judge(org, call), acceptance.select_carrier(call.simulated), talks.get_flow(call)
    # Read before the claim: nothing may fail between the claim and the provider's answer.
    call = store.add_texts(call)
    tools = talk_tools.list_talk_tools(org_id, flow.id if flow else None)
    if verdict.allowed and _ring_seconds(verdict.allowed_until) < _min_ring_seconds(call):
        _give_up(call, EndReason.BLOCKED, "refused before it was dialed: its calling hours end in a few seconds")
        return
    claimed, hold = None, TalkHold(TALK_LIMIT_SECONDS, 0)
    try:
        if verdict.allowed:
            admitted = pacing.admit_call(org, call, lane)
            if admitted is None:
                telemetry.log_skip("the call waits for its time", org_id=org_id, call_id=call_id)
                return
            hold = holds.find_hold(org, call)
            claimed = _claim(org, admitted, verdict, hold, analyzed=carrier.talker.reports_analysis())
    except pacing.SlotTooLateError as late:
        _give_up(call, EndReason.RATE_LIMIT, str(late))
        return
    except StoppedError as stopped:
        _give_up(call, EndReason.BLOCKED, str(stopped))
        return
    except QuotaExceeded:
        # Others spent at the same time what the call should hold. The next attempt holds less.
        raise Contended("Other calls took what was left: try again in a second.", retry_after=1) from None
    except Blocked:
        # A block or an opt-out was stored after the verdict. The next verdict will include it.
        verdict, claimed = _judge(org, call), None
        if verdict.allowed:
            raise Contended("The blocks of this number keep changing: try again in a second.", retry_after=1) from None
    if not verdict.allowed:
        # The call was allowed when it was accepted. Since then its hours ended, or the called person opted out.
        refused = verdict
        store.CALLS.change_object(org_id, call_id, lambda found: _refused(found, refused))
    if claimed is None:
        telemetry.log_skip("the call is refused, claimed elsewhere or without a lane", org_id=org_id, call_id=call_id)
        return
    try:
        placement = _placement(claimed, flow, verdict.allowed_until, hold.seconds)
        made = carrier.place_call(new_conversation(claimed, flow, tools), placement)
    except voice.RefusedError as refusal:
        _end(claimed, EndReason.FAILED, str(refusal))
    except voice.ThrottledError:
        store.CALLS.change_object(org_id, call_id, _released)
    except voice.OutcomeUnknownError as unknown:
        telemetry.emit_metric("CallOutcomeUnknown")
        telemetry.logger().warning("call outcome unknown", extra={"call_id": call_id, "reason": str(unknown)})
    else:
        store.CALLS.change_object(org_id, call_id, lambda found: _dialed(found, made))


def _placement(call: Call, flow: Flow | None, not_after: str | None, most_seconds: int) -> voice.Placement:
    return voice.Placement(
        org_id=call.org_id,
        call_id=call.id,
        from_number=call.from_number,
        to_number=call.to_number,
        not_after=not_after,
        ring_seconds=_ring_seconds(not_after),
        most_seconds=most_seconds,
        # The recording is not ordered here: a script starts it, after the person has heard of it.
        machine="wait_for_beep" if talks.find_machine_message(call, flow) else "detect",
    )


def _ring_seconds(not_after: str | None) -> int:
    """Returns how long to let the phone ring, in seconds. It must not ring after the end of the calling hours."""
    if not_after is None:
        return RING_SECONDS
    left = int((clock.parse(not_after) - clock.now()).total_seconds())
    return min(RING_SECONDS, left - _LINE_BUFFER_SECONDS)


def _min_ring_seconds(call: Call) -> int:
    return _MIN_RING_SECONDS if call.order.purpose == Purpose.INFORMATIONAL else _MIN_SALES_RING_SECONDS


def _judge(org: Organization, call: Call) -> Verdict:
    return compliance.evaluate(acceptance.contact_attempt(org, call.order, counted=True))


def _why_withdrawn(org: Organization, left: int | None) -> str | None:
    """Returns why an accepted call may no longer be dialed, from data that were read before. The claim checks again.

    `left` is how much the organization may still spend on calls, or None without a limit.
    """
    if org.status != "active":
        return "the organization is suspended"
    if left is not None and left < 0:
        return "the organization's spending cap or its included minutes are used up"
    return None


def _claim(
    org: Organization, admitted: AdmittedCall, verdict: Verdict, hold: TalkHold, *, analyzed: bool
) -> Call | None:
    """Claims a call for this worker and takes a lane. Returns `None` if another worker has the call or no lane is free.

    The same transaction checks everything that may have been withdrawn since the organization was read. Raises
    StoppedError and Blocked, and QuotaExceeded if the limits have no room for the hold. Raises Contended if the
    spending cap was changed: then the organization must be read again.
    """
    call = admitted.call
    lane: Lane | None = admitted.lane
    facts = {"started_at": clock.now_iso(), "claim": call.version + 1, "awaits_analysis": analyzed}
    charges = holds.hold_charges(org, call, hold)
    facts["held_minutes"] = hold.minutes if charges else 0
    claimed = next_version(call, state=State.DIALING, **facts)
    watch = ConfirmDial(org_id=call.org_id, call_id=call.id, claim=claimed.claim)
    while lane:
        claimed = claimed.model_copy(update={"lane": lane.ref})
        try:
            usage.commit_within(
                charges,
                store.CALLS.save_write(claimed),
                stops.claim_checks(call.org_id, call.key_id, cap=stops.CapMark(org.cap_mark), sends=not call.simulated),
                compliance.still_allowed_checks(verdict),
                _placer_check(call),
                timers.schedule(watch, clock.now() + UNCONFIRMED_AFTER).write,
                lane.take_writes(call),
                admitted.writes,
            )
        except StaleVersionError:
            return None
        except lanes.LaneTakenError:
            # Another call took the lane. The loop ends with a lane, or when none is free.
            lane = lanes.find_lane_or_wait(lane.pool, call)
        else:
            return claimed
    return None


def _placer_check(call: Call) -> Writes:
    """Returns the check that the member who placed the call may still do so. Other calls have none."""
    if call.placed_by is None:
        return None
    return authority.still_permitted_check(call.org_id, call.placed_by, Permission.CALLS_PLACE)


def confirm_dial(org_id: str, call_id: str, claim: int) -> None:
    """Asks the provider about a claim without an outcome after ten minutes. If it does not know, nobody does."""
    call = store.CALLS.get_object(org_id, call_id)
    if call is None or call.state is not State.DIALING or call.claim != claim:
        telemetry.log_skip("the outcome of this claim is known", org_id=org_id, call_id=call_id, claim=claim)
        return
    try:
        found = timeouts.fetch_snapshot(call)
    except voice.OutcomeUnknownError:
        store.CALLS.change_object(org_id, call_id, lambda now: _unconfirmed(now) if now.claim == claim else None)
        return
    if found is None:
        # The provider had ten minutes to show the call. If it reports the call later, the report corrects this end.
        end = CallEnd(EndReason.FAILED, error="the provider never received the call", provisional=True)
        store.CALLS.change_object(
            org_id, call_id, lambda now: ending.end_call(now, end) if now.claim == claim else None
        )
        return
    placed = voice.ProviderCallIds(found.provider_call_id or "", call.provider_conversation_id)
    store.CALLS.change_object(org_id, call_id, lambda now: _dialed(now, placed))
    timeouts.apply_snapshot(call, found)


def _refused(call: Call, verdict: Verdict) -> CallChange:
    ended = _given_up(call, EndReason.BLOCKED, f"refused before it was dialed: {verdict.code}")
    return ended and (ended[0], [ended[1], compliance.verdict_writes(verdict, call.id)])


def _released(call: Call) -> CallChange:
    if call.state is not State.DIALING:
        return None
    again = DialCall(org_id=call.org_id, call_id=call.id)
    wake = timers.job_write(WakeWaiting(org_id=call.org_id, call_id=call.id))
    due = timers.schedule(again, clock.now() + _RETRY_DELAY).write
    after = next_version(call, state=State.CREATED, lane=None, held_minutes=0)
    return after, [due, waiting.leave_pools_writes(call), holds.release_writes(call), wake]


def _dialed(call: Call, placed: voice.ProviderCallIds) -> CallChange:
    facts: dict[str, Any] = {}
    # The line may have asked for its script before this record. Then another talk was opened, and that one counts.
    if call.connect is None:
        if placed.conversation_id and not call.provider_conversation_id:
            facts["provider_conversation_id"] = placed.conversation_id
        if placed.connect and call.state not in OVER_STATES:
            facts["connect"] = placed.connect
    if call.provider_call_id:
        # A report of the line was faster.
        return (next_version(call, **facts), None) if "connect" in facts else None
    facts["provider_call_id"] = placed.provider_call_id or None
    if call.can_become(State.RINGING):
        return changes.transition(call, State.RINGING, "voice.call.ringing", RING_REPORT_LIMIT, facts)
    return next_version(call, **facts), None


def _unconfirmed(call: Call) -> CallChange:
    if call.state is not State.DIALING:
        return None
    telemetry.emit_metric("CallUnconfirmed")
    return changes.transition(call, State.UNCONFIRMED, "voice.call.unconfirmed", TALK_LIMIT)


def _give_up(call: Call, reason: EndReason, error: str) -> None:
    """Ends a call that was not dialed. Does nothing if another worker has claimed it since it was read."""
    store.CALLS.change_object(call.org_id, call.id, lambda found: _given_up(found, reason, error))


def _given_up(call: Call, reason: EndReason, error: str) -> CallChange:
    return ending.end_call(call, CallEnd(reason, error=error)) if call.state is State.CREATED else None


def _end(call: Call, reason: EndReason, error: str) -> None:
    end = CallEnd(reason, error=error)
    store.CALLS.change_object(call.org_id, call.id, lambda found: ending.end_call(found, end))
