"""Finds the campaign that a text answers, and counts the first reply of each recipient."""

from __future__ import annotations

from datetime import timedelta

from switchboard import telemetry
from switchboard.aws import reads
from switchboard.aws.writes import commit
from switchboard.campaigns import changes, counts, store
from switchboard.campaigns.jobs import AttributeReply
from switchboard.kit import clock, texts
from switchboard.messaging import history, unanswered
from switchboard.persistence.optimistic import retry_on_conflict

#: A text answers the latest text of a campaign in the same conversation, if it comes within this time.
REPLY_WITHIN = timedelta(days=7)


def attribute_reply(job: AttributeReply) -> None:
    """Counts a text as the reply to a campaign, if it is the first one of its recipient.

    A text that is only a keyword (STOP, HELP) is no reply. Neither is an automatic text, a reaction, or a wrong number.
    """
    if job.keyword:
        telemetry.log_skip("a keyword is no reply", message_id=job.message_id)
        return
    reply = history.find_text(job.org_id, job.conversation_id, job.message_id)
    if reply and unanswered.gets_no_reply(reply):
        telemetry.log_skip("the text is automatic, a reaction or about a wrong number", message_id=job.message_id)
        return
    since = clock.format_iso(clock.parse(reply.created_at) - REPLY_WITHIN) if reply else ""
    answered = history.find_campaign_text(reply, since) if reply else None
    if not answered or not answered.campaign_id or answered.recipient is None:
        telemetry.log_skip("the text answers no campaign", message_id=job.message_id)
        return
    _count_reply(job, answered.campaign_id, answered.recipient)


def _count_reply(job: AttributeReply, campaign_id: str, index: int) -> None:
    def attempt() -> None:
        campaign, recipient = reads.read_refs(
            store.campaign_ref(job.org_id, campaign_id), store.recipient_ref(job.org_id, campaign_id, index)
        )
        if not campaign or not recipient or recipient.replied_at:
            telemetry.log_skip("the recipient replied before", campaign_id=campaign_id, message_id=job.message_id)
            return
        facts = {"contact": texts.digest(recipient.contact_e164), "conversation": job.conversation_id}
        worker = changes.campaign_worker(campaign)
        commit(
            counts.reply_writes(recipient), changes.campaign_event_write(worker, "campaign.answered", campaign, **facts)
        )

    retry_on_conflict(attempt)
