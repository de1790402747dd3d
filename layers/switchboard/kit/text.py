"""Checks text that is shown on one line."""

from __future__ import annotations

import re
import unicodedata

#: Characters that end a line, control a terminal, or change the direction of a text: C0 and C1 controls with NUL, the
#: line and paragraph separators, and the bidirectional embeddings, overrides and isolates (UAX #9).
UNSAFE_CHARACTERS = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
_LINES = re.compile("[\t\n\r]")
#: The straight apostrophe and the curly one.
_APOSTROPHES = str.maketrans("", "", "'\u2019")
_BETWEEN = re.compile(r"[^a-z0-9]+")


def require_one_line(text: str) -> str:
    """Returns the text. Raises ValueError if it holds control or bidirectional characters."""
    if found := UNSAFE_CHARACTERS.search(text):
        raise ValueError(f"holds the control character U+{ord(found[0]):04X}: remove it")
    return text


def require_text(text: str) -> str:
    """Return a text of several lines. Raises ValueError if it is blank, or has control characters besides lines' ends.

    A tab and the ends of lines are allowed.
    """
    if found := UNSAFE_CHARACTERS.search(_LINES.sub("", text)):
        raise ValueError(f"holds the control character U+{ord(found[0]):04X}: remove it")
    if not text.strip():
        raise ValueError("is blank: send some text")
    return text


def plain_words(text: str) -> str:
    """Returns the words of a text: lower case, no accents, apostrophes or punctuation, one space between two words."""
    letters = unicodedata.normalize("NFKD", text.casefold().translate(_APOSTROPHES))
    bare = "".join(letter for letter in letters if not unicodedata.combining(letter))
    return _BETWEEN.sub(" ", bare).strip()
