"""Telephone numbers that somebody says in a message."""

from __future__ import annotations

import re

from switchboard.compliance import phone
from switchboard.errors import Invalid

_NAMES = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
_DIGITS = {name: str(digit) for digit, name in enumerate(_NAMES)} | {"oh": "0"}
_WORD = "|".join(_DIGITS)
#: Seven or more spoken digits in a row.
_SPOKEN = re.compile(rf"\b(?:{_WORD})(?:[\s,.-]+(?:{_WORD})){{6,14}}\b", re.I)
_DEFAULT_REGION = "US"


def find_callback_number(text: str, caller: str) -> str | None:
    """Returns the last valid number in a text, in E.164. A number without a country is one of the caller's country."""
    import phonenumbers  # for cold start: the library is large

    region = _region_of(caller)
    found: str | None = None
    for match in phonenumbers.PhoneNumberMatcher(_SPOKEN.sub(_to_digits, text), region):
        found = to_e164(phonenumbers.format_number(match.number, phonenumbers.PhoneNumberFormat.E164)) or found
    return found


def to_e164(text: str) -> str | None:
    """Returns a number in E.164, or None if no telephone can have it."""
    try:
        return phone.parse(text).e164
    except Invalid:
        return None


def _region_of(caller: str) -> str:
    try:
        return phone.parse(caller).region or _DEFAULT_REGION
    except Invalid:
        return _DEFAULT_REGION


def _to_digits(match: re.Match[str]) -> str:
    return "".join(_DIGITS[word] for word in re.findall(r"[a-z]+", match[0].lower()))
