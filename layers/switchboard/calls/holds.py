"""Holds: what a call may still cost counts towards the limits before it is used.

The first minute of a call is charged when the call is accepted, and the end of the call charges the others. Many calls
run at one time. If each could use all that is left, they would use it many times. So a call holds the minutes of its
longest talk: they count towards the organization's cap and the included minutes as if they were used, in the
transaction that claims the call. The end of the call gives the hold back, in its own transaction.

A hold is a share of what is left, so that further calls can begin. A call without a limit holds nothing.
"""

from __future__ import annotations

from typing import NamedTuple

from switchboard.accounts import organizations
from switchboard.accounts.models import Organization
from switchboard.aws.writes import Writes
from switchboard.calls import acceptance, lanes
from switchboard.calls.lengths import TALK_LIMIT_SECONDS, count_minutes
from switchboard.calls.models import Call
from switchboard.errors import QuotaExceeded
from switchboard.kit import clock
from switchboard.usage import service as usage
from switchboard.usage.charges import Charge


class TalkHold(NamedTuple):
    """The maximum length of a talk in seconds, and the minutes to hold for it beyond the first one."""

    seconds: int
    minutes: int


def find_hold(org: Organization, call: Call, most_seconds: int = TALK_LIMIT_SECONDS) -> TalkHold:
    """Returns how long a new call may last, at most `most_seconds`, and what it has to hold for that."""
    left = None if call.simulated else left_minutes(org, call)
    if left is None:
        return TalkHold(most_seconds, 0)
    pool = lanes.lane_pool(org, call)
    running = len(lanes.read_pool_state(pool).held)
    # The more calls run, the more are likely to follow. Calls that run have taken their part already.
    parts = 1 + min(running + 1, max(1, pool.size - running))
    minutes = min(left // parts, count_minutes(most_seconds) - 1)
    return TalkHold(min(most_seconds, 60 * (1 + minutes)), minutes)


def left_minutes(org: Organization, call: Call) -> int | None:
    """Returns the minutes that nobody has used and no call holds, `None` without a limit."""
    meter = acceptance.METER[call.tier]
    left = usage.remaining_micros(org, meter)
    return None if left is None else max(0, left) // usage.price_micros(meter)


def hold_charges(org: Organization, call: Call, hold: TalkHold) -> list[Charge]:
    """Returns the charges that take a hold for an accepted call."""
    if not hold.minutes or call.receipt is None:
        return []
    return [usage.hold_charge(org, acceptance.METER[call.tier], hold.minutes, call.receipt)]


def release_writes(call: Call) -> Writes:
    """Returns the write that gives the hold of a call back, for a commit that charges nothing else for the call."""
    if not call.held_minutes or call.receipt is None:
        return None
    org = organizations.get_organization(call.org_id)
    return usage.correction_write(org, acceptance.METER[call.tier], 0, call.receipt, released=call.held_minutes)


def find_transfer_seconds(org: Organization, call: Call) -> int:
    """Returns how long a transfer of a call may last, in seconds: 0 if the limits have no room for both of its legs."""
    left = None if call.simulated else left_minutes(org, call)
    if left is None:
        return TALK_LIMIT_SECONDS
    return min(TALK_LIMIT_SECONDS, 60 * ((left + _unused_minutes(call)) // 2))


def _unused_minutes(call: Call) -> int:
    """Returns the minutes that a call holds and has not used until now."""
    passed = clock.seconds_between(clock.parse(call.answered_at or call.created_at), clock.now())
    return call.held_minutes - max(0, count_minutes(passed) - 1)


def take_transfer_hold(call: Call, seconds: int) -> tuple[int, Writes]:
    """Returns what a call holds with a transfer of so many seconds, and the write that takes what it does not hold yet.

    The write has no condition. So two transfers that begin at the same time may exceed a limit.
    """
    org = organizations.get_organization(call.org_id)
    if call.simulated or call.receipt is None or left_minutes(org, call) is None:
        return call.held_minutes, None
    more = max(0, 2 * count_minutes(seconds) - _unused_minutes(call))
    if not more:
        return call.held_minutes, None
    meter = acceptance.METER[call.tier]
    return call.held_minutes + more, usage.correction_write(org, meter, 0, call.receipt, released=-more)


def was_outrun(refused: QuotaExceeded, hold: TalkHold) -> bool:
    """Whether a refusal says that others took what a call should hold. Then the call holds less, if it asks again."""
    return hold.minutes > 0 and refused.code in ("hard_cap", "plan_quota", "credit_limit")
