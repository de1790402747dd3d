"""Timers: never early, never lost, late only when the tick was."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from switchboard.aws import clock
from switchboard.aws.queue import Job
from switchboard.aws.table import write
from switchboard.timers import service, store
from switchboard.timers.models import Timer
from tests.integration.sabotage import Killed, Sabotage, everything
from tests.unit.properties import examples

pytestmark = pytest.mark.usefixtures("cloud")

LEASE = 121
SECONDS = st.integers(0, 300_000).map(lambda milliseconds: milliseconds / 1_000)


@dataclass
class Office:
    """A queue that notes when each timer's job reaches its worker, and what was set and cancelled."""

    now: clock.Frozen
    arrivals: dict[str, list[float]] = field(default_factory=dict)
    waiting: dict[str, Timer] = field(default_factory=dict)

    def send(self, jobs: Iterable[Job]) -> None:
        for job in jobs:
            self.arrivals.setdefault(job.body["timer"], []).append(self.now.at + job.delay)

    def set(self, seconds: float) -> Timer:
        timer = service.new("org_1", clock.now() + timedelta(seconds=seconds), "email", {})
        write(service.setting(timer))
        self.waiting[timer.id] = timer
        return timer

    def cancel(self, timer: Timer) -> None:
        if service.cancel(timer):
            assert timer.id not in self.arrivals
            del self.waiting[timer.id]

    def check(self) -> None:
        """What holds at any moment."""
        mark = store.watermark() or ""
        for timer in self.waiting.values():
            arrived = self.arrivals.get(timer.id)
            assert arrived or timer.minute >= mark, "the watermark has passed a timer that did not fire"
            assert all(moment >= clock.parse(timer.due).timestamp() for moment in arrived or []), "early"
        assert self.arrivals.keys() <= self.waiting.keys(), "a cancelled timer fired"

    def empty(self) -> None:
        """Let the ticks go on until all that is set is due."""
        for _ in range(8):
            self.now.advance(seconds=60)
            service.tick()
        self.check()
        assert self.arrivals.keys() == self.waiting.keys()
        assert not any(item["pk"]["S"].startswith("timer#") for item in everything("activity"))


@pytest.fixture
def at_work(cloud: dict[str, str], monkeypatch: pytest.MonkeyPatch, frozen: clock.Frozen) -> Office:
    office = Office(frozen)
    monkeypatch.setattr(service.queue, "send", office.send)
    store.advance(clock.stamp()[:16])
    return office


@pytest.fixture
def saboteur(at_work: Office) -> Sabotage:
    return Sabotage()


def begin(office: Office) -> None:
    office.arrivals.clear()
    office.waiting.clear()
    office.now.at = float(int(office.now.at) + LEASE)


STEPS = st.one_of(
    st.tuples(st.just("set"), SECONDS),
    st.tuples(st.just("set and fan out"), SECONDS),
    st.tuples(st.just("cancel"), st.integers(0, 20)),
    st.tuples(st.just("wait"), SECONDS),
    st.tuples(st.just("tick"), st.none()),
    st.tuples(st.just("die in a tick"), st.integers(0, 60)),
    st.tuples(st.just("die in the fan-out"), st.integers(0, 1)),
)


@given(st.lists(STEPS, min_size=3, max_size=12))
@examples(20, slow=True)
def test_whatever_is_missed_or_killed_a_timer_fires_and_is_never_early(
    at_work: Office, saboteur: Sabotage, steps: list[tuple[str, Any]]
) -> None:
    begin(at_work)
    for step, figure in steps:
        timers = list(at_work.waiting.values())
        match step:
            case "set":
                at_work.set(figure)
            case "set and fan out":
                service.fire(at_work.set(figure % 150))
            case "cancel" if timers:
                at_work.cancel(timers[figure % len(timers)])
            case "wait":
                at_work.now.advance(seconds=figure)
            case "tick":
                service.tick()
            case "die in a tick":
                with saboteur.killing(after=figure):
                    service.tick()
            case "die in the fan-out" if timers:
                with saboteur.killing(after=figure):
                    service.fire(timers[-1])
        at_work.check()
    at_work.now.advance(seconds=LEASE)
    at_work.empty()
    if not any(step.startswith("die") for step, _ in steps):
        assert all(len(moments) == 1 for moments in at_work.arrivals.values())


