"""The counts of a campaign add up, and equal a count of its recipients, after any order of changes."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from switchboard.aws import reads
from switchboard.aws.writes import commit
from switchboard.campaigns import changes, counts, imports, store
from switchboard.campaigns.changes import campaign_worker
from switchboard.campaigns.counts import CANCELED_ERROR, CampaignEndedError, GateClosedError
from switchboard.campaigns.jobs import StartCampaign
from switchboard.campaigns.models import Campaign, CampaignCounts, CampaignStatus, PauseReason, RecipientStatus
from switchboard.errors import Invalid
from switchboard.kit import clock
from switchboard.messaging.models import MessageStatus, TextMessage
from switchboard.messaging.moves import can_become
from switchboard.numbers.models import Number
from switchboard.persistence.optimistic import StaleVersionError
from switchboard.team.models import Member
from tests.unit.campaigns.desk import (
    add_rows,
    claim,
    count_by_hand,
    get_recipient,
    make_campaign,
    make_rows,
    move_text,
    next_import,
    read_counts,
    start,
)
from tests.unit.messaging.desk import make_conversation, make_text

#: The things that may happen to a campaign, and to which recipient.
ACTIONS = st.lists(
    st.tuples(
        st.sampled_from(
            [
                *("launch", "launch twice", "start", "add", "import", "import killed", "claim", "claim", "report"),
                *("report", "put off", "return", "opted out", "reply", "pause", "complete", "cancel"),
            ]
        ),
        st.integers(0, 11),
        st.sampled_from([status for status in MessageStatus if status is not MessageStatus.RECEIVED]),
    ),
    max_size=60,
)
#: Every campaign has some recipients.
FIRST = [("add", 3, MessageStatus.SENT), ("import", 0, MessageStatus.SENT)]
#: The refusals of a change, after which nothing of it happened.
REFUSALS = (Invalid, GateClosedError, CampaignEndedError, StaleVersionError)


class Played:
    """A campaign to which things happen."""

    def __init__(self, who: Member, number: Number) -> None:
        self.who = who
        self.campaign = make_campaign(who, number)
        self.texts: dict[int, TextMessage] = {}
        self.added = 0

    @property
    def now(self) -> Campaign:
        return changes.require_campaign(self.campaign.org_id, self.campaign.id)

    def act(self, action: str, place: int, status: MessageStatus) -> None:
        worker, id_ = campaign_worker(self.campaign), self.campaign.id
        if action in ("launch", "launch twice"):
            for _ in action.split():
                changes.launch_campaign(self.who, id_)
        elif action == "start":
            job = StartCampaign(org_id=self.campaign.org_id, campaign_id=id_, launch=self.now.launch)
            changes.start_campaign(job)
        elif action == "add":
            # Some of the numbers are those of earlier rows.
            first = max(0, self.added - 1)
            add_rows(self.who, self.campaign, [*make_rows(first, first + place % 4 + 1), "bad"])
            self.added = first + place % 4 + 1
        elif action == "import" and (job_of_rows := next_import(self.campaign)):
            imports.import_recipients(job_of_rows)
            imports.import_recipients(job_of_rows)
        elif action == "import killed" and (job_of_rows := next_import(self.campaign)):
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(imports, "_count_rows", lambda *_: None)
                imports.import_recipients(job_of_rows)
        elif action == "pause":
            changes.pause_campaign(worker, id_, PauseReason.FAILURES)
        elif action == "complete":
            changes.complete_campaign(self.campaign.org_id, id_, self.now.launch)
        elif action == "cancel":
            changes.cancel_campaign(self.who, id_)
        elif place < self.now.total:
            self.act_on_recipient(action, place, status)

    def act_on_recipient(self, action: str, index: int, status: MessageStatus) -> None:
        recipient = get_recipient(self.campaign, index)
        if action == "claim" and recipient.status is RecipientStatus.PENDING:
            self.texts[index] = claim(self.campaign, index)
        elif action == "report" and index in self.texts and can_become(self.texts[index], status):
            self.texts[index] = move_text(self.texts[index], status, CANCELED_ERROR if index % 2 else "21610")
        elif action == "put off" and recipient.status is RecipientStatus.PENDING:
            commit(counts.put_off_writes(recipient, clock.now_iso()))
        elif action == "return" and recipient.status is RecipientStatus.CLAIMED:
            commit(counts.move_writes(recipient, RecipientStatus.PENDING, needs="unended", message_id=None))
            del self.texts[index]
        elif action == "opted out" and recipient.status is RecipientStatus.PENDING:
            commit(counts.move_writes(recipient, RecipientStatus.OPTED_OUT, needs="open"))
        elif action == "reply" and recipient.replied_at is None:
            commit(counts.reply_writes(recipient))


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(actions=ACTIONS)
def test_the_counts_add_up_and_equal_the_recipients(
    ada: Member, number: Number, actions: list[tuple[str, int, MessageStatus]]
) -> None:
    played = Played(ada, number)
    for action in [*FIRST, *actions]:
        with suppress(*REFUSALS):
            played.act(*action)
        assert read_counts(played.campaign) == count_by_hand(played.campaign)
    if played.now.status is CampaignStatus.CANCELED:
        assert read_counts(played.campaign).pending == 0
    if played.now.status is CampaignStatus.COMPLETED:
        assert read_counts(played.campaign).left == 0


@pytest.fixture
def running(ada: Member, number: Number) -> Campaign:
    return start(ada, make_campaign(ada, number, 20))


def test_all_slices_count_their_recipients(running: Campaign) -> None:
    slices = [reads.read_ref(ref) for ref in counts.slice_refs(running.org_id, running.id)]
    assert [one.total for one in slices if one] == [3, 3, 3, 3, 2, 2, 2, 2]


def test_a_recipient_is_claimed_once(running: Campaign) -> None:
    recipient = get_recipient(running, 3)
    claim(running, 3)
    with pytest.raises(StaleVersionError):
        commit(counts.move_writes(recipient, RecipientStatus.CLAIMED, needs="open"))
    assert read_counts(running) == count_by_hand(running)


def test_a_claimed_recipient_of_a_cancelled_campaign_does_not_become_pending(ada: Member, running: Campaign) -> None:
    claim(running, 0)
    recipient = get_recipient(running, 0)
    changes.cancel_campaign(ada, running.id)
    with pytest.raises(CampaignEndedError):
        commit(counts.move_writes(recipient, RecipientStatus.PENDING, needs="unended"))
    commit(counts.move_writes(recipient, RecipientStatus.CANCELED))
    assert read_counts(running) == CampaignCounts(total=20, cancelled=20)


def test_a_recipient_is_put_off_once_at_a_time(running: Campaign) -> None:
    early, late, now = "2026-01-16T09:00:00.000Z", "2026-01-16T10:00:00.000Z", "2026-01-16T10:00:00.000Z"
    for place, due in ((1, late), (0, late), (1, early)):
        commit(counts.put_off_writes(get_recipient(running, place), due))
    assert store.find_next_due(running.org_id, running.id) == early
    assert store.list_due(running.org_id, running.id, range(store.DUE_SHARDS), early, 10) == [1]
    assert store.list_due(running.org_id, running.id, range(store.DUE_SHARDS), now, 10) == [1, 0]
    claim(running, 1)
    assert store.list_due(running.org_id, running.id, range(store.DUE_SHARDS), now, 10) == [0]
    assert get_recipient(running, 1).due is None


@pytest.mark.parametrize(
    ("status", "error", "expected"),
    [
        (MessageStatus.QUEUED, None, RecipientStatus.CLAIMED),
        (MessageStatus.UNCONFIRMED, None, RecipientStatus.SENT),
        (MessageStatus.READ, None, RecipientStatus.DELIVERED),
        (MessageStatus.FAILED, "21610", RecipientStatus.OPTED_OUT),
        (MessageStatus.CANCELED, "opted_out", RecipientStatus.OPTED_OUT),
        (MessageStatus.CANCELED, CANCELED_ERROR, RecipientStatus.CANCELED),
        (MessageStatus.CANCELED, "member_not_permitted", RecipientStatus.FAILED),
        (MessageStatus.DELIVERED, "21610", RecipientStatus.DELIVERED),
    ],
)
def test_a_recipient_has_the_status_of_its_text(
    status: MessageStatus, error: str | None, expected: RecipientStatus
) -> None:
    text = make_text(make_conversation("org_1"), status=status, campaign_id="cmp_1", recipient=0, error_code=error)
    assert counts.recipient_status_of(text) is expected


def test_a_text_of_no_campaign_counts_nowhere() -> None:
    text = make_text(make_conversation("org_1"))
    assert counts.status_writes(text, text.model_copy(update={"status": MessageStatus.SENT})) is None
