"""How fast calls go out: from a number, of an organization, and from numbers that tenants share."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from itertools import pairwise
from random import Random

import pytest

from switchboard.accounts import service as accounts
from switchboard.aws import clock
from switchboard.aws.table import Query
from switchboard.calls import pacing_store
from switchboard.calls.models import TERMINAL, Call, State
from switchboard.carriers import voice
from switchboard.carriers.voice.reports import EndReason
from switchboard.carriers.voice.simulator import SimulatedLine
from tests.actors import Tenant, system, tenant
from tests.unit.calls.dialers import Dialers, kill

pytestmark = pytest.mark.usefixtures("cloud", "frozen")

OWN, SHARED = "+12125550100", "+15005550006"
SECOND = timedelta(seconds=1)


def org(slug: str = "acme", *, own: bool = True, cap: int = 200, per_second: int = 100) -> Tenant:
    """An organization, with a number of its own or the platform's."""
    made = tenant(slug, concurrent_calls=cap, calls_per_second=per_second, basic_calls_per_day=5_000)
    if own:
        accounts.describe(system(made.org_id), accounts.organisation(made.org_id), {"caller_id": OWN})
    return made


def accepted(world: Dialers, tenant: Tenant, number: int) -> list[Call]:
    return [world.accept(tenant) for _ in range(number)]


def moments(world: Dialers, number: str = OWN) -> list[datetime]:
    return sorted(at for at, dial in world.carrier.placed if dial.from_number == number)


def apart(found: list[datetime]) -> timedelta:
    """The shortest time between two of them."""
    return min(after - before for before, after in pairwise(found))


def test_a_number_places_one_call_a_second(world: Dialers) -> None:
    world.carrier.pace = 1
    calls = accepted(world, org(), 10)
    began = clock.now()
    world.pass_by(20)
    assert len(moments(world)) == 10
    assert apart(moments(world)) >= SECOND
    assert moments(world)[-1] - began < timedelta(seconds=11)
    assert all(world.now(call).state is State.RINGING for call in calls)


def test_a_call_that_has_to_wait_is_put_off_once_to_its_moment(world: Dialers) -> None:
    world.carrier.pace = 1 / 5
    calls = accepted(world, org(), 10)
    began = clock.now()
    world.pass_by(60)
    assert [world.done["DialCall", call.id] for call in calls].count(2) == 9
    assert max(world.done["DialCall", call.id] for call in calls) == 2
    assert apart(moments(world)) >= 5 * SECOND
    assert moments(world)[-1] - began < timedelta(seconds=46)


def test_a_number_that_may_place_more_does(world: Dialers) -> None:
    world.carrier.pace = 10
    accepted(world, org(), 10)
    world.pass_by(3)
    assert len(moments(world)) == 10
    assert apart(moments(world)) >= timedelta(milliseconds=100)


def test_an_organization_has_a_pace_over_all_its_numbers(world: Dialers) -> None:
    world.carrier.pace = 1_000
    accepted(world, org(per_second=2), 8)
    world.pass_by(10)
    assert len(moments(world)) == 8
    assert apart(moments(world)) >= timedelta(milliseconds=500)


