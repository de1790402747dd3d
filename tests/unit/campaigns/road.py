"""Campaigns on a virtual clock: the decisions of `campaigns.pace` among slow, killed, repeated and wrong clocks.

Turns run side by side, as workers would: each step takes a random time, and every step may be the worker's last. It
records when each request to the carrier began and ended.
"""

from __future__ import annotations

import heapq
import itertools
from bisect import bisect_left
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from random import Random
from statistics import linear_regression

from switchboard.campaigns import pace
from switchboard.campaigns.pace import CampaignLane, CampaignPace, Grant, LaneTurn, Outcome, Wait

#: How long a killed worker's message stays invisible, and when the carrier is asked about a claimed text.
_VISIBILITY, _ASKED_AFTER = 30_000, 600_000


@dataclass(frozen=True)
class Faults:
    """Probabilities: a step is the worker's last, a message comes twice, a table is throttled for a moment."""

    killed: float = 0.0
    repeated: float = 0.0
    throttled: float = 0.0
    refused: float = 0.0
    #: The greatest difference between two workers' clocks, in milliseconds.
    clocks: int = 200


@dataclass
class Road:
    """One campaign. `begun` and `ended` are the times of the requests to the carrier, by recipient."""

    random: Random
    limit: int
    total: int
    faults: Faults = Faults()
    now: float = 0.0
    pace: CampaignPace | None = None
    begun: dict[int, float] = field(default_factory=dict)
    ended: dict[int, float] = field(default_factory=dict)
    duplicates: int = 0
    turns: int = 0
    hops: int = 0
    kills: int = 0
    status: dict[int, str] = field(default_factory=dict)
    due: deque[int] = field(default_factory=deque)
    _queue: list[tuple[float, int, LaneTurn]] = field(default_factory=list)
    _steps: list[tuple[float, int, Iterator[float], LaneTurn, float]] = field(default_factory=list)
    _order: Iterator[int] = field(default_factory=itertools.count)
    _asked: list[tuple[float, int]] = field(default_factory=list)

    def launch(self, number: int = 1, limit: int | None = None) -> None:
        """Begins a launch, also after a pause."""
        self.limit = limit or self.limit
        after = pace.start_launch(self.pace, number, self.limit)
        assert after
        self.pace = after
        for turn in pace.list_first_turns(after, self._clock(0)):
            self._send(turn)

    def run(self, until: float) -> None:
        """Lets the time pass."""
        while True:
            at = min(
                self._queue[0][0] if self._queue else until,
                self._steps[0][0] if self._steps else until,
                self._asked[0][0] if self._asked else until,
            )
            if at >= until:
                self.now = until
                return
            self.now = at
            if self._asked and self._asked[0][0] == at:
                self._ask(heapq.heappop(self._asked)[1])
            elif self._steps and self._steps[0][0] == at:
                _, _, steps, turn, received = heapq.heappop(self._steps)
                self._go_on(steps, turn, received)
            else:
                turn = heapq.heappop(self._queue)[2]
                skew = self.random.randint(-self.faults.clocks // 2, self.faults.clocks // 2)
                self._go_on(self._work(turn, skew), turn, at)

    def _go_on(self, steps: Iterator[float], turn: LaneTurn, received: float) -> None:
        if self.random.random() < self.faults.killed:
            self.kills += 1
            heapq.heappush(self._queue, (max(received + _VISIBILITY, self.now), next(self._order), turn))
            return
        pause = next(steps, None)
        if pause is not None:
            heapq.heappush(self._steps, (self.now + pause, next(self._order), steps, turn, received))

    def _send(self, turn: LaneTurn, *, hop: bool = False) -> None:
        copies = 2 if self.random.random() < self.faults.repeated and not hop else 1
        for _ in range(copies):
            delay = pace.seconds_until(turn, self._clock(0)) * 1_000
            arrives = self.now + delay + self.random.uniform(15, 50)
            heapq.heappush(self._queue, (arrives, next(self._order), turn))

    def _clock(self, skew: int) -> int:
        return int(self.now + skew) + 1_000_000

    def _table(self) -> float:
        """Returns the time of a request to a table."""
        if self.random.random() < self.faults.throttled:
            return self.random.uniform(50, 2_000)
        return self.random.uniform(4, 15)

    def _carrier(self) -> float:
        return min(self.random.lognormvariate(4.5, 0.35), 8_000)

    def _ask(self, index: int) -> None:
        """The carrier does not know a text that was claimed ten minutes ago: the recipient is pending again."""
        if self.status.get(index) == "claimed":
            self.status[index] = "put_off"
            self.due.append(index)

    def _work(self, turn: LaneTurn, skew: int) -> Iterator[float]:
        if pace.is_early(turn, self._clock(skew)):
            self.hops += 1
            yield self._table()
            self._send(turn, hop=True)
            return
        yield self._table()
        assert self.pace
        due = [index for index in self.due if self.status[index] == "put_off"][:10]
        yield self._table()
        grant = pace.decide_grant(self.pace, turn, self._clock(skew), self.total, tuple(due))
        if isinstance(grant, Wait):
            yield self._table()
            self._send(replace(turn, ready=grant.until + pace.LEAD), hop=True)
            return
        if not isinstance(grant, Grant):
            return
        self.turns += 1
        self.pace = self._with_lane(turn.lane, grant.lane, grant.takes)
        yield self._table()
        yield from self._hand_over(turn, grant, skew)

    def _with_lane(self, place: int, lane: CampaignLane, takes: int = 0) -> CampaignPace:
        assert self.pace
        lanes = (*self.pace.lanes[:place], lane, *self.pace.lanes[place + 1 :])
        return replace(self.pace, lanes=lanes, next_index=self.pace.next_index + takes)

    def _hand_over(self, turn: LaneTurn, grant: Grant, skew: int) -> Iterator[float]:
        due = grant.lane.due
        rows = range(grant.lane.start, grant.lane.start + grant.lane.rows)
        earlier = sum(self.status.get(index) in {"claimed", "sent"} for index in (*due, *rows)) if grant.retaken else 0
        tokens = max(0, grant.tokens - earlier)
        claimed: list[int] = []
        seen = 0
        rest = len(rows)
        longest = 0.0
        for index in (*due, *rows):
            if len(claimed) == tokens:
                break
            seen += 1
            if index in rows:
                rest -= 1
            longest = max(longest, self._table())
            if self.status.get(index) not in ({"put_off"} if index in due else {None}):
                continue
            if self.random.random() < self.faults.refused:
                self.status[index] = "refused"
                continue
            self.status[index] = "claimed"
            heapq.heappush(self._asked, (self.now + _ASKED_AFTER, index))
            claimed.append(index)
        yield longest
        while True:
            yield self._table()
            if self._clock(skew) >= grant.ready:
                break
        sent, end = [], 0.0
        for index in claimed:
            # A worker starts its threads one after another.
            yield self.random.uniform(0, 2)
            if self._clock(skew) < grant.deadline:
                self._record_request(index)
                sent.append(index)
                end = max(end, self.ended[index])
        if sent:
            yield max(0.0, end - self.now)
            yield self._table()
        for index in sent:
            self.status[index] = "sent"
        yield from self._end(turn, grant, skew, (earlier + len(claimed), sent, seen, rest))

    def _record_request(self, index: int) -> None:
        self.duplicates += index in self.begun
        self.begun[index] = self.now
        self.ended[index] = self.now + self._carrier()
        self.status[index] = "sent"

    def _end(self, turn: LaneTurn, grant: Grant, skew: int, did: tuple[int, list[int], int, int]) -> Iterator[float]:
        used, sent, seen, rest = did
        assert self.pace
        start = grant.lane.start + grant.lane.rows - rest
        outcome = Outcome(used, self._clock(skew) if sent else 0, start, rest, seen)
        more = self.pace.next_index < self.total or bool(self.due)
        following = pace.plan_next_turn(turn, grant, outcome, self._clock(skew), more=more)
        self._send(following)
        yield self._table()
        if self.pace.launch != turn.launch:
            return
        lane = self.pace.lanes[turn.lane]
        if lane.turn == turn.number and lane.deadline == grant.deadline:
            self.pace = self._with_lane(turn.lane, pace.end_turn(grant, outcome))

    # ---- figures

    def worst_window(self) -> int:
        """Returns the most texts within 60 seconds, wherever in its request the carrier took each of them."""
        begun, ended = sorted(self.begun.values()), sorted(self.ended.values())
        worst = 0
        for opens in ended:
            # A text whose request ended before the window opens is out. So is one that begins after the window.
            worst = max(worst, bisect_left(begun, opens + 60_000) - bisect_left(ended, opens))
        return worst

    def use(self, begins: float, ends: float) -> float:
        """Returns the share of the throttle that is used between two times."""
        count = sum(begins <= at < ends for at in self.begun.values())
        return count / (self.limit * (ends - begins) / 60_000)

    def distance(self, begins: float, ends: float) -> float:
        """Returns the 99th percentile of the distance of a text from its place in an even row, in milliseconds."""
        times = sorted(at for at in self.begun.values() if begins <= at < ends)
        row = linear_regression(range(len(times)), times)
        return sorted(abs(at - row.intercept - place * row.slope) for place, at in enumerate(times))[
            len(times) * 99 // 100
        ]
