"""The tokens of a text: its words, folded so that letter case and accents make no difference.

Each digit group of a number gives a token that continues to the end of the number. So a search for the beginning of any
group finds it: `415 555-0142` is found by `415555`, `(415) 555`, `555-01` and `0142`.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

#: The maximum length of a token, in characters. Longer words are cut.
MAX_TOKEN_CHARACTERS = 40

_APOSTROPHES = str.maketrans("", "", "'`\u02bc\u2018\u2019")
# Characters that people write between the groups of a phone number, and before the first group.
_BETWEEN = r"[ \u00a0().+/\-\u2010-\u2015]{1,3}"
_DIGITS = re.compile(rf"[0-9]+(?!\w)(?:{_BETWEEN}[0-9]+(?!\w))*")
_GROUP = re.compile(r"[0-9]+")


def tokens_of_text(text: str | None) -> list[str]:
    """Returns the tokens of a searchable text, in order, each once."""
    found: list[str] = []
    for word in _words(text or ""):
        if isinstance(word, str):
            found.append(word)
        else:
            found += ["".join(word[place:])[:MAX_TOKEN_CHARACTERS] for place in range(len(word))]
    return list(dict.fromkeys(found))


def words_of_query(text: str | None) -> list[str]:
    """Returns the words of a query, each once. A match has, for each word, a token that begins with it.

    Digit groups are joined.
    """
    words = (word if isinstance(word, str) else "".join(word)[:MAX_TOKEN_CHARACTERS] for word in _words(text or ""))
    return list(dict.fromkeys(words))


def tokens_of_number(e164: str) -> list[str]:
    """Returns the tokens of a phone number: all digits, the national number, the last seven digits, the last four.

    The national number is included a second time as people write it in its country: `020 7946 0018`.
    """
    import phonenumbers  # for cold start: the library is large

    number = phonenumbers.parse(e164)
    written = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.NATIONAL)
    full, national = e164.removeprefix("+"), phonenumbers.national_significant_number(number)
    ways = [full, national, re.sub(r"[^0-9]", "", written), full[-7:], full[-4:]]
    return list(dict.fromkeys(ways))


def _words(text: str) -> Iterator[str | list[str]]:
    """Yields the words of a text. A run of digit groups is yielded as the list of its groups."""
    folded = fold_text(text).translate(_APOSTROPHES)
    place = 0
    while place < len(folded):
        run = _DIGITS.match(folded, place)
        if run:
            yield _GROUP.findall(run[0])
            place = run.end()
        elif _in_word(folded, place):
            end = place + 1
            while _in_word(folded, end):
                end += 1
            yield folded[place:end][:MAX_TOKEN_CHARACTERS]
            place = end
        else:
            place += 1


def _in_word(text: str, place: int) -> bool:
    # Letters, digits, and combining marks, which belong to a letter in scripts such as Devanagari.
    return place < len(text) and unicodedata.category(text[place])[0] in "LNM"


def fold_text(text: str) -> str:
    """Removes letter case, accents and variant forms of characters, and writes decimal digits as ASCII."""
    plain = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    return "".join(_plain(character) for character in plain if not unicodedata.combining(character))


def _plain(character: str) -> str:
    return str(unicodedata.decimal(character)) if character.isdecimal() else character
