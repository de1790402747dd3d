"""A number that becomes ours: its record, and the writes that belong to it."""

from __future__ import annotations

from switchboard.aws.writes import Writes
from switchboard.carriers.numbers.ports.inventory import OwnedNumber
from switchboard.errors import Invalid
from switchboard.events import service as events
from switchboard.events.models import Origin, Subject
from switchboard.kit import clock, texts
from switchboard.numbers import pricing, store
from switchboard.numbers.jobs import ConfigureNumber
from switchboard.numbers.models import Number, NumberCapabilities
from switchboard.timers import service as timers


def capabilities_of(owned: OwnedNumber) -> NumberCapabilities:
    """Returns the capabilities of a provider's number."""
    return NumberCapabilities(voice=owned.features.voice, sms=owned.features.sms, mms=owned.features.mms)


def new_number(
    org_id: str,
    number_id: str,
    owned: OwnedNumber,
    provider: str,
    friendly_name: str | None = None,
    flow_id: str | None = None,
    sms_flow_id: str | None = None,
) -> Number:
    """Returns the record of a number in the organization's inventory, not stored yet."""
    now = clock.now_iso()
    return Number(
        id=number_id,
        org_id=org_id,
        sid=owned.sid,
        e164=owned.e164,
        friendly_name=friendly_name or owned.friendly_name or owned.e164,
        flow_id=flow_id,
        sms_flow_id=sms_flow_id,
        capabilities=capabilities_of(owned),
        monthly_cost_cents=pricing.price_of_number(owned.e164).cents,
        provider=provider,
        created_at=now,
        updated_at=now,
    )


def number_writes(origin: Origin, number: Number, event_type: str) -> list[Writes]:
    """Returns the writes of a new number with its event, and the job that tells the provider our URLs."""
    return [
        store.new_number_writes(number),
        number_event_write(origin, event_type, number),
        timers.job_write(ConfigureNumber(org_id=number.org_id, number_id=number.id)),
    ]


def number_event_write(origin: Origin, event_type: str, number: Number) -> Writes:
    """Returns the write of an event about a number in its present version."""
    subject = Subject(type="number", id=number.id, version=number.version)
    return events.new_event_write(
        origin,
        event_type,
        subject,
        number=texts.digest(number.e164),
        flow_id=number.flow_id,
        sms_flow_id=number.sms_flow_id,
    )


def a2p_event_write(origin: Origin, number: Number) -> Writes:
    """Returns the write of the event that a number's registration has another state."""
    subject = Subject(type="number", id=number.id, version=number.version)
    facts = {"number": texts.digest(number.e164), "status": number.a2p_status}
    return events.new_event_write(origin, "number.a2p_changed", subject, **facts)


def require_abilities(capabilities: NumberCapabilities, flow_id: str | None, sms_flow_id: str | None) -> None:
    """Raises Invalid for a flow that a number cannot serve: calls need voice, and texts need SMS."""
    if flow_id and not capabilities.voice:
        raise Invalid(
            "This number cannot take calls: choose a number with voice.",
            code="number_without_voice",
            fields={"flow_id": "cannot take calls: choose a number with voice"},
        )
    if sms_flow_id and not capabilities.sms:
        raise Invalid(
            "This number cannot take texts: choose a number with SMS.",
            code="number_without_sms",
            fields={"sms_flow_id": "cannot take texts: choose a number with SMS"},
        )


def not_in_inventory() -> Invalid:
    """Returns the refusal of a number that is not the organization's own at its provider."""
    return Invalid(
        "This number is not in your organization's inventory: check sid and e164, or buy the number.",
        code="number_not_in_inventory",
        fields={"e164": "must be a number of your organization's inventory, with its sid"},
    )
