"""Accepting a call: what is the same for every API, once it is known who is to talk and what the gate says."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import timedelta
from typing import NamedTuple

from switchboard.accounts.models import Caller, Organisation
from switchboard.agents import service as agents
from switchboard.aws import clock, secret, settings
from switchboard.aws.effect import Done, Once, done_before
from switchboard.aws.table import Writes, commit
from switchboard.calls import store
from switchboard.calls.jobs import CloseCall
from switchboard.calls.models import Call, Order, State, Tier
from switchboard.carriers import voice
from switchboard.carriers.voice import Carrier, Pace
from switchboard.compliance import disclosures, phone
from switchboard.compliance import service as compliance
from switchboard.compliance.errors import Blocked, blocked
from switchboard.compliance.models import Consent, Contact, Verdict, Window
from switchboard.errors import Forbidden, Unavailable
from switchboard.events import service as events
from switchboard.events.models import Subject
from switchboard.timers import service as timers
from switchboard.usage import service as usage
from switchboard.usage.models import Meter
from switchboard.usage.service import Charge

METER = {Tier.BASIC: Meter.VOICE_BASIC, Tier.PREMIUM: Meter.VOICE_PREMIUM}
#: Longer than a dialler goes on trying (switchboard.calls.dialing), and short enough to leave by the outbox.
_DIALLED_WITHIN = timedelta(minutes=15)
#: A number of no one's, for a stack that calls no one.
_TEST_CALLER = "+15005550006"
_GREETINGS = {
    "en": "Hello, this is {name}, an automated assistant.",
    "es": "Hola, soy {name}, un asistente automático.",
}


class Placed(NamedTuple):
    """A call, and whether an earlier request had placed it."""

    call: Call
    duplicate: bool


def carrier(simulated: bool) -> Carrier:
    """The carrier of a call: one that is simulated never reaches a real provider, whatever is configured."""
    return voice.simulated() if simulated else voice.carrier()


def provider(simulated: bool) -> str:
    """The name of that carrier."""
    return "simulator" if simulated else voice.name()


def require_phone() -> None:
    """Raise Unavailable when the phone feature is off."""
    if not settings.flag("FEATURE_PHONE_ENABLED", default=True):
        raise Unavailable("Calls are switched off.", code="phone_disabled")


def require_carrier(*, simulated: bool) -> None:
    """Raise Unavailable when no carrier is configured that could place the call."""
    if provider(simulated) == "none":
        raise Unavailable("No telephone carrier is configured here: only test keys can place calls.", code="no_carrier")


def require_destination(order: Order) -> None:
    """Raise Forbidden for a number whose calls pay its holder: they are dialed to earn that money, at our cost.

    Raises Invalid for what is no number.
    """
    if phone.costs_extra(order.to):
        message = "Calls to premium-rate, shared-cost and satellite numbers are not placed."
        raise Forbidden(message, code="destination_not_allowed")


def require_provider(order: Order) -> None:
    """Raise Unavailable when the provider is known to be down."""
    if not carrier(order.simulated).line.available(order.to):
        raise Unavailable("The voice provider is down.", code="provider_down", retry_after=30)


def greeting(org: Organisation, order: Order, name: str, language: str) -> str:
    """The first words of a call: what the law of the number asks for, then the customer's greeting or our own.

    `name` is how the voice calls itself, `language` the one that it speaks. Raises Invalid for what is no number.
    """
    own = _GREETINGS.get(language.split("-", maxsplit=1)[0].lower(), _GREETINGS["en"]).format(name=name)
    return disclosures.greeting(order.greeting or own, disclosures.required(contact(org, order)), org.name, language)


def caller_id(org: Organisation, own: Sequence[str | None], of: str) -> str:
    """The first number of its own, else the organisation's, else one of the platform's pool, the same each time.

    Raises Unavailable where a real carrier would show a number that belongs to nobody (47 CFR 64.1604 forbids it).
    """
    numbers = [number for number in (*own, org.caller_id) if number]
    pool = _pool()
    found = numbers[0] if numbers else pool[int(secret.digest(of), 16) % len(pool)]
    if voice.reaches_people() and phone.parse(found).reaches_nobody:
        raise Unavailable("There is no number to call from: set one for the organization.", code="no_caller_id")
    return found


def _pool() -> list[str]:
    """The platform's own numbers, which tenants share."""
    return settings.text("CALLER_POOL", _TEST_CALLER).split(",")


