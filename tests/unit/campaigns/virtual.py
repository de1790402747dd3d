"""Campaigns with the real workers on a virtual clock: tables in memory, a queue, and a carrier.

A request to a table or to the carrier takes a random time on the clock of its worker. Workers run at the same time: one
worker's turn is worked off at once, with a clock of its own, and turns share nothing but the tables. Requests that a
worker makes side by side end with the slowest of them. A worker may be killed at any request, before or after it.
"""

from __future__ import annotations

import heapq
import itertools
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from random import Random
from typing import Any, TypeVar
from unittest.mock import patch

from switchboard import telemetry
from switchboard.aws import dynamodb, queues, writes
from switchboard.aws.dynamodb import decode_item
from switchboard.aws.writes import commit
from switchboard.campaigns import changes, counts, dispatch, records, store
from switchboard.campaigns.jobs import ConfirmClaims, DispatchCampaign, StartCampaign, TakeTurn
from switchboard.campaigns.models import Campaign, Recipient
from switchboard.carriers import messages
from switchboard.carriers.messages.ports.messenger import (
    AcceptedText,
    FoundText,
    OutcomeUnknownError,
    OutgoingText,
    TextRefusedError,
    ThrottledError,
)
from switchboard.kit import background, chance, clock
from switchboard.kit.jobs import Job, QueueMessage
from switchboard.numbers.models import Number
from switchboard.persistence.collection import next_version
from switchboard.team.models import Member
from tests.actors import member, tenant
from tests.memory_cloud import OPERATIONS, Change, Tables, transient, use_memory_tables
from tests.unit.calls.console_calls import save_number

_VISIBILITY = 30.0
#: For each name of a job, its type and its work.
Work = Mapping[str, tuple[type[Job], Callable[[Any], None]]]
CAMPAIGN_WORK: Work = {
    "StartCampaign": (StartCampaign, changes.start_campaign),
    "DispatchCampaign": (DispatchCampaign, dispatch.dispatch_campaign),
    "TakeTurn": (TakeTurn, dispatch.take_turn),
    "ConfirmClaims": (ConfirmClaims, records.confirm_claims),
}


class WorkerKilledError(BaseException):
    """The worker is killed. No code of the worker runs any more."""


@dataclass(frozen=True)
class Mishaps:
    """Probabilities, for each request: the worker is killed, or the table is throttled. And for each message: twice."""

    killed: float = 0.0
    throttled: float = 0.0
    repeated: float = 0.0
    #: The greatest difference between the clocks of two workers, in seconds.
    clocks: float = 0.2


@dataclass
class Carried:
    """A text that the carrier was asked to take: when the request began and ended, on the true clock."""

    org_id: str
    message_id: str
    contact: str
    begun: float
    ended: float
    taken: bool


class _Together:
    """Work that begins at one time, side by side with other work."""

    def __init__(self, world: World, work: Callable[[], Any]) -> None:
        begun = world.source.at
        self._world, self._outcome = world, background.run_inline(work)
        self._ended, world.source.at = world.source.at, begun

    def result(self) -> Any:
        self._world.source.at = max(self._world.source.at, self._ended)
        return self._outcome.result()

    def cancel(self) -> bool:
        return False


