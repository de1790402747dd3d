"""The rules of the gate, in the order in which they run. Each rule returns pass, block or skip for a case.

Blocks, opt-outs, consent and calling hours apply to every number. The national registry, the database of reassigned
numbers and the law of states apply only to American numbers. State law applies to residents of the state.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Literal
from zoneinfo import ZoneInfo

from switchboard.aws import clock, secret
from switchboard.compliance import consents, hours, zones
from switchboard.compliance.amendments import NOWHERE, Amendment
from switchboard.compliance.consents import BadConsentError, Found
from switchboard.compliance.data import consent as weights
from switchboard.compliance.data import states
from switchboard.compliance.data.countries import rule_of
from switchboard.compliance.data.law import Cap, Rule
from switchboard.compliance.magic import Outcome
from switchboard.compliance.models import Consent, Contact, Purpose, RuleResult
from switchboard.compliance.phone import Kind, Phone
from switchboard.compliance.ports import Answer, NotAnswered, Registered
from switchboard.compliance.store import Facts

#: Whether a number passes if the Reassigned Numbers Database has no data about it. The records begin on 27 January 2021
#: and some carriers do not report, so a refusal would stop calls to most landlines. The caller has no safe harbor for
#: such a number (47 CFR 64.1200(m) gives it for a wrong `no` only), and the verdict says so.
NO_DATA_PASSES = True

#: The version of each rule: the date from which its law or practice applies.
VERSIONS = {
    "dnc": "2003-10-01",  # 47 CFR 64.1200(d): a caller's own do-not-call list
    "national_dnc": "2003-10-01",  # 47 CFR 64.1200(c)(2)
    "opt_out": "2025-04-11",  # 47 CFR 64.1200(a)(10): revoked by any reasonable means; immediate, on every channel
    "consent": weights.VERSION,
    "reassigned": "2021-11-01",  # 47 CFR 64.1200(m): the database opened
    "quiet_hours": states.VERSION,
    "caps": states.VERSION,
}

#: The number of characters that a verdict stores of a text from a request.
_TEXT = 100


@dataclass(frozen=True, slots=True)
class Case:
    """The input of the rules."""

    contact: Contact
    phone: Phone
    facts: Facts
    now: datetime
    magic: Outcome | None
    consent: Found | BadConsentError
    ask: Callable[[date], Answer]
    registered: Callable[[], Registered]

    @property
    def number(self) -> str:
        """The number's digest. Verdicts store it instead of the number."""
        return secret.digest(self.phone.e164)

    @property
    def nobody(self) -> str | None:
        """The reason why the call reaches nobody, or None if it reaches a person."""
        if self.phone.reaches_nobody:
            return "unreachable_number"
        return "simulated" if self.contact.simulated else None


def dnc(case: Case) -> RuleResult:
    """Checks the organization's own do-not-call list."""
    if case.facts.blocked or case.magic is Outcome.BLOCKED:
        return _block(case, "dnc", "dnc", "on_list")
    return _pass(case, "dnc", "not_on_list")


def national_dnc(case: Case, *, refused: bool) -> RuleResult:
    """Checks the national do-not-call registry, for telemarketing. Skips a number that another rule refused already.

    A registered number is refused even with consent. The law requires a signed agreement between the holder and this
    caller, and the gate cannot see such an agreement.
    """
    given = {"purpose": _clipped(case.contact.purpose)}
    if case.contact.purpose == Purpose.INFORMATIONAL:
        return _skip(case, "national_dnc", "informational", input_=given)
    if not case.phone.american:
        return _skip(case, "national_dnc", "outside_united_states", input_=given)
    if refused:
        return _skip(case, "national_dnc", "not_asked", input_=given)
    try:
        found = case.registered()
    except NotAnswered as error:
        return _block(case, "national_dnc", "national_dnc_unknown", str(error) or "unavailable", input_=given)
    details = {"as_of": found.as_of.isoformat()}
    if found.on_list:
        return _block(case, "national_dnc", "national_dnc", "on_registry", input_=given, details=details)
    return _pass(case, "national_dnc", "not_on_registry", input_=given, details=details)


