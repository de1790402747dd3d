"""Checks the JSON Schemas (2020-12) of callers, with bounded work. `switchboard.flows.values` checks values.

A schema is refused if it needs another document, refers to itself, or could cost too much: by its size and its levels
after its references are followed, or by a pattern that takes exponential time.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from jsonschema import Draft202012Validator
from jsonschema.exceptions import best_match
from referencing import Registry
from referencing.exceptions import Unresolvable
from referencing.jsonschema import DRAFT202012

from switchboard.flows.patterns import check_pattern
from switchboard.flows.schema_problems import describe_problem
from switchboard.flows.source import Path, PathError

DIALECT = "https://json-schema.org/draft/2020-12/schema"
#: The most subschemas and levels, after all references are followed. A validator calls itself for each level.
MAX_SUBSCHEMAS = 2_000
MAX_LEVELS = 40

#: The keywords that hold a schema, a list of schemas, or schemas by name.
_ONE = frozenset(
    {"items", "contains", "additionalProperties", "propertyNames", "if", "then", "else", "not", "contentSchema"}
)
_LIST = frozenset({"allOf", "anyOf", "oneOf", "prefixItems"})
_BY_NAME = frozenset({"properties", "patternProperties", "dependentSchemas", "$defs", "definitions"})
_REFUSED = {
    "$dynamicRef": "is not supported: use $ref",
    "$dynamicAnchor": "is not supported: use $anchor",
    "$recursiveRef": "is not part of JSON Schema 2020-12: use $ref",
    "$vocabulary": "is not supported: remove it",
    "dependencies": "is not part of JSON Schema 2020-12: use dependentRequired or dependentSchemas",
    # They walk through the whole schema again for each property and item.
    "unevaluatedItems": "is not supported: use items",
    "unevaluatedProperties": "is not supported: use additionalProperties",
}
#: A part with another dialect would be read by the rules of that dialect, without our limits.
_ONLY_AT_ROOT = ("$id", "$schema")
#: JSON has seven types.
_MAX_TYPES = 7
# The check of formats would compile each pattern before its cost is known.
_METASCHEMA = Draft202012Validator(Draft202012Validator.META_SCHEMA)


def check_schema(schema: Any) -> None:
    """Raises PathError unless a value is a JSON Schema 2020-12 of an object that stays within the limits."""
    if not isinstance(schema, dict):
        raise PathError((), "must be a JSON Schema: an object")
    if schema.get("$schema", DIALECT) not in (DIALECT, f"{DIALECT}#"):
        raise PathError(("$schema",), f"must be {DIALECT}")
    known: set[int] = set()
    # Costly parts are refused first: the check against the metaschema relies on it.
    for path, part in _subschemas(schema, ()):
        known.add(id(part))
        if len(known) > MAX_SUBSCHEMAS:
            raise _too_large()
        _check_part(path, part)
    # The first error, because a schema may have thousands, and to compare them takes time.
    for error in _METASCHEMA.iter_errors(schema):
        shown = best_match([error]) or error
        problem = describe_problem(shown)
        raise PathError(problem.path, problem.text)
    if schema.get("type") != "object":
        raise PathError(("type",) if "type" in schema else (), 'must have the type "object"')
    _Measure(schema, known).check()


def _too_large() -> PathError:
    return PathError((), f"has more than {MAX_SUBSCHEMAS:,} subschemas with its references: make it smaller")


def _check_part(path: Path, part: dict[str, Any]) -> None:
    for name, why in _REFUSED.items():
        if name in part:
            raise PathError((*path, name), why)
    for name in _ONLY_AT_ROOT:
        if name in part and path:
            raise PathError((*path, name), "is allowed only at the root")
    ref = part.get("$ref")
    if isinstance(ref, str) and not ref.startswith("#"):
        raise PathError((*path, "$ref"), "must refer to this schema: begin it with #")
    _check_names(path, part)
    for where, pattern in _patterns(part):
        try:
            check_pattern(pattern)
        except ValueError as error:
            raise PathError((*path, *where), str(error)) from None


def _check_names(path: Path, part: dict[str, Any]) -> None:
    """Raises PathError for lists whose members the metaschema would compare one by one: long ones of mixed values."""
    types = part.get("type")
    if isinstance(types, list) and len(types) > _MAX_TYPES:
        raise PathError((*path, "type"), f"has more than {_MAX_TYPES} types: name each type once")
    lists: list[tuple[Path, Any]] = [(("required",), part.get("required"))]
    if isinstance(dependent := part.get("dependentRequired"), dict):
        lists += [(("dependentRequired", name), names) for name, names in dependent.items()]
    for where, names in lists:
        if isinstance(names, list) and not all(isinstance(name, str) for name in names):
            raise PathError((*path, *where), "must be a list of texts: the names of properties")


def _patterns(part: dict[str, Any]) -> Iterator[tuple[Path, str]]:
    if isinstance(part.get("pattern"), str):
        yield ("pattern",), part["pattern"]
    if isinstance(named := part.get("patternProperties"), dict):
        for name in named:
            yield ("patternProperties", name), name


def _children(part: dict[str, Any]) -> Iterable[tuple[Path, Any]]:
    for keyword, value in part.items():
        if keyword in _ONE:
            yield (keyword,), value
        elif keyword in _LIST and isinstance(value, list):
            for at, one in enumerate(value):
                yield (keyword, at), one
        elif keyword in _BY_NAME and isinstance(value, dict):
            for name, one in value.items():
                yield (keyword, name), one


def _subschemas(part: Any, path: Path) -> Iterator[tuple[Path, dict[str, Any]]]:
    # The depth of a text is limited before, so that the recursion is.
    if not isinstance(part, dict):
        return
    yield path, part
    for step, child in _children(part):
        yield from _subschemas(child, (*path, *step))


class _Extent(NamedTuple):
    subschemas: int
    levels: int


class _Measure:
    """Counts the subschemas that a validation may visit: a definition counts each time that it is referred to.

    `known` has the ids of all subschemas. A reference to anything else would lead to a part that nothing has checked.
    """

    def __init__(self, schema: dict[str, Any], known: set[int]) -> None:
        self._schema, self._parts = schema, known
        resource = DRAFT202012.create_resource({name: value for name, value in schema.items() if name != "$id"})
        # The anchors are found once, and not again for each reference.
        self._resolver: Any = Registry().with_resource("", resource).crawl().resolver()
        self._known: dict[int, _Extent] = {}
        self._open: set[int] = set()

    def check(self) -> None:
        if self._measure(self._schema, (), 1).subschemas > MAX_SUBSCHEMAS:
            raise _too_large()

    def _measure(self, part: Any, path: Path, level: int) -> _Extent:
        if not isinstance(part, dict):
            return _Extent(1, 1)
        extent = self._known.get(id(part))
        if level + (extent.levels if extent else 1) - 1 > MAX_LEVELS:
            raise PathError(path, f"has more than {MAX_LEVELS} levels with its references: make it flatter")
        if extent:
            return extent
        if id(part) in self._open:
            raise PathError(path, "refers to itself: a schema must not be recursive")
        self._open.add(id(part))
        found = [self._measure(child, (*path, *step), level + 1) for step, child in _children(part)]
        if "$ref" in part:
            target = self._resolve(part["$ref"], path)
            found.append(self._measure(target, (*path, "$ref"), level + 1))
        self._open.discard(id(part))
        extent = _Extent(1 + sum(one.subschemas for one in found), 1 + max((one.levels for one in found), default=0))
        self._known[id(part)] = extent
        return extent

    def _resolve(self, ref: str, path: Path) -> Any:
        # The root is a copy in the resolver, so that "#" is recognized by this.
        if ref in ("#", "#/"):
            return self._schema
        try:
            target = self._resolver.lookup(ref).contents
        except (Unresolvable, ValueError, LookupError, TypeError, AttributeError):
            raise PathError((*path, "$ref"), f"refers to {ref[:100]!r}, which is not in this schema") from None
        if not isinstance(target, bool) and id(target) not in self._parts:
            raise PathError((*path, "$ref"), f"refers to {ref[:100]!r}, which is not a schema: use $defs")
        return target
