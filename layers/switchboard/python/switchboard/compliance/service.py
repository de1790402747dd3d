"""The gate (DESIGN.md, rule 6): one verdict on every call and text that is about to go out.

The way to use it: `evaluate`, then `writes_for` and `record` in the transaction that commits the call with its event.
A verdict holds for the moment; whoever dials later asks again.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import date, datetime

from switchboard import telemetry
from switchboard.aws import aside, clock, table
from switchboard.aws.table import Check, Put, Write
from switchboard.compliance import consents, magic, phone, rules, store
from switchboard.compliance.consents import BadConsentError, Found
from switchboard.compliance.errors import Blocked, blocked, meanwhile
from switchboard.compliance.models import ConsentRecord, Contact, RuleResult, Verdict
from switchboard.compliance.ports import Answer, NotAnswered, ReassignedNumbers, SimulatedNumbers, reassigned_numbers
from switchboard.compliance.store import Facts
from switchboard.errors import NotFound

__all__ = [
    "Blocked",
    "Contact",
    "Verdict",
    "evaluate",
    "explain",
    "get",
    "history",
    "record",
    "require",
    "still_allowed",
    "writes_for",
]

Ask = Callable[[date], Answer]


def evaluate(
    contact: Contact,
    numbers: ReassignedNumbers | None = None,
    *,
    before_paying: Callable[[], None] | None = None,
) -> Verdict:
    """The verdict on a contact, now. The Reassigned Numbers Database is asked if no answer of it holds.

    Each of its answers is paid for, so `before_paying` is called first: what it raises refuses the contact. Raises
    Invalid for what is no number.
    """
    number = phone.parse(contact.to)
    now = clock.now()
    facts = _facts(contact, number, now)
    return decide(contact, number, facts, now, _asking(contact, number, now, numbers, before_paying))


def _facts(contact: Contact, number: phone.Phone, now: datetime) -> Facts:
    """What is stored about a number. A second read only where the day of the consent is known to the ledger alone."""
    days = _stated_days(contact, now)
    facts = store.facts(contact.org_id, number.e164, contact.subject, days)
    consent = _consent(contact, facts, now)
    if isinstance(consent, BadConsentError) or consent.since in days:
        return facts
    if contact.simulated or number.reaches_nobody or not number.american:
        return facts
    known = store.answer(number.e164, consent.since)
    return replace(facts, answers={consent.since.isoformat(): known}) if known else facts


def _stated_days(contact: Contact, now: datetime) -> list[date]:
    """The days of the consents that a contact itself names: one of them counts, unless the ledger has another."""
    days = []
    for stated in (contact.consent, contact.basis):
        if stated is not None:
            with suppress(BadConsentError):
                days.append(consents.day_of(stated.date, now) if stated.date is not None else now.date())
    return list(dict.fromkeys(days))


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


def decide(contact: Contact, number: phone.Phone, facts: Facts, now: datetime, ask: Ask) -> Verdict:
    """The verdict on known facts. Every rule is asked, so that a refusal can be explained; the first block counts."""
    case = rules.Case(contact, number, facts, now, magic.outcome(number.e164), _consent(contact, facts, now), ask)
    results = [rules.dnc(case), rules.opt_out(case), rules.consent(case)]
    results.append(rules.reassigned(case, refused=any(result.result == "block" for result in results)))
    where = rules.place(case)
    results += [rules.quiet_hours(case, where), rules.caps(case)]
    failed = next((result for result in results if result.result == "block"), None)
    moment = rules.next_allowed(case, where, results)
    names = where.names if isinstance(where, rules.Place) else []
    closed = results[4].details.get("closed_in", [])
    return Verdict(
        org_id=contact.org_id,
        channel=contact.channel,
        number=case.number,
        allowed=failed is None,
        code=failed.code if failed else None,
        rules=results,
        next_allowed_at=clock.iso(moment) if moment else None,
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
        cap = caps.details["limit"]
        writes.append(store.count_attempt(org_id, to, contact.subject, cap, now, meanwhile("attempt_cap", "caps")))
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


def explain(verdict: Verdict) -> str:
    """A verdict in plain text."""
    what = "Call" if verdict.channel == "voice" else "Text"
    outcome = "allowed" if verdict.allowed else f"refused ({verdict.code})"
    lines = [f"{what} to number {verdict.number[:12]} of {verdict.org_id}: {outcome}, {verdict.evaluated_at}"]
    lines += [_line(position, result) for position, result in enumerate(verdict.rules, 1)]
    if verdict.timezones:
        lines.append(f"Recipient's zone: {' or '.join(verdict.timezones)}")
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
