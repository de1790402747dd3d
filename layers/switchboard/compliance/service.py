"""The compliance gate: it decides on every call and text before it goes out.

Call `evaluate`. Then commit `allowed_writes` and `verdict_writes` in the transaction of the call or text and its event.
A verdict is valid only at its moment: the dialer evaluates again before it dials. So the acceptance of a call commits
`acceptance_writes`, and the dialer's claim commits `still_allowed_checks`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import date, datetime
from typing import NamedTuple

from switchboard import telemetry
from switchboard.aws.writes import ConditionCheck, Write, write_item
from switchboard.carriers.magic_numbers import MAGIC_NUMBERS
from switchboard.carriers.registries import (
    NationalRegistry,
    NoAnswerError,
    ReassignedAnswer,
    ReassignedNumbers,
    RegistryAnswer,
    SimulatedReassignedNumbers,
    SimulatedRegistry,
    get_national_registry,
    get_reassigned_numbers,
)
from switchboard.compliance import consents, phone, rules, store, verdicts
from switchboard.compliance.calling_hours import get_calling_hours, set_calling_hours
from switchboard.compliance.consents import BadConsentError, EffectiveConsent
from switchboard.compliance.data.law import AttemptCap
from switchboard.compliance.explanation import explain_verdict
from switchboard.compliance.hours import RecipientPlace, find_laws, find_place
from switchboard.compliance.models import ConsentRecord, ContactAttempt
from switchboard.compliance.rules import check_caps
from switchboard.compliance.store import Facts, FactsWanted
from switchboard.compliance.verdicts import (
    Blocked,
    Verdict,
    blocked_at_commit,
    blocked_error,
    list_verdicts,
    verdict_writes,
)
from switchboard.errors import NotFound
from switchboard.kit import background, clock

__all__ = [
    "Blocked",
    "ContactAttempt",
    "KnownFacts",
    "Verdict",
    "acceptance_writes",
    "allowed_writes",
    "evaluate",
    "evaluate_together",
    "explain_verdict",
    "get_calling_hours",
    "get_verdict",
    "list_verdicts",
    "read_known_facts",
    "require_allowed",
    "set_calling_hours",
    "still_allowed_checks",
    "verdict_writes",
]

QueryReassigned = Callable[[date], ReassignedAnswer]
QueryRegistry = Callable[[], RegistryAnswer]


def evaluate(
    contact: ContactAttempt,
    numbers: ReassignedNumbers | None = None,
    *,
    registry: NationalRegistry | None = None,
    before_paying: Callable[[], None] | None = None,
    known: KnownFacts | None = None,
) -> Verdict:
    """Returns the verdict on a contact at the present time.

    Queries the Reassigned Numbers Database unless a cached answer is still valid. Each query costs money, so
    `before_paying` runs first: an error that it raises stops the evaluation. `known` is the result of
    `read_known_facts` for the same number, in the same request. Raises Invalid for an invalid number.
    """
    number = phone.parse(contact.to)
    now = clock.now()
    facts = _complete_facts(contact, number, now, known or read_known_facts(contact))
    asking = _asking(contact, number, now, numbers, before_paying)
    return decide_verdict(contact, number, facts, now, asking, _registers(contact, number, now, registry))


class KnownFacts(NamedTuple):
    """The stored facts about a number, with the cached answers for some days of consent."""

    facts: Facts
    days: list[date]


def read_known_facts(contact: ContactAttempt) -> KnownFacts:
    """Returns what is stored about a number. Raises Invalid for an invalid number.

    A request that still reads something else, such as the flow, calls this in the background. The contact then has the
    request's number and places, and the consent that the request will probably be based on.
    """
    return _read_known_facts_of_many([contact])[0]


def evaluate_together(
    contacts: Sequence[ContactAttempt], *, before_paying: Callable[[], None] | None = None
) -> list[Verdict]:
    """Returns the verdicts on several contacts at the present time, in their order.

    The stored facts are read together, in one request for about a dozen contacts. Otherwise it is as `evaluate`.
    `before_paying` runs before each query.
    """
    known = _read_known_facts_of_many(contacts)
    return [
        evaluate(contact, before_paying=before_paying, known=facts)
        for contact, facts in zip(contacts, known, strict=True)
    ]


def _read_known_facts_of_many(contacts: Sequence[ContactAttempt]) -> list[KnownFacts]:
    now, wanted = clock.now(), []
    for contact in contacts:
        number = phone.parse(contact.to)
        places = [name for name, _ in find_laws(contact, number)]
        wanted.append(
            FactsWanted(
                contact.org_id,
                number.e164,
                contact.subject,
                _stated_days(contact, now),
                places,
                contact.accepted_at is not None,
            )
        )
    read = store.read_facts_of_many(wanted)
    return [
        KnownFacts(_with_law(contact, phone.parse(contact.to), facts, asked.places), list(asked.days))
        for contact, asked, facts in zip(contacts, wanted, read, strict=True)
    ]


def _complete_facts(contact: ContactAttempt, number: phone.Phone, now: datetime, known: KnownFacts) -> Facts:
    """Adds the cached answer for the day of the consent.

    A second read is needed only where this day is in the ledger and not in the request.
    """
    facts = known.facts
    consent = _consent(contact, facts, now)
    if isinstance(consent, BadConsentError) or consent.since in known.days:
        return facts
    if contact.simulated or number.reaches_nobody or not number.american:
        return facts
    cached = store.get_cached_answer(number.e164, consent.since)
    return replace(facts, answers={consent.since.isoformat(): cached}) if cached else facts


def _with_law(contact: ContactAttempt, number: phone.Phone, facts: Facts, read: Sequence[str]) -> Facts:
    """Adds the operators' rows for the place that the organization's record names for the number's holder.

    This takes a second read only where the request and the number do not name the same place.
    """
    more = [name for name, _ in find_laws(_recorded(contact, facts), number) if name not in read]
    return replace(facts, amendments=facts.amendments | store.get_amendments_of_places(more)) if more else facts


def _recorded(contact: ContactAttempt, facts: Facts) -> ContactAttempt:
    """Returns the contact with the organization's record about its number."""
    return contact.model_copy(update={"record": facts.whereabouts}) if facts.whereabouts else contact


