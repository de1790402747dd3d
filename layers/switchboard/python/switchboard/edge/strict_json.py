"""JSON as RFC 8259 means it, with nothing left to the reader's taste."""

from __future__ import annotations

import json
from math import isfinite
from typing import Any

from switchboard.errors import Invalid
from switchboard.kit.nesting import is_larger

#: What a body may hold, counted as the members and elements of all its objects and arrays.
MOST_VALUES = 50_000


def loads(text: str) -> Any:
    """The value of a JSON text.

    Raises Invalid for what is not JSON, for duplicate keys (two readers would see two requests), for NaN and
    Infinity, for text that is not Unicode, and for nesting, numbers or a count of values beyond reason.
    """
    try:
        value = json.loads(text, object_pairs_hook=_unique, parse_constant=_constant, parse_float=_finite)
        if "\\u" in text:
            json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise _invalid("it holds half of a surrogate pair") from None
    except RecursionError:
        raise _invalid("it is nested too deeply") from None
    except json.JSONDecodeError as error:
        raise _invalid(f"{error.msg} at position {error.pos}") from None
    except ValueError:
        raise _invalid("it holds a number that is too long") from None
    # Each value may be wrong, and then costs a thousand times its letter. The shortest takes two: itself and a comma.
    if len(text) > 2 * MOST_VALUES and is_larger(value, MOST_VALUES):
        raise _invalid(f"it holds more than {MOST_VALUES:,} values")
    return value


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) < len(pairs):
        raise _invalid(f"the key {_twice(pairs)[:80]!r} stands twice in one object")
    return value


def _twice(pairs: list[tuple[str, Any]]) -> str:
    # One look at each: anyone may send a megabyte of keys.
    seen: set[str] = set()
    for name, _ in pairs:
        if name in seen:
            return name
        seen.add(name)
    raise ValueError("no key stands twice")


def _finite(digits: str) -> float:
    value = float(digits)
    if not isfinite(value):
        raise _invalid(f"{digits[:80]} is larger than any number that can be read")
    return value


def _constant(name: str) -> Any:
    raise _invalid(f"{name} is no JSON number")


def _invalid(why: str) -> Invalid:
    return Invalid(f"The body is not valid JSON: {why}.", code="invalid_json")
