"""The number of concurrent calls of an organization, and the order in which further calls wait."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from random import Random
from typing import Any

import pytest

from switchboard.accounts.plans import PLANS, PlanName
from switchboard.calls import dialing, lanes, lengths, reports, timeouts
from switchboard.calls.models import FINAL_STATES, Call, State
from switchboard.carriers import voice
from switchboard.carriers.voice.ports.reports import EndReason, Report
from switchboard.compliance import ledgers
from switchboard.kit import clock
from tests.actors import Tenant, tenant
from tests.unit.calls.dialers import NOBODY, Dialers, kill_process

pytestmark = pytest.mark.usefixtures("cloud", "frozen")


def create_tenant(cap: int, slug: str = "acme", **limits: Any) -> Tenant:
    return tenant(slug, concurrent_calls=cap, **limits)


def accept_calls(world: Dialers, org: Tenant, number: int, **changes: Any) -> list[Call]:
    return [world.accept_call(org, **changes) for _ in range(number)]


def read_states(world: Dialers, calls: list[Call]) -> list[State]:
    return [world.read_call(call).state for call in calls]


def test_each_plan_has_its_number_of_concurrent_calls() -> None:
    figures = {name: PLANS[name].concurrent_calls for name in PlanName}
    assert list(figures.values()) == [1, 5, 25, 100, 250]


def test_calls_above_the_cap_wait_and_are_dialed_in_order_of_acceptance(world: Dialers) -> None:
    org = create_tenant(2)
    calls = accept_calls(world, org, 5)
    world.run_due_jobs()
    assert len(world.live_calls(org)) == 2
    assert world.waiting_ids(org) == [call.id for call in calls if world.read_call(call).state is State.CREATED]
    begun = [dial.call_id for _, dial in world.carrier.placed]
    waiting = world.waiting_ids(org)
    for _ in range(3):
        world.end_call(world.live_calls(org)[0])
        world.run_due_jobs()
    assert [dial.call_id for _, dial in world.carrier.placed] == begun + waiting
    assert world.waiting_ids(org) == []


def test_a_new_call_does_not_overtake_a_waiting_call(world: Dialers) -> None:
    org = create_tenant(1)
    first, second = accept_calls(world, org, 2)
    world.run_due_jobs()
    waiting = world.waiting_ids(org)
    world.end_call(world.live_calls(org)[0])
    world.jobs.clear()  # the wake-up job is lost
    late = world.accept_call(org)
    world.run_due_jobs()
    assert world.read_call(late).state is State.CREATED
    assert world.waiting_ids(org) == [*waiting, late.id]
    assert {first.id, second.id} >= set(waiting)


def test_a_lost_wake_up_is_repaired_within_a_minute(world: Dialers) -> None:
    org = create_tenant(1)
    accept_calls(world, org, 2)
    world.run_due_jobs()
    world.end_call(world.live_calls(org)[0])
    world.jobs = [(due, job) for due, job in world.jobs if job["job"] != "WakeWaiting"]
    world.run_due_jobs()
    assert world.live_calls(org) == []
    world.pass_time(61)
    assert len(world.live_calls(org)) == 1


def test_the_end_of_a_call_costs_one_read_if_no_call_waits(world: Dialers) -> None:
    org = create_tenant(1)
    (call,) = accept_calls(world, org, 1)
    world.run_due_jobs()
    world.end_call(call)
    assert [job["job"] for due, job in world.jobs if due <= clock.now()] == ["WakeWaiting"]
    world.run_due_jobs()
    assert world.count_held_lanes(org) == 0


def test_calls_of_test_keys_have_their_own_lanes(world: Dialers, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(voice, "get_simulated_carrier", lambda: world.carrier.carrier)
    org = create_tenant(1)
    tests = accept_calls(world, org, lanes.MAX_SIMULATED_CALLS + 1, simulated=True)
    (live,) = accept_calls(world, org, 1)
    world.run_due_jobs()
    assert world.read_call(live).state is State.RINGING
    assert read_states(world, tests).count(State.RINGING) == lanes.MAX_SIMULATED_CALLS
    assert len(world.waiting_ids(org, "test")) == 1


def test_organizations_do_not_wait_for_each_other(world: Dialers) -> None:
    one, other = create_tenant(1), create_tenant(1, "other")
    calls = [*accept_calls(world, one, 2), *accept_calls(world, other, 1)]
    world.run_due_jobs()
    assert read_states(world, calls).count(State.RINGING) == 2
    assert len(world.live_calls(other)) == 1


def test_a_call_that_never_gets_a_lane_ends_with_the_reason_and_the_waiting_time(world: Dialers) -> None:
    org = create_tenant(1)
    accept_calls(world, org, 2)
    world.run_due_jobs()
    (waiting,) = world.waiting_ids(org)
    (call,) = [call for call in world.calls if call.id == waiting]
    talking = world.live_calls(org)[0]
    reports.apply_report(Report(org_id=org.org_id, call_id=talking.id, kind="answered"))
    world.pass_time(15 * 60 + 1)
    ended = world.read_call(call)
    assert (ended.state, ended.end_reason) == (State.FAILED, EndReason.CONCURRENCY_LIMIT)
    assert ended.error == ("waited 15 minutes: the organization's limit of 1 concurrent calls was always reached")
    assert world.waiting_ids(org) == []
    assert not ended.provisional, "no provider ever had the call"


def test_an_end_names_the_provider_or_the_cap_as_the_cause_correctly(world: Dialers) -> None:
    world.carrier.outcomes = lambda: voice.ThrottledError("later")
    org = create_tenant(1)
    (call,) = accept_calls(world, org, 1)
    world.pass_time(16 * 60)
    ended = world.read_call(call)
    assert (ended.end_reason, ended.error) == (
        EndReason.PROVIDER_UNAVAILABLE,
        "the provider accepted no call for 15 minutes",
    )
    assert world.count_held_lanes(org) == 0


def test_a_lost_job_is_blamed_on_no_limit(world: Dialers) -> None:
    org = create_tenant(1)
    (call,) = accept_calls(world, org, 1)
    world.jobs = [(due, job) for due, job in world.jobs if job["job"] != "DialCall"]
    world.pass_time(16 * 60)
    ended = world.read_call(call)
    assert (ended.end_reason, ended.error) == (EndReason.TIMEOUT, "the call was not dialed within 15 minutes")


def test_a_waiting_call_is_checked_again_when_it_is_dialed(world: Dialers) -> None:
    org = create_tenant(1)
    accept_calls(world, org, 3)
    world.run_due_jobs()
    ledgers.record_opt_out(org.caller(), NOBODY, "api")
    world.end_call(world.live_calls(org)[0])
    world.run_due_jobs()
    assert all(world.read_call(call).state in FINAL_STATES for call in world.calls), (
        "a refused call wakes the next call"
    )
    assert len(world.carrier.placed) == 1
    assert world.waiting_ids(org) == []


def test_a_lowered_or_raised_cap_applies_at_once(world: Dialers) -> None:
    org = create_tenant(3)
    calls = accept_calls(world, org, 5)
    world.run_due_jobs()
    world.set_cap(org, 1)
    # The lowest lane is free then, and the lanes above the cap are in use.
    (lowest,) = [call for call in world.live_calls(org) if call.lane == "live|0"]
    world.end_call(lowest)
    world.run_due_jobs()
    assert len(world.live_calls(org)) == 2
    world.end_call(world.live_calls(org)[0])
    world.run_due_jobs()
    assert len(world.live_calls(org)) == 1
    assert read_states(world, calls).count(State.CREATED) == 2
    world.set_cap(org, 3)
    world.run_due_jobs()
    assert len(world.live_calls(org)) == 3


def test_a_lane_is_released_once_for_every_kind_of_end(world: Dialers) -> None:
    org = create_tenant(2)
    one, two, three = accept_calls(world, org, 3)
    world.run_due_jobs()
    live = world.live_calls(org)
    for _ in range(3):
        world.end_call(live[0])  # reported twice
    timeouts.close_call(org.org_id, live[0].id, "ringing")
    world.run_due_jobs()
    assert len(world.live_calls(org)) == 2
    assert world.count_held_lanes(org) == 2
    # The provider corrects the end later: a correction releases no lane.
    forgotten = world.live_calls(org)[0]
    timeouts.close_call(org.org_id, forgotten.id, "ringing")
    late = world.accept_call(org)
    world.run_due_jobs()
    assert world.read_call(late).state is State.RINGING
    ended = Report(
        org_id=org.org_id, call_id=forgotten.id, kind="ended", end_reason=EndReason.COMPLETED, duration_seconds=9
    )
    reports.apply_report(ended)
    assert world.read_call(forgotten).state is State.COMPLETED
    assert world.count_held_lanes(org) == 2
    assert {one.id, two.id, three.id} >= {call.id for call in live}


def test_a_lease_expires_and_a_late_end_releases_no_other_lane(world: Dialers) -> None:
    org = create_tenant(1)
    (lost,) = accept_calls(world, org, 1)
    world.run_due_jobs()
    world.jobs.clear()  # its timers are lost too
    world.frozen.advance(seconds=lanes.LEASE.total_seconds() + 1)
    (other,) = accept_calls(world, org, 1)
    world.run_due_jobs()
    assert world.read_call(other).state is State.RINGING
    world.end_call(lost)
    world.run_due_jobs()
    assert world.count_held_lanes(org) == 1, "the lane of the other call"


def test_a_lease_is_longer_than_any_call() -> None:
    longest = dialing.UNCONFIRMED_AFTER + 2 * lengths.TALK_LIMIT + reports.RING_REPORT_LIMIT
    assert longest + timedelta(minutes=30) < lanes.LEASE
    assert timedelta(minutes=15) == lanes.WAIT_LIMIT, "its timer leaves through the outbox"


def test_an_ending_call_wakes_a_call_that_starts_to_wait_at_the_same_time(world: Dialers) -> None:
    """Between every two requests of the dialer that finds no lane, the only lane is released."""
    for number in range(30):
        org = create_tenant(1, f"org-{number}")
        first = world.accept_call(org)
        world.run_due_jobs()
        second = world.accept_call(org)
        (place,) = world.due_positions()
        with world.interrupted(number, partial(world.end_call, first)):
            world.run_job(place)
        if world.read_call(first).state not in FINAL_STATES:
            assert number >= 5, "the interruption happened"
            return
        world.run_due_jobs()
        assert world.read_call(second).state is State.RINGING
    raise AssertionError("a dialer makes fewer requests than that")


@pytest.mark.parametrize("number", range(8))
def test_a_call_that_another_dialer_dials_meanwhile_does_not_wait(world: Dialers, number: int) -> None:
    """An active call in the waiting line would block the calls behind it."""
    org = create_tenant(1)
    first = world.accept_call(org)
    world.run_due_jobs()
    second = world.accept_call(org)

    def dial_meanwhile() -> None:
        world.end_call(first)
        dialing.dial_call(second.org_id, second.id)

    with world.interrupted(number, dial_meanwhile):
        world.run_job(world.due_positions()[0])
    if world.read_call(first).state in FINAL_STATES:
        assert (world.read_call(second).state, world.waiting_ids(org)) == (State.RINGING, [])


@pytest.mark.parametrize("after", range(14))
def test_a_call_with_a_lane_leaves_the_waiting_line(world: Dialers, after: int) -> None:
    """Between two requests of its dialer, another job of the call queues it, and the lane becomes free again."""
    org = create_tenant(1)
    first, other = accept_calls(world, org, 2)
    world.jobs.clear()

    def queue_meanwhile() -> None:
        dialing.dial_call(org.org_id, other.id)
        dialing.dial_call(org.org_id, first.id)
        world.end_call(other)

    with world.interrupted(after, queue_meanwhile):
        dialing.dial_call(org.org_id, first.id)
    world.collect_jobs()
    world.run_due_jobs()
    assert world.read_call(first).state is not State.CREATED
    assert first.id not in world.waiting_ids(org)
    world.end_call(first)
    world.run_due_jobs()
    (late,) = accept_calls(world, org, 1)
    world.run_due_jobs()
    assert world.read_call(late).state is State.RINGING


def test_a_raised_cap_wakes_all_calls_that_fit(world: Dialers) -> None:
    org = create_tenant(1)
    accept_calls(world, org, 30)
    world.run_due_jobs()
    world.set_cap(org, 28)
    world.pass_time(3)
    assert len(world.live_calls(org)) == 28


@pytest.mark.parametrize("number", range(9))
def test_a_killed_dialer_keeps_no_lane_and_loses_no_call(world: Dialers, number: int) -> None:
    org = create_tenant(1)
    accept_calls(world, org, 2)
    for _ in range(2):
        with world.interrupted(number, kill_process):
            world.run_job(world.due_positions()[0])
    _end_all(world, org)
    assert (world.count_held_lanes(org), world.waiting_ids(org)) == (0, [])
    assert all(count == 1 for count in _times_dialed(world).values())


def _end_all(world: Dialers, org: Tenant) -> None:
    """Let time pass and calls end until no call is left."""
    for _ in range(200):
        for call in world.live_calls(org)[:1]:
            if call.state is State.RINGING:
                world.end_call(call)
        world.pass_time(30)
        if not world.open_calls():
            return
    raise AssertionError(f"these do not end: {world.open_calls()}")


def _times_dialed(world: Dialers) -> dict[str, int]:
    found: dict[str, int] = {}
    for _, dial in world.carrier.placed:
        found[dial.call_id] = found.get(dial.call_id, 0) + 1
    return found


@pytest.mark.parametrize("seed", range(10))
def test_the_cap_holds_and_every_call_ends_under_random_interleavings(world: Dialers, seed: int) -> None:
    """Random orders of accept, dial, end, kill, lost and repeated jobs, changed caps and expired leases. Some fall
    between two requests of a dialer.
    """
    chosen = world.chance = Random(seed)
    cap = chosen.randint(1, 4)
    org = create_tenant(cap)
    lost_jobs = False
    order: list[str] = []

    def check_cap(dial: voice.Placement) -> None:
        assert len(world.live_calls(org)) <= world_cap[0], "more calls than the cap"
        order.append(dial.call_id)

    world_cap = [cap]
    world.carrier.watching = check_cap
    outcomes: list[Exception | None] = [None] * 6 + [
        voice.ThrottledError("x"),
        voice.RefusedError("x"),
        voice.OutcomeUnknownError("x"),
    ]
    world.carrier.outcomes = lambda: chosen.choice(outcomes)

    def end_random_call() -> None:
        if live := [call for call in world.live_calls(org) if call.state is State.RINGING]:
            world.end_call(chosen.choice(live))

    def dial_random_call() -> None:
        if due := world.due_positions():
            world.run_job(chosen.choice(due))

    for _ in range(45):
        act = chosen.choice(
            ["accept", "accept", "dial", "dial", "dial", "end", "cap", "twice", "lose", "time", "cross"]
        )
        if act == "accept" and len(world.calls) < 14:
            world.accept_call(org)
        elif act == "end":
            end_random_call()
        elif act == "cap":
            world_cap[0] = chosen.randint(1, 4)
            world.set_cap(org, world_cap[0])
        elif act == "twice" and world.jobs:
            world.jobs.append(chosen.choice(world.jobs))
        elif act == "lose":
            wakes = [job for job in world.jobs if job[1]["job"] == "WakeWaiting"]
            if wakes:
                world.jobs.remove(chosen.choice(wakes))
                lost_jobs = True
        elif act == "time":
            world.frozen.advance(seconds=chosen.choice([1, 20, 100]))
        elif due := world.due_positions():
            beside = chosen.choice([end_random_call, dial_random_call, kill_process, lambda: None])
            with world.interrupted(chosen.randint(0, 12), beside):
                world.run_job(chosen.choice(due))
        coming = {"DialCall", "WakeWaiting"} & {job["job"] for _, job in world.jobs}
        if not lost_jobs and not coming:
            free = world_cap[0] - len(world.live_calls(org))
            assert free <= 0 or not world.waiting_ids(org), "a call waits although a lane is free"
    _end_all(world, org)
    for call in map(world.read_call, world.calls):
        assert call.state in FINAL_STATES
        assert call.end_reason is not None
        assert call.claim or call.error, "the call was dialed, or its end has a reason"
    assert (world.count_held_lanes(org), world.waiting_ids(org)) == (0, [])
    assert all(count == 1 for count in _times_dialed(world).values())


@pytest.mark.parametrize("seed", range(10))
def test_waiting_calls_keep_the_order_of_acceptance_in_any_order_of_jobs(world: Dialers, seed: int) -> None:
    chosen = world.chance = Random(seed)
    org = create_tenant(2)
    line: list[str] = []

    def check_order(dial: voice.Placement) -> None:
        ids = [call.id for call in world.calls]
        before = [other for other in line if ids.index(other) < ids.index(dial.call_id)]
        # As many calls may be dialed at once as there are lanes.
        assert len(before) < 2, "the call overtook waiting calls"

    world.carrier.watching = check_order
    for _ in range(60):
        if chosen.random() < 0.4 and len(world.calls) < 20:
            world.accept_call(org)
        elif (due := world.due_positions()) and chosen.random() < 0.7:
            world.run_job(chosen.choice(due))
        elif live := world.live_calls(org):
            world.end_call(chosen.choice(live))
        line[:] = world.waiting_ids(org)
