"""Payload templates: JSON in which `{{path}}` stands for a value of the event's own body.

`{"text": "Call {{callId}} ended: {{endReason}}", "details": "{{data}}"}`: a string that is one placeholder and nothing
else becomes the value itself, whatever its type; within a longer string the value stands as text. What the event does
not have is null, or nothing within a text. Only values are filled in, after the JSON was read: no event can change the
template's shape.
"""

from __future__ import annotations

import json
import re
from typing import Any

from switchboard.errors import Invalid
from switchboard.kit.nesting import MAX_DEPTH, is_deeper

LONGEST = 8_192
_PLACE = re.compile(r"\{\{\s*([\w.]+)\s*\}\}")
#: No list of ours is longer, and Python reads neither raised digits nor thousands of them as a number.
_INDEX = re.compile("[0-9]{1,6}")


class UnfillableError(Exception):
    """A stored template can never be filled: it is older than a rule of `check`."""


class TooLongError(Exception):
    """A template repeats its values beyond all measure."""


def check(template: str) -> str:
    """The template, if it is one. Raises Invalid."""
    if len(template) > LONGEST:
        raise _invalid(f"is longer than {LONGEST:,} characters")
    try:
        parsed = json.loads(template, parse_constant=_no_number)
    except ValueError:
        raise _invalid("is not JSON") from None
    except RecursionError:
        raise _too_deep() from None
    if is_deeper(parsed):
        raise _too_deep()
    return template


def _no_number(text: str) -> Any:
    raise ValueError(text)


def _too_deep() -> Invalid:
    return _invalid(f"is nested too deeply: use at most {MAX_DEPTH} levels")


def _invalid(why: str) -> Invalid:
    return Invalid("The template is not valid.", fields={"template": why})


def fill(template: str, body: dict[str, Any], most: int) -> Any:
    """The template with the values of a body.

    Raises UnfillableError for a template that `check` does not accept, and TooLongError where the values that are
    filled in have more than `most` characters together.
    """
    try:
        parsed = json.loads(template)
    except (ValueError, RecursionError) as error:
        raise UnfillableError from error
    if is_deeper(parsed):
        raise UnfillableError
    return _Filling(body, most).filled(parsed)


class _Filling:
    """One filling of a template: each value is looked up and written once, however often the template names it."""

    def __init__(self, body: dict[str, Any], most: int) -> None:
        self._body = body
        self._left = most
        self._found: dict[str, tuple[Any, str]] = {}

    def filled(self, node: Any) -> Any:
        match node:
            case dict():
                return {name: self.filled(part) for name, part in node.items()}
            case list():
                return [self.filled(part) for part in node]
            case str():
                whole = _PLACE.fullmatch(node)
                return self._take(whole[1])[0] if whole else _PLACE.sub(lambda found: self._take(found[1])[1], node)
        return node

    def _take(self, path: str) -> tuple[Any, str]:
        """A value and its text, which is counted each time."""
        if path not in self._found:
            value = _value(self._body, path)
            self._found[path] = value, _text(value)
        found = self._found[path]
        self._left -= len(found[1])
        if self._left < 0:
            raise TooLongError
        return found


def _value(body: Any, path: str) -> Any:
    for name in path.split("."):
        if isinstance(body, list) and _INDEX.fullmatch(name):
            body = body[int(name)] if int(name) < len(body) else None
        else:
            body = body.get(name) if isinstance(body, dict) else None
    return body


def _text(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
