"""Summaries without a language model depend on the talk alone, and stay short."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from switchboard.calls.summarizers.models import TalkTurn
from switchboard.calls.summarizers.rules import RuleSummarizer

TURNS = st.lists(st.builds(TalkTurn, st.booleans(), st.text(max_size=300)), max_size=6)
SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"plan": {"enum": ["basic", "premium plus", 3]}, "agreed": {"type": "boolean"}, "any": True},
}


def outcome_of(*texts: str) -> dict[str, Any] | None:
    return RuleSummarizer().summarize([TalkTurn(False, text) for text in texts], SCHEMA).outcome


@given(TURNS)
def test_equal_talks_have_equal_short_summaries(turns: list[TalkTurn]) -> None:
    found = RuleSummarizer().summarize(turns, SCHEMA)
    assert found == RuleSummarizer().summarize(list(turns), SCHEMA)
    assert 0 < len(found.tldr) < 300
    assert all(0 < len(text) <= 200 for text in [*found.key_points, *found.next_actions])
    assert max(len(found.key_points), len(found.next_actions)) <= 4
    assert found.outcome is not None


@pytest.mark.parametrize(
    ("texts", "outcome"),
    [
        (("Basic, please. No, Premium Plus!",), {"plan": "premium plus", "agreed": False}),
        (("No.", "Well, yes."), {"agreed": True}),
        (("Basics are fine.",), {}),
    ],
)
def test_the_last_named_choice_is_the_outcome(texts: tuple[str, ...], outcome: dict[str, Any]) -> None:
    assert outcome_of(*texts) == outcome


@pytest.mark.parametrize(
    ("text", "sentiment"),
    [
        ("That is great, thanks.", "positive"),
        ("This is terrible.", "negative"),
        ("Great, but it was wrong.", "mixed"),
        ("It is Monday.", "neutral"),
    ],
)
def test_the_mood_is_the_callers(text: str, sentiment: str) -> None:
    turns = [TalkTurn(True, "Wonderful, terrible!"), TalkTurn(False, text)]
    assert RuleSummarizer().summarize(turns, None).sentiment == sentiment


def test_a_promise_of_either_side_is_a_next_action() -> None:
    turns = [TalkTurn(True, "Hello. I will send the form."), TalkTurn(False, "Please call me back on Monday.")]
    found = RuleSummarizer().summarize(turns, None)
    assert found.next_actions == ["I will send the form.", "Please call me back on Monday."]
    assert found.outcome is None


def test_the_longest_sentence_stands_for_the_talk() -> None:
    turns = [TalkTurn(True, "Hello, this is the longest sentence of all."), TalkTurn(False, "Hello. I am late. Bye.")]
    assert RuleSummarizer().summarize(turns, None).tldr == "The caller said: “I am late.”"
    assert RuleSummarizer().summarize(turns, None, "person").tldr == "The person said: “I am late.”"
    assert RuleSummarizer().summarize([TalkTurn(False, " ")], None).tldr == "The caller said nothing."
