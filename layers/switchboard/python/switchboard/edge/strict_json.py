"""JSON as RFC 8259 means it, with nothing left to the reader's taste."""

from __future__ import annotations

import json
from math import isfinite
from typing import Any

from switchboard.errors import Invalid


def loads(text: str) -> Any:
    """The value of a JSON text.

    Raises Invalid for what is not JSON, for duplicate keys (two readers would see two requests), for NaN and
    Infinity, for text that is not Unicode, and for nesting or numbers beyond reason.
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
    return value


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise _invalid(f"the key {twice[:80]!r} stands twice in one object")
    return value


def _finite(digits: str) -> float:
    value = float(digits)
    if not isfinite(value):
        raise _invalid(f"{digits[:80]} is larger than any number that can be read")
    return value


def _constant(name: str) -> Any:
    raise _invalid(f"{name} is no JSON number")


def _invalid(why: str) -> Invalid:
    return Invalid(f"The body is not valid JSON: {why}.", code="invalid_json")
