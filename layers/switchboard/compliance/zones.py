"""The time zones in which a number's holder may be, and the countries of time zones."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from functools import cache
from importlib import resources
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from switchboard.compliance.data import area_codes
from switchboard.compliance.phone import NumberKind, Phone
from switchboard.kit import clock

VERSION = area_codes.VERSION

#: The first year of the library's list of prefixes and zones. A region may have changed its clock since then.
_LISTED_SINCE = 2010

#: Zones that the library has for no prefix, by the prefixes of their numbers.
#: Easter Island shares the area code of Valparaíso. Its six-digit numbers began with 100, 550 or 551. Since 2013 they
#: have a 2 before them (easterisland.southpacific.org/travel/communications.html). One hotel there has 2 553700.
_ZONES_OF_PREFIXES = {
    "5632210": ("Pacific/Easter",),
    "5632255": ("Pacific/Easter",),
    "618": ("Australia/Darwin",),
    "675": ("Pacific/Bougainville",),
    "8690": ("Asia/Urumqi",),
    "8699": ("Asia/Urumqi",),
}


def candidates(phone: Phone) -> list[str]:
    """Returns every zone of a number, from the library and from its area code. Empty if none is known.

    The zones are only a guess: mobile and ported numbers keep their code when their holder moves.
    """
    if phone.kind is not NumberKind.GEOGRAPHIC:
        return []
    _, known = area_codes.AREA_CODES.get(phone.area_code or "", ("", ()))
    return sorted({*known, *area_codes.CANADIAN_ZONES.get(phone.area_code or "", ()), *_of_library(phone)})


def _of_library(phone: Phone) -> list[str]:
    import phonenumbers  # for cold start: the library is large
    from phonenumbers import timezone

    number = phonenumbers.parse(phone.e164)
    found = set(timezone.time_zones_for_geographical_number(number))
    if phone.country_code == 1:
        # For an unknown prefix the library returns every zone of the shared plan.
        return [] if len(found) > 6 else sorted(found)
    # The digits of a mobile number do not name a place: this function returns every zone of the country.
    found.update(timezone.time_zones_for_number(number))
    found.discard(timezone.UNKNOWN_TIMEZONE)
    country = phone.region or ""
    kind = phonenumbers.number_type(number)
    if kind not in (phonenumbers.PhoneNumberType.FIXED_LINE, phonenumbers.PhoneNumberType.FIXED_LINE_OR_MOBILE):
        found.update(of_country(country))
    found.update(*(names for prefix, names in _ZONES_OF_PREFIXES.items() if phone.e164.startswith(f"+{prefix}")))
    return sorted(widen_zones(found, country, clock.now().year))


def widen_zones(found: Iterable[str], country: str, year: int) -> set[str]:
    """Returns the library's zones for a number of a country, with all zones that these may stand for.

    The library names zones by their clock, and sometimes zones of another country: it has Paris for Algeria. If it
    names none of the country's own zones, or none at all, the result has all zones of the country.
    """
    names = set(found)
    names.update(*(_former_zones(name, country, year) for name in tuple(names)))
    own = set(of_country(country))
    return names if names & own or any(country in countries_of(name) for name in names) else names | own


@cache
def _former_zones(name: str, country: str, year: int) -> frozenset[str]:
    """Returns the zones of a country that had the clock of a zone since `_LISTED_SINCE`, and no longer have it.

    The library's list is out of date: it has Chihuahua in the zone of Mazatlán, which Chihuahua left in 2022.
    """
    of_zone = [_offsets(name, each) for each in range(_LISTED_SINCE, year + 2)]
    found = []
    for other in of_country(country):
        of_other = [_offsets(other, each) for each in range(_LISTED_SINCE, year + 2)]
        alike = [one == two for one, two in zip(of_zone, of_other, strict=True)]
        if any(alike) and not all(alike[-2:]):
            found.append(other)
    return frozenset(found)


@cache
def _offsets(name: str, year: int) -> tuple[timedelta | None, ...]:
    """Returns the offsets of a zone from UTC in January and in July of a year."""
    zone_ = ZoneInfo(name)
    return tuple(datetime(year, month, 15, tzinfo=UTC).astimezone(zone_).utcoffset() for month in (1, 7))


def same_clock(one: str, other: str, year: int) -> bool:
    """Whether two zones show the same time in a year and in the next year."""
    return all(_offsets(one, each) == _offsets(other, each) for each in (year, year + 1))


def of_country(country: str) -> tuple[str, ...]:
    """Returns the zones of a country, by its ISO 3166 code."""
    return _by_country().get(country, ())


def of_state(state: str) -> list[str]:
    """Returns the zones with numbers of a state or territory, by its two letters. Empty for an unknown state."""
    return sorted({name for of, names in area_codes.AREA_CODES.values() if of == state for name in names})


def countries_of(name: str) -> list[str]:
    """Returns the countries of a zone. Empty for a zone without a country, such as `Etc/UTC`."""
    target = _aliases().get(name, name)
    return sorted({*_countries().get(name, ()), *_countries().get(target, ())})


@cache
def _by_country() -> dict[str, tuple[str, ...]]:
    found: dict[str, list[str]] = {}
    for country, _, name in _table("zone.tab"):
        found.setdefault(country, []).append(name)
    return {country: tuple(names) for country, names in found.items()}


@cache
def _countries() -> dict[str, frozenset[str]]:
    found: dict[str, set[str]] = {}
    for country, names in _by_country().items():
        for name in names:
            found.setdefault(name, set()).add(country)
    return {name: frozenset(countries) for name, countries in found.items()}


@cache
def _aliases() -> dict[str, str]:
    lines = (line.split() for line in _text("tzdata.zi").splitlines() if line.startswith("L "))
    return {alias: target for _, target, alias in lines}


def _table(name: str) -> Iterable[list[str]]:
    return (line.split("\t")[:3] for line in _text(name).splitlines() if line and not line.startswith("#"))


def _text(name: str) -> str:
    """Returns the text of a file of the `tzdata` package, which is part of the layer."""
    return resources.files("tzdata").joinpath("zoneinfo", name).read_text(encoding="utf-8")


def load_zone(name: str) -> ZoneInfo | None:
    """Returns a zone by its IANA name, or None for an unknown name."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None
