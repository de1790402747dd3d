"""The types that request schemas share: one line of text, an id, a moment, and a caller's own JSON.

Each says in its error what is wrong and what to send. A schema writes `name: Annotated[str, Line(200, least=1)]`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

#: Characters that end a line, steer a terminal, or turn the order in which a text is shown: C0 and C1 controls with
#: NUL, the line and paragraph separators, and the bidirectional embeddings, overrides and isolates (UAX #9).
_UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


@dataclass(frozen=True, slots=True)
class Line:
    """One line of visible text: a name, a subject, a label. It is trimmed, then has `least` to `most` characters."""

    most: int
    least: int = 0

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        text = core_schema.str_schema(strip_whitespace=True, min_length=self.least, max_length=self.most)
        return core_schema.no_info_before_validator_function(_one_line, text)


def _one_line(value: Any) -> Any:
    if isinstance(value, str) and (found := _UNSAFE.search(value)):
        raise ValueError(f"holds the control character U+{ord(found[0]):04X}: remove it")
    return value
