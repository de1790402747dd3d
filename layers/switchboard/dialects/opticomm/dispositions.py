"""The end of a call in OptiComm's words, for answers and callbacks (docs/contracts/opticomm.md#status)."""

from __future__ import annotations

from typing import Literal

from switchboard.calls.models import Call, State
from switchboard.carriers.voice.ports.reports import EndReason

Status = Literal["pending", "calling", "completed", "failed"]

#: A call that a worker has claimed, or that nobody can tell of yet, is pending until the carrier has it for certain: a
#: claim may be given back, and no status goes backwards.
_STATUS: dict[State, Status] = {
    State.CREATED: "pending",
    State.DIALING: "pending",
    State.UNCONFIRMED: "pending",
    State.RINGING: "calling",
    State.ACTIVE: "calling",
    State.HOLD: "calling",
    State.ENDING: "calling",
    State.COMPLETED: "completed",
    State.BUSY: "failed",
    State.NO_ANSWER: "failed",
    State.FAILED: "failed",
    State.CANCELED: "failed",
}
_OUTCOME = {State.COMPLETED: "unknown", State.FAILED: "failed"}
_REASONS = {
    EndReason.BUSY: "The line is busy.",
    EndReason.NO_ANSWER: "Nobody answered.",
    EndReason.FAILED: "The carrier could not place the call.",
    EndReason.UNREACHABLE: "The number cannot be reached.",
    EndReason.TIMEOUT: "The carrier reported no end of the call.",
    EndReason.CANCELED: "The call was canceled.",
    EndReason.PROVIDER_UNAVAILABLE: "The voice provider was not available.",
    EndReason.CONCURRENCY_LIMIT: "The organization's cap of concurrent calls was reached for too long.",
    EndReason.RATE_LIMIT: "The number that calls had no turn in time.",
    EndReason.BLOCKED: "The compliance gate refused the call before it was dialled.",
}


def status_of(call: Call) -> Status:
    """Where the call is. It never goes back.

    But a late report may still correct the end (`ending.may_be_corrected`): then `failed` becomes `completed`. No
    callback tells of that.
    """
    return _STATUS[call.state]


def outcome_of(call: Call) -> str | None:
    """What came of it: what its analysis says of the talk, else how it ended. None while it lasts."""
    if status_of(call) not in ("completed", "failed"):
        return None
    if call.end_reason is EndReason.VOICEMAIL:
        return "voicemail"
    if call.state is State.COMPLETED and call.outcome:
        return call.outcome
    return _OUTCOME.get(call.state, call.state.value)


def error_of(call: Call) -> str | None:
    """Why it failed, if it did."""
    if status_of(call) != "failed":
        return None
    return call.error or _REASONS.get(call.end_reason or EndReason.FAILED, "The call failed.")
