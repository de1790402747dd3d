"""A registration in the words of the registry's port."""

from __future__ import annotations

from switchboard.brands.fields import campaign_facts
from switchboard.brands.models import Brand, RegistrationStatus
from switchboard.brands.service import facts_of_brand
from switchboard.carriers.registrations.ports.registry import RegistrationOrder, RegistrationPart


def part_under_way(brand: Brand) -> RegistrationPart | None:
    """Returns what the registry or our worker has to do now: first the brand, then the campaign."""
    if brand.status in (RegistrationStatus.SUBMITTED, RegistrationStatus.PENDING):
        return "brand"
    waits = brand.campaign and brand.campaign.status in (RegistrationStatus.SUBMITTED, RegistrationStatus.PENDING)
    return "campaign" if brand.status is RegistrationStatus.APPROVED and waits else None


def approved_parts(brand: Brand) -> list[RegistrationPart]:
    """Returns what the registry approved. Without its brand, a campaign has no approval."""
    if brand.status is not RegistrationStatus.APPROVED:
        return []
    held = brand.campaign is not None and brand.campaign.status is RegistrationStatus.APPROVED
    return ["brand", "campaign"] if held else ["brand"]


def status_of_part(brand: Brand, part: RegistrationPart) -> RegistrationStatus:
    """Returns the state of the brand or its campaign."""
    if part == "brand" or brand.campaign is None:
        return brand.status
    return brand.campaign.status


def make_order(brand: Brand) -> RegistrationOrder:
    """Returns the facts and the progress of a registration."""
    return RegistrationOrder(
        org_id=brand.org_id,
        brand_id=brand.id,
        label=brand.label,
        begun_at=brand.begun_at or brand.created_at,
        brand=facts_of_brand(brand),
        campaign=campaign_facts(brand.campaign.fields) if brand.campaign else {},
        sids=brand.sids,
        done=frozenset(brand.done),
    )
