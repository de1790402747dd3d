"""The text of an API key: valid keys are recognized, and so are typing errors."""

from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from switchboard.accounts import credentials
from switchboard.accounts.models import KeyKind
from tests.unit.properties import examples

KINDS = st.sampled_from(list(KeyKind))
SEEDS = st.binary(min_size=32, max_size=32)
ALPHABET = string.ascii_letters + string.digits


@given(KINDS, SEEDS)
@examples(200)
def test_the_same_seed_creates_the_same_key_of_its_kind(kind: KeyKind, seed: bytes) -> None:
    minted = credentials.mint_key(kind, seed)
    assert credentials.kind_of(minted.text) is kind
    assert credentials.mint_key(kind, seed) == minted
    assert minted.text.startswith(minted.prefix)
    assert len(minted.prefix) == len(kind) + 6


@given(KINDS, SEEDS, st.data())
@examples(300)
def test_one_changed_character_is_always_detected(kind: KeyKind, seed: bytes, data: st.DataObject) -> None:
    text = credentials.mint_key(kind, seed).text
    place = data.draw(st.integers(0, len(text) - 1))
    other = data.draw(st.sampled_from(ALPHABET + "_-").filter(lambda char: char != text[place]))
    assert credentials.kind_of(text[:place] + other + text[place + 1 :]) is None


@given(KINDS, SEEDS, st.data())
@examples(100)
def test_swapped_missing_and_added_characters_are_detected(kind: KeyKind, seed: bytes, data: st.DataObject) -> None:
    text = credentials.mint_key(kind, seed).text
    place = data.draw(st.integers(0, len(text) - 2))
    swapped = text[:place] + text[place + 1] + text[place] + text[place + 2 :]
    assert swapped == text or credentials.kind_of(swapped) is None
    assert credentials.kind_of(text[:place] + text[place + 1 :]) is None
    assert credentials.kind_of(text[:place] + data.draw(st.sampled_from(ALPHABET)) + text[place:]) is None


@given(
    st.one_of(st.text(max_size=60), st.builds(lambda k, t: k + t, KINDS, st.text(ALPHABET, min_size=38, max_size=38)))
)
@examples(300)
def test_any_other_text_is_not_a_key(text: str) -> None:
    assert credentials.kind_of(text) is None


@pytest.mark.parametrize("char", ["é", "٣", "Ⅷ", "\n", " ", "_"])
def test_letters_and_digits_of_other_alphabets_are_refused(char: str) -> None:
    text = credentials.mint_key(KeyKind.AGENT, b"s" * 32).text
    body = text[:10] + char + text[11 : len("ak_") + 32]
    # The checksum is correct, so that only the characters are wrong.
    assert credentials.kind_of(body + credentials._checksum(body)) is None


def test_two_keys_are_never_equal() -> None:
    assert len({credentials.mint_key(KeyKind.AGENT).text for _ in range(200)}) == 200
