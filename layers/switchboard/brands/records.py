"""A brand's first record, its events, and the origin of changes by workers."""

from __future__ import annotations

from typing import Any

from switchboard.aws.writes import Put
from switchboard.brands import store
from switchboard.brands.models import Brand
from switchboard.events import service as events
from switchboard.events.models import Actor, Origin, Subject, SystemActor
from switchboard.kit import clock, ids


def new_brand(org_id: str) -> Brand:
    """Returns an empty draft, not stored yet."""
    now = clock.now_iso()
    return Brand(id=ids.new_id(store.BRAND_PREFIX), org_id=org_id, created_at=now, updated_at=now)


def brand_event_write(origin: Origin, type_: str, brand: Brand, **data: Any) -> Put:
    """Returns the write of an event about a brand, or about its campaign: the type's name says which."""
    subject = Subject(type="brand", id=brand.id, version=brand.version)
    if type_.startswith("brand_campaign."):
        assert brand.campaign, "an event about a campaign has one"
        subject = Subject(type="brand_campaign", id=brand.campaign.id, version=brand.version)
    return events.new_event_write(origin, type_, subject, **data)


def work_of(brand: Brand) -> SystemActor:
    """Returns the origin of a worker's changes: they belong to the workflow of the submission."""
    return brand.work or SystemActor(
        org_id=brand.org_id,
        actor=Actor(type="system", id="brands"),
        agent_id=None,
        correlation_id=ids.new_id("corr"),
    )


def new_work(origin: Origin) -> SystemActor:
    """Returns the worker that continues a member's submission."""
    return SystemActor(
        org_id=origin.org_id,
        actor=Actor(type="system", id="brands"),
        agent_id=None,
        correlation_id=origin.correlation_id,
    )
