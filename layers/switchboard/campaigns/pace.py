"""Decides when a campaign may hand texts to the carrier, and how many. Pure: it reads and writes nothing.

The texts of one minute are divided among lanes. A lane has a fixed number of texts, hands them over together, and waits
until a whole minute after the last of them. So a lane hands over its number at most in each window of 60 seconds,
wherever the window begins, and all lanes together hand over the throttle at most. Lanes share nothing but the list of
recipients, so a worker that is killed stops one lane, and no lane waits for another one.

A lane is a chain of turns. Each turn is one message of a queue: it hands over the texts of the lane and sends the
message of the next turn, delayed until the lane may go again. Lanes begin one after another, and each has its own
timetable, so that the texts are spread evenly over the minute. The timetable's period is a little longer than the
minute: it has room for the tolerance between the workers' clocks, and for the time that a turn takes.

A turn has fixed costs of about fifteen requests, so it has at least five texts if the throttle has: at 30 a minute,
five texts go out together every ten seconds. A queue delays by whole seconds. A message that would arrive much too
early arrives a little late instead: then the lane goes on as soon as it may, until it has caught up with its timetable.

Times are in milliseconds since 1970.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from switchboard.carriers.messages.ports.messenger import SECONDS

WINDOW = 60_000
#: The greatest difference between the clocks of two workers.
TOLERANCE = 200
#: The period of a lane's timetable. 60 / 60.4 of the throttle is used.
PERIOD = 60_400
#: How long before its time a turn may begin: it reads and claims meanwhile.
LEAD = 100
#: How early the message of a turn may arrive. It goes through the queue again then, without a delay: a look at the
#: ledgers takes a fifth of that time, so a turn that waits by its looks costs more.
MOST_EARLY = 250
#: How long after the grant a turn may begin a hand-over. A request to the carrier has ended SETTLED later.
TURN_LIMIT = 5_000
SETTLED = round(SECONDS * 1_000) + TOLERANCE
#: The texts of a turn, as long as there are few lanes: with fewer, its fixed costs are too many for a text.
TURN_TEXTS = 5
#: The most lanes: each second has one.
MAX_LANES = 60
#: The most texts of one turn: the greatest throttle is 600.
MAX_TOKENS = 10
#: The most recipients that one turn looks at.
MAX_ROWS = 90
#: The longest pause of a lane that finds nothing to send, or whose number has no free time.
LONGEST_IDLE, LONGEST_BUSY = 800_000, 16_000
#: The first and the longest pause of a lane when no recipient is left but those whose outcome is unknown.
FIRST_CLAIMED, LONGEST_CLAIMED = 60_000, 300_000
#: How long after the end of a pause in whole seconds a turn is ready, so that its message does not come early.
_DELIVERED = 50


@dataclass(frozen=True, slots=True)
class CampaignLane:
    """A lane: its latest turn, and the recipients that the turn owns. `deadline` is 0 for a turn that has ended."""

    turn: int = 0
    #: How many texts the turn may hand over.
    tokens: int = 0
    #: The indexes of its recipients that were put off and are due.
    due: tuple[int, ...] = ()
    #: Its other recipients: the first index, and their number.
    start: int = 0
    rows: int = 0
    deadline: int = 0
    #: When the last request to the carrier had ended, in the turns that have ended.
    end: int = 0

    @property
    def last_end(self) -> int:
        """The latest time at which a request to the carrier may have ended, also of a turn that was killed."""
        return self.deadline + SETTLED - TOLERANCE if self.deadline else self.end

    @property
    def free_at(self) -> int:
        """The time at which all texts of the lane may be handed over again."""
        return self.last_end + WINDOW + TOLERANCE if self.last_end else 0


@dataclass(frozen=True, slots=True)
class CampaignPace:
    """The state of a launch. `next_index` is the first recipient that no turn has taken."""

    launch: int
    limit: int
    next_index: int
    lanes: tuple[CampaignLane, ...]


@dataclass(frozen=True, slots=True)
class LaneTurn:
    """A turn of a lane, as its message says it. It does nothing before `ready`.

    `left` is null for all texts of the lane. A turn that found too few recipients has a following turn for the texts
    that are left: `left` is their number. `slot` is the time in the timetable.
    """

    launch: int
    lane: int
    number: int
    slot: int
    ready: int
    left: int | None = None
    #: How many recipients to look at. It grows while most of them get no text.
    reach: int = 0
    #: How often the number had no free time, or nothing was left to do.
    misses: int = 0


@dataclass(frozen=True, slots=True)
class Grant:
    """The permission to hand over `tokens` texts, each after `ready` and before `deadline`.

    `retaken` says that an earlier attempt was killed. Its texts count: the attempt may have handed over those that are
    claimed. `lane` is the lane's next state and `takes` the recipients that are taken from the list.
    """

    tokens: int
    ready: int
    deadline: int
    lane: CampaignLane
    takes: int
    retaken: bool = False


@dataclass(frozen=True, slots=True)
class Wait:
    """Not yet: an earlier attempt may be at work until then."""

    until: int


@dataclass(frozen=True, slots=True)
class Stale:
    """The turn is over, or its launch is."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of a turn: the texts that may be at the carrier, and when the last request to it ended (or 0)."""

    used: int
    end: int
    #: The recipients that the turn owned and did not decide about.
    start: int
    rows: int
    #: The recipients that it looked at.
    seen: int
    #: Whether the number had no free time for some of them.
    number_busy: bool = False
    #: The earliest time until which a recipient is put off.
    next_due: int | None = None
    #: Whether no recipient can become due earlier: no turn has recipients, and no text is without an outcome.
    quiet: bool = False


