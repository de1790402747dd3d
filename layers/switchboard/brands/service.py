"""Reads brands, and submits a brand and its campaign to the registry (docs/brands.md)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from switchboard.accounts import organizations
from switchboard.aws.writes import Writes
from switchboard.brands import records, sealing, store
from switchboard.brands.brand_rules import SOLE_PROPRIETOR, find_brand_problems
from switchboard.brands.campaign_rules import find_campaign_problems
from switchboard.brands.campaign_warnings import CampaignWarning, find_campaign_warnings
from switchboard.brands.drafts import change_brand
from switchboard.brands.fields import brand_facts, campaign_facts
from switchboard.brands.jobs import AdvanceRegistration, MarkNumbers, WatchRegistration
from switchboard.brands.models import EDITABLE, UNDER_WAY, Brand, BrandCampaign, RegistrationStatus
from switchboard.carriers.registrations import get_registry
from switchboard.carriers.registrations.ports.registry import Registry
from switchboard.errors import Conflict, Invalid, QuotaExceeded
from switchboard.events.models import Origin
from switchboard.kit import clock
from switchboard.persistence.collection import next_version
from switchboard.persistence.idempotency import IdempotencyKey, find_earlier_effect
from switchboard.persistence.optimistic import Decision
from switchboard.timers import service as timers

#: How often a registration is looked after: one without a verdict, and one that is approved.
WATCH_PAUSE = timedelta(days=1)


def get_brand(org_id: str) -> Brand:
    """Returns the organization's brand: an empty draft before the first one is saved."""
    return store.find_brand(org_id) or records.new_brand(org_id)


def find_brands(places: Sequence[tuple[str, str]]) -> list[Brand | None]:
    """Returns the brands of up to a hundred pairs of organization and id, for webhooks."""
    return store.BRANDS.get_objects(places)


def facts_of_brand(brand: Brand) -> dict[str, Any]:
    """Returns the facts of a brand's draft by field."""
    top = {"display_name": brand.display_name, "website": brand.website, "ein": sealing.open_ein(brand)}
    return brand_facts(top, sealing.open_payload(brand))


def list_warnings(brand: Brand) -> list[CampaignWarning]:
    """Returns why a reviewer may refuse the campaign, as long as it can be changed."""
    campaign = brand.campaign
    if campaign is None or campaign.status not in EDITABLE:
        return []
    return find_campaign_warnings(campaign_facts(campaign.fields), facts_of_brand(brand))


def submit_brand(origin: Origin, effect: IdempotencyKey | None = None) -> Brand:
    """Submits the brand, and the campaign if it is begun. A worker hands them to the registry, one after the other.

    For a brand that is submitted or approved, submits the campaign alone. Raises Invalid with all problems by field,
    Conflict if nothing can be submitted, QuotaExceeded after the plan's last submission of the month, and Unavailable
    without a registry.
    """
    if find_earlier_effect(effect):
        return get_brand(origin.org_id)
    registry, limit = get_registry(), organizations.get_organization(origin.org_id).terms.registrations_per_month

    def decide(before: Brand) -> Decision[Brand]:
        campaign = before.campaign if before.campaign and before.campaign.fields else None
        sends_brand = before.status in EDITABLE
        sends_campaign = campaign is not None and campaign.status in EDITABLE
        if not sends_brand and not sends_campaign:
            raise _nothing_to_submit(before)
        _require_valid(before, campaign if sends_campaign else None, registry, brand=sends_brand)
        counted = _count_submission(before, limit)
        return _submitted(origin, counted, registry.name, brand=sends_brand, campaign=sends_campaign)

    return change_brand(origin, decide, effect)


