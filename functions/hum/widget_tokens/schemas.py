"""Requests and responses of HUM's widget tokens (docs/contracts/hum.md#widgets)."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StrictInt

from switchboard.dialects.hum.widget_views import LeadView
from switchboard.edge.fields import Flag, OneLine, Pattern
from switchboard.edge.schema import omit_default
from switchboard.usage.models import MICROS_PER_CENT
from switchboard.widgets.models import (
    LEAD_DAYS,
    MAX_LEAD_DAYS,
    CaptchaProvider,
    LeadField,
    LeadFieldName,
    LeadFieldType,
    WidgetSettings,
    WidgetToken,
    WidgetUsage,
)

Name = Annotated[str, OneLine(120, least=1), Field(description="The name of the widget in the console.")]
FlowId = Annotated[
    str | None,
    Field(description="The flow that talks with visitors: one that answers calls. Without it, no session starts."),
]
Origins = Annotated[
    list[Annotated[str, Field(min_length=1, max_length=256)]],
    Field(
        min_length=1,
        max_length=20,
        description="The origins of the pages that may use the token: scheme, host and port, matched exactly. Wildcards"
        " are refused. Only localhost may use http.",
        examples=[["https://shop.example"]],
    ),
]
Provider = Annotated[
    CaptchaProvider, Field(description="`none` lets programs start sessions too: the rate and the cap still hold.")
]
SiteKey = Annotated[
    str | None,
    Field(
        max_length=120,
        description="The public key of the captcha. Without it, the deployment's own key counts. Another key needs"
        " `captcha_secret`: without it, no session starts. A new key ends the secret of the old one.",
    ),
]
CaptchaSecret = Annotated[
    Annotated[str, Pattern("^[!-~]+$", "must have printable ASCII characters without spaces only")] | None,
    Field(
        min_length=1,
        max_length=200,
        description="The secret that belongs to `captcha_site_key`. It is stored encrypted, and no response has it.",
        json_schema_extra={"writeOnly": True},
    ),
]
CapCents = Annotated[
    StrictInt | None,
    Field(
        ge=0,
        le=1_000_000,
        description="The most that all widgets of the organization may spend on a day of its time zone, in US cents,"
        " before this token starts no more sessions. `null` means no cap.",
    ),
]
Rate = Annotated[
    StrictInt,
    Field(
        ge=1,
        le=60,
        description="How often an IP address may try to start a session in a minute. A captcha that failed counts too.",
    ),
]
Seconds = Annotated[StrictInt, Field(ge=30, le=1_800, description="When the platform ends a session.")]
LeadDays = Annotated[
    StrictInt,
    Field(
        ge=1,
        le=MAX_LEAD_DAYS,
        description="How many days a lead is kept. A change is for later leads.",
    ),
]
Notice = Annotated[
    Annotated[str, OneLine(500, least=1)] | None,
    Field(
        description="The words before the talk, in the language of your page: who talks and why, that the"
        " voice is artificial, and that the talk is recorded and written down. `null` means the platform's own notice."
    ),
]
ConsentText = Annotated[
    Annotated[str, OneLine(1_000, least=1)] | None,
    Field(
        description="The words of the box that a visitor may tick, if the form asks for `phone`: a consent to calls and"
        " texts. A lead has the words and the time. `null` means the platform's own words."
    ),
]
PrivacyUrl = Annotated[
    Annotated[str, Field(max_length=2_048, json_schema_extra={"format": "uri"})] | None,
    Field(description="The address of your privacy policy. The widget links to it."),
]
Active = Annotated[Flag, Field(description="Whether visitors may start sessions.")]


class LeadFieldInput(BaseModel):
    """A field of the widget's form."""

    name: LeadFieldName = Field(description="The kind of the answer. A form asks for each once.")
    label: Annotated[str, OneLine(120, least=1)] = Field(description="The text beside the field.")
    required: Flag = Field(default=False, description="Whether no session starts without it.")
    type: LeadFieldType = Field(default="text", description="How a page shows the field.")


Fields = Annotated[list[LeadFieldInput], Field(max_length=6, description="The form before the talk.")]


