"""Status and outcome of a call in OptiComm's terms (docs/contracts/opticomm.md#status)."""

from __future__ import annotations

from typing import Literal

from switchboard.calls.models import Call, State
from switchboard.carriers.voice.ports.reports import EndReason

Status = Literal["pending", "calling", "completed", "failed"]

#: A call stays `pending` until the carrier has accepted it: a worker may return its claim of a call, and a status never
#: goes back.
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


def status_of(call: Call) -> Status:
    """Returns the status of a call. It never goes back.

    A late report may correct the end of a call (`ending.may_be_corrected`): `failed` becomes `completed`. No callback
    reports this correction.
    """
    return _STATUS[call.state]


def outcome_of(call: Call) -> str | None:
    """Returns the outcome from the analysis of the call, else from its end. `None` until the call has ended."""
    if status_of(call) not in ("completed", "failed"):
        return None
    if call.end_reason is EndReason.VOICEMAIL:
        return "voicemail"
    if call.state is State.COMPLETED and call.outcome:
        return call.outcome
    return _OUTCOME.get(call.state, call.state.value)
