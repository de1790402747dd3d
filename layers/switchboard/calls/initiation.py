"""Initiates calls of a flow for a back end, and returns their status (the two actions of the OptiComm contract)."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager

from pydantic import BaseModel, ConfigDict, Field

from switchboard.accounts.models import ApiKey, Caller, KeyKind
from switchboard.calls import acceptance, store
from switchboard.calls.acceptance import AcceptedCall
from switchboard.calls.models import Call, Order, Tier
from switchboard.calls.request_ids import RequestId
from switchboard.carriers.voice import Voice
from switchboard.compliance import phone
from switchboard.compliance.models import StandingConsent
from switchboard.errors import DomainError, Forbidden, NotFound, QuotaExceeded
from switchboard.flows import service as flows
from switchboard.flows.models import Flow
from switchboard.kit import clock, ids
from switchboard.persistence.idempotency import find_earlier_effect
from switchboard.usage import service as usage
from switchboard.usage.service import Charge
from switchboard.webhooks import callbacks
from switchboard.webhooks.callbacks import CallbackEndpoint

OPTICOMM_SOURCE = "opticomm"
#: The default limit of accepted calls for a key and day (UTC) (docs/contracts/opticomm.md#limits).
DEFAULT_CALLS_PER_DAY = 1_000
#: Longer ids cannot exist.
_MAX_ID_CHARACTERS = 255

RequestLimitGuard = Callable[[], AbstractContextManager[None]]


class CallRequest(BaseModel):
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


def initiate_call(caller: Caller, wanted: CallRequest, admitted: RequestLimitGuard) -> AcceptedCall:
    """Accepts a call for dialing, or returns the call with the same `request_id`.

    A repeated request returns its call before any other check. A new call runs within `admitted`, the caller's request
    limits.

    Raises QuotaExceeded at the daily limit of the key or the plan or at the hard cap. Raises Forbidden for an agent
    that the key may not use, and NotFound for an unknown agent. Raises Invalid, Blocked, Unavailable and the errors
    of `admitted`.
    """
    once = RequestId(caller.org_id, _mode(caller), wanted.request_id) if wanted.request_id else None
    of_key = _of_key(caller)
    known, total = store.get_call_id_of_request_with(
        caller.org_id, _mode(caller), wanted.request_id, usage.total_ref(of_key)
    )
    if known:
        return AcceptedCall(acceptance.get_first_call(caller.org_id, known), duplicate=True)
    try:
        with admitted():
            callback = _callback(caller, wanted.callback_url)
            usage.require_room([of_key], [total])
            return _place(caller, wanted, once, callback, of_key)
    except DomainError:
        # A concurrent request with this id may have won. Return its call instead of an error.
        if done := find_earlier_effect(once):
            return AcceptedCall(acceptance.get_first_call(caller.org_id, done.subject_id), duplicate=True)
        raise


def _place(
    caller: Caller, wanted: CallRequest, once: RequestId | None, callback: CallbackEndpoint | None, of_key: Charge
) -> AcceptedCall:
    number = phone.parse(wanted.to, "phone_number")
    flow = flows.get_outbound_flow(caller.org_id, wanted.agent)
    _require_allowed(caller.key, wanted.agent, flow)
    acceptance.require_carrier(simulated=_simulated(caller))
    voice = acceptance.choose_flow_voice(flow, simulated=_simulated(caller))
    order = Order(
        to=number.e164,
        tier=Tier(voice.tier),
        basis=_basis(caller.key, flow),
        purpose=flow.purpose.value,
        simulated=_simulated(caller),
        voice_id=voice.id,
        greeting=wanted.first_message or flow.greeting or None,
        variables=wanted.variables,
        time_zone=wanted.time_zone,
        recipient_state=wanted.recipient_state,
        metadata={"source": OPTICOMM_SOURCE, "test": _simulated(caller)},
    )
    acceptance.require_destination(order)
    within = [of_key, *acceptance.call_charges(caller.organization, order)]
    verdict = acceptance.evaluate_call(caller.organization, order, within)
    if verdict.allowed:
        acceptance.require_phone()
        acceptance.require_provider(order)
    call = _accepted(caller, wanted, flow, order, voice, callback.id if callback else None)
    return acceptance.accept_call(caller, call, verdict, once, callback.writes if callback else None, within=within)


def _accepted(
    caller: Caller, wanted: CallRequest, flow: Flow, order: Order, voice: Voice, callback_id: str | None
) -> Call:
    now = clock.now_iso()
    return Call(
        id=ids.new_id("call"),
        org_id=caller.org_id,
        agent_id=None,
        source=OPTICOMM_SOURCE,
        tier=order.tier,
        from_number=acceptance.choose_caller_id(caller.organization, [flows.find_caller_id(flow)], flow.id),
        to_number=order.to,
        voice_id=voice.id,
        greeting=acceptance.build_greeting(caller.organization, order, flow.name, voice.language),
        agent_name=flow.name,
        flow_id=flow.id,
        flow_version=flow.version,
        agent_ref=wanted.agent,
        provider_agent_id=flow.provider_agent_id,
        request_id=wanted.request_id,
        conversation_id=ids.new_id("conv"),
        callback_id=callback_id,
        order=order,
        correlation_id=caller.correlation_id,
        key_id=caller.key.id,
        provider=acceptance.provider_name(order.simulated),
        created_at=now,
        updated_at=now,
    )


def has_request_id(caller: Caller, request_id: str) -> bool:
    """Whether a call has this `request_id`, from a key of the same kind (live or test)."""
    return store.get_call_id_of_request(caller.org_id, _mode(caller), request_id) is not None


def get_call(caller: Caller, call_id: str | None, request_id: str | None) -> Call:
    """Returns the call with this id, else with this `request_id`. Raises NotFound, also for the other kind of key."""
    if call_id is None and request_id is not None and len(request_id) <= _MAX_ID_CHARACTERS:
        call_id = store.get_call_id_of_request(caller.org_id, _mode(caller), request_id)
    call = store.CALLS.get_object(caller.org_id, call_id) if call_id and len(call_id) <= _MAX_ID_CHARACTERS else None
    if not call or call.source != OPTICOMM_SOURCE or call.simulated != _simulated(caller):
        raise NotFound("There is no such call: check its id.", code="call_not_found")
    return call


def _simulated(caller: Caller) -> bool:
    return caller.key.kind is KeyKind.OPTICOMM_TEST


def _mode(caller: Caller) -> str:
    return "test" if _simulated(caller) else "live"


def _callback(caller: Caller, url: str | None) -> CallbackEndpoint | None:
    return callbacks.ensure_callback_endpoint(caller.org_id, caller.key.id, url) if url is not None else None


def _require_allowed(key: ApiKey, name: str, flow: Flow) -> None:
    allowed = key.restrictions.agents
    if allowed and not {name, flow.id, flow.provider_agent_id} & set(allowed):
        raise Forbidden(
            "This key is not allowed to use this agent: name another agent, or use another key.",
            code="agent_not_allowed",
        )


def _basis(key: ApiKey, flow: Flow) -> StandingConsent | None:
    """Returns the consent of the key, which applies to exactly its calls, else the consent of the flow."""
    own = key.restrictions
    if own.consent_source is not None:
        return StandingConsent(source=own.consent_source, date=own.consent_date, of=key.id)
    return flow.basis


def _calls_per_day(key: ApiKey) -> int:
    return key.restrictions.requests_per_day or DEFAULT_CALLS_PER_DAY


def _of_key(caller: Caller) -> Charge:
    limit = _calls_per_day(caller.key)
    full = QuotaExceeded(
        f"This key has reached its daily limit of {limit:,} calls. Try again tomorrow (UTC).",
        code="daily_cap",
        resource="key",
        current=limit,
        cap=limit,
    )
    return usage.daily_charge_of_key(caller.organization, caller.key.id, limit, full)
