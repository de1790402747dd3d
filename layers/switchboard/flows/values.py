"""Checks values against the JSON Schemas of callers, with bounded work.

Each step of a validation is counted before it is made: a keyword, by the sizes of its own value and of the value that
it is applied to, and a pattern, by the combinations that it may try. A value that needs too many steps is not valid.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator
from fractions import Fraction
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError, best_match
from jsonschema.validators import extend
from referencing import Registry

from switchboard import telemetry
from switchboard.flows.patterns import MAX_PATTERN_TEXT, CountedPattern
from switchboard.flows.schema_problems import describe_problem
from switchboard.flows.source import MAX_SOURCE_DEPTH, MAX_SOURCE_VALUES, format_path
from switchboard.kit.texts import is_deeper, is_larger

#: The most problems of a value that are reported.
MAX_PROBLEMS = 20
#: The most steps of one validation, each about a microsecond of work.
MAX_STEPS = 500_000
#: The steps of a keyword besides the values that it compares.
_KEYWORD_STEPS = 5
#: The steps to compile a pattern: for each character and for each wide class.
_CHARACTER_STEPS, _WIDE_CLASS_STEPS = 10, 2_000
#: Combinations are tried by compiled code, and those of a short pattern are counted faster.
_COMBINATIONS_PER_STEP, _PATTERN_CHARACTERS_PER_STEP = 20, 4
_CHARACTERS_PER_STEP = 64

Keyword = Callable[[Any, Any, Any, dict[str, Any]], Iterable[ValidationError] | None]


class _TooManyStepsError(Exception):
    pass


def validate_value(schema: dict[str, Any], value: Any) -> list[str]:
    """Returns the problems of a value, each with its path, for example `score: is too large: send at most 5`.

    The schema has passed `check_schema`. A value that cannot be checked has a problem too: nothing is raised.
    """
    if is_deeper(value, MAX_SOURCE_DEPTH) or is_larger(value, MAX_SOURCE_VALUES) or _has_long_key(value):
        return ["is too large: it has too many values or levels, or a very long key"]
    found: list[str] = []
    try:
        for error in _Validation(schema).find_errors(value):
            problem = describe_problem(best_match([error]) or error)
            path = format_path(problem.path)
            found.append(f"{path}: {problem.text}" if path else problem.text)
            if len(found) == MAX_PROBLEMS:
                break
    except _TooManyStepsError:
        found.append("takes too long to check: use a simpler schema")
    except Exception as error:  # noqa: BLE001 - a stranger's schema and value must not stop the caller
        telemetry.logger().warning("a value cannot be checked", extra={"error": type(error).__name__})
        found.append("cannot be checked: use a simpler schema")
    return found


def _has_long_key(value: Any) -> bool:
    """Whether a key is too long to be tried on the patterns of `patternProperties`."""
    if isinstance(value, dict):
        return any(len(key) > MAX_PATTERN_TEXT or _has_long_key(part) for key, part in value.items())
    return isinstance(value, list) and any(map(_has_long_key, value))


class _Validation:
    """One validation, with the steps that are left."""

    def __init__(self, schema: dict[str, Any]) -> None:
        # The id is not needed inside one document, and might be no address. The dialect is known.
        self._schema = {name: value for name, value in schema.items() if name not in ("$id", "$schema")}
        self._left = MAX_STEPS
        self._sizes: dict[int, int] = {}
        self._compiled: dict[str, tuple[CountedPattern, re.Pattern[str]]] = {}

    def find_errors(self, value: Any) -> Iterator[ValidationError]:
        own: dict[str, Keyword] = {
            "additionalProperties": self._additional_properties,
            "multipleOf": _multiple_of,
            "pattern": self._pattern,
            "patternProperties": self._pattern_properties,
            "uniqueItems": _unique_items,
            "$ref": self._ref,
        }
        keywords = {**Draft202012Validator.VALIDATORS, **own}
        counted = {name: self._counted(keyword) for name, keyword in keywords.items()}
        validator: Any = extend(Draft202012Validator, counted)  # type: ignore[no-untyped-call]
        yield from validator(self._schema, registry=Registry()).iter_errors(value)

    def _spend(self, steps: int) -> None:
        self._left -= steps
        if self._left < 0:
            raise _TooManyStepsError

    def _counted(self, keyword: Keyword) -> Keyword:
        def run(validator: Any, wanted: Any, instance: Any, schema: dict[str, Any]) -> Iterator[ValidationError]:
            # An error shows both values, so that both are read.
            self._spend(_KEYWORD_STEPS + self._size(wanted) + self._size(instance))
            yield from keyword(validator, wanted, instance, schema) or ()

        return run

    def _size(self, value: Any) -> int:
        """Returns the number of values inside a value, where a long text counts as several."""
        if isinstance(value, str):
            return 1 + len(value) // _CHARACTERS_PER_STEP
        if not isinstance(value, dict | list):
            return 1
        if id(value) not in self._sizes:
            parts = [*value, *value.values()] if isinstance(value, dict) else value
            self._sizes[id(value)] = 1 + sum(map(self._size, parts))
        return self._sizes[id(value)]

    # ---- keywords

    def _ref(self, validator: Any, ref: str, instance: Any, schema: dict[str, Any]) -> Iterator[ValidationError]:
        if not ref.startswith("#/"):
            # An anchor is looked for in the whole schema each time.
            self._spend(_KEYWORD_STEPS * self._size(self._schema))
        yield from Draft202012Validator.VALIDATORS["$ref"](validator, ref, instance, schema) or ()

    def _pattern(self, _: Any, pattern: str, instance: Any, __: Any) -> Iterator[ValidationError]:
        if not isinstance(instance, str):
            return
        if len(instance) > MAX_PATTERN_TEXT:
            yield ValidationError(f"is longer than {MAX_PATTERN_TEXT} characters, so no pattern matches it")
        elif not self._matches(pattern, instance):
            yield ValidationError(f"does not match the pattern {pattern}")

    def _pattern_properties(self, validator: Any, named: Any, instance: Any, _: Any) -> Iterator[ValidationError]:
        if not isinstance(instance, dict):
            return
        for pattern, part in named.items():
            for key, value in instance.items():
                if self._matches(pattern, key):
                    yield from validator.descend(value, part, path=key, schema_path=pattern)

    def _additional_properties(
        self, validator: Any, wanted: Any, instance: Any, schema: dict[str, Any]
    ) -> Iterator[ValidationError]:
        if not isinstance(instance, dict):
            return
        patterns, known = schema.get("patternProperties", {}), schema.get("properties", {})
        extra = [
            key for key in instance if key not in known and not any(self._matches(pattern, key) for pattern in patterns)
        ]
        if wanted is False and extra:
            names = ", ".join(repr(key) for key in extra)
            yield ValidationError(f"has fields that the schema does not have: {names}")
        elif wanted is not False:
            for key in extra:
                yield from validator.descend(instance[key], wanted, path=key)

    def _matches(self, pattern: str, text: str) -> bool:
        if pattern not in self._compiled:
            counted = CountedPattern(pattern)
            self._spend(_CHARACTER_STEPS * len(pattern) + _WIDE_CLASS_STEPS * counted.wide_classes)
            self._compiled[pattern] = counted, counted.compile()
        counted, compiled = self._compiled[pattern]
        self._spend(_KEYWORD_STEPS + len(pattern) // _PATTERN_CHARACTERS_PER_STEP)
        self._spend(counted.count_combinations(len(text)) // _COMBINATIONS_PER_STEP)
        return compiled.search(text) is not None


def _multiple_of(validator: Any, wanted: Any, instance: Any, _: Any) -> Iterator[ValidationError]:
    if validator.is_type(instance, "number") and Fraction(str(instance)) % Fraction(str(wanted)):
        yield ValidationError(f"{instance!r} is not a multiple of {wanted!r}")


def _unique_items(_: Any, wanted: Any, instance: Any, __: Any) -> Iterator[ValidationError]:
    if not wanted or not isinstance(instance, list):
        return
    seen: set[str] = set()
    for item in instance:
        text = json.dumps(_canonical(item), sort_keys=True)
        if text in seen:
            yield ValidationError(f"{instance!r} has non-unique elements")
            return
        seen.add(text)


def _canonical(value: Any) -> Any:
    """Returns a value whose numbers have one form: 1.0 is the same as 1."""
    if isinstance(value, dict):
        return {key: _canonical(part) for key, part in value.items()}
    if isinstance(value, list):
        return [_canonical(part) for part in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value
