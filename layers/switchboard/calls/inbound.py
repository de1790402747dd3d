"""Answers calls in: decides who talks to a caller, and records the call once.

The order of the rules: an unknown number, a blocked caller, a suspended organization, a number without a flow, the
flow's hours, and the organization's limits. A blocked caller is rejected before anything is said. Everybody else hears
something. There is no compliance gate, because the caller chose to call.

Only a talk needs a lane. A caller who may leave a message instead, because it is after hours or all lanes are taken,
needs none. A message costs minutes like a talk. A polite message alone costs nothing.

The line's id of the call makes the id of our call. So a repeated callback finds the call, and gets the same script.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from switchboard.accounts import organizations, stops
from switchboard.accounts.models import Organization
from switchboard.accounts.stops import StoppedError
from switchboard.aws.writes import Writes, commit
from switchboard.calls import acceptance, changes, ending, holds, lanes, scripts, store, talks
from switchboard.calls.jobs import CloseCall
from switchboard.calls.lanes import LaneTakenError
from switchboard.calls.lengths import TALK_LIMIT
from switchboard.calls.models import Call, Declined, Order, State, Tier
from switchboard.carriers.voice.ports.incoming import IncomingCall
from switchboard.carriers.voice.ports.reports import EndReason
from switchboard.carriers.voice.ports.script import Script
from switchboard.compliance import ledgers
from switchboard.errors import Contended, Invalid, NotFound, QuotaExceeded, Unavailable
from switchboard.flows import hours
from switchboard.flows import service as flows
from switchboard.flows.models import Flow
from switchboard.kit import clock, ids, texts
from switchboard.numbers.models import Number
from switchboard.persistence import optimistic
from switchboard.timers import service as timers
from switchboard.usage import service as usage
from switchboard.usage.service import Charge

INBOUND_SOURCE = "inbound"
#: The longest word for a caller without a number.
_MAX_CALLER_CHARACTERS = 60


def call_id_of(org_id: str, provider_call_id: str) -> str:
    """Returns the id of our call for the line's id of it. It is always the same."""
    return f"call_{texts.digest(f'{org_id}#call-in#{provider_call_id}')[:26]}"


def find_call(number: Number, provider_call_id: str) -> Call | None:
    """Returns the call in that a callback about this number is about."""
    call = store.CALLS.get_object(number.org_id, call_id_of(number.org_id, provider_call_id))
    return call if call and call.number_id == number.id else None


def answer_call(number: Number, incoming: IncomingCall) -> Script:
    """Records a call in, once, and returns its first script.

    Raises Contended if the limits of the organization keep changing. The caller then hears an apology.
    """
    call = optimistic.retry_on_conflict(lambda: _receive_once(number, incoming))
    assert call is not None, "no write of a call in says that it is recorded already"
    return scripts.begin_script(call)


def _receive_once(number: Number, incoming: IncomingCall) -> Call:
    known = find_call(number, incoming.provider_call_id)
    if known is not None:
        return known
    if _is_blocked(number.org_id, incoming.from_number):
        return _reject(number, incoming)
    org = organizations.get_organization(number.org_id)
    if org.status != "active":
        return _decline(number, incoming, Declined.SUSPENDED)
    flow = _find_flow(number)
    if flow is None:
        return _decline(number, incoming, Declined.NO_FLOW)
    try:
        acceptance.require_phone()
    except Unavailable:
        return _decline(number, incoming, Declined.UNAVAILABLE, flow)
    try:
        return _accept(org, number, incoming, flow)
    except QuotaExceeded:
        return _decline(number, incoming, Declined.SPENDING_CAP, flow)
    except StoppedError:
        # The organization was suspended after it was read.
        return _decline(number, incoming, Declined.SUSPENDED, flow)


def record_missed_call(number: Number, incoming: IncomingCall, reason: EndReason) -> Call:
    """Records a call in that ended before we answered its first callback. Returns the call, also if it was known."""
    found = optimistic.retry_on_conflict(lambda: _miss_once(number, incoming, reason))
    assert found is not None, "as above"
    return found


def _miss_once(number: Number, incoming: IncomingCall, reason: EndReason) -> Call:
    known = find_call(number, incoming.provider_call_id)
    if known is not None:
        return known
    begun = _new_call(number, incoming, None, Declined.UNAVAILABLE)
    over = begun.model_copy(
        update={
            "state": State.FAILED if reason is EndReason.FAILED else State.NO_ANSWER,
            "end_reason": reason,
            "ended_at": begun.created_at,
            "answered_at": None,
            "duration_seconds": 0,
        }
    )
    received = _received_writes(over)
    told = changes.event_writes(over, f"voice.call.{over.state.value}", **ending.end_event_data(over))
    commit(store.CALLS.create_write(over), received, told)
    return over


def _is_blocked(org_id: str, caller: str) -> bool:
    try:
        return ledgers.is_blocked(org_id, caller)
    except Invalid:
        # A caller without a number, or with one that no network routes. No list can hold it.
        return False


