"""A call that comes in at a line, and the results of the steps of its script, in our own terms."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class IncomingCall:
    """A call that waits for its first script.

    `provider_call_id` is the line's id of the call. `from_number` is in E.164, or a word if the caller has no number.
    A `simulated` call has no caller.
    """

    provider_call_id: str
    from_number: str
    to_number: str
    simulated: bool = False


@dataclass(frozen=True, slots=True)
class TalkEnd:
    """The end of a talk: the caller wants `transfer_to` (a label), or to leave a message, or neither.

    `failed` means that the talker broke off.
    """

    transfer_to: str | None = None
    leaves_message: bool = False
    failed: bool = False


@dataclass(frozen=True, slots=True)
class DialEnd:
    """The end of a transfer. `connected` means that the other number answered. `seconds` is the length of that talk."""

    connected: bool
    seconds: int = 0