@dataclass
class World:
    """The state of a run. `source` is the clock of the worker that runs now."""

    random: Random
    mishaps: Mishaps
    tables: Tables
    source: clock.FrozenClock
    carried: list[Carried] = field(default_factory=list)
    #: Runs for each text that the carrier gets. It may raise an error of the port.
    carrier: Callable[[OutgoingText], None] = lambda _: None
    requests: Counter[str] = field(default_factory=Counter)
    kills: int = 0
    turns: int = 0
    #: Runs before a request of a worker, with its name.
    before: Callable[[str], None] = lambda _: None
    #: The jobs that workers do. All others are dropped.
    work: Work = field(default_factory=lambda: CAMPAIGN_WORK)
    _queue: list[tuple[float, int, dict[str, Any], int]] = field(default_factory=list)
    _order: Iterator[int] = field(default_factory=itertools.count)
    _skew: float = 0.0
    _works: bool = False

    @property
    def now(self) -> float:
        """The true time."""
        return self.source.at - self._skew

    def run(self, seconds: float) -> None:
        """Lets time pass, and runs the jobs that become due."""
        until = self.source.at + seconds
        while self._queue and self._queue[0][0] < until:
            at, _, body, receives = heapq.heappop(self._queue)
            self._skew = self.random.uniform(-self.mishaps.clocks, self.mishaps.clocks) / 2
            self.source.at = at + self._skew
            self._receive(body, receives, at)
        self._skew, self.source.at = 0.0, until

    def _receive(self, body: dict[str, Any], receives: int, at: float) -> None:
        kind, work = self.work[body["job"]]
        self._works = True
        try:
            work(kind.parse_body(body))
        except WorkerKilledError:
            self.kills += 1
            self._put(body, at + _VISIBILITY, receives + 1)
        except Exception:
            assert receives < 20, f"{body['job']} failed too often"
            self._put(body, self.now + 2.0, receives + 1)
            if not self.mishaps.throttled:
                raise
        finally:
            self._works = False

    def _put(self, body: dict[str, Any], at: float, receives: int = 1) -> None:
        heapq.heappush(self._queue, (at, next(self._order), body, receives))

    def send(self, sent: Sequence[QueueMessage]) -> None:
        """Takes the messages of a worker, as the queue does."""
        self._ask("SendMessage")
        for message in sent:
            if message.body.get("job") not in self.work:
                continue
            self.turns += message.body["job"] == "TakeTurn"
            for _ in range(2 if self.random.random() < self.mishaps.repeated else 1):
                self._put(message.body, self.now + message.delay + self.random.uniform(0.015, 0.05))

    def committed(self, made: Sequence[Change]) -> None:
        """Sends the jobs of a commit, as the table's stream does."""
        for name, before, after in made:
            if name != "activity" or not after or before or "queue" not in after:
                continue
            if after["body"]["M"]["job"]["S"] in self.work:
                due = clock.parse(after["due"]["S"]).timestamp() - self._skew
                self._put(decode_item(after)["body"], max(due, self.now) + self.random.uniform(0.1, 0.5))

    def _ask(self, operation: str) -> None:
        if not self._works:
            return
        self.before(operation)
        self.requests[operation] += 1
        self.source.at += self.random.uniform(0.004, 0.012)
        drawn = self.random.random()
        if drawn < self.mishaps.killed:
            raise WorkerKilledError
        if drawn > 1 - self.mishaps.throttled and operation in OPERATIONS:
            conflicts = operation == "TransactWriteItems"
            raise transient(operation, "TransactionConflict" if conflicts else "ThrottlingException")

    def asked(self, operation: str) -> None:
        """A request to a table. A batch is one request (`batch_get_item`)."""
        if operation != "BatchGetItem":
            self._ask(operation)

    def batch_get_item(self, **asked: Any) -> Any:
        """Reads a batch in one request."""
        self._ask("BatchGetItem")
        return Tables.batch_get_item(self.tables, **asked)

    def answered(self, operation: str) -> None:
        """The table has done a write: a worker may be killed before it learns that."""
        if self._works and self.random.random() < self.mishaps.killed:
            raise WorkerKilledError

    @contextmanager
    def working(self) -> Iterator[None]:
        """Lets the block work as a worker does: its requests count and take time."""
        self._works = True
        try:
            yield
        finally:
            self._works = False

    @contextmanager
    def aside(self) -> Iterator[None]:
        """Lets somebody else act between two requests of a worker: that takes no time, and meets no mishap."""
        works, self._works = self._works, False
        try:
            yield
        finally:
            self._works = works

    def pass_time(self, seconds: float) -> None:
        """A worker waits before it retries a request."""
        self.source.at += seconds

    # ---- the carrier

    def send_text(self, text: OutgoingText) -> AcceptedText:
        begun = self.now
        # The carrier takes the text within the request, and the worker may be killed before it has the answer.
        self.source.at += min(self.random.lognormvariate(-2.4, 0.35), 8.0)
        one = Carried(text.org_id, text.message_id, text.to_number, begun, self.now, taken=False)
        self.carried.append(one)
        try:
            self.carrier(text)
        except OutcomeUnknownError:
            one.taken = self.random.random() < 0.5
            raise
        except (TextRefusedError, ThrottledError):
            raise
        one.taken = True
        if self.random.random() < self.mishaps.killed:
            raise WorkerKilledError
        return AcceptedText(f"SM{text.message_id}")

    def find_text(self, text: OutgoingText, since: datetime) -> FoundText | None:
        self._ask("find_text")
        known = any(one.taken and one.message_id == text.message_id for one in self.carried)
        return FoundText(f"SM{text.message_id}", "sent") if known else None

    # ---- figures

    def sent_to(self) -> Counter[str]:
        """How many texts the carrier took for each contact."""
        return Counter(one.contact for one in self.carried if one.taken)


