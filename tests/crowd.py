"""Many calls and many dialers at once, with their own clock: how lanes and paces work together.

The tables are in memory. Each request to them takes some milliseconds, in which other dialers run, so that dialers
interleave between any two requests. Jobs arrive as from a queue: after whole seconds, and sometimes twice. A run of a
quarter of an hour takes seconds, and is the same each time.
"""

from __future__ import annotations

import heapq
import io
import itertools
import math
import threading
from collections import Counter, deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, redirect_stdout
from dataclasses import dataclass, field
from random import Random
from typing import Any
from unittest.mock import patch

from switchboard.accounts import organizations as accounts_organizations
from switchboard.aws import dynamodb
from switchboard.aws.dynamodb import decode_item
from switchboard.calls import dialing, pacing, reports, service, timeouts, wakeups
from switchboard.calls.models import Call, Order
from switchboard.carriers import voice
from switchboard.carriers.voice.ports.reports import EndReason, Report
from switchboard.errors import Contended, Unavailable
from switchboard.events import service as events
from switchboard.fanout import routes
from switchboard.kit import chance, clock
from tests.actors import Tenant, system, tenant
from tests.fakes.voice import Provider
from tests.memory_cloud import Change, Tables, use_memory_tables

_WORK: dict[str, Callable[[dict[str, Any]], None]] = {
    "DialCall": lambda job: dialing.dial_call(job["org_id"], job["call_id"]),
    "WakeWaiting": lambda job: wakeups.wake_waiting_calls(job["org_id"], job.get("call_id")),
    "WatchWaiting": lambda job: wakeups.check_waiting_call(job["org_id"], job["call_id"], job.get("looks", 0)),
    "ConfirmDial": lambda job: dialing.confirm_dial(job["org_id"], job["call_id"], job["claim"]),
    "CloseCall": lambda job: timeouts.close_call(job["org_id"], job["call_id"], job["state"]),
}
#: The duration of a request to the tables, and of a job's transport through stream and queue, in seconds.
_REQUEST, _HANDOVER = 0.006, 0.05
#: The maximum time that calls may wait, and the delay after which a failed job runs again, in seconds.
_HORIZON, _AGAIN = 960, 2
#: More threads than ever run at once: dialers, and reports of ends.
_THREADS = 500


@dataclass(frozen=True, kw_only=True)
class Plan:
    """The load: `calls` of each organization at once, each of which talks for `talk_seconds`."""

    cap: int
    per_second: int
    rate: float
    calls: int
    talk_seconds: float
    organizations: int = 1
    #: Whether each organization has its own number.
    own: bool = True
    #: The key of the carrier's rate limit, if it is not the number.
    counted_by: str | None = None
    workers: int = 20
    #: The probability that a job is delivered twice.
    twice: float = 0.0
    #: Whether another, otherwise idle organization places a call every few seconds.
    idle_tenant: bool = False

    @property
    def possible(self) -> int:
        """Returns the number of calls that can be dialed within their maximum waiting time."""
        minutes = 15 * 60
        shares = not self.own or self.counted_by
        by_number = minutes * self.rate * (1 if shares else self.organizations)
        by_org = minutes * self.per_second * self.organizations
        by_lanes = self.organizations * self.cap * minutes / self.talk_seconds
        return math.floor(min(self.calls * self.organizations, by_lanes, by_number, by_org))

    @property
    def fastest(self) -> float:
        """Returns roughly the number of seconds in which all calls can be dialed."""
        a_call = max((self.organizations if not self.own or self.counted_by else 1) / self.rate, 1 / self.per_second)
        rounds = math.ceil(self.calls / self.cap) - 1
        return max(self.calls * a_call, rounds * self.talk_seconds + (self.calls - rounds * self.cap) * a_call)


@dataclass
class CrowdResult:
    """The result of a run."""

    dialed: int
    seconds: float
    #: The lost share of the lanes' time: a lane was free while a call waited for it.
    free: float
    dial_jobs: float
    requests: float
    #: The maximum time that calls of the idle tenant waited for their dialer.
    delay: float
    #: The times at which calls were dialed, by organization.
    moments: dict[str, list[float]]
    #: The maximum of concurrent calls of an organization, and whether a call was dialed twice.
    most: int
    repeated: bool
    #: Stale entries of waiting lines, and lanes in use without an active call.
    left: int


