"""Random interleavings of arrivals, held slots, kills, wake-ups, disabled endpoints and lost time: nothing is lost.

A run is a seed: workers take batches of due work, are killed at a random request, and find the receiver down, slow
or working; others act during a post. At the end everything works again, and every delivery must have ended. Run one
seed alone with `-k "seed-7"`.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest

from switchboard.aws import queues as queues_module
from switchboard.aws.writes import commit
from switchboard.events import service as events
from switchboard.events.models import Subject
from switchboard.kit import clock
from switchboard.kit.jobs import JOB_FIELD, QueueMessage
from switchboard.outbound.client import ConnectionFailedError, Response
from switchboard.timers import store as timer_store
from switchboard.webhooks import (
    breaker,
    callbacks,
    delivery_store,
    delivery_worker,
    health_store,
    new_delivery,
    parking,
    parking_store,
    service,
    store,
)
from switchboard.webhooks.health_store import SlotLease
from switchboard.webhooks.jobs import DeliverWebhook, WakeReceiver, WatchReceiver
from switchboard.webhooks.models import DeliveryStatus, Endpoint, ReceiverHealth, RenderedEvent
from switchboard.webhooks.receivers import WebhookReceiver, receiver_of
from tests.actors import Tenant
from tests.fakes.receiver import make_answer
from tests.integration.sabotage import Killed, Sabotage, Stream, run_tick
from tests.unit.webhooks.conftest import Register, answered_quickly

SEEDS = range(int(os.environ.get("WAITING_SEEDS", "12")))
_VISIBLE_AGAIN = timedelta(seconds=90)
_JOBS = {kind.__name__: kind for kind in (DeliverWebhook, WakeReceiver, WatchReceiver)}


@dataclass
class Queues:
    """SQS by the test's clock: replaces `queues.try_send_messages`."""

    held: list[tuple[datetime, str, dict[str, Any]]] = field(default_factory=list)
    sent: int = 0

    def __call__(self, messages: Sequence[QueueMessage]) -> set[int]:
        self.sent += len(messages)
        for message in messages:
            due = clock.now() + timedelta(seconds=message.delay)
            self.held.append((due, message.queue, json.loads(message.text)))
        return set()

    def take(self, names: Sequence[str], most: int, chance: random.Random) -> list[tuple[str, dict[str, Any]]]:
        """Take some due messages of these queues. They become invisible, not deleted."""
        due = [one for one in self.held if one[0] <= clock.now() and one[1] in names]
        if not due:
            return []
        name = chance.choice(due)[1]
        mine = [one for one in due if one[1] == name]
        taken = chance.sample(mine, min(most, len(mine)))
        for one in taken:
            self.held.remove(one)
            self.held.append((clock.now() + _VISIBLE_AGAIN, one[1], one[2]))
        return [(name, body) for _, _, body in taken]

    def delete(self, body: dict[str, Any]) -> None:
        """Forget a message whose job is done."""
        place = next((place for place, one in enumerate(self.held) if one[2] is body), None)
        if place is not None:
            del self.held[place]

    @property
    def next_due(self) -> datetime | None:
        return min((one[0] for one in self.held), default=None)


