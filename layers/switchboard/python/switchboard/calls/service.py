"""Places calls for an agent, and reads calls."""

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
    """Accepts a call for dialing if the compliance gate allows it.

    Raises Blocked with the failed rule, Unavailable when the phone feature is off or no provider is available,
    QuotaExceeded at the tier's daily cap or the hard cap, Invalid, Forbidden, NotFound.
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
        raise Invalid("This tier has no such voice.", fields={"voiceId": "must be the id of a voice of this tier"})
    return found


def _caller_id(caller: Caller, agent: Acting, order: Order) -> str:
    if order.from_number is None:
        return placing.caller_id(caller.organisation, [agent.phone_number], agent.id)
    if order.from_number not in (agent.phone_number, caller.organisation.caller_id):
        raise Invalid("Invalid caller ID.", fields={"fromNumber": "must be your agent's number"})
    return order.from_number


def find(org_id: str, call_id: str) -> Call | None:
    """Returns the organization's call with this id, for a worker."""
    return store.CALLS.get(org_id, call_id)


def find_many(places: Sequence[tuple[str, str]]) -> list[Call | None]:
    """Returns the calls of up to a hundred pairs of organization and id, in the same order, for a worker."""
    return store.CALLS.get_across(places)


def get(caller: Caller, call_id: str) -> Call:
    """Returns the organization's call with this id. An agent key sees only its agent's calls. Raises NotFound."""
    call = store.CALLS.get(caller.org_id, call_id)
    if not call or not (caller.is_master or call.agent_id == caller.agent_id):
        raise NotFound("There is no such call.")
    return call


def verdict_of(caller: Caller, call_id: str) -> Verdict:
    """Returns the gate's latest verdict on the call. Raises NotFound."""
    return compliance.get(caller.org_id, get(caller, call_id).id)


def listing(
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
            raise NotFound("There is no such agent.")
        agent_id = caller.agent_id
    page = store.page(caller.org_id, agent_id, [state.value for state in states], direction, limit, after)
    return [store.CALLS.read(item) for item in page.items], page.cursor


def transcript(caller: Caller, call_id: str) -> Iterable[Turn]:
    """Returns the turns so far, in order."""
    call = get(caller, call_id)
    return store.turns(call.org_id, call.id)


def tools(caller: Caller, call_id: str) -> list[ToolUse]:
    """Returns the agent's tool uses so far, in order."""
    call = get(caller, call_id)
    return store.tools(call.org_id, call.id)


def voices() -> list[Voice]:
    """Returns the voices that a call may use."""
    return voice.carrier().talker.voices()
