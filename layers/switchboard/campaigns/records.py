"""Records what became of a campaign's claimed texts: in one commit for all texts that the carrier accepted.

A text that certainly did not reach the carrier is released: it is deleted, and its recipient is pending again, so that
the throttle holds for its next attempt too. A text with an unknown outcome stays claimed. After ten minutes the carrier
is asked about it, and later again. A text about which it never answers is unconfirmed, and counts as sent.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from switchboard import telemetry
from switchboard.accounts import organizations
from switchboard.accounts.models import Organization
from switchboard.aws import reads
from switchboard.aws.writes import Writes, commit
from switchboard.campaigns import counts, store
from switchboard.campaigns.claims import Claimed
from switchboard.campaigns.counts import CampaignEndedError, Move
from switchboard.campaigns.jobs import ClaimedText, ConfirmClaims
from switchboard.campaigns.models import Campaign, Recipient, RecipientStatus
from switchboard.carriers.outcomes import OutcomeUnknownError
from switchboard.errors import Unavailable
from switchboard.kit import clock
from switchboard.messaging import campaign_texts, charges, confirming, figures, hand_overs, threads
from switchboard.messaging.hand_overs import HandOver
from switchboard.messaging.models import MessageStatus, TextMessage
from switchboard.persistence.optimistic import StaleVersionError
from switchboard.timers import service as timers

#: When the carrier is asked about a claim without an outcome. Each further pause is twice as long. After the last
#: answer that says nothing, the text is unconfirmed.
ASKED_AFTER, MAX_ASKED = timedelta(minutes=10), 3
#: When a text is tried again that the carrier throttled, or for which the turn had no time.
RETRY_AFTER = timedelta(seconds=30)


def record_hand_overs(org: Organization, done: Sequence[tuple[Claimed, HandOver]]) -> None:
    """Records the outcomes of hand-overs. A repeated record changes nothing."""
    accepted = [(one, outcome) for one, outcome in done if outcome.outcome == "accepted"]
    _record_accepted(org, accepted)
    for one, outcome in done:
        if outcome.outcome == "refused":
            hand_overs.record_hand_over(org, one.text, outcome, counts.status_writes)
        elif outcome.outcome == "throttled":
            release_text(org, one, clock.now() + RETRY_AFTER)
    unknown = [one for one, outcome in done if outcome.outcome == "unknown"]
    if unknown:
        first = unknown[0].text
        watch_claims(first.org_id, str(first.campaign_id), [_claimed_text(one) for one in unknown])


def _record_accepted(org: Organization, accepted: Sequence[tuple[Claimed, HandOver]]) -> None:
    if not accepted:
        return
    talks = reads.read_refs(*(campaign_texts.conversation_ref(one.text) for one, _ in accepted))
    parts: list[Writes] = []
    moves: list[Move] = []
    for (one, outcome), talk in zip(accepted, talks, strict=True):
        decided = hand_overs.accept_text(one.text, outcome.provider_sid)
        assert decided, "a claimed text has no outcome yet"
        after, event = decided
        parts += [campaign_texts.save_text_write(after), event, campaign_texts.add_to_conversation_write(talk, after)]
        moves.append(Move(one.recipient, counts.recipient_status_of(after), {}))
    # One figure counts all of them.
    first = accepted[0][0].text
    parts.append(figures.figure_writes(first, "sent", clock.now_iso(), len(accepted)))
    try:
        commit(*parts, counts.moves_writes(moves))
    except StaleVersionError:
        # The carrier's report about one of them was faster, or its contact wrote.
        for one, outcome in accepted:
            hand_overs.record_hand_over(org, one.text, outcome, _following_writes)


def _following_writes(before: TextMessage, after: TextMessage) -> Writes:
    """Returns the writes of a text's recipient, and of its conversation when the carrier has accepted the text."""
    talk = None
    if before.sent_at is None and after.sent_at:
        talk = reads.read_ref(campaign_texts.conversation_ref(after))
    return [counts.status_writes(before, after), campaign_texts.add_to_conversation_write(talk, after)]