def test_calls_of_test_keys_and_of_the_simulator_wait_for_nobody(
    world: Dialers, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert SimulatedLine().calls_per_second(OWN) == float("inf")
    monkeypatch.setenv("SWITCHBOARD_VOICE_CALLS_PER_SECOND", "3")
    assert SimulatedLine().calls_per_second(OWN) == 3
    monkeypatch.setattr(voice, "simulated", lambda: world.carrier.carrier)
    world.carrier.pace = 1
    one = org()
    for _ in range(5):
        world.accept(one, simulated=True)
    world.settle()
    assert len(world.carrier.placed) == 5
    assert not Query(table="core", partition=f"{one.org_id}#pace").page(1).items


@pytest.mark.parametrize("seed", range(4))
def test_no_second_has_two_calls_of_a_number_whatever_becomes_of_the_jobs(world: Dialers, seed: int) -> None:
    """Jobs come late, twice, in any order, and diallers are killed between any two requests."""
    chosen = world.chance = Random(seed)
    world.carrier.pace = 1
    one, other = org(), org("other", own=False)
    for _ in range(60):
        if chosen.random() < 0.3 and len(world.calls) < 25:
            world.accept(chosen.choice([one, other]))
        elif chosen.random() < 0.15 and world.jobs:
            world.jobs.append(chosen.choice(world.jobs))
        elif due := world.due():
            with world.interrupted(chosen.randint(0, 25), chosen.choice([kill, lambda: None])):
                world.work(chosen.choice(due))
        else:
            world.frozen.advance(seconds=chosen.uniform(0, 2))
    world.pass_by(120, jitter=0.3)
    for number in (OWN, SHARED):
        assert apart(moments(world, number)) >= SECOND
    world.pass_by(15 * 60 + 1)
    assert all(world.now(call).state is not State.CREATED for call in world.calls)
    assert all(count == 1 for count in Counter(dial.call_id for _, dial in world.carrier.placed).values())


def test_workers_whose_clocks_differ_by_a_second_keep_the_pace_over_time(world: Dialers, frozen: clock.Frozen) -> None:
    world.carrier.pace = 1
    accepted(world, org(), 20)
    chosen = world.chance
    true: list[float] = []
    world.carrier.watching = lambda _: true.append(frozen.at - skew[0])
    skew = [0.0]
    for _ in range(400):
        if due := world.due():
            skew[0] = chosen.uniform(-0.5, 0.5)
            frozen.at += skew[0]
            world.work(chosen.choice(due))
            frozen.at -= skew[0]
        else:
            frozen.advance(seconds=0.25)
    true.sort()
    assert len(true) == 20
    for number in range(2, 20):
        spans = [true[first + number] - true[first] for first in range(20 - number)]
        assert min(spans) >= number - 1, "one more than the pace in any time, and no more"


def test_many_calls_of_one_tenant_hold_up_anothers_single_call_for_a_second_or_two(world: Dialers) -> None:
    world.carrier.pace = 1
    busy, other = org("busy", own=False), org("other", own=False)
    accepted(world, busy, 60)
    world.pass_by(5)
    call = world.accept(other)
    began = clock.now()
    world.pass_by(4)
    (at,) = [at for at, dial in world.carrier.placed if dial.call_id == call.id]
    assert at - began <= timedelta(seconds=2)
    assert apart(moments(world, SHARED)) >= SECOND


def test_tenants_with_many_calls_take_turns_on_a_shared_number(world: Dialers) -> None:
    world.carrier.pace = 1
    tenants = [org(f"org-{number}", own=False) for number in range(3)]
    for _ in range(8):
        for one in tenants:
            world.accept(one)
    began = clock.now()
    world.pass_by(15)
    counts = Counter(dial.org_id for at, dial in world.carrier.placed if at - began <= timedelta(seconds=15))
    assert min(counts.values()) >= 4, counts
    assert apart(moments(world, SHARED)) >= SECOND
    world.pass_by(20)
    assert len(moments(world, SHARED)) == 24, "and the number is never idle for long"


def test_the_calls_of_one_tenant_keep_their_order_on_a_shared_number(world: Dialers) -> None:
    world.carrier.pace = 1
    calls = accepted(world, org(own=False), 6)
    for _ in calls:
        world.work(world.due()[0])
    world.pass_by(20)
    assert [dial.call_id for _, dial in world.carrier.placed] == [call.id for call in calls]


def test_a_call_whose_turn_comes_too_late_ends_at_once_and_says_why(world: Dialers) -> None:
    world.carrier.pace = 1 / 400
    calls = accepted(world, org(), 5)
    world.settle()
    ended = [world.now(call) for call in calls if world.now(call).state in TERMINAL]
    assert ended
    assert {call.end_reason for call in ended} == {EndReason.RATE_LIMIT}
    assert {call.error for call in ended} == {f"the calls that {OWN} has waiting take longer than a call may wait"}


def test_a_call_that_is_put_off_holds_up_no_other_number(world: Dialers) -> None:
    """It has no lane while it waits, and does not stand before those that wait for one."""
    world.carrier.pace = 1 / 60
    one = org(cap=1)
    first = world.accept(one)
    world.settle()
    second, third = world.accept(one), world.accept(one)
    world.settle()
    assert set(world.waiting(one)) == {second.id, third.id}
    world.end(first)
    world.settle()
    assert world.waiting(one) == [], "both have a moment"
    assert world.live(one) == []


def test_a_number_takes_a_single_write_a_call_when_it_is_idle(world: Dialers) -> None:
    key = pacing_store.org_key("org_1")
    assert pacing_store.go(key, 5_000, 1_000, in_turn=False) is None
    assert pacing_store.go(key, 5_999, 1_000, in_turn=False) == (5_000, 0)
    assert pacing_store.go(key, 6_000, 1_000, in_turn=False) is None
