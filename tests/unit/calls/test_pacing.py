"""The rate at which calls are dialed: per number, per organization, and per number that tenants share."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from random import Random

import pytest

from switchboard.accounts import keys, organizations
from switchboard.aws import writes
from switchboard.aws.reads import Query
from switchboard.calls import lanes, lanes_store, pacing, pacing_store
from switchboard.calls import turns as calls_turns
from switchboard.calls.models import FINAL_STATES, Call, State
from switchboard.carriers import voice
from switchboard.carriers.voice.ports.reports import EndReason
from switchboard.carriers.voice.simulator import SimulatedLine
from switchboard.compliance import ledgers
from switchboard.kit import clock
from tests import crowd
from tests.actors import Tenant, system, tenant
from tests.unit.calls.dialers import NOBODY, Dialers, kill_process

pytestmark = pytest.mark.usefixtures("cloud", "frozen")

OWN, SHARED = "+12125550100", "+15005550006"
SECOND = timedelta(seconds=1)


def create_tenant(slug: str = "acme", *, own: bool = True, cap: int = 200, per_second: int = 100) -> Tenant:
    """Create an organization with its own number or the platform's."""
    made = tenant(slug, concurrent_calls=cap, calls_per_second=per_second, basic_calls_per_day=5_000)
    if own:
        organizations.update_organization(
            system(made.org_id), organizations.get_organization(made.org_id), {"caller_id": OWN}
        )
    return made


def accept_calls(world: Dialers, tenant: Tenant, number: int) -> list[Call]:
    return [world.accept_call(tenant) for _ in range(number)]


def dial_times(world: Dialers, number: str = OWN) -> list[datetime]:
    return sorted(at for at, dial in world.carrier.placed if dial.from_number == number)


def keeps_pace(found: list[datetime], interval: timedelta = SECOND, late: timedelta = SECOND) -> bool:
    """Returns whether calls are an interval apart and each is at most `late` behind its time slot."""
    return all(
        last - first >= number * interval - late
        for number in range(1, len(found))
        for first, last in zip(found, found[number:], strict=False)
    )


def test_a_number_dials_one_call_per_second(world: Dialers) -> None:
    world.carrier.pace = 1
    calls = accept_calls(world, create_tenant(), 10)
    began = clock.now()
    world.pass_time(20)
    assert len(dial_times(world)) == 10
    assert keeps_pace(dial_times(world))
    assert dial_times(world)[-1] - began < timedelta(seconds=11)
    assert all(world.read_call(call).state is State.RINGING for call in calls)


def test_a_call_that_must_wait_is_delayed_once_until_its_slot(world: Dialers) -> None:
    world.carrier.pace = 1 / 5
    calls = accept_calls(world, create_tenant(), 10)
    began = clock.now()
    world.pass_time(60)
    assert [world.done["DialCall", call.id] for call in calls].count(2) == 9
    assert max(world.done["DialCall", call.id] for call in calls) == 2
    assert keeps_pace(dial_times(world), 5 * SECOND)
    assert dial_times(world)[-1] - began < timedelta(seconds=47)


def test_a_faster_number_dials_more_calls(world: Dialers) -> None:
    world.carrier.pace = 10
    accept_calls(world, create_tenant(), 10)
    world.pass_time(3)
    assert len(dial_times(world)) == 10
    assert keeps_pace(dial_times(world), timedelta(milliseconds=100))


def test_an_organization_has_one_pace_over_all_its_numbers(world: Dialers) -> None:
    world.carrier.pace = 1_000
    accept_calls(world, create_tenant(per_second=2), 8)
    world.pass_time(10)
    assert len(dial_times(world)) == 8
    assert keeps_pace(dial_times(world), timedelta(milliseconds=500))


def test_calls_of_test_keys_and_of_the_simulator_do_not_wait(world: Dialers, monkeypatch: pytest.MonkeyPatch) -> None:
    assert SimulatedLine().pace_of("org_acme", OWN) == voice.Pace(float("inf"))
    monkeypatch.setenv("SWITCHBOARD_VOICE_CALLS_PER_SECOND", "3")
    assert SimulatedLine().pace_of("org_acme", OWN) == voice.Pace(3)
    monkeypatch.setattr(voice, "get_simulated_carrier", lambda: world.carrier.carrier)
    world.carrier.pace = 1
    one = create_tenant()
    for _ in range(5):
        world.accept_call(one, simulated=True)
    world.run_due_jobs()
    assert len(world.carrier.placed) == 5
    assert not Query(table="core", partition=f"{one.org_id}#pace").read_page(1).items


