"""Digests without a model: what English messages say, and nothing of any other text."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from switchboard.voicemails.digesters.models import MAX_LINES
from switchboard.voicemails.digesters.rules import RuleDigester

CALLER = "+14155550142"


def test_a_message_says_who_called_for_whom_and_why() -> None:
    found = RuleDigester().digest(
        "Hi, this is Maria Lopez calling for Dr. Chen. I need to reschedule my appointment on Friday at 3 pm."
        " Please call me back at 415-555-2671. Thanks!",
        CALLER,
    )
    assert (found.caller_name, found.intended_recipient) == ("Maria Lopez", "Chen")
    assert (found.callback_number_e164, found.urgency, found.sentiment) == ("+14155552671", "normal", "positive")
    assert found.categories == ["appointment", "callback"]
    assert found.entities == ["Friday", "3 pm"]
    assert found.action_items[-1] == "Please call me back at 415-555-2671."


@pytest.mark.parametrize(
    ("said", "facts"),
    [
        ("this is bob call me at four one five five five five two six seven one", {"caller_name": "Bob"}),
        (
            "this is bob call me at four one five five five five two six seven one",
            {"callback_number_e164": "+14155552671"},
        ),
        ("This is about my bill. Nothing else to say.", {"caller_name": None, "categories": ["billing"]}),
        ("There is an emergency in the building, come immediately!", {"urgency": "urgent"}),
        ("Ring me today, it is important to us all.", {"urgency": "high"}),
        ("The service was terrible, but the staff was great.", {"sentiment": "mixed"}),
        ("My number is +44 20 7946 0018, that is in London.", {"callback_number_e164": "+442079460018"}),
        ("My policy is 1234567 and the year is 2026.", {"callback_number_e164": None}),
    ],
)
def test_each_fact_is_found(said: str, facts: dict[str, Any]) -> None:
    found = RuleDigester().digest(said, CALLER)
    assert {name: getattr(found, name) for name in facts} == facts


def test_another_language_is_only_quoted() -> None:
    found = RuleDigester().digest("Ich habe eine Frage zu meiner Rechnung und bitte um Rückruf.", "anonymous")
    assert found.tldr.startswith("Ich habe eine Frage")
    assert (found.caller_name, found.categories, found.action_items) == (None, [], [])


@given(st.text(max_size=2_000), st.sampled_from([CALLER, "anonymous", ""]))
def test_any_text_has_a_digest_within_its_limits(said: str, caller: str) -> None:
    found = RuleDigester().digest(said, caller)
    assert len(found.tldr) <= 200
    assert max(len(found.categories), len(found.entities), len(found.action_items)) <= MAX_LINES
