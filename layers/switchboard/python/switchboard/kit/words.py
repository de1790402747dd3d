"""Reduces speech or writing to its plain words, for comparison with phrases."""

from __future__ import annotations

import re
import unicodedata

#: The straight apostrophe and the curly one.
_APOSTROPHES = str.maketrans("", "", "'\u2019")
_BETWEEN = re.compile(r"[^a-z0-9]+")


def plain(text: str) -> str:
    """Return the words of a text: lower case, no accents, apostrophes or punctuation, one space between two words."""
    letters = unicodedata.normalize("NFKD", text.casefold().translate(_APOSTROPHES))
    bare = "".join(letter for letter in letters if not unicodedata.combining(letter))
    return _BETWEEN.sub(" ", bare).strip()
