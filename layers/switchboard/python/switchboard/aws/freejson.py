"""A caller's own JSON in a table: as text.

DynamoDB has no fractions beside its own decimals, no whole number of more than 38 digits, no empty name and no nesting
below 32 levels. Text keeps all that JSON can say, as it was read.
"""

from __future__ import annotations

import json
from typing import Any


def dump(value: Any) -> str:
    """The text that a store keeps."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def load(stored: Any) -> Any:
    """The value that a store keeps. Items of before this form hold the value itself."""
    return json.loads(stored) if isinstance(stored, str) else stored
