"""Widget tokens, the sessions that visitors start with them, and the leads that visitors leave."""

from __future__ import annotations

from enum import StrEnum
from typing import Literal, NamedTuple

from pydantic import BaseModel, Field

CaptchaProvider = Literal["turnstile", "none"]
#: How long a lead is kept if its token says nothing, and the longest time, in days. The record of a consent has to be
#: kept for five years by those who call on the strength of it (16 CFR 310.5).
LEAD_DAYS, MAX_LEAD_DAYS = 365, 5 * 366
#: The words of the box for visitors who enter a telephone number, if the token has none of its own.
CONSENT_TEXT = (
    "You may call and text me at this number about my request, also with an artificial voice. I can talk without this "
    "consent, and withdraw it at any time."
)
LeadFieldName = Literal["name", "email", "phone", "notes"]
LeadFieldType = Literal["text", "email", "tel", "textarea"]


class LeadField(BaseModel):
    """A field of a widget's form. `name` says what it asks for, and `type` how a page shows it."""

    name: LeadFieldName
    label: str
    required: bool = False
    type: LeadFieldType = "text"


class WidgetSettings(BaseModel):
    """The settings of a widget token, in the words of the HUM contract."""

    name: str
    default_flow_id: str | None = None
    allowed_origins: list[str]
    captcha_provider: CaptchaProvider = "turnstile"
    captcha_site_key: str | None = None
    #: The secret that a request sends. It is stored sealed (`sealed_captcha_secret`).
    captcha_secret: str | None = Field(default=None, exclude=True, repr=False)
    daily_spend_cap_cents: int | None = None
    per_ip_rate_per_min: int = 3
    max_session_seconds: int = 300
    lead_fields: list[LeadField] = Field(default_factory=list)
    lead_retention_days: int = LEAD_DAYS
    #: The token's own words before the talk, in place of the usual notice and words of the box.
    notice: str | None = None
    consent_text: str | None = None
    privacy_url: str | None = None
    active: bool = True


class WidgetToken(WidgetSettings):
    """A widget token. Its public key is no secret: the page of the partner shows it."""

    id: str
    org_id: str
    public_key: str
    sealed_captcha_secret: str | None = Field(default=None, repr=False)
    revoked_at: str | None = None
    version: int = 1
    created_at: str
    updated_at: str

    @property
    def usable(self) -> bool:
        """Whether visitors may start sessions."""
        return self.active and self.revoked_at is None

    @property
    def asked_consent(self) -> str | None:
        """The words of the box that the visitor may tick, `None` if the form asks for no telephone number."""
        if not any(field.name == "phone" for field in self.lead_fields):
            return None
        return self.consent_text or CONSENT_TEXT


class LeadConsent(BaseModel):
    """A visitor's consent to calls and texts at the entered number: the words that the visitor saw, and when."""

    text: str
    given_at: str


class LeadAnswers(BaseModel):
    """The answers of a visitor in a widget's form. `phone` is in E.164, and `consent` is for this number."""

    name: str | None = None
    email: str | None = None
    phone: str | None = None
    notes: str | None = None
    consent: LeadConsent | None = None

    @property
    def is_empty(self) -> bool:
        """Whether the visitor entered nothing."""
        return not any((self.name, self.email, self.phone, self.notes))


class Lead(LeadAnswers):
    """A visitor's answers, the page's origin, and the call that followed."""

    id: str
    org_id: str
    token_id: str
    origin: str
    call_id: str
    #: When the platform deletes the lead, by the timer. Leads without it were made before they had an end.
    kept_until: str | None = None
    timer: str | None = None
    created_at: str


class WidgetSessionState(StrEnum):
    """The state of a session. SETTLED means that its call is over and its cost is counted."""

    OPEN = "open"
    SETTLED = "settled"


class WidgetSession(BaseModel):
    """A visitor's voice session. Its talk is a call, and this is what the widget adds to the call.

    `day` is the day of the organization's zone whose cap pays for the session. `reserved_micros` is what the session
    took from the cap at its start, in millionths of a dollar.
    """

    id: str
    org_id: str
    token_id: str
    call_id: str
    lead_id: str | None = None
    origin: str
    provider: str
    state: WidgetSessionState = WidgetSessionState.OPEN
    version: int = 1
    day: str
    reserved_micros: int
    cost_micros: int = 0
    #: When the platform ends the session.
    ends_at: str
    #: The timer that ends the session (`switchboard.timers`), if it can be canceled.
    timer: str | None = None
    #: The place of the session among those of its address (`calls.room_calls`).
    address_lane: str | None = None
    #: When the visitor asked for the end.
    end_requested_at: str | None = None
    created_at: str
    updated_at: str


class WidgetDay(NamedTuple):
    """The widget sessions of an organization on a day of its zone. `date` is such as 2026-01-15.

    `spent_micros` is the cost of the sessions that are over, and `counted_micros` what counts towards the cap: also
    what running sessions reserve.
    """

    date: str
    calls: int
    seconds: int
    spent_micros: int
    counted_micros: int


class WidgetUsage(NamedTuple):
    """The usage of the last days, the oldest first. The last one is today."""

    days: list[WidgetDay]
    cap_cents: int | None
