"""Payload templates: JSON in which `{{path}}` stands for a value of the event's own body.

`{"text": "Call {{callId}} ended: {{endReason}}", "details": "{{data}}"}`: a string that is a single placeholder becomes
the value itself, of any type. Within a longer string the value is inserted as text. A missing value becomes null, or an
empty text within a longer string. Values are filled in after the JSON was parsed, so no event can change the template's
shape. Names of members are not filled in.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from switchboard.errors import Invalid
from switchboard.flows.source import Path, SourceError, format_path, json_places, read_json
from switchboard.kit.texts import MAX_JSON_DEPTH, is_deeper
from switchboard.webhooks import schema_paths

MAX_TEMPLATE_CHARACTERS = 8_192
_PLACE = re.compile(r"\{\{\s*([\w.]+)\s*\}\}")
#: Six ASCII digits are enough for every list. Python cannot parse superscript digits or thousands of digits.
_INDEX = re.compile("[0-9]{1,6}")
#: The longest path that a message shows.
_SHOWN = 100


class UnfillableError(Exception):
    """A stored template can never be filled, because it is older than a rule of `check_template`."""


class TooLongError(Exception):
    """A filled template exceeds the size limit."""


class Placeholder(NamedTuple):
    """A placeholder: the path of its value, and the path of the text in which it stands."""

    path: str
    at: Path


def check_template(template: str, schemas: Sequence[dict[str, Any]] | None = None) -> str:
    """Returns the template if it is valid. Raises Invalid, which names the line, the column and the path.

    `schemas` are the JSON Schemas of the bodies that the template shapes. Each placeholder must have a value in one of
    them. Without them, every path is allowed.
    """
    parsed = _parse(template)
    for placeholder in find_placeholders(parsed, template):
        if schemas is not None and not any(schema_paths.has_path(one, placeholder.path) for one in schemas):
            shown = placeholder.path[:_SHOWN]
            raise _invalid_at(template, placeholder.at, f"no subscribed event has a value at {{{{{shown}}}}}")
    return template


def _parse(template: str) -> Any:
    if len(template) > MAX_TEMPLATE_CHARACTERS:
        raise _invalid(f"is too long: use at most {MAX_TEMPLATE_CHARACTERS:,} characters")
    try:
        parsed = read_json(template).value
    except SourceError as error:
        raise _too_deep() if "nested" in error.problem else _invalid(str(error)) from None
    if is_deeper(parsed):
        raise _too_deep()
    return parsed


def find_placeholders(parsed: Any, template: str) -> list[Placeholder]:
    """Returns the placeholders of a parsed template. Raises Invalid for braces that are not a placeholder."""
    found: list[Placeholder] = []
    for path, text in _texts(parsed, ()):
        if "{{" in _PLACE.sub("", text):
            raise _invalid_at(template, path, "has {{ without a path and }}: write {{name}} or {{name.name}}")
        for place in _PLACE.findall(text):
            if "" in place.split("."):
                raise _invalid_at(template, path, f"has an empty name in {{{{{place[:_SHOWN]}}}}}: remove a dot")
            found.append(Placeholder(place, path))
    return found


def list_placeholders(template: str) -> list[Placeholder]:
    """Returns the placeholders of a template in their order. Raises Invalid for a template that is not valid."""
    return find_placeholders(_parse(template), template)


def _texts(node: Any, path: Path) -> Iterator[tuple[Path, str]]:
    match node:
        case dict():
            for name, part in node.items():
                yield from _texts(part, (*path, name))
        case list():
            for number, part in enumerate(node):
                yield from _texts(part, (*path, number))
        case str():
            yield path, node


def _too_deep() -> Invalid:
    return _invalid(f"is nested too deeply: use at most {MAX_JSON_DEPTH} levels")


def _invalid_at(template: str, path: Path, why: str) -> Invalid:
    offset = next(at for found, at in json_places(template) if found == path)
    line, column = template.count("\n", 0, offset) + 1, offset - template.rfind("\n", 0, offset)
    where = f", at {format_path(path)}" if path else ""
    return _invalid(f"line {line}, column {column}{where}: {why}")


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


def has_value(body: Any, path: str) -> bool:
    """Whether a body has something other than null at a path."""
    return _value(body, path) is not None


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
