"""A world of dialers for tests: their jobs, a carrier, and a clock that moves when somebody waits."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from random import Random
from typing import Any

from switchboard.accounts import organizations
from switchboard.aws import clients
from switchboard.aws.attributes import decode_item
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
from tests.integration.sabotage import Killed
from tests.voices import Provider

NOBODY = "+14155550142"
_WORK: dict[str, Callable[[dict[str, Any]], None]] = {
    "DialCall": lambda job: dialing.dial_call(job["org_id"], job["call_id"]),
    "WakeWaiting": lambda job: wakeups.wake_waiting_calls(job["org_id"], job.get("call_id")),
    "WatchWaiting": lambda job: wakeups.check_waiting_call(job["org_id"], job["call_id"], job.get("looks", 0)),
    "ConfirmDial": lambda job: dialing.confirm_dial(job["org_id"], job["call_id"], job["claim"]),
    "CloseCall": lambda job: timeouts.close_call(job["org_id"], job["call_id"], job["state"]),
}


class Carrier(Provider):
    """A provider that does what the world says, and notes whom it dials and when."""

    def __init__(self) -> None:
        super().__init__()
        self.outcomes: Callable[[], Exception | None] = lambda: None
        self.placed: list[tuple[datetime, voice.Placement]] = []
        self.watching: Callable[[voice.Placement], None] = lambda _: None

    def place(self, placement: voice.Placement) -> str:
        self.watching(placement)
        if (outcome := self.outcomes()) is not None:
            raise outcome
        self.placed.append((clock.now(), placement))
        return f"sim_{len(self.placed)}"


class Dialers:
    """Accepted calls, and the jobs of their dialers. A job waits here until it is brought."""

    def __init__(self, frozen: clock.FrozenClock, carrier: Carrier, chance: Random) -> None:
        self.frozen, self.carrier, self.chance = frozen, carrier, chance
        self.jobs: list[tuple[datetime, dict[str, Any]]] = []
        self.calls: list[Call] = []
        #: How often each kind of job was done for each call.
        self.done: Counter[tuple[str, str]] = Counter()
        self._over: set[str] = set()
        self._written: list[dict[str, Any]] = []
        self._interrupt: tuple[int, Callable[[], None]] | None = None
        self._listen()

    # ---- what happens

    def accept(self, tenant: Tenant, **changes: Any) -> Call:
        """Accept a call. Each has a moment of its own."""
        self.frozen.advance(milliseconds=1)
        order = {"to": NOBODY, "tier": "basic", "consent_source": "business-relationship"} | changes
        call = service.place_call(tenant.caller(), Order.model_validate(order))
        self.calls.append(call)
        self.collect()
        return call

    def end(self, call: Call) -> None:
        """Let the provider report that a call has ended."""
        reports.apply_report(Report(org_id=call.org_id, call_id=call.id, kind="ended", end_reason=EndReason.NO_ANSWER))
        self.collect()

    def cap(self, tenant: Tenant, number: int) -> None:
        """Change how many calls the organization may have at once."""
        org = organizations.get_organization(tenant.org_id)
        organizations.set_plan(system(tenant.org_id), org.plan, org.limits | {"concurrent_calls": number})
        self.collect()

    def work(self, place: int) -> None:
        """Do a job. One that fails comes again."""
        _, job = self.jobs.pop(place)
        self.done[job["job"], str(job.get("call_id"))] += 1
        try:
            _WORK[job["job"]](job)
        except (Killed, Contended):
            self.jobs.append((clock.now() + timedelta(seconds=10), job))
        finally:
            self._interrupt = None
        self.collect()

    def due(self) -> list[int]:
        """The places of the jobs that are due."""
        return [place for place, (due, _) in enumerate(self.jobs) if due <= clock.now()]

    def settle(self, *, jitter: float = 0) -> None:
        """Do all that is due now, in any order."""
        while places := self.due():
            self.work(self.chance.choice(places))
            if jitter:
                self.frozen.advance(seconds=self.chance.uniform(0, jitter))

    def pass_by(self, seconds: float, *, jitter: float = 0) -> None:
        """Let time go by, and do what becomes due."""
        until = clock.now() + timedelta(seconds=seconds)
        self.settle(jitter=jitter)
        while (following := min((due for due, _ in self.jobs), default=until)) < until:
            self.frozen.at = max(self.frozen.at, following.timestamp())
            self.settle(jitter=jitter)
        self.frozen.at = max(self.frozen.at, until.timestamp())
        self.settle(jitter=jitter)

    @contextmanager
    def interrupted(self, after: int, act: Callable[[], None]) -> Iterator[None]:
        """Let something happen before the request of that number that the block makes."""
        self._interrupt = (after, act)
        try:
            yield
        finally:
            self._interrupt = None

    # ---- how it stands

    def now(self, call: Call) -> Call:
        found = store.CALLS.get(call.org_id, call.id)
        assert found is not None
        return found

    def live(self, tenant: Tenant, *, simulated: bool = False) -> list[Call]:
        """The calls that are under way."""
        found = [call for call in self.open() if call.org_id == tenant.org_id and call.simulated is simulated]
        return [call for call in found if call.state is not State.CREATED]

    def open(self) -> list[Call]:
        """The calls that have not ended, as they are now."""
        found = [self.now(call) for call in self.calls if call.id not in self._over]
        self._over |= {call.id for call in found if call.state in FINAL_STATES}
        return [call for call in found if call.id not in self._over]

    def waiting(self, tenant: Tenant, pool: str = "live") -> list[str]:
        """The ids of the calls that wait in a pool, in their order."""
        items = Query(table="core", partition=f"{tenant.org_id}#lanes#{pool}", begins="wait#").all()
        return [item["sk"].rpartition("#")[2] for item in items]

    def held(self, tenant: Tenant, pool: str = "live") -> int:
        """How many lanes are held."""
        items = Query(table="core", partition=f"{tenant.org_id}#lanes#{pool}", begins="lane#").all()
        return sum(1 for item in items if item.get("holders") and item["until"] >= clock.now_iso())

    def collect(self) -> None:
        """Hand on what was written for the table's stream and its timers."""
        for item in self._written:
            if item.get("outbox") == "job" or item["pk"].startswith("timer#"):
                self.jobs.append((_rounded(clock.parse(item["due"])), item["body"]))
            elif "outbox" in item:
                found = [job.body for job in routes.jobs_of(events.parse_event(item))]
                self.jobs += [(clock.now(), body) for body in found if body["job"] in _WORK]
        self._written.clear()

    def _listen(self) -> None:
        hooks = clients.dynamodb_client().meta.events
        hooks.register("before-call.dynamodb", self._called)
        hooks.register("before-parameter-build.dynamodb.TransactWriteItems", _noted)
        hooks.register("after-call.dynamodb.TransactWriteItems", self._wrote)

    def _wrote(self, http_response: Any, context: dict[str, Any], **_: Any) -> None:
        if http_response.status_code == 200:
            puts = [write["Put"]["Item"] for write in context["asked"] if "Put" in write]
            self._written += [decode_item(item) for item in puts if "outbox" in item or "timer#" in item["pk"]["S"]]

    def _called(self, **_: Any) -> None:
        if self._interrupt is None:
            return
        after, act = self._interrupt
        self._interrupt = (after - 1, act) if after else None
        if not after:
            act()


def _noted(params: dict[str, Any], context: dict[str, Any], **_: Any) -> None:
    context["asked"] = params["TransactItems"]


def _rounded(due: datetime) -> datetime:
    """A queue's delays are whole seconds, rounded up."""
    left = (due - clock.now()).total_seconds()
    return clock.now() + timedelta(seconds=-(-left // 1)) if left > 0 else due


def kill() -> None:
    """End the process."""
    raise Killed