def run(plan: Plan, seed: int = 3) -> CrowdResult:
    """Run a plan and return its result."""
    with ExitStack() as stack:
        tables = stack.enter_context(use_memory_tables())
        # Metrics and logs are not needed here.
        stack.enter_context(redirect_stdout(io.StringIO()))
        crowd = _Crowd(plan, tables, clock.FrozenClock(), Random(seed))
        for context in (
            clock.using(crowd.source),
            chance.using(Random(seed)),
            patch.object(voice, "get_carrier", lambda: crowd.carrier.carrier),
            patch.object(pacing, "sleep", crowd.pause),
            patch.object(dynamodb, "sleep", crowd.pause),
        ):
            stack.enter_context(context)
        return crowd.run()


class _Carrier(Provider):
    def __init__(self, crowd: _Crowd) -> None:
        super().__init__()
        self._crowd = crowd

    def place_call(self, placement: voice.Placement) -> str:
        return self._crowd.place(placement)


@dataclass
class _Crowd:
    plan: Plan
    tables: Tables
    source: clock.FrozenClock
    chance: Random
    placed: list[tuple[float, voice.Placement]] = field(default_factory=list)
    ended: int = 0
    done: Counter[str] = field(default_factory=Counter)
    requests: int = 0
    most: int = 0

    def __post_init__(self) -> None:
        self.carrier = _Carrier(self)
        self.carrier.pace, self.carrier.counted_by = self.plan.rate, self.plan.counted_by
        self._coming: list[tuple[float, int, Any]] = []
        self._number = itertools.count()
        self._ready: deque[dict[str, Any]] = deque()
        self._busy = 0
        self._mine = threading.local()
        self._back = threading.Semaphore(0)
        self._live: Counter[str] = Counter()

    def run(self) -> CrowdResult:
        self.tables.committed = self._committed
        tenants = [self._create_tenant(f"org-{number}", number) for number in range(self.plan.organizations)]
        calls: list[Call] = []
        for _ in range(self.plan.calls):
            for one in tenants:
                self.source.advance(milliseconds=1)
                calls.append(_accept_call(one))
        began, asked = self.source.at, _PlacedCalls()
        if self.plan.idle_tenant:
            idle = self._create_tenant("idle", 99)
            for second in range(5, 60, 5):
                self._push(began + second, lambda: asked.note(_accept_call(idle), self.source.at))
        self.tables.asked = self._asked
        with ThreadPoolExecutor(_THREADS) as self._threads:
            free = self._run_until(began + _HORIZON, tenants)
        self.tables.asked = lambda _: None
        known = {call.id for call in calls}
        placed = [(at, placement) for at, placement in self.placed if placement.call_id in known]
        times = Counter(placement.call_id for _, placement in self.placed)
        went = {placement.call_id: at for at, placement in self.placed}
        seconds = max((at for at, _ in placed), default=began) - began
        moments: dict[str, list[float]] = {}
        for at, placement in placed:
            moments.setdefault(placement.org_id, []).append(at)
        return CrowdResult(
            dialed=len(placed),
            seconds=seconds,
            free=free / max(seconds, 1) / self.plan.cap / self.plan.organizations,
            dial_jobs=self.done["DialCall"] / len(calls),
            requests=self.requests / len(calls),
            delay=max((went.get(call, math.inf) - at for call, at in asked.calls.items()), default=0),
            moments=moments,
            most=self.most,
            repeated=any(number > 1 for number in times.values()),
            left=sum(len(self._waiting(one)) + len(self._held(one)) for one in tenants),
        )

    def _create_tenant(self, slug: str, number: int) -> Tenant:
        limits: dict[str, Any] = {"concurrent_calls": self.plan.cap, "calls_per_second": self.plan.per_second}
        made = tenant(slug, **limits, basic_calls_per_day=50_000)
        if self.plan.own:
            own = {"caller_id": f"+121255501{number:02}"}
            accounts_organizations.update_organization(
                system(made.org_id), accounts_organizations.get_organization(made.org_id), own
            )
        return made

    def _run_until(self, until: float, tenants: list[Tenant]) -> float:
        """Let time pass. Returns the total time that lanes were free while calls waited for one."""
        free = 0.0
        while self._coming and self._coming[0][0] < until:
            at, _, what = heapq.heappop(self._coming)
            if at > self.source.at:
                free += (at - self.source.at) * sum(map(self._count_lost_lanes, tenants))
                self.source.at = at
            if isinstance(what, threading.Semaphore):
                what.release()
                self._back.acquire()
            elif callable(what):
                what()
            else:
                self.done[what["job"]] += 1
                self._ready.append(what)
            while self._ready and self._busy < self.plan.workers:
                job = self._ready.popleft()
                self._busy += 1
                self._start(lambda job=job: self._run_job(job))  # type: ignore[misc]
        return free

    def _run_job(self, job: dict[str, Any]) -> None:
        try:
            _WORK[job["job"]](job)
        except (Contended, Unavailable):
            self._push(self.source.at + _AGAIN, job)
        finally:
            self._busy -= 1

    def place(self, placement: voice.Placement) -> str:
        """Accept a call, which ends after `talk_seconds`."""
        self.placed.append((self.source.at, placement))
        self._live[placement.org_id] += 1
        self.most = max(self.most, self._live[placement.org_id])
        self._push(self.source.at + self.plan.talk_seconds, lambda: self._start(lambda: self._end_call(placement)))
        return f"sim_{len(self.placed)}"

    def _end_call(self, placement: voice.Placement) -> None:
        self._live[placement.org_id] -= 1
        facts = {"org_id": placement.org_id, "call_id": placement.call_id}
        reports.apply_report(Report(kind="ended", end_reason=EndReason.NO_ANSWER, **facts))

    def _push(self, at: float, what: Any) -> None:
        heapq.heappush(self._coming, (at, next(self._number), what))

    def _start(self, work: Callable[[], None]) -> None:
        """Let a dialer run until it waits for the first time."""
        turn = threading.Semaphore(0)

        def run_dialer() -> None:
            self._mine.turn = turn
            try:
                work()
            finally:
                self._mine.turn = None
                self._back.release()

        self._wait_for_turn(self._threads.submit(run_dialer))

    def _wait_for_turn(self, future: Any) -> None:
        self._back.acquire()
        if future.done():
            future.result()

    def pause(self, seconds: float) -> None:
        """Let other dialers run for this time."""
        turn = getattr(self._mine, "turn", None)
        if turn is not None:
            self._push(self.source.at + seconds, turn)
            self._back.release()
            turn.acquire()

    def _asked(self, _: str) -> None:
        self.requests += 1
        self.pause(_REQUEST)

    def _committed(self, changes: Sequence[Change]) -> None:
        for change in changes:
            if change.table == "activity" and change.after is not None and change.before is None:
                self._written(change.after)

    def _written(self, item: dict[str, Any]) -> None:
        timer = item["pk"]["S"].startswith("timer#")
        if not timer and "outbox" not in item:
            return
        read = decode_item(item)
        if timer or read["outbox"] == "job":
            left = (clock.parse(read["due"]) - clock.now()).total_seconds()
            self._bring(read["body"], max(0, math.ceil(left)))
            return
        for message in routes.messages_of(events.parse_event(read)):
            self._bring(message.body, message.delay)

    def _bring(self, job: dict[str, Any], delay: float) -> None:
        if job["job"] in _WORK:
            times = 2 if self.chance.random() < self.plan.twice else 1
            for time in range(times):
                self._push(self.source.at + delay + _HANDOVER * (1 + time), job)

    def _count_lost_lanes(self, one: Tenant) -> int:
        """Returns the number of lanes that are free while calls wait for one."""
        waiting = len(self._waiting(one))
        return min(waiting, self.plan.cap - len(self._held(one))) if waiting else 0

    def _pool(self, one: Tenant) -> dict[str, Any]:
        return self.tables.items["core"].get(f"{one.org_id}#lanes#live", {})

    def _waiting(self, one: Tenant) -> list[str]:
        return [key for key in self._pool(one) if key.startswith("wait#")]

    def _held(self, one: Tenant) -> list[str]:
        return [key for key, item in self._pool(one).items() if key.startswith("lane#") and item.get("holders")]


class _PlacedCalls:
    """The times at which the calls of the idle tenant were placed."""

    def __init__(self) -> None:
        self.calls: dict[str, float] = {}

    def note(self, call: Call, at: float) -> None:
        self.calls[call.id] = at


def _accept_call(one: Tenant) -> Call:
    order = {"to": "+14155550142", "tier": "basic", "consent_source": "business-relationship"}
    return service.place_call(one.caller(), Order.model_validate(order))
