"""The rules of the gate, in the order in which they are asked. Each takes a case and says pass, block or skip.

Rules 1 to 3 hold for every number; law that is American holds for American numbers; elsewhere an organisation's own
hours hold, where it has any.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Literal
from zoneinfo import ZoneInfo

from switchboard.aws import clock, secret
from switchboard.compliance import hours, zones
from switchboard.compliance.consents import BadConsentError, Found
from switchboard.compliance.data import states
from switchboard.compliance.magic import Outcome
from switchboard.compliance.models import Contact, RuleResult
from switchboard.compliance.phone import Kind, Phone
from switchboard.compliance.ports import Answer, NotAnswered
from switchboard.compliance.store import Facts

#: Whether a number passes of which the Reassigned Numbers Database knows nothing. Its records begin on 27 January 2021
#: and not every carrier reports, so refusing would bar most landlines. The caller has no safe harbour for such a number
#: (47 CFR 64.1200(m) gives it for a wrong `no` only), and the verdict says so.
NO_DATA_PASSES = True

#: The law or practice that a rule applies, by the date since when it is so.
VERSIONS = {
    "dnc": "2003-10-01",  # 47 CFR 64.1200(d): a caller's own do-not-call list
    "opt_out": "2025-04-11",  # 47 CFR 64.1200(a)(10): revoked by any reasonable means; here at once, on every channel
    "consent": "2024-02-08",  # FCC 24-17: an AI's voice is artificial, which takes prior express consent
    "reassigned": "2021-11-01",  # 47 CFR 64.1200(m): the database is open
    "quiet_hours": states.VERSION,
    "caps": states.VERSION,
}

DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Case:
    """All that the rules look at."""

    contact: Contact
    phone: Phone
    facts: Facts
    now: datetime
    magic: Outcome | None
    consent: Found | BadConsentError
    ask: Callable[[date], Answer]

    @property
    def number(self) -> str:
        """The number's digest, which stands for it in verdicts."""
        return secret.digest(self.phone.e164)

    @property
    def nobody(self) -> str | None:
        """Why nobody is called, if nobody is."""
        if self.phone.reaches_nobody:
            return "unreachable_number"
        return "simulated" if self.contact.simulated else None


def dnc(case: Case) -> RuleResult:
    """The organisation's own do-not-call list."""
    if case.facts.blocked or case.magic is Outcome.BLOCKED:
        return _block(case, "dnc", "dnc", "on_list")
    return _pass(case, "dnc", "not_on_list")


def opt_out(case: Case) -> RuleResult:
    """The organisation's opt-out ledger, which holds for every channel."""
    if case.facts.opted_out or case.magic is Outcome.OPTED_OUT:
        return _block(case, "opt_out", "opted_out", "opted_out")
    return _pass(case, "opt_out", "not_opted_out")


def consent(case: Case) -> RuleResult:
    """A dated consent: the request's, the ledger's, or that of the key or flow."""
    stated = case.contact.consent
    given = {"stated": stated.model_dump() if stated else None}
    match case.consent:
        case BadConsentError(problem="missing"):
            return _block(case, "consent", "consent_missing", "missing", input_=given)
        case BadConsentError(problem=problem):
            return _block(case, "consent", "consent_invalid", problem, input_=given)
        case found:
            details = {
                "source": found.source.value,
                "since": found.since.isoformat(),
                "from": found.origin,
                "first_seen": found.first_seen,
            }
            return _pass(case, "consent", "consent_known", input_=given, details=details)


def reassigned(case: Case, *, refused: bool) -> RuleResult:
    """Whether the number changed hands since consent was given. Not asked about a number that is refused already."""
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


@dataclass(frozen=True, slots=True)
class Place:
    """Where the recipient may be: the zones, how they are known, and the clocks that must allow the call."""

    names: list[str]
    source: str
    clocks: list[hours.Clock]


def place(case: Case) -> Place | str:
    """Where the recipient may be, or the reason for which nobody can tell."""
    contact, phone = case.contact, case.phone
    names = [contact.timezone] if contact.timezone else zones.candidates(phone)
    found = [zones.zone(name) for name in names]
    known = [zone for zone in found if zone]
    if contact.timezone and not known:
        return "recipient_zone_malformed"
    # A zone that this machine's data do not have cannot be shown to allow anything.
    if not known or len(known) < len(found):
        return "no_zone_of_number" if phone.kind is Kind.GEOGRAPHIC else "number_of_no_place"
    own = contact.window.hours if contact.window else None
    if phone.american:
        clocks = hours.american(known, _states(phone), voice=contact.channel == "voice", own=own)
    else:
        clocks = hours.foreign(known, own) if own else []
    return Place(names, "recipient" if contact.timezone else "number", clocks)


def _states(phone: Phone) -> list[str]:
    return [phone.state] if phone.state else []


def quiet_hours(case: Case, where: Place | str) -> RuleResult:
    """The hours of the day at the recipient's: 47 CFR 64.1200(c)(1), stricter states, the organisation's own."""
    window = case.contact.window
    given: dict[str, Any] = {
        "area_code": case.phone.area_code,
        "state": case.phone.state,
        "recipient_zone": case.contact.timezone,
        "window": window.model_dump() if window else None,
        "at": clock.iso(case.now),
    }
    if case.magic is Outcome.QUIET_HOURS:
        return _block(case, "quiet_hours", "quiet_hours", "magic_number", input_=given)
    if case.nobody:
        return _pass(case, "quiet_hours", case.nobody, input_=given)
    if not case.phone.american and window is None:
        return _pass(case, "quiet_hours", "outside_united_states", input_=given)
    if isinstance(where, str):
        return _block(case, "quiet_hours", "zone_unknown", where, input_=given)
    details: dict[str, Any] = {
        "zones": where.names,
        "zone_source": where.source,
        # Mobile and ported numbers keep their area code wherever their holder lives.
        "zone_certainty": "given" if where.source == "recipient" else "guess",
        "area_codes": zones.VERSION,
    }
    if case.phone.american and case.phone.state in states.STATES:
        details["law"] = states.STATES[case.phone.state].source
    closed = [each.zone.key for each in where.clocks if not each.open(case.now)]
    if closed:
        return _block(
            case, "quiet_hours", "quiet_hours", "outside_hours", input_=given, details={**details, "closed_in": closed}
        )
    return _pass(case, "quiet_hours", "within_hours", input_=given, details=details)


def caps(case: Case) -> RuleResult:
    """How often a state lets one subject be called in 24 hours. Counted by organisation and number; texts are not."""
    rule = states.STATES.get(case.phone.state or "")
    cap = rule.calls_per_day if rule else None
    if cap is None or rule is None:
        return _skip(case, "caps", "no_cap")
    if case.contact.channel != "voice":
        return _skip(case, "caps", "calls_only")
    if case.nobody:
        return _skip(case, "caps", case.nobody)
    if case.contact.counted:
        return _skip(case, "caps", "counted_already")
    recent = [text for text in case.facts.attempts if clock.parse(text) > case.now - DAY]
    details: dict[str, Any] = {"limit": cap, "attempts": len(recent), "law": rule.source}
    if len(recent) >= cap:
        details["free_at"] = clock.iso(clock.parse(recent[cap - 1]) + DAY)
        return _block(case, "caps", "attempt_cap", "limit_reached", details=details)
    return _pass(case, "caps", "within_limit", details=details)


def next_allowed(case: Case, where: Place | str, results: list[RuleResult]) -> datetime | None:
    """When the contact would be allowed, if time is all that is in its way."""
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
