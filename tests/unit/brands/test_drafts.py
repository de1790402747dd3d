"""Drafts of brands and campaigns."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from switchboard.aws import reads
from switchboard.brands import drafts, sealing, service
from switchboard.brands.models import Brand
from switchboard.errors import Conflict, Invalid
from switchboard.persistence.idempotency import IdempotencyKey, commit_once
from switchboard.team.models import Member
from tests.actors import member
from tests.unit.brands.desk import CAMPAIGN, TOP, count_events, save_drafts, submit_drafts
from tests.unit.brands.doubles import FakeRegistry


def payload_of(brand: Brand) -> dict[str, Any]:
    return sealing.open_payload(brand)


def test_a_draft_grows_step_by_step_and_null_takes_a_field_away(ada: Member) -> None:
    drafts.save_brand(ada, {"display_name": "Lakeside", "payload": {"city": "Reno", "more": {"a": 1, "b": 2}}})
    drafts.save_brand(ada, {"ein": "12-3456789", "payload": {"state": "NV", "more": {"a": None, "c": [1]}}})
    brand = drafts.save_brand(ada, {"display_name": None})
    assert (brand.display_name, sealing.open_ein(brand)) == (None, "12-3456789")
    assert payload_of(brand) == {"city": "Reno", "state": "NV", "more": {"b": 2, "c": [1]}}
    assert count_events() == {"brand.draft_saved": 3}


def test_the_last_spelling_of_a_field_counts(ada: Member) -> None:
    drafts.save_brand(ada, {"payload": {"entityType": "GOVERNMENT", "x-own": 1}})
    brand = drafts.save_brand(ada, {"payload": {"entity_type": "NON_PROFIT"}})
    assert payload_of(brand) == {"entity_type": "NON_PROFIT", "x-own": 1}
    drafts.save_campaign(ada, {"samples": ["a"], "hasEmbeddedLinks": True})
    campaign = drafts.save_campaign(ada, {"messageSamples": ["b"], "embedded_link": False}).campaign
    assert campaign
    assert campaign.fields == {"messageSamples": ["b"], "embedded_link": False}


def test_a_draft_that_does_not_change_is_no_event(ada: Member) -> None:
    before = save_drafts(ada)
    assert save_drafts(ada) == before
    assert drafts.save_brand(ada, {}) == before
    assert count_events() == {"brand.draft_saved": 1, "brand_campaign.draft_saved": 1}


def test_an_empty_draft_of_nothing_stores_nothing(ada: Member) -> None:
    assert drafts.save_brand(ada, {}).version == 0
    assert service.get_brand(ada.org_id).version == 0


def test_the_table_has_no_tax_number_and_no_payload_in_clear(ada: Member) -> None:
    save_drafts(ada)
    stored = str(reads.get_item("core", {"pk": ada.org_id, "sk": "brand"}))
    assert "3456789" not in stored
    assert "Lake Street" not in stored
    assert "6789" in stored


def test_a_masked_tax_number_that_comes_back_changes_nothing(ada: Member) -> None:
    drafts.save_brand(ada, {"ein": "12-3456789", "payload": {"ein": "123456789"}})
    brand = drafts.save_brand(ada, {"ein": "******6789", "payload": {"ein": "*****6789"}})
    assert (sealing.open_ein(brand), payload_of(brand)["ein"]) == ("12-3456789", "123456789")
    assert count_events() == {"brand.draft_saved": 1}


def test_a_campaign_that_was_read_can_be_sent_back(ada: Member) -> None:
    before = save_drafts(ada)
    assert before.campaign
    assert drafts.save_campaign(ada, CAMPAIGN | {"status": "approved", "errors": [1], "id": "x"}) == before


def test_a_draft_has_a_largest_size_and_depth(ada: Member) -> None:
    drafts.save_campaign(ada, {"a": "x" * 40_000})
    with pytest.raises(Invalid, match="larger than 64 KB"):
        drafts.save_campaign(ada, {"b": "x" * 40_000})
    deep: Any = 1
    for _ in range(8):
        deep = {"a": deep}
    with pytest.raises(Invalid, match="nested too deeply"):
        drafts.save_brand(ada, {"payload": {"more": deep}})


def test_a_repeated_request_changes_the_draft_once(ada: Member) -> None:
    once = replace(ada, effect=IdempotencyKey(scope=ada.org_id, key="save", fingerprint="f"))
    first = drafts.save_brand(once, {"display_name": "One"}, once.effect)
    drafts.save_brand(ada, {"display_name": "Two"})
    assert drafts.save_brand(once, {"display_name": "One"}, once.effect).display_name == "Two"
    assert service.get_brand(ada.org_id).id == first.id


def test_two_admins_at_once_both_change_the_draft(ada: Member, monkeypatch: pytest.MonkeyPatch) -> None:
    bob = member(ada.org_id, name="Bob")
    seen: list[bool] = []

    def meet(*parts: Any) -> Any:
        if not seen:
            seen.append(True)
            drafts.save_brand(bob, {"website": TOP["website"], "payload": {"city": "Reno"}})
        return commit_once(*parts)

    monkeypatch.setattr(drafts, "commit_once", meet)
    brand = drafts.save_brand(ada, {"display_name": "Lakeside", "payload": {"state": "NV"}})
    assert (brand.display_name, brand.website) == ("Lakeside", TOP["website"])
    assert payload_of(brand) == {"city": "Reno", "state": "NV"}
    assert brand == service.get_brand(ada.org_id)


def test_a_draft_in_review_cannot_be_changed(ada: Member, registry: FakeRegistry) -> None:
    submit_drafts(ada)
    with pytest.raises(Conflict, match="being reviewed"):
        drafts.save_brand(ada, {"display_name": "Other"})
    with pytest.raises(Conflict, match="being reviewed"):
        drafts.save_campaign(ada, {"usecase": "M2M"})
