from __future__ import annotations

from datetime import timedelta

import pytest

from switchboard.aws.writes import commit
from switchboard.campaigns import changes, replies
from switchboard.campaigns.jobs import AttributeReply
from switchboard.campaigns.models import Campaign, CampaignCounts
from switchboard.kit import clock
from switchboard.messaging import history
from switchboard.messaging import store as texts
from switchboard.messaging.models import Author, MessageStatus, TextMessage
from switchboard.numbers.models import Number
from switchboard.team.models import Member
from tests.conftest import Skips
from tests.unit.campaigns.desk import claim, count_by_hand, get_recipient, make_campaign, move_text, read_counts, start
from tests.unit.contacts.book import list_workflow_events
from tests.unit.messaging.desk import make_conversation, make_text

pytestmark = pytest.mark.usefixtures("cloud")


@pytest.fixture
def sent(ada: Member, number: Number) -> TextMessage:
    """The text of the first recipient of a campaign. It is at the carrier."""
    campaign = start(ada, make_campaign(ada, number, 2))
    text = move_text(claim(campaign, 0), MessageStatus.SENT)
    commit(texts.new_message_write(text))
    return text


def receive(text: TextMessage, frozen: clock.FrozenClock, after: timedelta, body: str = "Yes.") -> AttributeReply:
    """Stores a text of the contact. Returns the job of its event."""
    frozen.advance(seconds=after.total_seconds())
    talk = make_conversation(text.org_id, text.contact_e164, text.number_id)
    came = make_text(talk, body, direction="inbound", status=MessageStatus.RECEIVED, author=Author.CONTACT)
    commit(texts.new_message_write(came))
    return AttributeReply(org_id=text.org_id, conversation_id=talk.id, message_id=came.id)


def campaign_of(text: TextMessage) -> Campaign:
    assert text.campaign_id
    return changes.require_campaign(text.org_id, text.campaign_id)


def test_the_first_reply_of_a_recipient_counts_once(sent: TextMessage, frozen: clock.FrozenClock) -> None:
    first = receive(sent, frozen, timedelta(hours=1))
    second = receive(sent, frozen, timedelta(hours=1))
    for job in (second, first, second):
        replies.attribute_reply(job)
    campaign = campaign_of(sent)
    expected = CampaignCounts(total=2, pending=1, sent=1, replied=1)
    assert read_counts(campaign) == count_by_hand(campaign) == expected
    assert get_recipient(campaign, 0).replied_at == clock.now_iso()
    answered = [
        event
        for event in list_workflow_events(campaign.org_id, campaign.correlation_id)
        if event.type == "campaign.answered"
    ]
    assert [event.data["conversation"] for event in answered] == [sent.conversation_id]
    # Its text still moves.
    move_text(sent, MessageStatus.DELIVERED)
    assert read_counts(campaign) == CampaignCounts(total=2, pending=1, delivered=1, replied=1)


def test_a_late_text_and_a_keyword_are_no_replies(sent: TextMessage, frozen: clock.FrozenClock, skipped: Skips) -> None:
    keyword = receive(sent, frozen, timedelta(minutes=1)).model_copy(update={"keyword": "stop"})
    replies.attribute_reply(keyword)
    replies.attribute_reply(receive(sent, frozen, timedelta(days=7)))
    assert read_counts(campaign_of(sent)).replied == 0
    assert [reason for reason, _ in skipped][-2:] == ["a keyword is no reply", "the text answers no campaign"]


def test_a_text_before_the_campaigns_is_no_reply(sent: TextMessage, frozen: clock.FrozenClock) -> None:
    job = receive(sent, frozen, -timedelta(minutes=1))
    replies.attribute_reply(job)
    replies.attribute_reply(job.model_copy(update={"message_id": "sms_unknown"}))
    assert read_counts(campaign_of(sent)).replied == 0


@pytest.mark.parametrize(
    "body",
    ["Loved \u201cSale today. Reply STOP to end.\u201d", "Please don\u2019t reply to this message", "Wrong number"],
)
def test_texts_that_get_no_answer_are_no_replies(
    sent: TextMessage, frozen: clock.FrozenClock, skipped: Skips, body: str
) -> None:
    replies.attribute_reply(receive(sent, frozen, timedelta(hours=1), body))
    assert read_counts(campaign_of(sent)).replied == 0
    assert skipped[-1][0] == "the text is automatic, a reaction or about a wrong number"


@pytest.mark.parametrize("status", [MessageStatus.FAILED, MessageStatus.UNDELIVERED, MessageStatus.CANCELED])
def test_a_text_that_nobody_got_has_no_reply(
    sent: TextMessage, frozen: clock.FrozenClock, status: MessageStatus
) -> None:
    """It is newer than the text that the contact answers."""
    frozen.advance(seconds=60)
    talk = make_conversation(sent.org_id, sent.contact_e164, sent.number_id)
    commit(texts.new_message_write(make_text(talk, status=status, campaign_id=sent.campaign_id, recipient=1)))
    job = receive(sent, frozen, timedelta(hours=1))
    reply = history.find_text(job.org_id, job.conversation_id, job.message_id)
    assert reply is not None
    assert history.find_campaign_text(reply, "") == sent
