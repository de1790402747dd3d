"""The field types that request schemas share: a line of text, an id, a phone number, a timestamp, a caller's own JSON.

The error of each type says what is wrong and what to send. A schema writes `name: Annotated[str, Line(200, least=1)]`.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Annotated, Any, TypeVar

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    WithJsonSchema,
)
from pydantic.json_schema import JsonSchemaValue, SkipJsonSchema
from pydantic_core import CoreSchema, core_schema

from switchboard.kit import clock
from switchboard.kit.texts import MAX_JSON_DEPTH, is_deeper, require_one_line

#: Matches all ids of this platform and of providers' agents. Their length is far below the limit of a table's key.
_ID = re.compile("[A-Za-z0-9][A-Za-z0-9_.~-]{0,127}")
_OWN_ID = re.compile("[0-9a-hjkmnp-tv-z]{26}")


@dataclass(frozen=True, slots=True)
class OneLine:
    """One line of visible text, such as a name or a subject: `least` to `most` characters after trimming."""

    most: int
    least: int = 0

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        text = core_schema.str_schema(strip_whitespace=True, min_length=self.least or None, max_length=self.most)
        return core_schema.no_info_before_validator_function(_one_line, text)


def _one_line(value: Any) -> Any:
    return require_one_line(value) if isinstance(value, str) else value


def is_id(text: str, prefix: str | None = None) -> bool:
    """Whether a text has the form of an id. With a prefix: an id of this platform, such as `agt_` and 26 characters."""
    if prefix is None:
        return _ID.fullmatch(text) is not None
    return text.startswith(f"{prefix}_") and _OWN_ID.fullmatch(text, len(prefix) + 1) is not None


def _id(value: Any) -> Any:
    if isinstance(value, str) and not is_id(value):
        raise ValueError("is not an id: send 1 to 128 letters, digits, dots, hyphens, tildes and underscores")
    return value


#: An id in a body or a query. The route checks that an object has it.
Id = Annotated[str, BeforeValidator(_id)]


_T = TypeVar("_T")


def _not_null(value: Any) -> Any:
    if value is None:
        raise ValueError("is null: omit the field instead")
    return value


#: A field that may be missing, but is never null. Its default is `None`. Pydantic does not validate defaults.
Omissible = Annotated[_T | SkipJsonSchema[None], BeforeValidator(_not_null)]
#: True or false. Pydantic otherwise takes texts such as "yes" and numbers.
Flag = Annotated[bool, Field(strict=True)]
#: The same as 1 or 0, as some fields of contracts have it.
Bit = Annotated[int, Field(strict=True, ge=0, le=1)]


def _timestamp(text: str) -> str:
    try:
        clock.parse(text)
    except ValueError:
        raise ValueError("is not a timestamp: include a time zone, for example 2026-06-01T00:00:00Z") from None
    return text


@dataclass(frozen=True, slots=True)
class Pattern:
    """A text that matches a regular expression from start to end. OpenAPI shows the pattern; the error is `problem`."""

    pattern: str
    problem: str

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self._checked, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return handler(schema) | {"pattern": self.pattern}

    def _checked(self, text: str) -> str:
        # JSON Schema uses JavaScript patterns: `\d` is an ASCII digit, and `$` matches at the end of the text only.
        if not re.fullmatch(self.pattern.removeprefix("^").removesuffix("$"), text, re.ASCII):
            raise ValueError(self.problem)
        return text


#: The contracts' pattern of a phone number, and the type with this pattern. The domain decides which can be called.
E164_PATTERN = r"^\+[1-9]\d{6,14}$"
E164 = Annotated[str, Pattern(E164_PATTERN, "must be an E.164 number such as +14155550142")]

#: The local part of an agent's inbox.
Username = Annotated[
    str,
    Field(min_length=1, max_length=63),
    Pattern("^[a-z0-9-]+$", "must have lower-case letters, digits and hyphens only"),
]

#: A timestamp with a time zone, unchanged. `clock.parse` accepts it.
Timestamp = Annotated[str, AfterValidator(_timestamp), WithJsonSchema({"type": "string", "format": "date-time"})]


@dataclass(frozen=True, slots=True)
class FreeJson:
    """A caller's own JSON: at most `most` bytes as text, with at most eight levels including the outermost.

    Numbers stay as `parse_json` read them: fractions, and integers of any length.
    """

    most: int
    deepest = MAX_JSON_DEPTH

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_before_validator_function(self._checked, handler(source))

    def _checked(self, value: Any) -> Any:
        if is_deeper(value, self.deepest):
            raise ValueError(f"is nested too deeply: use at most {self.deepest} levels")
        if isinstance(value, dict | list) and _size(value) > self.most:
            raise ValueError(f"is larger than {self.most // 1_024} KB: send less")
        return value


def _size(value: Any) -> int:
    return len(json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode())
