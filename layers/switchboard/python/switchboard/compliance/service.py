"""The compliance gate: it decides on every call and text before it goes out.

Call `evaluate`. Then commit `writes_for` and `record` in the same transaction as the call or text and its event.
A verdict is valid only at its moment: the dialer evaluates again before it dials.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import date, datetime
from typing import Any

from pydantic import ValidationError

from switchboard import telemetry
from switchboard.accounts import service as accounts
from switchboard.aws import aside, clock, table
from switchboard.aws.effect import Effect
from switchboard.aws.table import Check, Put, Write
from switchboard.compliance import consents, magic, phone, rules, store
from switchboard.compliance.consents import BadConsentError, Found
from switchboard.compliance.data.countries import ELSEWHERE
from switchboard.compliance.data.law import Cap, narrowed
from switchboard.compliance.errors import Blocked, blocked, meanwhile
from switchboard.compliance.models import ConsentRecord, Contact, RuleResult, Verdict, Window
from switchboard.compliance.ports import (
    Answer,
    NationalRegistry,
    NotAnswered,
    ReassignedNumbers,
    Registered,
    SimulatedNumbers,
    SimulatedRegistry,
    national_registry,
    reassigned_numbers,
)
from switchboard.compliance.store import Facts
from switchboard.errors import Invalid, NotFound
from switchboard.events.models import Origin

__all__ = [
    "Blocked",
    "Contact",
    "Verdict",
    "evaluate",
    "explain",
    "get",
    "get_hours",
    "history",
    "record",
    "require",
    "set_hours",
    "still_allowed",
    "writes_for",
]

Ask = Callable[[date], Answer]
Registers = Callable[[], Registered]


def evaluate(
    contact: Contact,
    numbers: ReassignedNumbers | None = None,
    *,
    registry: NationalRegistry | None = None,
    before_paying: Callable[[], None] | None = None,
) -> Verdict:
    """Returns the verdict on a contact at the present time.

    Queries the Reassigned Numbers Database unless a cached answer is still valid. Each query costs money, so
    `before_paying` runs first: an error that it raises stops the evaluation. Raises Invalid for an invalid number.
    """
    number = phone.parse(contact.to)
    now = clock.now()
    facts = _facts(contact, number, now)
    asking = _asking(contact, number, now, numbers, before_paying)
    return decide(contact, number, facts, now, asking, _registers(contact, number, now, registry))


def _facts(contact: Contact, number: phone.Phone, now: datetime) -> Facts:
    """Returns what is stored about a number.

    A second read is needed only where the day of the consent is in the ledger and not in the request.
    """
    days = _stated_days(contact, now)
    places = [name for name, _ in rules.laws(contact, number)]
    facts = _with_law(contact, number, store.facts(contact.org_id, number.e164, contact.subject, days, places), places)
    consent = _consent(contact, facts, now)
    if isinstance(consent, BadConsentError) or consent.since in days:
        return facts
    if contact.simulated or number.reaches_nobody or not number.american:
        return facts
    known = store.answer(number.e164, consent.since)
    return replace(facts, answers={consent.since.isoformat(): known}) if known else facts


def _with_law(contact: Contact, number: phone.Phone, facts: Facts, read: Sequence[str]) -> Facts:
    """Adds the operators' rows for the place that the organization's record names for the number's holder.

    This takes a second read only where the request and the number do not name the same place.
    """
    more = [name for name, _ in rules.laws(_recorded(contact, facts), number) if name not in read]
    return replace(facts, amendments=facts.amendments | store.amendments_of(more)) if more else facts


def _recorded(contact: Contact, facts: Facts) -> Contact:
    """Returns the contact with the organization's record about its number."""
    return contact.model_copy(update={"record": facts.whereabouts}) if facts.whereabouts else contact


def _stated_days(contact: Contact, now: datetime) -> list[date]:
    """Returns the days of the consents in a contact. The gate uses one of them unless the ledger has another."""
    days = []
    for stated in (contact.consent, contact.basis):
        if stated is not None:
            with suppress(BadConsentError):
                days.append(consents.day_of(stated.date, now) if stated.date is not None else now.date())
    return list(dict.fromkeys(days))


def _registers(contact: Contact, number: phone.Phone, now: datetime, registry: NationalRegistry | None) -> Registers:
    def ask() -> Registered:
        if contact.simulated or number.reaches_nobody:
            return SimulatedRegistry().query(number.e164, now)
        try:
            return (registry or national_registry()).query(number.e164, now)
        except NotAnswered:
            raise
        except Exception as error:
            telemetry.logger().exception("the national registry failed")
            # Any failure means that the answer is unknown, so the number is refused.
            raise NotAnswered("unavailable") from error

    return ask


