from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from switchboard.campaigns import changes, imports, recipient_lists, service
from switchboard.campaigns.models import Campaign, CampaignCounts, CampaignStatus, Recipient, RecipientStatus
from switchboard.campaigns.service import CampaignDraft
from switchboard.campaigns.templates import render_body
from switchboard.errors import Invalid, NotFound
from switchboard.kit import clock
from switchboard.numbers.models import Number
from switchboard.persistence.idempotency import IdempotencyKey
from switchboard.team.models import Member
from tests.actors import tenant
from tests.unit.calls.console_calls import save_flow, save_number
from tests.unit.campaigns.desk import (
    add_rows,
    claim,
    contact,
    count_by_hand,
    get_recipient,
    import_all,
    make_campaign,
    make_rows,
    read_counts,
    start,
)

pytestmark = pytest.mark.usefixtures("cloud")


def list_indexes(campaign: Campaign, status: RecipientStatus | None = None, limit: int = 3) -> list[int]:
    """The indexes of the recipients in all pages of a list."""
    found: list[Recipient] = []
    cursor = None
    while True:
        page = recipient_lists.list_recipients(campaign.org_id, campaign.id, status, limit, cursor)
        assert len(page.recipients) <= limit
        found += page.recipients
        cursor = page.cursor
        if cursor is None:
            assert all(one.status is status for one in found) or status is None
            return [one.index for one in found]


def test_a_campaign_is_a_draft_with_its_recipients(ada: Member, number: Number) -> None:
    rows = [
        {"contact_e164": contact(0), "variables": {"name": "Ada"}},
        {"contact_e164": contact(1), "body": "Dear {{name}},", "variables": {"name": "Bob"}},
        {"contact_e164": contact(0), "variables": {"name": "Eve"}},
    ]
    record = service.create_campaign(
        ada, CampaignDraft(name="Spring", number_id=number.id, body_template="Hello {{name}}.", rows=rows)
    )
    campaign = record.campaign
    assert record.is_new
    assert (campaign.status, campaign.total, campaign.duplicates, campaign.waiting) == ("draft", 2, 1, [])
    assert (campaign.throttle_per_minute, campaign.purpose, campaign.simulated) == (30, "informational", True)
    assert record.counts == count_by_hand(campaign) == CampaignCounts(total=2, pending=2)
    assert [render_body(campaign, get_recipient(campaign, place)) for place in range(2)] == ["Hello Ada.", "Dear Bob,"]
    assert service.get_campaign(ada.org_id, campaign.id) == record._replace(is_new=False)


def test_many_recipients_are_imported_by_the_worker(
    ada: Member, number: Number, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "_IMPORTED_AT_ONCE", 2)
    campaign = make_campaign(ada, number, 3)
    assert (campaign.total, campaign.is_importing) == (0, True)
    assert import_all(campaign).total == 3


