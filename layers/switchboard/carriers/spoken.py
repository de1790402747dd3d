"""Prepares texts that a voice speaks: fills their variables, and leaves out what no voice and no markup can hold."""

from __future__ import annotations

import re
from collections.abc import Mapping

_PLACE = re.compile(r"\{\{\s*([\w.-]+)\s*\}\}")
#: The maximum length of a spoken text, in characters.
MAX_SPOKEN_CHARACTERS = 5_000
#: The longest text of one instruction to say (Twilio's own limit is 4,096).
_MAX_SAID_CHARACTERS = 4_000


def fill_variables(text: str, variables: Mapping[str, str]) -> str:
    """Returns a text with the values of its `{{name}}`. Unknown names stay, so that a tester sees them.

    The result has at most `MAX_SPOKEN_CHARACTERS` characters: a name that occurs a thousand times could otherwise
    insert megabytes.
    """
    parts: list[str] = []
    length = end = 0
    for place in _PLACE.finditer(text):
        parts += [text[end : place.start()], variables.get(place[1], place[0])]
        length, end = length + len(parts[-1]) + len(parts[-2]), place.end()
        if length > MAX_SPOKEN_CHARACTERS:
            break
    return "".join([*parts, text[end:]])[:MAX_SPOKEN_CHARACTERS]


def find_variables(text: str) -> list[str]:
    """Returns the names that `fill_variables` replaces, each once."""
    return list(dict.fromkeys(_PLACE.findall(text)))


def make_sayable(text: str) -> str:
    """Returns a text that XML can hold: other control characters would make the whole document unreadable."""
    plain = "".join(one if one.isprintable() else " " for one in text)
    return " ".join(plain.split())[:_MAX_SAID_CHARACTERS]