def _asking(
    contact: Contact,
    number: phone.Phone,
    now: datetime,
    numbers: ReassignedNumbers | None,
    before_paying: Callable[[], None] | None,
) -> Ask:
    def simulated(since: date) -> Answer:
        return SimulatedNumbers().query(number.e164, since)

    def real(since: date) -> Answer:
        if before_paying:
            before_paying()
        aside.settle()
        try:
            answer = (numbers or reassigned_numbers()).query(number.e164, since)
        except NotAnswered:
            raise
        except Exception as error:
            # Any failure of the provider means that the answer is unknown, so the number is refused.
            raise NotAnswered(type(error).__name__) from error
        _remember(number.e164, since, answer, now)
        return answer

    return simulated if contact.simulated or number.reaches_nobody else real


def _remember(e164: str, since: date, answer: Answer, now: datetime) -> None:
    """Caches an answer, because the dialer evaluates again. Raises NotAnswered if the write fails.

    The stored answer is the proof that the number could be called. Without the proof there must be no call.
    """
    try:
        table.write(store.remember_answer(e164, since, answer, now))
    except Exception as error:
        telemetry.metric("ReassignedAnswerNotKept")
        raise NotAnswered(type(error).__name__) from error


def decide(
    contact: Contact, number: phone.Phone, facts: Facts, now: datetime, ask: Ask, registers: Registers | None = None
) -> Verdict:
    """Returns the verdict on given facts. Runs every rule to explain a refusal. The first block sets the code."""
    contact = _recorded(contact, facts)
    registered = registers or _registers(contact, number, now, None)
    found = _consent(contact, facts, now)
    case = rules.Case(contact, number, facts, now, magic.outcome(number.e164), found, ask, registered)
    own, opt_out, consent = rules.dnc(case), rules.opt_out(case), rules.consent(case)
    refused = any(result.result == "block" for result in (own, opt_out, consent))
    national = rules.national_dnc(case, refused=refused)
    reassigned = rules.reassigned(case, refused=refused or national.result == "block")
    where = rules.place(case)
    quiet = rules.quiet_hours(case, where)
    results = [own, national, opt_out, consent, reassigned, quiet, rules.caps(case)]
    failed = next((result for result in results if result.result == "block"), None)
    moment = rules.next_allowed(case, where, results)
    until = rules.allowed_until(case, where) if failed is None else None
    names = where.names if isinstance(where, rules.Place) else []
    closed = quiet.details.get("closed_in", [])
    return Verdict(
        org_id=contact.org_id,
        channel=contact.channel,
        number=case.number,
        allowed=failed is None,
        code=failed.code if failed else None,
        rules=results,
        next_allowed_at=clock.iso(moment) if moment else None,
        allowed_until=clock.iso(until) if until else None,
        timezones=names,
        timezone=closed[0] if closed else next(iter(names), None),
        evaluated_at=clock.iso(now),
        contact=contact,
    )


def _consent(contact: Contact, facts: Facts, now: datetime) -> Found | BadConsentError:
    try:
        return consents.find(contact, facts, now)
    except BadConsentError as error:
        return error


def require(verdict: Verdict) -> Verdict:
    """Returns the verdict if it allows the contact. Raises Blocked if not."""
    if not verdict.allowed:
        raise blocked(verdict)
    return verdict


def still_allowed(verdict: Verdict) -> list[Check]:
    """Returns the checks for a worker's claim of a call or text that was allowed before.

    The claim fails with Blocked at commit if a block or an opt-out was stored after the verdict. Raises Blocked
    immediately if the verdict itself is a refusal.
    """
    contact = _allowed(verdict)
    return [
        store.absent(contact.org_id, "dnc", contact.to, meanwhile("dnc", "dnc")),
        store.absent(contact.org_id, "opt-outs", contact.to, meanwhile("opted_out", "opt_out")),
    ]


def _allowed(verdict: Verdict) -> Contact:
    contact = require(verdict).contact
    if contact is None:
        raise ValueError("a stored verdict has no contact: call evaluate() again")
    return contact


