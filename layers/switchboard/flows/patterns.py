"""Refuses regular expressions that could take very long.

Python's engine backtracks. It may try every combination of the lengths of all repeats in a pattern. The check
multiplies the numbers of these lengths, and refuses repeats inside repeats.
"""

from __future__ import annotations

import re
from typing import Any

MAX_PATTERN_CHARACTERS = 200
#: The length that an unlimited repeat counts as: the longest text that a pattern is tried on.
_UNLIMITED = 256
#: The most combinations: about a second of work.
_MAX_COMBINATIONS = (_UNLIMITED + 1) ** 3


def check_pattern(pattern: str) -> None:
    """Raises ValueError for a pattern that is not a regular expression or could take very long."""
    if len(pattern) > MAX_PATTERN_CHARACTERS:
        raise ValueError(f"has more than {MAX_PATTERN_CHARACTERS} characters: use a shorter pattern")
    try:
        parsed = re._parser.parse(pattern)  # type: ignore[attr-defined]
    except (re.error, RecursionError, OverflowError, ValueError) as error:
        raise ValueError(f"is not a regular expression: {error}") from None
    first = str(parsed[0][0]) if len(parsed) else ""
    combinations = _combinations(parsed, repeated=False)
    if first != "AT":
        # Without ^ the engine tries the pattern at each character of the text.
        combinations *= _UNLIMITED
    if combinations > _MAX_COMBINATIONS:
        raise ValueError("could take very long: use fewer repeats (* + {}), or begin the pattern with ^")


def _combinations(parsed: Any, *, repeated: bool) -> int:
    total = 1
    for operation, argument in parsed:
        name = str(operation)
        if name in ("MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"):
            least, most, body = argument
            lengths = min(int(most), _UNLIMITED) - int(least) + 1
            if repeated and lengths > 1:
                raise ValueError("has a repeat inside a repeat: write it without one of them")
            total *= max(lengths, 1) * _combinations(body, repeated=repeated or int(most) > 1)
        elif name == "BRANCH":
            if repeated:
                raise ValueError("has alternatives (|) inside a repeat: write the repeat without them")
            total *= sum(_combinations(option, repeated=repeated) for option in argument[1])
        elif name == "SUBPATTERN":
            total *= _combinations(argument[-1], repeated=repeated)
        elif name in ("ATOMIC_GROUP", "ASSERT", "ASSERT_NOT"):
            total *= _combinations(argument[1] if name != "ATOMIC_GROUP" else argument, repeated=repeated)
        elif name in ("GROUPREF", "GROUPREF_EXISTS"):
            raise ValueError("refers to a group of its own: write it without \\1")
        if total > _MAX_COMBINATIONS:
            return total
    return total
