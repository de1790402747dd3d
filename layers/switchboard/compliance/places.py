"""Where a recipient may be: the places whose law and hours hold for a number."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from switchboard.compliance import hours, zones
from switchboard.compliance.amendments import NO_COUNTRY, Amendment
from switchboard.compliance.data import states
from switchboard.compliance.data.countries import COUNTRIES, ELSEWHERE
from switchboard.compliance.data.law import Rule
from switchboard.compliance.models import ContactAttempt
from switchboard.compliance.phone import NumberKind, Phone
from switchboard.compliance.rule_results import RuleInput

#: The source of the recipient's place: the number, the request, both together, or a confirmed contact record alone.
PlaceSource = Literal["number", "recipient", "both", "contact"]


@dataclass(frozen=True, slots=True)
class RecipientPlace:
    """Where the recipient may be: the zones, their source, and the clocks that must all allow the contact."""

    names: list[str]
    source: PlaceSource
    clocks: list[hours.RecipientClock]


def find_laws(contact: ContactAttempt, phone: Phone) -> list[tuple[str, Rule | None]]:
    """Returns the places whose law applies, with their rules: countries first, then states.

    The places are those of the number and those where the recipient may be. A state without a rule of its own has None.
    """
    countries = [phone.region or ("US" if phone.american else NO_COUNTRY)]
    record = contact.record
    own = [contact.state, record.state if record else None]
    if any(own):
        countries.append("US")
    for name in (contact.timezone, record.time_zone if record else None):
        countries += zones.countries_of(name) if name else []
    found: dict[str, Rule | None] = {country: COUNTRIES.get(country, ELSEWHERE) for country in countries}
    if phone.american:
        found["US"] = COUNTRIES["US"]  # federal law applies in the territories
    for state in (phone.state, *own):
        if state:
            found[f"US-{state}"] = states.STATES.get(state)
    return list(found.items())


def find_place(case: RuleInput) -> RecipientPlace | str:
    """Returns where the recipient may be, or the reason why this is unknown."""
    contact, phone = case.contact, case.phone
    if contact.state and not zones.of_state(contact.state):
        return "recipient_state_unknown"
    record = contact.record
    for name in (contact.timezone, record.time_zone if record else None):
        if name is not None and zones.load_zone(name) is None:
            return "recipient_zone_malformed"
        if name is not None and not zones.countries_of(name):
            return "recipient_zone_of_no_country"
    told = _zones_of(contact.timezone, contact.state, case.now)
    recorded = _zones_of(record.time_zone, record.state, case.now) if record else []
    confirmed = bool(told and contact.zone_confirmed) or bool(recorded and record and record.confirmed)
    of_number = [] if confirmed else zones.candidates(phone)
    names = sorted({*told, *recorded, *of_number})
    found = [zones.load_zone(name) for name in names]
    known = [zone for zone in found if zone]
    # Without time zone data for a name the local time is unknown, so the contact is refused.
    if not known or len(known) < len(found):
        return "no_zone_of_number" if phone.kind is NumberKind.GEOGRAPHIC else "number_of_no_place"
    rules = [(name, rule) for name, rule in find_laws(contact, phone) if rule]
    own = contact.window.hours if contact.window else None
    clocks = hours.build_clocks(known, rules, contact.channel, own=own, amendments=amendments_of_case(case))
    source: PlaceSource = "number"
    if confirmed:
        source = "contact"
    elif told or recorded:
        source = "both" if of_number else "recipient"
    return RecipientPlace(names, source, clocks)


def _zones_of(time_zone: str | None, state: str | None, now: datetime) -> list[str]:
    """Returns the zones that a stated time zone and state mean. A state alone means all of its zones.

    A time zone selects one of the state's zones. If its clock differs from all of them the statements contradict each
    other: then the hours must allow the contact in every one of these zones.
    """
    of_state = zones.of_state(state) if state else []
    if not time_zone:
        return of_state
    if any(zones.same_clock(time_zone, name, now.year) for name in of_state):
        return [time_zone]
    return [time_zone, *of_state]


def amendments_of_case(case: RuleInput) -> list[Amendment]:
    """Returns the operators' rows for the places whose law applies."""
    return [row for name, _ in find_laws(case.contact, case.phone) for row in case.facts.amendments.get(name, ())]
