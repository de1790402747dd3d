"""What the gate is asked, and what it answers."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, ClassVar, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from switchboard.aws import clock
from switchboard.compliance.data.law import Hours

Channel = Literal["voice", "sms"]


class ConsentSource(StrEnum):
    """How consent was given (the Anima contract's `consent_source`)."""

    WEB_FORM = "opt-in:web-form"
    DOUBLE_OPT_IN = "opt-in:double-opt-in"
    CUSTOMER_INITIATED = "customer-initiated"
    BUSINESS_RELATIONSHIP = "business-relationship"
    PRIOR_EXPRESS = "prior-express-consent"


class Purpose(StrEnum):
    """What a contact is for. Telemarketing is whatever encourages a purchase, an investment or a rental."""

    INFORMATIONAL = "informational"
    TELEMARKETING = "telemarketing"


class Consent(BaseModel):
    """A consent as somebody states it: text that the gate, not the parser, finds good or bad.

    `date` is a day (`2026-01-31`) or a moment with its zone.
    """

    model_config = ConfigDict(frozen=True)

    source: str | None
    date: str | None = None

    @classmethod
    def stated(cls, metadata: Mapping[str, Any]) -> Consent | None:
        """What a request's metadata states in `consent_source` and `consent_date`; None if neither is there."""
        source, date = metadata.get("consent_source"), metadata.get("consent_date")
        if source is None and date is None:
            return None
        return cls(source=None if source is None else str(source), date=None if date is None else str(date))


class Basis(Consent):
    """A dated consent that is recorded on a key or a flow, for all that it calls. `of` names it: `flow:…`, `key_…`."""

    of: str


class Window(BaseModel):
    """An organisation's own calling hours, `09:00` to `17:30` by the recipient's clock. `24:00` ends the day."""

    model_config = ConfigDict(frozen=True)

    start: str = Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")
    end: str = Field(pattern=r"^(([01]\d|2[0-3]):[0-5]\d|24:00)$")

    @field_validator("start", "end", mode="before")
    @classmethod
    def _minutes_only(cls, value: Any) -> Any:
        return value.strftime("%H:%M") if hasattr(value, "strftime") else value

    @model_validator(mode="after")
    def _not_empty(self) -> Self:
        if self.start >= self.end:
            raise ValueError("a window ends after it starts, on the same day")
        return self

    @property
    def hours(self) -> Hours:
        """The window in minutes of the day."""
        return Hours(*(int(text[:2]) * 60 + int(text[3:]) for text in (self.start, self.end)))


class Whereabouts(BaseModel):
    """Where a number's holder is, as the organisation's record of them says: an IANA zone, a state, or both.

    `confirmed` says that a person vouched for it. Without that it only narrows what the number allows.
    """

    model_config = ConfigDict(frozen=True)

    time_zone: str | None = None
    state: str | None = None
    confirmed: bool = False
    by: str
    at: str


class Contact(BaseModel):
    """One call or text that an organisation is about to make.

    `timezone` and `state` say where the recipient is: an IANA zone, and the two letters of a state or territory of the
    United States, whose law then holds too. They only narrow what the number allows, unless `zone_confirmed` says that
    they come from a contact record that a person confirmed: then they stand in the place of the number's zones. The
    law of the number's own state holds in any case. `record` is what the organisation's own record of the number says,
    which the gate reads itself.

    `purpose` is one of `Purpose`; text that is none is refused by the gate, not by the parser. `subject` is what the
    calls are about, where a state limits calls on one subject. `simulated` says that nobody will be called (a test
    key), `counted` that this very call was let through and counted before, and is asked about again as it is dialled.
    """

    model_config = ConfigDict(frozen=True)

    org_id: str
    channel: Channel
    to: str
    consent: Consent | None = None
    basis: Basis | None = None
    purpose: str = Purpose.INFORMATIONAL.value
    timezone: str | None = None
    state: str | None = None
    zone_confirmed: bool = False
    record: Whereabouts | None = None
    window: Window | None = None
    simulated: bool = False
    counted: bool = False
    subject: str = "all"

    @field_validator("state")
    @classmethod
    def _letters(cls, value: str | None) -> str | None:
        return value.strip().upper().removeprefix("US-") if value is not None else None


class RuleResult(BaseModel):
    """What one rule found. `code` is set when it blocks; `version` dates the law or the table that it applied."""

    model_config = ConfigDict(frozen=True)

    rule: str
    result: Literal["pass", "block", "skip"]
    reason: str
    code: str | None = None
    version: str
    input: dict[str, Any] = Field(default_factory=dict)
    details: dict[str, Any] = Field(default_factory=dict)


class Verdict(BaseModel):
    """Whether a contact may go out, and what every rule found. Holds the number's digest, never the number.

    `contact` is what was asked, for the writes that go with the call; it is not stored.
    """

    model_config = ConfigDict(frozen=True)

    org_id: str
    channel: Channel
    number: str
    allowed: bool
    code: str | None
    rules: list[RuleResult]
    next_allowed_at: str | None = None
    #: When the hours that allow the contact end: nobody may be rung later on this verdict.
    allowed_until: str | None = None
    timezones: list[str]
    timezone: str | None = None
    evaluated_at: str
    contact: Contact | None = Field(default=None, exclude=True, repr=False)

    @property
    def failed(self) -> RuleResult | None:
        """The first rule that blocks."""
        return next((rule for rule in self.rules if rule.result == "block"), None)

    def rule(self, name: str) -> RuleResult:
        """What the named rule found."""
        return next(rule for rule in self.rules if rule.rule == name)

    def summary(self) -> dict[str, Any]:
        """The verdict in brief, for an event's data."""
        return {
            "allowed": self.allowed,
            "code": self.code,
            "rules": {rule.rule: f"{rule.result}:{rule.reason}" for rule in self.rules},
            "evaluated_at": self.evaluated_at,
        }


class BlockedNumber(BaseModel):
    """A number that an organisation never calls or texts."""

    id: str
    e164: str
    reason: str | None = None
    created_by: str
    at: str


#: How an opt-out came in: a texted keyword, an operator, an API, and in a call by words or by a key.
OptOutSource = Literal["keyword", "manual", "api", "spoken", "key_press"]


class OptOut(BaseModel):
    """A number whose holder wants nothing more from an organisation, on any channel."""

    e164: str
    source: OptOutSource
    keyword: str | None = None
    reason: str | None = None
    created_by: str
    created_at: str


class ConsentRecord(BaseModel):
    """The consent that an organisation holds from a number: how it was given, and on which day."""

    e164: str
    source: ConsentSource
    date: str
    created_by: str
    at: str


class Reassignment(BaseModel):
    """An answer of the Reassigned Numbers Database, and when it was given."""

    answer: Literal["yes", "no", "no_data"]
    at: str

    #: How long an answer holds. The database is updated monthly; the contract's product caches as long.
    LIFETIME: ClassVar[timedelta] = timedelta(days=30)

    def fresh(self, now: datetime) -> bool:
        """Whether the answer still holds."""
        return now - clock.parse(self.at) < self.LIFETIME
