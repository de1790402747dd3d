"""How many calls an organization has under way at once, and how the others wait."""

from __future__ import annotations

from datetime import timedelta
from random import Random
from typing import Any

import pytest

from switchboard.accounts.plans import PLANS, PlanName
from switchboard.calls import dialing, ending, lanes, reports, timeouts
from switchboard.calls.models import FINAL_STATES, Call, State
from switchboard.carriers import voice
from switchboard.carriers.voice.ports.reports import EndReason, Report
from switchboard.compliance import ledgers
from switchboard.kit import clock
from tests.actors import Tenant, tenant
from tests.unit.calls.dialers import NOBODY, Dialers, kill

pytestmark = pytest.mark.usefixtures("cloud", "frozen")


def acme(cap: int, slug: str = "acme", **limits: Any) -> Tenant:
    return tenant(slug, concurrent_calls=cap, **limits)


def accepted(world: Dialers, org: Tenant, number: int, **changes: Any) -> list[Call]:
    return [world.accept(org, **changes) for _ in range(number)]


def states(world: Dialers, calls: list[Call]) -> list[State]:
    return [world.now(call).state for call in calls]


def test_the_plans_have_so_many_concurrent_calls() -> None:
    figures = {name: PLANS[name].concurrent_calls for name in PlanName}
    assert list(figures.values()) == [1, 5, 25, 100, 250]


def test_calls_beyond_the_cap_wait_and_go_in_the_order_of_acceptance(world: Dialers) -> None:
    org = acme(2)
    calls = accepted(world, org, 5)
    world.settle()
    assert len(world.live(org)) == 2
    assert world.waiting(org) == [call.id for call in calls if world.now(call).state is State.CREATED]
    begun = [dial.call_id for _, dial in world.carrier.placed]
    waiting = world.waiting(org)
    for _ in range(3):
        world.end(world.live(org)[0])
        world.settle()
    assert [dial.call_id for _, dial in world.carrier.placed] == begun + waiting
    assert world.waiting(org) == []


def test_a_new_call_does_not_overtake_one_that_waits(world: Dialers) -> None:
    org = acme(1)
    first, second = accepted(world, org, 2)
    world.settle()
    waiting = world.waiting(org)
    world.end(world.live(org)[0])
    world.jobs.clear()  # the wake is lost
    late = world.accept(org)
    world.settle()
    assert world.now(late).state is State.CREATED
    assert world.waiting(org) == [*waiting, late.id]
    assert {first.id, second.id} >= set(waiting)


def test_a_lost_wake_is_found_again_within_a_minute(world: Dialers) -> None:
    org = acme(1)
    accepted(world, org, 2)
    world.settle()
    world.end(world.live(org)[0])
    world.jobs = [(due, job) for due, job in world.jobs if job["job"] != "WakeWaiting"]
    world.settle()
    assert world.live(org) == []
    world.pass_by(61)
    assert len(world.live(org)) == 1


def test_an_organization_without_waiting_calls_costs_one_look_at_an_end(world: Dialers) -> None:
    org = acme(1)
    (call,) = accepted(world, org, 1)
    world.settle()
    world.end(call)
    assert [job["job"] for due, job in world.jobs if due <= clock.now()] == ["WakeWaiting"]
    world.settle()
    assert world.held(org) == 0


