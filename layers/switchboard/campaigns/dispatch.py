"""Dispatches campaigns: a worker takes a turn of a lane, and hands its texts to the carrier (`campaigns.pace`).

A turn has these steps. It takes the turn and its recipients in one write. It asks the gate about them, and claims those
that are allowed. It reads the ledgers once more, right before the hand-over. It hands the texts over side by side, and
none after its deadline. It records the outcomes, sends the next turn, and ends. A worker may be killed between any two
steps: the queue delivers the turn again, and the recipients' own states say what is left to do.

A claimed recipient is never claimed again, so it gets one text at most. A claim whose outcome nobody recorded is
settled with the carrier (`records.confirm_claims`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import timedelta

from switchboard import telemetry
from switchboard.accounts import organizations
from switchboard.accounts.models import Organization
from switchboard.accounts.stops import StoppedError
from switchboard.aws import queues, reads
from switchboard.campaigns import changes, claims, counts, pace, pace_store, records, store
from switchboard.campaigns.claims import CampaignSender, Claimed, Judged
from switchboard.campaigns.counts import GateClosedError
from switchboard.campaigns.health import has_too_many_failures
from switchboard.campaigns.jobs import ClaimedText, DispatchCampaign, TakeTurn
from switchboard.campaigns.models import (
    Campaign,
    CampaignCounts,
    CampaignStatus,
    PauseReason,
    Recipient,
    RecipientStatus,
)
from switchboard.campaigns.pace import CampaignPace, Grant, LaneTurn, Outcome, Wait
from switchboard.carriers.messages.segments import count_segments
from switchboard.errors import QuotaExceeded
from switchboard.kit import background, clock
from switchboard.messaging import acceptance, gate, hand_overs, pacing, sending
from switchboard.messaging.hand_overs import HandOver
from switchboard.numbers import service as numbers
from switchboard.timers import service as timers

#: The most recipients about which the gate is asked at once. Their facts are one request.
_JUDGED_TOGETHER = 12
#: The most looks at the ledgers while a turn waits for its time, which is at most pace.LEAD away.
_MAX_LOOKS = 60
#: How much of a turn's time must be left to ask about more recipients, in milliseconds.
_ENOUGH_TIME = 2_500
#: Why a campaign is paused when a claim finds something withdrawn.
_REASONS = {"number_released": PauseReason.NUMBER, "subscription_unpaid": PauseReason.CAP}


class NumberGoneError(RuntimeError):
    """The number of the campaign sends no texts any more."""


class TooManyFailuresError(RuntimeError):
    """Too many of the campaign's latest texts failed."""


@dataclass(frozen=True, slots=True)
class _View:
    """The facts that a turn read at its beginning. `due` are recipients that were put off and are due."""

    sender: CampaignSender
    state: CampaignPace
    due: tuple[int, ...]


@dataclass(slots=True)
class _Work:
    """The work of a turn so far."""

    earlier: int = 0
    claimed: list[Claimed] = field(default_factory=list)
    seen: int = 0
    end: int = 0
    number_busy: bool = False
    #: The recipients of the turn's range about which nothing is decided yet.
    undecided: set[int] = field(default_factory=set)


# ---- the beginning of a launch


def dispatch_campaign(job: DispatchCampaign) -> None:
    """Begins a launch: sends the first turn of each lane. Repeated, it sends turns that were taken already."""
    campaign, before, org = reads.read_refs(
        store.campaign_ref(job.org_id, job.campaign_id),
        pace_store.pace_ref(job.org_id, job.campaign_id),
        organizations.organization_ref(job.org_id),
    )
    if (
        campaign is None
        or org is None
        or campaign.launch != job.launch
        or campaign.status is not CampaignStatus.RUNNING
    ):
        telemetry.log_skip("the launch is over", campaign_id=job.campaign_id, launch=job.launch)
        return
    begun = pace.start_launch(before, campaign.launch, _limit(org, campaign), _count_together(campaign))
    if begun and before:
        # Turns of the launch before may have been killed.
        for lane in before.lanes:
            _watch_unrecorded(campaign, _read_recipients(campaign, lane) if lane.deadline else [])
    if begun and not pace_store.store_launch(campaign.org_id, campaign.id, begun):
        raise pace_store.PaceBusyError(f"the launch {campaign.launch} of {campaign.id} begins elsewhere")
    state = begun or before
    assert state, "a launch that began has a pace"
    started = round(clock.parse(campaign.started_at or campaign.updated_at).timestamp() * 1_000)
    turns = pace.list_first_turns(state, started)
    delays = (pace.seconds_until(turn, _now()) for turn in turns)
    queues.send_messages(
        _job(campaign, turn).to_message(delay=delay) for turn, delay in zip(turns, delays, strict=True)
    )


