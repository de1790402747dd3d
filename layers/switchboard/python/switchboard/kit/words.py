"""What somebody said or wrote, as the words alone: for comparing it with phrases."""

from __future__ import annotations

import re
import unicodedata

#: A straight one and a curly one.
_APOSTROPHES = str.maketrans("", "", "'\u2019")
_BETWEEN = re.compile(r"[^a-z0-9]+")


def plain(text: str) -> str:
    """The words of a text: in lower case, without accents, apostrophes and punctuation, one blank between them."""
    letters = unicodedata.normalize("NFKD", text.casefold().translate(_APOSTROPHES))
    bare = "".join(letter for letter in letters if not unicodedata.combining(letter))
    return _BETWEEN.sub(" ", bare).strip()
