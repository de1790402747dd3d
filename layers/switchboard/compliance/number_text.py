"""Reduces a pasted telephone number to digits and a plus sign."""

from __future__ import annotations

import re
import unicodedata

#: Separators that look like a dash or a dot and are not in Unicode's class of dashes: minus, middle dots, bullets.
_SEPARATORS = frozenset("()./\u2212\u00b7\u2024\u2027\u2219\u22c5\u2022\u30fb\u2043")
#: Invisible characters outside Unicode's class of format characters: joiners, fillers, variation selectors.
_UNSEEN = re.compile("[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]")
_SCHEME = re.compile("tel:(?://)?", re.IGNORECASE)
#: An extension, or digits to dial after a pause, behind a number. The match starts at the sign of the extension.
#: If it started at the spaces before the sign, the search would scan the same spaces again from each of them.
_EXTENSION = re.compile(r"(?<![a-z])ext(?:ension|n)?\b|(?:\b|(?<=[0-9]))x(?=[\s.:]*[0-9])|[#*,]", re.I)
#: Forms that mean the plain character. Superscripts are not among them: a raised 2 behind a number is a footnote.
_SAME = ("<wide>", "<small>", "<narrow>")


class NotDialableError(ValueError):
    """The text has more than a number in it. The message says what to remove."""


def normalize_number(text: str) -> str:
    """Returns the digits and the plus sign of a number, in ASCII.

    Skips spaces, punctuation, marks of direction, soft hyphens and all other invisible characters. Converts digits and
    signs of other widths, and digits of other scripts. Raises NotDialableError for an extension, parameter or letters.
    """
    seen = "".join(_plain(character) for character in text).strip()
    number = seen[found.end() :] if (found := _SCHEME.match(seen)) else seen
    if extension := _EXTENSION.search(number):
        if any(character.isdigit() for character in number[: extension.start()]):
            raise NotDialableError("has an extension: give the number without it")
    elif ";" in number:
        raise NotDialableError("has parameters: give the number alone")
    digits = "".join(character for character in number if not _separates(character))
    if any(character.isalpha() for character in digits):
        raise NotDialableError("has letters: give the digits that they stand for")
    return digits


def _plain(character: str) -> str:
    if unicodedata.category(character) == "Cf" or _UNSEEN.match(character):
        return ""
    if (value := unicodedata.decimal(character, None)) is not None:
        return str(value)
    if unicodedata.decomposition(character).startswith(_SAME):
        return unicodedata.normalize("NFKC", character)
    return character


def _separates(character: str) -> bool:
    return character.isspace() or character in _SEPARATORS or unicodedata.category(character) == "Pd"
