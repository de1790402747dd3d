"""A sign is found anywhere in a turn, and a long turn takes linear time."""

from __future__ import annotations

import time

import pytest

from switchboard.roleplay.catalog import criteria
from switchboard.roleplay.judges import signs
from switchboard.roleplay.judges.models import PracticeSpeaker, PracticeTurn


def make_turn(text: str) -> PracticeTurn:
    return PracticeTurn(number=3, speaker=PracticeSpeaker.REP, text=text, start_ms=0, end_ms=1)


@pytest.mark.parametrize("before", [0, 1, 390, 399, 400, 790, 799, 800, 801, 1_190, 5_000])
@pytest.mark.parametrize("behind", [0, 1, 900])
def test_a_sign_is_found_anywhere_in_a_turn(before: int, behind: int) -> None:
    text = "x" * before + " Which doctors would you like to keep? " + "y" * behind
    found = signs._first(criteria.DOCTORS.signs[0], [make_turn(text)])
    assert found
    assert text[found.start : found.end] == "Which doctors would you like to keep?"


def test_a_word_inside_another_word_is_not_a_sign() -> None:
    assert signs._first(criteria.RECORDING.signs[0], [make_turn("x" * 395 + "prerecorded")]) is None


@pytest.mark.parametrize("words", ["which doctors ", "lost ", "burial ", "which "])
def test_a_long_turn_takes_linear_time(words: str) -> None:
    patterns = [*criteria.DOCTORS.signs, *criteria.ELECTION.signs, *criteria.FINAL_WISHES.signs, *criteria.DRUGS.signs]
    began = time.thread_time()
    for sign in patterns:
        signs._first(sign, [make_turn(words * (30_000 // len(words)))])
    assert time.thread_time() - began < 5
