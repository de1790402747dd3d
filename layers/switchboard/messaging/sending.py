"""Sends queued texts: a worker claims a text, hands it to the carrier, and records the answer.

The claim checks everything that may have been withdrawn since the text was accepted. Right before the hand-over the
ledgers are read once more, because a contact may have opted out after the claim. Between the hand-over and the record
the outcome is unknown. A text that stays there is never sent again. After ten minutes the carrier is asked about it
(`messaging.confirming`), and its reports, which carry our id, decide in any case.

A campaign uses the same parts for many texts at once: `claim_writes`, `look_again`, `hand_over`, `record_hand_over`.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from switchboard import telemetry
from switchboard.accounts import organizations, stops
from switchboard.accounts.models import Organization
from switchboard.accounts.stops import StoppedError
from switchboard.aws import reads
from switchboard.aws.dynamodb import Item
from switchboard.aws.writes import Writes, commit
from switchboard.compliance import ledgers
from switchboard.compliance import service as compliance
from switchboard.compliance.verdicts import Blocked, Verdict
from switchboard.errors import Contended, QuotaExceeded
from switchboard.kit import clock
from switchboard.messaging import charges, gate, hand_overs, pacing, store, takeovers, text_events, waiting
from switchboard.messaging.hand_overs import HandOver, hand_over, record_hand_over
from switchboard.messaging.jobs import ConfirmText, SendText
from switchboard.messaging.models import Author, MessageStatus, TextConversation, TextMessage
from switchboard.numbers import service as numbers
from switchboard.persistence.collection import next_version
from switchboard.persistence.optimistic import StaleVersionError
from switchboard.team import authority
from switchboard.team.permissions import Permission
from switchboard.timers import service as timers

__all__ = ["HandOver", "hand_over", "record_hand_over"]

#: How long a claim may have no outcome. Then the carrier is asked.
UNCONFIRMED_AFTER = timedelta(minutes=10)


def send_queued_text(job: SendText) -> None:
    """Hands a queued text to the carrier, or lets it wait for its time. Does nothing for a claimed text."""
    org, message = reads.read_refs(
        organizations.organization_ref(job.org_id),
        store.message_ref(job.org_id, job.conversation_id, job.message_id),
    )
    if message is None or org is None or message.status is not MessageStatus.QUEUED:
        telemetry.log_skip("the text is gone, or claimed already", message_id=job.message_id)
        return
    send_message(org, message, job.slot)


def send_message(org: Organization, message: TextMessage, slot: int | None = None) -> None:
    """Hands a queued text that was just read to the carrier, or lets it wait for its time."""
    if clock.now() > waiting.waits_until(message):
        hand_overs.fail_text(org, message, waiting.late_code(message, "waited_too_long"))
        return
    talk = _find_talk(message)
    if talk and message.put_off_until and (taken := takeovers.find_takeover(talk, message)):
        hand_overs.fail_text(org, message, taken)
        return
    try:
        verdict = _judge(org, message, talk)
        if verdict is not None and not verdict.allowed:
            _refuse(org, message, verdict)
            return
        later = pacing.reserve_slot(message, slot)
        if later is not None:
            _wait_for_slot(message, later)
            return
        claimed = claimed_text(message)
        commit(store.save_message_write(claimed), claim_writes(claimed, verdict), _watch_write(claimed))
    except StaleVersionError:
        telemetry.log_skip("the text is claimed elsewhere", message_id=message.id)
        return
    except (StoppedError, QuotaExceeded) as stopped:
        hand_overs.fail_text(org, message, stopped.code)
        return
    except Blocked as blocked:
        # A block or an opt-out was stored after the verdict. The next verdict includes it.
        again = _judge(org, message, talk)
        if again is None:
            hand_overs.fail_text(org, message, blocked.code)
            return
        if again.allowed:
            raise Contended("The blocks of this number keep changing: try again in a second.", retry_after=1) from None
        _refuse(org, message, again)
        return
    refused = look_again([claimed])
    if claimed.id in refused:
        hand_overs.fail_text(org, claimed, refused[claimed.id])
        return
    record_hand_over(org, claimed, hand_over(claimed, verdict.allowed_until if verdict else None))


def claimed_text(message: TextMessage) -> TextMessage:
    """Returns the next version of a queued text, claimed by this worker."""
    return next_version(message, status=MessageStatus.SENDING, claim=message.version + 1)


def claim_writes(claimed: TextMessage, verdict: Verdict | None) -> list[Writes]:
    """Returns the checks of a claim: nothing that the text rests on has been withdrawn.

    The organization must be active, the number still its own, the contact in no ledger, the member still allowed to
    send, and the AI not paused, if it wrote the text. They raise StoppedError and Blocked at commit. The caller writes
    the claimed text itself. `verdict` is the gate's, and `None` for an answer to a keyword.
    """
    return [
        # The answer to a keyword goes out in any case: the contact asked for it. A simulated text costs nothing.
        stops.claim_checks(claimed.org_id, None, sends=verdict is not None and not claimed.simulated),
        numbers.active_number_check(claimed.org_id, claimed.number_id, _number_released),
        compliance.still_allowed_checks(verdict) if verdict else _ledger_checks(claimed),
        _sender_check(claimed),
        takeovers.ai_running_check(claimed),
    ]


def _number_released(_: list[Item | None]) -> Exception:
    return StoppedError("number_released", "the organization no longer has the number")


def _ledger_checks(message: TextMessage) -> list[Writes]:
    """Returns the checks of an answer to a keyword. It passes only the opt-out that it answers."""
    return [
        ledgers.not_blocked_check(message.org_id, message.contact_e164),
        ledgers.not_opted_out_check(message.org_id, message.contact_e164, message.passes_opt_out),
    ]


def _sender_check(message: TextMessage) -> Writes:
    if message.author is not Author.USER or message.author_user_id is None:
        return None
    return authority.still_permitted_check(message.org_id, message.author_user_id, Permission.TEXTS_SEND)


def _watch_write(claimed: TextMessage) -> Writes:
    assert claimed.claim is not None, "the text is claimed"
    watch = ConfirmText(
        org_id=claimed.org_id,
        conversation_id=claimed.conversation_id,
        message_id=claimed.id,
        claim=claimed.claim,
    )
    return timers.schedule(watch, clock.now() + UNCONFIRMED_AFTER).write


def look_again(claimed: Sequence[TextMessage]) -> dict[str, str]:
    """Reads the ledgers for claimed texts, right before they are handed over.

    Returns the ids of texts that must not go out, each with the code of the reason. One request for up to 50 texts.
    """
    found: dict[str, str] = {}
    for begin in range(0, len(claimed), ledgers.MAX_NUMBERS_READ):
        part = claimed[begin : begin + ledgers.MAX_NUMBERS_READ]
        entries = ledgers.read_refusals([(one.org_id, one.contact_e164) for one in part])
        for one, entry in zip(part, entries, strict=True):
            if entry.blocked:
                found[one.id] = "dnc"
            elif entry.opt_out is not None and not entry.opt_out.is_passed_by(one.passes_opt_out):
                found[one.id] = "opted_out"
    return found


def _find_talk(message: TextMessage) -> TextConversation | None:
    """Returns the conversation of a text of the AI, which rests on it. Other texts do not need it."""
    if message.author is not Author.AI:
        return None
    return store.CONVERSATIONS.get_object(message.org_id, message.conversation_id)


def _judge(org: Organization, message: TextMessage, talk: TextConversation | None) -> Verdict | None:
    if message.author is Author.SYSTEM:
        return None
    opening = gate.find_opening(org, message.flow_id) if message.honors_quiet_hours else None
    heard_at = talk.last_inbound_at if talk else None
    # Its acceptance counted it, and has the answer about its number as a rule.
    attempt = gate.attempt_of_text(org, message, heard_at, opening, counted=True)
    return compliance.evaluate(attempt, before_paying=lambda: charges.pay_lookup(org))


def _refuse(org: Organization, message: TextMessage, verdict: Verdict) -> None:
    """Puts a text off if only its hours are over. Fails it otherwise."""
    if verdict.code == "quiet_hours" and verdict.next_allowed_at:
        after = next_version(message, put_off_until=verdict.next_allowed_at)
        back = timers.schedule(waiting.job_of(message), clock.parse(verdict.next_allowed_at)).write
        hand_overs.commit_unless_changed(store.save_message_write(after), back)
        return
    assert verdict.code is not None, "the verdict refuses the text"
    told = text_events.blocked_event_write(text_events.text_origin(message), message, verdict, verdict.code)
    hand_overs.fail_text(org, message, verdict.code, compliance.verdict_writes(verdict, message.id), told)


def _wait_for_slot(message: TextMessage, slot: int) -> None:
    """Returns a text to its queue until its reserved time."""
    due = pacing.moment_of(slot)
    if due > waiting.waits_until(message):
        due = waiting.waits_until(message) + timedelta(seconds=1)
    timers.send_later(waiting.job_of(message, slot), due)
    telemetry.emit_metric("TextPutOff")
