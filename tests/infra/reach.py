"""The code that a function can reach: the modules that its handler imports, early or late, and the names in them."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

from infra import topology
from infra.build import LAYER, ROOT
from infra.resources import Schedule, Worker

#: Modules that only requests use: no worker pages a list, and no job carries an Idempotency-Key.
OF_REQUESTS = frozenset({"switchboard.persistence.cursors", "switchboard.persistence.idempotency"})


class Module(NamedTuple):
    """The names in a module's source."""

    imports: frozenset[str]
    #: The tables that it names.
    tables: frozenset[str]
    #: The settings that it reads without a default.
    settings: frozenset[str]


def reached_tables(function: str) -> set[str]:
    """The tables that the modules of a function name."""
    return {table for module in _reached_modules(function) for table in module.tables}


def required_settings(function: str) -> set[str]:
    """The settings that the modules of a function read without a default."""
    return {name for module in _reached_modules(function) for name in module.settings}


@cache
def _reached_modules(function: str) -> tuple[Module, ...]:
    """The modules of ours that a function's handler leads to. For a worker, without those that only requests use."""
    left_out = OF_REQUESTS if isinstance(topology.function(function), Worker | Schedule) else frozenset[str]()
    found: dict[str, Module] = {}
    waiting = [f"functions.{function.replace('/', '.')}.handler"]
    while waiting:
        name = waiting.pop()
        path = None if name in found or name in left_out else _path(name)
        if path:
            found[name] = _read_module(path)
            waiting += found[name].imports
    return tuple(found.values())


@cache
def _read_module(path: Path) -> Module:
    nodes = list(ast.walk(ast.parse(path.read_text())))
    calls = [node for node in nodes if isinstance(node, ast.Call)]
    tables = (
        value
        for call in calls
        for value in (*_keyword(call, "table"), *(_first(call) if _is(call, "settings", "table_name") else ()))
    )
    read = (name for call in calls if _is(call, "settings", "text") and len(call.args) == 1 for name in _first(call))
    return Module(frozenset(_imports(nodes)), frozenset(tables), frozenset(read))


def _is(call: ast.Call, owner: str, name: str) -> bool:
    match call.func:
        case ast.Attribute(value=ast.Name(id=found), attr=attribute):
            return (found, attribute) == (owner, name)
    return False


def _keyword(call: ast.Call, name: str) -> Iterator[str]:
    return _texts(keyword.value for keyword in call.keywords if keyword.arg == name)


def _first(call: ast.Call) -> Iterator[str]:
    return _texts(call.args[:1])


def _texts(nodes: Iterator[ast.expr] | list[ast.expr]) -> Iterator[str]:
    return (node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str))


def _imports(nodes: list[ast.AST]) -> Iterator[str]:
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@cache
def _path(name: str) -> Path | None:
    for root in (ROOT, LAYER):
        place = root.joinpath(*name.split("."))
        for path in (place / "__init__.py", place.with_suffix(".py")):
            if name.startswith(("functions.", "switchboard")) and path.exists():
                return path
    return None
