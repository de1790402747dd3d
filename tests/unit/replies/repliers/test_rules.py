"""Answers without a language model."""

from __future__ import annotations

import pytest

from switchboard.replies.repliers.models import Prompt, ThreadLine, ToolResult
from switchboard.replies.repliers.rules import RuleReplier
from switchboard.replies.repliers.tool_names import ASSIGN_TO_HUMAN


def _prompt(*lines: ThreadLine, greeting: str = "", results: tuple[ToolResult, ...] = ()) -> Prompt:
    return Prompt("Acme", "Desk", greeting, "", None, lines, [], results)


def test_the_first_text_gets_the_greeting() -> None:
    assert RuleReplier().reply(_prompt(ThreadLine(False, "Hi"), greeting="Welcome!")).text == "Welcome!"
    assert "Acme" in (RuleReplier().reply(_prompt(ThreadLine(False, "Hi"))).text or "")


@pytest.mark.parametrize("body", ["Thanks!", "ok thank you so much", "Bye", "Gracias"])
def test_a_closing_needs_no_answer(body: str) -> None:
    assert RuleReplier().reply(_prompt(ThreadLine(True, "Done."), ThreadLine(False, body))) == (None, ())


def test_anything_else_goes_to_a_person_who_is_announced_once() -> None:
    lines = (
        ThreadLine(False, "Hi"),
        ThreadLine(True, "Welcome!"),
        ThreadLine(False, "My order"),
        ThreadLine(False, "is late"),
    )
    first = RuleReplier().reply(_prompt(*lines))
    assert [call.name for call in first.calls] == [ASSIGN_TO_HUMAN]
    then = RuleReplier().reply(_prompt(*lines, results=(ToolResult(ASSIGN_TO_HUMAN, "", done=True),)))
    assert then.text
    assert not then.calls
