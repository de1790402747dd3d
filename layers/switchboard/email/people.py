"""Parses the people in a mail header (RFC 5322, 3.4), including common malformed entries.

The parser makes one pass over the text and never raises. An unclosed quote, comment or bracket does not slow it down.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

#: Text without special meaning in a list of people.
_PLAIN = re.compile(r"[^\"(<\[,;:=]+")
_ENCODED = re.compile(r"=\?[^?\s]{1,80}\?[bBqQ]\?[^?]{0,990}\?=")


class Person(NamedTuple):
    """A display name, possibly with undecoded encoded words, and an address with an `@`."""

    name: str
    address: str


@dataclass(slots=True)
class _Open:
    """The entry of a list that is being parsed."""

    text: list[str] = field(default_factory=list)
    comments: list[str] = field(default_factory=list)
    angle: str | None = None

    def people(self) -> Iterator[Person]:
        text = " ".join("".join(self.text).split())
        if self.angle is not None and "@" in self.angle:
            # A route (`<@relay:bob@example.com>`) does not belong to the address.
            address = self.angle.rpartition(":")[2] if self.angle.lstrip().startswith("@") else self.angle
            note = " ".join(self.comments)
            yield Person(f"{text} ({note})" if text and note else text or note, _joined(address))
            return
        words = _joined(text).split()
        addresses = [word for word in words if "@" in word]
        name = " ".join(word for word in words if "@" not in word) or " ".join(self.comments)
        for address in addresses:
            yield Person(name if len(addresses) == 1 else "", address)


def parse_people(value: str) -> Iterator[Person]:
    """Yields the people of a header, in its order. Skips entries without an address."""
    place, end = 0, len(value)
    entry, last_quote, comments_close = _Open(), value.rfind('"'), True
    while place < end:
        char = value[place]
        if found := _PLAIN.match(value, place):
            entry.text.append(found[0])
            place = found.end()
        elif char == '"' and place < last_quote:
            text, place = _quoted(value, place + 1)
            entry.text.append(text)
        elif char == "(" and comments_close:
            closed = _comment(value, place + 1)
            comments_close = closed is not None
            if closed:
                entry.comments.append(closed[0])
            place = closed[1] if closed else place + 1
        elif char == "<":
            entry.angle, place = _angle(value, place + 1)
        elif char == "[":
            # An address literal: its colons do not begin a group.
            close = value.find("]", place, place + 64) + 1 or place + 1
            entry.text.append(value[place:close])
            place = close
        elif char == ":":
            # The text before the colon is a group's name.
            entry, place = _Open(), place + 1
        elif char in ",;":
            yield from entry.people()
            entry, place = _Open(), place + 1
        else:
            word = _ENCODED.match(value, place)
            entry.text.append(word[0] if word else char)
            place = word.end() if word else place + 1
    yield from entry.people()


def _joined(text: str) -> str:
    """Removes the spaces that RFC 822 allowed around the `@` of an address."""
    return "@".join(part.strip() for part in text.split("@"))


def _quoted(value: str, place: int) -> tuple[str, int]:
    text: list[str] = []
    while place < len(value):
        char = value[place]
        if char == '"':
            return "".join(text), place + 1
        if char == "\\" and place + 1 < len(value):
            place += 1
            char = value[place]
        text.append(char)
        place += 1
    return "".join(text), place


def _comment(value: str, place: int) -> tuple[str, int] | None:
    """Returns a comment and its end, `None` if the comment is never closed."""
    text: list[str] = []
    depth = 1
    while place < len(value):
        char = value[place]
        if char == "\\" and place + 1 < len(value):
            place += 1
            char = value[place]
        elif char in "()":
            depth += 1 if char == "(" else -1
            if not depth:
                return " ".join("".join(text).split()), place + 1
        text.append(char)
        place += 1
    return None


def _angle(value: str, place: int) -> tuple[str, int]:
    close = value.find(">", place)
    if close >= 0:
        return value[place:close], close + 1
    # The bracket is never closed: it ends with the entry.
    close = min((found for char in ",;" if (found := value.find(char, place)) >= 0), default=len(value))
    return value[place:close], close