def writes_for(verdict: Verdict, actor: str = "gate") -> list[Write]:
    """Returns the writes for the transaction of an allowed call or text. Raises Blocked for a refused one.

    The transaction fails with Blocked if a block or an opt-out was stored after the verdict. It also fails if the call
    would exceed a legal limit of calls. The first statement of a consent is added to the ledger.
    """
    contact = _allowed(verdict)
    org_id, to, now = contact.org_id, contact.to, clock.parse(verdict.evaluated_at)
    writes: list[Write] = [*still_allowed(verdict)]
    caps, consent = verdict.rule("caps"), verdict.rule("consent").details
    if caps.result == "pass":
        limits = [Cap(**limit) for limit in caps.details["limits"]]
        writes.append(store.count_attempt(org_id, to, contact.subject, limits, now, meanwhile("attempt_cap", "caps")))
    if consent["first_seen"]:
        first = ConsentRecord(
            e164=to, source=consent["source"], date=consent["since"], created_by=actor, at=verdict.evaluated_at
        )
        writes.append(store.first_consent(first, org_id))
    return writes


def record(verdict: Verdict, subject_id: str) -> Put:
    """Returns the write that stores the verdict on a call or message."""
    return store.put_verdict(verdict, subject_id)


def get(org_id: str, subject_id: str) -> Verdict:
    """Returns the latest verdict on a call or message of the organization. Raises NotFound."""
    found = store.verdicts(org_id, subject_id, 1)
    if not found:
        raise NotFound("There is no verdict for this call or message.")
    return found[0]


def history(org_id: str, subject_id: str, limit: int = 20) -> list[Verdict]:
    """Returns the verdicts on a call or message, latest first. A postponed call or message has several."""
    return store.verdicts(org_id, subject_id, limit)


def get_hours(org_id: str) -> Window | None:
    """Returns the organization's calling hours in the recipient's time, or None without any. Raises NotFound."""
    hours = accounts.organisation(org_id).calling_hours
    return Window.model_validate(hours) if hours else None


def set_hours(origin: Origin, start: str | None, end: str | None, effect: Effect | None = None) -> Window | None:
    """Sets the organization's own calling hours, such as `09:00` and `18:00`. Removes them if both are None.

    The hours can only be stricter than the law. They apply to calls that are dialed from now on. Raises Invalid.
    """
    window = None if start is None and end is None else _window(start, end)
    accounts.set_calling_hours(origin, window.model_dump() if window else None, effect)
    return window


def _window(start: str | None, end: str | None) -> Window:
    problems = {name: "is missing" for name, text in (("start", start), ("end", end)) if text is None}
    try:
        window = Window(start=start or "", end=end or "")
    except ValidationError as error:
        told = {".".join(map(str, one["loc"])) or "end": _told(one) for one in error.errors()}
        raise Invalid("Invalid calling hours: see the fields.", code="hours_invalid", fields=told | problems) from None
    if narrowed(window.hours, ELSEWHERE.weekdays) is None:
        raise Invalid(
            "Invalid calling hours: the law allows no call in them. Include some time between 08:00 and 21:00.",
            code="hours_invalid",
            fields={"start": "must include some time between 08:00 and 21:00"},
        )
    return window


def _told(problem: Mapping[str, Any]) -> str:
    if problem["type"] == "string_pattern_mismatch":
        return "must be a time of day, such as 09:00"
    return str(problem["msg"]).removeprefix("Value error, ")


def explain(verdict: Verdict) -> str:
    """Returns a verdict as plain text for operators."""
    what = "Call" if verdict.channel == "voice" else "Text"
    outcome = "allowed" if verdict.allowed else f"refused ({verdict.code})"
    lines = [f"{what} to number {verdict.number[:12]} of {verdict.org_id}: {outcome}, {verdict.evaluated_at}"]
    lines += [_line(position, result) for position, result in enumerate(verdict.rules, 1)]
    if verdict.timezones:
        lines.append(f"Recipient's zone: {' or '.join(verdict.timezones)}")
    if verdict.allowed_until:
        lines.append(f"Allowed until: {verdict.allowed_until}")
    if verdict.next_allowed_at:
        lines.append(f"Allowed again: {verdict.next_allowed_at}")
    return "\n".join(lines)


def _line(position: int, result: RuleResult) -> str:
    facts = {**{name: value for name, value in result.input.items() if name != "number"}, **result.details}
    shown = ", ".join(f"{name}={_text(value)}" for name, value in facts.items() if value not in (None, [], {}))
    head = f"{position}. {result.rule:<12} {result.result:<5} {result.reason} (as of {result.version})"
    return f"{head}\n   {shown}" if shown else head


def _text(value: object) -> str:
    if isinstance(value, list):
        return "|".join(map(str, value))
    if isinstance(value, dict):
        return "/".join(str(part) for part in value.values() if part is not None)
    return str(value)