class WidgetTokenInput(BaseModel):
    """A new widget token."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"name": "Shop", "allowed_origins": ["https://shop.example"], "daily_spend_cap_cents": 2_000}]
        }
    )

    name: Name
    default_flow_id: FlowId = None
    allowed_origins: Origins
    captcha_provider: Provider = "turnstile"
    captcha_site_key: SiteKey = None
    captcha_secret: CaptchaSecret = None
    daily_spend_cap_cents: CapCents = None
    per_ip_rate_per_min: Rate = 3
    max_session_seconds: Seconds = 300
    lead_fields: Fields = []
    lead_retention_days: LeadDays = LEAD_DAYS
    notice: Notice = None
    consent_text: ConsentText = None
    privacy_url: PrivacyUrl = None
    active: Active = True

    def to_settings(self) -> WidgetSettings:
        """Returns the settings of the token."""
        return WidgetSettings.model_validate(self.model_dump())


class WidgetTokenChanges(BaseModel):
    """Changes of a widget token. Fields that are left out stay as they are."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"active": False}]})

    name: Name = Field(default="", json_schema_extra=omit_default)
    default_flow_id: FlowId = None
    allowed_origins: Origins = Field(default=[], json_schema_extra=omit_default)
    captcha_provider: Provider = "turnstile"
    captcha_site_key: SiteKey = None
    captcha_secret: CaptchaSecret = None
    daily_spend_cap_cents: CapCents = None
    per_ip_rate_per_min: Rate = 3
    max_session_seconds: Seconds = 300
    lead_fields: Fields = Field(default=[], json_schema_extra=omit_default)
    lead_retention_days: LeadDays = LEAD_DAYS
    notice: Notice = None
    consent_text: ConsentText = None
    privacy_url: PrivacyUrl = None
    active: Active = True

    def to_changes(self) -> dict[str, Any]:
        """Returns the fields that the request sent."""
        return {name: value for name, value in self.model_dump().items() if name in self.model_fields_set}


class WidgetTokenView(BaseModel):
    """A widget token."""

    id: str
    public_key: str = Field(description="The key that the page shows: `whk_…`.")
    name: str
    default_flow_id: str | None
    allowed_origins: list[str]
    captcha_provider: CaptchaProvider
    captcha_site_key: str | None
    has_captcha_secret: bool
    daily_spend_cap_cents: int | None
    per_ip_rate_per_min: int
    max_session_seconds: int
    lead_fields: list[LeadField]
    lead_retention_days: int
    notice: str | None
    consent_text: str | None
    privacy_url: str | None
    active: bool
    revoked_at: str | None
    created_at: str
    updated_at: str

    @classmethod
    def of(cls, token: WidgetToken) -> WidgetTokenView:
        """Returns HUM's view of a token."""
        known = token.model_dump(include=set(cls.model_fields))
        return cls(**known, has_captcha_secret=token.sealed_captcha_secret is not None)


class WidgetTokenList(BaseModel):
    """All widget tokens of the organization."""

    widget_tokens: list[WidgetTokenView]


class LeadList(BaseModel):
    """A page of the leads of a token, the newest first."""

    leads: list[LeadView]
    next_cursor: str | None


class WidgetDayView(BaseModel):
    """The widget sessions of a day that are over. A session belongs to the day on which it started."""

    date: str = Field(description="The day in the organization's time zone.", examples=["2026-01-15"])
    calls: int
    seconds: int
    estimated_cents: int = Field(description="The cost, rounded up.")


class WidgetUsageView(BaseModel):
    """The usage of all widgets of the organization."""

    days: list[WidgetDayView] = Field(description="The last 30 days, the oldest first. The last one is today.")
    today_cents: int = Field(
        description="The amount that counts towards the cap today. Running sessions count with their longest time."
    )
    cap_cents: int | None = Field(description="The daily cap of this token.")

    @classmethod
    def of(cls, usage: WidgetUsage) -> WidgetUsageView:
        """Returns HUM's view of the usage."""
        days = [
            WidgetDayView(date=day.date, calls=day.calls, seconds=day.seconds, estimated_cents=_cents(day.spent_micros))
            for day in usage.days
        ]
        return cls(days=days, today_cents=_cents(usage.days[-1].counted_micros), cap_cents=usage.cap_cents)


def _cents(micros: int) -> int:
    return -(-micros // MICROS_PER_CENT)