def _count_submission(before: Brand, limit: int | None) -> Brand:
    """Returns the brand with one submission more in this month. Raises QuotaExceeded at the plan's limit."""
    month = clock.now_iso()[:7]
    used = before.submissions if before.submitted_month == month else 0
    if limit is not None and used >= limit:
        remedy = "wait for the next month (UTC), or ask your contact for more" if limit else "subscribe to a plan"
        raise QuotaExceeded(
            f"The registry charges for each submission, and your plan includes {limit} a month: {remedy}.",
            code="plan_quota",
            resource="registrations",
            current=used,
            cap=limit,
        )
    return before.model_copy(update={"submitted_month": month, "submissions": used + 1})


def _nothing_to_submit(brand: Brand) -> Conflict:
    if brand.is_under_way:
        return Conflict(
            "The registration is being reviewed: wait for the verdict.",
            code="registration_pending",
            status=brand.status.value,
        )
    if brand.campaign is None or not brand.campaign.fields:
        return Conflict(
            "The brand is approved: save a campaign, and then submit it.", code="brand_approved", status="approved"
        )
    return Conflict(
        "The brand and its campaign are approved: there is nothing to submit.",
        code="already_approved",
        status="approved",
    )


def _require_valid(before: Brand, campaign: BrandCampaign | None, registry: Registry, *, brand: bool) -> None:
    facts = facts_of_brand(before)
    problems: dict[str, str] = {}
    if brand:
        found = find_brand_problems(facts, registry.required_fields, registry.test_eins)
        problems |= {_place_of_field(name): problem for name, problem in found.items()}
    if campaign:
        found = find_campaign_problems(campaign_facts(campaign.fields), facts.get("entity_type"))
        problems |= {f"campaign.{name}": problem for name, problem in found.items()}
    if problems:
        raise Invalid(
            "The registration is not complete: correct the fields in details, and submit again.",
            code="invalid_registration",
            fields=problems,
        )


def _place_of_field(name: str) -> str:
    return name if name in ("display_name", "ein", "website") else f"payload.{name}"


def _submitted(
    origin: Origin, before: Brand, registry: str, *, brand: bool, campaign: bool
) -> tuple[Brand, list[Writes]]:
    """Returns the brand of a new attempt, with its events and jobs."""
    now = clock.now_iso()
    sent: dict[str, Any] = {
        "status": RegistrationStatus.SUBMITTED,
        "submitted_at": now,
        "decided_at": None,
        "errors": [],
    }
    facts: dict[str, Any] = {"work": records.new_work(origin)}
    if brand:
        form = "sole_proprietor" if facts_of_brand(before)["entity_type"] == SOLE_PROPRIETOR else "company"
        facts |= {**sent, "registry": registry, "form": form}
        if (before.registry, before.form) != (registry, form):
            # Another registry, or other things at it.
            facts |= {"first_attempt": before.attempt + 1, "sids": {}}
    if campaign and before.campaign:
        facts["campaign"] = before.campaign.model_copy(update=sent)
    waits = not brand and before.status in UNDER_WAY
    writes: list[Writes] = []
    if not waits:
        turn = before.turn + 1
        facts |= {"attempt": before.attempt + 1, "begun_at": now, "done": _done_before(before, brand=brand)}
        facts |= {"claim": None, "turn": turn, "checks": 0, "timer": None, "watch": 0}
        watch = WatchRegistration(org_id=before.org_id, attempt=before.attempt + 1)
        writes += [
            timers.cancel_writes(before.timer),
            timers.job_write(AdvanceRegistration(org_id=before.org_id, turn=turn)),
            timers.schedule(watch, clock.now() + WATCH_PAUSE).write,
        ]
    after = next_version(before, **facts)
    return after, [
        *writes,
        records.brand_event_write(origin, "brand.submitted", after, attempt=after.attempt) if brand else None,
        records.brand_event_write(origin, "brand_campaign.submitted", after, attempt=after.attempt)
        if campaign
        else None,
        timers.job_write(MarkNumbers(org_id=before.org_id)),
    ]


def _done_before(before: Brand, *, brand: bool) -> list[str]:
    """Returns the steps that a new attempt need not repeat: those of an approved brand, if only the campaign is new."""
    return [] if brand else [step for step in before.done if step not in ("messaging_service", "campaign")]