def pace(call: Call) -> Pace:
    """How many calls a second its carrier takes from its number; `inf` where it counts none, as the simulator."""
    return Pace(math.inf) if call.simulated else carrier(simulated=False).line.pace_of(call.from_number)


def shared_pace(call: Call) -> str | None:
    """What its calls a second are counted by where tenants share it: its carrier's account, or the platform's number.

    `None` where nobody counts, and for a number that its organization alone uses.
    """
    found = pace(call)
    if math.isinf(found.rate):
        return None
    if found.counted_by:
        return f"account#{found.counted_by}"
    return call.from_number if call.from_number in _pool() else None


def contact(org: Organisation, order: Order, *, counted: bool = False) -> Contact:
    """What the gate is asked about a call. `counted` says that the call is among those already counted."""
    hours = org.calling_hours
    return Contact(
        org_id=org.id,
        channel="voice",
        to=order.to,
        consent=Consent.stated({"consent_source": order.consent_source, "consent_date": order.consent_date}),
        basis=order.basis,
        purpose=order.purpose,
        timezone=order.time_zone,
        state=order.recipient_state,
        zone_confirmed=order.zone_confirmed,
        window=Window.model_validate(hours) if hours else None,
        simulated=order.simulated,
        counted=counted,
    )


def charges(org: Organisation, order: Order) -> list[Charge]:
    """What a call is counted towards: its tier's calls of the day, and its first minute of the month.

    What it really took is settled when it ends, in the month of the first minute. A simulated call costs nothing.
    """
    if order.simulated:
        return []
    limit = org.terms.basic_calls_per_day if order.tier is Tier.BASIC else org.terms.premium_calls_per_day
    return [usage.within_day(org, f"{order.tier.value}_calls", limit), usage.spending(org, METER[order.tier], 1)]


def evaluate(org: Organisation, order: Order, within: Sequence[Charge]) -> Verdict:
    """The gate's verdict on a call. Where that takes a paid query, the charges are looked at before.

    Raises QuotaExceeded where the call would be refused by one of them anyway.
    """
    return compliance.evaluate(contact(org, order), before_paying=lambda: usage.require_room(within))


def place(
    caller: Caller,
    call: Call,
    verdict: Verdict,
    once: Once | None,
    *guards: Writes,
    within: Sequence[Charge],
) -> Placed:
    """Accept a call for dialling, if the gate's verdict and the guards let it pass, within its charges.

    Raises Blocked with the rule that failed, QuotaExceeded at a charge's limit, and what the guards raise. A request
    that was made before gets its first call, even if a new one would be refused now.
    """
    call = call.model_copy(update={"receipt": usage.receipt(within)})
    try:
        done = _commit(caller, call, verdict, once, within, *guards) if verdict.allowed else done_before(once)
        if done:
            return Placed(first(caller.org_id, done.subject_id), duplicate=True)
        if not verdict.allowed:
            raise blocked(verdict)
    except Blocked as refusal:
        # Refused by the verdict, or by a block or an opt-out that landed behind it.
        told = _event(caller, call, "voice.call.blocked", verdict, code=refusal.code)
        commit(compliance.record(verdict, call.id), told)
        raise
    return Placed(call, duplicate=False)


def first(org_id: str, call_id: str) -> Call:
    """The call that an earlier run of a request made."""
    call = store.CALLS.get(org_id, call_id)
    assert call is not None, "a request's marker and its call are one commit"
    return call


def _commit(
    caller: Caller, call: Call, verdict: Verdict, once: Once | None, within: Sequence[Charge], *guards: Writes
) -> Done | None:
    return usage.commit_within(
        within,
        *guards,
        compliance.writes_for(verdict),
        store.CALLS.put(call),
        _watch(call),
        compliance.record(verdict, call.id),
        _event(caller, call, "voice.call.created", verdict, tier=call.tier.value),
        once=once,
        subject_id=call.id,
    )


def _watch(call: Call) -> Writes:
    """What ends the call if its job is lost before it is dialled."""
    job = CloseCall(org_id=call.org_id, call_id=call.id, state=State.CREATED.value)
    return timers.later(job, clock.now() + _DIALLED_WITHIN).write


def _event(caller: Caller, call: Call, kind: str, verdict: Verdict, **data: str | None) -> Writes:
    origin = agents.acting(caller, call.agent_id) if call.agent_id else caller
    subject = Subject(type="call", id=call.id, version=call.version)
    more = {"flow": call.flow_id, "simulated": call.simulated} if call.flow_id else {}
    return events.record(events.of(origin, kind, subject, to=verdict.number, verdict=verdict.summary(), **data, **more))
