"""Places calls for a member at the console: calls out of a flow, and calls that try a flow out.

The member states the consent by placing the call, if neither the flow nor the ledger has one: the person gave the
number to the organization for its calls. That suffices for informational calls only (`compliance.data.consent`). The
ledger keeps the first statement, whose age counts.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from switchboard.calls import acceptance, caller_ids, repeated_calls, task_context
from switchboard.calls.caller_ids import CallerId
from switchboard.calls.models import CONSOLE_SOURCE, Call, Order, Tier
from switchboard.carriers.voice import Voice
from switchboard.compliance import phone
from switchboard.compliance import service as compliance
from switchboard.compliance.models import ConsentSource, ContactAttempt, StandingConsent
from switchboard.compliance.service import KnownFacts
from switchboard.errors import Forbidden, Invalid
from switchboard.flows import service as flows
from switchboard.flows.models import Flow
from switchboard.kit import clock, ids
from switchboard.kit.background import BackgroundTask
from switchboard.numbers import service as numbers
from switchboard.numbers.models import Number
from switchboard.team.models import Member
from switchboard.team.permissions import Role

#: The consent that a member states by placing a call.
_MEMBERS_CONSENT = ConsentSource.PRIOR_EXPRESS.value


class OutboundRequest(BaseModel):
    """A member's request for a call. `force` skips the organization's own hours and the guard against repeated calls.

    The law, the do-not-call list and opt-outs always apply.
    """

    model_config = ConfigDict(frozen=True)

    flow_id: str
    to: str
    task_context: dict[str, Any] = Field(default_factory=dict)
    caller_id_number_id: str | None = None
    force: bool = False


class _Attempt(BaseModel):
    """One call of a member: the flow, the number to show, and the order."""

    flow: Flow
    caller_id: CallerId
    voice: Voice
    order: Order
    is_test: bool = False


def place_outbound_call(member: Member, wanted: OutboundRequest) -> Call:
    """Accepts a call of an outbound flow for dialing if the compliance gate allows it.

    Raises NotFound for an unknown flow, Invalid for a flow of another kind, a repeated call, a bad number, caller ID or
    context, Forbidden for `force` without the role, Blocked with the failed rule, QuotaExceeded and Unavailable.
    """
    _require_force(member, forced=wanted.force)
    number, context = phone.parse(wanted.to), task_context.check_context(wanted.task_context)
    known = _known_facts(member, number.e164, simulated=False)
    known.start()
    owner = _find_owner(number.e164)
    named = _named_number(member, wanted.caller_id_number_id)
    newest = None if named else caller_ids.read_newest_numbers(member.org_id)
    flow = flows.get_flow(member.org_id, wanted.flow_id)
    if flow.kind != "outbound":
        raise Invalid(
            "This flow answers calls: choose a flow of the kind outbound.",
            code="flow_not_outbound",
            fields={"flow_id": "must be the id of an outbound flow"},
        )
    acceptance.require_carrier(simulated=False)
    _require_others_number(member, owner)
    caller_id = _choose_caller_id(member, flow, named, newest)
    voice = acceptance.choose_flow_voice(flow, simulated=False)
    # A person must not hear the name of a variable. Only the tester of a flow does.
    variables = task_context.context_variables(context)
    task_context.check_spoken(flow.greeting, variables, "greeting")
    task_context.check_spoken(flow.voicemail_leave_message or "", variables, "voicemail_leave_message")
    order = _order(member, flow, voice, number.e164, context).model_copy(update={"skips_own_hours": wanted.force})
    attempt = _Attempt(flow=flow, caller_id=caller_id, voice=voice, order=order)
    return _place(member, attempt, known.result(), forced=wanted.force)


def _require_force(member: Member, *, forced: bool) -> None:
    if forced and member.role is not Role.ADMIN:
        raise Forbidden("Only admins may force a call: omit force, or ask an admin.", code="force_not_allowed")


def place_test_call(
    member: Member,
    flow_id: str,
    to: str,
    context: dict[str, Any] | None = None,
    *,
    simulated: bool,
    force: bool = False,
) -> Call:
    """Accepts a call that tries a flow out. It is simulated on request, and without a carrier or a talker.

    Names of variables without a value in the task context stay, so that the tester sees them. A real call rings at a
    person's telephone: the guard against repeated calls applies, unless an admin forces it.

    Raises NotFound for an unknown flow, Invalid, Forbidden, Blocked, QuotaExceeded and Unavailable.
    """
    _require_force(member, forced=force)
    number, context = phone.parse(to), task_context.check_context(context or {})
    simulated = simulated or not acceptance.has_live_carrier()
    known = _known_facts(member, number.e164, simulated=simulated)
    known.start()
    owner = None if simulated else _find_owner(number.e164)
    flow = flows.get_flow(member.org_id, flow_id)
    if owner:
        _require_others_number(member, owner)
    voice = acceptance.choose_flow_voice(flow, simulated=simulated)
    attempt = _Attempt(
        flow=flow,
        caller_id=caller_ids.choose_number(member.organization, flow, simulated=simulated, of_request=False),
        voice=voice,
        order=_order(member, flow, voice, number.e164, context).model_copy(
            update={"simulated": simulated, "skips_own_hours": force}
        ),
        is_test=True,
    )
    return _place(member, attempt, known.result(), forced=force)


def _known_facts(member: Member, e164: str, *, simulated: bool) -> BackgroundTask[KnownFacts]:
    """Returns the task that reads what the gate must know about a number. It runs while the flow is read."""
    contact = ContactAttempt(
        org_id=member.org_id, channel="voice", to=e164, basis=_members_consent(member), simulated=simulated
    )
    return BackgroundTask(partial(compliance.read_known_facts, contact))


def _find_owner(e164: str) -> BackgroundTask[str | None]:
    """Returns the started task that finds the organization that has the called number."""
    task = BackgroundTask(partial(numbers.find_owner, e164))
    task.start()
    return task


def _require_others_number(member: Member, owner: BackgroundTask[str | None]) -> None:
    """Raises Invalid for a number of the member's organization: two of its flows would talk with each other."""
    if owner.result() == member.org_id:
        problem = "is a number of the organization: call another number"
        raise Invalid(f"Invalid telephone number: it {problem}.", code="invalid_number", fields={"to": problem})


