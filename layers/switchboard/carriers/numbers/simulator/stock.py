"""The stock of the simulated provider: numbers that reach nobody, and the search in them.

The numbers are those for fiction: 555-0100 to 555-0199 of an area code. They and all their facts follow from the table
of places and from digests of the number, so that every process at every time has the same stock.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterator

from switchboard.carriers.numbers.ports.inventory import AvailableNumber, Features, NumberSearch
from switchboard.carriers.numbers.simulator.places import CANADIAN, PLACES, TOLL_FREE_CODES

#: How many of an area code's hundred numbers are in stock.
_PER_CODE, _PER_TOLL_FREE_CODE = 36, 60
#: The letters of a telephone keypad.
_KEYPAD = str.maketrans("ABCDEFGHIJKLMNOPQRSTUVWXYZ", "22233344455566677778889999")
_SID = 32


def sid_of(e164: str) -> str:
    """Returns the provider's id of a number of the stock."""
    return "PN" + hashlib.sha256(f"simulated {e164}".encode()).hexdigest()[:_SID]


def _draw(e164: str, label: str) -> int:
    """Returns a number from 0 to 99 that is always the same for a telephone number and a label."""
    return int.from_bytes(hashlib.sha256(f"{label} {e164}".encode()).digest()[:4]) % 100


def _numbers(area_code: str, count: int) -> list[str]:
    every = [f"+1{area_code}55501{last:02d}" for last in range(100)]
    return sorted(every, key=lambda e164: hashlib.sha256(e164.encode()).digest())[:count]


def _local_features(e164: str) -> Features:
    voice, sms = _draw(e164, "voice") < 96, _draw(e164, "sms") < 85
    # A number that can do nothing is not on sale.
    return Features(voice=voice or not sms, sms=sms, mms=sms and _draw(e164, "mms") < 80)


def _toll_free_features(e164: str) -> Features:
    sms = _draw(e164, "sms") < 70
    return Features(voice=True, sms=sms, mms=sms and _draw(e164, "mms") < 40)


def _friendly(e164: str) -> str:
    return f"({e164[2:5]}) {e164[5:8]}-{e164[8:]}"


def _all_numbers() -> Iterator[AvailableNumber]:
    for code, (locality, region, postal_code, latitude, longitude) in PLACES.items():
        for e164 in _numbers(code, _PER_CODE):
            yield AvailableNumber(
                e164,
                _friendly(e164),
                locality,
                region,
                postal_code,
                "CA" if region in CANADIAN else "US",
                latitude,
                longitude,
                _local_features(e164),
            )
    for code in TOLL_FREE_CODES:
        for e164 in _numbers(code, _PER_TOLL_FREE_CODE):
            yield AvailableNumber(e164, _friendly(e164), None, None, None, "US", None, None, _toll_free_features(e164))


#: Every number of the stock, in the steady order of searches: the places are mixed.
STOCK: dict[str, AvailableNumber] = {
    number.e164: number
    for number in sorted(_all_numbers(), key=lambda one: hashlib.sha256(f"order {one.e164}".encode()).digest())
}


def find_matching(search: NumberSearch) -> list[AvailableNumber]:
    """Returns the numbers of the stock that match a search, sold or not."""
    pattern = _pattern(search.contains) if search.contains else None
    return [number for number in STOCK.values() if _matches(number, search, pattern)]


def _matches(number: AvailableNumber, search: NumberSearch, pattern: re.Pattern[str] | None) -> bool:
    toll_free = number.region is None
    wanted = (
        (search.voice, number.features.voice),
        (search.sms, number.features.sms),
        (search.mms, number.features.mms),
    )
    return (
        toll_free == (search.type == "TollFree")
        # The whole numbering plan shares its toll-free numbers.
        and (toll_free or number.country == search.country)
        and (not search.area_code or number.e164[2:5] == search.area_code)
        and (not pattern or bool(pattern.search(number.e164)))
        and (not search.region or _same(search.region, number.region))
        and (not search.locality or _same(search.locality, number.locality))
        and (not search.postal_code or _same_postal_code(search.postal_code, number.postal_code))
        and all(wish is None or wish == fact for wish, fact in wanted)
    )


def _pattern(contains: str) -> re.Pattern[str]:
    """Returns the expression of a pattern. Without `+` it matches anywhere in the national number."""
    digits = contains.upper().removeprefix("+").translate(_KEYPAD).replace("*", "[0-9]")
    return re.compile(rf"^\+{digits}") if contains.startswith("+") else re.compile(rf"^\+1[0-9]*?{digits}")


def _fold(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text)
    return " ".join("".join(char for char in plain if not unicodedata.combining(char)).casefold().split())


def _same(wanted: str, fact: str | None) -> bool:
    return fact is not None and _fold(wanted) == _fold(fact)


def _same_postal_code(wanted: str, fact: str | None) -> bool:
    """Whether a postal code is the wanted one. The first three characters of a Canadian one are an area."""
    if fact is None:
        return False
    asked, known = _fold(wanted).replace(" ", ""), _fold(fact).replace(" ", "")
    return asked == known or (not known.isdigit() and asked == known[:3])