def _stated_days(contact: ContactAttempt, now: datetime) -> list[date]:
    """Returns the days of the consents in a contact. The gate uses one of them unless the ledger has another."""
    days = []
    for stated in (contact.consent, contact.basis):
        if stated is not None:
            with suppress(BadConsentError):
                days.append(consents.parse_day(stated.date, now) if stated.date is not None else now.date())
    return list(dict.fromkeys(days))


def _registers(
    contact: ContactAttempt, number: phone.Phone, now: datetime, registry: NationalRegistry | None
) -> QueryRegistry:
    def ask() -> RegistryAnswer:
        if contact.simulated or number.reaches_nobody:
            return SimulatedRegistry().query_number(number.e164, now)
        try:
            return (registry or get_national_registry()).query_number(number.e164, now)
        except NoAnswerError:
            raise
        except Exception as error:
            telemetry.logger().exception("the national registry failed")
            # Any failure means that the answer is unknown, so the number is refused.
            raise NoAnswerError("unavailable") from error

    return ask


def _asking(
    contact: ContactAttempt,
    number: phone.Phone,
    now: datetime,
    numbers: ReassignedNumbers | None,
    before_paying: Callable[[], None] | None,
) -> QueryReassigned:
    def simulated(since: date) -> ReassignedAnswer:
        return SimulatedReassignedNumbers().query_number(number.e164, since)

    def real(since: date) -> ReassignedAnswer:
        if before_paying:
            before_paying()
        background.wait_for_guard()
        try:
            answer = (numbers or get_reassigned_numbers()).query_number(number.e164, since)
        except NoAnswerError:
            raise
        except Exception as error:
            # Any failure of the provider means that the answer is unknown, so the number is refused.
            raise NoAnswerError(type(error).__name__) from error
        _remember(number.e164, since, answer, now)
        return answer

    return simulated if contact.simulated or number.reaches_nobody else real


def _remember(e164: str, since: date, answer: ReassignedAnswer, now: datetime) -> None:
    """Caches an answer, because the dialer evaluates again. Raises NoAnswerError if the write fails.

    The stored answer is the proof that the number could be called. Without the proof there must be no call.
    """
    try:
        write_item(store.cached_answer_writes(e164, since, answer, now))
    except Exception as error:
        telemetry.emit_metric("ReassignedAnswerNotKept")
        raise NoAnswerError(type(error).__name__) from error


