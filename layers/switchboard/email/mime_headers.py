"""Reads a mail's headers, also broken ones."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC
from email.message import Message as Mime
from email.utils import parsedate_to_datetime
from itertools import islice

from switchboard.email import charsets, people
from switchboard.email.mime_limits import (
    MAX_ADDRESS_CHARACTERS,
    MAX_HEADERS,
    MAX_PEOPLE,
    MAX_SAME_HEADERS,
    MAX_SHOWN_CHARACTERS,
    MAX_SHOWN_HEADER_CHARACTERS,
    MAX_SHOWN_HEADERS,
)
from switchboard.kit import clock

MESSAGE_ID = re.compile(r"<[!-;=?-~]{1,996}>")
_BARE_ID = re.compile(r"[!-;=?-~]{1,996}")
#: An address begins where a word begins and has limited length, so that a long word without an `@` is scanned once.
_ADDRESS = re.compile(r"(?<![^\s<>,;:\"()\[\]\\])[^\s<>,;:\"()\[\]\\]{1,64}@[^\s<>,;:\"()\[\]\\@]{1,255}")
#: Headers that are not shown: other fields show them, or they concern only mail servers.
_NOT_SHOWN = re.compile(
    r"from|to|cc|bcc|subject|message-id|in-reply-to|references|mime-version|content-.*|received.*|return-path|"
    r"dkim-.*|domainkey-.*|arc-.*|authentication-results|x-ses-.*",
    re.IGNORECASE,
)


class MailHeaders:
    """The headers of a mail by name, decoded from their source."""

    def __init__(self, mime: Mime) -> None:
        self._found: dict[str, list[str]] = {}
        self._names: dict[str, str] = {}
        for number, (name, value) in enumerate(mime.raw_items()):
            if number < MAX_HEADERS:
                self._found.setdefault(name.lower(), []).append(unfold(value))
                self._names.setdefault(name.lower(), name)

    def values_of(self, name: str) -> list[str]:
        return self._found.get(name, [])

    def first_value(self, name: str) -> str:
        # If a header is repeated, the first counts, as in most mail readers.
        return next(iter(self.values_of(name)), "").strip()

    def message_id(self) -> str | None:
        text = self.first_value("message-id")
        found = MESSAGE_ID.search(text)
        if found:
            return found[0]
        return f"<{text}>" if _BARE_ID.fullmatch(text) else None

    def people_of(self, name: str) -> list[tuple[str, str]]:
        found = (value for value in self.values_of(name)[:MAX_SAME_HEADERS] if "@" in value)
        return list(islice((person for value in found for person in _people(value)), MAX_PEOPLE))

    def addresses_of(self, name: str) -> list[str]:
        return list(dict.fromkeys(address for _, address in self.people_of(name)))

    def shown_headers(self) -> dict[str, str]:
        shown: dict[str, str] = {}
        room = MAX_SHOWN_CHARACTERS
        for key, values in self._found.items():
            if _NOT_SHOWN.fullmatch(key):
                continue
            name = charsets.remove_unstorable(self._names[key])
            text = charsets.cut_bytes(charsets.decode_words(values[0]).strip(), MAX_SHOWN_HEADER_CHARACTERS)
            room -= len(name.encode()) + len(text.encode())
            if room < 0 or len(shown) == MAX_SHOWN_HEADERS:
                break
            shown[name] = text
        return shown


def decode_raw(value: str) -> str:
    """Decodes a header's source, including bytes outside ASCII."""
    return value if value.isascii() else charsets.decode(value.encode("utf-8", "surrogateescape"), "utf-8")


def unfold(value: str) -> str:
    return decode_raw(" ".join(line.strip("\r\n\t ") for line in value.splitlines()))


def _people(value: str) -> Iterator[tuple[str, str]]:
    found = list(islice(people.parse_people(value), MAX_PEOPLE * 2))
    if not found:
        found = [people.Person("", address) for address in _ADDRESS.findall(value)]
    for name, address in found:
        local, _, domain = address.strip().rpartition("@")
        given = f"{local}@{domain.lower()}"
        # Reject addresses with invisible characters: spaces and control characters.
        if (
            local
            and domain
            and len(given.encode()) <= MAX_ADDRESS_CHARACTERS
            and given.isprintable()
            and " " not in given
        ):
            yield charsets.cut_bytes(charsets.decode_words(name).strip(), MAX_ADDRESS_CHARACTERS), given


def parse_date(value: str) -> str | None:
    try:
        moment = parsedate_to_datetime(value)
        # A date without a time zone (`-0000`) means UTC.
        return clock.format_iso(moment if moment.tzinfo else moment.replace(tzinfo=UTC))
    except (ValueError, TypeError, OverflowError, IndexError):
        return None