@given(st.lists(SECONDS, min_size=1, max_size=6), st.integers(0, 59_999))
@examples(10, slow=True)
def test_with_a_tick_every_minute_and_the_fan_out_each_timer_is_there_within_its_second(
    at_work: Office, dues: list[float], phase: int
) -> None:
    begin(at_work)
    at_work.now.advance(milliseconds=phase)
    service.tick()
    at_work.now.advance(seconds=30)
    for due in dues:
        timer = at_work.set(due)
        if "soon" in outbox(timer):
            service.fire(timer)
    at_work.now.advance(seconds=30)
    service.tick()
    at_work.empty()
    for timer in at_work.waiting.values():
        (arrived,) = at_work.arrivals[timer.id]
        assert 0 <= arrived - clock.parse(timer.due).timestamp() < 1.001


def outbox(timer: Timer) -> str:
    """Whether the stream shows a timer to the fan-out."""
    return "soon" if "outbox" in service.setting(timer).item else ""


def test_one_timer_that_cannot_be_fired_holds_up_no_other_and_is_told(
    at_work: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    good = at_work.set(0)
    bad = at_work.set(0)
    last = at_work.set(61)

    def send(jobs: Iterable[Job]) -> None:
        found = list(jobs)
        if any(job.body["timer"] == bad.id for job in found):
            raise RuntimeError("no such queue")
        at_work.send(found)

    monkeypatch.setattr(service.queue, "send", send)
    with pytest.raises(service.TimersFailed):
        service.tick()
    assert at_work.arrivals.keys() == {good.id, last.id}
    monkeypatch.setattr(service.queue, "send", at_work.send)
    at_work.now.advance(seconds=LEASE)
    service.tick()
    assert bad.id in at_work.arrivals


def test_the_watermark_waits_for_a_timer_whose_process_died_with_it(
    at_work: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    timer = at_work.set(0)
    at_work.now.advance(minutes=5)

    def die(_: Iterable[Job]) -> None:
        raise Killed

    monkeypatch.setattr(service.queue, "send", die)
    with pytest.raises(Killed):
        service.tick()
    monkeypatch.setattr(service.queue, "send", at_work.send)
    service.tick()
    at_work.check()
    at_work.now.advance(seconds=LEASE)
    service.tick()
    assert at_work.arrivals.keys() == {timer.id}


def test_a_timer_that_is_on_its_way_cannot_be_cancelled(at_work: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    timer = at_work.set(0)
    cancelled = []

    def send(jobs: Iterable[Job]) -> None:
        cancelled.append(service.cancel(timer))
        at_work.send(jobs)

    monkeypatch.setattr(service.queue, "send", send)
    assert service.fire(timer)
    assert (cancelled, service.cancel(timer)) == ([False], False)
    assert len(at_work.arrivals[timer.id]) == 1


def test_a_timer_that_was_cancelled_is_not_fired_by_who_still_holds_it(at_work: Office) -> None:
    timer = at_work.set(0)
    assert service.cancel(timer)
    assert not service.fire(timer)
    assert at_work.arrivals == {}


def test_a_tick_that_runs_out_of_time_is_gone_on_with(at_work: Office) -> None:
    far, near = at_work.set(130), at_work.set(10)
    at_work.now.advance(seconds=130)
    answers = iter([False, True])
    service.tick(enough=lambda: next(answers))
    assert near.id in at_work.arrivals
    assert far.id not in at_work.arrivals
    service.tick()
    assert far.id in at_work.arrivals


def test_a_timer_that_is_set_for_the_past_is_due_now(at_work: Office) -> None:
    timer = at_work.set(-3_600)
    assert timer.due == clock.stamp()
    service.tick()
    assert at_work.arrivals == {timer.id: [at_work.now.at]}


def test_a_timer_is_cancelled_once(at_work: Office) -> None:
    timer = at_work.set(300)
    assert [service.cancel(timer), service.cancel(timer)] == [True, False]


def test_the_watermark_never_goes_back(at_work: Office) -> None:
    store.advance("2026-01-15T17:30")
    store.advance("2026-01-15T17:20")
    assert store.watermark() == "2026-01-15T17:30"
