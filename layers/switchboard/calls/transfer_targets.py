"""Whether a call in progress may be transferred to a number now, and for how long.

The caller asks for a transfer, so the gate for calls out does not decide. But the line dials the number at the
organization's cost, so the number must be one that transfers reach, and the cap must pay for it.
"""

from __future__ import annotations

from switchboard import telemetry
from switchboard.accounts import organizations
from switchboard.calls import holds
from switchboard.calls.models import Call
from switchboard.errors import Invalid
from switchboard.flows import transfer_numbers

#: A transfer that was begun lasts at least so long, in seconds.
_MIN_SECONDS = 60


def may_transfer_to(call: Call, to_number: str) -> bool:
    """Whether a call may be transferred to a number. A refused transfer counts as one that nobody answered."""
    try:
        problem = transfer_numbers.find_target_problem(call.org_id, to_number)
    except Invalid:
        problem = "is no telephone number"
    if problem is None and _affordable_seconds(call) < _MIN_SECONDS:
        problem = "is not dialed, because the spending cap has no room for it"
    if problem is not None:
        telemetry.log_skip(f"the number of the transfer {problem}", org_id=call.org_id, call_id=call.id)
    return problem is None


def longest_seconds(call: Call) -> int:
    """Returns how long the talk with the other number may last, in seconds."""
    return max(_MIN_SECONDS, _affordable_seconds(call))


def _affordable_seconds(call: Call) -> int:
    return holds.find_transfer_seconds(organizations.get_organization(call.org_id), call)
