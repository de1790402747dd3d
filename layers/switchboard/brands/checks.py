"""Checks of single facts. Each returns what is wrong with a value, or `None`. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from typing import Any
from urllib.parse import urlsplit

from switchboard.brands.places import COUNTRIES
from switchboard.compliance import phone
from switchboard.email import address

#: Returns what is wrong with a value that is there, `None` if nothing is.
Check = Callable[[Any], str | None]

_MAX_URL = 2_048


def text_of(least: int, most: int) -> Check:
    """Returns the check of a text with a number of characters."""

    def check(value: Any) -> str | None:
        if not isinstance(value, str):
            return "must be a text"
        if least > 1 and not least <= len(value) <= most:
            return f"must have {least} to {most:,} characters, and has {len(value):,}"
        return f"must have at most {most:,} characters" if len(value) > most else None

    return check


def one_of(words: Collection[str]) -> Check:
    """Returns the check of a word of a vocabulary."""

    def check(value: Any) -> str | None:
        return None if isinstance(value, str) and value in words else f"must be one of {', '.join(sorted(words))}"

    return check


def matches(pattern: str, problem: str) -> Check:
    """Returns the check of a text that matches a pattern as a whole."""
    compiled = re.compile(pattern, re.ASCII)

    def check(value: Any) -> str | None:
        return None if isinstance(value, str) and compiled.fullmatch(value) else problem

    return check


def check_flag(value: Any) -> str | None:
    """Checks a truth value."""
    return None if isinstance(value, bool) else "must be true or false"


def check_country(value: Any) -> str | None:
    """Checks an ISO 3166 code."""
    return (
        None if isinstance(value, str) and value in COUNTRIES else "must be a country code with two letters, such as US"
    )


def check_phone(value: Any) -> str | None:
    """Checks a telephone number."""
    good = isinstance(value, str) and phone.is_number(value)
    return None if good else "must be a telephone number in E.164, such as +14155550142"


def check_email(value: Any) -> str | None:
    """Checks an address of email."""
    try:
        address.normalize(value if isinstance(value, str) else "")
    except ValueError:
        return "must be an email address"
    return None


def check_url(value: Any) -> str | None:
    """Checks a public web address."""
    problem = "must be a web address, such as https://example.com"
    if not isinstance(value, str) or len(value) > _MAX_URL or re.search(r"[\s\x00-\x1f\x7f]", value):
        return problem
    try:
        parts = urlsplit(value)
        host = parts.hostname or ""
        _ = parts.port
    except ValueError:
        return problem
    named = re.fullmatch(r"(?:[\w-]{1,63}\.)+[^\W\d_][\w-]{1,62}", host)
    return None if parts.scheme in ("http", "https") and named and parts.username is None else problem
