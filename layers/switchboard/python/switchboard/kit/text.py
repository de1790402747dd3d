"""What a visible line of text may hold."""

from __future__ import annotations

import re

#: Characters that end a line, steer a terminal, or turn the order in which a text is shown: C0 and C1 controls with
#: NUL, the line and paragraph separators, and the bidirectional embeddings, overrides and isolates (UAX #9).
UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


def require_one_line(text: str) -> str:
    """Return a text that is one visible line. Raises ValueError for control and bidirectional characters."""
    if found := UNSAFE.search(text):
        raise ValueError(f"holds the control character U+{ord(found[0]):04X}: remove it")
    return text
