"""Problems of a request, by field."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Any

#: Most problems in a response, and most characters of a field's name. The caller may choose the name.
_MAX_ERRORS, _MAX_NAME_CHARACTERS = 50, 200
_SOURCES = ("body", "query", "path", "header")
#: A problem of the whole request may name its field: `body: is too large`.
_NAMED = re.compile(r"([A-Za-z_]\w*): (.+)", re.DOTALL)
_WHOLE = "request"


def errors_by_field(problems: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Returns pydantic's first problems by field. A problem of the whole request is under `request`."""
    fields: dict[str, str] = {}
    for problem in islice(problems, _MAX_ERRORS):
        source, *parts = map(str, problem["loc"])
        place = parts if source in _SOURCES else [source, *parts]
        text = str(problem.get("msg", problem["type"])).removeprefix("Value error, ")
        named = None if place else _NAMED.fullmatch(text)
        name, why = named.groups() if named else (".".join(place) or _WHOLE, text)
        fields[name[:_MAX_NAME_CHARACTERS]] = why
    return fields
