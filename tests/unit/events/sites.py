"""Finds where code records events: each call that ends in `events.new_event`, directly or through helpers.

It reads the source, so that a site counts even if no test calls it.
"""

from __future__ import annotations

import ast
import importlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache, cached_property

from tests.unit.test_layering import MODULES, ROOT

OF = ("switchboard.events.service", "new_event")

#: A function, by its module and its name.
Name = tuple[str, str]


@dataclass(frozen=True)
class Site:
    """A call that names the types that it records, and the fields of their data that it gives."""

    where: str
    types: frozenset[str]
    fields: frozenset[str]
    #: Whether it gives other fields too, which cannot be read from the source.
    more: bool


@dataclass(frozen=True)
class Sink:
    """A function that records an event whose type is its parameter `parameter`."""

    parameter: str
    index: int
    fields: frozenset[str] = frozenset()
    more: bool = False
    #: Whether the fields that its caller gives go into the event as well.
    open: bool = True


class Unreadable(Exception):
    """The types of a site cannot be read."""


class Module:
    """A module's functions, its imports and its calls."""

    def __init__(self, name: str) -> None:
        self.name = name
        path = MODULES[name]
        self.file = path.relative_to(ROOT).as_posix()
        self.tree = ast.parse(path.read_text())

    @cached_property
    def functions(self) -> dict[str, ast.FunctionDef]:
        return {node.name: node for node in ast.walk(self.tree) if isinstance(node, ast.FunctionDef)}

    @cached_property
    def imported(self) -> dict[str, str]:
        """The full name of what each imported name stands for."""
        return {
            alias.asname or alias.name: f"{node.module}.{alias.name}"
            for node in ast.walk(self.tree)
            if isinstance(node, ast.ImportFrom) and node.module
            for alias in node.names
        }

    @cached_property
    def calls(self) -> list[tuple[ast.Call, ast.FunctionDef | None]]:
        """Every call, with the function that it stands in."""
        return list(_calls(self.tree, None))

    def full(self, node: ast.expr) -> Name | None:
        """What a name, or an attribute of an imported module, stands for."""
        match node:
            case ast.Name(id=name):
                module, _, found = self.imported.get(name, f"{self.name}.{name}").rpartition(".")
                return module, found
            case ast.Attribute(value=ast.Name(id=name), attr=found) if name in self.imported:
                return self.imported[name], found
        return None

    def values(self, node: ast.expr, forms: Mapping[str, list[str]]) -> set[str]:
        """The texts that an expression may be. `forms` says what the gap of an f-string may be."""
        match node:
            case ast.Constant(value=str(text)):
                return {text}
            case ast.IfExp(body=one, orelse=other):
                return self.values(one, forms) | self.values(other, forms)
            case ast.JoinedStr(values=parts):
                form = "".join(str(part.value) if isinstance(part, ast.Constant) else "*" for part in parts)
                if form in forms:
                    return {form.replace("*", word) for word in forms[form]}
            case ast.Name() | ast.Attribute():
                found = self.full(node)
                if found and found[0] in MODULES:
                    value = getattr(importlib.import_module(found[0]), found[1], None)
                    if isinstance(value, str):
                        return {value}
        raise Unreadable(ast.unparse(node))


@cache
def _module(name: str) -> Module:
    return Module(name)


def _calls(node: ast.AST, inside: ast.FunctionDef | None) -> Iterator[tuple[ast.Call, ast.FunctionDef | None]]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Call):
            yield child, inside
        yield from _calls(child, child if isinstance(child, ast.FunctionDef) else inside)


def _parameters(function: ast.FunctionDef) -> list[str]:
    every = function.args
    return [one.arg for one in (*every.posonlyargs, *every.args, *every.kwonlyargs)]


def _type_of(call: ast.Call, sink: Sink) -> ast.expr | None:
    named = next((keyword.value for keyword in call.keywords if keyword.arg == sink.parameter), None)
    return named or (call.args[sink.index] if len(call.args) > sink.index else None)


def find(forms: Mapping[str, list[str]]) -> tuple[list[Site], list[str]]:
    """All sites, and what is wrong with those that cannot be read."""
    modules = [_module(name) for name in MODULES]
    sinks: dict[Name, Sink] = {OF: Sink("type_", 1)}
    while True:
        known = dict(sinks)
        for module in modules:
            for call, inside in module.calls:
                _follow(module, call, inside, sinks)
        if known == sinks:
            break
    sites: list[Site] = []
    called = {target for module in modules for call, _ in module.calls if (target := module.full(call.func))}
    faults = [f"{module}.{name} records an event, and is not seen to be called" for module, name in set(sinks) - called]
    for module in modules:
        for call, inside in module.calls:
            sink = sinks.get(module.full(call.func) or ("", ""))
            type_ = _type_of(call, sink) if sink else None
            if sink is None or type_ is None or _passes_on(type_, inside):
                continue
            where = f"{module.file}:{call.lineno}"
            try:
                types = frozenset(module.values(type_, forms))
            except Unreadable as error:
                faults.append(f"{where}: {error}")
                continue
            fields, more = _given(module, call, inside, sink)
            sites.append(Site(where, types, fields, more))
    return sites, faults


def _passes_on(type_: ast.expr, inside: ast.FunctionDef | None) -> bool:
    return isinstance(type_, ast.Name) and inside is not None and type_.id in _parameters(inside)


def _follow(module: Module, call: ast.Call, inside: ast.FunctionDef | None, sinks: dict[Name, Sink]) -> None:
    """Make the function a sink that hands a parameter of its own on as a sink's type."""
    sink = sinks.get(module.full(call.func) or ("", ""))
    type_ = _type_of(call, sink) if sink else None
    if sink is None or inside is None or not isinstance(type_, ast.Name) or not _passes_on(type_, inside):
        return
    fields, more = _given(module, call, inside, sink)
    rest = inside.args.kwarg.arg if inside.args.kwarg else None
    passed = any(
        word.arg is None and isinstance(word.value, ast.Name) and word.value.id == rest for word in call.keywords
    )
    index = _parameters(inside).index(type_.id)
    sinks[module.name, inside.name] = Sink(type_.id, index, fields, more, open=bool(rest) and passed)


def _given(module: Module, call: ast.Call, inside: ast.FunctionDef | None, sink: Sink) -> tuple[frozenset[str], bool]:
    """The fields that a call gives to a sink, and whether it gives more that cannot be read."""
    own: set[str] = set()
    more = sink.more
    if sink.open:
        target = module.full(call.func)
        named = _parameters(_module(target[0]).functions[target[1]]) if target else []
        rest = inside.args.kwarg.arg if inside and inside.args.kwarg else None
        for keyword in call.keywords:
            if keyword.arg is None:
                more |= not (isinstance(keyword.value, ast.Name) and keyword.value.id == rest)
            elif keyword.arg not in named:
                own.add(keyword.arg)
    return frozenset(own) | sink.fields, more
