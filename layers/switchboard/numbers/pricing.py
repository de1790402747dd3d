"""The prices of numbers, and the limit of a plan."""

from __future__ import annotations

from typing import NamedTuple

from switchboard.accounts import organizations
from switchboard.accounts.models import Organization
from switchboard.aws.writes import Update
from switchboard.compliance import phone
from switchboard.compliance.phone import NumberKind, Phone
from switchboard.errors import Forbidden, Invalid
from switchboard.usage import service as usage
from switchboard.usage.models import MICROS_PER_CENT, Meter

#: The countries whose numbers are on sale. Other countries ask for the address or the papers of the buyer.
COUNTRIES = ("US", "CA")
#: The gauge of an organization that counts its numbers, and those that it is buying.
GAUGE = "numbers"


class NumberPrice(NamedTuple):
    """The price of a number for a month, and the meter that counts it."""

    meter: Meter
    cents: int


def price_of(kind: NumberKind) -> NumberPrice:
    """Returns the price of numbers of a kind."""
    meter = Meter.NUMBER_TOLL_FREE if kind is NumberKind.TOLL_FREE else Meter.NUMBER_LOCAL
    return NumberPrice(meter, usage.price_micros(meter) // MICROS_PER_CENT)


def price_of_number(e164: str) -> NumberPrice:
    """Returns the price of a telephone number. A number that no rule knows has the price of a local one."""
    try:
        return price_of(phone.parse(e164).kind)
    except Invalid:
        return price_of(NumberKind.GEOGRAPHIC)


def parse_number_on_sale(e164: str) -> Phone:
    """Parses a number that the platform may sell. Raises Invalid for other countries and special numbers."""
    found = phone.parse_pasted(e164, "phoneNumber")
    if found.kind is NumberKind.NON_GEOGRAPHIC and found.country_code == 1:
        raise Invalid(
            "Premium and other special numbers are not on sale: search for an available number first.",
            code="number_not_for_sale",
            fields={"phoneNumber": "must be a local or a toll-free number"},
        )
    if found.kind is NumberKind.NON_GEOGRAPHIC or found.region not in COUNTRIES:
        raise Invalid(
            "Only numbers of the United States and Canada are on sale: search for an available number first.",
            code="number_not_for_sale",
            fields={"phoneNumber": "must be a number of the United States or Canada"},
        )
    return found


def room_write(org: Organization, step: int) -> Update:
    """Returns the write that counts numbers of an organization. Raises Forbidden at commit beyond the plan's limit."""
    limit = org.terms.numbers
    return _room_write(org, step, limit, f"The plan allows {limit} telephone numbers: change the plan to add more.")


def bought_room_write(org: Organization) -> Update:
    """Returns the write that counts a number to buy. Raises Forbidden at commit beyond the plan's limit.

    Where nobody pays for more, the limit is what the plan includes.
    """
    included = org.terms.numbers_included
    if org.pays_overage or included is None:
        return room_write(org, 1)
    remedy = "pay the open invoice" if org.past_due else "subscribe to a plan"
    text = f"The plan includes {included} telephone numbers: {remedy} to add more."
    return _room_write(org, 1, included, text)


def _room_write(org: Organization, step: int, limit: int | None, text: str) -> Update:
    return organizations.gauge_write(
        org.id, GAUGE, step, limit, lambda _: Forbidden(text, code="number_limit", limit=limit)
    )
