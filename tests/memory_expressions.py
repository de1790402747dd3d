"""DynamoDB's condition and update expressions, each compiled once, for `tests.memory_cloud`."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from decimal import Decimal
from functools import cache
from typing import Any, NamedTuple

Item = dict[str, Any]


class Invalid(Exception):
    """DynamoDB refuses the request (ValidationException)."""


class Values(NamedTuple):
    """The values of an expression's placeholders."""

    names: Item
    values: Item


#: The value of an expression for an item: an attribute's value, or `None` if it is missing.
Operand = Callable[[Item, Values], Any]
Condition = Callable[[Item, Values], bool]
#: The steps of a document path: an attribute's name or placeholder, or a position in a list.
Path = tuple[str | int, ...]

_TOKEN = re.compile(r"\s*(<>|<=|>=|[=<>(),.+\[\]-]|:\w+|#?\w+)")
_FUNCTIONS = {"attribute_exists", "attribute_not_exists", "begins_with", "contains"}
_SECTIONS = {"SET", "REMOVE", "ADD", "DELETE"}


@cache
def compile_condition(text: str) -> Condition:
    """Compiles a condition, filter or key condition into a function of an item."""
    parser = _Parser(text)
    found = parser.either()
    parser.end()
    return found


@cache
def compile_update(text: str) -> Callable[[Item, Values], Item]:
    """Compiles an update expression into a function that returns the new item. The old item stays unchanged.
    Raises Invalid.
    """
    steps = list(_Parser(text).sections())

    def apply(item: Item, values: Values) -> Item:
        after = dict(item)
        # Every value is computed from the old item, in any order of the parts.
        for act in [step(item, values) for step in steps]:
            act(after)
        return after

    return apply


def compare_values(one: Any, other: Any) -> int | None:
    """Returns the order of two values: below, at or above 0, or `None` if they have no order."""
    if one is None or other is None or one.keys() != other.keys():
        return None
    kind = next(iter(one))
    if kind not in ("S", "N", "B"):
        return None
    left, right = (_number(part) if kind == "N" else part[kind] for part in (one, other))
    return (left > right) - (left < right)


def are_equal(one: Any, other: Any) -> bool:
    """Whether two values are equal: numbers by their value, sets in any order."""
    if one is None or other is None or one.keys() != other.keys():
        return False
    kind = next(iter(one))
    left, right = one[kind], other[kind]
    match kind:
        case "N":
            return _number(one) == _number(other)
        case "SS" | "NS" | "BS":
            return sorted(left) == sorted(right)
        case "L":
            return len(left) == len(right) and all(map(are_equal, left, right))
        case "M":
            return left.keys() == right.keys() and all(are_equal(left[name], right[name]) for name in left)
    return bool(left == right)


def _number(value: Item) -> int | Decimal:
    text = value["N"]
    return int(text) if text.lstrip("-").isdigit() else Decimal(text)


