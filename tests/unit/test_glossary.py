"""The glossary: each word once, in order, with one sentence."""

from __future__ import annotations

from pathlib import Path

PAGE = Path(__file__).resolve().parents[2] / "docs" / "glossary.md"


def test_each_word_has_one_sentence_in_alphabetical_order() -> None:
    rows = [line.strip("| ").split(" | ") for line in PAGE.read_text("utf-8").splitlines() if line.startswith("| ")]
    words = [word for word, *_ in rows[1:]]
    assert words == sorted(words, key=str.lower), "put each word into alphabetical order"
    assert len(words) == len(set(words)), "a word has two entries: keep one meaning"
    for word, meaning, *_ in rows[1:]:
        sentence = meaning.rstrip("|").strip()
        assert sentence.endswith("."), f"{word}: end its sentence with a full stop"
        assert ". " not in sentence, f"{word}: one sentence is enough"