@pytest.mark.parametrize("seed", range(4))
def test_a_number_keeps_its_pace_under_late_repeated_and_killed_jobs(world: Dialers, seed: int) -> None:
    """Jobs run late, twice, in any order, and dialers are killed between any two requests."""
    chosen = world.chance = Random(seed)
    world.carrier.pace = 1
    one, other = create_tenant(), create_tenant("other", own=False)
    for _ in range(60):
        if chosen.random() < 0.3 and len(world.calls) < 25:
            world.accept_call(chosen.choice([one, other]))
        elif chosen.random() < 0.15 and world.jobs:
            world.jobs.append(chosen.choice(world.jobs))
        elif due := world.due_positions():
            with world.interrupted(chosen.randint(0, 25), chosen.choice([kill_process, lambda: None])):
                world.run_job(chosen.choice(due))
        else:
            world.frozen.advance(seconds=chosen.uniform(0, 2))
    world.pass_time(120, jitter=0.3)
    for number in (OWN, SHARED):
        # A later dialer has lost its slot. A dialer also needs some time itself, and another one may wait.
        assert keeps_pace(dial_times(world, number), late=4 * SECOND)
    world.pass_time(15 * 60 + 1)
    assert all(world.read_call(call).state is not State.CREATED for call in world.calls)
    assert all(count == 1 for count in Counter(dial.call_id for _, dial in world.carrier.placed).values())


def test_workers_whose_clocks_differ_by_a_second_keep_the_average_pace(
    world: Dialers, frozen: clock.FrozenClock
) -> None:
    world.carrier.pace = 1
    accept_calls(world, create_tenant(), 20)
    chosen = world.chance
    true: list[float] = []
    world.carrier.watching = lambda _: true.append(frozen.at - skew[0])
    skew = [0.0]
    for _ in range(400):
        if due := world.due_positions():
            skew[0] = chosen.uniform(-0.5, 0.5)
            frozen.at += skew[0]
            world.run_job(chosen.choice(due))
            frozen.at -= skew[0]
        else:
            frozen.advance(seconds=0.25)
    true.sort()
    assert len(true) == 20
    for number in range(3, 20):
        spans = [true[first + number] - true[first] for first in range(20 - number)]
        assert min(spans) >= number - 2, "at most two calls more than the pace: for late jobs and for different clocks"


def test_many_calls_of_one_tenant_delay_anothers_single_call_by_at_most_two_seconds(world: Dialers) -> None:
    world.carrier.pace = 1
    busy, other = create_tenant("busy", own=False), create_tenant("other", own=False)
    accept_calls(world, busy, 60)
    world.pass_time(5)
    call = world.accept_call(other)
    began = clock.now()
    world.pass_time(4)
    (at,) = [at for at, dial in world.carrier.placed if dial.call_id == call.id]
    # The next slot of the busy tenant, the slot of this call, and one second of the queue.
    assert at - began <= timedelta(seconds=3)
    assert keeps_pace(dial_times(world, SHARED))


def test_tenants_with_many_calls_take_turns_on_a_shared_number(world: Dialers) -> None:
    world.carrier.pace = 1
    tenants = [create_tenant(f"org-{number}", own=False) for number in range(3)]
    for _ in range(8):
        for one in tenants:
            world.accept_call(one)
    began = clock.now()
    world.pass_time(15)
    counts = Counter(dial.org_id for at, dial in world.carrier.placed if at - began <= timedelta(seconds=15))
    assert min(counts.values()) >= 4, counts
    assert keeps_pace(dial_times(world, SHARED))
    world.pass_time(20)
    assert len(dial_times(world, SHARED)) == 24, "the number is never idle for long"


def test_calls_of_one_tenant_keep_their_order_on_a_shared_number(world: Dialers) -> None:
    world.carrier.pace = 1
    calls = accept_calls(world, create_tenant(own=False), 6)
    for _ in calls:
        world.run_job(world.due_positions()[0])
    world.pass_time(20)
    assert [dial.call_id for _, dial in world.carrier.placed] == [call.id for call in calls]


def test_a_call_whose_slot_is_too_late_ends_at_once_with_the_reason(world: Dialers) -> None:
    world.carrier.pace = 1 / 400
    calls = accept_calls(world, create_tenant(), 5)
    world.run_due_jobs()
    ended = [world.read_call(call) for call in calls if world.read_call(call).state in FINAL_STATES]
    assert ended
    assert {call.end_reason for call in ended} == {EndReason.RATE_LIMIT}
    assert {call.error for call in ended} == {
        f"too many calls wait for {OWN}: the next free time is later than a call may wait"
    }