class _Parser:
    """Reads an expression from left to right."""

    def __init__(self, text: str) -> None:
        self._tokens = list(_tokens(text))
        self._at = 0

    @property
    def _next(self) -> str:
        return self._tokens[self._at] if self._at < len(self._tokens) else ""

    def _take(self) -> str:
        token = self._next
        self._at += 1
        return token

    def _is(self, *words: str) -> bool:
        """Take the next token if it is one of these words."""
        if self._next.upper() not in words:
            return False
        self._at += 1
        return True

    def _require(self, token: str) -> None:
        if not self._is(token):
            raise Invalid(f"{token} is expected before {self._next!r}")

    def end(self) -> None:
        if self._next:
            raise Invalid(f"{self._next!r} is unexpected")

    def either(self) -> Condition:
        parts = [self._both()]
        while self._is("OR"):
            parts.append(self._both())
        return parts[0] if len(parts) == 1 else lambda item, values: any(part(item, values) for part in parts)

    def _both(self) -> Condition:
        parts = [self._one()]
        while self._is("AND"):
            parts.append(self._one())
        return parts[0] if len(parts) == 1 else lambda item, values: all(part(item, values) for part in parts)

    def _one(self) -> Condition:
        if self._is("NOT"):
            inner = self._one()
            return lambda item, values: not inner(item, values)
        if self._is("("):
            inner = self.either()
            self._require(")")
            return inner
        if self._next in _FUNCTIONS:
            return self._function(self._take())
        return self._comparison()

    def _function(self, name: str) -> Condition:
        self._require("(")
        operand = self._operand()
        other = self._operand() if self._is(",") else None
        self._require(")")
        match name:
            case "attribute_exists":
                return lambda item, values: operand(item, values) is not None
            case "attribute_not_exists":
                return lambda item, values: operand(item, values) is None
        assert other is not None, name
        test = _begins if name == "begins_with" else _contains
        return lambda item, values: test(operand(item, values), other(item, values))

    def _comparison(self) -> Condition:
        left = self._operand()
        if self._is("BETWEEN"):
            low = self._operand()
            self._require("AND")
            high = self._operand()
            return lambda item, values: _between(left(item, values), low(item, values), high(item, values))
        if self._is("IN"):
            self._require("(")
            among = [self._operand()]
            while self._is(","):
                among.append(self._operand())
            self._require(")")
            return lambda item, values: any(are_equal(left(item, values), one(item, values)) for one in among)
        test, right = _COMPARATORS[self._take()], self._operand()
        return lambda item, values: test(left(item, values), right(item, values))

    def _operand(self) -> Operand:
        if self._next.startswith(":"):
            name = self._take()
            return lambda _, values: values.values[name]
        if self._next == "if_not_exists":
            return self._default()
        if self._next == "size":
            return self._size()
        path = self._path()
        return lambda item, values: _look_up(item, path, values.names)

    def _default(self) -> Operand:
        self._take()
        self._require("(")
        path = self._path()
        self._require(",")
        default = self._operand()
        self._require(")")

        def found(item: Item, values: Values) -> Any:
            there = _look_up(item, path, values.names)
            return default(item, values) if there is None else there

        return found

    def _size(self) -> Operand:
        self._take()
        self._require("(")
        path = self._path()
        self._require(")")

        def found(item: Item, values: Values) -> Any:
            there = _look_up(item, path, values.names)
            return None if there is None else {"N": str(_length(there))}

        return found

    def _path(self) -> Path:
        steps: list[str | int] = [self._take()]
        while self._next in (".", "["):
            if self._take() == ".":
                steps.append(self._take())
            else:
                steps.append(int(self._take()))
                self._require("]")
        return tuple(steps)

    def sections(self) -> Iterator[Callable[[Item, Values], Callable[[Item], None]]]:
        """Yields the single changes. Each computes with the old item, and then changes the new one."""
        while self._next:
            section = self._take().upper()
            if section not in _SECTIONS:
                raise Invalid(f"{section} is not a section of an update")
            while True:
                yield getattr(self, f"_{section.lower()}")()
                if not self._is(","):
                    break

    def _set(self) -> Callable[[Item, Values], Callable[[Item], None]]:
        path = self._path()
        self._require("=")
        operand = self._operand()
        sign = {"+": 1, "-": -1}.get(self._next, 0)
        other = None
        if sign:
            self._take()
            other = self._operand()

        def step(item: Item, values: Values) -> Callable[[Item], None]:
            value = _require_value(operand(item, values))
            if other is not None:
                value = _sum(value, _require_value(other(item, values)), sign)
            return lambda after: _store(after, path, values.names, value)

        return step

    def _remove(self) -> Callable[[Item, Values], Callable[[Item], None]]:
        path = self._path()
        return lambda _, values: lambda after: _store(after, path, values.names, None)

    def _add(self) -> Callable[[Item, Values], Callable[[Item], None]]:
        path, value = self._path(), self._operand()

        def step(item: Item, values: Values) -> Callable[[Item], None]:
            before, more = _look_up(item, path, values.names), value(item, values)
            if before is None:
                total = more
            elif "N" in more:
                total = _sum(before, more, 1)
            else:
                kind = _set_kind(before, more)
                total = {kind: sorted({*before[kind], *more[kind]})}
            return lambda after: _store(after, path, values.names, total)

        return step

    def _delete(self) -> Callable[[Item, Values], Callable[[Item], None]]:
        path, value = self._path(), self._operand()

        def step(item: Item, values: Values) -> Callable[[Item], None]:
            before, less = _look_up(item, path, values.names), value(item, values)
            if before is None:
                return lambda after: None
            kind = _set_kind(before, less)
            left = sorted({*before[kind]} - {*less[kind]})
            return lambda after: _store(after, path, values.names, {kind: left} if left else None)

        return step


