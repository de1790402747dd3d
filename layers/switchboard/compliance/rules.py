"""The rules of the gate, in the order in which they run. Each rule returns pass, block or skip for a case.

Blocks, opt-outs, consent and calling hours apply to every number. The national registry, the database of reassigned
numbers and the law of states apply only to American numbers. State law applies to residents of the state.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from switchboard.carriers.magic_numbers import MagicOutcome
from switchboard.carriers.registries import NoAnswerError
from switchboard.compliance import consents, hours, zones
from switchboard.compliance.consents import BadConsentError
from switchboard.compliance.data.law import AttemptCap
from switchboard.compliance.hours import RecipientPlace, amendments_of_case, find_laws
from switchboard.compliance.models import ContactAttempt, Purpose, StatedConsent
from switchboard.compliance.verdicts import RuleInput, RuleResult, rule_blocked, rule_passed, rule_skipped
from switchboard.kit import clock

#: Whether a number passes if the Reassigned Numbers Database has no data about it. The records begin on 27 January 2021
#: and some carriers do not report, so a refusal would stop calls to most landlines. The caller has no safe harbor for
#: such a number (47 CFR 64.1200(m) gives it for a wrong `no` only), and the verdict says so.
NO_DATA_PASSES = True


#: The number of characters that a verdict stores of a text from a request.
_MAX_TEXT_CHARACTERS = 100


def check_dnc(case: RuleInput) -> RuleResult:
    """Checks the organization's own do-not-call list."""
    if case.facts.blocked or case.magic is MagicOutcome.BLOCKED:
        return rule_blocked(case, "dnc", "dnc", "on_list")
    return rule_passed(case, "dnc", "not_on_list")


def check_national_dnc(case: RuleInput, *, refused: bool) -> RuleResult:
    """Checks the national do-not-call registry, for telemarketing. Skips a number that another rule refused already.

    A registered number is refused even with consent. The law requires a signed agreement between the holder and this
    caller, and the gate cannot see such an agreement.
    """
    given = {"purpose": _clipped(case.contact.purpose)}
    if case.contact.purpose == Purpose.INFORMATIONAL:
        return rule_skipped(case, "national_dnc", "informational", input_=given)
    if not case.phone.american:
        return rule_skipped(case, "national_dnc", "outside_united_states", input_=given)
    if refused:
        return rule_skipped(case, "national_dnc", "not_asked", input_=given)
    try:
        found = case.registered()
    except NoAnswerError as error:
        return rule_blocked(case, "national_dnc", "national_dnc_unknown", str(error) or "unavailable", input_=given)
    details = {"as_of": found.as_of.isoformat()}
    if found.on_list:
        return rule_blocked(case, "national_dnc", "national_dnc", "on_registry", input_=given, details=details)
    return rule_passed(case, "national_dnc", "not_on_registry", input_=given, details=details)


def check_opt_out(case: RuleInput) -> RuleResult:
    """Checks the organization's opt-out ledger, which applies to every channel.

    An opt-out also ends what was accepted before it, though the holder opted in again.
    """
    accepted_at, opted_in_at = case.contact.accepted_at, case.facts.opted_in_at
    if accepted_at and opted_in_at and accepted_at < opted_in_at:
        return rule_blocked(case, "opt_out", "opted_out", "opted_out")
    if case.facts.opted_out or case.magic is MagicOutcome.OPTED_OUT:
        return rule_blocked(case, "opt_out", "opted_out", "opted_out")
    return rule_passed(case, "opt_out", "not_opted_out")


def check_consent(case: RuleInput) -> RuleResult:
    """Checks for a dated consent that suffices for the purpose: from the request, the ledger, the key or the flow."""
    stated = case.contact.consent
    given = {"stated": _stated(stated) if stated else None, "purpose": _clipped(case.contact.purpose)}
    match case.consent:
        case BadConsentError(problem="missing"):
            return rule_blocked(case, "consent", "consent_missing", "missing", input_=given)
        case BadConsentError(problem=problem):
            return rule_blocked(case, "consent", "consent_invalid", problem, input_=given)
        case found:
            details = {
                "source": found.source.value,
                "since": found.since.isoformat(),
                "until": consents.last_day(found).isoformat(),
                "from": found.origin,
                "first_seen": found.first_seen,
            }
            if short := consents.find_shortfall(found, case.contact.purpose, case.now):
                return rule_blocked(case, "consent", short.code, short.reason, input_=given, details=details)
            return rule_passed(case, "consent", "consent_known", input_=given, details=details)


