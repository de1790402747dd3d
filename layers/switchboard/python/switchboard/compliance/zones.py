"""The zones in which a number's holder may be."""

from __future__ import annotations

from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from switchboard.compliance.data import area_codes
from switchboard.compliance.phone import Kind, Phone

VERSION = area_codes.VERSION


def candidates(phone: Phone) -> list[str]:
    """Every zone that the number may stand for: the library's, and those of its area code. Empty when nobody knows.

    A mobile or ported number keeps its code wherever its holder lives, so this is a guess at best.
    """
    if phone.kind is not Kind.GEOGRAPHIC:
        return []
    _, known = area_codes.AREA_CODES.get(phone.area_code or "", ("", ()))
    return sorted({*known, *_of_library(phone)})


def _of_library(phone: Phone) -> list[str]:
    import phonenumbers
    from phonenumbers import timezone

    number = phonenumbers.parse(phone.e164)
    found = set(timezone.time_zones_for_geographical_number(number))
    if phone.country_code == 1:
        # For a prefix that it does not know the library names every zone of the shared plan.
        return [] if len(found) > 6 else sorted(found)
    # A mobile number's digits say nothing of a place: here the library names every zone of the country.
    found.update(timezone.time_zones_for_number(number))
    return sorted(found - {timezone.UNKNOWN_TIMEZONE})


def zone(name: str) -> ZoneInfo | None:
    """A zone by its IANA name; None when there is no such zone."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None
