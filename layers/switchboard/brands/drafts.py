"""Saves the drafts of a brand and its campaign, step by step. A draft may have anything: a submission checks it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from switchboard.brands import fields, records, sealing, store
from switchboard.brands.models import EDITABLE, Brand, BrandCampaign, RegistrationStatus
from switchboard.errors import Conflict, Invalid
from switchboard.events.models import Origin
from switchboard.kit import ids, texts
from switchboard.kit.merging import merge_patch
from switchboard.persistence.collection import next_version
from switchboard.persistence.idempotency import IdempotencyKey, commit_once
from switchboard.persistence.optimistic import Decision, retry_on_conflict

#: The largest draft of a brand and of a campaign, as JSON in UTF-8.
MAX_DRAFT_BYTES = 64 * 1_024
#: A tax number that is longer is not one.
MAX_EIN = 32


def change_brand(
    origin: Origin, decide: Callable[[Brand], Decision[Brand]], effect: IdempotencyKey | None = None
) -> Brand:
    """Changes the organization's brand, which may be a new one. Two members at once change it one after the other.

    Returns the brand after the change, or as it is if nothing changes.
    """

    def attempt() -> Brand:
        stored = store.find_brand(origin.org_id)
        before = stored or records.new_brand(origin.org_id)
        decided = decide(before)
        if decided is None:
            return before
        after, writes = decided
        save = store.BRANDS.save_write(after) if stored else store.BRANDS.create_write(after)
        if commit_once(effect, after.id, save, writes):
            return store.find_brand(origin.org_id) or before
        return after

    changed = retry_on_conflict(attempt)
    assert changed is not None, "no write says that it is recorded already"
    return changed


def save_brand(origin: Origin, changes: dict[str, Any], effect: IdempotencyKey | None = None) -> Brand:
    """Changes the fields of a brand's draft that the request has. `payload` is a JSON Merge Patch (RFC 7396).

    Raises Invalid for a draft that is too large, and Conflict for a brand that the registry has or approved.
    """

    def decide(before: Brand) -> Decision[Brand]:
        _require_editable(before.status, "brand")
        old: dict[str, Any] = {
            "payload": sealing.open_payload(before),
            "display_name": before.display_name,
            "website": before.website,
            "ein": sealing.open_ein(before),
        }
        new = old | changes
        if old["ein"] and new["ein"] == sealing.mask_ein(old["ein"]):
            new["ein"] = old["ein"]
        if "payload" in changes:
            patch = sealing.restore_masked(changes["payload"], old["payload"], old["ein"])
            new["payload"] = _merge_draft(old["payload"], patch, "payload")
        changed = [name for name in old if old[name] != new[name]]
        if not changed:
            return None
        facts: dict[str, Any] = {"display_name": new["display_name"], "website": new["website"]}
        if "ein" in changed:
            facts |= sealing.seal_ein(before.org_id, new["ein"])
        if "payload" in changed:
            facts["sealed_payload"] = sealing.seal_payload(before.org_id, new["payload"])
        after = next_version(before, **facts)
        return after, records.brand_event_write(origin, "brand.draft_saved", after, fields=sorted(changed))

    return change_brand(origin, decide, effect)


def save_campaign(origin: Origin, changes: dict[str, Any], effect: IdempotencyKey | None = None) -> Brand:
    """Changes the draft of the brand's campaign by a JSON Merge Patch (RFC 7396).

    Raises Invalid for a draft that is too large, and Conflict for a campaign that is submitted or approved.
    """
    patch = {name: value for name, value in changes.items() if name not in fields.READ_ONLY}

    def decide(before: Brand) -> Decision[Brand]:
        campaign = before.campaign or BrandCampaign(id=ids.new_id(store.CAMPAIGN_PREFIX))
        _require_editable(campaign.status, "campaign")
        merged = _merge_draft(campaign.fields, patch, "campaign")
        if merged == campaign.fields:
            return None
        changed = [name for name in {*merged, *campaign.fields} if merged.get(name) != campaign.fields.get(name)]
        after = next_version(before, campaign=campaign.model_copy(update={"fields": merged}))
        codes = sorted({texts.to_code(name) or "_" for name in changed})[:50]
        return after, records.brand_event_write(origin, "brand_campaign.draft_saved", after, fields=codes)

    return change_brand(origin, decide, effect)


def _merge_draft(before: dict[str, Any], patch: dict[str, Any], field: str) -> dict[str, Any]:
    # A field may be written in several ways. The last one counts.
    given = {fields.to_field(name) for name in patch}
    others = {name: None for name in before if name not in patch and fields.to_field(name) in given}
    after: dict[str, Any] = merge_patch(before, others | patch)
    if texts.is_deeper(after):
        raise _too_large(field, f"is nested too deeply: use at most {texts.MAX_JSON_DEPTH} levels")
    if len(texts.dump_json(after).encode()) > MAX_DRAFT_BYTES:
        raise _too_large(field, f"is larger than {MAX_DRAFT_BYTES // 1_024} KB after the change: delete keys by null")
    return after


def _too_large(field: str, problem: str) -> Invalid:
    return Invalid(f"The {field} {problem}.", code="invalid_draft", fields={field: problem})


def _require_editable(status: RegistrationStatus, what: str) -> None:
    if status in EDITABLE:
        return
    if status is RegistrationStatus.APPROVED:
        raise Conflict(
            f"The {what} is approved, and cannot be changed here.", code=f"{what}_approved", status=status.value
        )
    raise Conflict(
        f"The {what} is being reviewed: wait for the verdict, then change it.",
        code="registration_pending",
        status=status.value,
    )
