"""An organization whose people, agents and called persons act at the same time, and its carriers.

The tables are in memory. Actors interleave at the tables and at both carriers: each request is a step.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache
from random import Random
from typing import Any
from unittest.mock import patch

from switchboard import telemetry
from switchboard.access import keys as access
from switchboard.accounts import keys
from switchboard.accounts.models import Caller, KeyKind
from switchboard.accounts.plans import PlanName
from switchboard.aws import dynamodb
from switchboard.aws.dynamodb import decode_item
from switchboard.aws.writes import commit
from switchboard.calls import dialing, reports, service, timeouts, wakeups
from switchboard.calls.jobs import CloseCall, ConfirmDial, DialCall, HangUp, WakeWaiting, WatchWaiting
from switchboard.calls.models import Order
from switchboard.carriers import mail, voice
from switchboard.carriers.voice.ports.reports import Report
from switchboard.dialects.opticomm.dialect import KEYS
from switchboard.email import delivery
from switchboard.email.jobs import ConfirmMail, SendMail, WatchMail
from switchboard.errors import Contended, Unavailable
from switchboard.events import service as events
from switchboard.fanout import routes
from switchboard.flows import service as flows
from switchboard.flows.models import FlowSettings
from switchboard.kit import background, chance, clock, ids
from switchboard.kit.jobs import Job, QueueMessage
from switchboard.usage import charges
from tests.actors import system, tenant
from tests.fakes.voice import Provider
from tests.memory_cloud import OPERATIONS, Change, Item, Tables, transient, use_memory_tables
from tests.races.oracle import Oracle
from tests.races.scheduler import Killed, Scheduler

#: A number that reaches nobody, so that it may be called at any hour, and an email address.
NUMBER, ADDRESS = "+14155550142", "ada@example.com"
#: A plan whose usage is counted on one item, and a plan whose usage is counted in slices.
PLANS = (PlanName.STARTER, PlanName.GROWTH)
#: Active calls with the same number. In each of them the person may say stop once.
_TALKS = 2
#: The probabilities that a process dies at a step, a request fails temporarily, and the answer of a write is lost.
_DEATH, _REFUSAL, _LOSS = 0.015, 0.01, 0.01
_DEATHS = 2
#: The number of failures after which a job's queue gives up.
_TRIES = 6
#: The maximum number of jobs that may follow once all actors of a run are done.
_ENDLESS = 400

#: The queues whose jobs run in a run.
_QUEUES = ("dialer", "email")
#: The function of each job, as in the tables of the workers.
_WORK: dict[str, tuple[type[Job], Callable[[Any], None]]] = {
    "DialCall": (DialCall, lambda job: dialing.dial_call(job.org_id, job.call_id)),
    "WakeWaiting": (WakeWaiting, lambda job: wakeups.wake_waiting_calls(job.org_id, job.call_id)),
    "WatchWaiting": (WatchWaiting, lambda job: wakeups.check_waiting_call(job.org_id, job.call_id, job.looks)),
    "ConfirmDial": (ConfirmDial, lambda job: dialing.confirm_dial(job.org_id, job.call_id, job.claim)),
    "HangUp": (HangUp, lambda job: timeouts.hang_up_call(job.org_id, job.call_id)),
    "CloseCall": (CloseCall, lambda job: timeouts.close_call(job.org_id, job.call_id, job.state)),
    "SendMail": (SendMail, lambda job: delivery.send_queued(job.org_id, job.message_id)),
    "WatchMail": (WatchMail, lambda job: delivery.check_queued(job.org_id, job.message_id)),
    "ConfirmMail": (ConfirmMail, lambda job: delivery.check_claim(job.org_id, job.message_id, job.claim)),
}


@dataclass(frozen=True)
class Start:
    """The start of every run of a plan: one organization, its keys, and its active calls."""

    org_id: str
    master: Caller
    agent: Caller
    back_end: Caller
    flow_id: str
    talks: tuple[str, ...]
    items: dict[str, dict[str, dict[str, Item]]]
    at: float


@dataclass
class World:
    """The state of one run."""

    start: Start
    tables: Tables
    source: clock.FrozenClock
    scheduler: Scheduler
    oracle: Oracle
    chance: Random
    #: Jobs that are due later, by their key in the table.
    later: dict[tuple[str, str], tuple[str, dict[str, Any]]] = field(default_factory=dict)
    #: Calls in which the person has not said stop yet.
    talks: list[str] = field(default_factory=list)
    deaths: int = 0
    calm: bool = False
    _names: int = 0

    def new_name(self, what: str) -> str:
        """Returns the name of another actor."""
        self._names += 1
        return f"{what} {self._names}"

    def act(self, what: str, work: Callable[[], None], *, tries: int = 1, after: int = 0) -> None:
        """Add an actor that starts a number of steps later. A killed actor's work is done again by its next process."""
        name = self.new_name(what)

        def run_work() -> None:
            left = tries
            while True:
                self.oracle.begin(name)
                try:
                    work()
                except Killed:
                    continue
                except (Contended, Unavailable):
                    left -= 1
                    if left:
                        continue
                return

        self.scheduler.add(name, run_work, after=after)

    def run_job(self, body: dict[str, Any]) -> None:
        """Let a worker run a job, and sometimes two workers: a queue may deliver a job twice."""
        kind, work = _WORK[body["job"]]
        read = kind.parse_body(body)
        twice = not self.calm and self.chance.random() < 0.3
        for _ in range(2 if twice else 1):
            self.act(body["job"], lambda: work(read), tries=_TRIES)

    def pass_time(self, **by: float) -> None:
        """Let time pass, and run the jobs that become due."""
        self.source.advance(**by)
        self.run_due_jobs()

    def run_due_jobs(self) -> None:
        """Let workers run the jobs that are due."""
        now = clock.now_iso()
        for place, (due, body) in list(self.later.items()):
            if due <= now:
                del self.later[place]
                self.run_job(body)

    def settle(self) -> None:
        """Run all later jobs one after the other, without failures."""
        self.calm = True
        for _ in range(_ENDLESS):
            self.scheduler.run()
            if not self.later:
                self.oracle.finish()
                return
            due = min(due for due, _ in self.later.values())
            self.source.at = max(self.source.at, clock.parse(due).timestamp())
            self.run_due_jobs()
        raise AssertionError("there is always another job")

    def asked(self, operation: str) -> None:
        """An actor is about to send a request to the table or a carrier."""
        self.scheduler.step(operation)
        if self.calm or self.scheduler.current is None:
            return
        drawn = self.chance.random()
        if drawn < _DEATH and self.deaths < _DEATHS:
            self.deaths += 1
            raise Killed
        if drawn > 1 - _REFUSAL and operation in OPERATIONS:
            conflicts = operation == "TransactWriteItems"
            raise transient(operation, "TransactionConflict" if conflicts else "ThrottlingException")

    def answered(self, operation: str) -> None:
        """The table has applied an actor's request."""
        if not self.calm and self.scheduler.current is not None and self.chance.random() < _LOSS:
            raise transient(operation, "InternalServerError")

    def committed(self, changes: Sequence[Change]) -> None:
        """The table accepted an actor's changes."""
        actor = self.scheduler.current
        if actor is None:
            return
        self.oracle.committed(actor.name, changes)
        for name, before, after in changes:
            if name == "activity":
                self._queue_jobs(before, after)

    def _queue_jobs(self, before: Item | None, after: Item | None) -> None:
        """Queue or remove the jobs that follow from a change, as the table's stream and timers do."""
        if after is None:
            if before is not None:
                self.later.pop((before["pk"]["S"], before["sk"]["S"]), None)
            return
        if after.get("outbox") == {"S": "event"}:
            for message in routes.messages_of(events.parse_event(decode_item(after))):
                if message.queue in _QUEUES:
                    self._queue_message((after["pk"]["S"], after["sk"]["S"]), message)
        elif "queue" in after and before is None:
            if after["queue"]["S"] not in _QUEUES:
                return
            due, body = after["due"]["S"], decode_item(after)["body"]
            if due <= clock.now_iso():
                self.run_job(body)
            else:
                self.later[after["pk"]["S"], after["sk"]["S"]] = (due, body)

    def _queue_message(self, place: tuple[str, str], message: QueueMessage) -> None:
        """Queue a message of an event, now or after its delay."""
        if message.delay:
            self.later[place] = (clock.format_iso(clock.now() + timedelta(seconds=message.delay)), message.body)
        else:
            self.run_job(message.body)


