"""Drafts, submissions and time for the tests of brands."""

from __future__ import annotations

from collections import Counter
from typing import Any

from switchboard.aws.dynamodb import decode_item
from switchboard.aws.writes import commit
from switchboard.brands import drafts, registering, service, store, verdicts
from switchboard.brands.jobs import AdvanceRegistration
from switchboard.brands.models import Brand, RegistrationStatus
from switchboard.carriers.registrations.ports.registry import VERIFICATION_NEEDED, RegistryIssue, RegistryReview
from switchboard.events.models import Origin
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


#: A sole proprietor who answers only the second text of the simulated registry.
PROPRIETOR: dict[str, Any] = {
    **{name: PAYLOAD[name] for name in ("phone", "street", "city", "state", "postal_code", "country", "email")},
    "entity_type": "SOLE_PROPRIETOR",
    "brand_relationship": "BASIC_ACCOUNT",
    "first_name": "Ada",
    "last_name": "Lake",
    "mobile_phone": "+14155550143",
}


def submit_proprietor(who: Origin) -> Brand:
    """Submits a sole proprietor, whose registry waits for the answer to its text."""
    drafts.save_brand(who, {"display_name": "Unverified Ada", "payload": PROPRIETOR})
    service.submit_brand(who)
    pending = RegistryReview("pending", [RegistryIssue(VERIFICATION_NEEDED, "Answer the text.", "mobile_phone")])
    while part_is_submitted(who.org_id):
        registering.advance_registration(
            AdvanceRegistration(org_id=who.org_id, turn=service.get_brand(who.org_id).turn)
        )
    waiting = service.get_brand(who.org_id)
    decided = verdicts.wait_for_verdict(waiting, "brand", pending.issues, asks_again=True)
    assert decided
    commit([store.BRANDS.save_write(decided[0]), *decided[1]])
    return service.get_brand(who.org_id)


def part_is_submitted(org_id: str) -> bool:
    """Whether the worker has steps left before the registry has the brand."""
    return service.get_brand(org_id).status is RegistrationStatus.SUBMITTED


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
