"""The index: the order of the words makes no difference, from page to page either."""

from __future__ import annotations

from itertools import permutations
from random import Random

import pytest

from switchboard.errors import Invalid
from switchboard.search import index
from tests.unit.search import shelf

pytestmark = pytest.mark.usefixtures("cloud", "frozen")

#: More words than are looked up, long and short ones, and some of one length.
WORDS = ["aaaa", "bbbb", "cccc", "dddd", "ee"]


def filled() -> set[str]:
    """The ids of those things on the shelf that have all the words."""
    chance, wanted = Random(3), set()
    for number in range(14):
        has = WORDS if number % 2 else chance.sample(WORDS, 4)
        title = " ".join(f"{word}{number:02}" for word in chance.sample(has, len(has)))
        shelf.put(f"thing{number:02}", title)
        if number % 2:
            wanted.add(f"thing{number:02}")
    return wanted


@pytest.mark.parametrize("at_once", [3, 1_000])
def test_words_in_any_order_find_the_same_pages(monkeypatch: pytest.MonkeyPatch, at_once: int) -> None:
    monkeypatch.setattr(index, "_ENTRIES_PER_WORD", at_once)
    filled()
    pages = {str(shelf.search(words, limit=2)) for words in permutations(WORDS)}
    assert len(pages) == 1


@pytest.mark.parametrize("at_once", [3, 1_000])
def test_words_that_change_places_between_pages_find_everything_once(
    monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    monkeypatch.setattr(index, "_ENTRIES_PER_WORD", at_once)
    wanted = filled()
    for seed in range(25):
        chance, found, cursor = Random(seed), list[str](), None
        while not found or cursor:
            words = chance.sample(WORDS, len(WORDS))
            page, cursor = shelf.search(words + words[:1], limit=chance.randint(1, 4), after=cursor)
            found += page
            if not cursor:
                break
        assert sorted(found) == sorted(wanted), seed


def test_a_cursor_is_good_for_its_words_only() -> None:
    filled()
    _, cursor = shelf.search(WORDS, limit=1)
    assert cursor
    for words in (WORDS[:-1], [*WORDS, "ff"], []):
        with pytest.raises(Invalid):
            shelf.search(words, limit=1, after=cursor)
