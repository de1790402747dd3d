"""Problems of a request, by field. Each says what is wrong and what to send, in plain words.

Pydantic's own texts speak to programmers, and the text of a pattern shows a regular expression. So the common ones are
replaced here. A field with a pattern has the type `Pattern` of `edge/fields.py`, with a sentence of its own.
"""

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
#: The name of a body that is wrong as a whole: it is missing, is no object, or breaks a rule for several fields.
_WHOLE = "body"
#: The texts of a body that has no fields. They name the request, because a field may have the name `body` too.
_WHOLE_TEXTS = {
    "must be an object": "the body of the request must be a JSON object",
    "must be a list": "the body of the request must be a JSON list",
    "is missing": "the request has no body: send a JSON object",
}
#: The problem of a union's branch for null. It never says what to send, because the other branch has a text of its own.
_NULL_BRANCH = "none_required"
_REPEATED = "was sent more than once: send it once"
#: Problems of a list itself. Any other problem of a parameter that is a list is that the client sent it several times.
_OF_LISTS = frozenset({"too_short", "too_long"})
#: The texts for pydantic's types of problems, with the values of their context.
_TEXTS = {
    "missing": "is missing",
    "string_type": "must be a text",
    "string_too_short": "is too short: send at least {min_length} characters",
    "string_too_long": "is too long: send at most {max_length} characters",
    # No field of a route has such a pattern (tests/contract/test_document.py).
    "string_pattern_mismatch": "does not have the form that the API document shows",
    "int_type": "must be an integer",
    "int_parsing": "must be an integer",
    "int_from_float": "must be an integer",
    "float_type": "must be a number",
    "float_parsing": "must be a number",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "list_type": "must be a list",
    "dict_type": "must be an object",
    "model_type": "must be an object",
    "model_attributes_type": "must be an object",
    "literal_error": "must be {expected}",
    "enum": "must be {expected}",
    "union_tag_not_found": "has no {discriminator}: send one",
    "union_tag_invalid": "must have one of {expected_tags} as {discriminator}",
    "extra_forbidden": "is unknown: leave it out",
    "too_short": "has too few items: send at least {min_length}",
    "too_long": "has too many items: send at most {max_length}",
    "greater_than": "must be more than {gt}",
    "greater_than_equal": "must be at least {ge}",
    "less_than": "must be less than {lt}",
    "less_than_equal": "must be at most {le}",
}


def errors_by_field(problems: Sequence[Mapping[str, Any]], body: Any = None) -> dict[str, str]:
    """Returns pydantic's first problems by field. A problem of the whole body is under `body`.

    `body` is the parsed body that was validated. With it, the parts of a place that name a branch of a union are left
    out: they are names of validators. The problems of all branches of a field are one text.
    """
    told = [problem for problem in islice(problems, _MAX_ERRORS) if problem["type"] != _NULL_BRANCH]
    fields: dict[str, str] = {}
    for problem in told:
        source, *parts = problem["loc"]
        if source == "body":
            place = _find_place(problem, parts, body)
        else:
            # A parameter has no fields: after its name come places in a list, and names of validators.
            place = [part for at, part in enumerate(parts) if at == 0 or isinstance(part, int)]
            place = place if source in _SOURCES else [source, *place]
        repeated = source in ("query", "header") and isinstance(problem.get("input"), list)
        text = _REPEATED if repeated and problem["type"] not in _OF_LISTS else _text_of(problem)
        named = None if place else _NAMED.fullmatch(text)
        if not place:
            text = _WHOLE_TEXTS.get(text, text)
        name, why = named.groups() if named else (".".join(map(str, place)) or _WHOLE, text)
        name, before = name[:_MAX_NAME_CHARACTERS], fields.get(name[:_MAX_NAME_CHARACTERS])
        fields[name] = why if before in (None, why) else f"{before}, or {why}"
    return fields


def _find_place(problem: Mapping[str, Any], parts: Sequence[str | int], body: Any) -> list[str | int]:
    """Returns the parts of a place that lead through the body, and the name of a field that is missing in it."""
    place: list[str | int] = []
    for part in parts:
        in_list = isinstance(body, list) and isinstance(part, int) and part < len(body)
        if in_list or (isinstance(body, Mapping) and part in body):
            body = body[part]
            place.append(part)
    return [*place, parts[-1]] if parts and problem["type"] == "missing" else place


def _text_of(problem: Mapping[str, Any]) -> str:
    kind, context = problem["type"], problem.get("ctx") or {}
    if kind == "string_too_short" and context.get("min_length") == 1:
        return "is empty: send some text"
    try:
        return _TEXTS[kind].format_map(context)
    except KeyError:
        # The validators of this platform have their own texts.
        return str(problem.get("msg", kind)).removeprefix("Value error, ")