def release_text(org: Organization, claimed: Claimed, due: datetime) -> None:
    """Deletes a text that did not reach the carrier, gives it back, and makes its recipient pending until `due`.

    The recipient of a canceled campaign is canceled.
    """
    text, recipient = claimed.text, claimed.recipient
    again = clock.format_iso(due)
    facts = {"due": again, "message_id": None, "claimed_at": None, "counted_at": text.created_at}
    try:
        commit(
            campaign_texts.delete_text_write(text),
            charges.refund_write(org, text),
            counts.moves_writes([Move(recipient, RecipientStatus.PENDING, facts)], needs="unended"),
            store.due_write(recipient.org_id, recipient.campaign_id, again, recipient.index),
        )
    except CampaignEndedError:
        hand_overs.fail_text(org, text, counts.CANCELED_ERROR, beside=counts.status_writes)
    except StaleVersionError:
        telemetry.log_skip("the text has an outcome", message_id=text.id)


def watch_claims(org_id: str, campaign_id: str, claimed: Sequence[ClaimedText]) -> None:
    """Asks the carrier about claimed texts after ten minutes."""
    if claimed:
        job = ConfirmClaims(org_id=org_id, campaign_id=campaign_id, claimed=list(claimed))
        commit(timers.schedule(job, clock.now() + ASKED_AFTER).write)


def conversation_id_of(campaign: Campaign, recipient: Recipient) -> str:
    """Returns the id of the conversation of a recipient's text."""
    return threads.conversation_id_of(campaign.org_id, campaign.number_id, recipient.contact_e164)


def _claimed_text(one: Claimed) -> ClaimedText:
    return ClaimedText(
        index=one.recipient.index, conversation_id=one.text.conversation_id, message_id=one.text.id, claim=1
    )


def confirm_claims(job: ConfirmClaims) -> None:
    """Asks the carrier about claimed texts. One that it does not know after ten minutes is released.

    It asks again about those for which it gets no clear answer, and at last leaves them unconfirmed. An error with one
    text is raised after the others: the queue runs the job again.
    """
    texts = reads.read_refs(
        *(campaign_texts.text_ref(job.org_id, one.conversation_id, one.message_id) for one in job.claimed)
    )
    recipients = reads.read_refs(*(store.recipient_ref(job.org_id, job.campaign_id, one.index) for one in job.claimed))
    org = organizations.get_organization(job.org_id)
    unclear: list[tuple[ClaimedText, TextMessage]] = []
    errors: list[Exception] = []
    for one, text, recipient in zip(job.claimed, texts, recipients, strict=True):
        if not text or not recipient or text.status is not MessageStatus.SENDING or text.claim != one.claim:
            telemetry.log_skip("the outcome of this claim is known", message_id=one.message_id)
            continue
        try:
            _confirm(org, text, recipient)
        except (OutcomeUnknownError, Unavailable):
            unclear.append((one, text))
        except Exception as error:  # noqa: BLE001 the others must not wait for this text
            errors.append(error)
    if errors:
        raise errors[0]
    if unclear and job.attempts + 1 < MAX_ASKED:
        again = job.model_copy(update={"claimed": [one for one, _ in unclear], "attempts": job.attempts + 1})
        commit(timers.schedule(again, clock.now() + ASKED_AFTER * 2**job.attempts).write)
        return
    for _, text in unclear:
        confirming.leave_unconfirmed(text, counts.status_writes)


def _confirm(org: Organization, text: TextMessage, recipient: Recipient) -> None:
    found = confirming.ask_carrier(text)
    if found is None:
        telemetry.emit_metric("TextReleased")
        release_text(org, Claimed(recipient, text), clock.now())
        return
    confirming.tell_report(text, found)
    accepted = HandOver("accepted", provider_sid=found.provider_sid)
    hand_overs.record_hand_over(org, text, accepted, _following_writes)
