"""Consent: chooses the consent that a contact is based on, and checks its age and purpose."""

from __future__ import annotations

import re
from calendar import monthrange
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Literal, NamedTuple

from switchboard.compliance.data.consent import WEIGHTS
from switchboard.compliance.models import (
    ConsentRecord,
    ConsentSource,
    ContactAttempt,
    Purpose,
    StandingConsent,
)
from switchboard.compliance.store import Facts
from switchboard.kit import clock

_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
#: The first time zone of the world is 14 hours ahead of UTC: its date may already be tomorrow's.
_EARLIEST_ZONE = timedelta(hours=14)
#: Tolerance for a clock that is ahead of ours at the system that recorded the consent.
_CLOCK_SKEW = timedelta(minutes=5)

ConsentProblem = Literal[
    "missing", "source_missing", "source_unknown", "date_malformed", "date_in_future", "date_missing", "too_old"
]


class BadConsentError(ValueError):
    """The stated consent is invalid. `problem` says why."""

    def __init__(self, problem: ConsentProblem) -> None:
        super().__init__(problem)
        self.problem = problem


@dataclass(frozen=True, slots=True)
class EffectiveConsent:
    """The consent that the gate uses. `first_seen` means that the ledger has none yet and should store this one."""

    source: ConsentSource
    since: date
    origin: str
    first_seen: bool = False


def find_consent(contact: ContactAttempt, facts: Facts, now: datetime) -> EffectiveConsent:
    """Returns the consent that a contact is based on. Raises BadConsentError.

    The statement in the request comes first, then the ledger's record of the organization and the number, then the
    consent of a key or flow. A member's statement by placing a call comes last, also once the ledger has it. Its age
    counts from the first one, so that calls do not make it younger. A simulated call adds nothing to the ledger. An
    expired record of the ledger gives way to a valid consent, except to a newer statement of the same kind by a member.

    An invalid statement is refused even if another consent would suffice, so that callers learn of their error. A
    statement without a date counts from the day when the organization first made it.
    """
    record = facts.consent
    if contact.consent is not None:
        source = parse_source(contact.consent.source)
        if contact.consent.date is not None:
            return EffectiveConsent(source, parse_day(contact.consent.date, now), "request", first_seen=record is None)
        since = date.fromisoformat(record.date) if record else now.date()
        return EffectiveConsent(source, since, "request", first_seen=record is None)
    basis = contact.basis
    if record is not None and not (basis and _is_better(basis, record, now)):
        return EffectiveConsent(record.source, date.fromisoformat(record.date), "ledger")
    if basis is not None:
        if basis.date is None:
            raise BadConsentError("date_missing")
        first = basis.by_member and record is None and not contact.simulated
        return EffectiveConsent(parse_source(basis.source), parse_day(basis.date, now), basis.of, first_seen=first)
    raise BadConsentError("missing")


def _is_better(basis: StandingConsent, record: ConsentRecord, now: datetime) -> bool:
    """Whether a consent comes before the ledger's record."""
    if record.by_member:
        return not basis.by_member
    if now.date() <= expiry_day(record.source, date.fromisoformat(record.date)) or basis.date is None:
        return False
    try:
        return now.date() <= expiry_day(parse_source(basis.source), parse_day(basis.date, now))
    except BadConsentError:
        return False


class ConsentShortfall(NamedTuple):
    """Why a consent does not suffice: the code of the refusal, and the reason."""

    code: str
    reason: str


def find_shortfall(found: EffectiveConsent, purpose: str, now: datetime) -> ConsentShortfall | None:
    """Returns why a consent does not suffice for a purpose today, or None if it does. Refuses an unknown purpose."""
    if purpose not in set(Purpose):
        return ConsentShortfall("consent_invalid", "purpose_unknown")
    weight = WEIGHTS[found.source.value]
    if purpose == Purpose.TELEMARKETING and not weight.telemarketing:
        return ConsentShortfall("consent_insufficient", "not_written")
    if now.date() > last_day(found):
        return ConsentShortfall("consent_expired", "too_old")
    return None


def last_day(found: EffectiveConsent) -> date:
    """Returns the last day on which a consent is valid (UTC)."""
    return expiry_day(found.source, found.since)


def expiry_day(source: ConsentSource, day: date) -> date:
    """Returns the last day on which a consent from that source and day is valid (UTC)."""
    return _months_later(day, WEIGHTS[source.value].months)


def _months_later(day: date, months: int) -> date:
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def parse_source(text: str | None) -> ConsentSource:
    """Parses the source of a consent. Raises BadConsentError."""
    if text is None:
        raise BadConsentError("source_missing")
    try:
        return ConsentSource(text)
    except ValueError:
        raise BadConsentError("source_unknown") from None


def parse_day(text: str, now: datetime) -> date:
    """Parses the day of a consent from a date or a time with a zone. Raises BadConsentError, also for a future day."""
    try:
        if _DAY.fullmatch(text):
            day = date.fromisoformat(text)
            if day > (now + _EARLIEST_ZONE).date():
                raise BadConsentError("date_in_future")
            return day
        moment = clock.parse(text)
    except (ValueError, OverflowError) as error:
        if isinstance(error, BadConsentError):
            raise
        raise BadConsentError("date_malformed") from None
    if moment > now + _CLOCK_SKEW:
        raise BadConsentError("date_in_future")
    return moment.astimezone(UTC).date()


def parse_consent(source: str, day: str | None) -> tuple[ConsentSource, str]:
    """Returns the source and the day of a consent to store. The day is today if none is given.

    Raises BadConsentError, also for a consent that has expired.
    """
    now = clock.now()
    given, since = parse_source(source), parse_day(day, now) if day else now.date()
    if now.date() > expiry_day(given, since):
        raise BadConsentError("too_old")
    return given, since.isoformat()
