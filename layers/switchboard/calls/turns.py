"""Turns of organizations at a number that many share: each organization's next call has one."""

from __future__ import annotations

import math
from datetime import datetime
from typing import NamedTuple

from switchboard.aws.writes import Writes, commit
from switchboard.calls import acceptance, lanes_store, store
from switchboard.calls.lanes import (
    TURN_LEASE,
    Lane,
    LaneTakenError,
    Pool,
    choose_free_lane,
    lane_position,
    read_pool_state,
    start_waiting,
)
from switchboard.calls.models import Call
from switchboard.kit import clock
from switchboard.persistence.optimistic import StaleVersionError


class Turns(NamedTuple):
    """The turn that a call has in a shared pace, or a free turn that it may take."""

    mine: int | None
    free: Lane | None


def turn_pool(call: Call) -> Pool:
    """Returns the pool of turns of an organization's calls in a shared pace. A turn is stored as a lane.

    The pool has as many turns as calls of one second, so that a single organization can use the whole pace.
    """
    return Pool(
        call.org_id, f"number#{acceptance.shared_pace_name(call)}", max(1, math.ceil(acceptance.get_pace(call).rate))
    )


def find_turns(call: Call) -> Turns:
    """Returns the turn that a call has in a shared pace, or may take."""
    return _find_turns_in_pool(turn_pool(call), call)


def _find_turns_in_pool(pool: Pool, call: Call) -> Turns:
    found = read_pool_state(pool)
    mine = next((number for number, held in found.held.items() if held.call_id == call.id), None)
    return Turns(mine, choose_free_lane(found, pool, call) if mine is None else None)


def take_turn(call: Call, turn: Lane | None, kept: Writes) -> int | None:
    """Takes a turn for a call that holds a lane and wants a time. Without a turn the call waits, and is woken later.

    `kept` are writes for the commit in which the call starts to wait. Returns the number of the turn, or `None`.
    """
    pool = turn_pool(call)
    while turn := turn or start_waiting(pool, call, kept):
        try:
            commit(turn.take_writes(call, clock.now() + TURN_LEASE), store.unchanged_check(call))
        except StaleVersionError:
            return None
        except LaneTakenError:
            # Another call of the organization took the turn. The loop ends with a turn, or when no turn is left.
            turn = _find_turns_in_pool(pool, call).free
        else:
            return turn.number
    return None


def keep_turn_writes(call: Call, number: int, due: datetime) -> Writes:
    """Returns the write that keeps a turn until the reserved time `due`. Raises LaneTakenError at commit."""
    return lanes_store.keep_lane_writes(
        call.org_id, turn_pool(call).name, number, call.id, due + TURN_LEASE, {}, LaneTakenError
    )


def leave_turn_writes(call: Call, number: int | None) -> Writes:
    """Returns the writes that release a turn, and end the call's waiting for a turn."""
    name = turn_pool(call).name
    return [
        lanes_store.delete_waiting_writes(call.org_id, name, lane_position(call)),
        lanes_store.release_lane_writes(call.org_id, name, number, call.id) if number is not None else None,
    ]
