"""Deferred jobs: never early, never lost, and late only if a tick was late."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from switchboard.aws import queues
from switchboard.aws.writes import Put, commit, write_item
from switchboard.email.jobs import SendMail
from switchboard.errors import NotFound
from switchboard.fanout import service as fanout
from switchboard.kit import clock
from switchboard.kit.jobs import QueueMessage
from switchboard.timers import service, store
from switchboard.timers.jobs import FireTimers
from switchboard.timers.models import Timer
from tests.integration.sabotage import Killed, Sabotage, scan_items
from tests.unit.properties import example_settings

pytestmark = pytest.mark.usefixtures("cloud")

#: From due now to due in most of an hour, beyond the 15 minutes that a queue may delay.
SECONDS = st.integers(0, 3_000_000).map(lambda milliseconds: milliseconds / 1_000)
NUMBERS = count()
SHARDS = 16


@dataclass
class Office:
    """Queues that record each arrival of a job at its worker, and the requested jobs."""

    now: clock.FrozenClock
    arrivals: dict[str, list[float]] = field(default_factory=dict)
    #: The due time of each job that was requested and not canceled.
    due: dict[str, float] = field(default_factory=dict)
    refs: dict[str, str] = field(default_factory=dict)
    outbox: list[Put] = field(default_factory=list)
    to_fire: list[FireTimers] = field(default_factory=list)
    #: Queues that accept nothing.
    closed: set[str] = field(default_factory=set)

    def send_all(self, messages: Sequence[QueueMessage]) -> set[int]:
        refused = set()
        for place, message in enumerate(messages):
            if message.queue in self.closed:
                refused.add(place)
            elif message.queue == FireTimers.queue:
                self.to_fire.append(FireTimers.parse_body(message.body))
            else:
                self.arrivals.setdefault(message.body["message_id"], []).append(self.now.at + message.delay)
        return refused

    def ask(self, seconds: float, queue_name: str | None = None) -> str:
        name = f"msg_{next(NUMBERS)}"
        moment = clock.now() + timedelta(seconds=seconds)
        later = service.schedule(SendMail(org_id="org_1", message_id=name), moment, queue_name=queue_name)
        write_item(later.write)
        if later.ref:
            self.refs[name] = later.ref
        else:
            self.outbox.append(later.write)
        self.due[name] = moment.timestamp()
        return name

    def hand_on(self) -> None:
        """The immediate work of the table's stream."""
        waiting = [dict(write.item) for write in self.outbox]
        first = fanout.forward_items(waiting)
        self.outbox = [] if first is None else self.outbox[first:]

    def work(self) -> None:
        """The work of the timers' workers: a job is deleted after it succeeds."""
        while self.to_fire:
            service.fire_timers(self.to_fire[0])
            self.to_fire.pop(0)

    def take_back(self, name: str) -> None:
        commit(service.cancel_writes(self.refs.pop(name)))
        if name not in self.arrivals:
            del self.due[name]

    def check(self) -> None:
        """The invariants at any time."""
        assert self.arrivals.keys() <= self.due.keys(), "a canceled job arrived"
        for name, moments in self.arrivals.items():
            assert all(moment >= self.due[name] for moment in moments), "early"

    def empty(self, minutes: int) -> None:
        """Advance the time until all requested jobs are due, with a tick every given number of minutes."""
        self.hand_on()
        for _ in range(60 // minutes):
            service.run_tick()
            self.work()
            self.now.advance(minutes=minutes)
        self.check()
        assert self.arrivals.keys() == self.due.keys(), "lost"
        assert not any(item["pk"]["S"].startswith("timer#") for item in scan_items("activity"))


@pytest.fixture
def office(cloud: dict[str, str], monkeypatch: pytest.MonkeyPatch, frozen: clock.FrozenClock) -> Office:
    found = Office(frozen)
    monkeypatch.setattr(queues, "try_send_messages", found.send_all)
    # Fewer shards, since each costs a query of moto's a minute.
    monkeypatch.setattr(store, "SHARDS", 2)
    store.advance_watermark(clock.now_iso()[:16], store.SHARDS)
    return found


@pytest.fixture
def saboteur(office: Office) -> Sabotage:
    return Sabotage()


def start_tick(office: Office) -> None:
    office.arrivals.clear()
    office.due.clear()
    office.refs.clear()


STEPS = st.one_of(
    st.tuples(st.just("ask"), SECONDS),
    st.tuples(st.just("ask"), SECONDS),
    st.tuples(st.just("take back"), st.integers(0, 20)),
    st.tuples(st.just("wait"), SECONDS.map(lambda seconds: seconds / 10)),
    st.tuples(st.just("tick"), st.none()),
    st.tuples(st.just("work"), st.none()),
    st.tuples(st.just("hand on"), st.none()),
    st.tuples(st.just("die in a tick"), st.integers(0, 3)),
    st.tuples(st.just("die at work"), st.integers(0, 60)),
)


@given(st.lists(STEPS, min_size=3, max_size=12))
@example_settings(12, slow=True)
def test_a_job_arrives_and_is_never_early_despite_missed_ticks_and_kills(
    office: Office, saboteur: Sabotage, steps: list[tuple[str, Any]]
) -> None:
    start_tick(office)
    for step, figure in steps:
        match step:
            case "ask":
                office.ask(figure)
            case "take back" if office.refs:
                names = list(office.refs)
                office.take_back(names[figure % len(names)])
            case "wait":
                office.now.advance(seconds=figure)
            case "tick":
                service.run_tick()
            case "work":
                office.work()
            case "hand on":
                office.hand_on()
            case "die in a tick":
                with saboteur.killing(after=figure):
                    service.run_tick()
            case "die at work":
                with saboteur.killing(after=figure):
                    office.work()
        office.check()
    office.empty(minutes=15)
    if not any(step.startswith("die") for step, _ in steps):
        assert all(len(moments) == 1 for moments in office.arrivals.values())


@given(st.lists(SECONDS, min_size=1, max_size=6), st.integers(0, 59_999))
@example_settings(3, slow=True)
def test_with_a_tick_every_minute_each_job_arrives_within_its_second(
    office: Office, dues: list[float], phase: int
) -> None:
    start_tick(office)
    office.now.advance(milliseconds=phase)
    service.run_tick()
    office.work()
    office.now.advance(seconds=30)
    for due in dues:
        office.ask(due)
    office.hand_on()
    office.now.advance(seconds=30)
    office.empty(minutes=1)
    for name, (arrived,) in office.arrivals.items():
        assert 0 <= arrived - office.due[name] < 1.001


def test_a_job_within_a_queues_maximum_delay_needs_no_timer(office: Office) -> None:
    for seconds in (0, 1, 899, 900):
        office.ask(seconds)
    assert len(office.outbox) == 4
    assert not office.refs
    office.ask(901)
    assert len(office.refs) == 1
    for put in office.outbox:
        assert put.item["expires"] > clock.parse(put.item["due"]).timestamp()


def test_a_past_time_means_now(office: Office) -> None:
    name = office.ask(-3_600)
    office.hand_on()
    assert office.arrivals == {name: [office.now.at]}


def test_a_moot_timer_is_deleted_in_the_same_commit(office: Office) -> None:
    name = office.ask(3_600)
    commit(
        service.cancel_writes(office.refs[name], None, office.refs[name]),
        Put(table="core", item={"pk": "a", "sk": "b"}),
    )
    assert not any(item["pk"]["S"].startswith("timer#") for item in scan_items("activity"))
    assert service.cancel_writes(None) == []


def test_a_minute_with_nothing_due_takes_twenty_requests_at_most(
    office: Office, saboteur: Sabotage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "SHARDS", SHARDS)
    pass_minutes(office, 1)
    office.now.advance(minutes=1)
    with saboteur.counting() as calls:
        assert service.run_tick() == store.SHARDS
        office.work()
    # The test's queues take the messages: on AWS these are two requests of ten each.
    assert len(calls) + 2 <= 20


def test_missed_ticks_are_made_up_half_an_hour_per_job(office: Office) -> None:
    name = office.ask(3_600)
    office.now.advance(hours=3)
    assert service.run_tick() == 7 * store.SHARDS
    assert {job_minutes(job) for job in office.to_fire} == {30, 1}
    office.work()
    assert name in office.arrivals


def test_after_two_days_without_ticks_each_takes_some_hours_until_none_is_left(office: Office) -> None:
    first, last = office.ask(3_600), office.ask(40 * 3_600)
    office.now.advance(hours=48)
    assert service.run_tick() == 12 * store.SHARDS
    office.work()
    assert (first in office.arrivals, last in office.arrivals) == (True, False)
    handed = [service.run_tick() // store.SHARDS for _ in range(9)]
    assert (sum(handed), handed[-1]) == (85, 0), "42 hours, and the minute ahead"
    assert {job_minutes(job) for job in office.to_fire} == {30, 1}
    office.work()
    assert last in office.arrivals


def job_minutes(job: FireTimers) -> int:
    first, last = (clock.parse(f"{moment}:00Z") for moment in (job.first, job.last))
    return (last - first) // timedelta(minutes=1) + 1


def test_two_ticks_of_one_minute_hand_out_its_jobs_once(office: Office) -> None:
    office.now.advance(minutes=1)
    assert service.run_tick() == store.SHARDS
    assert service.run_tick() == 0


def pass_minutes(office: Office, number: int, each: int = 1) -> None:
    for _ in range(0, number, each):
        office.now.advance(minutes=each)
        service.run_tick()
        office.work()


def test_a_timer_that_cannot_be_handed_over_blocks_no_other_and_is_retried(office: Office) -> None:
    good, bad = office.ask(1_000), office.ask(1_000, queue_name="scoring")
    office.closed = {"scoring"}
    pass_minutes(office, 18)
    assert good in office.arrivals
    assert bad not in office.arrivals
    office.closed = set()
    pass_minutes(office, 6)
    assert bad in office.arrivals
    office.check()


def test_a_timer_that_can_never_be_handed_over_is_set_aside(office: Office, saboteur: Sabotage) -> None:
    bad = office.ask(901, queue_name="no-such-queue")
    office.closed = {"no-such-queue"}
    pass_minutes(office, 210, each=7)
    (dead,), _ = service.list_dead_timers(10)
    assert dead.timer["body"]["message_id"] == bad
    assert "no-such-queue did not accept it in 8 attempts" in dead.reason
    mark, _ = store.get_watermark()
    assert mark == clock.format_iso(clock.now() + timedelta(seconds=75))[:16]
    with saboteur.counting() as calls:
        pass_minutes(office, 1)
    assert len(calls) + 2 <= 20
    office.closed = set()
    service.fire_dead_timer(dead)
    assert bad in office.arrivals
    assert service.list_dead_timers(10) == ([], None)
    with pytest.raises(NotFound):
        service.delete_dead_timer(dead)


@pytest.mark.parametrize("item", [{}, {"queue": 7}, {"id": "tmr_bad", "body": "none", "queue": "email"}])
def test_an_unreadable_timer_is_set_aside_unchanged(office: Office, item: dict[str, Any]) -> None:
    due = clock.format_iso(clock.now() + timedelta(minutes=3))
    write_item(Put(table="activity", item={"pk": f"timer#{due[:16]}#1", "sk": f"{due}#tmr_bad", **item}))
    good = office.ask(901)
    pass_minutes(office, 20)
    assert good in office.arrivals
    (dead,), _ = service.list_dead_timers(10)
    assert dead.timer == item
    assert dead.reason == "it cannot be parsed"
    assert not any(found["pk"]["S"].startswith("timer#") for found in scan_items("activity"))
    with pytest.raises(ValueError, match="validation error"):
        service.fire_dead_timer(dead)


def test_a_worker_killed_between_send_and_delete_sends_again_and_loses_none(office: Office, saboteur: Sabotage) -> None:
    names = [office.ask(905) for _ in range(30)]
    office.now.advance(minutes=14, seconds=30)
    service.run_tick()
    for calls in range(80):
        with saboteur.killing(after=calls):
            office.work()
            break
    assert set(names) == office.arrivals.keys()
    office.check()


def test_a_tick_killed_after_its_jobs_hands_them_out_again(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    name = office.ask(901)
    office.now.advance(minutes=15)

    def die(*_: Any) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(store, "advance_watermark", die)
        with pytest.raises(Killed):
            service.run_tick()
    service.run_tick()
    office.work()
    assert name in office.arrivals
    office.check()


def test_the_next_tick_takes_the_minutes_of_a_refused_one(office: Office) -> None:
    office.now.advance(minutes=1)
    office.closed = {FireTimers.queue}
    with pytest.raises(queues.SendError):
        service.run_tick()
    office.closed = set()
    assert service.run_tick() == store.SHARDS


def test_the_watermark_never_goes_back(office: Office) -> None:
    store.advance_watermark("2026-01-15T17:30", 16)
    store.advance_watermark("2026-01-15T17:20", 16)
    assert store.get_watermark() == ("2026-01-15T17:30", 16)


def test_extra_shards_of_an_earlier_version_are_still_read(office: Office) -> None:
    store.advance_watermark("2026-01-15T17:30", 32)
    office.now.advance(minutes=45)
    assert service.run_tick() == 32


def test_timers_are_spread_over_all_shards(frozen: clock.FrozenClock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "SHARDS", SHARDS)

    def timer(name: str) -> Timer:
        return Timer(id=name, org_id="o", due=clock.now_iso(), queue="q", body={})

    found = {store.shard_of(timer(f"tmr_{a}{b}").id) for a in "0123456789ab" for b in "0123456789abcdef"}
    assert found == set(range(SHARDS))
