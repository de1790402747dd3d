"""Accepts calls: the steps that all APIs share, from the checks before a call to its commit."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from switchboard.accounts.models import Caller, Organization
from switchboard.agents import service as agents
from switchboard.aws.writes import Writes, commit
from switchboard.calls import store
from switchboard.calls.models import Call, Order, Tier
from switchboard.carriers import voice
from switchboard.carriers.caller_pool import list_pool_numbers
from switchboard.carriers.voice import Carrier, Pace, Voice
from switchboard.compliance import disclosures, phone
from switchboard.compliance import service as compliance
from switchboard.compliance.models import CallingHours, ContactAttempt, StatedConsent
from switchboard.compliance.service import KnownFacts
from switchboard.compliance.verdicts import Blocked, Verdict, blocked_error
from switchboard.errors import Forbidden, Unavailable
from switchboard.events import service as events
from switchboard.events.models import Origin, Subject
from switchboard.flows.models import Flow
from switchboard.kit import settings, texts
from switchboard.persistence.idempotency import EarlierEffect, IdempotencyGuard, find_earlier_effect
from switchboard.usage import service as usage
from switchboard.usage.models import Meter
from switchboard.usage.service import Charge

METER = {Tier.BASIC: Meter.VOICE_BASIC, Tier.PREMIUM: Meter.VOICE_PREMIUM}
_GREETINGS = {
    "en": "Hello, this is {name}, an automated assistant.",
    "es": "Hola, soy {name}, un asistente automático.",
}


class AcceptedCall(NamedTuple):
    """A call, and whether an earlier request placed it."""

    call: Call
    duplicate: bool


def select_carrier(simulated: bool) -> Carrier:
    """Returns the carrier of a call. A simulated call never reaches a real provider, in any configuration."""
    return voice.get_simulated_carrier() if simulated else voice.get_carrier()


def provider_name(simulated: bool) -> str:
    """Returns the name of the carrier."""
    return "simulator" if simulated else voice.carrier_name()


def require_phone() -> None:
    """Raises Unavailable when the phone feature is off."""
    if not settings.flag("FEATURE_PHONE_ENABLED", default=True):
        raise Unavailable("Phone calls are disabled: ask the operator to enable them.", code="phone_disabled")


def has_live_carrier() -> bool:
    """Whether a carrier is configured that calls, with a talker that talks."""
    return provider_name(simulated=False) != "none" and bool(select_carrier(simulated=False).talker.list_voices())


def require_carrier(*, simulated: bool) -> None:
    """Raises Unavailable when no carrier is configured that can place the call."""
    if provider_name(simulated) == "none":
        raise Unavailable("No telephone carrier is configured: only test keys can place calls.", code="no_carrier")
    if not select_carrier(simulated).talker.list_voices():
        # A line without a talker would call people and say nothing.
        raise Unavailable("No voice AI is configured: only test keys can place calls.", code="no_talker")


def require_destination(order: Order) -> None:
    """Raises Forbidden for a number whose calls pay its holder: fraudsters place such calls at our cost.

    Raises Invalid for an invalid number.
    """
    if phone.is_costly(order.to):
        message = (
            "Calls to premium-rate, shared-cost, personal and satellite numbers are not allowed: use another number."
        )
        raise Forbidden(message, code="destination_not_allowed")


def require_provider(order: Order) -> None:
    """Raises Unavailable when the provider is known to be down."""
    if not select_carrier(order.simulated).line.is_available(order.to):
        raise Unavailable("The voice provider is down. Try again later.", code="provider_down", retry_after=30)


def choose_flow_voice(flow: Flow, *, simulated: bool) -> Voice:
    """Returns the flow's voice, which decides the tier. Falls back to a basic voice if the carrier does not have it."""
    voices = select_carrier(simulated).talker.list_voices()
    return next((one for one in voices if one.id == flow.voice), None) or next(
        one for one in voices if one.tier == Tier.BASIC
    )


def build_greeting(org: Organization, order: Order, name: str, language: str) -> str:
    """Returns the first words of a call: the required disclosures, then the customer's greeting or our own.

    `name` is the name of the voice, and `language` its language. Raises Invalid for an invalid number.
    """
    own = order.greeting or default_greeting(name, language)
    return disclosures.add_disclosures(own, disclosures.find_required(contact_attempt(org, order)), org.name, language)


def default_greeting(name: str, language: str) -> str:
    """Returns our own first words, for a voice with this name and language. They say that an assistant speaks."""
    return _GREETINGS.get(language.split("-", maxsplit=1)[0].lower(), _GREETINGS["en"]).format(name=name)


def choose_caller_id(org: Organization, own: Sequence[str | None], of: str) -> str:
    """Returns the first of the numbers in `own`, else the organization's number, else one of the platform's pool.

    The number from the pool is always the same for the same `of`. Raises Unavailable if a real carrier would show a
    number that belongs to nobody, because 47 CFR 64.1604 forbids that.
    """
    numbers = [number for number in (*own, org.caller_id) if number]
    pool = list_pool_numbers()
    found = numbers[0] if numbers else pool[int(texts.digest(of), 16) % len(pool)]
    if voice.reaches_people() and phone.parse(found).reaches_nobody:
        raise Unavailable("No caller ID is available: set a phone number for the organization.", code="no_caller_id")
    return found


