"""Searches the numbers that can be bought."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import NamedTuple

from switchboard.carriers.numbers import get_inventory
from switchboard.carriers.numbers.ports.inventory import AvailableNumber, NumberInventory, NumberSearch
from switchboard.carriers.outcomes import RefusedError
from switchboard.compliance.phone import NumberKind
from switchboard.errors import Invalid
from switchboard.numbers import pricing
from switchboard.numbers.provider import ask_provider

_CONTAINS = re.compile(r"\+?[0-9A-Za-z*]{2,15}")
_REGION = re.compile("[A-Za-z]{2}")


class PricedNumber(NamedTuple):
    """A number that can be bought, and its price for a month."""

    number: AvailableNumber
    monthly_price_cents: int


def search_available_numbers(search: NumberSearch) -> list[PricedNumber]:
    """Returns numbers that can be bought. Raises Invalid for a wrong filter, and Unavailable without a provider."""
    country = search.country.upper()
    if country not in pricing.COUNTRIES:
        raise Invalid(
            "Only numbers of the United States and Canada are on sale: set country to US or CA.",
            code="country_not_for_sale",
            fields={"country": "must be US or CA"},
        )
    if search.contains is not None and not _CONTAINS.fullmatch(search.contains):
        raise Invalid(
            "Invalid pattern: use 2 to 15 digits, letters or *, for example 555*123.",
            fields={"contains": "must have 2 to 15 digits, letters or *"},
        )
    if search.region is not None and not _REGION.fullmatch(search.region):
        raise Invalid(
            "Invalid region: send the two letters of the state or province, for example CA.",
            fields={"inRegion": "must be two letters, for example CA for California"},
        )
    price = pricing.price_of(NumberKind.TOLL_FREE if search.type == "TollFree" else NumberKind.GEOGRAPHIC)
    inventory = get_inventory()
    found = ask_provider(lambda: _search(inventory, replace(search, country=country)))
    return [PricedNumber(number, price.cents) for number in found[: search.limit]]


def _search(inventory: NumberInventory, search: NumberSearch) -> list[AvailableNumber]:
    try:
        return inventory.search(search)
    except RefusedError as refused:
        raise Invalid(
            f"The provider cannot search like this ({refused}): use fewer filters.", code="search_refused"
        ) from refused
