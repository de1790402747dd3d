"""Checks the JSON Schemas (2020-12) of callers, and values against them, with bounded work.

A schema is refused if it needs another document, refers to itself, or could cost too much: by its size after its
references are followed, or by a pattern that takes exponential time.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError, ValidationError, best_match
from jsonschema.validators import extend
from referencing import Registry
from referencing.exceptions import Unresolvable
from referencing.jsonschema import DRAFT202012

from switchboard.flows.patterns import check_pattern
from switchboard.flows.source import MAX_SOURCE_DEPTH, MAX_SOURCE_VALUES, Path, PathError, format_path
from switchboard.kit.texts import is_deeper, is_larger

DIALECT = "https://json-schema.org/draft/2020-12/schema"
#: The most subschemas, after all references are followed.
MAX_SUBSCHEMAS = 2_000
#: Longer texts do not match any `pattern`.
MAX_PATTERN_TEXT = 256
#: The most problems of a value that are reported.
MAX_PROBLEMS = 20

#: The keywords that hold a schema, a list of schemas, or schemas by name.
_ONE = frozenset(
    {"items", "contains", "additionalProperties", "propertyNames", "unevaluatedItems", "unevaluatedProperties"}
    | {"if", "then", "else", "not", "contentSchema"}
)
_LIST = frozenset({"allOf", "anyOf", "oneOf", "prefixItems"})
_BY_NAME = frozenset({"properties", "patternProperties", "dependentSchemas", "$defs", "definitions"})
_REFUSED = {
    "$dynamicRef": "is not supported: use $ref",
    "$dynamicAnchor": "is not supported: use $anchor",
    "$recursiveRef": "is not part of JSON Schema 2020-12: use $ref",
    "$vocabulary": "is not supported: remove it",
}


def check_schema(schema: Any) -> None:
    """Raises PathError unless a value is a JSON Schema 2020-12 of an object that stays within the limits."""
    if not isinstance(schema, dict):
        raise PathError((), "must be a JSON Schema: an object")
    if schema.get("$schema", DIALECT) not in (DIALECT, f"{DIALECT}#"):
        raise PathError(("$schema",), f"must be {DIALECT}")
    try:
        Draft202012Validator.check_schema(schema)
    except SchemaError as error:
        raise PathError(tuple(error.absolute_path), _problem(error)) from None
    if schema.get("type") != "object":
        raise PathError(("type",) if "type" in schema else (), 'must have the type "object"')
    for path, part in _subschemas(schema, ()):
        _check_part(path, part)
    _Cost(schema).check()


def validate_value(schema: dict[str, Any], value: Any) -> list[str]:
    """Returns the problems of a value, each with its path, for example `score: 7 is greater than the maximum of 5`.

    The schema has passed `check_schema`.
    """
    if is_deeper(value, MAX_SOURCE_DEPTH) or is_larger(value, MAX_SOURCE_VALUES) or _has_long_key(value):
        return ["is too large: it has too many values or levels, or a very long key"]
    found: list[str] = []
    for error in _BoundedValidator(schema, registry=Registry()).iter_errors(value):
        shown = best_match([error]) or error
        path = format_path(tuple(shown.absolute_path))
        found.append(f"{path}: {_problem(shown)}" if path else _problem(shown))
        if len(found) == MAX_PROBLEMS:
            break
    return found


def _has_long_key(value: Any) -> bool:
    """Whether a key is too long to be tried on the patterns of `patternProperties`."""
    if isinstance(value, dict):
        return any(len(key) > MAX_PATTERN_TEXT or _has_long_key(part) for key, part in value.items())
    return isinstance(value, list) and any(map(_has_long_key, value))


def _problem(error: ValidationError | SchemaError) -> str:
    text = error.message
    return text if len(text) <= 200 else f"{text[:200]}…"


def _bounded_pattern(_: Any, pattern: str, instance: Any, __: Any) -> Iterator[ValidationError]:
    if not isinstance(instance, str):
        return
    if len(instance) > MAX_PATTERN_TEXT:
        yield ValidationError(f"is longer than {MAX_PATTERN_TEXT} characters, so no pattern matches it")
    elif not re.search(pattern, instance):
        yield ValidationError(f"does not match the pattern {pattern!r}")


_BoundedValidator: Any = extend(Draft202012Validator, {"pattern": _bounded_pattern})  # type: ignore[no-untyped-call]


def _check_part(path: Path, part: dict[str, Any]) -> None:
    for name, why in _REFUSED.items():
        if name in part:
            raise PathError((*path, name), why)
    if "$id" in part and path:
        raise PathError((*path, "$id"), "is allowed only at the root")
    if "$ref" in part and not part["$ref"].startswith("#"):
        raise PathError((*path, "$ref"), "must refer to this schema: begin it with #")
    patterns: list[tuple[Path, str]] = [(("pattern",), part["pattern"])] if "pattern" in part else []
    patterns += [(("patternProperties", name), name) for name in part.get("patternProperties", {})]
    for where, pattern in patterns:
        try:
            check_pattern(pattern)
        except ValueError as error:
            raise PathError((*path, *where), str(error)) from None


def _children(part: dict[str, Any]) -> Iterable[tuple[Path, Any]]:
    for keyword, value in part.items():
        if keyword in _ONE:
            yield (keyword,), value
        elif keyword in _LIST:
            for at, one in enumerate(value):
                yield (keyword, at), one
        elif keyword in _BY_NAME:
            for name, one in value.items():
                yield (keyword, name), one


def _subschemas(part: Any, path: Path) -> Iterator[tuple[Path, dict[str, Any]]]:
    # The depth of a text is limited before, so that the recursion is.
    if not isinstance(part, dict):
        return
    yield path, part
    for step, child in _children(part):
        yield from _subschemas(child, (*path, *step))


class _Cost:
    """Counts the subschemas that a validation may visit: a definition counts each time that it is referred to."""

    def __init__(self, schema: dict[str, Any]) -> None:
        self._schema = schema
        resource = DRAFT202012.create_resource({name: value for name, value in schema.items() if name != "$id"})
        self._resolver: Any = Registry().with_resource("", resource).resolver()
        self._known: dict[int, int] = {}
        self._open: set[int] = set()

    def check(self) -> None:
        if self._cost(self._schema, ()) > MAX_SUBSCHEMAS:
            raise PathError((), f"has more than {MAX_SUBSCHEMAS:,} subschemas with its references: make it smaller")

    def _cost(self, part: Any, path: Path) -> int:
        if not isinstance(part, dict):
            return 1
        if id(part) in self._known:
            return self._known[id(part)]
        if id(part) in self._open:
            raise PathError(path, "refers to itself: a schema must not be recursive")
        self._open.add(id(part))
        total = 1 + sum(self._cost(child, (*path, *step)) for step, child in _children(part))
        if "$ref" in part:
            total += self._cost(self._resolve(part["$ref"], path), (*path, "$ref"))
        self._open.discard(id(part))
        # The root is a copy in the resolver, so that "#" is recognized by this.
        self._known[id(part)] = total
        return total

    def _resolve(self, ref: str, path: Path) -> Any:
        if ref in ("#", "#/"):
            return self._schema
        try:
            return self._resolver.lookup(ref).contents
        except (Unresolvable, ValueError, LookupError, TypeError, AttributeError):
            raise PathError((*path, "$ref"), f"refers to {ref[:100]!r}, which is not in this schema") from None
