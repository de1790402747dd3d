"""Claims recipients for their texts: the gate decides about several of them at once, and one commit claims them.

The commit asks for everything that may have been withdrawn: the campaign's gate, the organization, the number, the
member who launched the campaign, and the ledgers. One commit for all texts of a turn costs a tenth of the requests, and
the texts of a turn do not wait for each other's items. If it fails because of one recipient, each is claimed alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Literal

from switchboard import telemetry
from switchboard.accounts import stops
from switchboard.accounts.models import Organization
from switchboard.accounts.stops import StoppedError
from switchboard.aws.dynamodb import MAX_TRANSACTION_WRITES, Item
from switchboard.aws.writes import Write, Writes, commit
from switchboard.campaigns import counts, templates
from switchboard.campaigns.counts import Move
from switchboard.campaigns.models import Campaign, Recipient, RecipientStatus
from switchboard.campaigns.recipients import UNTEXTABLE, WITHOUT_FILES
from switchboard.carriers.messages import segments
from switchboard.compliance import phone
from switchboard.compliance import service as compliance
from switchboard.compliance.models import (
    ConsentSource,
    ContactAttempt,
    OpeningClock,
    StandingConsent,
    StatedConsent,
)
from switchboard.compliance.verdicts import Blocked, Verdict
from switchboard.errors import QuotaExceeded
from switchboard.kit import clock, ids
from switchboard.messaging import acceptance, campaign_texts, charges, gate, text_events, threads
from switchboard.messaging.models import Author, ConversationStatus, MessageStatus, TextConversation, TextMessage
from switchboard.numbers import service as numbers
from switchboard.numbers.models import Number
from switchboard.persistence.optimistic import StaleVersionError
from switchboard.team import authority
from switchboard.team.permissions import Permission
from switchboard.usage import service as usage

#: The writes of a commit that do not belong to one recipient: the slices, the checks and the charge.
_SHARED_WRITES = counts.SLICES + 5
#: How long a text that was released counts for the next one: the longest time of a legal limit.
_COUNTED_FOR = timedelta(hours=24)
#: The error of a recipient whose code has no name of its own.
_REFUSED = "blocked"


@dataclass(frozen=True, slots=True)
class CampaignSender:
    """The organization, the campaign, the number and the opening hours of the texts of a turn."""

    org: Organization
    campaign: Campaign
    number: Number
    opening: OpeningClock | None

    @property
    def flow_id(self) -> str | None:
        """The flow whose hours apply."""
        return find_flow_id(self.campaign, self.number)


@dataclass(frozen=True, slots=True)
class Judged:
    """A pending recipient, its text, and the gate's verdict."""

    recipient: Recipient
    text: TextMessage
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Claimed:
    """A claimed recipient and its text. `until` is the end of the hours in which the text is allowed."""

    recipient: Recipient
    text: TextMessage
    until: str | None = None


def find_flow_id(campaign: Campaign, number: Number) -> str | None:
    """Returns the flow whose hours apply: the campaign's, or the number's."""
    return campaign.flow_id or number.sms_flow_id


def judge_recipients(sender: CampaignSender, recipients: Sequence[Recipient]) -> list[Judged]:
    """Returns the gate's verdicts on recipients, with their texts. Reads the facts in one or two requests.

    Raises QuotaExceeded if a number must be looked up for a text that the organization has no room for.
    """
    attempts = [_attempt(sender, recipient) for recipient in recipients]
    made = [_new_text(sender, recipient) for recipient in recipients]
    verdicts = compliance.evaluate_together(attempts, before_paying=_paying(sender, made))
    return [Judged(*parts) for parts in zip(recipients, made, verdicts, strict=True)]


def _paying(sender: CampaignSender, made: Sequence[TextMessage]) -> Callable[[], None]:
    """Returns what counts each look-up of a number that is paid for. The first asks for room for one text."""
    rooms = iter([charges.text_charges(sender.org, made[0])] if made else [])
    return lambda: charges.pay_lookup(sender.org, next(rooms, ()))


