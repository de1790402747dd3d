"""Concurrent ticks and timer workers on the engine."""

from __future__ import annotations

from datetime import timedelta

from switchboard.aws.writes import commit
from switchboard.email.jobs import SendMail
from switchboard.kit import clock
from switchboard.timers import service as timers
from switchboard.timers import store as timer_store
from switchboard.timers.jobs import FireTimers
from tests.integration.concurrency.conftest import run_together
from tests.integration.sabotage import drain_queue, scan_items


def set_timer(org: str, number: int) -> str:
    later = timers.schedule(SendMail(org_id=org, message_id=f"msg_{number}"), clock.now() + timedelta(minutes=16))
    commit(later.write)
    assert later.ref is not None
    return later.ref


def list_shard_jobs(frozen: clock.FrozenClock) -> list[FireTimers]:
    """The jobs of the minutes in which such timers are due."""
    span = {
        "first": clock.format_iso(clock.now())[:16],
        "last": clock.format_iso(clock.now() + timedelta(minutes=20))[:16],
    }
    frozen.advance(minutes=17)
    return [FireTimers(shard=shard, **span) for shard in range(timer_store.SHARDS)]


def test_concurrent_workers_of_a_shard_fire_every_timer(org: str, frozen: clock.FrozenClock) -> None:
    for number in range(12):
        set_timer(org, number)
    (shard,) = list_shard_jobs(frozen)
    assert run_together([lambda: timers.fire_timers(shard)] * 3) == [None] * 3
    sent = {body["message_id"] for body in drain_queue("email")}
    assert sent == {f"msg_{number}" for number in range(12)}
    assert not any(item["pk"]["S"].startswith("timer#") for item in scan_items("activity"))


def test_concurrent_ticks_hand_out_every_minute(org: str, frozen: clock.FrozenClock) -> None:
    frozen.advance(minutes=1)
    handed_out = [count for count in run_together([timers.run_tick] * 3) if isinstance(count, int)]
    assert 1 <= sum(handed_out) <= 3
    assert len(drain_queue("timers")) == sum(handed_out)
    assert timers.run_tick() == 0


def test_a_timer_canceled_while_it_fires_runs_at_most_once_and_is_deleted(org: str, frozen: clock.FrozenClock) -> None:
    for round_ in range(6):
        ref = set_timer(org, round_)
        (shard,) = list_shard_jobs(frozen)
        run_together([lambda shard=shard: timers.fire_timers(shard), lambda ref=ref: commit(timers.cancel_writes(ref))])
        assert len(drain_queue("email")) <= 1
        assert not any(item["pk"]["S"].startswith("timer#") for item in scan_items("activity"))
