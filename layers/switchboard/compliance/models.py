"""The models of the compliance gate: contacts, verdicts and the entries of its ledgers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, ClassVar, Literal, Protocol, Self
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, SkipValidation, field_validator, model_validator

from switchboard.compliance.data.law import DayWindow
from switchboard.kit import clock

ContactChannel = Literal["voice", "sms"]
WindowEdge = Literal["start", "end"]


class ConsentSource(StrEnum):
    """How consent was given (the Anima contract's `consent_source`)."""

    WEB_FORM = "opt-in:web-form"
    DOUBLE_OPT_IN = "opt-in:double-opt-in"
    CUSTOMER_INITIATED = "customer-initiated"
    BUSINESS_RELATIONSHIP = "business-relationship"
    PRIOR_EXPRESS = "prior-express-consent"


class Purpose(StrEnum):
    """The purpose of a contact. Telemarketing encourages a purchase, an investment or a rental."""

    INFORMATIONAL = "informational"
    TELEMARKETING = "telemarketing"


class StatedConsent(BaseModel):
    """A stated consent, not yet checked: the gate judges its text, not the parser.

    `date` is a day (`2026-01-31`) or a time with its zone.
    """

    model_config = ConfigDict(frozen=True)

    source: str | None
    date: str | None = None

    @classmethod
    def from_metadata(cls, metadata: Mapping[str, Any]) -> StatedConsent | None:
        """Returns the consent in a request's metadata (`consent_source`, `consent_date`), or None without both."""
        source, date = metadata.get("consent_source"), metadata.get("consent_date")
        if source is None and date is None:
            return None
        return cls(source=None if source is None else str(source), date=None if date is None else str(date))


#: The beginning of the name of a member who states a consent by placing a call.
_MEMBER = "member:"


class StandingConsent(StatedConsent):
    """A dated consent on a key or a flow, for all of its calls, or of a member who places one.

    `of` names the key, flow or member: `key_…`, `flow:…`, `member:…`.
    """

    of: str

    @classmethod
    def of_member(cls, user_id: str, source: str, date: str) -> StandingConsent:
        """Returns the consent that a member states. The ledger keeps the first one, whose age counts."""
        return cls(source=source, date=date, of=cls.name_of_member(user_id))

    @staticmethod
    def name_of_member(user_id: str) -> str:
        """Returns the name of a member in `of`."""
        return f"{_MEMBER}{user_id}"

    @property
    def by_member(self) -> bool:
        """Whether a member states it."""
        return self.of.startswith(_MEMBER)


class CallingHours(BaseModel):
    """An organization's own calling hours in the recipient's time, such as `09:00` to `17:30`. `24:00` ends a day."""

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
            raise ValueError("must end after it starts, on the same day")
        return self

    @property
    def hours(self) -> DayWindow:
        """The window in minutes from midnight."""
        return DayWindow(*(int(text[:2]) * 60 + int(text[3:]) for text in (self.start, self.end)))


class Whereabouts(BaseModel):
    """Where a number's holder is, by the organization's record: an IANA time zone, a state, or both.

    `confirmed` means that a person confirmed it. An unconfirmed place can only make the hours of the number stricter.
    """

    model_config = ConfigDict(frozen=True)

    time_zone: str | None = None
    state: str | None = None
    confirmed: bool = False
    by: str
    at: str


class OpeningClock(Protocol):
    """Opening hours on the clock of a zone, which restrict a contact as the recipient's own clock does."""

    @property
    def zone(self) -> ZoneInfo: ...

    def is_open(self, moment: datetime) -> bool:
        """Whether it is open at a time."""

    def list_turns(self, start: datetime, offset: int, edge: WindowEdge) -> Iterable[datetime]:
        """Returns the times when it may open (`start`) or close (`end`), `offset` local days after a time."""


class ContactAttempt(BaseModel):
    """One call or text that an organization is about to make.

    `timezone` and `state` say where the recipient is: an IANA zone, and the two letters of a state or territory of the
    United States, whose law then also applies. They only make the hours of the number stricter, with one exception.
    With `zone_confirmed` they come from a contact record that a person confirmed, and replace the number's zones. The
    law of the number's own state always applies. The gate reads the organization's `record` about the number itself.

    `purpose` is one of `Purpose`. The gate, not the parser, refuses any other text. `subject` is the subject of the
    calls, for states that limit calls on one subject. `simulated` means that the call reaches nobody (a test key).
    `counted` means that this contact was already allowed and counted, and is evaluated again before it goes out.
    `for_later` is a contact at a later time, which is evaluated again then: what is paid for or counted waits for that.

    `asks_hours` is false for a text that a member sends at any hour. `opening` are opening hours on a clock of their
    own, such as those of a flow. They apply together with the recipient's hours.

    `accepted_at` is when the organization accepted a text. Nothing is accepted during an opt-out, so a text from before
    the holder's latest opt-in is older than the opt-out too, and does not go out.
    """

    model_config = ConfigDict(frozen=True, arbitrary_types_allowed=True)

    org_id: str
    channel: ContactChannel
    to: str
    consent: StatedConsent | None = None
    basis: StandingConsent | None = None
    purpose: str = Purpose.INFORMATIONAL.value
    timezone: str | None = None
    state: str | None = None
    zone_confirmed: bool = False
    record: Whereabouts | None = None
    window: CallingHours | None = None
    simulated: bool = False
    counted: bool = False
    for_later: bool = False
    subject: str = "all"
    asks_hours: bool = True
    opening: SkipValidation[OpeningClock] | None = None
    accepted_at: str | None = None

    @field_validator("state")
    @classmethod
    def _letters(cls, value: str | None) -> str | None:
        return value.strip().upper().removeprefix("US-") if value is not None else None


class BlockedNumber(BaseModel):
    """A number on an organization's do-not-call list: no calls and no texts."""

    id: str
    e164: str
    reason: str | None = None
    created_by: str
    at: str


#: The source of an opt-out: a keyword in a text, an operator, an API, and in a call spoken words or a pressed key.
OptOutSource = Literal["keyword", "manual", "api", "spoken", "key_press"]


class OptOut(BaseModel):
    """A number whose holder refuses all contact by an organization, on any channel.

    `latest_at` is the time of the latest request, because a person may ask more than once. Older entries have none.
    `also_by` is the first other source than a keyword that asked for it too, if there was one.
    """

    e164: str
    source: OptOutSource
    keyword: str | None = None
    reason: str | None = None
    created_by: str
    created_at: str
    latest_at: str = ""
    also_by: OptOutSource | None = None

    @property
    def by_keyword_only(self) -> bool:
        """Whether a keyword of its holder ends it. A member ends what was asked for in another way."""
        return self.source == "keyword" and self.also_by is None

    @property
    def asked_at(self) -> str:
        """The time of the latest request. A text from before that time does not end the opt-out."""
        return self.latest_at or self.created_at

    def is_passed_by(self, passed: PassedOptOut | None) -> bool:
        """Whether an answer that passes `passed` may go out in spite of this entry."""
        if passed is None or passed.created_at != self.created_at:
            return False
        return passed.asked_at is None or passed.asked_at == self.asked_at


class PassedOptOut(BaseModel):
    """The opt-out that an answer to a request of its holder passes. It passes no later one.

    `asked_at` is the entry's latest request that it passes. `None` is the confirmation of the opt-out itself, which
    also holds after the holder has asked again.
    """

    model_config = ConfigDict(frozen=True)

    created_at: str
    asked_at: str | None = None


class OptIn(BaseModel):
    """The latest time at which a number's holder ended an opt-out. It stays after the next opt-out."""

    e164: str
    opted_in_at: str


class ConsentRecord(BaseModel):
    """The stored consent of a number's holder to an organization: its source and its day."""

    e164: str
    source: ConsentSource
    date: str
    created_by: str
    at: str

    @property
    def by_member(self) -> bool:
        """Whether a member stated it by placing a call."""
        return self.created_by.startswith(_MEMBER)


class ReassignmentAnswer(BaseModel):
    """An answer of the Reassigned Numbers Database, and its time."""

    answer: Literal["yes", "no", "no_data"]
    at: str

    #: How long an answer is valid. The database is updated monthly, and the product behind the Anima contract caches
    #: answers equally long.
    LIFETIME: ClassVar[timedelta] = timedelta(days=30)

    def is_fresh(self, now: datetime) -> bool:
        """Whether the answer is still valid."""
        return now - clock.parse(self.at) < self.LIFETIME