def _attempt(sender: CampaignSender, recipient: Recipient) -> ContactAttempt:
    campaign = sender.campaign
    consent = (
        StatedConsent(source=recipient.consent_source, date=recipient.consent_date)
        if recipient.consent_source or recipient.consent_date
        else None
    )
    member, day = campaign.launched_by or campaign.created_by, (campaign.launched_at or campaign.created_at)[:10]
    return gate.text_attempt(
        sender.org,
        recipient.contact_e164,
        purpose=campaign.purpose.value,
        consent=consent,
        basis=StandingConsent.of_member(member, ConsentSource.PRIOR_EXPRESS.value, day),
        timezone=recipient.timezone,
        asks_hours=True,
        opening=sender.opening,
        simulated=campaign.simulated,
        counted=recipient.counted_at is not None and clock.parse(recipient.counted_at) > clock.now() - _COUNTED_FOR,
    )


def _new_text(sender: CampaignSender, recipient: Recipient) -> TextMessage:
    """Returns a recipient's text as it is claimed. It never waits in a queue."""
    campaign, now = sender.campaign, clock.now_iso()
    body = acceptance.encode_body(sender.org, templates.render_body(campaign, recipient))
    counted = segments.count_segments(body)
    return TextMessage(
        id=campaign_texts.new_text_id(),
        org_id=campaign.org_id,
        conversation_id=threads.conversation_id_of(campaign.org_id, campaign.number_id, recipient.contact_e164),
        number_id=campaign.number_id,
        number_e164=campaign.number_e164,
        contact_e164=recipient.contact_e164,
        direction="outbound",
        body=body,
        media=recipient.media,
        status=MessageStatus.SENDING,
        claim=1,
        author=Author.USER,
        author_user_id=campaign.launched_by,
        purpose=campaign.purpose.value,
        encoding=counted.encoding,
        segments=max(1, counted.segments),
        honors_quiet_hours=True,
        flow_id=sender.flow_id,
        simulated=campaign.simulated,
        campaign_id=campaign.id,
        recipient=recipient.index,
        correlation_id=ids.new_id("cor"),
        created_at=now,
        updated_at=now,
    )


# ---- claims


def claim_recipients(sender: CampaignSender, allowed: Sequence[Judged]) -> Iterator[Claimed]:
    """Claims recipients, and yields each after its commit. The others have changed since they were read.

    Raises GateClosedError if the campaign does not run, StoppedError if its organization, number or member was stopped,
    and QuotaExceeded at the first one that is not within the limits. Those that were yielded before stay claimed.
    """
    for part in _split(sender, allowed):
        try:
            yield from _claim(sender, part)
        except (Blocked, StaleVersionError, QuotaExceeded):
            for one in part:
                try:
                    yield from _claim(sender, [one])
                except (Blocked, StaleVersionError):
                    # The next look at the recipient sees the block or the other worker's claim.
                    telemetry.log_skip("the recipient has changed", campaign_id=sender.campaign.id)


def _split(sender: CampaignSender, allowed: Sequence[Judged]) -> list[list[Judged]]:
    """Splits recipients into commits of allowed size."""
    parts: list[list[Judged]] = []
    room = 0
    for one in allowed:
        size = len(_own_writes(sender, one)) + 2 + bool(one.recipient.due)
        if not parts or size > room:
            parts.append([])
            room = MAX_TRANSACTION_WRITES - _SHARED_WRITES
        parts[-1].append(one)
        room -= size
    return parts


def _own_writes(sender: CampaignSender, one: Judged) -> list[Write]:
    actor = f"member:{sender.campaign.launched_by}"
    return [*compliance.allowed_writes(one.verdict, actor), compliance.verdict_writes(one.verdict, one.text.id)]


