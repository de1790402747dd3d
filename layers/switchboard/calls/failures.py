"""Why a call failed, in a sentence."""

from __future__ import annotations

from switchboard.calls.models import Call, State
from switchboard.carriers.voice.ports.reports import EndReason

_FAILED_STATES = frozenset({State.BUSY, State.NO_ANSWER, State.FAILED, State.CANCELED})
_REASONS = {
    EndReason.BUSY: "The line is busy.",
    EndReason.NO_ANSWER: "Nobody answered.",
    EndReason.CALLER_HANGUP: "The called side hung up before the answer.",
    EndReason.AGENT_HANGUP: "The call was hung up before the answer.",
    EndReason.FAILED: "The carrier could not place the call.",
    EndReason.UNREACHABLE: "The number cannot be reached.",
    EndReason.TIMEOUT: "The carrier did not report the end of the call.",
    EndReason.CANCELED: "The call was canceled.",
    EndReason.PROVIDER_UNAVAILABLE: "The voice provider was not available.",
    EndReason.CONCURRENCY_LIMIT: "The organization's limit of concurrent calls was reached for too long.",
    EndReason.RATE_LIMIT: "The caller ID's limit of calls per second was reached for too long.",
    EndReason.BLOCKED: "A compliance rule refused the call before it was dialed.",
}


def describe_failure(call: Call) -> str | None:
    """Returns why a call failed, `None` if it did not fail or is not over."""
    if call.state not in _FAILED_STATES:
        return None
    if call.error:
        # A worker or a provider wrote it, as a part of a sentence.
        return f"{call.error[0].upper()}{call.error[1:].removesuffix('.')}."
    return _REASONS.get(call.end_reason or EndReason.FAILED, "The call failed.")
