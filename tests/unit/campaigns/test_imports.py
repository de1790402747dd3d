from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from switchboard.aws import clients, objects
from switchboard.aws.writes import commit
from switchboard.campaigns import batches, changes, imports, service, store
from switchboard.campaigns.models import BatchStatus, Campaign, CampaignCounts, RowProblem
from switchboard.errors import Invalid, NotFound
from switchboard.numbers import store as number_store
from switchboard.numbers.models import Number, NumberStatus
from switchboard.persistence.collection import next_version
from switchboard.persistence.idempotency import IdempotencyKey
from switchboard.team.models import Member
from tests.actors import Tenant
from tests.unit.campaigns.desk import (
    add_rows,
    contact,
    count_by_hand,
    get_recipient,
    import_all,
    make_campaign,
    make_rows,
    next_import,
    read_counts,
    start,
)

pytestmark = pytest.mark.usefixtures("cloud", "frozen")


@pytest.fixture
def campaign(ada: Member, number: Number) -> Campaign:
    return make_campaign(ada, number)


@pytest.fixture
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(imports, "CHUNK_ROWS", 4)
    monkeypatch.setattr(imports, "_COMMIT_RECIPIENTS", 2)


def list_problems(campaign: Campaign, batch_id: str) -> list[tuple[int, str]]:
    found = service.get_batch_report(campaign.org_id, campaign.id, batch_id, 100, None)
    return [(one.row, one.code) for one in found.problems]


@pytest.mark.usefixtures("small_chunks")
def test_rows_of_several_batches_become_recipients_without_gaps(ada: Member, campaign: Campaign) -> None:
    bad = {"contact_e164": "nobody"}
    first = add_rows(ada, campaign, [*make_rows(0, 3), bad, *make_rows(2, 6)]).batch
    second = add_rows(ada, campaign, [*make_rows(5, 8), contact(9)]).batch
    after = import_all(campaign)
    assert (after.total, after.rows, after.duplicates, after.invalid, after.waiting) == (8, 12, 2, 2, [])
    assert list_problems(campaign, first.id) == [(4, "invalid_number"), (5, "duplicate")]
    assert list_problems(campaign, second.id) == [(1, "duplicate"), (4, "invalid_json")]
    assert read_counts(campaign) == count_by_hand(campaign) == CampaignCounts(total=8, pending=8)
    shown = service.get_campaign(campaign.org_id, campaign.id).batches
    assert [(one.id, one.status, one.imported, one.duplicates, one.invalid) for one in shown] == [
        (second.id, BatchStatus.IMPORTED, 2, 1, 1),
        (first.id, BatchStatus.IMPORTED, 6, 1, 1),
    ]
    assert [get_recipient(campaign, place).contact_e164 for place in range(8)] == [contact(one) for one in range(8)]