def _stated(stated: StatedConsent) -> dict[str, str | None]:
    return {name: _clipped(text) if text is not None else None for name, text in stated.model_dump().items()}


def _clipped(text: str) -> str:
    return text if len(text) <= _MAX_TEXT_CHARACTERS else f"{text[:_MAX_TEXT_CHARACTERS]}…"


def check_reassigned(case: RuleInput, *, refused: bool) -> RuleResult:
    """Checks whether the number was reassigned after the consent. No query for a number that is refused already."""
    if not case.phone.american:
        return rule_skipped(case, "reassigned", "outside_united_states")
    if isinstance(case.consent, BadConsentError):
        return rule_skipped(case, "reassigned", "no_consent_date")
    since = case.consent.since
    asked = {"since": since.isoformat()}
    known = None if case.unreached_reason else case.facts.answers.get(since.isoformat())
    if known and known.is_fresh(case.now):
        answer, details = known.answer, {"asked_at": known.at, "cached": True}
    elif refused:
        return rule_skipped(case, "reassigned", "not_asked", input_=asked)
    else:
        try:
            answer, details = case.ask(since), {"asked_at": clock.format_iso(case.now), "cached": False}
        except NoAnswerError:
            return rule_blocked(case, "reassigned", "reassigned_unknown", "unavailable", input_=asked)
    match answer:
        case "no":
            return rule_passed(case, "reassigned", "not_reassigned", input_=asked, details=details)
        case "no_data" if NO_DATA_PASSES:
            return rule_passed(case, "reassigned", "no_data", input_=asked, details={**details, "safe_harbour": False})
        case "no_data":
            return rule_blocked(case, "reassigned", "reassigned_unknown", "no_data", input_=asked, details=details)
        case "yes":
            return rule_blocked(case, "reassigned", "number_reassigned", "reassigned", input_=asked, details=details)


def check_quiet_hours(case: RuleInput, where: RecipientPlace | str) -> RuleResult:
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
        "at": clock.format_iso(case.now),
    }
    if not contact.asks_hours:
        return rule_skipped(case, "quiet_hours", "not_asked", input_=given)
    if case.magic is MagicOutcome.QUIET_HOURS:
        return rule_blocked(case, "quiet_hours", "quiet_hours", "magic_number", input_=given)
    if case.unreached_reason:
        return rule_passed(case, "quiet_hours", case.unreached_reason, input_=given)
    if isinstance(where, str):
        return rule_blocked(case, "quiet_hours", "zone_unknown", where, input_=given)
    rules = [(name, rule) for name, rule in find_laws(contact, case.phone) if rule]
    details: dict[str, Any] = {
        "zones": where.names,
        "zone_source": where.source,
        # Mobile and ported numbers keep their area code when their holder moves.
        "zone_certainty": {"number": "guess", "contact": "confirmed"}.get(where.source, "stated"),
        "area_codes": zones.VERSION,
        "law": [f"{name} since {rule.since}: {rule.source}" for name, rule in rules],
        "unchecked": [name for name, rule in rules if not rule.checked],
        "amendments": [row.id for row in amendments_of_case(case) if row.kind != "cap"],
    }
    closed = [each.zone.key for each in where.clocks if not each.is_open(case.now)]
    if closed:
        return rule_blocked(
            case, "quiet_hours", "quiet_hours", "outside_hours", input_=given, details={**details, "closed_in": closed}
        )
    return rule_passed(case, "quiet_hours", "within_hours", input_=given, details=details)


