from __future__ import annotations

from typing import Any

import pytest

from switchboard.aws.dynamodb import decode_item
from switchboard.aws.writes import commit
from switchboard.campaigns import changes
from switchboard.campaigns.changes import campaign_worker
from switchboard.campaigns.counts import GateClosedError
from switchboard.campaigns.jobs import StartCampaign
from switchboard.campaigns.models import Campaign, CampaignCounts, CampaignStatus, PauseReason
from switchboard.campaigns.moves import MOVES, can_move
from switchboard.errors import Invalid, NotFound
from switchboard.kit import clock
from switchboard.messaging.models import MessageStatus
from switchboard.numbers import store as number_store
from switchboard.numbers.models import Number, NumberStatus
from switchboard.persistence.collection import next_version
from switchboard.team.models import Member
from tests.integration.sabotage import scan_items
from tests.unit.campaigns.desk import (
    add_rows,
    claim,
    count_by_hand,
    get_recipient,
    import_all,
    make_campaign,
    make_rows,
    move_text,
    read_counts,
    start,
)
from tests.unit.contacts.book import list_workflow_events

pytestmark = pytest.mark.usefixtures("cloud", "frozen")


def list_jobs(name: str) -> list[dict[str, Any]]:
    """The jobs of a kind in the outbox and in the timers, in any order."""
    items = [decode_item(item) for item in scan_items("activity")]
    return [item for item in items if isinstance(item.get("body"), dict) and item["body"].get("job") == name]


def test_every_status_can_end() -> None:
    assert set(MOVES) == set(CampaignStatus)
    for status in CampaignStatus:
        reached = {status}
        for _ in CampaignStatus:
            reached |= {after for before in reached for after in MOVES[before]}
        assert reached & {CampaignStatus.COMPLETED, CampaignStatus.CANCELED}
    assert not can_move(CampaignStatus.COMPLETED, CampaignStatus.QUEUED)


def test_a_launch_queues_for_the_next_full_minute(ada: Member, number: Number, frozen: clock.FrozenClock) -> None:
    campaign = make_campaign(ada, number, 1)
    frozen.advance(seconds=12.3)
    launched = changes.launch_campaign(ada, campaign.id)
    assert (launched.status, launched.starts_at) == (CampaignStatus.QUEUED, "2026-01-15T17:01:00.000Z")
    assert (launched.launch, launched.launched_by) == (1, ada.user_id)
    (job,) = list_jobs("StartCampaign")
    assert (job["due"], job["body"]["launch"]) == ("2026-01-15T17:01:00.000Z", 1)
    # A second launch changes nothing.
    assert changes.launch_campaign(ada, campaign.id) == launched


def test_a_scheduled_start_is_a_timer_that_a_cancel_deletes(ada: Member, number: Number) -> None:
    campaign = make_campaign(ada, number, 1, scheduled_start_at="2026-01-16T09:00:30+01:00")
    launched = changes.launch_campaign(ada, campaign.id)
    assert launched.starts_at == "2026-01-16T08:00:30.000Z"
    assert launched.start_timer
    assert len(list_jobs("StartCampaign")) == 1
    changes.cancel_campaign(ada, campaign.id)
    assert list_jobs("StartCampaign") == []


def test_a_start_opens_the_gate_and_begins_the_dispatch(ada: Member, number: Number) -> None:
    campaign = make_campaign(ada, number, 2)
    with pytest.raises(GateClosedError):
        claim(campaign, 0)
    running = start(ada, campaign)
    assert running.status is CampaignStatus.RUNNING
    assert [job["body"]["launch"] for job in list_jobs("DispatchCampaign")] == [1]
    claim(campaign, 0)
    assert read_counts(campaign) == CampaignCounts(total=2, pending=1, claimed=1)


def test_the_job_of_an_earlier_launch_or_a_repeated_job_does_nothing(ada: Member, number: Number) -> None:
    campaign = start(ada, make_campaign(ada, number, 1))
    first = StartCampaign(org_id=campaign.org_id, campaign_id=campaign.id, launch=1)
    changes.start_campaign(first)
    assert len(list_jobs("DispatchCampaign")) == 1
    changes.pause_for_member(ada, campaign.id)
    changes.launch_campaign(ada, campaign.id)
    changes.start_campaign(first)
    assert changes.require_campaign(campaign.org_id, campaign.id).status is CampaignStatus.QUEUED


def test_a_campaign_starts_after_its_import(ada: Member, number: Number) -> None:
    campaign = make_campaign(ada, number)
    add_rows(ada, campaign, make_rows(0, 1))
    waiting = start(ada, campaign)
    assert waiting.status is CampaignStatus.QUEUED
    begun = len(list_jobs("StartCampaign"))
    import_all(campaign)
    assert len(list_jobs("StartCampaign")) == begun + 1
    changes.start_campaign(StartCampaign(org_id=campaign.org_id, campaign_id=campaign.id, launch=1))
    assert changes.require_campaign(campaign.org_id, campaign.id).status is CampaignStatus.RUNNING


def test_an_import_without_recipients_pauses_the_campaign(ada: Member, number: Number) -> None:
    campaign = make_campaign(ada, number)
    add_rows(ada, campaign, ["nobody"])
    changes.launch_campaign(ada, campaign.id)
    import_all(campaign)
    changes.start_campaign(StartCampaign(org_id=campaign.org_id, campaign_id=campaign.id, launch=1))
    paused = changes.require_campaign(campaign.org_id, campaign.id)
    assert (paused.status, paused.pause_reason) == (CampaignStatus.PAUSED, PauseReason.NO_RECIPIENTS)
    with pytest.raises(Invalid, match="no recipients"):
        changes.launch_campaign(ada, campaign.id)


