"""Submissions cost the platform a fee each, so a plan includes some of them."""

from __future__ import annotations

from typing import Any

import pytest

from switchboard.accounts.plans import PlanName
from switchboard.brands import drafts, records, service, store
from switchboard.brands.models import Brand, RegistrationStatus
from switchboard.errors import QuotaExceeded
from switchboard.kit import clock
from switchboard.team.models import Member
from tests.actors import member, tenant
from tests.unit.brands.desk import submit_drafts


def reject(who: Member) -> None:
    """Lets the registry reject the brand and its campaign."""

    def decide(before: Brand) -> Any:
        assert before.campaign
        rejected = {"status": RegistrationStatus.REJECTED}
        campaign = before.campaign.model_copy(update=rejected)
        after = before.model_copy(update={**rejected, "campaign": campaign, "version": before.version + 1})
        return after, [records.brand_event_write(who, "brand.rejected", after, attempt=after.attempt, codes=[])]

    drafts.change_brand(who, decide)


def test_the_free_plan_includes_no_submission(cloud: Any, frozen: clock.FrozenClock) -> None:
    ada = member(tenant("free", PlanName.FREE).org_id)
    with pytest.raises(QuotaExceeded) as refused:
        submit_drafts(ada)
    assert (refused.value.code, refused.value.details["cap"]) == ("plan_quota", 0)
    assert "subscribe to a plan" in refused.value.message
    brand = store.find_brand(ada.org_id)
    assert brand is not None
    assert (brand.status, brand.attempt) == (RegistrationStatus.DRAFT, 0)


def test_a_rejected_brand_is_submitted_only_so_often_in_a_month(cloud: Any, frozen: clock.FrozenClock) -> None:
    ada = member(tenant("acme", registrations_per_month=2).org_id)
    submit_drafts(ada)
    reject(ada)
    service.submit_brand(ada)
    reject(ada)
    with pytest.raises(QuotaExceeded) as refused:
        service.submit_brand(ada)
    assert (refused.value.code, refused.value.details["current"], refused.value.details["cap"]) == ("plan_quota", 2, 2)
    frozen.advance(days=31)
    assert service.submit_brand(ada).status is RegistrationStatus.SUBMITTED


def test_a_refused_submission_does_not_count(cloud: Any, frozen: clock.FrozenClock) -> None:
    ada = member(tenant("acme", registrations_per_month=1).org_id)
    with pytest.raises(Exception, match="not complete"):
        submit_drafts(ada, state="XX")
    assert submit_drafts(ada).status is RegistrationStatus.SUBMITTED
