"""The index: the order of the words does not matter, also from page to page."""

from __future__ import annotations

from itertools import permutations
from random import Random

import pytest

from switchboard.errors import Invalid
from switchboard.search import index
from tests.unit.search import shelf

pytestmark = pytest.mark.usefixtures("cloud", "frozen")

#: More words than the index looks up, long and short ones, and some of equal length.
WORDS = ["aaaa", "bbbb", "cccc", "dddd", "ee"]


def fill_shelf() -> set[str]:
    """The ids of the things on the shelf with all the words."""
    chance, wanted = Random(3), set()
    for number in range(14):
        has = WORDS if number % 2 else chance.sample(WORDS, 4)
        title = " ".join(f"{word}{number:02}" for word in chance.sample(has, len(has)))
        shelf.put_thing(f"thing{number:02}", title)
        if number % 2:
            wanted.add(f"thing{number:02}")
    return wanted


@pytest.mark.parametrize("at_once", [3, 1_000])
def test_words_in_any_order_find_the_same_pages(monkeypatch: pytest.MonkeyPatch, at_once: int) -> None:
    monkeypatch.setattr(index, "_ENTRIES_PER_WORD", at_once)
    fill_shelf()
    pages = {str(shelf.search_things(words, limit=2)) for words in permutations(WORDS)}
    assert len(pages) == 1


@pytest.mark.parametrize("at_once", [3, 1_000])
def test_reordered_words_between_pages_find_everything_once(monkeypatch: pytest.MonkeyPatch, at_once: int) -> None:
    monkeypatch.setattr(index, "_ENTRIES_PER_WORD", at_once)
    wanted = fill_shelf()
    for seed in range(25):
        chance, found, cursor = Random(seed), list[str](), None
        while not found or cursor:
            words = chance.sample(WORDS, len(WORDS))
            page, cursor = shelf.search_things(words + words[:1], limit=chance.randint(1, 4), after=cursor)
            found += page
            if not cursor:
                break
        assert sorted(found) == sorted(wanted), seed


def test_a_cursor_works_for_its_words_only() -> None:
    fill_shelf()
    _, cursor = shelf.search_things(WORDS, limit=1)
    assert cursor
    for words in (WORDS[:-1], [*WORDS, "ff"], []):
        with pytest.raises(Invalid):
            shelf.search_things(words, limit=1, after=cursor)
