"""Stores a caller's own JSON in a table as text.

DynamoDB has no floats, no integers of more than 38 digits, no empty attribute names, and at most 32 levels of nesting.
Text keeps every JSON value exactly as it was read.
"""

from __future__ import annotations

import json
from typing import Any


def dump(value: Any) -> str:
    """Returns a JSON value as the text that a store keeps."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def load(stored: Any) -> Any:
    """Returns the JSON value of a stored text. Older items hold the value itself."""
    return json.loads(stored) if isinstance(stored, str) else stored
