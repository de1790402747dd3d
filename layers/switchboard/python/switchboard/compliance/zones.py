"""The zones in which a number's holder may be, and the countries that zones are in."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from functools import cache
from importlib import resources
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from switchboard.aws import clock
from switchboard.compliance.data import area_codes
from switchboard.compliance.phone import Kind, Phone

VERSION = area_codes.VERSION

#: When the library's list of prefixes and their zones began. A region that has left its clock since may be meant.
_LISTED_SINCE = 2010

#: Zones that the library has for no prefix, and the prefixes whose numbers they may have.
#: Easter Island shares the area code of Valparaíso: its six digits began with 100, 550 or 551, and have a 2 before them
#: since 2013 (easterisland.southpacific.org/travel/communications.html); one of its hotels has 2 553700.
_UNNAMED = {
    "5632210": ("Pacific/Easter",),
    "5632255": ("Pacific/Easter",),
    "618": ("Australia/Darwin",),
    "675": ("Pacific/Bougainville",),
    "8690": ("Asia/Urumqi",),
    "8699": ("Asia/Urumqi",),
}


def candidates(phone: Phone) -> list[str]:
    """Every zone that the number may stand for: the library's, and those of its area code. Empty when nobody knows.

    A mobile or ported number keeps its code wherever its holder lives, so this is a guess at best.
    """
    if phone.kind is not Kind.GEOGRAPHIC:
        return []
    _, known = area_codes.AREA_CODES.get(phone.area_code or "", ("", ()))
    return sorted({*known, *area_codes.CANADIAN.get(phone.area_code or "", ()), *_of_library(phone)})


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
    found.discard(timezone.UNKNOWN_TIMEZONE)
    country = phone.region or ""
    kind = phonenumbers.number_type(number)
    if kind not in (phonenumbers.PhoneNumberType.FIXED_LINE, phonenumbers.PhoneNumberType.FIXED_LINE_OR_MOBILE):
        found.update(of_country(country))
    found.update(*(names for prefix, names in _UNNAMED.items() if phone.e164.startswith(f"+{prefix}")))
    return sorted(widened(found, country, clock.now().year))


def widened(found: Iterable[str], country: str, year: int) -> set[str]:
    """The library's zones for a number of a country, and those that it may mean by them.

    It names zones by their clock, and some of another country: Algeria's is that of Paris to it. Where none of them is
    the country's own, or the library names none, all of the country's are meant.
    """
    names = set(found)
    names.update(*(_parted(name, country, year) for name in tuple(names)))
    own = set(of_country(country))
    return names if names & own or any(country in countries_of(name) for name in names) else names | own


@cache
def _parted(name: str, country: str, year: int) -> frozenset[str]:
    """The zones of a country whose clocks were a zone's own at some time since the library's list, and no longer are.

    The library's list ages: it has Chihuahua in the zone of Mazatlán, which Chihuahua left in 2022.
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
    """How far a zone is from UTC in January and in July."""
    zone_ = ZoneInfo(name)
    return tuple(datetime(year, month, 15, tzinfo=UTC).astimezone(zone_).utcoffset() for month in (1, 7))


def same_clock(one: str, other: str, year: int) -> bool:
    """Return whether two zones show the same time in a year and in the next."""
    return all(_offsets(one, each) == _offsets(other, each) for each in (year, year + 1))


def of_country(country: str) -> tuple[str, ...]:
    """The zones of a country, by its ISO 3166 code."""
    return _by_country().get(country, ())


def of_state(state: str) -> list[str]:
    """The zones in which a state or territory has numbers, by its two letters. Empty for what is none."""
    return sorted({name for of, names in area_codes.AREA_CODES.values() if of == state for name in names})


def countries_of(name: str) -> list[str]:
    """The countries that keep a zone. Empty for a zone of no country, such as `Etc/UTC`."""
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
    """A file of the `tzdata` package, which the layer brings."""
    return resources.files("tzdata").joinpath("zoneinfo", name).read_text(encoding="utf-8")


def zone(name: str) -> ZoneInfo | None:
    """A zone by its IANA name; None when there is no such zone."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None
