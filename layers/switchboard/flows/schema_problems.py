"""The problems that a JSON Schema finds in a value, in plain English."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from jsonschema.exceptions import SchemaError, ValidationError

from switchboard.flows.source import Path

#: A stranger's schema may have thousands of values, and errors inside of errors.
_MAX_CHARACTERS, _MAX_SHOWN = 200, 20
_TYPES = {
    "string": "a text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "object": "an object",
    "array": "a list",
    "null": "null",
}
#: The texts of the keywords whose value is a limit.
_LIMITS = {
    "minProperties": "has too few fields: send at least {}",
    "maxProperties": "has too many fields: send at most {}",
    "minItems": "has too few entries: send at least {}",
    "maxItems": "has too many entries: send at most {}",
    "minLength": "is too short: send at least {} characters",
    "maxLength": "is too long: send at most {} characters",
    "minimum": "is too small: send at least {}",
    "maximum": "is too large: send at most {}",
    "exclusiveMinimum": "is too small: send more than {}",
    "exclusiveMaximum": "is too large: send less than {}",
    "multipleOf": "must be a multiple of {}",
}
#: The texts of the keywords whose value would explain nothing.
_FIXED = {
    "uniqueItems": "has the same entry twice",
    "contains": "has too few or too many entries of the kind that the schema wants",
    "not": "has a form that the schema excludes",
    "oneOf": "fits more than one of the schemas in oneOf",
    "None": "has a part that the schema excludes",
}


class SchemaProblem(NamedTuple):
    """The problem of a part of a value. The part may be missing."""

    path: Path
    text: str


def describe_problem(error: ValidationError | SchemaError) -> SchemaProblem:
    """Returns the problem of an error of a validator, with a short text."""
    path = tuple(error.absolute_path)
    missing = _find_missing(error)
    if missing is not None:
        return SchemaProblem((*path, missing[0]), missing[1])
    text = _describe(error)
    if "propertyNames" in error.absolute_schema_path:
        text = f"has the name {_show(error.instance)}, which {text}"
    return SchemaProblem(path, text if len(text) <= _MAX_CHARACTERS else f"{text[:_MAX_CHARACTERS]}…")


def _find_missing(error: ValidationError | SchemaError) -> tuple[str, str] | None:
    """Returns the name of a missing property with the problem. The validator names it in its message only."""
    wanted: Any = error.validator_value
    if error.validator == "required":
        texts = {f"{name!r} is a required property": (name, "is missing") for name in wanted}
    elif error.validator == "dependentRequired":
        texts = {
            f"{name!r} is a dependency of {given!r}": (name, f"is missing: {_show(given)} needs it")
            for given, names in wanted.items()
            for name in names
        }
    else:
        return None
    return texts.get(error.message)


def _describe(error: ValidationError | SchemaError) -> str:
    keyword = str(error.validator)
    wanted: Any = error.validator_value
    if keyword in _LIMITS:
        return _LIMITS[keyword].format(wanted)
    if keyword == "type":
        names = [wanted] if isinstance(wanted, str) else list(wanted)
        return f"must be {' or '.join(_TYPES.get(name, name) for name in names)}"
    if keyword == "enum":
        return f"must be one of {', '.join(map(_show, wanted[:_MAX_SHOWN]))}"
    if keyword == "const":
        return f"must be {_show(wanted)}"
    if keyword in ("anyOf", "oneOf") and error.context:
        return ", or ".join(dict.fromkeys(_describe(part) for part in error.context[:_MAX_SHOWN]))
    return _FIXED.get(keyword, error.message)


def _show(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