def opt_out(case: Case) -> RuleResult:
    """Checks the organization's opt-out ledger, which applies to every channel."""
    if case.facts.opted_out or case.magic is Outcome.OPTED_OUT:
        return _block(case, "opt_out", "opted_out", "opted_out")
    return _pass(case, "opt_out", "not_opted_out")


def consent(case: Case) -> RuleResult:
    """Checks for a dated consent that suffices for the purpose: from the request, the ledger, the key or the flow."""
    stated = case.contact.consent
    given = {"stated": _stated(stated) if stated else None, "purpose": _clipped(case.contact.purpose)}
    match case.consent:
        case BadConsentError(problem="missing"):
            return _block(case, "consent", "consent_missing", "missing", input_=given)
        case BadConsentError(problem=problem):
            return _block(case, "consent", "consent_invalid", problem, input_=given)
        case found:
            details = {
                "source": found.source.value,
                "since": found.since.isoformat(),
                "until": consents.last_day(found).isoformat(),
                "from": found.origin,
                "first_seen": found.first_seen,
            }
            if short := consents.shortfall(found, case.contact.purpose, case.now):
                return _block(case, "consent", short.code, short.reason, input_=given, details=details)
            return _pass(case, "consent", "consent_known", input_=given, details=details)


def _stated(stated: Consent) -> dict[str, str | None]:
    return {name: _clipped(text) if text is not None else None for name, text in stated.model_dump().items()}


def _clipped(text: str) -> str:
    return text if len(text) <= _TEXT else f"{text[:_TEXT]}…"


def reassigned(case: Case, *, refused: bool) -> RuleResult:
    """Checks whether the number was reassigned after the consent. No query for a number that is refused already."""
    if not case.phone.american:
        return _skip(case, "reassigned", "outside_united_states")
    if isinstance(case.consent, BadConsentError):
        return _skip(case, "reassigned", "no_consent_date")
    since = case.consent.since
    asked = {"since": since.isoformat()}
    known = None if case.nobody else case.facts.answers.get(since.isoformat())
    if known and known.fresh(case.now):
        answer, details = known.answer, {"asked_at": known.at, "cached": True}
    elif refused:
        return _skip(case, "reassigned", "not_asked", input_=asked)
    else:
        try:
            answer, details = case.ask(since), {"asked_at": clock.iso(case.now), "cached": False}
        except NotAnswered:
            return _block(case, "reassigned", "reassigned_unknown", "unavailable", input_=asked)
    match answer:
        case "no":
            return _pass(case, "reassigned", "not_reassigned", input_=asked, details=details)
        case "no_data" if NO_DATA_PASSES:
            return _pass(case, "reassigned", "no_data", input_=asked, details={**details, "safe_harbour": False})
        case "no_data":
            return _block(case, "reassigned", "reassigned_unknown", "no_data", input_=asked, details=details)
        case "yes":
            return _block(case, "reassigned", "number_reassigned", "reassigned", input_=asked, details=details)


#: The source of the recipient's place: the number, the request, both together, or a confirmed contact record alone.
Known = Literal["number", "recipient", "both", "contact"]


@dataclass(frozen=True, slots=True)
class Place:
    """Where the recipient may be: the zones, their source, and the clocks that must all allow the contact."""

    names: list[str]
    source: Known
    clocks: list[hours.Clock]


def laws(contact: Contact, phone: Phone) -> list[tuple[str, Rule | None]]:
    """Returns the places whose law applies, with their rules: countries first, then states.

    The places are those of the number and those where the recipient may be. A state without a rule of its own has None.
    """
    countries = [phone.region or ("US" if phone.american else NOWHERE)]
    record = contact.record
    own = [contact.state, record.state if record else None]
    if any(own):
        countries.append("US")
    for name in (contact.timezone, record.time_zone if record else None):
        countries += zones.countries_of(name) if name else []
    found: dict[str, Rule | None] = {country: rule_of(country) for country in countries}
    if phone.american:
        found["US"] = rule_of("US")  # federal law applies in the territories
    for state in (phone.state, *own):
        if state:
            found[f"US-{state}"] = states.STATES.get(state)
    return list(found.items())