def test_calls_of_test_keys_have_lanes_of_their_own(world: Dialers, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(voice, "get_simulated_carrier", lambda: world.carrier.carrier)
    org = acme(1)
    tests = accepted(world, org, lanes.MAX_SIMULATED_CALLS + 1, simulated=True)
    (live,) = accepted(world, org, 1)
    world.settle()
    assert world.now(live).state is State.RINGING
    assert states(world, tests).count(State.RINGING) == lanes.MAX_SIMULATED_CALLS
    assert len(world.waiting(org, "test")) == 1


def test_an_organization_does_not_wait_for_another(world: Dialers) -> None:
    one, other = acme(1), acme(1, "other")
    calls = [*accepted(world, one, 2), *accepted(world, other, 1)]
    world.settle()
    assert states(world, calls).count(State.RINGING) == 2
    assert len(world.live(other)) == 1


def test_a_call_that_waits_in_vain_says_for_what_and_how_long(world: Dialers) -> None:
    org = acme(1)
    accepted(world, org, 2)
    world.settle()
    (waiting,) = world.waiting(org)
    (call,) = [call for call in world.calls if call.id == waiting]
    talking = world.live(org)[0]
    reports.apply_report(Report(org_id=org.org_id, call_id=talking.id, kind="answered"))
    world.pass_by(15 * 60 + 1)
    ended = world.now(call)
    assert (ended.state, ended.end_reason) == (State.FAILED, EndReason.CONCURRENCY_LIMIT)
    assert ended.error == ("waited 15 minutes: the organization's limit of 1 concurrent calls was always reached")
    assert world.waiting(org) == []
    assert not ended.provisional, "no provider ever had it"


def test_a_provider_without_room_is_not_blamed_for_a_cap_nor_the_cap_for_a_provider(world: Dialers) -> None:
    world.carrier.outcomes = lambda: voice.ThrottledError("later")
    org = acme(1)
    (call,) = accepted(world, org, 1)
    world.pass_by(16 * 60)
    ended = world.now(call)
    assert (ended.end_reason, ended.error) == (
        EndReason.PROVIDER_UNAVAILABLE,
        "the provider accepted no call for 15 minutes",
    )
    assert world.held(org) == 0


def test_a_job_that_is_lost_is_nobodys_fault(world: Dialers) -> None:
    org = acme(1)
    (call,) = accepted(world, org, 1)
    world.jobs = [(due, job) for due, job in world.jobs if job["job"] != "DialCall"]
    world.pass_by(16 * 60)
    ended = world.now(call)
    assert (ended.end_reason, ended.error) == (EndReason.TIMEOUT, "the call was not dialed within 15 minutes")


def test_a_call_that_waits_is_judged_again_when_it_is_dialed(world: Dialers) -> None:
    org = acme(1)
    accepted(world, org, 3)
    world.settle()
    ledgers.record_opt_out(org.caller(), NOBODY, "api")
    world.end(world.live(org)[0])
    world.settle()
    assert all(world.now(call).state in FINAL_STATES for call in world.calls), "a refused call wakes the next"
    assert len(world.carrier.placed) == 1
    assert world.waiting(org) == []


def test_a_cap_that_is_lowered_or_raised_counts_at_once(world: Dialers) -> None:
    org = acme(3)
    calls = accepted(world, org, 5)
    world.settle()
    world.cap(org, 1)
    # The lowest lane is free then, and those above the cap are held.
    (lowest,) = [call for call in world.live(org) if call.lane == "live|0"]
    world.end(lowest)
    world.settle()
    assert len(world.live(org)) == 2
    world.end(world.live(org)[0])
    world.settle()
    assert len(world.live(org)) == 1
    assert states(world, calls).count(State.CREATED) == 2
    world.cap(org, 3)
    world.settle()
    assert len(world.live(org)) == 3


def test_a_lane_is_given_back_once_whatever_ends_the_call(world: Dialers) -> None:
    org = acme(2)
    one, two, three = accepted(world, org, 3)
    world.settle()
    live = world.live(org)
    for _ in range(3):
        world.end(live[0])  # reported again and again
    timeouts.close_call(org.org_id, live[0].id, "ringing")
    world.settle()
    assert len(world.live(org)) == 2
    assert world.held(org) == 2
    # Its provider tells another story later: a correction gives nothing back.
    forgotten = world.live(org)[0]
    timeouts.close_call(org.org_id, forgotten.id, "ringing")
    late = world.accept(org)
    world.settle()
    assert world.now(late).state is State.RINGING
    ended = Report(
        org_id=org.org_id, call_id=forgotten.id, kind="ended", end_reason=EndReason.COMPLETED, duration_seconds=9
    )
    reports.apply_report(ended)
    assert world.now(forgotten).state is State.COMPLETED
    assert world.held(org) == 2
    assert {one.id, two.id, three.id} >= {call.id for call in live}


def test_a_lease_ends_by_itself_and_its_late_end_takes_nobodys_lane(world: Dialers) -> None:
    org = acme(1)
    (lost,) = accepted(world, org, 1)
    world.settle()
    world.jobs.clear()  # its timers too
    world.frozen.advance(seconds=lanes.LEASE.total_seconds() + 1)
    (other,) = accepted(world, org, 1)
    world.settle()
    assert world.now(other).state is State.RINGING
    world.end(lost)
    world.settle()
    assert world.held(org) == 1, "the lane of the other call"


def test_a_lease_is_longer_than_any_call() -> None:
    longest = dialing.UNCONFIRMED_AFTER + 2 * ending.TALK_LIMIT + reports.RING_REPORT_LIMIT
    assert longest + timedelta(minutes=30) < lanes.LEASE
    assert timedelta(minutes=15) == lanes.WAIT_LIMIT, "its watch leaves by the outbox"


def test_a_call_that_ends_while_another_joins_those_that_wait_wakes_it(world: Dialers) -> None:
    """Between every two requests of the dialler that finds no lane, the only lane is given back."""
    for number in range(30):
        org = acme(1, f"org-{number}")
        first = world.accept(org)
        world.settle()
        second = world.accept(org)
        (place,) = world.due()
        with world.interrupted(number, lambda first=first: world.end(first)):
            world.work(place)
        if world.now(first).state not in FINAL_STATES:
            assert number >= 5, "the interruption came"
            return
        world.settle()
        assert world.now(second).state is State.RINGING
    raise AssertionError("a dialler makes fewer requests")


@pytest.mark.parametrize("number", range(8))
def test_a_call_that_another_dialer_takes_meanwhile_does_not_wait(world: Dialers, number: int) -> None:
    """A call that is under way and still stands among those that wait would hold them up."""
    org = acme(1)
    first = world.accept(org)
    world.settle()
    second = world.accept(org)

    def other() -> None:
        world.end(first)
        dialing.dial_call(second.org_id, second.id)

    with world.interrupted(number, other):
        world.work(world.due()[0])
    if world.now(first).state in FINAL_STATES:
        assert (world.now(second).state, world.waiting(org)) == (State.RINGING, [])


@pytest.mark.parametrize("after", range(14))
def test_a_call_never_stays_in_the_line_once_it_has_a_lane(world: Dialers, after: int) -> None:
    """Between two requests of its dialler another job of the call lets it wait, and the lane becomes free again."""
    org = acme(1)
    first, other = accepted(world, org, 2)
    world.jobs.clear()

    def meanwhile() -> None:
        dialing.dial_call(org.org_id, other.id)
        dialing.dial_call(org.org_id, first.id)
        world.end(other)

    with world.interrupted(after, meanwhile):
        dialing.dial_call(org.org_id, first.id)
    world.collect()
    world.settle()
    assert world.now(first).state is not State.CREATED
    assert first.id not in world.waiting(org)
    world.end(first)
    world.settle()
    (late,) = accepted(world, org, 1)
    world.settle()
    assert world.now(late).state is State.RINGING


def test_a_cap_that_is_raised_by_many_wakes_all_that_fit(world: Dialers) -> None:
    org = acme(1)
    accepted(world, org, 30)
    world.settle()
    world.cap(org, 28)
    world.pass_by(3)
    assert len(world.live(org)) == 28


@pytest.mark.parametrize("number", range(9))
def test_a_dialer_killed_anywhere_keeps_no_lane_and_loses_no_call(world: Dialers, number: int) -> None:
    org = acme(1)
    accepted(world, org, 2)
    for _ in range(2):
        with world.interrupted(number, kill):
            world.work(world.due()[0])
    _end_all(world, org)
    assert (world.held(org), world.waiting(org)) == (0, [])
    assert all(count == 1 for count in _times_dialed(world).values())


def _end_all(world: Dialers, org: Tenant) -> None:
    """Let time go by, and calls end, until none is left."""
    for _ in range(200):
        for call in world.live(org)[:1]:
            if call.state is State.RINGING:
                world.end(call)
        world.pass_by(30)
        if not world.open():
            return
    raise AssertionError(f"these do not end: {world.open()}")


def _times_dialed(world: Dialers) -> dict[str, int]:
    found: dict[str, int] = {}
    for _, dial in world.carrier.placed:
        found[dial.call_id] = found.get(dial.call_id, 0) + 1
    return found


@pytest.mark.parametrize("seed", range(10))
def test_whatever_happens_the_cap_holds_and_every_call_comes_to_its_end(world: Dialers, seed: int) -> None:
    """Random orders of accept, dial, end, kill, lost and repeated jobs, changed caps and expired leases, also between
    two requests of a dialler."""
    chosen = world.chance = Random(seed)
    cap = chosen.randint(1, 4)
    org = acme(cap)
    lost_jobs = False
    order: list[str] = []

    def check(dial: voice.Placement) -> None:
        assert len(world.live(org)) <= world_cap[0], "more calls than the cap"
        order.append(dial.call_id)

    world_cap = [cap]
    world.carrier.watching = check
    outcomes: list[Exception | None] = [None] * 6 + [
        voice.ThrottledError("x"),
        voice.RefusedError("x"),
        voice.OutcomeUnknownError("x"),
    ]
    world.carrier.outcomes = lambda: chosen.choice(outcomes)

    def end_one() -> None:
        if live := [call for call in world.live(org) if call.state is State.RINGING]:
            world.end(chosen.choice(live))

    def dial_one() -> None:
        if due := world.due():
            world.work(chosen.choice(due))

    for _ in range(45):
        act = chosen.choice(
            ["accept", "accept", "dial", "dial", "dial", "end", "cap", "twice", "lose", "time", "cross"]
        )
        if act == "accept" and len(world.calls) < 14:
            world.accept(org)
        elif act == "end":
            end_one()
        elif act == "cap":
            world_cap[0] = chosen.randint(1, 4)
            world.cap(org, world_cap[0])
        elif act == "twice" and world.jobs:
            world.jobs.append(chosen.choice(world.jobs))
        elif act == "lose":
            wakes = [job for job in world.jobs if job[1]["job"] == "WakeWaiting"]
            if wakes:
                world.jobs.remove(chosen.choice(wakes))
                lost_jobs = True
        elif act == "time":
            world.frozen.advance(seconds=chosen.choice([1, 20, 100]))
        elif due := world.due():
            beside = chosen.choice([end_one, dial_one, kill, lambda: None])
            with world.interrupted(chosen.randint(0, 12), beside):
                world.work(chosen.choice(due))
        coming = {"DialCall", "WakeWaiting"} & {job["job"] for _, job in world.jobs}
        if not lost_jobs and not coming:
            free = world_cap[0] - len(world.live(org))
            assert free <= 0 or not world.waiting(org), "a call waits, and a lane is free"
    _end_all(world, org)
    for call in map(world.now, world.calls):
        assert call.state in FINAL_STATES
        assert call.end_reason is not None
        assert call.claim or call.error, "it was dialled, or its end says why not"
    assert (world.held(org), world.waiting(org)) == (0, [])
    assert all(count == 1 for count in _times_dialed(world).values())


@pytest.mark.parametrize("seed", range(10))
def test_calls_that_wait_go_in_the_order_of_acceptance_in_any_order_of_jobs(world: Dialers, seed: int) -> None:
    chosen = world.chance = Random(seed)
    org = acme(2)
    line: list[str] = []

    def check(dial: voice.Placement) -> None:
        ids = [call.id for call in world.calls]
        before = [other for other in line if ids.index(other) < ids.index(dial.call_id)]
        # As many may go at once as there are lanes.
        assert len(before) < 2, "it overtook those that wait"

    world.carrier.watching = check
    for _ in range(60):
        if chosen.random() < 0.4 and len(world.calls) < 20:
            world.accept(org)
        elif (due := world.due()) and chosen.random() < 0.7:
            world.work(chosen.choice(due))
        elif live := world.live(org):
            world.end(chosen.choice(live))
        line[:] = world.waiting(org)
