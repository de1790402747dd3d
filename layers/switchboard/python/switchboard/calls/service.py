"""Placing calls and reading them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from switchboard.accounts.models import Caller, Organisation
from switchboard.agents import service as agents
from switchboard.agents.service import Acting
from switchboard.aws import clock, cursor, ids, secret, settings
from switchboard.aws.effect import AlreadyDone
from switchboard.aws.table import Writes, commit
from switchboard.calls import store
from switchboard.calls.models import Call, Order, State, Tier, ToolUse, Turn
from switchboard.carriers import voice
from switchboard.carriers.voice import Voice
from switchboard.compliance import service as compliance
from switchboard.compliance.errors import Blocked, blocked
from switchboard.compliance.models import Consent, Contact, Verdict, Window
from switchboard.errors import Invalid, NotFound, Unavailable
from switchboard.events import service as events
from switchboard.events.models import Subject
from switchboard.timers import service as timers
from switchboard.timers.models import Timer
from switchboard.usage import service as usage
from switchboard.usage.models import Meter

METER = {Tier.BASIC: Meter.VOICE_BASIC, Tier.PREMIUM: Meter.VOICE_PREMIUM}
#: Longer than a dialler goes on trying (switchboard.calls.dialing).
_DIALLED_WITHIN = timedelta(minutes=15)
_GREETING = "Hello, this is {name}, an automated assistant."


def place(caller: Caller, order: Order) -> Call:
    """Accept a call for dialling, if the compliance gate lets it pass.

    Raises Unavailable when the phone feature is off or the provider is down, Blocked with the rule that failed,
    QuotaExceeded at the tier's daily cap or the hard cap, Invalid, Forbidden, NotFound.
    """
    if not settings.flag("FEATURE_PHONE_ENABLED", default=True):
        raise Unavailable("Calls are switched off.", code="phone_disabled")
    agent = agents.chosen(caller, order.agent_id)
    voice_id = _voice(order)
    if not voice.carrier().available(order.to):
        raise Unavailable("The voice provider is down.", code="provider_down", retry_after=30)
    verdict = compliance.evaluate(contact(caller.organisation, order))
    call = _accepted(caller, agent, order, voice_id)
    try:
        if not verdict.allowed:
            if caller.effect:
                caller.effect.require_new()
            raise blocked(verdict)
        _commit(caller, call, verdict)
    except AlreadyDone as done:
        return get(caller, done.subject_id)
    except Blocked as refusal:
        # Refused by the verdict, or by a block or an opt-out that landed behind it.
        told = _event(caller, call, "voice.call.blocked", verdict, code=refusal.code)
        commit(compliance.record(verdict, call.id), told)
        raise
    return call


def _accepted(caller: Caller, agent: Acting, order: Order, voice_id: str) -> Call:
    now = clock.stamp()
    return Call(
        id=ids.new("call"),
        org_id=caller.org_id,
        agent_id=agent.id,
        source="anima",
        tier=order.tier,
        from_number=_caller_id(caller, agent, order),
        to_number=order.to,
        voice_id=voice_id,
        greeting=order.greeting or _GREETING.format(name=agent.name),
        order=order,
        correlation_id=caller.correlation_id,
        provider=voice.name(),
        created_at=now,
        updated_at=now,
    )


def _commit(caller: Caller, call: Call, verdict: Verdict) -> None:
    terms = caller.organisation.terms
    limit = terms.basic_calls_per_day if call.tier is Tier.BASIC else terms.premium_calls_per_day
    usage.commit_spending(
        caller.organisation,
        METER[call.tier],
        1,  # the first minute; what the call really took is settled when it ends
        caller.effect.marker(call.id) if caller.effect else None,
        compliance.writes_for(verdict),
        usage.within_day(caller.organisation, f"{call.tier.value}_calls", limit),
        store.put(call),
        timers.setting(_watch(call)),
        compliance.record(verdict, call.id),
        _event(caller, call, "voice.call.created", verdict, tier=call.tier.value),
    )


def _watch(call: Call) -> Timer:
    """What ends the call if its job is lost before it is dialled."""
    body = {"job": "close", "org_id": call.org_id, "call_id": call.id, "state": State.CREATED.value}
    return timers.new(call.org_id, clock.now() + _DIALLED_WITHIN, "dialer", body)


def _event(caller: Caller, call: Call, kind: str, verdict: Verdict, **data: str | None) -> Writes:
    origin = agents.acting(caller, call.agent_id) if call.agent_id else caller
    subject = Subject(type="call", id=call.id, version=call.version)
    return events.record(events.of(origin, kind, subject, to=verdict.number, verdict=verdict.summary(), **data))


def _voice(order: Order) -> str:
    voices = [one for one in voice.carrier().voices() if one.tier == order.tier.value]
    if order.voice_id is None:
        return voices[0].id
    if order.voice_id not in {one.id for one in voices}:
        raise Invalid("There is no such voice in this tier.", fields={"voiceId": "is in no catalogue of the tier"})
    return order.voice_id


def _caller_id(caller: Caller, agent: Acting, order: Order) -> str:
    """The agent's number, else the organisation's, else one of the platform's pool, always the same for one agent."""
    own = [number for number in (agent.phone_number, caller.organisation.caller_id) if number]
    pool = settings.text("CALLER_POOL", "+15005550006").split(",")
    if order.from_number is not None:
        if order.from_number not in own:
            raise Invalid("This is not a number of yours.", fields={"fromNumber": "belongs to no one here"})
        return order.from_number
    return own[0] if own else pool[int(secret.digest(agent.id), 16) % len(pool)]


def contact(org: Organisation, order: Order, *, counted: bool = False) -> Contact:
    """What the gate is asked about a call. `counted` says that the call is among those already counted."""
    hours = org.calling_hours
    return Contact(
        org_id=org.id,
        channel="voice",
        to=order.to,
        consent=Consent.stated({"consent_source": order.consent_source, "consent_date": order.consent_date}),
        timezone=order.time_zone,
        window=Window.model_validate(hours) if hours else None,
        counted=counted,
    )


def get(caller: Caller, call_id: str) -> Call:
    """The organisation's call of that id, or for an agent key the agent's own. Raises NotFound."""
    call = store.get(caller.org_id, call_id)
    if not call or not (caller.is_master or call.agent_id == caller.agent_id):
        raise NotFound("There is no such call.")
    return call


def verdict_of(caller: Caller, call_id: str) -> Verdict:
    """The gate's verdict that let the call pass. Raises NotFound."""
    return compliance.get(caller.org_id, get(caller, call_id).id)


def listing(
    caller: Caller, agent_id: str | None, states: list[State], direction: str | None, limit: int, after: str | None
) -> tuple[list[Call], str | None]:
    """A page of calls, newest first. An agent key sees its agent's; a master key all, or those of `agent_id`."""
    if not caller.is_master:
        if agent_id not in (None, caller.agent_id):
            raise NotFound("There is no such agent.")
        agent_id = caller.agent_id
    query = f"calls:{agent_id}:{sorted(states)}:{direction}"
    start = cursor.read(after, caller.org_id, query)
    page = store.page(caller.org_id, agent_id, [state.value for state in states], direction, limit, start)
    return [Call.model_validate(item) for item in page.items], cursor.write(page.next_key, caller.org_id, query)


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
    return voice.carrier().voices()
