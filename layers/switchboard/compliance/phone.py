"""Telephone numbers in E.164: parses a number and finds its country, state and kind."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from switchboard.compliance import number_text
from switchboard.compliance.data import area_codes
from switchboard.compliance.number_text import NotDialableError
from switchboard.errors import Invalid

#: The pattern of the contracts, limited to ASCII digits.
E164_PATTERN = r"^\+[1-9][0-9]{6,14}$"

_MAX_E164_CHARACTERS = 16
_E164 = re.compile(E164_PATTERN.removesuffix("$"))
# Neither an area code nor an exchange begins with 0 or 1, and no area code is a service code (911).
_NORTH_AMERICAN = re.compile(r"\+1(?!.11)[2-9][0-9]{2}[2-9][0-9]{6}")
_FICTIONAL = re.compile(r"\+1[2-9][0-9]{2}55501[0-9]{2}")
# Test numbers of carriers. The area code 500 belongs to no place, and nobody holds this exchange.
_MAGIC = re.compile(r"\+150055500[0-9]{2}")
#: Country codes of satellites, ships, global networks and international premium rate: each minute costs dollars.
_COSTLY_CODES = frozenset({808, 870, 878, 881, 882, 883, 888, 979})
#: The library's names of the kinds whose calls cost more than a talk is sold for. Nobody talks on a pager.
_COSTLY_KINDS = ("PREMIUM_RATE", "SHARED_COST", "PERSONAL_NUMBER", "PAGER")


class NumberKind(StrEnum):
    """Whether a number belongs to a place."""

    GEOGRAPHIC = "geographic"
    TOLL_FREE = "toll_free"
    NON_GEOGRAPHIC = "non_geographic"


@dataclass(frozen=True, slots=True)
class Phone:
    """A telephone number. `region` is an ISO 3166 code, or None if the country is unknown."""

    e164: str
    country_code: int
    national: str
    region: str | None
    kind: NumberKind
    area_code: str | None = None
    state: str | None = None

    @property
    def american(self) -> bool:
        """Whether the law of the United States applies. Includes +1 numbers whose country is unknown."""
        return self.country_code == 1 and self.region in {None, "US", *area_codes.TERRITORIES}

    @property
    def reaches_nobody(self) -> bool:
        """Whether no telephone can ring: a number for fiction (555-0100 to 555-0199) or of the test exchange."""
        fictional = self.kind is NumberKind.GEOGRAPHIC and _FICTIONAL.fullmatch(self.e164)
        return bool(fictional or _MAGIC.fullmatch(self.e164))


def is_number(text: str) -> bool:
    """Whether a text is a telephone number in E.164, and not a name or a short code."""
    try:
        parse(text)
    except Invalid:
        return False
    return True


def is_costly(text: str) -> bool:
    """Whether a call pays the number's holder or goes to a costly network. Raises Invalid for an invalid number.

    The library knows the kind of a complete number only, but networks ignore surplus digits. So a number of no known
    kind is costly if it begins with a costly number, or if a costly number begins with it.
    """
    found = parse(text)
    if found.reaches_nobody:
        return False
    if found.country_code in _COSTLY_CODES:
        return True
    import phonenumbers  # for cold start: the library is large

    costly = {getattr(phonenumbers.PhoneNumberType, name) for name in _COSTLY_KINDS}
    kind = phonenumbers.number_type(phonenumbers.parse(text))
    if kind != phonenumbers.PhoneNumberType.UNKNOWN:
        return kind in costly
    return any(phonenumbers.number_type(phonenumbers.parse(one)) in costly for one in _list_neighbors(found))


def _list_neighbors(found: Phone) -> Iterator[str]:
    """Returns the beginnings of a number, and numbers that begin with it, of all lengths that its country has."""
    from phonenumbers import ValidationResult, is_possible_number_with_reason, parse  # for cold start: as above

    for fewer in range(1, len(found.national) - 1):  # the library parses no single digit
        shorter = found.e164[:-fewer]
        if is_possible_number_with_reason(parse(shorter)) == ValidationResult.TOO_SHORT:
            break
        yield shorter
    for more in range(1, _MAX_E164_CHARACTERS + 1 - len(found.e164)):
        if is_possible_number_with_reason(parse(found.e164 + "0" * more)) == ValidationResult.TOO_LONG:
            break
        yield from (found.e164 + digit * more for digit in "0123456789")


def parse(text: str, field: str = "to") -> Phone:
    """Parses an E.164 number. `field` is the name that the caller sent it under.

    Raises Invalid, also for a number that no network could route.
    """
    if not _E164.fullmatch(text):
        raise _invalid(field)
    import phonenumbers  # for cold start: as above

    try:
        number = phonenumbers.parse(text)
    except phonenumbers.NumberParseException as error:
        raise _invalid(field) from error
    country = number.country_code or 0
    # Only the length is checked: the library's ranges of numbers in use get old. The carrier knows them.
    possible = phonenumbers.is_possible_number_with_reason(number) == phonenumbers.ValidationResult.IS_POSSIBLE
    if country == 1:
        possible = possible and bool(_NORTH_AMERICAN.fullmatch(text))
    if not possible or phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164) != text:
        raise _invalid(field)
    if country == 1:
        return _north_american(text, phonenumbers.region_code_for_number(number))
    region = phonenumbers.region_code_for_number(number) or phonenumbers.region_code_for_country_code(country)
    return Phone(
        e164=text,
        country_code=country,
        national=phonenumbers.national_significant_number(number),
        region=None if region in ("ZZ", "001") else region,
        kind=NumberKind.NON_GEOGRAPHIC if region in ("ZZ", "001") else NumberKind.GEOGRAPHIC,
    )


def parse_pasted(text: str, field: str = "e164") -> Phone:
    """Parses a number as people write and paste it (`number_text`). Raises Invalid with the name of the field."""
    try:
        return parse(number_text.normalize_number(text))
    except NotDialableError as error:
        raise Invalid(f"This number {error}.", code="invalid_number", fields={field: str(error)}) from None
    except Invalid as error:
        told = error.details["fields"]["to"]
        raise Invalid(error.message, code=error.code, fields={field: told}) from None


def _north_american(text: str, library_region: str | None) -> Phone:
    code, kind, state, region = text[2:5], NumberKind.GEOGRAPHIC, None, library_region
    if code in area_codes.NON_GEOGRAPHIC:
        kind = NumberKind.TOLL_FREE if code in area_codes.TOLL_FREE else NumberKind.NON_GEOGRAPHIC
        region = "US"  # shared by the whole numbering plan, whose strictest law is American
    elif code in area_codes.AREA_CODES:
        state = area_codes.AREA_CODES[code][0]
        region = state if state in area_codes.TERRITORIES else "US"
    return Phone(e164=text, country_code=1, national=text[2:], region=region, kind=kind, area_code=code, state=state)


def _invalid(field: str) -> Invalid:
    return Invalid(
        "Invalid telephone number: use E.164, for example +14155550142.",
        code="invalid_number",
        fields={field: "must be an E.164 number such as +14155550142"},
    )