def _claim(sender: CampaignSender, part: Sequence[Judged]) -> list[Claimed]:
    org, campaign = sender.org, sender.campaign
    total = part[0].text.model_copy(update={"segments": sum(one.text.segments for one in part)})
    within = charges.text_charges(org, total)
    receipt = usage.receipt_of(within)
    made = [replace(one, text=one.text.model_copy(update={"receipt": receipt})) for one in part]
    moves = [
        Move(one.recipient, RecipientStatus.CLAIMED, {"message_id": one.text.id, "claimed_at": one.text.created_at})
        for one in made
    ]
    usage.commit_within(
        within,
        stops.claim_checks(campaign.org_id, None, sends=not campaign.simulated),
        numbers.active_number_check(campaign.org_id, campaign.number_id, _number_released),
        _launcher_check(campaign),
        counts.moves_writes(moves, needs="open"),
        [(campaign_texts.new_text_write(one.text), _own_writes(sender, one)) for one in made],
    )
    return [Claimed(_moved(move), one.text, one.verdict.allowed_until) for move, one in zip(moves, made, strict=True)]


def _moved(move: Move) -> Recipient:
    return move.recipient.model_copy(update={"status": move.after, "due": None, **move.facts})


def _number_released(_: list[Item | None]) -> Exception:
    return StoppedError("number_released", "the organization no longer has the number")


def _launcher_check(campaign: Campaign) -> Writes:
    if campaign.launched_by is None:
        return None
    return authority.still_permitted_check(campaign.org_id, campaign.launched_by, Permission.CAMPAIGNS_WRITE)


# ---- refusals


def end_unreachable(sender: CampaignSender, recipients: Sequence[Recipient]) -> list[Recipient]:
    """Ends the recipients who cannot get their text, before the gate is asked. Returns them.

    Their conversation is closed, their number gets no texts, such as a premium number, or the campaign's number sends
    no files. The import knows the numbers too, and they may have changed since then.
    """
    campaign = sender.campaign
    talks = campaign_texts.find_conversations(
        campaign.org_id, campaign.number_id, [one.contact_e164 for one in recipients]
    )
    ended = []
    for one, talk in zip(recipients, talks, strict=True):
        if code := _find_barrier(sender, one, talk):
            _commit_unless_changed(
                counts.moves_writes([Move(one, RecipientStatus.FAILED, {"error_code": code})], needs="open")
            )
            ended.append(one)
    return ended


def _find_barrier(sender: CampaignSender, recipient: Recipient, talk: TextConversation | None) -> str | None:
    """Returns the code of the reason why a recipient cannot get its text, in the order of single texts."""
    if talk and talk.status is ConversationStatus.CLOSED:
        return "conversation_closed"
    if phone.is_costly(recipient.contact_e164):
        return UNTEXTABLE
    return WITHOUT_FILES if recipient.media and not sender.number.capabilities.mms else None


def refuse_recipients(sender: CampaignSender, refused: Sequence[Judged]) -> None:
    """Puts recipients off whose hours are over, and ends the others that the gate refused.

    Raises GateClosedError if the campaign does not run.
    """
    for one in refused:
        if one.verdict.code == "quiet_hours" and one.verdict.next_allowed_at:
            _put_off(one.recipient, one.verdict.next_allowed_at)
        else:
            _end(sender, one)


def _put_off(recipient: Recipient, due: str) -> None:
    if due != recipient.due:
        _commit_unless_changed(counts.put_off_writes(recipient, due))


def _end(sender: CampaignSender, one: Judged) -> None:
    code = one.verdict.code or _REFUSED
    status: Literal[RecipientStatus.OPTED_OUT, RecipientStatus.FAILED] = (
        RecipientStatus.OPTED_OUT if code in counts.OPTED_OUT_ERRORS else RecipientStatus.FAILED
    )
    worker = text_events.text_worker(sender.org.id, one.text.correlation_id)
    _commit_unless_changed(
        counts.moves_writes([Move(one.recipient, status, {"error_code": code})], needs="open"),
        compliance.verdict_writes(one.verdict, one.text.id),
        text_events.blocked_event_write(worker, one.text, one.verdict, code),
    )


def _commit_unless_changed(*parts: Writes) -> None:
    try:
        commit(*parts)
    except StaleVersionError:
        telemetry.log_skip("the recipient has changed elsewhere")
