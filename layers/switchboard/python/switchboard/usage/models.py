"""Meters and their prices."""

from __future__ import annotations

from enum import StrEnum

from pydantic import BaseModel, ConfigDict

#: Money is counted in millionths of a dollar, so that a price below a cent adds up exactly.
MICROS_PER_CENT = 10_000


class Meter(StrEnum):
    """What is counted."""

    EMAIL = "email"
    VOICE_BASIC = "voice_basic"
    VOICE_PREMIUM = "voice_premium"
    #: Counted and not charged, so that it has no price below: mail that comes in is refused by no limit.
    EMAIL_RECEIVED = "email_received"
    #: Not charged either, so far: practice calls that were scored.
    ROLEPLAY = "roleplay"


#: The price of one unit, in millionths of a dollar: a mail to one recipient, a minute of a call
#: (docs/contracts/anima.md#plans).
PRICE_MICROS = {Meter.EMAIL: 500, Meter.VOICE_BASIC: 70_000, Meter.VOICE_PREMIUM: 150_000}
#: Which of the hard cap's switches a meter falls under.
CAP_SWITCH = {Meter.EMAIL: "email", Meter.VOICE_BASIC: "voice", Meter.VOICE_PREMIUM: "voice"}
#: The plan's figure that limits a meter by the month. The others are limited by day, or by the hard cap alone.
QUOTA = {Meter.EMAIL: "emails_per_month"}


class Receipt(BaseModel):
    """Where a spending was counted: in which month (UTC), and whether towards the organization's own cap."""

    model_config = ConfigDict(frozen=True)

    period: str
    capped: bool


class Usage(BaseModel):
    """An organisation's use in one month (UTC)."""

    period: str
    units: dict[str, int]
    spent_micros: int