def count_lanes(limit: int, together: int = TURN_TEXTS) -> int:
    """Returns the number of lanes for a throttle. `together` is how many texts a turn has at least."""
    return min(-(-limit // together), MAX_LANES)


def count_tokens(limit: int, lane: int, lanes: int) -> int:
    """Returns how many texts a minute a lane has. The lanes together have the throttle."""
    return (lane + 1) * limit // lanes - lane * limit // lanes


def list_shards(lane: int, lanes: int, shards: int) -> range:
    """Returns the shards of put-off recipients that a lane reads. Each shard has a lane, and lanes may share one."""
    return range(lane % shards, shards, min(lanes, shards))


def start_launch(
    before: CampaignPace | None, launch: int, limit: int, together: int = TURN_TEXTS
) -> CampaignPace | None:
    """Returns the state of a new launch, `None` if this launch or a later one has begun.

    It begins at the first recipient about which no earlier launch decided, and keeps the times of earlier texts.
    """
    count = count_lanes(limit, together)
    if before is None:
        return CampaignPace(launch, limit, 0, tuple(CampaignLane() for _ in range(count)))
    if before.launch >= launch:
        return None
    first = min([before.next_index, *(lane.start for lane in before.lanes if lane.rows)])
    kept = [CampaignLane(end=lane.last_end) for lane in before.lanes]
    # With another throttle, a lane has another number of texts: each waits until all earlier texts are a minute old.
    latest = max((lane.end for lane in kept), default=0)
    same = before.limit == limit and len(kept) == count
    lanes = kept if same else [CampaignLane(end=latest) for _ in range(count)]
    return CampaignPace(launch, limit, first, tuple(lanes))


def list_first_turns(pace: CampaignPace, started: int) -> list[LaneTurn]:
    """Returns the first turn of each lane. The lanes begin one after another within a minute after the start."""
    turns, before = [], 0
    for place, lane in enumerate(pace.lanes):
        # Each has the time of its texts. Whole seconds, as the queue delays.
        slot = started + round(before * PERIOD / pace.limit / 1_000) * 1_000
        before += count_tokens(pace.limit, place, len(pace.lanes))
        turns.append(LaneTurn(pace.launch, place, 1, slot, max(slot, lane.free_at)))
    return turns


def decide_grant(
    pace: CampaignPace, turn: LaneTurn, now: int, total: int, due: tuple[int, ...] = ()
) -> Grant | Wait | Stale:
    """Returns what a turn may do now. `due` are the indexes of recipients that were put off and are due.

    Each turn is granted once. A turn whose worker was killed is granted again when nothing of the first attempt can
    reach the carrier any more.
    """
    if pace.launch != turn.launch or turn.lane >= len(pace.lanes):
        return Stale()
    lane = pace.lanes[turn.lane]
    if turn.number not in (lane.turn, lane.turn + 1) or (turn.number == lane.turn and not lane.deadline):
        return Stale()
    if lane.deadline and now <= lane.deadline + SETTLED:
        return Wait(lane.deadline + SETTLED + 1)
    if turn.number == lane.turn:
        after = replace(lane, deadline=now + TURN_LIMIT, end=lane.last_end)
        return Grant(lane.tokens, now, after.deadline, after, 0, retaken=True)
    full = count_tokens(pace.limit, turn.lane, len(pace.lanes))
    tokens = full if turn.left is None else min(turn.left, full)
    ready = max(turn.ready, lane.free_at) if turn.left is None else turn.ready
    if now < ready - LEAD:
        return Wait(ready - LEAD)
    due = due[:tokens]
    after = CampaignLane(turn.number, tokens, due, lane.start, lane.rows, max(now, ready) + TURN_LIMIT, lane.last_end)
    takes = 0
    if not lane.rows and len(due) < tokens:
        takes = max(0, min(max(tokens - len(due), turn.reach), MAX_ROWS, total - pace.next_index))
        after = replace(after, start=pace.next_index, rows=takes)
    return Grant(tokens, ready, after.deadline, after, takes)


def end_turn(grant: Grant, outcome: Outcome) -> CampaignLane:
    """Returns the state of a lane whose turn has ended."""
    end = max(grant.lane.end, outcome.end)
    return CampaignLane(grant.lane.turn, 0, (), outcome.start, outcome.rows, 0, end)


def plan_next_turn(turn: LaneTurn, grant: Grant, outcome: Outcome, now: int, *, more: bool) -> LaneTurn:
    """Returns the turn that follows. `more` says whether recipients are left that no turn has taken, or that are due.

    Texts that the turn did not use, because recipients got none, are for the next turn of the same minute.
    """
    left = grant.tokens - outcome.used
    reach = _next_reach(turn, outcome)
    if left > 0 and (more or outcome.rows):
        misses = turn.misses + 1 if outcome.number_busy and not outcome.used else 0
        pause = min(1_000 * 2**misses, LONGEST_BUSY)
        return replace(turn, number=grant.lane.turn + 1, ready=now + pause, left=left, reach=reach, misses=misses)
    if not (more or outcome.used or outcome.rows or outcome.next_due):
        # Other turns may hold the last recipients, or the carrier is asked about them.
        pause = min(FIRST_CLAIMED * 2 ** min(turn.misses, 10), LONGEST_CLAIMED)
        ready = now + pause + LEAD + _DELIVERED
        return replace(turn, number=grant.lane.turn + 1, ready=ready, left=None, reach=reach, misses=turn.misses + 1)
    end = max(grant.lane.end, outcome.end)
    earliest = max(now, end + WINDOW + TOLERANCE) if end else now
    slot = turn.slot + PERIOD * max(1, (earliest - turn.slot) // PERIOD)
    if not more and outcome.next_due and not outcome.used:
        asleep = outcome.next_due if outcome.quiet else min(outcome.next_due, now + LONGEST_IDLE)
        slot += PERIOD * max(0, (asleep - slot + PERIOD - 1) // PERIOD)
    return LaneTurn(turn.launch, turn.lane, grant.lane.turn + 1, slot, max(slot, earliest), None, reach)


def _next_reach(turn: LaneTurn, outcome: Outcome) -> int:
    if outcome.seen and outcome.used * 2 < outcome.seen and not outcome.number_busy:
        return min(MAX_ROWS, max(outcome.seen, 1) * 2)
    return turn.reach // 2


def seconds_until(turn: LaneTurn, now: int) -> int:
    """Returns for how many whole seconds to delay a turn's message.

    It arrives at most `MOST_EARLY` before its time, or less than a second late.
    """
    return max(0, -(-(turn.ready - LEAD - MOST_EARLY - now) // 1_000))


def is_early(turn: LaneTurn, now: int) -> bool:
    """Whether a turn must be sent again, because its time has not come."""
    return now < turn.ready - LEAD
