"""Edits of Python sources: they find their place in the syntax tree, so that the sources need no marks."""

from __future__ import annotations

import ast


class EditError(Exception):
    """The source has no such place."""


def append_item(source: str, name: str, item: str) -> str:
    """Append an item to the tuple, set, dict or list that is assigned to a name.

    In `frozenset({…})` and `other | {…}` the item goes into the last braces.
    """
    for node in ast.walk(ast.parse(source)):
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        if isinstance(node, ast.Assign | ast.AnnAssign) and [ast.unparse(one) for one in targets if one] == [name]:
            end = _end(source, _items(node.value))
            # The place before the closing bracket. The formatter mends commas and line breaks.
            before = source[: end - 1].rstrip()
            comma = "" if before.endswith((",", "(", "[", "{")) else ","
            return f"{before}{comma}\n{item},\n{source[end - 1 :]}"
    raise EditError(f"there is no {name}")


def _items(value: ast.expr | None) -> ast.expr:
    match value:
        case ast.Call(args=[inner]):
            return _items(inner)
        case ast.BinOp(right=inner):
            return _items(inner)
        case ast.Tuple() | ast.Set() | ast.Dict() | ast.List():
            return value
    raise EditError("the value has no items")


def append_members(source: str, name: str, lines: str) -> str:
    """Append lines to the body of a class."""
    for node in ast.parse(source).body:
        if isinstance(node, ast.ClassDef) and node.name == name:
            end = _end(source, node)
            return f"{source[:end]}\n{lines}{source[end:]}"
    raise EditError(f"there is no class {name}")


def insert_item_before(source: str, name: str, begin: str, item: str) -> str:
    """Insert an item before the first item of the tuple assigned to a name whose text begins with `begin`."""
    for node in ast.parse(source).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == name and isinstance(node.value, ast.Tuple):
            for one in node.value.elts:
                if ast.unparse(one).startswith(begin):
                    start = _offset(source, one.lineno, one.col_offset)
                    return f"{source[:start]}{item},\n{source[start:]}"
    raise EditError(f"{name} has no item {begin}")


def add_imports(source: str, *lines: str) -> str:
    """Add imports at the top of a module. The linter sorts them."""
    tree = ast.parse(source)
    last = max(node.end_lineno or 0 for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom))
    rows = source.splitlines(keepends=True)
    return "".join([*rows[:last], *(f"{line}\n" for line in lines), *rows[last:]])


def _end(source: str, node: ast.expr | ast.stmt) -> int:
    assert node.end_lineno is not None
    assert node.end_col_offset is not None
    return _offset(source, node.end_lineno, node.end_col_offset)


def _offset(source: str, line: int, column: int) -> int:
    """The index in the text of a place in the tree, whose columns count bytes."""
    rows = source.splitlines(keepends=True)
    return sum(map(len, rows[: line - 1])) + len(rows[line - 1].encode()[:column].decode())
