"""Calls that wait for a lane or a turn, in order, and the reason that each was not dialed."""

from __future__ import annotations

from switchboard.accounts import organizations
from switchboard.aws.writes import Writes
from switchboard.calls import acceptance, lanes_store
from switchboard.calls.lanes import (
    LIVE_POOL,
    TEST_POOL,
    Pool,
    lane_pool,
    lane_pool_name,
    lane_position,
    list_lanes_for_calls_out,
    read_pool_state,
)
from switchboard.calls.models import Call, State
from switchboard.calls.turns import find_turns, leave_turn_writes, turn_pool
from switchboard.carriers.voice.ports.reports import EndReason
from switchboard.kit import clock


def list_ready_calls(call: Call) -> list[str]:
    """Returns the ids of waiting calls that can go now, from the pools that the given call uses."""
    ids: dict[str, None] = {}
    for name in _list_pool_names(call):
        if lanes_store.has_waiting_calls(call.org_id, name):
            pool = turn_pool(call) if _is_turn(name) else lane_pool(organizations.get_organization(call.org_id), call)
            ids |= dict.fromkeys(_list_first_calls(pool))
    return list(ids)


def list_ready_calls_of_organization(org_id: str) -> list[str]:
    """Returns the ids of an organization's waiting calls that can get a lane now."""
    if not lanes_store.has_waiting_calls(org_id, LIVE_POOL):
        return []
    return _list_first_calls(Pool(org_id, LIVE_POOL, organizations.get_organization(org_id).terms.concurrent_calls))


def _list_first_calls(pool: Pool) -> list[str]:
    found = read_pool_state(pool)
    return [place.rpartition("#")[2] for place in found.waiting[: len(list_lanes_for_calls_out(found, pool.size))]]


def _list_pool_names(call: Call) -> list[str]:
    """Returns the names of the pools in which a call may wait."""
    return [
        lane_pool_name(call),
        *([turn_pool(call).name] if acceptance.shared_pace_name(call) else []),
    ]


def _is_turn(name: str) -> bool:
    return name not in (LIVE_POOL, TEST_POOL)


def leave_pools_writes(call: Call) -> Writes:
    """Returns the writes that release a call's lane and turn and end its waiting, for the commit that ends the call.

    `call` is the version before that commit. A claimed call does not wait: its claim ended the waiting, and nothing
    starts it again.
    """
    lane = None
    if call.lane:
        name, _, number = call.lane.rpartition("|")
        lane = lanes_store.release_lane_writes(call.org_id, name, int(number), call.id)
    if call.state is not State.CREATED:
        return lane
    place = lanes_store.delete_waiting_writes(call.org_id, lane_pool_name(call), lane_position(call))
    turn = None
    if acceptance.shared_pace_name(call):
        # Only a call that holds a lane can have a turn.
        turn = leave_turn_writes(call, find_turns(call).mine if call.lane else None)
    return [lane, place, turn]


def explain_not_dialed(call: Call) -> tuple[EndReason, str]:
    """Returns the reason and a text why a call was not dialed within its time limit."""
    minutes = round((clock.now() - clock.parse(call.created_at)).total_seconds() / 60)
    for_lane, *for_turn = lanes_store.are_waiting(call.org_id, _list_pool_names(call), lane_position(call))
    if for_lane:
        cap = lane_pool(organizations.get_organization(call.org_id), call).size
        kind = "calls of test keys" if call.simulated else "calls"
        return EndReason.CONCURRENCY_LIMIT, (
            f"waited {minutes} minutes: the organization's limit of {cap} concurrent {kind} was always reached"
        )
    if any(for_turn) or call.lane:
        return EndReason.RATE_LIMIT, (
            f"waited {minutes} minutes for a turn on {call.from_number}: the number has a limit of calls per second"
        )
    if call.claim:
        return EndReason.PROVIDER_UNAVAILABLE, f"the provider accepted no call for {minutes} minutes"
    return EndReason.TIMEOUT, f"the call was not dialed within {minutes} minutes"
