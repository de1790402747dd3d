"""The gate (docs/compliance.md): one verdict on every call and text that is about to go out.

The way to use it: `evaluate`, then `writes_for` and `record` in the transaction that commits the call with its event.
A verdict holds for the moment; whoever dials later asks again.
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
    """The verdict on a contact, now. The Reassigned Numbers Database is asked if no answer of it holds.

    Each of its answers is paid for, so `before_paying` is called first: what it raises refuses the contact. Raises
    Invalid for what is no number.
    """
    number = phone.parse(contact.to)
    now = clock.now()
    facts = _facts(contact, number, now)
    asking = _asking(contact, number, now, numbers, before_paying)
    return decide(contact, number, facts, now, asking, _registers(contact, number, now, registry))


def _facts(contact: Contact, number: phone.Phone, now: datetime) -> Facts:
    """What is stored about a number. A second read only where the day of the consent is known to the ledger alone."""
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
    """The facts with operators' rows of where the organisation's record says that the number's holder is.

    Those take a second read, and only where the record names a place that nothing else does.
    """
    more = [name for name, _ in rules.laws(_recorded(contact, facts), number) if name not in read]
    return replace(facts, amendments=facts.amendments | store.amendments_of(more)) if more else facts


def _recorded(contact: Contact, facts: Facts) -> Contact:
    """A contact with what the organisation's record says of its number."""
    return contact.model_copy(update={"record": facts.whereabouts}) if facts.whereabouts else contact


def _stated_days(contact: Contact, now: datetime) -> list[date]:
    """The days of the consents that a contact itself names: one of them counts, unless the ledger has another."""
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
            # Whatever befell it, nobody says that the number is not registered.
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
            # Whatever befell the provider, a number that nobody vouched for is not called.
            raise NotAnswered(type(error).__name__) from error
        _remember(number.e164, since, answer, now)
        return answer

    return simulated if contact.simulated or number.reaches_nobody else real


def _remember(e164: str, since: date, answer: Answer, now: datetime) -> None:
    """Keep an answer for the dialler, who asks again. Raises NotAnswered where it cannot be kept.

    The answer is the proof on which a number is called, and one that is lost proves nothing.
    """
    try:
        table.write(store.remember_answer(e164, since, answer, now))
    except Exception as error:
        telemetry.metric("ReassignedAnswerNotKept")
        raise NotAnswered(type(error).__name__) from error


def decide(
    contact: Contact, number: phone.Phone, facts: Facts, now: datetime, ask: Ask, registers: Registers | None = None
) -> Verdict:
    """The verdict on known facts. Every rule is asked, so that a refusal can be explained; the first block counts."""
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
    """The verdict, if it allows the contact. Raises Blocked."""
    if not verdict.allowed:
        raise blocked(verdict)
    return verdict


def still_allowed(verdict: Verdict) -> list[Check]:
    """The checks that go into a worker's claim of what was let through before.

    A block or an opt-out that lands between verdict and claim refuses the claim: raises Blocked at commit. Raises it
    at once for a refused verdict.
    """
    contact = _allowed(verdict)
    return [
        store.absent(contact.org_id, "dnc", contact.to, meanwhile("dnc", "dnc")),
        store.absent(contact.org_id, "opt-outs", contact.to, meanwhile("opted_out", "opt_out")),
    ]


def _allowed(verdict: Verdict) -> Contact:
    contact = require(verdict).contact
    if contact is None:
        raise ValueError("a stored verdict tells what was; evaluate anew")
    return contact


def writes_for(verdict: Verdict, actor: str = "gate") -> list[Write]:
    """The writes that go into the transaction of an allowed call or text. Raises Blocked for a refused one.

    They stand against what lands between verdict and commit: a block or an opt-out refuses the transaction (Blocked),
    and so does a call that would be one too many. A consent that was stated for the first time enters the ledger.
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
    """The write that keeps a verdict, for the call or message that it is about."""
    return store.put_verdict(verdict, subject_id)


def get(org_id: str, subject_id: str) -> Verdict:
    """The latest verdict on a call or message of the organisation. Raises NotFound."""
    found = store.verdicts(org_id, subject_id, 1)
    if not found:
        raise NotFound("There is no verdict on this.")
    return found[0]


def history(org_id: str, subject_id: str, limit: int = 20) -> list[Verdict]:
    """The verdicts on a call or message, latest first: one that was put off has several."""
    return store.verdicts(org_id, subject_id, limit)


def get_hours(org_id: str) -> Window | None:
    """The organisation's own calling hours, by the recipient's clock; None where it has none. Raises NotFound."""
    hours = accounts.organisation(org_id).calling_hours
    return Window.model_validate(hours) if hours else None


def set_hours(origin: Origin, start: str | None, end: str | None, effect: Effect | None = None) -> Window | None:
    """Set the organisation's own calling hours, as `09:00` and `18:00`; None and None take them away.

    They narrow the law's and never widen them. They hold for calls that are dialled from now on. Raises Invalid.
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
        raise Invalid("These are no calling hours.", code="hours_invalid", fields=told | problems) from None
    if narrowed(window.hours, ELSEWHERE.weekdays) is None:
        raise Invalid(
            "No call could ever be made in these hours.",
            code="hours_invalid",
            fields={"start": "must leave some time between 08:00 and 21:00"},
        )
    return window


def _told(problem: Mapping[str, Any]) -> str:
    if problem["type"] == "string_pattern_mismatch":
        return "must be a time of the day, such as 09:00"
    return str(problem["msg"]).removeprefix("Value error, ")


def explain(verdict: Verdict) -> str:
    """A verdict in plain text."""
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
