"""Launches, starts, pauses, completes and cancels campaigns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from switchboard import telemetry
from switchboard.aws.dynamodb import Item
from switchboard.aws.writes import Put, Writes
from switchboard.campaigns import counts, store
from switchboard.campaigns.jobs import DispatchCampaign, StartCampaign
from switchboard.campaigns.models import Campaign, CampaignStatus, PauseReason
from switchboard.campaigns.moves import can_move
from switchboard.errors import Invalid, NotFound
from switchboard.events import service as events
from switchboard.events.models import Actor, Origin, Subject, SystemActor
from switchboard.kit import clock
from switchboard.messaging.text_numbers import require_text_number
from switchboard.numbers import a2p
from switchboard.numbers import service as numbers
from switchboard.numbers.a2p import NumberWarning
from switchboard.persistence.collection import next_version
from switchboard.persistence.idempotency import IdempotencyKey
from switchboard.persistence.optimistic import Decision
from switchboard.team.models import Member
from switchboard.timers import service as timers

_PAGE = 100


class LaunchedCampaign(NamedTuple):
    """A campaign that is queued, and why its texts may not arrive."""

    campaign: Campaign
    warnings: Sequence[NumberWarning] = ()


def require_campaign(org_id: str, campaign_id: str) -> Campaign:
    """Returns the organization's campaign with this id. Raises NotFound."""
    found = store.CAMPAIGNS.get_object(org_id, campaign_id)
    if not found:
        raise campaign_unknown()
    return found


def campaign_unknown() -> NotFound:
    """Returns the refusal for an id that no campaign of the organization has."""
    return NotFound("There is no such campaign: check its id.")


def campaign_worker(campaign: Campaign) -> SystemActor:
    """Returns the actor of a worker's changes of a campaign."""
    return SystemActor(
        org_id=campaign.org_id,
        actor=Actor(type="system", id="campaigns"),
        agent_id=None,
        correlation_id=campaign.correlation_id,
    )


def campaign_event_write(origin: Origin, type_: str, campaign: Campaign, **data: Any) -> Put:
    """Returns the write of an event about a campaign."""
    subject = Subject(type="campaign", id=campaign.id, version=campaign.version)
    return events.new_event_write(origin, type_, subject, **data)


def launch_for_member(member: Member, campaign_id: str) -> LaunchedCampaign:
    """Launches a campaign, and says why its texts may not arrive. The errors are those of `launch_campaign`."""
    launched = launch_campaign(member, campaign_id)
    return LaunchedCampaign(launched, a2p.list_warnings(numbers.get_number(member.org_id, launched.number_id)))


def launch_campaign(member: Member, campaign_id: str) -> Campaign:
    """Queues a draft or paused campaign. It starts at the next full minute, or at its `scheduled_start_at` if later.

    Nothing changes for a campaign that is queued already. Raises NotFound, and Invalid for a campaign that runs or has
    ended, has no recipients, or whose number cannot send texts.
    """
    found = require_campaign(member.org_id, campaign_id)
    if found.status is CampaignStatus.QUEUED:
        return found
    if can_move(found.status, CampaignStatus.QUEUED):
        require_text_number(member.org_id, found.number_id)

    def decide(before: Campaign) -> Decision[Campaign]:
        if before.status is CampaignStatus.QUEUED:
            return None
        _require_move(before, CampaignStatus.QUEUED, "launched")
        if not before.total and not before.waiting:
            raise Invalid("The campaign has no recipients: add some first.", code="no_recipients")
        starts_at = _find_start(before)
        job = StartCampaign(org_id=before.org_id, campaign_id=before.id, launch=before.launch + 1)
        timer = timers.schedule(job, starts_at)
        after = next_version(
            before,
            status=CampaignStatus.QUEUED,
            pause_reason=None,
            launch=before.launch + 1,
            launched_by=member.user_id,
            launched_at=clock.now_iso(),
            starts_at=clock.format_iso(starts_at),
            start_timer=timer.ref,
        )
        facts = {"number": after.number_id, "launch": after.launch, "starts_at": after.starts_at}
        return after, [timer.write, campaign_event_write(member, "campaign.launched", after, **facts)]

    changed = store.CAMPAIGNS.change_object(member.org_id, campaign_id, decide, once=member.effect)
    return changed or require_campaign(member.org_id, campaign_id)


def _find_start(campaign: Campaign) -> datetime:
    next_minute = clock.now().replace(second=0, microsecond=0) + timedelta(minutes=1)
    asked = campaign.scheduled_start_at
    return max(next_minute, clock.parse(asked)) if asked else next_minute


def start_campaign(job: StartCampaign) -> None:
    """Starts a queued campaign at its time, unless rows of it still wait. The end of their import starts it then.

    A campaign without recipients is paused.
    """

    def decide(before: Campaign) -> Decision[Campaign]:
        if before.status is not CampaignStatus.QUEUED or before.launch != job.launch or before.is_importing:
            return None
        if not before.total:
            return _paused(campaign_worker(before), before, PauseReason.NO_RECIPIENTS)
        after = next_version(before, status=CampaignStatus.RUNNING, start_timer=None, started_at=clock.now_iso())
        dispatch = DispatchCampaign(org_id=after.org_id, campaign_id=after.id, launch=after.launch)
        return after, [
            counts.gate_writes(after, open_=True),
            timers.job_write(dispatch),
            campaign_event_write(campaign_worker(after), "campaign.started", after, number=after.number_id),
        ]

    if not store.CAMPAIGNS.change_object(job.org_id, job.campaign_id, decide):
        telemetry.log_skip("the campaign does not start", campaign_id=job.campaign_id, launch=job.launch)


