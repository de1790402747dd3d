"""The answers of the simulated talker to a caller, and the places to which it hands the caller."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from switchboard.carriers.voice.simulator.course import TalkScript

GOODBYE = "Thank you for calling. Goodbye."
#: How a caller who wants to leave a message says so.
WANTS_MESSAGE = "I would like to leave a message."
_ANSWERS = ("I see. Please go on.", "Thank you. I have noted that.", "Of course. What else can I do for you?")
_TRANSFER_WORDS = ("transfer", "connect", "speak to", "speak with", "talk to", "put me through")
_MESSAGE_WORDS = ("leave a message", "voicemail", "take a message")


class TalkReply(NamedTuple):
    """The talker's words, and how it hands the caller on, if it does: the end of the talk.

    With a `tool` the talker first uses it with these arguments, and then says its result too.
    """

    text: str
    handoff: dict[str, Any] | None = None
    tool: str | None = None
    arguments: dict[str, Any] | None = None


def reply_to(line: str, number: int, talk: TalkScript) -> TalkReply:
    """Returns the reply to a caller's line. `number` counts the lines from 0."""
    plain = line.lower()
    for name in talk.tools:
        if name in line:
            return TalkReply("Let me look.", tool=name, arguments=_arguments_of(line.partition(name)[2]))
    if talk.takes_messages and any(word in plain for word in _MESSAGE_WORDS):
        return TalkReply("Of course. I will record your message.", {"voicemail": True})
    if any(word in plain for word in _TRANSFER_WORDS):
        # The longest label counts, so that `sales abroad` is not taken for `sales`.
        named = sorted((label for label in talk.transfer_labels if label.lower() in plain), key=len)
        if named:
            return TalkReply(f"I will connect you to {named[-1]}.", {"transfer": named[-1]})
    return TalkReply(_ANSWERS[number % len(_ANSWERS)])


def _arguments_of(rest: str) -> dict[str, Any]:
    """Returns the JSON object that follows the name of a tool, if one does: testers say the arguments."""
    try:
        value = json.loads(rest)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}