def _tokens(text: str) -> Iterator[str]:
    at, end = 0, len(text.rstrip())
    while at < end:
        found = _TOKEN.match(text, at)
        if found is None:
            raise Invalid(f"{text[at:]!r} cannot be read")
        yield found.group(1)
        at = found.end()


def _ordered(*results: int) -> Callable[[Any, Any], bool]:
    return lambda one, other: compare_values(one, other) in results


_COMPARATORS: dict[str, Callable[[Any, Any], bool]] = {
    "=": are_equal,
    "<>": lambda one, other: not are_equal(one, other),
    "<": _ordered(-1),
    "<=": _ordered(-1, 0),
    ">": _ordered(1),
    ">=": _ordered(1, 0),
}


def _between(value: Any, low: Any, high: Any) -> bool:
    return compare_values(value, low) in (0, 1) and compare_values(value, high) in (-1, 0)


def _begins(value: Any, start: Any) -> bool:
    return bool(value) and "S" in value and value["S"].startswith(start["S"])


def _contains(value: Any, part: Any) -> bool:
    if not value:
        return False
    if "L" in value:
        return any(are_equal(one, part) for one in value["L"])
    found = value.get("S") or value.get("SS") or ()
    return part["S"] in found


def _length(value: Item) -> int:
    """Returns the number of bytes of a text, or of members of a set, a list or a map."""
    kind, part = next(iter(value.items()))
    if kind not in ("S", "B", "SS", "NS", "BS", "L", "M"):
        raise Invalid(f"a value of type {kind} has no size")
    return len(part.encode() if kind == "S" else part)


def _look_up(item: Item, path: Path, names: Item) -> Any:
    found: Any = {"M": item}
    for step in path:
        if isinstance(step, int):
            values = found.get("L", ())
            found = values[step] if step < len(values) else None
        else:
            found = found.get("M", {}).get(_resolve_name(step, names))
        if found is None:
            return None
    return found


def _resolve_name(step: str, names: Item) -> str:
    return str(names[step]) if step.startswith("#") else step


def _store(after: Item, path: Path, names: Item, value: Any) -> None:
    """Set or remove the value at a path of a new item. The maps along the path are copied."""
    *way, last = path
    target = after
    for step in way:
        name = _resolve_name(step, names) if isinstance(step, str) else ""
        if "M" not in target.get(name, {}):
            raise Invalid("The document path provided in the update expression is invalid for update")
        target[name] = {"M": dict(target[name]["M"])}
        target = target[name]["M"]
    if not isinstance(last, str):
        raise Invalid("only whole lists can be set here")
    if value is None:
        target.pop(_resolve_name(last, names), None)
    else:
        target[_resolve_name(last, names)] = value


def _require_value(value: Any) -> Any:
    if value is None:
        raise Invalid("The provided expression refers to an attribute that does not exist in the item")
    return value


def _sum(one: Item, other: Item, sign: int) -> Item:
    if "N" not in one or "N" not in other:
        raise Invalid("An operand in the update expression has an incorrect data type")
    return {"N": str(_number(one) + sign * _number(other))}


def _set_kind(one: Item, other: Item) -> str:
    kind = next(iter(other))
    if kind not in one or not kind.endswith("S") or kind == "S":
        raise Invalid("An operand in the update expression has an incorrect data type")
    return kind
