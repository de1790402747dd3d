"""Places calls for an agent, and reads calls."""

from __future__ import annotations

from collections.abc import Iterable

from switchboard.accounts.models import Caller
from switchboard.agents import service as agents
from switchboard.agents.service import ActingAgent
from switchboard.calls import acceptance, lengths, store
from switchboard.calls.models import Call, Direction, Order, State
from switchboard.calls.store import find_call, find_calls
from switchboard.carriers import voice
from switchboard.carriers.voice import Voice
from switchboard.carriers.voice.ports.reports import ToolUse, Turn
from switchboard.compliance import service as compliance
from switchboard.compliance.verdicts import Verdict
from switchboard.errors import Invalid, NotFound
from switchboard.kit import clock, ids

__all__ = ["find_call", "find_calls"]


def place_call(caller: Caller, order: Order) -> Call:
    """Accepts a call for dialing if the compliance gate allows it.

    Raises Blocked with the failed rule, Unavailable when the phone feature is off or no provider is available,
    QuotaExceeded at the tier's daily cap or the hard cap, Invalid, Forbidden, NotFound.
    """
    acceptance.require_phone()
    acceptance.require_carrier(simulated=order.simulated)
    agent = agents.choose_agent(caller, order.agent_id)
    spoken = _voice(order)
    acceptance.require_destination(order)
    acceptance.require_provider(order)
    agent.start()
    within = acceptance.call_charges(caller.organization, order)
    verdict = acceptance.evaluate_call(caller.organization, order, within)
    accepted = _accepted(caller, agent.result(), order, spoken)
    return acceptance.accept_call(caller, accepted, verdict, caller.effect, within=within).call


def _accepted(caller: Caller, agent: ActingAgent, order: Order, spoken: Voice) -> Call:
    now = clock.now_iso()
    return Call(
        id=ids.new_id("call"),
        org_id=caller.org_id,
        agent_id=agent.id,
        source="anima",
        tier=order.tier,
        from_number=_caller_id(caller, agent, order),
        to_number=order.to,
        voice_id=spoken.id,
        greeting=acceptance.build_greeting(caller.organization, order, agent.name, spoken.language),
        agent_name=agent.name,
        order=order,
        correlation_id=caller.correlation_id,
        key_id=caller.key.id,
        provider=acceptance.provider_name(order.simulated),
        created_at=now,
        updated_at=now,
    )


def _voice(order: Order) -> Voice:
    voices = list_voices(order.tier.value)
    if order.voice_id is None:
        return voices[0]
    found = next((one for one in voices if one.id == order.voice_id), None)
    if found is None:
        raise Invalid(
            "This tier has no such voice: choose one of its voices, or omit voiceId.",
            fields={"voiceId": "must be the id of a voice of this tier"},
        )
    return found


def _caller_id(caller: Caller, agent: ActingAgent, order: Order) -> str:
    if order.from_number is None:
        return acceptance.choose_caller_id(caller.organization, [agent.phone_number], agent.id)
    if order.from_number not in (agent.phone_number, caller.organization.caller_id):
        raise Invalid(
            "Invalid caller ID: send your agent's number, or omit fromNumber.",
            fields={"fromNumber": "must be your agent's number"},
        )
    return order.from_number


def get_call(caller: Caller, call_id: str) -> Call:
    """Returns the organization's call with this id. An agent key sees only its agent's calls. Raises NotFound."""
    call = store.CALLS.get_object(caller.org_id, call_id)
    if not call or not (caller.is_master or call.agent_id == caller.agent_id):
        raise NotFound("There is no such call: check its id.")
    return call


def get_verdict(caller: Caller, call_id: str) -> Verdict:
    """Returns the gate's latest verdict on the call. Raises NotFound."""
    return compliance.get_verdict(caller.org_id, get_call(caller, call_id).id)


def list_calls(
    caller: Caller,
    agent_id: str | None,
    states: list[State],
    direction: Direction | None,
    limit: int,
    after: str | None,
) -> tuple[list[Call], str | None]:
    """Returns a page of calls, newest first. An agent key sees only its agent's calls. A master key may filter.

    `agent_id` selects the calls of one agent. Raises NotFound for another agent than the key's.
    """
    if not caller.is_master:
        if agent_id not in (None, caller.agent_id):
            raise NotFound("There is no such agent: check its id.")
        agent_id = caller.agent_id
    return store.list_calls(caller.org_id, agent_id, states, direction, limit, after)


def list_turns(caller: Caller, call_id: str) -> Iterable[Turn]:
    """Returns the turns so far, in order."""
    call = get_call(caller, call_id)
    return lengths.fit_turns(call, store.list_turns(call.org_id, call.id))


def list_tool_uses(caller: Caller, call_id: str) -> list[ToolUse]:
    """Returns the agent's tool uses so far, in order."""
    call = get_call(caller, call_id)
    return store.list_tool_uses(call.org_id, call.id)


def list_voices(tier: str | None = None, language: str | None = None, gender: str | None = None) -> list[Voice]:
    """Returns the voices that a call may use: all of them, or those of a tier, a language and a gender."""
    return [
        one
        for one in voice.get_carrier().talker.list_voices()
        if tier in (None, one.tier) and language in (None, "", one.language) and gender in (None, one.gender)
    ]
