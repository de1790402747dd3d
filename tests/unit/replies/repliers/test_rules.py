"""Answers without a language model."""

from __future__ import annotations

import pytest

from switchboard.replies.models import Line, Prompt, ToolResult
from switchboard.replies.repliers.rules import RuleReplier
from switchboard.replies.tool_names import ASSIGN_TO_HUMAN


def _prompt(*lines: Line, greeting: str = "", results: tuple[ToolResult, ...] = ()) -> Prompt:
    return Prompt("Acme", "Desk", greeting, "", None, lines, [], results)


def test_the_first_text_gets_the_greeting() -> None:
    assert RuleReplier().reply(_prompt(Line(False, "Hi"), greeting="Welcome!")).text == "Welcome!"
    assert "Acme" in (RuleReplier().reply(_prompt(Line(False, "Hi"))).text or "")


@pytest.mark.parametrize("body", ["Thanks!", "ok thank you so much", "Bye", "Gracias"])
def test_a_closing_needs_no_answer(body: str) -> None:
    assert RuleReplier().reply(_prompt(Line(True, "Done."), Line(False, body))) == (None, ())


def test_anything_else_goes_to_a_person_who_is_announced_once() -> None:
    lines = (Line(False, "Hi"), Line(True, "Welcome!"), Line(False, "My order"), Line(False, "is late"))
    first = RuleReplier().reply(_prompt(*lines))
    assert [call.name for call in first.calls] == [ASSIGN_TO_HUMAN]
    then = RuleReplier().reply(_prompt(*lines, results=(ToolResult(ASSIGN_TO_HUMAN, "", done=True),)))
    assert then.text
    assert not then.calls
