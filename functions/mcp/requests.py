"""Makes the HTTP request of an operation from the arguments of a model, and checks them before anything is sent."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode

from jsonschema.exceptions import best_match

from functions.mcp.catalog import ApiOperation, Json
from functions.mcp.schema_views import cut_text

#: The parts of the arguments.
PARTS = ("path", "query", "body", "headers")
_KEY_HEADER = "Idempotency-Key"
_MAX_PROBLEMS = 10
#: Members of a schema that allow more fields than its properties.
_OPEN = frozenset({"additionalProperties", "patternProperties", "oneOf", "anyOf", "allOf"})
#: Segments that a server may resolve, so that the request would reach another path.
_DOTS = frozenset({".", ".."})


class BadArgumentsError(Exception):
    """The arguments do not fit the operation. Holds every problem."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


@dataclass(frozen=True)
class ApiRequest:
    """A request, without its host and its credential. `target` has the path and the query, percent-encoded."""

    method: str
    target: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None


def build_request(operation: ApiOperation, arguments: Json) -> ApiRequest:
    """Returns the request of an operation with these arguments. Raises BadArgumentsError."""
    problems = [f"{part}: unknown. Use {', '.join(PARTS)}." for part in arguments if part not in PARTS]
    parts: dict[str, Json] = {}
    for part in ("path", "query", "headers"):
        given = arguments.get(part)
        parts[part] = given if isinstance(given, dict) else {}
        if not isinstance(given, dict | None):
            problems.append(f"{part}: must be an object with the values by name.")
    path = _Values(operation, "path", parts["path"])
    query = _Values(operation, "query", parts["query"])
    headers = _Values(operation, "header", parts["headers"])
    problems += [*path.problems, *query.problems, *headers.problems, *_body_problems(operation, arguments.get("body"))]
    if problems:
        raise BadArgumentsError(problems[:_MAX_PROBLEMS])
    target = operation.path
    for name, text in path.texts.items():
        target = target.replace(f"{{{name}}}", quote(text, safe=""))
    if query.texts:
        target += f"?{urlencode(query.texts, quote_via=quote)}"
    sent = {"accept": "application/json", **{name.lower(): text for name, text in headers.texts.items()}}
    body = None
    if arguments.get("body") is not None:
        body = json.dumps(arguments["body"], ensure_ascii=False, allow_nan=False).encode()
        sent["content-type"] = "application/json"
    return ApiRequest(operation.method, target, sent, body)


class _Values:
    """The given values of one place of parameters, as texts, and what is wrong with them."""

    def __init__(self, operation: ApiOperation, place: str, given: Json) -> None:
        self.texts: dict[str, str] = {}
        self.problems: list[str] = []
        self._part = "headers" if place == "header" else place
        known = {one["name"]: one for one in operation.parameters if one["in"] == place}
        if place == "header":
            given = {_KEY_HEADER if name.lower() == _KEY_HEADER.lower() else name: given[name] for name in given}
        for name in given:
            if name not in known:
                names = f"use {', '.join(known)}" if known else "this operation has none"
                self.problems.append(f"{self._part}.{name[:100]}: unknown, {names}.")
        for name, parameter in known.items():
            # A parameter that is null is a parameter that is absent.
            if given.get(name) is None:
                if parameter.get("required"):
                    self.problems.append(f"{self._part}.{name}: is required.")
                continue
            self._add(operation, name, parameter["schema"], given[name])

    def _add(self, operation: ApiOperation, name: str, schema: Json, value: Any) -> None:
        text = _text_of(value)
        if text is None:
            self.problems.append(f"{self._part}.{name}: must be a text or a number.")
            return
        typed = _typed(operation.document.resolve(schema), value, text)
        self.problems += [
            f"{self._part}.{name}: {why}" for why in _problems_of(operation.document.validator_of(schema), typed)
        ]
        if self._part == "path" and (not text or text in _DOTS):
            self.problems.append(f"path.{name}: must be an id, and not {text!r}.")
        if not _is_encodable(text):
            self.problems.append(f"{self._part}.{name}: has half of a surrogate pair.")
        self.texts[name] = text


def _text_of(value: Any) -> str | None:
    """Returns a parameter's value as it is sent, `None` for an object or a list."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, str | int | float) else None


def _typed(schema: Json, value: Any, text: str) -> Any:
    """Returns the value as its schema means it. A model may write a number as text, and a text of digits as number."""
    if schema.get("type") == "integer" and isinstance(value, str) and text.isascii() and text.isdigit():
        return int(text[:20])
    if schema.get("type") != "string":
        return value
    return text


def _body_problems(operation: ApiOperation, body: Any) -> Iterator[str]:
    schema = operation.body_schema
    if body is None:
        if schema is not None and operation.requires_body:
            yield "body: is required."
        return
    if schema is None:
        yield "body: this operation has none."
        return
    if not _is_encodable(json.dumps(body, ensure_ascii=False)):
        yield "body: has half of a surrogate pair."
        return
    for why in _problems_of(operation.document.validator_of(schema), body):
        yield f"body{'' if why.startswith('.') else ': '}{why}"
    yield from _unknown_fields(operation.document.resolve(schema), body)


def _unknown_fields(schema: Json, body: Any) -> Iterator[str]:
    """Yields the fields that the schema does not have. An API ignores them, and a model would not notice."""
    known = schema.get("properties")
    if not isinstance(body, dict) or not known or not schema.keys().isdisjoint(_OPEN):
        return
    for name in body:
        if name not in known:
            yield f"body.{name[:100]}: unknown, use {', '.join(known)}."


def _problems_of(validator: Any, value: Any) -> Iterator[str]:
    for error in validator.iter_errors(value):
        # Of several alternatives, the one that fits best says what is wrong.
        deepest = best_match([error]) or error
        place = "".join(f".{part}" for part in deepest.absolute_path)
        yield f"{place}{': ' if place else ''}{cut_text(deepest.message)}"


def _is_encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