def decide_verdict(
    contact: ContactAttempt,
    number: phone.Phone,
    facts: Facts,
    now: datetime,
    ask: QueryReassigned,
    registers: QueryRegistry | None = None,
) -> Verdict:
    """Returns the verdict on given facts. Runs every rule to explain a refusal. The first block sets the code."""
    contact = _recorded(contact, facts)
    registered = registers or _registers(contact, number, now, None)
    found = _consent(contact, facts, now)
    case = verdicts.RuleInput(contact, number, facts, now, MAGIC_NUMBERS.get(number.e164), found, ask, registered)
    own, opt_out, consent = rules.check_dnc(case), rules.check_opt_out(case), rules.check_consent(case)
    refused = any(result.result == "block" for result in (own, opt_out, consent))
    national = rules.check_national_dnc(case, refused=refused)
    where = find_place(case)
    quiet, caps = rules.check_quiet_hours(case, where), check_caps(case)
    # A text that waits is evaluated again. It may be canceled before, so nothing is paid for it now.
    waits = contact.channel == "sms" and (contact.for_later or "block" in (quiet.result, caps.result))
    reassigned = rules.check_reassigned(case, refused=refused or waits or national.result == "block")
    results = [own, national, opt_out, consent, reassigned, quiet, caps]
    failed = next((result for result in results if result.result == "block"), None)
    moment = rules.next_allowed_at(case, where, results)
    until = rules.allowed_until(case, where) if failed is None else None
    names = where.names if isinstance(where, RecipientPlace) else []
    closed = quiet.details.get("closed_in", [])
    return Verdict(
        org_id=contact.org_id,
        channel=contact.channel,
        number=case.number_digest,
        allowed=failed is None,
        code=failed.code if failed else None,
        rules=results,
        next_allowed_at=clock.format_iso(moment) if moment else None,
        allowed_until=clock.format_iso(until) if until else None,
        timezones=names,
        timezone=closed[0] if closed else next(iter(names), None),
        evaluated_at=clock.format_iso(now),
        contact=contact,
    )


def _consent(contact: ContactAttempt, facts: Facts, now: datetime) -> EffectiveConsent | BadConsentError:
    try:
        return consents.find_consent(contact, facts, now)
    except BadConsentError as error:
        return error


def require_allowed(verdict: Verdict) -> Verdict:
    """Returns the verdict if it allows the contact. Raises Blocked if not."""
    if not verdict.allowed:
        raise blocked_error(verdict)
    return verdict


def still_allowed_checks(verdict: Verdict) -> list[ConditionCheck]:
    """Returns the checks for a worker's claim of a call or text that was allowed before.

    The claim fails with Blocked at commit if a block or an opt-out was stored after the verdict. Raises Blocked
    immediately if the verdict itself is a refusal.
    """
    contact = _allowed(verdict)
    return [
        store.not_listed_check(contact.org_id, "dnc", contact.to, blocked_at_commit("dnc", "dnc")),
        store.not_listed_check(contact.org_id, "opt-outs", contact.to, blocked_at_commit("opted_out", "opt_out")),
    ]


def _allowed(verdict: Verdict) -> ContactAttempt:
    contact = require_allowed(verdict).contact
    if contact is None:
        raise ValueError("a stored verdict has no contact: call evaluate() again")
    return contact


def allowed_writes(verdict: Verdict, actor: str = "gate") -> list[Write]:
    """Returns the writes for the transaction that sends an allowed text, or lets a call go out at once.

    The transaction fails with Blocked if a block or an opt-out was stored after the verdict, or if the contact would
    exceed a legal limit. Raises Blocked for a refused one.
    """
    return [*still_allowed_checks(verdict), *acceptance_writes(verdict, actor)]


def acceptance_writes(verdict: Verdict, actor: str = "gate") -> list[Write]:
    """Returns the writes for the transaction that accepts an allowed call, which a later claim checks again.

    The transaction fails with Blocked if the call would exceed a legal limit of calls. The first statement of a consent
    is added to the ledger. A block or an opt-out after the verdict does not make it fail: `still_allowed_checks` of the
    claim does (docs/decisions/0016-ledgers-at-the-claim.md). Raises Blocked for a refused call.
    """
    contact = _allowed(verdict)
    org_id, to, now = contact.org_id, contact.to, clock.parse(verdict.evaluated_at)
    writes: list[Write] = []
    caps, consent = verdict.find_result("caps"), verdict.find_result("consent").details
    if caps.result == "pass":
        limits = [AttemptCap(**limit) for limit in caps.details["limits"]]
        writes.append(
            store.attempt_writes(org_id, to, contact.subject, limits, now, blocked_at_commit("attempt_cap", "caps"))
        )
    if consent["first_seen"]:
        by = contact.basis.of if contact.basis and consent["from"] == contact.basis.of else actor
        first = ConsentRecord(
            e164=to, source=consent["source"], date=consent["since"], created_by=by, at=verdict.evaluated_at
        )
        writes.append(store.first_consent_writes(first, org_id))
    return writes


def get_verdict(org_id: str, subject_id: str) -> Verdict:
    """Returns the latest verdict on a call or message of the organization. Raises NotFound."""
    found = list_verdicts(org_id, subject_id, 1)
    if not found:
        raise NotFound("There is no verdict for this call or message: check its id, or try again later.")
    return found[0]