@dataclass
class Run:
    """One run: the world, and its invariants."""

    acme: Tenant
    endpoints: list[Endpoint]
    queues: Queues
    frozen: clock.FrozenClock
    saboteur: Sabotage
    chance: random.Random
    stream: Stream = field(default_factory=Stream)
    mood: str = "well"
    depth: int = 0
    number: int = 0
    made: dict[str, str] = field(default_factory=dict)
    #: The time of each delivery's creation, and the time when the worker that parked it ended, by a count of steps.
    arrived: dict[str, int] = field(default_factory=dict)
    parked: dict[str, int] = field(default_factory=dict)
    steps: int = 0
    posts: dict[str, int] = field(default_factory=dict)
    accepted: set[str] = field(default_factory=set)
    leases: dict[tuple[WebhookReceiver, int], tuple[str, object]] = field(default_factory=dict)

    #: Collected here: a worker catches any exception within it.
    violations: list[str] = field(default_factory=list)

    # Actions.

    def arrive(self) -> None:
        endpoint = self.chance.choice(self.endpoints)
        for _ in range(self.chance.choice((1, 3, 12))):
            self.number += 1
            self.frozen.advance(milliseconds=1)
            told = RenderedEvent(event="call.ended", body={"n": self.number}, sequence=1, key=f"k{self.number}")
            event = events.new_event(
                self.acme.caller(), "webhook.test", Subject(type="webhook", id="x", version=1), kind="anima"
            )
            one = new_delivery.new_delivery(endpoint, told, event)
            self.made[one.id], self.arrived[one.id] = endpoint.id, self.steps
            stored = self.chance.random() < 0.2
            if stored:
                commit(delivery_store.put_delivery_writes(one))
            queues_module.send_messages([new_delivery.attempt_job(one, made=not stored).to_message()])
            if self.chance.random() < 0.1:
                # SQS delivers it twice.
                queues_module.send_messages([new_delivery.attempt_job(one, made=not stored).to_message()])

    def work(self, *, kill: bool = False, most: int = 10) -> bool:
        """Let a worker take a batch. A kill may follow at one of its requests. Returns whether there was any."""
        taken = self.queues.take(("deliveries", "slow-deliveries", "webhooks"), most, self.chance)
        if not taken:
            return False
        name, jobs = taken[0][0], [_JOBS[body[JOB_FIELD]].parse_body(body) for _, body in taken]
        if name == "webhooks":
            for (_, body), job in zip(taken, jobs, strict=True):
                assert isinstance(job, WatchReceiver)
                parking.watch_receiver(job)
                self.queues.delete(body)
            return True
        failed: set[int] = set(range(len(jobs)))
        try:
            if kill:
                with self.saboteur.killing(after=self.chance.randrange(12)):
                    failed = self._deliver(jobs, slow=name != "deliveries")
            else:
                failed = self._deliver(jobs, slow=name != "deliveries")
        except Killed:
            assert kill or self.depth
        for place, (_, body) in enumerate(taken):
            if place not in failed:
                self.queues.delete(body)
        self.note_parked()
        return True

    def _deliver(self, jobs: list[Any], *, slow: bool) -> set[int]:
        found: list[set[int]] = []

        def run() -> None:
            try:
                found.append(asyncio.run(delivery_worker._batch(jobs, slow, self)))
            except (Killed, RuntimeError):
                found.append(set(range(len(jobs))))

        # Another worker, with its own event loop: the first one stands still while it waits for a post.
        thread = threading.Thread(target=run)
        thread.start()
        thread.join()
        return found[0]

    def note_parked(self) -> None:
        self.steps += 1
        for endpoint in self.endpoints:
            for one in parking_store.oldest_attempts(receiver_of(endpoint.org_id, endpoint.id), 1_000):
                self.parked.setdefault(one.delivery_id, self.steps)

    async def post(self, url: str, headers: Mapping[str, str], body: bytes, seconds: float) -> Response:
        id_ = headers["webhook-id"]
        self.posts[id_] = self.posts.get(id_, 0) + 1
        if self.depth < 2 and self.chance.random() < 0.15 and self.saboteur._last is None:
            self.depth += 1
            try:
                self.chance.choice((self.arrive, self.work, self.work))()
            finally:
                self.depth -= 1
        mood = "well" if self.mood == "well" else self.chance.choice((self.mood, "well"))
        if mood == "away":
            raise ConnectionFailedError("refused")
        if mood == "cross":
            return make_answer(500)
        self.accepted.add(id_)
        return make_answer(milliseconds=breaker.SLOW_MS + 1 if mood == "slow" else 5)

    def switch(self) -> None:
        """The owner disables an endpoint, or makes it active again."""
        endpoint = self.endpoints[0]
        active = service.get_endpoint(endpoint.org_id, endpoint.id).endpoint.active
        service.update_endpoint(self.acme.caller(master=True), endpoint.id, {"active": not active})

    def turn_mood(self) -> None:
        self.mood = self.chance.choice(("well", "well", "away", "cross", "slow"))

    def pass_time(self, seconds: float | None = None) -> None:
        self.frozen.advance(seconds=seconds or self.chance.choice((1, 7, 30, 100, 400)))
        self.bring()

    def bring(self) -> None:
        run_tick()
        self.stream.hand_on()

    def step(self) -> None:
        acts: list[Callable[[], Any]] = [
            *(self.arrive,) * 3,
            *(self.work,) * 5,
            *(lambda: self.work(kill=True),) * 3,
            *(self.pass_time,) * 2,
            self.turn_mood,
            self.switch,
        ]
        self.chance.choice(acts)()

    def end(self) -> None:
        """Everything works: run all scheduled work."""
        self.mood = "well"
        if not service.get_endpoint(self.acme.org_id, self.endpoints[0].id).endpoint.active:
            self.switch()
        for _ in range(400):
            while self.work():
                self.bring()
            if not self.pending():
                return
            # Jump to the next time at which a queue, the outbox or a timer has due work.
            self.pass_time(60 if self.queues.next_due else 600)
        raise AssertionError(f"still pending: {self.pending()}")

    def pending(self) -> list[str]:
        places = [(self.acme.org_id, one) for one in self.made]
        found = [
            one for start in range(0, len(places), 100) for one in delivery_store.get_deliveries(places[start:][:100])
        ]
        return [
            id_
            for id_, one in zip(self.made, found, strict=True)
            if one is None or one.status is DeliveryStatus.PENDING
        ]


