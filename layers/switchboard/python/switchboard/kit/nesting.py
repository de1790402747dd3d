"""How deep callers' JSON may be nested, and how much of it there is.

All that walks through it by recursion relies on the limit of depth.
"""

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


def is_larger(value: Any, most: int) -> bool:
    """Return whether a JSON value has more than `most` members and elements, of all its objects and lists together."""
    count, waiting = 0, [value]
    while waiting and count <= most:
        for part in _parts(waiting.pop()):
            count += 1
            if isinstance(part, dict | list):
                waiting.append(part)
    return count > most


def _parts(value: Any) -> Iterable[Any]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()
