"""Places calls of flows that an event from outside starts (`switchboard.triggers`).

Nobody waits for the answer, and nobody states a consent by placing the call: the event or the flow states it, or the
ledger has it.
"""

from __future__ import annotations

from typing import Any

from switchboard.accounts.models import Organization
from switchboard.calls import acceptance, caller_ids, repeated_calls, task_context
from switchboard.calls.caller_ids import CallerId
from switchboard.calls.models import EVENT_SOURCE, Call, Order, Tier
from switchboard.carriers.voice import Voice
from switchboard.compliance.models import StandingConsent
from switchboard.events.models import Origin
from switchboard.flows.models import Flow
from switchboard.kit import clock, ids
from switchboard.persistence.idempotency import IdempotencyGuard


def place_event_call(
    origin: Origin,
    org: Organization,
    flow: Flow,
    to: str,
    context: dict[str, Any],
    *,
    basis: StandingConsent | None,
    once: IdempotencyGuard,
) -> Call:
    """Accepts a call of an outbound flow for dialing if the compliance gate allows it. `to` is a valid number.

    Raises Invalid for a repeated call, a bad context or a missing caller ID, Forbidden for a costly number, Blocked
    with the failed rule, QuotaExceeded and Unavailable.
    """
    acceptance.require_carrier(simulated=False)
    context = task_context.check_context(context)
    variables = task_context.context_variables(context)
    task_context.check_spoken(flow.greeting, variables, "greeting")
    task_context.check_spoken(flow.voicemail_leave_message or "", variables, "voicemail_leave_message")
    caller_id = caller_ids.choose_number(
        org, flow, simulated=False, known=caller_ids.read_newest_numbers(org.id).result(), of_request=False
    )
    voice = acceptance.choose_flow_voice(flow, simulated=False)
    order = Order(
        to=to,
        tier=Tier(voice.tier),
        basis=basis,
        purpose=flow.purpose.value,
        voice_id=voice.id,
        greeting=flow.greeting or None,
        task_context=context,
        metadata={"source": EVENT_SOURCE},
    )
    acceptance.require_destination(order)
    within = acceptance.call_charges(org, order)
    verdict = acceptance.evaluate_call(org, order, within)
    if verdict.allowed:
        acceptance.require_phone()
        acceptance.require_provider(order)
    call = _new_call(origin, org, flow, caller_id, voice, order)
    guard = repeated_calls.latest_call_write(call, forced=False)
    return acceptance.accept_call(origin, call, verdict, once, guard, within=within).call


def _new_call(origin: Origin, org: Organization, flow: Flow, caller_id: CallerId, voice: Voice, order: Order) -> Call:
    now = clock.now_iso()
    return Call(
        id=ids.new_id("call"),
        org_id=org.id,
        source=EVENT_SOURCE,
        tier=order.tier,
        from_number=caller_id.e164,
        number_id=caller_id.number_id,
        to_number=order.to,
        voice_id=voice.id,
        greeting=acceptance.build_greeting(org, order, flow.name, voice.language),
        agent_name=flow.name,
        flow_id=flow.id,
        flow_version=flow.version,
        provider_agent_id=flow.provider_agent_id,
        order=order,
        correlation_id=origin.correlation_id,
        provider=acceptance.provider_name(order.simulated),
        created_at=now,
        updated_at=now,
    )