def test_a_pause_lets_no_recipient_be_claimed_and_a_launch_resumes(ada: Member, number: Number) -> None:
    campaign = start(ada, make_campaign(ada, number, 2))
    text = claim(campaign, 0)
    paused = changes.pause_campaign(campaign_worker(campaign), campaign.id, PauseReason.CAP, launch=1)
    assert paused
    assert paused.pause_reason is PauseReason.CAP
    with pytest.raises(GateClosedError):
        claim(campaign, 1)
    move_text(text, MessageStatus.SENT)
    assert read_counts(campaign) == CampaignCounts(total=2, pending=1, sent=1)
    assert changes.pause_campaign(campaign_worker(campaign), campaign.id, PauseReason.CAP) is None
    resumed = start(ada, campaign)
    assert (resumed.pause_reason, resumed.launch) == (None, 2)
    # A worker of the first launch does not pause the second one.
    assert changes.pause_campaign(campaign_worker(campaign), campaign.id, PauseReason.NUMBER, launch=1) is None
    claim(campaign, 1)


def test_a_cancel_counts_all_pending_recipients_at_once(ada: Member, number: Number) -> None:
    campaign = start(ada, make_campaign(ada, number, 20))
    texts = [claim(campaign, place) for place in range(3)]
    move_text(texts[0], MessageStatus.SENT)
    done = changes.cancel_campaign(ada, campaign.id)
    assert (done.status, done.completed_at) == (CampaignStatus.CANCELED, clock.now_iso())
    expected = CampaignCounts(total=20, claimed=2, sent=1, cancelled=17)
    assert read_counts(campaign) == count_by_hand(campaign) == expected
    with pytest.raises(GateClosedError):
        claim(campaign, 5)
    move_text(texts[1], MessageStatus.DELIVERED)
    move_text(texts[2], MessageStatus.CANCELED, "campaign_canceled")
    expected = CampaignCounts(total=20, sent=1, delivered=1, cancelled=18)
    assert read_counts(campaign) == count_by_hand(campaign) == expected
    assert changes.cancel_campaign(ada, campaign.id) == done
    with pytest.raises(Invalid, match="cannot be launched"):
        changes.launch_campaign(ada, campaign.id)


def test_a_campaign_completes_when_no_recipient_is_left(ada: Member, number: Number) -> None:
    campaign = start(ada, make_campaign(ada, number, 2))
    text = move_text(claim(campaign, 0), MessageStatus.SENT)
    assert not changes.complete_campaign(campaign.org_id, campaign.id, campaign.launch)
    last = claim(campaign, 1)
    assert not changes.complete_campaign(campaign.org_id, campaign.id, campaign.launch)
    move_text(last, MessageStatus.FAILED, "30003")
    assert not changes.complete_campaign(campaign.org_id, campaign.id, campaign.launch + 1)
    assert changes.complete_campaign(campaign.org_id, campaign.id, campaign.launch)
    assert not changes.complete_campaign(campaign.org_id, campaign.id, campaign.launch)
    move_text(text, MessageStatus.DELIVERED)
    assert read_counts(campaign) == CampaignCounts(total=2, delivered=1, failed=1)
    with pytest.raises(Invalid, match="`completed` cannot be canceled"):
        changes.cancel_campaign(ada, campaign.id)


@pytest.mark.parametrize("act", [changes.launch_campaign, changes.pause_for_member, changes.cancel_campaign])
def test_an_unknown_campaign_is_not_found(ada: Member, act: Any) -> None:
    with pytest.raises(NotFound):
        act(ada, "cmp_01jd0000000000000000000001")


def test_a_draft_without_recipients_is_not_launched(ada: Member, number: Number) -> None:
    campaign = make_campaign(ada, number)
    with pytest.raises(Invalid, match="no recipients"):
        changes.launch_campaign(ada, campaign.id)
    with pytest.raises(Invalid, match="`draft` cannot be paused"):
        changes.pause_for_member(ada, campaign.id)


def test_a_released_number_launches_nothing(ada: Member, number: Number) -> None:
    campaign = make_campaign(ada, number, 1)
    commit(number_store.NUMBERS.save_write(next_version(number, status=NumberStatus.RELEASED)))
    with pytest.raises(Invalid, match="was released"):
        changes.launch_campaign(ada, campaign.id)


def test_each_move_is_an_event_of_the_campaign(ada: Member, number: Number) -> None:
    campaign = start(ada, make_campaign(ada, number, 1))
    changes.pause_for_member(ada, campaign.id)
    changes.cancel_campaign(ada, campaign.id)
    found = [event for event in list_workflow_events(campaign.org_id, ada.correlation_id) if "campaign" in event.type]
    assert [event.type.partition(".")[2] for event in found] == [
        *("recipients_added", "created", "recipients_imported", "launched", "started", "paused", "canceled")
    ]
    assert {event.subject.id for event in found} == {campaign.id}


def test_the_recipient_knows_its_text(ada: Member, number: Number) -> None:
    campaign: Campaign = start(ada, make_campaign(ada, number, 1))
    text = claim(campaign, 0)
    move_text(text, MessageStatus.UNDELIVERED, "30003")
    found = get_recipient(campaign, 0)
    assert (found.message_id, found.error_code) == (text.id, "30003")
