"""Consent: which one counts for a contact, and from which day."""

from __future__ import annotations

import re
from calendar import monthrange
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Literal, NamedTuple

from switchboard.aws import clock
from switchboard.compliance.data.consent import WEIGHTS
from switchboard.compliance.models import ConsentSource, Contact, Purpose
from switchboard.compliance.store import Facts

_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
#: The earliest zone is this far ahead of UTC: there, tomorrow's date may be today's.
_EARLIEST_ZONE = timedelta(hours=14)
#: How far the clock of whoever took the consent may be ahead of ours.
_SKEW = timedelta(minutes=5)

Problem = Literal[
    "missing", "source_missing", "source_unknown", "date_malformed", "date_in_future", "date_missing", "too_old"
]


class BadConsentError(ValueError):
    """A stated consent is none. `problem` says why."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem)
        self.problem = problem


@dataclass(frozen=True, slots=True)
class Found:
    """The consent that counts. `first_seen` says that the ledger has none yet and should keep this one."""

    source: ConsentSource
    since: date
    origin: str
    first_seen: bool = False


def find(contact: Contact, facts: Facts, now: datetime) -> Found:
    """The consent that a contact rests on. Raises BadConsentError.

    The request's own statement comes first, then the ledger's record of the organisation and the number, then the
    basis of a key or flow. A statement that is wrong is refused even where another would do: whoever states a consent
    that is none has a fault to learn of. A statement without a date dates from when the organisation first made it.
    """
    record = facts.consent
    if contact.consent is not None:
        source = source_of(contact.consent.source)
        if contact.consent.date is not None:
            return Found(source, day_of(contact.consent.date, now), "request", first_seen=record is None)
        since = date.fromisoformat(record.date) if record else now.date()
        return Found(source, since, "request", first_seen=record is None)
    if record is not None:
        return Found(record.source, date.fromisoformat(record.date), "ledger")
    if contact.basis is not None:
        if contact.basis.date is None:
            raise BadConsentError("date_missing")
        return Found(source_of(contact.basis.source), day_of(contact.basis.date, now), contact.basis.of)
    raise BadConsentError("missing")


class Shortfall(NamedTuple):
    """Why a consent does not suffice, and what it was measured by."""

    code: str
    reason: str


def shortfall(found: Found, purpose: str, now: datetime) -> Shortfall | None:
    """Why a consent does not suffice for a purpose today; None where it does. A purpose that is none has none."""
    if purpose not in set(Purpose):
        return Shortfall("consent_invalid", "purpose_unknown")
    weight = WEIGHTS[found.source.value]
    if purpose == Purpose.TELEMARKETING and not weight.telemarketing:
        return Shortfall("consent_insufficient", "not_written")
    if now.date() > last_day(found):
        return Shortfall("consent_expired", "too_old")
    return None


def last_day(found: Found) -> date:
    """The last day on which a consent is good (UTC)."""
    return ends(found.source, found.since)


def ends(source: ConsentSource, day: date) -> date:
    """The last day on which a consent of that source and day is good (UTC)."""
    return _months_later(day, WEIGHTS[source.value].months)


def _months_later(day: date, months: int) -> date:
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def source_of(text: str | None) -> ConsentSource:
    """The source that a text names. Raises BadConsentError."""
    if text is None:
        raise BadConsentError("source_missing")
    try:
        return ConsentSource(text)
    except ValueError:
        raise BadConsentError("source_unknown") from None


def day_of(text: str, now: datetime) -> date:
    """The day of a consent, from a day or a moment. Raises BadConsentError for what is neither, and for the future."""
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
    if moment > now + _SKEW:
        raise BadConsentError("date_in_future")
    return moment.astimezone(UTC).date()


def stated(source: str, day: str | None) -> tuple[ConsentSource, str]:
    """A consent to keep: its source, and its day, which is today where none is given.

    Raises BadConsentError, also for a consent that is good for nothing any more.
    """
    now = clock.now()
    given, since = source_of(source), day_of(day, now) if day else now.date()
    if now.date() > ends(given, since):
        raise BadConsentError("too_old")
    return given, since.isoformat()