@pytest.mark.usefixtures("small_chunks")
def test_a_killed_or_repeated_import_stores_each_row_once(
    ada: Member, campaign: Campaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [*make_rows(0, 3), {"contact_e164": "nobody"}, *make_rows(1, 9)]
    add_rows(ada, campaign, rows)
    left = 0

    def dies(*parts: Any) -> None:
        nonlocal left
        if left == 0:
            raise KeyboardInterrupt
        left -= 1
        commit(*parts)

    monkeypatch.setattr(imports, "commit", dies)
    budget = 0
    jobs = []
    while job := next_import(campaign):
        left = budget
        try:
            imports.import_recipients(job)
        except KeyboardInterrupt:
            # The next run may commit once more than this one.
            budget += 1
            continue
        jobs.append(job)
        budget = 0
        imports.import_recipients(job)
    assert budget == 0
    assert len(jobs) == 3
    now = changes.require_campaign(campaign.org_id, campaign.id)
    assert (now.total, now.duplicates, now.invalid) == (9, 2, 1)
    assert read_counts(campaign) == count_by_hand(campaign) == CampaignCounts(total=9, pending=9)


def test_two_runs_at_once_store_each_row_once(ada: Member, campaign: Campaign, monkeypatch: pytest.MonkeyPatch) -> None:
    add_rows(ada, campaign, make_rows(0, 5))
    job = next_import(campaign)
    assert job
    store_recipients = imports._store_recipients

    def meet(found: Any) -> None:
        monkeypatch.setattr(imports, "_store_recipients", store_recipients)
        imports.import_recipients(job)
        store_recipients(found)

    monkeypatch.setattr(imports, "_store_recipients", meet)
    imports.import_recipients(job)
    assert read_counts(campaign) == count_by_hand(campaign) == CampaignCounts(total=5, pending=5)


def test_a_number_that_is_released_later_stays_refused_in_every_run(ada: Member, number: Number) -> None:
    campaign = make_campaign(ada, number)
    added = add_rows(ada, campaign, [{"contact_e164": number.e164}, *make_rows(0, 1)])
    commit(number_store.NUMBERS.save_write(next_version(number, status=NumberStatus.RELEASED)))
    import_all(campaign)
    assert list_problems(campaign, added.batch.id) == [(1, "contact_is_own_number")]


def test_a_cancelled_campaign_drops_its_rows(ada: Member, campaign: Campaign) -> None:
    added = add_rows(ada, campaign, make_rows(0, 2))
    job = next_import(campaign)
    after = changes.cancel_campaign(ada, campaign.id)
    assert job
    imports.import_recipients(job)
    report = service.get_batch_report(campaign.org_id, campaign.id, added.batch.id, 1, None)
    assert report.batch.status_in(after) is BatchStatus.DROPPED
    assert read_counts(campaign) == count_by_hand(campaign) == CampaignCounts()
    with pytest.raises(Invalid, match="takes no recipients"):
        add_rows(ada, campaign, make_rows(0, 1))


def test_a_running_campaign_takes_no_rows_and_a_paused_one_does(ada: Member, number: Number) -> None:
    campaign = start(ada, make_campaign(ada, number, 1))
    with pytest.raises(Invalid, match="`running` takes no recipients"):
        add_rows(ada, campaign, make_rows(1, 2))
    changes.pause_for_member(ada, campaign.id)
    add_rows(ada, campaign, make_rows(1, 2))
    assert import_all(campaign).total == 2


@pytest.mark.parametrize("content", [b"", b" \n\r\n"])
def test_a_batch_without_rows_is_refused(ada: Member, campaign: Campaign, content: bytes) -> None:
    with pytest.raises(Invalid, match="100,000 rows"):
        batches.add_recipients(ada, campaign.id, content)


def test_limits_of_batches_and_recipients(ada: Member, campaign: Campaign, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches, "MAX_WAITING", 2)
    monkeypatch.setattr(batches, "MAX_RECIPIENTS", 3)
    monkeypatch.setattr(batches, "MAX_BATCH_ROWS", 3)
    with pytest.raises(Invalid, match="1 to 3 rows"):
        add_rows(ada, campaign, make_rows(0, 4))
    add_rows(ada, campaign, make_rows(0, 2))
    add_rows(ada, campaign, make_rows(2, 3))
    with pytest.raises(Invalid, match="2 batches of this campaign wait"):
        add_rows(ada, campaign, make_rows(3, 4))
    import_all(campaign)
    with pytest.raises(Invalid, match="at most 3 recipients"):
        add_rows(ada, campaign, make_rows(3, 4))


def test_a_repeated_request_adds_one_batch(acme: Tenant, ada: Member, campaign: Campaign) -> None:
    again = replace(ada, effect=IdempotencyKey(scope=ada.user_id, key="key", fingerprint="fingerprint"))
    first = add_rows(again, campaign, make_rows(0, 1))
    assert add_rows(again, campaign, make_rows(0, 1)).batch == first.batch
    assert changes.require_campaign(acme.org_id, campaign.id).waiting == [first.batch.id]


def test_batches_of_another_campaign_or_organization_are_not_found(ada: Member, number: Number) -> None:
    one, other = make_campaign(ada, number, 1), make_campaign(ada, number)
    (batch,) = service.get_campaign(one.org_id, one.id).batches
    for org_id, campaign_id in ((one.org_id, other.id), ("org_other", one.id)):
        with pytest.raises(NotFound):
            service.get_batch_report(org_id, campaign_id, batch.id, 1, None)
    with pytest.raises(NotFound):
        batches.add_recipients(ada, "cmp_unknown", b"{}")


def test_the_report_has_pages(ada: Member, campaign: Campaign) -> None:
    added = add_rows(ada, campaign, ["a", "b", "c"])
    import_all(campaign)
    found: list[RowProblem] = []
    cursor = None
    while not found or cursor:
        report = service.get_batch_report(campaign.org_id, campaign.id, added.batch.id, 2, cursor)
        found, cursor = found + report.problems, report.cursor
    assert [one.row for one in found] == [1, 2, 3]


def test_the_rows_are_stored_for_the_organization(ada: Member, campaign: Campaign) -> None:
    added = add_rows(ada, campaign, make_rows(0, 1))
    keys = clients.get_client("s3").list_objects_v2(Bucket=objects.bucket_name(batches.BUCKET))["Contents"]
    assert [one["Key"] for one in keys] == [f"{campaign.org_id}/{campaign.id}/{added.batch.id}.jsonl"]
    assert len(batches.read_rows(added.batch)) == 1
    assert store.CAMPAIGNS.get_object("org_other", campaign.id) is None
