"""Brands and campaigns for texts from American local numbers (A2P 10DLC)."""

from __future__ import annotations

from typing import Annotated

from typing_extensions import TypedDict

from switchboard.events.types.base import Code, Contract, Count, EventType


class DraftSaved(TypedDict):
    fields: Annotated[list[Code], "The names of the fields that changed."]


class RegistrationMoved(TypedDict):
    attempt: Annotated[Count, "The number of submissions so far."]


class RegistrationRejected(RegistrationMoved):
    codes: Annotated[list[Code], "The codes of the reasons."]


def _registration(name: str, about: str, data: type = RegistrationMoved, *, told: bool = True) -> EventType:
    subject = name.partition(".")[0]
    webhooks: dict[Contract, str] = {"hum": name} if told else {}
    return EventType(name, about, subject, data, channel="sms", webhooks=webhooks)


TYPES = (
    _registration("brand.draft_saved", "A member changed the draft of the brand.", DraftSaved, told=False),
    _registration("brand.submitted", "A member submitted the brand to the registry."),
    _registration("brand.pending", "The registry has the brand, and reviews it.", told=False),
    _registration(
        "brand.verification_needed", "The registry waits for a sole proprietor to answer its text, within 24 hours."
    ),
    _registration(
        "brand.verification_requested", "A member asked the registry for another text to a sole proprietor.", told=False
    ),
    _registration("brand.approved", "The registry approved the brand."),
    _registration(
        "brand.rejected", "The registry rejected the brand, or took its approval back.", RegistrationRejected
    ),
    _registration("brand_campaign.draft_saved", "A member changed the draft of the campaign.", DraftSaved, told=False),
    _registration("brand_campaign.submitted", "A member submitted the campaign. It waits for its brand, if needed."),
    _registration("brand_campaign.pending", "The registry has the campaign, and reviews it.", told=False),
    _registration("brand_campaign.approved", "The registry approved the campaign."),
    _registration(
        "brand_campaign.rejected",
        "The registry rejected the campaign, or took its approval back.",
        RegistrationRejected,
    ),
)
