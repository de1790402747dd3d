"""Strict JSON: only texts that every reader understands in the same way (RFC 8259), and limits of their depth and size.

Recursive code that walks through callers' JSON relies on the depth limit.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from math import isfinite
from typing import Any

from switchboard.errors import Invalid

#: The most levels of a caller's own JSON. The outermost value is the first level.
MAX_JSON_DEPTH = 8
#: Most values in a body: the members and elements of all its objects and arrays.
MAX_VALUES = 50_000


def loads(text: str) -> Any:
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
