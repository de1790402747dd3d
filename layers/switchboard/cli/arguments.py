"""Types of arguments and options. Each error names the wrong value, and says what to write."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import date
from typing import Any, TypeVar

import click

from switchboard.errors import Invalid
from switchboard.kit import clock

_V = TypeVar("_V")


class OneOf(click.Choice[_V]):
    """One word of a list. `thing` says what the words are: "a role"."""

    def __init__(self, thing: str, words: Iterable[_V]) -> None:
        super().__init__(words)
        self.thing = thing

    def normalize_choice(self, choice: Any, ctx: click.Context | None) -> str:  # noqa: ARG002 the signature of click
        """Returns the word of a choice: the value of an enum, not its Python name."""
        return str(choice)

    def get_invalid_choice_message(self, value: Any, ctx: click.Context | None) -> str:
        """Returns the message for another word."""
        return f"{value} is not {self.thing}: choose {', '.join(self._normalized_mapping(ctx).values())}"


class Parsed(click.ParamType[Any]):
    """A text that a function reads. The function raises ValueError or Invalid with the message."""

    def __init__(self, name: str, read: Callable[[str], Any]) -> None:
        self.name = name
        self._read = read

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Returns the value of a text. A default is a value already."""
        if not isinstance(value, str):
            return value
        try:
            return self._read(value)
        except Invalid as error:
            fields = error.details.get("fields") or {}
            self.fail(f"{value!r} {next(iter(fields.values()))}" if fields else error.message, param, ctx)
        except ValueError as error:
            self.fail(str(error), param, ctx)


def _time(text: str) -> str:
    try:
        return clock.format_iso(clock.parse(text))
    except ValueError:
        raise ValueError(f"{text!r} is not a time with a time zone: write it like 2026-01-31T12:00:00Z") from None


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{text!r} is not a day: write it like 2026-01-31") from None


def _month(text: str) -> str:
    if not re.fullmatch(r"\d{4}-(0[1-9]|1[0-2])", text):
        raise ValueError(f"{text!r} is not a month: write it like 2026-01")
    return text


def _consent(text: str) -> tuple[str, str]:
    source, at, day = text.rpartition("@")
    if not (at and source and re.fullmatch(r"\d{4}-\d{2}-\d{2}", day)):
        raise ValueError(f"{text!r} is not SOURCE@DATE: write it like business-relationship@2026-01-31")
    return source, day


def _slug(text: str) -> str:
    if not re.fullmatch(r"(?!-)[a-z0-9-]{1,63}(?<!-)", text):
        raise ValueError(f"{text!r} is not a valid name: use a-z, 0-9 and inner hyphens, 63 characters at most")
    return text


def read_positive(text: str) -> int:
    """Returns an integer of 1 or more. Raises ValueError."""
    if not (text.isascii() and text.isdigit() and int(text) > 0):
        raise ValueError(f"{text!r} is not an integer of 1 or more")
    return int(text)


def read_email(text: str) -> str:
    """Returns an email address in its stored form. Raises ValueError."""
    from switchboard.email.address import normalize  # for a short start: few commands have an address

    return normalize(text)


def read_number(text: str) -> str:
    """Returns a telephone number in E.164 form. Raises Invalid."""
    from switchboard.compliance import phone  # for a short start, as above

    return phone.parse_pasted(text).e164


TIME = Parsed("time", _time)
DAY = Parsed("day", _day)
MONTH = Parsed("month", _month)
CONSENT = Parsed("consent", _consent)
SLUG = Parsed("slug", _slug)
POSITIVE = Parsed("n", read_positive)
EMAIL = Parsed("email", read_email)
E164 = Parsed("e164", read_number)