def place(case: Case) -> Place | str:
    """Returns where the recipient may be, or the reason why this is unknown."""
    contact, phone = case.contact, case.phone
    if contact.state and not zones.of_state(contact.state):
        return "recipient_state_unknown"
    record = contact.record
    for name in (contact.timezone, record.time_zone if record else None):
        if name is not None and zones.zone(name) is None:
            return "recipient_zone_malformed"
        if name is not None and not zones.countries_of(name):
            return "recipient_zone_of_no_country"
    told = _zones_of(contact.timezone, contact.state, case.now)
    recorded = _zones_of(record.time_zone, record.state, case.now) if record else []
    confirmed = bool(told and contact.zone_confirmed) or bool(recorded and record and record.confirmed)
    of_number = [] if confirmed else zones.candidates(phone)
    names = sorted({*told, *recorded, *of_number})
    found = [zones.zone(name) for name in names]
    known = [zone for zone in found if zone]
    # Without time zone data for a name the local time is unknown, so the contact is refused.
    if not known or len(known) < len(found):
        return "no_zone_of_number" if phone.kind is Kind.GEOGRAPHIC else "number_of_no_place"
    rules = [(name, rule) for name, rule in laws(contact, phone) if rule]
    own = contact.window.hours if contact.window else None
    clocks = hours.clocks(known, rules, contact.channel, own=own, amendments=_amendments(case))
    source: Known = "number"
    if confirmed:
        source = "contact"
    elif told or recorded:
        source = "both" if of_number else "recipient"
    return Place(names, source, clocks)


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


def _amendments(case: Case) -> list[Amendment]:
    """Returns the operators' rows for the places whose law applies."""
    return [row for name, _ in laws(case.contact, case.phone) for row in case.facts.amendments.get(name, ())]


def quiet_hours(case: Case, where: Place | str) -> RuleResult:
    """Checks the recipient's local time against the law, operators' rows and the organization's own calling hours."""
    contact, window = case.contact, case.contact.window
    given: dict[str, Any] = {
        "region": case.phone.region,
        "area_code": case.phone.area_code,
        "state": case.phone.state,
        "recipient_zone": contact.timezone and _clipped(contact.timezone),
        "recipient_state": contact.state and _clipped(contact.state),
        "zone_confirmed": contact.zone_confirmed or None,
        "record": _record_told(contact),
        "window": window.model_dump() if window else None,
        "at": clock.iso(case.now),
    }
    if case.magic is Outcome.QUIET_HOURS:
        return _block(case, "quiet_hours", "quiet_hours", "magic_number", input_=given)
    if case.nobody:
        return _pass(case, "quiet_hours", case.nobody, input_=given)
    if isinstance(where, str):
        return _block(case, "quiet_hours", "zone_unknown", where, input_=given)
    rules = [(name, rule) for name, rule in laws(contact, case.phone) if rule]
    details: dict[str, Any] = {
        "zones": where.names,
        "zone_source": where.source,
        # Mobile and ported numbers keep their area code when their holder moves.
        "zone_certainty": {"number": "guess", "contact": "confirmed"}.get(where.source, "stated"),
        "area_codes": zones.VERSION,
        "law": [f"{name} since {rule.since}: {rule.source}" for name, rule in rules],
        "unchecked": [name for name, rule in rules if not rule.checked],
        "amendments": [row.id for row in _amendments(case) if row.kind != "cap"],
    }
    closed = [each.zone.key for each in where.clocks if not each.open(case.now)]
    if closed:
        return _block(
            case, "quiet_hours", "quiet_hours", "outside_hours", input_=given, details={**details, "closed_in": closed}
        )
    return _pass(case, "quiet_hours", "within_hours", input_=given, details=details)


def _record_told(contact: Contact) -> dict[str, Any] | None:
    """Returns the organization's record as a verdict stores it, with the person who confirmed it."""
    return contact.record.model_dump(exclude_none=True) if contact.record else None


@dataclass(frozen=True, slots=True)
class _Capped:
    """A limit of calls, and the law that requires it."""

    cap: Cap
    law: str


