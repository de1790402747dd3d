"""The numbers that may send a campaign's texts."""

from __future__ import annotations

from switchboard.brands.models import Brand
from switchboard.numbers import a2p
from switchboard.numbers import service as numbers
from switchboard.numbers.models import Number


def may_join_campaign(brand: Brand, number: Number) -> bool:
    """Whether a number may join the campaign. A sole proprietor's has one: the oldest local number.

    Networks allow a sole proprietor one number, and the registry refuses a second one.
    """
    if brand.form != "sole_proprietor":
        return True
    local = [one for one in numbers.list_numbers(brand.org_id) if one.active and a2p.needs_registration(one.e164)]
    return bool(local) and number.id == min(local, key=lambda one: (one.created_at, one.id)).id
