"""Calls in take lanes before calls that wait, and keep one lane for the next caller."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from switchboard.calls import lanes
from switchboard.calls.lanes import LIVE_POOL, Pool
from switchboard.calls.models import Declined, State
from switchboard.kit import clock
from tests.actors import Tenant
from tests.unit.calls.calls_in import Line, make_flow, names_of
from tests.unit.calls.console_calls import save_number
from tests.unit.calls.dialers import Dialers
from tests.unit.calls.test_lanes import accept_calls, create_tenant, read_states

pytestmark = pytest.mark.usefixtures("cloud", "frozen")


def make_line(org: Tenant, **given: Any) -> Line:
    """Returns a line whose number was bought by nobody: a purchase has jobs that these dialers do not run."""
    return Line(save_number(org.org_id, flow_id=make_flow(org, **given).id))


def test_calls_that_wait_do_not_lock_out_a_caller(world: Dialers) -> None:
    org = create_tenant(2)
    line = make_line(org)
    accept_calls(world, org, 5)
    world.run_due_jobs()
    world.end_call(world.live_calls(org)[0])
    assert len(world.waiting_ids(org)) == 3
    assert names_of(line.ask())[-1] == "Connect"
    assert line.read_call().declined is None
    assert len(world.waiting_ids(org)) == 3, "the waiting calls keep their places"


def test_calls_out_leave_a_lane_for_the_next_caller(world: Dialers) -> None:
    org = create_tenant(3)
    line = make_line(org, voicemail_enabled=False)
    line.ask(call=1)
    line.end_call(call=1)
    calls = accept_calls(world, org, 5)
    world.run_due_jobs()
    assert read_states(world, calls).count(State.RINGING) == 2
    assert names_of(line.ask(call=2))[-1] == "Connect"
    line.ask(call=3)
    assert line.read_call(3).declined is Declined.BUSY


def test_the_lane_of_callers_is_taken_by_no_call_that_waits(world: Dialers) -> None:
    org = create_tenant(2)
    line = make_line(org)
    line.ask(call=1)
    line.end_call(call=1)
    accept_calls(world, org, 3)
    world.pass_time(2 * 60)
    assert len(world.live_calls(org)) == 1
    world.end_call(world.live_calls(org)[0])
    world.run_due_jobs()
    assert (len(world.live_calls(org)), len(world.waiting_ids(org))) == (1, 1)


def test_an_organization_with_one_lane_shares_it(world: Dialers) -> None:
    org = create_tenant(1)
    line = make_line(org)
    line.ask()
    line.end_call()
    accept_calls(world, org, 1)
    world.run_due_jobs()
    assert len(world.live_calls(org)) == 1


def test_a_month_after_the_last_caller_calls_out_have_all_lanes(world: Dialers, frozen: clock.FrozenClock) -> None:
    org = create_tenant(2)
    line = make_line(org)
    pool = Pool(org.org_id, LIVE_POOL, 2)
    for day in range(3):
        line.ask(call=day)
        line.end_call(call=day)
        frozen.advance(days=1)
    assert lanes.read_pool_state(pool).callers_until is not None
    frozen.advance(seconds=lanes.CALLERS_KEPT.total_seconds() - timedelta(days=1).total_seconds() + 1)
    assert lanes.read_pool_state(pool).callers_until is None
    accept_calls(world, org, 2)
    world.run_due_jobs()
    assert len(world.live_calls(org)) == 2


@pytest.mark.parametrize("lanes_of_plan", [1, 2])
def test_a_visitor_of_a_page_leaves_a_lane_for_the_next_caller(world: Dialers, lanes_of_plan: int) -> None:
    org = create_tenant(lanes_of_plan)
    pool = Pool(org.org_id, LIVE_POOL, lanes_of_plan)
    assert lanes.find_lane_for_visitor(pool) is not None, "nobody has called in yet"
    line = make_line(org)
    line.ask()
    line.end_call()
    found = lanes.find_lane_for_visitor(pool)
    assert (found.number if found else None) == (None if lanes_of_plan == 1 else 1)
    assert lanes.find_lane_for_caller(pool) is not None