def _record_told(contact: ContactAttempt) -> dict[str, Any] | None:
    """Returns the organization's record as a verdict stores it, with the person who confirmed it."""
    return contact.record.model_dump(exclude_none=True) if contact.record else None


def next_allowed_at(case: RuleInput, where: RecipientPlace | str, results: list[RuleResult]) -> datetime | None:
    """Returns when the contact will be allowed, or None if waiting does not help."""
    failed = [result for result in results if result.result == "block"]
    if not failed or any(result.code not in ("quiet_hours", "attempt_cap") for result in failed):
        return None
    if case.magic is MagicOutcome.QUIET_HOURS:
        new_york = case.now.astimezone(ZoneInfo("America/New_York"))
        day = new_york.date() + timedelta(days=new_york.hour >= 8)
        return datetime.combine(day, time(8), new_york.tzinfo).astimezone(UTC)
    free = [clock.parse(at) for result in failed if (at := result.details.get("free_at"))]
    clocks = where.clocks if isinstance(where, RecipientPlace) else []
    return hours.next_opening(clocks, max([case.now, *free]))


def allowed_until(case: RuleInput, where: RecipientPlace | str) -> datetime | None:
    """Returns the end of the calling hours that allow the contact now."""
    return (
        hours.next_closing(where.clocks, case.now)
        if isinstance(where, RecipientPlace) and case.contact.asks_hours and not case.unreached_reason
        else None
    )


@dataclass(frozen=True, slots=True)
class _Capped:
    """A limit of calls, and the law that requires it."""

    cap: AttemptCap
    law: str


def _caps(case: RuleInput) -> list[_Capped]:
    today = case.now.date()
    rules = [
        (name, rule)
        for name, rule in find_laws(case.contact, case.phone)
        if rule and rule.since <= today and (case.contact.channel == "voice" or not rule.voice_only)
    ]
    found = [_Capped(rule.cap, f"{name}: {rule.source}") for name, rule in rules if rule.cap]
    # The recipient's date may be one day ahead or behind.
    near = [today + timedelta(days=offset) for offset in (-1, 0, 1)]
    rows = [row for row in amendments_of_case(case) if any(row.is_in_effect(day, case.contact.channel) for day in near)]
    return found + [_Capped(row.cap, f"{row.id}: {row.source}") for row in rows if row.cap]


def check_caps(case: RuleInput) -> RuleResult:
    """Checks the legal limits of contacts on one subject. Counts by organization and number.

    A call counts for every purpose. A text counts only if it sells: a conversation has more than three texts a day.
    """
    if case.contact.channel == "sms" and case.contact.purpose == Purpose.INFORMATIONAL.value:
        return rule_skipped(case, "caps", "informational_text")
    found = _caps(case)
    if not found:
        return rule_skipped(case, "caps", "no_cap")
    if case.unreached_reason:
        return rule_skipped(case, "caps", case.unreached_reason)
    if case.contact.counted:
        return rule_skipped(case, "caps", "counted_already")
    if case.contact.for_later:
        return rule_skipped(case, "caps", "counted_later")
    attempts = [clock.parse(text) for text in case.facts.attempts]
    free = [moment for one in found if (moment := _free_at(one.cap, attempts)) and moment > case.now]
    longest = max(one.cap.hours for one in found)
    details: dict[str, Any] = {
        "limits": [{"calls": one.cap.calls, "hours": one.cap.hours} for one in found],
        "attempts": sum(moment > case.now - timedelta(hours=longest) for moment in attempts),
        "law": [one.law for one in found],
    }
    if free:
        details["free_at"] = clock.format_iso(max(free))
        return rule_blocked(case, "caps", "attempt_cap", "limit_reached", details=details)
    return rule_passed(case, "caps", "within_limit", details=details)


def _free_at(cap: AttemptCap, attempts: list[datetime]) -> datetime | None:
    """Returns when a cap allows the next call, or None for now. `attempts` are the latest calls, newest first."""
    return attempts[cap.calls - 1] + timedelta(hours=cap.hours) if len(attempts) >= cap.calls else None
