"""Payload templates: JSON in which `{{path}}` stands for a value of the event's own body.

`{"text": "Call {{callId}} ended: {{endReason}}", "details": "{{data}}"}`: a string that is a single placeholder becomes
the value itself, of any type. Within a longer string the value is inserted as text. A missing value becomes null, or an
empty text within a longer string. Values are filled in after the JSON was parsed, so no event can change the template's
shape.
"""

from __future__ import annotations

import json
import re
from typing import Any

from switchboard.errors import Invalid
from switchboard.kit.texts import MAX_JSON_DEPTH, is_deeper

MAX_TEMPLATE_CHARACTERS = 8_192
_PLACE = re.compile(r"\{\{\s*([\w.]+)\s*\}\}")
#: Six ASCII digits are enough for every list. Python cannot parse superscript digits or thousands of digits.
_INDEX = re.compile("[0-9]{1,6}")


class UnfillableError(Exception):
    """A stored template can never be filled, because it is older than a rule of `check_template`."""


class TooLongError(Exception):
    """A filled template exceeds the size limit."""


def check_template(template: str) -> str:
    """Returns the template if it is valid. Raises Invalid."""
    if len(template) > MAX_TEMPLATE_CHARACTERS:
        raise _invalid(f"is too long: use at most {MAX_TEMPLATE_CHARACTERS:,} characters")
    try:
        parsed = json.loads(template, parse_constant=_no_number)
    except ValueError:
        raise _invalid("is not valid JSON") from None
    except RecursionError:
        raise _too_deep() from None
    if is_deeper(parsed):
        raise _too_deep()
    return template


def _no_number(text: str) -> Any:
    raise ValueError(text)


def _too_deep() -> Invalid:
    return _invalid(f"is nested too deeply: use at most {MAX_JSON_DEPTH} levels")


def _invalid(why: str) -> Invalid:
    return Invalid("The template is not valid: see the fields.", fields={"template": why})


def fill_template(template: str, body: dict[str, Any], most: int) -> Any:
    """Returns the template with the values of a body filled in.

    Raises UnfillableError for a template that `check_template` rejects. Raises TooLongError if the filled values have
    more than `most` characters in total.
    """
    try:
        parsed = json.loads(template)
    except (ValueError, RecursionError) as error:
        raise UnfillableError from error
    if is_deeper(parsed):
        raise UnfillableError
    return _TemplateFiller(body, most).fill_node(parsed)


class _TemplateFiller:
    """Fills one template. Each value is looked up and converted once, even if the template repeats it."""

    def __init__(self, body: dict[str, Any], most: int) -> None:
        self._body = body
        self._left = most
        self._found: dict[str, tuple[Any, str]] = {}

    def fill_node(self, node: Any) -> Any:
        match node:
            case dict():
                return {name: self.fill_node(part) for name, part in node.items()}
            case list():
                return [self.fill_node(part) for part in node]
            case str():
                whole = _PLACE.fullmatch(node)
                return (
                    self._take_value(whole[1])[0]
                    if whole
                    else _PLACE.sub(lambda found: self._take_value(found[1])[1], node)
                )
        return node

    def _take_value(self, path: str) -> tuple[Any, str]:
        """Returns a value and its text. Each use of the text counts against the limit. Raises TooLongError."""
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
