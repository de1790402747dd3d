"""Initiates calls of a flow for a back end, and returns their status (the two actions of the OptiComm contract)."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager

from pydantic import BaseModel, ConfigDict, Field

from switchboard.accounts.models import ApiKey, Caller, KeyKind
from switchboard.aws import clock, ids
from switchboard.aws.effect import done_before
from switchboard.calls import placing, store
from switchboard.calls.models import Call, Order, Tier
from switchboard.calls.placing import Placed
from switchboard.calls.requests import RequestId
from switchboard.carriers.voice import Voice
from switchboard.compliance import phone
from switchboard.compliance.models import Basis
from switchboard.errors import DomainError, Forbidden, NotFound, QuotaExceeded
from switchboard.flows import service as flows
from switchboard.flows.models import Flow
from switchboard.usage import service as usage
from switchboard.usage.service import Charge
from switchboard.webhooks import callbacks
from switchboard.webhooks.callbacks import Callback

SOURCE = "opticomm"
#: The default limit of accepted calls for a key and day (UTC) (docs/contracts/opticomm.md#limits).
CALLS_PER_DAY = 1_000
#: Longer ids cannot exist.
_LONGEST_ID = 255

Admitted = Callable[[], AbstractContextManager[None]]


class Wanted(BaseModel):
    """A back end's request for a call. `agent` is a flow's id, or its agent's id at the provider."""

    model_config = ConfigDict(frozen=True)

    agent: str
    to: str
    variables: dict[str, str] = Field(default_factory=dict)
    first_message: str | None = None
    request_id: str | None = None
    callback_url: str | None = None
    time_zone: str | None = None
    recipient_state: str | None = None


def initiate(caller: Caller, wanted: Wanted, admitted: Admitted) -> Placed:
    """Accepts a call for dialing, or returns the call with the same `request_id`.

    A repeated request returns its call before any other check. A new call runs within `admitted`, the caller's request
    limits.

    Raises QuotaExceeded at the daily limit of the key or the plan or at the hard cap. Raises Forbidden for an agent
    that the key may not use, and NotFound for an unknown agent. Raises Invalid, Blocked, Unavailable and the errors
    of `admitted`.
    """
    once = RequestId(caller.org_id, _mode(caller), wanted.request_id) if wanted.request_id else None
    of_key = _of_key(caller)
    known, total = store.request_beside(caller.org_id, _mode(caller), wanted.request_id, usage.total_key(of_key))
    if known:
        return Placed(placing.first(caller.org_id, known), duplicate=True)
    try:
        with admitted():
            callback = _callback(caller, wanted.callback_url)
            usage.require_room([of_key], [total])
            return _place(caller, wanted, once, callback, of_key)
    except DomainError:
        # A concurrent request with this id may have won. Return its call instead of an error.
        if done := done_before(once):
            return Placed(placing.first(caller.org_id, done.subject_id), duplicate=True)
        raise


def _place(caller: Caller, wanted: Wanted, once: RequestId | None, callback: Callback | None, of_key: Charge) -> Placed:
    number = phone.parse(wanted.to)
    flow = flows.outbound(caller.org_id, wanted.agent)
    _require_allowed(caller.key, wanted.agent, flow)
    placing.require_carrier(simulated=_simulated(caller))
    voice = _voice(flow, _simulated(caller))
    order = Order(
        to=number.e164,
        tier=Tier(voice.tier),
        basis=_basis(caller.key, flow),
        purpose=flow.purpose.value,
        simulated=_simulated(caller),
        voice_id=voice.id,
        greeting=wanted.first_message or flow.greeting or None,
        prompt=flow.system_prompt or None,
        variables=wanted.variables,
        time_zone=wanted.time_zone,
        recipient_state=wanted.recipient_state,
        metadata={"source": SOURCE, "test": _simulated(caller)},
    )
    placing.require_destination(order)
    within = [of_key, *placing.charges(caller.organisation, order)]
    verdict = placing.evaluate(caller.organisation, order, within)
    if verdict.allowed:
        placing.require_phone()
        placing.require_provider(order)
    call = _accepted(caller, wanted, flow, order, voice, callback.id if callback else None)
    return placing.place(caller, call, verdict, once, callback.writes if callback else None, within=within)