def _named_number(member: Member, number_id: str | None) -> BackgroundTask[CallerId] | None:
    """Returns the task that reads the number of the request."""
    if number_id is None:
        return None
    task = BackgroundTask(partial(caller_ids.require_number, member.org_id, number_id))
    task.start()
    return task


def _choose_caller_id(
    member: Member, flow: Flow, named: BackgroundTask[CallerId] | None, newest: BackgroundTask[list[Number]] | None
) -> CallerId:
    if named:
        return named.result()
    known = newest.result() if newest else []
    return caller_ids.choose_number(member.organization, flow, simulated=False, known=known)


def _members_consent(member: Member) -> StandingConsent:
    today = clock.now_iso()[:10]
    return StandingConsent.of_member(member.user_id, _MEMBERS_CONSENT, today)


def _order(member: Member, flow: Flow, voice: Voice, to: str, context: dict[str, Any]) -> Order:
    return Order(
        to=to,
        tier=Tier(voice.tier),
        basis=flow.basis or _members_consent(member),
        purpose=flow.purpose.value,
        voice_id=voice.id,
        greeting=flow.greeting or None,
        task_context=context,
        metadata={"source": CONSOLE_SOURCE},
    )


def _place(member: Member, attempt: _Attempt, known: KnownFacts, *, forced: bool) -> Call:
    org, order = member.organization, attempt.order
    acceptance.require_destination(order)
    within = acceptance.call_charges(org, order)
    verdict = acceptance.evaluate_call(org, order, within, known)
    if verdict.allowed:
        acceptance.require_phone()
        acceptance.require_provider(order)
    call = _accepted(member, attempt)
    guard = None if order.simulated else repeated_calls.latest_call_write(call, forced=forced)
    return acceptance.accept_call(member, call, verdict, member.effect, guard, within=within).call


def _accepted(member: Member, attempt: _Attempt) -> Call:
    flow, order, now = attempt.flow, attempt.order, clock.now_iso()
    return Call(
        id=ids.new_id("call"),
        org_id=member.org_id,
        source=CONSOLE_SOURCE,
        tier=order.tier,
        from_number=attempt.caller_id.e164,
        number_id=attempt.caller_id.number_id,
        to_number=order.to,
        voice_id=attempt.voice.id,
        greeting=acceptance.build_greeting(member.organization, order, flow.name, attempt.voice.language),
        agent_name=flow.name,
        flow_id=flow.id,
        flow_version=flow.version,
        provider_agent_id=flow.provider_agent_id,
        is_test=attempt.is_test,
        placed_by=member.user_id,
        order=order,
        correlation_id=member.correlation_id,
        provider=acceptance.provider_name(order.simulated),
        created_at=now,
        updated_at=now,
    )