def create_delayed_call(world: Dialers, **more: bool) -> tuple[Tenant, Call, Call]:
    """An organization with one lane. One call holds the lane and waits for its slot; another waits for the lane."""
    world.carrier.pace = 1 / 60
    one = create_tenant(cap=1, **more)
    first = world.accept_call(one)
    world.run_due_jobs()
    second = world.accept_call(one)
    world.end_call(first)
    world.run_due_jobs()
    third = world.accept_call(one)
    world.run_due_jobs()
    assert world.read_call(second).state is State.CREATED
    assert world.read_call(second).lane == "live|0"
    assert world.waiting_ids(one) == [third.id]
    return one, second, third


def test_a_call_holds_its_lane_until_its_slot(world: Dialers) -> None:
    """So no slot is reserved for a call without a lane, and no lane is taken from a call with a slot."""
    one, second, third = create_delayed_call(world)
    world.pass_time(61)
    assert world.read_call(second).state is State.RINGING
    assert world.done["DialCall", second.id] <= 2
    assert world.waiting_ids(one) == [third.id]


@pytest.mark.parametrize("own", [True, False])
@pytest.mark.parametrize("why", ["opted out", "suspended", "key revoked", "time over", "no moment in time"])
def test_a_call_that_ends_while_it_waits_for_its_slot_releases_slot_and_lane(
    world: Dialers, why: str, own: bool
) -> None:
    one, second, third = create_delayed_call(world, own=own)
    if why == "opted out":
        ledgers.record_opt_out(one.caller(), NOBODY, "api")
    elif why == "suspended":
        organizations.set_status(system(one.org_id), "suspended")
    elif why == "key revoked":
        keys.revoke_key(system(one.org_id), str(second.key_id))
    elif why == "time over":
        world.jobs = [
            (due, job) for due, job in world.jobs if job["job"] == "CloseCall" and job["call_id"] == second.id
        ]
        world.frozen.advance(seconds=lanes.WAIT_LIMIT.total_seconds() + 1)
    else:
        key = pacing_store.number_key(one.org_id, OWN) if own else pacing_store.shared_pace_key(SHARED)
        tail = int((clock.epoch() + 5_000) * 1_000)
        writes.write_item(writes.Update.set_attributes("core", key, {"tail": tail}))
        # The dialer is so late that it has lost its slot.
        world.frozen.advance(seconds=70)
    world.pass_time(90)
    ended = world.read_call(second)
    assert ended.state in FINAL_STATES, why
    if why in ("time over", "no moment in time"):
        assert ended.end_reason is EndReason.RATE_LIMIT
    assert ended.id not in world.waiting_ids(one)
    holders = {held.call_id for held in lanes_store.read_pool(one.org_id, "live", 9, clock.now()).held.values()}
    turns = {
        held.call_id for held in lanes_store.read_pool(one.org_id, f"number#{SHARED}", 9, clock.now()).held.values()
    }
    assert second.id not in holders | turns
    assert third.id


def test_a_lost_job_of_a_call_with_a_lane_is_repaired_by_its_timer(world: Dialers) -> None:
    world.carrier.pace = 1
    one = create_tenant(cap=2)
    _, second = accept_calls(world, one, 2)
    world.run_due_jobs()
    held = next(call for call in map(world.read_call, world.calls) if call.state is State.CREATED)
    assert held.lane
    world.jobs = [(due, job) for due, job in world.jobs if job["job"] != "DialCall"]
    world.pass_time(65)
    assert world.read_call(held).state is State.RINGING
    assert second.id


