"""Meters, their prices and limits, and an organization's usage."""

from __future__ import annotations

from enum import StrEnum

from pydantic import BaseModel, ConfigDict

#: Money is counted in millionths of a dollar, so that prices below a cent add up exactly.
MICROS_PER_CENT = 10_000


class Meter(StrEnum):
    """The kinds of use that are counted."""

    EMAIL = "email"
    VOICE_BASIC = "voice_basic"
    VOICE_PREMIUM = "voice_premium"
    #: Counted but not charged, so it has no price below. No limit refuses incoming mail.
    EMAIL_RECEIVED = "email_received"
    #: Scored practice calls. Not charged either.
    ROLEPLAY = "roleplay"
    #: Segments of texts that go out from a local number or a short code, and from a toll-free number.
    SMS = "sms"
    SMS_TOLL_FREE = "sms_toll_free"
    #: Segments of texts that came in. Counted but not charged. No limit refuses a text that comes in.
    SMS_RECEIVED = "sms_received"
    #: Telephone numbers, counted once for each month that the organization has them.
    NUMBER_LOCAL = "number_local"
    NUMBER_TOLL_FREE = "number_toll_free"


#: The price of one unit in millionths of a dollar: a mail to one recipient, a minute of a call, a segment of a text, or
#: a number for a month (docs/contracts/anima.md#plans).
PRICE_MICROS = {
    Meter.EMAIL: 500,
    Meter.VOICE_BASIC: 70_000,
    Meter.VOICE_PREMIUM: 150_000,
    Meter.SMS: 15_000,
    Meter.SMS_TOLL_FREE: 20_000,
    Meter.NUMBER_LOCAL: 2_000_000,
    Meter.NUMBER_TOLL_FREE: 3_000_000,
}
#: The switch of the hard cap that covers a meter.
CAP_SWITCH = {
    Meter.EMAIL: "email",
    Meter.VOICE_BASIC: "voice",
    Meter.VOICE_PREMIUM: "voice",
    Meter.SMS: "sms",
    Meter.SMS_TOLL_FREE: "sms",
    Meter.NUMBER_LOCAL: "numbers",
    Meter.NUMBER_TOLL_FREE: "numbers",
}
#: The meters that are billed after their use. The use of a new payer has a limit over all of them.
BILLED_LATER = frozenset(PRICE_MICROS) - {Meter.EMAIL}
#: The plan's monthly limit of a meter.
MONTHLY_QUOTA = {
    Meter.EMAIL: "emails_per_month",
    Meter.SMS: "text_segments_per_month",
    Meter.SMS_TOLL_FREE: "text_segments_per_month",
}
#: The units of a meter that the plan includes each month. They are a limit where nobody pays for more.
INCLUDED = {
    Meter.VOICE_BASIC: "voice_minutes_per_month",
    Meter.VOICE_PREMIUM: "voice_minutes_per_month",
    Meter.NUMBER_LOCAL: "numbers_included",
    Meter.NUMBER_TOLL_FREE: "numbers_included",
}
#: The counter that a monthly limit counts, for meters that share one. The others count by themselves.
QUOTA_COUNTER = {
    Meter.SMS: "text_segments",
    Meter.SMS_TOLL_FREE: "text_segments",
    Meter.VOICE_BASIC: "voice_minutes",
    Meter.VOICE_PREMIUM: "voice_minutes",
    Meter.NUMBER_LOCAL: "numbers",
    Meter.NUMBER_TOLL_FREE: "numbers",
}


class SpendingReceipt(BaseModel):
    """The month (UTC) in which a spending was counted, and whether it counted towards the organization's own cap."""

    model_config = ConfigDict(frozen=True)

    period: str
    capped: bool


class Usage(BaseModel):
    """An organization's use in one month (UTC)."""

    period: str
    units: dict[str, int]
    spent_micros: int