def get_pace(call: Call) -> Pace:
    """Returns how many calls a second the carrier accepts from the call's number; `inf` means no limit."""
    if call.simulated:
        return Pace(math.inf)
    return select_carrier(simulated=False).line.pace_of(call.org_id, call.from_number)


def shared_pace_name(call: Call) -> str | None:
    """Returns the name of a pace that tenants share: the carrier's account, or a number of the platform.

    Returns `None` if there is no limit, and for a number that only one organization uses.
    """
    found = get_pace(call)
    if math.isinf(found.rate):
        return None
    if found.counted_by:
        return f"account#{found.counted_by}"
    return call.from_number if call.from_number in list_pool_numbers() else None


def contact_attempt(org: Organization, order: Order, *, counted: bool = False) -> ContactAttempt:
    """Returns the contact for the gate to evaluate. `counted` means that the gate already counted the call."""
    hours = org.calling_hours
    return ContactAttempt(
        org_id=org.id,
        channel="voice",
        to=order.to,
        consent=StatedConsent.from_metadata(
            {"consent_source": order.consent_source, "consent_date": order.consent_date}
        ),
        basis=order.basis,
        purpose=order.purpose,
        timezone=order.time_zone,
        state=order.recipient_state,
        zone_confirmed=order.zone_confirmed,
        window=CallingHours.model_validate(hours) if hours and not order.skips_own_hours else None,
        simulated=order.simulated,
        counted=counted,
    )


def call_charges(org: Organization, order: Order) -> list[Charge]:
    """Returns the charges of a new call: one of the tier's daily calls, and the first minute of the month's spending.

    The rest is charged when the call ends, in the same month. A simulated call costs nothing.
    """
    if order.simulated:
        return []
    limit = org.terms.basic_calls_per_day if order.tier is Tier.BASIC else org.terms.premium_calls_per_day
    return [
        usage.daily_charge(org, f"{order.tier.value}_calls", limit),
        usage.spending_charge(org, METER[order.tier], 1),
    ]


def evaluate_call(
    org: Organization, order: Order, within: Sequence[Charge], known: KnownFacts | None = None
) -> Verdict:
    """Returns the gate's verdict on a call. Checks the limits of the charges before a paid query.

    `known` is what `compliance.read_known_facts` returned for the same number. Raises QuotaExceeded if a charge would
    exceed its limit.
    """
    return compliance.evaluate(
        contact_attempt(org, order), before_paying=lambda: usage.require_room(within), known=known
    )


def accept_call(
    caller: Origin,
    call: Call,
    verdict: Verdict,
    once: IdempotencyGuard | None,
    *guards: Writes,
    within: Sequence[Charge],
) -> AcceptedCall:
    """Accepts a call for dialing if the gate's verdict, the guards and the limits of its charges allow it.

    Raises Blocked with the failed rule, QuotaExceeded at a charge's limit, and the errors of the guards. A repeated
    request gets its first call, even if a new call would be refused now.
    """
    call = call.model_copy(update={"receipt": usage.receipt_of(within)})
    try:
        done = _commit(caller, call, verdict, once, within, *guards) if verdict.allowed else find_earlier_effect(once)
        if done:
            return AcceptedCall(get_first_call(caller.org_id, done.subject_id), duplicate=True)
        if not verdict.allowed:
            raise blocked_error(verdict)
    except Blocked as refusal:
        # The verdict refused the call, or other calls used up a legal limit of calls after the verdict.
        told = _call_event_writes(caller, call, "voice.call.blocked", verdict, code=refusal.code)
        commit(compliance.verdict_writes(verdict, call.id), told)
        raise
    return AcceptedCall(call, duplicate=False)


def get_first_call(org_id: str, call_id: str) -> Call:
    """Returns the call that an earlier run of a request made."""
    call = store.CALLS.get_object(org_id, call_id)
    assert call is not None, "a request's marker and its call are in one commit"
    return call


def _commit(
    caller: Origin,
    call: Call,
    verdict: Verdict,
    once: IdempotencyGuard | None,
    within: Sequence[Charge],
    *guards: Writes,
) -> EarlierEffect | None:
    return usage.commit_within(
        within,
        *guards,
        compliance.acceptance_writes(verdict),
        store.new_call_writes(call),
        compliance.verdict_writes(verdict, call.id),
        _call_event_writes(caller, call, "voice.call.created", verdict, tier=call.tier.value),
        once=once,
        subject_id=call.id,
    )


def _call_event_writes(caller: Origin, call: Call, kind: str, verdict: Verdict, **data: str | bool | None) -> Writes:
    origin = caller
    if call.agent_id and isinstance(caller, Caller):
        origin = agents.origin_as_agent(caller, call.agent_id)
    if call.is_test:
        data["test"] = True
    if call.order.skips_own_hours:
        data["forced"] = True
    subject = Subject(type="call", id=call.id, version=call.version)
    more = {"flow": call.flow_id, "simulated": call.simulated} if call.flow_id else {}
    return events.new_event_write(origin, kind, subject, to=verdict.number, verdict=verdict.summary(), **data, **more)
