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
        return _write_sentence(call.error)
    return _REASONS.get(call.end_reason or EndReason.FAILED, "The call failed.")


def _write_sentence(error: str) -> str:
    """Returns an error as a sentence. Carriers tell errors in their own form, some of them only a code."""
    if not any(character.isalpha() for character in error):
        return f"The carrier could not place the call: {error}."
    return error[0].upper() + error[1:] + ("" if error.endswith((".", "!", "?")) else ".")