class Carrier(Provider):
    """A provider of calls and mail that is sometimes full, refuses, or does not report the outcome."""

    def __init__(self, world: World | None) -> None:
        super().__init__()
        self._world = world

    def place_call(self, placement: voice.Placement) -> str:
        return self._accept("dial", placement.call_id)

    def send(self, outbound: mail.OutgoingMail) -> str:
        return self._accept("send", outbound.message_id)

    def fetch_call(self, leg: voice.Leg) -> voice.Snapshot | None:
        if self._world:
            self._world.asked("fetch")
        raise voice.OutcomeUnknownError("the provider does not say")

    def end_call(self, leg: voice.Leg) -> None:
        if self._world:
            self._world.asked("end")

    def _accept(self, what: str, subject_id: str) -> str:
        world = self._world
        if world is None:
            return f"id-{subject_id}"
        world.asked(what)
        actor = world.scheduler.current
        assert actor is not None
        world.oracle.asked_carrier(actor.name, subject_id)
        drawn = world.chance.random()
        if drawn < 0.08:
            raise voice.ThrottledError("full")
        if drawn < 0.14:
            raise voice.RefusedError("no such route")
        world.oracle.taken(subject_id)
        if drawn < 0.2:
            raise voice.OutcomeUnknownError("no answer")
        # The provider has accepted it: a process that dies here never learns that.
        world.asked("answer")
        return f"id-{subject_id}"


