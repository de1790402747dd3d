"""Drafts, submissions and time for the tests of brands."""

from __future__ import annotations

from collections import Counter
from typing import Any

from switchboard.aws.dynamodb import decode_item
from switchboard.brands import drafts, service
from switchboard.brands.models import Brand
from switchboard.kit import clock
from switchboard.team.models import Member
from tests.integration.sabotage import Later, scan_items, send_due

TOP = {"display_name": "Lakeside Clinic", "ein": "12-3456789", "website": "https://lakeside.example.com"}
PAYLOAD: dict[str, Any] = {
    "entity_type": "PRIVATE_PROFIT",
    "company_name": "Lakeside Clinic LLC",
    "phone": "+14155550142",
    "street": "1 Lake Street",
    "city": "San Francisco",
    "state": "CA",
    "postal_code": "94105",
    "country": "US",
    "email": "office@lakeside.example.com",
    "vertical": "HEALTHCARE",
    "brand_relationship": "BASIC_ACCOUNT",
}
CAMPAIGN: dict[str, Any] = {
    "usecase": "CUSTOMER_CARE",
    "description": "Answers to patients of Lakeside Clinic about their appointments.",
    "message_flow": "Patients agree to texts on the form at the desk of the clinic.",
    "samples": [
        "Your appointment at Lakeside Clinic is on Monday at noon.",
        "Lakeside Clinic: we got your question and answer it today.",
    ],
    "embedded_link": False,
    "embedded_phone": False,
}


def save_drafts(who: Member, *, campaign: bool = True, **payload: Any) -> Brand:
    """Saves a brand that is valid, and its campaign."""
    brand = drafts.save_brand(who, {**TOP, "payload": PAYLOAD | payload})
    return drafts.save_campaign(who, CAMPAIGN) if campaign else brand


def submit_drafts(who: Member, *, campaign: bool = True, **payload: Any) -> Brand:
    """Saves and submits a brand that is valid, and its campaign."""
    save_drafts(who, campaign=campaign, **payload)
    return service.submit_brand(who)


def states_of(org_id: str) -> tuple[str, str | None]:
    """The states of the brand and its campaign."""
    brand = service.get_brand(org_id)
    return brand.status.value, brand.campaign.status.value if brand.campaign else None


def pass_time(later: Later, frozen: clock.FrozenClock, *, minutes: int, step: int = 1) -> None:
    """Lets the workers of brands work for some minutes, a step at a time."""
    for _ in range(0, minutes, step):
        frozen.advance(minutes=step)
        send_due(later, "workers/brands")


def count_events(prefix: str = "brand") -> Counter[str]:
    """How often each event about brands was recorded."""
    rows = [decode_item(item) for item in scan_items("activity")]
    found = (str(row["type"]) for row in rows if row.get("outbox") == "event")
    return Counter(name for name in found if name.startswith(prefix))
