"""The code that a function can reach: the modules that its handler imports, early or late, and the names in them."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from infra import topology
from infra.build import LAYER, ROOT
from infra.resources import Schedule, Worker

#: Modules that only requests use: no worker pages a list, and no job carries an Idempotency-Key.
OF_REQUESTS = frozenset({"switchboard.persistence.cursors", "switchboard.persistence.idempotency"})


@cache
def reached_modules(function: str) -> tuple[ast.Module, ...]:
    """The modules of ours that a function's handler leads to. For a worker, without those that only requests use."""
    left_out = OF_REQUESTS if isinstance(topology.function(function), Worker | Schedule) else frozenset[str]()
    found: dict[str, ast.Module] = {}
    waiting = [f"functions.{function.replace('/', '.')}.handler"]
    while waiting:
        name = waiting.pop()
        path = None if name in found or name in left_out else _path(name)
        if path:
            found[name] = ast.parse(path.read_text())
            waiting += _imports(found[name])
    return tuple(found.values())


def reached_tables(function: str) -> set[str]:
    """The tables that these modules name."""
    return {
        value
        for call in _calls(function)
        for value in (*_keyword(call, "table"), *(_first(call) if _is(call, "settings", "table_name") else ()))
    }


def required_settings(function: str) -> set[str]:
    """The settings that these modules read without a default."""
    return {
        name
        for call in _calls(function)
        if _is(call, "settings", "text") and len(call.args) == 1
        for name in _first(call)
    }


def _calls(function: str) -> Iterator[ast.Call]:
    for module in reached_modules(function):
        yield from (node for node in ast.walk(module) if isinstance(node, ast.Call))


def _is(call: ast.Call, owner: str, name: str) -> bool:
    return isinstance(call.func, ast.Attribute) and ast.unparse(call.func) == f"{owner}.{name}"


def _keyword(call: ast.Call, name: str) -> Iterator[str]:
    return _texts(keyword.value for keyword in call.keywords if keyword.arg == name)


def _first(call: ast.Call) -> Iterator[str]:
    return _texts(call.args[:1])


def _texts(nodes: Iterator[ast.expr] | list[ast.expr]) -> Iterator[str]:
    return (node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str))


def _imports(module: ast.Module) -> Iterator[str]:
    for node in ast.walk(module):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _path(name: str) -> Path | None:
    for root in (ROOT, LAYER):
        place = root.joinpath(*name.split("."))
        for path in (place / "__init__.py", place.with_suffix(".py")):
            if name.startswith(("functions.", "switchboard")) and path.exists():
                return path
    return None