def _reject(number: Number, incoming: IncomingCall) -> Call:
    call = _new_call(number, incoming, None, None).model_copy(
        update={
            "state": State.CANCELED,
            "end_reason": EndReason.BLOCKED,
            "error": "the caller is on the do-not-call list",
            "ended_at": clock.now_iso(),
            "answered_at": None,
            "duration_seconds": 0,
        }
    )
    told = changes.event_writes(call, "voice.call.rejected", number_id=number.id, code="blocked")
    commit(store.CALLS.create_write(call), told)
    return call


def _decline(number: Number, incoming: IncomingCall, reason: Declined, flow: Flow | None = None) -> Call:
    return _answer_politely(_new_call(number, incoming, flow, reason))


def _answer_politely(call: Call) -> Call:
    """Records a call whose caller hears a message and nothing else. It costs nothing."""
    watched, watch = _watch(call, TALK_LIMIT.total_seconds())
    commit(store.CALLS.create_write(watched), watch, _received_writes(watched))
    return watched


def _accept(org: Organization, number: Number, incoming: IncomingCall, flow: Flow) -> Call:
    """Records a call with a talk or a message of the caller: with its first minute charged, and a talk with a lane."""
    call, lane = _new_call(number, incoming, flow, None), None
    if not call.after_hours:
        lane = lanes.find_lane_for_caller(lanes.lane_pool(org, call))
        if lane is None:
            call = call.model_copy(update={"declined": Declined.BUSY})
    if lane is None and not flow.voicemail_enabled:
        return _answer_politely(call)
    hold = holds.find_hold(org, call)
    within = call_in_charges(org, call, hold.minutes)
    facts = {"lane": lane.ref if lane else None, "receipt": usage.receipt_of(within), "held_minutes": hold.minutes}
    watched, watch = _watch(call.model_copy(update=facts), hold.seconds)
    try:
        usage.commit_within(
            within,
            store.CALLS.create_write(watched),
            lane.take_writes(watched) if lane else None,
            stops.claim_checks(org.id, None, sends=False),
            watch,
            _received_writes(watched),
        )
    except (LaneTakenError, Contended):
        # Another call took the lane, or spent at the same time. Decide again with what is left.
        raise optimistic.StaleVersionError from None
    except QuotaExceeded as refused:
        if holds.was_outrun(refused, hold):
            raise optimistic.StaleVersionError from None
        raise
    return watched


def call_in_charges(org: Organization, call: Call, held: int = 0) -> list[Charge]:
    """Returns the charges of a call in: its first minute, and the minutes that it holds.

    The daily limits are for calls that the tenant places.
    """
    if call.simulated:
        return []
    return [usage.spending_charge(org, acceptance.METER[call.tier], 1, sends=False, held=held)]


def _find_flow(number: Number) -> Flow | None:
    if number.flow_id is None:
        return None
    try:
        return flows.get_flow(number.org_id, number.flow_id)
    except NotFound:
        return None


def _new_call(number: Number, incoming: IncomingCall, flow: Flow | None, declined: Declined | None) -> Call:
    now = clock.now_iso()
    spoken = talks.choose_voice(flow, simulated=incoming.simulated) if flow else None
    tier = Tier(spoken.tier) if spoken else Tier.BASIC
    order = Order(
        to=number.e164,
        tier=tier,
        simulated=incoming.simulated,
        metadata={"source": INBOUND_SOURCE},
    )
    call = Call(
        id=call_id_of(number.org_id, incoming.provider_call_id),
        org_id=number.org_id,
        source=INBOUND_SOURCE,
        direction="INBOUND",
        state=State.ACTIVE,
        tier=tier,
        from_number=incoming.from_number[:_MAX_CALLER_CHARACTERS],
        to_number=number.e164,
        voice_id=spoken.id if spoken else "",
        order=order,
        number_id=number.id,
        declined=declined,
        after_hours=flow is not None and declined is None and not hours.is_open(flow, clock.now()),
        correlation_id=ids.new_id("corr"),
        provider=acceptance.provider_name(incoming.simulated) if incoming.simulated else number.provider,
        provider_call_id=incoming.provider_call_id,
        created_at=now,
        updated_at=now,
        started_at=now,
        answered_at=now,
    )
    return call.model_copy(update=talks.flow_facts(flow)) if flow else call


def _watch(call: Call, seconds: float) -> tuple[Call, Writes]:
    """Returns the call with the timer that ends it, and the timer's write."""
    job = CloseCall(org_id=call.org_id, call_id=call.id, state=call.state.value)
    timer = timers.schedule(job, clock.now() + timedelta(seconds=seconds))
    return call.model_copy(update={"watch": timer.ref}), timer.write


def _received_writes(call: Call) -> Writes:
    data: dict[str, Any] = {"number_id": call.number_id, "tier": call.tier.value}
    if call.flow_id:
        data |= {"flow": call.flow_id, "flow_version": call.flow_version}
    if call.declined:
        data["declined"] = call.declined.value
    if call.after_hours:
        data["after_hours"] = True
    if call.simulated:
        data["simulated"] = True
    return changes.event_writes(call, "voice.call.received", **data)
