"""Dialers for tests: their jobs, a carrier, and a clock that moves when a dialer waits."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from random import Random
from typing import Any

from switchboard.accounts import organizations
from switchboard.aws import clients
from switchboard.aws.dynamodb import decode_item
from switchboard.aws.reads import Query
from switchboard.calls import dialing, reports, service, store, timeouts, wakeups
from switchboard.calls.models import FINAL_STATES, Call, Order, State
from switchboard.carriers import voice
from switchboard.carriers.voice.ports.reports import EndReason, Report
from switchboard.errors import Contended
from switchboard.events import service as events
from switchboard.fanout import routes
from switchboard.kit import clock
from tests.actors import Tenant, system
from tests.fakes.voice import Provider
from tests.integration.sabotage import Killed

NOBODY = "+14155550142"
_WORK: dict[str, Callable[[dict[str, Any]], None]] = {
    "DialCall": lambda job: dialing.dial_call(job["org_id"], job["call_id"]),
    "WakeWaiting": lambda job: wakeups.wake_waiting_calls(job["org_id"], job.get("call_id")),
    "WatchWaiting": lambda job: wakeups.check_waiting_call(job["org_id"], job["call_id"], job.get("looks", 0)),
    "ConfirmDial": lambda job: dialing.confirm_dial(job["org_id"], job["call_id"], job["claim"]),
    "CloseCall": lambda job: timeouts.close_call(job["org_id"], job["call_id"], job["state"]),
}


class Carrier(Provider):
    """A provider with outcomes that the test sets. It records each dialed call with its time."""

    def __init__(self) -> None:
        super().__init__()
        self.outcomes: Callable[[], Exception | None] = lambda: None
        self.placed: list[tuple[datetime, voice.Placement]] = []
        self.watching: Callable[[voice.Placement], None] = lambda _: None

    def place_call(self, placement: voice.Placement) -> str:
        self.watching(placement)
        if (outcome := self.outcomes()) is not None:
            raise outcome
        self.placed.append((clock.now(), placement))
        return f"sim_{len(self.placed)}"


class Dialers:
    """Accepted calls, and the jobs of their dialers. A job waits here until the test runs it."""

    def __init__(self, frozen: clock.FrozenClock, carrier: Carrier, chance: Random) -> None:
        self.frozen, self.carrier, self.chance = frozen, carrier, chance
        self.jobs: list[tuple[datetime, dict[str, Any]]] = []
        self.calls: list[Call] = []
        #: How often each kind of job ran for each call.
        self.done: Counter[tuple[str, str]] = Counter()
        self._over: set[str] = set()
        self._written: list[dict[str, Any]] = []
        self._interrupt: tuple[int, Callable[[], None]] | None = None
        self._register_hooks()

    def accept_call(self, tenant: Tenant, **changes: Any) -> Call:
        """Accept a call. Each call is accepted at a different millisecond."""
        self.frozen.advance(milliseconds=1)
        order = {"to": NOBODY, "tier": "basic", "consent_source": "business-relationship"} | changes
        call = service.place_call(tenant.caller(), Order.model_validate(order))
        self.calls.append(call)
        self.collect_jobs()
        return call

    def end_call(self, call: Call) -> None:
        """Let the provider report that a call has ended."""
        reports.apply_report(Report(org_id=call.org_id, call_id=call.id, kind="ended", end_reason=EndReason.NO_ANSWER))
        self.collect_jobs()

    def set_cap(self, tenant: Tenant, number: int) -> None:
        """Change the number of concurrent calls that the organization may have."""
        org = organizations.get_organization(tenant.org_id)
        organizations.set_plan(system(tenant.org_id), org.plan, org.limits | {"concurrent_calls": number})
        self.collect_jobs()

    def run_job(self, place: int) -> None:
        """Run a job. A job that fails is queued again."""
        _, job = self.jobs.pop(place)
        self.done[job["job"], str(job.get("call_id"))] += 1
        try:
            _WORK[job["job"]](job)
        except (Killed, Contended):
            self.jobs.append((clock.now() + timedelta(seconds=10), job))
        finally:
            self._interrupt = None
        self.collect_jobs()

    def due_positions(self) -> list[int]:
        """Returns the positions of the jobs that are due."""
        return [place for place, (due, _) in enumerate(self.jobs) if due <= clock.now()]

    def run_due_jobs(self, *, jitter: float = 0) -> None:
        """Run all jobs that are due now, in random order."""
        while places := self.due_positions():
            self.run_job(self.chance.choice(places))
            if jitter:
                self.frozen.advance(seconds=self.chance.uniform(0, jitter))

    def pass_time(self, seconds: float, *, jitter: float = 0) -> None:
        """Let time pass, and run the jobs that become due."""
        until = clock.now() + timedelta(seconds=seconds)
        self.run_due_jobs(jitter=jitter)
        while (following := min((due for due, _ in self.jobs), default=until)) < until:
            self.frozen.at = max(self.frozen.at, following.timestamp())
            self.run_due_jobs(jitter=jitter)
        self.frozen.at = max(self.frozen.at, until.timestamp())
        self.run_due_jobs(jitter=jitter)

    @contextmanager
    def interrupted(self, after: int, act: Callable[[], None]) -> Iterator[None]:
        """Call `act` before one of the requests of the block: before request number `after`, counted from 0."""
        self._interrupt = (after, act)
        try:
            yield
        finally:
            self._interrupt = None

    def read_call(self, call: Call) -> Call:
        """Returns the call as it is stored now."""
        found = store.CALLS.get_object(call.org_id, call.id)
        assert found is not None
        return found

    def live_calls(self, tenant: Tenant, *, simulated: bool = False) -> list[Call]:
        """Returns the dialed calls that have not ended."""
        found = [call for call in self.open_calls() if call.org_id == tenant.org_id and call.simulated is simulated]
        return [call for call in found if call.state is not State.CREATED]

    def open_calls(self) -> list[Call]:
        """Returns the calls that have not ended, as they are now."""
        found = [self.read_call(call) for call in self.calls if call.id not in self._over]
        self._over |= {call.id for call in found if call.state in FINAL_STATES}
        return [call for call in found if call.id not in self._over]

    def waiting_ids(self, tenant: Tenant, pool: str = "live") -> list[str]:
        """Returns the ids of the calls that wait in a pool, in their order."""
        items = Query(table="core", partition=f"{tenant.org_id}#lanes#{pool}", begins="wait#").read_all()
        return [item["sk"].rpartition("#")[2] for item in items]

    def count_held_lanes(self, tenant: Tenant, pool: str = "live") -> int:
        """Returns the number of lanes in use."""
        items = Query(table="core", partition=f"{tenant.org_id}#lanes#{pool}", begins="lane#").read_all()
        return sum(1 for item in items if item.get("holders") and item["until"] >= clock.now_iso())

    def collect_jobs(self) -> None:
        """Queue the jobs that follow from new outbox items and timers."""
        for item in self._written:
            if item.get("outbox") == "job" or item["pk"].startswith("timer#"):
                self.jobs.append((_round_up_to_seconds(clock.parse(item["due"])), item["body"]))
            elif "outbox" in item:
                found = [one for one in routes.messages_of(events.parse_event(item)) if one.body["job"] in _WORK]
                self.jobs += [(clock.now() + timedelta(seconds=one.delay), one.body) for one in found]
        self._written.clear()

    def _register_hooks(self) -> None:
        hooks = clients.dynamodb_client().meta.events
        hooks.register("before-call.dynamodb", self._interrupt_request)
        hooks.register("before-parameter-build.dynamodb.TransactWriteItems", _record_parameters)
        hooks.register("after-call.dynamodb.TransactWriteItems", self._record_written)

    def _record_written(self, http_response: Any, context: dict[str, Any], **_: Any) -> None:
        if http_response.status_code == 200:
            puts = [write["Put"]["Item"] for write in context["asked"] if "Put" in write]
            self._written += [decode_item(item) for item in puts if "outbox" in item or "timer#" in item["pk"]["S"]]

    def _interrupt_request(self, **_: Any) -> None:
        if self._interrupt is None:
            return
        after, act = self._interrupt
        self._interrupt = (after - 1, act) if after else None
        if not after:
            act()


def _record_parameters(params: dict[str, Any], context: dict[str, Any], **_: Any) -> None:
    context["asked"] = params["TransactItems"]


def _round_up_to_seconds(due: datetime) -> datetime:
    """A delay in a queue is a whole number of seconds, rounded up."""
    left = (due - clock.now()).total_seconds()
    return clock.now() + timedelta(seconds=-(-left // 1)) if left > 0 else due


def kill_process() -> None:
    """Kill the process that runs the test's dialer."""
    raise Killed