def _accepted(caller: Caller, wanted: Wanted, flow: Flow, order: Order, voice: Voice, callback_id: str | None) -> Call:
    now = clock.stamp()
    return Call(
        id=ids.new("call"),
        org_id=caller.org_id,
        agent_id=None,
        source=SOURCE,
        tier=order.tier,
        from_number=placing.caller_id(caller.organisation, [flow.caller_id], flow.id),
        to_number=order.to,
        voice_id=voice.id,
        greeting=placing.greeting(caller.organisation, order, flow.name, voice.language),
        agent_name=flow.name,
        flow_id=flow.id,
        agent_ref=wanted.agent,
        provider_agent_id=flow.provider_agent_id,
        request_id=wanted.request_id,
        conversation_id=ids.new("conv"),
        callback_id=callback_id,
        order=order,
        correlation_id=caller.correlation_id,
        key_id=caller.key.id,
        provider=placing.provider(order.simulated),
        created_at=now,
        updated_at=now,
    )


def is_known(caller: Caller, request_id: str) -> bool:
    """Whether a call has this `request_id`, from a key of the same kind (live or test)."""
    return store.request(caller.org_id, _mode(caller), request_id) is not None


def status(caller: Caller, call_id: str | None, request_id: str | None) -> Call:
    """Returns the call with this id, else with this `request_id`. Raises NotFound, also for the other kind of key."""
    if call_id is None and request_id is not None and len(request_id) <= _LONGEST_ID:
        call_id = store.request(caller.org_id, _mode(caller), request_id)
    call = store.CALLS.get(caller.org_id, call_id) if call_id and len(call_id) <= _LONGEST_ID else None
    if not call or call.source != SOURCE or call.simulated != _simulated(caller):
        raise NotFound("There is no such call.", code="call_not_found")
    return call


def _simulated(caller: Caller) -> bool:
    return caller.key.kind is KeyKind.OPTICOMM_TEST


def _mode(caller: Caller) -> str:
    return "test" if _simulated(caller) else "live"


def _callback(caller: Caller, url: str | None) -> Callback | None:
    return callbacks.endpoint_for(caller.org_id, caller.key.id, url) if url is not None else None


def _require_allowed(key: ApiKey, name: str, flow: Flow) -> None:
    allowed = key.restrictions.agents
    if allowed and not {name, flow.id, flow.provider_agent_id} & set(allowed):
        raise Forbidden("This key is not allowed to use this agent.", code="agent_not_allowed")


def _basis(key: ApiKey, flow: Flow) -> Basis | None:
    """Returns the consent of the key, which applies to exactly its calls, else the consent of the flow."""
    own = key.restrictions
    if own.consent_source is not None:
        return Basis(source=own.consent_source, date=own.consent_date, of=key.id)
    return flow.basis


def _voice(flow: Flow, simulated: bool) -> Voice:
    """Returns the flow's voice, which decides the tier. Falls back to a basic voice if the carrier does not have it."""
    voices = placing.carrier(simulated).talker.voices()
    return next((one for one in voices if one.id == flow.voice), None) or next(
        one for one in voices if one.tier == Tier.BASIC
    )


def _calls_per_day(key: ApiKey) -> int:
    return key.restrictions.requests_per_day or CALLS_PER_DAY


def _of_key(caller: Caller) -> Charge:
    limit = _calls_per_day(caller.key)
    full = QuotaExceeded(
        f"This key has reached its daily limit of {limit:,} calls. Try again tomorrow (UTC).",
        code="daily_cap",
        resource="key",
        current=limit,
        cap=limit,
    )
    return usage.within_day_of_key(caller.organisation, caller.key.id, limit, full)
