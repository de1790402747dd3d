"""Wishes for no more calls, in many wordings."""

from __future__ import annotations

import time

import pytest

from switchboard.compliance.opt_out_speech import asks_to_stop, asks_to_stop_in_turns, presses_to_stop
from tests.tables import each
from tests.unit.compliance.wish_phrases import OTHERS, UNPUNCTUATED, WHOLE, WISHES


@each("text", WISHES)
def test_a_wish_is_detected_in_any_wording(text: str) -> None:
    assert asks_to_stop(text)
    assert asks_to_stop(f"Listen, I am at work. {text}. Goodbye."), "inside a sentence, too"
    assert asks_to_stop(text.upper())


@each("text", WHOLE)
def test_a_short_wish_must_be_a_whole_turn(text: str) -> None:
    assert asks_to_stop(text)
    assert asks_to_stop(text.upper())
    assert asks_to_stop(f"{text}!")


@each("text", UNPUNCTUATED)
def test_a_wish_needs_no_punctuation(text: str) -> None:
    assert asks_to_stop(text)


@each("text", OTHERS)
def test_other_sentences_are_not_taken_for_a_wish(text: str) -> None:
    assert not asks_to_stop(text)


@pytest.mark.parametrize("text", ["Don't call me before nine", "Can you take me off hold?", "Why don't you call me?"])
def test_a_wish_beside_other_sentences_is_detected(text: str) -> None:
    assert asks_to_stop(f"{text}. No, stop calling me.")
    assert asks_to_stop(f"Take me off your list. {text}")


@pytest.mark.parametrize(
    "words",
    [
        *("stop ", "dont call me ", "no ", "i dont want to get ", "no quiero ", "take my ", "you dont call, "),
        *("dont ever you please ", "stop calls all the ", "a ", "please, ", "please ", "just ", "take me off of the "),
        *("told you guys ", "no me llame a b c ", "i dont want you to be ever ", "remove my a number ", "no "),
        *("ne me ", "je ne veux plus de ", "arretez de m'", "retirez moi de la ", "ne m'appelez pas "),
    ],
)
def test_a_long_turn_is_parsed_quickly(words: str) -> None:
    text = words * 100_000
    started = time.process_time()
    for _ in range(20):
        asks_to_stop(text)
    assert time.process_time() - started < 2


@pytest.mark.parametrize(
    "turns",
    [
        ["Please don't", "call me again."],
        ["Please don't.", "Call me again."],
        ["I want you to take me off", "of your", "list"],
        ["Por favor no me", "llamen"],
        ["Stop calling me.", "Goodbye."],
        ["Hello?", "Stop."],
        ["word " * 3_000, "please don't", "call me again"],
    ],
)
def test_a_pause_does_not_split_a_wish(turns: list[str]) -> None:
    assert asks_to_stop_in_turns(turns)


@pytest.mark.parametrize(
    "turns",
    [
        [],
        [""],
        ["Hello."],
        ["I don't want", "to miss your call."],
        ["Can you take me off", "hold"],
        ["Call", "me again."],
    ],
)
def test_split_turns_without_a_wish_are_not_taken_for_one(turns: list[str]) -> None:
    # A turn that is cut after "take me off" is a wish until the rest of it arrives.
    assert asks_to_stop_in_turns(turns) is (turns[:1] == ["Can you take me off"])


@pytest.mark.parametrize("digits", ["9", "9#", "*9", "#9#"])
def test_the_stop_key_opts_out(digits: str) -> None:
    assert presses_to_stop(digits)


@pytest.mark.parametrize("digits", ["", "#", "1", "19", "4409127#", "9*1", "0", "90"])
def test_a_nine_inside_another_number_is_not_a_wish(digits: str) -> None:
    assert not presses_to_stop(digits)


@pytest.mark.parametrize("text", [*WHOLE[1:], "No more.", "Okay stop.", "Could you please stop?", "do not disturb"])
def test_a_short_wish_of_a_caller_does_not_count(text: str) -> None:
    assert asks_to_stop(text)
    assert not asks_to_stop(text, explicit=True)
    assert not asks_to_stop_in_turns(["Hello?", text], explicit=True)


#: Wishes of called persons that do not say what shall stop.
_SHORT = frozenset(
    {
        *("please no more", "please stop", "just stop", "stop please", "okay stop", "can you please stop"),
        *("do not disturb", "I'm not interested please stop", "stop please stop"),
    }
)


@each("text", WISHES)
def test_an_explicit_wish_of_a_caller_counts(text: str) -> None:
    assert asks_to_stop(text, explicit=True) is (text not in _SHORT)
