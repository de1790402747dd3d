"""Paths into the JSON of an event: `/contact/phone` (RFC 6901), or `{{contact.phone}}` as in webhooks' templates."""

from __future__ import annotations

import re
from typing import Any

#: The longest path, in characters, and the most steps of a path.
MAX_CHARACTERS, MAX_STEPS = 256, 16
_TEMPLATE = re.compile(r"\{\{\s*([\w-]+(?:\.[\w-]+)*)\s*\}\}")
_POINTER = re.compile("(?:/(?:[^~/]|~[01])*)+")
#: The index of a list, without a sign and a leading zero.
_INDEX = re.compile("0|[1-9][0-9]{0,5}")
#: The problem of a path that is not valid, for a person.
PROBLEM = "must be a path such as /contact/phone or {{contact.phone}}"


def parse_path(text: str) -> tuple[str, ...]:
    """Returns the steps of a path. Raises ValueError."""
    if match := _TEMPLATE.fullmatch(text.strip()):
        steps = tuple(match[1].split("."))
    elif _POINTER.fullmatch(text):
        steps = tuple(step.replace("~1", "/").replace("~0", "~") for step in text.split("/")[1:])
    else:
        raise ValueError(PROBLEM)
    if len(text) > MAX_CHARACTERS or len(steps) > MAX_STEPS:
        raise ValueError(f"has more than {MAX_CHARACTERS} characters or {MAX_STEPS} steps: use a shorter path")
    return steps


def find_value(path: str, body: Any) -> Any:
    """Returns the value at a path, `None` if there is none. Raises ValueError for a bad path."""
    for step in parse_path(path):
        if isinstance(body, dict):
            body = body.get(step)
        elif isinstance(body, list) and _INDEX.fullmatch(step) and int(step) < len(body):
            body = body[int(step)]
        else:
            return None
    return body