def start_writes(campaign: Campaign) -> Put | None:
    """Returns the write that starts a queued campaign at its time, for the commit that ends its import.

    A start that is more than 15 minutes away has a timer already.
    """
    if campaign.status is not CampaignStatus.QUEUED or campaign.starts_at is None or campaign.is_importing:
        return None
    job = StartCampaign(org_id=campaign.org_id, campaign_id=campaign.id, launch=campaign.launch)
    timer = timers.schedule(job, clock.parse(campaign.starts_at))
    return timer.write if timer.ref is None else None


def pause_campaign(
    origin: Origin, campaign_id: str, reason: PauseReason, *, launch: int | None = None
) -> Campaign | None:
    """Pauses a queued or running campaign: no recipient is claimed afterwards. Texts at the carrier still arrive.

    With `launch`, only that launch is paused. Returns `None` if nothing changes.
    """

    def decide(before: Campaign) -> Decision[Campaign]:
        if not can_move(before.status, CampaignStatus.PAUSED) or launch not in (None, before.launch):
            return None
        return _paused(origin, before, reason)

    return store.CAMPAIGNS.change_object(origin.org_id, campaign_id, decide)


def _paused(origin: Origin, before: Campaign, reason: PauseReason) -> tuple[Campaign, Writes]:
    after = next_version(before, status=CampaignStatus.PAUSED, pause_reason=reason, starts_at=None, start_timer=None)
    return after, [
        counts.gate_writes(after, open_=False),
        timers.cancel_writes(before.start_timer),
        campaign_event_write(origin, "campaign.paused", after, number=after.number_id, reason=reason.value),
    ]


def pause_for_member(member: Member, campaign_id: str) -> Campaign:
    """Pauses a campaign for a member. Nothing changes for a paused one.

    Raises NotFound, and Invalid for a campaign that is neither queued nor running.
    """

    def decide(before: Campaign) -> Decision[Campaign]:
        if before.status is CampaignStatus.PAUSED:
            return None
        _require_move(before, CampaignStatus.PAUSED, "paused")
        return _paused(member, before, PauseReason.MEMBER)

    changed = store.CAMPAIGNS.change_object(member.org_id, campaign_id, decide, once=member.effect)
    return changed or require_campaign(member.org_id, campaign_id)


class RecipientsLeftError(Exception):
    """Some recipients of the campaign are pending, so it is not completed."""

    def __init__(self, _: list[Item | None] | None = None) -> None:
        super().__init__("recipients are left")


def complete_campaign(org_id: str, campaign_id: str, launch: int) -> bool:
    """Completes a running campaign whose texts are all at the carrier, or will not be sent. Returns whether it is done.

    A worker asks for it when it finds no recipient. It is safe to ask at any time.
    """

    def decide(before: Campaign) -> Decision[Campaign]:
        if before.status is not CampaignStatus.RUNNING or before.launch != launch or before.is_importing:
            return None
        after = next_version(before, status=CampaignStatus.COMPLETED, completed_at=clock.now_iso())
        done = campaign_event_write(campaign_worker(after), "campaign.completed", after, number=after.number_id)
        return after, [counts.complete_writes(after, RecipientsLeftError), done]

    try:
        return store.CAMPAIGNS.change_object(org_id, campaign_id, decide) is not None
    except RecipientsLeftError:
        return False


def cancel_campaign(origin: Origin, campaign_id: str, effect: IdempotencyKey | None = None) -> Campaign:
    """Cancels a campaign that has not ended: no recipient is claimed afterwards. The pending ones count as canceled.

    Texts at the carrier still arrive, and rows that wait are not imported. Nothing changes for a canceled campaign.
    Raises NotFound, and Invalid for a completed one.
    """

    def decide(before: Campaign) -> Decision[Campaign]:
        if before.status is CampaignStatus.CANCELED:
            return None
        _require_move(before, CampaignStatus.CANCELED, "canceled")
        after = next_version(
            before,
            status=CampaignStatus.CANCELED,
            pause_reason=None,
            starts_at=None,
            start_timer=None,
            waiting=[],
            completed_at=clock.now_iso(),
        )
        return after, [
            counts.cancel_writes(after),
            timers.cancel_writes(before.start_timer),
            campaign_event_write(origin, "campaign.canceled", after, number=after.number_id),
        ]

    changed = store.CAMPAIGNS.change_object(origin.org_id, campaign_id, decide, once=effect)
    return changed or require_campaign(origin.org_id, campaign_id)


def list_running_ids(org_id: str) -> Iterator[str]:
    """Yields the ids of the campaigns that have not ended."""
    after: str | None = None
    while True:
        page = store.LISTING.read_page(org_id, {}, _PAGE, after)
        for campaign in map(store.CAMPAIGNS.from_item, page.items):
            if can_move(campaign.status, CampaignStatus.CANCELED):
                yield campaign.id
        after = page.cursor
        if after is None:
            return


def _require_move(campaign: Campaign, status: CampaignStatus, done: str) -> None:
    if not can_move(campaign.status, status):
        raise Invalid(
            f"A campaign with the status `{campaign.status.value}` cannot be {done}.",
            code="invalid_status",
            status=campaign.status.value,
        )