@contextmanager
def _without_side_effects() -> Iterator[None]:
    """Nothing waits, nothing runs in the background, nothing is logged."""
    with ExitStack() as stack:
        stack.callback(logging.disable, logging.root.manager.disable)
        logging.disable(logging.CRITICAL)
        stack.enter_context(patch.object(dynamodb, "sleep", lambda _: None))
        stack.enter_context(patch.object(background, "submit", background.run_inline))
        stack.enter_context(patch.object(telemetry, "emit_metric", lambda *_, **__: None))
        yield


@contextmanager
def _use_carrier(carrier: Carrier) -> Iterator[None]:
    with (
        patch.object(voice, "get_carrier", lambda: carrier.carrier),
        patch.object(mail, "mail_carrier", lambda: carrier),
    ):
        yield


@cache
def create_start(plan: PlanName) -> Start:
    """Create an organization of a plan through the services."""
    with (
        use_memory_tables() as tables,
        _without_side_effects(),
        _use_carrier(Carrier(None)),
        clock.using(source := clock.FrozenClock()),
    ):
        acme = tenant("acme", plan)
        key, writes = keys.key_writes(system(acme.org_id), KeyKind.OPTICOMM_LIVE, "back end")
        commit(writes)
        told = {"name": "Ada", "kind": "outbound", "consent_source": "opt-in:web-form", "consent_date": "2025-12-01"}
        flow = flows.create_flow(system(acme.org_id), FlowSettings.model_validate(told))
        agent = acme.caller()
        order = Order.model_validate({"to": NUMBER, "tier": "basic", "consent_source": "business-relationship"})
        talks = []
        for _ in range(_TALKS):
            call = service.place_call(agent, order)
            dialing.dial_call(call.org_id, call.id)
            reports.apply_report(Report(org_id=call.org_id, call_id=call.id, kind="answered"))
            talks.append(call.id)
        back_end = access.caller_of(access.authenticate_key(key.text, KEYS), "corr_races")
        return Start(
            acme.org_id, acme.caller(master=True), agent, back_end, flow.id, tuple(talks), tables.copy(), source.at
        )


@contextmanager
def create_world(seed: int, trace: Callable[[str], None] | None = None) -> Iterator[World]:
    """The world of a run, before any act."""
    drawn = Random(seed)
    begun = create_start(drawn.choice(PLANS))
    source = clock.FrozenClock()
    source.at = begun.at
    with ExitStack() as stack:
        tables = stack.enter_context(use_memory_tables())
        tables.items = {name: {pk: dict(items) for pk, items in part.items()} for name, part in begun.items.items()}
        stack.enter_context(_without_side_effects())
        stack.enter_context(clock.using(source))
        stack.enter_context(chance.using(Random(seed + 1)))
        stack.enter_context(patch.object(charges, "choose_slice", chance.below))
        stack.enter_context(patch.object(ids, "_last", (0, 0)))
        stack.enter_context(ids.using(Random(seed + 2).getrandbits))
        scheduler = Scheduler(drawn, trace)
        made = World(begun, tables, source, scheduler, Oracle(tables, begun.org_id), drawn, talks=list(begun.talks))
        tables.asked, tables.answered, tables.committed = made.asked, made.answered, made.committed
        stack.enter_context(_use_carrier(Carrier(made)))
        yield made
