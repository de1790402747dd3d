"""Media types (RFC 9110, 8.3.1): case-insensitive `type/subtype`, and parameters that may be quoted."""

from __future__ import annotations

import re
from typing import NamedTuple

_MAX_CHARACTERS = 1_000
_TOKEN = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"  # noqa: S105 a grammar
_ESSENCE = re.compile(f"{_TOKEN}/{_TOKEN}")
_PARAMETER = re.compile(rf'[ \t]*;[ \t]*(?:({_TOKEN})=({_TOKEN}|"(?:[^"\\]|\\.)*"))?')
_ESCAPED = re.compile(r"\\(.)")
#: UTF-8 and its subsets.
_UTF_8 = frozenset({"utf-8", "utf8", "us-ascii", "ascii"})


class MediaType(NamedTuple):
    """A media type in lower case and its parameters by name. Parameter values keep their case."""

    essence: str
    parameters: dict[str, str]

    @property
    def is_utf_8(self) -> bool:
        """Whether text of this type is UTF-8, which is also the default."""
        return self.parameters.get("charset", "utf-8").lower() in _UTF_8


def essence_of(text: str) -> str:
    """Returns type and subtype in lower case, without parameters. The result is not checked."""
    return text.partition(";")[0].strip().lower()


def parse(text: str) -> MediaType:
    """Parse a media type with its parameters. Raises ValueError if it is malformed or has a parameter twice."""
    essence, found = essence_of(text), {}
    at = text.find(";")
    if len(text) > _MAX_CHARACTERS or not _ESSENCE.fullmatch(essence):
        raise ValueError("is not a media type")
    end = len(text.rstrip(" \t"))
    while 0 <= at < end:
        match = _PARAMETER.match(text, at)
        if match is None:
            raise ValueError("has a malformed parameter")
        at = match.end()
        if match[1] is None:  # an empty parameter
            continue
        name = match[1].lower()
        if name in found:
            raise ValueError(f"names {name} twice")
        value = match[2]
        found[name] = _ESCAPED.sub(r"\1", value[1:-1]) if value.startswith('"') else value
    return MediaType(essence, found)
