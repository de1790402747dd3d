"""How deep callers' JSON may be nested. All that walks through it by recursion relies on this limit."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

#: Levels of a caller's own JSON, itself included.
MAX_DEPTH = 8


def is_deeper(value: Any, levels: int = MAX_DEPTH) -> bool:
    """Return whether a JSON value has more than `levels` levels of objects and lists."""
    # Level by level and not by recursion: a body may be nested as deep as the parser goes.
    layer = [value]
    for _ in range(levels):
        layer = [part for whole in layer for part in _parts(whole)]
        if not any(isinstance(whole, dict | list) for whole in layer):
            return False
    return True


def _parts(value: Any) -> Iterable[Any]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()
