"""What is wrong with a request, by field."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Any

#: How many problems an answer tells of, and how much of a field's name, which may be the caller's own text.
_MOST, _LONGEST_NAME = 50, 200
_SOURCES = ("body", "query", "path", "header")
#: What a fault of the whole request begins with where it is one field's: `to: names nobody`.
_NAMED = re.compile(r"([A-Za-z_]\w*): (.+)", re.DOTALL)
_WHOLE = "request"


def by_field(problems: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """The first of pydantic's problems, each by the field that it is about, `request` for the whole of it."""
    fields: dict[str, str] = {}
    for problem in islice(problems, _MOST):
        source, *parts = map(str, problem["loc"])
        place = parts if source in _SOURCES else [source, *parts]
        text = str(problem.get("msg", problem["type"])).removeprefix("Value error, ")
        named = None if place else _NAMED.fullmatch(text)
        name, why = named.groups() if named else (".".join(place) or _WHOLE, text)
        fields[name[:_LONGEST_NAME]] = why
    return fields
