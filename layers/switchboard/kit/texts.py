"""Texts and their forms: digests, one line, plain words, strict JSON from callers, and JSON in a table.

Strict JSON has only texts that every reader understands in the same way (RFC 8259), and limits of depth and size.
Recursive code that walks through callers' JSON relies on the depth limit.

A store keeps a caller's own JSON as text. DynamoDB has no floats, no integers of more than 38 digits, no empty
attribute names, and at most 32 levels of nesting. Text keeps every JSON value exactly as it was read.
"""

from __future__ import annotations

import hashlib
import json
import re
import unicodedata
from collections.abc import Iterable
from math import isfinite
from typing import Any

from switchboard.errors import Invalid

#: Characters that end a line, control a terminal, or change the direction of a text: C0 and C1 controls with NUL, the
#: line and paragraph separators, and the bidirectional embeddings, overrides and isolates (UAX #9).
UNSAFE_CHARACTERS = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
_LINES = re.compile("[\t\n\r]")
#: The straight apostrophe and the curly one.
_APOSTROPHES = str.maketrans("", "", "'\u2019")
_BETWEEN = re.compile(r"[^a-z0-9]+")
_NOT_IN_CODES = re.compile(r"[^A-Za-z0-9_.:-]")


def require_one_line(text: str) -> str:
    """Returns the text. Raises ValueError if it holds control or bidirectional characters."""
    if found := UNSAFE_CHARACTERS.search(text):
        raise ValueError(f"holds the control character U+{ord(found[0]):04X}: remove it")
    return text


def require_text(text: str) -> str:
    """Returns a text of several lines. Raises ValueError if it is blank, or has control characters besides lines' ends.

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


def to_code(name: str) -> str:
    """Returns a name as a code of at most 128 characters: events hold no free text."""
    return _NOT_IN_CODES.sub("_", name)[:128]


def digest(text: str) -> str:
    """Returns SHA-256 in hex: the stored form of credentials, and of addresses in the audit chain."""
    return hashlib.sha256(text.encode()).hexdigest()


#: The most levels of a caller's own JSON. The outermost value is the first level.
MAX_JSON_DEPTH = 8
#: Most values in a body: the members and elements of all its objects and arrays.
MAX_VALUES = 50_000


def parse_json(text: str) -> Any:
    """Parses a JSON text.

    Raises Invalid for malformed JSON, duplicate keys (two readers could see two different requests), NaN, Infinity,
    text that is not Unicode, deep nesting, long numbers and too many values.
    """
    try:
        value = json.loads(text, object_pairs_hook=_unique, parse_constant=_constant, parse_float=_finite)
        if "\\u" in text:
            json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise _invalid("it contains half of a surrogate pair") from None
    except RecursionError:
        raise _invalid("it is nested too deeply") from None
    except json.JSONDecodeError as error:
        raise _invalid(f"{error.msg} at position {error.pos}") from None
    except ValueError:
        raise _invalid("it contains a number that is too long") from None
    # An invalid value costs a thousand times more than a letter of text. The shortest value has two, with its comma.
    if len(text) > 2 * MAX_VALUES and is_larger(value, MAX_VALUES):
        raise _invalid(f"it contains more than {MAX_VALUES:,} values")
    return value


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) < len(pairs):
        raise _invalid(f"an object has the key {_twice(pairs)[:80]!r} twice")
    return value


def _twice(pairs: list[tuple[str, Any]]) -> str:
    # Linear time: a caller may send a megabyte of keys.
    seen: set[str] = set()
    for name, _ in pairs:
        if name in seen:
            return name
        seen.add(name)
    raise ValueError("there is no duplicate key")


def _finite(digits: str) -> float:
    value = float(digits)
    if not isfinite(value):
        raise _invalid(f"the number {digits[:80]} is too large")
    return value


def _constant(name: str) -> Any:
    raise _invalid(f"{name} is not a JSON number")


def _invalid(why: str) -> Invalid:
    return Invalid(f"The body is not valid JSON: {why}.", code="invalid_json")


def is_deeper(value: Any, levels: int = MAX_JSON_DEPTH) -> bool:
    """Whether a JSON value has more than `levels` levels of objects and lists."""
    # Level by level and not by recursion: a body may be as deep as the parser allows.
    layer = [value]
    for _ in range(levels):
        layer = [part for whole in layer for part in _parts(whole)]
        if not any(isinstance(whole, dict | list) for whole in layer):
            return False
    return True


def is_larger(value: Any, most: int) -> bool:
    """Whether a JSON value has more than `most` members and elements in all its objects and lists together."""
    count, waiting = 0, [value]
    while waiting and count <= most:
        for part in _parts(waiting.pop()):
            count += 1
            if isinstance(part, dict | list):
                waiting.append(part)
    return count > most


def _parts(value: Any) -> Iterable[Any]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


def dump_json(value: Any) -> str:
    """Returns a JSON value as the text that a store keeps."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def load_json(stored: Any) -> Any:
    """Returns the JSON value of a stored text. Older items hold the value itself."""
    return json.loads(stored) if isinstance(stored, str) else stored
