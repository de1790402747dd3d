"""Campaigns under faults: killed between any two AWS calls, and met by other requests there, the counts add up."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from itertools import count
from typing import Any

import pytest

from switchboard.aws import queues
from switchboard.campaigns import changes, imports, service
from switchboard.campaigns.jobs import StartCampaign
from switchboard.campaigns.models import Campaign, CampaignCounts, CampaignStatus
from switchboard.errors import Invalid
from switchboard.kit import clock
from switchboard.kit.jobs import Job
from switchboard.numbers.models import Number
from switchboard.team.models import Member
from switchboard.team.permissions import Role
from tests.actors import Tenant, member, tenant
from tests.integration.sabotage import Sabotage, run_worker
from tests.unit.calls.console_calls import save_number
from tests.unit.campaigns.desk import (
    add_rows,
    count_by_hand,
    make_campaign,
    make_rows,
    next_import,
    read_counts,
    start,
)

pytestmark = pytest.mark.usefixtures("cloud", "frozen")


@pytest.fixture
def acme(cloud: dict[str, str], frozen: clock.FrozenClock) -> Tenant:
    return tenant()


@pytest.fixture
def ada(acme: Tenant) -> Member:
    return member(acme.org_id, Role.OPERATOR)


@pytest.fixture
def number(acme: Tenant) -> Number:
    return save_number(acme.org_id)


@pytest.fixture
def saboteur(acme: Tenant) -> Sabotage:
    return Sabotage()


def send(job: Job | None) -> None:
    """Puts a job into its queue. A killed worker leaves it there."""
    assert job
    queues.send_messages([job.to_message()])


def test_a_worker_killed_anywhere_imports_each_row_once(
    ada: Member, number: Number, saboteur: Sabotage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(imports, "CHUNK_ROWS", 4)
    monkeypatch.setattr(imports, "_COMMIT_RECIPIENTS", 2)
    rows = [*make_rows(0, 4), "bad", *make_rows(3, 6)]
    for done in count():
        campaign = make_campaign(ada, number)
        add_rows(ada, campaign, rows)
        send(next_import(campaign))
        with saboteur.killing(after=done):
            run_worker("workers/recipients")
        died = len(saboteur.calls) == done
        # The queue still has the job if the worker died.
        run_worker("workers/recipients")
        while job := next_import(campaign):
            send(job)
            run_worker("workers/recipients")
        expected = CampaignCounts(total=6, pending=6)
        assert read_counts(campaign) == count_by_hand(campaign) == expected, done
        after = service.get_campaign(campaign.org_id, campaign.id)
        assert [(one.imported, one.duplicates, one.invalid) for one in after.batches] == [(6, 1, 1)], done
        if not died:
            break


def test_a_worker_killed_anywhere_starts_a_campaign_once(ada: Member, number: Number, saboteur: Sabotage) -> None:
    for done in count():
        campaign = changes.launch_campaign(ada, make_campaign(ada, number, 3).id)
        send(StartCampaign(org_id=campaign.org_id, campaign_id=campaign.id, launch=1))
        with saboteur.killing(after=done):
            run_worker("workers/campaigns")
        died = len(saboteur.calls) == done
        run_worker("workers/campaigns")
        now = changes.require_campaign(campaign.org_id, campaign.id)
        assert (now.status, now.version) == (CampaignStatus.RUNNING, campaign.version + 1), done
        if not died:
            break


def launch(who: Member, campaign: Campaign) -> None:
    changes.launch_campaign(who, campaign.id)


def cancel(who: Member, campaign: Campaign) -> None:
    changes.cancel_campaign(who, campaign.id)


def import_rows(_: Member, campaign: Campaign) -> None:
    if job := next_import(campaign):
        imports.import_recipients(job)


def add_some(who: Member, campaign: Campaign) -> None:
    add_rows(who, campaign, make_rows(2, 5))


ACTS: list[Callable[[Member, Campaign], None]] = [launch, cancel, import_rows, add_some]


@pytest.mark.parametrize("other", ACTS, ids=lambda act: act.__name__)
@pytest.mark.parametrize("first", ACTS, ids=lambda act: act.__name__)
def test_two_changes_at_once_happen_one_after_the_other(
    ada: Member, number: Number, saboteur: Sabotage, first: Any, other: Any
) -> None:
    for done in count():
        campaign = make_campaign(ada, number, 3)
        add_some(ada, campaign)
        met = False

        def meet(campaign: Campaign = campaign) -> None:
            nonlocal met
            met = True
            with suppress(Invalid):
                other(ada, campaign)

        with saboteur.meeting(done, meet), suppress(Invalid):
            first(ada, campaign)
        if not met:
            break
        while job := next_import(campaign):
            imports.import_recipients(job)
        assert read_counts(campaign) == count_by_hand(campaign), done
        now = changes.require_campaign(campaign.org_id, campaign.id)
        assert now.launch <= 1
        if cancel in (first, other):
            assert now.status is CampaignStatus.CANCELED
            assert read_counts(campaign).pending == 0
        else:
            assert now.total == 5


def test_a_cancel_meets_a_start_and_no_gate_stays_open(ada: Member, number: Number, saboteur: Sabotage) -> None:
    for done in count():
        campaign = make_campaign(ada, number, 3)
        met = False

        def meet(campaign: Campaign = campaign) -> None:
            nonlocal met
            met = True
            changes.cancel_campaign(ada, campaign.id)

        with saboteur.meeting(done, meet), suppress(Invalid):
            start(ada, campaign)
        if not met:
            break
        assert changes.require_campaign(campaign.org_id, campaign.id).status is CampaignStatus.CANCELED
        assert read_counts(campaign) == count_by_hand(campaign) == CampaignCounts(total=3, cancelled=3)
