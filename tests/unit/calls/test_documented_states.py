"""The diagram of `docs/calls.md` shows only moves that the code allows."""

from __future__ import annotations

import re
from pathlib import Path

from switchboard.calls.models import FINAL_STATES, TRANSITIONS, State

DOCUMENT = Path(__file__).resolve().parents[3] / "docs" / "calls.md"
DRAWN = [
    (State(before), State(after))
    for before, after in re.findall(r"^    (\w+) --> (\w+)", DOCUMENT.read_text(), re.MULTILINE)
]


def test_every_drawn_move_is_allowed() -> None:
    assert [(before, after) for before, after in DRAWN if after not in TRANSITIONS[before]] == []


def test_every_state_is_drawn_with_a_path_to_an_end() -> None:
    assert {after for _, after in DRAWN} == set(State)
    assert {before for before, _ in DRAWN} == set(State) - FINAL_STATES
