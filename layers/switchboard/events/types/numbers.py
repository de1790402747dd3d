"""Telephone numbers of organizations."""

from __future__ import annotations

from typing import Annotated

from typing_extensions import TypedDict

from switchboard.events.types.base import Code, Count, Digest, EventType, Id, Timestamp


class NumberChanged(TypedDict):
    number: Annotated[Digest, "The digest of the telephone number."]
    flow_id: Annotated[Id | None, "The flow of its calls."]
    sms_flow_id: Annotated[Id | None, "The flow of its texts."]


class NumberPurchase(TypedDict):
    number: Annotated[Digest, "The digest of the telephone number."]
    cost_cents: Annotated[Count, "The price of a month, in cents."]


class NumberRentCharge(TypedDict):
    number: Annotated[Digest, "The digest of the telephone number."]
    cost_cents: Annotated[Count, "The price of a month, in cents."]
    period: Annotated[Code, "The calendar month (UTC) that the charge counts in, as 2026-02."]
    begins: Annotated[Timestamp, "When the month that it pays for begins."]


class NumberRentBegin(TypedDict):
    number: Annotated[Digest, "The digest of the telephone number."]
    cost_cents: Annotated[Count, "The price of a month, in cents."]
    begins: Annotated[Timestamp, "When the first charged month begins."]


class NumberA2pChange(TypedDict):
    number: Annotated[Digest, "The digest of the telephone number."]
    status: Annotated[Code, "The state of its registration, as in the number's `a2p_status`."]


class NumbersSynced(TypedDict):
    added: Annotated[Count, "The numbers that the sync added."]
    updated: Annotated[Count, "The numbers that it changed."]
    released: Annotated[Count, "The numbers that the provider no longer has."]
    found: Annotated[Count, "The numbers in the provider's inventory."]


TYPES = (
    EventType(
        "number.registered",
        "A number of the provider's inventory was added.",
        "number",
        NumberChanged,
        starts=("brands",),
    ),
    EventType("number.purchase_started", "The purchase of a number began, and was charged.", "number", NumberPurchase),
    EventType("number.purchase_refused", "A purchase failed, and the charge was undone.", "number", NumberPurchase),
    EventType(
        "number.bought",
        "A number was bought.",
        "number",
        NumberChanged,
        starts=("brands",),
        webhooks={"hum": "number.bought"},
    ),
    EventType(
        "number.updated",
        "The name, a flow, the capabilities or the price of a number changed.",
        "number",
        NumberChanged,
    ),
    EventType("number.rent_charged", "A month of a bought number was charged.", "number", NumberRentCharge),
    EventType("number.rent_begun", "The rent of a number that was bought earlier began.", "number", NumberRentBegin),
    EventType(
        "number.a2p_changed",
        "The registration of a number for texts to the United States has another state.",
        "number",
        NumberA2pChange,
    ),
    EventType(
        "number.released",
        "The organization no longer has a number.",
        "number",
        NumberChanged,
        webhooks={"hum": "number.released"},
    ),
    EventType(
        "numbers.synced", "The numbers were compared with the provider's inventory.", "organization", NumbersSynced
    ),
)
