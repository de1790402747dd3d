"""Placing calls in an agent's name, and reading them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from switchboard.accounts.models import Caller
from switchboard.agents import service as agents
from switchboard.agents.service import Acting
from switchboard.aws import clock, ids
from switchboard.calls import placing, store
from switchboard.calls.models import Call, Direction, Order, State
from switchboard.carriers import voice
from switchboard.carriers.voice import Voice
from switchboard.carriers.voice.reports import ToolUse, Turn
from switchboard.compliance import service as compliance
from switchboard.compliance.models import Verdict
from switchboard.errors import Invalid, NotFound


def place(caller: Caller, order: Order) -> Call:
    """Accept a call for dialling, if the compliance gate lets it pass.

    Raises Unavailable when the phone feature is off, or there is no provider or it is down, Blocked with the rule that
    failed, QuotaExceeded at the tier's daily cap or the hard cap, Invalid, Forbidden, NotFound.
    """
    placing.require_phone()
    placing.require_carrier(simulated=order.simulated)
    agent = agents.choose(caller, order.agent_id)
    spoken = _voice(order)
    placing.require_destination(order)
    placing.require_provider(order)
    agent.begin()
    within = placing.charges(caller.organisation, order)
    verdict = placing.evaluate(caller.organisation, order, within)
    accepted = _accepted(caller, agent.result(), order, spoken)
    return placing.place(caller, accepted, verdict, caller.effect, within=within).call


def _accepted(caller: Caller, agent: Acting, order: Order, spoken: Voice) -> Call:
    now = clock.stamp()
    return Call(
        id=ids.new("call"),
        org_id=caller.org_id,
        agent_id=agent.id,
        source="anima",
        tier=order.tier,
        from_number=_caller_id(caller, agent, order),
        to_number=order.to,
        voice_id=spoken.id,
        greeting=placing.greeting(caller.organisation, order, agent.name, spoken.language),
        agent_name=agent.name,
        order=order,
        correlation_id=caller.correlation_id,
        key_id=caller.key.id,
        provider=placing.provider(order.simulated),
        created_at=now,
        updated_at=now,
    )


def _voice(order: Order) -> Voice:
    voices = [one for one in voice.carrier().talker.voices() if one.tier == order.tier.value]
    if order.voice_id is None:
        return voices[0]
    found = next((one for one in voices if one.id == order.voice_id), None)
    if found is None:
        raise Invalid("There is no such voice in this tier.", fields={"voiceId": "is in no catalogue of the tier"})
    return found


def _caller_id(caller: Caller, agent: Acting, order: Order) -> str:
    if order.from_number is None:
        return placing.caller_id(caller.organisation, [agent.phone_number], agent.id)
    if order.from_number not in (agent.phone_number, caller.organisation.caller_id):
        raise Invalid("This is not a number of yours.", fields={"fromNumber": "belongs to no one here"})
    return order.from_number


def find(org_id: str, call_id: str) -> Call | None:
    """The organisation's call of that id, for a worker."""
    return store.CALLS.get(org_id, call_id)


def find_many(places: Sequence[tuple[str, str]]) -> list[Call | None]:
    """The calls of up to a hundred pairs of organization and id, in their order, for a worker."""
    return store.CALLS.get_across(places)


def get(caller: Caller, call_id: str) -> Call:
    """The organisation's call of that id, or for an agent key the agent's own. Raises NotFound."""
    call = store.CALLS.get(caller.org_id, call_id)
    if not call or not (caller.is_master or call.agent_id == caller.agent_id):
        raise NotFound("There is no such call.")
    return call


def verdict_of(caller: Caller, call_id: str) -> Verdict:
    """The gate's verdict that let the call pass. Raises NotFound."""
    return compliance.get(caller.org_id, get(caller, call_id).id)


def listing(
    caller: Caller,
    agent_id: str | None,
    states: list[State],
    direction: Direction | None,
    limit: int,
    after: str | None,
) -> tuple[list[Call], str | None]:
    """A page of calls, newest first. An agent key sees its agent's; a master key all, or those of `agent_id`."""
    if not caller.is_master:
        if agent_id not in (None, caller.agent_id):
            raise NotFound("There is no such agent.")
        agent_id = caller.agent_id
    page = store.page(caller.org_id, agent_id, [state.value for state in states], direction, limit, after)
    return [store.CALLS.read(item) for item in page.items], page.cursor


def transcript(caller: Caller, call_id: str) -> Iterable[Turn]:
    """What was said so far, in order."""
    call = get(caller, call_id)
    return store.turns(call.org_id, call.id)


def tools(caller: Caller, call_id: str) -> list[ToolUse]:
    """The tools that the agent used so far, in order."""
    call = get(caller, call_id)
    return store.tools(call.org_id, call.id)


def voices() -> list[Voice]:
    """The voices that a call may have."""
    return voice.carrier().talker.voices()