def _caps(case: Case) -> list[_Capped]:
    today = case.now.date()
    rules = [(name, rule) for name, rule in laws(case.contact, case.phone) if rule and rule.since <= today]
    found = [_Capped(rule.cap, f"{name}: {rule.source}") for name, rule in rules if rule.cap]
    # The recipient's date may be one day ahead or behind.
    near = [today + timedelta(days=offset) for offset in (-1, 0, 1)]
    rows = [row for row in _amendments(case) if any(row.holds(day, case.contact.channel) for day in near)]
    return found + [_Capped(row.cap, f"{row.id}: {row.source}") for row in rows if row.cap]


def caps(case: Case) -> RuleResult:
    """Checks the legal limits of calls on one subject. Counts by organization and number; texts do not count."""
    if case.contact.channel != "voice":
        return _skip(case, "caps", "calls_only")
    found = _caps(case)
    if not found:
        return _skip(case, "caps", "no_cap")
    if case.nobody:
        return _skip(case, "caps", case.nobody)
    if case.contact.counted:
        return _skip(case, "caps", "counted_already")
    attempts = [clock.parse(text) for text in case.facts.attempts]
    free = [moment for one in found if (moment := _free_at(one.cap, attempts)) and moment > case.now]
    longest = max(one.cap.hours for one in found)
    details: dict[str, Any] = {
        "limits": [{"calls": one.cap.calls, "hours": one.cap.hours} for one in found],
        "attempts": sum(moment > case.now - timedelta(hours=longest) for moment in attempts),
        "law": [one.law for one in found],
    }
    if free:
        details["free_at"] = clock.iso(max(free))
        return _block(case, "caps", "attempt_cap", "limit_reached", details=details)
    return _pass(case, "caps", "within_limit", details=details)


def _free_at(cap: Cap, attempts: list[datetime]) -> datetime | None:
    """Returns when a cap allows the next call, or None for now. `attempts` are the latest calls, newest first."""
    return attempts[cap.calls - 1] + timedelta(hours=cap.hours) if len(attempts) >= cap.calls else None


def next_allowed(case: Case, where: Place | str, results: list[RuleResult]) -> datetime | None:
    """Returns when the contact will be allowed, or None if waiting does not help."""
    failed = [result for result in results if result.result == "block"]
    if not failed or any(result.code not in ("quiet_hours", "attempt_cap") for result in failed):
        return None
    if case.magic is Outcome.QUIET_HOURS:
        new_york = case.now.astimezone(ZoneInfo("America/New_York"))
        day = new_york.date() + timedelta(days=new_york.hour >= 8)
        return datetime.combine(day, time(8), new_york.tzinfo).astimezone(UTC)
    free = [clock.parse(at) for result in failed if (at := result.details.get("free_at"))]
    clocks = where.clocks if isinstance(where, Place) else []
    return hours.next_opening(clocks, max([case.now, *free]))


def allowed_until(case: Case, where: Place | str) -> datetime | None:
    """Returns the end of the calling hours that allow the contact now."""
    return hours.next_closing(where.clocks, case.now) if isinstance(where, Place) and not case.nobody else None


def _pass(case: Case, rule: str, reason: str, **more: Any) -> RuleResult:
    return _result(case, rule, "pass", reason, **more)


def _skip(case: Case, rule: str, reason: str, **more: Any) -> RuleResult:
    return _result(case, rule, "skip", reason, **more)


def _block(case: Case, rule: str, code: str, reason: str, **more: Any) -> RuleResult:
    return _result(case, rule, "block", reason, code=code, **more)


def _result(
    case: Case,
    rule: str,
    result: Literal["pass", "block", "skip"],
    reason: str,
    *,
    code: str | None = None,
    input_: dict[str, Any] | None = None,
    details: dict[str, Any] | None = None,
) -> RuleResult:
    return RuleResult(
        rule=rule,
        result=result,
        reason=reason,
        code=code,
        version=VERSIONS[rule],
        input={"number": case.number, **(input_ or {})},
        details=details or {},
    )
