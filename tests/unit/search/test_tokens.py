"""Texts and numbers are found by the beginnings of their words, in any common spelling."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from switchboard.search import tokens
from tests.unit.properties import example_settings


def finds(query: str, found: list[str]) -> bool:
    words = tokens.words_of_query(query)
    return bool(words) and all(any(token.startswith(word) for token in found) for word in words)


@pytest.mark.parametrize(
    "query",
    [
        *("+1 (415) 555-0142", "+14155550142", "14155550142", "1-415-555-0142", "(415) 555-0142", "415.555.0142"),
        *(
            "4155550142",
            "415 555",
            "(415)",
            "4155",
            "+1 415",
            "555-0142",
            "555\u20110142",
            "5550",
            "0142",
            "\uff11 \uff14\uff11\uff15",
        ),
    ],
)
def test_an_american_number_is_found_as_people_type_it(query: str) -> None:
    assert finds(query, tokens.tokens_of_number("+14155550142"))


@pytest.mark.parametrize("query", ["+44 20 7946 0018", "020 7946", "(020) 7946 0018", "2079460018", "0018"])
def test_a_british_number_is_found_with_and_without_its_trunk_prefix(query: str) -> None:
    assert finds(query, tokens.tokens_of_number("+442079460018"))


@pytest.mark.parametrize("query", ["415 556", "0142 415", "1 555", "55 01 42", "+1 (212)", "", "()", "x"])
def test_another_number_finds_nothing(query: str) -> None:
    assert not finds(query, tokens.tokens_of_number("+14155550142"))


@pytest.mark.parametrize(
    ("text", "query"),
    [
        ("Zoë Brontë-O\u2019Hara", "ZOE"),
        ("Zoë Brontë-O\u2019Hara", "o'hara bronte"),
        ("Zoë Brontë-O\u2019Hara", "ohara"),
        ("Weiß & Söhne", "weiss SOHNE"),
        ("ΣΊΣΥΦΟΣ", "σισυφος"),
        ("山田 太郎", "山"),
        ("हिन्दी शब्द", "हिन"),
        ("ﬁne ①", "fine 1"),
        ("Suite B12, 4th floor", "b1 4"),
        ("on line ٤٢", "42"),
        ("call (415) 555-0100, or 7 and 8", "415-555"),
        ("call (415) 555-0100, or 7 and 8", "555 01"),
        ("call (415) 555-0100, or 7 and 8", "7 or 8 call"),
        ("route 66 2000 4th", "662000 route 4t"),
    ],
)
def test_a_text_is_found_by_the_beginnings_of_its_words(text: str, query: str) -> None:
    assert finds(query, tokens.tokens_of_text(text))


@pytest.mark.parametrize(("text", "query"), [("Annabel", "bel"), ("7, 8", "78"), ("a b", "ab"), ("हिन्दी", "दी")])
def test_a_text_is_not_found_by_the_middle_of_a_word(text: str, query: str) -> None:
    assert not finds(query, tokens.tokens_of_text(text))


@given(st.text(max_size=60))
@example_settings(200)
def test_any_text_finds_itself_by_tokens_that_fit_the_index(text: str) -> None:
    found = tokens.tokens_of_text(text)
    assert len(found) == len(set(found))
    assert all(0 < len(token) <= tokens.MAX_TOKEN_CHARACTERS and "#" not in token for token in found)
    words = tokens.words_of_query(text)
    assert finds(text, found) or not words
