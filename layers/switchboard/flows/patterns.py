"""Refuses regular expressions that could take very long, and counts what an accepted one may cost.

Python's engine backtracks. It may try every combination of the lengths of all repeats in a pattern. The check
multiplies the numbers of these lengths, and refuses repeats inside repeats. It only parses a pattern. To compile one
costs more: a class of characters with wide ranges takes milliseconds, and a hundred times that if it ignores case.
"""

from __future__ import annotations

import re
import warnings
from functools import lru_cache
from typing import Any

MAX_PATTERN_CHARACTERS = 200
#: The longest text that a pattern is tried on. An unlimited repeat counts as this length.
MAX_PATTERN_TEXT = 256
#: The most combinations: about a second of work.
_MAX_COMBINATIONS = (MAX_PATTERN_TEXT + 1) ** 3
#: A class with a character above this one is compiled by a table of all characters up to U+FFFF.
_LAST_NARROW = 0xFF
_SINGLE = frozenset({"LITERAL", "NOT_LITERAL", "ANY", "IN", "CATEGORY"})
_FIXED = frozenset({"AT_BEGINNING", "AT_BEGINNING_STRING"})
_REPEATS = frozenset({"MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"})


class CountedPattern:
    """A regular expression that is parsed, and not compiled yet. Raises ValueError for a text that is none."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._parsed = _parse(text)
        #: How many classes of characters need a large table to be compiled.
        self.wide_classes = _count_wide_classes(self._parsed)

    def count_combinations(self, characters: int) -> int:
        """Returns how many combinations the engine may try on a text of some characters. Raises ValueError."""
        combinations = _combinations(self._parsed, characters, repeated=False)
        if not (len(self._parsed) and str(self._parsed[0][1]) in _FIXED):
            # Without ^ the engine tries the pattern at each character of the text.
            combinations *= max(characters, 1)
        return combinations

    def compile(self) -> re.Pattern[str]:
        """Returns the expression as the engine uses it."""
        # A future Python may read "[[" in another way.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)
            return re.compile(self._text)


# A text may use one pattern a thousand times, by an alias. The cache keeps no error: the first one ends a check.
@lru_cache(maxsize=512)
def check_pattern(pattern: str) -> CountedPattern:
    """Returns a pattern with its costs. Raises ValueError if it is no regular expression or could take very long."""
    if len(pattern) > MAX_PATTERN_CHARACTERS:
        raise ValueError(f"has more than {MAX_PATTERN_CHARACTERS} characters: use a shorter pattern")
    counted = CountedPattern(pattern)
    if counted.count_combinations(MAX_PATTERN_TEXT) > _MAX_COMBINATIONS:
        raise ValueError("could take very long: use fewer repeats (* + {}), or begin the pattern with ^")
    return counted


def _parse(pattern: str) -> Any:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)
            parsed = re._parser.parse(pattern)  # type: ignore[attr-defined]
    except (re.error, RecursionError, OverflowError, ValueError) as error:
        raise ValueError(f"is not a regular expression: {error}") from None
    if parsed.state.flags != re.UNICODE:
        raise ValueError("has a flag such as (?i): write [Aa] instead")
    return parsed


def _combinations(parsed: Any, characters: int, *, repeated: bool) -> int:
    total: int = 1
    for operation, argument in parsed:
        name = str(operation)
        if name in _REPEATS:
            least, most, body = argument
            total *= _repeat_combinations(int(least), int(most), body, characters, repeated=repeated)
        elif name == "BRANCH":
            if repeated:
                raise ValueError("has alternatives (|) inside a repeat: write the repeat without them")
            total *= sum(_combinations(option, characters, repeated=repeated) for option in argument[1])
        elif name == "SUBPATTERN":
            _, added, removed, body = argument
            if added or removed:
                raise ValueError("has a flag such as (?i): write [Aa] instead")
            total *= _combinations(body, characters, repeated=repeated)
        elif name == "ATOMIC_GROUP":
            total *= _combinations(argument, characters, repeated=repeated)
        elif name in ("ASSERT", "ASSERT_NOT"):
            direction, body = argument
            if direction < 0 and len(set(body.getwidth())) > 1:
                raise ValueError("looks behind by a pattern without a fixed length: write it without a repeat")
            total *= _combinations(body, characters, repeated=repeated)
        elif name in ("GROUPREF", "GROUPREF_EXISTS"):
            raise ValueError("refers to a group of its own: write it without \\1")
    return total


def _repeat_combinations(least: int, most: int, body: Any, characters: int, *, repeated: bool) -> int:
    if repeated and most > least:
        raise ValueError("has a repeat inside a repeat: write it without one of them")
    lengths = min(most, characters) - least + 1
    # A repeat of one character is one fast step. Each turn of another is a step, also if it takes no characters.
    turns = 1 if not repeated and len(body) == 1 and str(body[0][0]) in _SINGLE else least
    return max(lengths, turns, 1) * _combinations(body, characters, repeated=repeated or most > 1)


def _count_wide_classes(parsed: Any) -> int:
    total, waiting = 0, [parsed]
    while waiting:
        for operation, argument in waiting.pop():
            name = str(operation)
            if name == "IN":
                total += any(_last_character(*one) > _LAST_NARROW for one in argument)
            elif name == "BRANCH":
                waiting += argument[1]
            elif name == "ATOMIC_GROUP":
                waiting.append(argument)
            elif name in _REPEATS or name in ("SUBPATTERN", "ASSERT", "ASSERT_NOT"):
                waiting.append(argument[-1])
    return total


def _last_character(operation: Any, argument: Any) -> int:
    match str(operation):
        case "LITERAL":
            return int(argument)
        case "RANGE":
            return int(argument[1])
        case _:
            return 0
