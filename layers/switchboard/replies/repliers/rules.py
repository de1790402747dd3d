"""Answers without a language model. They depend on the texts alone, and they never pretend to understand.

The first text gets the flow's greeting. Thanks and good-byes need no answer. Every other text, and a wish to talk to a
person, hands the conversation to the team, and says so once.
"""

from __future__ import annotations

import re

from switchboard.kit import texts
from switchboard.replies.repliers import MAX_REPLY_CHARACTERS, RULES
from switchboard.replies.repliers.models import Answer, Prompt, ThreadLine, ToolCall
from switchboard.replies.repliers.tool_names import ASSIGN_TO_HUMAN

_CLOSINGS = re.compile(
    r"(?:ok|okay|thanks|thank you|thx|ty|great|perfect|cool|bye|goodbye|got it|no thanks|gracias|adios|vale)"
    r"(?: (?:so much|very much|a lot|again|ok|okay|thanks|thank you|bye))*"
)


class RuleReplier:
    """Writes answers by rules."""

    name = RULES

    def reply(self, prompt: Prompt) -> Answer:
        """Returns the answer. Raises nothing."""
        if any(result.name == ASSIGN_TO_HUMAN for result in prompt.results):
            return Answer("Thank you. A member of our team will answer here as soon as possible.")
        latest = texts.plain_words(" ".join(line.text for line in _latest(prompt)))
        if _CLOSINGS.fullmatch(latest):
            return Answer()
        if not any(line.by_us for line in prompt.lines):
            greeting = prompt.greeting or f"Hello, this is the assistant of {prompt.organization}. How can we help?"
            return Answer(greeting[:MAX_REPLY_CHARACTERS])
        return Answer(calls=[ToolCall(ASSIGN_TO_HUMAN, {"reason": "the rules have no answer"})])


def _latest(prompt: Prompt) -> list[ThreadLine]:
    """Returns the contact's texts after our last one."""
    found: list[ThreadLine] = []
    for line in reversed(prompt.lines):
        if line.by_us:
            break
        found.append(line)
    return found[::-1]