@contextmanager
def check_invariants(run: Run, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Check at every step that no slot is held twice, and that nothing overtakes earlier parked deliveries."""
    take, keep, give_back, send_all = (
        health_store.take_lease,
        health_store.extend_lease,
        health_store.release_lease,
        delivery_worker._send_all,
    )

    def note(receiver: WebhookReceiver, lease: SlotLease, owner: object) -> None:
        for number in lease.numbers:
            until, other = run.leases.get((receiver, number), ("", owner))
            if other is not owner and until >= clock.now_iso():
                run.violations.append(f"slot {number} is held twice")
            run.leases[(receiver, number)] = (lease.until, owner)

    def taken(receiver: WebhookReceiver, lease: SlotLease, now: str) -> ReceiverHealth:
        health = take(receiver, lease, now)
        note(receiver, lease, lease)
        if lease.turn:
            assert health.turn_until == lease.until
        return health

    def kept(receiver: WebhookReceiver, lease: SlotLease, after: SlotLease, *rest: Any) -> ReceiverHealth | None:
        health = keep(receiver, lease, after, *rest)
        if health:
            for number in lease.numbers:
                run.leases.pop((receiver, number), None)
            note(receiver, after, after)
        return health

    def given_back(receiver: WebhookReceiver, lease: SlotLease, *rest: Any) -> ReceiverHealth:
        health = give_back(receiver, lease, *rest)
        for number in lease.numbers:
            if run.leases.get((receiver, number), ("",))[0] == lease.until:
                run.leases.pop((receiver, number))
        return health

    async def sent(group: Any, endpoint: Any, wanted: Any, *rest: Any) -> Any:
        waiting = {one.delivery_id for one in parking_store.oldest_attempts(group.receiver, 1_000)}
        for one in wanted:
            came = run.arrived.get(one.job.delivery_id, 0)
            if one.job.attempt == 1 and one.job.delivery_id not in run.parked:
                before = {id_ for id_ in waiting if run.parked.get(id_, came) < came}
                if before:
                    run.violations.append(f"{one.job.delivery_id} overtakes {before}")
        return await send_all(group, endpoint, wanted, *rest)

    async def in_line(work: Callable[..., Any], *given: Any) -> Any:
        return work(*given)

    # Moto is for one thread.
    monkeypatch.setattr(asyncio, "to_thread", in_line)
    monkeypatch.setattr(health_store, "take_lease", taken)
    monkeypatch.setattr(health_store, "extend_lease", kept)
    monkeypatch.setattr(health_store, "release_lease", given_back)
    monkeypatch.setattr(delivery_worker, "_send_all", sent)
    yield


@pytest.fixture
def endpoints(acme: Tenant, register: Register) -> list[Endpoint]:
    """A webhook, and two callbacks of one host."""
    found = [register(events=["message.sent"]).endpoint]
    for number in range(2):
        callback = callbacks.ensure_callback_endpoint(acme.org_id, "key_1", f"https://example.com/cb?{number}")
        commit(callback.writes)
        endpoint = store.get_endpoint(acme.org_id, callback.id)
        assert endpoint
        found.append(endpoint)
    answered_quickly(found[1])
    return found


@pytest.mark.parametrize("seed", SEEDS, ids=lambda seed: f"seed-{seed}")
def test_every_delivery_ends_in_any_run(
    acme: Tenant,
    endpoints: list[Endpoint],
    frozen: clock.FrozenClock,
    monkeypatch: pytest.MonkeyPatch,
    seed: int,
) -> None:
    queues = Queues()
    monkeypatch.setattr(queues_module, "try_send_messages", queues)
    run = Run(acme, endpoints, queues, frozen, Sabotage(), random.Random(seed))
    run.stream.hand_on()
    queues.held.clear()
    monkeypatch.setattr(breaker, "choose_slot", run.chance.randrange)
    timer_store.advance_watermark(clock.now_iso()[:16])
    with check_invariants(run, monkeypatch):
        for _ in range(40):
            run.step()
        run.end()
    assert run.violations == []
    places = [(acme.org_id, one) for one in run.made]
    found = [one for start in range(0, len(places), 100) for one in delivery_store.get_deliveries(places[start:][:100])]
    for one in found:
        assert one is not None
        if one.status is DeliveryStatus.SUCCEEDED:
            assert one.id in run.accepted
        else:
            assert one.status in (DeliveryStatus.FAILED, DeliveryStatus.CANCELED)
            assert one.status is DeliveryStatus.FAILED or one.endpoint_id == endpoints[0].id
    assert not [one for e in endpoints for one in parking_store.oldest_attempts(receiver_of(e.org_id, e.id), 10)]