@pytest.mark.parametrize("after", range(40))
def test_a_dialer_killed_while_it_reserves_loses_no_call_and_no_lane(world: Dialers, after: int) -> None:
    world.carrier.pace = 1
    one = create_tenant(cap=2, own=after % 2 == 0)
    accept_calls(world, one, 3)
    while due := world.due_positions():
        with world.interrupted(after // 2, kill_process):
            world.run_job(due[0])
        after += 1
    for _ in range(40):
        for call in world.live_calls(one):
            world.end_call(call)
        world.pass_time(20)
    assert len(dial_times(world, world.calls[0].from_number)) == 3
    assert (world.count_held_lanes(one), world.waiting_ids(one)) == (0, [])
    assert (world.count_held_lanes(one, f"number#{SHARED}"), world.waiting_ids(one, f"number#{SHARED}")) == (0, [])


def test_a_call_that_waits_for_its_own_organization_holds_no_turn_of_the_number(world: Dialers) -> None:
    world.carrier.pace = 1
    slow = create_tenant("slow", own=False, per_second=1)
    # Calls from other numbers have reserved the organization's pace for one minute.
    tail = int((clock.epoch() + 60) * 1_000)
    assert pacing_store.take_present_slot(pacing_store.org_key(slow.org_id), tail - 1_000, 1_000)
    (call,) = accept_calls(world, slow, 1)
    world.pass_time(5)
    assert world.read_call(call).lane
    assert world.count_held_lanes(slow, f"number#{SHARED}") == 0
    assert not pacing_store.get_next_slot(pacing_store.shared_pace_key(SHARED)), "no slot of the number is reserved"
    world.pass_time(60)
    assert world.read_call(call).state is State.RINGING


def test_an_expired_turn_leaves_the_call_its_slot(world: Dialers, monkeypatch: pytest.MonkeyPatch) -> None:
    world.carrier.pace = 1
    one = create_tenant(cap=3, own=False)
    assert pacing_store.take_present_slot(
        pacing_store.shared_pace_key(SHARED), int(clock.epoch() * 1_000) + 29_000, 1_000
    )

    (call,) = accept_calls(world, one, 1)

    def lose_reservation(_call: Call, _turn: int, due: datetime) -> writes.Writes:
        return lanes_store.keep_lane_writes(
            one.org_id, f"number#{SHARED}", 0, "call_other", due, {}, lanes.LaneTakenError
        )

    monkeypatch.setattr(calls_turns, "keep_turn_writes", lose_reservation)
    world.run_due_jobs()
    world.pass_time(32)
    assert world.read_call(call).state is State.RINGING


def test_a_line_with_an_account_limit_has_one_pace_for_all_numbers_and_tenants(world: Dialers) -> None:
    world.carrier.pace, world.carrier.counted_by = 2, "AC1"
    one, other = create_tenant(cap=50), create_tenant("other", cap=50)
    organizations.update_organization(
        system(other.org_id), organizations.get_organization(other.org_id), {"caller_id": "+12125550101"}
    )
    busy = accept_calls(world, one, 20)
    world.pass_time(3)
    (single,) = accept_calls(world, other, 1)
    began = clock.now()
    world.pass_time(20)
    found = sorted(at for at, _ in world.carrier.placed)
    assert len(found) == 21
    assert keeps_pace(found, timedelta(milliseconds=500), 2 * SECOND)
    (at,) = [at for at, dial in world.carrier.placed if dial.call_id == single.id]
    assert at - began <= timedelta(seconds=3), (
        "the call waits for one second's calls of the other tenant, and not for all"
    )
    assert all(world.read_call(call).state is State.RINGING for call in busy)
    assert Query(table="core", partition="pace#account#AC1").read_page(1).items


def test_a_dialer_waits_at_most_a_tenth_of_a_second(world: Dialers, monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[float] = []
    monkeypatch.setattr(pacing, "sleep", waited.append)
    world.carrier.pace = 3
    accept_calls(world, create_tenant(), 20)
    world.pass_time(20)
    assert len(dial_times(world)) == 20
    assert max(waited) <= 0.1


def test_a_call_from_an_idle_number_takes_one_write(world: Dialers) -> None:
    key = pacing_store.org_key("org_1")
    assert pacing_store.take_present_slot(key, 5_000, 1_000)
    assert not pacing_store.take_present_slot(key, 5_999, 1_000)
    assert pacing_store.take_present_slot(key, 6_000, 1_000)


@pytest.mark.parametrize(
    "plan",
    [
        crowd.Plan(cap=5, per_second=1, rate=1, calls=60, talk_seconds=20),
        crowd.Plan(cap=2, per_second=1, rate=1, calls=20, talk_seconds=20, own=False, organizations=3, twice=0.1),
        crowd.Plan(cap=25, per_second=5, rate=5, calls=40, talk_seconds=20, organizations=2, counted_by="AC"),
    ],
    ids=["own number", "shared number", "account"],
)
def test_twenty_concurrent_dialers_use_all_lanes_and_slots(plan: crowd.Plan) -> None:
    found = crowd.run(plan)
    assert found.dialed == plan.possible
    assert found.most <= plan.cap
    assert not found.repeated
    assert found.left == 0, "no call waits in a line, and no lane is in use"
    assert found.free < 0.05
    assert found.seconds < 1.2 * plan.fastest + 3, "no lane and no slot is lost"
    assert found.dial_jobs <= 6


def test_an_idle_tenant_does_not_wait_for_a_busy_one() -> None:
    plan = crowd.Plan(cap=50, per_second=20, rate=5, calls=30, talk_seconds=10, organizations=5, idle_tenant=True)
    found = crowd.run(plan)
    assert found.delay <= 2
    assert found.dialed == plan.possible