def worst_window(carried: Sequence[Carried]) -> int:
    """Returns the most texts within 60 seconds, wherever in its request the carrier took each of them."""
    begun, ended = sorted(one.begun for one in carried), sorted(one.ended for one in carried)
    # A millisecond of rounding by the workers' clocks is no window.
    return max(
        (bisect_left(begun, opens + 59.999) - bisect_left(ended, opens) for opens in ended),
        default=0,
    )


W = TypeVar("W", bound=World)


@contextmanager
def open_world(seed: int = 1, mishaps: Mishaps = Mishaps()) -> Iterator[World]:
    """Empty tables, a queue and a carrier, in the morning of California."""
    with open_world_of(World, seed, mishaps) as world:
        yield world


@contextmanager
def open_world_of(kind: type[W], seed: int, mishaps: Mishaps) -> Iterator[W]:
    """The same as `open_world`, with a world of another kind."""
    source = clock.FrozenClock("2026-01-15T17:30:00.000Z")
    with ExitStack() as stack:
        tables = stack.enter_context(use_memory_tables())
        world = kind(Random(seed), mishaps, tables, source)
        tables.asked, tables.answered, tables.committed = world.asked, world.answered, world.committed
        stack.enter_context(patch.object(tables, "batch_get_item", world.batch_get_item))
        stack.enter_context(clock.using(source))
        stack.enter_context(chance.using(Random(seed + 1)))
        stack.enter_context(patch.object(dynamodb, "sleep", world.pass_time))
        stack.enter_context(patch.object(background, "submit", lambda work: _Together(world, work)))
        stack.enter_context(patch.object(telemetry, "emit_metric", lambda *_, **__: None))
        stack.enter_context(patch.object(queues, "send_messages", lambda sent: world.send(list(sent))))
        stack.enter_context(patch.object(messages, "get_messenger", lambda simulated: world))
        yield world


@dataclass(frozen=True)
class Office:
    """An organization with a member and a number."""

    who: Member
    number: Number

    @property
    def org_id(self) -> str:
        return self.who.org_id


def open_office(slug: str = "acme", limits: dict[str, Any] | None = None, **number: Any) -> Office:
    """Creates an organization with a member and a simulated number. `limits` replace figures of its plan."""
    org_id = tenant(slug, **(limits or {})).org_id
    return Office(member(org_id), save_number(org_id, **number))


def contact_of(index: int) -> str:
    """A number in California, which a person may have."""
    return f"+1415{2_300_000 + index}"


def add_recipients(campaign: Campaign, total: int, **facts: Any) -> Campaign:
    """Adds recipients without an import."""
    made = [
        Recipient(
            org_id=campaign.org_id,
            campaign_id=campaign.id,
            index=index,
            contact_e164=contact_of(index),
            batch_id="bat_1",
            row=index + 1,
            **facts,
        )
        for index in range(campaign.total, campaign.total + total)
    ]
    writes.put_items("core", [store.new_recipient_write(one).item for one in made])
    after = next_version(campaign, total=campaign.total + total)
    commit(store.CAMPAIGNS.save_write(after), counts.import_writes(campaign, campaign.total, after.total))
    return after
