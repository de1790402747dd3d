"""Meters and their prices."""

from __future__ import annotations

from enum import StrEnum

from pydantic import BaseModel

#: Money is counted in millionths of a dollar, so that a price below a cent adds up exactly.
MICROS_PER_CENT = 10_000


class Meter(StrEnum):
    """What is counted."""

    EMAIL = "email"


#: The price of one unit, in millionths of a dollar (conventions.md 1.9: e-mail is $0.50 a thousand).
PRICE_MICROS = {Meter.EMAIL: 500}


class Usage(BaseModel):
    """An organisation's use in one month (UTC)."""

    period: str
    units: dict[str, int]
    spent_micros: int