def _limit(org: Organization, campaign: Campaign) -> int:
    """Returns the texts a minute: the throttle, or the rate of the number if it is lower.

    The number's rate is in segments. Variables and own bodies make single texts longer or shorter than the template.
    """
    if campaign.simulated:
        return campaign.throttle_per_minute
    segments = max(1, count_segments(acceptance.encode_body(org, campaign.body_template)).segments)
    return min(campaign.throttle_per_minute, max(1, pacing.segments_per_second(campaign.number_e164) * 60 // segments))


def _count_together(campaign: Campaign) -> int:
    """Returns how many texts a turn has at least: long texts go out in smaller groups, or one by one."""
    if campaign.simulated:
        return pace.TURN_TEXTS
    segments = max(1, count_segments(campaign.body_template).segments)
    return min(pace.TURN_TEXTS, pacing.count_together(campaign.number_e164, segments))


def _job(campaign: Campaign, turn: LaneTurn) -> TakeTurn:
    return TakeTurn(org_id=campaign.org_id, campaign_id=campaign.id, number_id=campaign.number_id, **asdict(turn))


def _turn(job: TakeTurn) -> LaneTurn:
    return LaneTurn(job.launch, job.lane, job.number, job.slot, job.ready, job.left, job.reach, job.misses)


def _now() -> int:
    return int(clock.epoch() * 1_000)


def _send_turn(job: TakeTurn, turn: LaneTurn) -> None:
    """Sends the message of a turn. A timer keeps it while the lane sleeps for hours."""
    again = job.model_copy(update=asdict(turn))
    timers.send_later(again, clock.now() + timedelta(seconds=pace.seconds_until(turn, _now())))


# ---- a turn


def take_turn(job: TakeTurn) -> None:
    """Sends the next texts of a lane, and the message of its next turn. A turn that is too early goes back."""
    turn = _turn(job)
    if pace.is_early(turn, _now()):
        _send_turn(job, turn)
        return
    view = _read(job)
    if view is None:
        return
    campaign = view.sender.campaign
    decision, state = pace_store.take_grant(
        campaign.org_id, campaign.id, view.state, turn, _now(), campaign.total, view.due
    )
    if isinstance(decision, Wait):
        _send_turn(job, replace(turn, ready=decision.until + pace.LEAD))
        return
    if not isinstance(decision, Grant):
        telemetry.log_skip("the turn is over", campaign_id=campaign.id, lane=turn.lane, turn=turn.number)
        return
    view = replace(view, state=state)
    work = _Work(undecided=set(_range(decision)))
    if stop := _do_turn(view, turn, decision, work):
        _pause(campaign, stop)
        _end(view, turn, decision, work)
        return
    _finish_turn(job, view, turn, decision, work)


def _read(job: TakeTurn) -> _View | None:
    """Reads what a turn needs. Returns `None` if the launch is over."""
    campaign, state, org, number = reads.read_refs(
        store.campaign_ref(job.org_id, job.campaign_id),
        pace_store.pace_ref(job.org_id, job.campaign_id),
        organizations.organization_ref(job.org_id),
        numbers.number_ref(job.org_id, job.number_id),
    )
    if campaign is None or state is None or org is None or campaign.launch != job.launch:
        telemetry.log_skip("the launch is over", campaign_id=job.campaign_id, launch=job.launch)
        return None
    if campaign.status is not CampaignStatus.RUNNING:
        telemetry.log_skip("the campaign does not run", campaign_id=job.campaign_id, launch=job.launch)
        lane = state.lanes[job.lane]
        if lane.turn == job.number and lane.deadline:
            _watch_unrecorded(campaign, _read_recipients(campaign, lane))
        return None
    if number is None or not number.active or not number.capabilities.sms:
        _pause(campaign, NumberGoneError(job.number_id))
        return None
    shards = pace.list_shards(job.lane, len(state.lanes), store.DUE_SHARDS)
    due = store.list_due(job.org_id, job.campaign_id, shards, clock.now_iso(), pace.MAX_TOKENS)
    flow_id = claims.find_flow_id(campaign, number)
    return _View(CampaignSender(org, campaign, number, gate.find_opening(org, flow_id)), state, tuple(due))


def _range(grant: Grant) -> range:
    return range(grant.lane.start, grant.lane.start + grant.lane.rows)


def _read_recipients(campaign: Campaign, lane: pace.CampaignLane) -> list[Recipient]:
    """Reads the recipients of a lane's turn: those that are due first."""
    indexes = dict.fromkeys((*lane.due, *range(lane.start, lane.start + lane.rows)))
    refs = [store.recipient_ref(campaign.org_id, campaign.id, index) for index in indexes]
    return [found for found in reads.read_refs(*refs) if found] if refs else []


def _do_turn(view: _View, turn: LaneTurn, grant: Grant, work: _Work) -> Exception | None:
    """Claims recipients and hands their texts over. Returns what stopped the campaign meanwhile, if anything did."""
    stop: Exception | None = None
    try:
        _claim_all(view, turn, grant, work)
    except QuotaExceeded as used_up:
        # The texts before it are within the limits.
        stop = used_up
    except (GateClosedError, StoppedError, TooManyFailuresError) as stopped:
        _release_all(view.sender, work)
        return stopped
    if work.claimed:
        _hand_over_all(view.sender, grant, work)
    return stop


def _release_all(sender: CampaignSender, work: _Work) -> None:
    """Releases the texts that the turn has claimed: none of them was handed over."""
    for one in work.claimed:
        records.release_text(sender.org, one, clock.now())
    work.claimed = []


def _claim_all(view: _View, turn: LaneTurn, grant: Grant, work: _Work) -> None:
    campaign = view.sender.campaign
    if turn.lane == 0 and turn.left is None and has_too_many_failures(campaign):
        raise TooManyFailuresError(campaign.id)
    found = _read_recipients(campaign, grant.lane)
    if grant.retaken:
        work.earlier = sum(one.message_id is not None for one in found)
        _watch_unrecorded(campaign, found)
    waiting = _list_waiting(grant, found)
    work.undecided -= {one.index for one in found} - {one.index for one in waiting}
    budget = grant.tokens - work.earlier
    while waiting and len(work.claimed) < budget and not work.number_busy and _now() + _ENOUGH_TIME < grant.deadline:
        size = min(_JUDGED_TOGETHER, max(budget - len(work.claimed), 1 if turn.reach == 0 else _JUDGED_TOGETHER))
        part, waiting = waiting[:size], waiting[size:]
        _claim_part(view.sender, part, budget, work)


def _list_waiting(grant: Grant, found: Sequence[Recipient]) -> list[Recipient]:
    """Returns the recipients that may get a text now. One that was put off is reached by its time alone."""
    now, due = clock.now_iso(), set(grant.lane.due)
    return [
        one
        for one in found
        if one.status is RecipientStatus.PENDING
        and ((one.due is not None and one.due <= now) if one.index in due else one.due is None)
    ]


def _claim_part(sender: CampaignSender, part: Sequence[Recipient], budget: int, work: _Work) -> None:
    ended = claims.end_unreachable(sender, part)
    work.seen += len(ended)
    work.undecided -= {one.index for one in ended}
    judged = claims.judge_recipients(sender, [one for one in part if one not in ended])
    allowed = [one for one in judged if one.verdict.allowed][: budget - len(work.claimed)]
    refused = [one for one in judged if not one.verdict.allowed]
    work.seen += len(allowed) + len(refused)
    if allowed:
        taken = pacing.take_slots(sender.number, [one.text.segments for one in allowed])
        work.number_busy = taken < len(allowed)
        allowed = allowed[:taken]
    done: list[Judged] = []
    if allowed:
        for one in claims.claim_recipients(sender, allowed):
            # One by one: a stop must not lose those before it.
            work.claimed.append(one)
        indexes = {one.recipient.index for one in work.claimed}
        done += [each for each in allowed if each.recipient.index in indexes]
    if refused:
        claims.refuse_recipients(sender, refused)
    work.undecided -= {one.recipient.index for one in (*done, *refused)}


# ---- the hand-over


def _hand_over_all(sender: CampaignSender, grant: Grant, work: _Work) -> None:
    """Hands over what was claimed, after a last look at the ledgers: nothing is between the look and the carrier."""
    texts = [one.text for one in work.claimed]
    refused = sending.look_again(texts)
    for _ in range(_MAX_LOOKS):
        if _now() >= grant.ready:
            break
        # The turn began a moment early. It looks until its time has come.
        refused = sending.look_again(texts)
    going = [one for one in work.claimed if one.text.id not in refused]
    begun = [background.submit(lambda one=one: _hand_over(one, grant)) for one in going]  # type: ignore[misc]
    done = list(zip(going, [each.result() for each in begun], strict=True))
    work.end = _now() if any(outcome for _, outcome in done) else 0
    for one in work.claimed:
        if code := refused.get(one.text.id):
            hand_overs.fail_text(sender.org, one.text, code, beside=counts.status_writes)
    records.record_hand_overs(sender.org, [(one, outcome) for one, outcome in done if outcome])
    for one, outcome in done:
        if outcome is None:
            records.release_text(sender.org, one, clock.now() + records.RETRY_AFTER)


def _hand_over(one: Claimed, grant: Grant) -> HandOver | None:
    """Hands over one text. Returns `None` without a hand-over before its time, and after the turn's deadline.

    After the deadline another worker may have the turn.
    """
    return hand_overs.hand_over(one.text, one.until) if grant.ready <= _now() < grant.deadline else None


def _watch_unrecorded(campaign: Campaign, found: Sequence[Recipient]) -> None:
    """Has the carrier asked about claims of a worker that was killed."""
    records.watch_claims(
        campaign.org_id,
        campaign.id,
        [
            ClaimedText(
                index=one.index,
                conversation_id=records.conversation_id_of(campaign, one),
                message_id=one.message_id,
                claim=1,
            )
            for one in found
            if one.status is RecipientStatus.CLAIMED and one.message_id
        ],
    )


# ---- the end of a turn


def _pause(campaign: Campaign, stop: Exception) -> None:
    worker = changes.campaign_worker(campaign)
    match stop:
        case TooManyFailuresError():
            reason = PauseReason.FAILURES
        case QuotaExceeded():
            reason = PauseReason.CAP
        case NumberGoneError():
            reason = PauseReason.NUMBER
        case StoppedError():
            reason = _REASONS.get(stop.code, PauseReason.AUTHORITY)
        case _:
            # A member paused or canceled it.
            telemetry.log_skip("the campaign does not run", campaign_id=campaign.id, launch=campaign.launch)
            return
    changes.pause_campaign(worker, campaign.id, reason, launch=campaign.launch)


def _finish_turn(job: TakeTurn, view: _View, turn: LaneTurn, grant: Grant, work: _Work) -> None:
    campaign, outcome = view.sender.campaign, _outcome(work)
    more = view.state.next_index < campaign.total or len(view.due) > len(grant.lane.due)
    if not more and not outcome.used and not outcome.rows:
        found = counts.read_counts(campaign.org_id, campaign.id)
        if not found.left and changes.complete_campaign(campaign.org_id, campaign.id, campaign.launch):
            _end(view, turn, grant, work)
            return
        outcome = replace(outcome, next_due=_find_next_due(view, turn), quiet=_is_quiet(view, turn, found))
    following = pace.plan_next_turn(turn, grant, outcome, _now(), more=more)
    # First the next turn: a worker that is killed here sends it again, and a turn is taken once.
    _send_turn(job, following)
    _end(view, turn, grant, work)


def _find_next_due(view: _View, turn: LaneTurn) -> int | None:
    """Returns when the next recipient of the lane's shards is due, or of any shard if those are empty."""
    campaign = view.sender.campaign
    shards = pace.list_shards(turn.lane, len(view.state.lanes), store.DUE_SHARDS)
    own = store.find_next_due(campaign.org_id, campaign.id, shards)
    due = own or store.find_next_due(campaign.org_id, campaign.id)
    return _milliseconds(due) if due else None


def _is_quiet(view: _View, turn: LaneTurn, found: CampaignCounts) -> bool:
    others = (lane for place, lane in enumerate(view.state.lanes) if place != turn.lane)
    return not found.claimed and not any(lane.rows or lane.deadline for lane in others)


def _outcome(work: _Work) -> Outcome:
    first = min(work.undecided, default=0)
    rows = max(work.undecided) + 1 - first if work.undecided else 0
    used = work.earlier + len(work.claimed)
    return Outcome(used, work.end, first, rows, work.seen, number_busy=work.number_busy)


def _milliseconds(at: str) -> int:
    return round(clock.parse(at).timestamp() * 1_000)


def _end(view: _View, turn: LaneTurn, grant: Grant, work: _Work) -> None:
    campaign = view.sender.campaign
    if not pace_store.store_end(campaign.org_id, campaign.id, turn, grant, pace.end_turn(grant, _outcome(work))):
        telemetry.log_skip("a later launch has begun", campaign_id=campaign.id, lane=turn.lane, turn=turn.number)