def test_a_failed_import_is_left_to_the_worker(ada: Member, number: Number, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(_: Any) -> None:
        raise RuntimeError

    with monkeypatch.context() as patch:
        patch.setattr(imports, "import_recipients", fails)
        campaign = make_campaign(ada, number, 1)
    assert campaign.is_importing
    assert import_all(campaign).total == 1


@pytest.mark.parametrize(
    ("rows", "code", "fields"),
    [
        ([{"contact_e164": contact(0)}, {}], "invalid_number", {"recipients.1"}),
        ([{"contact_e164": contact(0), "body": "{{a}} {{b}}"}], "missing_variable", {"recipients.0"}),
        ([{"contact_e164": contact(0), "body": "{{a}}"}, {}], "invalid_rows", {"recipients.0", "recipients.1"}),
        ([{}] * 60, "invalid_number", {f"recipients.{place}" for place in range(50)}),
        ([{}] * 10_001, "too_many_recipients", {"recipients"}),
    ],
)
def test_bad_rows_refuse_the_campaign(
    ada: Member, number: Number, rows: list[Any], code: str, fields: set[str]
) -> None:
    with pytest.raises(Invalid) as refused:
        make_campaign(ada, number, rows=rows)
    assert refused.value.code == code
    assert set(refused.value.details["fields"]) == fields
    assert service.list_campaigns(ada.org_id, 10, None) == ([], None)


def test_files_need_a_number_that_sends_them(ada: Member, number: Number) -> None:
    rows = make_rows(0, 2, media=[{"url": "https://example.com/a.png"}])
    with pytest.raises(Invalid, match="recipients") as refused:
        make_campaign(ada, number, rows=rows)
    assert refused.value.code == "number_without_mms"
    assert set(refused.value.details["fields"]) == {"recipients.0", "recipients.1"}

    campaign = make_campaign(ada, number)
    batch = add_rows(ada, campaign, rows).batch
    assert import_all(campaign).total == 0
    report = service.get_batch_report(ada.org_id, campaign.id, batch.id, 10, None)
    assert [(one.row, one.code) for one in report.problems] == [(1, "number_without_mms"), (2, "number_without_mms")]

    able = save_number(ada.org_id, "+12125550103", mms=True)
    assert make_campaign(ada, able, rows=rows).total == 2


@pytest.mark.parametrize(
    ("start_at", "stored"),
    [
        (None, None),
        ("2026-01-15T16:59:30Z", "2026-01-15T16:59:30.000Z"),
        ("2026-04-15T17:00:00Z", "2026-04-15T17:00:00.000Z"),
    ],
)
def test_a_start_may_be_asked_for(ada: Member, number: Number, start_at: str | None, stored: str | None) -> None:
    assert make_campaign(ada, number, scheduled_start_at=start_at).scheduled_start_at == stored


@pytest.mark.parametrize("start_at", ["2026-01-15T16:58:59Z", "2026-04-16T17:00:00Z"])
def test_a_start_in_the_past_or_too_far_ahead_is_refused(ada: Member, number: Number, start_at: str) -> None:
    with pytest.raises(Invalid, match="scheduled_start_at is"):
        make_campaign(ada, number, scheduled_start_at=start_at)


def test_a_number_and_a_flow_belong_to_the_organization(ada: Member, number: Number) -> None:
    foreign = save_number(tenant("other").org_id, "+12125550102")
    with pytest.raises(NotFound, match="number"):
        make_campaign(ada, foreign)
    for unknown in ("00000000-0000-4000-8000-000000000000", "front-desk"):
        with pytest.raises(Invalid) as refused:
            make_campaign(ada, number, flow_id=unknown)
        assert (refused.value.code, *refused.value.details["fields"]) == ("unknown_flow", "flow_id")
    flow = save_flow(ada.org_id)
    assert make_campaign(ada, number, flow_id=flow.id).flow_id == flow.id


def test_a_repeated_request_creates_one_campaign(ada: Member, number: Number) -> None:
    again = replace(ada, effect=IdempotencyKey(scope=ada.user_id, key="key", fingerprint="fingerprint"))
    draft = CampaignDraft(name="Spring", number_id=number.id, body_template="Hello.", rows=make_rows(0, 1))
    first, second = service.create_campaign(again, draft), service.create_campaign(again, draft)
    assert (first.is_new, second.is_new) == (True, False)
    assert first.campaign == second.campaign
    assert len(service.list_campaigns(ada.org_id, 10, None)[0]) == 1


def test_campaigns_are_listed_newest_first_with_their_counts(
    ada: Member, number: Number, frozen: clock.FrozenClock
) -> None:
    made = []
    for recipients in (1, 0, 2):
        frozen.advance(seconds=1)
        made.append(make_campaign(ada, number, recipients))
    first, cursor = service.list_campaigns(ada.org_id, 2, None)
    second, end = service.list_campaigns(ada.org_id, 2, cursor)
    assert [row.campaign.id for row in first + second] == [one.id for one in reversed(made)]
    assert [row.counts.total for row in first + second] == [2, 0, 1]
    assert end is None


def test_recipients_are_listed_by_status(ada: Member, number: Number) -> None:
    campaign = start(ada, make_campaign(ada, number, 10))
    for place in (2, 5, 9):
        claim(campaign, place)
    assert list_indexes(campaign) == list(range(10))
    assert list_indexes(campaign, RecipientStatus.CLAIMED, 2) == [2, 5, 9]
    assert list_indexes(campaign, RecipientStatus.CANCELED) == []
    changes.cancel_campaign(ada, campaign.id)
    assert list_indexes(campaign, RecipientStatus.PENDING) == []
    assert list_indexes(campaign, RecipientStatus.CANCELED) == [0, 1, 3, 4, 6, 7, 8]


def test_a_filtered_page_looks_at_few_recipients(ada: Member, number: Number, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recipient_lists, "_MAX_LOOKS", 4)
    campaign = start(ada, make_campaign(ada, number, 10))
    claim(campaign, 9)
    page = recipient_lists.list_recipients(campaign.org_id, campaign.id, RecipientStatus.CLAIMED, 3, None)
    assert page.recipients == []
    assert page.cursor
    assert list_indexes(campaign, RecipientStatus.CLAIMED) == [9]


def test_recipients_cross_the_partitions(ada: Member, number: Number, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("switchboard.campaigns.store.PARTITION_RECIPIENTS", 3)
    campaign = make_campaign(ada, number, 8)
    assert list_indexes(campaign, limit=5) == list(range(8))
    assert read_counts(campaign) == count_by_hand(campaign)


def test_campaigns_of_another_organization_are_not_found(ada: Member, number: Number) -> None:
    campaign = make_campaign(ada, number, 1)
    for read in (service.get_campaign, lambda org_id, id_: recipient_lists.list_recipients(org_id, id_, None, 1, None)):
        with pytest.raises(NotFound):
            read("org_other", campaign.id)
    assert service.list_campaigns("org_other", 10, None) == ([], None)
    assert campaign.status is CampaignStatus.DRAFT
