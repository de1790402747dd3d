"""Limits the depth and the size of callers' JSON.

Recursive code that walks through the JSON relies on the depth limit.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

#: The most levels of a caller's own JSON. The outermost value is the first level.
MAX_JSON_DEPTH = 8


def is_deeper(value: Any, levels: int = MAX_JSON_DEPTH) -> bool:
    """Whether a JSON value has more than `levels` levels of objects and lists."""
    # Level by level and not by recursion: a body may be as deep as the parser allows.
    layer = [value]
    for _ in range(levels):
        layer = [part for whole in layer for part in _parts(whole)]
        if not any(isinstance(whole, dict | list) for whole in layer):
            return False
    return True


def is_larger(value: Any, most: int) -> bool:
    """Whether a JSON value has more than `most` members and elements in all its objects and lists together."""
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
